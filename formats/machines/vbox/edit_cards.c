/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <Adapter>: network cards, and what they are attached to. */
#include <stdio.h>
#include <string.h>

#include "machine_edits.h"
#include "memory.h"
#include "vbox_editor.h"
#include "vbox_hardware.h"

enum { CARDS = 8 /* with the chipset that a machine has by default */, DIGITS = 13 };

/* What names a network; and all that a card can be attached to. */
static const char *const named[] = {"BridgedInterface",  "HostInterface",   "InternalNetwork",
                                    "HostOnlyInterface", "HostOnlyNetwork", "NATNetwork",
                                    "CloudNetwork"};

enum { NAMED = sizeof named / sizeof *named };

struct cards {
  struct vmf_editing *editor;
  const xmlNode *network; /* NULL: there is none */
  unsigned version;       /* of the settings */
  unsigned slot;          /* the first that is behind all cards */
};

/* The next card that is enabled, at or behind `from`. */
static enum vmf_code next_card(const struct cards *cards, const xmlNode *from, const xmlNode **card)
{
  for (*card = from; *card; *card = vmf_vbox_next(*card)) {
    VMF_AUTO_FREE char *enabled = NULL;
    VMF_TRY(vmf_xml_attribute(*card, NULL, "enabled", &enabled, cards->editor->error));
    if (enabled && (strcmp(enabled, "true") == 0 || strcmp(enabled, "1") == 0))
      return VMF_OK;
  }
  return VMF_OK;
}

static enum vmf_code find_card(const struct cards *cards, size_t index, const xmlNode **card)
{
  VMF_TRY(next_card(cards, vmf_vbox_child(cards->network, "Adapter"), card));
  for (; *card && index > 0; index--)
    VMF_TRY(next_card(cards, vmf_vbox_next(*card), card));
  return VMF_OK;
}

/* The element that names the network of a card, the last as its reader takes it; NULL: none does.
 */
static const xmlNode *network_of(const xmlNode *card)
{
  const xmlNode *found = NULL;

  for (const xmlNode *mode = card ? card->children : NULL; mode; mode = mode->next)
    for (size_t i = 0; i < NAMED; i++)
      if (vmf_vbox_is(mode, named[i]))
        found = mode;
  return found;
}

/* A card behind VirtualBox's own NAT is put on an interface of the host. */
static enum vmf_code set_network(const struct cards *cards, const xmlNode *card, const char *name)
{
  struct vmf_editing *editor = cards->editor;
  const xmlNode *is = network_of(card), *nat = vmf_vbox_child(card, "NAT");

  if (is)
    return vmf_editing_attribute(editor, is, "name", name);
  if (!nat)
    return vmf_fail(editor->error, VMF_UNSUPPORTED,
                    "%s:%u: this card is on no network that could be named", editor->name,
                    vmf_xml_line(card));
  vmf_editing_tell(editor, "edit-bridge", card,
                   "was behind VirtualBox's NAT, and is on an interface of the host now");
  VMF_TRY(vmf_editing_simple(editor, card, "BridgedInterface", "name", name));
  return vmf_editing_remove(editor, nat);
}

/* "0800272AFB4E" */
static void digits_of(const char *mac, char digits[DIGITS])
{
  size_t length = 0;

  for (; *mac && length < DIGITS - 1; mac++)
    if (*mac != ':')
      digits[length++] = (char)(*mac >= 'a' && *mac <= 'f' ? *mac - 0x20 : *mac);
  digits[length] = '\0';
}

static enum vmf_code find_type(const struct cards *cards, const char *model, const char **type)
{
  bool newest = strcmp(model, "e1000e") == 0 && cards->version < VMF_VBOX_NEWEST;

  *type = newest ? NULL : vmf_vendor_own(vmf_vbox_cards, model);
  return *type ? VMF_OK
               : vmf_fail(cards->editor->error, VMF_USAGE,
                          "%s: VirtualBox has no network card \"%s\" in this version",
                          cards->editor->name, model);
}

static bool is_text(const struct vmf_told_text *is, const char *wanted)
{
  return strcmp(is->text ? is->text : "", wanted) == 0;
}

static enum vmf_code change_card(const struct cards *cards, const struct vmf_nic_edit *nic)
{
  const struct vmf_machine_nic *is = &cards->editor->machine->nics[nic->number - 1];
  struct vmf_editing *editor = cards->editor;
  char digits[DIGITS];
  const char *type;
  const xmlNode *card;

  VMF_TRY(find_card(cards, nic->number - 1, &card));
  if (nic->remove)
    return vmf_editing_attribute(editor, card, "enabled", "false");
  if (nic->model && !is_text(&is->model, nic->model)) {
    VMF_TRY(find_type(cards, nic->model, &type));
    VMF_TRY(vmf_editing_attribute(editor, card, "type", type));
  }
  if (nic->network && !is_text(&is->network, nic->network))
    VMF_TRY(set_network(cards, card, nic->network));
  if (!nic->mac || is_text(&is->mac, nic->mac))
    return VMF_OK;
  digits_of(nic->mac, digits);
  return vmf_editing_attribute(editor, card, "MACAddress", *digits ? digits : NULL);
}

