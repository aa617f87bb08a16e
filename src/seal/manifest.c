/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "digest_line.h"
#include "href.h"
#include "list.h"
#include "memory.h"
#include "path.h"

/* Oddities of a manifest besides those of enum vmf_line_oddity. */
enum {
  ODD_UPPER = 1 << VMF_LINE_ODDITIES,
  ODD_ALGORITHM = ODD_UPPER << 1,
  ODD_SUM = ODD_UPPER << 2,
  ODD_DOT = ODD_UPPER << 3,
  ODD_TWICE = ODD_UPPER << 4,
  ODD_END = ODD_UPPER << 5,
};

enum { TOLD_LINES = 100, SHOWN = 80 };

struct reading {
  const char *name; /* of the manifest */
  struct vmf_report *report;
  struct vmf_manifest *manifest;
  unsigned told_odd;  /* oddities that have been told */
  unsigned bad_lines; /* lines that are not understood */
  unsigned line;
};

static const struct {
  const char *spelling;
  enum vmf_digest_kind kind;
} spellings[] = {
    {"SHA1", VMF_SHA1},       {"SHA256", VMF_SHA256},   {"SHA512", VMF_SHA512},
    {"SHA-1", VMF_SHA1},      {"SHA-256", VMF_SHA256},  {"SHA-512", VMF_SHA512},
    {"SHA2-256", VMF_SHA256}, {"SHA2-512", VMF_SHA512},
};

bool vmf_manifest_kind(const char *text, size_t length, enum vmf_digest_kind *kind)
{
  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
    if (strlen(spellings[i].spelling) == length &&
        strncasecmp(spellings[i].spelling, text, length) == 0) {
      *kind = spellings[i].kind;
      return true;
    }
  return false;
}

const char *vmf_manifest_kind_name(enum vmf_digest_kind kind)
{
  return kind == VMF_SHA1 ? "SHA1" : kind == VMF_SHA256 ? "SHA256" : "SHA512";
}

/* ---- entries ---- */

enum vmf_code vmf_manifest_new(struct vmf_manifest **manifest, struct vmf_error *error)
{
  void *memory;

  *manifest = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_manifest), &memory, error));
  *manifest = memory;
  return VMF_OK;
}

static enum vmf_code append(struct vmf_manifest *manifest, struct vmf_text_part name,
                            enum vmf_digest_kind kind, const uint8_t *digest, unsigned line,
                            struct vmf_error *error)
{
  char *copy;

  if (manifest->count == VMF_MANIFEST_ENTRIES)
    return vmf_fail(error, VMF_LIMIT, "a manifest can have %d lines", VMF_MANIFEST_ENTRIES);
  VMF_TRY(VMF_LIST_ROOM(manifest->entries, manifest->count, manifest->capacity,
                        "lines of a manifest", error));
  VMF_TRY(vmf_copy_bytes(name.start, name.length, &copy, error));
  struct vmf_manifest_entry *entry = &manifest->entries[manifest->count++];
  *entry = (struct vmf_manifest_entry){.name = copy, .kind = kind, .line = line};
  memcpy(entry->digest, digest, vmf_digest_size(kind));
  return VMF_OK;
}

enum vmf_code vmf_manifest_add(struct vmf_manifest *manifest, const char *name,
                               enum vmf_digest_kind kind, const uint8_t *digest,
                               struct vmf_error *error)
{
  return append(manifest, (struct vmf_text_part){name, strlen(name)}, kind, digest,
                (unsigned)manifest->count + 1, error);
}

void vmf_manifest_free(struct vmf_manifest *manifest)
{
  if (!manifest)
    return;
  for (size_t i = 0; i < manifest->count; i++)
    vmf_free(manifest->entries[i].name);
  free(manifest->entries);
  vmf_free(manifest);
}

/* ---- reading ---- */

