/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry verify`: is a package intact, signed by whom it should be, and what the standard asks
 * for? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common_arguments.h"
#include "each.h"
#include "human.h"
#include "json.h"
#include "memory_text.h"
#include "progress.h"
#include "signals.h"
#include "sources.h"
#include "status.h"
#include "verdict.h"

struct verify_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  struct vmf_package_check check;
};

#define VMF_SETTINGS struct verify_settings

static const struct verify_settings verify_initial = {.source = VMF_SOURCE_CHECKED};

static const struct vmf_argument verify_arguments[] = {
    VMF_GROUP_TRUST,
    VMF_ARGUMENT_TRUST,
    VMF_ARGUMENT_MAX_SIZE,
    VMF_GROUP_READING,
    {.name = "schema",
     VMF_SETS_TEXT(check.schema_folder),
     .value = "DIR",
     .help = "validate against the DMTF's schema files in DIR, too"},
    {.name = "descriptor-only",
     VMF_SETS_FLAG(check.descriptor_only),
     .help = "do not look at the files of the package"},
    {.name = "quick",
     VMF_SETS_FLAG(check.quick),
     .help = "do not unpack the packed data of the disks"},
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_NO_REPLAY,
    VMF_GROUP_SPEED,
    VMF_ARGUMENT_THREADS,
    VMF_ARGUMENT_PAGE_CACHE_MODE,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_ARGUMENT_REMOTE,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    {0},
};

static const char *const severities[VMF_SEVERITIES] = {"note", "loss", "warning", "violation",
                                                       "failure"};

/* What one verification says. */
struct verification {
  const struct verify_settings *settings;
  FILE *json; /* the findings so far, as JSON */
  bool any;
};

/* ---- findings ---- */

static void print_finding(const char *package, const struct vmf_package_finding *finding)
{
  flockfile(stderr); /* no bar before the line is complete */
  vmf_progress_hide();
  vmf_human_text(stdout, finding->file ? finding->file : package);
  if (finding->line)
    printf(":%u", finding->line);
  printf(": %s: ", severities[finding->severity]);
  vmf_human_text(stdout, finding->text);
  printf(" [%s]\n", finding->rule);
  funlockfile(stderr);
}

static void write_finding(FILE *out, bool first, const struct vmf_package_finding *finding)
{
  fprintf(out, "%s\n        {\n            \"severity\": \"%s\",\n            \"rule\": ",
          first ? "" : ",", severities[finding->severity]);
  vmf_json_string(out, finding->rule);
  if (finding->file) {
    fputs(",\n            \"file\": ", out);
    vmf_json_string(out, finding->file);
  }
  if (finding->line)
    fprintf(out, ",\n            \"line\": %u", finding->line);
  fputs(",\n            \"text\": ", out);
  vmf_json_string(out, finding->text);
  fputs("\n        }", out);
}

static void take_finding(void *data, const struct vmf_package_finding *finding)
{
  struct verification *verification = data;

  if (verification->json)
    write_finding(verification->json, !verification->any, finding);
  else if (!verification->settings->command.quiet || finding->severity >= VMF_SEVERITY_VIOLATION)
    print_finding(verification->settings->command.operands[0], finding);
  verification->any = true;
}

/* ---- the verdict ---- */

static int verdict_status(const struct vmf_package_verdict *verdict)
{
  if (verdict->counts[VMF_SEVERITY_FAILURE] > 0)
    return VMF_VERDICT_FAILED;
  return verdict->counts[VMF_SEVERITY_VIOLATION] > 0 ? VMF_VERDICT_VIOLATIONS
                                                     : VMF_VERDICT_CONFORMS;
}

static void print_verdict(const struct verify_settings *settings,
                          const struct vmf_package_verdict *verdict)
{
  char size[16];

  vmf_human_text(stdout, settings->command.operands[0]);
  if (verdict->counts[VMF_SEVERITY_FAILURE] > 0)
    fputs(": NOT intact", stdout);
  else if (settings->check.descriptor_only)
    fputs(": only the descriptor was checked", stdout);
  else
    fputs(verdict->has_manifest ? ": intact" : ": readable, but without a manifest", stdout);
  vmf_verdict_print_count(verdict->counts[VMF_SEVERITY_FAILURE], "failure");
  vmf_verdict_print_count(verdict->counts[VMF_SEVERITY_VIOLATION], "violation");
  vmf_verdict_print_count(verdict->counts[VMF_SEVERITY_WARNING], "warning");
  if (verdict->has_manifest) {
    vmf_human_size(verdict->bytes, size);
    vmf_verdict_print_count(verdict->files, "file");
    printf(", %s", size);
  }
  if (settings->check.quick && !settings->check.descriptor_only)
    fputs(", packed data not unpacked", stdout);
  if (verdict->has_signature) {
    fputs(verdict->signature_good ? ", signed by " : ", wrongly signed by ", stdout);
    vmf_human_text(stdout, verdict->signer[0] ? verdict->signer : "nobody");
    fputs(verdict->signature_trusted ? "" : " (not trusted)", stdout);
  } else {
    fputs(", not signed", stdout);
  }
  putchar('\n');
}

static const char *json_bool(bool value)
{
  return value ? "true" : "false";
}

static void print_json(struct verify_settings *settings, const char *findings, int status,
                       const struct vmf_package_verdict *verdict)
{
  static const char *const words[] = {"intact", "unchecked", "failed", "violations"};

  vmf_each_item(&settings->command);
  fputs("{\n    \"filename\": ", stdout);
  vmf_json_string(stdout, settings->command.operands[0]);
  printf(",\n    \"verdict\": \"%s\",\n    \"findings\": [%s%s]", words[status], findings,
         findings[0] ? "\n    " : "");
  printf(",\n    \"manifest\": %s,\n    \"signature\": ", json_bool(verdict->has_manifest));
  if (verdict->has_signature) {
    printf("{\n        \"good\": %s,\n        \"trusted\": %s,\n        \"signer\": ",
           json_bool(verdict->signature_good), json_bool(verdict->signature_trusted));
    vmf_json_string(stdout, verdict->signer);
    fputs(",\n        \"fingerprint\": ", stdout);
    vmf_json_string(stdout, verdict->fingerprint);
    fputs("\n    }", stdout);
  } else {
    fputs("null", stdout);
  }
  printf(",\n    \"unpacked\": %s",
         json_bool(!settings->check.quick && !settings->check.descriptor_only));
  printf(",\n    \"files\": %" PRIu64 ",\n    \"bytes\": %" PRIu64 "\n}\n", verdict->files,
         verdict->bytes);
}

/* ---- the run ---- */

static enum vmf_code verify_package(struct verification *verification,
                                    struct vmf_package_verdict *verdict, struct vmf_error *error)
{
  const struct verify_settings *settings = verification->settings;
  const struct vmf_package_options options =
      vmf_sources_package_options(&settings->command, &settings->source);
  struct vmf_progress progress =
      vmf_progress_begin(&settings->command, settings->command.operands[0], "reading");
  struct vmf_package_check check = settings->check;
  struct vmf_package *package = NULL;

  check.ca_file = settings->source.trust.ca_file;
  check.signer = settings->source.trust.signer;
  check.require_signature = settings->source.trust.require_signature;
  check.max_bytes = settings->command.max_size;
  check.threads = (unsigned)settings->command.threads;
  check.progress = vmf_progress_show;
  check.progress_data = &progress;
  check.size = sizeof check;
  check.cancel = vmf_signals_cancel();
  check.findings = (struct vmf_findings_sink){.finding = take_finding, .data = verification};
  enum vmf_code code = vmf_sources_open_package(&settings->command, &options, &package, error);
  if (code == VMF_OK)
    code = vmf_package_verify(package, &check, verdict, error);
  vmf_package_close(package);
  vmf_progress_end(&progress, code == VMF_OK);
  return code;
}

/* In JSON a package that cannot be opened has one finding, too. */
static int report_error(struct verification *verification, struct vmf_package_verdict *verdict,
                        const struct vmf_error *error)
{
  const struct vmf_package_finding finding = {
      .severity = VMF_SEVERITY_FAILURE, .rule = "package-unreadable", .text = error->text};
  int status = vmf_verdict_report(error);

  if (verification->json && status == VMF_VERDICT_FAILED) {
    verdict->counts[VMF_SEVERITY_FAILURE]++;
    take_finding(verification, &finding);
  }
  return status;
}

static int verify_one(void *given)
{
  struct verify_settings *settings = given;
  struct verification verification = {.settings = settings};
  struct vmf_package_verdict verdict = {.size = sizeof verdict};
  struct vmf_error error = {0};
  char *findings = NULL;
  size_t length;

  vmf_each_head(&settings->command);
  if (settings->command.json && !(verification.json = open_memstream(&findings, &length))) {
    vmf_status_print("no memory");
    return VMF_VERDICT_NOT_JUDGED;
  }
  enum vmf_code code = verify_package(&verification, &verdict, &error);
  int status =
      code == VMF_OK ? verdict_status(&verdict) : report_error(&verification, &verdict, &error);
  if (verification.json && vmf_memory_text_end(verification.json, &findings) &&
      (code == VMF_OK || status == VMF_VERDICT_FAILED))
    print_json(settings, findings, status, &verdict);
  else if (!verification.json && code == VMF_OK && !settings->command.quiet)
    print_verdict(settings, &verdict);
  free(findings);
  return status;
}

static int verify_run(void *settings)
{
  vmf_signals_catch();
  return vmf_each_operand(settings, verify_one, vmf_verdicts_worst_first);
}

static const char *const verify_examples[] = {
    "vmferry verify appliance.ova",
    "vmferry verify --quick --output=json appliance.ova",
    "vmferry verify --ca-file ca.pem appliance.ova",
    NULL,
};

const struct vmf_verb vmf_verb_verify = {
    .name = "verify",
    .purpose = VMF_PURPOSE_PACKAGES,
    .operands = "PACKAGE...",
    .summary = "check that a package is intact and to the standard",
    .examples = verify_examples,
    .arguments = verify_arguments,
    VMF_STARTS_WITH(verify_initial),
    .min_operands = 1,
    .max_operands = 1 << 16,
    .usage_status = VMF_VERDICT_NOT_JUDGED,
    .run = verify_run,
};
