/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "image_glance.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "human.h"

static const struct vmf_value *glance_child(const struct vmf_value *value, const char *name)
{
  const struct vmf_value *child = value ? value->first : NULL;

  while (child && (!child->name || strcmp(child->name, name) != 0))
    child = child->next;
  return child;
}

static uint64_t glance_number(const struct vmf_value *value, const char *name)
{
  const struct vmf_value *child = glance_child(value, name);

  return child ? child->number : 0;
}

static bool glance_is_nested(const struct vmf_value *value)
{
  return value->kind == VMF_VALUE_OBJECT || value->kind == VMF_VALUE_LIST;
}

static void glance_scalar(const struct vmf_value *value)
{
  if (value->kind == VMF_VALUE_TEXT)
    vmf_human_text(stdout, value->text ? value->text : "");
  else if (value->kind == VMF_VALUE_UINT)
    printf("%" PRIu64, value->number);
  else
    fputs(value->number ? "true" : "false", stdout);
}

/* One of the library's own: "lazy-refcounts" is printed with a blank. */
static void glance_key(const char *key)
{
  for (; key && *key; key++)
    putchar(*key == '-' ? ' ' : *key);
}

/* Any tree, four blanks a level; items of a list are numbered. */
static void glance_tree(const struct vmf_value *value, unsigned level)
{
  unsigned index = 0;

  for (const struct vmf_value *child = value->first; child; child = child->next) {
    printf("%*s", (int)(4 * level), "");
    if (value->kind == VMF_VALUE_LIST)
      printf("[%u]", index++);
    else
      glance_key(child->name);
    if (glance_is_nested(child)) {
      puts(":");
      glance_tree(child, level + 1);
    } else {
      fputs(": ", stdout);
      glance_scalar(child);
      putchar('\n');
    }
  }
}

/* At least one blank behind it. */
static void glance_column(const struct vmf_value *value, unsigned width)
{
  const char *text = value && value->text ? value->text : "";
  size_t length = strlen(text);

  vmf_human_text(stdout, text);
  printf("%*s", length < width ? (int)(width - length) : 1, "");
}

static void glance_snapshot(const struct vmf_value *snapshot)
{
  time_t date = (time_t)glance_number(snapshot, "date-sec");
  uint64_t clock = glance_number(snapshot, "vm-clock-sec");
  const struct vmf_value *icount = glance_child(snapshot, "icount");
  char size[16], when[32] = "", instructions[24] = "";
  struct tm parts;

  vmf_human_size(glance_number(snapshot, "vm-state-size"), size);
  if (localtime_r(&date, &parts))
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &parts);
  if (icount)
    snprintf(instructions, sizeof instructions, "%" PRIu64, icount->number);
  glance_column(glance_child(snapshot, "id"), 10);
  glance_column(glance_child(snapshot, "name"), 17);
  printf("%8s%20s %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64 "%11s\n", size, when,
         clock / 3600, clock / 60 % 60, clock % 60,
         glance_number(snapshot, "vm-clock-nsec") / 1000000, instructions);
}

static void glance_nested(const struct vmf_value *value)
{
  if (strcmp(value->name, "snapshots") == 0) {
    puts("Snapshot list:\n"
         "ID        TAG               VM SIZE                DATE     VM CLOCK     ICOUNT");
    for (const struct vmf_value *child = value->first; child; child = child->next)
      glance_snapshot(child);
  } else if (strcmp(value->name, "format-specific") == 0) {
    const struct vmf_value *data = glance_child(value, "data");

    puts("Format specific information:");
    if (data)
      glance_tree(data, 1);
  } else {
    glance_key(value->name);
    puts(":");
    glance_tree(value, 1);
  }
}

/* What stands behind a label. */
static void glance_value(const struct vmf_value *info, const struct vmf_value *value)
{
  char size[16];

  if (value->kind == VMF_VALUE_BOOL) {
    fputs(value->number ? "yes" : "no", stdout);
  } else if (strcmp(value->name, "virtual-size") == 0) {
    vmf_human_size(value->number, size);
    printf("%s (%" PRIu64 " bytes)", size, value->number);
  } else if (strcmp(value->name, "actual-size") == 0) {
    vmf_human_size(value->number, size);
    fputs(size, stdout);
  } else {
    glance_scalar(value);
  }
  if (strcmp(value->name, "backing-filename") != 0)
    return;
  const struct vmf_value *full = glance_child(info, "full-backing-filename");
  if (!full)
    fputs(" (cannot determine actual path)", stdout);
  else if (strcmp(full->text, value->text) != 0) {
    fputs(" (actual path: ", stdout);
    vmf_human_text(stdout, full->text);
    putchar(')');
  }
}

static const struct {
  const char *key, *label; /* label NULL: not a line of its own */
} glance_lines[] = {
    {"filename", "image"},
    {"format", "file format"},
    {"virtual-size", "virtual size"},
    {"actual-size", "disk size"},
    {"encrypted", "encrypted"},
    {"cluster-size", "cluster_size"},
    {"dirty-flag", NULL},
    {"backing-filename", "backing file"},
    {"full-backing-filename", NULL},
    {"backing-filename-format", "backing file format"},
    {"error", "cannot be read"},
};
enum { GLANCE_LINES = sizeof glance_lines / sizeof glance_lines[0] };

static bool glance_has_line(const char *key)
{
  for (size_t i = 0; i < GLANCE_LINES; i++)
    if (strcmp(glance_lines[i].key, key) == 0)
      return true;
  return false;
}

static void glance_print_lines(const struct vmf_value *info)
{
  for (size_t i = 0; i < GLANCE_LINES; i++) {
    const struct vmf_value *value = glance_child(info, glance_lines[i].key);

    if (value && glance_lines[i].label) {
      printf("%s: ", glance_lines[i].label);
      glance_value(info, value);
      putchar('\n');
    } else if (value && value->number && strcmp(value->name, "dirty-flag") == 0) {
      puts("cleanly shut down: no");
    } else if (!value && strcmp(glance_lines[i].key, "actual-size") == 0 &&
               glance_child(info, "virtual-size")) {
      puts("disk size: unavailable");
    }
  }
}

void vmf_image_glance(const struct vmf_value *info)
{
  const struct vmf_value *snapshots = glance_child(info, "snapshots");
  const struct vmf_value *specific = glance_child(info, "format-specific");

  glance_print_lines(info);
  for (const struct vmf_value *child = info->first; child; child = child->next) {
    if (glance_is_nested(child) || glance_has_line(child->name))
      continue;
    glance_key(child->name);
    fputs(": ", stdout);
    glance_value(info, child);
    putchar('\n');
  }
  if (snapshots)
    glance_nested(snapshots);
  if (specific)
    glance_nested(specific);
  for (const struct vmf_value *child = info->first; child; child = child->next)
    if (glance_is_nested(child) && child->first && child != snapshots && child != specific)
      glance_nested(child);
}
