/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What of a source cannot be read or unpacked becomes zeros, and is told: for a failing drive or a
 * damaged image, where something is better than nothing. */
#ifndef VMF_COPY_SALVAGE_H
#define VMF_COPY_SALVAGE_H

#include "image.h"

enum { VMF_LOSS_TEXT = 256 };

/* A stretch of the guest disk that was lost. */
struct vmf_loss {
  uint64_t guest, length;
  char why[VMF_LOSS_TEXT]; /* of its first bytes; may be cut short */
};

/* Those of one job, in guest order, apart from each other. Kept and filled again. */
struct vmf_losses {
  struct vmf_loss *list;
  size_t count, capacity;
};

/* Constant while it is used, by any thread. */
struct vmf_salvage {
  const struct vmf_stretch *unread; /* in guest order, apart; not owned */
  size_t unread_count;
  /* Bytes of spans that are on these cannot be read: those in `unread`, and those whose place the
   * tables of an image do not tell. */
  struct vmf_io excluded, unmapped;
};

/* VMF_USAGE when options->unread is not in order. */
VMF_MUST_CHECK enum vmf_code vmf_salvage_init(struct vmf_salvage *salvage,
                                              const struct vmf_job_options *options,
                                              struct vmf_error *error);

/* vmf_image_span, for all that follows `guest`; fails only for what is no damage. */
VMF_MUST_CHECK enum vmf_code vmf_salvage_span(struct vmf_salvage *salvage, struct vmf_image *image,
                                              uint64_t guest, struct vmf_span *span,
                                              struct vmf_error *error);

/* vmf_loader_read_spans, but what cannot be read is zeros and in *losses: sectors of plain data,
 * whole spans of packed units. Of a stretch with losses nothing is left in *kept (or NULL). */
VMF_MUST_CHECK enum vmf_code vmf_salvage_read(struct vmf_loader *loader,
                                              const struct vmf_spans *spans, void *buffer,
                                              size_t length, uint64_t guest, struct vmf_kept *kept,
                                              struct vmf_losses *losses, struct vmf_error *error);

/* Whether one of them is among [guest, guest + length). */
bool vmf_losses_touch(const struct vmf_losses *losses, uint64_t guest, uint64_t length);

void vmf_losses_free(struct vmf_losses *losses);

/* Memory that the losses of a job of this length take at most; bytes. */
size_t vmf_losses_memory(uint32_t job_bytes);

/* Tells options->lost of losses, which come in guest order; neighbours are told as one, so the last
 * stays in *pending (length 0: none) until vmf_salvage_tell_last. */
void vmf_salvage_tell(struct vmf_loss *pending, const struct vmf_losses *losses,
                      const struct vmf_job_options *options, struct vmf_job_result *result);
void vmf_salvage_tell_last(struct vmf_loss *pending, const struct vmf_job_options *options,
                           struct vmf_job_result *result);

#endif
