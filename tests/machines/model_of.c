/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a machine's text is read as, and what is written of it; for the tests of all machine
 * formats.
 *   model_of FILE [as=FORMAT] [snapshot=NAME]
 * prints JSON: the format, the machine by the tables of fields.h, the findings.
 *   model_of FILE to=FORMAT [as=FORMAT] [snapshot=NAME] [copy] [name=TARGET] [disk=NAME ...]
 * prints the text that the format writes of it, and on standard error what the writer tells, one
 * "WEIGHT|FIELD|CODE|WHY" a line. Disks are called after their images, or by disk= in their order
 * ("-": an empty drive), and have 1 GiB where the source does not say it.
 * Exit status 1 and the error on standard error when it is refused: "CODE: TEXT". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/cli/show/json.h"
#include "machine_format.h"
#include "memory.h"
#include "near_name.h"
#include "path.h"
#include "value.h"

enum { DISKS = 64 };

struct asked {
  const char *file, *as, *to, *snapshot, *name;
  const char *disks[DISKS];
  size_t disk_count;
  bool copy;
};

static enum vmf_code read_file(const char *path, size_t limit, char **bytes, size_t *length,
                               struct vmf_error *error)
{
  FILE *file = fopen(path, "rb");
  void *block = NULL;

  *bytes = NULL;
  if (!file)
    return VMF_OK;
  enum vmf_code code = vmf_alloc(limit + 1, &block, error);
  if (code == VMF_OK) {
    *bytes = block;
    *length = fread(block, 1, limit, file);
    (*bytes)[*length] = 0;
  }
  fclose(file);
  return code;
}

static enum vmf_code read_beside(const struct vmf_machine_source *source, const char *name,
                                 size_t limit, char **bytes, size_t *length,
                                 struct vmf_error *error)
{
  const char *slash = strrchr(source->name, '/');
  char path[4096];

  snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash + 1 - source->name) : 0, source->name,
           name);
  return read_file(path, limit, bytes, length, error);
}

static void add_finding(void *data, const struct vmf_package_finding *finding)
{
  static const char *const severities[] = {"note", "loss", "warning", "violation", "failure"};
  struct vmf_value *value;
  struct vmf_error error;

  if (vmf_value_add(data, VMF_VALUE_OBJECT, NULL, &value, &error) != VMF_OK ||
      vmf_value_text(value, "severity", severities[finding->severity], &error) != VMF_OK ||
      vmf_value_text(value, "rule", finding->rule, &error) != VMF_OK ||
      vmf_value_uint(value, "line", finding->line, &error) != VMF_OK ||
      vmf_value_text(value, "text", finding->text, &error) != VMF_OK)
    abort();
}

static enum vmf_code fill(const struct vmf_machine_format *format,
                          const struct vmf_machine_source *source, struct vmf_machine *machine,
                          struct vmf_value *root, struct vmf_error *error)
{
  struct vmf_value *values;
  struct vmf_report report = {.finding = add_finding};

  VMF_TRY(vmf_value_text(root, "format", format->name, error));
  VMF_TRY(vmf_value_add(root, VMF_VALUE_LIST, "findings", &values, error));
  report.data = values;
  VMF_TRY(vmf_machine_read(format, source, machine, &report, error));
  VMF_TRY(vmf_value_add(root, VMF_VALUE_OBJECT, "machine", &values, error));
  return vmf_machine_value(machine, values, error);
}

static enum vmf_code show(const struct vmf_machine_format *format,
                          const struct vmf_machine_source *source, struct vmf_machine *machine,
                          struct vmf_error *error)
{
  struct vmf_value *root;

  VMF_TRY(vmf_value_new(&root, error));
  enum vmf_code code = fill(format, source, machine, root, error);
  if (code == VMF_OK) {
    vmf_json_value(stdout, root, 0);
    putchar('\n');
  }
  vmf_value_free(root);
  return code;
}

static void tell(void *data, const char *field, const char *code, enum vmf_loss_weight weight,
                 const char *why)
{
  static const char *const weights[] = {"none", "cosmetic", "behaviour", "boot", "data"};

  (void)data;
  fprintf(stderr, "%s|%s|%s|%s\n", weights[weight], field, code ? code : "", why);
}

