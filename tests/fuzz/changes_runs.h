/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What runs that take up something share: forms of targets, and folders that they stand in. */
#ifndef VMF_TESTS_FUZZ_CHANGES_RUNS_H
#define VMF_TESTS_FUZZ_CHANGES_RUNS_H

#include "changes.h"

struct fuzz_form {
  const char *format, *name, *options;
  bool compress;
};

/* The first ones can have a map of units. */
enum { FUZZ_FORMS = 13, FUZZ_FORMS_WITH_MAP = 6 };
extern const struct fuzz_form fuzz_forms[FUZZ_FORMS];

/* All but the path. */
void fuzz_form_take(const struct fuzz_form *form, struct fuzz_file *file);

void fuzz_folder_make(const char *name);
void fuzz_folder_path(const char *folder, const char *name, char path[FUZZ_PATH]);

void fuzz_same_file(const char *left, const char *right);

#endif
