/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Network cards, serial and parallel ports of a .vmx. */
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "vmx.h"

enum { PREFIX = 32 };

/* ---- network cards ---- */

static enum vmf_code read_card_model(struct vmx_reader *reader, const char *prefix,
                                     struct vmf_machine_nic *nic, struct vmf_error *error)
{
  struct vmx_setting *model = vmx_find(&reader->text, "%s.virtualDev", prefix);
  struct vmx_setting *features = vmx_find(&reader->text, "%s.features", prefix);
  const char *word;

  if (!model)
    return VMF_OK;
  word = vmf_vendor_neutral_nocase(vmx_card_models, model->value);
  if (word && strcmp(word, "vmxnet") == 0 && features && strcmp(features->value, "15") == 0) {
    features->taken = true;
    word = "vmxnet2";
  }
  if (!word)
    vmx_odd(reader, model, "vmx-card", "%s is \"%.60s\", a network card that is not known",
            model->key, model->value);
  model->taken = true;
  return vmf_machine_text(reader->machine, word ? word : model->value, model->line, &nic->model,
                          error);
}

/* Of a card with a fixed address that, of others the generated one, and where there is none, what
 * there is. */
static enum vmf_code read_address(struct vmx_reader *reader, const char *prefix,
                                  struct vmf_machine_nic *nic, struct vmf_error *error)
{
  struct vmx_setting *type = vmx_find(&reader->text, "%s.addressType", prefix);
  struct vmx_setting *address = vmx_find(&reader->text, "%s.address", prefix);
  struct vmx_setting *generated = vmx_find(&reader->text, "%s.generatedAddress", prefix);
  bool fixed = type && vmf_text_equal_nocase(type->value, "static");
  bool assigned = type && vmf_text_equal_nocase(type->value, "vpx");
  struct vmx_setting *used = fixed || !generated ? address : generated;
  char what[VMX_KEY + 256];

  if (type && !fixed && !assigned && !vmf_text_equal_nocase(type->value, "generated"))
    vmx_odd(reader, type, "vmx-address-type", "%s is \"%.60s\"; it is taken as \"generated\"",
            type->key, type->value);
  else if (type)
    type->taken = true;
  nic->mac_origin = vmf_told(fixed      ? VMF_MAC_STATIC
                             : assigned ? VMF_MAC_ASSIGNED
                                        : VMF_MAC_GENERATED,
                             type ? type->line : 0);
  if (!used)
    return VMF_OK;
  used->taken = true;
  snprintf(what, sizeof what, "%.200s:%u: %.60s", reader->text.name, used->line, used->key);
  return vmf_machine_set_mac(reader->machine, what, used->value, used->line, nic, error);
}

/* connectionType; where it is not said, ESXi's networkName tells a network of the host. */
static enum vmf_code read_network(struct vmx_reader *reader, const char *prefix,
                                  struct vmf_machine_nic *nic, struct vmf_error *error)
{
  static const struct {
    const char *type;
    enum vmf_attach attach;
    const char *network; /* the setting that names it, where networkName is not said */
    bool whole;          /* the type is told by attach */
  } types[] = {
      {"bridged", VMF_ATTACH_BRIDGE, NULL, true},    {"nat", VMF_ATTACH_NAT, NULL, true},
      {"hostonly", VMF_ATTACH_HOSTONLY, NULL, true}, {"custom", VMF_ATTACH_BRIDGE, "vnet", false},
      {"pvn", VMF_ATTACH_INTERNAL, "pvnID", false},
  };
  struct vmx_setting *type = vmx_find(&reader->text, "%s.connectionType", prefix);
  struct vmx_setting *name = vmx_find(&reader->text, "%s.networkName", prefix);
  struct vmx_setting *port = vmx_find(&reader->text, "%s.dvs.switchId", prefix);
  size_t i = 0;

  if (port)
    nic->attach = vmf_told(VMF_ATTACH_SDN, port->line);
  else if (!type && name)
    nic->attach = vmf_told(VMF_ATTACH_BRIDGE, name->line);
  while (type && i < sizeof types / sizeof types[0] &&
         !vmf_text_equal_nocase(types[i].type, type->value))
    i++;
  if (type && i < sizeof types / sizeof types[0]) {
    type->taken = types[i].whole;
    nic->attach = vmf_told(types[i].attach, type->line);
    if (!name && types[i].network)
      name = vmx_find(&reader->text, "%s.%s", prefix, types[i].network);
  } else if (type) {
    vmx_odd(reader, type, "vmx-connection", "%s is \"%.60s\", which is not known", type->key,
            type->value);
  }
  if (!name || !name->value[0])
    return VMF_OK;
  name->taken = true;
  return vmf_machine_text(reader->machine, name->value, name->line, &nic->network, error);
}

