/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is there once in a machine. */
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "guest_os.h"
#include "guid.h"
#include "memory.h"
#include "proxmox_writer.h"

/* ---- identity ---- */

/* Whether the letter may stand behind what there is of a name of the DNS, whose parts neither begin
 * nor end with "-", and none of which is empty. What must not stand before a dot is cut off. */
static bool joins(char letter, const char *plain, size_t *used)
{
  if (*used == 0)
    return letter != '.' && letter != '-';
  while (letter == '.' && *used > 0 && plain[*used - 1] == '-')
    --*used;
  return plain[*used - 1] != '.' || (letter != '.' && letter != '-');
}

/* A name of the DNS: blanks become "-", other characters that it cannot have are left out. */
static enum vmf_code write_name(struct proxmox_writer *writer, struct vmf_error *error)
{
  const char *name = writer->machine->name.text;
  char plain[64];
  size_t used = 0;

  for (const char *c = name ? name : ""; *c && used < sizeof plain - 1; c++) {
    char letter[2] = {*c == ' ' || *c == '\t' || *c == '_' ? '-' : *c, '\0'};
    if (proxmox_is_word(letter, ".-", 1) && joins(letter[0], plain, &used))
      plain[used++] = letter[0];
  }
  while (used > 0 && strchr(".-", plain[used - 1]))
    used--;
  plain[used] = '\0';
  if (name && strcmp(name, plain) != 0)
    proxmox_lose(writer, COSMETIC, "L-name-changed",
                 "Proxmox VE takes letters, digits, \"-\" and \".\" in names", "name");
  return proxmox_put(writer, "name", plain, error);
}

static enum vmf_code write_ids(struct proxmox_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  uint8_t guid[VMF_GUID_SIZE];
  char text[VMF_GUID_TEXT];
  VMF_AUTO_FREE char *value = NULL;

  if (machine->uuid.told && !writer->target->copy) {
    vmf_guid_text(machine->uuid.bytes, text);
    VMF_TRY(proxmox_append(&value, error, "uuid=%s", text));
  }
  VMF_TRY(proxmox_put_list(writer, "smbios1", &value, error));
  if (!machine->genid.told || writer->target->copy)
    return VMF_OK;
  vmf_guid_swap(machine->genid.bytes, guid);
  vmf_guid_text(guid, text);
  return proxmox_put(writer, "vmgenid", text, error);
}

/* ---- processors and memory ---- */

/* Sockets and cores alone: what dies and threads there are counts as cores. */
static enum vmf_code write_processors(struct proxmox_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  uint64_t vcpus = vmf_told_or(machine->vcpus, 1), sockets = vmf_told_or(machine->sockets, 1);

  if (vmf_told_or(machine->dies, 1) > 1 || vmf_told_or(machine->threads, 1) > 1)
    proxmox_lose(writer, BEHAVIOUR, "L-topology", "Proxmox VE has sockets and cores only",
                 machine->threads.told ? "threads" : "dies");
  if (sockets == 0 || vcpus % sockets != 0)
    sockets = 1;
  if (vcpus > 1 || machine->sockets.told) {
    VMF_TRY(proxmox_put_number(writer, "sockets", sockets, error));
    VMF_TRY(proxmox_put_number(writer, "cores", vcpus / sockets, error));
  }
  uint64_t online = vmf_told_or(machine->vcpus_online, 0);
  if (online > 0 && online < vcpus) /* none is no number of any that start */
    return proxmox_put_number(writer, "vcpus", online, error);
  return VMF_OK;
}

/* "+aes": Proxmox VE takes no others of a machine, and for one of them none of the line. */
static bool is_flag(const char *flag, size_t length)
{
  static const char *const known[] = {
      "aes",         "amd-no-ssb", "amd-ssbd", "hv-evmcs", "ibpb",      "hv-tlbflush", "md-clear",
      "nested-virt", "pcid",       "pdpe1gb",  "ssbd",     "spec-ctrl", "virt-ssbd"};

  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strchr("+-", flag[0]) && strlen(known[i]) == length - 1 &&
        memcmp(known[i], flag + 1, length - 1) == 0)
      return true;
  return false;
}