static void tell_oddities(struct reading *reading, unsigned odd)
{
  for (unsigned bit = 1; bit < ODD_END; bit <<= 1) {
    const char *text = bit == ODD_UPPER       ? "upper-case digits"
                       : bit == ODD_ALGORITHM ? "another spelling of the algorithm than SHA1, "
                                                "SHA256 or SHA512"
                       : bit == ODD_SUM       ? "in the form of sha1sum, \"digest  name\"; "
                                                "\"SHA256(name)= digest\" is expected"
                       : bit == ODD_DOT       ? "a name that starts with \"./\""
                       : bit == ODD_TWICE     ? "the same line twice"
                                              : vmf_line_oddity_text(bit);
    if (odd & bit & ~reading->told_odd)
      vmf_report_add(reading->report, VMF_SEVERITY_WARNING, "manifest-form", reading->name,
                     reading->line, "%s", text);
  }
  reading->told_odd |= odd;
}

/* A line that cannot be used; after many of them no more are told one by one. */
static void __attribute__((format(printf, 3, 4)))
refuse_line(struct reading *reading, const char *rule, const char *format, ...)
{
  char text[512];
  va_list values;

  if (reading->bad_lines++ > TOLD_LINES)
    return;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  if (reading->bad_lines <= TOLD_LINES)
    vmf_report_add(reading->report, VMF_SEVERITY_FAILURE, rule, reading->name, reading->line, "%s",
                   text);
  else
    vmf_report_add(reading->report, VMF_SEVERITY_FAILURE, "manifest-line", reading->name,
                   reading->line, "more than %d lines are not understood; no more are told",
                   TOLD_LINES);
}

static int shown(struct vmf_text_part span)
{
  return span.length > SHOWN ? SHOWN : (int)span.length;
}

/* How many of the first characters are hex digits. */
static size_t count_hex(struct vmf_text_part span)
{
  size_t count = 0;

  while (count < span.length && vmf_hex_value(span.start[count]) >= 0)
    count++;
  return count;
}

/* "digest  name" or "digest *name", as sha1sum and the like write it. */
static bool split_sum(struct vmf_text_part line, struct vmf_text_part *name,
                      struct vmf_text_part *value)
{
  size_t digits = count_hex(line);

  if (digits < 32 || digits == line.length ||
      (line.start[digits] != ' ' && line.start[digits] != '\t'))
    return false;
  *value = (struct vmf_text_part){line.start, digits};
  *name = vmf_text_part_trim((struct vmf_text_part){line.start + digits, line.length - digits});
  if (name->length > 0 && name->start[0] == '*') {
    name->start++;
    name->length--;
  }
  return true;
}

static bool kind_of_length(size_t digits, enum vmf_digest_kind *kind)
{
  static const enum vmf_digest_kind kinds[] = {VMF_SHA1, VMF_SHA256, VMF_SHA512};

  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (digits == 2 * vmf_digest_size(kinds[i])) {
      *kind = kinds[i];
      return true;
    }
  return false;
}

static unsigned decode_digest(struct vmf_text_part value, uint8_t *digest)
{
  unsigned odd = 0;

  for (size_t i = 0; i < value.length; i++) {
    unsigned digit = (unsigned)vmf_hex_value(value.start[i]);
    digest[i / 2] = (uint8_t)(i % 2 ? digest[i / 2] | digit : digit << 4);
    if (value.start[i] >= 'A' && value.start[i] <= 'F')
      odd = ODD_UPPER;
  }
  return odd;
}

static bool is_itself(const struct reading *reading, struct vmf_text_part name)
{
  const char *own = vmf_path_name(reading->name);

  return strlen(own) == name.length && memcmp(own, name.start, name.length) == 0;
}

/* Name and digest, the line being understood. */
static enum vmf_code take_entry(struct reading *reading, struct vmf_text_part name,
                                enum vmf_digest_kind kind, struct vmf_text_part value, unsigned odd,
                                struct vmf_error *error)
{
  uint8_t digest[VMF_DIGEST_MAX];
  const char *fault;

  if (name.length > 2 && memcmp(name.start, "./", 2) == 0) {
    name.start += 2;
    name.length -= 2;
    odd |= ODD_DOT;
  }
  fault = vmf_href_fault(name.start, name.length);
  if (fault) {
    refuse_line(reading, "manifest-name", "the name \"%.*s\" %s", shown(name), name.start, fault);
    return VMF_OK;
  }
  if (is_itself(reading, name)) {
    refuse_line(reading, "manifest-name", "the manifest lists itself, \"%.*s\"", shown(name),
                name.start);
    return VMF_OK;
  }
  if (value.length != 2 * vmf_digest_size(kind) || count_hex(value) != value.length) {
    refuse_line(reading, "manifest-digest-form",
                "the %s of \"%.*s\" is \"%.*s\"; %zu hex digits "
                "are expected",
                vmf_manifest_kind_name(kind), shown(name), name.start, shown(value), value.start,
                2 * vmf_digest_size(kind));
    return VMF_OK;
  }
  odd |= decode_digest(value, digest);
  tell_oddities(reading, odd);
  return append(reading->manifest, name, kind, digest, reading->line, error);
}

