/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Work on bytes that must be done in their order, such as a digest, but on any thread: the caller
 * fills one buffer while others are worked on, one at a time. */
#ifndef VMF_COPY_LANE_H
#define VMF_COPY_LANE_H

#include <stdint.h>

#include "crew.h"

struct vmf_lane;

enum { VMF_LANE_BYTES = 1 << 20 /* of one buffer; a lane has a few */ };

/* The work. bytes == NULL: zeros. `length` is at most VMF_LANE_BYTES, but of zeros anything. */
typedef enum vmf_code vmf_lane_work(void *context, const uint8_t *bytes, uint64_t length,
                                    struct vmf_error *error);

/* A crew without threads: vmf_lane_push does the work. The crew lives longer. */
VMF_MUST_CHECK enum vmf_code vmf_lane_new(struct vmf_crew *crew, vmf_lane_work *work, void *context,
                                          struct vmf_lane **lane, struct vmf_error *error);

/* A buffer to fill, of VMF_LANE_BYTES. Waits until one is free; the one before must have been
 * pushed. */
uint8_t *vmf_lane_buffer(struct vmf_lane *lane);

/* The next bytes: the buffer, which is not written to any more but can be read until the next call
 * of vmf_lane_buffer; or (buffer == NULL) zeros. */
void vmf_lane_push(struct vmf_lane *lane, uint64_t length, const uint8_t *buffer);

/* Waits for all that has been pushed: the first failure, after which nothing more was done. */
VMF_MUST_CHECK enum vmf_code vmf_lane_finish(struct vmf_lane *lane, struct vmf_error *error);

/* Begins no more work, waits for what is being done. NULL is allowed. */
void vmf_lane_free(struct vmf_lane *lane);

#endif
