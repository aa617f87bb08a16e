/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of the editing of a domain: what its files share. */
#ifndef VMF_MACHINES_LIBVIRT_EDITOR_H
#define VMF_MACHINES_LIBVIRT_EDITOR_H

#include "machine_format.h"
#include "markup.h"
#include "reading.h"

struct libvirt_editor {
  const char *name; /* of the file, for messages */
  struct vmf_xml *xml;
  struct vmf_xml_edit *edit;
  const xmlNode *domain;
  const struct vmf_machine *machine; /* as it was read */
  const struct vmf_machine_edits *edits;
  struct vmf_report *report;
  struct vmf_error *error;
};

/* A finding at an element. */
void libvirt_edit_tell(const struct libvirt_editor *editor, const char *rule,
                       const xmlNode *element, const char *why);

VMF_MUST_CHECK enum vmf_code libvirt_edit_remove(struct libvirt_editor *editor,
                                                 const xmlNode *element); /* NULL: nothing */
VMF_MUST_CHECK enum vmf_code libvirt_edit_attribute(struct libvirt_editor *editor,
                                                    const xmlNode *element, const char *name,
                                                    const char *value);
VMF_MUST_CHECK enum vmf_code libvirt_edit_text(struct libvirt_editor *editor,
                                               const xmlNode *element, const char *text);

/* For an element that is to stand behind the last one of `parent`; inserted, and cleared. */
struct vmf_markup libvirt_edit_markup(const struct libvirt_editor *editor, const xmlNode *parent);
VMF_MUST_CHECK enum vmf_code libvirt_edit_append(struct libvirt_editor *editor,
                                                 const xmlNode *parent, struct vmf_markup *markup);

/* <NAME ATTRIBUTE="VALUE"/> in parent: set, or added. */
VMF_MUST_CHECK enum vmf_code libvirt_edit_simple(struct libvirt_editor *editor,
                                                 const xmlNode *parent, const char *name,
                                                 const char *attribute, const char *value);
/* <NAME>TEXT</NAME>, in the same way. */
VMF_MUST_CHECK enum vmf_code libvirt_edit_leaf(struct libvirt_editor *editor, const xmlNode *parent,
                                               const char *name, const char *text);

/* ---- edit_nics.c ---- */

VMF_MUST_CHECK enum vmf_code libvirt_edit_nics(struct libvirt_editor *editor);

VMF_MUST_CHECK enum vmf_code libvirt_edit(const struct vmf_machine_source *source,
                                          const struct vmf_machine *machine,
                                          const struct vmf_machine_edits *edits,
                                          struct vmf_report *report, char **text, size_t *length,
                                          struct vmf_error *error);

#endif
