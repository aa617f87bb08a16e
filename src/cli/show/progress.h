/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How far a job is: a bar on a terminal, lines (-p) or JSON (--progress=json) elsewhere, and the
 * line that SIGUSR1 asks for. All on standard error, but for JSON with a descriptor of its own. */
#ifndef VMF_CLI_PROGRESS_H
#define VMF_CLI_PROGRESS_H

#include "verb.h"

enum vmf_progress_form {
  VMF_PROGRESS_NONE, /* but for SIGUSR1 */
  VMF_PROGRESS_BAR,
  VMF_PROGRESS_LINES,
  VMF_PROGRESS_JSON,
  VMF_PROGRESS_TOLD /* to the listener of the command */
};

struct vmf_progress {
  enum vmf_progress_form form;
  int descriptor;                      /* of VMF_PROGRESS_JSON */
  const struct vmf_listener *listener; /* of VMF_PROGRESS_TOLD */
  const char *name;                    /* of what is made or read */
  const char *work;                    /* what a pass over a disk does: "copying" */
  const char *behind; /* what is done when all is read; NULL: nothing that takes time */
  const char *phase;  /* what is being done: `work`, or what is before or behind */
  bool ahead;         /* it comes before the work whose percents never go back: of that it is 0 */
  unsigned pass, passes; /* over the disk, of equal weight: convert, verify */
  uint64_t done, total;  /* of the pass; bytes of the files that are read */
  uint64_t started_milliseconds, pass_milliseconds, phase_milliseconds, printed_milliseconds;
  bool printed; /* a line of it */
};

/* Nothing is shown before the first phase or pass begins; from then on it stays where it is until
 * vmf_progress_end, since it is shown again and again while nothing is told. */
struct vmf_progress vmf_progress_begin(const struct vmf_command *command, const char *name,
                                       const char *work);

/* What is done now, where no bytes tell how far it is: "tables", "syncing". */
void vmf_progress_phase(struct vmf_progress *progress, const char *phase);

/* Another pass over the disk. */
void vmf_progress_next(struct vmf_progress *progress, const char *work);

/* For struct vmf_job_options; `data` is a struct vmf_progress. */
void vmf_progress_show(void *data, uint64_t done, uint64_t total);

/* Takes the bar away; `finished`: all is done, which the last line says. */
void vmf_progress_end(struct vmf_progress *progress, bool finished);

/* Takes the bar away until it is shown again: before anything else is printed. Any thread. */
void vmf_progress_hide(void);

/* Milliseconds of a clock that never goes back. */
uint64_t vmf_progress_now(void);

#endif
