/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Scripts by which the schedulers of others do the jobs of a list, a task each. No name of a job
 * stands in them: a task is told its place in the list. */
#ifndef VMF_CLI_BATCH_EMIT_H
#define VMF_CLI_BATCH_EMIT_H

#include <stdio.h>

#include "batch.h"

/* VMF_USAGE: it is no such scheduler, or another option says what the tasks do. */
VMF_MUST_CHECK enum vmf_code vmf_batch_emit_check(const struct vmf_batch_settings *settings,
                                                  struct vmf_error *error);

/* Whether the tasks see the files that this machine sees. */
bool vmf_batch_emit_is_here(const struct vmf_batch_settings *settings);

/* Writes the script, for at_once tasks at a time. */
VMF_MUST_CHECK enum vmf_code vmf_batch_emit(const struct vmf_batch_settings *settings,
                                            unsigned at_once, FILE *out, struct vmf_error *error);

/* ---- for those who write one ---- */

/* What every script holds. */
struct vmf_emitting {
  char *folder;             /* where the tasks work; owned */
  char *reports;            /* a folder for what they tell, relative to it or not; owned */
  const char *list;         /* the name of the list */
  struct vmf_words carried; /* options of the batch that each task gets, a word each; owned */
  size_t tasks;
  bool shared; /* a task does every so many jobs (--task), not one of them (--index) */
  unsigned at_once;
};

/* A Job of Kubernetes with an index, in YAML. */
VMF_MUST_CHECK enum vmf_code vmf_emit_kubernetes(const struct vmf_emitting *emitting, FILE *out,
                                                 struct vmf_error *error);

#endif
