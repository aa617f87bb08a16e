/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "crew.h"

#include <stdint.h>
#include <unistd.h>

#include "caller.h"
#include "checked.h"
#include "effort.h"
#include "memory.h"
#include "thread.h"

enum {
  MEMORY_PROMISED = 64 << 20,
  MEMORY = 40 << 20, /* of it for jobs */
  MEMORY_PER_THREAD = 4 << 20,
  THREADS_MAX = 256,
};

struct vmf_crew {
  pthread_t *threads;
  unsigned thread_count;
  uint64_t budget; /* bytes, of all jobs and what the threads keep for them */

  /* Guards all below, and the state of the clients. Not held while work is done. */
  pthread_mutex_t lock;
  pthread_cond_t more; /* for the threads: a client has work, or stop */
  pthread_cond_t left; /* a thread has left a client */
  struct vmf_crew_client *first, *last;
  unsigned clients;
  uint64_t taken;  /* bytes of the budget */
  uint64_t stated; /* bytes that may still come on top of it */
  uint64_t wakes;  /* how often there was more */
  bool stop;
};

/* ---- threads ---- */

static void remove_client(struct vmf_crew *crew, const struct vmf_crew_client *client)
{
  struct vmf_crew_client *before = NULL;

  for (struct vmf_crew_client *at = crew->first; at != client; at = at->next)
    before = at;
  *(before ? &before->next : &crew->first) = client->next;
  if (crew->last == client)
    crew->last = before;
  crew->clients--;
}

static void add_last(struct vmf_crew *crew, struct vmf_crew_client *client)
{
  client->next = NULL;
  *(crew->last ? &crew->last->next : &crew->first) = client;
  crew->last = client;
  crew->clients++;
}

/* One piece of work of the first client that has any. Who was asked goes behind the others, so that
 * all have their turn. Clients may come and leave while one of them looks for work. */
static bool serve_one(struct vmf_crew *crew)
{
  for (unsigned left = crew->clients; left > 0 && crew->first; left--) {
    struct vmf_crew_client *client = crew->first;
    remove_client(crew, client);
    add_last(crew, client);
    client->serving++;
    bool served = client->serve(client);
    client->serving--;
    pthread_cond_broadcast(&crew->left);
    if (served)
      return true;
  }
  return false;
}

static void *thread_main(void *data)
{
  struct vmf_crew *crew = data;

  (void)vmf_role_begin(VMF_ROLE_CREW);
  pthread_mutex_lock(&crew->lock);
  while (!crew->stop) {
    uint64_t seen = crew->wakes;
    if (!serve_one(crew) && crew->wakes == seen)
      pthread_cond_wait(&crew->more, &crew->lock);
  }
  pthread_mutex_unlock(&crew->lock);
  return NULL;
}

/* Those that the system does not give are done without: it is slower, and all. */
static void start_threads(struct vmf_crew *crew, unsigned count)
{
  while (crew->thread_count < count &&
         vmf_thread_start(&crew->threads[crew->thread_count], thread_main, crew) == 0)
    crew->thread_count++;
}

unsigned vmf_crew_size(unsigned asked, const struct vmf_allowance *allowance)
{
  uint64_t beyond = allowance->memory - vmf_min(allowance->memory, MEMORY_PROMISED);
  uint64_t fitting = vmf_min(allowance->processors, beyond / MEMORY_PER_THREAD);

  return (unsigned)vmf_min(asked > 0 ? asked : vmf_max(fitting, 1), THREADS_MAX);
}

/* What is left, beside the promise, of half of the memory that the process may use. */
static uint64_t beyond(const struct vmf_allowance *allowance, unsigned threads)
{
  uint64_t promised = MEMORY_PROMISED + MEMORY_PER_THREAD * (uint64_t)threads;
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  uint64_t machine = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX;
  uint64_t half = vmf_min(allowance->memory, machine) / 2;

  return half - vmf_min(half, promised);
}

enum vmf_code vmf_crew_new(unsigned threads, struct vmf_crew **crew, struct vmf_error *error)
{
  const struct vmf_allowance allowance = vmf_allowance_find("");
  unsigned count = vmf_crew_size(threads, &allowance);
  void *memory;

