/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "batch_claims.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "batch_places.h"
#include "names.h"

struct claim {
  char *path; /* without symlinks; owned */
  const struct vmf_batch_job *job;
};

static int compare(const void *one, const void *other)
{
  const struct claim *a = one, *b = other;
  return strcmp(a->path, b->path);
}

static void free_claim(void *claim)
{
  free(((struct claim *)claim)->path);
  free(claim);
}

/* Whether it is one file here, and only that. */
static bool is_file(const char *path)
{
  size_t length = strlen(path);
  struct stat there;

  return length > 0 && path[length - 1] != '/' && !vmf_names_is_url(path) &&
         (stat(path, &there) != 0 || S_ISREG(there.st_mode));
}

enum vmf_code vmf_batch_claim(struct vmf_batch *batch, const struct vmf_batch_job *job,
                              const char *path, struct vmf_error *error)
{
  struct vmf_error ignored; /* who writes there tells why that cannot be */
  char *place;

  if (!is_file(path) || vmf_batch_place(path, &place, &ignored) != VMF_OK)
    return VMF_OK;
  struct claim *claim = malloc(sizeof *claim), *const *found = NULL;
  if (claim) {
    *claim = (struct claim){.path = place, .job = job};
    found = tsearch(claim, &batch->claims, compare);
  }
  if (found && *found == claim)
    return VMF_OK;
  free(place);
  free(claim);
  if (!found)
    return vmf_arguments_no_memory(error);
  const struct vmf_batch_job *other = (*found)->job;
  return other == job ? VMF_OK
                      : vmf_arguments_wrong(error, "%s: is written by line %u of %s, too", path,
                                            other->listed->line, batch->settings->list.name);
}

void vmf_batch_claims_free(struct vmf_batch *batch)
{
  tdestroy(batch->claims, free_claim);
  batch->claims = NULL;
}
