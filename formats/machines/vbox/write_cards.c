/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <Network>. */
#include <stdio.h>
#include <string.h>

#include "vbox_writer.h"

/* ---- the card ---- */

/* Cards of the newest VirtualBox are only known to that: what came from there has them. */
static const char *type_of(const struct vbox_writing *writing, size_t index)
{
  const char *model = writing->machine->nics[index].model.text;
  const char *own = model ? vmf_vendor_own(vmf_vbox_cards, model) : NULL;
  bool newest = model && strcmp(model, "e1000e") == 0 && !writing->keeping.native;

  if (own && !newest)
    return own;
  if (model && writing->keeping.native && !own)
    return model;
  if (model)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     newest ? "VirtualBox has such a card only in its newest versions: e1000, "
                              "which most guests have a driver for"
                            : "VirtualBox has no such card; every guest has a driver for e1000",
                     "nics[%zu].model", index);
  return newest ? "82545EM" : "82540EM";
}

/* Twelve digits. */
static void write_mac(struct vbox_writing *writing, const char *path, const char *mac)
{
  char digits[16] = "";
  size_t length = 0;

  for (; *mac && length < 12; mac++)
    if (*mac != ':')
      digits[length++] = *mac >= 'a' ? (char)(*mac - 'a' + 'A') : *mac;
  vmf_keeping_fix(&writing->keeping, path, "MACAddress", "%s", digits);
}

/* ---- what it is attached to ---- */

static const struct {
  enum vmf_attach attach;
  const char *element, *usual; /* the name where none is told; NULL: it can be without */
} modes[] = {{VMF_ATTACH_BRIDGE, "BridgedInterface", NULL},
             {VMF_ATTACH_HOSTONLY, "HostOnlyInterface", "vboxnet0"},
             {VMF_ATTACH_INTERNAL, "InternalNetwork", "intnet"},
             {VMF_ATTACH_SDN, "BridgedInterface", NULL}};

static void tell_attachment(const struct vbox_writing *writing, size_t index, uint64_t attach)
{
  const struct vmf_machine_nic *nic = &writing->machine->nics[index];

  if (writing->keeping.native)
    return;
  if (attach == VMF_ATTACH_SDN)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "a port of a distributed switch: choose an interface of the host to bridge",
                     "nics[%zu].attach", index);
  else if (attach == VMF_ATTACH_BRIDGE)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     nic->network.text
                         ? "VirtualBox bridges an interface of the host: is it called "
                           "so there? --network OLD=NEW names another one"
                         : "VirtualBox bridges an interface of the host: choose one",
                     "nics[%zu].network", index);
}

static void write_named(struct vbox_writing *writing, const char *path, const char *element,
                        const char *name)
{
  char part[2 * VMF_KEEPING_PATH];

  snprintf(part, sizeof part, "%s/%s", path, element);
  vmf_keeping_start(&writing->keeping, part);
  if (name)
    vmf_keeping_fix(&writing->keeping, part, "name", "%s", name);
  vmf_keeping_end(&writing->keeping, part);
}

/* A generic driver that VirtualBox had was kept. */
static void write_attachment(struct vbox_writing *writing, size_t index, const char *path)
{
  const struct vmf_machine_nic *nic = &writing->machine->nics[index];
  const char *network = nic->network.text;
  uint64_t attach = vmf_told_or(nic->attach, network ? VMF_ATTACH_BRIDGE : VMF_ATTACH_NAT);

  if (attach == VMF_ATTACH_NONE || (!nic->attach.told && writing->keeping.native))
    return;
  tell_attachment(writing, index, attach);
  if (attach == VMF_ATTACH_NAT && network)
    write_named(writing, path, "NATNetwork", network);
  else if (attach == VMF_ATTACH_NAT)
    write_named(writing, path, "NAT", NULL);
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    if (modes[i].attach == attach)
      write_named(writing, path, modes[i].element, network ? network : modes[i].usual);
}

static void write_card(struct vbox_writing *writing, size_t index)
{
  const struct vmf_machine_nic *nic = &writing->machine->nics[index];
  bool out = (nic->link.told && !nic->link.value) || (nic->connected.told && !nic->connected.value);
  struct vmf_keeping *keeping = &writing->keeping;
  char path[VMF_KEEPING_PATH];

  snprintf(path, sizeof path, VBOX_HARDWARE "/Network/Adapter[%zu]", index);
  vmf_keeping_start(keeping, path);
  vmf_keeping_set(keeping, path, "slot", "%zu", index);
  vmf_keeping_fix(keeping, path, "enabled", "true");
  if (nic->mac.text && !writing->target->copy)
    write_mac(writing, path, nic->mac.text);
  if (nic->link.told || out)
    vmf_keeping_fix(keeping, path, "cable", "%s", out ? "false" : "true");
  vmf_keeping_fix(keeping, path, "type", "%s", type_of(writing, index));
  vmf_keeping_enter(keeping, path);
  write_attachment(writing, index, path);
  vmf_keeping_leave(keeping, path);
}

void vbox_write_cards(struct vbox_writing *writing)
{
  size_t count = writing->machine->nic_count;

  vmf_keeping_start(&writing->keeping, VBOX_HARDWARE "/Network");
  vmf_keeping_enter(&writing->keeping, VBOX_HARDWARE "/Network");
  for (size_t i = 0; i < count; i++)
    if (i < VBOX_CARDS || writing->keeping.native)
      write_card(writing, i);
    else
      vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                       "VirtualBox has eight network cards", "nics[%zu]", i);
  vmf_keeping_leave(&writing->keeping, VBOX_HARDWARE "/Network");
}
