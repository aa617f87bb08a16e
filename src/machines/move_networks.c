/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Networks are called otherwise on every host: a person says how. */
#include <stdio.h>
#include <string.h>

#include "caller.h"
#include "machine_move.h"
#include "text.h"

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

/* The length of the name that the rule replaces. */
static size_t old_of(const char *rule)
{
  return (size_t)(strchr(rule, '=') - rule);
}

static bool is_rule_of(const char *rule, const char *network)
{
  size_t length = old_of(rule);

  return network && strlen(network) == length && memcmp(network, rule, length) == 0;
}

static enum vmf_code check_rule(struct vmf_machine *const *list, size_t count,
                                const char *const *rules, const char *const *rule, const char *path,
                                struct vmf_error *error)
{
  const char *equals = strchr(*rule, '=');
  char names[300];
  bool found = false;

  if (!equals || equals == *rule || !equals[1])
    return vmf_fail(error, VMF_USAGE, "--network %s: accepted is OLD=NEW, two names of networks",
                    *rule);
  int length = (int)vmf_text_fit(*rule, old_of(*rule), 100);
  for (const char *const *earlier = rules; earlier < rule; earlier++)
    if (strncmp(*earlier, *rule, old_of(*rule) + 1) == 0)
      return vmf_fail(error, VMF_USAGE, "--network %s: \"%.*s\" is given twice", *rule, length,
                      *rule);
  for (size_t m = 0; m < count; m++)
    for (size_t i = 0; i < list[m]->nic_count; i++)
      found = found || is_rule_of(*rule, list[m]->nics[i].network.text);
  list_networks(list, count, names, sizeof names);
  return found ? VMF_OK
               : vmf_fail(error, VMF_USAGE, "%s: no network card is on \"%.*s\"; there are: %s",
                          path, length, *rule, names[0] ? names : "none");
}

/* By the name that each has in the source, whatever another rule makes of that. */
static enum vmf_code rename_in(struct vmf_machine *machine, const char *const *rules,
                               struct vmf_error *error)
{
  for (size_t i = 0; i < machine->nic_count; i++) {
    struct vmf_told_text *network = &machine->nics[i].network;
    const char *const *rule = rules;
    while (*rule && !is_rule_of(*rule, network->text))
      rule++;
    if (*rule)
      VMF_TRY(vmf_machine_text(machine, *rule + old_of(*rule) + 1, network->line, network, error));
  }
  return VMF_OK;
}

enum vmf_code vmf_machine_move_networks(struct vmf_machines *machines, size_t first, size_t count,
                                        const struct vmf_machine_target_options *to,
                                        struct vmf_error *error)
{
  struct vmf_machine *const *list = machines->list + first;

  for (const char *const *rule = to->networks; rule && *rule; rule++)
    VMF_TRY(check_rule(list, count, to->networks, rule, machines->path, error));
  for (size_t i = 0; to->networks && i < count; i++)
    VMF_TRY(rename_in(list[i], to->networks, error));
  return VMF_OK;
}
