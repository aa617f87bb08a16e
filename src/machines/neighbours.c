/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a machine shares with the others of its collection: the order in which they start, and
 * networks. It becomes one of its own, and who needs the others has to see to it. */
#include <stdio.h>
#include <string.h>

#include "machine_move.h"

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
    if (other != move->machine && is_on(other, network) && length + strlen(name) + 3 < NAMES)
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
                     "its place in the order of a collection, of which it is taken alone",
                     "start-order");
  for (size_t i = 0; i < machine->nic_count; i++) {
    const char *network = machine->nics[i].network.text;
    if (!network)
      continue;
    list_others(move, network, names);
    snprintf(why, sizeof why, "the same network as that of %s", names);
    if (names[0])
      vmf_machine_lose(losses, VMF_LOSS_COSMETIC, "L-network-shared", why, "nics[%zu].network", i);
  }
}
