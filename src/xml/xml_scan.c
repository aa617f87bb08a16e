/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the elements stand. Only what hides a '<' or '>' is told apart: comments, CDATA, processing
 * instructions and quoted values; names and nesting are the parser's to check. */
#include <stdint.h>
#include <string.h>

#include "memory.h"
#include "xml_source.h"

struct scan {
  const char *name, *text;
  size_t length, at;
  size_t counted; /* line feeds are counted up to here */
  unsigned line;
  struct vmf_xml_span *spans;
  size_t count, room;
  size_t items, attributes, namespaces; /* items: elements, comments and the like */
  struct {
    size_t element, namespaces;
  } open[VMF_XML_DEPTH];
  size_t depth;
};

static unsigned line_at(struct scan *scan, size_t at)
{
  for (; scan->counted < at; scan->counted++)
    scan->line += scan->text[scan->counted] == '\n';
  return scan->line;
}

static bool begins(const struct scan *scan, const char *word)
{
  size_t length = strlen(word);
  return scan->length - scan->at >= length && memcmp(scan->text + scan->at, word, length) == 0;
}

static enum vmf_code beyond(struct scan *scan, const char *what, size_t limit,
                            struct vmf_error *error)
{
  return vmf_fail(error, VMF_LIMIT, "%s:%u: more than %zu %s", scan->name, line_at(scan, scan->at),
                  limit, what);
}

static enum vmf_code open_end(struct scan *scan, const char *what, struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "%s:%u: the %s that begins here has no end", scan->name,
                  line_at(scan, scan->at), what);
}

/* Goes behind the next `close`, from `skip` bytes on. */
static enum vmf_code skip_to(struct scan *scan, size_t skip, const char *close, const char *what,
                             struct vmf_error *error)
{
  size_t from = scan->at + skip;
  const char *found = memmem(scan->text + from, scan->length - from, close, strlen(close));

  if (!found)
    return open_end(scan, what, error);
  scan->at = (size_t)(found - scan->text) + strlen(close);
  return VMF_OK;
}

static enum vmf_code scan_declaration(struct scan *scan, struct vmf_error *error)
{
  if (begins(scan, "<!--"))
    return skip_to(scan, 4, "-->", "comment", error);
  if (begins(scan, "<![CDATA["))
    return skip_to(scan, 9, "]]>", "CDATA section", error);
  if (begins(scan, "<!DOCTYPE"))
    return vmf_fail(error, VMF_REFUSED,
                    "%s:%u: a DOCTYPE: documents with declarations of their own are not read",
                    scan->name, line_at(scan, scan->at));
  return vmf_fail(error, VMF_CORRUPT, "%s:%u: \"<!\" begins neither a comment nor a CDATA section",
                  scan->name, line_at(scan, scan->at));
}

static enum vmf_code more_spans(struct scan *scan, struct vmf_error *error)
{
  size_t room = scan->room ? scan->room * 2 : 64;
  void *larger = NULL;

  VMF_TRY(vmf_alloc(room * sizeof *scan->spans, &larger, error));
  if (scan->count > 0)
    memcpy(larger, scan->spans, scan->count * sizeof *scan->spans);
  vmf_free(scan->spans);
  scan->spans = larger;
  scan->room = room;
  return VMF_OK;
}

/* From the '<' of a start tag to behind its '>': counts the attributes on the way. */
static enum vmf_code scan_attributes(struct scan *scan, size_t *end, size_t *namespaces,
                                     struct vmf_error *error)
{
  size_t attributes = 0, at = scan->at + 1;
  const char *text = scan->text;

  for (; at < scan->length && text[at] != '>'; at++) {
    if (text[at] == '"' || text[at] == '\'') {
      const char *close = memchr(text + at + 1, text[at], scan->length - at - 1);
      if (!close)
        return open_end(scan, "tag", error);
      at = (size_t)(close - text);
      attributes++;
    } else if (text[at] == 'x' && vmf_xml_is_space(text[at - 1]) && scan->length - at > 5 &&
               memcmp(text + at, "xmlns", 5) == 0) {
      (*namespaces)++;
    }
  }
  if (at == scan->length)
    return open_end(scan, "tag", error);
  if (attributes > VMF_XML_TAG_ATTRIBUTES)
    return beyond(scan, "attributes in one tag", VMF_XML_TAG_ATTRIBUTES, error);
  scan->attributes += attributes;
  if (scan->attributes > VMF_XML_ATTRIBUTES)
    return beyond(scan, "attributes", VMF_XML_ATTRIBUTES, error);
  *end = at + 1;
  return VMF_OK;
}

static enum vmf_code scan_start(struct scan *scan, struct vmf_error *error)
{
  size_t end = scan->length, namespaces = 0;

  VMF_TRY(scan_attributes(scan, &end, &namespaces, error));
  if (scan->count == scan->room)
    VMF_TRY(more_spans(scan, error));
  struct vmf_xml_span *span = &scan->spans[scan->count];
  *span = (struct vmf_xml_span){scan->at, end, end, end, line_at(scan, scan->at)};
  if (scan->text[end - 2] != '/') {
    if (scan->depth == VMF_XML_DEPTH)
      return beyond(scan, "elements inside each other", VMF_XML_DEPTH, error);
    if (scan->namespaces + namespaces > VMF_XML_NAMESPACES)
      return beyond(scan, "namespaces at one place", VMF_XML_NAMESPACES, error);
    scan->open[scan->depth].element = scan->count;
    scan->open[scan->depth++].namespaces = namespaces;
    scan->namespaces += namespaces;
  }
  scan->count++;
  scan->at = end;
  return VMF_OK;
}

static enum vmf_code scan_end(struct scan *scan, struct vmf_error *error)
{
  size_t start = scan->at;

  VMF_TRY(skip_to(scan, 2, ">", "end tag", error));
  if (scan->depth == 0) { /* the parser says so, and goes no further */
    scan->at = scan->length;
    return VMF_OK;
  }
  scan->depth--;
  scan->namespaces -= scan->open[scan->depth].namespaces;
  struct vmf_xml_span *span = &scan->spans[scan->open[scan->depth].element];
  span->content_end = start;
  span->end = scan->at;
  return VMF_OK;
}

static enum vmf_code scan_next(struct scan *scan, struct vmf_error *error)
{
  char next = scan->at + 1 < scan->length ? scan->text[scan->at + 1] : '\0';

  if (next == '/')
    return scan_end(scan, error);
  if (++scan->items > VMF_XML_ELEMENTS)
    return beyond(scan, "elements and comments", VMF_XML_ELEMENTS, error);
  if (next == '!')
    return scan_declaration(scan, error);
  if (next == '?')
    return skip_to(scan, 2, "?>", "processing instruction", error);
  return scan_start(scan, error);
}

enum vmf_code vmf_xml_scan(const char *name, const struct vmf_xml_source *source,
                           struct vmf_xml_span **spans, size_t *count, struct vmf_error *error)
{
  struct scan scan = {.name = name,
                      .text = source->text,
                      .length = source->length,
                      .line = source->skipped_lines + 1};
  enum vmf_code code = VMF_OK;

  while (code == VMF_OK && scan.at < scan.length) {
    const char *next = memchr(scan.text + scan.at, '<', scan.length - scan.at);
    if (!next)
      break;
    scan.at = (size_t)(next - scan.text);
    code = scan_next(&scan, error);
  }
  if (code != VMF_OK) {
    vmf_free(scan.spans);
    return code;
  }
  *spans = scan.spans;
  *count = scan.count;
  return VMF_OK;
}