  VMF_REQUIRE(crew, error);
  *crew = NULL;
  vmf_effort_start();
  VMF_TRY(vmf_alloc(sizeof(struct vmf_crew), &memory, error));
  struct vmf_crew *made = memory;
  made->budget = MEMORY + MEMORY_PER_THREAD * (uint64_t)count;
  made->stated = beyond(&allowance, count);
  pthread_mutex_init(&made->lock, NULL);
  pthread_cond_init(&made->more, NULL);
  pthread_cond_init(&made->left, NULL);
  enum vmf_code code = vmf_alloc(count * sizeof(pthread_t), &memory, error);
  made->threads = code == VMF_OK ? memory : NULL;
  if (code != VMF_OK) {
    vmf_crew_free(made);
    return code;
  }
  if (count > 1)
    start_threads(made, count);
  *crew = made;
  return VMF_OK;
}

void vmf_crew_free(struct vmf_crew *crew)
{
  if (!crew)
    return;
  pthread_mutex_lock(&crew->lock);
  crew->stop = true;
  pthread_cond_broadcast(&crew->more);
  pthread_mutex_unlock(&crew->lock);
  for (unsigned i = 0; i < crew->thread_count; i++)
    pthread_join(crew->threads[i], NULL);
  vmf_free(crew->threads);
  pthread_cond_destroy(&crew->left);
  pthread_cond_destroy(&crew->more);
  pthread_mutex_destroy(&crew->lock);
  vmf_free(crew);
}

enum vmf_code vmf_crew_take_on(struct vmf_crew *given, unsigned threads, struct vmf_crew **crew,
                               struct vmf_error *error)
{
  *crew = given;
  return given ? VMF_OK : vmf_crew_new(threads, crew, error);
}

void vmf_crew_leave_off(const struct vmf_crew *given, struct vmf_crew *crew)
{
  if (!given)
    vmf_crew_free(crew);
}

unsigned vmf_crew_threads(const struct vmf_crew *crew)
{
  return crew->thread_count;
}

/* ---- shares ---- */

/* How many jobs fit beside so many threads. stated: bytes on top of the budget. */
static uint64_t jobs_beside(uint64_t budget, uint64_t stated, unsigned threads,
                            const struct vmf_demand *demand)
{
  uint64_t count = vmf_max(threads, 1), taken = count * demand->thread;

  if (count * demand->stated > stated)
    return 0;
  return taken < budget ? (budget - taken) / vmf_max(demand->job, 1) : 0;
}

struct vmf_share vmf_crew_take(struct vmf_crew *crew, const struct vmf_demand *demand)
{
  unsigned threads = crew->thread_count;

  pthread_mutex_lock(&crew->lock);
  uint64_t left = crew->budget - vmf_min(crew->taken, crew->budget);
  /* A job for each thread, and one that is on its way in or out. */
  while (threads > 1 && jobs_beside(left, crew->stated, threads, demand) < threads + 1)
    threads--;
  uint64_t jobs = jobs_beside(left, crew->stated, threads, demand), count = vmf_max(threads, 1);
  struct vmf_share share = {.threads = threads > 1 ? threads : 0,
                            .jobs = (unsigned)vmf_max(vmf_min(jobs, 2 * threads + 4), 2),
                            .stated = vmf_min(count * demand->stated, crew->stated)};
  share.memory = count * demand->thread + share.jobs * demand->job;
  crew->taken += share.memory;
  crew->stated -= share.stated;
  pthread_mutex_unlock(&crew->lock);
  return share;
}

void vmf_crew_give_back(struct vmf_crew *crew, const struct vmf_share *share)
{
  pthread_mutex_lock(&crew->lock);
  crew->taken -= share->memory;
  crew->stated += share->stated;
  pthread_mutex_unlock(&crew->lock);
}

/* ---- clients ---- */

pthread_mutex_t *vmf_crew_lock(struct vmf_crew *crew)
{
  return &crew->lock;
}

void vmf_crew_wake(struct vmf_crew *crew)
{
  crew->wakes++;
  pthread_cond_signal(&crew->more);
}

void vmf_crew_join(struct vmf_crew *crew, struct vmf_crew_client *client)
{
  pthread_mutex_lock(&crew->lock);
  add_last(crew, client);
  pthread_mutex_unlock(&crew->lock);
}

void vmf_crew_leave(struct vmf_crew *crew, struct vmf_crew_client *client)
{
  pthread_mutex_lock(&crew->lock);
  remove_client(crew, client);
  while (client->serving > 0)
    pthread_cond_wait(&crew->left, &crew->lock);
  pthread_mutex_unlock(&crew->lock);
}
