/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "pipeline.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "effort.h"
#include "memory.h"

enum part { WORK, TURN, STORE };
static const enum vmf_role roles[] = {VMF_ROLE_WORK, VMF_ROLE_TURN, VMF_ROLE_STORE};

struct slot {
  void *job;
  uint64_t ticket; /* order of submission */
  unsigned series;
  enum part due; /* what is done next, or is being done */
  bool worked;   /* its work has ended, and its turn */
  bool stored;   /* nothing of it is to be stored any more */
  enum vmf_code code;
  struct vmf_error error;
  struct slot *next;   /* in the one list that it is on */
  struct slot *behind; /* in its series */
};

struct list {
  struct slot *first, *last;
};

/* Submitted jobs that have not had their turn, oldest first: linked by `behind`. */
struct series {
  struct slot *first, *last;
};

/* What one thread at a time works with. */
struct bench {
  void *scratch;
  bool taken;
};

struct vmf_pipeline {
  struct vmf_crew_client client; /* first */
  struct vmf_crew *crew;         /* not owned */
  pthread_mutex_t *lock;         /* the crew's */
  struct vmf_stage stage;
  void *context;
  struct bench *benches; /* at least one: without threads the caller uses it */
  unsigned bench_count;
  bool threaded; /* the crew's threads do the work, not the caller's */
  struct slot *slots;
  unsigned slot_count;

  /* Of the caller's thread alone. */
  struct slot *claimed;
  struct slot **order; /* ring of submitted slots, oldest first */
  unsigned order_first, order_count;
  uint64_t tickets;

  /* The lock guards all below, benches[].taken, `stored` of a slot, and due, worked, code, error of
   * one until its work has ended. Not held during work, turn or store. */
  pthread_cond_t settled; /* for the caller: a job is worked or stored */
  struct list work_queue, turn_queue, store_queue, idle;
  struct series *series; /* stage.series of them */
  unsigned storing;      /* queued or being stored */
  unsigned stores;       /* being stored */
  bool stop;
  enum vmf_code store_code; /* of the store with the lowest ticket that failed */
  uint64_t store_ticket;
  struct vmf_error store_error;
};

static void list_push(struct list *list, struct slot *slot)
{
  slot->next = NULL;
  if (list->last)
    list->last->next = slot;
  else
    list->first = slot;
  list->last = slot;
}

static struct slot *list_pop(struct list *list)
{
  struct slot *slot = list->first;
  if (slot) {
    list->first = slot->next;
    if (!list->first)
      list->last = NULL;
  }
  return slot;
}

/* ---- turns ---- */

static void join_series(struct series *series, struct slot *slot)
{
  slot->behind = NULL;
  if (series->first)
    series->last->behind = slot;
  else
    series->first = slot;
  series->last = slot;
}

/* The first of a series that has been worked on has its turn. */
static void call_up(struct vmf_pipeline *pipeline, struct slot *slot)
{
  list_push(&pipeline->turn_queue, slot);
  vmf_crew_wake(pipeline->crew);
}

static void end_turn(struct vmf_pipeline *pipeline, struct slot *slot)
{
  struct series *series = &pipeline->series[slot->series];

  slot->worked = true;
  series->first = slot->behind;
  if (series->first && series->first->due == TURN)
    call_up(pipeline, series->first);
}

static void end_work(struct vmf_pipeline *pipeline, struct slot *slot)
{
  if (!pipeline->stage.in_turn) {
    slot->worked = true;
    return;
  }
  slot->due = TURN;
  if (pipeline->series[slot->series].first == slot)
    call_up(pipeline, slot);
}

/* ---- the parts of a job ---- */

static void end_store(struct vmf_pipeline *pipeline, struct slot *slot, enum vmf_code code,
                      const struct vmf_error *error)
{
  if (code != VMF_OK && (pipeline->store_code == VMF_OK || slot->ticket < pipeline->store_ticket)) {
    pipeline->store_code = code;
    pipeline->store_ticket = slot->ticket;
    pipeline->store_error = *error;
  }
  pipeline->storing--;
  pipeline->stores--;
  slot->stored = true;
  list_push(&pipeline->idle, slot);
}

