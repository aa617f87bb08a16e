/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Networks, the cards that are on them, and the properties that name them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "editor.h"
#include "machine_edits.h"
#include "machine_plan.h"
#include "memory.h"

static const xmlNode *node_of(const struct vmf_ovf_editor *editor, size_t element)
{
  return editor->ovf->xml->elements[element];
}

static bool has_network(const struct vmf_ovf *ovf, const char *name)
{
  for (size_t i = 0; i < ovf->network_count; i++)
    if (ovf->networks[i].name && strcmp(ovf->networks[i].name, name) == 0)
      return true;
  return false;
}

/* ---- --network OLD=NEW ---- */

static enum vmf_code no_network(struct vmf_ovf_editor *editor, const char *name)
{
  const struct vmf_ovf *ovf = editor->ovf;
  char names[300] = "";
  size_t used = 0;

  for (size_t i = 0; i < ovf->network_count && used < sizeof names; i++)
    used += (size_t)snprintf(names + used, sizeof names - used, "%s%.60s", i ? ", " : "",
                             ovf->networks[i].name ? ovf->networks[i].name : "");
  return vmf_fail(editor->error, VMF_USAGE, "%s: has no network \"%s\"; there are: %s", ovf->name,
                  name, names[0] ? names : "none");
}

/* Whether a network that keeps its name, or one that an earlier rule renames, is called so. */
static bool is_taken(const struct vmf_ovf_editor *editor, const char *const *rule, const char *name)
{
  const struct vmf_ovf *ovf = editor->ovf;

  for (const char *const *earlier = editor->edits->networks; earlier < rule; earlier++)
    if (strcmp(strchr(*earlier, '=') + 1, name) == 0)
      return true;
  for (size_t i = 0; i < ovf->network_count; i++)
    if (ovf->networks[i].name && strcmp(ovf->networks[i].name, name) == 0 &&
        strcmp(vmf_machine_edited_network(editor->edits, name), name) == 0)
      return true;
  return false;
}

/* Of several networks that come to have one name the first stays, with the cards of all. */
static enum vmf_code rename_network(struct vmf_ovf_editor *editor, const char *const *rule,
                                    const char *from)
{
  const struct vmf_ovf *ovf = editor->ovf;
  const char *to = vmf_machine_edited_network(editor->edits, from);
  bool taken = is_taken(editor, rule, to);

  for (size_t i = 0; i < ovf->network_count; i++) {
    const xmlNode *network = node_of(editor, ovf->networks[i].element);
    if (!ovf->networks[i].name || strcmp(ovf->networks[i].name, from) != 0)
      continue;
    VMF_TRY(taken ? vmf_editor_remove(editor, network)
                  : vmf_editor_attribute(editor, network, "name", to));
    taken = true;
  }
  return VMF_OK;
}

static enum vmf_code move_cards(struct vmf_ovf_editor *editor)
{
  const struct vmf_ovf *ovf = editor->ovf;

  for (size_t s = 0; s < ovf->system_count; s++)
    for (size_t i = 0; i < ovf->systems[s].item_count; i++) {
      const struct vmf_ovf_item *item = &ovf->systems[s].items[i];
      const char *to = vmf_machine_edited_network(editor->edits, item->connection);
      if (to != item->connection)
        VMF_TRY(vmf_editor_field(editor, node_of(editor, item->element), "Connection", to));
    }
  return VMF_OK;
}

/* ---- networks that properties name ---- */

/* The longest name that a network gets. */
static size_t longest_name(const struct vmf_machine_edits *edits)
{
  size_t most = 0;

  for (const char *const *rule = edits->networks; *rule; rule++)
    most = vmf_max(most, strlen(strchr(*rule, '=') + 1));
  return most;
}

static size_t count_of(const char *text, const char *part)
{
  size_t count = 0;

  for (; (text = strstr(text, part)); text += strlen(part))
    count++;
  return count;
}

