/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Exit statuses and the lines on standard error: the only place that knows either. */
#ifndef VMF_CLI_STATUS_H
#define VMF_CLI_STATUS_H

#include "verb.h"

enum vmf_exit {
  VMF_EXIT_DONE = 0,
  VMF_EXIT_OTHER = 1, /* wrong usage, no memory, a file that cannot be opened */
  VMF_EXIT_INPUT = 2, /* a broken or hostile input */
  VMF_EXIT_READ = 3,
  VMF_EXIT_WRITE = 4,
  VMF_EXIT_CHANGED = 6,
  VMF_EXIT_IN_USE = 7,
  VMF_EXIT_DIFFERENT = 8,
  VMF_EXIT_UNSUPPORTED = 9,
  VMF_EXIT_SECRET = 10,    /* of an encrypted disk: wrong, or not given */
  VMF_EXIT_SALVAGED = 11,  /* the target is there, without what could not be read */
  VMF_EXIT_TEMPORARY = 75, /* another try, later, may go well (EX_TEMPFAIL) */
  VMF_EXIT_SIGNAL = 128,   /* plus the signal's number */
};

/* The exit status for a code; for VMF_CANCELLED 128 plus the signal that was caught. */
int vmf_status_of(enum vmf_code code);

/* "vmferry: TEXT" on standard error, control characters escaped; one write, any thread. */
void vmf_status_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same of the work of a command: to its listener, where it has one. */
void vmf_status_say(const struct vmf_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* From now on it is kept back, of a try that may be thrown away, if there is memory for it. */
void vmf_status_hold(struct vmf_command *command);

/* The end of that: `told`, or forgotten. Nothing where nothing is kept back. */
void vmf_status_release(struct vmf_command *command, bool told);

/* Prints the error and returns its exit status. */
int vmf_status_report(const struct vmf_error *error);

/* For struct vmf_log, `data` is a struct vmf_command: "vmferry: warning: TEXT", "vmferry: TEXT". */
void vmf_status_warn(void *data, const char *text);
void vmf_status_note(void *data, const char *text);

#endif
