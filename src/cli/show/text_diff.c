/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The fewest lines that differ, by the method of E. Myers, "An O(ND) Difference Algorithm" (1986).
 */
#include "text_diff.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "human.h"

enum {
  CONTEXT = 3,      /* lines around a change */
  EDITS_MOST = 1024 /* lines that may differ: beyond, all between first and last is one change */
};

struct text_line {
  const char *at;
  size_t length; /* with its line feed, where it has one */
  bool changed;  /* it is not in the other text */
};

struct text_lines {
  struct text_line *lines;
  size_t count;
};

static bool split(const char *text, size_t length, struct text_lines *lines)
{
  size_t count = 1;

  for (size_t i = 0; i < length; i++)
    count += text[i] == '\n';
  lines->lines = calloc(count, sizeof *lines->lines);
  if (!lines->lines)
    return false;
  while (length > 0) {
    const char *end = memchr(text, '\n', length);
    size_t step = end ? (size_t)(end - text) + 1 : length;
    lines->lines[lines->count++] = (struct text_line){.at = text, .length = step};
    text += step;
    length -= step;
  }
  return true;
}

static bool same(const struct text_line *a, const struct text_line *b)
{
  return a->length == b->length && memcmp(a->at, b->at, a->length) == 0;
}

/* What is compared: the lines between what both begin and end with. */
struct middle {
  struct text_line *old, *new;
  long old_count, new_count;
  long *reached; /* for each number of edits, how far each diagonal has come */
};

/* How far a row of edits reaches on diagonal k (lines of old less lines of new). */
static long *row(const struct middle *middle, long edits)
{
  return middle->reached + edits * (2 * (long)EDITS_MOST + 3) + EDITS_MOST + 1;
}

/* One more edit from where one fewer came to; true: both ends are reached. */
static bool advance(const struct middle *middle, long edits)
{
  long *now = row(middle, edits);

  for (long k = -edits; k <= edits; k += 2) {
    const long *before = edits > 0 ? row(middle, edits - 1) : NULL;
    long x = 0;
    if (before)
      x = k == -edits || (k != edits && before[k - 1] < before[k + 1]) ? before[k + 1]
                                                                       : before[k - 1] + 1;
    while (x < middle->old_count && x - k < middle->new_count && x >= 0 && x - k >= 0 &&
           same(&middle->old[x], &middle->new[x - k]))
      x++;
    now[k] = x;
    if (x >= middle->old_count && x - k >= middle->new_count)
      return true;
  }
  return false;
}

/* From the end back to the start: each edit is a line of one of both. */
static void mark(const struct middle *middle, long edits)
{
  long x = middle->old_count, y = middle->new_count;

  for (; edits > 0; edits--) {
    const long *before = row(middle, edits - 1);
    long k = x - y;
    bool down = k == -edits || (k != edits && before[k - 1] < before[k + 1]);
    long from = down ? before[k + 1] : before[k - 1];
    if (down) {
      y = from - (k + 1);
      middle->new[y].changed = true;
    } else {
      middle->old[from].changed = true;
      y = from - (k - 1);
    }
    x = from;
  }
}

static void mark_all(const struct middle *middle)
{
  for (long i = 0; i < middle->old_count; i++)
    middle->old[i].changed = true;
  for (long i = 0; i < middle->new_count; i++)
    middle->new[i].changed = true;
}

static bool compare(struct text_lines *old, struct text_lines *new)
{
  size_t least = old->count < new->count ? old->count : new->count, head = 0, tail = 0;
  long edits = 0;

  while (head < least && same(&old->lines[head], &new->lines[head]))
    head++;
  while (tail < least - head &&
         same(&old->lines[old->count - 1 - tail], &new->lines[new->count - 1 - tail]))
    tail++;
  struct middle middle = {.old = old->lines + head,
                          .new = new->lines + head,
                          .old_count = (long)(old->count - head - tail),
                          .new_count = (long)(new->count - head - tail)};
  long most = middle.old_count + middle.new_count;
  most = most < EDITS_MOST ? most : EDITS_MOST;
  middle.reached =
      calloc((size_t)(most + 1), (2 * (size_t)EDITS_MOST + 3) * sizeof *middle.reached);
  if (!middle.reached)
    return false;
  while (edits <= most && !advance(&middle, edits))
    edits++;
  if (edits <= most)
    mark(&middle, edits);
  else
    mark_all(&middle);
  free(middle.reached);
  return true;
}

