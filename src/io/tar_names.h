/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which names the members of an archive may have. */
#ifndef VMF_IO_TAR_NAMES_H
#define VMF_IO_TAR_NAMES_H

#include "tar.h"

/* A name that is safe; header: the place of the member's header, for the message. */
VMF_MUST_CHECK enum vmf_code vmf_tar_check_name(const char *archive, uint64_t header,
                                                const char *name, struct vmf_error *error);

/* No two members of one name, whatever the case of its letters. */
VMF_MUST_CHECK enum vmf_code vmf_tar_check_clashes(const char *archive, const struct vmf_tar *tar,
                                                   struct vmf_error *error);

#endif
