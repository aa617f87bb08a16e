/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Parses the command line of one verb by its table, through getopt_long. */
#include "arguments.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "argument_place.h"
#include "secrets.h"
#include "status.h"

enum {
  ARGUMENTS_LONG = 256, /* getopt's value for the n-th entry: LONG + n */
  ARGUMENTS_HIDDEN = '\1'
};

struct arguments_getopt {
  char *letters;
  struct option *longs;
  bool *given; /* for each row of the table */
};

enum vmf_code vmf_arguments_wrong(struct vmf_error *error, const char *format, ...)
{
  va_list values;

  va_start(values, format);
  vsnprintf(error->text, sizeof error->text, format, values);
  va_end(values);
  error->code = VMF_USAGE;
  error->sys_errno = 0;
  return VMF_USAGE;
}

enum vmf_code vmf_arguments_no_memory(struct vmf_error *error)
{
  vmf_arguments_wrong(error, "no memory");
  return error->code = VMF_NOMEM;
}

size_t vmf_arguments_option_length(const char *text)
{
  size_t length = 0;

  while (text[length] && (text[length] != ',' || text[length + 1] == ','))
    length += text[length] == ',' ? 2 : 1;
  return length;
}

char *vmf_arguments_option_copy(const char *start, size_t length)
{
  char *value = malloc(length + 1), *out = value;

  if (!value)
    return NULL;
  for (size_t i = 0; i < length; i++) {
    *out++ = start[i];
    if (start[i] == ',')
      i++;
  }
  *out = 0;
  return value;
}

enum vmf_code vmf_arguments_take_option(char *options, const char *name, char **value,
                                        struct vmf_error *error)
{
  size_t name_length = strlen(name);
  char *word = options;

  *value = NULL;
  while (word && *word) {
    char *end = word + vmf_arguments_option_length(word), *rest = *end ? end + 1 : end;
    bool last = !*end; /* before what is behind it moves there */

    if (strncmp(word, name, name_length) == 0 && word[name_length] == '=') {
      char *start = word + name_length + 1;

      free(*value);
      *value = vmf_arguments_option_copy(start, (size_t)(end - start));
      if (!*value)
        return vmf_arguments_no_memory(error);
      if (last && word > options)
        word[-1] = 0; /* it was the last: the comma before it goes, too */
      else
        memmove(word, rest, strlen(rest) + 1);
      if (last)
        break;
    } else {
      word = rest;
    }
  }
  return VMF_OK;
}

bool vmf_arguments_want_option_help(const char *options)
{
  while (options && *options) {
    size_t length = vmf_arguments_option_length(options);

    if ((length == 4 && strncmp(options, "help", 4) == 0) || (length == 1 && *options == '?'))
      return true;
    options += length + (options[length] == ',');
  }
  return false;
}

const char *const *vmf_arguments_words(enum vmf_argument_kind kind)
{
  static const char *const outputs[] = {"human", "json", NULL};
  static const char *const digests[] = {"sha256", "sha1", "sha512", NULL}; /* the default first */
  static const char *const modes[] = {"none",       "writeback", "writethrough",
                                      "directsync", "unsafe",    NULL};

  switch (kind) {
  case VMF_ARGUMENT_OUTPUT:
    return outputs;
  case VMF_ARGUMENT_CHECKSUM:
    return digests;
  case VMF_ARGUMENT_CACHE:
    return modes;
  default:
    return NULL;
  }
}

static void *argument_field(void *settings, size_t offset)
{
  return (char *)settings + offset;
}

/* Without this, two lists that are joined could make a doubled comma, which is part of a value. */
static enum vmf_code argument_list_whole(const char *what, const char *text,
                                         struct vmf_error *error)
{
  for (const char *item = text;; item++) {
    size_t length = vmf_arguments_option_length(item);

    if (length == 0)
      return vmf_arguments_wrong(error,
                                 "%s: \"%s\": an option is missing at byte %zu, expected "
                                 "NAME=VALUE,... (a comma in a value is written twice)",
                                 what, text, (size_t)(item - text));
    item += length;
    if (!*item)
      return VMF_OK;
  }
}