/* The names between `open` and `close`, with `word` behind a word and a colon. */
static enum vmf_code rename_between(struct vmf_ovf_editor *editor, char **text, const char *open,
                                    const char *close, bool word)
{
  size_t count = count_of(*text, open), room = strlen(*text) + 1;
  const char *done = *text, *at = done;
  void *memory;

  if (count == 0)
    return VMF_OK;
  VMF_TRY(vmf_alloc(room + count * longest_name(editor->edits), &memory, editor->error));
  char *out = memory;
  while ((at = strstr(at, open))) {
    const char *name = at + strlen(open), *end = strstr(name, close);
    VMF_AUTO_FREE char *old = NULL;
    if (!end)
      break;
    if (word)
      name += strcspn(name, ":}") + 1;
    at = end;
    if (name > end)
      continue;
    enum vmf_code code = vmf_copy_bytes(name, (size_t)(end - name), &old, editor->error);
    if (code != VMF_OK) {
      vmf_free(memory);
      return code;
    }
    out = mempcpy(out, done, (size_t)(name - done));
    out = stpcpy(out, vmf_machine_edited_network(editor->edits, old));
    done = end;
  }
  strcpy(out, done);
  vmf_free(*text);
  *text = memory;
  return VMF_OK;
}

/* Among qualifiers Ip("net") and Netmask('net'), in a value ${autoIp:net}, as VMware has them. */
static enum vmf_code rename_in_text(struct vmf_ovf_editor *editor, const xmlNode *element,
                                    const char *uri, const char *name)
{
  bool qualifiers = strcmp(name, "qualifiers") == 0;
  VMF_AUTO_FREE char *before = NULL, *text = NULL;

  VMF_TRY(vmf_xml_attribute(element, uri, name, &before, editor->error));
  if (!before)
    return VMF_OK;
  VMF_TRY(vmf_copy_text(before, &text, editor->error));
  if (qualifiers) {
    VMF_TRY(rename_between(editor, &text, "(\"", "\")", false));
    VMF_TRY(rename_between(editor, &text, "('", "')", false));
  } else {
    VMF_TRY(rename_between(editor, &text, "${", "}", true));
  }
  if (strcmp(text, before) == 0)
    return VMF_OK;
  return vmf_xml_edit_attribute(editor->edit, vmf_xml_index(element), uri, name, text,
                                editor->error);
}

/* ovf:type="ip:net" */
static enum vmf_code rename_in_type(struct vmf_ovf_editor *editor, const xmlNode *element,
                                    const char *type)
{
  const char *old = type && strncmp(type, "ip:", 3) == 0 ? type + 3 : NULL;
  const char *to = vmf_machine_edited_network(editor->edits, old);
  VMF_AUTO_FREE char *text = NULL;

  if (to == old)
    return VMF_OK;
  VMF_TRY(vmf_format(&text, editor->error, "ip:%s", to));
  return vmf_editor_attribute(editor, element, "type", text);
}

static enum vmf_code rename_in_property(struct vmf_ovf_editor *editor,
                                        const struct vmf_ovf_property *property)
{
  const char *uri = editor->ovf->uri;
  const xmlNode *element = node_of(editor, property->element);

  VMF_TRY(rename_in_type(editor, element, property->type));
  VMF_TRY(rename_in_text(editor, element, uri, "qualifiers"));
  VMF_TRY(rename_in_text(editor, element, VMF_NS_VMW, "qualifiers"));
  VMF_TRY(rename_in_text(editor, element, uri, "value"));
  for (const xmlNode *node = vmf_reader_first(element); node; node = vmf_reader_next(node))
    if (vmf_reader_is(node, "Value"))
      VMF_TRY(rename_in_text(editor, node, uri, "value"));
  return VMF_OK;
}

static enum vmf_code rename_in_properties(struct vmf_ovf_editor *editor)
{
  const struct vmf_ovf *ovf = editor->ovf;

  for (size_t s = 0; s < ovf->system_count; s++)
    for (size_t i = 0; i < ovf->systems[s].product_count; i++) {
      const struct vmf_ovf_product *product = &ovf->systems[s].products[i];
      for (size_t k = 0; k < product->property_count; k++)
        VMF_TRY(rename_in_property(editor, &product->properties[k]));
    }
  return VMF_OK;
}

enum vmf_code vmf_editor_networks(struct vmf_ovf_editor *editor)
{
  for (const char *const *rule = editor->edits->networks; rule && *rule; rule++) {
    const char *equals = strchr(*rule, '=');
    VMF_AUTO_FREE char *from = NULL;

    VMF_TRY(vmf_copy_bytes(*rule, (size_t)(equals - *rule), &from, editor->error));
    if (!has_network(editor->ovf, from))
      return no_network(editor, from);
    if (strcmp(from, equals + 1) != 0)
      VMF_TRY(rename_network(editor, rule, from));
  }
  if (!editor->edits->networks)
    return VMF_OK;
  VMF_TRY(move_cards(editor));
  return rename_in_properties(editor);
}

