/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit_parts.h"
#include "machine_format.h"
#include "models.h"

enum { TEXT_MOST = 4 << 20 };

/* ---- which changes ---- */

static const char *network(struct fuzz_choices *choices)
{
  static const char *const names[] = {"br0", "vmbr1", "VM Network", "nat", "default"};

  return fuzz_chance(choices, 4) ? fuzz_word(choices) : names[fuzz_below(choices, 5)];
}

/* Mostly one that the machine has, and that is not changed already; 0: a new one. */
static size_t choose_number(struct fuzz_choices *choices, const struct vmf_machine *machine,
                            const struct fuzz_edits *made, size_t count)
{
  size_t number = fuzz_below(choices, (unsigned)machine->nic_count + 1);

  if (fuzz_chance(choices, 16))
    return fuzz_below(choices, 8);
  for (size_t i = 0; i < count; i++)
    if (made->nics[i].number == number)
      return 0;
  return number;
}

static void choose_cards(struct fuzz_choices *choices, const struct vmf_machine *machine,
                         struct fuzz_edits *made)
{
  static const char *const models[] = {NULL, "e1000", "e1000e", "vmxnet3", "pcnet32", "virtio"};
  static const char *const addresses[] = {NULL, NULL, "", "00:50:56:0a:0b:0c"};

  made->edits.nics = made->nics;
  made->edits.nic_count = 1 + fuzz_below(choices, FUZZ_CARDS);
  for (size_t i = 0; i < made->edits.nic_count; i++) {
    struct vmf_nic_edit *nic = &made->nics[i];
    nic->number = choose_number(choices, machine, made, i);
    nic->remove = nic->number > 0 && fuzz_chance(choices, 4);
    if (nic->remove)
      continue;
    nic->model = models[fuzz_below(choices, 6)];
    nic->mac = addresses[fuzz_below(choices, 4)];
    nic->network = fuzz_chance(choices, 2) ? network(choices) : NULL;
  }
}

/* Mostly of a network that the machine has. */
static void choose_rule(struct fuzz_choices *choices, const struct vmf_machine *machine,
                        struct fuzz_edits *made)
{
  size_t card = machine->nic_count ? fuzz_below(choices, (unsigned)machine->nic_count) : 0;
  const char *old = machine->nic_count ? machine->nics[card].network.text : NULL;

  snprintf(made->rule, sizeof made->rule, "%s=%s", old ? old : "VM Network", network(choices));
  made->rules[0] = made->rule;
  made->edits.networks = made->rules;
}

static const char *choose_system(struct fuzz_choices *choices)
{
  struct vmf_guest_os_info info = {.size = sizeof info};

  return vmf_guest_os_describe(fuzz_below(choices, 256), &info) ? info.name : "otherGuest";
}

static unsigned parts_of(const struct vmf_machine_edits *edits)
{
  return (edits->name ? VMF_EDIT_NAME : 0U) | (edits->cpus ? VMF_EDIT_CPUS : 0U) |
         (edits->memory ? VMF_EDIT_MEMORY : 0U) | (edits->networks ? VMF_EDIT_NETWORKS : 0U) |
         (edits->nic_count ? VMF_EDIT_NICS : 0U) | (edits->os ? VMF_EDIT_OS : 0U) |
         (edits->firmware ? VMF_EDIT_FIRMWARE : 0U) |
         (edits->annotation ? VMF_EDIT_ANNOTATION : 0U) | (edits->remove_cd ? VMF_EDIT_DRIVES : 0U);
}

void fuzz_edits_choose(struct fuzz_choices *choices, const struct vmf_machine *machine,
                       struct fuzz_edits *made)
{
  *made = (struct fuzz_edits){.edits.size = sizeof made->edits};
  unsigned which = fuzz_byte(choices) | fuzz_byte(choices) << 8;

  if (fuzz_chance(choices, 2)) /* one alone is less often refused */
    which &= fuzz_byte(choices) | 0x300;
  if (which & 1)
    made->edits.name = fuzz_word(choices);
  if (which & 2)
    made->edits.cpus = 1 + fuzz_below(choices, 16);
  if (which & 4)
    made->edits.memory = (uint64_t)(1 + fuzz_below(choices, 256)) << 22;
  if (which & 8)
    made->edits.os = choose_system(choices);
  if (which & 16)
    made->edits.firmware = fuzz_chance(choices, 2) ? "efi" : "bios";
  if (which & 32)
    made->edits.annotation = fuzz_word(choices);
  if (which & 64)
    choose_cards(choices, machine, made);
  if (which & 128)
    choose_rule(choices, machine, made);
  made->edits.remove_cd = (which & 0x300) == 0x300;
  made->parts = parts_of(&made->edits);
}