/* "+aes -pcid" to "+aes;-pcid". */
static enum vmf_code append_flags(struct proxmox_writer *writer, char **value,
                                  struct vmf_error *error)
{
  const char *before = ",flags=", *flag = writer->machine->cpu_flags.text;
  bool all = true;

  for (size_t length; flag && *flag; flag += length + (flag[length] != '\0')) {
    length = strcspn(flag, " ");
    if (length == 0 || !is_flag(flag, length)) {
      all = false;
      continue;
    }
    VMF_TRY(proxmox_append(value, error, "%s%.*s", before, (int)length, flag));
    before = ";";
  }
  if (!all)
    proxmox_lose(writer, BEHAVIOUR, NULL,
                 "Proxmox VE takes few of a machine; a model of one's own can have the others",
                 "cpu-flags");
  return VMF_OK;
}

/* Models of libvirt's, and all their versions: for one that Proxmox VE has not, it leaves away the
 * whole line, too. */
static bool is_model(const char *model)
{
  static const char *const unknown[] = {"ClearwaterForest", "cpu64-rhel",   "Denverton",
                                        "Dhyana",           "EPYC-Turin",   "n270",
                                        "pentiumpro",       "SierraForest", "Snowridge"};

  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
    if (strncmp(model, unknown[i], strlen(unknown[i])) == 0)
      return false;
  return proxmox_is_word(model, "-._", 60);
}

/* Without one Proxmox takes kvm64, which systems of today no longer run on. */
static enum vmf_code write_cpu(struct proxmox_writer *writer, struct vmf_error *error)
{
  const char *model = writer->machine->cpu_model.text;
  bool arm = writer->machine->arch.told && writer->machine->arch.value == VMF_ARCH_AARCH64;
  VMF_AUTO_FREE char *value = NULL;

  if (model && strcmp(model, "host-model") == 0) {
    proxmox_lose(writer, BEHAVIOUR, NULL, "Proxmox VE has \"host\", which is all that the host has",
                 "cpu-model");
    model = "host";
  }
  if (model && !is_model(model)) {
    proxmox_lose(writer, BEHAVIOUR, NULL, "Proxmox VE has no such processor", "cpu-model");
    model = NULL;
  }
  VMF_TRY(proxmox_append(&value, error, "%s", model ? model : arm ? "host" : "x86-64-v2-AES"));
  VMF_TRY(append_flags(writer, &value, error));
  return proxmox_put_list(writer, "cpu", &value, error);
}

static enum vmf_code write_memory(struct proxmox_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  uint64_t mebibyte = 1 << 20, memory = vmf_told_or(machine->memory, PROXMOX_SILENT_MEMORY << 20);
  uint64_t least = vmf_told_or(machine->memory_least, memory);

  if (vmf_div_up(memory, mebibyte) > PROXMOX_MOST_MEMORY || memory == 0) {
    proxmox_lose(writer, BEHAVIOUR, NULL, "Proxmox VE takes 1 MiB to 1 PiB", "memory");
    memory = memory == 0 ? mebibyte : PROXMOX_MOST_MEMORY * mebibyte;
  }
  if (memory % mebibyte != 0)
    proxmox_lose(writer, COSMETIC, NULL, "Proxmox VE counts whole MiB", "memory");
  VMF_TRY(proxmox_put_number(writer, "memory", vmf_div_up(memory, mebibyte), error));
  if (!machine->memory_least.told)
    return VMF_OK;
  return proxmox_put_number(writer, "balloon",
                            least >= memory || least < mebibyte ? 0 : least / mebibyte, error);
}

/* ---- firmware, guest system ---- */

