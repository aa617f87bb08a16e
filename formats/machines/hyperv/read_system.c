/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is there once in a machine. */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "guid.h"
#include "hyperv.h"
#include "text.h"

enum { MOST_MEMORY = 1 << 30 /* MiB */ };

/* A key of the virtual BIOS; the short form that Packer and Vagrant write has it at the top. */
static struct hyperv_key *take_firmware(struct hyperv_reader *reader, const char *name)
{
  const struct hyperv_device *bios = hyperv_device_of(reader, HYPERV_BIOS);
  struct hyperv_key *key = bios ? hyperv_take(reader, "%s/%s", bios->node, name) : NULL;

  return key ? key : hyperv_take(reader, "%s", name);
}

/* ---- identity ---- */

/* "b7ca8a6ab91ab997147185c9284d42c5": two numbers of 64 bits, the higher one first; in the guest's
 * memory the lower one is first, and each little-endian. */
static void read_genid(struct hyperv_reader *reader)
{
  struct hyperv_key *key = hyperv_take(reader, "global_settings/devices/generation_id");
  uint64_t halves[2] = {0};
  size_t digits = 0;

  if (!key || !*key->value)
    return;
  for (int digit; digits < 32 && (digit = vmf_hex_digit(key->value[digits])) >= 0; digits++)
    halves[digits / 16] = halves[digits / 16] << 4 | (unsigned)digit;
  key->taken = digits == 32 && key->value[32] == '\0';
  if (!key->taken) {
    hyperv_odd(reader, key, "hyperv-value", "%s is \"%.40s\", not 32 hexadecimal digits", key->path,
               key->value);
    return;
  }
  struct vmf_told_id *genid = &reader->machine->genid;
  put_le64(genid->bytes, halves[1]);
  put_le64(genid->bytes + 8, halves[0]);
  genid->told = true;
  genid->line = key->line;
}

/* "{967df1ba-2c00-4998-9f1b-d60bcc0c4b90}" */
static void read_uuid(struct hyperv_reader *reader)
{
  struct hyperv_key *key = take_firmware(reader, "bios_guid");
  struct vmf_told_id *uuid = &reader->machine->uuid;
  char text[VMF_GUID_TEXT + 2] = "";

  if (!key || !*key->value)
    return;
  bool braced = key->value[0] == '{';
  snprintf(text, sizeof text, "%.37s", key->value + braced);
  size_t length = strlen(text);
  if (braced && length > 0 && text[length - 1] == '}')
    text[length - 1] = '\0';
  key->taken = vmf_guid_parse(text, uuid->bytes);
  uuid->told = key->taken;
  uuid->line = key->line;
  if (!key->taken)
    hyperv_odd(reader, key, "hyperv-value", "%s is \"%.60s\", no GUID", key->path, key->value);
}

/* 2304 is 9.0. */
static enum vmf_code read_version(struct hyperv_reader *reader, struct vmf_error *error)
{
  struct hyperv_key *key = hyperv_take(reader, "properties/version");
  struct vmf_told_number version = {0};

  hyperv_number(reader, key, UINT16_MAX, &version);
  if (!version.told)
    return VMF_OK;
  return vmf_machine_format_text(reader->machine, version.line, &reader->machine->hw_version, error,
                                 "%u.%u", (unsigned)version.value >> 8,
                                 (unsigned)version.value & 0xff);
}

static enum vmf_code read_identity(struct hyperv_reader *reader, struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  const struct hyperv_key *notes = hyperv_take(reader, "properties/notes");

  VMF_TRY(hyperv_text(reader, hyperv_take(reader, "properties/name"), &machine->name, error));
  VMF_TRY(hyperv_text(reader, notes ? notes : hyperv_take(reader, "notes"), &machine->description,
                      error));
  read_uuid(reader);
  read_genid(reader);
  return read_version(reader, error);
}

/* ---- processors and memory ---- */

static void read_processors(struct hyperv_reader *reader)
{
  struct vmf_machine *machine = reader->machine;
  struct vmf_told_number threads = {0};

  hyperv_number(reader, hyperv_take(reader, "settings/processors/count"), VMF_MACHINE_CPUS,
                &machine->vcpus);
  hyperv_number(reader, hyperv_take(reader, "settings/processors/hwthreads"), VMF_MACHINE_CPUS,
                &threads);
  if (threads.value > 0) /* 0: as the host has it */
    machine->threads = threads;
  hyperv_flag(reader, hyperv_take(reader, "settings/processors/nested_virtualization/enabled"),
              &machine->nested);
}

static void read_mebibytes(struct hyperv_reader *reader, const char *name,
                           struct vmf_told_number *told)
{
  struct vmf_told_number mebibytes = {0};

  hyperv_number(reader, hyperv_take(reader, "settings/memory/bank/%s", name), MOST_MEMORY,
                &mebibytes);
  if (mebibytes.told)
    *told = vmf_told(mebibytes.value << 20, mebibytes.line);
}

/* The least and the most mean something only where memory is dynamic. */
static enum vmf_code read_memory(struct hyperv_reader *reader, struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  struct vmf_told_number dynamic = {0};

  read_mebibytes(reader, "size", &machine->memory);
  hyperv_flag(reader, hyperv_take(reader, "settings/memory/bank/dynamic_memory_enabled"), &dynamic);
  if (dynamic.value) {
    read_mebibytes(reader, "reservation", &machine->memory_least);
    read_mebibytes(reader, "limit", &machine->memory_most);
  }
  if (machine->memory.value > 0)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: has no settings/memory/bank/size, a number of MiB from 1 to %d",
                  reader->source->name, MOST_MEMORY);
}

