/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "effort.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const role_names[VMF_ROLES] = {"start", "caller", "crew",
                                                  "work",  "turn",   "store"};
static const char *const effort_names[VMF_EFFORTS] = {"other", "read",  "unpack", "hash",
                                                      "pack",  "place", "write"};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_bool measures; /* set once; by then threads may be reading */
static atomic_uint most_threads, most_jobs;
static _Atomic uint64_t spent[VMF_ROLES][VMF_EFFORTS]; /* nanoseconds */
static _Atomic uint64_t parts[VMF_ROLES];              /* of jobs, that were begun */

static _Thread_local struct {
  enum vmf_role role;
  enum vmf_effort effort;
  uint64_t since; /* nanoseconds of the thread's processor time, that are told already */
} mine;

static uint64_t thread_time(void)
{
  struct timespec time;

  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void settle(void)
{
  uint64_t now = thread_time();

  atomic_fetch_add_explicit(&spent[mine.role][mine.effort], now - mine.since, memory_order_relaxed);
  mine.since = now;
}

static bool is_measured(void)
{
  return atomic_load_explicit(&measures, memory_order_relaxed);
}

enum vmf_effort vmf_effort_begin(enum vmf_effort effort)
{
  enum vmf_effort before = mine.effort;

  if (is_measured() && before != effort) {
    settle();
    mine.effort = effort;
  }
  return before;
}

void vmf_effort_end(enum vmf_effort before)
{
  (void)vmf_effort_begin(before);
}

enum vmf_role vmf_role_begin(enum vmf_role role)
{
  enum vmf_role before = mine.role;

  if (is_measured()) {
    settle();
    mine.role = role;
    atomic_fetch_add_explicit(&parts[role], 1, memory_order_relaxed);
  }
  return before;
}

void vmf_role_end(enum vmf_role before)
{
  if (is_measured()) {
    settle();
    mine.role = before;
  }
}

static void tell(void)
{
  settle();
  fprintf(stderr, "{\"threads\": %u, \"jobs\": %u", atomic_load(&most_threads),
          atomic_load(&most_jobs));
  for (unsigned role = 0; role < VMF_ROLES; role++) {
    fprintf(stderr, ", \"%s\": {\"parts\": %" PRIu64, role_names[role], atomic_load(&parts[role]));
    for (unsigned effort = 0; effort < VMF_EFFORTS; effort++)
      fprintf(stderr, ", \"%s\": %.6f", effort_names[effort],
              (double)atomic_load(&spent[role][effort]) / 1e9);
    fputc('}', stderr);
  }
  fputs("}\n", stderr);
}

static void look(void)
{
  atomic_store(&measures, secure_getenv("VMFERRY_EFFORT") != NULL && atexit(tell) == 0);
}

static void raise_to(atomic_uint *most, unsigned value)
{
  unsigned seen = atomic_load(most);

  while (seen < value && !atomic_compare_exchange_weak(most, &seen, value))
    continue;
}

void vmf_effort_start(void)
{
  pthread_once(&once, look);
}

void vmf_effort_calls(unsigned threads, unsigned jobs)
{
  if (mine.role == VMF_ROLE_START)
    (void)vmf_role_begin(VMF_ROLE_CALLER);
  raise_to(&most_threads, threads);
  raise_to(&most_jobs, jobs);
}
