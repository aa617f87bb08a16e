/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The neutral machine into a .vmx: what is there once in a machine. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "path.h"
#include "text.h"
#include "vmx_identity.h"
#include "vmx_writer.h"

enum {
  DEFAULT_HARDWARE = 13, /* ESXi 6.5, Workstation 14, Fusion 10 */
  DEFAULT_MEMORY = 1024, /* MiB */
  MEMORY_UNIT = 4,       /* MiB */
  MOST_NOTES = 60000,    /* bytes of a description, less than a line may have */
};

/* ---- the hardware version ---- */

static bool has_bus(const struct vmf_machine *machine, enum vmf_bus bus)
{
  for (size_t i = 0; i < machine->disk_count; i++)
    if (machine->disks[i].bus.value == bus)
      return true;
  for (size_t i = 0; i < machine->controller_count; i++)
    if (machine->controllers[i].bus.value == bus)
      return true;
  return false;
}

static bool has_card(const struct vmf_machine *machine, const char *start)
{
  for (size_t i = 0; i < machine->nic_count; i++)
    if (machine->nics[i].model.text &&
        strncmp(machine->nics[i].model.text, start, strlen(start)) == 0)
      return true;
  return false;
}

/* The first version that has all that the machine has. */
static unsigned needed_hardware(const struct vmx_writer *writer)
{
  const struct vmf_machine *machine = writer->machine;
  uint64_t vcpus = vmf_told_or(machine->vcpus, 1),
           gibibytes = vmf_told_or(machine->memory, 0) >> 30;
  const struct {
    bool needed;
    unsigned version;
  } needs[] = {
      {has_card(machine, "vmxnet3"), 7},
      {has_card(machine, "e1000e") || has_card(machine, "virtio"), 8},
      {vmf_told_or(machine->usb3, 0) != 0, 8},
      {vmf_told_or(machine->firmware, VMF_FIRMWARE_BIOS) == VMF_FIRMWARE_EFI, 8},
      {vcpus > 8 || gibibytes >= 256, 8},
      {has_bus(machine, VMF_BUS_SATA) || has_bus(machine, VMF_BUS_USB), 10},
      {vcpus > 32 || gibibytes >= 1024, 10},
      {vcpus > 64 || gibibytes > 1024, 11},
      {has_bus(machine, VMF_BUS_NVME), 13},
      {vmf_told_or(machine->secure_boot, VMF_SECURE_BOOT_OFF) != VMF_SECURE_BOOT_OFF, 13},
      {vmf_told_or(machine->tpm, VMF_TPM_NONE) != VMF_TPM_NONE, 14},
      {vcpus > 128 || gibibytes > 6128, 18},
  };
  unsigned least = 4;

  for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
    if (needs[i].needed && needs[i].version > least)
      least = needs[i].version;
  return least;
}

/* That which it had, or a common one; as new as needed. */
static void choose_hardware(struct vmx_writer *writer)
{
  static const char start[] = "vmx-";
  const char *had = writer->machine->hw_version.text;
  unsigned needed = needed_hardware(writer);
  uint64_t version = 0;

  writer->from_vmware = had && strncmp(had, start, sizeof start - 1) == 0 &&
                        vmx_digits(had + sizeof start - 1, 999, &version) && version > 0;
  writer->hardware = writer->from_vmware ? (unsigned)version : DEFAULT_HARDWARE;
  if (writer->hardware < needed) {
    writer->hardware = needed;
    vmx_lose(writer, NONE, NULL, "the machine has devices that need newer hardware", "hw-version");
  }
}

/* ---- the head ---- */

void vmx_display_name(const char *name, size_t length, char out[VMX_DISPLAY_NAME])
{
  for (; length > 0; name++, length--) {
    int high = name[0] == '%' ? vmf_hex_digit(name[1]) : -1;
    int low = high >= 0 ? vmf_hex_digit(name[2]) : -1;
    int byte = low >= 0 ? high << 4 | low : 0;
    if (byte == '/' || byte == '\\' || byte == '%')
      out = stpcpy(out, "%25");
    else
      *out++ = *name;
  }
  *out = 0;
}

