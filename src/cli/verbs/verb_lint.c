/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry lint`: will a platform take this package or disk, and what will it say? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common_arguments.h"
#include "each.h"
#include "human.h"
#include "json.h"
#include "memory_text.h"
#include "signals.h"
#include "sources.h"
#include "status.h"
#include "verdict.h"

struct lint_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  const char *platform;
  bool strict;
};

#define VMF_SETTINGS struct lint_settings

static const struct lint_settings lint_initial = {.source = VMF_SOURCE_UNCHECKED};

static const struct vmf_argument lint_arguments[] = {
    VMF_GROUP("What is asked"),
    {.name = "for",
     VMF_SETS_TEXT(platform),
     .value = "PLATFORM",
     .help = "whose rules are asked, needed (\"help profiles\" lists them)"},
    {.name = "strict", VMF_SETS_FLAG(strict), .help = "a warning counts as a violation"},
    VMF_GROUP_READING,
    VMF_ARGUMENT_FORMAT,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_NO_REPLAY,
    VMF_ARGUMENT_SECRET,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_MAX_SIZE,
    VMF_ARGUMENT_SANDBOX,
    VMF_ARGUMENT_REMOTE,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_QUIET,
    {0},
};

/* One file that is judged. */
struct judgement {
  const struct lint_settings *settings;
  FILE *json; /* the findings so far, as JSON; NULL: for people */
  bool any;
};

/* ---- findings ---- */

static void print_finding(const struct judgement *judgement, const struct vmf_lint_finding *finding)
{
  const struct lint_settings *settings = judgement->settings;

  vmf_human_text(stdout, finding->file ? finding->file : settings->command.operands[0]);
  if (finding->line)
    printf(":%u", finding->line);
  printf(": %s: ", vmf_verdict_severity(finding->severity));
  vmf_human_text(stdout, finding->found);
  printf("; accepted: %s [%s]\n", finding->allowed, finding->rule);
  if (finding->prints)
    printf("    there: %s\n", finding->prints);
  printf("    convert --for %s: %s\n", settings->platform, finding->remedy);
}

static void write_text(FILE *out, const char *key, const char *text)
{
  if (!text)
    return;
  fprintf(out, ",\n            \"%s\": ", key);
  vmf_json_string(out, text);
}

static void write_finding(FILE *out, bool first, const struct vmf_lint_finding *finding)
{
  fprintf(out, "%s\n        {\n            \"severity\": \"%s\"", first ? "" : ",",
          vmf_verdict_severity(finding->severity));
  write_text(out, "rule", finding->rule);
  write_text(out, "file", finding->file);
  if (finding->line)
    fprintf(out, ",\n            \"line\": %u", finding->line);
  write_text(out, "found", finding->found);
  write_text(out, "allowed", finding->allowed);
  write_text(out, "prints", finding->prints);
  write_text(out, "remedy", finding->remedy);
  write_text(out, "source", finding->source);
  fputs("\n        }", out);
}

static void take_finding(void *data, const struct vmf_lint_finding *finding)
{
  struct judgement *judgement = data;
  const struct lint_settings *settings = judgement->settings;

  if (judgement->json)
    write_finding(judgement->json, !judgement->any, finding);
  else if (!settings->command.quiet || finding->severity >= VMF_SEVERITY_VIOLATION ||
           (settings->strict && finding->severity >= VMF_SEVERITY_WARNING))
    print_finding(judgement, finding);
  judgement->any = true;
}

/* ---- the verdict ---- */

static int status_of(const struct lint_settings *settings, const struct vmf_lint_result *result)
{
  uint64_t against = result->counts[VMF_SEVERITY_VIOLATION] +
                     (settings->strict ? result->counts[VMF_SEVERITY_WARNING] : 0);

  return against > 0 ? VMF_VERDICT_VIOLATIONS : VMF_VERDICT_CONFORMS;
}

static void print_verdict(const struct lint_settings *settings, int status,
                          const struct vmf_lint_result *result)
{
  vmf_human_text(stdout, settings->command.operands[0]);
  printf(": %s for %s", status == VMF_VERDICT_VIOLATIONS ? "NOT fit" : "nothing against it",
         settings->platform);
  vmf_verdict_print_count(result->counts[VMF_SEVERITY_VIOLATION], "violation");
  vmf_verdict_print_count(result->counts[VMF_SEVERITY_WARNING], "warning");
  vmf_verdict_print_count(result->counts[VMF_SEVERITY_NOTE], "note");
  vmf_verdict_print_count(result->asked, "rule");
  puts(" asked");
}

static void print_json(struct lint_settings *settings, const char *findings, int status,
                       const struct vmf_lint_result *result)
{
  vmf_each_item(&settings->command);
  fputs("{\n    \"filename\": ", stdout);
  vmf_json_string(stdout, settings->command.operands[0]);
  fputs(",\n    \"platform\": ", stdout);
  vmf_json_string(stdout, settings->platform);
  printf(",\n    \"verdict\": \"%s\",\n    \"findings\": [%s%s]",
         status == VMF_VERDICT_CONFORMS ? "conforms" : "violations", findings,
         findings[0] ? "\n    " : "");
  printf(",\n    \"rules\": %u\n}\n", result->asked);
}

/* ---- the run ---- */

static enum vmf_code judge(struct judgement *judgement, struct vmf_lint_result *result,
                           struct vmf_error *error)
{
  const struct lint_settings *settings = judgement->settings;
  struct vmf_image_options image = vmf_sources_image_options(&settings->command, &settings->source);
  const struct vmf_lint_options options = {
      .size = sizeof options, .image = &image, .finding = take_finding, .data = judgement};

  image.random_access = true;
  image.max_bytes = settings->command.max_size;
  image.cancel = vmf_signals_cancel();
  return vmf_lint(settings->command.operands[0], settings->platform, &options, result, error);
}

static int lint_one(void *given)
{
  struct lint_settings *settings = given;
  struct judgement judgement = {.settings = settings};
  struct vmf_lint_result result = {.size = sizeof result};
  struct vmf_error error = {0};
  char *findings = NULL;
  size_t length;

  vmf_each_head(&settings->command);
  if (settings->command.json && !(judgement.json = open_memstream(&findings, &length))) {
    vmf_status_print("no memory");
    return VMF_VERDICT_NOT_JUDGED;
  }
  bool judged = judge(&judgement, &result, &error) == VMF_OK;
  int status = judged ? status_of(settings, &result) : vmf_verdict_report(&error);
  if (judgement.json && vmf_memory_text_end(judgement.json, &findings) && judged)
    print_json(settings, findings, status, &result);
  else if (!judgement.json && judged && !settings->command.quiet)
    print_verdict(settings, status, &result);
  free(findings);
  return status;
}

static int lint_run(void *given)
{
  const struct lint_settings *settings = given;

  if (!settings->platform) {
    vmf_status_print("lint: --for PLATFORM says whose rules are asked; \"vmferry help profiles\" "
                     "lists them");
    return VMF_VERDICT_NOT_JUDGED;
  }
  vmf_signals_catch();
  return vmf_each_operand(given, lint_one, vmf_verdicts_worst_first);
}

static const char *const lint_examples[] = {
    "vmferry lint --for esxi appliance.ova",
    "vmferry lint --for openstack --strict disk.qcow2",
    "vmferry lint --for esxi@7.0 --output=json appliance.ova",
    NULL,
};

const struct vmf_verb vmf_verb_lint = {
    .name = "lint",
    .purpose = VMF_PURPOSE_EXAMINE,
    .operands = "FILE...",
    .summary = "tell what a platform would refuse of a machine or a disk",
    .examples = lint_examples,
    .arguments = lint_arguments,
    VMF_STARTS_WITH(lint_initial),
    .min_operands = 1,
    .max_operands = 1 << 16,
    .usage_status = VMF_VERDICT_NOT_JUDGED,
    .run = lint_run,
};
