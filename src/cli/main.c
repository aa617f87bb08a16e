/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The vmferry command: finds the verb, parses its arguments, runs it, and makes sure that standard
 * output took everything. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "arguments.h"
#include "confining.h"
#include "help.h"
#include "names.h"
#include "remote_access.h"
#include "secrets.h"
#include "signals.h"
#include "status.h"
#include "untrusted.h"

const struct vmf_verb *const vmf_verbs[] = {
    &vmf_verb_convert,    &vmf_verb_batch,
    &vmf_verb_report,     &vmf_verb_apply,
    &vmf_verb_create,     &vmf_verb_clean,
    &vmf_verb_measure,    &vmf_verb_info,
    &vmf_verb_map,        &vmf_verb_compare,
    &vmf_verb_diff,       &vmf_verb_check,
    &vmf_verb_lint,       &vmf_verb_checksum,
    &vmf_verb_pack,       &vmf_verb_unpack,
    &vmf_verb_verify,     &vmf_verb_sign,
    &vmf_verb_edit,       &vmf_verb_help,
    &vmf_verb_completion, NULL,
};

const struct vmf_verb *vmf_verb_find(const char *name)
{
  for (const struct vmf_verb *const *verb = vmf_verbs; *verb; verb++)
    if (strcmp((*verb)->name, name) == 0)
      return *verb;
  return NULL;
}

const struct vmf_verb *vmf_verb_similar(const char *name)
{
  for (const struct vmf_verb *const *verb = vmf_verbs; *verb; verb++)
    if (vmf_word_similar(name, (*verb)->name))
      return *verb;
  return NULL;
}

/* Where one of the three standard descriptors is closed, an image must not get its number. */
static void main_fill_descriptors(void)
{
  int opened = open("/dev/null", O_RDWR | O_CLOEXEC);

  while (opened >= 0 && opened <= STDERR_FILENO) {
    int wrong_way = opened == STDIN_FILENO ? O_WRONLY : O_RDONLY; /* using it must still fail */

    close(opened);
    if (open("/dev/null", wrong_way) < 0)
      return;
    opened = open("/dev/null", O_RDWR | O_CLOEXEC);
  }
  if (opened > STDERR_FILENO)
    close(opened);
}

