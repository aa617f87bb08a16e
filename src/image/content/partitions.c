/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Is it a whole disk? A partition table says so: the continuation of another disk has none. */
#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "caller.h"
#include "checked.h"
#include "file.h"
#include "image.h"
#include "mbr.h"
#include "memory.h"
#include "raw_content.h"
#include "remote_io.h"

enum {
  SECTOR = 512,
  GPT_LARGE = 4096, /* the header's place with sectors of 4 KiB; with those of 512 bytes: SECTOR */
  GPT_SIGNATURE = 8,
};

bool vmf_head_mbr(const uint8_t head[VMF_PARTITION_HEAD])
{
  unsigned used = 0;

  if (head[VMF_MBR_SIGNATURE] != 0x55 || head[VMF_MBR_SIGNATURE + 1] != 0xaa)
    return false;
  for (const uint8_t *entry = head + VMF_MBR_ENTRIES; entry < head + VMF_MBR_SIGNATURE;
       entry += VMF_MBR_ENTRY) {
    bool active = entry[0] == 0x80;
    uint8_t type = entry[VMF_MBR_TYPE];
    uint32_t start = get_le32(entry + VMF_MBR_START), sectors = get_le32(entry + VMF_MBR_COUNT);

    if ((entry[0] != 0 && !active) || (type != 0 && (start == 0 || sectors == 0)))
      return false;
    used += type != 0;
  }
  return used > 0;
}

static_assert(GPT_LARGE + GPT_SIGNATURE <= VMF_PARTITION_HEAD, "both places of a GPT are in it");

bool vmf_head_partitioned(const uint8_t head[VMF_PARTITION_HEAD])
{
  return vmf_head_mbr(head) || memcmp(head + SECTOR, "EFI PART", GPT_SIGNATURE) == 0 ||
         memcmp(head + GPT_LARGE, "EFI PART", GPT_SIGNATURE) == 0;
}

enum vmf_code vmf_image_partitioned(struct vmf_image *image, bool *partitioned,
                                    struct vmf_error *error)
{
  uint8_t head[VMF_PARTITION_HEAD] = {0};

  VMF_REQUIRE(partitioned, error);
  *partitioned = false;
  VMF_REQUIRE(image, error);
  VMF_TRY(vmf_image_pread(image, head, (size_t)vmf_min(image->size, VMF_PARTITION_HEAD), 0, error));
  *partitioned = vmf_head_partitioned(head);
  return VMF_OK;
}

/* ---- an EFI system partition ---- */

enum {
  MBR_EFI = 0xef,   /* type of a partition */
  GPT_ENTRIES = 72, /* in the header: the sector of the first entry */
  GPT_COUNT = 80,   /* how many there are */
  GPT_ENTRY_SIZE = 84,
  GPT_HEADER = 92,
  GPT_TYPE_BYTES = 16,
  GPT_READ_MOST = 1 << 16 /* bytes of entries that are looked at: 512 of the usual size */
};

/* C12A7328-F81F-11D2-BA4B-00A0C93EC93B as it is stored (UEFI, 5.3.3) */
static const uint8_t gpt_efi[GPT_TYPE_BYTES] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                                                0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};

/* header: of a GPT with sectors of so many bytes. */
static enum vmf_code gpt_has_efi(struct vmf_image *image, const uint8_t *header, uint32_t sector,
                                 bool *found, struct vmf_error *error)
{
  uint64_t first = get_le64(header + GPT_ENTRIES), start;
  uint32_t count = get_le32(header + GPT_COUNT), size = get_le32(header + GPT_ENTRY_SIZE);
  void *entries;

  if (size < 2 * GPT_TYPE_BYTES || size > GPT_READ_MOST || count == 0 ||
      !vmf_mul(first, sector, &start) || start >= image->size)
    return VMF_OK;
  size_t length =
      (size_t)vmf_min((uint64_t)size * vmf_min(count, GPT_READ_MOST / size), image->size - start);
  VMF_TRY(vmf_alloc(length, &entries, error));
  enum vmf_code code = vmf_image_pread(image, entries, length, start, error);
  for (size_t at = 0; code == VMF_OK && !*found && at + size <= length; at += size)
    *found = memcmp((uint8_t *)entries + at, gpt_efi, GPT_TYPE_BYTES) == 0;
  vmf_free(entries);
  return code;
}

enum vmf_code vmf_image_efi(struct vmf_image *image, bool *efi, struct vmf_error *error)
{
  uint8_t head[GPT_LARGE + GPT_HEADER] = {0};

  VMF_REQUIRE(efi, error);
  *efi = false;
  VMF_REQUIRE(image, error);
  VMF_TRY(vmf_image_pread(image, head, (size_t)vmf_min(image->size, sizeof(head)), 0, error));
  for (uint32_t sector = SECTOR; sector <= GPT_LARGE; sector += GPT_LARGE - SECTOR)
    if (memcmp(head + sector, "EFI PART", GPT_SIGNATURE) == 0)
      return gpt_has_efi(image, head + sector, sector, efi, error);
  if (vmf_head_mbr(head))
    for (unsigned at = VMF_MBR_ENTRIES; at < VMF_MBR_SIGNATURE; at += VMF_MBR_ENTRY)
      *efi = *efi || head[at + VMF_MBR_TYPE] == MBR_EFI;
  return VMF_OK;
}

/* ---- what is at a path ---- */

bool vmf_probe_partitioned(struct vmf_io *io)
{
  struct vmf_error ignored;
  uint8_t head[VMF_PARTITION_HEAD] = {0};

  return vmf_io_pread(io, head, (size_t)vmf_min(io->size, VMF_PARTITION_HEAD), 0, &ignored) !=
             VMF_OK ||
         vmf_head_partitioned(head);
}

/* What cannot be read is taken for an image: it is there, and nobody knows. */
static bool is_image(struct vmf_io *io)
{
  const struct vmf_format *format;
  struct vmf_error ignored;
  const char *structure = NULL;

  if (io->size == 0)
    return false;
  return vmf_probe_io(io, &format, &ignored) != VMF_OK || format || vmf_probe_raw_allowed(io) ||
         vmf_raw_structure(io, &structure, &ignored) != VMF_OK || structure;
}

bool vmf_image_recognise(const char *path)
{
  VMF_AUTO_FREE char *plain = NULL;
  struct vmf_error ignored;
  struct vmf_io *io;
  struct stat status;

  if (!path || vmf_location_resolve(path, true, &plain, &ignored) != VMF_OK ||
      vmf_name_stat(plain, &status) < 0 || (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)))
    return false;
  if (vmf_io_open_file(plain, false, &io, &ignored) != VMF_OK)
    return true;
  bool found = is_image(io);
  vmf_io_close(io);
  return found;
}