/* The name of the file where there is no other. */
static enum vmf_code write_name(struct vmx_writer *writer, struct vmf_error *error)
{
  const char *file = vmf_path_name(writer->target->name);
  const char *name = writer->machine->name.text;
  char out[VMX_DISPLAY_NAME];
  size_t left = name ? vmf_text_fit(name, strlen(name), VMX_NAME_BYTES)
                     : vmf_text_fit(file, vmf_name_stem(file), VMX_NAME_BYTES);

  if (name && left < strlen(name))
    vmx_lose(writer, COSMETIC, "L-name-changed", "it is longer than 255 bytes", "name");
  vmx_display_name(name ? name : file, left, out);
  return vmx_put(writer, error, out, "displayName");
}

static enum vmf_code write_guest(struct vmx_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  uint64_t arch = vmf_told_or(machine->arch, VMF_ARCH_X86_64);
  const char *kept = vmx_kept(writer, "guestOS");
  enum vmf_arch read_as;
  char guest[100];
  bool exact;

  if (arch == VMF_ARCH_PPC64 || arch == VMF_ARCH_S390X)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: VMware has no machines of the processor %s",
                    writer->target->name, arch == VMF_ARCH_PPC64 ? "ppc64" : "s390x");
  if (kept) /* one that is not in the table */
    return vmx_put(writer, error, kept, "guestOS");
  vmx_guest_written(machine, guest, sizeof guest, &exact);
  if (machine->os.text && !exact)
    vmx_lose(writer, COSMETIC, "L-os-generic", "VMware has no name for this guest system", "os");
  vmx_guest_read(guest, &read_as);
  if (machine->arch.told && read_as != arch)
    vmx_lose(writer, COSMETIC, "L-arch", "VMware takes it from the guest system", "arch");
  if (!machine->os.text && !machine->arch.told && !writer->from_vmware)
    vmx_lose(writer, COSMETIC, "L-os-generic", "the source does not say what the guest system is",
             "os");
  if (!machine->os.text && !machine->arch.told && writer->from_vmware)
    return VMF_OK;
  return vmx_put(writer, error, guest, "guestOS");
}

static enum vmf_code write_memory(struct vmx_writer *writer, struct vmf_error *error)
{
  struct vmf_told_number memory = writer->machine->memory;
  uint64_t unit = (uint64_t)MEMORY_UNIT << 20;
  uint64_t units =
      memory.told ? vmf_max(vmf_div_up(memory.value, unit), 1) : DEFAULT_MEMORY / MEMORY_UNIT;

  if (!memory.told)
    vmx_lose(writer, BEHAVIOUR, "L-memory", "the source does not say it: 1 GiB", "memory");
  else if (units * unit != memory.value)
    vmx_lose(writer, COSMETIC, "L-memory", "VMware has memory in units of 4 MiB: rounded up",
             "memory");
  return vmx_put_number(writer, error, units * MEMORY_UNIT, "memsize");
}

static enum vmf_code write_processors(struct vmx_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  uint64_t vcpus = vmf_told_or(machine->vcpus, 1), per_socket = 0;
  uint64_t dies = vmf_told_or(machine->dies, 1), threads = vmf_told_or(machine->threads, 1);

  if (vcpus == 0 || vcpus > VMX_CPUS)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: VMware has no machine of %" PRIu64 " processors, but 1 to %d",
                    writer->target->name, vcpus, VMX_CPUS);
  VMF_TRY(vmx_put_number(writer, error, vcpus, "numvcpus"));
  if (machine->vcpus_online.told && machine->vcpus_online.value != vcpus)
    vmx_lose(writer, BEHAVIOUR, "L-vcpus", "VMware starts all processors", "vcpus-online");
  if (machine->sockets.told && machine->sockets.value > 0 && vcpus % machine->sockets.value == 0)
    per_socket = vcpus / machine->sockets.value;
  else if (machine->cores.told && machine->cores.value <= vcpus)
    per_socket = machine->cores.value;
  if (dies > 1 || threads > 1)
    vmx_lose(writer, BEHAVIOUR, "L-topology", "VMware has sockets and cores only",
             dies > 1 ? "dies" : "threads");
  if (per_socket == 0 || vcpus % per_socket != 0)
    return VMF_OK;
  return vmx_put_number(writer, error, per_socket, "cpuid.coresPerSocket");
}

