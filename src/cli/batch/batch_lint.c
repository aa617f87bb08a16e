/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "batch_lint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signals.h"
#include "verdict.h"

static void keep(void *data, const struct vmf_lint_finding *finding)
{
  struct vmf_words *findings = data;
  struct vmf_error ignored;
  char *text = NULL;

  if (findings->count < VMF_SAID_MOST &&
      asprintf(&text, "%s: %s: %s; accepted: %s", vmf_verdict_severity(finding->severity),
               finding->rule, finding->found, finding->allowed) >= 0)
    (void)!vmf_words_add(findings, text, strlen(text), &ignored);
  free(text);
}

void vmf_batch_lint(struct vmf_batch *batch, struct vmf_batch_job *job, const char *platform)
{
  const struct vmf_image_options image = {
      .size = sizeof image, .random_access = true, .cancel = vmf_signals_cancel()};
  struct vmf_words findings = {0};
  const struct vmf_lint_options options = {
      .size = sizeof options, .image = &image, .finding = keep, .data = &findings};
  struct vmf_lint_result result = {.size = sizeof result};
  struct vmf_error ignored;

  if (!platform || !job->path)
    return;
  (void)!vmf_lint(job->path, platform, &options, &result, &ignored);
  pthread_mutex_lock(&batch->lock);
  vmf_words_free(&job->lint);
  job->lint = findings;
  pthread_mutex_unlock(&batch->lock);
}
