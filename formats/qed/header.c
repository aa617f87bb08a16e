/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header: decoded, checked whole, and the name behind it. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "qed.h"

/* The features at bytes 24 and 32 may be unknown: who only reads need not know them. */
static void decode_header(const uint8_t raw[QED_HEADER], struct qed_header *header)
{
  header->cluster_size = get_le32(raw + 4);
  header->table_clusters = get_le32(raw + 8);
  header->header_clusters = get_le32(raw + 12);
  header->features = get_le64(raw + 16);
  header->l1_offset = get_le64(raw + 40);
  header->size = get_le64(raw + 48);
  header->backing_offset = get_le32(raw + 56);
  header->backing_size = get_le32(raw + 60);
}

static enum vmf_code check_kind(const struct vmf_image *image, struct vmf_error *error)
{
  const struct qed_header *header = &((const struct qed_state *)image->state)->header;
  const char *name = image->io->name;

  if (header->features & ~(uint64_t)QED_FEATURES)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: QED header: features 0x%" PRIx64 ", only 0x%x are known", name,
                    header->features, QED_FEATURES);
  if (!vmf_is_power_of_two(header->cluster_size) || header->cluster_size < QED_CLUSTER_MIN ||
      header->cluster_size > QED_CLUSTER_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: QED header: clusters of %" PRIu32
                    " bytes, expected a power of two from %d to %d",
                    name, header->cluster_size, QED_CLUSTER_MIN, QED_CLUSTER_MAX);
  if (!vmf_is_power_of_two(header->table_clusters) || header->table_clusters > QED_TABLE_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: QED header: tables of %" PRIu32 " clusters, expected 1, 2, 4, 8 or 16",
                    name, header->table_clusters);
  return VMF_OK;
}

static enum vmf_code check_places(const struct vmf_image *image, struct vmf_error *error)
{
  const struct qed_state *state = image->state;
  const struct qed_header *header = &state->header;
  const char *name = image->io->name;

  if (header->header_clusters == 0 || state->header_bytes > image->io->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: QED header: a header of %" PRIu32
                    " clusters, expected 1 at least, and all of them in the file (%" PRIu64
                    " bytes)",
                    name, header->header_clusters, image->io->size);
  if (header->l1_offset % header->cluster_size != 0 || header->l1_offset < state->header_bytes ||
      !vmf_range_within(header->l1_offset, state->table_bytes, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: QED header: the L1 table of %" PRIu64 " bytes at byte %" PRIu64
                    ", expected a multiple of the cluster size between the header (%" PRIu64
                    " bytes) and the end of the file (%" PRIu64 " bytes)",
                    name, state->table_bytes, header->l1_offset, state->header_bytes,
                    image->io->size);
  return VMF_OK;
}

/* Entries of both tables, 2^25 at most each, times a cluster of 2^26. */
static enum vmf_code check_size(const struct vmf_image *image, struct vmf_error *error)
{
  const struct qed_state *state = image->state;
  const struct qed_header *header = &state->header;
  uint64_t clusters = state->table_entries * state->table_entries;

  if (header->size % QED_SECTOR != 0 || vmf_div_up(header->size, header->cluster_size) > clusters)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: QED header: a disk of %" PRIu64
                    " bytes, expected a multiple of %d and %" PRIu64 " clusters of %" PRIu32
                    " bytes at most",
                    image->io->name, header->size, QED_SECTOR, clusters, header->cluster_size);
  if (header->size > image->limits->guest_size)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: QED header: a disk of %" PRIu64 " bytes; at most %" PRIu64 " are possible",
                    image->io->name, header->size, image->limits->guest_size);
  return VMF_OK;
}

static enum vmf_code read_backing_name(struct vmf_image *image, struct vmf_error *error)
{
  const struct qed_state *state = image->state;
  const struct qed_header *header = &state->header;
  const char *name = image->io->name;
  char text[QED_BACKING_MAX];

  if (!(header->features & QED_BACKING_FILE))
    return VMF_OK;
  if (header->backing_size == 0 || header->backing_size > QED_BACKING_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: QED header: backing file name of %" PRIu32 " bytes, expected 1 to %d",
                    name, header->backing_size, QED_BACKING_MAX);
  if (header->backing_offset < QED_HEADER ||
      !vmf_range_within(header->backing_offset, header->backing_size, state->header_bytes))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: QED header: backing file name of %" PRIu32 " bytes at byte %" PRIu32
                    ", expected between byte %d and the end of the header (%" PRIu64 " bytes)",
                    name, header->backing_size, header->backing_offset, QED_HEADER,
                    state->header_bytes);
  VMF_TRY(vmf_io_pread(image->io, text, header->backing_size, header->backing_offset, error));
  if (memchr(text, 0, header->backing_size))
    return vmf_fail(error, VMF_CORRUPT, "%s: QED header: a zero byte in the backing file name",
                    name);
  VMF_TRY(vmf_copy_bytes(text, header->backing_size, &image->parent_link.names[0], error));
  image->parent_link.count = 1;
  return header->features & QED_BACKING_RAW
             ? vmf_copy_text("raw", &image->parent_link.format, error)
             : VMF_OK;
}

enum vmf_code qed_load(struct vmf_image *image, struct vmf_error *error)
{
  struct qed_state *state = image->state;
  const struct qed_header *header = &state->header;
  uint8_t raw[QED_HEADER];

  if (image->io->size < QED_HEADER)
    return vmf_fail(error, VMF_CORRUPT, "%s: %" PRIu64 " bytes, a QED header has %d",
                    image->io->name, image->io->size, QED_HEADER);
  VMF_TRY(vmf_io_pread(image->io, raw, sizeof raw, 0, error));
  if (get_le32(raw) != QED_MAGIC)
    return vmf_fail(error, VMF_CORRUPT, "%s: no QED signature (51 45 44 00) at byte 0",
                    image->io->name);
  decode_header(raw, &state->header);
  VMF_TRY(check_kind(image, error));
  state->table_bytes = (uint64_t)header->table_clusters * header->cluster_size;
  state->table_entries = state->table_bytes / QED_ENTRY;
  state->header_bytes = (uint64_t)header->header_clusters * header->cluster_size;
  VMF_TRY(check_size(image, error));
  image->unit = header->cluster_size;
  image->size = header->size;
  VMF_TRY(check_places(image, error));
  return read_backing_name(image, error);
}
