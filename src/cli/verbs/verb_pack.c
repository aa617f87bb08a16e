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
#include "common_arguments.h"
#include "format_options.h"
#include "machine_options.h"
#include "names.h"
#include "packaging.h"
#include "profiles.h"
#include "signals.h"
#include "sources.h"
#include "status.h"

struct pack_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  struct vmf_target_settings target;
  struct vmf_transfer_settings transfer;
  struct vmf_signing_settings signing;
  struct vmf_machine_settings machine;
  const char *platform; /* --for; or NULL */
  const char *output;   /* NULL: the name of the first disk with .ova, here */
};

#define VMF_SETTINGS struct pack_settings

static const struct pack_settings pack_initial = {.source = VMF_SOURCE_CHECKED};

static const struct vmf_argument pack_arguments[] = {
    VMF_GROUP_WRITING,
    {.letter = 'o',
     .name = "out",
     VMF_SETS_TEXT(output),
     .value = "OUT",
     .help = "the package: a name that ends in .ova or .ovf, a folder, or - (default: the first "
             "disk's name with .ova, here)"},
    {.name = "for",
     VMF_SETS_TEXT(platform),
     .value = "PLATFORM",
     .help = "as this platform takes a package: hardware, sizes, manifest (\"help profiles\" lists "
             "them)"},
    {.name = "disk-format",
     VMF_SETS_TEXT(target.disk_format),
     .value = "FORM",
     .help = "form of the disks (default: streamOptimized); \"help\" lists them"},
    {.name = "disk-options",
     VMF_SETS_JOINED(target.options),
     .value = "NAME=VALUE,...",
     .help = "create options of the disks' format; \"help\" lists them"},
    VMF_ARGUMENT_NO_CLOBBER,
    VMF_ARGUMENT_FORCE,
    VMF_ARGUMENT_RESUME,
    VMF_ARGUMENT_SPOOL,
    VMF_ARGUMENT_NO_SYNC,
    VMF_GROUP_MACHINE,
    {.name = "name",
     VMF_SETS_TEXT(machine.name),
     .value = "NAME",
     .help = "name of the machine (default: the package's)"},
    {.name = "cpus",
     VMF_SETS_NUMBER(machine.cpus),
     .value = "N",
     .min = 1,
     .max = 1024,
     .given = VMF_SETTING(bool, machine.cpus_given),
     .help = "virtual processors (default: 1)"},
    {.name = "memory",
     VMF_SETS_SIZE(machine.memory),
     .value = "SIZE",
     .given = VMF_SETTING(bool, machine.memory_given),
     .help = "memory, a multiple of 4M (default: 1G)"},
    {.name = "os",
     VMF_SETS_TEXT(machine.os),
     .value = "OS",
     .help = "guest operating system (default: other-64); \"help\" lists them"},
    {.name = "firmware",
     VMF_SETS_TEXT(machine.firmware),
     .value = "bios|efi",
     .help = "firmware (default: not said, which is bios)"},
    {.name = "secure-boot",
     VMF_SETS_FLAG(machine.secure_boot),
     .help = "secure boot; the firmware is efi"},
    {.name = "nic",
     VMF_SETS_LISTED(machine.nics),
     .value = "none|[model=MODEL][,network=NAME][,mac=ADDRESS]",
     .help = "a network card (repeatable; default: one, E1000 in \"VM Network\")"},
    {.name = "controller",
     VMF_SETS_LISTED(machine.controllers),
     .value = "lsilogic|lsilogicsas|pvscsi|buslogic|sata|nvme|ide",
     .help = "controller of the next disk, and of all behind it (repeatable; default: lsilogic)"},
    {.name = "hardware",
     VMF_SETS_TEXT(machine.hardware),
     .value = "FAMILY",
     .help = "hardware family (default: vmx-13)"},
    {.name = "product",
     VMF_SETS_TEXT(machine.product),
     .value = "TEXT",
     .help = "name of the product in it"},
    {.name = "vendor",
     VMF_SETS_TEXT(machine.vendor),
     .value = "TEXT",
     .help = "who makes the product"},
    {.name = "product-version",
     VMF_SETS_TEXT(machine.version),
     .value = "TEXT",
     .help = "version of the product, short"},
    {.name = "full-version",
     VMF_SETS_TEXT(machine.full_version),
     .value = "TEXT",
     .help = "version of the product, long"},
    {.name = "property",
     VMF_SETS_LISTED(machine.properties),
     .value = "KEY[:TYPE]=VALUE",
     .help = "a setting that can be changed when the machine is deployed (repeatable)"},
    {.name = "eula",
     VMF_SETS_LISTED(machine.eulas),
     .value = "FILE",
     .help = "a licence that must be accepted, text in UTF-8 (repeatable)"},
    {.name = "annotation",
     VMF_SETS_TEXT(machine.annotation),
     .value = "TEXT",
     .help = "a note on the machine"},
    {.name = "template",
     VMF_SETS_TEXT(machine.template_path),
     .value = "PACKAGE",
     .help = "take the description from this package, its disks replaced in order"},
    {.name = "ovf-version",
     VMF_SETS_TEXT(machine.ovf_version),
     .value = "1.0|1.1|2.0",
     .help = "version of the standard (default: 1.1)"},
    VMF_GROUP_READING,
    {.letter = 'f',
     .name = "format",
     VMF_SETS_TEXT(source.format),
     .value = "FORMAT",
     .help = "format of the disks that are read (default: found by content)"},
    VMF_ARGUMENT_BARE,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_NO_REPLAY,
    VMF_ARGUMENT_SECRET,
    VMF_GROUP_SIGNING,
    VMF_ARGUMENT_SIGN,
    VMF_ARGUMENT_CERT,
    VMF_ARGUMENT_PASSPHRASE,
    VMF_ARGUMENT_CMS,
    VMF_ARGUMENT_DIGEST,
    VMF_GROUP_TRUST,
    VMF_ARGUMENT_TRUST,
    VMF_ARGUMENT_NO_VERIFY,
    VMF_ARGUMENT_MAX_SIZE,
    VMF_GROUP_SPEED,
    VMF_ARGUMENT_THREADS,
    VMF_ARGUMENT_PAGE_CACHE_MODE,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_ARGUMENT_REMOTE,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    {0},
};

