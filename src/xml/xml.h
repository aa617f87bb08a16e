/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A descriptor as XML: parsed by libxml2 with everything switched off that could reach outside or
 * blow up, and with the place of every element in the source text, so that an edit leaves all other
 * bytes as they were. The tree holds elements and their namespaces only: attributes and character
 * data are read from the source text, where they take a tenth of the memory. */
#ifndef VMF_XML_XML_H
#define VMF_XML_XML_H

#include <libxml/tree.h>

#include "report.h"

/* Bounds on a descriptor. */
enum {
  VMF_XML_BYTES = 16 << 20,  /* the largest real descriptor seen is 1.7 MB */
  VMF_XML_ELEMENTS = 110000, /* the most in a real descriptor seen: 2,132 */
  VMF_XML_DEPTH = 256,
  VMF_XML_ATTRIBUTES = 1 << 19, /* of all elements together */
  VMF_XML_TAG_ATTRIBUTES = 256, /* of one element */
  VMF_XML_NAMESPACES = 128,     /* declarations in force at one place */
};

/* Where an element stands in text, bytes. An empty element "<a/>": tag_end == content_end == end.
 */
struct vmf_xml_span {
  size_t start;       /* of "<name" */
  size_t tag_end;     /* behind the '>' of the start tag */
  size_t content_end; /* of "</name>" */
  size_t end;         /* behind the element */
  unsigned line;      /* of "<name" in the file, from 1 */
};

struct vmf_xml {
  xmlDoc *doc;
  char *text; /* UTF-8, NUL behind */
  size_t length;
  bool recoded; /* text is not what the file holds: it came in another encoding, or with a false
                 * declaration, which was corrected */
  struct vmf_xml_span *spans; /* of the n-th element in document order */
  xmlNode **elements;         /* the same in the tree */
  size_t count;
};

/* Parses `length` bytes; `name` is the file's, for messages. No network, no DTD, no entities but
 * XML's own five, no huge nodes. VMF_REFUSED: a DOCTYPE; VMF_LIMIT: too large, deep or many;
 * VMF_CORRUPT: not well-formed, with the line. Invalid UTF-8 and a false "utf-16" declaration over
 * UTF-8 text are read (as windows-1252, as UTF-8) with a warning in the report. The caller frees
 * *xml with vmf_xml_free. */
VMF_MUST_CHECK enum vmf_code vmf_xml_parse(const char *name, const void *bytes, size_t length,
                                           struct vmf_report *report, struct vmf_xml **xml,
                                           struct vmf_error *error);
void vmf_xml_free(struct vmf_xml *xml); /* NULL is allowed */

/* The number of an element: its index in spans. */
size_t vmf_xml_index(const xmlNode *element);

/* The line of an element in the file, from 1. */
unsigned vmf_xml_line(const xmlNode *element);

/* ---- looking ---- */

/* The next element that is called `name` in the namespace `uri` (NULL: in any), at or behind `from`
 * among its siblings; NULL: none. name == NULL: any. */
xmlNode *vmf_xml_find(xmlNode *from, const char *uri, const char *name);
xmlNode *vmf_xml_child(const xmlNode *parent, const char *uri, const char *name); /* the first */
bool vmf_xml_is(const xmlNode *element, const char *uri, const char *name);

/* An attribute as it stands in the source text; a declaration of a namespace is none. */
struct vmf_xml_attribute {
  size_t start;            /* of the white space before it */
  size_t value, value_end; /* behind the opening quote; of the closing quote */
  const char *prefix;      /* NULL: none */
  size_t prefix_length;
  const char *name;
  size_t name_length;
};

/* The next attribute of an element; *attribute is all zero at first. False: there are no more, and
 * attribute->start is where one can be added. */
bool vmf_xml_attribute_next(const xmlNode *element, struct vmf_xml_attribute *attribute);
bool vmf_xml_attribute_is(const struct vmf_xml_attribute *attribute, const char *name);
/* NULL: it has no prefix, or one that is not declared. */
const xmlNs *vmf_xml_attribute_namespace(const xmlNode *element,
                                         const struct vmf_xml_attribute *attribute);
/* A fresh string. VMF_NOMEM only. */
VMF_MUST_CHECK enum vmf_code vmf_xml_attribute_value(const xmlNode *element,
                                                     const struct vmf_xml_attribute *attribute,
                                                     char **value, struct vmf_error *error);

/* The value of an attribute, in the namespace `uri` or, when it is not there, in none; NULL: not
 * there. A fresh string (vmf_free). VMF_NOMEM only. */
VMF_MUST_CHECK enum vmf_code vmf_xml_attribute(const xmlNode *element, const char *uri,
                                               const char *name, char **value,
                                               struct vmf_error *error);
/* The text below an element, white space at both ends cut; a fresh string. */
VMF_MUST_CHECK enum vmf_code vmf_xml_text(const xmlNode *element, char **text,
                                          struct vmf_error *error);

/* A prefix that stands for the namespace `uri` in the attributes of an element; NULL: none does. */
const char *vmf_xml_prefix(const xmlNode *element, const char *uri);

/* ---- editing ---- */

struct vmf_xml_edit;
VMF_MUST_CHECK enum vmf_code vmf_xml_edit_new(const struct vmf_xml *xml, struct vmf_xml_edit **edit,
                                              struct vmf_error *error);
void vmf_xml_edit_free(struct vmf_xml_edit *edit); /* NULL is allowed */

/* Each notes one change of the source text; `element` is an index in spans. Text that is inserted
 * is well-formed XML; values are escaped here. Changes of one element's attributes may not overlap
 * with its removal. */
/* Changes the attribute in place, adds it behind the others (written with the prefix that is bound
 * to `uri` at the element; VMF_UNSUPPORTED when there is none), or with value == NULL removes it.
 */
VMF_MUST_CHECK enum vmf_code vmf_xml_edit_attribute(struct vmf_xml_edit *edit, size_t element,
                                                    const char *uri, const char *name,
                                                    const char *value, struct vmf_error *error);
/* Removes an element and the white space before it. */
VMF_MUST_CHECK enum vmf_code vmf_xml_edit_remove(struct vmf_xml_edit *edit, size_t element,
                                                 struct vmf_error *error);
/* Replaces all that stands between its tags by a text; a later one replaces the earlier. */
VMF_MUST_CHECK enum vmf_code vmf_xml_edit_text(struct vmf_xml_edit *edit, size_t element,
                                               const char *value, struct vmf_error *error);
/* Inserts `text` before or behind an element, or before its end tag. */
VMF_MUST_CHECK enum vmf_code vmf_xml_edit_before(struct vmf_xml_edit *edit, size_t element,
                                                 const char *text, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_xml_edit_behind(struct vmf_xml_edit *edit, size_t element,
                                                 const char *text, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_xml_edit_append(struct vmf_xml_edit *edit, size_t element,
                                                 const char *text, struct vmf_error *error);
/* The whole text with all changes; a fresh string with a NUL behind. May be called again after
 * further changes; a later change of the same attribute replaces the earlier one. */
VMF_MUST_CHECK enum vmf_code vmf_xml_edit_apply(const struct vmf_xml_edit *edit, char **text,
                                                size_t *length, struct vmf_error *error);

#endif
