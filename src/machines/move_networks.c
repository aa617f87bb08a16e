/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Networks are called otherwise on every host: a person says how. */
#include <stdio.h>
#include <string.h>

#include "caller.h"
#include "machine_move.h"
#include "memory.h"

/* The names of all networks, for a message. */
static void list_networks(struct vmf_machine *const *list, size_t count, char *text, size_t size)
{
  size_t used = 0;

  text[0] = '\0';
  for (size_t m = 0; m < count; m++)
    for (size_t i = 0; i < list[m]->nic_count && used < size; i++) {
      const char *name = list[m]->nics[i].network.text;
      int length = name ? snprintf(text + used, size - used, "%s%.60s", used ? ", " : "", name) : 0;
      used += length > 0 ? (size_t)length : 0;
    }
}

static enum vmf_code rename_in(struct vmf_machine *machine, const char *old, const char *new,
                               bool *found, struct vmf_error *error)
{
  for (size_t i = 0; i < machine->nic_count; i++) {
    struct vmf_machine_nic *nic = &machine->nics[i];
    if (!nic->network.text || strcmp(nic->network.text, old) != 0)
      continue;
    *found = true;
    VMF_TRY(vmf_machine_text(machine, new, nic->network.line, &nic->network, error));
  }
  return VMF_OK;
}

static enum vmf_code rename_one(struct vmf_machine *const *list, size_t count, const char *rule,
                                const char *path, struct vmf_error *error)
{
  const char *equals = strchr(rule, '=');
  VMF_AUTO_FREE char *old = NULL;
  char names[300];
  bool found = false;

  if (!equals || equals == rule || !equals[1])
    return vmf_fail(error, VMF_USAGE, "--network %s: accepted is OLD=NEW, two names of networks",
                    rule);
  VMF_TRY(vmf_copy_bytes(rule, (size_t)(equals - rule), &old, error));
  for (size_t i = 0; i < count; i++)
    VMF_TRY(rename_in(list[i], old, equals + 1, &found, error));
  list_networks(list, count, names, sizeof names);
  return found ? VMF_OK
               : vmf_fail(error, VMF_USAGE, "%s: no network card is on \"%s\"; there are: %s", path,
                          old, names[0] ? names : "none");
}

enum vmf_code vmf_machine_move_networks(struct vmf_machines *machines, size_t first, size_t count,
                                        const struct vmf_machine_target_options *to,
                                        struct vmf_error *error)
{
  for (const char *const *rule = to->networks; rule && *rule; rule++)
    VMF_TRY(rename_one(machines->list + first, count, *rule, machines->path, error));
  return VMF_OK;
}
