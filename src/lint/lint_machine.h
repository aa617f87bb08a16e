/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine that is judged, whatever describes it: what can be said of any is in lint_machine.c,
 * what only its vendor's text tells in lint_machine_text.c, and how it starts in lint_start.c. */
#ifndef VMF_LINT_LINT_MACHINE_H
#define VMF_LINT_LINT_MACHINE_H

#include "lint_rules.h"

struct vmf_machine_judged {
  struct vmf_linting *linting;
  const struct vmf_machine *machine;
  const char *format; /* "vmx"; "ovf" */
  const char *path;   /* of the file that describes it, as it was named */
  const char *file;   /* of the descriptor in a package; NULL: the file that was named */
  const char *text;   /* that describes it, a NUL behind; NULL: a package */
};

static inline struct vmf_lint_place vmf_lint_in(const struct vmf_machine_judged *judged,
                                                unsigned line, const char *allowed)
{
  return (struct vmf_lint_place){.file = judged->file, .line = line, .allowed = allowed};
}

bool vmf_machine_is_efi(const struct vmf_machine *machine);

/* The disk that it starts from: the first in its order, or of all. NULL: it has none. */
const struct vmf_machine_disk *vmf_machine_boot_disk(const struct vmf_machine *machine);

void vmf_lint_machine(const struct vmf_machine_judged *judged);

/* Whether the machine's text knows the disk by the id that stands in it. */
VMF_MUST_CHECK enum vmf_code vmf_lint_registered(const struct vmf_machine_judged *judged,
                                                 struct vmf_image *image,
                                                 const struct vmf_lint_place *place,
                                                 struct vmf_error *error);
void vmf_lint_machine_text(const struct vmf_machine_judged *judged);

/* The partitions of a disk. machine: that starts from it; NULL: none does, or it is not known. */
VMF_MUST_CHECK enum vmf_code vmf_lint_start(struct vmf_linting *linting, struct vmf_image *image,
                                            const struct vmf_machine *machine,
                                            const struct vmf_lint_place *place,
                                            struct vmf_error *error);

#endif
