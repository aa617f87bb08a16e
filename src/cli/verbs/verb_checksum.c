/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry checksum`: the checksum of the guest content, the same for one disk in any format. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "arguments.h"
#include "checksum_list.h"
#include "common_arguments.h"
#include "each.h"
#include "human.h"
#include "json.h"
#include "names.h"
#include "progress.h"
#include "signals.h"
#include "sources.h"
#include "status.h"

struct checksum_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  const char *algorithm; /* NULL: sha256 */
  bool plain;            /* of all bytes one behind the other */
  bool check;            /* the operands are lists of checksums */
};

#define VMF_SETTINGS struct checksum_settings

static const struct checksum_settings checksum_initial = {.source = VMF_SOURCE_CHECKED};

static const struct vmf_argument checksum_arguments[] = {
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_ARGUMENT_REMOTE,
    VMF_GROUP_OUTPUT,
    {.letter = 'a',
     .name = "algorithm",
     VMF_SETS_CHECKSUM(algorithm),
     .value = "ALGORITHM",
     .help = "sha256 (default), sha1 or sha512"},
    {.name = "plain",
     VMF_SETS_FLAG(plain),
     .help = "of all bytes one behind the other, as sha256sum has it of the raw disk"},
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    VMF_ARGUMENT_VERBOSE,
    VMF_GROUP_READING,
    VMF_ARGUMENT_FORMAT,
    VMF_ARGUMENT_SOURCE_SIZE,
    {.letter = 'c',
     .name = "check",
     VMF_SETS_FLAG(check),
     .given = VMF_SETTING(bool, command.reads_anything),
     .help = "FILE holds such lines: tell whether the disks are still the same"},
    VMF_ARGUMENT_SNAPSHOT,
    {.name = "read-all",
     VMF_SETS_FLAG(source.read_all),
     .help = "do not trust the holes that the file system reports"},
    VMF_ARGUMENT_BARE,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_NO_REPLAY,
    VMF_ARGUMENT_SECRET,
    VMF_GROUP_TRUST,
    VMF_ARGUMENT_TRUST,
    VMF_ARGUMENT_NO_VERIFY,
    VMF_ARGUMENT_MAX_SIZE,
    VMF_GROUP_SPEED,
    VMF_ARGUMENT_THREADS,
    VMF_ARGUMENT_PAGE_CACHE_MODE,
    VMF_GROUP_QEMU,
    VMF_ARGUMENT_SOURCE_CACHE,
    {0},
};

static void checksum_print(struct checksum_settings *settings, const struct vmf_image *image,
                           const struct vmf_job_result *result)
{
  char hex[2 * VMF_CHECKSUM_MAX + 1];

  if (!settings->command.json) {
    vmf_checksum_print(stdout, result, settings->algorithm, settings->plain,
                       settings->command.operands[0]);
    return;
  }
  vmf_each_item(&settings->command);
  vmf_checksum_hex(result, hex);
  fputs("{\n    \"filename\": ", stdout);
  vmf_json_string(stdout, settings->command.operands[0]);
  printf(",\n    \"virtual-size\": %" PRIu64 ",\n    \"algorithm\": \"%s\",\n%s    \"checksum\": "
         "\"%s\"\n}\n",
         vmf_image_size(image), settings->algorithm,
         settings->plain ? "    \"plain\": true,\n" : "", hex);
}

static enum vmf_code checksum_image(const struct checksum_settings *settings,
                                    struct vmf_image *image, struct vmf_job_result *result,
                                    struct vmf_error *error)
{
  struct vmf_progress progress =
      vmf_progress_begin(&settings->command, settings->command.operands[0], "reading");
  const struct vmf_job_options job = {
      .size = sizeof job,
      .threads = (unsigned)settings->command.threads,
      .checksum = settings->algorithm,
      .plain_checksum = settings->plain,
      .progress = vmf_progress_show,
      .progress_data = &progress,
      .cancel = vmf_signals_cancel(),
      .max_bytes = settings->command.max_size,
  };
  enum vmf_code code = vmf_checksum(image, &job, result, error);

  vmf_progress_end(&progress, code == VMF_OK);
  return code;
}

/* Opens operand 0. *image: to be closed, also after a failure. */
static enum vmf_code checksum_disk(struct checksum_settings *settings, struct vmf_image **image,
                                   struct vmf_job_result *result, struct vmf_error *error)
{
  const struct vmf_source_input input = {.in_order = !settings->plain};
  enum vmf_code code = vmf_sources_open(&settings->command, &settings->source,
                                        settings->command.operands[0], &input, image, error);

  return code == VMF_OK ? checksum_image(settings, *image, result, error) : code;
}

static int checksum_one(void *given)
{
  struct checksum_settings *settings = given;
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_error error = {0};
  struct vmf_image *image = NULL;
  enum vmf_code code = checksum_disk(settings, &image, &result, &error);

  if (code == VMF_OK)
    checksum_print(settings, image, &result);
  vmf_image_close(image);
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

/* ---- what a list says ---- */

static int checksum_check_line(struct checksum_settings *settings,
                               const struct vmf_checksum_line *line)
{
  struct vmf_job_result result = {.size = sizeof result};
  char hex[2 * VMF_CHECKSUM_MAX + 1];
  struct vmf_error error = {0};
  struct vmf_image *image = NULL;
  const char *names[] = {line->name}, *word = "FAILED";
  int status = VMF_EXIT_DIFFERENT;

  settings->command.operands = names;
  settings->algorithm = line->algorithm;
  settings->plain = line->plain;
  if (checksum_disk(settings, &image, &result, &error) != VMF_OK) {
    status = vmf_status_report(&error);
    word = "FAILED (not read)";
  } else {
    vmf_checksum_hex(&result, hex);
    if (strcasecmp(hex, line->hex) == 0) {
      status = VMF_EXIT_DONE;
      word = "OK";
    }
  }
  vmf_image_close(image);
  if (status != VMF_EXIT_DONE || !settings->command.quiet) {
    vmf_human_text(stdout, line->name);
    printf(": %s\n", word);
  }
  return status;
}

/* Another content is the answer that was asked for, whatever else could not be read. */
static const int checksum_worst_first[] = {VMF_EXIT_DIFFERENT, VMF_EXIT_DONE};

/* Reads on behind a line that is too long. */
static bool checksum_line_whole(char *line, FILE *file)
{
  size_t length = strlen(line);
  int character = 0;

  if (length > 0 && line[length - 1] == '\n')
    line[length - 1] = 0;
  else if (length + 1 == VMF_CHECKSUM_LINE)
    while ((character = getc(file)) != EOF && character != '\n')
      ;
  return length + 1 < VMF_CHECKSUM_LINE || !line[length - 1];
}

/* What a file that can be read twice lists on other machines is asked, as what the command line
 * names there is. */
static void checksum_visit_list(const struct checksum_settings *settings, const char *path,
                                vmf_command_visitor *visit, void *data)
{
  struct checksum_settings listed = *settings;
  char line[VMF_CHECKSUM_LINE];
  struct vmf_checksum_line parsed;
  struct stat status;
  FILE *file =
      path && stat(path, &status) == 0 && S_ISREG(status.st_mode) ? fopen(path, "re") : NULL;

  listed.command.operands = &parsed.name;
  listed.command.operand_count = 1;
  while (file && fgets(line, sizeof line, file))
    if (checksum_line_whole(line, file) && vmf_checksum_parse(line, &parsed) &&
        vmf_names_is_url(parsed.name))
      visit(data, &vmf_verb_checksum, &listed.command);
  if (file)
    fclose(file);
}

static void checksum_visit(void *given, vmf_command_visitor *visit, void *data)
{
  const struct checksum_settings *settings = given;
  struct vmf_error ignored;

  for (int i = 0; settings->check && i < settings->command.operand_count; i++) {
    char *path = NULL;

    if (vmf_location_resolve(settings->command.operands[i], true, &path, &ignored) == VMF_OK)
      checksum_visit_list(settings, strcmp(path, "-") == 0 ? settings->command.redirected : path,
                          visit, data);
    free(path);
  }
}

static int checksum_check_lines(struct checksum_settings *settings, const char *name, FILE *file)
{
  char line[VMF_CHECKSUM_LINE];
  struct vmf_checksum_line parsed;
  int worst = VMF_EXIT_DONE, checked = 0;

  for (unsigned number = 1; worst < VMF_EXIT_SIGNAL && fgets(line, sizeof line, file); number++) {
    int status = VMF_EXIT_INPUT;

    if (checksum_line_whole(line, file) && vmf_checksum_parse(line, &parsed)) {
      status = checksum_check_line(settings, &parsed);
      checked++;
    } else {
      vmf_status_print("%s:%u: is no line of checksum, \"blkhash-sha256:HEX  NAME\", or of "
                       "sha256sum, \"HEX  NAME\"",
                       name, number);
    }
    worst = vmf_each_worse(status, worst, checksum_worst_first);
  }
  if (ferror(file)) {
    vmf_status_print("%s: cannot be read: %s", name, strerror(errno));
    return vmf_each_worse(VMF_EXIT_READ, worst, checksum_worst_first);
  }
  if (checked > 0 || worst > VMF_EXIT_DONE)
    return worst;
  vmf_status_print("%s: holds no checksum", name);
  return VMF_EXIT_INPUT;
}

static int checksum_check_one(void *given)
{
  struct checksum_settings *settings = given;
  const char **operands = settings->command.operands;
  struct vmf_error error = {0};
  char *path;

  if (vmf_location_resolve(operands[0], true, &path, &error) != VMF_OK)
    return vmf_status_report(&error);
  bool input = strcmp(path, "-") == 0;
  if (vmf_names_is_url(path)) {
    (void)!vmf_arguments_wrong(&error, "%s: is on another machine, expected a file here", path);
    free(path);
    return vmf_status_report(&error);
  }
  FILE *file = input ? stdin : fopen(path, "re");
  int number = errno;
  free(path);
  if (!file) {
    vmf_status_print("%s: cannot be opened: %s", operands[0], strerror(number));
    return VMF_EXIT_OTHER;
  }
  int status = checksum_check_lines(settings, operands[0], file);
  settings->command.operands = operands;
  if (!input)
    fclose(file);
  return status;
}

static int checksum_run(void *given)
{
  struct checksum_settings *settings = given;
  struct vmf_command *command = &settings->command;
  struct vmf_error error = {0};

  vmf_signals_catch();
  if (settings->check && (settings->plain || settings->algorithm || command->json))
    vmf_arguments_wrong(&error,
                        "-c: the lines say what they are; --plain, -a and --output cannot be "
                        "used with it");
  else
    (void)!vmf_sources_check_input(command, &settings->source, command->operand_count, &error);
  if (error.code != VMF_OK)
    return vmf_status_report(&error);
  if (!settings->algorithm)
    settings->algorithm = "sha256";
  return settings->check ? vmf_each_operand(command, checksum_check_one, checksum_worst_first)
                         : vmf_each_operand(command, checksum_one, NULL);
}

static const char *const checksum_examples[] = {
    "vmferry checksum disk.vmdk disk.qcow2 > SUMS",
    "vmferry checksum -c SUMS",
    "vmferry checksum --plain disk.qcow2",
    NULL,
};

const struct vmf_verb vmf_verb_checksum = {
    .name = "checksum",
    .purpose = VMF_PURPOSE_EXAMINE,
    .operands = "FILE...",
    .summary = "print the checksum of the guest content",
    .examples = checksum_examples,
    .arguments = checksum_arguments,
    VMF_STARTS_WITH(checksum_initial),
    .min_operands = 1,
    .max_operands = 1 << 16,
    .usage_status = VMF_EXIT_OTHER,
    .visit = checksum_visit,
    .run = checksum_run,
};
