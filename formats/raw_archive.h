/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The form that Google Compute Engine imports: a tar archive of GNU tar's old format, packed by
 * gzip, whose only member is disk.raw, of whole GiB. */
#ifndef VMF_FORMATS_RAW_ARCHIVE_H
#define VMF_FORMATS_RAW_ARCHIVE_H

#include "format.h"

/* Sets the name and the size of the member: the disk filled up. VMF_UNSUPPORTED: it is more than an
 * archive can hold. */
VMF_MUST_CHECK enum vmf_code raw_archive_shape(uint64_t guest_size, struct vmf_shape *shape,
                                               struct vmf_error *error);

/* What stands before the data of the disk and behind it, as gzip members from *end on, which is
 * where the next one goes then. */
VMF_MUST_CHECK enum vmf_code raw_archive_begin(struct vmf_target *target, uint64_t *end,
                                               struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code raw_archive_finish(struct vmf_target *target, uint64_t *end,
                                                struct vmf_error *error);

#endif
