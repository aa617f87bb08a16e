/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <interface>: the network card, and what it is attached to. */
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "reading.h"

enum { SLOT = 31 };

/* Of an interface's type: how it is attached, and which attribute of <source>
 * names the network. */
static const struct attachment {
  const char *type;
  enum vmf_attach attach;
  const char *network; /* NULL: none has a name */
  bool taken;          /* the type and the name are all that <source> says: they are
                          written again */
} attachments[] = {
    {"network", VMF_ATTACH_BRIDGE, "network", true},
    {"bridge", VMF_ATTACH_BRIDGE, "bridge", false},
    {"user", VMF_ATTACH_NAT, NULL, true},
    {"direct", VMF_ATTACH_BRIDGE, "dev", false},
    {"internal", VMF_ATTACH_INTERNAL, "name", false},
    {"vds", VMF_ATTACH_SDN, NULL, false},
    {"null", VMF_ATTACH_NONE, NULL, false},
};

static const struct attachment *find_attachment(const char *type)
{
  for (size_t i = 0; type && i < sizeof attachments / sizeof *attachments; i++)
    if (strcmp(attachments[i].type, type) == 0)
      return &attachments[i];
  return NULL;
}

/* What the neutral machine cannot tell apart, and the types that are of the
 * host alone (ethernet, hostdev, vdpa, ...), stay extras. */
static enum vmf_code read_attachment(const struct vmf_taking *reading, const xmlNode *element,
                                     struct vmf_machine_nic *nic, struct vmf_error *error)
{
  const xmlNode *source = libvirt_child(element, "source");
  struct vmf_told_text type;

  VMF_TRY(vmf_taking_peek(reading, element, "type", &type, error));
  const struct attachment *found = find_attachment(type.text);
  if (!found) {
    if (type.text && strcmp(type.text, "hostdev") == 0)
      vmf_report_add(reading->report, VMF_SEVERITY_LOSS, "loss-passthrough", reading->name,
                     type.line, "a network card of the host is passed through");
    return VMF_OK;
  }
  nic->attach = vmf_told(found->attach, type.line);
  if (found->network)
    VMF_TRY(vmf_taking_peek(reading, source, found->network, &nic->network, error));
  if (!found->taken)
    return VMF_OK;
  vmf_taking_mark(reading, element, "type");
  if (nic->network.text) {
    vmf_taking_take(reading, source);
    vmf_taking_mark(reading, source, found->network);
  }
  return VMF_OK;
}

/* One plain tag; trunks stay an extra. */
static enum vmf_code read_vlan(const struct vmf_taking *reading, const xmlNode *element,
                               struct vmf_machine_nic *nic, struct vmf_error *error)
{
  const xmlNode *vlan = libvirt_child(element, "vlan"), *tag = libvirt_child(vlan, "tag");
  struct vmf_told_text trunk;

  VMF_TRY(vmf_taking_peek(reading, vlan, "trunk", &trunk, error));
  if (!tag || libvirt_next(tag) || trunk.text)
    return VMF_OK;
  vmf_taking_take(reading, vlan);
  vmf_taking_take(reading, tag);
  return vmf_taking_number(reading, tag, "id", LIBVIRT_VLAN, &nic->vlan, error);
}

/* What goes out, on average, KiB a second; peaks and bursts are more than a
 * rate, and stay. */
static enum vmf_code read_rate(const struct vmf_taking *reading, const xmlNode *element,
                               struct vmf_machine_nic *nic, struct vmf_error *error)
{
  const xmlNode *outbound = libvirt_child(libvirt_child(element, "bandwidth"), "outbound");
  struct vmf_told_text average;
  struct vmf_told_number kib;

  VMF_TRY(vmf_taking_peek(reading, outbound, "average", &average, error));
  VMF_TRY(vmf_taking_parse(reading, &average, "average of <outbound>", UINT32_MAX, &kib, error));
  if (kib.told)
    nic->rate = vmf_told(kib.value * 1024, kib.line);
  return VMF_OK;
}

