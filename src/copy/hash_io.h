/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The digest of a file's bytes. */
#ifndef VMF_COPY_HASH_IO_H
#define VMF_COPY_HASH_IO_H

#include "crew.h"
#include "digest.h"
#include "io.h"

/* A vmf_lane_work: its context is a struct vmf_digest. */
VMF_MUST_CHECK enum vmf_code vmf_hash_work(void *digest, const uint8_t *bytes, uint64_t length,
                                           struct vmf_error *error);

/* Reads all of io on the caller's thread, while the crew's hash what has been read. cancel: or
 * NULL. */
VMF_MUST_CHECK enum vmf_code vmf_hash_io(struct vmf_crew *crew, struct vmf_io *io,
                                         enum vmf_digest_kind kind, const struct vmf_cancel *cancel,
                                         uint8_t result[VMF_DIGEST_MAX], struct vmf_error *error);

#endif
