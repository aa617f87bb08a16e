/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Reads a finished target back through its reader and compares the guest content with what was read
 * from the source. */
#include <string.h>

#include "caller.h"
#include "cancel.h"
#include "checked.h"
#include "journal.h"
#include "memory.h"
#include "run.h"
#include "zero.h"

enum { TAIL_BYTES = 256 << 10 };

static enum vmf_code check_zeros(const struct vmf_target *target, struct vmf_image *image,
                                 const struct vmf_cancel *cancel, struct vmf_error *error)
{
  VMF_AUTO_FREE void *bytes = NULL;

  VMF_TRY(vmf_alloc_pages(TAIL_BYTES, &bytes, error));
  for (uint64_t at = target->guest_size; at < image->size;) {
    size_t length = (size_t)vmf_min(image->size - at, TAIL_BYTES);
    VMF_TRY(vmf_cancelled(cancel, error));
    VMF_TRY(vmf_image_pread(image, bytes, length, at, error));
    if (!vmf_is_zero(bytes, length))
      return vmf_fail(
          error, VMF_DIFFERENT,
          "%s: verification failed: data stands behind the end of the disk (%llu bytes)",
          target->name, (unsigned long long)target->guest_size);
    at += length;
  }
  return VMF_OK;
}

/* Formats that count in sectors fill the last one with zeros, and some fill up more; nothing else
 * may stand behind the disk's end. */
static enum vmf_code check_size(const struct vmf_target *target, struct vmf_image *image,
                                const struct vmf_cancel *cancel, struct vmf_error *error)
{
  uint64_t sector = target->shape.sector > 0 ? target->shape.sector : 512;
  uint64_t filled_to = target->shape.filled_to;
  bool right = filled_to > 0
                   ? image->size == filled_to
                   : image->size >= target->guest_size && image->size - target->guest_size < sector;

  if (target->io->device && image->size > target->guest_size)
    return VMF_OK; /* a device may be larger than the disk that is on it */
  if (right)
    return check_zeros(target, image, cancel, error);
  return vmf_fail(error, VMF_DIFFERENT,
                  "%s: verification failed: the disk that was written has %llu bytes, the "
                  "source has %llu",
                  target->name, (unsigned long long)image->size,
                  (unsigned long long)target->guest_size);
}

static enum vmf_code compare_checksums(const struct vmf_target *target,
                                       const struct vmf_job_result *found,
                                       const struct vmf_job_result *expected,
                                       struct vmf_error *error)
{
  char found_text[2 * VMF_CHECKSUM_MAX + 1], expected_text[2 * VMF_CHECKSUM_MAX + 1];

  if (found->checksum_length == expected->checksum_length &&
      memcmp(found->checksum, expected->checksum, expected->checksum_length) == 0)
    return VMF_OK;
  vmf_digest_text(found->checksum, found->checksum_length, found_text);
  vmf_digest_text(expected->checksum, expected->checksum_length, expected_text);
  return vmf_fail(error, VMF_DIFFERENT,
                  "%s: verification failed: the content that was written has checksum %s, what "
                  "was read has %s",
                  target->name, found_text, expected_text);
}

static enum vmf_code verify(struct vmf_target *target, const struct vmf_job_options *options,
                            const struct vmf_job_result *expected, struct vmf_error *error)
{
  struct vmf_image *image;
  struct vmf_job_result found;

  if (expected->checksum_length == 0)
    return vmf_fail(
        error, VMF_USAGE,
        "%s: verification needs the checksum of what was read: ask vmf_convert for one (checksum)",
        target->name);
  VMF_TRY(vmf_target_check_finished(target, error));
  VMF_TRY(vmf_target_reopen(target, options->cancel, &image, error));
  enum vmf_code code = check_size(target, image, options->cancel, error);
  if (code == VMF_OK)
    code = vmf_copy_checksum(image, target->guest_size, options, &found, error);
  if (code == VMF_OK)
    code = compare_checksums(target, &found, expected, error);
  vmf_target_reopened_close(image);
  return code;
}

enum vmf_code vmf_verify(struct vmf_target *target, const struct vmf_job_options *options,
                         const struct vmf_job_result *expected, struct vmf_error *error)
{
  struct vmf_job_options own;
  struct vmf_job_result known;

  VMF_REQUIRE(target, error);
  VMF_REQUIRE(expected, error);
  VMF_TRY(vmf_take_job_options(options, &own, error));
  VMF_TRY(vmf_take_job_result(expected, &known, error));
  enum vmf_code code = verify(target, &own, &known, error);
  vmf_journal_leave_finished(target, code);
  return code;
}