static enum vmf_code run_part(const struct vmf_pipeline *pipeline, const struct slot *slot,
                              void *scratch, struct vmf_error *error)
{
  const struct vmf_stage *stage = &pipeline->stage;

  switch (slot->due) {
  case WORK:
    return stage->work(slot->job, scratch, pipeline->context, error);
  case TURN:
    return stage->in_turn(slot->job, pipeline->context, error);
  case STORE:
    break;
  }
  return stage->store(slot->job, pipeline->context, error);
}

/* Runs the part that is due and notes how it ended. Called and returns with the lock held. */
static void run_slot(struct vmf_pipeline *pipeline, struct slot *slot, void *scratch)
{
  struct vmf_error error = {0};
  bool failed = slot->due == TURN && slot->code != VMF_OK; /* its turn is passed on */

  pipeline->stores += slot->due == STORE;
  pthread_mutex_unlock(pipeline->lock);
  enum vmf_role before = vmf_role_begin(roles[slot->due]);
  enum vmf_code code = failed ? VMF_OK : run_part(pipeline, slot, scratch, &error);
  vmf_role_end(before);
  pthread_mutex_lock(pipeline->lock);
  if (slot->due == STORE) {
    end_store(pipeline, slot, code, &error);
  } else {
    if (code != VMF_OK) {
      slot->code = code;
      slot->error = error;
    }
    if (slot->due == WORK)
      end_work(pipeline, slot);
    else
      end_turn(pipeline, slot);
  }
  pthread_cond_signal(&pipeline->settled);
}

static bool may_store(const struct vmf_pipeline *pipeline)
{
  return pipeline->stage.stores == 0 || pipeline->stores < pipeline->stage.stores;
}

/* Stores go first: they free a job. One that has to wait for another is found by the thread that
 * ends that one. */
static struct slot *next_slot(struct vmf_pipeline *pipeline)
{
  struct slot *slot = may_store(pipeline) ? list_pop(&pipeline->store_queue) : NULL;

  if (!slot)
    slot = list_pop(&pipeline->turn_queue);
  return slot ? slot : list_pop(&pipeline->work_queue);
}

static struct bench *free_bench(struct vmf_pipeline *pipeline)
{
  for (unsigned i = 0; i < pipeline->bench_count; i++)
    if (!pipeline->benches[i].taken)
      return &pipeline->benches[i];
  return NULL;
}

/* With the lock held, which it gives up. */
static bool work_ahead(struct vmf_pipeline *pipeline)
{
  pthread_mutex_unlock(pipeline->lock);
  bool worked = pipeline->stage.ahead(pipeline->stage.ahead_data);
  pthread_mutex_lock(pipeline->lock);
  return worked;
}

/* A vmf_crew_client.serve. */
static bool serve(struct vmf_crew_client *client)
{
  struct vmf_pipeline *pipeline = (struct vmf_pipeline *)client;
  struct bench *bench = pipeline->stop ? NULL : free_bench(pipeline);
  struct slot *slot = bench ? next_slot(pipeline) : NULL;
  bool worked = slot != NULL;

  if (!bench || (!slot && !pipeline->stage.ahead))
    return false;
  bench->taken = true;
  if (slot)
    run_slot(pipeline, slot, bench->scratch);
  else
    worked = work_ahead(pipeline);
  bench->taken = false;
  return worked;
}

static enum vmf_code make_slots(struct vmf_pipeline *pipeline, unsigned jobs,
                                struct vmf_error *error)
{
  void *slots, *order;
  VMF_TRY(vmf_alloc(jobs * sizeof(struct slot), &slots, error));
  pipeline->slots = slots;
  VMF_TRY(vmf_alloc(jobs * sizeof(struct slot *), &order, error));
  pipeline->order = order;
  for (; pipeline->slot_count < jobs; pipeline->slot_count++) {
    struct slot *slot = &pipeline->slots[pipeline->slot_count];
    slot->stored = true;
    VMF_TRY(vmf_alloc(pipeline->stage.job_size, &slot->job, error));
    list_push(&pipeline->idle, slot);
  }
  return VMF_OK;
}

