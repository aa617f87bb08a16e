/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Network cards of a configuration that is changed: "net0: virtio=BC:24:11:2C:69:EC,bridge=vmbr0".
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "machine_edits.h"
#include "memory.h"
#include "proxmox_edit.h"

/* The setting of the machine's card of that index; NULL: there is none. */
static const struct conf_setting *card_of(const struct proxmox_editor *editor, size_t index)
{
  for (unsigned i = 0; i < PROXMOX_NICS; i++) {
    char key[PROXMOX_KEY];
    snprintf(key, sizeof key, "net%u", i);
    const struct conf_setting *setting = conf_find(&editor->text, editor->section, key);
    if (setting && index-- == 0)
      return setting;
  }
  return NULL;
}

static enum vmf_code check_bridge(const struct proxmox_editor *editor, const char *name,
                                  struct vmf_error *error)
{
  if (*name && proxmox_is_word(name, "-_.", 60))
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "%s: \"%.80s\" is no name of a bridge: Proxmox VE takes letters, digits, \"-\", "
                  "\"_\" and \".\"",
                  editor->text.name, name);
}

static enum vmf_code word_of(const struct proxmox_editor *editor, const char *model,
                             const char **word, struct vmf_error *error)
{
  *word = proxmox_word_written(proxmox_nics, model);
  if (*word)
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE, "%s: Proxmox VE has no network card \"%s\"", editor->text.name,
                  model);
}

/* As Proxmox writes addresses. */
static void large_letters(const char *mac, char large[18])
{
  size_t length = 0;

  for (; mac[length] && length < 17; length++)
    large[length] = (char)toupper((unsigned char)mac[length]);
  large[length] = '\0';
}

/* Whether a property says the model: "virtio=...", "virtio" or "model=virtio". */
static bool is_model(const struct conf_property *property)
{
  bool bare = strcmp(property->name, "model") == 0;

  return proxmox_word_read(proxmox_nics, bare ? property->value : property->name) != NULL;
}

struct card {
  const char *model; /* Proxmox's word; NULL: as it is */
  char mac[18];      /* "": none */
  bool mac_known;    /* else as it is */
  const char *bridge;
};

/* "virtio=BC:24:11:2C:69:EC" */
static enum vmf_code append_model(char **value, const char *model, const char *mac,
                                  struct vmf_error *error)
{
  return proxmox_append(value, error, "%s%s%s", model, mac && *mac ? "=" : "", mac ? mac : "");
}

/* The properties that say neither stay as they are. */
static enum vmf_code write_card(const struct conf_properties *properties, const struct card *card,
                                char **value, struct vmf_error *error)
{
  const char *model = card->model, *mac = card->mac_known ? card->mac : NULL;
  bool bridged = !card->bridge;

  for (size_t i = 0; i < properties->count; i++) {
    const struct conf_property *property = &properties->list[i];
    bool bare = strcmp(property->name, "model") == 0;
    if (is_model(property) && !model)
      model = bare ? property->value : property->name;
    if (!card->mac_known && !mac &&
        ((is_model(property) && !bare) || strcmp(property->name, "macaddr") == 0))
      mac = property->value;
  }
  VMF_TRY(append_model(value, model ? model : "virtio", mac, error));
  for (size_t i = 0; i < properties->count; i++) {
    const struct conf_property *property = &properties->list[i];
    bool bridge = strcmp(property->name, "bridge") == 0;
    if (is_model(property) || strcmp(property->name, "macaddr") == 0 ||
        (bridge && bridged && card->bridge))
      continue;
    bridged = bridged || bridge;
    VMF_TRY(proxmox_append(value, error, ",%s=%s", property->name,
                           bridge && card->bridge ? card->bridge : property->value));
  }
  return bridged ? VMF_OK : proxmox_append(value, error, ",bridge=%s", card->bridge);
}

