/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One file of a package that is made: how its content comes, and how long it will be. */
#ifndef VMF_PACKAGE_MAKE_WRITTEN_H
#define VMF_PACKAGE_MAKE_WRITTEN_H

#include "assemble.h"

/* How the content comes; a copy is FIXED. */
VMF_MUST_CHECK enum vmf_code vmf_written_shape(const struct vmf_assembly_file *file,
                                               struct vmf_shape *shape, struct vmf_error *error);

/* The target that writes a disk into `io`. */
VMF_MUST_CHECK enum vmf_code vmf_written_target(const struct vmf_assembly_file *file,
                                                struct vmf_io *io, const struct vmf_log *log,
                                                struct vmf_target **target,
                                                struct vmf_error *error);

/* How many bytes a disk will have, which `into` then writes. Where only packing tells, it is packed
 * for nothing but that, which the log is told. */
VMF_MUST_CHECK enum vmf_code vmf_written_size(const struct vmf_assembly_file *file,
                                              struct vmf_target *into, struct vmf_crew *crew,
                                              const struct vmf_package_target *target,
                                              uint64_t *bytes, struct vmf_error *error);

#endif
