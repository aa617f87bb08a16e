/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The members of a tar archive that is being written: POSIX.1-1988 ustar, with the one
 * extension for large sizes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "tar.h"
#include "tar_names.h"

enum { RECORD = 20 * VMF_TAR_BLOCK };

/* Twelve bytes: eleven octal digits and a NUL hold less than 8 GiB. */
#define OCTAL_MAX ((UINT64_C(1) << 33) - 1)

static void put_octal(uint8_t *field, size_t digits, uint64_t value)
{
  for (size_t i = digits; i > 0; i--, value >>= 3)
    field[i - 1] = (uint8_t)('0' + (value & 7));
}

static void put_size(uint8_t field[12], uint64_t size)
{
  if (size <= OCTAL_MAX) {
    put_octal(field, 11, size);
    return;
  }
  field[0] = 0x80;
  put_be64(field + 4, size);
}

/* The field counts as eight spaces in its own sum. */
static void put_sum(uint8_t header[VMF_TAR_BLOCK])
{
  unsigned sum = 0;
  memset(header + 148, ' ', 8);
  for (size_t i = 0; i < VMF_TAR_BLOCK; i++)
    sum += header[i];
  put_octal(header + 148, 6, sum);
  header[154] = '\0';
}

enum vmf_code vmf_tar_header(const char *name, uint64_t size, uint64_t mtime,
                             uint8_t out[VMF_TAR_BLOCK], struct vmf_error *error)
{
  size_t length = strlen(name);
  if (length == 0 || length > VMF_TAR_NAME_WRITTEN)
    return vmf_fail(error, VMF_USAGE,
                    "%s: has %zu bytes in its name; a file in an archive has 1 to %d", name, length,
                    VMF_TAR_NAME_WRITTEN);
  const char *fault = vmf_tar_name_fault(name);
  if (fault)
    return vmf_fail(error, VMF_USAGE,
                    "%s: no file in an archive can be called so: the name %s; choose another", name,
                    fault);
  if (size > INT64_MAX)
    return vmf_fail(error, VMF_USAGE, "%s: %" PRIu64 " bytes are more than an archive can hold",
                    name, size);
  memset(out, 0, VMF_TAR_BLOCK);
  memcpy(out, name, length);
  put_octal(out + 100, 7, 0644);
  put_octal(out + 108, 7, 0);
  put_octal(out + 116, 7, 0);
  put_size(out + 124, size);
  put_octal(out + 136, 11, vmf_min(mtime, OCTAL_MAX));
  out[156] = '0';
  memcpy(out + 257,
         "ustar\0"
         "00",
         8);
  put_octal(out + 329, 7, 0);
  put_octal(out + 337, 7, 0);
  put_sum(out);
  return VMF_OK;
}

void vmf_tar_header_as_gnu(uint8_t header[VMF_TAR_BLOCK])
{
  memcpy(header + 257, "ustar  ", 8);
  memset(header + 329, 0, 16); /* the numbers of a device */
  put_sum(header);
}

uint64_t vmf_tar_padding(uint64_t size)
{
  return -size & (VMF_TAR_BLOCK - 1);
}

uint64_t vmf_tar_ending(uint64_t offset)
{
  uint64_t least = 2 * VMF_TAR_BLOCK, over = (offset % RECORD + least) % RECORD;
  return least + (over == 0 ? 0 : RECORD - over);
}

uint64_t vmf_tar_next(uint64_t header, uint64_t size)
{
  return header + VMF_TAR_BLOCK + size + vmf_tar_padding(size);
}

enum vmf_code vmf_tar_put_header(struct vmf_io *archive, uint64_t offset, const char *name,
                                 uint64_t size, uint64_t mtime, struct vmf_error *error)
{
  uint8_t header[VMF_TAR_BLOCK];

  VMF_TRY(vmf_tar_header(name, size, mtime, header, error));
  return vmf_io_pwrite(archive, header, sizeof header, offset, error);
}

/* The archive reaches behind them, too, where zeros are left out. */
static enum vmf_code put_zeros(struct vmf_io *archive, uint64_t offset, uint64_t length,
                               struct vmf_error *error)
{
  if (length > 0)
    VMF_TRY(vmf_io_zero(archive, offset, length, false, error));
  return archive->size < offset + length ? vmf_io_resize(archive, offset + length, error) : VMF_OK;
}

enum vmf_code vmf_tar_pad(struct vmf_io *archive, uint64_t header, uint64_t size,
                          struct vmf_error *error)
{
  return put_zeros(archive, header + VMF_TAR_BLOCK + size, vmf_tar_padding(size), error);
}

enum vmf_code vmf_tar_put(struct vmf_io *archive, uint64_t offset, const char *name,
                          const void *bytes, size_t length, uint64_t mtime, struct vmf_error *error)
{
  const struct vmf_piece pieces[] = {
      {.data = bytes, .length = length},
      {.data = NULL, .length = (size_t)vmf_tar_padding(length)},
  };

  VMF_TRY(vmf_tar_put_header(archive, offset, name, length, mtime, error));
  return vmf_io_pwrite_pieces(archive, pieces, 2, offset + VMF_TAR_BLOCK, error);
}

enum vmf_code vmf_tar_finish(struct vmf_io *archive, uint64_t offset, struct vmf_error *error)
{
  return put_zeros(archive, offset, vmf_tar_ending(offset), error);
}
