/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The compressed loop image of Knoppix and others, version 2 (compressed_loop.h of cloop). All
 * numbers are big-endian. A shell script of 128 bytes, a table of the places of blocks, of which
 * there is one more than blocks, and the blocks, each a zlib stream. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "format.h"

enum {
  SCRIPT = 128,
  HEADER = 136,
  ENTRY = 8,
  ENTRIES_AT_ONCE = 512,
  SECTOR = 512,
};

#define MAGIC "#!/bin/sh\n#V2.0 Format\n"
#define FAMILY "#!/bin/sh\n#V" /* all versions begin so */

struct cloop_state {
  uint32_t block, blocks;
  uint64_t data_start;
};

extern const struct vmf_format vmf_format_cloop;

static enum vmf_code check_header(const struct vmf_image *image, struct vmf_error *error)
{
  struct cloop_state *state = image->state;
  const char *name = image->io->name;

  if (state->block == 0 || state->block % SECTOR != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: cloop header: blocks of %" PRIu32 " bytes, expected a multiple of %d",
                    name, state->block, SECTOR);
  if (state->block > image->limits->packed_unit)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: cloop header: blocks of %" PRIu32 " bytes, at most %" PRIu32
                    " are accepted",
                    name, state->block, image->limits->packed_unit);
  state->data_start = HEADER + ENTRY * ((uint64_t)state->blocks + 1);
  if (state->data_start > image->io->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: cloop header: the table of %" PRIu32 " blocks ends at byte %" PRIu64
                    ", beyond the end of the file (%" PRIu64 " bytes)",
                    name, state->blocks, state->data_start, image->io->size);
  return VMF_OK;
}

static enum vmf_code cloop_open(struct vmf_image *image, const struct vmf_open_args *args,
                                struct vmf_error *error)
{
  struct cloop_state *state = image->state;
  uint8_t raw[HEADER];

  (void)args;
  if (image->io->size < HEADER)
    return vmf_fail(error, VMF_CORRUPT, "%s: %" PRIu64 " bytes, a cloop header has %d",
                    image->io->name, image->io->size, HEADER);
  VMF_TRY(vmf_io_pread(image->io, raw, sizeof raw, 0, error));
  if (memcmp(raw, MAGIC, sizeof MAGIC - 1) != 0)
    return vmf_fail(
        error, memcmp(raw, FAMILY, sizeof FAMILY - 1) == 0 ? VMF_UNSUPPORTED : VMF_CORRUPT,
        "%s: it does not begin as a cloop of version 2.0, the one that is read", image->io->name);
  state->block = get_be32(raw + SCRIPT);
  state->blocks = get_be32(raw + SCRIPT + 4);
  VMF_TRY(check_header(image, error));
  image->unit = state->block;
  image->size = (uint64_t)state->blocks * state->block;
  return VMF_OK;
}

static void cloop_close(struct vmf_image *image)
{
  (void)image;
}

/* Whether a block lies between the table and the end of the file, and is one at all. */
static enum vmf_code check_block(const struct vmf_image *image, uint32_t number, uint64_t start,
                                 uint64_t end, struct vmf_error *error)
{
  const struct cloop_state *state = image->state;
  uint64_t most = 2 * (uint64_t)state->block + 4096; /* a longer one is damage */

  if (start < state->data_start || end <= start || end > image->io->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: block %" PRIu32 ": from byte %" PRIu64 " to %" PRIu64
                    ", expected between the table (byte %" PRIu64
                    ") and the end of the file (%" PRIu64 " bytes)",
                    image->io->name, number, start, end, state->data_start, image->io->size);
  if (end - start > most)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: block %" PRIu32 ": %" PRIu64 " bytes, at most %" PRIu64 " are possible",
                    image->io->name, number, end - start, most);
  return VMF_OK;
}

static enum vmf_code cloop_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                               struct vmf_error *error)
{
  const struct cloop_state *state = image->state;
  uint32_t number = (uint32_t)(guest / state->block);
  uint8_t raw[2 * ENTRY];

  VMF_TRY(vmf_page_cache_pread(image->cache, image->io, raw, sizeof raw,
                               HEADER + ENTRY * (uint64_t)number, error));
  uint64_t start = get_be64(raw), end = get_be64(raw + ENTRY);
  VMF_TRY(check_block(image, number, start, end, error));
  *run = (struct vmf_run){.guest = (uint64_t)number * state->block,
                          .length = state->block,
                          .kind = VMF_RUN_PACKED,
                          .io = image->io,
                          .offset = start,
                          .codec = VMF_CODEC_ZLIB,
                          .unit = state->block,
                          .stored = (uint32_t)(end - start)};
  return VMF_OK;
}

/* The table alone: that blocks can be unpacked shows when they are read. */
static enum vmf_code cloop_check(struct vmf_image *image, struct vmf_findings *findings,
                                 struct vmf_error *error)
{
  const struct cloop_state *state = image->state;
  uint8_t raw[ENTRY * (ENTRIES_AT_ONCE + 1)];
  struct vmf_error found;
  uint32_t count;

  findings->image_end_offset = image->io->size;
  findings->total_clusters = findings->allocated_clusters = findings->compressed_clusters =
      state->blocks;
  for (uint32_t first = 0; first < state->blocks; first += count) {
    count = (uint32_t)vmf_min(ENTRIES_AT_ONCE, state->blocks - first);
    VMF_TRY(vmf_page_cache_pread(image->cache, image->io, raw, ENTRY * ((size_t)count + 1),
                                 HEADER + ENTRY * (uint64_t)first, error));
    for (uint32_t i = 0; i < count; i++) {
      const uint8_t *at = raw + ENTRY * (size_t)i;
      if (check_block(image, first + i, get_be64(at), get_be64(at + ENTRY), &found) == VMF_OK)
        continue;
      vmf_finding(findings, "%s", found.text);
      findings->corruptions++;
      if (vmf_corruptions_suffice(image->io, findings, "table"))
        return VMF_OK;
    }
  }
  return VMF_OK;
}

static int cloop_probe(const struct vmf_probe *probe)
{
  return probe->head_length >= SCRIPT && memcmp(probe->head, MAGIC, sizeof MAGIC - 1) == 0 ? 100
                                                                                           : 0;
}

static const struct vmf_reader cloop_reader = {
    .packs = true,
    .state_size = sizeof(struct cloop_state),
    .probe = cloop_probe,
    .open = cloop_open,
    .close = cloop_close,
    .map = cloop_map,
    .check = cloop_check,
};

static const char *const suffixes[] = {"cloop", NULL};

const struct vmf_format vmf_format_cloop = {
    .name = "cloop",
    .summary = "compressed loop image, of live systems",
    .suffixes = suffixes,
    .reader = &cloop_reader,
};