static enum vmf_code argument_join(char **joined, const char *what, const char *text,
                                   struct vmf_error *error)
{
  enum vmf_code code = argument_list_whole(what, text, error);
  if (code != VMF_OK)
    return code;
  size_t length = *joined ? strlen(*joined) + 1 : 0;
  char *both = realloc(*joined, length + strlen(text) + 1);

  if (!both)
    return vmf_arguments_no_memory(error);
  if (length > 0)
    both[length - 1] = ',';
  strcpy(both + length, text);
  *joined = both;
  return VMF_OK;
}

static enum vmf_code argument_list(const char ***list, const char *text, struct vmf_error *error)
{
  size_t count = 0;
  const char **longer;

  while (*list && (*list)[count])
    count++;
  longer = realloc(*list, (count + 2) * sizeof *longer);
  if (!longer)
    return vmf_arguments_no_memory(error);
  longer[count] = text;
  longer[count + 1] = NULL;
  *list = longer;
  return VMF_OK;
}

/* `text` is one of the NULL-terminated words. */
static enum vmf_code argument_word(const char *what, const char *text, const char *const *words,
                                   struct vmf_error *error)
{
  char all[128] = "";

  for (size_t i = 0; words[i]; i++) {
    size_t length = strlen(all);

    if (strcmp(text, words[i]) == 0)
      return VMF_OK;
    snprintf(all + length, sizeof all - length, "%s%s", i ? ", " : "", words[i]);
  }
  return vmf_arguments_wrong(error, "%s: \"%s\" is none of: %s", what, text, all);
}

static enum vmf_code argument_number(const struct vmf_argument *argument, const char *what,
                                     const char *text, uint64_t *number, struct vmf_error *error)
{
  char *end;

  errno = 0;
  *number = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end || errno || *number < argument->min ||
      *number > argument->max)
    return vmf_arguments_wrong(error, "%s: \"%s\" is not a number from %llu to %llu", what, text,
                               (unsigned long long)argument->min,
                               (unsigned long long)argument->max);
  return VMF_OK;
}

/* Where 0 stands for no bound, nobody asks for it by a number. */
static enum vmf_code argument_size(const struct vmf_argument *argument, const char *what,
                                   const char *text, uint64_t *size, struct vmf_error *error)
{
  enum vmf_code code = vmf_arguments_size(text, what, size, error);

  if (code != VMF_OK || *size >= argument->min)
    return code;
  return vmf_arguments_wrong(error, "%s: \"%s\" is less than %llu byte%s", what, text,
                             (unsigned long long)argument->min, argument->min == 1 ? "" : "s");
}

static enum vmf_code argument_cache(const struct vmf_argument *argument, const char *what,
                                    const char *text, void *settings, struct vmf_error *error)
{
  enum vmf_code code = argument_word(what, text, vmf_arguments_words(argument->kind), error);

  if (code == VMF_OK && argument->field && strcmp(text, "unsafe") == 0)
    *(bool *)argument_field(settings, argument->field) = true;
  return code;
}

static enum vmf_code argument_either(const struct vmf_argument *argument, const char *what,
                                     const char *text, bool *is_first, struct vmf_error *error)
{
  const char *second = strchr(argument->value, '|') + 1;
  char first[16];

  snprintf(first, sizeof first, "%.*s", (int)(second - 1 - argument->value), argument->value);
  const char *const words[] = {first, second, NULL};
  *is_first = strcmp(text, first) == 0;
  return argument_word(what, text, words, error);
}

static enum vmf_code argument_checksum(const char *what, const char *text, const char **name,
                                       struct vmf_error *error)
{
  const char *const *names = vmf_arguments_words(VMF_ARGUMENT_CHECKSUM);

  *name = text ? text : names[0];
  return argument_word(what, *name, names, error);
}

/* A descriptor that is not open could become that of an image. */
static enum vmf_code argument_progress(const char *what, const char *text, int *descriptor,
                                       struct vmf_error *error)
{
  const char *number = text && strncmp(text, "json", 4) == 0 ? text + 4 : "?";
  char *end = NULL;
  long found = STDERR_FILENO;

