/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "line_splice.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "memory.h"

void vmf_line_splice_begin(struct vmf_line_splice *splice, const char *bytes, size_t length)
{
  const char *newline = length > 0 ? memchr(bytes, '\n', length) : NULL;

  *splice = (struct vmf_line_splice){
      .bytes = bytes,
      .length = length,
      .end = newline && newline > bytes && newline[-1] == '\r' ? "\r\n" : "\n"};
}

void vmf_line_splice_clear(struct vmf_line_splice *splice)
{
  for (size_t i = 0; i < splice->count; i++)
    vmf_free(splice->changes[i].text);
  vmf_free(splice->changes);
  splice->changes = NULL;
  splice->count = splice->room = 0;
}

/* The length of the line at the front, with its newline. */
static size_t line_length(const char *at, const char *stop)
{
  const char *newline = memchr(at, '\n', (size_t)(stop - at));

  return newline ? (size_t)(newline + 1 - at) : (size_t)(stop - at);
}

const char *vmf_line_splice_line(const struct vmf_line_splice *splice, unsigned number,
                                 size_t *length)
{
  const char *at = splice->bytes, *stop = at + splice->length;

  for (; at < stop; at += *length) {
    *length = line_length(at, stop);
    if (--number == 0)
      return at;
  }
  return NULL;
}

/* ---- changes ---- */

static enum vmf_code add(struct vmf_line_splice *splice, struct vmf_line_change change,
                         const char *text, struct vmf_error *error)
{
  VMF_TRY(VMF_LIST_ROOM(splice->changes, splice->count, splice->room, "changes", error));
  if (text)
    VMF_TRY(vmf_copy_text(text, &change.text, error));
  change.order = splice->count;
  splice->changes[splice->count++] = change;
  return VMF_OK;
}

enum vmf_code vmf_line_splice_replace(struct vmf_line_splice *splice, unsigned line, size_t from,
                                      size_t to, const char *text, struct vmf_error *error)
{
  return add(splice, (struct vmf_line_change){.line = line, .from = from, .to = to}, text, error);
}

enum vmf_code vmf_line_splice_drop(struct vmf_line_splice *splice, unsigned line,
                                   struct vmf_error *error)
{
  return add(splice, (struct vmf_line_change){.line = line, .to = SIZE_MAX}, NULL, error);
}

enum vmf_code vmf_line_splice_insert(struct vmf_line_splice *splice, unsigned line,
                                     const char *text, struct vmf_error *error)
{
  return add(splice, (struct vmf_line_change){.line = line, .whole = true}, text, error);
}

/* ---- the whole ---- */

/* What comes before a line stands before changes of it. */
static int compare(const void *a, const void *b)
{
  const struct vmf_line_change *one = a, *other = b;

  if (one->line != other->line)
    return one->line < other->line ? -1 : 1;
  if (one->whole != other->whole)
    return one->whole ? -1 : 1;
  if (one->from != other->from)
    return one->from < other->from ? -1 : 1;
  return one->order < other->order ? -1 : one->order > other->order;
}

struct output {
  char *text; /* NULL: only counting */
  size_t length;
};

static void put(struct output *output, const char *text, size_t length)
{
  if (output->text && length > 0)
    memcpy(output->text + output->length, text, length);
  output->length += length;
}

static void put_text(struct output *output, const struct vmf_line_splice *splice,
                     const struct vmf_line_change *change)
{
  for (const char *c = change->text ? change->text : ""; *c; c++)
    if (*c == '\n')
      put(output, splice->end, strlen(splice->end));
    else
      put(output, c, 1);
  if (change->whole)
    put(output, splice->end, strlen(splice->end));
}

/* One line with its changes, from *next on. */
static void put_line(struct output *output, const struct vmf_line_splice *splice, const char *line,
                     size_t length, unsigned number, size_t *next)
{
  size_t done = 0;

  for (; *next < splice->count && splice->changes[*next].line == number; ++*next) {
    const struct vmf_line_change *change = &splice->changes[*next];
    size_t from = change->from < length ? change->from : length;
    size_t to = change->to < length ? change->to : length;
    if (!change->whole && from >= done) {
      put(output, line + done, from - done);
      done = to;
    }
    put_text(output, splice, change);
  }
  put(output, line + done, length - done);
}

static void put_all(struct output *output, const struct vmf_line_splice *splice)
{
  const char *at = splice->bytes, *stop = at + splice->length;
  size_t next = 0;
  unsigned number = 1;

  for (size_t length; at < stop; at += length, number++) {
    length = line_length(at, stop);
    put_line(output, splice, at, length, number, &next);
  }
  if (next < splice->count && splice->length > 0 && stop[-1] != '\n')
    put(output, splice->end, strlen(splice->end));
  for (; next < splice->count; next++)
    put_text(output, splice, &splice->changes[next]);
}

enum vmf_code vmf_line_splice_apply(struct vmf_line_splice *splice, char **text, size_t *length,
                                    struct vmf_error *error)
{
  struct output output = {0};
  void *memory;

  if (splice->count > 0)
    qsort(splice->changes, splice->count, sizeof *splice->changes, compare);
  put_all(&output, splice);
  VMF_TRY(vmf_alloc(output.length + 1, &memory, error));
  *length = output.length;
  output = (struct output){.text = memory};
  put_all(&output, splice);
  *text = output.text;
  return VMF_OK;
}
