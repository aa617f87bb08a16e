/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The script read again, so that what it does is known and not believed: only lines as they are
 * written here, one command each, in any order. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "hyperv_script.h"
#include "memory.h"
#include "utf8.h"

enum { WORDS = 16, LINE = 1 << 20 /* bytes */, ARRAY = VMF_MACHINE_DEVICES };
enum { CONTROLLERS = 4, PLACES = 64 /* of a SCSI controller; IDE has fewer */, VLAN_MOST = 4094 };

/* A line in its words: a text in parentheses is one, without them and its quotes. */
struct hyperv_line {
  const char *file;
  unsigned number;
  char *text; /* owned: the words */
  const char *words[WORDS];
  bool quoted[WORDS]; /* it is a value, whatever it looks like */
  size_t count;
};

struct hyperv_script_reader {
  struct vmf_machine *machine;
  const struct hyperv_line *line;
  size_t *disks; /* of "$driveN": its index; owned; ARRAY of them; SIZE_MAX: none */
  size_t *nics;
  bool efi;
};

static enum vmf_code refuse(const struct hyperv_line *line, struct vmf_error *error)
{
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s:%u: this line is none that vmferry writes; such a script is only read as it "
                  "was written",
                  line->file, line->number);
}

/* ---- words ---- */

/* "[char]0x2019", at most two of them a character; its bytes in UTF-8. NULL: it is none. */
static const char *take_char(const char *at, uint32_t *high, char **out)
{
  char *end;

  if (strncmp(at, "[char]0x", 8) != 0)
    return NULL;
  unsigned long unit = strtoul(at + 8, &end, 16);
  if (unit == 0 || unit > 0xffff)
    return NULL;
  if (unit >= 0xd800 && unit < 0xdc00) {
    *high = (uint32_t)unit;
    return end;
  }
  if (unit >= 0xdc00 && unit < 0xe000)
    unit = 0x10000 + ((unsigned long)(*high & 0x3ff) << 10) + (unit & 0x3ff);
  *out += vmf_utf8_put((uint32_t)unit, *out);
  return end;
}

/* What stands in quotes; behind the closing one. NULL: there is none. */
static const char *take_quoted(const char *at, char **out)
{
  for (at++; *at; at++) {
    if (*at == '\'' && at[1] != '\'')
      return at + 1;
    at += *at == '\'';
    *(*out)++ = *at;
  }
  return NULL;
}

/* "('a'+[char]0x2019+'b')", "($folder+('a'))"; behind the parenthesis. */
static const char *take_expression(const char *at, char **out)
{
  unsigned depth = 1;
  uint32_t high = 0;

  for (at++; at && depth > 0;) {
    if (*at == '\'')
      at = take_quoted(at, out);
    else if (*at == '[')
      at = take_char(at, &high, out);
    else if (strncmp(at, "$folder+", 8) == 0)
      at += 8;
    else if (*at == '+')
      at++;
    else if (*at == '(' || *at == ')')
      depth += *at++ == '(' ? 1u : (unsigned)-1;
    else
      at = NULL;
  }
  return at;
}

static enum vmf_code split(struct hyperv_line *line, const char *at, size_t length,
                           struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  void *memory;

  VMF_TRY(vmf_copy_bytes(at, length, &copy, error));
  VMF_TRY(vmf_alloc(length + 2 + WORDS, &memory, error)); /* a [char] is longer than its bytes */
  line->text = memory;
  char *out = line->text;
  for (const char *in = copy + strspn(copy, " "); in && *in; in += strspn(in, " ")) {
    if (line->count == WORDS)
      return refuse(line, error);
    line->quoted[line->count] = *in == '(';
    line->words[line->count++] = out;
    if (*in == '(') {
      in = take_expression(in, &out);
    } else {
      size_t word = strcspn(in, " ");
      memcpy(out, in, word);
      out += word;
      in += word;
    }
    if (!in || (*in && *in != ' '))
      return refuse(line, error);
    *out++ = '\0';
  }
  return VMF_OK;
}

static bool is(const struct hyperv_line *line, size_t index, const char *word)
{
  return index < line->count && strcmp(line->words[index], word) == 0;
}

/* What stands behind "-Name"; NULL: it is not there. */
static const char *option(const struct hyperv_line *line, const char *name)
{
  for (size_t i = 0; i + 1 < line->count; i++)
    if (!line->quoted[i] && strcmp(line->words[i], name) == 0)
      return line->words[i + 1];
  return NULL;
}

