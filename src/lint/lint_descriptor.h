/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A descriptor that is judged: what VMware and VirtualBox ask stands in lint_descriptor.c, what the
 * importers of the other platforms ask in lint_importers.c. */
#ifndef VMF_LINT_LINT_DESCRIPTOR_H
#define VMF_LINT_LINT_DESCRIPTOR_H

#include "lint_rules.h"

struct vmf_descriptor_judged {
  struct vmf_linting *linting;
  const struct vmf_package *package;
  const struct vmf_ovf *ovf;
  const struct vmf_ovf_system *system; /* the one that is looked at */
  const char *file;                    /* of the descriptor */
};

static inline struct vmf_lint_place vmf_lint_at(const struct vmf_descriptor_judged *judged,
                                                unsigned line, const char *allowed)
{
  return (struct vmf_lint_place){.file = judged->file, .line = line, .allowed = allowed};
}

/* Of the whole, of judged->system, and of one of its usual items. */
void vmf_lint_importers(const struct vmf_descriptor_judged *judged);
void vmf_lint_importers_system(const struct vmf_descriptor_judged *judged);
void vmf_lint_importers_item(const struct vmf_descriptor_judged *judged,
                             const struct vmf_ovf_item *item);

#endif
