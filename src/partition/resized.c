/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A disk with another size: an image whose map leads to the other's, with zeros behind its end, and
 * with the partition table that fits in the place of the old one. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "caller.h"
#include "checked.h"
#include "gpt.h"
#include "log.h"
#include "mbr.h"
#include "memory.h"

enum {
  /* types of partitions in an MBR */
  TYPE_PROTECTIVE = 0xee, /* the whole disk, of a GPT */
  TYPE_DYNAMIC = 0x42,    /* of Windows' Logical Disk Manager */
};

/* Bytes that are not those of the source; they stand one behind the other in the image's io. */
struct patch {
  uint64_t guest, length;
  uint64_t offset; /* in the io */
};
enum { PATCHES = 4 /* protective MBR, header, second table, second header */ };

struct resized {
  struct vmf_image *source; /* owned */
  struct patch patches[PATCHES];
  unsigned count;
};

static void resized_close(struct vmf_image *image)
{
  const struct resized *resized = image->state;
  vmf_image_close(resized->source);
}

static enum vmf_code resized_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                                 struct vmf_error *error)
{
  const struct resized *resized = image->state;
  uint64_t end = image->size;

  (void)error;
  for (unsigned i = 0; i < resized->count; i++) {
    const struct patch *patch = &resized->patches[i];

    if (guest >= patch->guest && guest - patch->guest < patch->length) {
      *run = (struct vmf_run){.guest = patch->guest,
                              .length = patch->length,
                              .kind = VMF_RUN_PLAIN,
                              .io = image->io,
                              .offset = patch->offset};
      return VMF_OK;
    }
    if (patch->guest > guest)
      end = vmf_min(end, patch->guest);
  }
  *run = (struct vmf_run){.guest = guest, .length = end - guest, .kind = VMF_RUN_ZERO};
  if (guest >= resized->source->size)
    return VMF_OK;
  run->kind = VMF_RUN_IMAGE;
  run->image = resized->source;
  run->offset = guest;
  run->length = vmf_min(end, resized->source->size) - guest;
  return VMF_OK;
}

static struct vmf_image *resized_part(const struct vmf_image *image, size_t index)
{
  const struct resized *resized = image->state;
  return index == 0 ? resized->source : NULL;
}

static const struct vmf_reader resized_reader = {
    .state_size = sizeof(struct resized),
    .close = resized_close,
    .map = resized_map,
    .part = resized_part,
};

/* Made of an open image, never opened by name: it is in no registry. */
static const struct vmf_format resized_format = {
    .name = "resized", .summary = "a disk with another size", .reader = &resized_reader};

/* ---- what the partition table says of it ---- */

static uint64_t mbr_end(const uint8_t *entry)
{
  return ((uint64_t)get_le32(entry + VMF_MBR_START) + get_le32(entry + VMF_MBR_COUNT)) *
         VMF_MBR_SECTOR;
}

static enum vmf_code check_mbr(const struct vmf_image *image, const uint8_t *mbr, uint64_t size,
                               struct vmf_error *error)
{
  uint64_t most = 0;

  for (const uint8_t *entry = mbr + VMF_MBR_ENTRIES; entry < mbr + VMF_MBR_SIGNATURE;
       entry += VMF_MBR_ENTRY) {
    if (entry[VMF_MBR_TYPE] == TYPE_PROTECTIVE || entry[VMF_MBR_TYPE] == TYPE_DYNAMIC)
      return vmf_fail(error, VMF_REFUSED,
                      "%s: cannot be made smaller: a partition of type 0x%02x has data at the end "
                      "of the disk that is in no partition",
                      image->io->name, entry[VMF_MBR_TYPE]);
    if (entry[VMF_MBR_TYPE] != 0)
      most = mbr_end(entry) > most ? mbr_end(entry) : most;
  }
  if (most == 0 || most > size)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: cannot be made %" PRIu64 " bytes: its last partition ends at byte %" PRIu64
                    "; shrink that in the guest first",
                    image->io->name, size, most);
  return VMF_OK;
}

/* Nothing is lost: no partition reaches behind the new end. */
static enum vmf_code check_smaller(struct vmf_image *image, const struct vmf_gpt *gpt,
                                   uint64_t size, struct vmf_error *error)
{
  uint8_t head[VMF_PARTITION_HEAD] = {0};
  struct vmf_gpt_end end;

  if (gpt) {
    if (vmf_gpt_end(gpt, size, &end) && end.last_usable >= gpt->last_used)
      return VMF_OK;
    return vmf_fail(error, VMF_REFUSED,
                    "%s: cannot be made %" PRIu64 " bytes: its last partition ends at byte %" PRIu64
                    ", and behind that its second partition table needs %" PRIu64
                    " bytes; shrink the partition in the guest first",
                    image->io->name, size, (gpt->last_used + 1) * gpt->sector,
                    (gpt->table_sectors + 1) * gpt->sector);
  }
  VMF_TRY(vmf_image_pread(image, head, (size_t)vmf_min(image->size, sizeof head), 0, error));
  if (vmf_head_mbr(head))
    return check_mbr(image, head, size, error);
  return vmf_fail(error, VMF_REFUSED,
                  "%s: cannot be made smaller: it has no partition table that would show that "
                  "nothing is lost",
                  image->io->name);
}

/* ---- the table that fits ---- */

/* Appends bytes to `all`, which has room. */
static void add_patch(struct resized *resized, uint8_t *all, size_t *used, uint64_t guest,
                      const void *bytes, size_t length)
{
  memcpy(all + *used, bytes, length);
  resized->patches[resized->count++] =
      (struct patch){.guest = guest, .length = length, .offset = *used};
  *used += length;
}

