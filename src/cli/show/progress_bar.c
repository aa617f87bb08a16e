/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The line is asked for its width each time that it is drawn, so that a terminal may change its
 * size. It is wiped by blanks: any terminal understands them. */
#include "progress_bar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "characters.h"
#include "human.h"
#include "memory_text.h"
#include "progress.h"

enum {
  WIDTH_USUAL = 80,
  WIDTH_MOST = 200,
  TEXT_COLUMNS = 48, /* of all that stands behind the name */
  NAME_LEAST = 8,
  NAME_MOST = 40,
  BAR_LEAST = 10, /* columns between the brackets */
  BAR_MOST = 60
};

/* Columns of the bar, lines of the block, on the screen. Guarded by the lock of stderr. */
static unsigned bar_columns, block_lines;

bool vmf_progress_bar_possible(void)
{
  return isatty(STDERR_FILENO) != 0;
}

struct terminal_size {
  unsigned columns, rows;
};

static struct terminal_size terminal_size(void)
{
  struct terminal_size usual = {WIDTH_USUAL, 24};
  struct winsize size;

  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return usual;
  usual.columns = size.ws_col < WIDTH_MOST ? size.ws_col : WIDTH_MOST;
  usual.rows = size.ws_row > 0 ? size.ws_row : usual.rows;
  return usual;
}

/* In the background a line would stand in the middle of what another program shows. */
static bool in_background(void)
{
  pid_t group = tcgetpgrp(STDERR_FILENO);

  return group > 0 && group != getpgrp();
}

/* Whether the terminal shows UTF-8, by what the environment says (a locale need not be installed);
 * else a name's other characters are not known to have one column each. */
static bool is_utf8(void)
{
  const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *locale = getenv(names[i]);

    if (locale && *locale)
      return strcasestr(locale, "UTF-8") || strcasestr(locale, "UTF8");
  }
  return false;
}

/* ---- the name ---- */

/* The next character of a name as the bar shows it, in `out`; returns its columns. */
static unsigned take_character(const char **text, char out[8])
{
  uint32_t point;
  unsigned length = vmf_character_decode(*text, &point);
  bool shown = length > 0 && vmf_character_visible(point) && (point < 0x80 || is_utf8());

  snprintf(out, 8, "%.*s", shown ? (int)length : 1, shown ? *text : "?");
  *text += length > 0 ? length : 1;
  return shown ? vmf_character_columns(point) : 1;
}

static unsigned name_columns(const char *name)
{
  unsigned columns = 0;
  char one[8];

  while (*name)
    columns += take_character(&name, one);
  return columns;
}

/* The name, without its start where it has more than `most` columns. Returns its columns. */
static unsigned print_name(FILE *out, const char *name, unsigned most)
{
  unsigned columns = name_columns(name), shown = 0;
  char one[8];

  if (columns > most) {
    while (columns > most - 2)
      columns -= take_character(&name, one);
    fputs("..", out);
    shown = 2;
  }
  while (*name) {
    shown += take_character(&name, one);
    fputs(one, out);
  }
  return shown;
}

/* ---- the line ---- */

static void add(char *line, size_t size, unsigned room, const char *text)
{
  size_t length = strlen(line);

  if (length + strlen(text) <= room && length + strlen(text) < size)
    memcpy(line + length, text, strlen(text) + 1);
}

/* "copying  42 %  1.2 GiB of 2.9 GiB  265 MiB/s  0:12 left", as far as there is room. */
static void compose(const struct vmf_progress_state *state, unsigned room, char *line, size_t size)
{
  char text[64], done[16], total[16], time[16];

  vmf_human_size(state->done, done);
  vmf_human_size(state->total, total);
  if (state->total == 0 && state->done > 0) { /* of a stream whose length nobody knows */
    snprintf(line, size, "  %-9s %s", state->phase, done);
    return;
  }
  snprintf(line, size, "  %-9s %3.0f %%", state->phase, state->percent);
  if (state->rate > 0) {
    vmf_human_seconds(state->left, time);
    snprintf(text, sizeof text, "  %s left", time);
    if (strlen(line) + strlen(text) + 22 <= room) { /* and the bytes with their rate */
      char rate[16];

      vmf_human_size((uint64_t)state->rate, rate);
      snprintf(text, sizeof text, "  %s  %s/s  %s left", done, rate, time);
    }
    add(line, size, room, text);
    return;
  }
  if (state->total > 0) {
    snprintf(text, sizeof text, "  %s of %s", done, total);
    add(line, size, room, text);
  }
  if (state->waited >= 1) {
    vmf_human_seconds(state->waited, time);
    snprintf(text, sizeof text, "  %s", time);
    add(line, size, room, text);
  }
}

