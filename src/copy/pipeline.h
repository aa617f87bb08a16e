/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Jobs are worked on by any thread of a crew and retire, on the caller's thread, in the
 * order in which they were submitted. Before, a job may have work that must be done in order, but
 * on any thread (a digest): its turn. And one that has retired may have work that no longer needs
 * an order (writing to a place that is now known). A fixed number of jobs exists: that is the
 * memory bound. */
#ifndef VMF_COPY_PIPELINE_H
#define VMF_COPY_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crew.h"

struct vmf_stage {
  size_t job_size, scratch_size; /* zeroed once; jobs are recycled, a scratch belongs to a thread */
  enum vmf_code (*work)(void *job, void *scratch, void *context, struct vmf_error *error);
  /* Behind the work, which may be NULL then: of the jobs of one series one at a time, in the order
   * of submission; not called for one whose work failed. NULL: there are no turns. */
  enum vmf_code (*in_turn)(void *job, void *context, struct vmf_error *error);
  enum vmf_code (*store)(void *job, void *context, struct vmf_error *error);
  /* For a thread that has nothing else to do: does what a job will need, or returns false. NULL:
   * there is no such thing. */
  bool (*ahead)(void *data);
  void *ahead_data;
  void (*free_job)(void *job);         /* what a job holds; accepts a zeroed one */
  void (*free_scratch)(void *scratch); /* likewise */
  unsigned series;                     /* that jobs are submitted to; 0: there are no turns */
  unsigned stores;                     /* how many may be under way at once; 0: any number */
};

struct vmf_pipeline;

/* share: of the crew, which lives longer; share->threads == 0: all work is done on the caller's
 * thread. share->jobs >= 1. */
VMF_MUST_CHECK enum vmf_code vmf_pipeline_new(struct vmf_crew *crew, const struct vmf_stage *stage,
                                              void *context, const struct vmf_share *share,
                                              struct vmf_pipeline **pipeline,
                                              struct vmf_error *error);

/* A job to fill, or NULL: retire one first. While none is free, and the oldest has not been worked
 * on, waits for one that is being stored. */
void *vmf_pipeline_claim(struct vmf_pipeline *pipeline);

/* Hands over the job that was claimed last; where there are turns, to a series below stage.series.
 */
void vmf_pipeline_submit(struct vmf_pipeline *pipeline); /* series 0 */
void vmf_pipeline_submit_to(struct vmf_pipeline *pipeline, unsigned series);

/* Waits for work and turn of the oldest submitted job; *job = NULL when there is none. Fails with
 * that job's error, or with the error of a store: the first in order of submission wins. */
VMF_MUST_CHECK enum vmf_code vmf_pipeline_oldest(struct vmf_pipeline *pipeline, void **job,
                                                 struct vmf_error *error);

/* The oldest job is done with; or: its store is to be called by any thread. */
void vmf_pipeline_retire(struct vmf_pipeline *pipeline);
void vmf_pipeline_store(struct vmf_pipeline *pipeline);

/* How many jobs have been retired, or given to be stored; and whether all of the first `count` of
 * them have been stored, well. */
uint64_t vmf_pipeline_passed(const struct vmf_pipeline *pipeline);
bool vmf_pipeline_stored(struct vmf_pipeline *pipeline, uint64_t count);

/* Waits for all stores. */
VMF_MUST_CHECK enum vmf_code vmf_pipeline_drain(struct vmf_pipeline *pipeline,
                                                struct vmf_error *error);

/* Waits for the threads, which begin nothing new, and frees all. NULL is allowed. */
void vmf_pipeline_free(struct vmf_pipeline *pipeline);

#endif
