/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "profiles.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arguments.h"
#include "human.h"
#include "paragraph.h"
#include "status.h"

static bool is_called(const struct vmf_profile_info *profile, const char *name)
{
  bool found = strcasecmp(profile->name, name) == 0;

  for (const char *const *alias = profile->aliases; *alias; alias++)
    found |= strcasecmp(*alias, name) == 0;
  return found;
}

enum vmf_code vmf_profile_find(const char *name, struct vmf_profile_info *profile,
                               struct vmf_error *error)
{
  char all[400] = "";
  size_t used = 0;

  *profile = (struct vmf_profile_info){.size = sizeof *profile};
  for (size_t i = 0; vmf_profile_describe(i, profile); i++) {
    if (is_called(profile, name))
      return VMF_OK;
    used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", profile->name);
  }
  return vmf_arguments_wrong(error, "--for: \"%s\" is none of: %s", name, all);
}

enum vmf_code vmf_profile_apply(const struct vmf_profile_info *profile,
                                struct vmf_target_settings *target, struct vmf_error *error)
{
  char *options = NULL;

  if (target->format && strcasecmp(target->format, profile->disk_format) != 0)
    return vmf_arguments_wrong(error, "--for %s writes %s; -O %s says another format",
                               profile->name, profile->disk_format, target->format);
  target->format = profile->disk_format;
  target->compress |= profile->compress;
  if (!profile->disk_options)
    return VMF_OK;
  if (asprintf(&options, "%s%s%s", profile->disk_options, target->options ? "," : "",
               target->options ? target->options : "") < 0)
    return vmf_arguments_no_memory(error);
  free(target->options);
  target->options = options;
  return VMF_OK;
}

enum vmf_code vmf_profile_round(const struct vmf_profile_info *profile, struct vmf_image **source,
                                bool quiet, struct vmf_error *error)
{
  uint64_t size = vmf_image_size(*source), wanted = size > profile->least ? size : profile->least;
  uint64_t over = wanted % profile->round;
  char most[16], unit[16];

  if (over > 0 && wanted > UINT64_MAX - profile->round)
    return vmf_arguments_wrong(error, "--for %s: the disk is too large", profile->name);
  wanted += over > 0 ? profile->round - over : 0;
  if (profile->most > 0 && wanted > profile->most) {
    vmf_human_size(profile->most, most);
    return vmf_arguments_wrong(
        error, "--for %s: the disk has %" PRIu64 " bytes, and %s takes at most %" PRIu64 " (%s)",
        profile->name, size, profile->summary, profile->most, most);
  }
  if (wanted == size)
    return VMF_OK;
  vmf_human_size(profile->round, unit);
  if (!quiet)
    vmf_status_print("note: the disk is made %" PRIu64 " bytes, from %" PRIu64
                     ": %s takes multiples of %s",
                     wanted, size, profile->summary, unit);
  return vmf_image_resize(source, wanted, true, error);
}

void vmf_profiles_print(void)
{
  struct vmf_profile_info profile = {.size = sizeof profile};

  for (size_t i = 0; vmf_profile_describe(i, &profile); i++) {
    int column = printf("  %-12s", profile.name);
    char text[400], unit[16];

    vmf_human_size(profile.round, unit);
    snprintf(text, sizeof text, "%s: %s%s%s%s, in multiples of %s (%s)", profile.summary,
             profile.disk_format, profile.disk_options ? ", " : "",
             profile.disk_options ? profile.disk_options : "", profile.compress ? ", packed" : "",
             unit, profile.source);
    vmf_paragraph_print(stdout, text, (unsigned)column, 14);
    for (const char *const *alias = profile.aliases; *alias; alias++)
      printf("  %-12s%s\n", *alias, profile.name);
  }
}
