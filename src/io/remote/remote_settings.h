/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * vmferry/remote.h: what the caller said about URLs, of the whole process. */
#ifndef VMF_IO_REMOTE_REMOTE_SETTINGS_H
#define VMF_IO_REMOTE_REMOTE_SETTINGS_H

#include "vmferry.h"

struct vmf_remote_settings {
  char **headers; /* "Name: value"; NULL-terminated; or NULL */
  bool netrc;
  uint64_t retry_seconds;
  char *endpoint, *region, *profile; /* of object stores; owned; NULL: not said */
  bool unsigned_requests;            /* to object stores */
  const struct vmf_cancel *cancel;   /* or NULL */
  const struct vmf_log *log;         /* or NULL */
  const char *spool_folder;          /* or NULL */
  uint64_t max_bytes;                /* of a file that is stored; 0: no bound */
};

/* Set once, before the first URL is opened; read by any thread. */
const struct vmf_remote_settings *vmf_remote_settings(void);

/* Seconds in which something has to come from a server that is waited for: `usual`, or
 * VMFERRY_STALL_TIME. */
unsigned vmf_remote_stall(unsigned usual);

#endif
