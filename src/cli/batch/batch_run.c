/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * So many jobs at a time: each on a thread of its own, whose work the crew does. The main thread
 * shows how far they are. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "batch.h"
#include "batch_claims.h"
#include "batch_show.h"
#include "names.h"
#include "progress.h"
#include "signals.h"
#include "steady.h"

enum {
  SHOWN_EVERY = 100,      /* milliseconds */
  LARGE_BLOCK = 128 << 10 /* bytes */
};

/* Of a folder the name says which source goes there. */
static char *name_of(const struct vmf_listed_job *listed)
{
  const struct vmf_words *operands = &listed->operands;
  const char *source = operands->list[0], *target = operands->list[operands->count - 1];
  const char *end = target + strlen(target);
  bool ends = end > target && end[-1] == '/';
  struct stat there;
  char *name = NULL;

  if (listed->id)
    return strdup(listed->id);
  if (!ends && (stat(target, &there) != 0 || !S_ISDIR(there.st_mode)))
    return strdup(target);
  return asprintf(&name, "%s%s%s", target, ends ? "" : "/", vmf_names_last(source)) < 0 ? NULL
                                                                                        : name;
}

static double weight_of(const struct vmf_listed_job *listed)
{
  double weight = 1 << 20;
  struct stat there;

  for (size_t i = 0; i + 1 < listed->operands.count; i++)
    if (stat(listed->operands.list[i], &there) == 0)
      weight += (double)there.st_blocks * 512;
  return weight;
}

enum vmf_code vmf_batch_add_jobs(struct vmf_batch *batch, struct vmf_error *error)
{
  const struct vmf_job_list *list = &batch->settings->list;

  batch->jobs = calloc(list->count, sizeof *batch->jobs);
  batch->running = calloc(batch->at_once, sizeof *batch->running);
  if (!batch->jobs || !batch->running)
    return vmf_arguments_no_memory(error);
  for (batch->count = 0; batch->count < list->count; batch->count++) {
    struct vmf_batch_job *job = &batch->jobs[batch->count];

    job->listed = &list->jobs[batch->count];
    job->name = name_of(job->listed);
    if (!job->name)
      return vmf_arguments_no_memory(error);
    job->weight = weight_of(job->listed);
    batch->weight += job->weight;
  }
  return VMF_OK;
}

void vmf_batch_free_job(struct vmf_batch_job *job)
{
  vmf_words_free(&job->said);
  vmf_words_free(&job->lint);
  vmf_words_free(&job->touched.fields);
  free(job->name);
  free(job->error);
  free(job->changed);
  free(job->clash);
  free(job->losses);
  free(job->path);
  free(job->format);
  free(job->algorithm);
}

void vmf_batch_free_jobs(struct vmf_batch *batch)
{
  for (size_t i = 0; i < batch->count; i++)
    vmf_batch_free_job(&batch->jobs[i]);
  free(batch->jobs);
  free(batch->running);
  vmf_batch_claims_free(batch);
}

uint64_t vmf_batch_elapsed(const struct vmf_batch *batch)
{
  return vmf_progress_now() - batch->begun_milliseconds;
}

double vmf_batch_share(const struct vmf_batch *batch)
{
  double done = batch->weight_ended;

  for (unsigned i = 0; i < batch->at_once; i++)
    if (batch->running[i] && batch->running[i]->state == VMF_JOB_RUNNING)
      done += batch->running[i]->weight * batch->running[i]->percent / 100;
  return batch->weight > 0 ? done / batch->weight : 1;
}

/* ---- the workers ---- */

/* What a worker is given. */
struct worker {
  struct vmf_batch *batch;
  pthread_t thread;
  unsigned index;
};

static struct vmf_batch_job *take(const struct worker *worker)
{
  struct vmf_batch *batch = worker->batch;
  struct vmf_batch_job *job = NULL;

  pthread_mutex_lock(&batch->lock);
  if (!batch->stop && !vmf_cancel_requested(vmf_signals_cancel()) && batch->next < batch->count)
    job = &batch->jobs[batch->next++];
  batch->running[worker->index] = job;
  pthread_mutex_unlock(&batch->lock);
  return job;
}

static void *work(void *data)
{
  const struct worker *worker = data;
  struct vmf_batch *batch = worker->batch;
  struct vmf_batch_job *job;

  while ((job = take(worker)))
    vmf_batch_do(batch, job);
  pthread_mutex_lock(&batch->lock);
  batch->workers--;
  pthread_cond_signal(&batch->changed);
  pthread_mutex_unlock(&batch->lock);
  return NULL;
}

/* ---- the main thread ---- */

/* The kernel gave the signal to one thread: a write to a full pipe ends in the others, too. */
static void interrupt(const struct worker *workers, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    pthread_kill(workers[i].thread, SIGALRM);
}

static void show_until_done(struct vmf_batch *batch, const struct worker *workers, unsigned count)
{
  pthread_mutex_lock(&batch->lock);
  while (batch->workers > 0) {
    if (vmf_cancel_requested(vmf_signals_cancel()))
      interrupt(workers, count);
    vmf_batch_show_progress(batch);
    (void)vmf_steady_wait(&batch->changed, &batch->lock, SHOWN_EVERY);
  }
  vmf_batch_show_summary(batch);
  pthread_mutex_unlock(&batch->lock);
}

static unsigned start(struct vmf_batch *batch, struct worker *workers)
{
  unsigned started = 0;

  while (started < batch->at_once) {
    workers[started] = (struct worker){.batch = batch, .index = started};
    pthread_mutex_lock(&batch->lock);
    batch->workers++;
    pthread_mutex_unlock(&batch->lock);
    if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0)
      break;
    started++;
  }
  if (started == batch->at_once)
    return started;
  pthread_mutex_lock(&batch->lock);
  batch->workers--; /* the one that did not come */
  pthread_mutex_unlock(&batch->lock);
  return started;
}

enum vmf_code vmf_batch_run(struct vmf_batch *batch, struct vmf_error *error)
{
  struct worker *workers = calloc(batch->at_once, sizeof *workers);

  if (!workers)
    return vmf_arguments_no_memory(error);
    /* The buffers of a job go back to the system with it: else each thread keeps those of all. */
#ifdef M_MMAP_THRESHOLD
  mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
#endif
  vmf_signals_catch();
  batch->begun = time(NULL);
  batch->begun_milliseconds = vmf_progress_now();
  unsigned started = start(batch, workers);
  if (started > 0)
    show_until_done(batch, workers, started);
  for (unsigned i = 0; i < started; i++)
    pthread_join(workers[i].thread, NULL);
  free(workers);
  if (started > 0)
    return VMF_OK;
  vmf_arguments_wrong(error, "no thread can be started");
  return error->code = VMF_SYSTEM;
}
