/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The words of a job, read by the table of `convert`. */
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "batch.h"
#include "names.h"
#include "secrets.h"
#include "status.h"
#include "untrusted.h"

/* getopt's state is the process's. */
static pthread_mutex_t getopt_lock = PTHREAD_MUTEX_INITIALIZER;

static void drop_text(void *data, const char *text)
{
  (void)data;
  (void)text;
}

static void drop_losses(void *data, const struct vmf_value *losses)
{
  (void)data;
  (void)losses;
}

static void drop_progress(void *data, const struct vmf_progress_state *state)
{
  (void)data;
  (void)state;
}

const struct vmf_listener vmf_batch_deaf = {
    .say = drop_text, .progress = drop_progress, .losses = drop_losses};

static void pass_file(void *data, const char *path, const struct stat *status)
{
  const struct vmf_command *command = data;

  if (command->listener->file)
    command->listener->file(command->listener->data, path, status);
}

/* Behind "--" nothing is an option, whatever a name begins with. */
static enum vmf_code join_words(const struct vmf_listed_job *job, struct vmf_words *words,
                                struct vmf_error *error)
{
  enum vmf_code code = vmf_words_add(words, "convert", 7, error);

  if (code == VMF_OK)
    code = vmf_words_append(words, &job->options, error);
  if (code == VMF_OK)
    code = vmf_words_add(words, "--", 2, error);
  return code == VMF_OK ? vmf_words_append(words, &job->operands, error) : code;
}

/* What is the batch's to say, not a job's. */
static enum vmf_code check_options(const struct vmf_listed_job *job,
                                   const struct vmf_command *command, struct vmf_error *error)
{
  const char *wrong = command->help                                       ? "--help"
                      : command->json                                     ? "--output"
                      : command->progress || command->progress_descriptor ? "--progress"
                      : command->threads                                  ? "-m"
                      : command->sandbox                                  ? "--sandbox"
                      : command->headers                                  ? "--header"
                      : command->netrc                                    ? "--netrc"
                      : command->retry_seconds                            ? "--retry-time"
                      : command->endpoint                                 ? "--endpoint-url"
                      : command->region                                   ? "--region"
                      : command->profile                                  ? "--profile"
                      : command->unsigned_requests                        ? "--no-sign-request"
                      : command->secret_descriptor                        ? "--secret-fd"
                                                                          : NULL;

  if (wrong)
    return vmf_arguments_wrong(error, "%s is an option of the batch, not of a job", wrong);
  if (command->objects)
    return vmf_arguments_wrong(error, "--object: a job of a batch names the files of its secrets "
                                      "by --secret-file and --target-secret-file");
  if (command->operand_count > (int)job->operands.count)
    return vmf_arguments_wrong(error, "\"%s\" stands among the options and is none",
                               command->operands[0]);
  for (int i = 0; i < command->operand_count; i++)
    if (strcmp(command->operands[i], "-") == 0 || strncmp(command->operands[i], "-::", 3) == 0)
      return vmf_arguments_wrong(error, "a job of a batch has neither standard input nor output; "
                                        "name files");
  return VMF_OK;
}

static enum vmf_code parse(const struct vmf_command *batch, const struct vmf_listed_job *job,
                           struct vmf_parsed_job *parsed, struct vmf_error *error)
{
  const struct vmf_verb *verb = &vmf_verb_convert;
  const size_t bytes = (parsed->words.count + 1) * sizeof *parsed->argv;
  enum vmf_code code = VMF_OK;

  parsed->argv = malloc(bytes);
  if (!parsed->argv)
    return vmf_arguments_no_memory(error);
  memcpy(parsed->argv, parsed->words.list, bytes);
  code = vmf_arguments_parse(verb, (int)parsed->words.count, parsed->argv, parsed->command, error);
  if (code == VMF_OK)
    code = check_options(job, parsed->command, error);
  if (code == VMF_OK)
    code = vmf_names_by_options(parsed->command, parsed->command->operand_count - verb->targets,
                                error);
  if (code == VMF_OK)
    code = vmf_untrusted(verb, parsed->command, error);
  if (code == VMF_OK)
    code = vmf_secrets_share(batch, parsed->command, error);
  if (code != VMF_OK)
    return code;
  return vmf_secrets_read(parsed->command, job->operands.list[job->operands.count - 1], error);
}

enum vmf_code vmf_batch_parse(const struct vmf_batch_settings *settings,
                              const struct vmf_listed_job *job, const struct vmf_listener *listener,
                              struct vmf_parsed_job *parsed, struct vmf_error *error)
{
  const struct vmf_verb *verb = &vmf_verb_convert;
  struct vmf_command *command = malloc(verb->settings_size);

  *parsed = (struct vmf_parsed_job){.command = command};
  if (!command)
    return vmf_arguments_no_memory(error);
  memcpy(command, verb->initial, verb->settings_size);
  command->listener = listener;
  command->untrusted = settings->command.untrusted;
  command->log.warn = vmf_status_warn;
  command->log.note = command->log.detail = settings->command.verbose ? vmf_status_note : NULL;
  command->log.file = pass_file;
  command->log.data = command;
  enum vmf_code code = join_words(job, &parsed->words, error);
  pthread_mutex_lock(&getopt_lock);
  if (code == VMF_OK)
    code = parse(&settings->command, job, parsed, error);
  pthread_mutex_unlock(&getopt_lock);
  if (code == VMF_OK && command->quiet)
    command->log.warn = command->log.note = command->log.detail = NULL;
  return code;
}

void vmf_batch_forget(struct vmf_parsed_job *parsed)
{
  if (parsed->command)
    vmf_arguments_free(&vmf_verb_convert, parsed->command);
  free(parsed->command);
  free(parsed->argv);
  free(parsed->wrong);
  vmf_words_free(&parsed->words);
  *parsed = (struct vmf_parsed_job){0};
}

enum vmf_code vmf_batch_parse_all(struct vmf_batch_settings *settings, struct vmf_error *error)
{
  const struct vmf_job_list *list = &settings->list;
  enum vmf_code code = VMF_OK;

  settings->parsed = calloc(list->count, sizeof *settings->parsed);
  if (!settings->parsed && list->count > 0)
    return vmf_arguments_no_memory(error);
  for (size_t i = 0; i < list->count && code == VMF_OK; i++) {
    struct vmf_parsed_job *parsed = &settings->parsed[i];

    code = vmf_batch_parse(settings, &list->jobs[i], &vmf_batch_deaf, parsed, error);
    if (code != VMF_USAGE)
      continue;
    parsed->wrong = strdup(error->text);
    code = parsed->wrong ? VMF_OK : vmf_arguments_no_memory(error);
  }
  return code;
}
