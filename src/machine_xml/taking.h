/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine that is XML, while it is read. What has been understood is marked as taken, element by
 * element and attribute by attribute; what is left at the end is kept as extras (leftovers.c), so
 * that nothing can be forgotten in between. */
#ifndef VMF_MACHINE_XML_TAKING_H
#define VMF_MACHINE_XML_TAKING_H

#include "machine.h"
#include "vendor_words.h"
#include "xml.h"

enum { VMF_TAKING_ELEMENT = 63 }; /* attributes at this place or behind it are always extras */

/* What a vendor's elements and attributes are called. */
struct vmf_vocabulary {
  const char *vendor; /* of the extras */
  bool (*knows_element)(const xmlNode *element);
  bool (*knows_attribute)(const xmlNode *element, const struct vmf_xml_attribute *attribute);
  /* What is never shown. */
  bool (*is_secret)(const xmlNode *element, const struct vmf_xml_attribute *attribute);
  bool (*is_secret_element)(const xmlNode *element);
  const char *foreign; /* path of the element below which all names are anybody's; NULL: none */
};

struct vmf_taking {
  const char *name; /* of the file, for messages */
  const struct vmf_vocabulary *vocabulary;
  const struct vmf_xml *xml;
  struct vmf_machine *machine;
  struct vmf_report *report;
  /* By the number of the element: bit n, its n-th attribute; VMF_TAKING_ELEMENT, the element
   * and its text. Owned, as the next. */
  uint64_t *taken;
  char **labels;   /* of an element whose path has an index: "disk[0]"; NULL: by its place */
  size_t inserted; /* bytes of declarations that leftovers have and the file has elsewhere */
};

/* Nothing is taken yet. The caller has set name, vocabulary, xml, machine, report; freed with
 * vmf_taking_clear, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_taking_begin(struct vmf_taking *taking, struct vmf_error *error);
void vmf_taking_clear(struct vmf_taking *taking);

/* ---- taking; an element that is NULL has no attribute and no text ---- */

void vmf_taking_take(const struct vmf_taking *taking, const xmlNode *element);

/* An attribute's value, which has no prefix; peek: it stays an extra. */
VMF_MUST_CHECK enum vmf_code vmf_taking_peek(const struct vmf_taking *taking,
                                             const xmlNode *element, const char *name,
                                             struct vmf_told_text *told, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_taking_peek_text(const struct vmf_taking *taking,
                                                  const xmlNode *element,
                                                  struct vmf_told_text *told,
                                                  struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_taking_text(const struct vmf_taking *taking,
                                             const xmlNode *element, struct vmf_told_text *told,
                                             struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_taking_attribute(const struct vmf_taking *taking,
                                                  const xmlNode *element, const char *name,
                                                  struct vmf_told_text *told,
                                                  struct vmf_error *error);
void vmf_taking_mark(const struct vmf_taking *taking, const xmlNode *element, const char *name);
/* All that the vocabulary knows, and is not secret, of the element and what stands below it: the
 * reader told of it as a whole. */
void vmf_taking_known(const struct vmf_taking *taking, const xmlNode *element);

/* A number of at most `most`; VMF_CORRUPT: it is none. */
VMF_MUST_CHECK enum vmf_code vmf_taking_parse(const struct vmf_taking *taking,
                                              const struct vmf_told_text *text, const char *what,
                                              uint64_t most, struct vmf_told_number *number,
                                              struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_taking_number(const struct vmf_taking *taking,
                                               const xmlNode *element, const char *name,
                                               uint64_t most, struct vmf_told_number *number,
                                               struct vmf_error *error);
/* A value that the table has; any other stays an extra. */
VMF_MUST_CHECK enum vmf_code vmf_taking_word(const struct vmf_taking *taking,
                                             const xmlNode *element, const char *name,
                                             const struct vmf_vendor_word *words,
                                             struct vmf_told_number *number,
                                             struct vmf_error *error);
/* The neutral name of a value; what the table lacks is taken as it stands. */
VMF_MUST_CHECK enum vmf_code vmf_taking_name(const struct vmf_taking *taking,
                                             const xmlNode *element, const char *name,
                                             const struct vmf_vendor_name *names,
                                             struct vmf_told_text *told, struct vmf_error *error);

/* The label of an element in the paths of extras: "disk[0]". */
VMF_MUST_CHECK enum vmf_code vmf_taking_label(const struct vmf_taking *taking,
                                              const xmlNode *element, struct vmf_error *error,
                                              const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* All that was not taken of an element and what stands below it becomes extras. Their keys are
 * paths: "devices/hostdev", an element of which nothing was taken, with its XML as value;
 * "vcpu@cpuset", an attribute; "devices/hostdev[1]", the second of its name. What the vocabulary
 * does not know, and secrets, are cut out of the XML and are extras of their own. */
VMF_MUST_CHECK enum vmf_code vmf_taking_leftovers(struct vmf_taking *taking, const xmlNode *root,
                                                  struct vmf_error *error);

#endif
