/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What one disk has otherwise, written into a raw one that is there. A run that is interrupted is
 * done again: what it has written is equal by then, or, of what is a copy of another disk, as it
 * should be. */
#include <inttypes.h>
#include <string.h>

#include "apply_image.h"
#include "caller.h"
#include "checked.h"
#include "differences.h"
#include "file.h"
#include "memory.h"
#include "part_check.h"
#include "replaced.h"
#include "unpack.h"
#include "update.h"
#include "url.h"
#include "view.h"
#include "zero.h"

enum { STEP = 64 * 1024 };

struct applying {
  struct vmf_image *source;
  const struct vmf_apply_options *options;
  struct vmf_io *io; /* the target */
  struct vmf_job_result *result;
  uint8_t *found; /* STEP bytes of the target */
};

/* ---- writing ---- */

static enum vmf_code write_part(struct applying *applying, const uint8_t *bytes, uint64_t guest,
                                uint64_t length, bool zero, struct vmf_error *error)
{
  *(zero ? &applying->result->zero_bytes : &applying->result->host_bytes) += length;
  return zero ? vmf_io_zero(applying->io, guest, length, false, error)
              : vmf_io_pwrite(applying->io, bytes, (size_t)length, guest, error);
}

/* A vmf_difference_visitor. */
static enum vmf_code apply_difference(void *data, const struct vmf_difference *difference,
                                      struct vmf_error *error)
{
  struct applying *applying = data;
  const struct vmf_apply_options *options = applying->options;
  struct vmf_difference part = *difference;

  if (!options->since)
    return write_part(applying, difference->bytes, difference->guest, difference->length,
                      difference->zero, error);
  for (uint64_t at = 0; at < difference->length; at += part.length) {
    bool stale;
    part.guest = difference->guest + at;
    part.length = vmf_min(STEP, difference->length - at);
    part.bytes = difference->bytes + at;
    part.were = difference->were + at;
    VMF_TRY(vmf_io_pread(applying->io, applying->found, (size_t)part.length, part.guest, error));
    VMF_TRY(vmf_part_check(&part, applying->found, applying->io->name, options->since,
                           applying->source, &stale, error));
    if (stale)
      VMF_TRY(write_part(applying, part.bytes, part.guest, part.length, part.zero, error));
  }
  return VMF_OK;
}

/* ---- the target ---- */

/* A file that is called an image of some format, and is none, is rather a damaged one than a raw
 * disk; what an export is called says nothing. */
static enum vmf_code check_called(const struct vmf_image *there, const char *path,
                                  struct vmf_error *error)
{
  const struct vmf_node *node = vmf_node(there);
  bool unknown = node->guessed || there->io->size == 0;

  if (!unknown || !node->contradicted || there->io->device || vmf_url_is_nbd(path))
    return VMF_OK;
  return vmf_fail(error, VMF_REFUSED,
                  "%s: the content matches no known format, nor is it the %s that the name says: "
                  "it is damaged, or something else; if it is a raw disk, say -F raw",
                  path, vmf_format_suffixed(vmf_content_name(there->io))->name);
}

static enum vmf_code open_there(const struct applying *applying, const char *path,
                                struct vmf_image **there, struct vmf_error *error)
{
  const struct vmf_image_options options = {.size = sizeof options,
                                            .format = applying->options->format,
                                            .no_refs = true,
                                            .ignore_locks = true, /* it is held already */
                                            .unknown_is_raw = true,
                                            .locked = true, /* it is not written into */
                                            .log = applying->options->log};

  VMF_TRY(vmf_image_open(path, &options, there, error));
  if (strcmp(vmf_image_format(*there), "raw") == 0)
    return check_called(*there, path, error);
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: is a disk of format %s, and only raw ones (files, devices, exports) and "
                  "files of QCOW2, VHD, VDI and VHDX are written into; \"vmferry convert\" makes "
                  "it anew",
                  path, vmf_image_format(*there));
}

static enum vmf_code check_format(const struct applying *applying, const char *path,
                                  struct vmf_error *error)
{
  struct vmf_image *there = NULL;
  enum vmf_code code = open_there(applying, path, &there, error);

  vmf_image_close(there);
  return code;
}

static enum vmf_code check_apart(const char *path, const struct vmf_image *image,
                                 struct vmf_error *error)
{
  const char *file = image ? vmf_image_file_at(image, path) : NULL;

  return file
             ? vmf_fail(error, VMF_USAGE, "%s: the target is a file of the source (%s)", path, file)
             : VMF_OK;
}

/* The target is as large as the disk is to be; a file grows. */
static enum vmf_code check_size(const struct applying *applying, struct vmf_error *error)
{
  struct vmf_io *io = applying->io;
  const struct vmf_image *since = applying->options->since;
  uint64_t size = applying->source->size;

  if (since && io->size < since->size)
    return vmf_fail(error, VMF_USAGE,
                    "%s: has %" PRIu64 " bytes, and %s %" PRIu64
                    ": this is no copy of it; without --since all of it is made equal",
                    io->name, io->size, vmf_image_path(since), since->size);
  if (io->size == size || (io->device && io->size > size))
    return VMF_OK;
  if (!io->device && io->size < size)
    return vmf_io_resize(io, size, error);
  return vmf_fail(
      error, VMF_USAGE, "%s: has %" PRIu64 " bytes, and the disk to be applied has %" PRIu64 "%s",
      io->name, io->size, size, io->device ? "" : "; \"vmferry convert\" makes a shorter one");
}

static enum vmf_code clear(const struct applying *applying, uint64_t start, uint64_t end,
                           struct vmf_error *error)
{
  size_t step;