static enum vmf_code write_firmware(struct proxmox_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  bool efi = machine->firmware.told && machine->firmware.value == VMF_FIRMWARE_EFI;
  bool secure = vmf_told_or(machine->secure_boot, false);

  if (efi)
    proxmox_lose(writer, BEHAVIOUR, "L-nvram",
                 secure ? "there is no disk for the variables of the firmware: qm set ID "
                          "--efidisk0 STORAGE:1,efitype=4m,pre-enrolled-keys=1 makes one"
                        : "there is no disk for the variables of the firmware: qm set ID "
                          "--efidisk0 STORAGE:1,efitype=4m,pre-enrolled-keys=0 makes one",
                 secure ? "secure-boot" : "nvram");
  if (machine->tpm.told && machine->tpm.value != VMF_TPM_NONE)
    proxmox_lose(writer, BEHAVIOUR, NULL,
                 "its state is not taken along: qm set ID --tpmstate0 STORAGE:1,version=v2.0 makes "
                 "a new one",
                 "tpm");
  return proxmox_put(writer, "bios", efi ? "ovmf" : "seabios", error);
}

/* A board that Proxmox knows by name; with EFI firmware, else, the one of PCI Express. */
static enum vmf_code write_board(struct proxmox_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  const char *board = machine->hw_version.text;
  bool known =
      board && proxmox_is_word(board, "-.+", 40) &&
      (strncmp(board, "pc-i440fx-", 10) == 0 || strncmp(board, "pc-q35-", 7) == 0 ||
       strcmp(board, "pc") == 0 || strcmp(board, "q35") == 0 || strcmp(board, "virt") == 0);
  bool efi = machine->firmware.told && machine->firmware.value == VMF_FIRMWARE_EFI;
  bool x86 = !machine->arch.told || machine->arch.value == VMF_ARCH_X86_64;
  bool kept = vmf_machine_extra(machine, PROXMOX_NAME, "meta") != NULL;
  VMF_AUTO_FREE char *value = NULL;

  if (known || (efi && x86 && !kept))
    VMF_TRY(proxmox_append(&value, error, "%s", known ? board : "q35"));
  return proxmox_put_list(writer, "machine", &value, error);
}

static enum vmf_code write_guest(struct proxmox_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  const struct vmf_guest_os *row = vmf_machine_os(machine);
  const char *type = row ? vmf_guest_os_proxmox(row) : NULL;
  const struct vmf_guest_os *read = type ? vmf_guest_os_by_proxmox(type) : NULL;
  bool windows = read && vmf_guest_os_family(read) == VMF_OS_WINDOWS;
  bool local = machine->clock.told && machine->clock.value == VMF_CLOCK_LOCALTIME;

  if (type || machine->os_source.text)
    VMF_TRY(proxmox_put(writer, "ostype", type ? type : "other", error));
  if (machine->clock.told && local != windows)
    VMF_TRY(proxmox_put(writer, "localtime", local ? "1" : "0", error));
  if (!machine->arch.told || machine->arch.value == VMF_ARCH_X86_64)
    return VMF_OK;
  if (machine->arch.value == VMF_ARCH_AARCH64)
    return proxmox_put(writer, "arch", "aarch64", error);
  if (machine->arch.value == VMF_ARCH_I686)
    proxmox_lose(writer, COSMETIC, NULL, "a processor of 64 bits runs it, too", "arch");
  else
    proxmox_lose(writer, BOOT, NULL, "Proxmox VE runs x86_64 and aarch64 only", "arch");
  return VMF_OK;
}

/* ---- what people see and hear ---- */

static enum vmf_code write_screen(struct proxmox_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  const char *word =
      machine->video.text ? proxmox_word_written(proxmox_videos, machine->video.text) : NULL;
  uint64_t heads = vmf_told_or(machine->video_heads, 1), mebibytes = 0;
  VMF_AUTO_FREE char *value = NULL;

  if (machine->video.text && !word)
    proxmox_lose(writer, COSMETIC, NULL, "Proxmox VE has no such card: it takes its own", "video");
  if (word && strcmp(word, "qxl") == 0 && heads >= 2 && heads <= 4)
    VMF_TRY(proxmox_append(&value, error, "qxl%u", (unsigned)heads));
  else if (word && strcmp(word, "virtio") == 0 && vmf_told_or(machine->video_3d, 0))
    VMF_TRY(proxmox_append(&value, error, "virtio-gl"));
  else if (word)
    VMF_TRY(proxmox_append(&value, error, "%s", word));
  if (machine->video_memory.told)
    mebibytes = machine->video_memory.value >> 20;
  if (word && mebibytes >= 4 && mebibytes <= 512)
    VMF_TRY(proxmox_append(&value, error, ",memory=%u", (unsigned)mebibytes));
  return proxmox_put_list(writer, "vga", &value, error);
}

