/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A field of a machine by its name: "memory", "disks[0].bus", "extra.vmw:Config flags.vbsEnabled".
 */
#ifndef VMF_TESTS_MACHINE_CASE_H
#define VMF_TESTS_MACHINE_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "fields.h"

static const char *told_of(const struct vmf_field *fields, const void *parent, const char *name)
{
  static char text[4096];

  for (const struct vmf_field *field = fields; field->name; field++)
    if (strcmp(field->name, name) == 0) {
      vmf_field_text(field, parent, text, sizeof text);
      return vmf_field_told(field, parent) ? text : NULL;
    }
  ck_abort_msg("there is no field %s", name);
  return NULL;
}

static const char *told_of_element(const struct vmf_machine *machine, const char *path)
{
  for (const struct vmf_field_list *list = vmf_machine_lists; list->name; list++) {
    size_t length = strlen(list->name), index;
    char *end;
    if (strncmp(path, list->name, length) != 0 || path[length] != '[')
      continue;
    index = strtoul(path + length + 1, &end, 10);
    if (index >= vmf_field_count(list, machine))
      return NULL;
    return end[1] ? told_of(list->fields, vmf_field_element(list, machine, index), end + 2) : "";
  }
  ck_abort_msg("there is no list %s", path);
  return NULL;
}

/* NULL: not told. An extra that is not known has "?" before its value. */
static const char *told_by(const struct vmf_machine *machine, const char *path)
{
  static char value[4096];

  if (strchr(path, '[') && strncmp(path, "extra.", 6) != 0)
    return told_of_element(machine, path);
  if (strncmp(path, "extra.", 6) != 0)
    return told_of(vmf_machine_fields, machine, path);
  for (size_t i = 0; i < machine->extra_count; i++)
    if (strcmp(machine->extras[i].key, path + 6) == 0) {
      snprintf(value, sizeof value, "%s%s%s", machine->extras[i].known ? "" : "?",
               machine->extras[i].secret ? "!" : "", machine->extras[i].value);
      return value;
    }
  return NULL;
}

static void expect(const struct vmf_machine *machine, const char *what, const char *path,
                   const char *wanted)
{
  const char *found = told_by(machine, path);

  ck_assert_msg(wanted ? found && strcmp(found, wanted) == 0 : !found, "%s: %s is %s, expected %s",
                what, path, found ? found : "not told", wanted ? wanted : "not told");
}

#endif
