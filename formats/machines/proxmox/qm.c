/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A script for the shell that imports a machine into Proxmox VE by its own program, qm: what a
 * configuration says, as options. It does nothing but when a person runs it. It is read again as
 * the configuration that it is made of; of scripts that others wrote nothing is read. */
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "proxmox_writer.h"
#include "qm_words.h"
#include "shell_word.h"

#define QM_IMPORT "$storage:0,import-from=$PWD/"
#define QM_CREATE "qm create \"$vmid\""

static const char head[] =
    "#!/bin/sh\n"
    "# Imports the machine whose disks are beside it into Proxmox VE, as root on a node:\n"
    "#   sh SCRIPT [VMID [STORAGE]]\n"
    "# Look through it before it is run.\n"
    "set -eu\n"
    "CDPATH= cd -- \"$(dirname -- \"$0\")\"\n"
    "vmid=${1:-$(pvesh get /cluster/nextid)}\n"
    "storage=${2:-local-lvm}\n"
    "\n" QM_CREATE;

/* ---- written ---- */

static bool is_drive(const char *key)
{
  for (const struct proxmox_bus *bus = proxmox_buses; bus->name; bus++) {
    size_t length = strlen(bus->name);
    if (strncmp(key, bus->name, length) == 0 && key[length] >= '0' && key[length] <= '9')
      return true;
  }
  return false;
}

/* Whether the value begins with a file beside the script. */
static bool is_beside(const struct vmf_machine_target *target, const char *value)
{
  size_t length = strcspn(value, ",");

  for (size_t i = 0; i < target->disk_count; i++) {
    const char *name = target->disks[i].name;
    if (name && strlen(name) == length && strncmp(name, value, length) == 0)
      return true;
  }
  return false;
}

/* When a setting is made: with the machine, then its drives, then what names them. */
enum step { WITH_MACHINE, DRIVES, BEHIND };

static enum step step_of(const char *key)
{
  return is_drive(key) ? DRIVES : strcmp(key, "boot") == 0 ? BEHIND : WITH_MACHINE;
}

/* Of what was kept of another configuration qm has those options that Proxmox is known to have, but
 * for those that it keeps itself, that were of old versions, and that it takes from a file. */
static bool is_option(const struct vmf_machine *machine, const char *key)
{
  static const char *const own[] = {"meta", "runningmachine", "runningcpu", "running-nets-host-mtu",
                                    "sshkeys"};

  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
    if (strcmp(own[i], key) == 0)
      return false;
  if (strncmp(key, "vlan", 4) == 0)
    return false;
  for (size_t i = 0; i < machine->extra_count; i++) {
    const struct vmf_machine_extra *extra = &machine->extras[i];
    if (!extra->known && strcmp(extra->vendor, PROXMOX_NAME) == 0 && strcmp(extra->key, key) == 0)
      return false;
  }
  return proxmox_is_word(key, "_-", PROXMOX_KEY - 1);
}

/* A disk goes onto the storage, the image of a CD drive stays where it is. */
static void put_setting(FILE *out, const struct vmf_machine_target *target, const char *key,
                        const char *value)
{
  bool beside = is_drive(key) && is_beside(target, value);

  fprintf(out, step_of(key) > WITH_MACHINE ? "qm set \"$vmid\" --%s " : " \\\n  --%s ", key);
  if (beside && !strstr(value, ",media=cdrom"))
    fputs("\"$storage\":0,import-from=\"$PWD\"/", out);
  else if (beside)
    fputs("\"$PWD\"/", out);
  vmf_put_shell_word(out, value, true);
  if (step_of(key) > WITH_MACHINE)
    fputc('\n', out);
}

/* The settings of a configuration's lines that are made in this step. What qm has no option for is
 * left out. */
static enum vmf_code put_settings(FILE *out, const struct vmf_machine *machine,
                                  const struct vmf_machine_target *target, const char *conf,
                                  enum step step, struct vmf_error *error)
{
  for (const char *line = conf; *line;) {
    VMF_AUTO_FREE char *key = NULL, *value = NULL;
    size_t length = strcspn(line, "\n"), name = strcspn(line, ":");

    if (*line != '#' && name + 2 <= length) {
      VMF_TRY(proxmox_append(&key, error, "%.*s", (int)name, line));
      VMF_TRY(proxmox_append(&value, error, "%.*s", (int)(length - name - 2), line + name + 2));
      if (step_of(key) == step && is_option(machine, key))
        put_setting(out, target, key, value);
    }
    line += length + (line[length] == '\n');
  }
  return VMF_OK;
}

/* OVMF keeps its variables on a disk of 4 MiB, which is made new. */
static void put_firmware(FILE *out, const struct vmf_machine *machine)
{
  if (vmf_told_or(machine->firmware, VMF_FIRMWARE_BIOS) == VMF_FIRMWARE_EFI)
    fprintf(out, "qm set \"$vmid\" --efidisk0 \"$storage\":1,efitype=4m,pre-enrolled-keys=%d\n",
            vmf_told_or(machine->secure_boot, 0) != 0);
}

