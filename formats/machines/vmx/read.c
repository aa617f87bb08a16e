/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A .vmx into the neutral machine: what is there once in a machine. */
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "memory.h"
#include "text.h"
#include "vmx.h"

enum {
  VMX_SILENT_MEMORY = 32,    /* MiB, of a file without memsize */
  VMX_MOST_MEMORY = 1 << 30, /* MiB */
};

enum vmf_code vmx_read_text(struct vmx_reader *reader, const char *key, struct vmf_told_text *told,
                            struct vmf_error *error)
{
  struct vmx_setting *setting = vmx_find(&reader->text, "%s", key);

  if (!setting)
    return VMF_OK;
  setting->taken = true;
  return vmf_machine_text(reader->machine, setting->value, setting->line, told, error);
}

enum vmf_code vmx_read_flag(struct vmx_reader *reader, const char *key,
                            struct vmf_told_number *told, struct vmf_error *error)
{
  struct vmx_setting *setting = vmx_find(&reader->text, "%s", key);
  bool flag;

  if (!setting)
    return VMF_OK;
  VMF_TRY(vmx_flag(&reader->text, setting, &flag, error));
  setting->taken = true;
  *told = vmf_told(flag, setting->line);
  return VMF_OK;
}

enum vmf_code vmx_read_present(struct vmx_reader *reader, const char *prefix, bool silent,
                               bool *present, struct vmf_error *error)
{
  struct vmx_setting *setting = vmx_find(&reader->text, "%s.present", prefix);

  *present = silent;
  if (!setting)
    return VMF_OK;
  VMF_TRY(vmx_flag(&reader->text, setting, present, error));
  setting->taken = *present;
  return VMF_OK;
}

static enum vmf_code read_scalar(struct vmx_reader *reader, const struct vmx_scalar *scalar,
                                 struct vmf_error *error)
{
  void *field = (char *)reader->machine + scalar->offset;
  struct vmx_setting *setting = vmx_find(&reader->text, "%s", scalar->key);
  uint64_t number;

  if (scalar->kind == VMF_FIELD_TEXT)
    return vmx_read_text(reader, scalar->key, field, error);
  if (scalar->kind == VMF_FIELD_FLAG)
    return vmx_read_flag(reader, scalar->key, field, error);
  if (!setting)
    return VMF_OK;
  if (!vmx_digits(setting->value, INT64_MAX, &number)) {
    vmx_odd(reader, setting, "vmx-number", "%s is \"%.60s\", not a number, and not taken",
            setting->key, setting->value);
    return VMF_OK;
  }
  setting->taken = true;
  *(struct vmf_told_number *)field = vmf_told(number, setting->line);
  return VMF_OK;
}

/* vSphere writes "/", "\" and "%" of a name as %2f, %5c and %25. */
static enum vmf_code read_name(struct vmx_reader *reader, struct vmf_error *error)
{
  struct vmx_setting *setting = vmx_find(&reader->text, "displayName");
  VMF_AUTO_FREE char *name = NULL;
  char *out;

  if (!setting)
    return VMF_OK;
  setting->taken = true;
  VMF_TRY(vmf_copy_text(setting->value, &name, error));
  out = name;
  for (const char *in = setting->value; *in; out++) {
    int high = in[0] == '%' ? vmf_hex_digit(in[1]) : -1;
    int low = high >= 0 ? vmf_hex_digit(in[2]) : -1;
    int byte = low >= 0 ? high << 4 | low : 0;
    bool escape = byte == '/' || byte == '\\' || byte == '%';
    *out = escape ? (char)byte : *in;
    in += escape ? 3 : 1;
  }
  *out = 0;
  return vmf_machine_text(reader->machine, name, setting->line, &reader->machine->name, error);
}

/* One that is not in the table stays as a setting that has no place. */
static enum vmf_code read_guest(struct vmx_reader *reader, struct vmf_error *error)
{
  struct vmx_setting *setting = vmx_find(&reader->text, "guestOS");
  const struct vmf_guest_os *row;
  enum vmf_arch arch;

  if (!setting || !setting->value[0])
    return VMF_OK;
  row = vmx_guest_read(setting->value, &arch);
  setting->taken = row != NULL;
  if (!row)
    vmx_odd(reader, setting, "vmx-guest", "the guest system \"%.60s\" is not known",
            setting->value);
  reader->machine->arch = vmf_told(arch, setting->line);
  return vmf_machine_set_os(reader->machine, row, setting->value, setting->line, error);
}

