/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a new disk has otherwise, written into a copy of the old one; or into what an interrupted
 * run has made of that, or into another disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changes.h"

enum { SECTOR = 512 };

struct applied {
  struct fuzz_file file; /* what is written into */
  struct vmf_image *source, *since;
  bool any_options; /* of the file: they may be what cannot be kept up */
  bool foreign;     /* it is no copy */
  uint64_t size;    /* of its disk */
};

static bool is_raw(const struct applied *applied)
{
  return strcmp(applied->file.format, "raw") == 0;
}

static void choose_target(struct fuzz_choices *choices, struct applied *applied)
{
  static const char *const forms[][2] = {
      {"raw", ""}, {"qcow2", ""},        {"vpc", ""},  {"vpc", "subformat=fixed"},
      {"vdi", ""}, {"vdi", "static=on"}, {"vhdx", ""}, {"vhdx", "subformat=fixed"}};
  unsigned form = fuzz_below(choices, sizeof forms / sizeof forms[0]);
  struct fuzz_file *file = &applied->file;

  file->format = forms[form][0];
  file->compress = false;
  snprintf(file->options, sizeof file->options, "%s", forms[form][1]);
  applied->any_options = fuzz_chance(choices, 4) && !is_raw(applied);
  if (applied->any_options) {
    fuzz_format_options(choices, file->format, file->options);
    file->compress = fuzz_chance(choices, 4);
  }
  fuzz_scratch_path("copy.disk", file->path);
}

static void grow(struct fuzz_disk *disk, size_t size)
{
  if (size <= disk->size)
    return;
  disk->bytes = realloc(disk->bytes, size);
  if (!disk->bytes)
    fuzz_fault("no memory");
  memset(disk->bytes + disk->size, 0, size - disk->size);
  disk->size = size;
}

/* The old disk; that, with some sectors of the new one; or with others. */
static struct fuzz_disk make_copy(struct fuzz_choices *choices, const struct fuzz_changed *disks,
                                  bool *foreign)
{
  struct fuzz_disk copy = {.bytes = malloc(disks->old.size), .size = disks->old.size};
  unsigned kind = fuzz_below(choices, 4);

  if (!copy.bytes)
    fuzz_fault("no memory");
  memcpy(copy.bytes, disks->old.bytes, copy.size);
  *foreign = kind == 3;
  if (*foreign)
    fuzz_disk_change(choices, &copy);
  unsigned step = 1 + fuzz_below(choices, 16);
  for (size_t at = 0; kind == 2 && at < copy.size; at += SECTOR * (size_t)step)
    memcpy(copy.bytes + at, disks->now.bytes + at,
           copy.size - at < SECTOR ? copy.size - at : SECTOR);
  return copy;
}

/* False: its format cannot have it. */
static bool write_copy(struct fuzz_choices *choices, struct fuzz_changed *disks,
                       struct applied *applied)
{
  if (!is_raw(applied))
    disks->now.size = disks->old.size;
  struct fuzz_disk copy = make_copy(choices, disks, &applied->foreign);
  struct vmf_image *image = fuzz_disk_image(&copy);
  enum vmf_code code = fuzz_file_write(image, &applied->file, (struct vmf_target_options){0}, NULL);
  vmf_image_close(image);
  free(copy.bytes);
  if (code != VMF_OK)
    return false;
  image = fuzz_file_open(&applied->file);
  applied->size = vmf_image_size(image);
  vmf_image_close(image);
  if (is_raw(applied))
    return true;
  grow(&disks->now, (size_t)applied->size);
  grow(&disks->old, (size_t)applied->size);
  return true;
}

/* Whether these sizes go together. */
static bool fits(const struct applied *applied)
{
  uint64_t size = vmf_image_size(applied->source);
  uint64_t since = applied->since ? vmf_image_size(applied->since) : 0;

  if (!is_raw(applied))
    return size == applied->size && since <= size;
  return size >= applied->size && since <= size && since <= applied->size;
}

