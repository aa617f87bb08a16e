/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a new image needs of the file system that it goes to, before it is written. */
#ifndef VMF_COPY_NEED_H
#define VMF_COPY_NEED_H

#include "room.h"
#include "target.h"

/* One disk that is to be written. */
struct vmf_need {
  struct vmf_image *source;
  uint64_t size;                   /* of the guest disk */
  const struct vmf_format *format; /* of the target */
  const void *options;             /* of its writer, parsed */
  const struct vmf_shape *shape;
  uint32_t sparse_size; /* bytes of zeros that make a hole */
};

/* Bytes that will be written: no fewer, no more. */
struct vmf_amount {
  uint64_t least, most;
};

/* As the map of the source tells; it is not even looked at where all of the disk is `enough`. */
VMF_MUST_CHECK enum vmf_code vmf_need_by_map(const struct vmf_need *need, uint64_t enough,
                                             struct vmf_amount *amount, struct vmf_error *error);

/* As its data tells: read up to where it is more than `enough`. Where only packing would tell, that
 * is what the map told. Of options threads, crew and cancel count. */
VMF_MUST_CHECK enum vmf_code vmf_need_by_data(const struct vmf_need *need, uint64_t enough,
                                              const struct vmf_job_options *options,
                                              struct vmf_amount *amount, struct vmf_error *error);

/* VMF_WRITE: the least of it has no place. Where the most may have none, log is told. name: of the
 * target. */
VMF_MUST_CHECK enum vmf_code vmf_need_judge(const char *name, const struct vmf_room *room,
                                            const struct vmf_amount *amount,
                                            const struct vmf_log *log, struct vmf_error *error);

#endif