static enum vmf_code write_firmware(struct vmx_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  uint64_t tpm = vmf_told_or(machine->tpm, VMF_TPM_NONE);

  if (vmf_told_or(machine->firmware, VMF_FIRMWARE_BIOS) == VMF_FIRMWARE_EFI)
    VMF_TRY(vmx_put(writer, error, "efi", "firmware"));
  if (machine->secure_boot.told)
    VMF_TRY(vmx_put_flag(writer, error, machine->secure_boot.value != VMF_SECURE_BOOT_OFF,
                         "uefi.secureBoot.enabled"));
  if (machine->nvram.text)
    vmx_lose(writer, BEHAVIOUR, "L-nvram",
             "the firmware's variables stay behind: VMware makes new ones", "nvram");
  if (tpm == VMF_TPM_NONE)
    return machine->tpm.told ? vmx_put_flag(writer, error, false, "vtpm.present") : VMF_OK;
  vmx_lose(writer, BEHAVIOUR, "L-tpm-state",
           tpm == VMF_TPM_1_2 ? "VMware has a TPM 2.0 only, a new one: keys of the old one are lost"
                              : "VMware makes a new one: keys of the old one are lost",
           "tpm");
  return vmx_put(writer, error, "software", "managedvm.autoAddVTPM");
}

/* ---- identity ---- */

static enum vmf_code write_identity(struct vmx_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  char text[VMX_OCTETS_TEXT];
  uint8_t octets[16];

  if (writer->target->copy && machine->uuid.told)
    vmx_lose(writer, COSMETIC, "L-uuid", "a copy gets one of its own", "uuid");
  if (writer->target->copy && machine->genid.told)
    vmx_lose(writer, COSMETIC, "L-genid-renewed", "a copy gets one of its own", "genid");
  if (writer->target->copy || !machine->uuid.told)
    return vmx_put(writer, error, "create", "uuid.action");
  vmf_vmware_uuid(writer->hardware, machine->uuid.bytes, octets);
  vmx_octets_text(octets, text);
  VMF_TRY(vmx_put(writer, error, text, "uuid.bios"));
  return VMF_OK;
}

static enum vmf_code write_genid(struct vmx_writer *writer, struct vmf_error *error)
{
  const struct vmf_told_id *genid = &writer->machine->genid;
  char low[24], high[24];

  if (!genid->told || writer->target->copy)
    return VMF_OK;
  snprintf(low, sizeof low, "%" PRId64, (int64_t)get_le64(genid->bytes));
  snprintf(high, sizeof high, "%" PRId64, (int64_t)get_le64(genid->bytes + 8));
  VMF_TRY(vmx_put(writer, error, low, "vm.genid"));
  return vmx_put(writer, error, high, "vm.genidX");
}

/* ---- the rest ---- */

static enum vmf_code write_scalar(struct vmx_writer *writer, const struct vmx_scalar *scalar,
                                  struct vmf_error *error)
{
  const void *field = (const char *)writer->machine + scalar->offset;
  const struct vmf_told_text *text = field;
  const struct vmf_told_number *number = field;

  if (scalar->kind == VMF_FIELD_FLAG)
    return vmx_put_told_flag(writer, error, *number, "%s", scalar->key);
  if (scalar->kind == VMF_FIELD_NUMBER)
    return number->told ? vmx_put_number(writer, error, number->value, "%s", scalar->key) : VMF_OK;
  return text->text ? vmx_put(writer, error, text->text, "%s", scalar->key) : VMF_OK;
}

/* A line may not be longer than VMware reads. */
static enum vmf_code write_description(struct vmx_writer *writer, struct vmf_error *error)
{
  const char *whole = writer->machine->description.text;
  VMF_AUTO_FREE char *part = NULL;
  size_t length;

  if (!whole)
    return VMF_OK;
  length = vmf_text_fit(whole, strlen(whole), MOST_NOTES / 3);
  if (length < strlen(whole))
    vmx_lose(writer, COSMETIC, "L-notes-truncated", "VMware reads no longer one", "description");
  VMF_TRY(vmf_copy_bytes(whole, length, &part, error));
  return vmx_put(writer, error, part, "annotation");
}

static enum vmf_code write_sound(struct vmx_writer *writer, struct vmf_error *error)
{
  const char *sound = writer->machine->sound.text;
  const char *word = sound ? vmf_vendor_own(vmx_sounds, sound) : NULL;

