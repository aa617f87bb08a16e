/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * For a platform that takes disks and no machine: a script for the shell that calls the platform's
 * own program for each of them. It does nothing but when a person runs it. */
#include "upload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "memory.h"
#include "profile.h"
#include "shell_word.h"

enum { LABEL = 60, WORD = 32 };

struct script {
  const struct vmf_machine *machine;
  const struct vmf_machine_target *target;
  const struct upload_calls *calls;
  char *text;
  size_t length;
  FILE *out;
};

/* ---- words ---- */

/* A label of RFC 1123: lower-case letters, digits and '-', a letter first. */
static void put_label(const struct script *script, size_t number)
{
  const char *name = script->machine->name.text;
  char label[LABEL + 1] = "";
  size_t length = 0;

  for (const char *c = name ? name : ""; *c && length < LABEL - 10; c++) {
    char letter = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    bool plain = (letter >= 'a' && letter <= 'z') || (length > 0 && letter >= '0' && letter <= '9');
    if (plain)
      label[length++] = letter;
    else if (length > 0 && label[length - 1] != '-')
      label[length++] = '-';
  }
  while (length > 0 && label[length - 1] == '-')
    length--;
  label[length] = '\0';
  fputs(length > 0 ? label : "vm", script->out);
  if (number > 1)
    fprintf(script->out, "-disk%zu", number);
}

static bool is_efi(const struct script *script)
{
  return vmf_told_or(script->machine->firmware, VMF_FIRMWARE_BIOS) == VMF_FIRMWARE_EFI;
}

static const char *system_of(const struct vmf_machine *machine)
{
  return vmf_machine_family(machine) == VMF_OS_WINDOWS ? "Windows" : "Linux";
}

/* As Glance knows it (os_type): the clock of Windows shows local time. */
static const char *kind_of(const struct vmf_machine *machine)
{
  enum vmf_os_family family = vmf_machine_family(machine);

  return family == VMF_OS_WINDOWS ? "--property os_type=windows "
         : family == VMF_OS_LINUX ? "--property os_type=linux "
                                  : "";
}

/* As Glance calls it (hw_disk_bus). "scsi" is QEMU's own adapter, or that of the model; the guest
 * has no driver for either where it was on another one, but for AHCI. */
static const char *bus_of(const struct vmf_machine *machine, const struct vmf_machine_disk *disk)
{
  static const char *const words[VMF_BUSES] = {[VMF_BUS_IDE] = "ide",
                                               [VMF_BUS_SATA] = "sata",
                                               [VMF_BUS_VIRTIO] = "virtio",
                                               [VMF_BUS_USB] = "usb"};
  const struct vmf_machine_controller *controller =
      vmf_machine_controller(machine, VMF_BUS_SCSI, vmf_told_or(disk->controller, 0));
  const char *model = controller && controller->model.text ? controller->model.text : "";
  const char *word = disk->bus.value < VMF_BUSES ? words[disk->bus.value] : NULL;

  if (disk->bus.value == VMF_BUS_SCSI && strcmp(model, "virtio-scsi") == 0)
    return "scsi --property hw_scsi_model=virtio-scsi";
  if (disk->bus.value == VMF_BUS_SCSI && strcmp(model, "lsi53c895a") == 0)
    return "scsi";
  return word ? word : "sata";
}

/* As Glance calls it (hw_vif_model). */
static const char *nic_of(const struct vmf_machine *machine)
{
  static const char *const known[] = {"e1000", "e1000e", "rtl8139", "virtio", "vmxnet3"};
  const char *model = machine->nic_count > 0 ? machine->nics[0].model.text : NULL;

  for (size_t i = 0; model && i < sizeof known / sizeof known[0]; i++)
    if (strcmp(known[i], model) == 0)
      return known[i];
  return model && strcmp(model, "pcnet32") == 0 ? "pcnet" : "e1000";
}

