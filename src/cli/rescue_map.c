/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "rescue_map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"

enum { LINE_MOST = 256 /* bytes of a line that is no comment */ };

enum vmf_code vmf_stretches_add(struct vmf_stretches *stretches, uint64_t guest, uint64_t length,
                                struct vmf_error *error)
{
  struct vmf_stretch *last = stretches->list + stretches->count;

  if (stretches->count > 0 && last[-1].guest + last[-1].length == guest) {
    last[-1].length += length;
    return VMF_OK;
  }
  if (stretches->count == stretches->capacity) {
    size_t capacity = 2 * stretches->capacity + 16;
    struct vmf_stretch *larger = realloc(stretches->list, capacity * sizeof *larger);
    if (!larger)
      return vmf_arguments_no_memory(error);
    stretches->list = larger;
    stretches->capacity = capacity;
  }
  stretches->list[stretches->count++] = (struct vmf_stretch){.guest = guest, .length = length};
  return VMF_OK;
}

/* ---- reading ---- */

struct map_reader {
  FILE *file;
  const char *path;
  unsigned line;
  char text[LINE_MOST];
};

static enum vmf_code map_wrong(const struct map_reader *reader, const char *expected,
                               struct vmf_error *error)
{
  (void)vmf_arguments_wrong(error, "%s:%u: is no mapfile of ddrescue: expected %s", reader->path,
                            reader->line, expected);
  return error->code = VMF_CORRUPT;
}

/* The next line that is no comment; *end: there is none. */
static enum vmf_code map_line(struct map_reader *reader, bool *end, struct vmf_error *error)
{
  for (bool comment = true, whole = true; comment;) {
    bool starts = whole;
    *end = !fgets(reader->text, sizeof reader->text, reader->file);
    if (*end)
      return VMF_OK;
    size_t length = strlen(reader->text);
    whole = length > 0 && reader->text[length - 1] == '\n';
    reader->line += starts;
    if (starts)
      comment = reader->text[strspn(reader->text, " \t\r\n")] == '\0' || reader->text[0] == '#';
    comment |= !starts;
    if (!comment && !whole && !feof(reader->file))
      return map_wrong(reader, "a line of three fields", error);
  }
  return VMF_OK;
}

/* One number, decimal, octal or hexadecimal as in C; *text moves behind it. */
static bool map_number(const char **text, uint64_t *value)
{
  char *end;

  *text += strspn(*text, " \t");
  if (**text < '0' || **text > '9')
    return false;
  errno = 0;
  *value = strtoull(*text, &end, 0);
  bool good = errno == 0 && strchr(" \t\r\n", *end);
  *text = end;
  return good;
}

/* A word of one character out of `among`, the last of its line. */
static bool map_status(const char *text, const char *among, char *status)
{
  text += strspn(text, " \t");
  *status = *text;
  return *text != '\0' && strchr(among, *text) && text[1 + strspn(text + 1, " \t\r\n")] == '\0';
}

/* Position, status and perhaps the pass of the run. */
static bool map_is_head(const char *text)
{
  uint64_t ignored;

  if (!map_number(&text, &ignored))
    return false;
  text += strspn(text, " \t");
  if (*text == '\0' || !strchr("?*/-FG+", *text))
    return false;
  text++;
  return text[strspn(text, " \t\r\n")] == '\0' ||
         (strchr(" \t", *text) && map_number(&text, &ignored) &&
          text[strspn(text, " \t\r\n")] == '\0');
}

static enum vmf_code map_blocks(struct map_reader *reader, uint64_t size,
                                struct vmf_stretches *unread, struct vmf_error *error)
{
  uint64_t at = 0, start, length;
  bool end;
  char status;

