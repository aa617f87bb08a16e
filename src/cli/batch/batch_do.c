/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One job: `convert`, listened to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arguments.h"
#include "batch.h"
#include "batch_claims.h"
#include "batch_files.h"
#include "batch_lint.h"
#include "batch_record.h"
#include "batch_show.h"
#include "checksum_list.h"
#include "json.h"
#include "memory_text.h"
#include "progress.h"
#include "signals.h"
#include "status.h"
#include "verb_convert.h"

/* Whose work is listened to. */
struct doing {
  struct vmf_batch *batch;
  struct vmf_batch_job *job;
};

/* ---- what is heard ---- */

static void hear_text(void *data, const char *text)
{
  const struct doing *doing = data;
  struct vmf_error ignored;

  pthread_mutex_lock(&doing->batch->lock);
  if (doing->job->said.count == VMF_SAID_MOST ||
      vmf_words_add(&doing->job->said, text, strlen(text), &ignored) != VMF_OK)
    doing->job->unsaid++;
  vmf_batch_show_said(doing->batch, doing->job, text);
  pthread_mutex_unlock(&doing->batch->lock);
}

static void hear_progress(void *data, const struct vmf_progress_state *state)
{
  const struct doing *doing = data;
  struct vmf_batch_job *job = doing->job;

  pthread_mutex_lock(&doing->batch->lock);
  snprintf(job->phase, sizeof job->phase, "%s", state->phase);
  job->percent = state->percent;
  job->done = state->done;
  job->total = state->total;
  job->rate = state->rate;
  job->left = state->left;
  pthread_mutex_unlock(&doing->batch->lock);
}

static void set(char **text, const char *value)
{
  free(*text);
  *text = value ? strdup(value) : NULL;
}

static void hear_disk(void *data, const struct vmf_account *account)
{
  const struct doing *doing = data;
  struct vmf_batch_job *job = doing->job;

  pthread_mutex_lock(&doing->batch->lock);
  set(&job->path, account->path);
  set(&job->format, account->format);
  set(&job->algorithm, account->checksum);
  if (account->checksum)
    vmf_checksum_hex(account->result, job->checksum);
  job->guest_size = account->guest_size;
  job->data_bytes = account->result->data_bytes;
  job->zero_bytes = account->result->zero_bytes;
  job->written = account->result->host_bytes;
  pthread_mutex_unlock(&doing->batch->lock);
}

static void hear_plan(void *data, const char *path, uint64_t required)
{
  const struct doing *doing = data;

  pthread_mutex_lock(&doing->batch->lock);
  set(&doing->job->path, path);
  doing->job->written = required;
  doing->job->planned = true;
  pthread_mutex_unlock(&doing->batch->lock);
}

static void hear_package(void *data, const struct vmf_package_account *account)
{
  const struct doing *doing = data;
  struct vmf_batch_job *job = doing->job;

  pthread_mutex_lock(&doing->batch->lock);
  set(&job->path, account->path);
  set(&job->format, account->result->format);
  job->package = true;
  job->files = account->result->files;
  job->written = account->result->bytes;
  pthread_mutex_unlock(&doing->batch->lock);
}

static enum vmf_code hear_target(void *data, const char *path, struct vmf_error *error)
{
  const struct doing *doing = data;

  pthread_mutex_lock(&doing->batch->lock);
  enum vmf_code code = vmf_batch_claim(doing->batch, doing->job, path, error);
  pthread_mutex_unlock(&doing->batch->lock);
  return code;
}

static void hear_file(void *data, const char *path, const struct stat *status)
{
  const struct doing *doing = data;
  struct vmf_error clash;

  pthread_mutex_lock(&doing->batch->lock);
  if (!status && access(path, F_OK) == 0 && /* else it is a descriptor */
      vmf_batch_claim(doing->batch, doing->job, path, &clash) == VMF_USAGE)
    set(&doing->job->clash, clash.text);
  vmf_batch_file_add(&doing->job->touched, path, status);
  pthread_mutex_unlock(&doing->batch->lock);
}

/* Kept as text: the tree is the conversion's. */
static void hear_losses(void *data, const struct vmf_value *losses)
{
  const struct doing *doing = data;
  char *text = NULL;
  size_t length;
  FILE *out = open_memstream(&text, &length);

  if (!out)
    return;
  vmf_json_value(out, losses, 2);
  if (!vmf_memory_text_end(out, &text)) {
    free(text);
    return;
  }
  pthread_mutex_lock(&doing->batch->lock);
  free(doing->job->losses);
  doing->job->losses = text;
  pthread_mutex_unlock(&doing->batch->lock);
}

/* ---- how it ends ---- */

/* Another try may go well: what is missing or held may come. */
static bool is_temporary(const struct vmf_error *error)
{
  static const int passing[] = {
      EAGAIN, EBUSY,     EMFILE,     ENFILE,   ENOMEM,    ENOLCK,      ETXTBSY,      ESTALE,
      EINTR,  ETIMEDOUT, ECONNRESET, ENETDOWN, EHOSTDOWN, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED};

  if (error->code == VMF_TEMPORARY || error->code == VMF_IN_USE || error->code == VMF_NOMEM ||
      error->code == VMF_CHANGED)
    return true;
  if (error->code != VMF_READ && error->code != VMF_WRITE && error->code != VMF_SYSTEM)
    return false;
  for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
    if (error->sys_errno == passing[i])
      return true;
  return false;
}