/* A split disk has a file for every 2 GiB, all open at once. */
static void main_raise_file_limit(void)
{
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

/* Of a run that did not begin. 1 may be an answer of the verb: then it has another status. */
static int main_report(const struct vmf_verb *verb, const struct vmf_error *error)
{
  int status = vmf_status_report(error);

  return status == VMF_EXIT_OTHER ? verb->usage_status : status;
}

/* How many operands are only read, the first ones. */
static int main_sources(const struct vmf_verb *verb, const struct vmf_command *command)
{
  int count = command->operand_count;

  if (verb->written == VMF_WRITTEN_ONE || verb->written == VMF_WRITTEN_ALL)
    return 0;
  return verb->written == VMF_WRITTEN_LAST && count > 1 ? count - 1 : count;
}

/* What is written, where an operand names it; or NULL. */
static const char *main_target(const struct vmf_verb *verb, const struct vmf_command *command)
{
  int sources = main_sources(verb, command);

  return sources < command->operand_count ? command->operands[sources] : NULL;
}

static int main_run_confined(const struct vmf_verb *verb, struct vmf_command *command)
{
  struct vmf_error error = {0};
  int sources = main_sources(verb, command);
  enum vmf_code code = verb->load ? verb->load(command, &error) : VMF_OK;

  if (code == VMF_OK)
    code = vmf_remote_access(verb, command, &error);
  if (code == VMF_OK && command->secrets_held == 0) /* else `load` has read them */
    code = vmf_secrets_read(command, main_target(verb, command), &error);
  if (code == VMF_OK)
    code = vmf_confining(verb, command, &error);
  if (code == VMF_OK)
    vmf_names_recognised(command, sources);
  int status = code == VMF_OK ? verb->run(command) : main_report(verb, &error);
  if (verb->unload)
    verb->unload(command);
  return status;
}

static int main_run_verb(const struct vmf_verb *verb, int argc, char **argv)
{
  struct vmf_command *command = malloc(verb->settings_size); /* and the settings behind it */
  struct vmf_error error = {0};
  int status;

  if (!command) {
    (void)!vmf_arguments_no_memory(&error);
    return main_report(verb, &error);
  }
  memcpy(command, verb->initial, verb->settings_size);
  command->log.warn = vmf_status_warn;
  command->log.data = command;
  if (vmf_arguments_parse(verb, argc, argv, command, &error) != VMF_OK ||
      vmf_names_by_options(command, command->operand_count - verb->targets, &error) != VMF_OK ||
      vmf_names_pipes(command, command->operand_count - verb->targets, &error) != VMF_OK ||
      vmf_names_redirected(command, main_sources(verb, command), &error) != VMF_OK ||
      (!command->help && vmf_untrusted(verb, command, &error) != VMF_OK)) {
    status = main_report(verb, &error);
  } else if (command->help) {
    vmf_help_print_verb(stdout, verb);
    status = VMF_EXIT_DONE;
  } else {
    if (command->verbose || isatty(STDERR_FILENO))
      command->log.note = vmf_status_note;
    if (command->verbose)
      command->log.detail = vmf_status_note;
    if (command->quiet)
      command->log.warn = command->log.note = command->log.detail = NULL;
    status = main_run_confined(verb, command);
  }
  vmf_arguments_free(verb, command);
  free(command);
  return status;
}

/* qemu-img's verbs that modify an image, and what makes a new one instead. */
static const char *const main_others[][2] = {
    {"amend", "\"convert -o OPTION=VALUE\" makes one with other options"},
    {"bench", "nothing is measured with it"},
    {"bitmap", "\"info\" lists the bitmaps"},
    {"commit", "\"convert OVERLAY TARGET\" makes one disk of the whole chain"},
    {"dd", "\"convert\" copies a disk, \"convert -n\" into a target that is there"},
    {"rebase", "\"convert -B BASE -F FORMAT OVERLAY TARGET\" makes an overlay on another base"},
    {"resize", "\"convert --resize SIZE SOURCE TARGET\" makes one of another size"},
    {"snapshot", "\"info\" lists the snapshots, \"convert -l SNAPSHOT\" copies one"},
};

static int main_unknown_verb(const char *name)
{
  for (size_t i = 0; i < sizeof main_others / sizeof main_others[0]; i++)
    if (strcmp(main_others[i][0], name) == 0) {
      vmf_status_print("\"%s\" is a verb of qemu-img that vmferry does not have, since it never "
                       "modifies an image: %s",
                       name, main_others[i][1]);
      return VMF_EXIT_OTHER;
    }
  if (name[0] == '-') {
    vmf_status_print("%s: before the verb there are only --help and --version; the options of a "
                     "verb stand behind it",
                     name);
    return VMF_EXIT_OTHER;
  }
  const struct vmf_verb *meant = vmf_verb_similar(name);
  if (!meant && access(name, F_OK) == 0) {
    vmf_status_print("%s: is a file, and a verb comes first: vmferry convert %s TARGET; \"vmferry "
                     "help\" lists the verbs",
                     name, name);
    return VMF_EXIT_OTHER;
  }
  if (meant)
    vmf_status_print("\"%s\" is no verb; did you mean %s?", name, meant->name);
  else
    vmf_status_print("\"%s\" is no verb; \"vmferry help\" lists them", name);
  return VMF_EXIT_OTHER;
}

static void main_version(void)
{
  const char *name, *version, *purpose, *between = "Libraries: ";

  printf("vmferry %s\nSHA-256 of checksums: %s\n", vmf_version(), vmf_sha256_method_name());
  for (size_t i = 0; (name = vmf_library_name(i, &version, NULL)); i++)
    if (version) {
      printf("%s%s %s", between, name, version);
      between = ", ";
    }
  putchar('\n');
  for (size_t i = 0; (name = vmf_library_name(i, &version, &purpose)); i++)
    if (!version)
      printf("Left out: %s (%s)\n", name, purpose);
}

static int main_run(int argc, char **argv)
{
  const struct vmf_verb *verb;

  if (argc < 2) {
    vmf_help_print(stderr);
    return VMF_EXIT_OTHER;
  }
  if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
    main_version();
    if (argc > 2 && (strcmp(argv[2], "-v") == 0 || strcmp(argv[2], "--verbose") == 0))
      vmf_confining_print();
    return VMF_EXIT_DONE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    vmf_help_print(stdout);
    return VMF_EXIT_DONE;
  }
  verb = vmf_verb_find(argv[1]);
  return verb ? main_run_verb(verb, argc - 1, argv + 1) : main_unknown_verb(argv[1]);
}

/* Closing tells of what a file system writes late. A stream that was never used has no buffer. */
static bool main_end_output(void)
{
  errno = 0;
  if (__fbufsize(stdout) == 0)
    return true;
  bool flushed = fflush(stdout) == 0 && !ferror(stdout);

  return close(STDOUT_FILENO) == 0 && flushed;
}

/* Whoever read has seen enough, as `head` has: nobody is to be told. */
static bool main_reader_gone(void)
{
  struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};

  return poll(&output, 1, 0) > 0 && (output.revents & POLLERR);
}

/* Whether it says that all was told: what is not there then is an error of its own. */
static bool main_is_answer(int argc, char **argv, int status)
{
  const struct vmf_verb *verb = argc > 1 ? vmf_verb_find(argv[1]) : NULL;

  return status == VMF_EXIT_DONE || (verb && status == verb->answer_status);
}

int main(int argc, char **argv)
{
  bool gone;
  int status;

  main_fill_descriptors();
  main_raise_file_limit();
  vmf_signals_ignore_pipe();
  unsetenv("POSIXLY_CORRECT"); /* to getopt an option behind the target would be the target */
  status = main_run(argc, argv);
  gone = main_reader_gone();
  if (!main_end_output()) {
    if (!gone)
      vmf_status_print("standard output: %s", errno ? strerror(errno) : "writing failed");
    if (main_is_answer(argc, argv, status))
      status = VMF_EXIT_WRITE;
  }
  return status;
}
