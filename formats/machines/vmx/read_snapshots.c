/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The snapshots of a machine: the .vmsd beside its .vmx, in the same syntax. snapshotN.uid and
 * .parent make the tree; snapshotN.diskM.node and .fileName say which image a drive had. The .vmx
 * names the images as they are now. */
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "path.h"
#include "vmx.h"

struct vmsd {
  struct vmx_reader *reader;
  struct vmx_text text;
};

/* The snapshot of that id; NULL: none. */
static struct vmf_machine_snapshot *by_id(const struct vmf_machine *machine, const char *id)
{
  for (size_t i = 0; i < machine->snapshot_count; i++)
    if (strcmp(machine->snapshots[i].id.text, id) == 0)
      return &machine->snapshots[i];
  return NULL;
}

/* ---- one snapshot ---- */

static enum vmf_code take_text(struct vmsd *vmsd, unsigned number, const char *attribute,
                               struct vmf_told_text *told, struct vmf_error *error)
{
  struct vmx_setting *setting = vmx_find(&vmsd->text, "snapshot%u.%s", number, attribute);

  if (!setting)
    return VMF_OK;
  return vmf_machine_text(vmsd->reader->machine, setting->value, setting->line, told, error);
}

/* Two halves of microseconds since 1970, each a signed number of 32 bits. */
static void take_time(struct vmsd *vmsd, unsigned number, struct vmf_told_number *time)
{
  struct vmx_setting *high = vmx_find(&vmsd->text, "snapshot%u.createTimeHigh", number);
  struct vmx_setting *low = vmx_find(&vmsd->text, "snapshot%u.createTimeLow", number);
  int64_t halves[2];

  if (!high || !low || !vmx_signed(high->value, &halves[0]) ||
      !vmx_signed(low->value, &halves[1]) || halves[0] < 0 || halves[0] > INT32_MAX)
    return;
  *time = vmf_told(((uint64_t)halves[0] << 32 | (uint32_t)halves[1]) / 1000000, high->line);
}

static enum vmf_code take_disk(struct vmsd *vmsd, unsigned number, const char *attribute,
                               struct vmf_machine_snapshot *snapshot, struct vmf_error *error)
{
  struct vmf_machine *machine = vmsd->reader->machine;
  int length = (int)strcspn(attribute, ".");
  struct vmx_setting *file =
      vmx_find(&vmsd->text, "snapshot%u.%.*s.fileName", number, length, attribute);
  struct vmx_setting *node =
      vmx_find(&vmsd->text, "snapshot%u.%.*s.node", number, length, attribute);
  struct vmf_told_text kept;
  size_t index;

  if (!file || !node)
    return VMF_OK;
  if (!vmx_drive_of(machine, node->value, &index)) {
    vmf_report_add(
        vmsd->text.report, VMF_SEVERITY_WARNING, "vmx-snapshot-disk", vmsd->text.name, file->line,
        "snapshot \"%.60s\" has the disk \"%.60s\" at %.20s, where the machine has none now",
        snapshot->name.text ? snapshot->name.text : snapshot->id.text, file->value, node->value);
    return VMF_OK;
  }
  VMF_TRY(vmf_machine_text(machine, file->value, file->line, &kept, error));
  snapshot->images[index] = kept.text;
  return VMF_OK;
}

static enum vmf_code take_snapshot(struct vmsd *vmsd, const struct vmx_setting *uid,
                                   unsigned number, struct vmf_error *error)
{
  struct vmf_machine *machine = vmsd->reader->machine;
  struct vmf_machine_snapshot *snapshot;
  struct vmx_setting *current = vmx_find(&vmsd->text, "snapshot.current");
  void *images = NULL;

  if (by_id(machine, uid->value))
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: two snapshots have the uid %.40s", vmsd->text.name,
                    uid->line, uid->value);
  VMF_TRY(vmf_alloc(machine->disk_count * sizeof *snapshot->images, &images, error));
  enum vmf_code code = vmf_machine_add_snapshot(machine, &snapshot, error);
  if (code != VMF_OK) {
    vmf_free(images);
    return code;
  }
  snapshot->images = images;
  snapshot->image_count = machine->disk_count;
  VMF_TRY(vmf_machine_text(machine, uid->value, uid->line, &snapshot->id, error));
  VMF_TRY(take_text(vmsd, number, "parent", &snapshot->parent, error));
  VMF_TRY(take_text(vmsd, number, "displayName", &snapshot->name, error));
  VMF_TRY(take_text(vmsd, number, "description", &snapshot->description, error));
  take_time(vmsd, number, &snapshot->time);
  if (current && strcmp(current->value, uid->value) == 0)
    snapshot->current = vmf_told(1, current->line);
  return VMF_OK;
}