/* The disks that the operands name, open. */
struct pack_disks {
  struct vmf_image **images;
  size_t count;
};

static enum vmf_code pack_open_disks(const struct pack_settings *settings, struct pack_disks *disks,
                                     struct vmf_error *error)
{
  const struct vmf_image_options options =
      vmf_sources_image_options(&settings->command, &settings->source);
  enum vmf_code code = VMF_OK;

  disks->images = calloc((size_t)settings->command.operand_count, sizeof *disks->images);
  if (!disks->images)
    return vmf_arguments_no_memory(error);
  for (int i = 0; i < settings->command.operand_count && code == VMF_OK; i++) {
    if (strcmp(settings->command.operands[i], "-") == 0)
      return vmf_arguments_wrong(error, "a disk on standard input has no name to be packed under: "
                                        "convert it to a file first (vmferry convert - FILE)");
    code = vmf_disk_open(settings->command.operands[i], &options, &disks->images[i], error);
    disks->count += code == VMF_OK;
  }
  return code;
}

/* As large as the platform asks for. */
static enum vmf_code pack_round(const struct pack_settings *settings, struct pack_disks *disks,
                                struct vmf_error *error)
{
  struct vmf_profile_info profile = {.size = sizeof profile};
  enum vmf_code code = VMF_OK;

  if (!settings->platform)
    return VMF_OK;
  code = vmf_profile_find(settings->platform, &profile, error);
  for (size_t i = 0; i < disks->count && code == VMF_OK; i++)
    code = vmf_profile_round(&profile, &disks->images[i], &settings->command, error);
  return code;
}

static void pack_close_disks(struct pack_disks *disks)
{
  while (disks->count > 0)
    vmf_image_close(disks->images[--disks->count]);
  free(disks->images);
}

/* "pack disk.raw vm.ova": the target's place is -o. */
static enum vmf_code pack_check_operands(const struct pack_settings *settings,
                                         struct vmf_error *error)
{
  const char *last = settings->command.operands[settings->command.operand_count - 1];

