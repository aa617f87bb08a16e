/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Exit statuses and the lines on standard error. */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "human.h"
#include "listener.h"
#include "progress.h"
#include "signals.h"

struct vmf_held {
  FILE *file;  /* a stream that fills: */
  char *texts; /* one behind the other, each with its zero */
  size_t length;
};

static const int exit_statuses[] = {
    [VMF_OK] = VMF_EXIT_DONE,
    [VMF_USAGE] = VMF_EXIT_OTHER,
    [VMF_SYSTEM] = VMF_EXIT_OTHER,
    [VMF_NOMEM] = VMF_EXIT_OTHER,
    [VMF_CORRUPT] = VMF_EXIT_INPUT,
    [VMF_REFUSED] = VMF_EXIT_INPUT,
    [VMF_LIMIT] = VMF_EXIT_INPUT,
    [VMF_READ] = VMF_EXIT_READ,
    [VMF_WRITE] = VMF_EXIT_WRITE,
    [VMF_CHANGED] = VMF_EXIT_CHANGED,
    [VMF_IN_USE] = VMF_EXIT_IN_USE,
    [VMF_DIFFERENT] = VMF_EXIT_DIFFERENT,
    [VMF_UNSUPPORTED] = VMF_EXIT_UNSUPPORTED,
    [VMF_CANCELLED] = VMF_EXIT_SIGNAL,
    [VMF_TEMPORARY] = VMF_EXIT_TEMPORARY,
    [VMF_SECRET] = VMF_EXIT_SECRET,
};

int vmf_status_of(enum vmf_code code)
{
  if (code == VMF_CANCELLED)
    return VMF_EXIT_SIGNAL + vmf_signals_caught();
  if ((size_t)code >= sizeof exit_statuses / sizeof exit_statuses[0])
    return VMF_EXIT_OTHER;
  return exit_statuses[code];
}

static void print_text(const char *text)
{
  if (!vmf_signals_wait_for_room(STDERR_FILENO))
    return;
  flockfile(stderr);
  vmf_progress_hide();
  fputs("vmferry: ", stderr);
  vmf_human_text(stderr, text);
  fputc('\n', stderr);
  funlockfile(stderr);
}

void vmf_status_print(const char *format, ...)
{
  char text[2048];
  va_list values;

  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  vmf_human_hide(text);
  print_text(text);
}

static void tell(const struct vmf_command *command, const char *text)
{
  if (command->listener)
    command->listener->say(command->listener->data, text);
  else
    print_text(text);
}

void vmf_status_say(const struct vmf_command *command, const char *format, ...)
{
  char text[2048];
  va_list values;

  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  vmf_human_hide(text);
  if (command->held)
    fwrite(text, 1, strlen(text) + 1, command->held->file);
  else
    tell(command, text);
}

void vmf_status_hold(struct vmf_command *command)
{
  struct vmf_held *held = calloc(1, sizeof *held);

  if (held)
    held->file = open_memstream(&held->texts, &held->length);
  if (held && held->file)
    command->held = held;
  else
    free(held);
}

void vmf_status_release(struct vmf_command *command, bool told)
{
  struct vmf_held *held = command->held;

  if (!held)
    return;
  command->held = NULL;
  fclose(held->file);
  for (size_t at = 0; told && at < held->length; at += strlen(held->texts + at) + 1)
    tell(command, held->texts + at);
  free(held->texts);
  free(held);
}

int vmf_status_report(const struct vmf_error *error)
{
  if (error->code == VMF_CANCELLED)
    vmf_status_print("stopped by signal %d (%s)", vmf_signals_caught(),
                     strsignal(vmf_signals_caught()));
  else
    vmf_status_print("%s", error->text);
  return vmf_status_of(error->code);
}

void vmf_status_warn(void *data, const char *text)
{
  vmf_status_say(data, "warning: %s", text);
}

void vmf_status_note(void *data, const char *text)
{
  vmf_status_say(data, "%s", text);
}
