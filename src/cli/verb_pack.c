/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry pack`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "arguments.h"
#include "format_options.h"
#include "machine_options.h"
#include "names.h"
#include "packaging.h"
#include "signals.h"
#include "status.h"

static const struct vmf_argument pack_arguments[] = {
    {.letter = 'o',
     .name = "out",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "OUT",
     .field = VMF_SETTING(output),
     .help = "the package: a name that ends in .ova or .ovf, a folder, or - (default: the first "
             "disk's name with .ova, here)"},
    {.name = "name",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "NAME",
     .field = VMF_SETTING(machine.name),
     .help = "name of the machine (default: the package's)"},
    {.name = "cpus",
     .kind = VMF_ARGUMENT_NUMBER,
     .value = "N",
     .min = 1,
     .max = 1024,
     .field = VMF_SETTING(machine.cpus),
     .given = VMF_SETTING(machine.cpus_given),
     .help = "virtual processors (default: 1)"},
    {.name = "memory",
     .kind = VMF_ARGUMENT_SIZE,
     .value = "SIZE",
     .field = VMF_SETTING(machine.memory),
     .given = VMF_SETTING(machine.memory_given),
     .help = "memory, a multiple of 4M (default: 1G)"},
    {.name = "os",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "OS",
     .field = VMF_SETTING(machine.os),
     .help = "guest operating system (default: other-64); \"help\" lists them"},
    {.name = "firmware",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "bios|efi",
     .field = VMF_SETTING(machine.firmware),
     .help = "firmware (default: not said, which is bios)"},
    {.name = "secure-boot",
     .kind = VMF_ARGUMENT_FLAG,
     .field = VMF_SETTING(machine.secure_boot),
     .help = "secure boot; the firmware is efi"},
    {.name = "nic",
     .kind = VMF_ARGUMENT_LISTED,
     .value = "none|[model=MODEL][,network=NAME][,mac=ADDRESS]",
     .field = VMF_SETTING(machine.nics),
     .help = "a network card (repeatable; default: one, E1000 in \"VM Network\")"},
    {.name = "controller",
     .kind = VMF_ARGUMENT_LISTED,
     .value = "KIND",
     .field = VMF_SETTING(machine.controllers),
     .help = "controller of the next disk, and of all behind it (repeatable): lsilogic (default), "
             "lsilogicsas, pvscsi, buslogic, sata, nvme, ide"},
    {.name = "hardware",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "FAMILY",
     .field = VMF_SETTING(machine.hardware),
     .help = "hardware family (default: vmx-13)"},
    {.name = "product",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "TEXT",
     .field = VMF_SETTING(machine.product),
     .help = "name of the product in it"},
    {.name = "vendor",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "TEXT",
     .field = VMF_SETTING(machine.vendor),
     .help = "who makes the product"},
    {.name = "product-version",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "TEXT",
     .field = VMF_SETTING(machine.version),
     .help = "version of the product, short"},
    {.name = "full-version",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "TEXT",
     .field = VMF_SETTING(machine.full_version),
     .help = "version of the product, long"},
    {.name = "property",
     .kind = VMF_ARGUMENT_LISTED,
     .value = "KEY[:TYPE]=VALUE",
     .field = VMF_SETTING(machine.properties),
     .help = "a setting that can be changed when the machine is deployed (repeatable)"},
    {.name = "eula",
     .kind = VMF_ARGUMENT_LISTED,
     .value = "FILE",
     .field = VMF_SETTING(machine.eulas),
     .help = "a licence that must be accepted, text in UTF-8 (repeatable)"},
    {.name = "annotation",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "TEXT",
     .field = VMF_SETTING(machine.annotation),
     .help = "a note on the machine"},
    {.name = "template",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "PACKAGE",
     .field = VMF_SETTING(machine.template_path),
     .help = "take the description from this package, its disks replaced in order"},
    {.name = "ovf-version",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "1.0|1.1|2.0",
     .field = VMF_SETTING(machine.ovf_version),
     .help = "version of the standard (default: 1.1)"},
    {.name = "disk-format",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "FORM",
     .field = VMF_SETTING(disk_format),
     .help = "form of the disks (default: streamOptimized); \"help\" lists them"},
    {.name = "disk-options",
     .kind = VMF_ARGUMENT_JOINED,
     .value = "NAME=VALUE,...",
     .field = VMF_SETTING(options),
     .help = "create options of the disks' format; \"help\" lists them"},
    {.letter = 'f',
     .name = "format",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "FORMAT",
     .field = VMF_SETTING(format),
     .help = "format of the disks that are read (default: found by content)"},
    VMF_ARGUMENT_SIGN,
    VMF_ARGUMENT_CERT,
    VMF_ARGUMENT_PASSPHRASE,
    VMF_ARGUMENT_CMS,
    VMF_ARGUMENT_DIGEST,
    VMF_ARGUMENT_THREADS,
    VMF_ARGUMENT_NO_CLOBBER,
    VMF_ARGUMENT_NO_SYNC,
    VMF_ARGUMENT_PAGE_CACHE_MODE,
    VMF_ARGUMENT_BARE,
    VMF_ARGUMENT_TRUST,
    VMF_ARGUMENT_NO_VERIFY,
    VMF_ARGUMENT_MAX_SIZE,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    {0},
};

/* The disks that the operands name, open. */
struct pack_disks {
  struct vmf_image **images;
  size_t count;
};

static enum vmf_code pack_open_disks(const struct vmf_settings *settings, struct pack_disks *disks,
                                     struct vmf_error *error)
{
  const struct vmf_image_options options = {
      .size = sizeof options,
      .format = settings->format,
      .allow_refs = settings->allow_refs,
      .no_refs = settings->no_refs,
      .ignore_locks = settings->ignore_locks,
      .no_cache = settings->no_cache,
      .log = &settings->log,
      .bare = settings->bare,
      .trust = &settings->trust,
      .threads = (unsigned)settings->threads,
      .cancel = vmf_signals_cancel(),
      .max_bytes = settings->max_size,
  };
  enum vmf_code code = VMF_OK;

  disks->images = calloc((size_t)settings->operand_count, sizeof *disks->images);
  if (!disks->images)
    return vmf_arguments_no_memory(error);
  for (int i = 0; i < settings->operand_count && code == VMF_OK; i++) {
    if (strcmp(settings->operands[i], "-") == 0)
      return vmf_arguments_wrong(error, "a disk on standard input has no name to be packed under: "
                                        "convert it to a file first (vmferry convert - FILE)");
    code = vmf_disk_open(settings->operands[i], &options, &disks->images[i], error);
    disks->count += code == VMF_OK;
  }
  return code;
}

static void pack_close_disks(struct pack_disks *disks)
{
  while (disks->count > 0)
    vmf_image_close(disks->images[--disks->count]);
  free(disks->images);
}

/* "folder/disk.qcow2" and "vm.ova::disk.vmdk" become "disk.ova". */
static enum vmf_code pack_default_output(const char *disk, char **path, struct vmf_error *error)
{
  const char *member = access(disk, F_OK) == 0 ? NULL : strstr(disk, "::"), *slash, *dot;
  int length;

  disk = member && member[2] ? member + 2 : disk;
  slash = strrchr(disk, '/');
  disk = slash ? slash + 1 : disk;
  dot = strrchr(disk, '.');
  length = dot && dot > disk ? (int)(dot - disk) : (int)strlen(disk);
  if (length == 0 || strspn(disk, ".") == (size_t)length)
    return vmf_arguments_wrong(error, "pack: -o must say how the package is called");
  /* a colon in the file's name is no protocol */
  if (asprintf(path, "%s%.*s.ova", strchr(disk, ':') ? "./" : "", length, disk) < 0) {
    *path = NULL;
    return vmf_arguments_no_memory(error);
  }
  return VMF_OK;
}

/* "pack disk.raw vm.ova": the target's place is -o. */
static enum vmf_code pack_check_operands(const struct vmf_settings *settings,
                                         struct vmf_error *error)
{
  const char *last = settings->operands[settings->operand_count - 1];

  if (settings->output || (!vmf_packaging_is_target(last) && !vmf_package_recognise(last)))
    return VMF_OK;
  return vmf_arguments_wrong(error,
                             "%s: is a package, and all operands of pack are disks that go into "
                             "one; -o %s makes it the target, another -o packs the disk in it",
                             last, last);
}

/* The form decides what the descriptor says of a disk. */
static enum vmf_code pack_check_options(const char *options, struct vmf_error *error)
{
  for (const char *word = options; word && *word; word += *word == ',') {
    if (strncmp(word, "subformat=", 10) == 0)
      return vmf_arguments_wrong(error, "--disk-options: \"subformat\" is chosen by --disk-format; "
                                        "\"--disk-format help\" lists the forms");
    word += vmf_arguments_option_length(word);
  }
  return VMF_OK;
}

static enum vmf_code pack_write(const struct vmf_settings *settings, const struct pack_disks *disks,
                                const struct vmf_machine *machine, const char *path,
                                struct vmf_error *error)
{
  FILE *words = strcmp(path, "-") == 0 ? stderr : stdout;
  struct vmf_progress progress = {
      .out = settings->progress && !settings->quiet ? words : NULL,
      .phases = 1,
  };
  struct vmf_package_target target;
  enum vmf_code code;

  vmf_packaging_target(settings, &progress, &target);
  target.disk_format = settings->disk_format;
  code = vmf_package_pack(disks->images, disks->count, machine, path, &target, error);

  vmf_progress_end(&progress, code == VMF_OK);
  return code;
}

static enum vmf_code pack_with(const struct vmf_settings *settings, struct vmf_machine *machine,
                               struct vmf_error *error)
{
  const char *template_path = settings->machine.template_path;
  const struct vmf_package_options template_options = {
      .size = sizeof template_options,
      .allow_refs = settings->allow_refs,
      .no_refs = settings->no_refs,
      .ignore_locks = settings->ignore_locks,
      .no_cache = settings->no_cache,
      .log = &settings->log,
      .cancel = vmf_signals_cancel(),
      .max_bytes = settings->max_size,
  };
  struct pack_disks disks = {0};
  char *path = NULL;
  enum vmf_code code = VMF_OK;

  if (!settings->output)
    code = pack_default_output(settings->operands[0], &path, error);
  if (code == VMF_OK && template_path)
    code = vmf_package_open(template_path, &template_options, &machine->template_, error);
  if (code == VMF_OK)
    code = pack_open_disks(settings, &disks, error);
  if (code == VMF_OK)
    code = pack_write(settings, &disks, machine, path ? path : settings->output, error);
  pack_close_disks(&disks);
  vmf_package_close(machine->template_);
  free(path);
  return code;
}

/* The driver whose create options --disk-options takes. */
static const char *pack_driver(const char *form)
{
  struct vmf_disk_form_info info = {.size = sizeof info};

  for (size_t i = 0; form && vmf_disk_form_describe(i, &info); i++)
    if (strcasecmp(info.name, form) == 0)
      return info.format;
  return form ? form : "vmdk";
}

static int pack_print_forms(void)
{
  struct vmf_disk_form_info info = {.size = sizeof info};

  printf("%-18s %-8s %s\n", "Form", "Suffix", "Format URI");
  for (size_t i = 0; vmf_disk_form_describe(i, &info); i++)
    printf("%-18s .%-7s %s\n", info.name, info.suffix, info.uri);
  return VMF_EXIT_DONE;
}

static int pack_run(struct vmf_settings *settings)
{
  struct vmf_machine_options options = {0};
  struct vmf_error error = {0};
  enum vmf_code code;

  if (settings->disk_format && strcmp(settings->disk_format, "help") == 0)
    return pack_print_forms();
  if (settings->machine.os && strcmp(settings->machine.os, "help") == 0) {
    vmf_machine_options_print_systems();
    return VMF_EXIT_DONE;
  }
  if (vmf_arguments_want_option_help(settings->options))
    return vmf_format_options_print(pack_driver(settings->disk_format));
  if (settings->operand_count == 0) {
    vmf_arguments_wrong(&error, "pack: an operand is missing: vmferry pack [OPTIONS] DISK...");
    return vmf_status_report(&error);
  }
  vmf_signals_catch();
  code = vmf_names_operands(settings, settings->operand_count, 0, &error);
  if (code == VMF_OK)
    code = vmf_names_resolve(settings, &settings->output, false, &error);
  if (code == VMF_OK)
    code = pack_check_operands(settings, &error);
  if (code == VMF_OK)
    code = vmf_packaging_check(settings, &error);
  if (code == VMF_OK)
    code = pack_check_options(settings->options, &error);
  if (code == VMF_OK)
    code = vmf_machine_options_parse(settings, &options, &error);
  if (code == VMF_OK)
    code = pack_with(settings, &options.machine, &error);
  vmf_machine_options_free(&options);
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

const struct vmf_verb vmf_verb_pack = {
    .name = "pack",
    .operands = "DISK...",
    .summary = "make a package (OVA, OVF) of disks",
    .arguments = pack_arguments,
    .min_operands = 0, /* "--os help" has none */
    .max_operands = 1024,
    .usage_status = VMF_EXIT_OTHER,
    .run = pack_run,
};
