/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The text of a VMDK descriptor, from a file of its own or from inside a sparse extent. A line is a
 * comment, a key, or an extent; any other line is refused, since an extent that is not understood
 * would shift all that follows it. */
#include "vmdk_descriptor.h"

#include <string.h>

#include "encoding.h"
#include "memory.h"
#include "text.h"
#include "vmdk.h"

static const char *const access_names[] = {"RW", "RDONLY", "NOACCESS", NULL};
static const char *const type_names[] = {"FLAT",     "SPARSE",  "ZERO",    "VMFS", "VMFSSPARSE",
                                         "SESPARSE", "VMFSRDM", "VMFSRAW", NULL};

/* A stretch of the text; not NUL-terminated. */
struct span {
  const char *at;
  size_t length;
};

/* What is known while the lines are read. */
struct parser {
  const char *name; /* of the file */
  const struct vmf_limits *limits;
  struct vmdk_descriptor *descriptor;
  struct vmf_error *error;
  unsigned line;
  unsigned capacity; /* of descriptor->extents */
  bool has_cid, has_parent_cid;
};

const char *vmdk_type_name(enum vmdk_extent_type type)
{
  return type_names[type];
}

static bool vmdk_blank(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct span vmdk_trim(struct span text)
{
  while (text.length > 0 && vmdk_blank(text.at[0])) {
    text.at++;
    text.length--;
  }
  while (text.length > 0 && vmdk_blank(text.at[text.length - 1]))
    text.length--;
  return text;
}

/* Cuts the next line off the front of `rest`; false at the end. */
static bool vmdk_next_line(struct span *rest, struct span *line)
{
  if (rest->length == 0)
    return false;
  const char *newline = memchr(rest->at, '\n', rest->length);
  size_t length = newline != NULL ? (size_t)(newline - rest->at) : rest->length;
  size_t taken = newline != NULL ? length + 1 : length;
  *line = vmdk_trim((struct span){rest->at, length});
  rest->at += taken;
  rest->length -= taken;
  return true;
}

/* Cuts the next word (up to white space) off the front of `rest`; empty at the end. */
static struct span vmdk_next_word(struct span *rest)
{
  *rest = vmdk_trim(*rest);
  struct span word = {rest->at, 0};
  while (word.length < rest->length && !vmdk_blank(word.at[word.length]))
    word.length++;
  rest->at += word.length;
  rest->length -= word.length;
  return word;
}

static bool vmdk_span_is(struct span text, const char *word)
{
  char copy[32];
  if (text.length >= sizeof copy)
    return false;
  memcpy(copy, text.at, text.length);
  copy[text.length] = '\0';
  return vmf_text_equal_nocase(copy, word);
}

static int vmdk_span_find(struct span text, const char *const *words)
{
  for (int i = 0; words[i] != NULL; i++) {
    if (vmdk_span_is(text, words[i]))
      return i;
  }
  return -1;
}

static int vmdk_digit(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return 16;
}

/* All of `text` as a number; false when it is none or does not fit below `max`. */
static bool vmdk_span_number(struct span text, unsigned base, uint64_t max, uint64_t *number)
{
  *number = 0;
  for (size_t i = 0; i < text.length; i++) {
    unsigned digit = (unsigned)vmdk_digit(text.at[i]);
    if (digit >= base || *number > (max - digit) / base)
      return false;
    *number = *number * base + digit;
  }
  return text.length > 0;
}

/* `"x"` and `x` are both x. */
static struct span vmdk_unquote(struct span text)
{
  if (text.length >= 2 && text.at[0] == '"' && text.at[text.length - 1] == '"')
    return (struct span){text.at + 1, text.length - 2};
  return text;
}

/* `key = value`, either quoted; false when there is no '='. */
static bool vmdk_split_key(struct span line, struct span *key, struct span *value)
{
  const char *equals = memchr(line.at, '=', line.length);
  if (equals == NULL)
    return false;
  size_t length = (size_t)(equals - line.at);
  *key = vmdk_unquote(vmdk_trim((struct span){line.at, length}));
  *value = vmdk_unquote(vmdk_trim((struct span){equals + 1, line.length - length - 1}));
  return key->length > 0;
}

/* Long lines are cut in messages. */
static int vmdk_shown(struct span text)
{
  return text.length < 80 ? (int)text.length : 80;
}

static enum vmf_code vmdk_line_error(struct parser *parser, struct span text, const char *what)
{
  return vmf_fail(parser->error, VMF_CORRUPT, "%s: descriptor line %u: \"%.*s\": %s", parser->name,
                  parser->line, vmdk_shown(text), text.at, what);
}

/* ---- keys ---- */

static enum vmf_code vmdk_set_cid(struct parser *parser, struct span line, struct span value,
                                  bool *seen, uint32_t *cid)
{
  uint64_t number;
  if (*seen)
    return vmdk_line_error(parser, line, "given twice");
  if (!vmdk_span_number(value, 16, UINT32_MAX, &number))
    return vmdk_line_error(parser, line, "expected a content id of up to 8 hexadecimal digits");
  *seen = true;
  *cid = (uint32_t)number;
  return VMF_OK;
}

static enum vmf_code vmdk_set_text(struct parser *parser, struct span line, struct span value,
                                   char **text)
{
  if (*text != NULL)
    return vmdk_line_error(parser, line, "given twice");
  return vmf_copy_bytes(value.at, value.length, text, parser->error);
}

static enum vmf_code vmdk_set_version(struct parser *parser, struct span line, struct span value)
{
  uint64_t version;
  if (!vmdk_span_number(value, 10, UINT32_MAX, &version) || version == 0)
    return vmdk_line_error(parser, line, "expected a version from 1");
  return VMF_OK;
}

static enum vmf_code vmdk_parse_key(struct parser *parser, struct span line)
{
  struct span key, value;
  struct vmdk_descriptor *descriptor = parser->descriptor;
  if (!vmdk_split_key(line, &key, &value))
    return vmdk_line_error(parser, line, "neither a comment, nor KEY=VALUE, nor an extent");
  if (vmdk_span_is(key, "version"))
    return vmdk_set_version(parser, line, value);
  if (vmdk_span_is(key, "CID"))
    return vmdk_set_cid(parser, line, value, &parser->has_cid, &descriptor->cid);
  if (vmdk_span_is(key, "parentCID"))
    return vmdk_set_cid(parser, line, value, &parser->has_parent_cid, &descriptor->parent_cid);
  if (vmdk_span_is(key, "createType"))
    return vmdk_set_text(parser, line, value, &descriptor->create_type);
  if (vmdk_span_is(key, "parentFileNameHint"))
    return vmdk_set_text(parser, line, value, &descriptor->parent_hint);
  if (vmdk_span_is(key, "encryptionKeys"))
    return vmf_fail(parser->error, VMF_UNSUPPORTED, "%s: descriptor line %u: the disk is encrypted",
                    parser->name, parser->line);
  if (vmdk_span_is(key, "isNativeSnapshot") && vmdk_span_is(value, "yes"))
    return vmf_fail(parser->error, VMF_UNSUPPORTED,
                    "%s: descriptor line %u: isNativeSnapshot: the parent's data is only in the "
                    "storage system that took the snapshot",
                    parser->name, parser->line);
  return VMF_OK; /* the disk database and what else does not change the guest's bytes */
}

/* ---- extents ---- */

static enum vmf_code vmdk_add_extent(struct parser *parser, struct vmdk_extent_line **extent)
{
  struct vmdk_descriptor *descriptor = parser->descriptor;
  if (descriptor->extent_count >= parser->limits->extents)
    return vmf_fail(parser->error, VMF_LIMIT, "%s: descriptor line %u: more than %u extents",
                    parser->name, parser->line, parser->limits->extents);
  if (descriptor->extent_count == parser->capacity) {
    unsigned capacity = parser->capacity == 0 ? 16 : 2 * parser->capacity;
    void *grown;
    VMF_TRY(vmf_alloc((size_t)capacity * sizeof *descriptor->extents, &grown, parser->error));
    if (descriptor->extent_count > 0)
      memcpy(grown, descriptor->extents, descriptor->extent_count * sizeof *descriptor->extents);
    vmf_free(descriptor->extents);
    descriptor->extents = grown;
    parser->capacity = capacity;
  }
  *extent = &descriptor->extents[descriptor->extent_count++];
  (*extent)->line = parser->line;
  return VMF_OK;
}

/* The quoted name, up to the last quote of the line: a name may hold quotes itself. */
static bool vmdk_cut_name(struct span *rest, struct span *name)
{
  *rest = vmdk_trim(*rest);
  if (rest->length < 2 || rest->at[0] != '"')
    return false;
  const char *last = memrchr(rest->at + 1, '"', rest->length - 1);
  if (last == NULL)
    return false;
  *name = (struct span){rest->at + 1, (size_t)(last - rest->at) - 1};
  *rest = (struct span){last + 1, rest->length - name->length - 2};
  return true;
}

/* What stands behind the type: nothing for ZERO, a name, and for FLAT an offset. VMware on Windows
 * puts a partition and a device id behind the offset of a device; devices are refused later. */
static enum vmf_code vmdk_parse_place(struct parser *parser, struct span line, struct span rest,
                                      struct vmdk_extent_line *extent)
{
  struct span name;
  if (extent->type == VMDK_TYPE_ZERO)
    return VMF_OK;
  if (!vmdk_cut_name(&rest, &name))
    return vmdk_line_error(parser, line, "expected a file name in quotes behind the extent's type");
  VMF_TRY(vmf_copy_bytes(name.at, name.length, &extent->name, parser->error));
  struct span offset = vmdk_next_word(&rest);
  if (extent->type == VMDK_TYPE_FLAT || offset.length > 0) {
    if (!vmdk_span_number(offset, 10, UINT64_MAX / VMDK_SECTOR, &extent->offset_sectors))
      return vmdk_line_error(parser, line, "expected an offset in sectors behind the file name");
  }
  if (extent->type != VMDK_TYPE_FLAT && extent->offset_sectors != 0)
    return vmdk_line_error(parser, line, "only a FLAT extent may have an offset");
  return VMF_OK;
}

static enum vmf_code vmdk_parse_extent(struct parser *parser, struct span line)
{
  struct vmdk_extent_line *extent = NULL;
  struct span rest = line;
  int access = vmdk_span_find(vmdk_next_word(&rest), access_names);
  if (access < 0)
    return vmdk_line_error(parser, line, "unknown access, expected RW, RDONLY or NOACCESS");
  VMF_TRY(vmdk_add_extent(parser, &extent));
  extent->access = (enum vmdk_access)access;
  if (!vmdk_span_number(vmdk_next_word(&rest), 10, UINT64_MAX / VMDK_SECTOR, &extent->sectors))
    return vmdk_line_error(parser, line, "expected a number of sectors behind the access");
  int type = vmdk_span_find(vmdk_next_word(&rest), type_names);
  if (type < 0)
    return vmdk_line_error(parser, line,
                           "unknown extent type, expected FLAT, SPARSE, ZERO, VMFS, VMFSSPARSE or "
                           "SESPARSE");
  extent->type = (enum vmdk_extent_type)type;
  return vmdk_parse_place(parser, line, rest, extent);
}

/* An extent begins with an access word, or looks like one that is not known: a number follows. So
 * it may in the value of a key, in a name. */
static bool vmdk_is_extent(struct span line)
{
  uint64_t number;
  struct span first = vmdk_next_word(&line);
  if (vmdk_span_find(first, access_names) >= 0)
    return true;
  if (memchr(first.at, '=', first.length) != NULL)
    return false;
  return vmdk_span_number(vmdk_next_word(&line), 10, UINT64_MAX, &number);
}

/* ---- the whole text ---- */

static struct span vmdk_text(const uint8_t *bytes, size_t length)
{
  const uint8_t *end = length > 0 ? memchr(bytes, '\0', length) : NULL;
  struct span text = {(const char *)bytes, end != NULL ? (size_t)(end - bytes) : length};
  if (text.length >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0) {
    text.at += 3;
    text.length -= 3;
  }
  return text;
}

bool vmdk_descriptor_empty(const uint8_t *bytes, size_t length)
{
  struct span line, rest = vmdk_text(bytes, length);
  while (vmdk_next_line(&rest, &line)) {
    if (line.length > 0)
      return false;
  }
  return true;
}

bool vmdk_descriptor_probe(const uint8_t *head, size_t length)
{
  struct span line, key, value, rest = vmdk_text(head, length);
  bool version = false;
  while (vmdk_next_line(&rest, &line)) {
    if (line.length == 0)
      continue;
    if (vmdk_span_is(line, VMDK_DESCRIPTOR_FIRST_LINE) ||
        vmdk_span_is(line, "# Disk Descriptor File"))
      return true;
    if (line.at[0] == '#')
      continue;
    if (!vmdk_split_key(line, &key, &value))
      return false;
    if (version) /* some writers leave out the first line, none the order of these */
      return vmdk_span_is(key, "CID") || vmdk_span_is(key, "encoding");
    if (!vmdk_span_is(key, "version"))
      return false;
    version = true;
  }
  return false;
}

static enum vmf_code vmdk_to_utf8(const char *name, const char *encoding, struct span text,
                                  char **utf8, struct vmf_error *error)
{
  const char *converter = vmf_encoding_converter(encoding);
  if (vmf_encoding_is_ascii(encoding, text.at, text.length))
    return VMF_OK;
  if (converter == NULL)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: descriptor: encoding=\"%s\" is not known, accepted are " VMF_ENCODINGS
                    "; write the descriptor in UTF-8",
                    name, encoding);
  if (vmf_text_to_utf8(converter, text.at, text.length, utf8, error) != VMF_OK)
    return vmf_while(error, "%s: descriptor with encoding=\"%s\"", name, encoding);
  return VMF_OK;
}

