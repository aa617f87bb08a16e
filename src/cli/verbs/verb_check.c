/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry check`: the consistency of one image. Its exit statuses are qemu-img's. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "common_arguments.h"
#include "each.h"
#include "json.h"
#include "signals.h"
#include "sources.h"
#include "status.h"

enum {
  CHECK_CLEAN = 0,
  CHECK_FAILED = 1,
  CHECK_CORRUPTIONS = 2,
  CHECK_LEAKS = 3,
  CHECK_UNSUPPORTED = 63,
};

enum { CHECK_REPORTS = 200 /* printed; the rest is counted */ };

struct check_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  bool deep;          /* what is packed is unpacked */
  const char *repair; /* what is to be repaired, if anything: "leaks", "all" */
};

#define VMF_SETTINGS struct check_settings

static const struct check_settings check_initial = {.command.locked = true,
                                                    .source = VMF_SOURCE_UNCHECKED};

static const struct vmf_argument check_arguments[] = {
    VMF_GROUP_READING,
    VMF_ARGUMENT_FORMAT,
    {.name = "deep", VMF_SETS_FLAG(deep), .help = "unpack all that is packed, too"},
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_NO_REPLAY,
    VMF_ARGUMENT_SECRET,
    VMF_GROUP_SPEED,
    VMF_ARGUMENT_THREADS,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_ARGUMENT_REMOTE,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_QUIET,
    VMF_GROUP_QEMU,
    VMF_ARGUMENT_SOURCE_CACHE,
    {.letter = 'r',
     .name = "repair",
     VMF_SETS_TEXT(repair),
     .value = "leaks|all",
     .help = "accepted as qemu-img's: nothing is repaired, which is said where it is needed"},
    VMF_ARGUMENT_IMAGE_OPTS,
    VMF_ARGUMENT_OBJECT,
    {0},
};

static void check_report(void *data, const char *text)
{
  uint64_t *printed = data;

  if ((*printed)++ < CHECK_REPORTS)
    vmf_status_print("%s", text);
}

static void check_json_number(const char *name, uint64_t number)
{
  if (number > 0)
    printf(",\n    \"%s\": %" PRIu64, name, number);
}

static void check_print_json(struct check_settings *settings, const struct vmf_image *image,
                             const struct vmf_findings *findings)
{
  vmf_each_item(&settings->command);
  fputs("{\n    \"filename\": ", stdout);
  vmf_json_string(stdout, vmf_image_path(image));
  fputs(",\n    \"format\": ", stdout);
  vmf_json_string(stdout, vmf_image_format(image));
  printf(",\n    \"check-errors\": %" PRIu64, findings->check_errors);
  check_json_number("image-end-offset", findings->image_end_offset);
  check_json_number("corruptions", findings->corruptions);
  check_json_number("leaks", findings->leaks);
  check_json_number("total-clusters", findings->total_clusters);
  check_json_number("allocated-clusters", findings->allocated_clusters);
  check_json_number("fragmented-clusters", findings->fragmented_clusters);
  check_json_number("compressed-clusters", findings->compressed_clusters);
  puts("\n}");
}

static double check_percent(uint64_t part, uint64_t whole)
{
  return whole > 0 ? 100 * (double)part / (double)whole : 0;
}

static void check_print_human(const struct vmf_findings *findings)
{
  if (!findings->corruptions && !findings->leaks && !findings->check_errors)
    puts("No errors were found on the image.");
  if (findings->corruptions)
    printf("\n%" PRIu64 " errors were found on the image.\n"
           "Data may be corrupted, or further writes to the image may corrupt it.\n",
           findings->corruptions);
  if (findings->leaks)
    printf("\n%" PRIu64 " leaked clusters were found on the image.\n"
           "This means waste of disk space, but no harm to data.\n",
           findings->leaks);
  if (findings->check_errors)
    printf("\n%" PRIu64 " internal errors have occurred during the check.\n",
           findings->check_errors);
  if (findings->total_clusters && findings->allocated_clusters)
    printf("%" PRIu64 "/%" PRIu64 " = %0.2f%% allocated, %0.2f%% fragmented, "
           "%0.2f%% compressed clusters\n",
           findings->allocated_clusters, findings->total_clusters,
           check_percent(findings->allocated_clusters, findings->total_clusters),
           check_percent(findings->fragmented_clusters, findings->allocated_clusters),
           check_percent(findings->compressed_clusters, findings->allocated_clusters));
  if (findings->image_end_offset)
    printf("Image end offset: %" PRIu64 "\n", findings->image_end_offset);
}

static int check_status(const struct vmf_findings *findings)
{
  if (findings->corruptions)
    return CHECK_CORRUPTIONS;
  if (findings->check_errors)
    return CHECK_FAILED;
  return findings->leaks ? CHECK_LEAKS : CHECK_CLEAN;
}

/* Whether something in the image is packed. */
static bool check_is_packed(struct vmf_image *image)
{
  struct vmf_extent extent = {.size = sizeof extent};
  struct vmf_error ignored;

  for (uint64_t guest = 0; guest < vmf_image_size(image); guest += extent.length)
    if (vmf_image_extent(image, guest, UINT64_MAX, &extent, &ignored) != VMF_OK || extent.packed)
      return extent.packed;
  return false;
}

/* Unpacks what is packed; a unit that cannot be is a corruption. What ends it takes nothing from
 * what was found before, and is told however much that was. */
static enum vmf_code check_unpack(const struct check_settings *settings, struct vmf_image *image,
                                  struct vmf_findings *findings, struct vmf_error *error)
{
  const struct vmf_job_options job = {.size = sizeof job,
                                      .threads = (unsigned)settings->command.threads,
                                      .cancel = vmf_signals_cancel()};
  enum vmf_code code;

  if (!settings->deep) {
    if (!settings->command.quiet && isatty(STDERR_FILENO) && check_is_packed(image))
      vmf_status_print("%s: the packed data was not unpacked; --deep does that",
                       vmf_image_path(image));
    return VMF_OK;
  }
  vmf_signals_catch();
  code = vmf_image_unpack(image, &job, error);
  if (code == VMF_OK || code == VMF_CANCELLED)
    return code;
  if (code == VMF_CORRUPT) {
    findings->corruptions++;
    findings->report(findings->data, error->text);
  } else {
    findings->check_errors++;
    vmf_status_print("%s", error->text);
  }
  return VMF_OK;
}

/* What is clean needs no repair. */
static void check_tell_repair(const struct check_settings *settings, const struct vmf_image *image,
                              const struct vmf_findings *findings)
{
  if (settings->repair && check_status(findings) != CHECK_CLEAN)
    vmf_status_print("%s: -r: an image is never modified; \"vmferry convert\" makes a sound one of "
                     "what can be read, \"qemu-img check -r\" repairs a QCOW2 in place",
                     vmf_image_path(image));
}

static int check_image(struct check_settings *settings, struct vmf_image *image)
{
  uint64_t printed = 0;
  struct vmf_findings findings = {
      .size = sizeof findings, .report = check_report, .data = &printed};
  struct vmf_error error = {0};
  enum vmf_code code = vmf_image_check(image, &findings, &error);

  if (code == VMF_OK)
    code = check_unpack(settings, image, &findings, &error);
  if (code == VMF_UNSUPPORTED) {
    if (!settings->command.quiet) /* qemu-img's words: scripts look for them */
      vmf_status_print("This image format does not support checks");
    return CHECK_UNSUPPORTED;
  }
  if (code != VMF_OK) {
    int status = vmf_status_report(&error);
    return code == VMF_CANCELLED ? status : CHECK_FAILED;
  }
  if (printed > CHECK_REPORTS)
    vmf_status_print("%s: %" PRIu64 " more findings", vmf_image_path(image),
                     printed - CHECK_REPORTS);
  if (settings->command.json)
    check_print_json(settings, image, &findings);
  else if (!settings->command.quiet)
    check_print_human(&findings);
  check_tell_repair(settings, image, &findings);
  return check_status(&findings);
}

static int check_one(void *given)
{
  struct check_settings *settings = given;
  struct vmf_image_options options =
      vmf_sources_image_options(&settings->command, &settings->source);
  struct vmf_error error = {0};
  struct vmf_image *image = NULL;
  int status = CHECK_FAILED;

  vmf_each_head(&settings->command);
  options.no_chain = true;
  options.random_access = true;
  if (vmf_disk_open(settings->command.operands[0], &options, &image, &error) == VMF_OK)
    status = check_image(settings, image);
  else
    vmf_status_report(&error);
  vmf_image_close(image);
  return status;
}

static int check_run(void *given)
{
  static const int worst_first[] = {CHECK_CORRUPTIONS, CHECK_FAILED, CHECK_LEAKS, CHECK_UNSUPPORTED,
                                    CHECK_CLEAN};
  struct check_settings *settings = given;
  struct vmf_error error = {0};

  if (settings->repair && strcmp(settings->repair, "leaks") != 0 &&
      strcmp(settings->repair, "all") != 0) {
    vmf_arguments_wrong(&error, "-r: \"%s\" is none of: leaks, all", settings->repair);
    vmf_status_report(&error);
    return CHECK_FAILED;
  }
  return vmf_each_operand(&settings->command, check_one, worst_first);
}

static const char *const check_examples[] = {
    "vmferry check disk.qcow2",
    "vmferry check --deep *.vmdk",
    "vmferry check --output=json disk.vhd",
    NULL,
};

const struct vmf_verb vmf_verb_check = {
    .name = "check",
    .purpose = VMF_PURPOSE_EXAMINE,
    .operands = "FILE...",
    .summary = "check the consistency of an image",
    .examples = check_examples,
    .arguments = check_arguments,
    VMF_STARTS_WITH(check_initial),
    .min_operands = 1,
    .max_operands = 1 << 16,
    .usage_status = CHECK_FAILED,
    .run = check_run,
};
