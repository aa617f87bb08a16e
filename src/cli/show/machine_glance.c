/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The tree has the same names for every format, so that it is printed by one rule: what is told of
 * the machine a line each, and a line for each device. */
#include "machine_glance.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "human.h"

static bool is_bytes(const char *name)
{
  static const char *const names[] = {"memory",   "memory-least", "memory-most", "video-memory",
                                      "capacity", "virtual-size", NULL};

  for (unsigned i = 0; names[i]; i++)
    if (strcmp(names[i], name) == 0)
      return true;
  return false;
}

static void print_value(const struct vmf_value *value)
{
  char size[16];

  if (value->kind == VMF_VALUE_TEXT) {
    vmf_human_text(stdout, value->text);
  } else if (value->kind == VMF_VALUE_BOOL) {
    fputs(value->number ? "yes" : "no", stdout);
  } else if (is_bytes(value->name)) {
    vmf_human_size(value->number, size);
    fputs(size, stdout);
  } else {
    printf("%" PRIu64, value->number);
  }
}

/* "boot-order": "boot order" */
static void print_name(const char *name)
{
  for (; *name; name++)
    putchar(*name == '-' ? ' ' : *name);
}

/* "bus scsi, unit 0, read only" */
static void print_device(const struct vmf_value *device)
{
  const char *between = "";

  for (const struct vmf_value *child = device->first; child; child = child->next) {
    if (child->kind == VMF_VALUE_BOOL && !child->number && strcmp(child->name, "connected") != 0)
      continue;
    fputs(between, stdout);
    between = ", ";
    print_name(child->name);
    if (child->kind == VMF_VALUE_BOOL && child->number)
      continue;
    putchar(' ');
    print_value(child);
  }
  putchar('\n');
}

/* What is one vendor's own is counted: it can be thousands. */
static void print_extras(const struct vmf_value *list)
{
  uint64_t known = 0, unknown = 0;

  for (const struct vmf_value *extra = list->first; extra; extra = extra->next)
    for (const struct vmf_value *child = extra->first; child; child = child->next)
      if (strcmp(child->name, "known") == 0)
        ++*(child->number ? &known : &unknown);
  printf("  its vendor's own: %" PRIu64 " settings", known);
  if (unknown > 0)
    printf(", and %" PRIu64 " that are not known here", unknown);
  putchar('\n');
}

/* "disk 0: ..." of the list "disks" */
static void print_list(const struct vmf_value *list)
{
  int length = (int)strlen(list->name) - 1;
  unsigned number = 0;

  for (const struct vmf_value *device = list->first; device; device = device->next) {
    printf("  %.*s %u: ", length, list->name, number++);
    print_device(device);
  }
}

static void print_machine(const struct vmf_value *machine)
{
  for (const struct vmf_value *child = machine->first; child; child = child->next) {
    if (child->kind == VMF_VALUE_LIST && strcmp(child->name, "extra") == 0) {
      print_extras(child);
    } else if (child->kind == VMF_VALUE_LIST) {
      print_list(child);
    } else {
      fputs("  ", stdout);
      print_name(child->name);
      fputs(": ", stdout);
      print_value(child);
      putchar('\n');
    }
  }
}

/* "machine" or "machines" */
static void print_machines(const struct vmf_value *value)
{
  const struct vmf_value *machine = value->kind == VMF_VALUE_LIST ? value->first : value;

  for (; machine; machine = value->kind == VMF_VALUE_LIST ? machine->next : NULL) {
    puts("machine:");
    print_machine(machine);
  }
}

void vmf_machine_glance(const struct vmf_value *info)
{
  for (const struct vmf_value *child = info->first; child; child = child->next) {
    if (strncmp(child->name, "machine", strlen("machine")) == 0) {
      print_machines(child);
    } else if (child->kind == VMF_VALUE_LIST) {
      print_list(child);
    } else if (child->kind != VMF_VALUE_OBJECT) {
      print_name(child->name);
      fputs(": ", stdout);
      print_value(child);
      putchar('\n');
    }
  }
}
