/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "machine_edits.h"

#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "memory.h"
#include "text.h"

/* ---- what a format can hold ---- */

static unsigned parts_of(const struct vmf_machine_edits *edits)
{
  return (edits->name ? VMF_EDIT_NAME : 0U) | (edits->cpus ? VMF_EDIT_CPUS : 0U) |
         (edits->memory ? VMF_EDIT_MEMORY : 0U) |
         (edits->networks && edits->networks[0] ? VMF_EDIT_NETWORKS : 0U) |
         (edits->nic_count ? VMF_EDIT_NICS : 0U) | (edits->os ? VMF_EDIT_OS : 0U) |
         (edits->firmware ? VMF_EDIT_FIRMWARE : 0U) |
         (edits->annotation ? VMF_EDIT_ANNOTATION : 0U) |
         (edits->remove_cd ? VMF_EDIT_DRIVES : 0U) |
         (edits->property_count ? VMF_EDIT_PROPERTIES : 0U) |
         (edits->eula_count ? VMF_EDIT_EULAS : 0U);
}

/* "the name, memory" */
static void list_parts(unsigned parts, char *list, size_t size)
{
  static const char *const names[] = {"the name",   "processors",     "memory",
                                      "networks",   "network cards",  "the guest operating system",
                                      "firmware",   "the annotation", "CD drives",
                                      "properties", "licences"};
  size_t used = 0;

  list[0] = '\0';
  for (size_t i = 0; i < sizeof names / sizeof names[0] && used < size; i++)
    if (parts >> i & 1)
      used += (size_t)snprintf(list + used, size - used, "%s%s", used ? ", " : "", names[i]);
}

enum vmf_code vmf_machine_edits_fit(const struct vmf_machine_edits *edits, unsigned parts,
                                    const char *name, struct vmf_error *error)
{
  char asked[200], held[200];

  if ((parts_of(edits) & ~parts) == 0)
    return VMF_OK;
  list_parts(parts_of(edits) & ~parts, asked, sizeof asked);
  list_parts(parts, held, sizeof held);
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: %s cannot be changed in a file of this format; what can be: %s", name, asked,
                  held);
}

/* ---- networks and cards ---- */

const char *vmf_machine_edited_network(const struct vmf_machine_edits *edits, const char *network)
{
  size_t length = network ? strlen(network) : 0;

  for (const char *const *rule = edits->networks; network && rule && *rule; rule++)
    if (strncmp(*rule, network, length) == 0 && strchr(*rule, '=') == *rule + length)
      return *rule + length + 1;
  return network;
}

static bool is_on(const struct vmf_machine *machine, const char *rule)
{
  size_t length = (size_t)(strchr(rule, '=') - rule);

  for (size_t i = 0; i < machine->nic_count; i++) {
    const char *network = machine->nics[i].network.text;
    if (network && strlen(network) == length && memcmp(network, rule, length) == 0)
      return true;
  }
  return false;
}

static void list_networks(const struct vmf_machine *machine, char *list, size_t size)
{
  size_t used = (size_t)snprintf(list, size, "none");

  for (size_t i = 0; i < machine->nic_count && used < size; i++) {
    const char *network = machine->nics[i].network.text;
    bool first = strcmp(list, "none") == 0;
    if (network)
      used = (first ? 0 : used) + (size_t)snprintf(list + (first ? 0 : used),
                                                   size - (first ? 0 : used), "%s%.60s",
                                                   first ? "" : ", ", network);
  }
}

enum vmf_code vmf_machine_edits_find(const struct vmf_machine *machine,
                                     const struct vmf_machine_edits *edits, const char *name,
                                     struct vmf_error *error)
{
  char names[300];

  for (const char *const *rule = edits->networks; rule && *rule; rule++) {
    if (is_on(machine, *rule))
      continue;
    list_networks(machine, names, sizeof names);
    return vmf_fail(error, VMF_USAGE, "%s: no network card is on \"%.*s\"; there are: %s", name,
                    (int)vmf_text_fit(*rule, (size_t)(strchr(*rule, '=') - *rule), 100), *rule,
                    names);
  }
  for (size_t i = 0; i < edits->nic_count; i++)
    if (edits->nics[i].number > machine->nic_count)
      return vmf_fail(error, VMF_USAGE, "%s: has no network card %zu; there are %zu", name,
                      edits->nics[i].number, machine->nic_count);
  return VMF_OK;
}

/* A card as it is to be; NULL: whatever it is. */
struct wanted_card {
  const char *model, *network, *mac;
  bool removed, is_new;
};

static bool is_same(const char *is, const char *wanted)
{
  return is && wanted ? strcmp(is, wanted) == 0 : !is == !wanted;
}

