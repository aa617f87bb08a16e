/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Telling a descriptor from any other content. */
#ifndef VMF_OVF_ENVELOPE_HEAD_H
#define VMF_OVF_ENVELOPE_HEAD_H

#include "io.h"

/* Whether the content is an OVF descriptor: behind nothing but a byte order mark, blanks, the XML
 * declaration and comments stands the root element Envelope, in a namespace of OVF that its own
 * start tag declares. */
bool vmf_envelope_at_start(struct vmf_io *io);

#endif
