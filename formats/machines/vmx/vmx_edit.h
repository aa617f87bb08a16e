/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of the editing of a .vmx. */
#ifndef VMX_EDIT_H
#define VMX_EDIT_H

#include "vmx_splice.h"
#include "vmx_writer.h"

/* What a .vmx holds, of enum vmf_edit_part. */
#define VMX_EDITED                                                                                 \
  (VMF_EDIT_NAME | VMF_EDIT_CPUS | VMF_EDIT_MEMORY | VMF_EDIT_NETWORKS | VMF_EDIT_NICS |           \
   VMF_EDIT_OS | VMF_EDIT_FIRMWARE | VMF_EDIT_ANNOTATION | VMF_EDIT_DRIVES)

struct vmx_editor {
  struct vmx_splice splice;
  const struct vmf_machine *machine; /* as it was read */
  const struct vmf_machine_edits *edits;
  struct vmf_report *report;
};

/* Networks, and the cards that are on them. */
VMF_MUST_CHECK enum vmf_code vmx_edit_cards(struct vmx_editor *editor, struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code vmx_edit(const struct vmf_machine_source *source,
                                      const struct vmf_machine *machine,
                                      const struct vmf_machine_edits *edits,
                                      struct vmf_report *report, char **text, size_t *length,
                                      struct vmf_error *error);

#endif