/* ---- firmware ---- */

/* The keys that a certificate is checked against are those of Microsoft in either template. */
static enum vmf_code read_secure_boot(struct hyperv_reader *reader, struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  struct vmf_told_number enabled = {0};
  struct hyperv_key *template = take_firmware(reader, "secure_boot_template_id");

  if (!template)
    template = take_firmware(reader, "secure_boot_template");
  hyperv_flag(reader, take_firmware(reader, "secure_boot_enabled"), &enabled);
  if (template && *template->value && strspn(template->value, "0-{}") < strlen(template->value))
    VMF_TRY(vmf_machine_add_extra(machine, HYPERV_NAME, "secure_boot_template", template->value,
                                  template->line, true, error));
  else
    template = NULL;
  if (!enabled.told || !reader->efi)
    return VMF_OK;
  machine->secure_boot = vmf_told(!enabled.value ? VMF_SECURE_BOOT_OFF
                                  : template     ? VMF_SECURE_BOOT_MICROSOFT
                                                 : VMF_SECURE_BOOT_ON,
                                  enabled.line);
  return VMF_OK;
}

/* The order of classes of generation 1. */
static enum vmf_code read_boot(struct hyperv_reader *reader, struct vmf_error *error)
{
  static const char *const words[][2] = {
      {"HardDrive", "disk"}, {"Optical", "cdrom"}, {"Network", "network"}, {"Floppy", "floppy"}};
  char classes[64] = "", name[] = "boot/device0";
  unsigned line = 0;

  for (; name[11] < '8'; name[11]++) {
    struct hyperv_key *key = take_firmware(reader, name);
    bool known = false;
    for (size_t i = 0; key && i < sizeof words / sizeof words[0]; i++) {
      if (!vmf_text_equal_nocase(key->value, words[i][0]))
        continue;
      known = true;
      size_t used = strlen(classes);
      if (!strstr(classes, words[i][1]))
        snprintf(classes + used, sizeof classes - used, "%s%s", used > 0 ? "," : "", words[i][1]);
      line = line ? line : key->line;
    }
    if (!key || known || !*key->value)
      continue;
    key->taken = false;
    hyperv_odd(reader, key, "hyperv-boot", "%s is \"%.40s\", no kind of drive that is known",
               key->path, key->value);
  }
  return vmf_machine_text(reader->machine, classes[0] && !reader->efi ? classes : NULL, line,
                          &reader->machine->boot, error);
}

/* The file with the variables of the firmware and the state of the TPM. */
static enum vmf_code read_state(struct hyperv_reader *reader, struct vmf_error *error)
{
  const struct hyperv_device *device = hyperv_device_of(reader, HYPERV_STATE);

  if (!reader->efi || !device)
    return VMF_OK;
  return hyperv_text(reader, hyperv_take(reader, "%s/StateFilePath", device->node),
                     &reader->machine->nvram, error);
}

static enum vmf_code read_firmware(struct hyperv_reader *reader, struct vmf_error *error)
{
  struct hyperv_key *subtype = hyperv_take(reader, "properties/subtype");
  struct vmf_told_number generation = {0};

  hyperv_number(reader, subtype, 1, &generation);
  if (subtype && !generation.told)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: properties/subtype is \"%.40s\"; known are 0 (generation 1) and 1 "
                    "(generation 2)",
                    reader->source->name, subtype->value);
  reader->efi = generation.value == 1;
  reader->machine->firmware =
      vmf_told(reader->efi ? VMF_FIRMWARE_EFI : VMF_FIRMWARE_BIOS, generation.line);
  VMF_TRY(read_secure_boot(reader, error));
  VMF_TRY(read_boot(reader, error));
  return read_state(reader, error);
}

/* ---- the rest ---- */

/* 0: never; 1: if it ran before, which is what every machine has; 2: always. */
static void read_start(struct hyperv_reader *reader)
{
  struct vmf_told_number action = {0};
  struct hyperv_key *key = hyperv_take(reader, "global_settings/power/host_startup/action");

  hyperv_number(reader, key, 2, &action);
  if (action.told && action.value != 1)
    reader->machine->autostart = vmf_told(action.value == 2, action.line);
}

/* Checkpoints are configurations of their own, with disks below those of the machine. */
static void tell_snapshots(struct hyperv_reader *reader)
{
  struct vmf_told_number count = {0};
  struct hyperv_key *key = hyperv_take(reader, "global_settings/snapshots/list/size");

  hyperv_number(reader, key, UINT32_MAX, &count);
  if (count.value > 0)
    hyperv_odd(reader, key, "hyperv-checkpoints",
               "the machine has %llu checkpoints: its disks are read as they are now; the .vmcx "
               "of each is in the folder Snapshots",
               (unsigned long long)count.value);
}

/* What it was doing when it was stopped. */
static void read_suspended(struct hyperv_reader *reader)
{
  static const char *const files[] = {"savedstate/vsvlocation", "savedstate/memlocation"};

  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    const struct hyperv_key *key = hyperv_take(reader, "%s", files[i]);
    if (key && *key->value)
      reader->machine->suspended = vmf_told(1, key->line);
  }
}

enum vmf_code hyperv_read_system(struct hyperv_reader *reader, struct vmf_error *error)
{
  VMF_TRY(read_identity(reader, error));
  read_processors(reader);
  VMF_TRY(read_memory(reader, error));
  VMF_TRY(read_firmware(reader, error));
  read_start(reader);
  read_suspended(reader);
  tell_snapshots(reader);
  return VMF_OK;
}
