/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Around the disk in an archive for GCE ("Import a boot disk image", its requirements of the image
 * file). */
#include "raw_archive.h"

#include "checked.h"
#include "memory.h"
#include "tar.h"

enum { ZEROS = VMF_WHOLE_UNIT, GIB_BITS = 30 };

enum vmf_code raw_archive_shape(uint64_t guest_size, struct vmf_shape *shape,
                                struct vmf_error *error)
{
  uint64_t gib = UINT64_C(1) << GIB_BITS;

  if (guest_size > INT64_MAX - gib)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "format raw: archive=gce: a disk of %llu bytes is more than an archive holds",
                    (unsigned long long)guest_size);
  shape->member = "disk.raw";
  shape->filled_to = vmf_div_up(guest_size, gib) << GIB_BITS;
  return VMF_OK;
}

/* The same bytes so many times, as a gzip member each. */
static enum vmf_code put(struct vmf_target *target, const void *bytes, size_t length,
                         uint64_t times, uint64_t *end, struct vmf_error *error)
{
  size_t room = vmf_pack_bound(VMF_CODEC_GZIP_MEMBER, length), packed = 0;
  struct vmf_packer *packer;
  VMF_AUTO_FREE void *member = NULL;

  VMF_TRY(vmf_alloc(room, &member, error));
  VMF_TRY(vmf_packer_new(VMF_CODEC_GZIP_MEMBER, target->shape.level, &packer, error));
  enum vmf_code code = vmf_pack(packer, bytes, length, 0, member, room, &packed, error);
  vmf_packer_free(packer);
  for (; code == VMF_OK && times > 0; times--, *end += packed)
    code = vmf_io_pwrite(target->io, member, packed, *end, error);
  return code;
}

enum vmf_code raw_archive_begin(struct vmf_target *target, uint64_t *end, struct vmf_error *error)
{
  uint8_t header[VMF_TAR_BLOCK];
  uint64_t size = target->shape.filled_to;

  if (size > target->guest_size)
    vmf_warn(target->log,
             "%s: the disk is filled up with zeros to %llu GiB, as GCE takes whole GiB alone",
             target->name, (unsigned long long)(size >> GIB_BITS));
  VMF_TRY(vmf_tar_header(target->shape.member, size, 0, header, error));
  vmf_tar_header_as_gnu(header);
  return put(target, header, sizeof header, 1, end, error);
}

enum vmf_code raw_archive_finish(struct vmf_target *target, uint64_t *end, struct vmf_error *error)
{
  VMF_AUTO_FREE void *zeros = NULL;
  uint64_t size = target->shape.filled_to, left = size - target->guest_size;

  VMF_TRY(vmf_alloc(ZEROS, &zeros, error));
  if (left / ZEROS > 0)
    VMF_TRY(put(target, zeros, ZEROS, left / ZEROS, end, error));
  if (left % ZEROS > 0)
    VMF_TRY(put(target, zeros, left % ZEROS, 1, end, error));
  return put(target, zeros, (size_t)vmf_tar_ending(VMF_TAR_BLOCK + size), 1, end, error);
}
