/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Apple's sparse image (libmodi's documentation). All numbers are big-endian. Nodes of 4096 bytes,
 * each with a list of bands of the disk that follow it in the file, in that order; the first node
 * is the header, the next one stands behind the bands of the one before. Bands count from 1; 0: the
 * place is not used. A band that is in no list is zeros. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "format.h"
#include "list.h"
#include "memory.h"
#include "row.h"

enum {
  NODE = 4096,
  SECTOR = 512,
  HEADER = 64, /* bytes in front of the list of the first node */
  INDEX = 56,  /* of the others */
  ENTRY = 4,
  VERSION = 3,
};

#define MAGIC "sprs"

struct sparseimage_header {
  uint32_t version, band_sectors, flags, sectors_low;
  uint64_t next, sectors; /* next: where the next node stands; 0: there is none */
};

/* A band that the file has. */
struct band {
  uint64_t number; /* of the disk, from 0; see row.h */
  uint64_t host;
};

struct sparseimage_state {
  struct sparseimage_header header;
  uint64_t band; /* bytes */
  struct band *bands;
  size_t band_count, band_room;
};

extern const struct vmf_format vmf_format_sparseimage;

static void decode_header(const uint8_t raw[HEADER], struct sparseimage_header *header)
{
  header->version = get_be32(raw + 4);
  header->band_sectors = get_be32(raw + 8);
  header->flags = get_be32(raw + 12);
  header->sectors_low = get_be32(raw + 16);
  header->next = get_be64(raw + 20);
  header->sectors = get_be64(raw + 28);
}

static enum vmf_code check_header(const struct vmf_image *image, struct vmf_error *error)
{
  struct sparseimage_state *state = image->state;
  const struct sparseimage_header *header = &state->header;
  const char *name = image->io->name;

  if (header->version != VERSION || header->flags != 1)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: sparse image: version %" PRIu32 ", flags 0x%" PRIx32
                    ", expected version %d and flags 0x1",
                    name, header->version, header->flags, VERSION);
  if (header->band_sectors == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: sparse image: bands of 0 sectors", name);
  if (header->sectors == 0 || (uint32_t)header->sectors != header->sectors_low ||
      header->sectors > image->limits->guest_size / SECTOR)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: sparse image: a disk of %" PRIu64 " sectors at byte 28, of %" PRIu32
                    " (its lower half) at byte 16",
                    name, header->sectors, header->sectors_low);
  state->band = header->band_sectors * (uint64_t)SECTOR;
  return VMF_OK;
}

/* ---- the lists ---- */

static enum vmf_code add_band(struct vmf_image *image, uint64_t node, uint32_t entry, uint64_t host,
                              struct vmf_error *error)
{
  struct sparseimage_state *state = image->state;
  uint64_t count = vmf_div_up(image->size, state->band);

  if (entry > count)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: node at byte %" PRIu64 ": band %" PRIu32 " of a disk that has %" PRIu64,
                    image->io->name, node, entry, count);
  uint64_t length = vmf_min(state->band, image->size - (entry - (uint64_t)1) * state->band);
  if (!vmf_range_within(host, length, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: node at byte %" PRIu64 ": band %" PRIu32 ", at byte %" PRIu64
                    ", lies beyond the end of the file (%" PRIu64 " bytes): it is cut short",
                    image->io->name, node, entry, host, image->io->size);
  if ((state->band_count + 1) * sizeof *state->bands > image->limits->table_bytes)
    return vmf_fail(error, VMF_LIMIT, "%s: more than %zu bands", image->io->name,
                    state->band_count);
  VMF_TRY(VMF_LIST_ROOM(state->bands, state->band_count, state->band_room, "bands", error));
  state->bands[state->band_count++] = (struct band){.number = entry - (uint64_t)1, .host = host};
  return VMF_OK;
}

static enum vmf_code read_node(struct vmf_image *image, uint64_t node, uint8_t raw[NODE],
                               struct vmf_error *error)
{
  if (!vmf_range_within(node, NODE, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: node at byte %" PRIu64 " lies beyond the end of the file (%" PRIu64
                    " bytes): it is cut short",
                    image->io->name, node, image->io->size);
  VMF_TRY(vmf_io_pread(image->io, raw, NODE, node, error));
  if (memcmp(raw, MAGIC, 4) != 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: no \"" MAGIC "\" at byte %" PRIu64, image->io->name,
                    node);
  return VMF_OK;
}

/* All bands that a node tells of. *end: behind the room for as many as it can tell of. */
static enum vmf_code take_node(struct vmf_image *image, uint64_t node, const uint8_t raw[NODE],
                               uint64_t *end, struct vmf_error *error)
{
  const struct sparseimage_state *state = image->state;
  size_t first = node == 0 ? HEADER : INDEX;

  *end = node + NODE;
  for (size_t at = first; at < NODE; at += ENTRY, *end += state->band)
    if (get_be32(raw + at) != 0)
      VMF_TRY(add_band(image, node, get_be32(raw + at), *end, error));
  return VMF_OK;
}

/* A node can only stand behind all the bands that the one before has room for: there are no loops.
 */
static enum vmf_code take_nodes(struct vmf_image *image, uint8_t raw[NODE], struct vmf_error *error)
{
  const struct sparseimage_state *state = image->state;
  uint64_t node = 0, next = state->header.next, end;

  for (uint32_t number = 0;; number++) {
    VMF_TRY(take_node(image, node, raw, &end, error));
    if (next == 0)
      return VMF_OK;
    if (next != end)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: node at byte %" PRIu64 ": the next one at byte %" PRIu64
                      ", expected at %" PRIu64 ", behind its bands",
                      image->io->name, node, next, end);
    node = next;
    VMF_TRY(read_node(image, node, raw, error));
    if (get_be32(raw + 4) != number)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: node at byte %" PRIu64 ": says that it is number %" PRIu32
                      ", expected %" PRIu32,
                      image->io->name, node, get_be32(raw + 4), number);
    next = get_be64(raw + 12);
  }
}

