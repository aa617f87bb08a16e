/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where a new image's ids come from. */
#ifndef VMF_IMAGE_IDENTITY_H
#define VMF_IMAGE_IDENTITY_H

#include "image.h"

/* Random ids and the present time; or, with SOURCE_DATE_EPOCH in the environment, that time and ids
 * that follow from format, options, size and source: its name without folder and its first and last
 * MiB, where partition tables keep ids of their own, so that two disks of one machine differ. name:
 * the source's path, or the target's of an empty disk. See epoch.h. */
VMF_MUST_CHECK enum vmf_code vmf_identity_make(const char *format, const char *options,
                                               uint64_t guest_size, struct vmf_image *source,
                                               const char *name, struct vmf_identity *identity,
                                               struct vmf_error *error);

/* A digest of some of the bytes of a disk: its ends, and a few between. */
VMF_MUST_CHECK enum vmf_code vmf_identity_sample(struct vmf_image *source,
                                                 uint8_t digest[VMF_DIGEST_MAX],
                                                 struct vmf_error *error);

#endif
