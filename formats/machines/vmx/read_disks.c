/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Controllers and drives of a .vmx. A drive of which .present is not said is not there, but for a
 * floppy drive, which is there unless .present = "FALSE". */
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "vmx.h"

enum { PREFIX = 32, FLOPPIES = 2, OWN_UNIT = 7 /* of a SCSI controller */ };

/* deviceType, in small letters. backed: fileName is that of a file. */
static const struct {
  const char *type;
  enum vmf_medium medium;
  bool backed;
} types[] = {
    {"disk", VMF_MEDIUM_DISK, true},          {"scsi-harddisk", VMF_MEDIUM_DISK, true},
    {"ata-harddisk", VMF_MEDIUM_DISK, true},  {"sata-harddisk", VMF_MEDIUM_DISK, true},
    {"nvme-harddisk", VMF_MEDIUM_DISK, true}, {"plaindisk", VMF_MEDIUM_DISK, true},
    {"rawdisk", VMF_MEDIUM_LUN, true},        {"cdrom-image", VMF_MEDIUM_CDROM, true},
    {"cdrom-raw", VMF_MEDIUM_CDROM, false},   {"atapi-cdrom", VMF_MEDIUM_CDROM, false},
    {"scsi-passthru", VMF_MEDIUM_LUN, false},
};
enum { TYPES = sizeof types / sizeof types[0] };

/* What stands as fileName where there is no medium. */
static bool no_medium(const char *name)
{
  static const char *const names[] = {"", "emptyBackingString", "auto detect",
                                      "vmware-null-remote-floppy", "vmware-null-remote-cdrom"};

  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (vmf_text_equal_nocase(name, names[i]))
      return true;
  return false;
}

static bool ends_in_nocase(const char *name, const char *end)
{
  size_t length = strlen(name), wanted = strlen(end);

  return length >= wanted && vmf_text_equal_nocase(name + length - wanted, end);
}

/* A device of the host that the guest talks SCSI to: "/vmfs/devices/cdrom/...", "/dev/sr0". */
static bool is_cd_device(const char *name)
{
  return strstr(name, "/cdrom/") || strncmp(name, "/dev/sr", 7) == 0 ||
         strncmp(name, "/dev/scd", 8) == 0 || strncmp(name, "/dev/cdrom", 10) == 0;
}

/* medium and backed, by deviceType or else by the name. */
static void kind_of(struct vmx_reader *reader, const char *prefix, const char *name,
                    struct vmf_machine_disk *disk, bool *backed)
{
  struct vmx_setting *type = vmx_find(&reader->text, "%s.deviceType", prefix);
  bool iso = ends_in_nocase(name, ".iso");
  size_t i = 0;

  while (type && i < TYPES && !vmf_text_equal_nocase(types[i].type, type->value))
    i++;
  if (type && i < TYPES) {
    disk->medium = vmf_told(types[i].medium, type->line);
    *backed = types[i].backed || (iso && types[i].medium == VMF_MEDIUM_CDROM);
  } else {
    if (type)
      vmx_odd(reader, type, "vmx-device-type",
              "%s.deviceType is \"%.60s\", which is not known; it is taken as a %s", prefix,
              type->value, iso ? "CD drive" : "disk");
    disk->medium = vmf_told(iso ? VMF_MEDIUM_CDROM : VMF_MEDIUM_DISK, type ? type->line : 0);
    *backed = true;
  }
  if (disk->medium.value == VMF_MEDIUM_LUN && is_cd_device(name))
    disk->medium.value = VMF_MEDIUM_CDROM;
  if (type && disk->medium.value == VMF_MEDIUM_LUN)
    vmx_odd(reader, type, "vmx-raw-device", "%s is a device of the host (%s), not a file", prefix,
            type->value);
}

static enum vmf_code read_image(struct vmx_reader *reader, const char *prefix,
                                struct vmf_machine_disk *disk, struct vmf_error *error)
{
  struct vmx_setting *file = vmx_find(&reader->text, "%s.fileName", prefix);
  struct vmx_setting *type = vmx_find(&reader->text, "%s.deviceType", prefix);
  struct vmf_told_number client = {0};
  char key[VMX_KEY];
  bool backed, whole;