/* ---- --nic ---- */

/* The index of the card of that number from 1 on among the items; SIZE_MAX: there is none. */
static size_t card_of(const struct vmf_ovf_editor *editor, size_t number)
{
  const struct vmf_ovf_system *system = editor->system;

  for (size_t i = 0; i < system->item_count; i++)
    if (system->items[i].type == VMF_RESOURCE_NIC &&
        vmf_ovf_is_usual(editor->ovf, &system->items[i]) && --number == 0)
      return i;
  return SIZE_MAX;
}

/* Whether the network is there after all other changes. */
static bool will_be(const struct vmf_ovf_editor *editor, const struct vmf_nic_edit *nic)
{
  const struct vmf_ovf *ovf = editor->ovf;

  for (size_t i = 0; i < ovf->network_count; i++) {
    const char *name = vmf_machine_edited_network(editor->edits, ovf->networks[i].name);
    if (name && strcmp(name, nic->network) == 0)
      return true;
  }
  for (const struct vmf_nic_edit *other = editor->edits->nics; other < nic; other++)
    if (other->network && strcmp(other->network, nic->network) == 0)
      return true;
  return false;
}

/* The network is in the NetworkSection, where it is not there yet. */
static enum vmf_code need_network(struct vmf_ovf_editor *editor, const struct vmf_nic_edit *nic)
{
  const char *name = nic->network;
  const struct vmf_ovf *ovf = editor->ovf;
  VMF_AUTO_FREE char *element = NULL;
  char attribute[80];
  bool declare;

  if (will_be(editor, nic))
    return VMF_OK;
  if (ovf->network_count == 0)
    return vmf_fail(editor->error, VMF_UNSUPPORTED,
                    "%s: has no NetworkSection that the network \"%s\" could be added to",
                    ovf->name, name);
  const xmlNode *last = node_of(editor, ovf->networks[ovf->network_count - 1].element);
  struct vmf_markup markup = vmf_editor_markup(editor, last);
  VMF_TRY(vmf_editor_name(editor, last, "Network", &element));
  snprintf(attribute, sizeof attribute, "%.60s:name",
           vmf_editor_prefix(last, ovf->uri, "ovf", &declare));
  vmf_markup_start(&markup, element);
  if (declare)
    vmf_markup_attribute(&markup, "xmlns:ovf", "%s", ovf->uri);
  vmf_markup_attribute(&markup, attribute, "%s", name);
  vmf_markup_end(&markup);
  return vmf_editor_behind(editor, last, &markup);
}

/* "E1000 ethernet adapter on ..." tells the model, too. */
static enum vmf_code change_model(struct vmf_ovf_editor *editor, const xmlNode *node,
                                  const struct vmf_ovf_item *item, const char *model)
{
  const char *subtype = vmf_ovf_nic_subtype(model), *told = item->description;
  size_t length = item->subtype ? strlen(item->subtype) : 0;
  VMF_AUTO_FREE char *text = NULL;

  VMF_TRY(vmf_editor_field(editor, node, "ResourceSubType", subtype));
  if (length == 0 || !told || strncmp(told, item->subtype, length) != 0 || told[length] != ' ')
    return VMF_OK;
  VMF_TRY(vmf_format(&text, editor->error, "%s%s", subtype, told + length));
  return vmf_editor_field(editor, node, "Description", text);
}

static enum vmf_code change_card(struct vmf_ovf_editor *editor, const struct vmf_ovf_item *of,
                                 const struct vmf_nic_edit *nic)
{
  const xmlNode *item = node_of(editor, of->element);

  if (nic->model)
    VMF_TRY(change_model(editor, item, of, nic->model));
  if (nic->network) {
    VMF_TRY(need_network(editor, nic));
    VMF_TRY(vmf_editor_field(editor, item, "Connection", nic->network));
  }
  if (nic->mac)
    VMF_TRY(vmf_editor_field(editor, item, "Address", *nic->mac ? nic->mac : NULL));
  return VMF_OK;
}

/* Above all that the items of the system have. */
static uint64_t free_instance(const struct vmf_ovf_editor *editor)
{
  const struct vmf_ovf_system *system = editor->system;
  uint64_t number, most = 0;

  for (size_t i = 0; i < system->item_count; i++)
    if (system->items[i].instance && vmf_reader_number(system->items[i].instance, &number) &&
        number > most && number < INT32_MAX)
      most = number;
  return most + 1;
}