  for (; start < end; start += step) {
    step = (size_t)vmf_min(STEP, end - start);
    VMF_TRY(vmf_io_pread(applying->io, applying->found, step, start, error));
    if (!vmf_is_zero(applying->found, step))
      VMF_TRY(vmf_io_zero(applying->io, start, step, false, error));
  }
  return VMF_OK;
}

/* What a copy of a disk that has grown since holds behind it, on a device, is nothing of either:
 * zeros stand there until the disk is compared. */
static enum vmf_code clear_growth(const struct applying *applying, struct vmf_error *error)
{
  const struct vmf_image *since = applying->options->since;
  uint64_t size = applying->source->size, start, end;

  for (uint64_t at = since ? since->size : size; at < size; at = end) {
    VMF_TRY(vmf_io_next_data(applying->io, at, &start, &end, error));
    end = vmf_min(end, size);
    VMF_TRY(clear(applying, vmf_max(start, at), end, error));
  }
  return VMF_OK;
}

/* What has been written, not what a second connection to an export may have kept. */
static enum vmf_code open_written(const struct applying *applying, struct vmf_image **there,
                                  struct vmf_error *error)
{
  const struct vmf_image_options options = {.size = sizeof options, .format = "raw"};
  struct vmf_image_origin origin = {0};

  VMF_TRY(vmf_io_to_medium(applying->io, error));
  VMF_TRY(vmf_io_window(applying->io, 0, applying->io->size, applying->io->name, false, &origin.io,
                        error));
  return vmf_image_open_origin(&origin, &options, there, error);
}

/* Reads all of both again. */
static enum vmf_code verify(const struct applying *applying, const struct vmf_job_options *job,
                            struct vmf_error *error)
{
  struct vmf_image *there = NULL;
  struct vmf_job_result result = {.size = sizeof result};

  enum vmf_code code = open_written(applying, &there, error);
  struct vmf_differing differing = {
      .a = there, .b = applying->source, .size = applying->source->size, .a_changes = true};
  if (code == VMF_OK)
    code = vmf_differences(&differing, job, &result, error);
  vmf_image_close(there);
  if (code != VMF_OK || result.identical)
    return code;
  return vmf_fail(error, VMF_DIFFERENT,
                  "%s: verification failed: byte %" PRIu64 " is not as it is in %s%s",
                  applying->io->name, result.difference, vmf_image_path(applying->source),
                  applying->options->since ? "; without --since all of it is made equal" : "");
}

static enum vmf_code apply_all(struct applying *applying, const char *path,
                               const struct vmf_job_options *job, struct vmf_error *error)
{
  struct vmf_image *there = NULL, *since = applying->options->since;
  struct vmf_differing differing = {.b = applying->source,
                                    .size = applying->source->size,
                                    .a_changes = !since,
                                    .visit = apply_difference,
                                    .data = applying};

  VMF_TRY(check_format(applying, path, error));
  VMF_TRY(check_size(applying, error));
  VMF_TRY(clear_growth(applying, error));
  enum vmf_code code = since ? VMF_OK : open_there(applying, path, &there, error);
  differing.a = since ? since : there;
  if (code == VMF_OK)
    code = vmf_differences(&differing, job, applying->result, error);
  vmf_image_close(there);
  if (code == VMF_OK)
    code = vmf_io_flush(applying->io, error);
  if (code == VMF_OK && applying->options->verify)
    code = verify(applying, job, error);
  return code == VMF_OK ? vmf_io_end(applying->io, error) : code;
}

static enum vmf_code apply(struct applying *applying, const char *path,
                           const struct vmf_job_options *job, struct vmf_error *error)
{
  const struct vmf_apply_options *options = applying->options;
  VMF_AUTO_FREE void *found = NULL;
  struct vmf_image *there;

  VMF_TRY(check_apart(path, applying->source, error));
  VMF_TRY(check_apart(path, options->since, error));
  VMF_TRY(vmf_image_seekable(applying->source, error));
  if (options->since && options->since->size > applying->source->size)
    return vmf_fail(error, VMF_USAGE,
                    "%s: has %" PRIu64 " bytes, and %s, which it came from, %" PRIu64
                    ": a disk that was made smaller is converted anew",
                    vmf_image_path(applying->source), applying->source->size,
                    vmf_image_path(options->since), options->since->size);
  VMF_TRY(vmf_apply_find_image(path, options, &there, error));
  if (there) {
    enum vmf_code code =
        vmf_apply_to_image(applying->source, there, options, job, applying->result, error);
    vmf_image_close(there);
    return code;
  }
  VMF_TRY(vmf_alloc(STEP, &found, error));
  applying->found = found;
  VMF_TRY(vmf_update_open(path, !options->no_sync, options->ignore_locks, &applying->io, error));
  enum vmf_code code = apply_all(applying, path, job, error);
  vmf_io_close(applying->io);
  return code;
}

enum vmf_code vmf_apply(struct vmf_image *source, const char *path,
                        const struct vmf_apply_options *options, const struct vmf_job_options *job,
                        struct vmf_job_result *result, struct vmf_error *error)
{
  struct vmf_apply_options own;
  struct vmf_job_options own_job;
  struct vmf_job_result found;
  VMF_AUTO_FREE char *plain = NULL;

  VMF_REQUIRE(source, error);
  VMF_REQUIRE(path, error);
  VMF_TRY(vmf_take_apply_options(options, &own, error));
  VMF_TRY(vmf_take_job_options(job, &own_job, error));
  VMF_TRY(vmf_take_job_result(result, &found, error));
  VMF_TRY(vmf_url_is_nbd(path) ? vmf_url_resolve(path, &plain, error)
                               : vmf_location_resolve(path, false, &plain, error));
  struct applying applying = {.source = source, .options = &own, .result = &found};
  enum vmf_code code = apply(&applying, plain, &own_job, error);
  vmf_give_job_result(&found, result);
  return code;
}
