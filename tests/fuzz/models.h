/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Machines with chosen fields, by the tables of fields.h, and what an OVF package is made of. */
#ifndef VMF_TESTS_FUZZ_MODELS_H
#define VMF_TESTS_FUZZ_MODELS_H

#include "choices.h"
#include "machine_format.h"
#include "vmferry.h"

/* A word that some vendor has, or a text that is hard to quote. */
const char *fuzz_word(struct fuzz_choices *choices);

struct vmf_machine *fuzz_machine_make(struct fuzz_choices *choices);

/* What a writer is told of the disks of a machine: those that have an image are called disk0, ...
 */
struct fuzz_target_disks {
  struct vmf_machine_target_disk *disks;
  char (*names)[24];
};
struct fuzz_target_disks fuzz_target_disks_make(const struct vmf_machine *machine);
void fuzz_target_disks_free(struct fuzz_target_disks *made);

/* A platform, or NULL. */
const char *fuzz_platform(struct fuzz_choices *choices);

#endif