static unsigned print_bar(FILE *out, double percent, unsigned columns)
{
  unsigned full = (unsigned)((double)columns * percent / 100);

  fputs("  [", out);
  for (unsigned i = 0; i < columns; i++)
    fputc(i < full ? '#' : '.', out);
  fputc(']', out);
  return columns + 4;
}

static void pad(unsigned columns)
{
  for (; columns > 0; columns--)
    fputc(' ', stderr);
}

void vmf_progress_hide(void)
{
  flockfile(stderr);
  if (bar_columns > 0) {
    fputc('\r', stderr);
    pad(bar_columns);
    fputc('\r', stderr);
    fflush(stderr);
  }
  if (block_lines > 0)
    fprintf(stderr, "\033[%uA\r\033[J", block_lines);
  bar_columns = block_lines = 0;
  funlockfile(stderr);
}

/* It does not depend on what stands behind it, so that the line stands still. */
static unsigned name_most(unsigned width)
{
  if (width >= TEXT_COLUMNS + NAME_MOST)
    return NAME_MOST;
  return width > TEXT_COLUMNS + NAME_LEAST ? width - TEXT_COLUMNS : NAME_LEAST;
}

/* One line of at most `width` columns; returns how many it has. */
static unsigned print_state(FILE *out, const struct vmf_progress_state *state, unsigned width)
{
  unsigned name = name_columns(state->name), used;
  char line[WIDTH_MOST];

  if (name > name_most(width))
    name = name_most(width);
  compose(state, width - name, line, sizeof line);
  used = print_name(out, state->name, name) + (unsigned)strlen(line);
  fputs(line, out);
  if (used + BAR_LEAST + 4 > width)
    return used;
  unsigned room = width - used - 4;
  return used + print_bar(out, state->percent, room < BAR_MOST ? room : BAR_MOST);
}

void vmf_progress_bar_show(const struct vmf_progress_state *state)
{
  unsigned width = terminal_size().columns - 1, before;

  if (width < NAME_LEAST * 3 || in_background())
    return;
  flockfile(stderr);
  before = bar_columns < width ? bar_columns : width;
  fputc('\r', stderr);
  bar_columns = print_state(stderr, state, width);
  if (before > bar_columns) {
    pad(before - bar_columns);
    fputc('\r', stderr);
  }
  fflush(stderr);
  funlockfile(stderr);
}

bool vmf_progress_block_possible(void)
{
  const char *terminal = getenv("TERM");

  return vmf_progress_bar_possible() && terminal && strcmp(terminal, "dumb") != 0;
}

void vmf_progress_block_show(const struct vmf_progress_state *states, size_t count,
                             const struct vmf_progress_state *last)
{
  const struct terminal_size size = terminal_size();
  size_t shown = count + 2 > size.rows ? size.rows - 2 : count, length;
  char *text = NULL;

  if (size.columns - 1 < NAME_LEAST * 3 || size.rows < 3 || in_background())
    return;
  FILE *out = open_memstream(&text, &length); /* one write, so that nothing flickers */
  if (!out)
    return;
  if (block_lines > 0)
    fprintf(out, "\033[%uA\r", block_lines);
  for (size_t i = 0; i < shown; i++) {
    print_state(out, &states[i], size.columns - 1);
    fputs("\033[K\n", out);
  }
  print_state(out, last, size.columns - 1);
  fputs("\033[K\n\033[J", out);
  if (vmf_memory_text_end(out, &text)) {
    flockfile(stderr);
    fwrite(text, 1, length, stderr);
    block_lines = (unsigned)shown + 1;
    funlockfile(stderr);
  }
  free(text);
}
