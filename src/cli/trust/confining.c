/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "confining.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "argument_place.h"
#include "arguments.h"
#include "names.h"
#include "status.h"
#include "word_list.h"

struct places {
  struct vmf_words read, write;
  struct vmf_error *error; /* its code: the first that could not be added */
  /* of the command that is looked at */
  bool out;            /* an option names what is made */
  const char *backing; /* named from the folder of the target on; or NULL */
};

static void add(struct places *places, const char *name, bool read, bool written)
{
  enum vmf_code code = places->error->code;

  if (code == VMF_OK && read)
    code = vmf_words_add(&places->read, name, strlen(name), places->error);
  if (code == VMF_OK && written)
    (void)!vmf_words_add(&places->write, name, strlen(name), places->error);
}

/* "NAME=DIR" is the folder behind the sign. */
static const char *place_of(const char *value, const char *text)
{
  const char *sign = strcmp(value, "NAME=DIR") == 0 ? strchr(text, '=') : NULL;
  return sign ? sign + 1 : text;
}

static void add_options(const struct vmf_verb *verb, const struct vmf_command *command,
                        struct places *places)
{
  for (const struct vmf_argument *row = verb->arguments; row->kind; row++) {
    const void *field = (const char *)command + row->field;
    unsigned kind = vmf_argument_places(row);
    bool read = kind & VMF_PLACE_READ;
    bool written = (kind & VMF_PLACE_WRITTEN) || (row->name && strcmp(row->name, "spool") == 0);
    if (!row->field || (!read && !written))
      continue;
    const char *const *list =
        row->kind == VMF_ARGUMENT_LISTED ? *(const char *const *const *)field : NULL;
    for (; list && *list; list++)
      add(places, place_of(row->value, *list), read, written);
    const char *text = row->kind == VMF_ARGUMENT_TEXT ? *(const char *const *)field : NULL;
    if (text)
      add(places, place_of(row->value, text), read, written);
    places->out |= text && written && strcmp(row->value, "OUT") == 0;
    if (text && (kind & VMF_PLACE_BESIDE))
      places->backing = text;
  }
}

/* Where the disks of a machine are that do not lie beside its file. A link there, which who made
 * the machine may have left, leads to none. */
static void add_disk_folders(struct places *places, const char *name)
{
  const char *slash = strrchr(name, '/'), *dot = strrchr(name, '.');
  struct vmf_machine_format_info format = {.size = sizeof format};
  struct stat there;

  for (size_t i = 0; dot && vmf_machine_format_describe(i, &format); i++)
    for (const char *const *suffix = format.suffixes; *suffix; suffix++)
      for (const char *const *folder = format.disk_folders;
           folder && *folder && strcasecmp(*suffix, dot + 1) == 0; folder++) {
        char *path = NULL;

        if (asprintf(&path, "%.*s%s", slash ? (int)(slash + 1 - name) : 0, name, *folder) < 0)
          return;
        if (lstat(path, &there) == 0 && S_ISDIR(there.st_mode))
          add(places, path, true, false);
        free(path);
      }
}

static bool operand_is_written(const struct vmf_verb *verb, int index, int count)
{
  switch (verb->written) {
  case VMF_WRITTEN_ONE:
  case VMF_WRITTEN_ALL:
    return true;
  case VMF_WRITTEN_LAST:
    return index == count - 1;
  default:
    return false;
  }
}

static void add_operands(const struct vmf_verb *verb, const struct vmf_command *command,
                         struct places *places)
{
  int count = command->operand_count, names = verb->written == VMF_WRITTEN_ONE ? 1 : count;
  for (int i = 0; i < count && i < names; i++) {
    bool written = operand_is_written(verb, i, count);
    bool redirected =
        (!written || count == 1) && command->redirected && strcmp(command->operands[i], "-") == 0;
    const char *name = redirected ? command->redirected : command->operands[i];

    add(places, name, true, written);
    add_disk_folders(places, name);
  }
  bool named = verb->written == VMF_WRITTEN_OUT ? places->out
                                                : count > 1 || verb->written == VMF_WRITTEN_NONE ||
                                                      verb->written == VMF_WRITTEN_ONE;
  if (!named)
    add(places, ".", true, true); /* the name of what is written is found */
}

/* What "-o backing_file=" names, which no row of the table tells to be a place: a fresh string, or
 * NULL. */
static char *take_backing(const struct vmf_verb *verb, const struct vmf_command *command,
                          struct places *places)
{
  const char *given = NULL;
  char *taken = NULL;

