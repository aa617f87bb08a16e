/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The snapshot table of QCOW2, and reading a snapshot in place of the active state (spec:
 * "Snapshots"). */
#include <inttypes.h>

#include "bytes.h"
#include "memory.h"
#include "qcow2_reader.h"

static void decode_snapshot(const uint8_t *raw, uint32_t extra, uint64_t guest_size,
                            struct qcow2_snapshot *snapshot)
{
  snapshot->l1_offset = get_be64(raw + QCOW2_SNAPSHOT_L1_OFFSET_AT);
  snapshot->l1_size = get_be32(raw + QCOW2_SNAPSHOT_L1_SIZE_AT);
  snapshot->date_sec = get_be32(raw + QCOW2_SNAPSHOT_DATE_SEC_AT);
  snapshot->date_nsec = get_be32(raw + QCOW2_SNAPSHOT_DATE_NSEC_AT);
  snapshot->clock_nsec = get_be64(raw + QCOW2_SNAPSHOT_CLOCK_AT);
  uint32_t end = QCOW2_SNAPSHOT_FIXED + extra; /* extra is at most 1024 */
  snapshot->state_size = end >= QCOW2_SNAPSHOT_STATE_SIZE64_AT + 8
                             ? get_be64(raw + QCOW2_SNAPSHOT_STATE_SIZE64_AT)
                             : get_be32(raw + QCOW2_SNAPSHOT_STATE_SIZE_AT);
  snapshot->disk_size = end >= QCOW2_SNAPSHOT_DISK_SIZE_AT + 8
                            ? get_be64(raw + QCOW2_SNAPSHOT_DISK_SIZE_AT)
                            : guest_size;
  snapshot->has_icount = end >= QCOW2_SNAPSHOT_ICOUNT_AT + 8;
  snapshot->icount = snapshot->has_icount ? get_be64(raw + QCOW2_SNAPSHOT_ICOUNT_AT) : 0;
}

static enum vmf_code read_table(struct vmf_image *image, uint32_t index, void *buffer,
                                size_t length, uint64_t at, struct vmf_error *error)
{
  if (!vmf_range_within(at, length, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: snapshot table: entry %" PRIu32 " at byte %" PRIu64
                    ": beyond the end of the file (%" PRIu64 " bytes)",
                    image->io->name, index, at, image->io->size);
  return vmf_page_cache_pread(image->cache, image->io, buffer, length, at, error);
}

/* The fixed part, the known extra data, and id and name into text (room for two strings of 64 KiB).
 * *at: moved behind the entry and its padding. */
static enum vmf_code read_snapshot(struct vmf_image *image, uint32_t index, uint64_t *at,
                                   char *text, struct qcow2_snapshot *snapshot,
                                   struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  uint8_t raw[QCOW2_SNAPSHOT_ICOUNT_AT + 8] = {0};
  VMF_TRY(read_table(image, index, raw, QCOW2_SNAPSHOT_FIXED, *at, error));
  uint32_t extra = get_be32(raw + QCOW2_SNAPSHOT_EXTRA_LENGTH_AT);
  if (extra > QCOW2_SNAPSHOT_EXTRA_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: snapshot table: entry %" PRIu32 " at byte %" PRIu64 ": %" PRIu32
                    " bytes of extra data, accepted are 0 to %d",
                    image->io->name, index, *at, extra, QCOW2_SNAPSHOT_EXTRA_MAX);
  uint64_t known = vmf_min(extra, sizeof raw - QCOW2_SNAPSHOT_FIXED);
  VMF_TRY(read_table(image, index, raw + QCOW2_SNAPSHOT_FIXED, known, *at + QCOW2_SNAPSHOT_FIXED,
                     error));
  snapshot->at = *at;
  decode_snapshot(raw, extra, state->header.size, snapshot);

  size_t id_length = get_be16(raw + QCOW2_SNAPSHOT_ID_LENGTH_AT);
  size_t name_length = get_be16(raw + QCOW2_SNAPSHOT_NAME_LENGTH_AT);
  uint64_t strings = *at + QCOW2_SNAPSHOT_FIXED + extra;
  char *name = text + id_length + 1;
  VMF_TRY(read_table(image, index, text, id_length, strings, error));
  text[id_length] = '\0';
  VMF_TRY(read_table(image, index, name, name_length, strings + id_length, error));
  name[name_length] = '\0';
  snapshot->id = text;
  snapshot->name = name;
  *at = vmf_align_up(strings + id_length + name_length, 8);
  return VMF_OK;
}

enum vmf_code qcow2_walk_snapshots(struct vmf_image *image, qcow2_visit_snapshot *visit,
                                   void *context, uint64_t *end, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  const struct qcow2_header *header = &state->header;
  *end = header->snapshots_offset;
  if (header->snapshot_count == 0)
    return VMF_OK;
  VMF_AUTO_FREE void *text = NULL;
  VMF_TRY(vmf_alloc(2 * (UINT16_MAX + 1), &text, error));
  bool stop = false;
  for (uint32_t i = 0; i < header->snapshot_count && !stop; i++) {
    struct qcow2_snapshot snapshot;
    VMF_TRY(read_snapshot(image, i, end, text, &snapshot, error));
    if (*end - header->snapshots_offset > image->limits->snapshot_table_bytes)
      return vmf_fail(error, VMF_LIMIT,
                      "%s: snapshot table: more than %" PRIu32 " bytes after entry %" PRIu32,
                      image->io->name, image->limits->snapshot_table_bytes, i);
    VMF_TRY(visit(context, &snapshot, &stop, error));
  }
  return VMF_OK;
}

struct search {
  const char *wanted;
  bool found;
  struct qcow2_snapshot snapshot; /* its strings are gone */
};

/* An id goes before a name, and the first name before later ones. */
static enum vmf_code match(void *context, const struct qcow2_snapshot *snapshot, bool *stop,
                           struct vmf_error *error)
{
  (void)error;
  struct search *search = context;
  bool id = strcmp(snapshot->id, search->wanted) == 0;
  if (!id && (search->found || strcmp(snapshot->name, search->wanted) != 0))
    return VMF_OK;
  search->found = true;
  search->snapshot = *snapshot;
  *stop = id;
  return VMF_OK;
}

enum vmf_code qcow2_select_snapshot(struct vmf_image *image, const char *wanted,
                                    struct vmf_error *error)
{
  struct qcow2_state *state = image->state;
  struct search search = {.wanted = wanted};
  uint64_t end;
  VMF_TRY(qcow2_walk_snapshots(image, match, &search, &end, error));
  if (!search.found)
    return vmf_fail(error, VMF_USAGE, "%s: no snapshot has the id or name \"%s\"", image->io->name,
                    wanted);
  const struct qcow2_snapshot *snapshot = &search.snapshot;
  if (snapshot->disk_size > image->limits->guest_size)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: snapshot \"%s\": a disk of %" PRIu64 " bytes, at most %" PRIu64
                    " are accepted",
                    image->io->name, wanted, snapshot->disk_size, image->limits->guest_size);
  VMF_TRY(qcow2_check_l1(image, "L1 table of the snapshot", snapshot->l1_offset, snapshot->l1_size,
                         snapshot->disk_size, error));
  state->l1_offset = snapshot->l1_offset;
  state->l1_size = snapshot->l1_size;
  image->size = snapshot->disk_size;
  return VMF_OK;
}
