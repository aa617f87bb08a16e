/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The journal of an object of a store: behind its head, which says what is converted, lines say
 * which upload it is ("upload TAB ID"), and what object is about to be made of it ("object TAB
 * TAG"); the last ones hold. A line without its end was not written. Private to this folder. */
#ifndef VMF_IO_UPLOADED_H
#define VMF_IO_UPLOADED_H

#include "output_inside.h"

/* The journal is held, and has `size` bytes: output->upload becomes that of its run. */
VMF_MUST_CHECK enum vmf_code vmf_uploaded_load(struct vmf_output *output, uint64_t size,
                                               struct vmf_error *error);

/* Closes the object, which tells whether anything is left for another run. No effect on other
 * outputs. */
void vmf_uploaded_close(struct vmf_output *output);

#endif
