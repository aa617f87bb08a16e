/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A disk that has changed: what differs is told exactly, and written into any copy of the old one;
 * and runs that lean on what another run has left make the bytes of one that does not. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changes.h"
#include "digest.h"
#include "fuzz.h"
#include "zero.h"

enum { BLOCK = 4096 /* bytes in which differences are told */ };

/* ---- files ---- */

static void drop_packing(struct fuzz_file *file)
{
  if (strcmp(file->format, "raw") == 0 && strstr(file->options, "compress="))
    file->options[0] = '\0'; /* it would have another name */
}

void fuzz_file_any(struct fuzz_choices *choices, const char *name, struct fuzz_file *file)
{
  char whole[64];

  file->format = fuzz_format(choices);
  fuzz_format_options(choices, file->format, file->options);
  drop_packing(file);
  file->compress = fuzz_chance(choices, 4);
  snprintf(whole, sizeof whole, "%s.%s", name, file->format);
  fuzz_scratch_path(whole, file->path);
}

enum vmf_code fuzz_file_write(struct vmf_image *source, const struct fuzz_file *file,
                              struct vmf_target_options how, const struct vmf_job_options *job)
{
  struct vmf_target *target = NULL;
  struct vmf_error error;

  how.size = sizeof how;
  how.format = file->format;
  how.options = file->options;
  how.compress = file->compress;
  how.no_sync = true;
  how.source = source;
  enum vmf_code code = vmf_target_create(file->path, vmf_image_size(source), &how, &target, &error);
  if (code == VMF_OK)
    code = vmf_convert(source, target, job, NULL, &error);
  if (code == VMF_OK)
    code = vmf_target_commit(target, &error);
  vmf_target_close(target);
  bool cancelled = code == VMF_CANCELLED && job && job->cancel;
  if (code != VMF_OK && code != VMF_USAGE && code != VMF_UNSUPPORTED && code != VMF_LIMIT &&
      !cancelled)
    fuzz_fault("%s, %s%s: %s", file->path, file->options, file->compress ? ", -c" : "", error.text);
  return code;
}

struct vmf_image *fuzz_file_open(const struct fuzz_file *file)
{
  bool packed = strcmp(file->format, "raw") == 0 && strstr(file->options, "compress=");
  const struct vmf_image_options options = {.size = sizeof options,
                                            .format = packed ? NULL : file->format};
  struct vmf_image *image;
  struct vmf_error error;

  if (vmf_image_open(file->path, &options, &image, &error) != VMF_OK)
    fuzz_fault("%s (%s, %s): %s", file->path, file->format, file->options, error.text);
  return image;
}

void fuzz_file_damage(struct fuzz_choices *choices, const char *path)
{
  uint8_t bytes[64];
  int file = open(path, O_RDWR | O_CLOEXEC);
  off_t size = file < 0 ? 0 : lseek(file, 0, SEEK_END);
  unsigned number = fuzz_below(choices, 1 << 16), length = 1 + fuzz_below(choices, sizeof bytes);

  memset(bytes, (int)fuzz_byte(choices), length);
  off_t at = size > 0 ? (off_t)((uint64_t)number * 4099 % (uint64_t)size) : 0;
  if (size > at + (off_t)length && pwrite(file, bytes, length, at) != (ssize_t)length)
    fuzz_fault("%s cannot be written", path);
  if (file >= 0)
    close(file);
}

static void count_down(void *data, uint64_t done, uint64_t total)
{
  struct fuzz_stop *stop = data;

  (void)done;
  (void)total;
  if (stop->calls == 0)
    vmf_cancel_request(&stop->cancel);
  else
    stop->calls--;
}

void fuzz_stop_after(struct fuzz_stop *stop, unsigned calls, struct vmf_job_options *job)
{
  *stop = (struct fuzz_stop){.calls = calls};
  job->cancel = &stop->cancel;
  job->progress = count_down;
  job->progress_data = stop;
}

/* ---- the two disks ---- */

static struct fuzz_changed make_disks(struct fuzz_choices *choices)
{
  struct fuzz_changed disks = {.old = fuzz_disk_make(choices)};
  size_t more = fuzz_chance(choices, 4) ? 512 * (size_t)fuzz_below(choices, 64) : 0;

