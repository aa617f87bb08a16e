/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <interface>. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "writing.h"

enum { NIC_PATH = 48 };

/* ---- what it is attached to ---- */

/* How libvirt's network is called where the source names none. */
static const char *network_of(const struct libvirt_writing *writing, size_t index)
{
  const struct vmf_machine_nic *nic = &writing->machine->nics[index];
  uint64_t attach = vmf_told_or(nic->attach, VMF_ATTACH_NAT);

  if (nic->network.text && *nic->network.text)
    return nic->network.text;
  if (attach == VMF_ATTACH_HOSTONLY)
    return "hostonly";
  return attach == VMF_ATTACH_INTERNAL ? "internal" : "default";
}

static bool is_user(const struct vmf_machine_nic *nic)
{
  uint64_t attach =
      vmf_told_or(nic->attach, nic->network.text ? VMF_ATTACH_BRIDGE : VMF_ATTACH_NAT);

  return attach == VMF_ATTACH_NAT || attach == VMF_ATTACH_NONE;
}

static void tell_attachment(const struct libvirt_writing *writing, size_t index)
{
  const struct vmf_machine_nic *nic = &writing->machine->nics[index];

  if (!nic->attach.told)
    return;
  if (nic->attach.value == VMF_ATTACH_NONE)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "QEMU has no card without a network: the cable is out", "nics[%zu].attach",
                     index);
  else if (nic->attach.value != VMF_ATTACH_BRIDGE && nic->attach.value != VMF_ATTACH_NAT)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "a network of libvirt says itself how far it reaches: define one",
                     "nics[%zu].attach", index);
  else if (!is_user(nic) && !nic->network.text)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "libvirt needs the name of a network: choose one", "nics[%zu].network", index);
}

/* The type of a native card that the neutral machine cannot say was kept, with its <source>. */
static void write_source(struct libvirt_writing *writing, size_t index, const char *path)
{
  const struct vmf_machine_nic *nic = &writing->machine->nics[index];
  char key[VMF_KEEPING_PATH], part[VMF_KEEPING_PATH];

  snprintf(key, sizeof key, "%s@type", path);
  if (vmf_keeping_value(&writing->keeping, key) || is_user(nic))
    return;
  snprintf(part, sizeof part, "%s/source", path);
  vmf_keeping_simple(&writing->keeping, part, "network", network_of(writing, index));
}

/* ---- the card ---- */

static const char *model_of(struct libvirt_writing *writing, size_t index)
{
  static const char *const foreign[] = {"vmxnet", "vmxnet2", "netvsc", "netfront"};
  const char *model = writing->machine->nics[index].model.text;

  for (size_t i = 0; model && !writing->keeping.native && i < sizeof foreign / sizeof *foreign; i++)
    if (strcmp(model, foreign[i]) == 0) {
      vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                       "QEMU has no such card; every guest has a driver for e1000",
                       "nics[%zu].model", index);
      return "e1000";
    }
  const char *own = model ? vmf_vendor_own(libvirt_nic_models, model) : NULL;
  if (!own && model && !libvirt_is_model(model)) {
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "libvirt takes letters, digits, - and _", "nics[%zu].model", index);
    return NULL;
  }
  return own ? own : model;
}

static void write_number(struct libvirt_writing *writing, const char *path, const char *element,
                         const char *attribute, const struct vmf_told_number *number, uint64_t most)
{
  char part[2 * VMF_KEEPING_PATH];

  snprintf(part, sizeof part, "%s/%s", path, element);
  if (!number->told || number->value > most)
    return;
  vmf_keeping_start(&writing->keeping, part);
  vmf_keeping_fix(&writing->keeping, part, attribute, "%" PRIu64, number->value);
  vmf_keeping_end(&writing->keeping, part);
}

