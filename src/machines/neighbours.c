/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a machine shares with the others of its collection: the order in which they start, and
 * networks. It becomes one of its own, and who needs the others has to see to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine_move.h"
#include "memory.h"
#include "value.h"

enum { NAMES = 160 }; /* bytes of the others' names in a message */

static bool is_on(const struct vmf_machine *machine, const char *network)
{
  for (size_t i = 0; i < machine->nic_count; i++)
    if (machine->nics[i].network.text && strcmp(machine->nics[i].network.text, network) == 0)
      return true;
  return false;
}

/* "db, app"; what does not fit is left out. */
static void list_others(const struct vmf_machine_move *move, const char *network, char list[NAMES])
{
  const struct vmf_machines *machines = move->machines;
  size_t length = 0;

  list[0] = 0;
  for (size_t i = 0; i < machines->count; i++) {
    const struct vmf_machine *other = machines->list[i];
    const char *name = other->name.text ? other->name.text : "?";
    if (other != move->read && is_on(other, network) && length + strlen(name) + 3 < NAMES)
      length +=
          (size_t)snprintf(list + length, NAMES - length, "%s%s", length > 0 ? ", " : "", name);
  }
}

void vmf_machine_move_neighbours(const struct vmf_machine_move *move,
                                 const struct vmf_machine_losses *losses)
{
  const struct vmf_machine *machine = move->machine;
  char names[NAMES], why[NAMES + 64];

  if (move->machines->count < 2)
    return;
  if (machine->start_order.told)
    vmf_machine_lose(losses, VMF_LOSS_COSMETIC, NULL,
                     move->together ? "nothing there starts several machines in an order"
                                    : "its place in the order of a collection, of which it is "
                                      "taken alone",
                     "start-order");
  for (size_t i = 0; !move->together && i < machine->nic_count; i++) {
    const char *network = machine->nics[i].network.text;
    if (!network)
      continue;
    list_others(move, network, names);
    snprintf(why, sizeof why, "the same network as that of %s", names);
    if (names[0])
      vmf_machine_lose(losses, VMF_LOSS_COSMETIC, "L-network-shared", why, "nics[%zu].network", i);
  }
}

/* ---- of all together ---- */

struct connection {
  const char *network;
  size_t machine; /* index */
};

static int by_network(const void *one, const void *other)
{
  const struct connection *a = one, *b = other;
  int order = strcmp(a->network, b->network);

  return order ? order : (a->machine > b->machine) - (a->machine < b->machine);
}

/* All cards that are on a network, those of one network together. */
static enum vmf_code list_connections(const struct vmf_machines *machines, struct connection **list,
                                      size_t *count, struct vmf_error *error)
{
  size_t cards = 0;
  void *memory;

  for (size_t i = 0; i < machines->count; i++)
    cards += machines->list[i]->nic_count;
  VMF_TRY(vmf_alloc(cards * sizeof **list, &memory, error));
  *list = memory;
  *count = 0;
  for (size_t i = 0; i < machines->count; i++)
    for (size_t j = 0; j < machines->list[i]->nic_count; j++)
      if (machines->list[i]->nics[j].network.text)
        (*list)[(*count)++] =
            (struct connection){.network = machines->list[i]->nics[j].network.text, .machine = i};
  qsort(*list, *count, sizeof **list, by_network);
  return VMF_OK;
}

static enum vmf_code tell_network(const struct vmf_machines *machines,
                                  const struct connection *list, size_t count,
                                  struct vmf_value *networks, struct vmf_error *error)
{
  struct vmf_value *value, *names;

  VMF_TRY(vmf_value_add(networks, VMF_VALUE_OBJECT, NULL, &value, error));
  VMF_TRY(vmf_value_text(value, "network", list[0].network, error));
  VMF_TRY(vmf_value_add(value, VMF_VALUE_LIST, "machines", &names, error));
  for (size_t i = 0; i < count; i++) {
    const char *name = machines->list[list[i].machine]->name.text;
    if (i == 0 || list[i].machine != list[i - 1].machine)
      VMF_TRY(vmf_value_text(names, NULL, name ? name : "?", error));
  }
  return VMF_OK;
}

enum vmf_code vmf_machine_tell_shared(const struct vmf_machines *machines, struct vmf_value *tree,
                                      struct vmf_error *error)
{
  struct connection *list = NULL;
  struct vmf_value *networks;
  size_t count, end;
  enum vmf_code code = list_connections(machines, &list, &count, error);

  if (code == VMF_OK)
    code = vmf_value_add(tree, VMF_VALUE_LIST, "shared-networks", &networks, error);
  for (size_t start = 0; code == VMF_OK && start < count; start = end) {
    for (end = start + 1; end < count && strcmp(list[end].network, list[start].network) == 0;)
      end++;
    if (list[end - 1].machine != list[start].machine)
      code = tell_network(machines, list + start, end - start, networks, error);
  }
  vmf_free(list);
  return code;
}