/* ---- printing ---- */

static bool print_line(FILE *out, char sign, const struct text_line *line)
{
  bool ended = line->length > 0 && line->at[line->length - 1] == '\n';
  size_t length = line->length - ended;

  putc(sign, out);
  if (isatty(fileno(out))) {
    char *copy = strndup(line->at, length);
    if (!copy)
      return false;
    vmf_human_text(out, copy);
    free(copy);
  } else {
    fwrite(line->at, 1, length, out);
  }
  fputs(ended ? "\n" : "\n\\ No newline at end of file\n", out);
  return true;
}

/* A place in both texts, up to which they are printed. */
struct place {
  size_t old, new;
};

/* Behind the changes that start at `at`. */
static struct place behind_change(const struct text_lines *old, const struct text_lines *new,
                                  struct place at)
{
  while (at.old < old->count && old->lines[at.old].changed)
    at.old++;
  while (at.new < new->count &&new->lines[at.new].changed)
    at.new ++;
  return at;
}

static bool is_change(const struct text_lines *old, const struct text_lines *new, struct place at)
{
  return (at.old < old->count && old->lines[at.old].changed) ||
         (at.new < new->count &&new->lines[at.new].changed);
}

/* The end of a hunk: changes that are near belong together. */
static struct place hunk_end(const struct text_lines *old, const struct text_lines *new,
                             struct place at)
{
  struct place end = at;
  size_t quiet = 0;

  while (quiet <= 2 * CONTEXT && (at.old < old->count || at.new < new->count)) {
    if (is_change(old, new, at)) {
      end = at = behind_change(old, new, at);
      quiet = 0;
      continue;
    }
    at.old++;
    at.new ++;
    quiet++;
  }
  for (size_t i = 0; i < CONTEXT && end.old < old->count; i++) {
    end.old++;
    end.new ++;
  }
  return end;
}

static bool print_hunk(FILE *out, const struct text_lines *old, const struct text_lines *new,
                       struct place at, struct place end)
{
  bool printed = true;

  fprintf(out, "@@ -%zu,%zu +%zu,%zu @@\n", at.old + (end.old > at.old), end.old - at.old,
          at.new + (end.new > at.new), end.new - at.new);
  while (printed && (at.old < end.old || at.new < end.new)) {
    if (at.old < end.old && old->lines[at.old].changed) {
      printed = print_line(out, '-', &old->lines[at.old++]);
    } else if (at.new < end.new &&new->lines[at.new].changed) {
      printed = print_line(out, '+', &new->lines[at.new ++]);
    } else {
      printed = print_line(out, ' ', &old->lines[at.old++]);
      at.new ++;
    }
  }
  return printed;
}

static bool print_all(FILE *out, const struct text_lines *old, const struct text_lines *new)
{
  struct place at = {0};
  size_t quiet = 0; /* equal lines before `at` that may be shown */

  while (at.old < old->count || at.new < new->count) {
    if (!is_change(old, new, at)) {
      at.old++;
      at.new ++;
      quiet++;
      continue;
    }
    size_t before = quiet < CONTEXT ? quiet : CONTEXT;
    struct place start = {at.old - before, at.new - before};
    at = hunk_end(old, new, at);
    if (!print_hunk(out, old, new, start, at))
      return false;
    quiet = 0;
  }
  return true;
}

enum vmf_code vmf_text_diff_print(FILE *out, const struct vmf_edited_text *text)
{
  struct text_lines old = {0}, new = {0};
  bool done = split(text->before, text->before_length, &old) &&
              split(text->after, text->after_length, &new) && compare(&old, &new);

  if (done) {
    fputs("--- ", out);
    vmf_human_text(out, text->name);
    fputs("\n+++ ", out);
    vmf_human_text(out, text->name);
    fputs("\n", out);
    done = print_all(out, &old, &new);
  }
  free(old.lines);
  free(new.lines);
  return done ? VMF_OK : VMF_NOMEM;
}
