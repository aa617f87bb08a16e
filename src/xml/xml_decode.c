/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Encodings. What the bytes are counts more than what they say they are: XenCenter writes
 * "utf-16" over UTF-8, and editors put single bytes of other encodings into UTF-8 files. */
#include <stdint.h>
#include <string.h>

#include "encoding.h"
#include "memory.h"
#include "text.h"
#include "utf8.h"
#include "xml_source.h"

enum { DECLARATION_MAX = 1024, ENCODING_MAX = 40 };

/* The bytes that are still to be looked at. */
struct view {
  const unsigned char *bytes;
  size_t length;
};

/* The value of encoding="..." in an XML declaration. */
struct declared {
  size_t start, length; /* of the value in the text; length 0: none */
  char name[ENCODING_MAX + 1];
};

bool vmf_xml_is_space(char c)
{
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_padding(unsigned char c)
{
  return c == 0 || c == 0x1a || c == '\v' || c == '\f';
}

/* How many bytes remain when padding at the end is cut; white space behind text stays. */
static size_t cut_padding(const unsigned char *bytes, size_t length)
{
  size_t keep = length;

  for (size_t i = length; i > 0; i--) {
    if (is_padding(bytes[i - 1]))
      keep = i - 1;
    else if (!vmf_xml_is_space((char)bytes[i - 1]))
      break;
  }
  return keep;
}

/* The UTF-16 that the first bytes show, or NULL; *mark: bytes of the byte order mark. */
static const char *utf16_of(struct view view, size_t *mark)
{
  const unsigned char *b = view.bytes;

  *mark = 0;
  if (view.length < 4)
    return NULL;
  if (b[0] == 0 && b[1] == '<')
    return "UTF-16BE";
  if (b[0] == '<' && b[1] == 0)
    return "UTF-16LE";
  *mark = 2;
  if (b[0] == 0xfe && b[1] == 0xff)
    return "UTF-16BE";
  return b[0] == 0xff && b[1] == 0xfe ? "UTF-16LE" : NULL;
}

/* The offset of the first byte that is not UTF-8; length: all are. */
static size_t utf8_valid(struct view view)
{
  size_t at = 0;

  while (at < view.length) {
    uint32_t character;
    size_t step = vmf_utf8_get((const char *)view.bytes + at, view.length - at, &character);
    if (step == 0)
      break;
    at += step;
  }
  return at;
}

static size_t skip_space(const char *text, size_t at, size_t end)
{
  while (at < end && vmf_xml_is_space(text[at]))
    at++;
  return at;
}

/* text: ASCII as far as the declaration goes. */
static void find_declared(const char *text, size_t length, struct declared *declared)
{
  size_t limit = length < DECLARATION_MAX ? length : DECLARATION_MAX;

  *declared = (struct declared){0};
  if (!text || length < 6 || memcmp(text, "<?xml", 5) != 0 || !vmf_xml_is_space(text[5]))
    return;
  const char *close = memmem(text, limit, "?>", 2);
  size_t end = close ? (size_t)(close - text) : 0;
  const char *word = close ? memmem(text, end, "encoding", 8) : NULL;
  if (!word)
    return;
  size_t at = skip_space(text, (size_t)(word - text) + 8, end);
  if (at == end || text[at] != '=')
    return;
  at = skip_space(text, at + 1, end);
  if (at == end || (text[at] != '"' && text[at] != '\''))
    return;
  const char *quote = memchr(text + at + 1, text[at], end - at - 1);
  size_t size = quote ? (size_t)(quote - text) - at - 1 : 0;
  if (size == 0 || size > ENCODING_MAX)
    return;
  declared->start = at + 1;
  declared->length = size;
  memcpy(declared->name, text + at + 1, size);
}

/* Makes a declaration in the text say UTF-8. */
static enum vmf_code declare_utf8(struct vmf_xml_source *source, struct vmf_error *error)
{
  struct declared declared;
  void *fresh = NULL;

  find_declared(source->text, source->length, &declared);
  if (declared.length == 0 || vmf_text_equal_nocase(declared.name, "utf-8"))
    return VMF_OK;
  size_t behind = declared.start + declared.length;
  VMF_TRY(vmf_alloc(source->length + 5 + 1, &fresh, error));
  char *text = fresh;
  memcpy(text, source->text, declared.start);
  memcpy(text + declared.start, "UTF-8", 5);
  memcpy(text + declared.start + 5, source->text + behind, source->length - behind);
  source->length = declared.start + 5 + source->length - behind;
  vmf_free(source->text);
  source->text = text;
  source->recoded = true;
  return VMF_OK;
}

static enum vmf_code recode(const char *name, const char *encoding, struct view view,
                            struct vmf_xml_source *source, struct vmf_error *error)
{
  if (vmf_text_to_utf8(encoding, view.bytes, view.length, &source->text, error) != VMF_OK)
    return vmf_while(error, "%s", name);
  source->length = strlen(source->text);
  source->recoded = true;
  return declare_utf8(source, error);
}

static bool is_utf8_name(const char *name)
{
  static const char *const names[] = {"", "utf-8", "utf8", "us-ascii", "ascii"};

  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (vmf_text_equal_nocase(name, names[i]))
      return true;
  return false;
}

/* Encodings whose characters are no single bytes: a declaration that could be read is false. */
static bool is_wide_name(const char *name)
{
  static const char *const starts[] = {"utf-16", "utf16", "utf-32",   "utf32",
                                       "ucs",    "unic",  "iso-10646"};

  for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
    if (strncasecmp(name, starts[i], strlen(starts[i])) == 0)
      return true;
  return false;
}

/* Bytes that claim to be UTF-8 and are not. */
static enum vmf_code read_windows(const char *name, struct view view, size_t bad,
                                  struct vmf_report *report, struct vmf_xml_source *source,
                                  struct vmf_error *error)
{
  unsigned line = 1;

  for (size_t i = 0; i < bad; i++)
    line += view.bytes[i] == '\n';
  vmf_report_add(report, VMF_SEVERITY_WARNING, "descriptor-encoding", name, line,
                 "byte 0x%02x is not valid in UTF-8; the text is read as windows-1252",
                 view.bytes[bad]);
  if (vmf_text_to_utf8("windows-1252", view.bytes, view.length, &source->text, NULL) != VMF_OK)
    return recode(name, "ISO-8859-1", view, source, error);
  source->length = strlen(source->text);
  source->recoded = true;
  return declare_utf8(source, error);
}

static enum vmf_code read_utf8(const char *name, struct view view, struct vmf_report *report,
                               struct vmf_xml_source *source, struct vmf_error *error)
{
  size_t bad = utf8_valid(view);

  if (bad < view.length)
    return read_windows(name, view, bad, report, source, error);
  VMF_TRY(vmf_copy_bytes(view.bytes, view.length, &source->text, error));
  source->length = view.length;
  return VMF_OK;
}

static enum vmf_code read_bytes(const char *name, struct view view, struct vmf_report *report,
                                struct vmf_xml_source *source, struct vmf_error *error)
{
  bool marked = view.length >= 3 && memcmp(view.bytes, "\xef\xbb\xbf", 3) == 0;
  size_t mark = marked ? 3 : 0;
  struct declared declared;

  if (memchr(view.bytes, 0, view.length))
    return vmf_fail(error, VMF_CORRUPT, "%s: a NUL byte stands in the text", name);
  find_declared((const char *)view.bytes + mark, view.length - mark, &declared);
  if (is_utf8_name(declared.name))
    return read_utf8(name, view, report, source, error);
  const char *converter = vmf_encoding_converter(declared.name);
  if (!marked && !is_wide_name(declared.name)) {
    if (converter && vmf_encoding_is_ascii(declared.name, view.bytes, view.length))
      converter = "UTF-8"; /* needs no table */
    if (converter)
      return recode(name, converter, view, source, error);
    if (utf8_valid(view) < view.length)
      return vmf_fail(error, VMF_UNSUPPORTED,
                      "%s: the encoding \"%s\" is not known, accepted are UTF-16, " VMF_ENCODINGS,
                      name, declared.name);
  }
  vmf_report_add(report, VMF_SEVERITY_WARNING, "descriptor-encoding", name, 1,
                 "declared as \"%s\", but it is UTF-8 text", declared.name);
  VMF_TRY(read_utf8(name, view, report, source, error));
  if (!marked)
    return declare_utf8(source, error);
  /* the declaration stands behind the byte order mark */
  source->length -= mark;
  memmove(source->text, source->text + mark, source->length + 1);
  source->recoded = true;
  return declare_utf8(source, error);
}

/* White space before an XML declaration makes it none: it is skipped. */
static struct view skip_blanks(const char *name, struct view view, struct vmf_report *report,
                               struct vmf_xml_source *source)
{
  const char *text = (const char *)view.bytes;
  size_t at = skip_space(text, 0, view.length);

  if (at == 0 || view.length - at < 5 || memcmp(text + at, "<?xml", 5) != 0)
    return view;
  vmf_report_add(report, VMF_SEVERITY_WARNING, "descriptor-padding", name, 1,
                 "%zu bytes of white space before the XML declaration", at);
  for (size_t i = 0; i < at; i++)
    source->skipped_lines += text[i] == '\n';
  source->recoded = true;
  return (struct view){view.bytes + at, view.length - at};
}

enum vmf_code vmf_xml_decode(const char *name, const void *bytes, size_t length,
                             struct vmf_report *report, struct vmf_xml_source *source,
                             struct vmf_error *error)
{
  struct view view = {bytes, length};
  size_t mark;

  *source = (struct vmf_xml_source){0};
  if (length == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: the descriptor is empty", name);
  if (length > VMF_XML_BYTES)
    return vmf_fail(error, VMF_LIMIT, "%s: a descriptor of %zu bytes, at most %d are accepted",
                    name, length, VMF_XML_BYTES);
  const char *wide = utf16_of(view, &mark);
  if (wide) {
    while (view.length >= mark + 2 && view.bytes[view.length - 1] == 0 &&
           view.bytes[view.length - 2] == 0)
      view.length -= 2;
    view = (struct view){view.bytes + mark, view.length - mark};
    VMF_TRY(recode(name, wide, view, source, error));
  } else {
    view.length = cut_padding(view.bytes, view.length);
    if (view.length < length) {
      vmf_report_add(report, VMF_SEVERITY_WARNING, "descriptor-padding", name, 0,
                     "%zu bytes of padding behind the text", length - view.length);
      source->recoded = true;
    }
    view = skip_blanks(name, view, report, source);
    VMF_TRY(read_bytes(name, view, report, source, error));
  }
  if (source->length > VMF_XML_BYTES)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: a descriptor of %zu bytes in UTF-8, at most %d are accepted", name,
                    source->length, VMF_XML_BYTES);
  return VMF_OK;
}
