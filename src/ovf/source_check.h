/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The digests of a source's files, checked against its manifest while the files are converted: the
 * hash follows behind what the conversion has just read, so that the bytes come from the page cache
 * and each file is fetched from the disk once. */
#ifndef VMF_OVF_SOURCE_CHECK_H
#define VMF_OVF_SOURCE_CHECK_H

#include "package.h"

struct vmf_source_check;

/* For the stored file(s) of a References/File, or (file == NULL) for the one called `name`. Without
 * a manifest, or without an entry for a file, there is nothing to do. `manifest` and the package
 * live longer. */
VMF_MUST_CHECK enum vmf_code vmf_source_check_new(struct vmf_package *package,
                                                  const struct vmf_manifest *manifest,
                                                  const struct vmf_ovf_file *file, const char *name,
                                                  struct vmf_source_check **check,
                                                  struct vmf_error *error);

/* Hashes about `done` / `total` of it. */
VMF_MUST_CHECK enum vmf_code vmf_source_check_follow(struct vmf_source_check *check, uint64_t done,
                                                     uint64_t total, struct vmf_error *error);

/* Hashes the rest and compares: VMF_DIFFERENT names the file. */
VMF_MUST_CHECK enum vmf_code vmf_source_check_end(struct vmf_source_check *check,
                                                  const struct vmf_cancel *cancel,
                                                  struct vmf_error *error);
void vmf_source_check_free(struct vmf_source_check *check); /* NULL is allowed */

/* The descriptor, whose bytes are here. */
VMF_MUST_CHECK enum vmf_code vmf_source_check_descriptor(const struct vmf_package *package,
                                                         const struct vmf_manifest *manifest,
                                                         struct vmf_error *error);

#endif