/* "snapshot3.uid" and so on; numSnapshots is not needed. */
static enum vmf_code take_all(struct vmsd *vmsd, struct vmf_error *error)
{
  struct vmx_place place;

  for (size_t i = 0; i < vmsd->text.keys; i++) {
    struct vmx_setting *setting = vmsd->text.by_key[i];
    if (!vmx_place_of(setting->key, &place) || strcmp(place.name, "snapshot") != 0 ||
        place.has_unit || place.controller > UINT32_MAX)
      continue;
    if (vmx_find(&vmsd->text, "snapshot%u.uid", (unsigned)place.controller) == setting)
      VMF_TRY(take_snapshot(vmsd, setting, (unsigned)place.controller, error));
  }
  return VMF_OK;
}

static enum vmf_code take_disks(struct vmsd *vmsd, struct vmf_error *error)
{
  struct vmx_place place;
  struct vmx_setting *uid;

  for (size_t i = 0; i < vmsd->text.keys; i++) {
    struct vmx_setting *setting = vmsd->text.by_key[i];
    if (!vmx_place_of(setting->key, &place) || strcmp(place.name, "snapshot") != 0 ||
        place.has_unit || place.controller > UINT32_MAX || strncmp(place.attribute, "disk", 4) != 0)
      continue;
    uid = vmx_find(&vmsd->text, "snapshot%u.uid", (unsigned)place.controller);
    if (uid && vmx_find(&vmsd->text, "snapshot%u.%.*s.fileName", (unsigned)place.controller,
                        (int)strcspn(place.attribute, "."), place.attribute) == setting)
      VMF_TRY(take_disk(vmsd, (unsigned)place.controller, place.attribute,
                        by_id(vmsd->reader->machine, uid->value), error));
  }
  return VMF_OK;
}

/* A parent that does not exist, as some programs leave behind, makes a root. */
static void check_parents(struct vmsd *vmsd)
{
  struct vmf_machine *machine = vmsd->reader->machine;

  for (size_t i = 0; i < machine->snapshot_count; i++) {
    struct vmf_told_text *parent = &machine->snapshots[i].parent;
    if (!parent->text || by_id(machine, parent->text))
      continue;
    if (parent->text[0] && strcmp(parent->text, "0") != 0)
      vmf_report_add(vmsd->text.report, VMF_SEVERITY_WARNING, "vmx-snapshot-parent",
                     vmsd->text.name, parent->line,
                     "the parent %.40s of the snapshot %.40s does not exist", parent->text,
                     machine->snapshots[i].id.text);
    *parent = (struct vmf_told_text){0};
  }
}

/* No snapshot is its own ancestor. */
static enum vmf_code check_tree(const struct vmsd *vmsd, struct vmf_error *error)
{
  const struct vmf_machine *machine = vmsd->reader->machine;
  size_t count = machine->snapshot_count;
  void *block = NULL;

  VMF_TRY(vmf_alloc_table(count, sizeof(size_t), VMF_MACHINE_DEVICES * sizeof(size_t), "snapshots",
                          &block, error));
  VMF_AUTO_FREE size_t *parents = block;
  for (size_t i = 0; i < count; i++) {
    const char *parent = machine->snapshots[i].parent.text;
    parents[i] = parent ? (size_t)(by_id(machine, parent) - machine->snapshots) : count;
  }
  for (size_t i = 0; i < count; i++) {
    size_t at = i, steps = 0;
    while (at < count && steps++ <= count)
      at = parents[at];
    if (at < count)
      return vmf_fail(error, VMF_CORRUPT, "%s:%u: the snapshot %.40s is its own ancestor",
                      vmsd->text.name, machine->snapshots[at].parent.line,
                      machine->snapshots[at].id.text);
  }
  return VMF_OK;
}

/* ---- the machine as it was ---- */

static enum vmf_code find_wanted(const struct vmsd *vmsd, struct vmf_machine_snapshot **found,
                                 struct vmf_error *error)
{
  struct vmf_machine *machine = vmsd->reader->machine;
  const char *wanted = vmsd->reader->source->snapshot;
  char names[256] = "";