  for (const struct vmf_argument *row = verb->arguments; row->kind; row++)
    if (row->kind == VMF_ARGUMENT_JOINED && strcmp(row->name, "options") == 0)
      given = *(char *const *)((const char *)command + row->field);
  char *options = given ? strdup(given) : NULL;
  if (options)
    (void)!vmf_arguments_take_option(options, "backing_file", &taken, places->error);
  else if (given)
    (void)!vmf_arguments_no_memory(places->error);
  free(options);
  return taken;
}

static void add_backing(const struct vmf_verb *verb, const struct vmf_command *command,
                        struct places *places)
{
  int target = verb->written == VMF_WRITTEN_LAST ? command->operand_count - 1 : 0;
  char *taken = places->backing ? NULL : take_backing(verb, command, places), *beside = NULL;
  const char *backing = places->backing ? places->backing : taken;

  if (backing && command->operand_count > 0) {
    beside = vmf_names_beside(command->operands[target], backing);
    if (beside)
      add(places, beside, true, false);
    else
      (void)!vmf_arguments_no_memory(places->error);
    free(beside);
  }
  free(taken);
}

static void add_command(void *data, const struct vmf_verb *verb, const struct vmf_command *command)
{
  struct places *places = data;

  places->out = false;
  places->backing = NULL;
  add_options(verb, command, places);
  add_operands(verb, command, places);
  add_backing(verb, command, places);
}

static enum vmf_code confine(const struct vmf_verb *verb, struct vmf_command *command,
                             struct vmf_confinement *done, struct vmf_error *error)
{
  const char *abi = getenv("VMFERRY_LANDLOCK"); /* an older kernel's, for tests */
  struct places places = {.error = error};

  error->code = VMF_OK;
  add_command(&places, verb, command);
  if (verb->visit)
    verb->visit(command, add_command, &places);
  const struct vmf_confinement_options options = {.size = sizeof options,
                                                  .read = (const char *const *)places.read.list,
                                                  .write = (const char *const *)places.write.list,
                                                  .read_anything = command->reads_anything,
                                                  .landlock_abi = abi ? (unsigned)atoi(abi) : 0};
  enum vmf_code code = error->code == VMF_OK ? vmf_confine(&options, done, error) : error->code;
  vmf_words_free(&places.read);
  vmf_words_free(&places.write);
  return code;
}

/* What is missing, for "require"; NULL: nothing. */
static const char *missing(const struct vmf_confinement *done)
{
  if (done->landlock == 0)
    return "the kernel has no Landlock";
  if (!done->writes)
    return "the kernel's Landlock is the first version, which cannot confine what is written";
  return done->calls ? NULL : done->calls_miss;
}

/* Told with -v where it goes on. */
static void note(const struct vmf_command *command, const char *why)
{
  if (command->verbose && why)
    vmf_status_print("not all is confined: %s", why);
}

static enum vmf_code required(const char *why, struct vmf_error *error)
{
  if (!why)
    return VMF_OK;
  vmf_arguments_wrong(error, "--sandbox=require: %s", why);
  return error->code = VMF_UNSUPPORTED;
}

enum vmf_code vmf_confining(const struct vmf_verb *verb, struct vmf_command *command,
                            struct vmf_error *error)
{
  const char *told = getenv("VMFERRY_SANDBOX");
  const char *word = command->sandbox ? command->sandbox : told ? told : VMF_SANDBOX_DEFAULT;
  struct vmf_confinement done = {.size = sizeof done};
  bool require = strcmp(word, "require") == 0;

  if (strcmp(word, "off") == 0 || verb->operands_are_words)
    return VMF_OK;
  if (!require && strcmp(word, "on") != 0)
    return vmf_arguments_wrong(error, "--sandbox: \"%s\" is none of: off, on, require", word);
  enum vmf_code code = confine(verb, command, &done, error);
  if (code == VMF_UNSUPPORTED && !require) {
    note(command, error->text);
    return VMF_OK;
  }
  if (code != VMF_OK)
    return code;
  if (require)
    return required(missing(&done), error);
  note(command, missing(&done));
  return VMF_OK;
}

void vmf_confining_print(void)
{
  struct vmf_confinement offered = {.size = sizeof offered};
  struct vmf_error error = {0};

  if (vmf_confinement_offered(&offered, &error) != VMF_OK)
    return;
  printf("Sandbox: %s by default\n", VMF_SANDBOX_DEFAULT);
  if (offered.landlock > 0)
    printf("  files: Landlock, version %u%s\n", offered.landlock,
           offered.writes ? "" : " (it confines what is read, not what is written)");
  else
    puts("  files: not confined, the kernel has no Landlock");
  printf("  system calls: %s\n", offered.calls ? "seccomp" : offered.calls_miss);
}
