/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A Proxmox configuration that is changed where it is: the machine's section, not its snapshots. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "machine_edits.h"
#include "memory.h"
#include "proxmox_edit.h"

#define EDITED                                                                                     \
  (VMF_EDIT_NAME | VMF_EDIT_CPUS | VMF_EDIT_MEMORY | VMF_EDIT_NETWORKS | VMF_EDIT_NICS |           \
   VMF_EDIT_OS | VMF_EDIT_FIRMWARE | VMF_EDIT_ANNOTATION | VMF_EDIT_DRIVES)

/* ---- lines ---- */

static bool is_blank(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Whether a line sets the key. */
static bool sets(const char *line, size_t length, const char *key)
{
  size_t wanted = strlen(key);

  return length > wanted && memcmp(line, key, wanted) == 0 && line[wanted] == ':';
}

enum vmf_code proxmox_edit_set(struct proxmox_editor *editor, const char *key, const char *value,
                               struct vmf_error *error)
{
  const struct conf_setting *setting = conf_find(&editor->text, editor->section, key);
  VMF_AUTO_FREE char *whole = NULL;
  size_t length, from = strlen(key) + 1;

  if (setting && strcmp(setting->value, value) == 0)
    return VMF_OK;
  if (!setting) {
    VMF_TRY(vmf_format(&whole, error, "%s: %s", key, value));
    return vmf_line_splice_insert(&editor->splice, editor->end, whole, error);
  }
  const char *line = vmf_line_splice_line(&editor->splice, setting->line, &length);
  while (length > from && is_blank(line[length - 1]))
    length--;
  while (from < length && is_blank(line[from]))
    from++;
  VMF_TRY(vmf_format(&whole, error, "%s%s", is_blank(line[from - 1]) ? "" : " ", value));
  return vmf_line_splice_replace(&editor->splice, setting->line, from, length, whole, error);
}

/* Drops the lines of the machine's section that `is` says. */
static enum vmf_code drop_lines(struct proxmox_editor *editor, const char *key,
                                bool (*is)(const char *line, size_t length, const char *key),
                                struct vmf_error *error)
{
  const char *at = editor->splice.bytes, *stop = at + editor->splice.length;

  for (unsigned number = 1; at < stop && *at != '['; number++) {
    const char *newline = memchr(at, '\n', (size_t)(stop - at));
    size_t length = newline ? (size_t)(newline + 1 - at) : (size_t)(stop - at);
    if (is(at, length, key))
      VMF_TRY(vmf_line_splice_drop(&editor->splice, number, error));
    at += length;
  }
  return VMF_OK;
}

enum vmf_code proxmox_edit_drop(struct proxmox_editor *editor, const char *key,
                                struct vmf_error *error)
{
  return drop_lines(editor, key, sets, error);
}

/* "order=scsi0;net0" without one of them. */
enum vmf_code proxmox_edit_drop_device(struct proxmox_editor *editor, const char *key,
                                       struct vmf_error *error)
{
  const struct conf_setting *boot = conf_find(&editor->text, editor->section, "boot");
  size_t length = strlen(key);

  if (!editor->boot && boot)
    VMF_TRY(vmf_copy_text(boot->value, &editor->boot, error));
  for (char *at = editor->boot; at && (at = strstr(at, key)) != NULL; at += length) {
    bool first = at > editor->boot && at[-1] == '=';
    if ((!first && (at == editor->boot || at[-1] != ';')) || (at[length] && at[length] != ';'))
      continue;
    char *rest = at + length + (first && at[length] == ';');
    at = first ? at : at - 1;
    memmove(at, rest, strlen(rest) + 1);
    break;
  }
  return proxmox_edit_drop(editor, key, error);
}

/* The line behind the last setting of the machine, before which new ones come. */
static unsigned find_end(const struct vmf_line_splice *splice)
{
  const char *at = splice->bytes, *stop = at + splice->length;
  unsigned number = 1, end = 1;

  for (; at < stop && *at != '['; number++) {
    const char *newline = memchr(at, '\n', (size_t)(stop - at));
    size_t length = newline ? (size_t)(newline + 1 - at) : (size_t)(stop - at);
    for (size_t i = 0; i < length; i++)
      if (!is_blank(at[i]))
        end = number + 1;
    at += length;
  }
  return at == stop && end == number ? UINT_MAX : end;
}

static enum vmf_code set_number(struct proxmox_editor *editor, const char *key, uint64_t number,
                                struct vmf_error *error)
{
  char text[24];

  snprintf(text, sizeof text, "%" PRIu64, number);
  return proxmox_edit_set(editor, key, text, error);
}

static void tell(const struct proxmox_editor *editor, const char *rule, const char *key,
                 const char *why)
{
  const struct conf_setting *setting = conf_find(&editor->text, editor->section, key);

  vmf_report_add(editor->report, VMF_SEVERITY_WARNING, rule, editor->text.name,
                 setting ? setting->line : 0, "%s", why);
}

/* ---- name and notes ---- */

static enum vmf_code edit_name(struct proxmox_editor *editor, struct vmf_error *error)
{
  static const char *const never[] = {"..", ".-", "-."};
  const char *name = editor->edits->name;
  size_t length = name ? strlen(name) : 0;

  if (!name)
    return VMF_OK;
  bool good =
      proxmox_is_word(name, ".-", 63) && !strchr(".-", name[0]) && !strchr(".-", name[length - 1]);
  for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
    good = good && !strstr(name, never[i]);
  if (!good)
    return vmf_fail(error, VMF_USAGE,
                    "the name \"%.80s\": Proxmox VE takes names of the DNS: at most 63 letters, "
                    "digits, \"-\" and \".\", neither first nor last, and no \"-\" at a \".\"",
                    name);
  return proxmox_edit_set(editor, "name", name, error);
}

/* Of a description; what backups write after '#' is none. */
static bool is_note(const char *line, size_t length, const char *key)
{
  return sets(line, length, key) ||
         (line[0] == '#' &&
          !(length > 8 && (memcmp(line, "#qmdump#", 8) == 0 || memcmp(line, "#vzdump#", 8) == 0)));
}

static enum vmf_code edit_notes(struct proxmox_editor *editor, struct vmf_error *error)
{
  const char *note = editor->edits->annotation;
  const char *is = editor->section->description;
  VMF_AUTO_FREE char *lines = NULL;

  if (!note || strcmp(is ? is : "", note) == 0)
    return VMF_OK;
  if (*note) {
    VMF_TRY(proxmox_append_note(&lines, note, error));
    lines[strlen(lines) - 1] = '\0';
    VMF_TRY(vmf_line_splice_insert(&editor->splice, 1, lines, error));
  }
  return drop_lines(editor, "description", is_note, error);
}

/* ---- processors and memory ---- */

static enum vmf_code edit_cpus(struct proxmox_editor *editor, struct vmf_error *error)
{
  const struct vmf_machine *machine = editor->machine;
  unsigned cpus = editor->edits->cpus;
  uint64_t sockets = vmf_told_or(machine->sockets, 1);

  if (cpus == 0 || machine->vcpus.value == cpus)
    return VMF_OK;
  if (cpus % sockets != 0) {
    tell(editor, "edit-cores", "sockets",
         "the processors are not whole sockets: they are cores of one now");
    sockets = 1;
  }
  if (vmf_told_or(machine->sockets, 1) != sockets)
    VMF_TRY(set_number(editor, "sockets", sockets, error));
  VMF_TRY(set_number(editor, "cores", cpus / sockets, error));
  if (!machine->vcpus_online.told || machine->vcpus_online.value <= cpus)
    return VMF_OK;
  tell(editor, "edit-cores", "vcpus",
       "more processors were to be there at first than there are now: all are");
  return proxmox_edit_drop(editor, "vcpus", error);
}

/* The least that a balloon leaves is not above the whole. */
static enum vmf_code edit_memory(struct proxmox_editor *editor, struct vmf_error *error)
{
  const struct conf_setting *setting = conf_find(&editor->text, editor->section, "memory");
  uint64_t memory = editor->edits->memory, least = vmf_told_or(editor->machine->memory_least, 0);
  VMF_AUTO_FREE char *value = NULL;

  if (memory == 0 || editor->machine->memory.value == memory)
    return VMF_OK;
  VMF_TRY(vmf_format(&value, error, "%s%" PRIu64,
                     setting && strncmp(setting->value, "current=", 8) == 0 ? "current=" : "",
                     memory >> 20));
  VMF_TRY(proxmox_edit_set(editor, "memory", value, error));
  const struct conf_setting *balloon = conf_find(&editor->text, editor->section, "balloon");
  if (!balloon || strcmp(balloon->value, "0") == 0 || least <= memory)
    return VMF_OK;
  tell(editor, "edit-balloon", "balloon",
       "the least that the balloon leaves was more than the memory is now: it is all of it");
  return set_number(editor, "balloon", memory >> 20, error);
}

/* ---- guest system, firmware, drives ---- */

static enum vmf_code edit_os(struct proxmox_editor *editor, struct vmf_error *error)
{
  const struct vmf_guest_os *os = editor->edits->os ? vmf_guest_os_find(editor->edits->os) : NULL;
  const char *type = os ? vmf_guest_os_proxmox(os) : NULL;
  const struct vmf_guest_os *read = type ? vmf_guest_os_by_proxmox(type) : NULL;

  if (!os)
    return VMF_OK;
  if (!read || vmf_guest_os_family(read) != vmf_guest_os_family(os))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: Proxmox VE has no name for the guest system \"%s\"", editor->text.name,
                    os->name);
  return proxmox_edit_set(editor, "ostype", type, error);
}

