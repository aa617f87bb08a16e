/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A conversion that takes units from an older target makes the bytes of one that does not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "changes_runs.h"

/* ---- files ---- */

void fuzz_folder_make(const char *name)
{
  char path[FUZZ_PATH];

  fuzz_scratch_path(name, path);
  if (mkdir(path, 0700) != 0)
    fuzz_fault("%s cannot be made", path);
}

void fuzz_folder_path(const char *folder, const char *name, char path[FUZZ_PATH])
{
  char whole[FUZZ_PATH];

  snprintf(whole, sizeof whole, "%s/%s", folder, name);
  fuzz_scratch_path(whole, path);
}

static uint8_t *read_all(const char *path, size_t *size)
{
  struct stat status;

  if (stat(path, &status) != 0)
    fuzz_fault("%s is not there", path);
  return fuzz_scratch_read(path, (size_t)status.st_size, size);
}

void fuzz_same_file(const char *left, const char *right)
{
  size_t left_size, right_size, at = 0;
  uint8_t *left_bytes = read_all(left, &left_size);
  uint8_t *right_bytes = read_all(right, &right_size);

  if (left_size != right_size)
    fuzz_fault("%s has %zu bytes, expected %zu", left, left_size, right_size);
  if (memcmp(left_bytes, right_bytes, left_size) != 0) {
    while (left_bytes[at] == right_bytes[at])
      at++;
    fuzz_fault("%s: byte %zu of %zu is not as expected", left, at, left_size);
  }
  free(left_bytes);
  free(right_bytes);
}

/* ---- forms of targets ---- */

const struct fuzz_form fuzz_forms[FUZZ_FORMS] = {
    {"raw", "disk.raw", "", false},
    {"qcow2", "disk.qcow2", "", true},
    {"vmdk", "disk.vmdk", "subformat=streamOptimized", false},
    {"vpc", "disk.vhd", "subformat=fixed", false},
    {"raw", "disk.raw.zst", "compress=zst", false},
    {"qcow2", "disk.qcow2", "compression_type=zstd", true}, /* so far: those that can have a map */
    {"raw", "disk.raw.gz", "compress=gz", false},
    {"qcow2", "disk.qcow2", "cluster_size=4k", false},
    {"vmdk", "disk.vmdk", "", false},
    {"vmdk", "disk.vmdk", "subformat=twoGbMaxExtentSparse", false},
    {"vpc", "disk.vhd", "", false},
    {"vdi", "disk.vdi", "", false},
    {"vhdx", "disk.vhdx", "", false},
};
void fuzz_form_take(const struct fuzz_form *form, struct fuzz_file *file)
{
  file->format = form->format;
  file->compress = form->compress;
  snprintf(file->options, sizeof file->options, "%s", form->options);
}

/* ---- a map of units ---- */

struct generation {
  struct fuzz_file file;
  char map[FUZZ_PATH];
};

static void place_generation(const char *folder, const struct fuzz_form *form,
                             struct generation *generation)
{
  fuzz_folder_make(folder);
  fuzz_form_take(form, &generation->file);
  fuzz_folder_path(folder, form->name, generation->file.path);
  fuzz_folder_path(folder, "map", generation->map);
}

/* before: NULL, or what it takes units of. VMF_CORRUPT is no fault where that is damaged. */
static enum vmf_code write_generation(struct fuzz_choices *choices, struct vmf_image *source,
                                      const struct generation *generation,
                                      const struct generation *before)
{
  struct vmf_target_options how = {.map = generation->map};
  const struct vmf_job_options job = {.size = sizeof job,
                                      .threads = 1 + fuzz_below(choices, 4),
                                      .sparse_size = 4096,
                                      .checksum = fuzz_chance(choices, 2) ? "sha256" : NULL};

  if (before) {
    how.since = before->map;
    how.onto = before->file.path;
  }
  return fuzz_file_write(source, &generation->file, how, &job);
}

/* A raw file, or an overlay on the file of the old disk. */
static struct vmf_image *new_source(struct fuzz_choices *choices, const struct fuzz_changed *disks)
{
  struct fuzz_file base = {.format = "raw"}, file = {.format = "qcow2"};

  fuzz_scratch_path("old.raw", base.path);
  fuzz_scratch_path("new.qcow2", file.path);
  if (fuzz_chance(choices, 2)) {
    struct vmf_image *old = fuzz_file_open(&base), *plain = fuzz_disk_image(&disks->now);
    const struct vmf_target_options how = {
        .backing = old, .backing_path = base.path, .backing_format = "raw"};
    enum vmf_code code = fuzz_file_write(plain, &file, how, NULL);
    vmf_image_close(plain);
    vmf_image_close(old);
    if (code == VMF_OK)
      return fuzz_file_open(&file);
  }
  fuzz_scratch_write("new.raw", disks->now.bytes, disks->now.size);
  fuzz_scratch_path("new.raw", base.path);
  return fuzz_file_open(&base);
}

static void reuse_in(struct fuzz_choices *choices, const struct fuzz_changed *disks,
                     const struct fuzz_form *form, struct vmf_image *source)
{
  struct generation first, next, whole;

  place_generation("first", form, &first);
  place_generation("next", form, &next);
  place_generation("whole", form, &whole);
  struct fuzz_file old_file = {.format = "raw"};
  fuzz_scratch_path("old.raw", old_file.path);
  struct vmf_image *old = fuzz_file_open(&old_file);
  enum vmf_code code = write_generation(choices, old, &first, NULL);
  vmf_image_close(old);
  if (code != VMF_OK)
    return;
  if (fuzz_chance(choices, 4)) /* its units are proven */
    fuzz_file_damage(choices, first.file.path);
  if (write_generation(choices, source, &next, &first) != VMF_OK ||
      write_generation(choices, source, &whole, NULL) != VMF_OK)
    fuzz_fault("%s, %s: what was made once is refused", form->name, form->options);
  fuzz_same_file(next.file.path, whole.file.path);
  struct vmf_image *image = fuzz_file_open(&next.file);
  fuzz_disk_expect(image, &disks->now, form->name);
  vmf_image_close(image);
}

void fuzz_reuse(struct fuzz_choices *choices, struct fuzz_changed *disks)
{
  const struct fuzz_form *form = &fuzz_forms[fuzz_below(choices, FUZZ_FORMS_WITH_MAP)];

  fuzz_scratch_write("old.raw", disks->old.bytes, disks->old.size);
  struct vmf_image *source = new_source(choices, disks);
  reuse_in(choices, disks, form, source);
  vmf_image_close(source);
}
