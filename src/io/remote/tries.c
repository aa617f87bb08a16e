/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "tries.h"

#include <sys/random.h>
#include <time.h>

#include "cancel.h"
#include "checked.h"
#include "log.h"
#include "remote_settings.h"

enum { TRIES_MOST = 8, FIRST_MS = 500, LONGEST_MS = 30 * 1000, ASKED_SECONDS = 5 * 60 };
enum { SLICE_MS = 50 }; /* between two looks at who wants it to end */

uint64_t vmf_tries_now(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t vmf_tries_delay(unsigned count)
{
  return count > 16 ? LONGEST_MS : vmf_min(LONGEST_MS, (uint64_t)FIRST_MS << (count - 1));
}

/* So that many who lost the same server do not come back at once. */
static uint64_t chosen_delay(unsigned count, const struct vmf_attempt *attempt)
{
  uint64_t most = vmf_tries_delay(count);
  uint32_t random;

  if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
    random = (uint32_t)vmf_tries_now() * 2654435761u;
  uint64_t delay = random % (most + 1);
  return attempt->wait > 0 ? vmf_min(attempt->wait, ASKED_SECONDS) * 1000 + delay / 8 : delay;
}

static bool is_stopped(const atomic_bool *ended)
{
  return (ended && atomic_load(ended)) || vmf_cancel_requested(vmf_remote_settings()->cancel);
}

static void wait_for(uint64_t delay, const atomic_bool *ended)
{
  const uint64_t end = vmf_tries_now() + delay;

  for (uint64_t now = vmf_tries_now(); now < end && !is_stopped(ended); now = vmf_tries_now()) {
    uint64_t slice = vmf_min(end - now, SLICE_MS);
    const struct timespec time = {.tv_nsec = (long)slice * 1000000};
    nanosleep(&time, NULL);
  }
}

static void give_up(const struct vmf_tries *tries, bool lasting, struct vmf_error *error)
{
  const struct vmf_error why = *error;

  (void)!vmf_fail(error, lasting ? why.code : VMF_TEMPORARY,
                  "%.400s; tried %u times in %llu s, and given up", why.text, tries->count,
                  (unsigned long long)(vmf_tries_now() - tries->started) / 1000);
}

bool vmf_tries_again(struct vmf_tries *tries, const struct vmf_attempt *attempt,
                     const atomic_bool *ended, struct vmf_error *error)
{
  const struct vmf_remote_settings *settings = vmf_remote_settings();

  if (tries->started == 0)
    tries->started = vmf_tries_now();
  tries->count++;
  if (vmf_cancelled(settings->cancel, error) != VMF_OK || !attempt->again)
    return false;
  uint64_t delay = chosen_delay(tries->count, attempt);
  bool late = vmf_tries_now() + delay > tries->started + settings->retry_seconds * 1000;
  if (tries->count >= (attempt->most_tries ? attempt->most_tries : TRIES_MOST) || late) {
    give_up(tries, attempt->lasting, error);
    return false;
  }
  vmf_note(settings->log, "%s; trying again", error->text);
  wait_for(delay, ended);
  return !(ended && atomic_load(ended)) && vmf_cancelled(settings->cancel, error) == VMF_OK;
}