static enum vmf_code edit_firmware(struct proxmox_editor *editor, struct vmf_error *error)
{
  const char *firmware = editor->edits->firmware;
  bool efi = firmware && strcmp(firmware, "efi") == 0;

  if (!firmware || editor->machine->firmware.value == (efi ? VMF_FIRMWARE_EFI : VMF_FIRMWARE_BIOS))
    return VMF_OK;
  if (efi && !conf_find(&editor->text, editor->section, "efidisk0"))
    tell(editor, "edit-efidisk", "bios",
         "there is no disk for the variables of the firmware, which forgets its settings without: "
         "qm set ID --efidisk0 STORAGE:1,efitype=4m makes one");
  return proxmox_edit_set(editor, "bios", efi ? "ovmf" : "seabios", error);
}

/* Those of which the reader says that they are CD drives. */
static enum vmf_code remove_drives(struct proxmox_editor *editor, struct vmf_error *error)
{
  size_t index = 0;

  for (const struct proxmox_bus *bus = proxmox_buses; editor->edits->remove_cd && bus->name; bus++)
    for (unsigned number = 0; number < bus->drives; number++) {
      char key[PROXMOX_KEY];
      snprintf(key, sizeof key, "%s%u", bus->name, number);
      if (!conf_find(&editor->text, editor->section, key))
        continue;
      if (index < editor->machine->disk_count &&
          editor->machine->disks[index++].medium.value == VMF_MEDIUM_CDROM)
        VMF_TRY(proxmox_edit_drop_device(editor, key, error));
    }
  return VMF_OK;
}