static void put_value(const struct script *script, const char *word, size_t disk, size_t number)
{
  const struct vmf_machine *machine = script->machine;
  const struct vmf_machine_target_disk *target = &script->target->disks[disk];
  const uint64_t gib = UINT64_C(1) << 30;
  const struct {
    const char *word, *value;
  } values[] = {{"firmware", is_efi(script) ? "uefi" : "bios"},
                {"boot", is_efi(script) ? "uefi" : "legacy-bios"},
                {"generation", is_efi(script) ? "V2" : "V1"},
                {"features", is_efi(script) ? "UEFI_COMPATIBLE,VIRTIO_SCSI_MULTIQUEUE,GVNIC"
                                            : "VIRTIO_SCSI_MULTIQUEUE,GVNIC"},
                {"system", system_of(machine)},
                {"bus", bus_of(machine, &machine->disks[disk])},
                {"kind", kind_of(machine)},
                {"nic", nic_of(machine)}};

  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
    if (strcmp(values[i].word, word) == 0)
      fputs(values[i].value, script->out);
  if (strcmp(word, "file") == 0)
    vmf_put_shell_word(script->out, target->name, false);
  else if (strcmp(word, "name") == 0)
    vmf_put_shell_word(script->out, machine->name.text ? machine->name.text : "vm", false);
  else if (strcmp(word, "label") == 0)
    put_label(script, number);
  else if (strcmp(word, "gib") == 0)
    fprintf(script->out, "%" PRIu64, target->capacity / gib + (target->capacity % gib > 0));
  else if (strcmp(word, "memory") == 0)
    fprintf(script->out, "%" PRIu64, vmf_told_or(machine->memory, 0) >> 20);
}

/* ---- the script ---- */

static void put_call(const struct script *script, const char *call, size_t disk, size_t number)
{
  char word[WORD];
  int length;

  for (; call && *call; call++) {
    if (sscanf(call, "{%31[a-z]}%n", word, &length) == 1 && call[length - 1] == '}') {
      put_value(script, word, disk, number);
      call += length - 1;
    } else {
      fputc(*call, script->out);
    }
  }
}

static void put_head(const struct script *script)
{
  char word[WORD];
  int length;

  fprintf(script->out,
          "#!/bin/sh\n# Uploads the disks beside it to %s. Look through it before it is run.\n",
          script->target->platform->info.summary);
  for (const char *const *line = script->calls->say; *line; line++)
    fprintf(script->out, "# %s\n", *line);
  fputs("set -eu\nCDPATH= cd -- \"$(dirname -- \"$0\")\"\n", script->out);
  for (const char *need = script->calls->needs; sscanf(need, " %31s%n", word, &length) == 1;
       need += length)
    fprintf(script->out, ": \"${%s:?is not set}\"\n", word);
}

static void put_all(const struct script *script)
{
  size_t number = 0;

  put_head(script);
  for (size_t i = 0; i < script->target->disk_count; i++) {
    if (!script->target->disks[i].name)
      continue;
    number++;
    put_call(script, script->calls->each, i, number);
    put_call(script, number == 1 ? script->calls->first : script->calls->further, i, number);
  }
}

/* Of a platform whose images say which bus they are on. */
static void tell_buses(const struct script *script, const struct vmf_machine_losses *losses)
{
  const struct vmf_machine *machine = script->machine;

  for (size_t i = 0; i < machine->disk_count; i++)
    if (strstr(script->calls->each, "{bus}") && script->target->disks[i].name &&
        machine->disks[i].bus.value != VMF_BUS_SATA &&
        strcmp(bus_of(machine, &machine->disks[i]), "sata") == 0)
      vmf_machine_lose(losses, VMF_LOSS_BOOT, "L-controller",
                       "there is no such controller: the guest needs a driver for AHCI when it "
                       "starts next",
                       "disks[%zu].bus", i);
}

static enum vmf_code upload_write(const struct vmf_machine *machine,
                                  const struct vmf_machine_target *target,
                                  const struct vmf_machine_losses *losses, char **text,
                                  size_t *length, struct vmf_error *error)
{
  struct script script = {.machine = machine, .target = target};

  script.calls = target->platform ? upload_calls_of(target->platform->info.name) : NULL;
  if (!script.calls)
    return vmf_fail(error, VMF_USAGE,
                    "%s: a script that uploads disks is for a platform: --for azure, for one",
                    target->name);
  tell_buses(&script, losses);
  script.out = open_memstream(&script.text, &script.length);
  if (!script.out)
    return vmf_fail(error, VMF_NOMEM, "no memory for a script");
  put_all(&script);
  bool failed = ferror(script.out) != 0;
  if (!vmf_memstream_end(script.out, &script.text) || failed) {
    vmf_free(script.text);
    return vmf_fail(error, VMF_NOMEM, "no memory for a script");
  }
  *text = script.text;
  *length = script.length;
  return VMF_OK;
}

static int upload_probe(const uint8_t *head, size_t length)
{
  (void)head, (void)length;
  return 0;
}

static const char *const suffixes[] = {"sh", NULL};

extern const struct vmf_machine_format vmf_machine_format_upload;
const struct vmf_machine_format vmf_machine_format_upload = {
    .name = "upload",
    .summary = "disks for a platform that takes no machine (--for), with a script that uploads "
               "them",
    .suffixes = suffixes,
    .probe = upload_probe,
    .write = upload_write,
    .disk_form = "raw",
    .disks_of_platform = true,
};
