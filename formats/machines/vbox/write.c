/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine as .vbox: what it is, and its registry of media. */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "guest_os.h"
#include "guid.h"
#include "memory.h"
#include "path.h"
#include "text.h"
#include "vbox_writer.h"

enum { NAME = 256 };

static const char *const single[] = {"Machine",
                                     "Hardware",
                                     "MediaRegistry",
                                     "Description",
                                     "CPU",
                                     "Memory",
                                     "Firmware",
                                     "BIOS",
                                     "Display",
                                     "Boot",
                                     "HID",
                                     "RTC",
                                     "Network",
                                     "UART",
                                     "LPT",
                                     "USB",
                                     "AudioAdapter",
                                     "NVRAM",
                                     "TimeOffset",
                                     "TrustedPlatformModule",
                                     "Platform",
                                     "Image",
                                     "HostDrive",
                                     "Autostart",
                                     "StorageControllers",
                                     "Chipset",
                                     "Controllers",
                                     NULL};
/* Of the old host, of the old images, and of a later version's layout. */
static const char *const left_behind[] = {"@version",
                                          "Machine@snapshotFolder",
                                          "Machine@lastStateChange",
                                          "Machine@aborted",
                                          "Machine@currentStateModified",
                                          "Machine@icon",
                                          "Machine@stateKeyId",
                                          "Machine@logKeyId",
                                          "Machine@version",
                                          "Machine/Snapshot",
                                          "Machine/MediaRegistry",
                                          "Machine/Platform",
                                          "Machine/Hardware/Firmware/",
                                          NULL};
static const struct vmf_keeping_rules rules = {
    .vendor = "vbox", .root = "VirtualBox", .single = single, .left_behind = left_behind};

void vbox_uuid_text(const uint8_t uuid[VMF_GUID_SIZE], char text[VBOX_UUID])
{
  char plain[VMF_GUID_TEXT];

  vmf_guid_text(uuid, plain);
  snprintf(text, VBOX_UUID, "{%s}", plain);
}

bool vbox_is_hard(const struct vbox_writing *writing, size_t disk)
{
  uint64_t medium = writing->machine->disks[disk].medium.value;

  return writing->target->disks[disk].name &&
         (medium == VMF_MEDIUM_DISK || medium == VMF_MEDIUM_LUN);
}

void vbox_image_uuid(const struct vbox_writing *writing, size_t disk, char text[VBOX_UUID])
{
  uint8_t bytes[VMF_GUID_SIZE];

  memcpy(bytes, writing->target->disks[disk].uuid.bytes, sizeof bytes);
  if (!vbox_is_hard(writing, disk)) {
    memcpy(bytes, writing->target->id, sizeof bytes);
    put_be32(bytes + 12, get_be32(bytes + 12) + (uint32_t)disk + 1);
  }
  vbox_uuid_text(bytes, text);
}

/* ---- the machine's own ---- */

/* VirtualBox calls its folder after it: no '/', no control characters. */
static void write_name(struct vbox_writing *writing)
{
  const char *told = writing->machine->name.text, *file = vmf_path_name(writing->target->name);
  char name[NAME];

  if (told && *told)
    snprintf(name, sizeof name, "%.*s", (int)vmf_text_fit(told, strlen(told), NAME - 1), told);
  else
    snprintf(name, sizeof name, "%.*s", (int)vmf_name_stem(file), file);
  for (char *c = name; *c; c++)
    if ((unsigned char)*c < ' ' || strchr("/\\:*?\"<>|", *c))
      *c = '-';
  if (strspn(name, ". ") == strlen(name))
    snprintf(name, sizeof name, "vm");
  if (told && strcmp(told, name) != 0)
    vmf_machine_lose(
        writing->losses, VMF_LOSS_COSMETIC, NULL,
        "VirtualBox calls a folder after it: at most 255 bytes without / \\ : * ? \" < "
        "> | and control characters",
        "name");
  vmf_keeping_fix(&writing->keeping, "Machine", "name", "%s", name);
}

static bool is_wide(const struct vmf_machine *machine)
{
  return vmf_told_or(machine->arch, VMF_ARCH_X86_64) == VMF_ARCH_X86_64;
}