/* ---- a new one ---- */

/* The slots of cards that are enabled are taken, and no new one stands before them. */
static enum vmf_code find_slot(struct cards *cards)
{
  const xmlNode *card;
  unsigned slot;

  VMF_TRY(find_card(cards, 0, &card));
  while (card) {
    VMF_AUTO_FREE char *text = NULL;
    VMF_TRY(vmf_xml_attribute(card, NULL, "slot", &text, cards->editor->error));
    if (text && sscanf(text, "%3u", &slot) == 1 && slot >= cards->slot)
      cards->slot = slot + 1;
    VMF_TRY(next_card(cards, vmf_vbox_next(card), &card));
  }
  return VMF_OK;
}

/* A card that is not enabled and has the slot goes. */
static enum vmf_code free_slot(const struct cards *cards)
{
  const xmlNode *card = vmf_vbox_child(cards->network, "Adapter");

  for (; card; card = vmf_vbox_next(card)) {
    VMF_AUTO_FREE char *text = NULL;
    unsigned slot;
    VMF_TRY(vmf_xml_attribute(card, NULL, "slot", &text, cards->editor->error));
    if (text && sscanf(text, "%3u", &slot) == 1 && slot == cards->slot)
      VMF_TRY(vmf_editing_remove(cards->editor, card));
  }
  return VMF_OK;
}

/* As the first card is attached, or on an interface of the host, or behind NAT. */
static void write_mode(const struct cards *cards, const xmlNode *first, const char *network,
                       const char *prefix, struct vmf_markup *markup)
{
  const struct vmf_machine *machine = cards->editor->machine;
  const xmlNode *mode = network_of(first);
  const char *element = mode ? (const char *)mode->name : network ? "BridgedInterface" : "NAT";
  char name[80];

  if (!network && mode)
    network = vmf_machine_edited_network(cards->editor->edits, machine->nics[0].network.text);
  snprintf(name, sizeof name, "%s%s", prefix, element);
  vmf_markup_start(markup, name);
  if (network)
    vmf_markup_attribute(markup, "name", "%s", network);
  vmf_markup_end(markup);
}

static enum vmf_code add_card(struct cards *cards, const struct vmf_nic_edit *nic)
{
  struct vmf_editing *editor = cards->editor;
  char digits[DIGITS], prefix[40] = "", name[60];
  const xmlNode *first;
  const char *type;

  VMF_TRY(find_type(cards, nic->model ? nic->model : "e1000", &type));
  VMF_TRY(find_card(cards, 0, &first));
  if (cards->slot >= CARDS)
    return vmf_fail(editor->error, VMF_UNSUPPORTED,
                    "%s: has no slot behind its network cards, there are %d: take one away first",
                    editor->name, CARDS);
  VMF_TRY(free_slot(cards));
  if (cards->network->ns && cards->network->ns->prefix)
    snprintf(prefix, sizeof prefix, "%.30s:", (const char *)cards->network->ns->prefix);
  snprintf(name, sizeof name, "%sAdapter", prefix);
  struct vmf_markup markup = vmf_editing_markup(editor, cards->network);
  vmf_markup_start(&markup, name);
  vmf_markup_attribute(&markup, "slot", "%u", cards->slot++);
  vmf_markup_attribute(&markup, "enabled", "true");
  if (nic->mac && *nic->mac) {
    digits_of(nic->mac, digits);
    vmf_markup_attribute(&markup, "MACAddress", "%s", digits);
  }
  vmf_markup_attribute(&markup, "cable", "true");
  vmf_markup_attribute(&markup, "type", "%s", type);
  vmf_markup_enter(&markup);
  write_mode(cards, first, nic->network, prefix, &markup);
  vmf_markup_leave(&markup, name);
  return vmf_editing_append(editor, cards->network, &markup);
}

static enum vmf_code rename_networks(const struct cards *cards)
{
  const struct vmf_machine *machine = cards->editor->machine;

  for (size_t i = 0; i < machine->nic_count; i++) {
    const char *from = machine->nics[i].network.text;
    const char *to = vmf_machine_edited_network(cards->editor->edits, from);
    const xmlNode *card;

    if (to == from)
      continue;
    VMF_TRY(find_card(cards, i, &card));
    VMF_TRY(set_network(cards, card, to));
  }
  return VMF_OK;
}

enum vmf_code vbox_edit_cards(struct vmf_editing *editor, const xmlNode *hardware, unsigned version)
{
  struct cards cards = {
      .editor = editor, .network = vmf_vbox_child(hardware, "Network"), .version = version};

  VMF_TRY(rename_networks(&cards));
  VMF_TRY(find_slot(&cards));
  for (size_t i = 0; i < editor->edits->nic_count; i++) {
    const struct vmf_nic_edit *nic = &editor->edits->nics[i];
    if (nic->number == 0 && !cards.network)
      return vmf_fail(editor->error, VMF_UNSUPPORTED, "%s: has no <Network> to add a card to",
                      editor->name);
    VMF_TRY(nic->number ? change_card(&cards, nic) : add_card(&cards, nic));
  }
  return VMF_OK;
}