/* A number of at most `most`. */
static bool number(const struct hyperv_line *line, const char *name, uint64_t most, uint64_t *value)
{
  const char *text = option(line, name);
  char *end;

  if (!text || *text < '0' || *text > '9')
    return false;
  errno = 0;
  *value = strtoull(text, &end, 10);
  return *end == '\0' && errno == 0 && *value <= most;
}

/* The number in "$drive3" or "$nic0"; SIZE_MAX: it is none. */
static size_t variable(const char *word, const char *start)
{
  size_t length = strlen(start);
  char *end;

  if (!word || strncmp(word, start, length) != 0 || word[length] < '0' || word[length] > '9')
    return SIZE_MAX;
  unsigned long index = strtoul(word + length, &end, 10);
  return *end == '\0' && index < ARRAY ? (size_t)index : SIZE_MAX;
}

static enum vmf_code set_text(struct hyperv_script_reader *reader, const char *text,
                              struct vmf_told_text *told, struct vmf_error *error)
{
  return text ? vmf_machine_text(reader->machine, text, reader->line->number, told, error)
              : refuse(reader->line, error);
}

/* ---- commands ---- */

static enum vmf_code read_machine(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  const struct hyperv_line *line = reader->line;
  struct vmf_machine *machine = reader->machine;
  uint64_t generation, memory;

  if (!number(line, "-Generation", 2, &generation) || generation < 1 ||
      !number(line, "-MemoryStartupBytes", INT64_MAX, &memory))
    return refuse(line, error);
  reader->efi = generation == 2;
  machine->firmware = vmf_told(reader->efi ? VMF_FIRMWARE_EFI : VMF_FIRMWARE_BIOS, line->number);
  machine->arch = vmf_told(VMF_ARCH_X86_64, 0); /* that of the host */
  machine->memory = vmf_told(memory, line->number);
  return set_text(reader, option(line, "-Name"), &machine->name, error);
}

static enum vmf_code read_memory(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  const struct hyperv_line *line = reader->line;
  uint64_t least, most;

  if (is(line, 4, "$false"))
    return VMF_OK;
  if (!number(line, "-MinimumBytes", INT64_MAX, &least) ||
      !number(line, "-MaximumBytes", INT64_MAX, &most))
    return refuse(line, error);
  reader->machine->memory_least = vmf_told(least, line->number);
  reader->machine->memory_most = vmf_told(most, line->number);
  return VMF_OK;
}

static enum vmf_code read_processor(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  const struct hyperv_line *line = reader->line;
  struct vmf_machine *machine = reader->machine;
  uint64_t value;

  if (number(line, "-Count", VMF_MACHINE_CPUS, &value))
    machine->vcpus = vmf_told(value, line->number);
  else if (number(line, "-HwThreadCountPerCore", VMF_MACHINE_CPUS, &value))
    machine->threads = vmf_told(value, line->number);
  else if (option(line, "-ExposeVirtualizationExtensions"))
    machine->nested = vmf_told(1, line->number);
  else
    return refuse(line, error);
  return VMF_OK;
}

static enum vmf_code read_settings(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  const char *action = option(reader->line, "-AutomaticStartAction");

  if (!action)
    return set_text(reader, option(reader->line, "-Notes"), &reader->machine->description, error);
  reader->machine->autostart = vmf_told(strcmp(action, "Start") == 0, reader->line->number);
  return VMF_OK;
}

static enum vmf_code add_controller(struct hyperv_script_reader *reader, enum vmf_bus bus,
                                    uint64_t index, struct vmf_error *error)
{
  struct vmf_machine_controller *controller;

  if (vmf_machine_controller(reader->machine, bus, index))
    return VMF_OK;
  VMF_TRY(vmf_machine_add_controller(reader->machine, &controller, error));
  controller->bus = vmf_told(bus, reader->line->number);
  controller->index = vmf_told(index, reader->line->number);
  return set_text(reader, bus == VMF_BUS_IDE ? "piix4" : "hyperv", &controller->model, error);
}

static enum vmf_code read_drive(struct hyperv_script_reader *reader, bool cdrom,
                                struct vmf_error *error)
{
  const struct hyperv_line *line = reader->line;
  size_t index = variable(line->words[0], "$drive");
  const char *type = option(line, "-ControllerType");
  bool ide = type ? strcmp(type, "IDE") == 0 : !reader->efi;
  struct vmf_machine_disk *disk;
  uint64_t controller, unit;

