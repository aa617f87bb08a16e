/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Verbs that take several operands and answer for one after the other. */
#ifndef VMF_CLI_EACH_H
#define VMF_CLI_EACH_H

#include "verb.h"

/* Runs `one` with the settings that `command` begins, for each operand as the only one; returns the
 * worst exit status: the first of `order` that came up (it ends with 0), or the highest where that
 * is NULL. A signal ends it. */
int vmf_each_operand(struct vmf_command *command, int (*one)(void *settings), const int *order);

/* For people: "==> NAME <==" above the answer for the operand, where there are several. */
void vmf_each_head(struct vmf_command *command);

/* Before an answer in JSON: several are a list. */
void vmf_each_item(struct vmf_command *command);

/* The worse of two exit statuses by such an order. That of a signal comes before all; one that the
 * order does not have (75, say) is still no 0. */
int vmf_each_worse(int one, int other, const int *order);

#endif
