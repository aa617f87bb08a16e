/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of the editing of a Proxmox configuration. */
#ifndef FORMATS_PROXMOX_PROXMOX_EDIT_H
#define FORMATS_PROXMOX_PROXMOX_EDIT_H

#include "line_splice.h"
#include "proxmox_writer.h"

struct proxmox_editor {
  struct conf_text text;
  const struct conf_section *section; /* the machine */
  struct vmf_line_splice splice;
  unsigned end; /* the line before which new settings come: the section's end */
  const struct vmf_machine *machine; /* as it was read */
  const struct vmf_machine_edits *edits;
  struct vmf_report *report;
  char *boot; /* the new value of "boot", where it changes; owned */
};

/* The value of a setting; a new one stands at the end of the machine's section. */
VMF_MUST_CHECK enum vmf_code proxmox_edit_set(struct proxmox_editor *editor, const char *key,
                                              const char *value, struct vmf_error *error);
/* All lines of a setting. */
VMF_MUST_CHECK enum vmf_code proxmox_edit_drop(struct proxmox_editor *editor, const char *key,
                                               struct vmf_error *error);
/* A drive or card goes, from the order of starting, too. */
VMF_MUST_CHECK enum vmf_code proxmox_edit_drop_device(struct proxmox_editor *editor,
                                                      const char *key, struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code proxmox_edit_cards(struct proxmox_editor *editor,
                                                struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code proxmox_edit(const struct vmf_machine_source *source,
                                          const struct vmf_machine *machine,
                                          const struct vmf_machine_edits *edits,
                                          struct vmf_report *report, char **text, size_t *length,
                                          struct vmf_error *error);

#endif
