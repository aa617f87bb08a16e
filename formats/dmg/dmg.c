/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The trailer, and what is told of an image. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "dmg.h"
#include "memory.h"

enum { VERSION = 4, VARIANT_DEVICE = 1, VARIANT_PARTITION = 2 };

/* A run takes 40 bytes of the index of all of them, and 62 in lines of base64. */
enum { PLIST_SHARE = 2 };

#define MAGIC "koly"

static void decode_trailer(const uint8_t raw[DMG_TRAILER], struct dmg_trailer *trailer)
{
  trailer->version = get_be32(raw + 4);
  trailer->length = get_be32(raw + 8);
  trailer->flags = get_be32(raw + 12);
  trailer->fork = get_be64(raw + 24);
  trailer->fork_length = get_be64(raw + 32);
  trailer->resources_length = get_be64(raw + 48);
  trailer->segment = get_be32(raw + 56);
  trailer->segments = get_be32(raw + 60);
  trailer->fork_sum_type = get_be32(raw + 80);
  trailer->fork_sum = get_be32(raw + 88);
  trailer->plist = get_be64(raw + 216);
  trailer->plist_length = get_be64(raw + 224);
  trailer->master_type = get_be32(raw + 352);
  trailer->master = get_be32(raw + 360);
  trailer->variant = get_be32(raw + 488);
  trailer->sectors = get_be64(raw + 492);
}

/* A part of the file, which ends before the trailer. */
static enum vmf_code check_part(const struct vmf_image *image, const char *what, uint64_t offset,
                                uint64_t length, struct vmf_error *error)
{
  uint64_t room = image->io->size - DMG_TRAILER;

  if (vmf_range_within(offset, length, room))
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: trailer: %s of %" PRIu64 " bytes at byte %" PRIu64 ", beyond the %" PRIu64
                  " bytes in front of the trailer",
                  image->io->name, what, length, offset, room);
}

static enum vmf_code check_trailer(const struct vmf_image *image, const struct dmg_trailer *trailer,
                                   struct vmf_error *error)
{
  const char *name = image->io->name;

  if (trailer->version != VERSION || trailer->length != DMG_TRAILER)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: trailer: version %" PRIu32 " of %" PRIu32 " bytes, expected %d of %d",
                    name, trailer->version, trailer->length, VERSION, DMG_TRAILER);
  if (trailer->segments > 1)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: trailer: segment %" PRIu32 " of %" PRIu32
                    ": images of several segments are not read; \"hdiutil convert\" on macOS makes "
                    "one file of them",
                    name, trailer->segment, trailer->segments);
  if (trailer->sectors > image->limits->guest_size / DMG_SECTOR)
    return vmf_fail(error, VMF_CORRUPT, "%s: trailer: a disk of %" PRIu64 " sectors", name,
                    trailer->sectors);
  VMF_TRY(check_part(image, "a data fork", trailer->fork, trailer->fork_length, error));
  VMF_TRY(check_part(image, "a property list", trailer->plist, trailer->plist_length, error));
  if (trailer->plist_length > PLIST_SHARE * image->limits->table_bytes)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: trailer: a property list of %" PRIu64 " bytes, at most %" PRIu64
                    " are read",
                    name, trailer->plist_length, PLIST_SHARE * image->limits->table_bytes);
  if (trailer->plist_length == 0)
    return vmf_fail(error, trailer->resources_length > 0 ? VMF_UNSUPPORTED : VMF_CORRUPT,
                    "%s: trailer: no property list%s", name,
                    trailer->resources_length > 0
                        ? ", but a resource fork, as images before 2001 have it, which is not read"
                        : "");
  return VMF_OK;
}

static enum vmf_code dmg_open(struct vmf_image *image, const struct vmf_open_args *args,
                              struct vmf_error *error)
{
  struct dmg_state *state = image->state;
  uint8_t raw[DMG_TRAILER];

  if (image->io->size < DMG_TRAILER)
    return vmf_fail(error, VMF_CORRUPT, "%s: %" PRIu64 " bytes, the trailer of a DMG has %d",
                    image->io->name, image->io->size, DMG_TRAILER);
  VMF_TRY(vmf_io_pread(image->io, raw, sizeof raw, image->io->size - DMG_TRAILER, error));
  if (memcmp(raw, MAGIC, 4) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: no \"koly\" at byte %" PRIu64
                    ", where the trailer of a DMG stands; an image without it (UDRW, UDTO) is "
                    "raw: -f raw",
                    image->io->name, image->io->size - DMG_TRAILER);
  decode_trailer(raw, &state->trailer);
  VMF_TRY(check_trailer(image, &state->trailer, error));
  image->size = state->trailer.sectors * DMG_SECTOR;
  VMF_TRY(dmg_load_runs(image, error));
  return args->tolerate_dirty ? VMF_OK : dmg_data_open(image, &state->data, error);
}

static void dmg_close(struct vmf_image *image)
{
  struct dmg_state *state = image->state;

  vmf_io_close(state->data);
  vmf_free(state->runs);
}

static enum vmf_code dmg_info(struct vmf_image *image, struct vmf_value *summary,
                              struct vmf_value *data, struct vmf_error *error)
{
  const struct dmg_state *state = image->state;
  uint32_t variant = state->trailer.variant;
  bool packed = false;

  for (size_t i = 0; i < state->count && !packed; i++)
    packed = state->runs[i].kind == VMF_RUN_PACKED;
  if (packed)
    VMF_TRY(vmf_value_bool(summary, "compressed", true, error));
  VMF_TRY(vmf_value_uint(data, "tables", state->tables, error));
  VMF_TRY(vmf_value_uint(data, "runs", state->count, error));
  if (variant == VARIANT_DEVICE || variant == VARIANT_PARTITION)
    VMF_TRY(
        vmf_value_text(data, "variant", variant == VARIANT_DEVICE ? "device" : "partition", error));
  return VMF_OK;
}

static int dmg_probe(const struct vmf_probe *probe)
{
  const uint8_t *trailer = probe->tail + probe->tail_length - DMG_TRAILER;

  if (probe->tail_length < DMG_TRAILER || memcmp(trailer, MAGIC, 4) != 0)
    return 0;
  return get_be32(trailer + 8) == DMG_TRAILER ? 100 : 0;
}

static const struct vmf_reader dmg_reader = {
    .packs = true,
    .state_size = sizeof(struct dmg_state),
    .probe = dmg_probe,
    .open = dmg_open,
    .close = dmg_close,
    .map = dmg_map,
    .info = dmg_info,
    .check = dmg_check,
};

static const char *const aliases[] = {"udif", NULL};
static const char *const suffixes[] = {"dmg", NULL};

extern const struct vmf_format vmf_format_dmg;
const struct vmf_format vmf_format_dmg = {
    .name = "dmg",
    .summary = "Apple's disk image (UDIF)",
    .aliases = aliases,
    .suffixes = suffixes,
    .reader = &dmg_reader,
};
