/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A configuration into the neutral machine: what refers to others, and what is left. */
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "proxmox.h"

/* ---- what the parts share ---- */

struct conf_setting *proxmox_take(struct proxmox_reader *reader, const char *key)
{
  struct conf_setting *setting = conf_find(&reader->text, reader->section, key);

  if (setting)
    setting->taken = true;
  return setting;
}

enum vmf_code proxmox_refuse(const struct proxmox_reader *reader,
                             const struct conf_setting *setting, const char *accepted,
                             struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "%s:%u: %s is \"%.80s\"; accepted: %s", reader->text.name,
                  setting->line, setting->key, setting->value, accepted);
}

enum vmf_code proxmox_split(const struct proxmox_reader *reader, const struct conf_setting *setting,
                            const char *first, struct conf_properties *properties,
                            struct vmf_error *error)
{
  enum vmf_code code = conf_split(setting->value, first, properties, error);

  if (code == VMF_OK)
    return VMF_OK;
  return vmf_while(error, "%s:%u: %s", reader->text.name, setting->line, setting->key);
}

void proxmox_take_flag(struct proxmox_reader *reader, const struct conf_setting *setting,
                       struct conf_properties *properties, const char *name,
                       struct vmf_told_number *told)
{
  for (size_t i = 0; i < properties->count; i++) {
    struct conf_property *property = &properties->list[i];
    bool flag;
    if (strcmp(property->name, name) != 0)
      continue;
    property->taken = conf_flag(property->value, &flag);
    if (property->taken)
      *told = vmf_told(flag, setting->line);
    else
      proxmox_odd(reader, setting, "proxmox-value", "%s: %s=%.40s is neither 0 nor 1", setting->key,
                  name, property->value);
  }
}

enum vmf_code proxmox_leave(struct proxmox_reader *reader, const struct conf_setting *setting,
                            const struct conf_properties *properties, struct vmf_error *error)
{
  for (size_t i = 0; i < properties->count; i++) {
    const struct conf_property *property = &properties->list[i];
    VMF_AUTO_FREE char *key = NULL;
    if (property->taken)
      continue;
    VMF_TRY(vmf_format(&key, error, "%s.%s", setting->key, property->name));
    VMF_TRY(vmf_machine_add_extra(reader->machine, PROXMOX_NAME, key, property->value,
                                  setting->line, proxmox_property_known(property->name), error));
  }
  return VMF_OK;
}

/* ---- the order of starting ---- */

static const struct proxmox_device *find_device(const struct proxmox_reader *reader,
                                                const char *key, size_t length)
{
  for (size_t i = 0; i < reader->device_count; i++)
    if (strlen(reader->devices[i].key) == length &&
        strncmp(reader->devices[i].key, key, length) == 0)
      return &reader->devices[i];
  return NULL;
}

static void set_boot(struct proxmox_reader *reader, const struct proxmox_device *device,
                     uint64_t place, unsigned line)
{
  if (device->nic)
    reader->machine->nics[device->index].boot = vmf_told(place, line);
  else
    reader->machine->disks[device->index].boot = vmf_told(place, line);
}

/* "scsi0;ide2;net0" */
static void read_order(struct proxmox_reader *reader, const struct conf_setting *setting,
                       const char *order)
{
  uint64_t place = 0;

  for (size_t length; *order; order += length) {
    order += strspn(order, "; ");
    length = strcspn(order, "; ");
    const struct proxmox_device *device = find_device(reader, order, length);
    if (device)
      set_boot(reader, device, ++place, setting->line);
    else if (length > 0)
      proxmox_odd(reader, setting, "proxmox-boot",
                  "boot: %.*s is no drive or card of the machine: it is left out", (int)length,
                  order);
  }
}

/* "cdn", of versions before 6.2. */
static enum vmf_code read_classes(struct proxmox_reader *reader, const struct conf_setting *setting,
                                  const char *letters, struct vmf_error *error)
{
  char classes[64] = "";

  for (const char *letter = letters; *letter; letter++) {
    const char *word = *letter == 'c'   ? "disk"
                       : *letter == 'd' ? "cdrom"
                       : *letter == 'n' ? "network"
                       : *letter == 'a' ? "floppy"
                                        : NULL;
    size_t used = strlen(classes);
    if (!word)
      return proxmox_refuse(reader, setting, "order=DEVICE;..., or letters of \"acdn\"", error);
    if (!strstr(classes, word))
      snprintf(classes + used, sizeof classes - used, "%s%s", used > 0 ? "," : "", word);
  }
  return vmf_machine_text(reader->machine, classes[0] ? classes : NULL, setting->line,
                          &reader->machine->boot, error);
}

enum vmf_code proxmox_read_boot(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct conf_setting *boot = proxmox_take(reader, "boot");
  struct conf_setting *first = proxmox_take(reader, "bootdisk");
  struct conf_properties properties = {0};
  const char *order = NULL, *letters = NULL;
  enum vmf_code code = VMF_OK;

  if (boot)
    code = proxmox_split(reader, boot, "legacy", &properties, error);
  if (boot && code == VMF_OK) {
    order = conf_take(&properties, "order");
    letters = conf_take(&properties, "legacy");
  }
  if (order)
    read_order(reader, boot, order);
  else if (letters)
    code = read_classes(reader, boot, letters, error);
  if (first && !order)
    read_order(reader, first, first->value);
  if (boot && code == VMF_OK)
    code = proxmox_leave(reader, boot, &properties, error);
  conf_properties_clear(&properties);
  return code;
}