  if (index == SIZE_MAX || !number(line, "-ControllerNumber", CONTROLLERS - 1, &controller) ||
      !number(line, "-ControllerLocation", PLACES - 1, &unit))
    return refuse(line, error);
  reader->disks[index] = reader->machine->disk_count;
  VMF_TRY(vmf_machine_add_disk(reader->machine, &disk, error));
  disk->medium = vmf_told(cdrom ? VMF_MEDIUM_CDROM : VMF_MEDIUM_DISK, line->number);
  disk->bus = vmf_told(ide ? VMF_BUS_IDE : VMF_BUS_SCSI, line->number);
  disk->controller = vmf_told(controller, line->number);
  disk->unit = vmf_told(unit, line->number);
  VMF_TRY(add_controller(reader, ide ? VMF_BUS_IDE : VMF_BUS_SCSI, controller, error));
  return cdrom && !option(line, "-Path")
             ? VMF_OK
             : set_text(reader, option(line, "-Path"), &disk->image, error);
}

/* "$drive0 = Add-VMHardDiskDrive ...", and the like. */
static enum vmf_code read_variable(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  const struct hyperv_line *line = reader->line;
  size_t index = variable(line->words[0], "$nic");
  struct vmf_machine_nic *nic;

  if (is(line, 2, "New-VM"))
    return read_machine(reader, error);
  if (is(line, 2, "Add-VMHardDiskDrive") || is(line, 2, "Add-VMDvdDrive"))
    return read_drive(reader, is(line, 2, "Add-VMDvdDrive"), error);
  if (!is(line, 2, "Add-VMNetworkAdapter") || index == SIZE_MAX)
    return refuse(line, error);
  reader->nics[index] = reader->machine->nic_count;
  VMF_TRY(vmf_machine_add_nic(reader->machine, &nic, error));
  nic->attach = vmf_told(VMF_ATTACH_NONE, line->number);
  return set_text(reader, "netvsc", &nic->model, error);
}

/* The card that a command is about; NULL: none. */
static struct vmf_machine_nic *card_of(struct hyperv_script_reader *reader, const char *word)
{
  size_t index = variable(word, "$nic");

  return index == SIZE_MAX || reader->nics[index] == SIZE_MAX
             ? NULL
             : &reader->machine->nics[reader->nics[index]];
}

static enum vmf_code read_card(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  const struct hyperv_line *line = reader->line;
  struct vmf_machine_nic *nic = card_of(reader, line->count > 2 ? line->words[2] : NULL);
  const char *address = option(line, "-StaticMacAddress");
  uint64_t vlan;

  if (nic && number(line, "-VlanId", VLAN_MOST, &vlan)) {
    nic->vlan = vmf_told(vlan, line->number);
    return VMF_OK;
  }
  if (!nic || !address)
    return refuse(line, error);
  nic->mac_origin = vmf_told(VMF_MAC_STATIC, line->number);
  return vmf_machine_set_mac(reader->machine, "-StaticMacAddress", address, line->number, nic,
                             error);
}

static enum vmf_code read_switch(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  const struct hyperv_line *line = reader->line;
  struct vmf_machine_nic *nic = card_of(reader, line->count == 3 ? line->words[1] : NULL);

  if (!nic)
    return refuse(line, error);
  nic->attach = vmf_told(VMF_ATTACH_BRIDGE, line->number);
  return set_text(reader, line->words[2], &nic->network, error);
}

static enum vmf_code read_port(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  struct vmf_machine_port *port;

  VMF_TRY(vmf_machine_add_port(reader->machine, &port, error));
  port->parallel = vmf_told(0, reader->line->number);
  port->backend = vmf_told(VMF_BACKEND_PIPE, reader->line->number);
  return set_text(reader, option(reader->line, "-Path"), &port->path, error);
}

static enum vmf_code read_firmware(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  const struct hyperv_line *line = reader->line;
  const char *secure = option(line, "-EnableSecureBoot"), *first = option(line, "-FirstBootDevice");
  size_t disk = variable(first, "$drive");
  struct vmf_machine_nic *nic = card_of(reader, first);

  if (secure)
    reader->machine->secure_boot = vmf_told(
        strcmp(secure, "On") == 0 ? VMF_SECURE_BOOT_MICROSOFT : VMF_SECURE_BOOT_OFF, line->number);
  else if (nic)
    nic->boot = vmf_told(1, line->number);
  else if (disk != SIZE_MAX && reader->disks[disk] != SIZE_MAX)
    reader->machine->disks[reader->disks[disk]].boot = vmf_told(1, line->number);
  else
    return refuse(line, error);
  return VMF_OK;
}