/* The text in UTF-8, when it says that it is in something else. */
static enum vmf_code vmdk_recode(const char *name, struct span text, char **utf8,
                                 struct vmf_error *error)
{
  struct span line, key, value, rest = text;
  char encoding[64];
  while (vmdk_next_line(&rest, &line)) {
    if (line.length == 0 || line.at[0] == '#' || !vmdk_split_key(line, &key, &value) ||
        !vmdk_span_is(key, "encoding"))
      continue;
    if (value.length == 0 || value.length >= sizeof encoding)
      return vmf_fail(error, VMF_CORRUPT, "%s: descriptor: encoding=\"%.*s\" is not a name", name,
                      vmdk_shown(value), value.at);
    memcpy(encoding, value.at, value.length);
    encoding[value.length] = '\0';
    return vmdk_to_utf8(name, encoding, text, utf8, error);
  }
  return VMF_OK;
}

static enum vmf_code vmdk_parse_lines(struct parser *parser, struct span rest)
{
  struct span line;
  while (vmdk_next_line(&rest, &line)) {
    parser->line++;
    if (line.length == 0 || line.at[0] == '#')
      continue;
    if (vmdk_is_extent(line))
      VMF_TRY(vmdk_parse_extent(parser, line));
    else
      VMF_TRY(vmdk_parse_key(parser, line));
  }
  if (parser->descriptor->extent_count == 0)
    return vmf_fail(parser->error, VMF_CORRUPT, "%s: the descriptor lists no extents",
                    parser->name);
  return VMF_OK;
}

enum vmf_code vmdk_descriptor_parse(const char *name, const uint8_t *bytes, size_t length,
                                    const struct vmf_limits *limits,
                                    struct vmdk_descriptor *descriptor, struct vmf_error *error)
{
  VMF_AUTO_FREE char *utf8 = NULL;
  struct span text = vmdk_text(bytes, length);
  struct parser parser = {.name = name, .limits = limits, .descriptor = descriptor, .error = error};
  descriptor->parent_cid = VMDK_CID_NONE;
  VMF_TRY(vmdk_recode(name, text, &utf8, error));
  if (utf8 != NULL)
    text = (struct span){utf8, strlen(utf8)};
  return vmdk_parse_lines(&parser, text);
}

void vmdk_descriptor_release(struct vmdk_descriptor *descriptor)
{
  for (unsigned i = 0; i < descriptor->extent_count; i++)
    vmf_free(descriptor->extents[i].name);
  vmf_free(descriptor->extents);
  vmf_free(descriptor->create_type);
  vmf_free(descriptor->parent_hint);
  *descriptor = (struct vmdk_descriptor){0};
}