static enum vmf_code make_series(struct vmf_pipeline *pipeline, struct vmf_error *error)
{
  void *memory;

  if (!pipeline->stage.in_turn)
    return VMF_OK;
  VMF_TRY(vmf_alloc(pipeline->stage.series * sizeof(struct series), &memory, error));
  pipeline->series = memory;
  return VMF_OK;
}

static enum vmf_code make_benches(struct vmf_pipeline *pipeline, unsigned count,
                                  struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(count * sizeof(struct bench), &memory, error));
  pipeline->benches = memory;
  for (; pipeline->bench_count < count; pipeline->bench_count++)
    VMF_TRY(vmf_alloc(pipeline->stage.scratch_size,
                      &pipeline->benches[pipeline->bench_count].scratch, error));
  return VMF_OK;
}

static void free_parts(struct vmf_pipeline *pipeline)
{
  for (unsigned i = 0; i < pipeline->slot_count; i++) {
    if (pipeline->stage.free_job)
      pipeline->stage.free_job(pipeline->slots[i].job);
    vmf_free(pipeline->slots[i].job);
  }
  for (unsigned i = 0; i < pipeline->bench_count; i++) {
    if (pipeline->stage.free_scratch)
      pipeline->stage.free_scratch(pipeline->benches[i].scratch);
    vmf_free(pipeline->benches[i].scratch);
  }
  vmf_free(pipeline->slots);
  vmf_free(pipeline->order);
  vmf_free(pipeline->benches);
  vmf_free(pipeline->series);
  pthread_cond_destroy(&pipeline->settled);
  vmf_free(pipeline);
}

enum vmf_code vmf_pipeline_new(struct vmf_crew *crew, const struct vmf_stage *stage, void *context,
                               const struct vmf_share *share, struct vmf_pipeline **pipeline,
                               struct vmf_error *error)
{
  void *memory;

  *pipeline = NULL;
  vmf_effort_calls(share->threads, share->jobs);
  VMF_TRY(vmf_alloc(sizeof(struct vmf_pipeline), &memory, error));
  struct vmf_pipeline *made = memory;
  made->client.serve = serve;
  made->crew = crew;
  made->lock = vmf_crew_lock(crew);
  made->threaded = share->threads > 0;
  made->stage = *stage;
  made->context = context;
  pthread_cond_init(&made->settled, NULL);
  enum vmf_code code = make_slots(made, share->jobs, error);
  if (code == VMF_OK)
    code = make_benches(made, made->threaded ? share->threads : 1, error);
  if (code == VMF_OK)
    code = make_series(made, error);
  if (code != VMF_OK) {
    free_parts(made);
    return code;
  }
  vmf_crew_join(crew, &made->client); /* from here on its threads look at all of it */
  *pipeline = made;
  return VMF_OK;
}

static bool oldest_worked(const struct vmf_pipeline *pipeline)
{
  return pipeline->order_count > 0 && pipeline->order[pipeline->order_first]->worked;
}

void *vmf_pipeline_claim(struct vmf_pipeline *pipeline)
{
  pthread_mutex_lock(pipeline->lock);
  while (!pipeline->idle.first && !oldest_worked(pipeline) && pipeline->storing > 0)
    pthread_cond_wait(&pipeline->settled, pipeline->lock);
  pipeline->claimed = list_pop(&pipeline->idle);
  pthread_mutex_unlock(pipeline->lock);
  return pipeline->claimed ? pipeline->claimed->job : NULL;
}

/* Without threads: what is queued is run here. With the lock held. */
static void run_queued(struct vmf_pipeline *pipeline)
{
  struct slot *slot;

  while (!pipeline->threaded && (slot = next_slot(pipeline)))
    run_slot(pipeline, slot, pipeline->benches[0].scratch);
}