static enum vmf_code read_memory(struct vmx_reader *reader, struct vmf_error *error)
{
  struct vmx_setting *setting = vmx_find(&reader->text, "memsize");
  uint64_t mebibytes = VMX_SILENT_MEMORY;

  if (setting) {
    VMF_TRY(vmx_number(&reader->text, setting, 1, VMX_MOST_MEMORY, &mebibytes, error));
    setting->taken = true;
  }
  reader->machine->memory = vmf_told(mebibytes << 20, setting ? setting->line : 0);
  return VMF_OK;
}

/* cpuid.coresPerSocket without numvcpus: all in one socket. */
static enum vmf_code read_processors(struct vmx_reader *reader, struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  struct vmx_setting *count = vmx_find(&reader->text, "numvcpus");
  struct vmx_setting *cores = vmx_find(&reader->text, "cpuid.coresPerSocket");
  uint64_t vcpus = 1, per_socket = 0;

  if (cores)
    VMF_TRY(vmx_number(&reader->text, cores, 0, VMF_MACHINE_CPUS, &per_socket, error));
  if (count) {
    VMF_TRY(vmx_number(&reader->text, count, 1, VMF_MACHINE_CPUS, &vcpus, error));
    count->taken = true;
  } else if (per_socket > 1) {
    vcpus = per_socket;
    vmx_odd(reader, cores, "vmx-topology",
            "cpuid.coresPerSocket is %s without numvcpus; so many processors are taken",
            cores->value);
  }
  machine->vcpus = vmf_told(vcpus, count ? count->line : 0);
  if (per_socket == 0) /* not told, or left to VMware */
    return VMF_OK;
  if (vcpus % per_socket != 0) {
    vmx_odd(
        reader, cores, "vmx-topology",
        "%s processors are not whole sockets of cpuid.coresPerSocket = %s; no sockets are taken",
        count ? count->value : "1", cores->value);
    return VMF_OK;
  }
  cores->taken = true;
  machine->cores = vmf_told(per_socket, cores->line);
  machine->sockets = vmf_told(vcpus / per_socket, cores->line);
  return VMF_OK;
}

/* What is not said is BIOS. */
static enum vmf_code read_firmware(struct vmx_reader *reader, struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  struct vmx_setting *setting = vmx_find(&reader->text, "firmware");
  struct vmx_setting *added = vmx_find(&reader->text, "managedvm.autoAddVTPM");
  struct vmf_told_number tpm = {0};
  bool efi = setting && vmf_text_equal_nocase(setting->value, "efi");

  if (setting && !efi && !vmf_text_equal_nocase(setting->value, "bios"))
    return vmx_refuse(&reader->text, setting, "bios, efi", error);
  if (setting)
    setting->taken = true;
  machine->firmware =
      vmf_told(efi ? VMF_FIRMWARE_EFI : VMF_FIRMWARE_BIOS, setting ? setting->line : 0);
  VMF_TRY(vmx_read_flag(reader, "uefi.secureBoot.enabled", &machine->secure_boot, error));
  VMF_TRY(vmx_read_flag(reader, "vtpm.present", &tpm, error));
  if (added && vmf_text_equal_nocase(added->value, "software")) {
    added->taken = true;
    tpm = vmf_told(1, added->line);
  }
  if (tpm.told)
    machine->tpm = vmf_told(tpm.value ? VMF_TPM_2_0 : VMF_TPM_NONE, tpm.line);
  return VMF_OK;
}

static enum vmf_code read_sound(struct vmx_reader *reader, struct vmf_error *error)
{
  struct vmx_setting *model = vmx_find(&reader->text, "sound.virtualDev");
  const char *word = model ? vmf_vendor_neutral_nocase(vmx_sounds, model->value) : "es1371";
  struct vmx_setting *where = vmx_find(&reader->text, "sound.present");
  bool present;

  VMF_TRY(vmx_read_present(reader, "sound", false, &present, error));
  if (!present)
    return VMF_OK;
  if (model)
    model->taken = true;
  return vmf_machine_text(reader->machine, word ? word : model->value, where->line,
                          &reader->machine->sound, error);
}

static enum vmf_code read_video(struct vmx_reader *reader, struct vmf_error *error)
{
  struct vmx_setting *where = vmx_find(&reader->text, "svga.present");
  bool present;

  VMF_TRY(vmx_read_present(reader, "svga", false, &present, error));
  return vmf_machine_text(reader->machine, present ? "vmvga" : NULL, where ? where->line : 0,
                          &reader->machine->video, error);
}

