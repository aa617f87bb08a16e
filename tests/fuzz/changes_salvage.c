/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A source of which some places cannot be read, or are not to be: what is lost is told and becomes
 * zeros, all else is as it was. Of a raw disk just these places are lost. */
#include <stdlib.h>
#include <string.h>

#include "changes.h"

enum { SECTOR = 512, BAD_MOST = 8, SOURCE_MOST = 20 << 20 };

/* A file whose bad places cannot be read once it is open. */
struct failing {
  uint8_t *bytes;
  size_t size, bad_count;
  struct vmf_stretch bad[BAD_MOST];
  bool fails;
};

struct losses {
  uint8_t *lost; /* of each byte */
  uint64_t size, end, bytes;
};

static enum vmf_code failing_read(void *data, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *error)
{
  const struct failing *failing = data;

  for (size_t i = 0; failing->fails && i < failing->bad_count; i++)
    if (failing->bad[i].guest < offset + length &&
        offset < failing->bad[i].guest + failing->bad[i].length) {
      strcpy(error->text, "a bad place");
      return VMF_READ;
    }
  memcpy(buffer, failing->bytes + offset, length);
  return VMF_OK;
}

static void take_loss(void *data, uint64_t guest, uint64_t length, const char *why)
{
  struct losses *losses = data;

  if (length == 0 || (losses->bytes > 0 && guest <= losses->end) || guest > losses->size ||
      length > losses->size - guest || !why[0])
    fuzz_fault("%llu bytes at %llu are told as lost, behind %llu", (unsigned long long)length,
               (unsigned long long)guest, (unsigned long long)losses->end);
  memset(losses->lost + guest, 1, (size_t)length);
  losses->end = guest + length;
  losses->bytes += length;
}

/* Some sectors; in order and apart. */
static size_t choose_stretches(struct fuzz_choices *choices, size_t size,
                               struct vmf_stretch stretches[BAD_MOST])
{
  unsigned wanted = fuzz_below(choices, BAD_MOST + 1);
  uint64_t at = 0;
  size_t count = 0;

  while (count < wanted) {
    at += SECTOR * (uint64_t)fuzz_below(choices, 512);
    uint64_t length = SECTOR * (uint64_t)(1 + fuzz_below(choices, 64));
    if (at >= size)
      break;
    if (length > size - at)
      length = size - at;
    stretches[count++] = (struct vmf_stretch){.guest = at, .length = length};
    at += length + SECTOR;
  }
  return count;
}

static struct vmf_image *open_failing(struct failing *failing, const char *format)
{
  const struct vmf_source source = {.size = sizeof source,
                                    .name = "fuzz/failing",
                                    .bytes = failing->size,
                                    .read = failing_read,
                                    .data = failing};
  const struct vmf_image_options options = {
      .size = sizeof options, .format = format, .salvage = true};
  struct vmf_image *image = NULL;
  struct vmf_error error;

  enum vmf_code code = vmf_image_open_source(&source, &options, &image, &error);
  if (code != VMF_OK && code != VMF_REFUSED) /* it names other files */
    fuzz_fault("%s: %s", format, error.text);
  return image;
}

static void expect_salvaged(const struct fuzz_disk *disk, const struct losses *losses)
{
  const struct fuzz_file file = {.format = "raw"};
  struct fuzz_disk left = {.bytes = malloc(disk->size), .size = disk->size};
  struct fuzz_file written = file;

  if (!left.bytes)
    fuzz_fault("no memory");
  for (size_t i = 0; i < disk->size; i++)
    left.bytes[i] = losses->lost[i] ? 0 : disk->bytes[i];
  fuzz_scratch_path("salvaged.raw", written.path);
  struct vmf_image *image = fuzz_file_open(&written);
  fuzz_disk_expect(image, &left, "salvaged");
  vmf_image_close(image);
  free(left.bytes);
}

/* Of a raw disk nothing else is lost, and all of that. */
static void expect_lost(const struct failing *failing, const struct vmf_job_options *job,
                        const struct losses *losses)
{
  uint8_t *bad = calloc(1, (size_t)losses->size);

  if (!bad)
    fuzz_fault("no memory");
  for (size_t i = 0; i < failing->bad_count; i++)
    memset(bad + failing->bad[i].guest, 1, (size_t)failing->bad[i].length);
  for (size_t i = 0; i < job->unread_count; i++)
    memset(bad + job->unread[i].guest, 1, (size_t)job->unread[i].length);
  for (size_t i = 0; i < losses->size; i++)
    if (bad[i] != losses->lost[i])
      fuzz_fault("byte %zu is %s", i, bad[i] ? "not told as lost" : "told as lost");
  free(bad);
}

static void salvage(struct fuzz_choices *choices, const struct fuzz_disk *disk,
                    struct failing *failing, struct vmf_image *image)
{
  struct vmf_stretch unread[BAD_MOST];
  struct losses losses = {.size = vmf_image_size(image)};
  struct vmf_job_options job = {.size = sizeof job,
                                .threads = 1 + fuzz_below(choices, 4),
                                .sparse_size = 4096,
                                .checksum = fuzz_chance(choices, 2) ? "sha256" : NULL,
                                .lost = take_loss,
                                .lost_data = &losses,
                                .unread = unread};
  struct fuzz_file written = {.format = "raw"};

  losses.lost = calloc(1, (size_t)losses.size);
  if (!losses.lost)
    fuzz_fault("no memory");
  job.unread_count =
      fuzz_chance(choices, 2) ? choose_stretches(choices, (size_t)losses.size, unread) : 0;
  fuzz_scratch_path("salvaged.raw", written.path);
  failing->fails = true;
  if (fuzz_file_write(image, &written, (struct vmf_target_options){0}, &job) != VMF_OK)
    fuzz_fault("salvage: refused");
  expect_salvaged(disk, &losses);
  if (strcmp(vmf_image_format(image), "raw") == 0)
    expect_lost(failing, &job, &losses);
  free(losses.lost);
}

void fuzz_salvage(struct fuzz_choices *choices, struct fuzz_changed *disks)
{
  struct vmf_image *plain = fuzz_disk_image(&disks->now);
  struct failing failing = {0};
  struct fuzz_file file;

  fuzz_file_any(choices, "bad", &file);
  if (fuzz_chance(choices, 2)) {
    file.format = "raw";
    file.options[0] = '\0';
    file.compress = false;
  }
  enum vmf_code code = fuzz_file_write(plain, &file, (struct vmf_target_options){0}, NULL);
  vmf_image_close(plain);
  if (code != VMF_OK)
    return;
  failing.bytes = fuzz_scratch_read(file.path, SOURCE_MOST, &failing.size);
  failing.bad_count = choose_stretches(choices, failing.size, failing.bad);
  struct vmf_image *image = open_failing(&failing, file.format);
  if (image)
    salvage(choices, &disks->now, &failing, image);
  vmf_image_close(image);
  free(failing.bytes);
}