static enum vmf_code read_card(struct vmx_reader *reader, const char *prefix,
                               struct vmf_error *error)
{
  struct vmf_machine_nic *nic;
  struct vmx_setting *slot = vmx_find(&reader->text, "%s.pciSlotNumber", prefix);
  char key[VMX_KEY];
  uint64_t number;

  VMF_TRY(vmf_machine_add_nic(reader->machine, &nic, error));
  VMF_TRY(read_card_model(reader, prefix, nic, error));
  VMF_TRY(read_address(reader, prefix, nic, error));
  VMF_TRY(read_network(reader, prefix, nic, error));
  snprintf(key, sizeof key, "%s.startConnected", prefix);
  VMF_TRY(vmx_read_flag(reader, key, &nic->connected, error));
  if (slot && vmx_digits(slot->value, INT32_MAX, &number)) {
    slot->taken = true;
    nic->pci_slot = vmf_told(number, slot->line);
  }
  return VMF_OK;
}

/* ---- ports ---- */

static enum vmf_code read_port(struct vmx_reader *reader, const char *prefix, bool parallel,
                               struct vmf_error *error)
{
  static const struct {
    const char *type;
    enum vmf_backend backend;
  } types[] = {
      {"file", VMF_BACKEND_FILE},
      {"device", VMF_BACKEND_DEVICE},
      {"pipe", VMF_BACKEND_PIPE},
      {"network", VMF_BACKEND_TCP},
  };
  struct vmx_setting *type = vmx_find(&reader->text, "%s.fileType", prefix);
  struct vmx_setting *file = vmx_find(&reader->text, "%s.fileName", prefix);
  struct vmf_machine_port *port;

  VMF_TRY(vmf_machine_add_port(reader->machine, &port, error));
  port->parallel = vmf_told(parallel, 0);
  for (size_t i = 0; type && i < sizeof types / sizeof types[0]; i++)
    if (vmf_text_equal_nocase(types[i].type, type->value)) {
      type->taken = true;
      port->backend = vmf_told(types[i].backend, type->line);
    }
  if (type && !port->backend.told)
    vmx_odd(reader, type, "vmx-port", "%s is \"%.60s\", which has no equal elsewhere", type->key,
            type->value);
  if (!file || !file->value[0])
    return VMF_OK;
  file->taken = true;
  return vmf_machine_text(reader->machine, file->value, file->line, &port->path, error);
}

/* ---- both ---- */

/* Those that are present, in their order, are 0, 1, ... in the machine; the others come behind. */
static enum vmf_code number_them(struct vmx_reader *reader, const char *name, unsigned most,
                                 unsigned *places, bool *present, struct vmf_error *error)
{
  unsigned next = 0;
  char prefix[PREFIX];

  for (unsigned i = 0; i < most; i++) {
    snprintf(prefix, sizeof prefix, "%s%u", name, i);
    VMF_TRY(vmx_read_present(reader, prefix, false, &present[i], error));
    if (present[i])
      places[i] = next++;
  }
  for (unsigned i = 0; i < most; i++)
    if (!present[i])
      places[i] = next++;
  return VMF_OK;
}

enum vmf_code vmx_read_cards(struct vmx_reader *reader, struct vmf_error *error)
{
  bool present[VMX_CARDS];
  char prefix[PREFIX];

  VMF_TRY(number_them(reader, "ethernet", VMX_CARDS, reader->cards, present, error));
  for (unsigned i = 0; i < VMX_CARDS; i++) {
    snprintf(prefix, sizeof prefix, "ethernet%u", i);
    if (present[i])
      VMF_TRY(read_card(reader, prefix, error));
  }
  return VMF_OK;
}

enum vmf_code vmx_read_ports(struct vmx_reader *reader, struct vmf_error *error)
{
  bool present[VMX_SERIAL_PORTS];
  char prefix[PREFIX];

  VMF_TRY(number_them(reader, "serial", VMX_SERIAL_PORTS, reader->serial_ports, present, error));
  for (unsigned i = 0; i < VMX_SERIAL_PORTS; i++) {
    snprintf(prefix, sizeof prefix, "serial%u", i);
    if (present[i])
      VMF_TRY(read_port(reader, prefix, false, error));
  }
  VMF_TRY(
      number_them(reader, "parallel", VMX_PARALLEL_PORTS, reader->parallel_ports, present, error));
  for (unsigned i = 0; i < VMX_PARALLEL_PORTS; i++) {
    snprintf(prefix, sizeof prefix, "parallel%u", i);
    if (present[i])
      VMF_TRY(read_port(reader, prefix, true, error));
  }
  return VMF_OK;
}