/* rtc.diffFromUTC: seconds. */
static void read_clock(struct vmx_reader *reader)
{
  struct vmx_setting *setting = vmx_find(&reader->text, "rtc.diffFromUTC");
  int64_t seconds;

  if (!setting || !vmx_signed(setting->value, &seconds))
    return;
  setting->taken = true;
  reader->machine->clock = vmf_told(VMF_CLOCK_UTC, setting->line);
  if (seconds != 0)
    reader->machine->clock_offset = vmf_told((uint64_t)seconds, setting->line);
}

/* What each machine has is written for each, and no setting of this one. */
static void read_board(struct vmx_reader *reader)
{
  for (const struct vmx_board *row = vmx_board; reader->hardware >= VMX_BOARD_HARDWARE && row->key;
       row++) {
    struct vmx_setting *setting = vmx_find(&reader->text, "%s", row->key);
    if (setting && vmf_text_equal_nocase(setting->value, row->value))
      setting->taken = true;
  }
}

/* A saved state: the path of the file that holds the memory. */
static void read_suspended(struct vmx_reader *reader)
{
  struct vmx_setting *setting = vmx_find(&reader->text, "checkpoint.vmState");

  if (setting && setting->value[0])
    reader->machine->suspended = vmf_told(1, setting->line);
}

/* Of an encrypted machine only its name is in clear. Where the encryption is of its TPM alone,
 * which Workstation does for Windows 11, all else is, too. */
static enum vmf_code check_encryption(struct vmx_reader *reader, struct vmf_error *error)
{
  struct vmx_setting *encrypted = vmx_find(&reader->text, "encryption.data");

  if (!encrypted)
    encrypted = vmx_find(&reader->text, "encryption.keySafe");
  if (!encrypted)
    return VMF_OK;
  if (!vmx_find(&reader->text, "config.version"))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s:%u: this is an encrypted virtual machine, its disks too; remove the "
                    "encryption in VMware first",
                    reader->text.name, encrypted->line);
  vmx_odd(reader, encrypted, "vmx-encryption",
          "parts of the machine are encrypted (its TPM, as a rule), and not read");
  return VMF_OK;
}

static enum vmf_code check_kind(struct vmx_reader *reader, struct vmf_error *error)
{
  struct vmx_setting *config = vmx_find(&reader->text, "config.version");

  VMF_TRY(check_encryption(reader, error));
  if (config)
    config->taken = true;
  else if (!vmx_find(&reader->text, "virtualHW.version"))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: there is neither config.version nor virtualHW.version: this is no .vmx",
                    reader->text.name);
  else
    vmf_report_add(reader->text.report, VMF_SEVERITY_WARNING, "vmx-version", reader->text.name, 0,
                   "there is no config.version, without which VMware does not open the machine");
  vmx_take(&reader->text, ".encoding");
  return VMF_OK;
}

static enum vmf_code read_machine(struct vmx_reader *reader, struct vmf_error *error)
{
  VMF_TRY(check_kind(reader, error));
  VMF_TRY(vmx_read_identity(reader, error));
  VMF_TRY(read_name(reader, error));
  VMF_TRY(read_guest(reader, error));
  VMF_TRY(read_memory(reader, error));
  VMF_TRY(read_processors(reader, error));
  VMF_TRY(read_firmware(reader, error));
  VMF_TRY(read_sound(reader, error));
  VMF_TRY(read_video(reader, error));
  read_clock(reader);
  read_suspended(reader);
  read_board(reader);
  for (const struct vmx_scalar *scalar = vmx_scalars; scalar->key; scalar++)
    VMF_TRY(read_scalar(reader, scalar, error));
  VMF_TRY(vmx_read_disks(reader, error));
  VMF_TRY(vmx_read_cards(reader, error));
  VMF_TRY(vmx_read_ports(reader, error));
  VMF_TRY(vmx_read_boot(reader, error));
  VMF_TRY(vmx_read_snapshots(reader, error));
  return vmx_read_extras(reader, error);
}

enum vmf_code vmx_read(const struct vmf_machine_source *source, struct vmf_machine *machine,
                       struct vmf_report *report, struct vmf_error *error)
{
  struct vmx_reader reader = {.source = source, .machine = machine};
  enum vmf_code code =
      vmx_parse(source->name, source->bytes, source->length, report, &reader.text, error);

  if (code == VMF_OK)
    code = read_machine(&reader, error);
  vmx_clear(&reader.text);
  return code;
}