static enum vmf_code attempt(struct vmf_batch *batch, struct vmf_batch_job *job, bool *salvaged,
                             struct vmf_error *error)
{
  struct doing doing = {batch, job};
  const struct vmf_listener listener = {.data = &doing,
                                        .say = hear_text,
                                        .target = hear_target,
                                        .progress = hear_progress,
                                        .disk = hear_disk,
                                        .planned = hear_plan,
                                        .package = hear_package,
                                        .losses = hear_losses,
                                        .file = hear_file};
  struct vmf_parsed_job parsed;
  enum vmf_code code = vmf_batch_parse(batch->settings, job->listed, &listener, &parsed, error);

  if (code == VMF_OK) {
    struct vmf_convert_settings *settings = (struct vmf_convert_settings *)parsed.command;

    settings->command.crew = batch->crew;
    settings->target.dry_run |= batch->settings->dry_run;
    settings->transfer.takes_up = batch->settings->resume || job->attempts > 1;
    code = vmf_convert_do(settings, salvaged, error);
    if (code == VMF_OK && job->clash)
      code = vmf_arguments_wrong(error, "%s: only one of the two is left", job->clash);
    if (code == VMF_OK && !settings->target.dry_run)
      vmf_batch_lint(batch, job, settings->move.platform);
    vmf_batch_files_of_options(&job->touched, &vmf_verb_convert, parsed.command);
    vmf_batch_files_sort(&job->touched);
    job->touched.untold |=
        settings->target.no_sync || settings->target.dry_run ||
        !vmf_batch_only_files(&job->listed->operands, job->listed->operands.count);
  }
  vmf_batch_forget(&parsed);
  return code;
}

/* 1 s, 2 s, 4 s, ... 32 s; or until a signal comes. */
static void wait_before_retry(unsigned attempts)
{
  unsigned tenths = 10u << (attempts < 6 ? attempts - 1 : 5);
  const struct timespec tenth = {.tv_nsec = 100000000};

  for (; tenths > 0 && !vmf_cancel_requested(vmf_signals_cancel()); tenths--)
    nanosleep(&tenth, NULL);
}

static void begin(struct vmf_batch *batch, struct vmf_batch_job *job)
{
  pthread_mutex_lock(&batch->lock);
  vmf_words_free(&job->said);
  job->unsaid = 0;
  job->planned = false;
  vmf_words_free(&job->touched.fields);
  job->touched.untold = false;
  set(&job->clash, NULL);
  job->attempts++;
  job->percent = 0;
  job->rate = 0;
  snprintf(job->phase, sizeof job->phase, "opening");
  if (job->attempts == 1) {
    job->state = VMF_JOB_RUNNING;
    job->begun = time(NULL);
    vmf_batch_show_begun(batch, job);
  }
  pthread_mutex_unlock(&batch->lock);
}

static void end(struct vmf_batch *batch, struct vmf_batch_job *job, const struct vmf_error *error,
                enum vmf_job_state good_state)
{
  bool good = error->code == VMF_OK, salvaged = good_state == VMF_JOB_SALVAGED;

  pthread_mutex_lock(&batch->lock);
  job->state = good ? good_state : error->code == VMF_CANCELLED ? VMF_JOB_STOPPED : VMF_JOB_FAILED;
  job->status = !good ? vmf_status_of(error->code) : salvaged ? VMF_EXIT_SALVAGED : VMF_EXIT_DONE;
  job->temporary = !good && is_temporary(error);
  if (!good)
    set(&job->error, error->text);
  batch->finished++;
  batch->weight_ended += job->weight;
  batch->failed += job->state == VMF_JOB_FAILED;
  if (job->state == VMF_JOB_STOPPED || (job->state == VMF_JOB_FAILED && batch->settings->fail_fast))
    batch->stop = true;
  vmf_batch_show_ended(batch, job);
  pthread_mutex_unlock(&batch->lock);
}

/* Tries until it is done, or will not be. */
static void work(struct vmf_batch *batch, struct vmf_batch_job *job, bool *salvaged,
                 struct vmf_error *error)
{
  bool again;

  do {
    *error = (struct vmf_error){0};
    begin(batch, job);
    if (attempt(batch, job, salvaged, error) == VMF_OK)
      error->code = VMF_OK;
    again = error->code != VMF_OK && is_temporary(error) &&
            job->attempts <= batch->settings->retries &&
            !vmf_cancel_requested(vmf_signals_cancel());
    if (again) {
      pthread_mutex_lock(&batch->lock);
      vmf_batch_show_retry(batch, job, error->text);
      pthread_mutex_unlock(&batch->lock);
      wait_before_retry(job->attempts);
    }
  } while (again);
}

static void refuse(const struct vmf_batch_job *job, struct vmf_error *error)
{
  vmf_arguments_wrong(error,
                      "%s: was changed after the batch had made it, and would be overwritten; move "
                      "it away, or run the batch without --resume",
                      job->changed);
  error->code = VMF_REFUSED;
}

void vmf_batch_do(struct vmf_batch *batch, struct vmf_batch_job *job)
{
  uint64_t begun = vmf_progress_now();
  struct vmf_error error = {0};
  bool salvaged = false;

  if (job->changed)
    refuse(job, &error);
  else if (!job->recorded)
    work(batch, job, &salvaged, &error);
  job->milliseconds = vmf_progress_now() - begun;
  if (!job->recorded && error.code == VMF_OK && !salvaged)
    vmf_batch_record_add(batch->record, job);
  end(batch, job, &error,
      job->recorded  ? VMF_JOB_SKIPPED
      : salvaged     ? VMF_JOB_SALVAGED
      : job->planned ? VMF_JOB_PLANNED
                     : VMF_JOB_DONE);
}