static bool fits(const struct vmf_machine_nic *nic, const struct wanted_card *wanted)
{
  const char *mac = wanted->mac && *wanted->mac ? wanted->mac : NULL;

  if (wanted->is_new)
    return (!wanted->model || is_same(nic->model.text, wanted->model)) &&
           (!wanted->network || is_same(nic->network.text, wanted->network)) &&
           (!mac || is_same(nic->mac.text, mac));
  return is_same(nic->model.text, wanted->model) && is_same(nic->network.text, wanted->network) &&
         is_same(nic->mac.text, mac);
}

static void want_cards(const struct vmf_machine *before, const struct vmf_machine_edits *edits,
                       struct wanted_card *wanted)
{
  size_t added = 0;

  for (size_t i = 0; i < before->nic_count; i++)
    wanted[i] = (struct wanted_card){
        .model = before->nics[i].model.text,
        .network = vmf_machine_edited_network(edits, before->nics[i].network.text),
        .mac = before->nics[i].mac.text};
  for (size_t i = 0; i < edits->nic_count; i++) {
    const struct vmf_nic_edit *nic = &edits->nics[i];
    struct wanted_card *card = &wanted[nic->number ? nic->number - 1 : before->nic_count + added++];
    card->is_new = nic->number == 0;
    card->removed = nic->remove;
    card->model = nic->model ? nic->model : card->model;
    card->network = nic->network ? nic->network : card->network;
    card->mac = nic->mac ? nic->mac : card->mac;
  }
}

/* Those that stay keep their order, and new ones stand behind them. */
static enum vmf_code check_cards(const struct vmf_machine *before, const struct vmf_machine *after,
                                 const struct vmf_machine_edits *edits, bool *right,
                                 struct vmf_error *error)
{
  size_t count = before->nic_count + edits->nic_count, at = 0;
  VMF_AUTO_FREE void *memory = NULL;

  VMF_TRY(vmf_alloc((count + 1) * sizeof(struct wanted_card), &memory, error));
  struct wanted_card *wanted = memory;
  for (size_t i = 0; i < edits->nic_count; i++) {
    count -= edits->nics[i].number > 0;
    *right = *right && edits->nics[i].number <= before->nic_count;
  }
  if (*right)
    want_cards(before, edits, wanted);
  for (size_t i = 0; i < count && *right; i++)
    if (!wanted[i].removed) {
      *right = at < after->nic_count && fits(&after->nics[at], &wanted[i]);
      at++;
    }
  *right = *right && at == after->nic_count;
  return VMF_OK;
}

/* ---- what has come about ---- */

/* White space at the ends does not count: readers cut it. */
static bool is_text(const char *is, const char *wanted)
{
  static const char blank[] = " \t\r\n";
  size_t length;

  is = is ? is + strspn(is, blank) : "";
  wanted += strspn(wanted, blank);
  length = strlen(wanted);
  while (length > 0 && strchr(blank, wanted[length - 1]))
    length--;
  return strncmp(is, wanted, length) == 0 && !is[length + strspn(is + length, blank)];
}

/* A vendor has names for some systems only: the family is what all of them tell. */
static bool is_system(const struct vmf_machine *machine, const char *wanted)
{
  const struct vmf_guest_os *os = vmf_machine_os(machine), *of = vmf_guest_os_find(wanted);

  return os && of && vmf_guest_os_family(os) == vmf_guest_os_family(of);
}

static bool has_cd(const struct vmf_machine *machine)
{
  for (size_t i = 0; i < machine->disk_count; i++)
    if (machine->disks[i].medium.value == VMF_MEDIUM_CDROM)
      return true;
  return false;
}

enum vmf_code vmf_machine_check_edits(const struct vmf_machine *before,
                                      const struct vmf_machine *after,
                                      const struct vmf_machine_edits *edits, const char *name,
                                      struct vmf_error *error)
{
  bool efi = edits->firmware && vmf_text_equal_nocase(edits->firmware, "efi");
  uint64_t firmware = vmf_told_or(after->firmware, VMF_FIRMWARE_BIOS);
  bool cards = true;

  VMF_TRY(check_cards(before, after, edits, &cards, error));
  const struct {
    const char *what;
    bool right;
  } fields[] = {
      {"name", !edits->name || is_text(after->name.text, edits->name)},
      {"annotation", !edits->annotation || is_text(after->description.text, edits->annotation)},
      {"processors", edits->cpus == 0 || vmf_told_or(after->vcpus, 1) == edits->cpus},
      {"memory", edits->memory == 0 || vmf_told_or(after->memory, 0) == edits->memory},
      {"firmware", !edits->firmware || firmware == (efi ? VMF_FIRMWARE_EFI : VMF_FIRMWARE_BIOS)},
      {"guest operating system", !edits->os || is_system(after, edits->os)},
      {"network cards", cards},
      {"CD drives", !edits->remove_cd || !has_cd(after)},
  };

  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
    if (!fields[i].right)
      return vmf_fail(error, VMF_UNSUPPORTED,
                      "%s: says its %s in a way that is not edited here; nothing is changed", name,
                      fields[i].what);
  return VMF_OK;
}