  disks.now.size = disks.old.size + more;
  disks.now.bytes = calloc(1, disks.now.size);
  if (!disks.now.bytes)
    fuzz_fault("no memory");
  memcpy(disks.now.bytes, disks.old.bytes, disks.old.size);
  fuzz_disk_change(choices, &disks.now);
  return disks;
}

/* ---- compared ---- */

enum { SAME, OTHER, ZEROS };

struct told {
  uint8_t *blocks;
  uint64_t size, end;
  uint8_t last;
};

static void take_stretch(void *data, uint64_t guest, uint64_t length, bool zero)
{
  struct told *told = data;
  uint8_t kind = zero ? ZEROS : OTHER;

  if (length == 0 || guest % BLOCK != 0 || guest < told->end || length > told->size - guest ||
      (length % BLOCK != 0 && guest + length != told->size))
    fuzz_fault("a stretch at %llu of %llu bytes, behind %llu", (unsigned long long)guest,
               (unsigned long long)length, (unsigned long long)told->end);
  if (told->end > 0 && guest == told->end && kind == told->last)
    fuzz_fault("neighbours at %llu are not told as one", (unsigned long long)guest);
  for (uint64_t at = guest; at < guest + length; at += BLOCK)
    told->blocks[at / BLOCK] = kind;
  told->end = guest + length;
  told->last = kind;
}

/* Zeros are behind its end. */
static void block_of(const struct fuzz_disk *disk, uint64_t at, uint8_t block[BLOCK])
{
  size_t length = at < disk->size ? disk->size - (size_t)at : 0;

  memset(block, 0, BLOCK);
  memcpy(block, disk->bytes + (length > 0 ? at : 0), length < BLOCK ? length : BLOCK);
}

/* SAME everywhere: UINT64_MAX; else the first byte that differs. */
static uint64_t expect_told(const struct fuzz_changed *disks, const struct told *told)
{
  uint8_t old[BLOCK], now[BLOCK];
  uint64_t first = UINT64_MAX;

  for (uint64_t at = 0; at < told->size; at += BLOCK) {
    block_of(&disks->old, at, old);
    block_of(&disks->now, at, now);
    unsigned kind = memcmp(old, now, BLOCK) == 0 ? SAME : vmf_is_zero(now, BLOCK) ? ZEROS : OTHER;
    if (kind != told->blocks[at / BLOCK])
      fuzz_fault("the block at %llu is told as %u, and is %u", (unsigned long long)at,
                 told->blocks[at / BLOCK], kind);
    for (size_t i = 0; kind != SAME && first == UINT64_MAX; i++)
      if (old[i] != now[i])
        first = at + i;
  }
  return first;
}

static void expect_result(const struct vmf_job_result *result, uint64_t first)
{
  if (result->identical != (first == UINT64_MAX) ||
      (!result->identical && result->difference != first))
    fuzz_fault("compare: %s from %llu on, expected %llu", result->identical ? "same" : "different",
               (unsigned long long)result->difference, (unsigned long long)first);
}

/* As sha256sum has it. */
static void expect_checksum(const struct fuzz_disk *disk)
{
  const struct vmf_job_options job = {
      .size = sizeof job, .threads = 2, .checksum = "sha256", .plain_checksum = true};
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_image *image = fuzz_disk_image(disk);
  uint8_t digest[VMF_DIGEST_MAX];
  struct vmf_error error;

  if (vmf_digest_bytes(VMF_SHA256, disk->bytes, disk->size, digest, &error) != VMF_OK ||
      vmf_checksum(image, &job, &result, &error) != VMF_OK)
    fuzz_fault("checksum: %s", error.text);
  if (memcmp(digest, result.checksum, vmf_digest_size(VMF_SHA256)) != 0)
    fuzz_fault("the checksum is not that of the bytes");
  vmf_image_close(image);
}