  if (!sound)
    return VMF_OK;
  if (!word) {
    word = "hdaudio";
    vmx_lose(writer, COSMETIC, "L-sound", "VMware has no such sound card: it becomes hda", "sound");
  }
  VMF_TRY(vmx_put_flag(writer, error, true, "sound.present"));
  return vmx_put(writer, error, word, "sound.virtualDev");
}

static enum vmf_code write_video(struct vmx_writer *writer, struct vmf_error *error)
{
  const char *video = writer->machine->video.text;

  if (!video)
    return VMF_OK;
  if (strcmp(video, "vmvga") != 0)
    vmx_lose(writer, COSMETIC, "L-video", "VMware has its own graphics card only", "video");
  return vmx_put_flag(writer, error, true, "svga.present");
}

static enum vmf_code write_clock(struct vmx_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  char seconds[24];

  if (!machine->clock.told || machine->clock.value != VMF_CLOCK_UTC)
    return VMF_OK;
  snprintf(seconds, sizeof seconds, "%" PRId64, (int64_t)vmf_told_or(machine->clock_offset, 0));
  return vmx_put(writer, error, seconds, "rtc.diffFromUTC");
}

static enum vmf_code write_board(struct vmx_writer *writer, struct vmf_error *error)
{
  for (const struct vmx_board *row = vmx_board; writer->hardware >= VMX_BOARD_HARDWARE && row->key;
       row++)
    VMF_TRY(vmx_put_kept(writer, error, row->value, "%s", row->key));
  return VMF_OK;
}

static enum vmf_code write_head(struct vmx_writer *writer, struct vmf_error *error)
{
  VMF_TRY(vmx_put(writer, error, "UTF-8", ".encoding"));
  VMF_TRY(vmx_put(writer, error, "8", "config.version"));
  VMF_TRY(vmx_put_number(writer, error, writer->hardware, "virtualHW.version"));
  VMF_TRY(write_name(writer, error));
  VMF_TRY(write_description(writer, error));
  VMF_TRY(write_guest(writer, error));
  VMF_TRY(write_memory(writer, error));
  VMF_TRY(write_processors(writer, error));
  VMF_TRY(write_firmware(writer, error));
  VMF_TRY(write_identity(writer, error));
  return write_genid(writer, error);
}

static enum vmf_code write_all(struct vmx_writer *writer, struct vmf_error *error)
{
  VMF_TRY(vmx_find_hidden(writer, error));
  choose_hardware(writer);
  VMF_TRY(vmx_seat_disks(writer, error));
  VMF_TRY(write_head(writer, error));
  for (const struct vmx_scalar *scalar = vmx_scalars; scalar->key; scalar++)
    if (strcmp(scalar->key, "annotation") != 0 && strcmp(scalar->key, "nvram") != 0)
      VMF_TRY(write_scalar(writer, scalar, error));
  VMF_TRY(write_sound(writer, error));
  VMF_TRY(write_video(writer, error));
  VMF_TRY(write_clock(writer, error));
  VMF_TRY(vmx_write_boot(writer, error));
  VMF_TRY(vmx_write_disks(writer, error));
  VMF_TRY(vmx_write_cards(writer, error));
  VMF_TRY(vmx_write_ports(writer, error));
  VMF_TRY(write_board(writer, error));
  return vmx_write_extras(writer, error);
}

enum vmf_code vmx_write(const struct vmf_machine *machine, const struct vmf_machine_target *target,
                        const struct vmf_machine_losses *losses, char **text, size_t *length,
                        struct vmf_error *error)
{
  struct vmx_writer writer = {.machine = machine, .target = target, .losses = losses};

  *text = NULL;
  if (target->disk_count != machine->disk_count)
    return vmf_fail(error, VMF_USAGE, "%s: %zu images for %zu drives", target->name,
                    target->disk_count, machine->disk_count);
  enum vmf_code code = write_all(&writer, error);
  vmf_names_clear(&writer.keys);
  vmf_names_clear(&writer.hidden);
  vmf_free(writer.seats);
  if (code != VMF_OK) {
    vmf_free(writer.text);
    return code;
  }
  *text = writer.text;
  *length = writer.length;
  return VMF_OK;
}
