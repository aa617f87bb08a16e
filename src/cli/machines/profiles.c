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
                                const struct vmf_command *command, struct vmf_error *error)
{
  uint64_t size = vmf_image_size(*source), wanted;
  char unit[16];
  enum vmf_code code = vmf_profile_size(profile, size, &wanted, error);

  if (code != VMF_OK)
    return code;
  if (wanted == size)
    return VMF_OK;
  vmf_human_size(profile->round, unit);
  if (!command->quiet)
    vmf_status_say(command,
                   "note: the disk is made %" PRIu64 " bytes, from %" PRIu64
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
