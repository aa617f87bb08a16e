/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The sections of a segment, one after the other. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "ewf.h"
#include "sums.h"
#include "zero.h"

enum { SECTIONS_MAX = 1 << 20 };

static enum vmf_code read_section(const struct ewf_walk *walk, uint64_t at,
                                  struct ewf_section *section, struct vmf_error *error)
{
  const char *name = walk->io->name;
  uint8_t raw[EWF_SECTION];

  if (!vmf_range_within(at, sizeof raw, walk->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: ends at byte %" PRIu64 " without the section that should stand at byte "
                    "%" PRIu64 ": it is cut short",
                    name, walk->io->size, at);
  VMF_TRY(vmf_io_pread(walk->io, raw, sizeof raw, at, error));
  if (vmf_adler32(1, raw, EWF_SECTION - EWF_SUM) != get_le32(raw + EWF_SECTION - EWF_SUM))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: section at byte %" PRIu64 ": the checksum of its descriptor is wrong",
                    name, at);
  *section = (struct ewf_section){.at = at, .next = get_le64(raw + 16), .size = get_le64(raw + 24)};
  memcpy(section->type, raw, EWF_TYPE);
  return VMF_OK;
}

static bool is_type(const struct ewf_section *section, const char *type)
{
  return strcmp(section->type, type) == 0;
}

/* Sections follow each other without gaps; "next" and "done" lead to themselves. */
static enum vmf_code check_section(const struct ewf_walk *walk, const struct ewf_section *section,
                                   struct vmf_error *error)
{
  uint64_t size = section->size;

  if (is_type(section, "next") || is_type(section, "done"))
    return VMF_OK;
  if (size < EWF_SECTION || section->next <= section->at || section->next - section->at != size ||
      section->next > walk->io->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: section \"%.16s\" at byte %" PRIu64 ": %" PRIu64
                    " bytes, the next one at byte %" PRIu64
                    ", expected to follow it within the file (%" PRIu64 " bytes)",
                    walk->io->name, section->type, section->at, size, section->next,
                    walk->io->size);
  return VMF_OK;
}

/* The data of a section that has a known length with an Adler-32 at its end. */
static enum vmf_code read_summed(const struct ewf_walk *walk, const struct ewf_section *section,
                                 uint8_t *raw, size_t length, struct vmf_error *error)
{
  if (section->size - EWF_SECTION < length)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: section \"%.16s\" at byte %" PRIu64 ": %" PRIu64 " bytes, expected %zu",
                    walk->io->name, section->type, section->at, section->size,
                    EWF_SECTION + length);
  VMF_TRY(vmf_io_pread(walk->io, raw, length, section->at + EWF_SECTION, error));
  if (vmf_adler32(1, raw, length - EWF_SUM) != get_le32(raw + length - EWF_SUM))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: section \"%.16s\" at byte %" PRIu64 ": the checksum of its data is wrong",
                    walk->io->name, section->type, section->at);
  return VMF_OK;
}

/* ---- the disk ---- */

static enum vmf_code check_volume(const struct ewf_walk *walk, const struct ewf_volume *volume,
                                  struct vmf_error *error)
{
  const struct vmf_limits *limits = walk->image->limits;
  const char *name = walk->io->name;
  uint64_t size;

  if (!vmf_is_power_of_two(volume->sector) || volume->sector < 512 || volume->sector > 4096)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: volume: sectors of %" PRIu32
                    " bytes, expected 512 to 4096, a power of two",
                    name, volume->sector);
  if (volume->chunk_sectors == 0 || volume->chunk_sectors > limits->packed_unit / volume->sector)
    return vmf_fail(error, volume->chunk_sectors == 0 ? VMF_CORRUPT : VMF_LIMIT,
                    "%s: volume: chunks of %" PRIu32 " sectors, expected 1 to %" PRIu32, name,
                    volume->chunk_sectors, limits->packed_unit / volume->sector);
  if (!vmf_mul(volume->sectors, volume->sector, &size) || size > limits->guest_size)
    return vmf_fail(error, VMF_CORRUPT, "%s: volume: a disk of %" PRIu64 " sectors", name,
                    volume->sectors);
  if (volume->chunks != vmf_div_up(volume->sectors, volume->chunk_sectors))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: volume: %" PRIu32 " chunks of %" PRIu32 " sectors for %" PRIu64 " sectors",
                    name, volume->chunks, volume->chunk_sectors, volume->sectors);
  return VMF_OK;
}

/* "volume" or "disk" of the first segment, and "data", the same of any. */
static enum vmf_code take_volume(struct ewf_walk *walk, const struct ewf_section *section,
                                 struct vmf_error *error)
{
  struct ewf_state *state = walk->image->state;
  uint8_t raw[EWF_VOLUME] = {0};
  bool smart = section->size - EWF_SECTION == EWF_VOLUME_SMART;