/* Its own word, where it came from VirtualBox. */
static void write_os(struct vbox_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  const struct vmf_guest_os *os = vmf_machine_os(machine);
  char id[VMF_GUEST_OS_TEXT];

  if (writing->keeping.native && machine->os_source.text)
    snprintf(id, sizeof id, "%.*s", VMF_GUEST_OS_TEXT - 1, machine->os_source.text);
  else if (os)
    vmf_guest_os_vbox(os, id);
  else
    snprintf(id, sizeof id, "%s", is_wide(machine) ? "Other_64" : "Other");
  if (os && vmf_guest_os_by_vbox(id) != os)
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                     "VirtualBox has no such guest: the nearest one", "os");
  vmf_keeping_fix(&writing->keeping, "Machine", "OSType", "%s", id);
}

/* ---- the registry ---- */

/* What becomes of writes is a property of the image. Blocks of a VDI that grows are given out by
 * each machine for itself: two that write it destroy it, and VirtualBox shares none. */
static const char *type_of(const struct vbox_writing *writing, size_t index)
{
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];
  uint64_t mode = vmf_told_or(disk->mode, VMF_MODE_PERSISTENT);

  if (disk->shared.value) {
    vmf_machine_lose(writing->losses, VMF_LOSS_DATA, NULL,
                     "machines share fixed images only: VBoxManage modifymedium --type shareable "
                     "changes that for one made with -o static=on",
                     "disks[%zu].shared", index);
    return "Writethrough";
  }
  if (mode == VMF_MODE_TRANSIENT)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "what is written stays: VBoxManage modifymedium --type immutable changes that "
                     "for a disk that is detached",
                     "disks[%zu].mode", index);
  if (disk->read_only.value)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "VirtualBox has no hard disks that cannot be written", "disks[%zu].read-only",
                     index);
  return mode == VMF_MODE_INDEPENDENT ? "Writethrough" : "Normal";
}

static void write_medium(struct vbox_writing *writing, size_t index)
{
  bool hard = vbox_is_hard(writing, index);
  struct vmf_markup *markup = &writing->keeping.markup;
  char uuid[VBOX_UUID];

  vbox_image_uuid(writing, index, uuid);
  vmf_markup_start(markup, hard ? "HardDisk" : "Image");
  vmf_markup_attribute(markup, "uuid", "%s", uuid);
  vmf_markup_attribute(markup, "location", "%s", writing->target->disks[index].name);
  if (hard) {
    vmf_markup_attribute(markup, "format", "VDI");
    vmf_markup_attribute(markup, "type", "%s", type_of(writing, index));
  }
  vmf_markup_end(markup);
}

static bool is_of(const struct vbox_writing *writing, size_t index, enum vmf_medium medium)
{
  bool hard = vbox_is_hard(writing, index);

  return writing->target->disks[index].name && !writing->places[index].dropped &&
         (medium == VMF_MEDIUM_DISK ? hard : writing->machine->disks[index].medium.value == medium);
}

static void write_media(struct vbox_writing *writing)
{
  static const struct {
    const char *element;
    enum vmf_medium medium;
  } kinds[] = {{"HardDisks", VMF_MEDIUM_DISK},
               {"DVDImages", VMF_MEDIUM_CDROM},
               {"FloppyImages", VMF_MEDIUM_FLOPPY}};
  struct vmf_markup *markup = &writing->keeping.markup;

  vmf_markup_open(markup, "MediaRegistry");
  for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
    bool open = false;
    for (size_t i = 0; i < writing->machine->disk_count; i++) {
      if (!is_of(writing, i, kinds[kind].medium))
        continue;
      if (!open)
        vmf_markup_open(markup, kinds[kind].element);
      open = true;
      write_medium(writing, i);
    }
    if (open)
      vmf_markup_leave(markup, kinds[kind].element);
  }
  vmf_markup_leave(markup, "MediaRegistry");
}

/* ---- all ---- */

static void write_hardware(struct vbox_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  struct vmf_keeping *keeping = &writing->keeping;
  char uuid[VBOX_UUID];

  vmf_keeping_start(keeping, VBOX_HARDWARE);
  vbox_uuid_text(machine->uuid.bytes, uuid);
  if (machine->uuid.told && !writing->target->copy)
    vmf_keeping_fix(keeping, VBOX_HARDWARE, "uuid", "%s", uuid);
  vmf_keeping_enter(keeping, VBOX_HARDWARE);
  vbox_write_system(writing);
  vbox_write_devices(writing);
  vbox_write_cards(writing);
  vbox_write_storage(writing);
  vmf_keeping_leave(keeping, VBOX_HARDWARE);
}

