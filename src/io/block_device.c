/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Block devices: a fixed size, and zeros that the device itself can make. BLKDISCARD, after which
 * it may show anything, is not used. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "checked.h"
#include "descriptor.h"

enum {
  DEVICE_UNIT = 4096,       /* no device has larger logical blocks in practice */
  CLEARED_AT_ONCE = 1 << 30 /* bytes: it can be killed between */
};

enum vmf_code vmf_device_size(int number, const char *name, uint64_t *size, struct vmf_error *error)
{
  if (ioctl(number, BLKGETSIZE64, size) < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: the size of the device cannot be found", name);
  return VMF_OK;
}

static enum vmf_code device_within(const struct vmf_io *io, uint64_t offset, uint64_t length,
                                   struct vmf_error *error)
{
  if (vmf_range_within(offset, length, io->size))
    return VMF_OK;
  return vmf_fail(error, VMF_WRITE,
                  "%s: no space left on device: %" PRIu64
                  " bytes were to be written at byte %" PRIu64 ", the device has %" PRIu64 " bytes",
                  io->name, length, offset, io->size);
}

static enum vmf_code device_pwrite(struct vmf_io *io, const struct vmf_piece *pieces,
                                   unsigned count, uint64_t offset, struct vmf_error *error)
{
  uint64_t length = 0;
  for (unsigned i = 0; i < count; i++)
    length += pieces[i].length; /* vmf_io_pwrite_pieces has checked the sum */
  VMF_TRY(device_within(io, offset, length, error));
  return vmf_descriptor_pwrite(io, pieces, count, offset, error);
}

/* Zeros that the device makes by itself, and frees what it can. Where it has no such command the
 * kernel refuses: it writes no zeros for this call. */
static bool device_punch(const struct vmf_descriptor *device, uint64_t offset, uint64_t length)
{
  int result;
  do
    result = fallocate(device->number, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                       (off_t)length);
  while (result < 0 && errno == EINTR);
  return result == 0;
}

/* BLKZEROOUT gives zeros, too, whoever has to write them. */
static bool device_make_zeros(const struct vmf_descriptor *device, uint64_t offset, uint64_t length,
                              bool allocate)
{
  uint64_t range[2] = {offset, length};
  return (!allocate && device_punch(device, offset, length)) ||
         ioctl(device->number, BLKZEROOUT, range) == 0;
}

static enum vmf_code device_zero(struct vmf_io *io, uint64_t offset, uint64_t length, bool allocate,
                                 struct vmf_error *error)
{
  struct vmf_descriptor *device = (struct vmf_descriptor *)io;
  uint64_t end = offset + length;
  VMF_TRY(device_within(io, offset, length, error));
  uint64_t first = vmf_min(vmf_align_up(offset, DEVICE_UNIT), end);
  uint64_t last = vmf_max(vmf_align_down(end, DEVICE_UNIT), first);
  VMF_TRY(vmf_descriptor_write_zeros(device, offset, first - offset, error));
  if (last > first && !device_make_zeros(device, first, last - first, allocate))
    VMF_TRY(vmf_descriptor_write_zeros(device, first, last - first, error));
  return vmf_descriptor_write_zeros(device, last, end - last, error);
}

/* One command for many small ones: a disk may have a hole every few KiB. What an interrupted run
 * left is kept: then zeros are written. */
static enum vmf_code device_clear(struct vmf_io *io, uint64_t length, struct vmf_error *error)
{
  struct vmf_descriptor *device = (struct vmf_descriptor *)io;
  uint64_t end = vmf_align_down(length, DEVICE_UNIT), step;
  if (atomic_load(&device->kept))
    return VMF_OK;
  for (uint64_t at = 0; at < end; at += step) {
    step = vmf_min(CLEARED_AT_ONCE, end - at);
    if (!device_punch(device, at, step))
      return VMF_OK;
  }
  VMF_TRY(vmf_descriptor_write_zeros(device, end, length - end, error));
  io->reads_as_zero = true;
  return VMF_OK;
}

static enum vmf_code device_resize(struct vmf_io *io, uint64_t size, struct vmf_error *error)
{
  if (size <= io->size)
    return VMF_OK;
  return vmf_fail(error, VMF_WRITE, "%s: the device has %" PRIu64 " bytes, %" PRIu64 " are needed",
                  io->name, io->size, size);
}

static const struct vmf_io_ops device_source_ops = {
    .kind = "device",
    .pread = vmf_descriptor_pread,
    .close = vmf_descriptor_close,
};

static const struct vmf_io_ops device_target_ops = {
    .kind = "device",
    .pread = vmf_descriptor_pread,
    .pwrite = device_pwrite,
    .zero = device_zero,
    .clear = device_clear,
    .resize = device_resize,
    .flush = vmf_descriptor_flush,
    .end = vmf_descriptor_end,
    .close = vmf_descriptor_close,
};

static enum vmf_code device_new(const struct vmf_io_ops *ops, int number, const char *name,
                                bool sync, struct vmf_io **io, struct vmf_error *error)
{
  struct vmf_descriptor *device;
  VMF_TRY(vmf_descriptor_new(ops, number, name, &device, error));
  device->io.device = true;
  device->sync = sync;
  enum vmf_code code = vmf_device_size(number, name, &device->io.size, error);
  if (code != VMF_OK)
    vmf_io_close(&device->io);
  else
    *io = &device->io;
  return code;
}

enum vmf_code vmf_io_read_device(int number, const char *name, struct vmf_io **io,
                                 struct vmf_error *error)
{
  return device_new(&device_source_ops, number, name, false, io, error);
}

enum vmf_code vmf_io_write_device(int number, const char *name, bool sync, struct vmf_io **io,
                                  struct vmf_error *error)
{
  return device_new(&device_target_ops, number, name, sync, io, error);
}
