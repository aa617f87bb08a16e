/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A .vbox that is changed where it is. */
#ifndef VMF_MACHINES_VBOX_EDITOR_H
#define VMF_MACHINES_VBOX_EDITOR_H

#include "editing.h"
#include "machine_format.h"

/* Network cards, and what they are attached to. `version`: of the settings, N of 1.N. */
VMF_MUST_CHECK enum vmf_code vbox_edit_cards(struct vmf_editing *editor, const xmlNode *hardware,
                                             unsigned version);

enum vmf_code vbox_edit(const struct vmf_machine_source *source, const struct vmf_machine *machine,
                        const struct vmf_machine_edits *edits, struct vmf_report *report,
                        char **text, size_t *length, struct vmf_error *error);

#endif
