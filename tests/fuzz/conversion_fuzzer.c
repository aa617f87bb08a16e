/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The copy engine and all writers: a small disk goes through up to three formats with any options,
 * by files and pipes, as overlays, by any number of threads. What comes back is what went in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disks.h"
#include "fuzz.h"
#include "scratch_files.h"

struct hop {
  char path[FUZZ_PATH], options[FUZZ_OPTIONS];
  const char *format;
  bool compress, overlay, piped, encrypted;
};

static const struct vmf_secret secret = {.bytes = "secret", .length = 6};

static void ignore_lost(void *data, uint64_t guest, uint64_t length, const char *why)
{
  (void)data;
  fuzz_fault("%llu bytes at %llu were lost: %s", (unsigned long long)length,
             (unsigned long long)guest, why);
}

static struct vmf_job_options choose_job(struct fuzz_choices *choices)
{
  static const char *const checksums[] = {NULL, "sha256", "sha1", "sha512"};
  struct vmf_job_options job = {.size = sizeof job, .threads = 1 + fuzz_below(choices, 4)};

  job.checksum = checksums[fuzz_below(choices, 4)];
  job.sparse_size = (uint64_t[]){4096, 0, 512, 65536}[fuzz_below(choices, 4)];
  job.no_reflink = fuzz_chance(choices, 4);
  if (fuzz_chance(choices, 4))
    job.lost = ignore_lost;
  return job;
}

/* What stands behind the name of a file of this format: a packed one is known by its name, too. */
static const char *suffix(const struct hop *hop)
{
  static const char *const packings[] = {"gz", "xz", "zst", "lz4"};
  const char *packing = strstr(hop->options, "compress=");

  if (strcmp(hop->format, "raw") != 0)
    return "";
  for (size_t i = 0; packing && i < sizeof packings / sizeof packings[0]; i++)
    if (strncmp(packing + strlen("compress="), packings[i], strlen(packings[i])) == 0)
      return (const char *[]){".gz", ".xz", ".zst", ".lz4"}[i];
  return "";
}

static bool packed(const struct hop *hop)
{
  return suffix(hop)[0] != '\0';
}

static struct vmf_image *open_hop(const struct hop *hop, bool named)
{
  const struct vmf_image_options options = {.size = sizeof options,
                                            .format = named && !packed(hop) ? hop->format : NULL,
                                            .secrets = &secret,
                                            .secret_count = 1};
  struct vmf_image *image;
  struct vmf_error error;

  if (vmf_image_open(hop->path, &options, &image, &error) != VMF_OK)
    fuzz_fault("%s (%s, %s): %s", hop->path, hop->format, hop->options, error.text);
  return image;
}

static void look_at(struct vmf_image *image)
{
  struct vmf_findings findings = {.size = sizeof findings};
  struct vmf_extent extent = {.size = sizeof extent};
  struct vmf_value *info;
  struct vmf_error error;
  uint64_t size = vmf_image_size(image);

  if (vmf_image_info(image, &info, &error) != VMF_OK)
    fuzz_fault("info: %s", error.text);
  vmf_value_free(info);
  for (uint64_t guest = 0; guest < size; guest += extent.length)
    if (vmf_image_extent(image, guest, size, &extent, &error) != VMF_OK || extent.length == 0)
      fuzz_fault("map: %s", error.text);
  enum vmf_code code = vmf_image_check(image, &findings, &error);
  if (code == VMF_OK ? findings.corruptions + findings.leaks + findings.check_errors > 0
                     : code != VMF_UNSUPPORTED)
    fuzz_fault("check: %s", code == VMF_OK ? "it has findings" : error.text);
  if (vmf_image_unchanged(image, &error) != VMF_OK ||
      vmf_image_unpack(image, NULL, &error) != VMF_OK)
    fuzz_fault("unchanged, unpack: %s", error.text);
}

/* Larger, the disk is the same with zeros behind it; smaller, it is refused or as short. */
static void resize(struct fuzz_choices *choices, struct vmf_image **image,
                   const struct fuzz_disk *disk)
{
  uint64_t size = vmf_image_size(*image);
  struct fuzz_disk shorter = *disk;
  struct vmf_error error;

  if (!fuzz_chance(choices, 4))
    return;
  size = fuzz_chance(choices, 4) ? size / 2 : size + 512 * (uint64_t)fuzz_below(choices, 4096);
  if (vmf_image_resize(image, size, false, &error) != VMF_OK)
    return;
  if (size < disk->size)
    shorter.size = (size_t)size;
  fuzz_disk_expect(*image, &shorter, "resized");
}

static void measure(struct vmf_image *source, const struct hop *hop)
{
  uint64_t required, full;
  struct vmf_error error;

  if (vmf_measure(source, 0, hop->format, hop->options, hop->compress, &required, &full, &error) ==
          VMF_OK &&
      required > full)
    fuzz_fault("%s, %s: takes more than when it is full", hop->format, hop->options);
}

