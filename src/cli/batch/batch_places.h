/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the jobs of a batch read and write, by what the names lead to, and what is wrong with it.
 */
#ifndef VMF_CLI_BATCH_PLACES_H
#define VMF_CLI_BATCH_PLACES_H

#include "batch.h"

/* One name of one job. */
struct vmf_batch_place {
  const struct vmf_batch_job *job;
  char *path;   /* without symlinks; of a target that is a folder, what would be put there; owned */
  bool written; /* it is the target, or another file that is written */
  bool option;  /* it is read since an option names it: the job itself may write it */
};

struct vmf_batch_places {
  struct vmf_batch_place *list;
  size_t count, capacity;
};

/* Where a file is, or would be: its path without symlinks, for the caller to free. VMF_USAGE: its
 * folder is not there, or may not be written to. */
VMF_MUST_CHECK enum vmf_code vmf_batch_place(const char *path, char **place,
                                             struct vmf_error *error);

/* Adds the names of a job. VMF_USAGE: a source is not there, or the target has no folder. */
VMF_MUST_CHECK enum vmf_code vmf_batch_places_add(struct vmf_batch_places *places,
                                                  const struct vmf_batch_job *job,
                                                  struct vmf_error *error);

/* Adds another file that the job writes. */
VMF_MUST_CHECK enum vmf_code vmf_batch_places_add_file(struct vmf_batch_places *places,
                                                       const struct vmf_batch_job *job,
                                                       const char *path, struct vmf_error *error);

/* Adds a file that an option of the job names, to be read. VMF_USAGE: it is not there. */
VMF_MUST_CHECK enum vmf_code vmf_batch_places_add_read(struct vmf_batch_places *places,
                                                       const struct vmf_batch_job *job,
                                                       const char *path, struct vmf_error *error);

/* Calls `clash` for every target that another job writes or reads, or whose folder is such a
 * target. Sorts the list. */
void vmf_batch_places_compare(struct vmf_batch_places *places,
                              void (*clash)(void *data, const struct vmf_batch_place *target,
                                            const struct vmf_batch_place *other),
                              void *data);

void vmf_batch_places_free(struct vmf_batch_places *places);

#endif