static enum vmf_code write_sound(struct proxmox_writer *writer, struct vmf_error *error)
{
  const char *sound = writer->machine->sound.text;
  const char *word = sound ? proxmox_word_written(proxmox_sounds, sound) : NULL;
  VMF_AUTO_FREE char *value = NULL;

  if (sound && !word)
    proxmox_lose(writer, COSMETIC, NULL, "Proxmox VE has HD Audio and AC97 only", "sound");
  if (word)
    VMF_TRY(proxmox_append(&value, error, "device=%s", word));
  return proxmox_put_list(writer, "audio0", &value, error);
}

static enum vmf_code write_start(struct proxmox_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  VMF_AUTO_FREE char *value = NULL;

  if (machine->autostart.told)
    VMF_TRY(proxmox_put_number(writer, "onboot", machine->autostart.value, error));
  if (machine->tablet.told)
    VMF_TRY(proxmox_put_number(writer, "tablet", machine->tablet.value, error));
  if (machine->start_order.told && machine->start_order.value > UINT32_MAX)
    proxmox_lose(writer, COSMETIC, NULL, "Proxmox VE has no number as large", "start-order");
  else if (machine->start_order.told)
    VMF_TRY(proxmox_append(&value, error, "order=%llu",
                           (unsigned long long)machine->start_order.value));
  return proxmox_put_list(writer, "startup", &value, error);
}

/* Of serial ports the other end is a socket, or a device of the host. */
static enum vmf_code write_ports(struct proxmox_writer *writer, struct vmf_error *error)
{
  unsigned serial = 0, parallel = 0;

  for (size_t i = 0; i < writer->machine->port_count; i++) {
    const struct vmf_machine_port *port = &writer->machine->ports[i];
    const char *path = port->path.text;
    bool device = port->backend.told && port->backend.value == VMF_BACKEND_DEVICE && path &&
                  strncmp(path, "/dev/", 5) == 0;
    unsigned *number = port->parallel.value ? &parallel : &serial;
    char key[PROXMOX_KEY];
    if (*number >= (port->parallel.value ? 3u : 4u) || (port->parallel.value && !device)) {
      proxmox_lose(writer, COSMETIC, NULL,
                   "Proxmox VE has 4 serial ports, and parallel ones of the host only",
                   "ports[%zu]", i);
      continue;
    }
    snprintf(key, sizeof key, "%s%u", port->parallel.value ? "parallel" : "serial", (*number)++);
    if (!device && port->backend.told && port->backend.value != VMF_BACKEND_SOCKET)
      proxmox_lose(writer, COSMETIC, NULL, "its other end becomes a socket", "ports[%zu].backend",
                   i);
    VMF_TRY(proxmox_put(writer, key, device ? path : "socket", error));
  }
  return VMF_OK;
}

enum vmf_code proxmox_write_system(struct proxmox_writer *writer, struct vmf_error *error)
{
  VMF_TRY(write_name(writer, error));
  VMF_TRY(write_ids(writer, error));
  VMF_TRY(write_processors(writer, error));
  VMF_TRY(write_cpu(writer, error));
  VMF_TRY(write_memory(writer, error));
  VMF_TRY(write_firmware(writer, error));
  VMF_TRY(write_board(writer, error));
  VMF_TRY(write_guest(writer, error));
  VMF_TRY(write_screen(writer, error));
  VMF_TRY(write_sound(writer, error));
  VMF_TRY(write_start(writer, error));
  return write_ports(writer, error);
}