  snprintf(key, sizeof key, "%s.clientDevice", prefix);
  VMF_TRY(vmx_read_flag(reader, key, &client, error));
  kind_of(reader, prefix, file ? file->value : "", disk, &backed);
  whole = file && backed && !no_medium(file->value) && !(client.told && client.value);
  if (!whole && disk->medium.value == VMF_MEDIUM_DISK)
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: the disk %s has no fileName", reader->text.name,
                    file   ? file->line
                    : type ? type->line
                           : 0,
                    prefix);
  if (!whole) { /* which drive of the host it was is kept */
    if (client.told)
      vmx_find(&reader->text, "%s", key)->taken = false;
    if (disk->medium.value == VMF_MEDIUM_LUN)
      return vmf_machine_format_text(reader->machine, disk->medium.line, &disk->elsewhere, error,
                                     "device %s", file ? file->value : "of the host");
    return VMF_OK;
  }
  file->taken = true;
  if (type &&
      (disk->medium.value != VMF_MEDIUM_DISK || !vmf_text_equal_nocase(type->value, "plainDisk")))
    type->taken = true;
  return vmf_machine_text(reader->machine, file->value, file->line, &disk->image, error);
}

/* .mode: nonpersistent ones lose what is written; undoable and append ones ask, or do so later. */
static void read_mode(struct vmx_reader *reader, const char *prefix, struct vmf_machine_disk *disk)
{
  static const struct {
    const char *name;
    enum vmf_disk_mode mode;
  } modes[] = {
      {"persistent", VMF_MODE_PERSISTENT},
      {"independent-persistent", VMF_MODE_INDEPENDENT},
      {"independent-nonpersistent", VMF_MODE_TRANSIENT},
      {"nonpersistent", VMF_MODE_TRANSIENT},
  };
  struct vmx_setting *setting = vmx_find(&reader->text, "%s.mode", prefix);

  for (size_t i = 0; setting && i < sizeof modes / sizeof modes[0]; i++)
    if (vmf_text_equal_nocase(modes[i].name, setting->value)) {
      setting->taken = true;
      disk->mode = vmf_told(modes[i].mode, setting->line);
      return;
    }
  if (setting)
    vmx_odd(reader, setting, "vmx-disk-mode",
            "%s.mode is \"%.60s\"; the disk is taken as one that is written for good", prefix,
            setting->value);
}

/* .redo names a file that holds what was written since: it is not in the disk. */
static void look_at_redo(struct vmx_reader *reader, const char *prefix)
{
  struct vmx_setting *setting = vmx_find(&reader->text, "%s.redo", prefix);

  if (setting && setting->value[0])
    vmx_odd(reader, setting, "vmx-redo",
            "%s has writes in the redo log \"%.80s\" that its disk does not have", prefix,
            setting->value);
}

static enum vmf_code read_details(struct vmx_reader *reader, const char *prefix,
                                  struct vmf_machine_disk *disk, struct vmf_error *error)
{
  struct vmx_setting *sharing = vmx_find(&reader->text, "%s.sharing", prefix);
  struct vmx_setting *ssd = vmx_find(&reader->text, "%s.virtualSSD", prefix);
  struct vmx_setting *through = vmx_find(&reader->text, "%s.writeThrough", prefix);
  char key[VMX_KEY];
  bool flag = false;

  snprintf(key, sizeof key, "%s.startConnected", prefix);
  VMF_TRY(vmx_read_flag(reader, key, &disk->connected, error));
  if (sharing && vmf_text_equal_nocase(sharing->value, "multi-writer")) {
    sharing->taken = true;
    disk->shared = vmf_told(1, sharing->line);
  }
  if (ssd && (strcmp(ssd->value, "1") == 0 || strcmp(ssd->value, "0") == 0)) {
    ssd->taken = true;
    disk->ssd = vmf_told(ssd->value[0] == '1', ssd->line);
  }
  if (through) {
    VMF_TRY(vmx_flag(&reader->text, through, &flag, error));
    through->taken = flag;
    VMF_TRY(vmf_machine_text(reader->machine, flag ? "writethrough" : NULL, through->line,
                             &disk->cache, error));
  }
  read_mode(reader, prefix, disk);
  look_at_redo(reader, prefix);
  return VMF_OK;
}

