/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Packages made of chosen disks and machines. */
#ifndef VMF_TESTS_FUZZ_PACKAGE_MAKER_H
#define VMF_TESTS_FUZZ_PACKAGE_MAKER_H

#include "disks.h"
#include "scratch_files.h"
#include "vmferry.h"

enum { FUZZ_DISKS = 3 };

struct fuzz_package {
  char path[FUZZ_PATH];
  struct fuzz_disk disks[FUZZ_DISKS];
  unsigned count;
};

/* Makes a key and its certificate, once. */
void fuzz_package_begin(void);

/* A package in the scratch folder; false: there can be none of what was chosen. */
bool fuzz_package_make(struct fuzz_choices *choices, struct fuzz_package *package);
void fuzz_package_free(struct fuzz_package *package);

/* How a package is written: form of the disks, digest, key, threads. */
struct vmf_package_target fuzz_package_target(struct fuzz_choices *choices);

/* A new path for a package, an archive or in a folder of that name. */
void fuzz_package_path(struct fuzz_choices *choices, const char *name, char path[FUZZ_PATH]);

#endif