static enum vmf_code put_script(FILE *out, const struct vmf_machine *machine,
                                const struct vmf_machine_target *target, const char *conf,
                                struct vmf_error *error)
{
  fputs(head, out);
  VMF_TRY(put_settings(out, machine, target, conf, WITH_MACHINE, error));
  if (machine->description.text) {
    fputs(" \\\n  --description ", out);
    vmf_put_shell_word(out, machine->description.text, true);
  }
  fputc('\n', out);
  put_firmware(out, machine);
  VMF_TRY(put_settings(out, machine, target, conf, DRIVES, error));
  VMF_TRY(put_settings(out, machine, target, conf, BEHIND, error));
  fputs("echo \"vmferry: the machine is $vmid\"\n", out);
  return VMF_OK;
}

/* The losses of a configuration, but for what the script does. */
static void lose(void *data, const char *field, const char *code, enum vmf_loss_weight weight,
                 const char *why)
{
  const struct vmf_machine_losses *losses = data;
  bool firmware = code && strcmp(code, "L-nvram") == 0;

  if (losses)
    losses->lose(losses->data, field, code, weight,
                 firmware ? "the script makes a new disk for the variables of the firmware" : why);
}

static enum vmf_code qm_write(const struct vmf_machine *machine,
                              const struct vmf_machine_target *target,
                              const struct vmf_machine_losses *losses, char **text, size_t *length,
                              struct vmf_error *error)
{
  struct vmf_machine_target beside = *target;
  const struct vmf_machine_losses own = {.lose = lose, .data = (void *)losses};
  VMF_AUTO_FREE char *conf = NULL;
  size_t conf_length;

  *text = NULL;
  beside.folder = NULL; /* wherever the script is run */
  VMF_TRY(proxmox_write(machine, &beside, &own, &conf, &conf_length, error));
  if (vmf_machine_extra(machine, PROXMOX_NAME, "sshkeys"))
    vmf_machine_lose(losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "qm takes them from a file: qm set ID --sshkeys FILE", "extra.sshkeys");
  FILE *out = open_memstream(text, length);
  if (!out)
    return vmf_fail(error, VMF_NOMEM, "no memory for a script");
  enum vmf_code code = put_script(out, machine, &beside, conf, error);
  bool failed = ferror(out) != 0;
  if ((!vmf_memstream_end(out, text) || failed) && code == VMF_OK)
    code = vmf_fail(error, VMF_NOMEM, "no memory for a script");
  if (code != VMF_OK) {
    vmf_free(*text);
    *text = NULL;
  }
  return code;
}

/* ---- read again ---- */

static enum vmf_code add_setting(char **conf, const char *key, const char *value,
                                 struct vmf_error *error)
{
  static const char *const beside[] = {QM_IMPORT, "$PWD/"};

  if (strcmp(key, "description") == 0)
    return proxmox_append_note(conf, value, error);
  if (strcmp(key, "efidisk0") == 0)
    return VMF_OK;
  for (size_t i = 0; i < 2; i++)
    if (strncmp(value, beside[i], strlen(beside[i])) == 0) {
      value += strlen(beside[i]);
      break;
    }
  return proxmox_append(conf, error, "%s: %s\n", key, value);
}

static enum vmf_code qm_read(const struct vmf_machine_source *source, struct vmf_machine *machine,
                             struct vmf_report *report, struct vmf_error *error)
{
  struct vmf_machine_source again = *source;
  VMF_AUTO_FREE char *conf = NULL, *script = NULL;

  if (source->length > CONF_FILE)
    return vmf_fail(error, VMF_LIMIT, "%s: is longer than %d bytes", source->name, CONF_FILE);
  VMF_TRY(vmf_copy_bytes(source->bytes, source->length, &script, error));
  const char *at = strstr(script, QM_CREATE);
  if (!at)
    return vmf_fail(error, VMF_CORRUPT, "%s: is no script of vmferry that imports a machine by qm",
                    source->name);
  for (at += strlen(QM_CREATE); *at;) {
    VMF_AUTO_FREE char *key = NULL, *value = NULL;

    VMF_TRY(qm_take_word(&at, &key, error));
    if (!key || strncmp(key, "--", 2) != 0)
      continue;
    VMF_TRY(qm_take_word(&at, &value, error));
    if (value)
      VMF_TRY(add_setting(&conf, key + 2, value, error));
  }
  again.bytes = conf ? conf : "";
  again.length = strlen(again.bytes);
  return proxmox_read(&again, machine, report, error);
}

static int qm_probe(const uint8_t *bytes, size_t length)
{
  return length >= sizeof head - 1 && memcmp(bytes, head, sizeof head - 1) == 0 ? 100 : 0;
}

static const char *const suffixes[] = {"sh", NULL};

extern const struct vmf_machine_format vmf_machine_format_qm;
const struct vmf_machine_format vmf_machine_format_qm = {
    .name = "qm",
    .summary = "Proxmox VE: a script that imports the machine by qm, with its disks beside it",
    .suffixes = suffixes,
    .probe = qm_probe,
    .read = qm_read,
    .write = qm_write,
    .disk_form = "qcow2",
};
