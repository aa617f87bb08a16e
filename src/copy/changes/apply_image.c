/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "apply_image.h"

#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "clone.h"
#include "copy_io.h"
#include "differences.h"
#include "file.h"
#include "log.h"
#include "memory.h"
#include "output.h"
#include "part_check.h"
#include "view.h"
#include "zero.h"

enum { STEP = 1 << 20 /* bytes of a unit that are written together */ };

struct applying {
  struct vmf_image *source, *there;
  const struct vmf_apply_options *options;
  struct vmf_job_result *result;
  struct vmf_update update;
  uint32_t unit, step;    /* of the unit, at most STEP */
  uint8_t *bytes, *found; /* a step each */
};

/* What is written into are the bytes of the file, and not what it unpacks to, or holds. */
static enum vmf_code check_whole(const struct vmf_image *there, const char *path,
                                 struct vmf_error *error)
{
  if (!there->io->ops->below)
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: its disk is in a %s, and only one that is a whole file by itself is written "
                  "into; unpack it, or join its parts, before",
                  path, there->io->ops->kind);
}

enum vmf_code vmf_apply_find_image(const char *path, const struct vmf_apply_options *options,
                                   struct vmf_image **there, struct vmf_error *error)
{
  const struct vmf_image_options image_options = {.size = sizeof image_options,
                                                  .format = options->format,
                                                  .ignore_locks = true, /* the output looks */
                                                  .unknown_is_raw = true,
                                                  .locked = true, /* it is not written into */
                                                  .log = options->log};

  *there = NULL;
  if (!vmf_output_replaces(path))
    return VMF_OK;
  VMF_TRY(vmf_image_open(path, &image_options, there, error));
  enum vmf_code code = check_whole(*there, path, error);
  if (code == VMF_OK && (*there)->format->updater && !vmf_node(*there)->contradicted)
    return VMF_OK;
  vmf_image_close(*there);
  *there = NULL;
  return code;
}

/* ---- writing ---- */

static enum vmf_code write_step(struct applying *applying, uint64_t guest, uint64_t host,
                                struct vmf_error *error)
{
  struct vmf_io *io = applying->update.io;
  uint64_t left = applying->source->size - vmf_min(guest, applying->source->size);
  size_t length = (size_t)vmf_min(applying->step, left);

  memset(applying->bytes + length, 0, applying->step - length);
  if (length > 0)
    VMF_TRY(vmf_image_pread(applying->source, applying->bytes, length, guest, error));
  return vmf_is_zero(applying->bytes, applying->step)
             ? vmf_io_zero(io, host, applying->step, false, error)
             : vmf_io_pwrite(io, applying->bytes, applying->step, host, error);
}

/* A unit that had no place is written whole, as the source has it. */
static enum vmf_code write_unit(struct applying *applying, uint64_t guest, uint64_t host,
                                struct vmf_error *error)
{
  for (uint64_t at = 0; at < applying->unit; at += applying->step)
    VMF_TRY(write_step(applying, guest + at, host + at, error));
  return VMF_OK;
}

static enum vmf_code write_part(struct applying *applying, const struct vmf_difference *part,
                                struct vmf_error *error)
{
  struct vmf_update *update = &applying->update;
  uint64_t unit = vmf_align_down(part->guest, applying->unit), host;
  bool fresh;

  *(part->zero ? &applying->result->zero_bytes : &applying->result->host_bytes) += part->length;
  VMF_TRY(applying->there->format->updater->place(update, unit, &host, &fresh, error));
  if (fresh)
    return write_unit(applying, unit, host, error);
  host += part->guest - unit;
  return part->zero ? vmf_io_zero(update->io, host, part->length, false, error)
                    : vmf_io_pwrite(update->io, part->bytes, (size_t)part->length, host, error);
}

/* A vmf_difference_visitor. */
static enum vmf_code apply_difference(void *data, const struct vmf_difference *difference,
                                      struct vmf_error *error)
{
  struct applying *applying = data;
  struct vmf_image *there = applying->there, *since = applying->options->since;
  struct vmf_difference part = *difference;

  for (uint64_t at = 0; at < difference->length; at += part.length) {
    bool stale = true;
    part.guest = difference->guest + at;
    part.length = vmf_min(applying->step - part.guest % applying->step, difference->length - at);
    part.bytes = difference->bytes + at;
    part.were = difference->were + at;
    if (since) {
      VMF_TRY(vmf_image_pread(there, applying->found, (size_t)part.length, part.guest, error));
      VMF_TRY(vmf_part_check(&part, applying->found, vmf_image_path(there), since, applying->source,
                             &stale, error));
    }
    if (stale)
      VMF_TRY(write_part(applying, &part, error));
  }
  return VMF_OK;
}

/* ---- the copy ---- */

static enum vmf_code copy_file(const struct applying *applying, const struct vmf_job_options *job,
                               struct vmf_error *error)
{
  struct vmf_io *from = applying->there->io, *to = applying->update.io;
  const struct vmf_copy_io copy = {.from = from, .to = to, .cancel = job->cancel};

  if (vmf_io_clone(to, 0, from, 0, from->size))
    return VMF_OK;
  vmf_note(applying->options->log,
           "%s: the file system does not share extents, so that all of the file is copied first",
           from->name);
  return vmf_copy_io(&copy, error);
}

static enum vmf_code check_clean(struct vmf_image *image, const char *advice,
                                 struct vmf_error *error)
{
  struct vmf_findings findings = {.size = sizeof findings};