/* ---- how they are made ---- */

/* The text as the library tells it. */
struct shown {
  char *text;
  size_t length;
  char refused[sizeof((struct vmf_error *)NULL)->text];
};

static void show(void *data, const struct vmf_edited_text *text)
{
  struct shown *shown = data;

  free(shown->text);
  shown->text = malloc(text->after_length + 1);
  if (!shown->text)
    fuzz_fault("no memory");
  memcpy(shown->text, text->after, text->after_length);
  shown->length = text->after_length;
}

static enum vmf_code edit(const char *path, const struct fuzz_edits *made, bool dry_run,
                          const char *output, struct shown *shown)
{
  const struct vmf_package_target files = {.size = sizeof files, .no_sync = true, .threads = 1};
  const struct vmf_edit_target target = {.size = sizeof target,
                                         .output = output,
                                         .dry_run = dry_run,
                                         .text = show,
                                         .text_data = shown,
                                         .files = &files};
  struct vmf_error error = {0};

  enum vmf_code code = vmf_machine_edit(path, &made->edits, &target, &error);
  if (code != VMF_OK && code != VMF_USAGE && code != VMF_UNSUPPORTED && code != VMF_REFUSED &&
      code != VMF_LIMIT && code != VMF_IN_USE)
    fuzz_fault("%s: %s", path, error.text);
  if (code != VMF_OK && error.text[0] == '\0')
    fuzz_fault("%s is refused without a word", path);
  snprintf(shown->refused, sizeof shown->refused, "%s", code == VMF_OK ? "" : error.text);
  return code;
}

static void expect_bytes(const char *path, const void *bytes, size_t length, const char *what)
{
  size_t is_length;
  uint8_t *is = fuzz_scratch_read(path, TEXT_MOST, &is_length);

  if (is_length != length || memcmp(is, bytes, length) != 0)
    fuzz_fault("%s: %s:\n%.*s\n----\n%.*s", path, what, (int)length, (const char *)bytes,
               (int)is_length, (const char *)is);
  free(is);
}

/* New cards, and those that have gone, are not the same a second time; nor is a machine found that
 * was called by its id alone. */
static bool can_repeat(const struct fuzz_edits *made)
{
  for (size_t i = 0; i < made->edits.nic_count; i++)
    if (made->nics[i].number == 0 || made->nics[i].remove)
      return false;
  return !made->edits.networks && !made->edits.eula_count &&
         !(made->edits.name && made->edits.system);
}

static void make_again(const char *path, const struct fuzz_edits *made)
{
  struct shown shown = {0};
  size_t length;
  uint8_t *bytes = fuzz_scratch_read(path, TEXT_MOST, &length);

  if (edit(path, made, false, NULL, &shown) != VMF_OK)
    fuzz_fault("what was changed cannot be changed so again: %s", shown.refused);
  expect_bytes(path, bytes, length, "the second time something is changed");
  free(shown.text);
  free(bytes);
}

bool fuzz_edits_make(struct fuzz_choices *choices, const char *path, const struct fuzz_edits *made)
{
  bool archive = strcmp(path + strlen(path) - 4, ".ova") == 0;
  bool elsewhere = fuzz_chance(choices, 4);
  struct shown shown = {0};
  char output[FUZZ_PATH];
  size_t length;
  uint8_t *before = fuzz_scratch_read(path, TEXT_MOST, &length);

  enum vmf_code code = edit(path, made, true, NULL, &shown);
  expect_bytes(path, before, length, "a trial changes it");
  if (code == VMF_OK && elsewhere && !archive) {
    fuzz_scratch_path("elsewhere", output);
    if (edit(path, made, false, output, &shown) == VMF_OK)
      expect_bytes(output, shown.text, shown.length, "the other file is not what was shown");
    expect_bytes(path, before, length, "another file was to be written");
  }
  struct shown real = {0};
  if (edit(path, made, false, NULL, &real) != code)
    fuzz_fault("%s: a trial ends otherwise", path);
  if (code != VMF_OK || !real.text)
    expect_bytes(path, before, length, "nothing was to be changed");
  else if (!archive)
    expect_bytes(path, real.text, real.length, "it is not what was shown");
  if (code == VMF_OK && can_repeat(made))
    make_again(path, made);
  free(before);
  free(shown.text);
  free(real.text);
  return code == VMF_OK;
}

