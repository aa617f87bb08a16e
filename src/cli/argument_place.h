/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Values of options that are places in the file system. */
#ifndef VMF_CLI_ARGUMENT_PLACE_H
#define VMF_CLI_ARGUMENT_PLACE_H

#include "verb.h"

/* What a value names, by what help calls it. */
enum vmf_place {
  VMF_PLACE_READ = 1,
  VMF_PLACE_WRITTEN = 2,
  VMF_PLACE_LATE = 4, /* written when all is done */
  VMF_PLACE_FOLDER = 8,
  VMF_PLACE_CHECKED = 16, /* by vmf_argument_place */
  VMF_PLACE_BESIDE = 32,  /* named from the folder of the target on */
  VMF_PLACE_THERE = 64,   /* something is there already */
};

/* A sum of these; 0: the value is no place. */
unsigned vmf_argument_places(const struct vmf_argument *argument);

/* By what help calls the value: a FILE and a BACKING are no URL; a FILE, a KEY and a DIR are there;
 * of a MAPFILE and a REPORT, which are written when all is done, the folder is there. `what` names
 * the option. */
VMF_MUST_CHECK enum vmf_code vmf_argument_place(const struct vmf_argument *argument,
                                                const char *what, const char *text,
                                                struct vmf_error *error);

#endif