static enum vmf_code read_startup(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  static const char *const words[][2] = {
      {"IDE", "disk"}, {"CD", "cdrom"}, {"LegacyNetworkAdapter", "network"}, {"Floppy", "floppy"}};
  const char *at = option(reader->line, "-StartupOrder");
  char classes[64] = "";

  for (size_t length; at && *at; at += length + (at[length] == ',')) {
    length = strcspn(at, ",");
    size_t used = strlen(classes);
    for (size_t i = 0; i < 4; i++)
      if (strlen(words[i][0]) == length && strncmp(at, words[i][0], length) == 0)
        snprintf(classes + used, sizeof classes - used, "%s%s", used > 0 ? "," : "", words[i][1]);
  }
  return set_text(reader, classes, &reader->machine->boot, error);
}

static enum vmf_code read_nothing(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  (void)reader, (void)error;
  return VMF_OK;
}

static enum vmf_code read_tpm(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  (void)error;
  reader->machine->tpm = vmf_told(VMF_TPM_2_0, reader->line->number);
  return VMF_OK;
}

static enum vmf_code read_command(struct hyperv_script_reader *reader, struct vmf_error *error)
{
  static const struct {
    const char *name;
    enum vmf_code (*read)(struct hyperv_script_reader *reader, struct vmf_error *error);
  } commands[] = {
      {"Set-VMMemory", read_memory},
      {"Set-VMProcessor", read_processor},
      {"Set-VM", read_settings},
      {"Get-VMNetworkAdapter", read_nothing},
      {"Get-VMDvdDrive", read_nothing},
      {"Add-VMScsiController", read_nothing},
      {"Set-VMNetworkAdapter", read_card},
      {"Set-VMNetworkAdapterVlan", read_card},
      {"Join-Switch", read_switch},
      {"Set-VMComPort", read_port},
      {"Set-VMFirmware", read_firmware},
      {"Set-VMBios", read_startup},
      {"Start-Tpm", read_tpm},
  };
  const struct hyperv_line *line = reader->line;

  if (line->count == 0)
    return VMF_OK;
  if (is(line, 1, "="))
    return read_variable(reader, error);
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
    if (is(line, 0, commands[i].name))
      return commands[i].read(reader, error);
  return refuse(line, error);
}

/* ---- the whole ---- */

bool hyperv_is_script(const void *bytes, size_t length)
{
  return length > strlen(HYPERV_SCRIPT_HEAD) &&
         memcmp(bytes, HYPERV_SCRIPT_HEAD, strlen(HYPERV_SCRIPT_HEAD)) == 0;
}

static enum vmf_code read_lines(struct hyperv_script_reader *reader,
                                const struct vmf_machine_source *source, struct vmf_error *error)
{
  const char *text = source->bytes, *end = text + source->length;
  unsigned before = 0;

  if (source->length < strlen(hyperv_preamble) ||
      memcmp(text, hyperv_preamble, strlen(hyperv_preamble)) != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: a script of another version of vmferry, or one that was changed",
                    source->name);
  for (const char *c = hyperv_preamble; *c; c++)
    before += *c == '\n';
  text += strlen(hyperv_preamble);
  while (text < end) {
    const char *stop = memchr(text, '\n', (size_t)(end - text));
    struct hyperv_line line = {.file = source->name, .number = ++before};
    size_t length = (size_t)((stop ? stop : end) - text);
    reader->line = &line;
    enum vmf_code code = length < LINE && !memchr(text, 0, length)
                             ? split(&line, text, length, error)
                             : refuse(&line, error);
    if (code == VMF_OK)
      code = read_command(reader, error);
    vmf_free(line.text);
    VMF_TRY(code);
    text = stop ? stop + 1 : end;
  }
  return reader->machine->memory.told
             ? VMF_OK
             : vmf_fail(error, VMF_CORRUPT, "%s: makes no machine", source->name);
}

enum vmf_code hyperv_read_script(const struct vmf_machine_source *source,
                                 struct vmf_machine *machine, struct vmf_error *error)
{
  struct hyperv_script_reader reader = {.machine = machine};
  VMF_AUTO_FREE void *disks = NULL, *nics = NULL;

  VMF_TRY(vmf_alloc(ARRAY * sizeof(size_t), &disks, error));
  VMF_TRY(vmf_alloc(ARRAY * sizeof(size_t), &nics, error));
  reader.disks = disks;
  reader.nics = nics;
  for (size_t i = 0; i < ARRAY; i++)
    reader.disks[i] = reader.nics[i] = SIZE_MAX;
  return read_lines(&reader, source, error);
}