/* ---- snapshots ---- */

static const char *value_of(const struct proxmox_reader *reader, const struct conf_section *section,
                            const char *key, unsigned *line)
{
  const struct conf_setting *setting = conf_find(&reader->text, section, key);

  *line = setting ? setting->line : 0;
  return setting ? setting->value : NULL;
}

/* What each drive of the machine was then: the volume has the same name, and is another state of
 * it. */
static enum vmf_code read_images(struct proxmox_reader *reader, const struct conf_section *section,
                                 struct vmf_machine_snapshot *snapshot, struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  struct vmf_told_text copy;
  void *images;

  VMF_TRY(vmf_alloc((machine->disk_count + 1) * sizeof *snapshot->images, &images, error));
  snapshot->images = images;
  snapshot->image_count = machine->disk_count;
  for (size_t i = 0; i < reader->device_count; i++) {
    const struct proxmox_device *device = &reader->devices[i];
    unsigned line;
    const char *value = device->nic ? NULL : value_of(reader, section, device->key, &line);
    if (!value)
      continue;
    VMF_TRY(vmf_machine_format_text(machine, line, &copy, error, "%.*s", (int)strcspn(value, ","),
                                    value));
    snapshot->images[device->index] = copy.text;
  }
  return VMF_OK;
}

static enum vmf_code read_snapshot(struct proxmox_reader *reader,
                                   const struct conf_section *section, const char *current,
                                   struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  struct vmf_machine_snapshot *snapshot;
  unsigned line;
  uint64_t time;

  VMF_TRY(vmf_machine_add_snapshot(machine, &snapshot, error));
  VMF_TRY(vmf_machine_text(machine, section->name, section->line, &snapshot->id, error));
  VMF_TRY(vmf_machine_text(machine, section->name, section->line, &snapshot->name, error));
  VMF_TRY(vmf_machine_text(machine, section->description, section->description_line,
                           &snapshot->description, error));
  const char *parent = value_of(reader, section, "parent", &line);
  VMF_TRY(vmf_machine_text(machine, parent, line, &snapshot->parent, error));
  const char *when = value_of(reader, section, "snaptime", &line);
  if (when && conf_number(when, INT64_MAX, &time))
    snapshot->time = vmf_told(time, line);
  snapshot->has_memory = vmf_told(value_of(reader, section, "vmstate", &line) != NULL, line);
  snapshot->current = vmf_told(current && strcmp(current, section->name) == 0, section->line);
  return read_images(reader, section, snapshot, error);
}

enum vmf_code proxmox_read_snapshots(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct conf_setting *current = proxmox_take(reader, "parent");

  for (size_t i = 1; i < reader->text.section_count; i++) {
    const struct conf_section *section = &reader->text.sections[i];
    if (conf_section(&reader->text, section->name) == section)
      VMF_TRY(read_snapshot(reader, section, current ? current->value : NULL, error));
  }
  return VMF_OK;
}

/* ---- the whole ---- */

static enum vmf_code read_extras(struct proxmox_reader *reader, struct vmf_error *error)
{
  for (size_t i = 0; i < reader->section->count; i++) {
    const struct conf_setting *setting = &reader->text.settings[reader->section->first + i];
    if (setting->taken)
      continue;
    VMF_TRY(vmf_machine_add_extra(reader->machine, PROXMOX_NAME, setting->key, setting->value,
                                  setting->line, proxmox_key_known(setting->key), error));
    reader->machine->extras[reader->machine->extra_count - 1].secret =
        proxmox_key_secret(setting->key);
  }
  return VMF_OK;
}

/* The machine as it is, or as it was. */
static enum vmf_code choose_section(struct proxmox_reader *reader, struct vmf_error *error)
{
  const char *snapshot = reader->source->snapshot;

  reader->section = snapshot ? conf_section(&reader->text, snapshot) : &reader->text.sections[0];
  if (reader->section)
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE, "%s: has no snapshot \"%.60s\" (of %zu)", reader->text.name,
                  snapshot, reader->text.section_count - 1);
}

static enum vmf_code read_all(struct proxmox_reader *reader, struct vmf_report *report,
                              struct vmf_error *error)
{
  const struct vmf_machine_source *source = reader->source;

  VMF_TRY(conf_parse(source->name, source->bytes, source->length, report, &reader->text, error));
  VMF_TRY(choose_section(reader, error));
  VMF_TRY(proxmox_read_system(reader, error));
  VMF_TRY(proxmox_read_drives(reader, error));
  VMF_TRY(proxmox_read_cards(reader, error));
  VMF_TRY(proxmox_read_boot(reader, error));
  VMF_TRY(proxmox_read_snapshots(reader, error));
  return read_extras(reader, error);
}

enum vmf_code proxmox_read(const struct vmf_machine_source *source, struct vmf_machine *machine,
                           struct vmf_report *report, struct vmf_error *error)
{
  struct proxmox_reader reader = {.source = source, .machine = machine};
  enum vmf_code code = read_all(&reader, report, error);

  conf_clear(&reader.text);
  return code;
}
