/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Signals: the ones that end a job set a flag that the library watches, so that temporary files
 * vanish before the process does. */
#ifndef VMF_CLI_SIGNALS_H
#define VMF_CLI_SIGNALS_H

#include "vmferry.h"

/* A closed pipe becomes a write error. For every verb. */
void vmf_signals_ignore_pipe(void);

/* SIGINT, SIGTERM and SIGHUP set the flag; SIGUSR1 asks for a progress line. Only for verbs that
 * hand the flag to a job. */
void vmf_signals_catch(void);

const struct vmf_cancel *vmf_signals_cancel(void);
int vmf_signals_caught(void); /* the first signal that set the flag, or 0 */

/* Waits until the descriptor takes what is told. False: it takes nothing, and the flag is set: a
 * thread that no signal interrupts would write, and wait, for good. Any thread. */
bool vmf_signals_wait_for_room(int descriptor);

bool vmf_signals_take_usr1(void); /* whether SIGUSR1 came since the last call */

#endif
