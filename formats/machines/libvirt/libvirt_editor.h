/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of the editing of a domain: what its files share. */
#ifndef VMF_MACHINES_LIBVIRT_EDITOR_H
#define VMF_MACHINES_LIBVIRT_EDITOR_H

#include "editing.h"
#include "machine_format.h"
#include "reading.h"

/* ---- edit_nics.c ---- */

VMF_MUST_CHECK enum vmf_code libvirt_edit_nics(struct vmf_editing *editor);

VMF_MUST_CHECK enum vmf_code libvirt_edit(const struct vmf_machine_source *source,
                                          const struct vmf_machine *machine,
                                          const struct vmf_machine_edits *edits,
                                          struct vmf_report *report, char **text, size_t *length,
                                          struct vmf_error *error);

#endif
