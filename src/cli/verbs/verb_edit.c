/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry edit`: a machine is changed in the file that describes it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arguments.h"
#include "common_arguments.h"
#include "machine_options.h"
#include "names.h"
#include "packaging.h"
#include "signals.h"
#include "status.h"
#include "text_diff.h"

struct edit_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  struct vmf_target_settings target;
  struct vmf_signing_settings signing;
  struct vmf_machine_settings machine;
  const char *system, *output; /* NULL: the only one; in place */
  const char **networks;       /* "OLD=NEW", NULL-terminated; owned; or NULL */
  bool remove_cd, dry_run;
};

#define VMF_SETTINGS struct edit_settings

static const struct edit_settings edit_initial = {.source = VMF_SOURCE_CHECKED};

static const struct vmf_argument edit_arguments[] = {
    VMF_GROUP_MACHINE,
    {.name = "system",
     VMF_SETS_TEXT(system),
     .value = "NAME",
     .help = "the machine, of several: its name, id or number"},
    {.name = "name", VMF_SETS_TEXT(machine.name), .value = "NAME", .help = "its new name"},
    {.name = "cpus",
     VMF_SETS_NUMBER(machine.cpus),
     .value = "N",
     .min = 1,
     .max = 1024,
     .given = VMF_SETTING(bool, machine.cpus_given),
     .help = "virtual processors"},
    {.name = "memory",
     VMF_SETS_SIZE(machine.memory),
     .value = "SIZE",
     .given = VMF_SETTING(bool, machine.memory_given),
     .help = "memory, a multiple of 4M"},
    {.name = "network",
     VMF_SETS_LISTED(networks),
     .value = "OLD=NEW",
     .help = "call a network otherwise, with all cards that are on it (repeatable)"},
    {.name = "nic",
     VMF_SETS_LISTED(machine.nics),
     .value = "N|new,WORD,...",
     .help = "change the network card N, counted from 1, or add a new one: model=MODEL, "
             "network=NAME, mac=ADDRESS; N,none takes it away (repeatable)"},
    {.name = "os",
     VMF_SETS_TEXT(machine.os),
     .value = "OS",
     .help = "guest operating system; \"help\" lists them"},
    {.name = "firmware",
     VMF_SETS_TEXT(machine.firmware),
     .value = "bios|efi",
     .help = "firmware; the guest must be installed for it"},
    {.name = "annotation",
     VMF_SETS_TEXT(machine.annotation),
     .value = "TEXT",
     .help = "the note on the machine; \"\" takes it away"},
    {.name = "property",
     VMF_SETS_LISTED(machine.properties),
     .value = "KEY=VALUE",
     .help = "the value of a property that the package has (repeatable)"},
    {.name = "eula",
     VMF_SETS_LISTED(machine.eulas),
     .value = "FILE",
     .help = "add a licence that must be accepted, text in UTF-8 (repeatable)"},
    {.name = "remove-cd",
     VMF_SETS_FLAG(remove_cd),
     .help = "take away the CD drives, and the files in them that nothing else needs"},
    VMF_GROUP_WRITING,
    {.letter = 'o',
     .name = "out",
     VMF_SETS_TEXT(output),
     .value = "OUT",
     .help = "write another file, and leave this one as it is"},
    {.name = "dry-run",
     VMF_SETS_FLAG(dry_run),
     .help = "write nothing: show what would be changed, as diff -u does"},
    VMF_ARGUMENT_NO_CLOBBER,
    VMF_ARGUMENT_NO_SYNC,
    VMF_GROUP_SIGNING,
    {.name = "key", VMF_SETS_TEXT(signing.key), .value = "FILE", .help = "sign with this key, PEM"},
    VMF_ARGUMENT_CERT,
    VMF_ARGUMENT_PASSPHRASE,
    VMF_ARGUMENT_CMS,
    {.name = "digest",
     VMF_SETS_CHECKSUM(signing.digest),
     .value = "ALGORITHM",
     .help = "digest of the manifest: sha256, sha1 or sha512 (default: what it has)"},
    VMF_GROUP_READING,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_GROUP_TRUST,
    VMF_ARGUMENT_TRUST,
    VMF_ARGUMENT_NO_VERIFY,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    {0},
};

/* The texts that --nic is taken apart in, and what they say. */
struct edit_nics {
  struct vmf_nic_edit *nics;
  char **texts;
  size_t count;
};

/* "2,none", "new,model=e1000": *text is what follows the first word. */
static enum vmf_code edit_nic_number(char **text, const char *given, struct vmf_nic_edit *nic,
                                     struct vmf_error *error)
{
  char *comma = strchr(*text, ','), *end;

  if (comma)
    *comma = '\0';
  nic->number = strtoul(*text, &end, 10);
  bool is_number = **text >= '1' && **text <= '9' && !*end && nic->number <= 4096;
  if (!is_number && strcmp(*text, "new") != 0)
    return vmf_arguments_wrong(
        error, "--nic: \"%s\" does not begin with the number of a card, or \"new\"", given);
  *text = comma ? comma + 1 : *text + strlen(*text);
  if (comma || !is_number)
    return VMF_OK;
  return vmf_arguments_wrong(error, "--nic: \"%s\" does not say what is to be changed", given);
}

static enum vmf_code edit_nic_parse(char *text, const char *given, struct vmf_nic_edit *nic,
                                    struct vmf_error *error)
{
  struct vmf_nic_options words = {0};
  enum vmf_code code = edit_nic_number(&text, given, nic, error);

  if (code == VMF_OK && strcmp(text, "none") == 0) {
    nic->remove = true;
    return nic->number > 0 ? VMF_OK
                           : vmf_arguments_wrong(error, "--nic: a new card cannot be removed");
  }
  if (code == VMF_OK)
    code = vmf_nic_words_parse(text, given, &words, error);
  nic->model = words.model;
  nic->network = words.network;
  nic->mac = words.mac;
  return code;
}

static enum vmf_code edit_nics_parse(const char *const *given, struct edit_nics *nics,
                                     struct vmf_error *error)
{
  size_t count = 0;

  while (given && given[count])
    count++;
  nics->nics = calloc(count + 1, sizeof *nics->nics);
  nics->texts = calloc(count + 1, sizeof *nics->texts);
  if (!nics->nics || !nics->texts)
    return vmf_arguments_no_memory(error);
  for (; nics->count < count; nics->count++) {
    size_t i = nics->count;
    nics->texts[i] = strdup(given[i]);
    if (!nics->texts[i])
      return vmf_arguments_no_memory(error);
    enum vmf_code code = edit_nic_parse(nics->texts[i], given[i], &nics->nics[i], error);
    if (code != VMF_OK)
      return code;
  }
  return VMF_OK;
}

static void edit_nics_free(struct edit_nics *nics)
{
  for (size_t i = 0; nics->texts && nics->texts[i]; i++)
    free(nics->texts[i]);
  free(nics->texts);
  free(nics->nics);
}

/* What the library is to do with the text: it is shown, or counted. */
struct edit_shown {
  bool dry_run, changed;
  enum vmf_code code;
};

static void edit_show(void *data, const struct vmf_edited_text *text)
{
  struct edit_shown *shown = data;

  shown->changed = true;
  if (shown->dry_run)
    shown->code = vmf_text_diff_print(stdout, text);
}

static enum vmf_code edit_file(struct edit_settings *settings, const struct edit_nics *nics,
                               const struct vmf_machine_options *machine, struct vmf_error *error)
{
  const char *path = settings->command.operands[0];
  const struct vmf_packaging packaging = {&settings->command, &settings->source, &settings->target,
                                          &settings->signing, NULL};
  struct vmf_progress progress = vmf_progress_begin(&settings->command, path, "editing");
  struct edit_shown shown = {.dry_run = settings->dry_run};
  struct vmf_package_target files;
  const struct vmf_machine_edits edits = {
      .size = sizeof edits,
      .system = settings->system,
      .name = machine->name,
      .cpus = machine->cpus,
      .memory = machine->memory,
      .os = machine->os,
      .firmware = machine->firmware,
      .annotation = machine->annotation,
      .networks = settings->networks,
      .nics = nics->nics,
      .nic_count = nics->count,
      .properties = machine->properties,
      .property_count = machine->property_count,
      .eulas = machine->eulas,
      .eula_count = machine->eula_count,
      .remove_cd = settings->remove_cd,
  };
  const struct vmf_edit_target target = {.size = sizeof target,
                                         .output = settings->output,
                                         .dry_run = settings->dry_run,
                                         .text = edit_show,
                                         .text_data = &shown,
                                         .files = &files};

  enum vmf_code code = vmf_packaging_target(&packaging, &progress, &files, error);
  if (code == VMF_OK)
    code = vmf_machine_edit(path, &edits, &target, error);
  vmf_progress_end(&progress, code == VMF_OK);
  if (code == VMF_OK && shown.code != VMF_OK)
    return vmf_arguments_no_memory(error);
  if (code == VMF_OK && !shown.changed && !settings->command.quiet)
    puts("nothing is changed");
  return code;
}

static const char *edit_suffix(const char *path)
{
  return strrchr(vmf_names_last(path), '.');
}

/* Whether a suffix says what FILE is: that of "vm.vmx.orig" does not. A package in a folder has no
 * other name, which is told later. */
static bool edit_is_machine(const char *suffix)
{
  struct vmf_machine_format_info format = {.size = sizeof format};

  for (size_t i = 0; vmf_machine_format_describe(i, &format); i++)
    for (const char *const *own = format.suffixes; *own; own++)
      if (strcasecmp(*own, suffix + 1) == 0)
        return true;
  return strcasecmp(suffix, ".ova") == 0;
}

/* What is written is what FILE is: a slip in the name costs no disk, and no other machine. */
static enum vmf_code edit_check_output(const char *path, const char *output,
                                       struct vmf_error *error)
{
  const char *own = edit_suffix(path), *other = output ? edit_suffix(output) : NULL;

  if (own && !edit_is_machine(own))
    own = NULL;
  if (!other || (own && strcasecmp(own, other) == 0) ||
      (!vmf_format_by_suffix(output) && !(own && vmf_suffix_meaning(output))))
    return VMF_OK;
  return vmf_arguments_wrong(error,
                             "-o: %s: the suffix %s is that of something else; what is written is "
                             "what %s is%s%s",
                             output, other, path, own ? ": expected *" : "", own ? own : "");
}

static bool edit_is_wanted(const struct edit_settings *settings)
{
  const struct vmf_machine_settings *machine = &settings->machine;

  return machine->name || machine->cpus_given || machine->memory_given || machine->os ||
         machine->firmware || machine->annotation || machine->nics || machine->properties ||
         machine->eulas || settings->networks || settings->remove_cd;
}

static int edit_run(void *given)
{
  struct edit_settings *settings = given;
  struct vmf_machine_settings described = settings->machine;
  struct vmf_parsed_machine options = {0};
  struct edit_nics nics = {0};
  struct vmf_error error = {0};

  if (settings->machine.os && strcmp(settings->machine.os, "help") == 0) {
    vmf_machine_options_print_systems();
    return VMF_EXIT_DONE;
  }
  described.nics = NULL; /* they are said otherwise here */
  vmf_signals_catch();
  enum vmf_code code = settings->command.operand_count == 1
                           ? VMF_OK
                           : vmf_arguments_wrong(&error, "edit: expected one file: "
                                                         "vmferry edit [OPTIONS] FILE");
  if (code == VMF_OK && !edit_is_wanted(settings))
    code = vmf_arguments_wrong(&error, "edit: no option says what is to be changed: --name, "
                                       "--cpus, --memory, --network, ...; \"vmferry edit --help\" "
                                       "lists all");
  if (code == VMF_OK)
    code = edit_check_output(settings->command.operands[0], settings->output, &error);
  if (code == VMF_OK)
    code = vmf_packaging_check(&settings->signing, &error);
  if (code == VMF_OK)
    code = edit_nics_parse(settings->machine.nics, &nics, &error);
  if (code == VMF_OK)
    code = vmf_machine_options_parse(&described, &options, &error);
  if (code == VMF_OK)
    code = edit_file(settings, &nics, &options.machine, &error);
  vmf_machine_options_free(&options);
  edit_nics_free(&nics);
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

static const char *const edit_examples[] = {
    "vmferry edit --cpus 4 --memory 8G appliance.ova",
    "vmferry edit --name web -o web.ova appliance.ova",
    "vmferry edit --dry-run --firmware efi appliance.ova",
    NULL,
};

const struct vmf_verb vmf_verb_edit = {
    .name = "edit",
    .purpose = VMF_PURPOSE_PACKAGES,
    .operands = "FILE",
    .summary = "change a machine in the file that describes it",
    .examples = edit_examples,
    .arguments = edit_arguments,
    VMF_STARTS_WITH(edit_initial),
    .min_operands = 0, /* "--os help" has none */
    .max_operands = 1,
    .written = VMF_WRITTEN_ALL,
    .usage_status = VMF_EXIT_OTHER,
    .run = edit_run,
};
