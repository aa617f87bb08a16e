/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry clean`: what interrupted runs left beside their targets. */
#include <inttypes.h>
#include <stdio.h>

#include "arguments.h"
#include "common_arguments.h"
#include "each.h"
#include "human.h"
#include "json.h"
#include "status.h"

struct clean_settings {
  struct vmf_command command;
  bool dry_run;
  int status; /* of the folder that is looked at now */
};

#define VMF_SETTINGS struct clean_settings

static const struct clean_settings clean_initial = {.dry_run = false};

static const struct vmf_argument clean_arguments[] = {
    VMF_GROUP_WRITING,
    {.name = "dry-run", VMF_SETS_FLAG(dry_run), .help = "only tell what is there"},
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_QUIET,
    {0},
};

static const struct {
  const char *word, *text;
} clean_states[] = {
    [VMF_LEFTOVER_LEFT] = {"left", "of an interrupted run"},
    [VMF_LEFTOVER_RESUMABLE] = {"resumable", "of an interrupted run: convert --resume goes on with "
                                             "it"},
    [VMF_LEFTOVER_REMOVED] = {"removed", "removed"},
    [VMF_LEFTOVER_IN_USE] = {"in-use", "a run is at work there"},
    [VMF_LEFTOVER_REPLACED] = {"replaced", "holds files that were to be replaced: take back what "
                                           "is wanted, and remove it"},
    [VMF_LEFTOVER_FOREIGN] = {"foreign", "cannot be looked at, or is not of a run"},
};

static void clean_print_json(struct clean_settings *settings, const char *path, uint64_t bytes,
                             enum vmf_leftover_state state)
{
  vmf_each_item(&settings->command);
  fputs("{\n    \"path\": ", stdout);
  vmf_json_string(stdout, path);
  printf(",\n    \"size-on-disk\": %" PRIu64 ",\n    \"state\": \"%s\"\n}\n", bytes,
         clean_states[state].word);
}

static void clean_tell(void *data, const char *path, uint64_t bytes, enum vmf_leftover_state state)
{
  struct clean_settings *settings = data;
  bool stays = state == VMF_LEFTOVER_LEFT || state == VMF_LEFTOVER_RESUMABLE;

  if (stays && !settings->dry_run)
    settings->status = VMF_EXIT_OTHER;
  if (settings->command.json) {
    clean_print_json(settings, path, bytes, state);
  } else if (!settings->command.quiet) {
    vmf_human_text(stdout, path);
    printf(": %" PRIu64 " bytes, %s%s\n", bytes, clean_states[state].text,
           stays && !settings->dry_run
               ? "; not removed: it is another user's, or on a file system of other hosts, too"
               : "");
  }
}

static int clean_one(void *given)
{
  struct clean_settings *settings = given;
  const struct vmf_clean_options options = {
      .size = sizeof options, .dry_run = settings->dry_run, .tell = clean_tell, .data = settings};
  struct vmf_error error = {0};

  settings->status = VMF_EXIT_DONE;
  settings->command.listed = true; /* of one folder there may be several, too */
  if (vmf_clean(settings->command.operands[0], &options, &error) != VMF_OK)
    return vmf_status_report(&error);
  return settings->status;
}

static int clean_run(void *given)
{
  struct clean_settings *settings = given;

  return vmf_each_operand(&settings->command, clean_one, NULL);
}

static const char *const clean_examples[] = {
    "vmferry clean .",
    "vmferry clean --dry-run .",
    "vmferry clean --output=json .",
    NULL,
};

const struct vmf_verb vmf_verb_clean = {
    .name = "clean",
    .purpose = VMF_PURPOSE_DISKS,
    .operands = "DIR...",
    .summary = "remove what interrupted runs left in folders",
    .examples = clean_examples,
    .arguments = clean_arguments,
    VMF_STARTS_WITH(clean_initial),
    .min_operands = 1,
    .max_operands = 1 << 16,
    .written = VMF_WRITTEN_ALL,
    .usage_status = VMF_EXIT_OTHER,
    .run = clean_run,
};