/* A node that nothing leads to takes its bands with it: it leaves them behind in the file. */
static void tell_surplus(const struct vmf_image *image)
{
  const struct sparseimage_state *state = image->state;
  uint64_t end = NODE;

  for (size_t i = 0; i < state->band_count; i++)
    end = vmf_max(end, state->bands[i].host + state->band);
  if (image->io->size > end)
    vmf_warn(image->log,
             "%s: %" PRIu64 " bytes behind its last band, from byte %" PRIu64
             " on, belong to nothing: were they bands, the disk is not whole",
             image->io->name, image->io->size - end, end);
}

static enum vmf_code sort_bands(struct vmf_image *image, struct vmf_error *error)
{
  struct sparseimage_state *state = image->state;

  if (state->band_count > 0)
    qsort(state->bands, state->band_count, sizeof *state->bands, vmf_row_compare);
  for (size_t i = 1; i < state->band_count; i++)
    if (state->bands[i - 1].number == state->bands[i].number)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: band %" PRIu64 " stands in the file twice, at byte %" PRIu64
                      " and at byte %" PRIu64,
                      image->io->name, state->bands[i].number + 1,
                      vmf_min(state->bands[i - 1].host, state->bands[i].host),
                      vmf_max(state->bands[i - 1].host, state->bands[i].host));
  return VMF_OK;
}

static enum vmf_code sparseimage_open(struct vmf_image *image, const struct vmf_open_args *args,
                                      struct vmf_error *error)
{
  struct sparseimage_state *state = image->state;
  uint8_t raw[NODE];

  (void)args;
  VMF_TRY(read_node(image, 0, raw, error));
  decode_header(raw, &state->header);
  VMF_TRY(check_header(image, error));
  image->size = state->header.sectors * SECTOR;
  image->unit = state->band <= UINT32_MAX ? (uint32_t)state->band : 0;
  VMF_TRY(take_nodes(image, raw, error));
  tell_surplus(image);
  return sort_bands(image, error);
}

static void sparseimage_close(struct vmf_image *image)
{
  vmf_free(((struct sparseimage_state *)image->state)->bands);
}

/* ---- where the guest bytes are ---- */

static enum vmf_code sparseimage_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                                     struct vmf_error *error)
{
  const struct sparseimage_state *state = image->state;
  uint64_t number = guest / state->band;
  size_t found = vmf_row_from(state->bands, state->band_count, sizeof *state->bands, number);
  const struct band *band = found < state->band_count ? &state->bands[found] : NULL;
  uint64_t end = band ? band->number * state->band : image->size;

  (void)error;
  *run = (struct vmf_run){.guest = number * state->band, .kind = VMF_RUN_ZERO};
  if (band && band->number == number) {
    run->kind = VMF_RUN_PLAIN;
    run->io = image->io;
    run->offset = band->host;
    for (end += state->band; ++found < state->band_count &&
                             state->bands[found].number * state->band == end &&
                             state->bands[found].host == band->host + (end - run->guest);)
      end += state->band;
  }
  run->length = vmf_min(end, image->size) - run->guest;
  return VMF_OK;
}

static enum vmf_code sparseimage_info(struct vmf_image *image, struct vmf_value *summary,
                                      struct vmf_value *data, struct vmf_error *error)
{
  const struct sparseimage_state *state = image->state;

  (void)summary;
  VMF_TRY(vmf_value_uint(data, "band-size", state->band, error));
  return vmf_value_uint(data, "bands", state->band_count, error);
}

/* That no band lies beyond the file or is told of twice is known since it was opened. */
static enum vmf_code sparseimage_check(struct vmf_image *image, struct vmf_findings *findings,
                                       struct vmf_error *error)
{
  const struct sparseimage_state *state = image->state;

  (void)error;
  findings->total_clusters = vmf_div_up(image->size, state->band);
  findings->allocated_clusters = state->band_count;
  return VMF_OK;
}

static int sparseimage_probe(const struct vmf_probe *probe)
{
  return probe->head_length >= HEADER && memcmp(probe->head, MAGIC, 4) == 0 ? 100 : 0;
}

static const struct vmf_reader sparseimage_reader = {
    .state_size = sizeof(struct sparseimage_state),
    .probe = sparseimage_probe,
    .open = sparseimage_open,
    .close = sparseimage_close,
    .map = sparseimage_map,
    .info = sparseimage_info,
    .check = sparseimage_check,
};

static const char *const aliases[] = {NULL};
static const char *const suffixes[] = {"sparseimage", NULL};

const struct vmf_format vmf_format_sparseimage = {
    .name = "sparseimage",
    .summary = "Apple's sparse disk image, one file",
    .aliases = aliases,
    .suffixes = suffixes,
    .reader = &sparseimage_reader,
};