/* A drive that the file describes and VMware does not see. */
static void tell_absent(struct vmx_reader *reader, const struct vmx_bus *bus, unsigned controller,
                        const char *prefix)
{
  struct vmx_setting *where = vmx_find(&reader->text, "%s.present", prefix);
  struct vmx_setting *file = vmx_find(&reader->text, "%s.fileName", prefix);
  char missing[PREFIX];

  snprintf(missing, sizeof missing, "%s%u", bus->name, controller);
  vmx_odd(reader, where ? where : file, "vmx-not-present",
          "the drive %s (%.80s) is not in the machine, since %s.present is not TRUE", prefix,
          file ? file->value : "no file", where ? missing : prefix);
  if (where)
    where->taken = false;
}

static enum vmf_code read_drive(struct vmx_reader *reader, const struct vmx_bus *bus,
                                unsigned controller, unsigned unit, bool behind_controller,
                                struct vmf_error *error)
{
  struct vmf_machine_disk *disk;
  struct vmx_setting *where;
  char prefix[PREFIX];
  bool present;

  snprintf(prefix, sizeof prefix, "%s%u:%u", bus->name, controller, unit);
  where = vmx_find(&reader->text, "%s.present", prefix);
  if (!where && !vmx_find(&reader->text, "%s.fileName", prefix))
    return VMF_OK;
  VMF_TRY(vmx_read_present(reader, prefix, false, &present, error));
  if (!where || (present && !behind_controller)) {
    tell_absent(reader, bus, controller, prefix);
    return VMF_OK;
  }
  if (!present)
    return VMF_OK;
  if (bus->bus == VMF_BUS_SCSI && unit == OWN_UNIT)
    vmx_odd(reader, where, "vmx-unit", "%s is the place of the controller itself", prefix);
  VMF_TRY(vmf_machine_add_disk(reader->machine, &disk, error));
  disk->bus = vmf_told(bus->bus, where->line);
  disk->controller = vmf_told(controller, where->line);
  disk->unit = vmf_told(unit, where->line);
  VMF_TRY(read_image(reader, prefix, disk, error));
  return read_details(reader, prefix, disk, error);
}

/* ---- controllers ---- */

static enum vmf_code read_model(struct vmx_reader *reader, const struct vmx_bus *bus,
                                struct vmf_machine_controller *controller, struct vmf_error *error)
{
  struct vmx_setting *setting =
      vmx_find(&reader->text, "%s%u.virtualDev", bus->name, (unsigned)controller->index.value);
  const char *model = bus->model;

  if (bus->bus == VMF_BUS_SCSI && setting) {
    setting->taken = true;
    for (const char *const *known = vmx_scsi_models; *known; known++)
      if (vmf_text_equal_nocase(*known, setting->value))
        return vmf_machine_text(reader->machine, *known, setting->line, &controller->model, error);
    vmx_odd(reader, setting, "vmx-controller", "%s is \"%.60s\", a controller that is not known",
            setting->key, setting->value);
    return vmf_machine_text(reader->machine, setting->value, setting->line, &controller->model,
                            error);
  }
  if (bus->bus == VMF_BUS_SCSI)
    model = vmx_guest_scsi(reader->machine);
  return vmf_machine_text(reader->machine, model, 0, &controller->model, error);
}

/* sharedBus: none, or disks that several machines use (virtual: on one host, physical: on any). */
static void read_shared(struct vmx_reader *reader, const struct vmx_bus *bus,
                        struct vmf_machine_controller *controller)
{
  struct vmx_setting *setting =
      vmx_find(&reader->text, "%s%u.sharedBus", bus->name, (unsigned)controller->index.value);

  if (!setting)
    return;
  if (vmf_text_equal_nocase(setting->value, "none"))
    setting->taken = true;
  else
    vmx_odd(reader, setting, "vmx-shared-bus",
            "the disks of %s%u are shared with other machines (%.40s)", bus->name,
            (unsigned)controller->index.value, setting->value);
  controller->shared = vmf_told(!vmf_text_equal_nocase(setting->value, "none"), setting->line);
}

static enum vmf_code read_controller(struct vmx_reader *reader, const struct vmx_bus *bus,
                                     unsigned index, struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  struct vmf_machine_controller *controller;
  size_t before = machine->disk_count;
  char prefix[PREFIX];
  bool present;

  snprintf(prefix, sizeof prefix, "%s%u", bus->name, index);
  VMF_TRY(vmx_read_present(reader, prefix, bus->implied, &present, error));
  for (unsigned unit = 0; unit < bus->units; unit++)
    VMF_TRY(read_drive(reader, bus, index, unit, present, error));
  if (!present || (bus->implied && machine->disk_count == before))
    return VMF_OK;
  struct vmx_setting *where = vmx_find(&reader->text, "%s.present", prefix);
  VMF_TRY(vmf_machine_add_controller(machine, &controller, error));
  controller->bus = vmf_told(bus->bus, where ? where->line : 0);
  controller->index = vmf_told(index, where ? where->line : 0);
  read_shared(reader, bus, controller);
  return read_model(reader, bus, controller, error);
}

