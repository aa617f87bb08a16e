/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The same disk in all the ways that an image can be given: bytes in memory, a file of any format,
 * an overlay, parts of a file, disks one behind the other, a member of an archive, a name in JSON.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "changes.h"

enum { SECTOR = 512, PARTS = 4 };

static struct vmf_image *in_file(struct fuzz_choices *choices, const struct fuzz_disk *disk)
{
  struct vmf_image *plain = fuzz_disk_image(disk);
  struct fuzz_file file;

  fuzz_file_any(choices, "new", &file);
  if (fuzz_file_write(plain, &file, (struct vmf_target_options){0}, NULL) != VMF_OK)
    return plain;
  vmf_image_close(plain);
  return fuzz_file_open(&file);
}

/* What is measured before is what it takes. */
static struct vmf_image *over(struct fuzz_choices *choices, const struct fuzz_disk *disk,
                              struct vmf_image *old, const struct fuzz_file *old_file)
{
  struct vmf_image *plain = fuzz_disk_image(disk);
  struct vmf_target_options how = {.size = sizeof how,
                                   .backing = old,
                                   .backing_path = old_file->path,
                                   .backing_format = old_file->format};
  struct fuzz_file file;
  struct stat status;
  struct vmf_error error;
  uint64_t bytes;

  fuzz_file_any(choices, "new", &file);
  how.format = file.format;
  how.options = file.options;
  how.compress = file.compress;
  enum vmf_code code =
      vmf_measure_overlay(plain, strrchr(file.path, '/') + 1, &how, NULL, &bytes, &error);
  if (fuzz_file_write(plain, &file, how, NULL) != VMF_OK)
    return plain;
  vmf_image_close(plain);
  if (code == VMF_OK && (stat(file.path, &status) != 0 || (uint64_t)status.st_size != bytes))
    fuzz_fault("%s, %s: %llu bytes were measured, and it has %llu", file.path, file.options,
               (unsigned long long)bytes, (unsigned long long)status.st_size);
  return fuzz_file_open(&file);
}

/* Those of another disk, which may have been more. */
static void remove_parts(void)
{
  char name[16], path[FUZZ_PATH];

  for (unsigned number = 1; number <= PARTS; number++) {
    snprintf(name, sizeof name, "part.%03u", number);
    fuzz_scratch_path(name, path);
    (void)remove(path);
  }
}

/* Found by the name of the first one, or all named. */
static struct vmf_image *in_parts(struct fuzz_choices *choices, const struct fuzz_disk *disk)
{
  const struct vmf_image_options found = {.size = sizeof found, .unknown_is_raw = true};
  const struct vmf_image_options named = {.size = sizeof named, .format = "raw"};
  size_t part = disk->size / (2 + fuzz_below(choices, PARTS - 1)) + 1, count = 0;
  char paths[PARTS][FUZZ_PATH];
  const char *list[PARTS];
  struct vmf_image *image;
  struct vmf_error error;

  remove_parts();
  for (size_t at = 0; at < disk->size; at += part) {
    char name[16];
    snprintf(name, sizeof name, "part.%03zu", count + 1);
    fuzz_scratch_path(name, paths[count]);
    fuzz_scratch_write(name, disk->bytes + at, disk->size - at < part ? disk->size - at : part);
    list[count] = paths[count];
    count++;
  }
  if (!vmf_parts_named(list, count))
    fuzz_fault("%s: not taken for a part", list[0]);
  enum vmf_code code = fuzz_chance(choices, 2)
                           ? vmf_image_open(list[0], &found, &image, &error)
                           : vmf_parts_open(list, count, &named, &image, &error);
  if (code != VMF_OK)
    fuzz_fault("%zu parts: %s", count, error.text);
  return image;
}

static struct vmf_image *in_a_row(struct fuzz_choices *choices, const struct fuzz_disk *disk)
{
  size_t cut = SECTOR * (1 + fuzz_below(choices, (unsigned)(disk->size / SECTOR - 1)));
  const struct fuzz_disk first = {.bytes = disk->bytes, .size = cut};
  const struct fuzz_disk second = {.bytes = disk->bytes + cut, .size = disk->size - cut};
  struct vmf_image *images[2] = {in_file(choices, &first), fuzz_disk_image(&second)}, *image;
  struct vmf_error error;

  if (vmf_image_size(images[0]) != cut) { /* its format has it larger */
    vmf_image_close(images[0]);
    images[0] = fuzz_disk_image(&first);
  }
  if (vmf_image_concat(images, 2, &image, &error) != VMF_OK)
    fuzz_fault("concat: %s", error.text);
  return image;
}

static struct vmf_image *in_archive(const struct fuzz_disk *disk)
{
  const struct vmf_image_options options = {
      .size = sizeof options, .format = "raw", .disk = "disk.raw"};
  static const uint8_t end[2 * SECTOR];
  char header[SECTOR] = "disk.raw", path[FUZZ_PATH];
  unsigned sum = 8 * ' ';
  struct vmf_image *image;
  struct vmf_error error;

  snprintf(header + 100, 8, "%07o", 0644);
  snprintf(header + 124, 12, "%011zo", disk->size);
  memcpy(header + 257, "ustar\00000", 8);
  for (size_t i = 0; i < SECTOR; i++)
    sum += (unsigned char)header[i];
  snprintf(header + 148, 8, "%06o", sum);
  fuzz_scratch_path("disk.tar", path);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(header, 1, SECTOR, file) != SECTOR ||
      fwrite(disk->bytes, 1, disk->size, file) != disk->size ||
      fwrite(end, 1, (SECTOR - disk->size % SECTOR) % SECTOR, file) >= SECTOR ||
      fwrite(end, 1, sizeof end, file) != sizeof end || fclose(file) != 0)
    fuzz_fault("%s cannot be written", path);
  if (vmf_image_open(path, &options, &image, &error) != VMF_OK)
    fuzz_fault("%s: %s", path, error.text);
  return image;
}

static struct vmf_image *by_json(const struct fuzz_disk *disk)
{
  char path[FUZZ_PATH], name[2 * FUZZ_PATH];
  struct vmf_image *image;
  struct vmf_error error;

  fuzz_scratch_path("named.raw", path);
  fuzz_scratch_write("named.raw", disk->bytes, disk->size);
  snprintf(name, sizeof name,
           "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"%s\"}}", path);
  if (vmf_image_open(name, NULL, &image, &error) != VMF_OK)
    fuzz_fault("%s: %s", name, error.text);
  return image;
}

struct vmf_image *fuzz_changed_image(struct fuzz_choices *choices, const struct fuzz_changed *disks,
                                     struct vmf_image *old, const struct fuzz_file *old_file)
{
  const struct fuzz_disk *now = &disks->now;
  enum { FILES, OVERLAY, OVERLAY_TOO, PARTED, ROW, ARCHIVE, JSON, KINDS };
  unsigned kind = fuzz_below(choices, KINDS);

  if (now->size < (size_t)4 * SECTOR)
    return fuzz_disk_image(now);
  switch (kind) {
  case FILES:
    return in_file(choices, now);
  case OVERLAY:
  case OVERLAY_TOO:
    return over(choices, now, old, old_file);
  case PARTED:
    return in_parts(choices, now);
  case ROW:
    return in_a_row(choices, now);
  case ARCHIVE:
    return in_archive(now);
  default:
    return by_json(now);
  }
}
