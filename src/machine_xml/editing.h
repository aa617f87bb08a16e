/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine that is XML, changed where it is: elements set and added as they would have been
 * written there. */
#ifndef VMF_MACHINE_XML_EDITING_H
#define VMF_MACHINE_XML_EDITING_H

#include "machine.h"
#include "machine_format.h"
#include "markup.h"
#include "xml.h"

struct vmf_editing {
  const char *name; /* of the file, for messages */
  struct vmf_xml *xml;
  struct vmf_xml_edit *edit;
  const xmlNode *root;
  const struct vmf_machine *machine; /* as it was read */
  const struct vmf_machine_edits *edits;
  struct vmf_report *report;
  struct vmf_error *error;
};

/* Begins to edit the source, whose root is the document's: the edits are of `parts` (VMF_EDIT_...)
 * and of what the machine has. The caller has set machine, edits, report and error. Behind VMF_OK
 * vmf_editing_end is called. */
VMF_MUST_CHECK enum vmf_code vmf_editing_begin(struct vmf_editing *editor,
                                               const struct vmf_machine_source *source,
                                               unsigned parts);

/* The edited text, fresh, where `code` is VMF_OK; else that code. */
VMF_MUST_CHECK enum vmf_code vmf_editing_end(struct vmf_editing *editor, enum vmf_code code,
                                             char **text, size_t *length);

/* A finding at an element. */
void vmf_editing_tell(const struct vmf_editing *editor, const char *rule, const xmlNode *element,
                      const char *why);

VMF_MUST_CHECK enum vmf_code vmf_editing_remove(struct vmf_editing *editor,
                                                const xmlNode *element); /* NULL: nothing */
VMF_MUST_CHECK enum vmf_code vmf_editing_attribute(struct vmf_editing *editor,
                                                   const xmlNode *element, const char *name,
                                                   const char *value);
VMF_MUST_CHECK enum vmf_code vmf_editing_text(struct vmf_editing *editor, const xmlNode *element,
                                              const char *text);

/* For an element that is to stand behind the last one of `parent`; inserted, and cleared. */
struct vmf_markup vmf_editing_markup(const struct vmf_editing *editor, const xmlNode *parent);
VMF_MUST_CHECK enum vmf_code vmf_editing_append(struct vmf_editing *editor, const xmlNode *parent,
                                                struct vmf_markup *markup);

/* <NAME ATTRIBUTE="VALUE"/> in parent: set, or added. */
VMF_MUST_CHECK enum vmf_code vmf_editing_simple(struct vmf_editing *editor, const xmlNode *parent,
                                                const char *name, const char *attribute,
                                                const char *value);
/* <NAME>TEXT</NAME>, in the same way. */
VMF_MUST_CHECK enum vmf_code vmf_editing_leaf(struct vmf_editing *editor, const xmlNode *parent,
                                              const char *name, const char *text);

#endif
