/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file of a package while it is written from its first byte to its last, hashed on the way: by a
 * thread of the crew while the next bytes are made. */
#ifndef VMF_PACKAGE_MAKE_SINK_H
#define VMF_PACKAGE_MAKE_SINK_H

#include "crew.h"
#include "hash_io.h"

/* A sequential io (see struct vmf_io) on `base`, which is not owned and starts empty at this file's
 * first byte. Small writes are gathered. One thread at a time. The crew lives longer. */
VMF_MUST_CHECK enum vmf_code vmf_sink_new(struct vmf_io *base, struct vmf_crew *crew,
                                          const bool wanted[VMF_DIGEST_KINDS], struct vmf_io **sink,
                                          struct vmf_error *error);

/* All bytes have been written: hands the rest to the base and gives the digests of all of them
 * that were wanted. */
VMF_MUST_CHECK enum vmf_code vmf_sink_end(struct vmf_io *sink,
                                          uint8_t digests[VMF_DIGEST_KINDS][VMF_DIGEST_MAX],
                                          struct vmf_error *error);

#endif