static void write_rate(struct libvirt_writing *writing, const char *path,
                       const struct vmf_machine_nic *nic)
{
  char key[VMF_KEEPING_PATH];

  snprintf(key, sizeof key, "%s/bandwidth", path);
  if (!nic->rate.told || nic->rate.value / 1024 >= UINT32_MAX ||
      vmf_keeping_value(&writing->keeping, key))
    return;
  vmf_markup_open(&writing->keeping.markup, "bandwidth");
  vmf_markup_start(&writing->keeping.markup, "inbound");
  vmf_markup_attribute(&writing->keeping.markup, "average", "%" PRIu64,
                       vmf_div_up(nic->rate.value, 1024));
  vmf_markup_end(&writing->keeping.markup);
  vmf_markup_start(&writing->keeping.markup, "outbound");
  vmf_markup_attribute(&writing->keeping.markup, "average", "%" PRIu64,
                       vmf_div_up(nic->rate.value, 1024));
  vmf_markup_end(&writing->keeping.markup);
  vmf_markup_leave(&writing->keeping.markup, "bandwidth");
}

static void write_vlan(struct libvirt_writing *writing, const char *path,
                       const struct vmf_machine_nic *nic)
{
  char vlan[VMF_KEEPING_PATH];

  snprintf(vlan, sizeof vlan, "%s/vlan", path);
  if (!nic->vlan.told || nic->vlan.value > LIBVIRT_VLAN)
    return;
  vmf_keeping_start(&writing->keeping, vlan);
  vmf_keeping_enter(&writing->keeping, vlan);
  write_number(writing, vlan, "tag", "id", &nic->vlan, LIBVIRT_VLAN);
  vmf_keeping_leave(&writing->keeping, vlan);
}

/* The cable, and what is not connected at the start. */
static void write_link(struct libvirt_writing *writing, const char *path,
                       const struct vmf_machine_nic *nic)
{
  char part[VMF_KEEPING_PATH];
  bool out = (nic->link.told && !nic->link.value) ||
             (nic->connected.told && !nic->connected.value) ||
             (nic->attach.told && nic->attach.value == VMF_ATTACH_NONE);

  snprintf(part, sizeof part, "%s/link", path);
  if (nic->link.told || out)
    vmf_keeping_simple(&writing->keeping, part, "state", out ? "down" : "up");
}

/* QEMU's own network has neither tags nor limits. */
static void write_limits(struct libvirt_writing *writing, size_t index, const char *path)
{
  const struct vmf_machine_nic *nic = &writing->machine->nics[index];

  if (writing->keeping.native || !is_user(nic)) {
    write_number(writing, path, "mtu", "size", &nic->mtu, LIBVIRT_MTU);
    write_vlan(writing, path, nic);
    write_rate(writing, path, nic);
    return;
  }
  if (nic->mtu.told || nic->vlan.told || nic->rate.told)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "QEMU's own network, which NAT is, has no tags, sizes and limits",
                     "nics[%zu].%s", index,
                     nic->vlan.told  ? "vlan"
                     : nic->mtu.told ? "mtu"
                                     : "rate");
}

static void write_nic(struct libvirt_writing *writing, size_t index)
{
  const struct vmf_machine_nic *nic = &writing->machine->nics[index];
  const char *model = model_of(writing, index);
  char path[NIC_PATH], part[VMF_KEEPING_PATH];

  snprintf(path, sizeof path, "devices/interface[%zu]", index);
  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_set(&writing->keeping, path, "type", "%s", is_user(nic) ? "user" : "network");
  vmf_keeping_enter(&writing->keeping, path);
  snprintf(part, sizeof part, "%s/mac", path);
  if (nic->mac.text && !writing->target->copy)
    vmf_keeping_simple(&writing->keeping, part, "address", nic->mac.text);
  write_source(writing, index, path);
  snprintf(part, sizeof part, "%s/model", path);
  if (model)
    vmf_keeping_simple(&writing->keeping, part, "type", model);
  write_number(writing, path, "driver", "queues", &nic->queues, LIBVIRT_QUEUES);
  write_number(writing, path, "boot", "order", &nic->boot, LIBVIRT_ORDER);
  write_limits(writing, index, path);
  write_link(writing, path, nic);
  vmf_keeping_leave(&writing->keeping, path);
}

void libvirt_write_nics(struct libvirt_writing *writing)
{
  for (size_t i = 0; i < writing->machine->nic_count; i++) {
    if (!writing->keeping.native)
      tell_attachment(writing, i);
    write_nic(writing, i);
  }
}