/* The entry that keeps old programs off covers the whole disk, as far as it can say that. */
static bool protect(uint8_t mbr[VMF_MBR_SECTOR], uint64_t last)
{
  bool found = false;

  for (uint8_t *entry = mbr + VMF_MBR_ENTRIES; entry < mbr + VMF_MBR_SIGNATURE;
       entry += VMF_MBR_ENTRY)
    if (entry[VMF_MBR_TYPE] == TYPE_PROTECTIVE && get_le32(entry + VMF_MBR_START) == 1) {
      put_le32(entry + VMF_MBR_COUNT, (uint32_t)vmf_min(last, UINT32_MAX));
      found = true;
    }
  return found && get_le16(mbr + VMF_MBR_SIGNATURE) == 0xaa55;
}

static enum vmf_code patch_gpt(struct vmf_image *image, const struct vmf_gpt *gpt,
                               struct vmf_error *error)
{
  struct resized *resized = image->state;
  uint8_t mbr[VMF_MBR_SECTOR], first[VMF_GPT_SECTOR_MOST], second[VMF_GPT_SECTOR_MOST];
  VMF_AUTO_FREE void *memory = NULL;
  struct vmf_gpt_end end;
  size_t used = 0, table = (size_t)gpt->table_sectors * gpt->sector;

  if (!vmf_gpt_in_front(gpt))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: its first partition table does not end before the first sector for "
                    "partitions, and might be lost with another size; mend it first (gdisk)",
                    resized->source->io->name);
  if (!vmf_gpt_end(gpt, image->size, &end))
    return vmf_fail(error, VMF_REFUSED, "%s: %" PRIu64 " bytes are too small for its partitions",
                    resized->source->io->name, image->size);
  if (gpt->last_used >= resized->source->size / gpt->sector)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: its last partition ends with sector %" PRIu64 " of %u bytes, and the disk "
                    "has %" PRIu64 " bytes: a part of it is missing",
                    resized->source->io->name, gpt->last_used, gpt->sector, resized->source->size);
  VMF_TRY(vmf_image_pread(resized->source, mbr, sizeof mbr, 0, error));
  VMF_TRY(vmf_alloc(VMF_MBR_SECTOR + 2 * VMF_GPT_SECTOR_MOST + table, &memory, error));
  vmf_gpt_headers(gpt, &end, first, second);
  if (protect(mbr, end.header))
    add_patch(resized, memory, &used, 0, mbr, sizeof mbr);
  add_patch(resized, memory, &used, gpt->sector, first, gpt->sector);
  add_patch(resized, memory, &used, end.table * gpt->sector, gpt->table, gpt->table_bytes);
  resized->patches[resized->count - 1].length = table;
  used += table - gpt->table_bytes;
  add_patch(resized, memory, &used, end.header * gpt->sector, second, gpt->sector);
  vmf_io_close(image->io);
  image->io = NULL;
  return vmf_io_memory(resized->source->io->name, memory, used, &image->io, error);
}

/* ---- the call ---- */

static enum vmf_code settle_table(struct vmf_image *image, bool move_gpt, struct vmf_error *error)
{
  struct vmf_image *source = ((struct resized *)image->state)->source;
  bool found, smaller = image->size < source->size;
  struct vmf_gpt gpt;

  if (image->size == source->size && !move_gpt)
    return VMF_OK;
  enum vmf_code code = vmf_gpt_read(source, &gpt, &found, error);
  if (code == VMF_CORRUPT && !smaller && !move_gpt) {
    vmf_warn(source->log, "%s", error->text);
    return VMF_OK;
  }
  VMF_TRY(code);
  if (smaller)
    code = check_smaller(source, found ? &gpt : NULL, image->size, error);
  if (code == VMF_OK && found && (smaller || move_gpt))
    code = patch_gpt(image, &gpt, error);
  else if (code == VMF_OK && found)
    vmf_warn(source->log,
             "%s: its second partition table stays where the disk ended before; --move-gpt puts it "
             "at the new end, as most partition tools ask for",
             source->io->name);
  vmf_gpt_free(&gpt);
  return code;
}

/* The source belongs to `image` when all has succeeded. */
static enum vmf_code fill(struct vmf_image *image, struct vmf_image *source, uint64_t size,
                          bool move_gpt, struct vmf_error *error)
{
  void *memory;

  image->limits = &vmf_default_limits;
  image->log = source->log;
  image->size = size;
  vmf_node(image)->salvage = vmf_node(source)->salvage;
  if (size == 0 || size > image->limits->guest_size)
    return vmf_fail(error, VMF_USAGE, "a disk of %" PRIu64 " bytes: accepted are 1 to %" PRIu64,
                    size, image->limits->guest_size);
  VMF_TRY(vmf_io_memory(source->io->name, "", 0, &image->io, error));
  VMF_TRY(vmf_alloc(sizeof(struct resized), &memory, error));
  image->state = memory;
  ((struct resized *)memory)->source = source;
  return settle_table(image, move_gpt, error);
}

enum vmf_code vmf_image_resize(struct vmf_image **image, uint64_t size, bool move_gpt,
                               struct vmf_error *error)
{
  void *memory;

  VMF_REQUIRE(image, error);
  VMF_REQUIRE(*image, error);
  VMF_TRY(vmf_image_seekable(*image, error));
  VMF_TRY(vmf_alloc(sizeof(struct vmf_node), &memory, error));
  struct vmf_image *made = memory;
  enum vmf_code code = fill(made, *image, size, move_gpt, error);
  made->format = code == VMF_OK ? &resized_format : NULL;
  if (code == VMF_OK)
    *image = made;
  else
    vmf_image_close(made);
  return code;
}
