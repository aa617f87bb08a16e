/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Network cards of a .vmx that is changed: ethernet0 to 9, of which those that are present are
 * counted from 1 on. */
#include <stdio.h>
#include <string.h>

#include "machine_edits.h"
#include "text.h"
#include "vmx_edit.h"

/* A setting of a card. */
static const struct vmx_setting *of_card(const struct vmx_editor *editor, unsigned card,
                                         const char *name)
{
  return vmx_find(&editor->splice.text, "ethernet%u.%s", card, name);
}

static enum vmf_code set(struct vmx_editor *editor, unsigned card, const char *name,
                         const char *value, struct vmf_error *error)
{
  return vmx_splice_set(&editor->splice, error, value, "ethernet%u.%s", card, name);
}

static void drop(struct vmx_editor *editor, unsigned card, const char *name)
{
  vmx_splice_drop(&editor->splice, "ethernet%u.%s", card, name);
}

static bool is_present(const struct vmx_editor *editor, unsigned card)
{
  const struct vmx_setting *setting = of_card(editor, card, "present");

  return setting && vmf_text_equal_nocase(setting->value, "true");
}

/* The machine's card of that index; VMX_CARDS: there is none. */
static unsigned card_of(const struct vmx_editor *editor, size_t index)
{
  unsigned card = 0;

  while (card < VMX_CARDS && (!is_present(editor, card) || index-- > 0))
    card++;
  return card;
}

/* ---- networks ---- */

/* The setting that names the network of a card, as the reader takes it. */
static const char *network_key(const struct vmx_editor *editor, unsigned card)
{
  const struct vmx_setting *type = of_card(editor, card, "connectionType");

  if (of_card(editor, card, "networkName") || !type)
    return "networkName";
  return vmf_text_equal_nocase(type->value, "custom") ? "vnet"
         : vmf_text_equal_nocase(type->value, "pvn")  ? "pvnID"
                                                      : "networkName";
}

static enum vmf_code rename_networks(struct vmx_editor *editor, struct vmf_error *error)
{
  for (size_t i = 0; i < editor->machine->nic_count; i++) {
    const char *from = editor->machine->nics[i].network.text;
    const char *to = vmf_machine_edited_network(editor->edits, from);
    unsigned card = card_of(editor, i);
    if (to != from && card < VMX_CARDS)
      VMF_TRY(set(editor, card, network_key(editor, card), to, error));
  }
  return VMF_OK;
}

/* Workstation's virtual networks are called vmnet0 and so on, with "/dev/" before it on Linux. */
static bool is_vmnet(const char *network)
{
  return strncmp(network, "vmnet", 5) == 0 || strncmp(network, "/dev/vmnet", 10) == 0;
}

/* The card leaves whatever it is on, also a port of a distributed switch. */
static enum vmf_code join_network(struct vmx_editor *editor, unsigned card, const char *network,
                                  struct vmf_error *error)
{
  const struct vmx_setting *type = of_card(editor, card, "connectionType");
  bool vmnet = is_vmnet(network) && !of_card(editor, card, "networkName");
  char port[32];

  snprintf(port, sizeof port, "ethernet%u.dvs", card);
  vmx_splice_drop_device(&editor->splice, port);
  drop(editor, card, "pvnID");
  if (vmnet) {
    VMF_TRY(set(editor, card, "connectionType", "custom", error));
    return set(editor, card, "vnet", network, error);
  }
  drop(editor, card, "vnet");
  if (type && !vmf_text_equal_nocase(type->value, "bridged"))
    VMF_TRY(set(editor, card, "connectionType", "bridged", error));
  return set(editor, card, "networkName", network, error);
}

/* ---- one card ---- */

static enum vmf_code set_model(struct vmx_editor *editor, unsigned card, const char *model,
                               struct vmf_error *error)
{
  const char *word = vmf_vendor_own(vmx_card_models, model);

  if (!word)
    return vmf_fail(error, VMF_USAGE,
                    "%s: VMware has no network card \"%s\"; accepted are E1000, E1000e, VmxNet3 "
                    "and PCNet32",
                    editor->splice.text.name, model);
  drop(editor, card, "features"); /* 15 makes a vmxnet to vmxnet2 */
  return set(editor, card, "virtualDev", word, error);
}

