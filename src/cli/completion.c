/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What may stand at a place of a command line. What a value is, is told by the word that help has
 * for it: FORMAT, FILE, bios|efi. */
#include "completion.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "arguments.h"
#include "format_options.h"
#include "verb.h"

/* The word that is being typed. */
struct completion {
  FILE *out;
  const char *word;
  const char *typed; /* in `word`: where the part begins that is completed */
  bool written;      /* a format is one to write */
};

/* The words before it. */
struct completion_line {
  const struct vmf_argument *awaited;               /* an option whose value comes next, or NULL */
  bool ended;                                       /* by "--": there are no more options */
  size_t operands;                                  /* their number */
  const char *last;                                 /* of them, or NULL */
  const char *format, *target_format, *disk_format; /* what these options were given, or NULL */
};

static void offer(const struct completion *completion, const char *text, const char *end,
                  const char *meaning)
{
  size_t typed = strlen(completion->typed), length = strlen(text);

  if (strncmp(text, completion->typed, typed < length ? typed : length) != 0 ||
      (typed > length && strcmp(completion->typed + length, end) != 0))
    return;
  fprintf(completion->out, "%.*s%s%s\t%s\n", (int)(completion->typed - completion->word),
          completion->word, text, end, meaning ? meaning : "");
}

/* ---- what the words of help stand for ---- */

static void offer_files(const struct completion *completion)
{
  fputs(":files\n", completion->out);
}

static void offer_folders(const struct completion *completion)
{
  fputs(":folders\n", completion->out);
}

static void offer_verbs(const struct completion *completion)
{
  for (const struct vmf_verb *const *verb = vmf_verbs; *verb; verb++)
    offer(completion, (*verb)->name, "", (*verb)->summary);
}

static void offer_formats(const struct completion *completion)
{
  struct vmf_format_info info = {.size = sizeof info};

  for (size_t i = 0; vmf_format_describe(i, &info); i++) {
    if (completion->written && !info.writable)
      continue;
    offer(completion, info.name, "", info.summary);
    for (const char *const *alias = info.aliases; alias && *alias; alias++)
      offer(completion, *alias, "", info.summary);
  }
}

static void offer_platforms(const struct completion *completion)
{
  struct vmf_profile_info info = {.size = sizeof info};

  for (size_t i = 0; vmf_profile_describe(i, &info); i++) {
    offer(completion, info.name, "", info.summary);
    for (const char *const *alias = info.aliases; *alias; alias++)
      offer(completion, *alias, "", info.summary);
  }
}

/* OVF first, which is none of them. */
static void offer_machines(const struct completion *completion)
{
  struct vmf_machine_format_info info = {.size = sizeof info};

  offer(completion, "ovf", "", "an OVF package");
  offer(completion, "ova", "", "an OVF package in one file");
  for (size_t i = 0; vmf_machine_format_describe(i, &info); i++) {
    if (info.writable)
      offer(completion, info.name, "", info.summary);
    if (info.writable && info.container)
      offer(completion, info.container, "", info.summary);
  }
}

static void offer_topics(const struct completion *completion)
{
  offer_verbs(completion);
  offer_formats(completion);
  offer(completion, "formats", "", NULL);
  offer(completion, "machines", "", NULL);
  offer(completion, "ova", "", NULL);
  offer(completion, "profile", "", NULL);
  offer(completion, "profiles", "", NULL);
}

static void offer_forms(const struct completion *completion)
{
  struct vmf_disk_form_info info = {.size = sizeof info};

  for (size_t i = 0; vmf_disk_form_describe(i, &info); i++)
    offer(completion, info.name, "", info.uri);
}

static void offer_systems(const struct completion *completion)
{
  struct vmf_guest_os_info info = {.size = sizeof info};

  for (size_t i = 0; vmf_guest_os_describe(i, &info); i++)
    if (info.vmware)
      offer(completion, info.vmware, "", info.name);
}

static void offer_nothing(const struct completion *completion)
{
  (void)completion;
}

static const struct {
  const char *word;
  void (*offer)(const struct completion *completion);
} completion_kinds[] = {
    {"BACKING", offer_files},  {"CERT", offer_files},         {"DIR", offer_folders},
    {"FILE", offer_files},     {"FORM", offer_forms},         {"FORMAT", offer_formats},
    {"FOLDER", offer_folders}, {"KEY", offer_files},          {"MACHINE", offer_machines},
    {"MAPFILE", offer_files},  {"OS", offer_systems},         {"OUT", offer_files},
    {"PACKAGE", offer_files},  {"PLATFORM", offer_platforms}, {"REPORT", offer_files},
    {"SIZE", offer_nothing},   {"TOPIC", offer_topics},       {"VERB", offer_verbs},
};

