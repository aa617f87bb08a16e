/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Signals. The handlers only store into lock-free atomics and set the alarm. */
#include "signals.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

enum { LOOK_MS = 100 }; /* between two looks at the flag */

static struct vmf_cancel signals_cancel;
static atomic_int signals_number;
static atomic_bool signals_usr1;

static void signals_end(int number)
{
  int none = 0;

  atomic_compare_exchange_strong(&signals_number, &none, number);
  vmf_cancel_request(&signals_cancel);
  alarm(1);
}

/* A write to a full pipe that had taken some bytes, or had not begun yet, does not end by the first
 * signal: it is interrupted again until the conversion has seen that it should stop. */
static void signals_insist(int number)
{
  (void)number;
  alarm(1);
}

static void signals_ask(int number)
{
  (void)number;
  atomic_store(&signals_usr1, true);
}

static void signals_set(int number, void (*handler)(int), int flags)
{
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

void vmf_signals_ignore_pipe(void)
{
  signals_set(SIGPIPE, SIG_IGN, 0);
  signals_set(SIGXFSZ, SIG_IGN, 0); /* `ulimit -f`: the write fails with EFBIG instead */
}

/* A signal that the parent had set to be ignored (nohup) stays ignored. */
static void signals_catch_one(int number)
{
  struct sigaction old;

  if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
    return;
  signals_set(number, signals_end, 0);
}

void vmf_signals_catch(void)
{
  signals_set(SIGALRM, signals_insist, 0);
  signals_catch_one(SIGINT);
  signals_catch_one(SIGTERM);
  signals_catch_one(SIGHUP);
  signals_set(SIGUSR1, signals_ask, SA_RESTART);
}

const struct vmf_cancel *vmf_signals_cancel(void)
{
  return &signals_cancel;
}

int vmf_signals_caught(void)
{
  return atomic_load(&signals_number);
}

bool vmf_signals_wait_for_room(int descriptor)
{
  struct pollfd output = {.fd = descriptor, .events = POLLOUT};

  while (poll(&output, 1, LOOK_MS) <= 0)
    if (vmf_cancel_requested(&signals_cancel))
      return false;
  return true;
}

bool vmf_signals_take_usr1(void)
{
  return atomic_exchange(&signals_usr1, false);
}