  if (settings->output || (!vmf_packaging_is_target(last) && !vmf_package_recognise(last)))
    return VMF_OK;
  return vmf_arguments_wrong(error,
                             "%s: is a package, and all operands of pack are disks that go into "
                             "one; -o %s makes it the target, another -o packs the disk in it",
                             last, last);
}

/* --for, before anything is opened. */
static enum vmf_code pack_platform(struct pack_settings *settings,
                                   struct vmf_machine_options *machine, struct vmf_error *error)
{
  struct vmf_profile_info profile = {.size = sizeof profile};

  if (!settings->platform)
    return VMF_OK;
  if (settings->machine.template_path)
    return vmf_arguments_wrong(error, "--for is for a machine that is described anew: not with "
                                      "--template; \"convert --for\" changes a package");
  enum vmf_code code = vmf_profile_find(settings->platform, &profile, error);
  machine->platform = settings->platform;
  if (code == VMF_OK && !machine->hardware)
    machine->hardware = profile.hardware;
  if (code == VMF_OK && !settings->signing.digest)
    settings->signing.digest = profile.digest;
  return code;
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

static enum vmf_code pack_write(const struct pack_settings *settings,
                                const struct pack_disks *disks,
                                const struct vmf_machine_options *machine, const char *path,
                                struct vmf_error *error)
{
  struct vmf_progress progress = vmf_progress_begin(&settings->command, path, "packing");
  const struct vmf_packaging packaging = {&settings->command, &settings->source, &settings->target,
                                          &settings->signing, &settings->transfer};
  struct vmf_package_result result = {.size = sizeof result};
  struct vmf_package_target target;

  progress.behind = "syncing";
  enum vmf_code code = vmf_packaging_target(&packaging, &progress, &target, error);
  target.disk_format = settings->target.disk_format;
  target.result = &result;
  if (code == VMF_OK)
    code = vmf_package_pack(disks->images, disks->count, machine, path, &target, error);

  vmf_progress_end(&progress, code == VMF_OK);
  if (code == VMF_OK)
    vmf_packaging_tell(&packaging, path, &progress, &result);
  return code;
}

/* Where nothing was said of the firmware, the disks say it. */
static enum vmf_code pack_firmware(const struct pack_settings *settings,
                                   const struct pack_disks *disks,
                                   struct vmf_machine_options *machine, struct vmf_error *error)
{
  bool efi = false;
  enum vmf_code code = VMF_OK;

  if (machine->firmware || machine->template_ || settings->machine.hardware ||
      settings->machine.firmware)
    return VMF_OK;
  for (size_t i = 0; i < disks->count && code == VMF_OK && !efi; i++)
    code = vmf_image_efi(disks->images[i], &efi, error);
  if (efi)
    machine->firmware = "efi";
  return code;
}

/* On a terminal: what the machine was given because nobody said it. */
static void pack_tell_assumed(const struct pack_settings *settings,
                              const struct vmf_machine_options *machine)
{
  const struct vmf_machine_settings *given = &settings->machine;
  char text[400] = "";

  if (settings->command.quiet || machine->template_ || !isatty(STDERR_FILENO))
    return;
  snprintf(text, sizeof text, "%s%s%s%s%s%s", given->cpus_given ? "" : ", 1 processor (--cpus)",
           given->memory_given ? "" : ", 1 GiB of memory (--memory)",
           given->os ? "" : ", guest system other-64 (--os)",
           given->firmware || given->secure_boot ? ""
           : machine->firmware
               ? ", firmware EFI, since a disk has an EFI system partition (--firmware)"
               : ", firmware BIOS (--firmware)",
           given->controllers ? "" : ", controller lsilogic (--controller)",
           given->nics ? "" : ", a network card E1000 in \"VM Network\" (--nic)");
  if (text[0])
    vmf_status_print("assumed: %s", text + 2);
}

static enum vmf_code pack_with(const struct pack_settings *settings,
                               struct vmf_machine_options *machine, struct vmf_error *error)
{
  const char *template_path = settings->machine.template_path;
  const struct vmf_package_options template_options =
      vmf_sources_package_options(&settings->command, &settings->source);
  struct pack_disks disks = {0};
  char *path = NULL;
  enum vmf_code code = VMF_OK;