  VMF_TRY(read_summed(walk, section, raw, smart ? EWF_VOLUME_SMART : EWF_VOLUME, error));
  struct ewf_volume volume = {.media = raw[0],
                              .chunks = get_le32(raw + 4),
                              .chunk_sectors = get_le32(raw + 8),
                              .sector = get_le32(raw + 12),
                              .sectors = smart ? get_le32(raw + 16) : get_le64(raw + 16),
                              .level = raw[52]};
  if (!smart)
    memcpy(volume.guid, raw + 64, EWF_GUID);
  if (!state->has_volume) {
    VMF_TRY(check_volume(walk, &volume, error));
    state->volume = volume;
    state->has_volume = true;
    state->chunk = volume.chunk_sectors * volume.sector;
    walk->image->size = volume.sectors * volume.sector;
    walk->image->unit = state->chunk;
    return VMF_OK;
  }
  if (memcmp(volume.guid, state->volume.guid, EWF_GUID) != 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: is a segment of another image: its set has another id",
                    walk->io->name);
  if (volume.sectors != state->volume.sectors ||
      volume.chunk_sectors != state->volume.chunk_sectors || volume.sector != state->volume.sector)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: section \"%.16s\" at byte %" PRIu64
                    " tells of another disk than the first one",
                    walk->io->name, section->type, section->at);
  return VMF_OK;
}

/* ---- what else is told ---- */

/* Programs leave zeros where they have made none. */
static bool take_digest(uint8_t *digest, const uint8_t *stored, size_t size)
{
  if (vmf_is_zero(stored, size))
    return false;
  memcpy(digest, stored, size);
  return true;
}

static enum vmf_code take_digests(struct ewf_walk *walk, const struct ewf_section *section,
                                  struct vmf_error *error)
{
  struct vmf_disk_digests *digests = &walk->image->digests;
  uint8_t raw[80];

  VMF_TRY(read_summed(walk, section, raw, is_type(section, "hash") ? 36 : 80, error));
  if (take_digest(digests->md5, raw, EWF_MD5))
    digests->has_md5 = true;
  if (!is_type(section, "hash") && take_digest(digests->sha1, raw + EWF_MD5, EWF_SHA1))
    digests->has_sha1 = true;
  return VMF_OK;
}

static enum vmf_code take_errors(struct ewf_walk *walk, const struct ewf_section *section,
                                 struct vmf_error *error)
{
  struct ewf_state *state = walk->image->state;
  uint8_t raw[4];

  if (section->size < EWF_SECTION + sizeof raw)
    return VMF_OK;
  VMF_TRY(vmf_io_pread(walk->io, raw, sizeof raw, section->at + EWF_SECTION, error));
  state->unread += get_le32(raw);
  if (get_le32(raw) > 0)
    vmf_warn(walk->image->log,
             "%s: %" PRIu32 " ranges of sectors could not be read when the image was made: what "
             "stands there was not on the disk",
             walk->io->name, get_le32(raw));
  return VMF_OK;
}

static enum vmf_code take_section(struct ewf_walk *walk, const struct ewf_section *section,
                                  struct vmf_error *error)
{
  if (is_type(section, "volume") || is_type(section, "disk") || is_type(section, "data"))
    return take_volume(walk, section, error);
  if (is_type(section, "sectors")) {
    walk->sectors = true;
    walk->data = section->at + EWF_SECTION;
    walk->data_end = section->next;
    return VMF_OK;
  }
  if (is_type(section, "table") || is_type(section, "table2"))
    return ewf_take_table(walk, section, error);
  if (is_type(section, "hash") || is_type(section, "digest"))
    return take_digests(walk, section, error);
  if (is_type(section, "error2"))
    return take_errors(walk, section, error);
  if (is_type(section, "incomplete"))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: section \"incomplete\" at byte %" PRIu64
                    ": the image was not made to its end",
                    walk->io->name, section->at);
  if (is_type(section, "ltree") || is_type(section, "ltypes"))
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: holds files (L01) and no disk", walk->io->name);
  return VMF_OK; /* texts about the case, and what says nothing of the disk */
}

enum vmf_code ewf_walk_segment(struct vmf_image *image, struct vmf_io *io, bool *more,
                               struct vmf_error *error)
{
  struct ewf_walk walk = {.image = image, .io = io};
  struct ewf_section section = {.next = EWF_FILE_HEADER};

  do {
    if (++walk.sections > SECTIONS_MAX)
      return vmf_fail(error, VMF_LIMIT, "%s: more than %d sections", io->name, SECTIONS_MAX);
    VMF_TRY(read_section(&walk, section.next, &section, error));
    VMF_TRY(check_section(&walk, &section, error));
    *more = is_type(&section, "next");
    if (*more || is_type(&section, "done"))
      break;
    if (walk.bad_table && !is_type(&section, "table2"))
      return vmf_fail(error, VMF_CORRUPT, "%s: a table is damaged, and has no copy", io->name);
    VMF_TRY(take_section(&walk, &section, error));
  } while (true);
  return walk.bad_table
             ? vmf_fail(error, VMF_CORRUPT, "%s: a table is damaged, and has no copy", io->name)
             : VMF_OK;
}