  if (!text)
    return VMF_OK;
  if (*number == ':') {
    found = isdigit((unsigned char)number[1]) ? strtol(number + 1, &end, 10) : -1;
    number = end ? end : number;
  }
  if (*number || found < STDERR_FILENO || found > INT_MAX)
    return vmf_arguments_wrong(error,
                               "%s: \"%s\" is none of: json, json:FD (an open descriptor from 2 "
                               "on; 2 is standard error)",
                               what, text);
  if (fcntl((int)found, F_GETFL) < 0)
    return vmf_arguments_wrong(error, "%s: descriptor %ld: %s", what, found, strerror(errno));
  *descriptor = (int)found;
  return VMF_OK;
}

/* qemu-img takes "snapshot.id=ID,snapshot.name=NAME" for -l as well. */
static enum vmf_code argument_snapshot(const char *what, const char *text, const char **snapshot,
                                       struct vmf_error *error)
{
  *snapshot = text;
  if (strncmp(text, "snapshot.", 9) != 0)
    return VMF_OK;
  for (const char *const *name = (const char *const[]){"snapshot.id=", "snapshot.name=", NULL};
       *name; name++)
    if (strncmp(text, *name, strlen(*name)) == 0 && !strchr(text, ',')) {
      *snapshot = text + strlen(*name);
      return VMF_OK;
    }
  return vmf_arguments_wrong(
      error,
      "%s: \"%s\" is not a snapshot: give its id or name, or snapshot.id=ID, "
      "or snapshot.name=NAME",
      what, text);
}

static enum vmf_code argument_set(const struct vmf_argument *argument, const char *text,
                                  void *settings, struct vmf_error *error)
{
  void *field = argument_field(settings, argument->field);
  char what[40];

  if (argument->letter && !argument->value_optional)
    snprintf(what, sizeof what, "-%c", argument->letter);
  else
    snprintf(what, sizeof what, "--%s", argument->name);
  if (argument->given)
    *(bool *)argument_field(settings, argument->given) = true;
  enum vmf_code code = vmf_argument_place(argument, what, text, error);
  if (code != VMF_OK)
    return code;
  switch (argument->kind) {
  case VMF_ARGUMENT_FLAG:
    *(bool *)field = true;
    return VMF_OK;
  case VMF_ARGUMENT_TEXT:
    *(const char **)field = text;
    return VMF_OK;
  case VMF_ARGUMENT_JOINED:
    return argument_join(field, what, text, error);
  case VMF_ARGUMENT_LISTED:
    return argument_list(field, text, error);
  case VMF_ARGUMENT_SIZE:
    return argument_size(argument, what, text, field, error);
  case VMF_ARGUMENT_NUMBER:
    return argument_number(argument, what, text, field, error);
  case VMF_ARGUMENT_OUTPUT:
    *(bool *)field = strcmp(text, "json") == 0;
    return argument_word(what, text, vmf_arguments_words(argument->kind), error);
  case VMF_ARGUMENT_CHECKSUM:
    return argument_checksum(what, text, field, error);
  case VMF_ARGUMENT_PROGRESS_FORM:
    return argument_progress(what, text, field, error);
  case VMF_ARGUMENT_SNAPSHOT:
    return argument_snapshot(what, text, field, error);
  case VMF_ARGUMENT_EITHER:
    return argument_either(argument, what, text, field, error);
  case VMF_ARGUMENT_CACHE:
    return argument_cache(argument, what, text, settings, error);
  case VMF_ARGUMENT_NO_EFFECT:
  case VMF_ARGUMENT_GROUP:
    return VMF_OK;
  case VMF_ARGUMENT_REFUSED:
    return vmf_arguments_wrong(error, "%s is an option of qemu-img that vmferry does not have: %s",
                               what, argument->help);
  }
  return VMF_OK;
}

/* Of a long option; behind a letter an optional value could be other letters. */
static int arguments_value(const struct vmf_argument *argument)
{
  if (!argument->value)
    return no_argument;
  return argument->value_optional ? optional_argument : required_argument;
}

static void arguments_getopt_free(struct arguments_getopt *built)
{
  free(built->letters);
  free(built->longs);
  free(built->given);
}

static enum vmf_code arguments_getopt_build(const struct vmf_argument *table,
                                            struct arguments_getopt *built, struct vmf_error *error)
{
  size_t count = 0;

