/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The whole disk held against the digests that its file has of it. */
#ifndef VMF_IMAGE_DISK_DIGESTS_H
#define VMF_IMAGE_DISK_DIGESTS_H

#include "format.h"

/* Where reader->check_reads. Units that cannot be read are told each, and then no digest is
 * compared. */
VMF_MUST_CHECK enum vmf_code vmf_check_digests(struct vmf_image *image,
                                               struct vmf_findings *findings,
                                               struct vmf_error *error);

#endif
