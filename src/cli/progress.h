/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The progress line: "    (12.34/100%)" as qemu-img prints it. */
#ifndef VMF_CLI_PROGRESS_H
#define VMF_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct vmf_progress {
  FILE *out;                     /* NULL: nothing but what SIGUSR1 asks for */
  unsigned phase, phases;        /* of equal weight: convert, verify */
  uint64_t printed_milliseconds; /* when the last line was printed */
  bool started;
};

/* For struct vmf_job_options; `data` is a struct vmf_progress. */
void vmf_progress_show(void *data, uint64_t done, uint64_t total);

/* Ends the line; `finished`: with 100 %. */
void vmf_progress_end(struct vmf_progress *progress, bool finished);

#endif