static enum vmf_code set_card(struct proxmox_editor *editor, const struct conf_setting *setting,
                              const struct card *card, struct vmf_error *error)
{
  struct conf_properties properties;
  VMF_AUTO_FREE char *value = NULL;

  if (!card->model && !card->mac_known && !card->bridge)
    return VMF_OK;
  enum vmf_code code = conf_split(setting->value, "model", &properties, error);
  if (code == VMF_OK)
    code = write_card(&properties, card, &value, error);
  conf_properties_clear(&properties);
  return code == VMF_OK ? proxmox_edit_set(editor, setting->key, value, error) : code;
}

/* What the edits say of the card of that index. */
static const struct vmf_nic_edit *edit_of(const struct proxmox_editor *editor, size_t index)
{
  for (size_t i = 0; i < editor->edits->nic_count; i++)
    if (editor->edits->nics[i].number == index + 1)
      return &editor->edits->nics[i];
  return NULL;
}

static enum vmf_code change_card(struct proxmox_editor *editor, size_t index,
                                 struct vmf_error *error)
{
  static const struct vmf_nic_edit nothing;
  const struct vmf_machine_nic *is = &editor->machine->nics[index];
  const struct conf_setting *setting = card_of(editor, index);
  const struct vmf_nic_edit *nic = edit_of(editor, index);
  const char *to = vmf_machine_edited_network(editor->edits, is->network.text);
  struct card card = {.bridge = to == is->network.text ? NULL : to};

  nic = nic ? nic : &nothing;
  if (!setting)
    return VMF_OK;
  if (nic->remove)
    return proxmox_edit_drop_device(editor, setting->key, error);
  if (nic->model && !(is->model.text && strcmp(is->model.text, nic->model) == 0))
    VMF_TRY(word_of(editor, nic->model, &card.model, error));
  if (nic->mac && strcmp(nic->mac, is->mac.text ? is->mac.text : "") != 0) {
    card.mac_known = true;
    large_letters(nic->mac, card.mac);
  }
  card.bridge = nic->network ? nic->network : card.bridge;
  if (card.bridge)
    VMF_TRY(check_bridge(editor, card.bridge, error));
  return set_card(editor, setting, &card, error);
}

/* Behind the last one; without a network on that of the first card. */
static enum vmf_code add_card(struct proxmox_editor *editor, unsigned number,
                              const struct vmf_nic_edit *nic, struct vmf_error *error)
{
  const char *first = editor->machine->nic_count ? editor->machine->nics[0].network.text : NULL;
  const char *bridge =
      nic->network ? nic->network : vmf_machine_edited_network(editor->edits, first);
  const char *model;
  VMF_AUTO_FREE char *value = NULL;
  char key[PROXMOX_KEY], mac[18];

  if (number >= PROXMOX_NICS)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: Proxmox VE has network cards net0 to net31, and there is no place behind "
                    "the last one",
                    editor->text.name);
  VMF_TRY(word_of(editor, nic->model ? nic->model : "virtio", &model, error));
  bridge = bridge ? bridge : "vmbr0";
  VMF_TRY(check_bridge(editor, bridge, error));
  large_letters(nic->mac ? nic->mac : "", mac);
  snprintf(key, sizeof key, "net%u", number);
  VMF_TRY(append_model(&value, model, mac, error));
  VMF_TRY(proxmox_append(&value, error, ",bridge=%s", bridge));
  return proxmox_edit_set(editor, key, value, error);
}

enum vmf_code proxmox_edit_cards(struct proxmox_editor *editor, struct vmf_error *error)
{
  unsigned next = 0;

  for (size_t i = 0; i < editor->machine->nic_count; i++) {
    const struct conf_setting *setting = card_of(editor, i);
    unsigned number = 0;
    if (setting && sscanf(setting->key, "net%u", &number) == 1)
      next = number + 1;
    VMF_TRY(change_card(editor, i, error));
  }
  for (size_t i = 0; i < editor->edits->nic_count; i++)
    if (editor->edits->nics[i].number == 0)
      VMF_TRY(add_card(editor, next++, &editor->edits->nics[i], error));
  return VMF_OK;
}