  for (;;) {
    enum vmf_code code = map_line(reader, &end, error);
    if (code != VMF_OK)
      return code;
    if (end)
      return at < size ? vmf_stretches_add(unread, at, size - at, error) : VMF_OK;
    const char *text = reader->text;
    if (!map_number(&text, &start) || !map_number(&text, &length) ||
        !map_status(text, "?*/-+", &status) || length == 0 || length > UINT64_MAX - start)
      return map_wrong(reader, "position, size, and one of ? * / - +", error);
    if (start != at && (at > 0 || start < at))
      return map_wrong(reader, "a position where the block before it ends", error);
    if (start > at && at < size)
      code = vmf_stretches_add(unread, at, (start < size ? start : size) - at, error);
    at = start + length;
    if (code == VMF_OK && status != '+' && start < size)
      code = vmf_stretches_add(unread, start, (at < size ? at : size) - start, error);
    if (code != VMF_OK)
      return code;
  }
}

enum vmf_code vmf_rescue_map_read(const char *path, uint64_t size, bool *there,
                                  struct vmf_stretches *unread, struct vmf_error *error)
{
  struct map_reader reader = {.file = fopen(path, "re"), .path = path};
  bool end;

  *there = reader.file || errno != ENOENT;
  if (!*there)
    return VMF_OK;
  if (!reader.file)
    return vmf_arguments_wrong(error, "%s: cannot be read: %s", path, strerror(errno));
  enum vmf_code code = map_line(&reader, &end, error);
  if (code == VMF_OK && (end || !map_is_head(reader.text)))
    code = map_wrong(&reader, "the position and status of the run", error);
  if (code == VMF_OK)
    code = map_blocks(&reader, size, unread, error);
  if (code == VMF_OK && ferror(reader.file))
    code = vmf_arguments_wrong(error, "%s: reading failed", path);
  fclose(reader.file);
  return code;
}

/* ---- writing ---- */

static void map_block(FILE *file, uint64_t start, uint64_t end, char status)
{
  if (end > start)
    fprintf(file, "0x%08" PRIX64 "  0x%08" PRIX64 "  %c\n", start, end - start, status);
}

static void map_print(FILE *file, uint64_t size, const struct vmf_stretches *lost)
{
  uint64_t at = 0;

  fprintf(file,
          "# Mapfile of the guest disk. Created by vmferry %s\n"
          "# current_pos  current_status  current_pass\n"
          "0x%08" PRIX64 "     +               1\n"
          "#      pos        size  status\n",
          vmf_version(), size);
  for (size_t i = 0; i < lost->count; i++) {
    map_block(file, at, lost->list[i].guest, '+');
    at = lost->list[i].guest + lost->list[i].length;
    map_block(file, lost->list[i].guest, at, '-');
  }
  map_block(file, at, size, '+');
}

/* replace == false: it appeared since it was looked for, under this name or another. */
static enum vmf_code map_store(const char *path, const char *text, size_t length, bool replace,
                               struct vmf_error *error)
{
  struct vmf_error found = {0};
  enum vmf_code code = vmf_file_write(path, text, length, replace, &found);

  if (code == VMF_OK)
    return VMF_OK;
  (void)vmf_arguments_wrong(error, "%s: the map cannot be written: %s", path,
                            code == VMF_USAGE ? strerror(EEXIST) : found.text);
  error->sys_errno = found.sys_errno;
  return error->code = code == VMF_IN_USE || code == VMF_NOMEM ? code : VMF_WRITE;
}

enum vmf_code vmf_rescue_map_write(const char *path, uint64_t size,
                                   const struct vmf_stretches *lost, bool replace,
                                   struct vmf_error *error)
{
  char *text = NULL;
  size_t length = 0;
  FILE *file = open_memstream(&text, &length);

  if (!file)
    return vmf_arguments_no_memory(error);
  map_print(file, size, lost);
  bool good = fflush(file) == 0 && !ferror(file);
  good = fclose(file) == 0 && good;
  enum vmf_code code =
      good ? map_store(path, text, length, replace, error) : vmf_arguments_no_memory(error);
  free(text);
  return code;
}