/* ---- what they come to ---- */

/* What a change may touch besides: a vendor says some of it together. */
static const struct {
  const char *field;
  unsigned parts;
} touched[] = {
    {"name", VMF_EDIT_NAME},
    {"description", VMF_EDIT_ANNOTATION},
    {"vcpus", VMF_EDIT_CPUS},
    {"vcpus-online", VMF_EDIT_CPUS},
    {"sockets", VMF_EDIT_CPUS},
    {"dies", VMF_EDIT_CPUS},
    {"cores", VMF_EDIT_CPUS},
    {"threads", VMF_EDIT_CPUS},
    {"memory", VMF_EDIT_MEMORY},
    {"memory-least", VMF_EDIT_MEMORY},
    {"memory-most", VMF_EDIT_MEMORY},
    {"os", VMF_EDIT_OS},
    {"os-source", VMF_EDIT_OS},
    {"arch", VMF_EDIT_OS},
    {"clock", VMF_EDIT_OS}, /* Proxmox VE: that of Windows has the local time */
    {"firmware", VMF_EDIT_FIRMWARE},
    {"secure-boot", VMF_EDIT_FIRMWARE},
    {"boot", VMF_EDIT_DRIVES | VMF_EDIT_NICS},
    {"network", VMF_EDIT_NETWORKS | VMF_EDIT_NICS},
    {"attach", VMF_EDIT_NETWORKS | VMF_EDIT_NICS},
};

static void expect_fields(const struct vmf_field *fields, const void *before, const void *after,
                          unsigned parts, const char *what)
{
  for (const struct vmf_field *field = fields; field->name; field++) {
    unsigned by = 0;
    char was[300], is[300];
    for (size_t i = 0; i < sizeof touched / sizeof touched[0]; i++)
      by |= strcmp(touched[i].field, field->name) == 0 ? touched[i].parts : 0;
    if ((by & parts) || vmf_field_equal(field, before, after))
      continue;
    vmf_field_text(field, before, was, sizeof was);
    vmf_field_text(field, after, is, sizeof is);
    fuzz_fault("%s: %s was to stay (changed: %x): %s, is %s", what, field->name, parts, was, is);
  }
}

/* Whether an element of a list goes, or is changed itself. */
static bool goes(const struct vmf_field_list *list, const void *element, size_t index,
                 const struct fuzz_edits *made, bool *changed)
{
  const struct vmf_machine_disk *drive = element;

  *changed = false;
  if (strcmp(list->name, "disks") == 0)
    return made->edits.remove_cd && drive->medium.value == VMF_MEDIUM_CDROM;
  for (size_t i = 0; strcmp(list->name, "nics") == 0 && i < made->edits.nic_count; i++)
    if (made->nics[i].number == index + 1) {
      *changed = true;
      return made->nics[i].remove;
    }
  return false;
}

static void expect_list(const struct vmf_field_list *list, const struct vmf_machine *before,
                        const struct vmf_machine *after, const struct fuzz_edits *made,
                        const char *what)
{
  size_t count = vmf_field_count(list, after), at = 0;

  for (size_t i = 0; i < vmf_field_count(list, before); i++) {
    const void *element = vmf_field_element(list, before, i);
    bool changed;
    if (goes(list, element, i, made, &changed))
      continue;
    if (at >= count)
      fuzz_fault("%s: %s are fewer than before", what, list->name);
    if (!changed)
      expect_fields(list->fields, element, vmf_field_element(list, after, at), made->parts, what);
    at++;
  }
  for (size_t i = 0; strcmp(list->name, "nics") == 0 && i < made->edits.nic_count; i++)
    at += made->nics[i].number == 0;
  if (at != count)
    fuzz_fault("%s: there are %zu %s, expected %zu", what, count, list->name, at);
}

void fuzz_edits_expect(const struct vmf_machine *before, const struct vmf_machine *after,
                       const struct fuzz_edits *made, const char *what)
{
  struct vmf_error error;

  if (vmf_machine_check_edits(before, after, &made->edits, what, &error) != VMF_OK)
    fuzz_fault("%s", error.text);
  expect_fields(vmf_machine_fields, before, after, made->parts, what);
  for (const struct vmf_field_list *list = vmf_machine_lists; list->name; list++)
    if (!made->edits.remove_cd || strcmp(list->name, "controllers") != 0)
      expect_list(list, before, after, made, what);
}