  if (!settings->output)
    code = vmf_names_after(settings->command.operands[0], "", "ova", &path, error);
  if (code == VMF_OK && template_path)
    code = vmf_package_open(template_path, &template_options, &machine->template_, error);
  if (code == VMF_OK)
    code = pack_open_disks(settings, &disks, error);
  if (code == VMF_OK)
    code = pack_round(settings, &disks, error);
  if (code == VMF_OK)
    code = pack_firmware(settings, &disks, machine, error);
  if (code == VMF_OK) {
    pack_tell_assumed(settings, machine);
    code = pack_write(settings, &disks, machine, path ? path : settings->output, error);
  }
  pack_close_disks(&disks);
  vmf_package_close(machine->template_);
  free(path);
  return code;
}

static int pack_print_forms(void)
{
  struct vmf_disk_form_info info = {.size = sizeof info};

  printf("%-18s %-8s %s\n", "Form", "Suffix", "Format URI");
  for (size_t i = 0; vmf_disk_form_describe(i, &info); i++)
    printf("%-18s .%-7s %s\n", info.name, info.suffix, info.uri);
  return VMF_EXIT_DONE;
}

static int pack_run(void *given)
{
  struct pack_settings *settings = given;
  struct vmf_parsed_machine options = {0};
  struct vmf_error error = {0};
  enum vmf_code code;

  if (settings->target.disk_format && strcmp(settings->target.disk_format, "help") == 0)
    return pack_print_forms();
  if (settings->machine.os && strcmp(settings->machine.os, "help") == 0) {
    vmf_machine_options_print_systems();
    return VMF_EXIT_DONE;
  }
  if (vmf_arguments_want_option_help(settings->target.options))
    return vmf_format_options_print(vmf_format_of_form(settings->target.disk_format));
  if (settings->command.operand_count == 0) {
    vmf_arguments_wrong(&error, "pack: an operand is missing: vmferry pack [OPTIONS] DISK...");
    return vmf_status_report(&error);
  }
  vmf_signals_catch();
  code = vmf_names_operands(&settings->command, settings->command.operand_count, 0, &error);
  if (code == VMF_OK)
    code = vmf_names_pipe_target(&settings->output, &error);
  if (code == VMF_OK)
    code = vmf_names_resolve(&settings->command, &settings->output, false, &error);
  if (code == VMF_OK)
    code = pack_check_operands(settings, &error);
  if (code == VMF_OK)
    code = vmf_packaging_check(&settings->signing, &error);
  if (code == VMF_OK)
    code = vmf_transfer_check(&settings->transfer, &error);
  if (code == VMF_OK)
    code = pack_check_options(settings->target.options, &error);
  if (code == VMF_OK)
    code = vmf_machine_options_parse(&settings->machine, &options, &error);
  if (code == VMF_OK)
    code = pack_platform(settings, &options.machine, &error);
  if (code == VMF_OK)
    code = pack_with(settings, &options.machine, &error);
  vmf_machine_options_free(&options);
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

static const char *const pack_examples[] = {
    "vmferry pack disk.qcow2 -o vm.ova",
    "vmferry pack --cpus 2 --memory 4G disk.vmdk data.raw",
    "vmferry pack --os ubuntu-64 disk.qcow2 -o folder/vm.ovf",
    NULL,
};

const struct vmf_verb vmf_verb_pack = {
    .name = "pack",
    .purpose = VMF_PURPOSE_PACKAGES,
    .operands = "DISK...",
    .summary = "make a package (OVA, OVF) of disks",
    .examples = pack_examples,
    .arguments = pack_arguments,
    VMF_STARTS_WITH(pack_initial),
    .min_operands = 0, /* "--os help" has none */
    .max_operands = 1024,
    .written = VMF_WRITTEN_OUT,
    .usage_status = VMF_EXIT_OTHER,
    .run = pack_run,
};