  *found = by_id(machine, wanted);
  for (size_t i = 0; !*found && i < machine->snapshot_count; i++)
    if (machine->snapshots[i].name.text && strcmp(machine->snapshots[i].name.text, wanted) == 0) {
      *found = &machine->snapshots[i];
      for (size_t j = i + 1; j < machine->snapshot_count; j++)
        if (machine->snapshots[j].name.text && strcmp(machine->snapshots[j].name.text, wanted) == 0)
          return vmf_fail(error, VMF_USAGE,
                          "%s: two snapshots are called \"%.60s\": %.20s and %.20s",
                          vmsd->text.name, wanted, machine->snapshots[i].id.text,
                          machine->snapshots[j].id.text);
    }
  if (*found)
    return VMF_OK;
  for (size_t i = 0; i < machine->snapshot_count; i++)
    snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.20s (%.40s)",
             names[0] ? ", " : "", machine->snapshots[i].id.text,
             machine->snapshots[i].name.text ? machine->snapshots[i].name.text : "no name");
  return vmf_fail(error, VMF_USAGE, "%s: there is no snapshot \"%.60s\", but %s", vmsd->text.name,
                  wanted, names[0] ? names : "none");
}

static void remove_disk(struct vmf_machine *machine, size_t index)
{
  size_t behind = machine->disk_count - index - 1;

  memmove(&machine->disks[index], &machine->disks[index + 1], behind * sizeof *machine->disks);
  machine->disk_count--;
  for (size_t i = 0; i < machine->snapshot_count; i++) {
    const char **images = machine->snapshots[i].images;
    memmove(&images[index], &images[index + 1], behind * sizeof *images);
    machine->snapshots[i].image_count--;
  }
}

/* Independent disks have no part in snapshots, and stay as they are. */
static enum vmf_code go_back(struct vmsd *vmsd, struct vmf_error *error)
{
  struct vmf_machine *machine = vmsd->reader->machine;
  struct vmf_machine_snapshot *snapshot;

  VMF_TRY(find_wanted(vmsd, &snapshot, error));
  for (size_t i = machine->disk_count; i > 0; i--) {
    struct vmf_machine_disk *disk = &machine->disks[i - 1];
    bool part = disk->medium.value == VMF_MEDIUM_DISK &&
                vmf_told_or(disk->mode, VMF_MODE_PERSISTENT) == VMF_MODE_PERSISTENT;
    if (snapshot->images[i - 1]) {
      disk->image.text = snapshot->images[i - 1];
    } else if (part) {
      vmf_report_add(vmsd->text.report, VMF_SEVERITY_WARNING, "vmx-snapshot-disk", vmsd->text.name,
                     snapshot->id.line,
                     "the snapshot \"%.60s\" does not have the disk \"%.80s\", which is left out",
                     vmsd->reader->source->snapshot, disk->image.text);
      remove_disk(machine, i - 1);
    }
  }
  machine->suspended = (struct vmf_told_number){0};
  return VMF_OK;
}

static enum vmf_code read_vmsd(struct vmsd *vmsd, const char *bytes, size_t length,
                               const char *name, struct vmf_error *error)
{
  const char *wanted = vmsd->reader->source->snapshot;

  if (bytes)
    VMF_TRY(vmx_parse(name, bytes, length, vmsd->reader->text.report, &vmsd->text, error));
  vmsd->text.name = name;
  VMF_TRY(take_all(vmsd, error));
  VMF_TRY(take_disks(vmsd, error));
  check_parents(vmsd);
  VMF_TRY(check_tree(vmsd, error));
  return wanted ? go_back(vmsd, error) : VMF_OK;
}

enum vmf_code vmx_read_snapshots(struct vmx_reader *reader, struct vmf_error *error)
{
  const struct vmf_machine_source *source = reader->source;
  struct vmsd vmsd = {.reader = reader};
  VMF_AUTO_FREE char *path = NULL;
  VMF_AUTO_FREE char *bytes = NULL;
  size_t length = 0;

  VMF_TRY(vmf_path_with_suffix(source->name, ".vmsd", &path, error));
  if (source->beside)
    VMF_TRY(source->beside(source, vmf_path_name(path), VMX_FILE, &bytes, &length, error));
  enum vmf_code code = read_vmsd(&vmsd, bytes, length, vmf_path_name(path), error);
  vmx_clear(&vmsd.text);
  return code;
}
