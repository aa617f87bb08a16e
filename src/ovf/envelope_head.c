/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A guest can write what it likes into its raw disk, so the word Envelope somewhere is not enough:
 * this reads as XML does, from the first byte. */
#include "envelope_head.h"

#include <string.h>

#include "checked.h"
#include "reader.h"

enum { HEAD_BYTES = 16 << 10 /* up to the end of the root's start tag */ };

static const char blanks[] = " \t\r\n";

/* UTF-16 becomes ASCII, in place; what is not ASCII becomes '?'. Returns the length. */
static size_t narrow(char *head, size_t length)
{
  bool big = memcmp(head, "\xfe\xff", 2) == 0 || memcmp(head, "\0<", 2) == 0;
  bool little = memcmp(head, "\xff\xfe", 2) == 0 || memcmp(head, "<\0", 2) == 0;

  if (!big && !little)
    return length;
  for (size_t i = 0; i < length / 2; i++)
    head[i] = head[2 * i + (big ? 0 : 1)] == '\0' ? head[2 * i + (big ? 1 : 0)] : '?';
  return length / 2;
}

/* Behind byte order mark, blanks, declarations and comments; NULL where one of them has no end. */
static const char *skip_prolog(const char *at)
{
  if (strncmp(at, "\xef\xbb\xbf", 3) == 0)
    at += 3;
  else if (*at == '?') /* a byte order mark of UTF-16 */
    at++;
  for (;;) {
    const char *end = NULL;

    at += strspn(at, blanks);
    if (strncmp(at, "<?", 2) == 0)
      end = strstr(at, "?>");
    else if (strncmp(at, "<!--", 4) == 0)
      end = strstr(at + 4, "-->");
    else
      return at;
    if (!end)
      return NULL;
    at = end + (end[0] == '?' ? 2 : 3);
  }
}

/* Of a start tag; the value stands between its quotes. */
struct attribute {
  const char *name, *value;
  size_t name_length, value_length;
};

/* False behind the last one. */
static bool next_attribute(const char **at, struct attribute *attribute)
{
  attribute->name = *at + strspn(*at, blanks);
  attribute->name_length = strcspn(attribute->name, "= \t\r\n/>");
  const char *quote = attribute->name + attribute->name_length;

  quote += strspn(quote, blanks);
  if (attribute->name_length == 0 || *quote != '=')
    return false;
  quote += 1 + strspn(quote + 1, blanks);
  const char *end = *quote == '"' || *quote == '\'' ? strchr(quote + 1, *quote) : NULL;
  if (!end)
    return false;
  attribute->value = quote + 1;
  attribute->value_length = (size_t)(end - attribute->value);
  *at = end + 1;
  return true;
}

/* Whether the attribute declares the namespace of names with this prefix ("" for none). */
static bool declares(const struct attribute *attribute, const char *prefix, size_t length)
{
  if (attribute->name_length < 5 || strncmp(attribute->name, "xmlns", 5) != 0)
    return false;
  if (length == 0)
    return attribute->name_length == 5;
  return attribute->name_length == 6 + length && attribute->name[5] == ':' &&
         strncmp(attribute->name + 6, prefix, length) == 0;
}

static bool is_envelope(const char *tag)
{
  const char *name = tag + 1, *at;
  size_t length = *tag == '<' ? strcspn(name, " \t\r\n/>") : 0;
  const char *colon = memchr(name, ':', length);
  size_t prefix = colon ? (size_t)(colon - name) : 0, local = colon ? prefix + 1 : 0;
  struct attribute attribute;

  if (length - local != 8 || strncmp(name + local, "Envelope", 8) != 0)
    return false;
  for (at = name + length; next_attribute(&at, &attribute);)
    if (declares(&attribute, name, prefix))
      return vmf_reader_is_envelope_uri(attribute.value, attribute.value_length);
  return false;
}

bool vmf_envelope_at_start(struct vmf_io *io)
{
  char head[HEAD_BYTES + 1];
  size_t length = (size_t)vmf_min(io->size, HEAD_BYTES);

  if (length < 2 || io->size > VMF_XML_BYTES || vmf_io_pread(io, head, length, 0, NULL) != VMF_OK)
    return false;
  head[narrow(head, length)] = '\0';
  const char *root = skip_prolog(head);
  return root && is_envelope(root);
}
