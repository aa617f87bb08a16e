/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The report for people: one file that needs nothing else, for screens, phones and paper. */
#include <inttypes.h>
#include <string.h>

#include "batch_report.h"
#include "escape.h"
#include "human.h"

static const char head[] =
    "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>vmferry batch</title>\n<style>\n"
    ":root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #c62828; "
    "--other: #9a6700 }\n"
    "@media (prefers-color-scheme: dark) { :root { --good: #57c26f; --bad: #ff7b72; "
    "--other: #d9a320 } }\n"
    "body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 72rem; "
    "padding: 0 1rem }\n"
    "h1 { font-size: 1.4rem; margin: 0 }\n"
    "table { border-collapse: collapse; width: 100%; margin-top: 1rem }\n"
    "th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; "
    "border-bottom: 1px solid var(--line) }\n"
    "th { white-space: nowrap } th:nth-child(n+4) { text-align: right }\n"
    "td { overflow-wrap: anywhere }\n"
    "td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }\n"
    ".done { color: var(--good) } .failed, .stopped { color: var(--bad) } "
    ".salvaged, .not { color: var(--other) }\n"
    ".error { color: var(--bad) }\n"
    "details { margin-top: .2rem } summary { cursor: pointer }\n"
    "@media (max-width: 40rem) { thead { display: none } tr { display: block; padding: .5rem 0; "
    "border-bottom: 1px solid var(--line) } td, td.number { display: block; border: 0; "
    "padding: .1rem 0; text-align: left } td:empty { display: none } td[data-name]::before { "
    "content: attr(data-name) ': '; "
    "opacity: .7 } }\n"
    "@media print { body { margin: 0; max-width: none; font-size: 10pt } tr { break-inside: avoid "
    "} "
    "}\n"
    "</style>\n</head>\n<body>\n<h1>vmferry batch: ";

static void print_number(FILE *out, const char *name, const char *text)
{
  fprintf(out, "<td class=\"number\" data-name=\"%s\">%s</td>", name, text);
}

static void print_list(FILE *out, const char *what, const struct vmf_words *texts, uint64_t more)
{
  if (texts->count == 0)
    return;
  fprintf(out, "<details><summary>%zu %s%s</summary><ul>", texts->count, what,
          texts->count == 1 ? "" : "s");
  for (size_t i = 0; i < texts->count; i++) {
    fputs("<li>", out);
    vmf_escape_markup(out, texts->list[i]);
    fputs("</li>", out);
  }
  if (more > 0)
    fprintf(out, "<li>and %" PRIu64 " more</li>", more);
  fputs("</ul></details>", out);
}

static void print_details(FILE *out, const struct vmf_batch_job *job)
{
  if (job->error) {
    fputs("<div class=\"error\">", out);
    vmf_escape_markup(out, job->error);
    fputs("</div>", out);
  }
  if (job->algorithm)
    fprintf(out, "<div>%s: <code>%s</code></div>", job->algorithm, job->checksum);
  print_list(out, "message", &job->said, job->unsaid);
  print_list(out, "finding", &job->lint, 0);
}

static void print_job(FILE *out, const struct vmf_batch_job *job)
{
  const struct vmf_words *operands = &job->listed->operands;
  const char *state = vmf_report_state(job->state);
  double seconds = (double)job->milliseconds / 1000;
  char written[16], time[16], rate[24] = "";

  vmf_human_size(job->written, written);
  vmf_human_seconds(seconds, time);
  if (job->format && seconds > 0) {
    double bytes = (double)job->written / seconds;
    vmf_human_size(bytes < (double)INT64_MAX ? (uint64_t)bytes : INT64_MAX, rate);
    strcat(rate, "/s");
  }
  fprintf(out, "<tr><td class=\"%.*s\">%s</td><td data-name=\"Source\">", (int)strcspn(state, " "),
          state, state);
  for (size_t i = 0; i + 1 < operands->count; i++) {
    fputs(i ? ", " : "", out);
    vmf_escape_markup(out, operands->list[i]);
  }
  fputs("</td><td data-name=\"Target\">", out);
  vmf_escape_markup(out, job->name);
  print_details(out, job);
  fputs("</td>", out);
  print_number(out, "Written", job->format ? written : "");
  print_number(out, "Time", job->state == VMF_JOB_WAITING ? "" : time);
  print_number(out, "Rate", rate);
  fputs("</tr>\n", out);
}

/* What is known of the tasks that share the list. */
static void print_missing(FILE *out, const struct vmf_outcome *report)
{
  char range[64];

  if (report->reports > 0)
    fprintf(out,
            "<p>merged of %zu reports; the list has %zu jobs; %zu were in several reports</p>\n",
            report->reports, report->listed, report->duplicates);
  if (report->missing_count > 0)
    fprintf(out, "<p class=\"failed\">%zu without a report: ", vmf_report_missing(report));
  for (size_t i = 0; i < report->missing_count; i++) {
    vmf_report_range(&report->missing[i], range);
    fprintf(out, "%s%s", i > 0 ? ", " : "", range);
  }
  if (report->missing_count > 0)
    fputs("</p>\n", out);
}

static void write_html(FILE *out, const struct vmf_outcome *report)
{
  uint64_t written = 0;
  char begun[32], bytes[16], time[16];

  for (size_t i = 0; i < report->count; i++)
    written += report->jobs[i].state == VMF_JOB_PLANNED ? 0 : report->jobs[i].written;
  vmf_report_time(report->begun, begun);
  vmf_human_size(written, bytes);
  vmf_human_seconds((double)report->milliseconds / 1000, time);
  fputs(head, out);
  vmf_escape_markup(out, report->list);
  fprintf(out,
          "</h1>\n<p>%zu jobs: <span class=\"done\">%zu done</span>, <span class=\"failed\">%zu "
          "failed</span>, %zu salvaged, %zu unchanged, %zu stopped, %zu not begun, %zu planned; %s "
          "written in "
          "%s; begun %s; "
          "exit status %d; vmferry %s</p>\n",
          report->count, vmf_report_count(report, VMF_JOB_DONE),
          vmf_report_count(report, VMF_JOB_FAILED), vmf_report_count(report, VMF_JOB_SALVAGED),
          vmf_report_count(report, VMF_JOB_SKIPPED), vmf_report_count(report, VMF_JOB_STOPPED),
          vmf_report_count(report, VMF_JOB_WAITING), vmf_report_count(report, VMF_JOB_PLANNED),
          bytes, time, begun, report->status, vmf_version());
  print_missing(out, report);
  fputs("<table>\n<thead><tr><th>State</th><th>Source</th><th>Target</th><th>Written</th>"
        "<th>Time</th><th>Rate</th></tr></thead>\n<tbody>\n",
        out);
  for (size_t i = 0; i < report->count; i++)
    print_job(out, &report->jobs[i]);
  fputs("</tbody>\n</table>\n</body>\n</html>\n", out);
}

const struct vmf_report_kind vmf_report_html = {
    .suffix = ".html", .mark = "<!DOCTYPE html>\n<!-- vmferry batch -->\n", .write = write_html};