  while (table[count].kind)
    count++;
  built->letters = calloc(count + 1, sizeof "x:");        /* one more: ":h" */
  built->longs = calloc(count + 2, sizeof *built->longs); /* two more: --help and the end */
  built->given = calloc(count + 1, sizeof *built->given);
  if (!built->letters || !built->longs || !built->given)
    return vmf_arguments_no_memory(error);
  char *letter = built->letters;
  struct option *longer = built->longs;

  *letter++ = ':'; /* a missing value is told from an unknown option */
  *letter++ = 'h';
  for (int i = 0; table[i].kind; i++) {
    const struct vmf_argument *argument = &table[i];

    if (argument->letter) {
      *letter++ = argument->letter;
      if (arguments_value(argument) == required_argument)
        *letter++ = ':';
    }
    if (argument->name)
      *longer++ = (struct option){
          .name = argument->name, .has_arg = arguments_value(argument), .val = ARGUMENTS_LONG + i};
  }
  *longer = (struct option){.name = "help", .has_arg = no_argument, .val = 'h'};
  return VMF_OK;
}

static const struct vmf_argument *arguments_find(const struct vmf_argument *table, int found)
{
  if (found >= ARGUMENTS_LONG)
    return &table[found - ARGUMENTS_LONG];
  for (; table->kind; table++)
    if (table->letter == found)
      return table;
  return NULL;
}

static enum vmf_code arguments_unknown_name(const struct vmf_verb *verb, const char *word,
                                            struct vmf_error *error)
{
  char name[64];

  snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
  for (const struct vmf_argument *argument = verb->arguments; argument->kind; argument++)
    if (argument->name && strcmp(argument->name, name) == 0)
      return vmf_arguments_wrong(error, "%s: option --%s takes no value", verb->name, name);
  for (const struct vmf_argument *argument = verb->arguments; argument->kind; argument++)
    if (argument->name && argument->help && vmf_word_similar(name, argument->name))
      return vmf_arguments_wrong(error, "%s: unknown option --%s; did you mean --%s?", verb->name,
                                 name, argument->name);
  return vmf_arguments_wrong(error, "%s: unknown option %s; \"vmferry %s --help\" lists them",
                             verb->name, word, verb->name);
}

static enum vmf_code arguments_unknown(const struct vmf_verb *verb, int found, char **argv,
                                       struct vmf_error *error)
{
  const char *word = argv[optind - 1];

  if (found == ':' && optopt < ARGUMENTS_LONG)
    return vmf_arguments_wrong(error, "%s: option -%c needs a value", verb->name, optopt);
  if (found == ':')
    return vmf_arguments_wrong(error, "%s: option %s needs a value", verb->name, word);
  if (optopt > 0 && optopt < ARGUMENTS_LONG)
    return vmf_arguments_wrong(error, "%s: unknown option -%c", verb->name, optopt);
  return arguments_unknown_name(verb, word, error);
}

/* getopt_long takes "--force" for "--force-share", and what an abbreviation means would change with
 * every new option. */
static enum vmf_code arguments_whole(const struct vmf_argument *argument, char **argv,
                                     struct vmf_error *error)
{
  const char *word = argv[optind - (optarg && optarg == argv[optind - 1] ? 2 : 1)];
  size_t length = strcspn(word, "=");

  if (length == 2 + strlen(argument->name) && strncmp(word + 2, argument->name, length - 2) == 0)
    return VMF_OK;
  return vmf_arguments_wrong(error,
                             "unknown option %.*s; options are not abbreviated, and --%s begins so",
                             (int)length, word, argument->name);
}

static enum vmf_code arguments_count(const struct vmf_verb *verb, int count,
                                     struct vmf_error *error)
{
  if (count < verb->min_operands)
    return vmf_arguments_wrong(error, "%s: an operand is missing: vmferry %s [OPTIONS] %s",
                               verb->name, verb->name, verb->operands);
  if (count > verb->max_operands)
    return vmf_arguments_wrong(error, "%s: too many operands: vmferry %s [OPTIONS] %s", verb->name,
                               verb->name, verb->operands);
  return VMF_OK;
}

