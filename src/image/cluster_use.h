/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * For checks of images whose file is made of clusters: which of them the tables use. None may be
 * used twice, and one that is not used at all is a leak. */
#ifndef VMF_IMAGE_CLUSTER_USE_H
#define VMF_IMAGE_CLUSTER_USE_H

#include "format.h"

struct vmf_cluster_use {
  const struct vmf_io *io;
  struct vmf_findings *findings;
  uint64_t base, size; /* where the first cluster stands in the file; bytes of each */
  uint64_t count;      /* of those that the file has, the last one perhaps in part */
  uint64_t last;       /* where the data of the entry before stands; 0: none does */
  uint8_t *used;       /* a bit a cluster */
};

/* A file of more clusters than can be examined is VMF_LIMIT. vmf_cluster_use_free follows in any
 * case. */
VMF_MUST_CHECK enum vmf_code vmf_cluster_use_begin(struct vmf_cluster_use *use,
                                                   const struct vmf_io *io, uint64_t base,
                                                   uint64_t size, struct vmf_findings *findings,
                                                   struct vmf_error *error);
void vmf_cluster_use_free(struct vmf_cluster_use *use);

/* Counts one corruption. False: it is not told, so many have been. */
bool vmf_cluster_use_told(struct vmf_cluster_use *use);

/* A structure of the file, or the data of an entry, `what`: [offset, offset + length), which lies
 * in the file. False: a part of it is used already, which is counted and told. */
bool vmf_cluster_use_take(struct vmf_cluster_use *use, uint64_t offset, uint64_t length,
                          const char *what);

/* Room of the file, as far as it has it, that belongs to something, be it used or not. */
void vmf_cluster_use_reserve(struct vmf_cluster_use *use, uint64_t offset, uint64_t length);

/* Packed data of an entry, which may share clusters with other packed data. */
void vmf_cluster_use_pack(struct vmf_cluster_use *use, uint64_t offset, uint64_t length);

/* The data of the next entry in guest order, one cluster: counts it, and whether it follows the one
 * before. Answers as vmf_cluster_use_take. */
bool vmf_cluster_use_data(struct vmf_cluster_use *use, uint64_t offset, const char *what);

/* Counts what is not used. */
void vmf_cluster_use_end(struct vmf_cluster_use *use);

#endif
