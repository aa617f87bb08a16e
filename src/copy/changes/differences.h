/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Every stretch where one disk has other bytes than another. */
#ifndef VMF_COPY_DIFFERENCES_H
#define VMF_COPY_DIFFERENCES_H

#include "image.h"

enum { VMF_DIFFERENCE_BLOCK = 4096 };

/* Whole blocks, but at the end of the disk. Behind its end a disk has zeros. */
struct vmf_difference {
  uint64_t guest, length;
  bool zero;                   /* all of `b` */
  const uint8_t *bytes, *were; /* of b, and of a: as long as the visit */
};

typedef enum vmf_code vmf_difference_visitor(void *data, const struct vmf_difference *difference,
                                             struct vmf_error *error);

/* Two disks, and how much of them is looked at. */
struct vmf_differing {
  struct vmf_image *a, *b;
  uint64_t size;                 /* bytes, from the first on */
  bool a_changes;                /* a is written to meanwhile, by the visitor */
  vmf_difference_visitor *visit; /* NULL: stops at the first difference, and reads all before it;
                                  * else what both have at one place of one file is not read */
  void *data;
};

/* Fills result->data_bytes (that were looked at), identical and difference. visit is called on the
 * caller's thread, in guest order. */
VMF_MUST_CHECK enum vmf_code vmf_differences(struct vmf_differing *differing,
                                             const struct vmf_job_options *options,
                                             struct vmf_job_result *result,
                                             struct vmf_error *error);

#endif
