/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Network cards and ports into a .vmx. */
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "vmx_writer.h"

/* ---- network cards ---- */

static enum vmf_code write_card_model(struct vmx_writer *writer, size_t index,
                                      struct vmf_error *error)
{
  const struct vmf_machine_nic *nic = &writer->machine->nics[index];
  const char *word = nic->model.text ? vmf_vendor_own(vmx_card_models, nic->model.text) : NULL;
  bool old = writer->machine->arch.told && writer->machine->arch.value == VMF_ARCH_I686;

  if (!nic->model.text)
    return VMF_OK;
  if (strcmp(nic->model.text, "vmxnet2") == 0) {
    VMF_TRY(vmx_put(writer, error, "15", "ethernet%zu.features", index));
    word = "vmxnet";
  }
  if (!word) {
    word = old ? "e1000" : "e1000e";
    vmx_lose(writer, BEHAVIOUR, "L-nic-model",
             old ? "VMware has no such card: the guest needs the driver e1000"
                 : "VMware has no such card: the guest needs the driver e1000e",
             "nics[%zu].model", index);
  }
  return vmx_put(writer, error, word, "ethernet%zu.virtualDev", index);
}

bool vmx_is_fixed_range(const char *mac)
{
  return strncmp(mac, "00:50:56:", 9) == 0 && mac[9] >= '0' && mac[9] <= '3';
}

/* A fixed address stays what it is; a generated one may not, when the machine starts elsewhere. */
static enum vmf_code write_address(struct vmx_writer *writer, size_t index, struct vmf_error *error)
{
  const struct vmf_machine_nic *nic = &writer->machine->nics[index];

  if (writer->target->copy && nic->mac.text)
    vmx_lose(writer, COSMETIC, "L-mac", "a copy gets an address of its own", "nics[%zu].mac",
             index);
  if (writer->target->copy || !nic->mac.text) {
    if (nic->mac_origin.told && nic->mac_origin.value != VMF_MAC_GENERATED)
      vmx_lose(writer, COSMETIC, "L-mac", "VMware generates the address", "nics[%zu].mac-origin",
               index);
    return vmx_put(writer, error, "generated", "ethernet%zu.addressType", index);
  }
  if (nic->mac_origin.told && nic->mac_origin.value != VMF_MAC_STATIC)
    vmx_lose(writer, COSMETIC, "L-mac", "as a fixed address it stays the same wherever it starts",
             "nics[%zu].mac-origin", index);
  VMF_TRY(vmx_put(writer, error, "static", "ethernet%zu.addressType", index));
  VMF_TRY(vmx_put(writer, error, nic->mac.text, "ethernet%zu.address", index));
  if (!vmx_is_fixed_range(nic->mac.text))
    VMF_TRY(vmx_put_flag(writer, error, false, "ethernet%zu.checkMACAddress", index));
  return VMF_OK;
}

/* A custom network (vnet) or a LAN segment (pvn) is told by the settings that the machine kept. */
static enum vmf_code write_network(struct vmx_writer *writer, size_t index, struct vmf_error *error)
{
  static const struct {
    enum vmf_attach attach;
    const char *type, *lost;
  } types[] = {
      {VMF_ATTACH_BRIDGE, "bridged", NULL},
      {VMF_ATTACH_NAT, "nat", NULL},
      {VMF_ATTACH_HOSTONLY, "hostonly", NULL},
      {VMF_ATTACH_INTERNAL, "hostonly", "VMware has no such network: the host is on it, too"},
  };
  const struct vmf_machine_nic *nic = &writer->machine->nics[index];
  const char *kept = vmx_kept(writer, "ethernet%zu.connectionType", index);
  const char *key = "networkName";

  if (kept && vmf_text_equal_nocase(kept, "custom") && !vmx_kept(writer, "ethernet%zu.vnet", index))
    key = "vnet";
  if (kept && vmf_text_equal_nocase(kept, "pvn") && !vmx_kept(writer, "ethernet%zu.pvnID", index))
    key = "pvnID";
  for (size_t i = 0; nic->attach.told && i < sizeof types / sizeof types[0]; i++)
    if (nic->attach.value == types[i].attach) {
      if (types[i].lost && !kept)
        vmx_lose(writer, BEHAVIOUR, "L-network", types[i].lost, "nics[%zu].attach", index);
      VMF_TRY(vmx_put_kept(writer, error, types[i].type, "ethernet%zu.connectionType", index));
    }
  if (nic->attach.told && nic->attach.value == VMF_ATTACH_SDN &&
      !vmx_kept(writer, "ethernet%zu.dvs.switchId", index))
    vmx_lose(writer, BEHAVIOUR, "L-network",
             "a port of a distributed switch means nothing elsewhere", "nics[%zu].attach", index);
  if (!nic->network.text)
    return VMF_OK;
  return vmx_put(writer, error, nic->network.text, "ethernet%zu.%s", index, key);
}

