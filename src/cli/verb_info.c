/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry info`: prints the library's tree of named values, as JSON or for people. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "human.h"
#include "json.h"
#include "package_glance.h"
#include "status.h"
#include "verb.h"

static const struct vmf_argument info_arguments[] = {
    VMF_ARGUMENT_FORMAT,
    VMF_ARGUMENT_OUTPUT_KIND,
    {.name = "backing-chain",
     .kind = VMF_ARGUMENT_FLAG,
     .field = VMF_SETTING(backing_chain),
     .help = "show the images below it, too"},
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_IMAGE_OPTS,
    VMF_ARGUMENT_OBJECT,
    {0},
};

static const struct vmf_value *info_child(const struct vmf_value *value, const char *name)
{
  const struct vmf_value *child = value ? value->first : NULL;

  while (child && (!child->name || strcmp(child->name, name) != 0))
    child = child->next;
  return child;
}

static void info_scalar(const struct vmf_value *value)
{
  if (value->kind == VMF_VALUE_TEXT)
    vmf_human_text(stdout, value->text ? value->text : "");
  else if (value->kind == VMF_VALUE_UINT)
    printf("%" PRIu64, value->number);
  else
    fputs(value->number ? "true" : "false", stdout);
}

/* Any tree, four blanks a level; items of a list are numbered. */
static void info_tree(const struct vmf_value *value, unsigned level)
{
  unsigned index = 0;

  for (const struct vmf_value *child = value->first; child; child = child->next) {
    printf("%*s", (int)(4 * level), "");
    if (value->kind == VMF_VALUE_LIST)
      printf("[%u]:", index++);
    else {
      vmf_human_text(stdout, child->name ? child->name : "");
      putchar(':');
    }
    if (child->kind == VMF_VALUE_OBJECT || child->kind == VMF_VALUE_LIST) {
      putchar('\n');
      info_tree(child, level + 1);
    } else {
      putchar(' ');
      info_scalar(child);
      putchar('\n');
    }
  }
}

static uint64_t info_number(const struct vmf_value *value, const char *name)
{
  const struct vmf_value *child = info_child(value, name);

  return child ? child->number : 0;
}

/* At least one blank behind it. */
static void info_column(const struct vmf_value *value, unsigned width)
{
  const char *text = value && value->text ? value->text : "";
  size_t length = strlen(text);

  vmf_human_text(stdout, text);
  printf("%*s", length < width ? (int)(width - length) : 1, "");
}

static void info_snapshot(const struct vmf_value *snapshot)
{
  time_t date = (time_t)info_number(snapshot, "date-sec");
  uint64_t clock = info_number(snapshot, "vm-clock-sec");
  char size[16], when[32] = "";
  struct tm parts;

  vmf_human_size(info_number(snapshot, "vm-state-size"), size);
  if (localtime_r(&date, &parts))
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &parts);
  info_column(info_child(snapshot, "id"), 10);
  info_column(info_child(snapshot, "name"), 16);
  printf("%9s %19s  %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64 "\n", size, when,
         clock / 3600, clock / 60 % 60, clock % 60,
         info_number(snapshot, "vm-clock-nsec") / 1000000);
}

static void info_nested(const struct vmf_value *value)
{
  if (strcmp(value->name, "snapshots") == 0) {
    puts("Snapshot list:\nID        TAG               VM SIZE                DATE     VM CLOCK");
    for (const struct vmf_value *child = value->first; child; child = child->next)
      info_snapshot(child);
  } else if (strcmp(value->name, "format-specific") == 0) {
    const struct vmf_value *data = info_child(value, "data");

    puts("Format specific information:");
    if (data)
      info_tree(data, 1);
  } else {
    vmf_human_text(stdout, value->name);
    puts(":");
    info_tree(value, 1);
  }
}

/* qemu-img's word for a key where it is another one. */
static const char *info_label(const char *key)
{
  static const struct {
    const char *key, *label;
  } labels[] = {
      {"filename", "image"},
      {"format", "file format"},
      {"virtual-size", "virtual size"},
      {"actual-size", "disk size"},
      {"cluster-size", "cluster_size"},
      {"backing-filename", "backing file"},
      {"backing-filename-format", "backing file format"},
      {"full-backing-filename", "backing file path"},
  };

  for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
    if (strcmp(labels[i].key, key) == 0)
      return labels[i].label;
  return key;
}

static void info_line(const struct vmf_value *value)
{
  char size[16];

  if (strcmp(value->name, "dirty-flag") == 0) {
    if (value->number)
      puts("cleanly shut down: no");
    return;
  }
  vmf_human_text(stdout, info_label(value->name));
  fputs(": ", stdout);
  if (strcmp(value->name, "virtual-size") == 0 || strcmp(value->name, "actual-size") == 0)
    vmf_human_size(value->number, size);
  if (strcmp(value->name, "virtual-size") == 0)
    printf("%s (%" PRIu64 " bytes)", size, value->number);
  else if (strcmp(value->name, "actual-size") == 0)
    fputs(size, stdout);
  else if (value->kind == VMF_VALUE_BOOL)
    fputs(value->number ? "yes" : "no", stdout);
  else
    info_scalar(value);
  putchar('\n');
}

static void info_print(const struct vmf_value *info)
{
  for (const struct vmf_value *child = info->first; child; child = child->next)
    if (child->name && child->kind != VMF_VALUE_OBJECT && child->kind != VMF_VALUE_LIST)
      info_line(child);
  for (const struct vmf_value *child = info->first; child; child = child->next)
    if (child->name && child->first && strcmp(child->name, "children") != 0 &&
        (child->kind == VMF_VALUE_OBJECT || child->kind == VMF_VALUE_LIST))
      info_nested(child);
}

static enum vmf_code info_chain(const struct vmf_settings *settings, struct vmf_image *image,
                                struct vmf_error *error)
{
  bool list = settings->json && settings->backing_chain;
  enum vmf_code code = VMF_OK;

  if (list)
    fputs("[\n    ", stdout);
  for (struct vmf_image *at = image; at && code == VMF_OK; at = vmf_image_parent(at)) {
    struct vmf_value *info = NULL;

    code = vmf_image_info(at, &info, error);
    if (code == VMF_OK) {
      if (at != image)
        fputs(list ? ",\n    " : "\n", stdout);
      if (settings->json)
        vmf_json_value(stdout, info, list ? 1 : 0);
      else
        info_print(info);
    }
    vmf_value_free(info);
    if (!settings->backing_chain)
      break;
  }
  if (list)
    fputs("\n]", stdout);
  if (settings->json)
    putchar('\n');
  return code;
}

static int info_package(const struct vmf_settings *settings)
{
  const struct vmf_package_options options = {.size = sizeof options,
                                              .allow_refs = settings->allow_refs,
                                              .no_refs = settings->no_refs,
                                              .ignore_locks = settings->ignore_locks,
                                              .log = &settings->log};
  struct vmf_error error = {0};
  struct vmf_package *package;
  struct vmf_value *info = NULL;
  enum vmf_code code = vmf_package_open(settings->operands[0], &options, &package, &error);

  if (code == VMF_OK)
    code = vmf_package_info(package, &info, &error);
  if (code == VMF_OK && settings->json) {
    vmf_json_value(stdout, info, 0);
    putchar('\n');
  } else if (code == VMF_OK) {
    vmf_package_glance(info);
  }
  vmf_value_free(info);
  vmf_package_close(package);
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

static int info_run(struct vmf_settings *settings)
{
  static const struct vmf_package_trust unchecked = {.size = sizeof unchecked, .no_verify = true};
  struct vmf_image_options options = {
      .size = sizeof options,
      .format = settings->format,
      .allow_refs = settings->allow_refs,
      .no_refs = settings->no_refs,
      .no_chain = !settings->backing_chain,
      .ignore_locks = settings->ignore_locks,
      .random_access = true,
      .log = &settings->log,
      .bare = true,
      .trust = &unchecked,
  };
  struct vmf_error error = {0};
  struct vmf_image *image = NULL;

  if (!settings->format && vmf_package_recognise(settings->operands[0]))
    return info_package(settings);
  enum vmf_code code = vmf_disk_open(settings->operands[0], &options, &image, &error);

  if (code == VMF_OK)
    code = info_chain(settings, image, &error);
  vmf_image_close(image);
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

const struct vmf_verb vmf_verb_info = {
    .name = "info",
    .operands = "FILE",
    .summary = "show what an image or a package is",
    .arguments = info_arguments,
    .min_operands = 1,
    .max_operands = 1,
    .usage_status = VMF_EXIT_OTHER,
    .run = info_run,
};