/* The slot on the first PCI bus. The address stays an extra, which goes with
 * the type of machine. */
static enum vmf_code read_slot(const struct vmf_taking *reading, const xmlNode *element,
                               struct vmf_machine_nic *nic, struct vmf_error *error)
{
  const xmlNode *address = libvirt_child(element, "address");
  struct vmf_told_text type, text;
  struct vmf_told_number bus, slot;

  VMF_TRY(vmf_taking_peek(reading, address, "type", &type, error));
  if (!type.text || strcmp(type.text, "pci") != 0)
    return VMF_OK;
  VMF_TRY(vmf_taking_peek(reading, address, "bus", &text, error));
  VMF_TRY(vmf_taking_parse(reading, &text, "bus of <address>", UINT8_MAX, &bus, error));
  VMF_TRY(vmf_taking_peek(reading, address, "slot", &text, error));
  VMF_TRY(vmf_taking_parse(reading, &text, "slot of <address>", SLOT, &slot, error));
  if (bus.value == 0 && slot.told)
    nic->pci_slot = slot;
  return VMF_OK;
}

static enum vmf_code read_mac(const struct vmf_taking *reading, const xmlNode *element,
                              struct vmf_machine_nic *nic, struct vmf_error *error)
{
  struct vmf_told_text address;
  char what[300];

  VMF_TRY(vmf_taking_attribute(reading, libvirt_child(element, "mac"), "address", &address, error));
  if (!address.text)
    return VMF_OK;
  snprintf(what, sizeof what, "%.200s:%u: <mac>", reading->name, address.line);
  VMF_TRY(vmf_machine_set_mac(reading->machine, what, address.text, address.line, nic, error));
  for (const struct vmf_machine_nic *other = reading->machine->nics; other < nic; other++)
    if (other->mac.text && nic->mac.text && strcmp(other->mac.text, nic->mac.text) == 0) {
      vmf_report_add(reading->report, VMF_SEVERITY_WARNING, "libvirt-mac-twice", reading->name,
                     address.line,
                     "two network cards have the address %s, the other one on line %u",
                     nic->mac.text, other->mac.line);
      break;
    }
  return VMF_OK;
}

static enum vmf_code read_nic(const struct vmf_taking *reading, const xmlNode *element,
                              struct vmf_error *error)
{
  struct vmf_machine_nic *nic;

  VMF_TRY(vmf_taking_label(reading, element, error, "interface[%zu]", reading->machine->nic_count));
  VMF_TRY(vmf_machine_add_nic(reading->machine, &nic, error));
  vmf_taking_take(reading, element);
  VMF_TRY(read_attachment(reading, element, nic, error));
  VMF_TRY(read_mac(reading, element, nic, error));
  vmf_taking_take(reading, libvirt_child(element, "model"));
  VMF_TRY(vmf_taking_name(reading, libvirt_child(element, "model"), "type", libvirt_nic_models,
                          &nic->model, error));
  VMF_TRY(read_vlan(reading, element, nic, error));
  VMF_TRY(read_rate(reading, element, nic, error));
  VMF_TRY(read_slot(reading, element, nic, error));
  VMF_TRY(vmf_taking_number(reading, libvirt_child(element, "mtu"), "size", LIBVIRT_MTU, &nic->mtu,
                            error));
  VMF_TRY(vmf_taking_number(reading, libvirt_child(element, "driver"), "queues", LIBVIRT_QUEUES,
                            &nic->queues, error));
  VMF_TRY(vmf_taking_word(reading, libvirt_child(element, "link"), "state", libvirt_links,
                          &nic->link, error));
  return vmf_taking_number(reading, libvirt_child(element, "boot"), "order", LIBVIRT_ORDER,
                           &nic->boot, error);
}

enum vmf_code libvirt_read_nics(const struct vmf_taking *reading, const xmlNode *devices,
                                struct vmf_error *error)
{
  for (const xmlNode *nic = libvirt_child(devices, "interface"); nic; nic = libvirt_next(nic))
    VMF_TRY(read_nic(reading, nic, error));
  return VMF_OK;
}
