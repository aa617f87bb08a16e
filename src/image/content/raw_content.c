/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "raw_content.h"

#include <string.h>

#include "checked.h"
#include "image.h"
#include "memory.h"
#include "series.h"
#include "unpack.h"
#include "zero.h"

/* Where file systems and volumes say what they are (their own documentation; libblkid's names). */
static const struct superblock {
  const char *name, *bytes;
  size_t length;
  uint64_t offset;
} superblocks[] = {
    {"XFS", "XFSB", 4, 0},
    {"NTFS", "NTFS    ", 8, 3},
    {"exFAT", "EXFAT   ", 8, 3},
    {"BitLocker", "-FVE-FS-", 8, 3},
    {"FAT", "FAT12   ", 8, 54},
    {"FAT", "FAT16   ", 8, 54},
    {"FAT", "FAT32   ", 8, 82},
    {"squashfs", "hsqs", 4, 0},
    {"cramfs", "Compressed ROMFS", 16, 16},
    {"APFS", "NXSB", 4, 32},
    {"LVM", "LABELONE", 8, 512},
    {"Apple partition map", "PM\0\0", 4, 512},
    {"HFS+", "H+\0\4", 4, 1024},
    {"HFSX", "HX\0\5", 4, 1024},
    {"erofs", "\xe2\xe1\xf5\xe0", 4, 1024},
    {"F2FS", "\x10\x20\xf5\xf2", 4, 1024},
    {"ext", "\x53\xef", 2, 1080},
    {"swap", "SWAPSPACE2", 10, 4086},
    {"MD RAID", "\xfc\x4e\x2b\xa9\1\0\0\0", 8, 4096},
    {"JFS", "JFS1", 4, 32768},
    {"ISO 9660", "CD001", 5, 32769},
    {"UDF", "BEA01", 5, 32769},
    {"ReiserFS", "ReIsEr", 6, 65588},
    {"Btrfs", "_BHRfS_M", 8, 65600},
};

/* An ext superblock has a magic number of two bytes: its block size and state are looked at, too.
 */
static bool is_plausible(const struct superblock *block, const uint8_t *head)
{
  if (block->length > 2)
    return true;
  const uint8_t *super = head + 1024;
  return super[24] <= 6 && super[25] == 0 && super[26] == 0 && super[27] == 0 && super[58] <= 7 &&
         super[59] == 0;
}

enum { HEAD_BYTES = 65608, ZERO_STEP = 1 << 20, ZERO_BUDGET = 64 << 20 };

enum vmf_code vmf_raw_structure(struct vmf_io *io, const char **structure, struct vmf_error *error)
{
  VMF_AUTO_FREE void *block = NULL;
  size_t length = (size_t)vmf_min(io->size, HEAD_BYTES);

  VMF_TRY(vmf_alloc(HEAD_BYTES, &block, error));
  VMF_TRY(vmf_io_pread(io, block, length, 0, error));
  const uint8_t *head = block;
  *structure = vmf_head_partitioned(head) ? "a partition table" : NULL;
  for (size_t i = 0; !*structure && i < sizeof superblocks / sizeof superblocks[0]; i++) {
    const struct superblock *super = &superblocks[i];
    if (length >= super->offset + super->length &&
        memcmp(head + super->offset, super->bytes, super->length) == 0 && is_plausible(super, head))
      *structure = super->name;
  }
  return VMF_OK;
}

/* A disk that nobody has written to. Of one that stores its zeros, so much is looked at. */
static enum vmf_code is_blank(struct vmf_io *io, bool *blank, struct vmf_error *error)
{
  VMF_AUTO_FREE void *bytes = NULL;
  uint64_t looked = 0, start = 0, end = 0;

  *blank = io->size > 0;
  VMF_TRY(vmf_alloc_pages(ZERO_STEP, &bytes, error));
  for (uint64_t at = 0; *blank && at < io->size && looked < ZERO_BUDGET;) {
    if (at >= end)
      VMF_TRY(vmf_io_next_data(io, at, &start, &end, error));
    at = vmf_max(at, start);
    size_t length = (size_t)vmf_min(ZERO_STEP, end - at);
    if (length == 0)
      break;
    VMF_TRY(vmf_io_pread(io, bytes, length, at, error));
    *blank = vmf_is_zero(bytes, length);
    at += length;
    looked += length;
  }
  return VMF_OK;
}

enum vmf_code vmf_raw_content(struct vmf_io *io, const struct vmf_log *log, bool *raw,
                              struct vmf_error *error)
{
  const struct vmf_format *said = vmf_format_suffixed(vmf_content_name(io));
  const char *structure;

  *raw = vmf_probe_raw_allowed(io);
  if (*raw || vmf_series_named_first(vmf_content_name(io))) /* one part shows no whole disk */
    return VMF_OK;
  VMF_TRY(vmf_raw_structure(io, &structure, error));
  *raw = structure != NULL;
  if (*raw && said && said->reader && said->reader->ends_in_footer)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the content is a raw disk, or one of format %s whose last sector, the "
                    "footer, is missing: it is cut short, or damaged; -f raw takes it as it is",
                    io->name, said->name);
  if (*raw && said)
    vmf_warn(log, "%s: is called like %s, but holds a raw disk, and is read as one", io->name,
             said->name);
  if (*raw || said || vmf_suffix_meaning(vmf_content_name(io)))
    return VMF_OK;
  return is_blank(io, raw, error);
}