static void write_machine(struct vbox_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  struct vmf_keeping *keeping = &writing->keeping;
  char uuid[VBOX_UUID];

  vmf_keeping_start(keeping, "Machine");
  vbox_uuid_text(writing->target->id, uuid);
  vmf_keeping_fix(keeping, "Machine", "uuid", "%s", uuid);
  write_name(writing);
  write_os(writing);
  vmf_keeping_fix(keeping, "Machine", "snapshotFolder", "Snapshots");
  vmf_keeping_enter(keeping, "Machine");
  if (machine->description.text)
    vmf_keeping_leaf(keeping, "Machine/Description", "%s", machine->description.text);
  write_media(writing);
  if (machine->autostart.value)
    vmf_keeping_simple(keeping, "Machine/Autostart", "enabled", "true");
  write_hardware(writing);
  vmf_keeping_leave(keeping, "Machine");
}

/* What VirtualBox must know, and what it checks. */
static enum vmf_code check(const struct vbox_writing *writing, struct vmf_error *error)
{
  const struct vmf_machine *machine = writing->machine;
  const struct vmf_machine_target *target = writing->target;
  uint64_t arch = vmf_told_or(machine->arch, VMF_ARCH_X86_64);

  if (arch != VMF_ARCH_X86_64 && arch != VMF_ARCH_I686)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: machines for VirtualBox are written with processors of x86 only",
                    target->name);
  if (!machine->memory.told)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the source does not say how much memory the machine has, which "
                    "VirtualBox must know",
                    target->name);
  for (size_t i = 0; i < machine->disk_count; i++)
    if (vbox_is_hard(writing, i) && !target->disks[i].uuid.told)
      return vmf_fail(error, VMF_UNSUPPORTED,
                      "%s: VirtualBox compares the UUID of a disk with the one inside of its "
                      "image, which is chosen for VDI only: leave the disks' format out, or say "
                      "vdi",
                      target->name);
  return VMF_OK;
}

/* Settings of this layout, whose silence means what VirtualBox takes today. */
static bool is_silent(const struct vbox_writing *writing)
{
  const char *version = writing->machine->hw_version.text;
  unsigned minor = 0;

  return writing->keeping.native && version && sscanf(version, "1.%3u", &minor) == 1 &&
         minor >= VMF_VBOX_SILENT_DEVICES && minor < VMF_VBOX_PLATFORM;
}

static enum vmf_code write_file(struct vbox_writing *writing, struct vmf_error *error)
{
  struct vmf_keeping *keeping = &writing->keeping;

  VMF_TRY(vbox_seat_drives(writing, error));
  vmf_keeping_start(keeping, "");
  vmf_keeping_fix(keeping, "", "xmlns", "http://www.virtualbox.org/");
  vmf_keeping_fix(keeping, "", "version", "1.19-linux");
  vmf_keeping_enter(keeping, "");
  write_machine(writing);
  vmf_keeping_leave(keeping, "");
  return VMF_OK;
}

enum vmf_code vbox_write(const struct vmf_machine *machine, const struct vmf_machine_target *target,
                         const struct vmf_machine_losses *losses, char **text, size_t *length,
                         struct vmf_error *error)
{
  struct vbox_writing writing = {.keeping = {.rules = &rules, .machine = machine},
                                 .machine = machine,
                                 .target = target,
                                 .losses = losses};

  enum vmf_code code = check(&writing, error);
  if (code == VMF_OK)
    code = vmf_keeping_begin(&writing.keeping, error);
  writing.silent = is_silent(&writing);
  if (code == VMF_OK)
    code = write_file(&writing, error);
  if (code == VMF_OK) {
    *length = writing.keeping.markup.length;
    code = vmf_markup_take(&writing.keeping.markup, text, error);
  }
  vmf_keeping_clear(&writing.keeping);
  vmf_free(writing.seats);
  vmf_free(writing.places);
  return code;
}
