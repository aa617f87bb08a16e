/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The jobs of a batch, as a list tells them or a pattern finds them. */
#ifndef VMF_CLI_JOB_LIST_H
#define VMF_CLI_JOB_LIST_H

#include "word_list.h"

/* One conversion. */
struct vmf_listed_job {
  char *id;      /* its name in all that is told: the target, unless the list says another */
  size_t index;  /* among all jobs of the list, from 0 on */
  unsigned line; /* in the list; of a pattern: which of its matches; from 1 on */
  struct vmf_words options;  /* of `convert` */
  struct vmf_words operands; /* sources, and the target last */
};

enum { VMF_JOBS_MOST = 1000000 };

struct vmf_job_list {
  const char *name; /* for messages: of the file, or the pattern */
  struct vmf_listed_job *jobs;
  size_t count, capacity;
  size_t listed;             /* jobs before it was thinned */
  struct vmf_words defaults; /* options of all jobs that are added, in front of their own */
};

/* A list in a file ("-": standard input), in one of two spellings. Lines: SOURCE, TAB, TARGET and
 * perhaps TAB and options of `convert`; "#" begins a comment, "@defaults" options of the lines
 * behind it, in place of those before. Names stand as they are, or quoted as in a shell where they
 * begin with a quote. Or an object of JSON a line: "src" (a name, or several that are joined),
 * "dst", and perhaps "id" and "options". The first line that is neither empty nor a comment
 * decides. VMF_USAGE names the line. */
VMF_MUST_CHECK enum vmf_code vmf_job_list_read(struct vmf_job_list *list, struct vmf_error *error);

/* A job for each file that matches the pattern, in order; in `target` {name} is the file's name
 * without its folder, {stem} that without its last suffix, {dir} its folder. */
VMF_MUST_CHECK enum vmf_code vmf_job_list_match(struct vmf_job_list *list, const char *target,
                                                struct vmf_error *error);

/* Leaves of the list every `step`th job from the one at `first` on. */
void vmf_job_list_thin(struct vmf_job_list *list, size_t first, size_t step);

void vmf_job_list_free(struct vmf_job_list *list);

/* What one of its jobs owns. */
void vmf_job_list_free_job(struct vmf_listed_job *job);

/* ---- for those who read a list ---- */

/* A new job with the list's defaults, which is freed with the list. */
VMF_MUST_CHECK enum vmf_code vmf_job_list_add(struct vmf_job_list *list, unsigned line,
                                              struct vmf_listed_job **job, struct vmf_error *error);

/* One line of JSON. */
VMF_MUST_CHECK enum vmf_code vmf_job_object(struct vmf_job_list *list, unsigned line,
                                            const char *text, struct vmf_error *error);

#endif