static enum vmf_code rewrite(const struct vmf_machine_format *format,
                             const struct vmf_machine_source *source, struct vmf_machine *machine,
                             const struct asked *asked, struct vmf_error *error)
{
  const struct vmf_machine_format *to = vmf_machine_format_find(asked->to);
  struct vmf_machine_target_disk disks[DISKS] = {0};
  struct vmf_machine_losses losses = {.lose = tell};
  VMF_AUTO_FREE char *text = NULL;
  size_t length = 0;

  if (!to || !to->write)
    return vmf_fail(error, VMF_USAGE, "no machine format that is written is called %s", asked->to);
  VMF_TRY(vmf_machine_read(format, source, machine, NULL, error));
  if (machine->disk_count > DISKS)
    return vmf_fail(error, VMF_LIMIT, "more than %d disks", DISKS);
  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct vmf_machine_disk *disk = &machine->disks[i];
    disks[i].name = disk->image.text ? vmf_last_part(disk->image.text) : NULL;
    if (i < asked->disk_count)
      disks[i].name = strcmp(asked->disks[i], "-") == 0 ? NULL : asked->disks[i];
    disks[i].format = "vmdk";
    disks[i].uuid = (struct vmf_told_id){.told = true, .bytes = {0x10, [15] = (uint8_t)(i + 1)}};
    disks[i].capacity = vmf_told_or(disk->capacity, 1 << 30);
  }
  struct vmf_machine_target target = {.name = asked->name ? asked->name : "target",
                                      .disks = disks,
                                      .disk_count = machine->disk_count,
                                      .copy = asked->copy,
                                      .id = {0x20, [15] = 1}};
  VMF_TRY(to->write(machine, &target, &losses, &text, &length, error));
  fwrite(text, 1, length, stdout);
  return VMF_OK;
}

static enum vmf_code run(const struct asked *asked, struct vmf_error *error)
{
  VMF_AUTO_FREE char *bytes = NULL;
  size_t length = 0;
  const struct vmf_machine_format *format;
  struct vmf_machine *machine = NULL;

  VMF_TRY(read_file(asked->file, VMF_MACHINE_SOURCE + 1, &bytes, &length, error));
  if (!bytes)
    return vmf_fail(error, VMF_SYSTEM, "%s cannot be read", asked->file);
  format = asked->as
               ? vmf_machine_format_find(asked->as)
               : vmf_machine_format_probe(asked->file, (const uint8_t *)bytes,
                                          length < VMF_MACHINE_HEAD ? length : VMF_MACHINE_HEAD);
  if (!format || !format->read)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s is no machine of a known format", asked->file);
  struct vmf_machine_source source = {.name = asked->file,
                                      .bytes = bytes,
                                      .length = length,
                                      .snapshot = asked->snapshot,
                                      .beside = read_beside};
  VMF_TRY(vmf_machine_new(&machine, error));
  enum vmf_code code = asked->to ? rewrite(format, &source, machine, asked, error)
                                 : show(format, &source, machine, error);
  vmf_machine_free(machine);
  return code;
}

static void take(struct asked *asked, const char *argument)
{
  if (strncmp(argument, "as=", 3) == 0)
    asked->as = argument + 3;
  else if (strncmp(argument, "to=", 3) == 0)
    asked->to = argument + 3;
  else if (strncmp(argument, "snapshot=", 9) == 0)
    asked->snapshot = argument + 9;
  else if (strncmp(argument, "name=", 5) == 0)
    asked->name = argument + 5;
  else if (strncmp(argument, "disk=", 5) == 0 && asked->disk_count < DISKS)
    asked->disks[asked->disk_count++] = argument + 5;
  else if (strcmp(argument, "copy") == 0)
    asked->copy = true;
  else
    asked->file = argument;
}

int main(int count, char **arguments)
{
  struct vmf_error error = {0};
  struct asked asked = {0};

  for (int i = 1; i < count; i++)
    take(&asked, arguments[i]);
  if (!asked.file) {
    fprintf(stderr, "usage: model_of FILE [as=FORMAT] [to=FORMAT] ...\n");
    return 2;
  }
  if (run(&asked, &error) == VMF_OK)
    return 0;
  fprintf(stderr, "%d: %s\n", (int)error.code, error.text);
  return 1;
}
