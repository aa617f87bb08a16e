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
#include "verdict.h"

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

/* ---- one of them ---- */

enum { FACT_INDENT = 14, RULE_INDENT = 4 };

static void print_fact(const char *name, const char *text)
{
  int column = printf("  %-11s ", name);

  vmf_paragraph_print(stdout, text, (unsigned)column, FACT_INDENT);
}

static void print_disk(const struct vmf_profile_info *profile)
{
  char text[400], unit[16], least[40] = "", most[40] = "", size[16];

  vmf_human_size(profile->round, unit);
  if (profile->least > 0) {
    vmf_human_size(profile->least, size);
    snprintf(least, sizeof least, ", at least %s", size);
  }
  if (profile->most > 0) {
    vmf_human_size(profile->most, size);
    snprintf(most, sizeof most, ", at most %s", size);
  }
  snprintf(text, sizeof text,
           "%s%s%s%s, in multiples of %s%s%s; a second partition table (GPT) goes "
           "to the new end",
           profile->disk_format, profile->disk_options ? ", " : "",
           profile->disk_options ? profile->disk_options : "", profile->compress ? ", packed" : "",
           unit, least, most);
  print_fact("Disks:", text);
}

static void print_machines(const struct vmf_profile_info *profile)
{
  char text[400] = "";
  size_t used = 0;

  for (const char *const *name = profile->machines; *name && used < sizeof text; name++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "",
                             strcmp(*name, "ovf") == 0 ? "a package (.ova, .ovf)"
                             : strcmp(*name, "upload") == 0
                                 ? "its disks, with a script that uploads them (a folder)"
                                 : *name);
  print_fact("Machines:", text);
  if (profile->hardware)
    print_fact("Hardware:", profile->hardware);
  if (profile->digest)
    print_fact("Manifest:", profile->digest);
}

static void print_line(const char *word, const char *text)
{
  int column = printf("    %s: ", word);

  vmf_paragraph_print(stdout, text, (unsigned)column, RULE_INDENT + 2);
}

static void print_rule(const struct vmf_lint_rule_info *rule)
{
  printf("\n  %s (%s)\n    ", rule->rule, vmf_verdict_severity(rule->severity));
  vmf_paragraph_print(stdout, rule->text, RULE_INDENT, RULE_INDENT);
  if (rule->prints)
    print_line("it prints", rule->prints);
  print_line("convert --for", rule->remedy);
  print_line("source", rule->source);
}

int vmf_profile_print(const char *name)
{
  struct vmf_profile_info profile = {.size = sizeof profile};
  struct vmf_lint_rule_info rule = {.size = sizeof rule};
  struct vmf_error error = {0};

  if (vmf_profile_find(name, &profile, &error) != VMF_OK)
    return vmf_status_report(&error);
  printf("%s: %s\n\nWhat \"convert --for %s\" writes:\n", name, profile.summary, name);
  print_disk(&profile);
  print_machines(&profile);
  print_fact("Source:", profile.source);
  printf("\nWhat \"lint --for %s\" asks:\n", name);
  for (size_t i = 0; vmf_lint_rule_describe(name, i, &rule); i++)
    print_rule(&rule);
  return VMF_EXIT_DONE;
}