static void compare(struct fuzz_choices *choices, const struct fuzz_changed *disks,
                    struct vmf_image *old, struct vmf_image *now)
{
  struct vmf_job_options job = {.size = sizeof job, .threads = 1 + fuzz_below(choices, 4)};
  struct vmf_job_result result = {.size = sizeof result};
  struct told told = {.size = vmf_image_size(old)};
  struct vmf_error error;

  if (vmf_image_size(now) > told.size)
    told.size = vmf_image_size(now);
  told.blocks = calloc(1, (size_t)told.size / BLOCK + 1);
  if (!told.blocks)
    fuzz_fault("no memory");
  job.differs = take_stretch;
  job.differs_data = &told;
  if (vmf_compare(old, now, &job, &result, &error) != VMF_OK)
    fuzz_fault("compare: %s", error.text);
  uint64_t first = expect_told(disks, &told);
  free(told.blocks);
  expect_result(&result, first);
  job.differs = NULL;
  job.rate = fuzz_chance(choices, 4) ? UINT64_MAX / 4 : 0;
  if (vmf_compare(old, now, &job, &result, &error) != VMF_OK)
    fuzz_fault("compare: %s", error.text);
  expect_result(&result, first);
  job.strict = true;
  if (vmf_compare(old, now, &job, &result, &error) != VMF_OK)
    fuzz_fault("compare, strict: %s", error.text);
  if (result.identical && first != UINT64_MAX)
    fuzz_fault("compare, strict: what differs is the same");
}

/* What is told of an image when it is looked at. */
static void look_at(struct vmf_image *image)
{
  struct vmf_value *info;
  struct vmf_error error;
  bool found;
  char *json;

  if (vmf_image_info(image, &info, &error) != VMF_OK ||
      vmf_value_json(info, &json, &error) != VMF_OK)
    fuzz_fault("info: %s", error.text);
  free(json);
  vmf_value_free(info);
  if (vmf_image_partitioned(image, &found, &error) != VMF_OK ||
      (vmf_image_efi(image, &found, &error) != VMF_OK && error.code != VMF_CORRUPT))
    fuzz_fault("partitions: %s", error.text);
}

/* Into the file that is there. */
static void replace(const struct fuzz_file *file, const struct fuzz_disk *disk)
{
  struct vmf_image *image = fuzz_disk_image(disk);
  enum vmf_code code =
      fuzz_file_write(image, file, (struct vmf_target_options){.in_place = true}, NULL);

  vmf_image_close(image);
  if (code != VMF_OK)
    return;
  image = fuzz_file_open(file);
  fuzz_disk_expect(image, disk, "in place");
  vmf_image_close(image);
}

void fuzz_compare(struct fuzz_choices *choices, struct fuzz_changed *disks)
{
  struct vmf_image *plain = fuzz_disk_image(&disks->old);
  struct fuzz_file file;

  expect_checksum(&disks->now);
  fuzz_file_any(choices, "old", &file);
  enum vmf_code code = fuzz_file_write(plain, &file, (struct vmf_target_options){0}, NULL);
  vmf_image_close(plain);
  if (code != VMF_OK)
    return;
  struct vmf_image *old = fuzz_file_open(&file);
  struct vmf_image *now = fuzz_changed_image(choices, disks, old, &file);
  look_at(now);
  compare(choices, disks, old, now);
  vmf_image_close(now);
  vmf_image_close(old);
  replace(&file, &disks->now);
}

/* ---- all of it ---- */

void fuzz_changes(const char *unused, const uint8_t *data, size_t size)
{
  static void (*const kinds[])(struct fuzz_choices *, struct fuzz_changed *) = {
      fuzz_apply, fuzz_resume, fuzz_reuse, fuzz_salvage, fuzz_compare};
  struct fuzz_choices choices = {data, size};

  (void)unused;
  fuzz_scratch_clear();
  setenv("SOURCE_DATE_EPOCH", "1", 1); /* ids are the same, too */
  unsigned kind = fuzz_below(&choices, sizeof kinds / sizeof kinds[0]);
  struct fuzz_changed disks = make_disks(&choices);
  kinds[kind](&choices, &disks);
  free(disks.old.bytes);
  free(disks.now.bytes);
  unsetenv("SOURCE_DATE_EPOCH");
}
