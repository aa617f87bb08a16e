/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The two steps before the parser: the file's bytes become UTF-8 text, and a scan of that text
 * finds where its elements stand and that it keeps to the bounds. */
#ifndef VMF_XML_XML_SOURCE_H
#define VMF_XML_XML_SOURCE_H

#include "xml.h"

struct vmf_xml_source {
  char *text; /* owned; NUL behind */
  size_t length;
  bool recoded;
  unsigned skipped_lines; /* of the file, before text */
};

VMF_MUST_CHECK enum vmf_code vmf_xml_decode(const char *name, const void *bytes, size_t length,
                                            struct vmf_report *report,
                                            struct vmf_xml_source *source, struct vmf_error *error);

/* Fresh spans of all elements (NULL: there are none). Bounds and DOCTYPE are refused here, before
 * anything is built; what else is not well-formed is told only where it leaves no way on. */
VMF_MUST_CHECK enum vmf_code vmf_xml_scan(const char *name, const struct vmf_xml_source *source,
                                          struct vmf_xml_span **spans, size_t *count,
                                          struct vmf_error *error);

/* Behind the name of the start tag at `start`. */
size_t vmf_xml_behind_name(const char *text, size_t start);

/* White space as XML has it. */
bool vmf_xml_is_space(char c);

#endif