/* ---- floppy drives ---- */

/* Whether the file says anything of it. */
static bool has_floppy(const struct vmx_reader *reader, unsigned number)
{
  static const char *const keys[] = {"present", "fileName", "fileType", "startConnected",
                                     "clientDevice"};

  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
    if (vmx_find(&reader->text, "floppy%u.%s", number, keys[i]))
      return true;
  return false;
}

static enum vmf_code read_floppy(struct vmx_reader *reader, unsigned number,
                                 struct vmf_error *error)
{
  struct vmx_setting *type = vmx_find(&reader->text, "floppy%u.fileType", number);
  struct vmx_setting *file = vmx_find(&reader->text, "floppy%u.fileName", number);
  struct vmf_machine_disk *disk;
  char prefix[PREFIX], key[VMX_KEY];
  bool present, backed;

  snprintf(prefix, sizeof prefix, "floppy%u", number);
  VMF_TRY(vmx_read_present(reader, prefix, has_floppy(reader, number), &present, error));
  if (!present && !file)
    vmx_take(&reader->text, "%s.present", prefix);
  if (!present)
    return VMF_OK;
  VMF_TRY(vmf_machine_add_disk(reader->machine, &disk, error));
  disk->medium = vmf_told(VMF_MEDIUM_FLOPPY, 0);
  disk->bus = vmf_told(VMF_BUS_FLOPPY, 0);
  disk->controller = vmf_told(0, 0);
  disk->unit = vmf_told(number, 0);
  snprintf(key, sizeof key, "%s.startConnected", prefix);
  VMF_TRY(vmx_read_flag(reader, key, &disk->connected, error));
  backed =
      type ? vmf_text_equal_nocase(type->value, "file")
           : file && (ends_in_nocase(file->value, ".flp") || ends_in_nocase(file->value, ".img"));
  if (!backed || !file || no_medium(file->value))
    return VMF_OK;
  if (type)
    type->taken = true;
  file->taken = true;
  return vmf_machine_text(reader->machine, file->value, file->line, &disk->image, error);
}

static void look_for_twins(struct vmx_reader *reader)
{
  const struct vmf_machine *machine = reader->machine;

  for (size_t i = 0; i < machine->disk_count; i++)
    for (size_t j = 0; j < i; j++) {
      const struct vmf_machine_disk *one = &machine->disks[j], *other = &machine->disks[i];
      if (other->medium.value == VMF_MEDIUM_DISK && one->image.text && other->image.text &&
          strcmp(one->image.text, other->image.text) == 0)
        vmf_report_add(reader->text.report, VMF_SEVERITY_WARNING, "vmx-image-twice",
                       reader->text.name, other->image.line,
                       "the drive of line %u has the image \"%.80s\", too", one->image.line,
                       other->image.text);
    }
}

enum vmf_code vmx_read_disks(struct vmx_reader *reader, struct vmf_error *error)
{
  for (const struct vmx_bus *bus = vmx_buses; bus->name; bus++)
    for (unsigned index = 0; index < bus->controllers; index++)
      VMF_TRY(read_controller(reader, bus, index, error));
  for (unsigned number = 0; number < FLOPPIES; number++)
    VMF_TRY(read_floppy(reader, number, error));
  look_for_twins(reader);
  return VMF_OK;
}

bool vmx_drive_of(const struct vmf_machine *machine, const char *node, size_t *index)
{
  const struct vmx_bus *bus = vmx_buses;
  struct vmx_place place;
  char key[64];

  snprintf(key, sizeof key, "%.60s.", node);
  if (!vmx_place_of(key, &place) || !place.has_unit)
    return false;
  while (bus->name && strcmp(bus->name, place.name) != 0)
    bus++;
  for (*index = 0; bus->name && *index < machine->disk_count; ++*index) {
    const struct vmf_machine_disk *disk = &machine->disks[*index];
    if (disk->bus.value == bus->bus && disk->controller.value == place.controller &&
        disk->unit.value == place.unit)
      return true;
  }
  return false;
}