/* One of the words between the bars. `otherwise` is for those that no table has. */
static void offer_kind(const struct completion *completion, const char *word, size_t length,
                       void (*otherwise)(const struct completion *))
{
  char text[64];

  if (isupper((unsigned char)*word)) {
    length = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"); /* FILE1, FILE..., FILE] */
    for (size_t i = 0; i < sizeof completion_kinds / sizeof completion_kinds[0]; i++)
      if (strlen(completion_kinds[i].word) == length &&
          strncmp(completion_kinds[i].word, word, length) == 0) {
        completion_kinds[i].offer(completion);
        return;
      }
    otherwise(completion);
  } else if (isalnum((unsigned char)*word) && length < sizeof text) {
    size_t plain = strcspn(word, ",[|"); /* "new,WORD,...", "json[:FD]" */

    snprintf(text, sizeof text, "%.*s", (int)(plain < length ? plain : length), word);
    offer(completion, text, word[plain] == ',' && plain < length ? "," : "", NULL);
  }
}

/* "FILE", "[VERB|FORMAT]", "bios|efi". */
static void offer_kinds(const struct completion *completion, const char *words, size_t length,
                        void (*otherwise)(const struct completion *))
{
  const char *end = words + length;

  words += *words == '[';
  while (words < end) {
    size_t part = strcspn(words, "| ");

    offer_kind(completion, words, part, otherwise);
    words += part + 1;
  }
}

/* ---- -o NAME=VALUE,... ---- */

static void offer_option_values(const struct completion *completion,
                                const struct vmf_option_info *option)
{
  static const char *const switches[] = {"on", "off", NULL};
  const char *const *choices = strcmp(option->type, "bool") == 0 ? switches : option->choices;

  for (; choices && *choices; choices++)
    offer(completion, *choices, "", NULL);
}

/* The options of one format. `completion` is at the start of one "NAME=VALUE". */
static void offer_options_of(const struct completion *completion, const char *format)
{
  const char *equals = strchr(completion->typed, '=');
  struct vmf_option_info option = {.size = sizeof option};
  struct completion value = *completion;

  for (size_t i = 0; vmf_format_option(format, i, &option); i++) {
    size_t length = strlen(option.name);

    if (!equals) {
      offer(completion, option.name, "=", option.help);
    } else if (length == (size_t)(equals - completion->typed) &&
               strncmp(option.name, completion->typed, length) == 0) {
      value.typed = equals + 1;
      offer_option_values(&value, &option);
    }
  }
}

/* Without a format: of all. */
static void offer_options(const struct completion *completion, const char *format)
{
  struct completion last = *completion;
  struct vmf_format_info info = {.size = sizeof info};

  for (size_t length; length = vmf_arguments_option_length(last.typed), last.typed[length];)
    last.typed += length + 1;
  if (format)
    offer_options_of(&last, format);
  for (size_t i = 0; !format && vmf_format_describe(i, &info); i++)
    offer_options_of(&last, info.name);
}

static bool table_has(const struct vmf_argument *table, const char *name)
{
  for (; table->kind; table++)
    if (table->name && strcmp(table->name, name) == 0)
      return true;
  return false;
}

/* The format whose options are meant, or NULL. */
static const char *options_format(const struct vmf_verb *verb, const struct vmf_argument *argument,
                                  const struct completion_line *line)
{
  const char *format = line->format;

  if (argument->name && strcmp(argument->name, "disk-options") == 0)
    return vmf_format_of_form(line->disk_format);
  if (table_has(verb->arguments, "target-format"))
    format = line->target_format;
  return format ? vmf_format_of_form(format) : NULL;
}

/* ---- the line ---- */

/* Behind its letter. */
static bool takes_value(const struct vmf_argument *argument)
{
  return argument->value && !argument->value_optional;
}

/* The option that a word is, by its name or its letters; *value: what stands in the word for it, or
 * NULL. */
static const struct vmf_argument *word_option(const struct vmf_argument *table, const char *word,
                                              const char **value)
{
  const struct vmf_argument *found = NULL;
  size_t length = strcspn(word + 1 + (word[1] == '-'), "=");

  *value = NULL;
  if (word[1] == '-') {
    for (; table->kind; table++)
      if (table->name && strlen(table->name) == length &&
          strncmp(table->name, word + 2, length) == 0) {
        *value = word[2 + length] ? word + 3 + length : NULL;
        return table;
      }
    return NULL;
  }
  for (const char *letter = word + 1; *letter && (!found || !takes_value(found)); letter++) {
    found = table;
    while (found->kind && found->letter != *letter)
      found++;
    if (!found->kind)
      return NULL;
    if (takes_value(found) && letter[1])
      *value = letter + 1;
  }
  return found;
}

