/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry batch`. */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "batch.h"
#include "batch_emit.h"
#include "batch_record.h"
#include "batch_report.h"
#include "batch_room.h"
#include "common_arguments.h"
#include "names.h"
#include "secrets.h"
#include "signals.h"
#include "status.h"
#include "steady.h"

#define VMF_SETTINGS struct vmf_batch_settings

enum {
  AT_ONCE_MOST = 64,
  TASKS_AT_ONCE_MOST = 10000,
  AT_ONCE_AUTO = 8 /* at most: while one waits for the disk another has work for the crew */
};

static const struct vmf_batch_settings batch_initial = {0};

static const struct vmf_argument batch_arguments[] = {
    VMF_GROUP("The jobs"),
    {.name = "each",
     VMF_SETS_TEXT(each),
     .value = "PATTERN",
     .help = "a job for each file that matches (instead of a list; in quotes)"},
    {.name = "to",
     VMF_SETS_TEXT(to),
     .value = "TEMPLATE",
     .help = "its target: {stem}, {name} and {dir} are those of the file"},
    {.name = "defaults",
     VMF_SETS_TEXT(defaults),
     .value = "OPTIONS",
     .help = "options of \"convert\" for all jobs, in one argument"},
    {.name = "task",
     VMF_SETS_TEXT(task),
     .value = "I/N",
     .contradicts = "index",
     .help = "of N machines that share the list, this is machine I, from 0 on: every Nth job"},
    {.name = "index", VMF_SETS_TEXT(index), .value = "I", .help = "job I alone, from 0 on"},
    {.name = "emit",
     VMF_SETS_TEXT(emit),
     .value = "slurm|k8s|parallel|make",
     .help = "print a script by which this scheduler does the jobs, a task each"},
    VMF_GROUP("How it goes"),
    {.letter = 'j',
     .name = "jobs",
     VMF_SETS_TEXT(jobs),
     .value = "N|auto",
     .help = "so many jobs at a time (default: auto)"},
    {.name = "fail-fast", VMF_SETS_FLAG(fail_fast), .help = "begin nothing new behind a failure"},
    {.name = "retry",
     VMF_SETS_NUMBER(retries),
     .value = "N",
     .max = 100,
     .help = "try again what fails by what may pass: held files, no memory"},
    {.name = "resume",
     VMF_SETS_TEXT(record),
     .given = VMF_SETTING(bool, resume),
     .value = "RECORD",
     .value_optional = true,
     .help = "leave out what an earlier run has done and what has not changed since (default: "
             "JOBS.done)"},
    {.name = "dry-run",
     VMF_SETS_FLAG(dry_run),
     .help = "tell what would be written, and whether it fits"},
    VMF_ARGUMENT_SECRET,
    VMF_GROUP_SPEED,
    VMF_ARGUMENT_THREADS,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_ARGUMENT_REMOTE,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_REPORT,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    VMF_ARGUMENT_VERBOSE,
    {0},
};

/* automatic: what "auto" stands for; most: what may be asked for. */
static enum vmf_code batch_at_once(const struct vmf_batch_settings *settings, long automatic,
                                   long most, unsigned *at_once, struct vmf_error *error)
{
  const char *text = settings->jobs;
  size_t count = settings->list.count;
  char *end = NULL;
  long asked = !text || strcmp(text, "auto") == 0 ? automatic : strtol(text, &end, 10);

  if ((end && (*end || !isdigit((unsigned char)text[0]))) || asked < 1 || asked > most)
    return vmf_arguments_wrong(error, "-j: \"%s\" is neither \"auto\" nor a number from 1 to %ld",
                               text, most);
  *at_once = (size_t)asked < count ? (unsigned)asked : count > 0 ? (unsigned)count : 1;
  return VMF_OK;
}

static long batch_automatic(void)
{
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  return processors < 2 ? 2 : processors < AT_ONCE_AUTO ? processors : AT_ONCE_AUTO;
}

/* ---- before anything foreign is opened ---- */

/* What may be a secret in a URL is not told in reports: by what name it goes (vmferry/remote.h). */
static void hide_secrets(struct vmf_words *sources)
{
  struct vmf_error ignored = {0}; /* what is wrong is told when the job is checked */
  char *shown;

  for (size_t i = 0; i < sources->count; i++) {
    if (!vmf_names_is_url(sources->list[i]) ||
        vmf_location_resolve(sources->list[i], true, &shown, &ignored) != VMF_OK)
      continue;
    free(sources->list[i]);
    sources->list[i] = shown;
  }
}

/* What is done is recorded beside a list that is a file. */
static enum vmf_code batch_name_record(struct vmf_batch_settings *settings, bool listed,
                                       struct vmf_error *error)
{
  struct stat there;
  const char *name = settings->command.operand_count == 1 ? settings->command.operands[0] : "-";

  if (settings->record || settings->emit || (settings->dry_run && !settings->resume))
    return VMF_OK;
  if (!listed || strcmp(name, "-") == 0 || stat(name, &there) != 0 || !S_ISREG(there.st_mode))
    return settings->resume
               ? vmf_arguments_wrong(error, "--resume: a list that is no file has no record beside "
                                            "it; name one: --resume=RECORD")
               : VMF_OK;
  const char *part = settings->task ? settings->task : settings->index;
  int length =
      asprintf(&settings->record_beside, "%s%s%s.done", name, part ? "." : "", part ? part : "");
  if (length < 0)
    return vmf_arguments_no_memory(error);
  char *slash = part ? strchr(settings->record_beside + strlen(name), '/') : NULL;
  if (slash)
    *slash = '-';
  settings->record = settings->record_beside;
  return VMF_OK;
}

/* Leaves the jobs that this run is to do. */
static enum vmf_code batch_choose(struct vmf_batch_settings *settings, struct vmf_error *error)
{
  unsigned long long first = 0, step = 1;
  size_t count = settings->list.count;
  int end = 0;

  if (settings->task) {
    const char *slash = strchr(settings->task, '/'); /* numbers may have no sign */

    if (!isdigit((unsigned char)settings->task[0]) || !slash || !isdigit((unsigned char)slash[1]) ||
        sscanf(settings->task, "%9llu/%9llu%n", &first, &step, &end) != 2 || settings->task[end] ||
        first >= step)
      return vmf_arguments_wrong(error, "--task: \"%s\" is no I/N with I from 0 to N - 1",
                                 settings->task);
  } else if (settings->index) {
    if (!isdigit((unsigned char)settings->index[0]) ||
        sscanf(settings->index, "%9llu%n", &first, &end) != 1 || settings->index[end])
      return vmf_arguments_wrong(error, "--index: \"%s\" is no number", settings->index);
    if (first >= count)
      return vmf_arguments_wrong(error, "--index: there is no job %llu: the last of %zu is %zu",
                                 first, count, count - 1);
    step = count;
  }
  vmf_job_list_thin(&settings->list, first, step);
  return VMF_OK;
}

/* The process is confined once, for all jobs. */
static enum vmf_code batch_require(struct vmf_batch_settings *settings, struct vmf_error *error)
{
  const char **sandbox = &settings->command.sandbox;

  for (size_t i = 0; i < settings->list.count; i++) {
    if (settings->parsed[i].wrong || !settings->parsed[i].command->untrusted)
      continue;
    if (*sandbox && strcmp(*sandbox, "require") != 0)
      return vmf_arguments_wrong(error,
                                 "--sandbox=%s: not with --untrusted of line %u, which "
                                 "requires it",
                                 *sandbox, settings->list.jobs[i].line);
    *sandbox = "require";
  }
  return VMF_OK;
}

static enum vmf_code batch_load(void *given, struct vmf_error *error)
{
  struct vmf_batch_settings *settings = given;
  struct vmf_job_list *list = &settings->list;
  bool listed = settings->command.operand_count == 1;
  enum vmf_code code = settings->emit ? vmf_batch_emit_check(settings, error) : VMF_OK;

  if (code != VMF_OK)
    return code;
  if (listed ? settings->each || settings->to : !settings->each || !settings->to)
    return vmf_arguments_wrong(error, "expected a list of jobs, or --each PATTERN and --to "
                                      "TEMPLATE");
  list->name = listed ? settings->command.operands[0] : settings->each;
  if (settings->defaults)
    code = vmf_words_split(&list->defaults, settings->defaults, error);
  if (code == VMF_OK)
    code = listed ? vmf_job_list_read(list, error) : vmf_job_list_match(list, settings->to, error);
  for (size_t i = 0; i < list->count; i++)
    hide_secrets(&list->jobs[i].operands);
  if (code == VMF_OK)
    code = batch_choose(settings, error);
  if (code == VMF_OK)
    code = batch_name_record(settings, listed, error);
  if (code == VMF_OK)
    code = vmf_secrets_read(&settings->command, NULL, error);
  settings->command.operand_count = 0;
  if (code == VMF_OK)
    code = vmf_batch_parse_all(settings, error);
  return code == VMF_OK ? batch_require(settings, error) : code;
}

static void batch_unload(void *given)
{
  struct vmf_batch_settings *settings = given;

  for (size_t i = 0; settings->parsed && i < settings->list.count; i++)
    vmf_batch_forget(&settings->parsed[i]);
  free(settings->parsed);
  vmf_job_list_free(&settings->list);
  free(settings->record_beside);
}

/* A job that is wrong is told later. */
static void batch_visit(void *given, vmf_command_visitor *visit, void *data)
{
  const struct vmf_batch_settings *settings = given;

  for (size_t i = 0; i < settings->list.count; i++)
    if (!settings->parsed[i].wrong)
      visit(data, &vmf_verb_convert, settings->parsed[i].command);
}

/* ---- what comes of it ---- */

/* A scheduler that stops one of its tasks is to start it again. */
static int batch_signal_status(const struct vmf_batch_settings *settings)
{
  int number = vmf_signals_caught();
  return number == SIGTERM && (settings->task || settings->index) ? VMF_EXIT_TEMPORARY
                                                                  : VMF_EXIT_SIGNAL + number;
}

static int batch_status(const struct vmf_batch *batch)
{
  bool salvaged = false, failed = false, lasting = false;

  for (size_t i = 0; i < batch->count; i++) {
    const struct vmf_batch_job *job = &batch->jobs[i];

    if (job->state == VMF_JOB_STOPPED)
      return batch_signal_status(batch->settings);
    salvaged |= job->state == VMF_JOB_SALVAGED;
    failed |= job->state == VMF_JOB_FAILED;
    lasting |= (job->state == VMF_JOB_FAILED && !job->temporary) || job->state == VMF_JOB_WAITING;
  }
  if (vmf_signals_caught())
    return batch_signal_status(batch->settings);
  if (failed)
    return lasting ? VMF_EXIT_OTHER : VMF_EXIT_TEMPORARY;
  return salvaged ? VMF_EXIT_SALVAGED : VMF_EXIT_DONE;
}

static enum vmf_code batch_begin(struct vmf_batch *batch, struct vmf_error *error)
{
  const struct vmf_batch_settings *settings = batch->settings;

  vmf_steady_begin(&batch->changed);
  enum vmf_code code =
      settings->emit
          ? batch_at_once(settings, AT_ONCE_AUTO, TASKS_AT_ONCE_MOST, &batch->at_once, error)
          : batch_at_once(settings, batch_automatic(), AT_ONCE_MOST, &batch->at_once, error);

  if (code == VMF_OK)
    code = vmf_batch_add_jobs(batch, error);
  return code == VMF_OK ? vmf_crew_new((unsigned)settings->command.threads, &batch->crew, error)
                        : code;
}

/* A record that nobody asked for is not kept where it cannot be. */
static enum vmf_code batch_open_record(struct vmf_batch *batch, struct vmf_error *error)
{
  const struct vmf_batch_settings *settings = batch->settings;

  if (!settings->record)
    return VMF_OK;
  enum vmf_code code =
      vmf_batch_record_open(settings->record, settings->resume, &batch->record, error);
  if (code == VMF_OK || code == VMF_IN_USE || settings->resume)
    return code;
  if (settings->command.verbose)
    vmf_status_print("what is done is not recorded: %s", error->text);
  return VMF_OK;
}

/* status: of the batch. Who may want to go on is told how. */
static void batch_close_record(struct vmf_batch *batch, int status)
{
  const struct vmf_batch_settings *settings = batch->settings;
  bool done = status == VMF_EXIT_DONE;

  if (!done && batch->record && !settings->resume && !settings->command.quiet &&
      batch->finished > 0)
    vmf_status_print("with --resume only the rest is done (%s)", settings->record);
  vmf_batch_record_close(batch->record, done && !settings->resume);
}

static void batch_end(struct vmf_batch *batch)
{
  vmf_crew_free(batch->crew);
  vmf_batch_free_jobs(batch);
  pthread_cond_destroy(&batch->changed);
  pthread_mutex_destroy(&batch->lock);
}

/* All that can be found wrong before the first byte. */
static enum vmf_code batch_prepare(struct vmf_batch *batch, struct vmf_error *error)
{
  const struct vmf_batch_settings *settings = batch->settings;
  enum vmf_code code = vmf_batch_check_reports(settings->reports, error);

  if (code == VMF_OK)
    code = vmf_batch_check(batch, true, error);
  if (code == VMF_OK)
    code = batch_open_record(batch, error);
  for (size_t i = 0; i < batch->count && code == VMF_OK; i++)
    vmf_batch_record_look(batch, &batch->jobs[i]);
  return code == VMF_OK && !settings->dry_run ? vmf_batch_check_room(batch, error) : code;
}

/* All jobs are looked at here, since a task looks only at its own. */
static enum vmf_code batch_print_script(struct vmf_batch *batch, struct vmf_error *error)
{
  const struct vmf_batch_settings *settings = batch->settings;
  enum vmf_code code = vmf_batch_check(batch, vmf_batch_emit_is_here(settings), error);

  return code == VMF_OK ? vmf_batch_emit(settings, batch->at_once, stdout, error) : code;
}

/* *status: of all jobs. */
static enum vmf_code batch_do_all(struct vmf_batch *batch, int *status, struct vmf_error *error)
{
  enum vmf_code code = batch_prepare(batch, error);

  if (code == VMF_OK)
    code = vmf_batch_run(batch, error);
  if (code != VMF_OK)
    return code;
  *status = batch_status(batch);
  return vmf_batch_report(batch, *status, error);
}

static int batch_run(void *given)
{
  struct vmf_batch_settings *settings = given;
  struct vmf_batch batch = {.settings = settings, .lock = PTHREAD_MUTEX_INITIALIZER};
  struct vmf_error error = {0};
  enum vmf_code code = batch_begin(&batch, &error);
  int status = VMF_EXIT_DONE;

  if (code == VMF_OK)
    code =
        settings->emit ? batch_print_script(&batch, &error) : batch_do_all(&batch, &status, &error);
  if (code != VMF_OK) {
    int failure = vmf_status_report(&error);

    status = code == VMF_USAGE ? VMF_EXIT_INPUT : failure;
  }
  batch_close_record(&batch, status);
  batch_end(&batch);
  return status;
}

static const char *const batch_examples[] = {
    "vmferry batch jobs.tsv --report nightly.html",
    "vmferry batch --each '*.vmdk' --to 'out/{stem}.qcow2'",
    "vmferry batch -j 4 --defaults '-c' jobs.tsv",
    NULL,
};

const struct vmf_verb vmf_verb_batch = {
    .name = "batch",
    .purpose = VMF_PURPOSE_DISKS,
    .operands = "[JOBS]",
    .summary = "convert many disks, packages or machines",
    .examples = batch_examples,
    .arguments = batch_arguments,
    VMF_STARTS_WITH(batch_initial),
    .max_operands = 1,
    .usage_status = VMF_EXIT_INPUT,
    .load = batch_load,
    .unload = batch_unload,
    .visit = batch_visit,
    .run = batch_run,
};