/* VMware's cards have no cable that can be out, and each is on a network. */
static enum vmf_code write_connected(struct vmx_writer *writer, size_t index,
                                     struct vmf_error *error)
{
  const struct vmf_machine_nic *nic = &writer->machine->nics[index];
  bool out = !vmf_told_or(nic->link, true);
  bool nowhere = nic->attach.told && nic->attach.value == VMF_ATTACH_NONE;
  static const char why[] = "the card is not connected when the machine starts";

  if (out)
    vmx_lose(writer, COSMETIC, "L-connected", why, "nics[%zu].link", index);
  if (nowhere)
    vmx_lose(writer, COSMETIC, "L-network", why, "nics[%zu].attach", index);
  if (out || nowhere)
    return vmx_put_flag(writer, error, false, "ethernet%zu.startConnected", index);
  return vmx_put_told_flag(writer, error, nic->connected, "ethernet%zu.startConnected", index);
}

static enum vmf_code write_card(struct vmx_writer *writer, size_t index, struct vmf_error *error)
{
  const struct vmf_machine_nic *nic = &writer->machine->nics[index];

  VMF_TRY(vmx_put_flag(writer, error, true, "ethernet%zu.present", index));
  VMF_TRY(write_card_model(writer, index, error));
  VMF_TRY(write_address(writer, index, error));
  VMF_TRY(write_network(writer, index, error));
  VMF_TRY(write_connected(writer, index, error));
  if (nic->pci_slot.told && writer->from_vmware)
    return vmx_put_number(writer, error, nic->pci_slot.value, "ethernet%zu.pciSlotNumber", index);
  if (nic->pci_slot.told)
    vmx_lose(
        writer, BEHAVIOUR, "L-pci-slot",
        "VMware counts slots in its own way: an interface named after its slot gets another name",
        "nics[%zu].pci-slot", index);
  return VMF_OK;
}

enum vmf_code vmx_write_cards(struct vmx_writer *writer, struct vmf_error *error)
{
  for (size_t i = 0; i < writer->machine->nic_count; i++) {
    if (i < VMX_CARDS)
      VMF_TRY(write_card(writer, i, error));
    else
      vmx_lose(writer, BEHAVIOUR, "L-nic", "VMware has ten network cards", "nics[%zu]", i);
  }
  return VMF_OK;
}

/* ---- ports ---- */

static enum vmf_code write_port(struct vmx_writer *writer, size_t index, const char *prefix,
                                struct vmf_error *error)
{
  static const struct {
    enum vmf_backend backend;
    const char *type;
  } types[] = {
      {VMF_BACKEND_FILE, "file"},
      {VMF_BACKEND_DEVICE, "device"},
      {VMF_BACKEND_PIPE, "pipe"},
      {VMF_BACKEND_TCP, "network"},
  };
  const struct vmf_machine_port *port = &writer->machine->ports[index];
  const char *type = NULL, *path = port->path.text;
  char file[48];

  for (size_t i = 0; port->backend.told && i < sizeof types / sizeof types[0]; i++)
    if (types[i].backend == port->backend.value)
      type = types[i].type;
  if (port->backend.told && !type) {
    vmx_lose(writer, COSMETIC, "L-serial-backend",
             "VMware has no such backend: it goes to a file beside the machine",
             "ports[%zu].backend", index);
    snprintf(file, sizeof file, "%s.log", prefix);
    type = "file";
    path = file;
  }
  VMF_TRY(vmx_put_flag(writer, error, true, "%s.present", prefix));
  if (type)
    VMF_TRY(vmx_put(writer, error, type, "%s.fileType", prefix));
  return path ? vmx_put(writer, error, path, "%s.fileName", prefix) : VMF_OK;
}

enum vmf_code vmx_write_ports(struct vmx_writer *writer, struct vmf_error *error)
{
  unsigned serial = 0, parallel = 0;
  char prefix[32];

  for (size_t i = 0; i < writer->machine->port_count; i++) {
    bool wide = writer->machine->ports[i].parallel.value != 0;
    unsigned *next = wide ? &parallel : &serial;
    if (*next == (wide ? (unsigned)VMX_PARALLEL_PORTS : (unsigned)VMX_SERIAL_PORTS)) {
      vmx_lose(writer, COSMETIC, "L-serial", "VMware has four serial and three parallel ports",
               "ports[%zu]", i);
      continue;
    }
    snprintf(prefix, sizeof prefix, "%s%u", wide ? "parallel" : "serial", (*next)++);
    VMF_TRY(write_port(writer, i, prefix, error));
  }
  return VMF_OK;
}
