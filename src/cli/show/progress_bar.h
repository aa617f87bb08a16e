/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The bar: one line at the bottom of a terminal, fitted to its width, or a block of such. */
#ifndef VMF_CLI_PROGRESS_BAR_H
#define VMF_CLI_PROGRESS_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmf_progress_state {
  const char *name, *phase;
  double percent;
  uint64_t done, total; /* bytes; total 0: not known */
  double rate, left;    /* bytes a second, seconds; rate 0: not known */
  double waited;        /* seconds in a phase of which no bytes tell how far it is; else 0 */
};

/* Whether standard error is a terminal. */
bool vmf_progress_bar_possible(void);

/* Nothing happens while the program is in the background. */
void vmf_progress_bar_show(const struct vmf_progress_state *state);

/* Whether it is one that takes several lines: not a dumb one. */
bool vmf_progress_block_possible(void);

/* The same with a line for each of several, as many as there is room for, and one below them;
 * vmf_progress_hide takes them away. */
void vmf_progress_block_show(const struct vmf_progress_state *states, size_t count,
                             const struct vmf_progress_state *last);

#endif