static enum vmf_code take_line(struct reading *reading, struct vmf_text_part line, unsigned odd,
                               struct vmf_error *error)
{
  struct vmf_text_part algorithm, name, value;
  enum vmf_digest_kind kind;

  if (split_sum(line, &name, &value)) {
    if (kind_of_length(value.length, &kind))
      return take_entry(reading, name, kind, value, odd | ODD_SUM, error);
    refuse_line(reading, "manifest-algorithm",
                "a digest of %zu hex digits is not known; SHA1 has 40, SHA256 64, SHA512 128",
                value.length);
    return VMF_OK;
  }
  if (!vmf_digest_line_split(line, &algorithm, &name, &value, &odd)) {
    refuse_line(reading, "manifest-line",
                "\"%.*s\" is no line of a manifest; \"SHA256(name)= digest\" is expected",
                shown(line), line.start);
    return VMF_OK;
  }
  if (!vmf_manifest_kind(algorithm.start, algorithm.length, &kind)) {
    refuse_line(reading, "manifest-algorithm",
                "the algorithm \"%.*s\" is not known; SHA1, SHA256 and SHA512 are",
                shown(algorithm), algorithm.start);
    return VMF_OK;
  }
  const char *exact = vmf_manifest_kind_name(kind);
  if (algorithm.length != strlen(exact) || memcmp(algorithm.start, exact, algorithm.length) != 0)
    odd |= ODD_ALGORITHM;
  return take_entry(reading, name, kind, value, odd, error);
}

static enum vmf_code take_lines(struct reading *reading, struct vmf_lines *lines,
                                struct vmf_error *error)
{
  while (vmf_lines_next(lines)) {
    reading->line = lines->number;
    if (reading->manifest->count == VMF_MANIFEST_ENTRIES) {
      vmf_report_add(reading->report, VMF_SEVERITY_FAILURE, "manifest-limit", reading->name,
                     reading->line, "has more than %d lines; what follows is not read",
                     VMF_MANIFEST_ENTRIES);
      return VMF_OK;
    }
    if (lines->line.length == 0)
      tell_oddities(reading, lines->odd);
    else
      VMF_TRY(take_line(reading, lines->line, lines->odd, error));
  }
  return VMF_OK;
}

/* ---- names that stand twice ---- */

static int compare_entries(const void *a, const void *b)
{
  const struct vmf_manifest_entry *first = *(struct vmf_manifest_entry *const *)a;
  const struct vmf_manifest_entry *second = *(struct vmf_manifest_entry *const *)b;
  int names = strcmp(first->name, second->name);

  if (names != 0)
    return names;
  if (first->kind != second->kind)
    return first->kind < second->kind ? -1 : 1;
  return first->line < second->line ? -1 : first->line > second->line;
}

/* Two entries in order; of two equal ones the second loses its name. */
static void check_pair(struct reading *reading, const struct vmf_manifest_entry *first,
                       struct vmf_manifest_entry *second)
{
  if (strcmp(first->name, second->name) != 0 || first->kind != second->kind)
    return;
  reading->line = second->line;
  if (memcmp(first->digest, second->digest, vmf_digest_size(first->kind)) == 0)
    tell_oddities(reading, ODD_TWICE);
  else
    refuse_line(reading, "manifest-duplicate", "\"%.*s\" has another %s than in line %u", SHOWN,
                second->name, vmf_manifest_kind_name(first->kind), first->line);
}

static bool is_repeated(const struct vmf_manifest_entry *first,
                        const struct vmf_manifest_entry *second)
{
  return first->kind == second->kind && strcmp(first->name, second->name) == 0 &&
         memcmp(first->digest, second->digest, vmf_digest_size(first->kind)) == 0;
}

