/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What can go wrong, who is told, and how to stop it. A part of <vmferry.h>. */
#ifndef VMFERRY_ERRORS_H
#define VMFERRY_ERRORS_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#define VMF_MUST_CHECK __attribute__((warn_unused_result))

enum vmf_code {
  VMF_OK = 0,
  VMF_USAGE,       /* the caller asked for something that does not exist or does not fit together */
  VMF_SYSTEM,      /* the operating system refused: a file that cannot be opened, no thread, ... */
  VMF_NOMEM,       /* no memory */
  VMF_CORRUPT,     /* an input breaks its format, or a part of it is missing */
  VMF_REFUSED,     /* an input asks for what the policy forbids (references, ambiguous content) */
  VMF_LIMIT,       /* an input is beyond a bound */
  VMF_READ,        /* reading failed */
  VMF_WRITE,       /* writing failed, no space left */
  VMF_CHANGED,     /* a source changed while it was read */
  VMF_IN_USE,      /* a running virtual machine or another program holds the image */
  VMF_DIFFERENT,   /* verification failed: what was written is not what was read */
  VMF_UNSUPPORTED, /* a known feature that this library does not have */
  VMF_CANCELLED,   /* the caller asked for it: vmf_cancel_request */
  VMF_TEMPORARY,   /* a server did not answer, or not in time: a later try may go well */
  VMF_SECRET,      /* the secret that an encrypted disk needs is wrong, or was not given */
};

/* What a code means, for people, without a full stop: "a source changed while it was read". Never
 * NULL, stays; any thread. */
const char *vmf_code_text(enum vmf_code code);

struct vmf_error {
  enum vmf_code code;
  int sys_errno; /* 0 when the cause is not a system call */
  char text[512];
};

struct stat;

/* Receives warnings, notes of what is done by the way, and details for who asks how it is done: one
 * line, no newline; and files. Any of them may be NULL. May be called by any thread. */
struct vmf_log {
  void (*warn)(void *data, const char *text);
  void *data;
  void (*note)(void *data, const char *text);
  void (*detail)(void *data, const char *text);
  /* A file or device that was read and not changed meanwhile, with what stat said when it was
   * opened; more than once, if it was opened so. Or, without a status, a file that was made and has
   * its name now. A path is relative to the working folder, or absolute. */
  void (*file)(void *data, const char *path, const struct stat *status);
};

/* A request to stop, from a thread or signal handler. Zeros at first; outlives what has it. */
struct vmf_cancel {
  int requested; /* touched only by the functions below */
};

/* What was given `cancel` fails with VMF_CANCELLED soon. Any thread, signal handlers; or NULL. */
void vmf_cancel_request(struct vmf_cancel *cancel);
/* Any thread; NULL is allowed: false. */
bool vmf_cancel_requested(const struct vmf_cancel *cancel);

/* Whether `meant` may be what a person meant who typed `word`, which does not exist: the number of
 * letters that are missing, too many, wrong or swapped is small for its length. Any thread. */
bool vmf_word_similar(const char *word, const char *meant);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