  VMF_TRY(vmf_image_check(image, &findings, error));
  if (findings.corruptions + findings.leaks + findings.check_errors == 0)
    return VMF_OK;
  return vmf_fail(
      error, VMF_CORRUPT, "%s: a check finds %" PRIu64 " errors and %" PRIu64 " leaked clusters%s",
      vmf_image_path(image), findings.corruptions + findings.check_errors, findings.leaks, advice);
}

/* The copy as an image, from the medium where all of it is compared. */
static enum vmf_code open_copy(const struct applying *applying, struct vmf_image **copy,
                               struct vmf_error *error)
{
  const struct vmf_image_options options = {
      .size = sizeof options, .format = applying->there->format->name, .no_refs = true};
  struct vmf_io *io = applying->update.io;
  struct vmf_image_origin origin = {0};

  if (applying->options->verify)
    VMF_TRY(vmf_io_to_medium(io, error));
  VMF_TRY(
      vmf_io_window(io, 0, io->size, vmf_image_path(applying->there), false, &origin.io, error));
  return vmf_image_open_origin(&origin, &options, copy, error);
}

static enum vmf_code compare(const struct applying *applying, struct vmf_image *copy,
                             const struct vmf_job_options *job, struct vmf_error *error)
{
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_differing differing = {
      .a = copy, .b = applying->source, .size = applying->source->size, .a_changes = true};

  VMF_TRY(vmf_differences(&differing, job, &result, error));
  if (result.identical)
    return VMF_OK;
  return vmf_fail(error, VMF_DIFFERENT,
                  "%s: verification failed: guest byte %" PRIu64 " is not as it is in %s%s",
                  vmf_image_path(applying->there), result.difference,
                  vmf_image_path(applying->source),
                  applying->options->since ? "; without --since all of it is made equal" : "");
}

static enum vmf_code prove_copy(const struct applying *applying, const struct vmf_job_options *job,
                                struct vmf_error *error)
{
  struct vmf_image *copy = NULL;
  enum vmf_code code = open_copy(applying, &copy, error);

  if (code == VMF_OK)
    code = check_clean(copy, ", behind what was written into it; it stays as it was", error);
  if (code == VMF_OK && applying->options->verify)
    code = compare(applying, copy, job, error);
  vmf_image_close(copy);
  return code;
}

/* ---- all of it ---- */

static enum vmf_code write_changes(struct applying *applying, const struct vmf_job_options *job,
                                   struct vmf_error *error)
{
  struct vmf_image *since = applying->options->since;
  struct vmf_differing differing = {.a = since ? since : applying->there,
                                    .b = applying->source,
                                    .size = applying->source->size,
                                    .visit = apply_difference,
                                    .data = applying};

  VMF_TRY(copy_file(applying, job, error));
  VMF_TRY(applying->there->format->updater->begin(&applying->update, error));
  VMF_TRY(vmf_differences(&differing, job, applying->result, error));
  VMF_TRY(vmf_image_unchanged(applying->there, error));
  return prove_copy(applying, job, error);
}

static enum vmf_code prepare(struct applying *applying, struct vmf_error *error)
{
  const struct vmf_image *there = applying->there;
  const struct vmf_updater *updater = there->format->updater;
  const char *why = updater->obstacle(there);
  void *memory;

  if (applying->source->size != there->size)
    return vmf_fail(error, VMF_USAGE,
                    "%s: is a disk of %" PRIu64 " bytes, and the one to be applied has %" PRIu64
                    "; \"vmferry convert\" makes it anew",
                    vmf_image_path(there), there->size, applying->source->size);
  if (why)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: has %s, and only an image without is written into; \"vmferry convert\" "
                    "makes it anew",
                    vmf_image_path(there), why);
  VMF_TRY(check_clean(applying->there, "; \"vmferry convert\" makes it anew", error));
  applying->unit = there->unit > 0 ? there->unit : STEP;
  applying->step = (uint32_t)vmf_min(applying->unit, STEP);
  VMF_TRY(vmf_alloc_pages(applying->step, &memory, error));
  applying->bytes = memory;
  VMF_TRY(vmf_alloc_pages(applying->step, &memory, error));
  applying->found = memory;
  VMF_TRY(vmf_alloc(updater->state_size, &memory, error));
  applying->update.state = memory;
  return VMF_OK;
}

static enum vmf_code apply(struct applying *applying, const struct vmf_job_options *job,
                           struct vmf_error *error)
{
  const struct vmf_apply_options *options = applying->options;
  const struct vmf_output_options output_options = {
      .no_sync = options->no_sync, .ignore_locks = options->ignore_locks, .log = options->log};
  struct vmf_output *output = NULL;

  enum vmf_code code = vmf_output_new(applying->there->io->name, &output_options, &output, error);
  if (code == VMF_OK) {
    applying->update.io = vmf_output_main(output);
    code = prepare(applying, error);
  }
  if (code == VMF_OK)
    code = write_changes(applying, job, error);
  if (code == VMF_OK && applying->result->host_bytes + applying->result->zero_bytes > 0)
    code = vmf_output_commit(output, error);
  vmf_output_close(output);
  return code;
}

enum vmf_code vmf_apply_to_image(struct vmf_image *source, struct vmf_image *there,
                                 const struct vmf_apply_options *options,
                                 const struct vmf_job_options *job, struct vmf_job_result *result,
                                 struct vmf_error *error)
{
  struct applying applying = {.source = source,
                              .there = there,
                              .options = options,
                              .result = result,
                              .update = {.image = there}};
  enum vmf_code code = apply(&applying, job, error);

  if (applying.update.state && there->format->updater->release)
    there->format->updater->release(&applying.update);
  vmf_free(applying.update.state);
  vmf_free(applying.bytes);
  vmf_free(applying.found);
  return code;
}
