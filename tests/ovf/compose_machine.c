/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Prints the descriptor of the machine that its arguments describe, "FIELD=VALUE" each, for
 * compose_behaviour.py: the same fields as in struct vmf_machine_options, those of lists again and
 * again. disk=FILE|URI|FILESIZE|CAPACITY|POPULATED (the last may be missing),
 * nic=MODEL|NETWORK|MAC. Exit status 1 and the error on standard error when it is refused. What our
 * own reader and rules find in it goes to standard error, "RULE: TEXT" each. */
#include "compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "rules.h"

enum { LIST_MAX = 128, PARTS = 5 };

struct described {
  struct vmf_machine_options machine;
  struct vmf_compose_disk disks[LIST_MAX];
  size_t disk_count;
  const char *controllers[LIST_MAX], *eulas[LIST_MAX];
  struct vmf_nic_options nics[LIST_MAX];
  struct vmf_property_options properties[LIST_MAX];
};

/* Cuts at every '|'; what is missing or empty is NULL. */
static void cut(char *text, char *parts[PARTS])
{
  for (unsigned i = 0; i < PARTS; i++) {
    char *part = text ? strsep(&text, "|") : NULL;

    parts[i] = part && *part ? part : NULL;
  }
}

static void add_disk(struct described *all, char *value)
{
  char *parts[PARTS];

  cut(value, parts);
  all->disks[all->disk_count++] = (struct vmf_compose_disk){
      .file_name = parts[0],
      .format_uri = parts[1],
      .file_size = strtoull(parts[2], NULL, 10),
      .capacity = strtoull(parts[3], NULL, 10),
      .populated_known = parts[4] != NULL,
      .populated = parts[4] ? strtoull(parts[4], NULL, 10) : 0,
  };
}

static void add_nic(struct described *all, char *value)
{
  char *parts[PARTS];

  all->machine.nics = all->nics;
  if (strcmp(value, "none") == 0)
    return;
  cut(value, parts);
  all->nics[all->machine.nic_count++] = (struct vmf_nic_options){parts[0], parts[1], parts[2]};
}

static void add_property(struct described *all, char *value)
{
  char *text = strchr(value, '=');

  *text++ = 0;
  all->machine.properties = all->properties;
  all->properties[all->machine.property_count++] = (struct vmf_property_options){value, text};
}

static bool add_to_list(struct described *all, const char *name, char *value)
{
  if (strcmp(name, "disk") == 0)
    add_disk(all, value);
  else if (strcmp(name, "nic") == 0)
    add_nic(all, value);
  else if (strcmp(name, "property") == 0)
    add_property(all, value);
  else if (strcmp(name, "controller") == 0)
    all->controllers[all->machine.controller_count++] = value;
  else if (strcmp(name, "eula") == 0)
    all->eulas[all->machine.eula_count++] = value;
  else
    return false;
  return true;
}

static bool set_text(struct vmf_machine_options *machine, const char *name, const char *value)
{
  const struct {
    const char *name, **field;
  } fields[] = {
      {"name", &machine->name},
      {"os", &machine->os},
      {"firmware", &machine->firmware},
      {"hardware", &machine->hardware},
      {"product", &machine->product},
      {"vendor", &machine->vendor},
      {"version", &machine->version},
      {"full_version", &machine->full_version},
      {"annotation", &machine->annotation},
      {"ovf_version", &machine->ovf_version},
  };

  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
    if (strcmp(fields[i].name, name) == 0) {
      *fields[i].field = value;
      return true;
    }
  return false;
}

static bool describe(struct described *all, char *argument)
{
  char *value = strchr(argument, '=');

  if (!value)
    return false;
  *value++ = 0;
  if (strcmp(argument, "cpus") == 0)
    all->machine.cpus = (unsigned)strtoul(value, NULL, 10);
  else if (strcmp(argument, "memory") == 0)
    all->machine.memory = strtoull(value, NULL, 10);
  else if (strcmp(argument, "secure_boot") == 0)
    all->machine.secure_boot = strcmp(value, "true") == 0;
  else
    return set_text(&all->machine, argument, value) || add_to_list(all, argument, value);
  return true;
}

static void print_finding(void *data, const struct vmf_package_finding *finding)
{
  (void)data;
  if (finding->severity != VMF_SEVERITY_NOTE)
    fprintf(stderr, "%s: line %u: %s\n", finding->rule, finding->line, finding->text);
}

static void check(const char *text)
{
  struct vmf_report report = {.finding = print_finding};
  struct vmf_error error = {0};
  struct vmf_ovf *ovf = NULL;

  if (vmf_ovf_read("machine.ovf", text, strlen(text), &report, &ovf, &error) != VMF_OK ||
      vmf_rules_check(ovf, &report, &error) != VMF_OK)
    fprintf(stderr, "error: %s\n", error.text);
  vmf_ovf_free(ovf);
}

int main(int argc, char **argv)
{
  static struct described all;
  struct vmf_error error = {0};
  char *text = NULL;

  all.machine.controllers = all.controllers;
  all.machine.eulas = all.eulas;
  for (int i = 1; i < argc; i++)
    if (!describe(&all, argv[i])) {
      fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  if (vmf_compose_options(&all.machine, all.disks, all.disk_count, &text, &error) != VMF_OK) {
    fprintf(stderr, "%s\n", error.text);
    return error.code == VMF_USAGE ? 1 : 2;
  }
  fputs(text, stdout);
  check(text);
  vmf_free(text);
  return 0;
}
