/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `convert --salvage`: what is lost is listed, and kept in a map of the form that ddrescue has; a
 * map that is there tells what is not to be read. */
#ifndef VMF_CLI_SALVAGING_H
#define VMF_CLI_SALVAGING_H

#include "verb.h"

/* `salvaging` in the settings of convert. */
struct vmf_salvage_settings {
  bool wanted;
  const char *map; /* the path; NULL: none */
};

struct vmf_stretches {
  struct vmf_stretch *list; /* in guest order, apart; owned */
  size_t count, capacity;
};

struct vmf_salvaging {
  const struct vmf_salvage_settings *settings;
  const struct vmf_command *command;
  uint64_t size;               /* of the guest disk */
  struct vmf_stretches unread; /* as the map says that was there */
  struct vmf_stretches lost;
  uint64_t lost_bytes; /* when it has ended */
  bool map_was_there, no_memory;
};

/* Reads the map where there is one. VMF_USAGE: it is one of a file that is no raw disk, whose
 * places are no guest bytes. vmf_salvaging_free releases what it holds, also after a failure. */
VMF_MUST_CHECK enum vmf_code vmf_salvaging_begin(struct vmf_salvaging *salvaging,
                                                 struct vmf_image *source, struct vmf_error *error);
void vmf_salvaging_free(struct vmf_salvaging *salvaging);

/* Sets the members of a job that salvages. */
void vmf_salvaging_set(struct vmf_salvaging *salvaging, struct vmf_job_options *job);

/* When the target is there: says how much was lost and writes the map. */
VMF_MUST_CHECK enum vmf_code vmf_salvaging_end(struct vmf_salvaging *salvaging,
                                               const struct vmf_job_result *result,
                                               const char *target, struct vmf_error *error);

#endif