static void check_code(const struct applied *applied, enum vmf_code code,
                       const struct vmf_error *error)
{
  if (code == VMF_OK || (code == VMF_USAGE && !fits(applied)) ||
      (code == VMF_UNSUPPORTED && applied->any_options) ||
      (code == VMF_DIFFERENT && applied->foreign && applied->since) || code == VMF_CANCELLED)
    return;
  fuzz_fault("%s (%s, %s): apply: %s", applied->file.path, applied->file.format,
             applied->file.options, error->text);
}

static bool apply(struct fuzz_choices *choices, const struct applied *applied, bool verify)
{
  const struct vmf_apply_options options = {.size = sizeof options,
                                            .format = applied->file.format,
                                            .since = applied->since,
                                            .no_sync = true,
                                            .verify = verify};
  struct vmf_job_options job = {.size = sizeof job, .threads = 1 + fuzz_below(choices, 4)};
  struct vmf_job_result result = {.size = sizeof result};
  struct fuzz_stop stop;
  struct vmf_error error;
  enum vmf_code code;

  if (fuzz_chance(choices, 4)) {
    fuzz_stop_after(&stop, fuzz_below(choices, 8), &job);
    code = vmf_apply(applied->source, applied->file.path, &options, &job, &result, &error);
    check_code(applied, code, &error);
    job.cancel = NULL;
    job.progress = NULL;
  }
  code = vmf_apply(applied->source, applied->file.path, &options, &job, &result, &error);
  if (code == VMF_CANCELLED)
    fuzz_fault("apply: cancelled by nobody");
  check_code(applied, code, &error);
  return code == VMF_OK;
}

/* Without a look at all of it, what is no copy stays so where the two disks are the same. */
static void expect_applied(const struct fuzz_changed *disks, const struct applied *applied,
                           bool all)
{
  struct vmf_findings findings = {.size = sizeof findings};
  struct vmf_image *image = fuzz_file_open(&applied->file);
  struct vmf_error error;

  if (all)
    fuzz_disk_expect(image, &disks->now, applied->file.format);
  enum vmf_code code = vmf_image_check(image, &findings, &error);
  if (code == VMF_OK ? findings.corruptions + findings.leaks + findings.check_errors > 0
                     : code != VMF_UNSUPPORTED)
    fuzz_fault("%s: check: %s", applied->file.format, code == VMF_OK ? "findings" : error.text);
  vmf_image_close(image);
}

static void apply_from(struct fuzz_choices *choices, const struct fuzz_changed *disks,
                       struct applied *applied, const struct fuzz_file *old_file,
                       struct vmf_image *old)
{
  bool verify = fuzz_chance(choices, 2);

  applied->source = fuzz_changed_image(choices, disks, old, old_file);
  applied->since = fuzz_chance(choices, 2) ? old : NULL;
  if (apply(choices, applied, verify))
    expect_applied(disks, applied, verify || !applied->since || !applied->foreign);
  vmf_image_close(applied->source);
}

static void apply_once(struct fuzz_choices *choices, struct fuzz_changed *disks)
{
  struct applied applied = {0};
  struct fuzz_file old_file;

  choose_target(choices, &applied);
  if (!write_copy(choices, disks, &applied))
    return;
  struct vmf_image *plain = fuzz_disk_image(&disks->old);
  fuzz_file_any(choices, "old", &old_file);
  enum vmf_code code = fuzz_file_write(plain, &old_file, (struct vmf_target_options){0}, NULL);
  vmf_image_close(plain);
  if (code != VMF_OK)
    return;
  struct vmf_image *old = fuzz_file_open(&old_file);
  apply_from(choices, disks, &applied, &old_file, old);
  vmf_image_close(old);
}

/* Files that are there by now are replaced, or written into. */
void fuzz_apply(struct fuzz_choices *choices, struct fuzz_changed *disks)
{
  for (unsigned i = 0; i < 3; i++)
    apply_once(choices, disks);
}
