/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <interface>: networks, and the cards that are on them. */
#include <string.h>

#include "libvirt_editor.h"
#include "machine_edits.h"
#include "memory.h"
#include "words.h"

static const xmlNode *card_of(const struct vmf_editing *editor, size_t index)
{
  const xmlNode *card = libvirt_child(libvirt_child(editor->root, "devices"), "interface");

  while (card && index-- > 0)
    card = libvirt_next(card);
  return card;
}

/* The attribute of <source> that names the network of an interface; NULL: none does. */
static enum vmf_code find_attribute(struct vmf_editing *editor, const xmlNode *card,
                                    const char **attribute)
{
  static const struct {
    const char *type, *attribute;
  } types[] = {
      {"network", "network"}, {"bridge", "bridge"}, {"direct", "dev"}, {"internal", "name"}};
  VMF_AUTO_FREE char *type = NULL;

  *attribute = NULL;
  VMF_TRY(vmf_xml_attribute(card, NULL, "type", &type, editor->error));
  for (size_t i = 0; type && i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].type, type) == 0)
      *attribute = types[i].attribute;
  return VMF_OK;
}

/* A card of QEMU's own network (user) is put on one of libvirt's; all others stay what they are. */
static enum vmf_code set_network(struct vmf_editing *editor, const xmlNode *card,
                                 const char *network)
{
  VMF_AUTO_FREE char *type = NULL;
  const char *attribute;

  VMF_TRY(find_attribute(editor, card, &attribute));
  if (attribute)
    return vmf_editing_simple(editor, card, "source", attribute, network);
  VMF_TRY(vmf_xml_attribute(card, NULL, "type", &type, editor->error));
  if (!type || strcmp(type, "user") != 0 || libvirt_child(card, "source"))
    return vmf_fail(
        editor->error, VMF_UNSUPPORTED,
        "%s:%u: an interface of the type \"%.40s\" is on no network that could be named",
        editor->name, vmf_xml_line(card), type ? type : "");
  VMF_TRY(vmf_editing_attribute(editor, card, "type", "network"));
  return vmf_editing_simple(editor, card, "source", "network", network);
}

static enum vmf_code change_card(struct vmf_editing *editor, const xmlNode *card,
                                 const struct vmf_machine_nic *is, const struct vmf_nic_edit *nic)
{
  if (nic->remove)
    return vmf_editing_remove(editor, card);
  if (nic->model && !(is->model.text && strcmp(is->model.text, nic->model) == 0))
    VMF_TRY(vmf_editing_simple(editor, card, "model", "type",
                               vmf_vendor_own(libvirt_nic_models, nic->model)));
  if (nic->network && !(is->network.text && strcmp(is->network.text, nic->network) == 0))
    VMF_TRY(set_network(editor, card, nic->network));
  if (!nic->mac || strcmp(nic->mac, is->mac.text ? is->mac.text : "") == 0)
    return VMF_OK;
  return *nic->mac ? vmf_editing_simple(editor, card, "mac", "address", nic->mac)
                   : vmf_editing_remove(editor, libvirt_child(card, "mac"));
}

/* ---- a new one ---- */

/* On a network of libvirt's, or as the first card is on a bridge. */
static enum vmf_code write_source(struct vmf_editing *editor, const char *network,
                                  struct vmf_markup *markup)
{
  const xmlNode *first = card_of(editor, 0);
  const char *of = first ? editor->machine->nics[0].network.text : NULL, *attribute = NULL;

  if (first && !network)
    VMF_TRY(find_attribute(editor, first, &attribute));
  bool bridge = attribute && of && strcmp(attribute, "bridge") == 0;
  if (!network && (bridge || (attribute && of && strcmp(attribute, "network") == 0)))
    network = vmf_machine_edited_network(editor->edits, of);
  vmf_markup_start(markup, "interface");
  vmf_markup_attribute(markup, "type", bridge ? "bridge" : "network");
  vmf_markup_enter(markup);
  vmf_markup_start(markup, "source");
  vmf_markup_attribute(markup, bridge ? "bridge" : "network", "%s", network ? network : "default");
  vmf_markup_end(markup);
  return VMF_OK;
}

static enum vmf_code add_card(struct vmf_editing *editor, const struct vmf_nic_edit *nic)
{
  const xmlNode *devices = libvirt_child(editor->root, "devices");

  if (!devices)
    return vmf_fail(editor->error, VMF_UNSUPPORTED, "%s: has no <devices> to add a card to",
                    editor->name);
  struct vmf_markup markup = vmf_editing_markup(editor, devices);
  enum vmf_code code = write_source(editor, nic->network, &markup);
  if (nic->mac && *nic->mac) {
    vmf_markup_start(&markup, "mac");
    vmf_markup_attribute(&markup, "address", "%s", nic->mac);
    vmf_markup_end(&markup);
  }
  vmf_markup_start(&markup, "model");
  vmf_markup_attribute(&markup, "type", "%s",
                       vmf_vendor_own(libvirt_nic_models, nic->model ? nic->model : "virtio"));
  vmf_markup_end(&markup);
  vmf_markup_leave(&markup, "interface");
  if (code == VMF_OK)
    return vmf_editing_append(editor, devices, &markup);
  vmf_markup_clear(&markup);
  return code;
}

static enum vmf_code rename_networks(struct vmf_editing *editor)
{
  const xmlNode *card = card_of(editor, 0);

  for (size_t i = 0; card && i < editor->machine->nic_count; i++, card = libvirt_next(card)) {
    const char *from = editor->machine->nics[i].network.text;
    const char *to = vmf_machine_edited_network(editor->edits, from);
    if (to != from)
      VMF_TRY(set_network(editor, card, to));
  }
  return VMF_OK;
}

enum vmf_code libvirt_edit_nics(struct vmf_editing *editor)
{
  VMF_TRY(rename_networks(editor));
  for (size_t i = 0; i < editor->edits->nic_count; i++) {
    const struct vmf_nic_edit *nic = &editor->edits->nics[i];
    if (nic->model && !vmf_vendor_own(libvirt_nic_models, nic->model))
      return vmf_fail(editor->error, VMF_USAGE, "%s: QEMU has no network card \"%s\"", editor->name,
                      nic->model);
    VMF_TRY(nic->number ? change_card(editor, card_of(editor, nic->number - 1),
                                      &editor->machine->nics[nic->number - 1], nic)
                        : add_card(editor, nic));
  }
  return VMF_OK;
}