static void line_take(struct completion_line *line, const struct vmf_argument *argument,
                      const char *value)
{
  const struct {
    const char *name, **field;
  } wanted[] = {{"format", &line->format},
                {"target-format", &line->target_format},
                {"disk-format", &line->disk_format}};

  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
    if (argument->name && strcmp(argument->name, wanted[i].name) == 0)
      *wanted[i].field = value;
}

static struct completion_line line_read(const struct vmf_verb *verb, const char *const *words,
                                        size_t count)
{
  struct completion_line line = {0};

  for (size_t i = 0; i < count; i++) {
    const struct vmf_argument *argument;
    const char *value;

    if (line.awaited) {
      line_take(&line, line.awaited, words[i]);
      line.awaited = NULL;
    } else if (line.ended || words[i][0] != '-' || !words[i][1]) {
      line.operands++;
      line.last = words[i];
    } else if (strcmp(words[i], "--") == 0) {
      line.ended = true;
    } else if ((argument = word_option(verb->arguments, words[i], &value)) && argument->value) {
      if (value)
        line_take(&line, argument, value);
      else if (!argument->value_optional)
        line.awaited = argument;
    }
  }
  return line;
}

/* ---- the word ---- */

static void complete_value(struct completion *completion, const struct vmf_verb *verb,
                           const struct vmf_argument *argument, const struct completion_line *line)
{
  const char *const *words = vmf_arguments_words(argument->kind);

  completion->written = strcmp(verb->name, "create") == 0 ||
                        (argument->name && strcmp(argument->name, "target-format") == 0);
  if (argument->kind == VMF_ARGUMENT_JOINED)
    offer_options(completion, options_format(verb, argument, line));
  else if (!words)
    offer_kinds(completion, argument->value, strlen(argument->value), offer_nothing);
  for (; words && *words; words++)
    offer(completion, *words, "", NULL);
}

static void complete_option(const struct completion *completion, const struct vmf_verb *verb)
{
  char text[64];

  for (const struct vmf_argument *argument = verb->arguments; argument->kind; argument++) {
    if (argument->kind == VMF_ARGUMENT_REFUSED || argument->kind == VMF_ARGUMENT_GROUP)
      continue;
    if (argument->name)
      snprintf(text, sizeof text, "--%s", argument->name);
    else
      snprintf(text, sizeof text, "-%c", argument->letter);
    offer(completion, text,
          argument->name && argument->value && !argument->value_optional ? "=" : "",
          argument->help);
  }
  offer(completion, "--help", "", "show the options");
}

/* The word that help has for the operand: of "SOURCE... TARGET" the last for all behind it; of
 * "[TOPIC | profile PLATFORM]" the one behind the word that was typed. */
static void complete_operand(const struct completion *completion, const struct vmf_verb *verb,
                             const struct completion_line *line)
{
  const char *word = verb->operands, *behind = strstr(word, " | ");
  size_t length, index = line->operands;

  if (behind) {
    length = strcspn(behind + 3, " ");
    if (index == 1 && line->last && strlen(line->last) == length &&
        strncmp(line->last, behind + 3, length) == 0) {
      behind += 3 + length + 1;
      offer_kinds(completion, behind, strcspn(behind, "]"), offer_nothing);
    }
    if (index > 0)
      return;
  }
  for (; length = strcspn(word, " "), index > 0 && word[length]; index--)
    word += length + 1;
  if (index == 0 || strstr(word, "..."))
    offer_kinds(completion, word, length, offer_files);
}

static void complete_word(struct completion *completion, const struct vmf_verb *verb,
                          const struct completion_line *line)
{
  const struct vmf_argument *argument = line->awaited;
  const char *value = NULL;
  bool option = !argument && !line->ended && completion->word[0] == '-';

  if (option)
    argument = word_option(verb->arguments, completion->word, &value);
  if (value)
    completion->typed = value;
  if (argument && argument->value && (value || !option))
    complete_value(completion, verb, argument, line);
  else if (option)
    complete_option(completion, verb);
  else
    complete_operand(completion, verb, line);
}

void vmf_completion_print(FILE *out, const char *const *words, size_t count)
{
  struct completion completion = {out, words[count - 1], words[count - 1]};
  const struct vmf_verb *verb = count > 1 ? vmf_verb_find(words[0]) : NULL;
  struct completion_line line;

  if (count == 1) {
    offer_verbs(&completion);
    if (completion.word[0] == '-') {
      offer(&completion, "--help", "", "show the verbs and formats");
      offer(&completion, "--version", "", "show the version");
    }
  } else if (verb) {
    line = line_read(verb, words + 1, count - 2);
    complete_word(&completion, verb, &line);
  }
}