/* Takes over the source. False: the format cannot have that. */
static bool write_hop(struct vmf_image *source, struct vmf_image *backing, const char *backing_path,
                      const struct hop *hop, const struct vmf_job_options *job)
{
  struct vmf_target_options options = {.size = sizeof options,
                                       .format = hop->format,
                                       .options = hop->options,
                                       .compress = hop->compress,
                                       .secret = hop->encrypted ? &secret : NULL,
                                       .no_sync = true,
                                       .source = source,
                                       .backing = backing,
                                       .backing_path = backing ? backing_path : NULL};
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_target *target = NULL;
  struct vmf_error error;
  char pipe[FUZZ_PATH];

  if (hop->piped)
    fuzz_pipe_to(hop->path, pipe);
  enum vmf_code code = vmf_target_create(hop->piped ? pipe : hop->path, vmf_image_size(source),
                                         &options, &target, &error);
  if (code == VMF_OK)
    code = vmf_convert(source, target, job, &result, &error);
  if (code == VMF_OK && !hop->piped && job->checksum)
    code = vmf_verify(target, job, &result, &error);
  if (code == VMF_OK)
    code = vmf_target_commit(target, &error);
  vmf_target_close(target);
  vmf_image_close(source);
  if (hop->piped)
    fuzz_pipe_end();
  if (code != VMF_OK && code != VMF_USAGE && code != VMF_UNSUPPORTED && code != VMF_LIMIT)
    fuzz_fault("%s, %s%s: %s", hop->format, hop->options, hop->compress ? ", -c" : "", error.text);
  return code == VMF_OK;
}

/* As it comes, or stored first: the library knows. */
static bool open_piped(const struct hop *hop, size_t size, struct vmf_image **image)
{
  bool sized = strcmp(hop->format, "raw") == 0 && !packed(hop);
  const struct vmf_image_options options = {.size = sizeof options,
                                            .format = packed(hop) ? NULL : hop->format,
                                            .unknown_is_raw = packed(hop),
                                            .secrets = &secret,
                                            .secret_count = 1,
                                            .source_size = sized ? size : 0};
  struct vmf_error error;

  fuzz_pipe_from(hop->path);
  if (vmf_image_open("-", &options, image, &error) == VMF_OK)
    return true;
  fuzz_pipe_end();
  if (error.code != VMF_REFUSED && error.code != VMF_CORRUPT)
    fuzz_fault("%s on a pipe: %s", hop->format, error.text);
  return false;
}

/* By LUKS, as fast as it can be. */
static void encrypt(struct hop *hop)
{
  size_t length = strlen(hop->options);

  hop->encrypted = true;
  snprintf(hop->options + length, FUZZ_OPTIONS - length,
           "%sencrypt.format=luks,encrypt.iter-time=1", length > 0 ? "," : "");
}

static void choose_hop(struct fuzz_choices *choices, unsigned number, struct hop *hop)
{
  char name[64];

  hop->format = fuzz_format(choices);
  fuzz_format_options(choices, hop->format, hop->options);
  hop->compress = fuzz_chance(choices, 4);
  hop->overlay = fuzz_chance(choices, 4);
  hop->piped = fuzz_chance(choices, 4);
  hop->encrypted = false;
  if (strcmp(hop->format, "qcow2") == 0 && fuzz_chance(choices, 4))
    encrypt(hop);
  snprintf(name, sizeof name, "disk%u.%s%s", number, hop->format, suffix(hop));
  fuzz_scratch_path(name, hop->path);
}

/* The next disk of the row; false: the format cannot have it. */
static bool next(struct fuzz_choices *choices, const struct hop *last, struct hop *hop,
                 struct fuzz_disk *disk)
{
  struct vmf_job_options job = choose_job(choices);
  struct vmf_image *source = NULL, *backing = NULL;
  bool from_pipe = last && fuzz_chance(choices, 4) && !last->overlay && !hop->piped;

  if (last && hop->overlay && !packed(last)) {
    backing = open_hop(last, true);
    fuzz_disk_change(choices, disk);
  }
  if (!last || backing)
    source = fuzz_disk_image(disk);
  else if (!from_pipe || !open_piped(last, disk->size, &source)) {
    source = open_hop(last, true);
    from_pipe = false;
  }
  if (from_pipe)
    job.lost = NULL;
  else
    measure(source, hop);
  hop->overlay = backing != NULL;
  bool good = write_hop(source, backing, last ? last->path : NULL, hop, &job);
  if (from_pipe)
    fuzz_pipe_end();
  vmf_image_close(backing);
  return good;
}

void fuzz_conversion(const char *unused, const uint8_t *data, size_t size)
{
  struct fuzz_choices choices = {data, size};
  struct hop hops[3], *last = NULL;

  (void)unused;
  fuzz_scratch_clear();
  struct fuzz_disk disk = fuzz_disk_make(&choices);
  for (unsigned i = 0; i < 3; i++) {
    choose_hop(&choices, i, &hops[i]);
    if (!next(&choices, last, &hops[i], &disk))
      break;
    bool named = strcmp(hops[i].format, "raw") == 0 || fuzz_chance(&choices, 2);
    struct vmf_image *image = open_hop(&hops[i], named);
    look_at(image);
    fuzz_disk_expect(image, &disk, hops[i].format);
    resize(&choices, &image, &disk);
    vmf_image_close(image);
    last = &hops[i];
  }
  free(disk.bytes);
}
