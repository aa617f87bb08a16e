/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the target `edit` is made of: changes that are chosen, a machine before and after them, and
 * what else is done with a file that describes machines. */
#ifndef VMF_TESTS_FUZZ_EDIT_PARTS_H
#define VMF_TESTS_FUZZ_EDIT_PARTS_H

#include "choices.h"
#include "machine_edits.h"
#include "scratch_files.h"
#include "vmferry.h"

enum { FUZZ_CARDS = 3, FUZZ_RULE = 200 };

/* Changes, and which they are, a sum of vmf_edit_part. It points into itself. */
struct fuzz_edits {
  struct vmf_machine_edits edits;
  struct vmf_nic_edit nics[FUZZ_CARDS];
  struct vmf_property_options property;
  const char *eula, *rules[2];
  char rule[FUZZ_RULE];
  unsigned parts;
};

/* ---- edit_checks.c ---- */

void fuzz_edits_choose(struct fuzz_choices *choices, const struct vmf_machine *machine,
                       struct fuzz_edits *made);

/* Makes them in the file, as a trial, into another file, and in the file itself, which must agree;
 * whether they have been made. One that is not edited keeps every byte. */
bool fuzz_edits_make(struct fuzz_choices *choices, const char *path, const struct fuzz_edits *made);

/* Faults where the second machine is not the first one with the changes. */
void fuzz_edits_expect(const struct vmf_machine *before, const struct vmf_machine *after,
                       const struct fuzz_edits *made, const char *what);

/* ---- edit_moves.c ---- */

/* A small disk image of that format, or form of it, in the scratch folder. */
void fuzz_small_disk(const char *name, const char *format, const char *options);

/* Judged by the rules of a platform. `strict`: it has been written for that one, and breaks none.
 */
void fuzz_judge(const char *path, const char *platform, bool strict);

/* Machines of the file, as something chosen of it, are written in any format, for any platform. */
void fuzz_move(struct fuzz_choices *choices, const char *path,
               const struct vmf_install_options *install);

/* ---- edit_descriptor.c ---- */

enum { FUZZ_SYSTEMS = 3, FUZZ_KEYS = 4 };

/* Of the properties that a package may have. */
extern const char *const fuzz_keys[FUZZ_KEYS];

/* What one of them may take. */
const char *fuzz_key_value(struct fuzz_choices *choices);

/* vm.ovf in the scratch folder, with its files beside it; how many machines it has. */
unsigned fuzz_descriptor_write(struct fuzz_choices *choices);

/* ---- edit_uses.c ---- */

/* Comes on a pipe, is looked into, validated, a template, or written in two runs. */
void fuzz_use_package(struct fuzz_choices *choices, const char *path);

/* ---- edit_package.c ---- */

/* Faults where it cannot be opened. */
struct vmf_package *fuzz_open_package(const char *path);

/* A package with any sections, from which something is chosen, and which is edited. */
void fuzz_edit_package(struct fuzz_choices *choices);

#endif