/* ---- all of it ---- */

static enum vmf_code check_lock(const struct proxmox_editor *editor, struct vmf_error *error)
{
  const struct conf_setting *lock = conf_find(&editor->text, editor->section, "lock");

  if (!lock)
    return VMF_OK;
  return vmf_fail(
      error, VMF_IN_USE,
      "%s:%u: Proxmox VE has locked the machine (%.40s); wait for its end, or unlock it "
      "there (qm unlock ID)",
      editor->text.name, lock->line, lock->value);
}

static enum vmf_code edit_all(struct proxmox_editor *editor, struct vmf_error *error)
{
  VMF_TRY(check_lock(editor, error));
  VMF_TRY(edit_notes(editor, error));
  VMF_TRY(edit_name(editor, error));
  VMF_TRY(edit_cpus(editor, error));
  VMF_TRY(edit_memory(editor, error));
  VMF_TRY(edit_os(editor, error));
  VMF_TRY(edit_firmware(editor, error));
  VMF_TRY(proxmox_edit_cards(editor, error));
  VMF_TRY(remove_drives(editor, error));
  return editor->boot ? proxmox_edit_set(editor, "boot", editor->boot, error) : VMF_OK;
}

enum vmf_code proxmox_edit(const struct vmf_machine_source *source,
                           const struct vmf_machine *machine, const struct vmf_machine_edits *edits,
                           struct vmf_report *report, char **text, size_t *length,
                           struct vmf_error *error)
{
  struct proxmox_editor editor = {.machine = machine, .edits = edits, .report = report};

  VMF_TRY(vmf_machine_edits_fit(edits, EDITED, source->name, error));
  VMF_TRY(vmf_machine_edits_find(machine, edits, source->name, error));
  vmf_line_splice_begin(&editor.splice, source->bytes, source->length);
  editor.end = find_end(&editor.splice);
  enum vmf_code code =
      conf_parse(source->name, source->bytes, source->length, NULL, &editor.text, error);
  if (code == VMF_OK) {
    editor.section = &editor.text.sections[0];
    code = edit_all(&editor, error);
  }
  if (code == VMF_OK)
    code = vmf_line_splice_apply(&editor.splice, text, length, error);
  vmf_line_splice_clear(&editor.splice);
  conf_clear(&editor.text);
  vmf_free(editor.boot);
  return code;
}
