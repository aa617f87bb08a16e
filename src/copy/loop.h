/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The caller's side of every pass over a disk, or over several at once: hands what the feeds give
 * to the pipeline, and takes the jobs of each disk back in guest order. */
#ifndef VMF_COPY_LOOP_H
#define VMF_COPY_LOOP_H

#include "feed.h"
#include "pipeline.h"

struct vmf_loop {
  struct vmf_feed *feeds; /* of one disk, or of several that are worked through beside each other */
  size_t feed_count;
  const struct vmf_job_options *options; /* threads, cancel, progress */
  struct vmf_stage stage;   /* of jobs whose first member is a struct vmf_fed; vmf_fed_free is its
                             * free_job's work */
  void *context;            /* of the stage */
  struct vmf_demand demand; /* of memory, but for what the feed keeps in a job */
  bool skip_holes;          /* they are no jobs */
  /* Both on the caller's thread. before: may leave out some of what comes next (vmf_feed_skip), or
   * NULL. retire: a job on its way out, which vmf_pipeline_retire or vmf_pipeline_store ends;
   * *stop: nothing more is of interest. */
  enum vmf_code (*before)(struct vmf_loop *loop, struct vmf_error *error);
  enum vmf_code (*retire)(struct vmf_loop *loop, void *job, bool *stop, struct vmf_error *error);
  void *run; /* for the two */
  /* While it runs. */
  size_t at;        /* of feeds: the one that goes on now */
  unsigned turn;    /* stretches of it in a row */
  unsigned threads; /* that work for it; 0: the caller's alone */
  struct vmf_pipeline *pipeline;
  uint64_t done, total; /* for progress: bytes of the inputs' files */
  uint64_t data;        /* guest bytes handed out that count for options->max_bytes */
  uint64_t tell_at;     /* so many are worth a word; 0: not known yet */
  uint64_t started;     /* for options->rate: see rate.h */
};

/* Runs to the end of all disks. */
VMF_MUST_CHECK enum vmf_code vmf_loop_run(struct vmf_loop *loop, struct vmf_error *error);

/* So many more bytes of the guest disk are read, or written: VMF_LIMIT beyond options->max_bytes.
 * Zeros that a target only tells of cost nothing. */
VMF_MUST_CHECK enum vmf_code vmf_loop_admit(struct vmf_loop *loop, uint64_t length,
                                            struct vmf_error *error);

/* So many more bytes of the inputs' files have been dealt with. */
void vmf_loop_count(struct vmf_loop *loop, uint64_t bytes);

#endif
