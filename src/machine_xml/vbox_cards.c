/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <Network>: the cards that are enabled, and what each is attached to. */
#include <stdio.h>
#include <string.h>

#include "vbox_hardware.h"

/* The element of an adapter that says what it is attached to. */
static const struct attachment {
  const char *element;
  enum vmf_attach attach;
} attachments[] = {
    {"NAT", VMF_ATTACH_NAT},
    {"NATNetwork", VMF_ATTACH_NAT},
    {"BridgedInterface", VMF_ATTACH_BRIDGE},
    {"HostInterface", VMF_ATTACH_BRIDGE},
    {"InternalNetwork", VMF_ATTACH_INTERNAL},
    {"HostOnlyInterface", VMF_ATTACH_HOSTONLY},
    {"HostOnlyNetwork", VMF_ATTACH_HOSTONLY},
    {"CloudNetwork", VMF_ATTACH_SDN},
};

enum { ATTACHMENTS = sizeof attachments / sizeof *attachments };

static const struct attachment *find_attachment(const xmlNode *element)
{
  for (size_t i = 0; i < ATTACHMENTS; i++)
    if (vmf_vbox_is(element, attachments[i].element))
      return &attachments[i];
  return NULL;
}

/* Ports of the host that lead into the guest. */
static void tell_rules(const struct vmf_taking *taking, const xmlNode *nat)
{
  const xmlNode *first = vmf_vbox_child(nat, "Forwarding");
  unsigned count = 0;

  for (const xmlNode *rule = first; rule; rule = vmf_vbox_next(rule))
    count++;
  if (count > 0)
    vmf_report_add(taking->report, VMF_SEVERITY_LOSS, "loss-nat-rules", taking->name,
                   vmf_xml_line(first),
                   "%u ports of the host lead to the guest, which they do not elsewhere", count);
}

/* What an adapter would be attached to if it were otherwise does not count; a generic driver and
 * what nobody knows stay extras. */
static enum vmf_code read_attachment(const struct vmf_taking *taking, const xmlNode *adapter,
                                     struct vmf_machine_nic *nic, struct vmf_error *error)
{
  nic->attach = vmf_told(VMF_ATTACH_NONE, vmf_xml_line(adapter));
  for (const xmlNode *mode = adapter->children; mode; mode = mode->next) {
    const struct attachment *found = find_attachment(mode);
    if (vmf_vbox_is(mode, "DisabledModes"))
      vmf_taking_known(taking, mode);
    if (vmf_vbox_is(mode, "GenericInterface") || vmf_vbox_is(mode, "VDE"))
      nic->attach = (struct vmf_told_number){0};
    if (!found)
      continue;
    vmf_taking_take(taking, mode);
    nic->attach = vmf_told(found->attach, vmf_xml_line(mode));
    if (!vmf_vbox_is(mode, "NAT"))
      VMF_TRY(vmf_taking_attribute(taking, mode, "name", &nic->network, error));
    if (nic->network.text && !nic->network.text[0])
      nic->network = (struct vmf_told_text){0};
    tell_rules(taking, mode);
  }
  return VMF_OK;
}

static enum vmf_code read_mac(const struct vmf_taking *taking, const xmlNode *adapter,
                              struct vmf_machine_nic *nic, struct vmf_error *error)
{
  struct vmf_told_text address;
  char what[300];

  VMF_TRY(vmf_taking_attribute(taking, adapter, "MACAddress", &address, error));
  if (!address.text || !address.text[0])
    return VMF_OK;
  snprintf(what, sizeof what, "%.200s:%u: MACAddress", taking->name, address.line);
  VMF_TRY(vmf_machine_set_mac(taking->machine, what, address.text, address.line, nic, error));
  for (const struct vmf_machine_nic *other = taking->machine->nics; other < nic; other++)
    if (other->mac.text && nic->mac.text && strcmp(other->mac.text, nic->mac.text) == 0) {
      vmf_report_add(taking->report, VMF_SEVERITY_WARNING, "vbox-mac-twice", taking->name,
                     address.line,
                     "two network cards have the address %s, the other one on line %u",
                     nic->mac.text, other->mac.line);
      break;
    }
  return VMF_OK;
}

/* Where no type is said it is a PCnet card; where no cable is, older settings had none. */
static enum vmf_code read_card(const struct vmf_vbox_reading *reading, const xmlNode *adapter,
                               struct vmf_error *error)
{
  const struct vmf_taking *taking = &reading->taking;
  size_t number = taking->machine->nic_count;
  struct vmf_machine_nic *nic;

  VMF_TRY(vmf_machine_add_nic(taking->machine, &nic, error));
  vmf_taking_take(taking, adapter);
  VMF_TRY(vmf_taking_label(taking, adapter, error, "Adapter[%zu]", number));
  VMF_TRY(vmf_vbox_slot(taking, adapter, number, error));
  VMF_TRY(vmf_taking_name(taking, adapter, "type", vmf_vbox_cards, &nic->model, error));
  if (!nic->model.text)
    VMF_TRY(vmf_machine_text(taking->machine, "pcnet32", 0, &nic->model, error));
  VMF_TRY(read_mac(taking, adapter, nic, error));
  VMF_TRY(vmf_taking_word(taking, adapter, "cable", vmf_vbox_flags, &nic->link, error));
  if (!nic->link.told && reading->version < VMF_VBOX_SILENT_DEVICES)
    nic->link = vmf_told(0, 0);
  return read_attachment(taking, adapter, nic, error);
}

enum vmf_code vmf_vbox_read_cards(const struct vmf_vbox_reading *reading, const xmlNode *hardware,
                                  struct vmf_error *error)
{
  const struct vmf_taking *taking = &reading->taking;
  const xmlNode *network = vmf_vbox_child(hardware, "Network");

  vmf_taking_take(taking, network);
  for (const xmlNode *adapter = vmf_vbox_child(network, "Adapter"); adapter;
       adapter = vmf_vbox_next(adapter)) {
    bool enabled;
    VMF_TRY(vmf_vbox_flag(taking, adapter, "enabled", false, &enabled, error));
    if (enabled)
      VMF_TRY(read_card(reading, adapter, error));
    else
      vmf_taking_known(taking, adapter);
  }
  return VMF_OK;
}