void vmf_pipeline_submit_to(struct vmf_pipeline *pipeline, unsigned series)
{
  struct slot *slot = pipeline->claimed;
  unsigned last = (pipeline->order_first + pipeline->order_count) % pipeline->slot_count;

  pipeline->claimed = NULL;
  pipeline->order[last] = slot;
  pipeline->order_count++;
  slot->ticket = pipeline->tickets++;
  slot->series = series;
  slot->due = WORK;
  slot->worked = false;
  slot->code = VMF_OK;
  pthread_mutex_lock(pipeline->lock);
  if (pipeline->stage.in_turn)
    join_series(&pipeline->series[series], slot);
  if (!pipeline->stage.work) {
    end_work(pipeline, slot);
  } else {
    list_push(&pipeline->work_queue, slot);
    vmf_crew_wake(pipeline->crew);
  }
  run_queued(pipeline);
  pthread_mutex_unlock(pipeline->lock);
}

void vmf_pipeline_submit(struct vmf_pipeline *pipeline)
{
  vmf_pipeline_submit_to(pipeline, 0);
}

enum vmf_code vmf_pipeline_oldest(struct vmf_pipeline *pipeline, void **job,
                                  struct vmf_error *error)
{
  *job = NULL;
  if (pipeline->order_count == 0)
    return VMF_OK;
  struct slot *slot = pipeline->order[pipeline->order_first];
  pthread_mutex_lock(pipeline->lock);
  /* A failure is told only when the stores of the jobs before it have ended, since theirs would
   * come first. */
  while (!slot->worked || (slot->code != VMF_OK && pipeline->storing > 0))
    pthread_cond_wait(&pipeline->settled, pipeline->lock);
  enum vmf_code code = slot->code;
  const struct vmf_error *from = &slot->error;
  if (pipeline->store_code != VMF_OK) {
    code = pipeline->store_code;
    from = &pipeline->store_error;
  }
  if (code != VMF_OK && error)
    *error = *from;
  pthread_mutex_unlock(pipeline->lock);
  if (code == VMF_OK)
    *job = slot->job;
  return code;
}

static struct slot *take_oldest(struct vmf_pipeline *pipeline)
{
  struct slot *slot = pipeline->order[pipeline->order_first];
  pipeline->order_first = (pipeline->order_first + 1) % pipeline->slot_count;
  pipeline->order_count--;
  return slot;
}

void vmf_pipeline_retire(struct vmf_pipeline *pipeline)
{
  struct slot *slot = take_oldest(pipeline);
  pthread_mutex_lock(pipeline->lock);
  list_push(&pipeline->idle, slot);
  pthread_mutex_unlock(pipeline->lock);
}

void vmf_pipeline_store(struct vmf_pipeline *pipeline)
{
  struct slot *slot = take_oldest(pipeline);

  pthread_mutex_lock(pipeline->lock);
  slot->due = STORE;
  slot->stored = false;
  pipeline->storing++;
  list_push(&pipeline->store_queue, slot);
  if (may_store(pipeline))
    vmf_crew_wake(pipeline->crew);
  run_queued(pipeline);
  pthread_mutex_unlock(pipeline->lock);
}

uint64_t vmf_pipeline_passed(const struct vmf_pipeline *pipeline)
{
  return pipeline->tickets - pipeline->order_count;
}

bool vmf_pipeline_stored(struct vmf_pipeline *pipeline, uint64_t count)
{
  pthread_mutex_lock(pipeline->lock);
  bool stored = pipeline->store_code == VMF_OK;
  for (unsigned i = 0; i < pipeline->slot_count && stored; i++)
    stored = pipeline->slots[i].stored || pipeline->slots[i].ticket >= count;
  pthread_mutex_unlock(pipeline->lock);
  return stored;
}

enum vmf_code vmf_pipeline_drain(struct vmf_pipeline *pipeline, struct vmf_error *error)
{
  pthread_mutex_lock(pipeline->lock);
  while (pipeline->storing > 0)
    pthread_cond_wait(&pipeline->settled, pipeline->lock);
  enum vmf_code code = pipeline->store_code;
  if (code != VMF_OK && error)
    *error = pipeline->store_error;
  pthread_mutex_unlock(pipeline->lock);
  return code;
}

void vmf_pipeline_free(struct vmf_pipeline *pipeline)
{
  if (!pipeline)
    return;
  pthread_mutex_lock(pipeline->lock);
  pipeline->stop = true;
  pthread_mutex_unlock(pipeline->lock);
  vmf_crew_leave(pipeline->crew, &pipeline->client);
  free_parts(pipeline);
}
