/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One target a format: the input is an image. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../formats/partclone/partclone.h"
#include "../../formats/vma/md5.h"
#include "bytes.h"
#include "checked.h"
#include "examine.h"
#include "fuzz.h"

/* A mutated header almost never has a right checksum: those of VHD and VMA are made right, so that
 * what lies behind them is reached. Of VHD half of the inputs (by size) keep their wrong ones. */
static void mend_vhd_sum(uint8_t *bytes, size_t length, size_t at)
{
  uint32_t sum = 0;
  memset(bytes + at, 0, 4);
  for (size_t i = 0; i < length; i++)
    sum += bytes[i];
  put_be32(bytes + at, ~sum);
}

/* The MD5 of the header, and of each extent's. */
static void mend_vma(uint8_t *bytes, size_t size)
{
  uint64_t at = size < 60 ? size : get_be32(bytes + 56);

  if (at < size)
    vma_md5(bytes, at, 32, bytes + 32);
  for (; vmf_range_within(at, 512, size) && memcmp(bytes + at, "VMAE", 4) == 0;
       at += 512 + 4096 * (uint64_t)get_be16(bytes + at + 6))
    vma_md5(bytes + at, 512, 24, bytes + at + 24);
}

/* The checksum of the header, and of the map. */
static void mend_partclone(uint8_t *bytes, size_t size)
{

  if (size < 110 || memcmp(bytes + 30, "0002", 4) != 0)
    return;
  put_le32(bytes + 106, partclone_crc(UINT32_MAX, bytes, 106));
  uint64_t length = get_le64(bytes + 60);
  length = bytes[105] == 1 ? vmf_div_up(length, 8) : length;
  if (length < size && vmf_range_within(110, length + 4, size))
    put_le32(bytes + 110 + length, partclone_crc(UINT32_MAX, bytes + 110, (size_t)length));
}

static void mend(const char *format, uint8_t *bytes, size_t size)
{
  if (strcmp(format, "vma") == 0)
    mend_vma(bytes, size);
  if (strcmp(format, "partclone") == 0)
    mend_partclone(bytes, size);
  if (strcmp(format, "vpc") != 0 || size < 512 || size % 2)
    return;
  mend_vhd_sum(bytes + size - 512, 512, 64);
  if (size < 2048)
    return;
  uint64_t header = get_be64(bytes + 16);
  if (vmf_range_within(header, 1024, size))
    mend_vhd_sum(bytes + header, 1024, 36);
  mend_vhd_sum(bytes, 512, 64);
}

void fuzz_image(const char *format, const uint8_t *data, size_t size)
{
  struct vmf_error error;
  struct vmf_io *io;
  uint8_t *copy = malloc(size + 1);

  memcpy(copy, data, size);
  mend(format, copy, size);
  if (vmf_io_memory("fuzz/input", copy, size, &io, &error) != VMF_OK)
    abort();
  free(copy);
  examine_io(io, format);
}