/* As the alphabet has its fields; `like` has the prefix of all of them. */
static enum vmf_code write_card(struct vmf_ovf_editor *editor, const xmlNode *like,
                                const char *element, const struct vmf_nic_edit *nic, size_t count,
                                size_t added, struct vmf_markup *markup)
{
  const char *network =
      nic->network ? nic->network
                   : vmf_machine_edited_network(editor->edits, editor->ovf->networks[0].name);
  const char *model = vmf_ovf_nic_subtype(nic->model ? nic->model : "e1000");
  char title[40], id[24];
  const struct {
    const char *name, *text;
  } fields[] = {
      {"Address", nic->mac && *nic->mac ? nic->mac : NULL},
      {"AutomaticAllocation", "true"},
      {"Connection", network},
      {"ElementName", title},
      {"InstanceID", id},
      {"ResourceSubType", model},
      {"ResourceType", "10"},
  };

  snprintf(title, sizeof title, "Network adapter %zu", count + added);
  snprintf(id, sizeof id, "%" PRIu64, free_instance(editor) + added - 1);
  vmf_markup_open(markup, element);
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    VMF_AUTO_FREE char *name = NULL;
    if (!fields[i].text)
      continue;
    VMF_TRY(vmf_editor_name(editor, like, fields[i].name, &name));
    vmf_markup_leaf(markup, name, "%s", fields[i].text);
  }
  vmf_markup_leave(markup, element);
  return VMF_OK;
}

/* Behind the other cards, in their form. */
static enum vmf_code add_card(struct vmf_ovf_editor *editor, const struct vmf_nic_edit *nic,
                              size_t count, size_t added)
{
  const struct vmf_ovf_system *system = editor->system;
  VMF_AUTO_FREE char *element = NULL;
  size_t last = SIZE_MAX;

  for (size_t i = 0; i < system->item_count; i++)
    if (system->items[i].type == VMF_RESOURCE_NIC)
      last = i;
  if (last == SIZE_MAX && editor->ovf->version != VMF_OVF_2 && system->item_count > 0)
    last = system->item_count - 1;
  if (last == SIZE_MAX || (!nic->network && editor->ovf->network_count == 0))
    return vmf_fail(editor->error, VMF_UNSUPPORTED,
                    "%s:%u: a network card cannot be added where there are neither cards nor "
                    "networks",
                    editor->ovf->name, system->line);
  const xmlNode *behind = node_of(editor, system->items[last].element);
  const xmlNode *field = vmf_reader_first(behind);
  if (!field)
    return vmf_fail(editor->error, VMF_UNSUPPORTED, "%s:%u: an empty item cannot be edited",
                    editor->ovf->name, vmf_xml_line(behind));
  if (nic->network)
    VMF_TRY(need_network(editor, nic));
  struct vmf_markup markup = vmf_editor_markup(editor, behind);
  VMF_TRY(vmf_editor_name(editor, behind, (const char *)behind->name, &element));
  enum vmf_code code = write_card(editor, field, element, nic, count, added, &markup);
  if (code == VMF_OK)
    return vmf_editor_behind(editor, behind, &markup);
  vmf_markup_clear(&markup);
  return code;
}

static size_t card_count(const struct vmf_ovf_editor *editor)
{
  const struct vmf_ovf_system *system = editor->system;
  size_t count = 0;

  for (size_t i = 0; i < system->item_count; i++)
    count += system->items[i].type == VMF_RESOURCE_NIC &&
             vmf_ovf_is_usual(editor->ovf, &system->items[i]);
  return count;
}

enum vmf_code vmf_editor_nics(struct vmf_ovf_editor *editor)
{
  size_t count = card_count(editor), added = 0;

  for (size_t i = 0; i < editor->edits->nic_count; i++) {
    const struct vmf_nic_edit *nic = &editor->edits->nics[i];
    if (nic->number > count)
      return vmf_fail(editor->error, VMF_USAGE, "%s: has no network card %zu; there are %zu",
                      editor->ovf->name, nic->number, count);
    if (nic->number == 0) {
      VMF_TRY(add_card(editor, nic, count, ++added));
      continue;
    }
    const struct vmf_ovf_item *item = &editor->system->items[card_of(editor, nic->number)];
    VMF_TRY(nic->remove ? vmf_editor_remove(editor, node_of(editor, item->element))
                        : change_card(editor, item, nic));
  }
  return VMF_OK;
}
