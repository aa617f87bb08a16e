/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of vmf_ovf_edit: what its files share. */
#ifndef VMF_OVF_EDIT_EDITOR_H
#define VMF_OVF_EDIT_EDITOR_H

#include "markup.h"
#include "ovf_edit.h"
#include "reader.h"

struct vmf_ovf_editor {
  const struct vmf_ovf *ovf;
  const struct vmf_ovf_system *system;
  const struct vmf_machine_edits *edits;
  const xmlNode *content;  /* of the system */
  const xmlNode *hardware; /* the section that is used; NULL: none */
  const xmlNode *vbox;     /* <vbox:Machine>, which VirtualBox reads instead; NULL: none */
  struct vmf_xml_edit *edit;
  struct vmf_ovf_edited *edited;
  bool *removed; /* of system->items */
  struct vmf_report *report;
  struct vmf_error *error;
};

/* ---- ovf_edit_parts.c ---- */

/* The text of an element; that of a message stands for it no longer. */
VMF_MUST_CHECK enum vmf_code vmf_editor_text(struct vmf_ovf_editor *editor, const xmlNode *element,
                                             const char *text);

/* An attribute in the envelope's namespace; value NULL: it is taken away. */
VMF_MUST_CHECK enum vmf_code vmf_editor_attribute(struct vmf_ovf_editor *editor,
                                                  const xmlNode *element, const char *name,
                                                  const char *value);

/* The child of that name of an item: set, added where the alphabet has it, or with text NULL taken
 * away. */
VMF_MUST_CHECK enum vmf_code vmf_editor_field(struct vmf_ovf_editor *editor, const xmlNode *item,
                                              const char *name, const char *text);

VMF_MUST_CHECK enum vmf_code vmf_editor_remove(struct vmf_ovf_editor *editor,
                                               const xmlNode *element);

/* A section of the system by its kind, the last of several; NULL: none. */
const xmlNode *vmf_editor_section(const struct vmf_ovf_editor *editor, const char *kind);

/* Elements that are to stand beside `sibling`, indented as it is. */
struct vmf_markup vmf_editor_markup(const struct vmf_ovf_editor *editor, const xmlNode *sibling);

/* "ovf:Name": a name with the prefix that an element has; a fresh string. */
VMF_MUST_CHECK enum vmf_code vmf_editor_name(struct vmf_ovf_editor *editor, const xmlNode *like,
                                             const char *name, char **qualified);

/* The prefix of attributes in the namespace `uri` at an element; `otherwise` where it has none,
 * which *declare says: the new element then declares it itself. */
const char *vmf_editor_prefix(const xmlNode *element, const char *uri, const char *otherwise,
                              bool *declare);

/* Inserts what was written, and clears it. */
VMF_MUST_CHECK enum vmf_code vmf_editor_behind(struct vmf_ovf_editor *editor,
                                               const xmlNode *sibling, struct vmf_markup *markup);
VMF_MUST_CHECK enum vmf_code vmf_editor_before(struct vmf_ovf_editor *editor,
                                               const xmlNode *sibling, struct vmf_markup *markup);

/* A section that is new: it stands behind the last of its kind, else behind the hardware. *name:
 * its qualified name; the markup is behind "<name". VMF_UNSUPPORTED: the preview 0.9. */
VMF_MUST_CHECK enum vmf_code vmf_editor_section_begin(struct vmf_ovf_editor *editor,
                                                      const char *kind, struct vmf_markup *markup,
                                                      const xmlNode **behind);

/* ---- ovf_edit_hardware.c ---- */

VMF_MUST_CHECK enum vmf_code vmf_editor_size(struct vmf_ovf_editor *editor);
/* The unit of an item of memory becomes MiB, that of its limits with it; not yet its quantity. */
VMF_MUST_CHECK enum vmf_code vmf_editor_count_in_mebibytes(struct vmf_ovf_editor *editor,
                                                           const struct vmf_ovf_item *item);
/* <vmw:Config vmw:key="..."/> of the machine, the last of several; NULL: none. */
VMF_MUST_CHECK enum vmf_code vmf_editor_setting(struct vmf_ovf_editor *editor, const char *key,
                                                const xmlNode **found);
VMF_MUST_CHECK enum vmf_code vmf_editor_firmware(struct vmf_ovf_editor *editor);
VMF_MUST_CHECK enum vmf_code vmf_editor_drives(struct vmf_ovf_editor *editor);

/* ---- ovf_edit_nics.c ---- */

VMF_MUST_CHECK enum vmf_code vmf_editor_networks(struct vmf_ovf_editor *editor);
VMF_MUST_CHECK enum vmf_code vmf_editor_nics(struct vmf_ovf_editor *editor);

/* ---- ovf_edit_texts.c ---- */

VMF_MUST_CHECK enum vmf_code vmf_editor_names(struct vmf_ovf_editor *editor);
VMF_MUST_CHECK enum vmf_code vmf_editor_texts(struct vmf_ovf_editor *editor);
VMF_MUST_CHECK enum vmf_code vmf_editor_properties(struct vmf_ovf_editor *editor);

/* ---- ovf_edit_vbox.c ---- */

/* The same in <vbox:Machine>, where there is one. */
VMF_MUST_CHECK enum vmf_code vmf_editor_vbox(struct vmf_ovf_editor *editor);

#endif