/* Takes out the entries that are marked by line 0. */
static void compact(struct vmf_manifest *manifest)
{
  size_t kept = 0;

  for (size_t i = 0; i < manifest->count; i++) {
    if (manifest->entries[i].line == 0)
      vmf_free(manifest->entries[i].name);
    else
      manifest->entries[kept++] = manifest->entries[i];
  }
  manifest->count = kept;
}

static enum vmf_code check_repeated(struct reading *reading, struct vmf_error *error)
{
  struct vmf_manifest *manifest = reading->manifest;
  VMF_AUTO_FREE void *memory = NULL;
  struct vmf_manifest_entry **sorted, *first;

  VMF_TRY(vmf_alloc(manifest->count * sizeof *sorted, &memory, error));
  sorted = memory;
  for (size_t i = 0; i < manifest->count; i++)
    sorted[i] = &manifest->entries[i];
  qsort(sorted, manifest->count, sizeof *sorted, compare_entries);
  first = manifest->count > 0 ? sorted[0] : NULL;
  for (size_t i = 1; i < manifest->count; i++) {
    check_pair(reading, first, sorted[i]);
    if (is_repeated(first, sorted[i]))
      sorted[i]->line = 0;
    else
      first = sorted[i];
  }
  compact(manifest);
  return VMF_OK;
}

static enum vmf_code read_all(struct reading *reading, const void *bytes, size_t length,
                              struct vmf_error *error)
{
  struct vmf_lines lines = {.rest = bytes, .left = length};

  if (length > VMF_MANIFEST_BYTES) {
    vmf_report_add(reading->report, VMF_SEVERITY_FAILURE, "manifest-limit", reading->name, 0,
                   "has %zu bytes; at most %d are read", length, VMF_MANIFEST_BYTES);
    return VMF_OK;
  }
  VMF_TRY(take_lines(reading, &lines, error));
  VMF_TRY(check_repeated(reading, error));
  if (reading->manifest->count == 0 && reading->bad_lines == 0)
    vmf_report_add(reading->report, VMF_SEVERITY_WARNING, "manifest-empty", reading->name, 0,
                   "lists no file");
  return VMF_OK;
}

enum vmf_code vmf_manifest_read(const char *name, const void *bytes, size_t length,
                                struct vmf_report *report, struct vmf_manifest **manifest,
                                struct vmf_error *error)
{
  struct reading reading = {.name = name, .report = report};

  VMF_TRY(vmf_manifest_new(manifest, error));
  reading.manifest = *manifest;
  enum vmf_code code = read_all(&reading, bytes, length, error);
  if (code != VMF_OK) {
    vmf_manifest_free(*manifest);
    *manifest = NULL;
  }
  return code;
}

/* ---- writing ---- */

static size_t line_length(const struct vmf_manifest_entry *entry)
{
  return strlen(vmf_manifest_kind_name(entry->kind)) + strlen(entry->name) +
         2 * vmf_digest_size(entry->kind) + strlen("()= \n");
}

enum vmf_code vmf_manifest_write(const struct vmf_manifest *manifest, char **text, size_t *length,
                                 struct vmf_error *error)
{
  char digits[2 * VMF_DIGEST_MAX + 1];
  size_t total = 0, at = 0;
  void *memory;

  for (size_t i = 0; i < manifest->count; i++) {
    const char *name = manifest->entries[i].name;
    const char *fault = vmf_href_fault(name, strlen(name));
    if (fault)
      return vmf_fail(error, VMF_USAGE, "\"%s\" cannot be listed in a manifest: the name %s", name,
                      fault);
    total += line_length(&manifest->entries[i]);
  }
  VMF_TRY(vmf_alloc(total + 1, &memory, error));
  *text = memory;
  *length = total;
  for (size_t i = 0; i < manifest->count; i++) {
    const struct vmf_manifest_entry *entry = &manifest->entries[i];
    vmf_digest_text(entry->digest, vmf_digest_size(entry->kind), digits);
    at += (size_t)snprintf(*text + at, total + 1 - at, "%s(%s)= %s\n",
                           vmf_manifest_kind_name(entry->kind), entry->name, digits);
  }
  return VMF_OK;
}