static bool arguments_given(const struct vmf_argument *table, const bool *given, const char *name)
{
  for (size_t i = 0; table[i].kind; i++)
    if (given[i] && table[i].name && strcmp(table[i].name, name) == 0)
      return true;
  return false;
}

static enum vmf_code arguments_agree(const struct vmf_argument *table, const bool *given,
                                     struct vmf_error *error)
{
  for (size_t i = 0; table[i].kind; i++)
    if (given[i] && table[i].contradicts && arguments_given(table, given, table[i].contradicts))
      return vmf_arguments_wrong(error, "--%s and --%s contradict each other", table[i].name,
                                 table[i].contradicts);
  return VMF_OK;
}

/* "-o help" needs no operands. */
static bool arguments_want_help(const struct vmf_argument *table, struct vmf_command *command)
{
  for (; table->kind; table++)
    if (table->kind == VMF_ARGUMENT_JOINED &&
        vmf_arguments_want_option_help(*(char **)argument_field(command, table->field)))
      return true;
  return false;
}

static void arguments_warn(const struct vmf_argument *table, const bool *given,
                           const struct vmf_command *command)
{
  for (size_t i = 0; table[i].kind; i++)
    if (given[i] && table[i].warning)
      vmf_status_say(command, "warning: %s", table[i].warning);
}

/* "-::DISK" is an operand, as "-" is, but to getopt it is letters: their first is another as long
 * as it looks. */
static void arguments_swap_inputs(int argc, char **argv, char from, char to)
{
  for (int i = 1; i < argc; i++)
    if (argv[i][0] == from && strncmp(argv[i] + 1, "::", 2) == 0)
      argv[i][0] = to;
}

static enum vmf_code arguments_take(const struct vmf_verb *verb, int argc, char **argv,
                                    const struct arguments_getopt *built,
                                    struct vmf_command *command, struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  int found;

  arguments_swap_inputs(argc, argv, '-', ARGUMENTS_HIDDEN);
  opterr = 0;
  optind = 0; /* glibc begins anew, also behind the middle of a word */
  while (code == VMF_OK &&
         (found = getopt_long(argc, argv, built->letters, built->longs, NULL)) != -1) {
    const struct vmf_argument *argument = NULL;

    if (found == 'h') {
      command->help = true;
      return VMF_OK;
    }
    if (found != '?' && found != ':')
      argument = arguments_find(verb->arguments, found);
    if (argument && found >= ARGUMENTS_LONG)
      code = arguments_whole(argument, argv, error);
    if (argument)
      built->given[argument - verb->arguments] = true;
    if (code == VMF_OK)
      code = argument ? argument_set(argument, optarg, command, error)
                      : arguments_unknown(verb, found, argv, error);
  }
  arguments_swap_inputs(argc, argv, ARGUMENTS_HIDDEN, '-');
  command->operands = (const char **)(argv + optind);
  command->operand_count = argc - optind;
  return code;
}

enum vmf_code vmf_arguments_parse(const struct vmf_verb *verb, int argc, char **argv,
                                  struct vmf_command *command, struct vmf_error *error)
{
  struct arguments_getopt built = {0};
  enum vmf_code code = arguments_getopt_build(verb->arguments, &built, error);

  if (code == VMF_OK)
    code = arguments_take(verb, argc, argv, &built, command, error);
  if (code == VMF_OK && !command->help) {
    code = arguments_agree(verb->arguments, built.given, error);
    if (code == VMF_OK && !arguments_want_help(verb->arguments, command))
      code = arguments_count(verb, command->operand_count, error);
    if (code == VMF_OK)
      arguments_warn(verb->arguments, built.given, command);
  }
  arguments_getopt_free(&built);
  return code;
}

void vmf_arguments_free(const struct vmf_verb *verb, struct vmf_command *command)
{
  for (const struct vmf_argument *argument = verb->arguments; argument->kind; argument++) {
    void *field = argument_field(command, argument->field);

    if (argument->kind == VMF_ARGUMENT_JOINED)
      free(*(char **)field);
    else if (argument->kind == VMF_ARGUMENT_LISTED)
      free(*(const char ***)field);
  }
  for (char **name = command->names; name && *name; name++)
    free(*name);
  free(command->names);
  vmf_secrets_forget(command);
}
