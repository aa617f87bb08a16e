/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The report for programs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "batch_files.h"
#include "batch_report.h"
#include "human.h"
#include "json.h"

static void print_texts(FILE *out, const char *key, char *const *texts, size_t count)
{
  fprintf(out, ",\n            \"%s\": [", key);
  for (size_t i = 0; i < count; i++) {
    fputs(i ? ", " : "", out);
    vmf_json_string(out, texts[i]);
  }
  fputc(']', out);
}

/* A name in an option may be a URL, as it was typed. */
static void print_option(FILE *out, const char *word)
{
  char *shown = strdup(word);

  if (shown)
    vmf_human_hide(shown);
  vmf_json_string(out, shown ? shown : "");
  free(shown);
}

/* The value of a property may be a password, also where its name was forgotten. */
static void print_property(FILE *out, const char *word, const char *property)
{
  const char *equals = strchr(property, '='), *value = equals ? equals + 1 : property;
  char shown[256];

  snprintf(shown, sizeof shown, "%.*s...", (int)(value - word < 200 ? value - word : 200), word);
  vmf_json_string(out, shown);
}

static void print_options(FILE *out, const struct vmf_words *words)
{
  static const char option[] = "--property";
  const size_t length = sizeof option - 1;

  fputs(",\n            \"options\": [", out);
  for (size_t i = 0; i < words->count; i++) {
    const char *word = words->list[i];

    fputs(i ? ", " : "", out);
    if (i > 0 && strcmp(words->list[i - 1], option) == 0)
      print_property(out, word, word);
    else if (strncmp(word, option, length) == 0 && word[length] == '=')
      print_property(out, word, word + length + 1);
    else
      print_option(out, word);
  }
  fputc(']', out);
}

static void print_text(FILE *out, const char *key, const char *text)
{
  fprintf(out, ",\n            \"%s\": ", key);
  vmf_json_string(out, text);
}

static void print_number(FILE *out, const char *key, uint64_t number)
{
  fprintf(out, ",\n            \"%s\": %" PRIu64, key, number);
}

static void print_files(FILE *out, const char *key, const struct vmf_words *fields, bool made)
{
  const char *separator = "";

  fprintf(out, ",\n            \"%s\": [", key);
  for (size_t i = 0; i < fields->count; i++) {
    struct vmf_batch_file file;
    char changed[32];

    if (vmf_batch_file_parse(fields->list[i], strlen(fields->list[i]), &file) &&
        file.made == made) {
      vmf_report_time((time_t)(file.changed / 1000000000), changed);
      fprintf(out, "%s\n                {\"filename\": ", separator);
      vmf_json_string(out, file.path);
      fprintf(out, ", \"size\": %lld, \"modified\": \"%s\"}", file.size, changed);
      separator = ",";
    }
    free(file.path);
  }
  fputc(']', out);
}

static void print_made(FILE *out, const struct vmf_batch_job *job)
{
  print_text(out, "filename", job->path);
  print_number(out, "written", job->written);
  if (!job->format) /* only planned */
    return;
  print_text(out, "format", job->format);
  if (job->package) {
    print_number(out, "files", job->files);
    return;
  }
  print_number(out, "virtual-size", job->guest_size);
  print_number(out, "data", job->data_bytes);
  print_number(out, "zeros", job->zero_bytes);
  if (job->algorithm) {
    print_text(out, "algorithm", job->algorithm);
    print_text(out, "checksum", job->checksum);
  }
}

static void print_job(FILE *out, const struct vmf_batch_job *job)
{
  const struct vmf_listed_job *listed = job->listed;
  char begun[32];

  fputs("\n        {\n            \"id\": ", out);
  vmf_json_string(out, job->name);
  print_number(out, "index", listed->index);
  print_number(out, "line", listed->line);
  print_texts(out, "sources", listed->operands.list, listed->operands.count - 1);
  print_text(out, "target", listed->operands.list[listed->operands.count - 1]);
  print_options(out, &listed->options);
  print_text(out, "state", vmf_report_state(job->state));
  if (job->state != VMF_JOB_WAITING) {
    vmf_report_time(job->begun, begun);
    print_number(out, "status", (uint64_t)job->status);
    print_text(out, "begun", begun);
    fprintf(out, ",\n            \"seconds\": %.3f", (double)job->milliseconds / 1000);
    print_number(out, "attempts", job->attempts);
  }
  if (job->path)
    print_made(out, job);
  if (job->error)
    print_text(out, "error", job->error);
  if (job->temporary)
    fputs(",\n            \"temporary\": true", out);
  print_files(out, "read", &job->touched.fields, false);
  print_files(out, "made", &job->touched.fields, true);
  print_texts(out, "messages", job->said.list, job->said.count);
  if (job->unsaid > 0)
    print_number(out, "more-messages", job->unsaid);
  if (job->lint.count > 0)
    print_texts(out, "lint", job->lint.list, job->lint.count);
  if (job->losses)
    fprintf(out, ",\n            \"losses\": %s", job->losses);
  fputs("\n        }", out);
}

static void print_merged(FILE *out, const struct vmf_outcome *report)
{
  fprintf(out, ",\n        \"reports\": %zu,\n        \"duplicates\": %zu,\n        \"missing\": [",
          report->reports, report->duplicates);
  for (size_t i = 0; i < report->missing_count; i++)
    fprintf(out, "%s{\"first\": %zu, \"jobs\": %zu}", i > 0 ? ", " : "", report->missing[i].first,
            report->missing[i].count);
  fputc(']', out);
}

static void write_json(FILE *out, const struct vmf_outcome *report)
{
  char begun[32];

  vmf_report_time(report->begun, begun);
  fputs("{\n        \"list\": ", out);
  vmf_json_string(out, report->list);
  fprintf(
      out,
      ",\n        \"version\": \"%s\",\n        \"begun\": \"%s\",\n        \"seconds\": %.3f,\n"
      "        \"status\": %d,\n        \"jobs\": %zu,\n        \"done\": %zu,\n"
      "        \"salvaged\": %zu,\n        \"unchanged\": %zu,\n        \"failed\": %zu,\n"
      "        \"stopped\": %zu,\n"
      "        \"not-begun\": %zu,\n        \"planned\": %zu,\n        \"listed\": %zu",
      vmf_version(), begun, (double)report->milliseconds / 1000, report->status, report->count,
      vmf_report_count(report, VMF_JOB_DONE), vmf_report_count(report, VMF_JOB_SALVAGED),
      vmf_report_count(report, VMF_JOB_SKIPPED), vmf_report_count(report, VMF_JOB_FAILED),
      vmf_report_count(report, VMF_JOB_STOPPED), vmf_report_count(report, VMF_JOB_WAITING),
      vmf_report_count(report, VMF_JOB_PLANNED), report->listed);
  if (report->reports > 0)
    print_merged(out, report);
  fputs("\n    },\n    \"jobs\": [", out);
  for (size_t i = 0; i < report->count; i++) {
    fputs(i ? "," : "", out);
    print_job(out, &report->jobs[i]);
  }
  fputs("\n    ]\n}\n", out);
}

const struct vmf_report_kind vmf_report_json = {
    .suffix = ".json", .mark = "{\n    \"batch\": ", .write = write_json};