/* "": VMware makes one. */
static enum vmf_code set_address(struct vmx_editor *editor, unsigned card, const char *mac,
                                 struct vmf_error *error)
{
  static const char *const others[] = {"address", "generatedAddress", "generatedAddressOffset",
                                       "checkMACAddress"};

  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    drop(editor, card, others[i]);
  VMF_TRY(set(editor, card, "addressType", *mac ? "static" : "generated", error));
  if (!*mac)
    return VMF_OK;
  VMF_TRY(set(editor, card, "address", mac, error));
  return vmx_is_fixed_range(mac) ? VMF_OK : set(editor, card, "checkMACAddress", "FALSE", error);
}

static enum vmf_code change_card(struct vmx_editor *editor, const struct vmf_nic_edit *nic,
                                 struct vmf_error *error)
{
  unsigned card = card_of(editor, nic->number - 1);
  const struct vmf_machine_nic *is = &editor->machine->nics[nic->number - 1];
  char device[16];

  snprintf(device, sizeof device, "ethernet%u", card);
  if (nic->remove)
    vmx_splice_drop_device(&editor->splice, device);
  if (nic->model && !(is->model.text && strcmp(is->model.text, nic->model) == 0))
    VMF_TRY(set_model(editor, card, nic->model, error));
  if (nic->network)
    VMF_TRY(join_network(editor, card, nic->network, error));
  return nic->mac ? set_address(editor, card, nic->mac, error) : VMF_OK;
}

/* ---- a new one ---- */

/* Behind all cards that the file says anything of. */
static unsigned free_card(const struct vmx_editor *editor)
{
  const struct vmx_text *text = &editor->splice.text;
  struct vmx_place place;
  unsigned next = 0;

  for (size_t i = 0; i < text->count; i++)
    if (vmx_place_of(text->settings[i].key, &place) && strcmp(place.name, "ethernet") == 0 &&
        place.controller < VMX_CARDS && place.controller >= next)
      next = (unsigned)place.controller + 1;
  return next;
}

/* As the first card is; where there is none, as VMware makes them. */
static enum vmf_code copy_network(struct vmx_editor *editor, unsigned card, struct vmf_error *error)
{
  static const char *const names[] = {"connectionType", "networkName", "vnet", "pvnID"};
  unsigned like = card_of(editor, 0);

  if (like == VMX_CARDS)
    return set(editor, card, "connectionType", "nat", error);
  const char *key = network_key(editor, like);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const struct vmx_setting *setting = of_card(editor, like, names[i]);
    const char *value = setting ? setting->value : NULL;
    if (value && strcmp(names[i], key) == 0)
      value = vmf_machine_edited_network(editor->edits, value);
    if (value)
      VMF_TRY(set(editor, card, names[i], value, error));
  }
  return VMF_OK;
}

static enum vmf_code add_card(struct vmx_editor *editor, unsigned card,
                              const struct vmf_nic_edit *nic, struct vmf_error *error)
{
  if (card >= VMX_CARDS)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: VMware has ten network cards, ethernet0 to ethernet9, and there is no "
                    "place behind the last one",
                    editor->splice.text.name);
  VMF_TRY(set(editor, card, "present", "TRUE", error));
  VMF_TRY(set_model(editor, card, nic->model ? nic->model : "e1000", error));
  VMF_TRY(nic->network ? join_network(editor, card, nic->network, error)
                       : copy_network(editor, card, error));
  return set_address(editor, card, nic->mac ? nic->mac : "", error);
}

enum vmf_code vmx_edit_cards(struct vmx_editor *editor, struct vmf_error *error)
{
  unsigned next = free_card(editor);

  VMF_TRY(rename_networks(editor, error));
  for (size_t i = 0; i < editor->edits->nic_count; i++) {
    const struct vmf_nic_edit *nic = &editor->edits->nics[i];
    VMF_TRY(nic->number ? change_card(editor, nic, error) : add_card(editor, next++, nic, error));
  }
  return VMF_OK;
}
