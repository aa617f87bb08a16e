/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry map`: how the guest disk is stored, one line an extent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "common_arguments.h"
#include "disk_picture.h"
#include "each.h"
#include "human.h"
#include "json.h"
#include "names.h"
#include "report_file.h"
#include "sources.h"
#include "status.h"

struct map_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  uint64_t start, max_length; /* guest bytes */
  const char *picture;        /* a file; or NULL: what is stored is listed */
};

#define VMF_SETTINGS struct map_settings

static const struct map_settings map_initial = {
    .command.locked = true, .source = VMF_SOURCE_UNCHECKED, .max_length = UINT64_MAX};

static const struct vmf_argument map_arguments[] = {
    VMF_GROUP_READING,
    VMF_ARGUMENT_FORMAT,
    VMF_ARGUMENT_BARE,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_NO_REPLAY,
    VMF_ARGUMENT_SECRET,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_ARGUMENT_REMOTE,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_OUTPUT_KIND,
    {.letter = 's',
     .name = "start-offset",
     VMF_SETS_SIZE(start),
     .value = "OFFSET",
     .help = "start at this guest offset"},
    {.letter = 'l',
     .name = "max-length",
     VMF_SETS_SIZE(max_length),
     .value = "LENGTH",
     .help = "show so many bytes of the guest disk"},
    {.name = "picture",
     VMF_SETS_TEXT(picture),
     .value = "REPORT",
     .help = "draw the disk into this file, as SVG, instead of listing it"},
    VMF_GROUP_QEMU,
    VMF_ARGUMENT_IMAGE_OPTS,
    VMF_ARGUMENT_OBJECT,
    {0},
};

static bool map_continues(const struct vmf_extent *a, const struct vmf_extent *b)
{
  if (a->depth != b->depth || a->present != b->present || a->zero != b->zero ||
      a->data != b->data || a->packed != b->packed || a->has_offset != b->has_offset)
    return false;
  if (a->has_offset && a->offset + a->length != b->offset)
    return false;
  return a->file == b->file || (a->file && b->file && strcmp(a->file, b->file) == 0);
}

static void map_print_json(const struct vmf_extent *extent, bool first)
{
  static const char *const words[] = {"false", "true"};

  printf("%s{ \"start\": %" PRIu64 ", \"length\": %" PRIu64 ", \"depth\": %u, \"present\": %s, "
         "\"zero\": %s, \"data\": %s",
         first ? "[" : ",\n", extent->guest, extent->length, extent->depth, words[extent->present],
         words[extent->zero], words[extent->data]);
  if (extent->packed) /* qemu-img 7.2 has no such key */
    fputs(", \"compressed\": true", stdout);
  if (extent->has_offset)
    printf(", \"offset\": %" PRIu64, extent->offset);
  putchar('}');
}

/* As qemu-img: data alone; what has no offset is named instead of being an error. */
static void map_print_human(const struct vmf_extent *extent)
{
  if (!extent->data || extent->zero)
    return;
  printf("%#-16" PRIx64 "%#-16" PRIx64, extent->guest, extent->length);
  if (extent->has_offset)
    printf("%#-16" PRIx64, extent->offset);
  else
    printf("%-16s", extent->packed ? "compressed" : "-");
  vmf_human_text(stdout, extent->file ? extent->file : "");
  putchar('\n');
}

static void map_print(const struct map_settings *settings, const struct vmf_extent *extent,
                      bool first)
{
  if (extent->length == 0)
    return;
  if (settings->command.json)
    map_print_json(extent, first);
  else
    map_print_human(extent);
}

/* The end of a list that is not whole: an element that is none of it says so. */
static void map_print_failure(const struct map_settings *settings, const struct vmf_error *error,
                              bool first)
{
  if (!settings->command.json)
    return;
  fputs(first ? "[{ \"error\": " : ",\n{ \"error\": ", stdout);
  vmf_json_string(stdout, error->text);
  puts("}]");
}

enum { MAP_SECTOR = 512 };

/* Where the map ends: qemu-img counts a raw file in whole sectors. */
static uint64_t map_size(const struct vmf_image *image)
{
  uint64_t size = vmf_image_size(image), over = size % MAP_SECTOR;

  return strcmp(vmf_image_format(image), "raw") != 0 || over == 0 ? size : size - over + MAP_SECTOR;
}

/* How the disk goes on at `at`, up to `end`; behind the end of the file as a hole in it. */
static enum vmf_code map_extent(struct vmf_image *image, uint64_t at, uint64_t end,
                                struct vmf_extent *extent, struct vmf_error *error)
{
  *extent = (struct vmf_extent){.size = sizeof *extent};
  if (at < vmf_image_size(image))
    return vmf_image_extent(image, at, end - at, extent, error);
  enum vmf_code code = vmf_image_extent(image, at - 1, 1, extent, error);
  if (code != VMF_OK)
    return code;
  extent->offset++;
  extent->guest = at;
  extent->length = end - at;
  extent->present = extent->zero = extent->has_offset = true;
  extent->data = false;
  extent->file = vmf_image_path(image);
  return VMF_OK;
}

/* Up to where the map is asked for. */
static uint64_t map_end(const struct map_settings *settings, const struct vmf_image *image)
{
  uint64_t size = map_size(image), at = settings->start;

  return at < size && settings->max_length < size - at ? at + settings->max_length : size;
}

static enum vmf_code map_draw(struct map_settings *settings, struct vmf_image *image,
                              struct vmf_error *error)
{
  uint64_t at = settings->start, end = map_end(settings, image);
  struct vmf_picture *picture = malloc(sizeof *picture);
  enum vmf_code code = picture ? VMF_OK : vmf_arguments_no_memory(error);

  if (code == VMF_OK && at >= end)
    code = vmf_arguments_wrong(error, "--picture: %s: there is nothing to draw",
                               vmf_image_path(image));
  if (code == VMF_OK)
    vmf_picture_begin(picture, image, at, end);
  while (code == VMF_OK && at < end) {
    struct vmf_extent extent;

    code = map_extent(image, at, end, &extent, error);
    if (code == VMF_OK)
      vmf_picture_add(picture, &extent);
    at = extent.guest + extent.length;
  }
  if (code == VMF_OK)
    code = vmf_report_file(settings->picture, "picture", vmf_picture_write, picture, error);
  free(picture);
  return code;
}

static enum vmf_code map_print_all(struct map_settings *settings, struct vmf_image *image,
                                   struct vmf_error *error)
{
  uint64_t at = settings->start, end = map_end(settings, image);
  struct vmf_extent run = {.size = sizeof run};
  bool first = true;

  if (settings->command.json)
    vmf_each_item(&settings->command);
  else
    printf("%-16s%-16s%-16s%s\n", "Offset", "Length", "Mapped to", "File");
  while (at < end) {
    struct vmf_extent next;
    enum vmf_code code = map_extent(image, at, end, &next, error);

    if (code != VMF_OK) {
      map_print(settings, &run, first);
      map_print_failure(settings, error, first && run.length == 0);
      return code;
    }
    at = next.guest + next.length;
    if (run.length > 0 && map_continues(&run, &next)) {
      run.length += next.length;
      continue;
    }
    map_print(settings, &run, first);
    first = first && run.length == 0;
    run = next;
  }
  map_print(settings, &run, first);
  if (settings->command.json)
    puts(run.length == 0 ? "[]" : "]");
  return VMF_OK;
}

static int map_one(void *given)
{
  struct map_settings *settings = given;
  struct vmf_error error = {0};
  struct vmf_image *image = NULL;

  vmf_each_head(&settings->command);
  enum vmf_code code = vmf_sources_open(&settings->command, &settings->source,
                                        settings->command.operands[0], NULL, &image, &error);

  if (code == VMF_OK)
    code = settings->picture ? map_draw(settings, image, &error)
                             : map_print_all(settings, image, &error);
  vmf_image_close(image);
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

static enum vmf_code map_check_picture(const struct map_settings *settings, struct vmf_error *error)
{
  if (settings->command.operand_count > 1)
    return vmf_arguments_wrong(error, "--picture is of one disk");
  if (settings->command.json)
    return vmf_arguments_wrong(error, "--picture draws, --output lists: one of them");
  if (strcmp(settings->picture, "-") != 0 &&
      !vmf_names_free_for(settings->picture, vmf_picture_mark))
    return vmf_arguments_wrong(error,
                               "--picture: %s: is there already, and is no such picture: it is not "
                               "replaced; choose another name",
                               settings->picture);
  return VMF_OK;
}

static int map_run(void *given)
{
  struct map_settings *settings = given;
  struct vmf_error error = {0};

  if (settings->picture && map_check_picture(settings, &error) != VMF_OK)
    return vmf_status_report(&error);
  return vmf_each_operand(given, map_one, NULL);
}

static const char *const map_examples[] = {
    "vmferry map disk.qcow2",
    "vmferry map --output=json disk.qcow2",
    "vmferry map --picture disk.svg disk.qcow2",
    NULL,
};

const struct vmf_verb vmf_verb_map = {
    .name = "map",
    .purpose = VMF_PURPOSE_EXAMINE,
    .operands = "FILE...",
    .summary = "show how the guest disk is stored",
    .examples = map_examples,
    .arguments = map_arguments,
    VMF_STARTS_WITH(map_initial),
    .min_operands = 1,
    .max_operands = 1 << 16,
    .usage_status = VMF_EXIT_OTHER,
    .run = map_run,
};
