/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Changes of a machine in the descriptor that describes it: splices, so that all else stays. */
#ifndef VMF_OVF_EDIT_OVF_EDIT_H
#define VMF_OVF_EDIT_OVF_EDIT_H

#include "model.h"

struct vmf_ovf_edited {
  char *text; /* owned, with a NUL behind */
  size_t length;
  bool *gone; /* of ovf->files: nothing refers to it any longer, and its File is not there; owned */
};

/* Edits ovf->systems[system], which is no collection. The values of `edits` are checked already, as
 * vmf_machine_edit does. sizes: bytes of ovf->files as they are stored; UINT64_MAX: not known; a
 * wrong one in the descriptor is put right. What else in the descriptor says the same and could not
 * be changed is told as a warning. VMF_USAGE: there is no such network, card or property;
 * VMF_UNSUPPORTED. Freed with vmf_ovf_edited_clear, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_edit(const struct vmf_ovf *ovf, size_t system,
                                          const struct vmf_machine_edits *edits,
                                          const uint64_t *sizes, struct vmf_report *report,
                                          struct vmf_ovf_edited *edited, struct vmf_error *error);
void vmf_ovf_edited_clear(struct vmf_ovf_edited *edited);

#endif
