/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing the log back, in memory: its entries become patches of the file, which is only read. The
 * pages of 4 KiB stay where they are, in the log. */
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "list.h"
#include "memory.h"
#include "patched.h"
#include "vhdx_log.h"

enum { PATCHES_MAX = 1 << 19 /* 32 MiB of memory; a log of 1 MiB has at most 32 Ki */ };

struct patches {
  struct vmf_patch *list;
  size_t count, capacity;
  uint64_t size; /* of the file, afterwards */
};

static enum vmf_code add_patch(const struct vmf_image *image, struct patches *patches,
                               struct vmf_patch patch, struct vmf_error *error)
{
  if (patches->count == PATCHES_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: VHDX log: more than %u changes are not kept in memory",
                    image->io->name, PATCHES_MAX);
  VMF_TRY(
      VMF_LIST_ROOM(patches->list, patches->count, patches->capacity, "changes of a log", error));
  patches->list[patches->count++] = patch;
  return VMF_OK;
}

static enum vmf_code check_place(const struct vmf_image *image, const struct patches *patches,
                                 const struct vhdx_log_entry *entry, struct vhdx_range range,
                                 struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  struct vhdx_range log = {state->header.log_offset, state->header.log_length};

  if (range.offset % LOG_SECTOR == 0 && range.length % LOG_SECTOR == 0 &&
      range.offset >= VHDX_REGION_TABLES_AT &&
      vmf_range_within(range.offset, range.length, patches->size) && !vhdx_overlaps(range, log))
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: VHDX log entry %llu: changes %llu bytes at byte %llu; expected pages of %u "
                  "bytes from byte %u on, within the file (%llu bytes), but for the log",
                  image->io->name, (unsigned long long)entry->sequence,
                  (unsigned long long)range.length, (unsigned long long)range.offset, LOG_SECTOR,
                  VHDX_REGION_TABLES_AT, (unsigned long long)patches->size);
}

/* A page: its first and last bytes stand in its descriptor, the others in its sector. */
static enum vmf_code add_page(const struct vmf_image *image, struct patches *patches,
                              uint64_t offset, uint64_t descriptor, uint64_t sector,
                              struct vmf_error *error)
{
  const uint64_t middle = LOG_SECTOR - LOG_LEADING - LOG_TRAILING;

  VMF_TRY(
      add_patch(image, patches, (struct vmf_patch){offset, LOG_LEADING, descriptor + 8}, error));
  VMF_TRY(add_patch(image, patches,
                    (struct vmf_patch){offset + LOG_LEADING, middle, sector + LOG_LEADING}, error));
  return add_patch(image, patches,
                   (struct vmf_patch){offset + LOG_LEADING + middle, LOG_TRAILING, descriptor + 4},
                   error);
}

/* raw: the descriptor, which stands at byte `place` of the file; *data: sectors of data so far. */
static enum vmf_code add_descriptor(const struct vmf_image *image, struct patches *patches,
                                    const struct vhdx_log_entry *entry, const uint8_t *raw,
                                    uint64_t place, uint32_t *data, struct vmf_error *error)
{
  const struct vhdx_header *header = &((const struct vhdx_state *)image->state)->header;
  uint64_t offset = get_le64(raw + 16);

  if (memcmp(raw, "zero", 4) == 0) {
    uint64_t length = get_le64(raw + 8);
    VMF_TRY(check_place(image, patches, entry, (struct vhdx_range){offset, length}, error));
    return add_patch(image, patches, (struct vmf_patch){offset, length, VMF_PATCH_ZEROS}, error);
  }
  VMF_TRY(check_place(image, patches, entry, (struct vhdx_range){offset, LOG_SECTOR}, error));
  uint32_t sector = vhdx_log_head_sectors(entry) + (*data)++;
  return add_page(image, patches, offset, place, vhdx_log_place(header, entry, sector), error);
}

static enum vmf_code add_entry(const struct vmf_image *image, struct patches *patches,
                               const struct vhdx_log_entry *entry, struct vmf_error *error)
{
  const struct vhdx_header *header = &((const struct vhdx_state *)image->state)->header;
  uint8_t raw[LOG_SECTOR];
  uint32_t data = 0;

  for (uint32_t i = 0; i < entry->descriptors; i++) {
    uint64_t at = LOG_HEADER + (uint64_t)LOG_DESCRIPTOR * i;
    uint64_t place = vhdx_log_place(header, entry, (uint32_t)(at / LOG_SECTOR));
    if (i == 0 || at % LOG_SECTOR == 0)
      VMF_TRY(vmf_io_pread(image->io, raw, sizeof(raw), place, error));
    VMF_TRY(add_descriptor(image, patches, entry, raw + at % LOG_SECTOR, place + at % LOG_SECTOR,
                           &data, error));
  }
  return VMF_OK;
}

static enum vmf_code check_sizes(const struct vmf_image *image, const struct vhdx_log_entry *last,
                                 struct vmf_error *error)
{
  if (image->io->size < last->flushed)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX log entry %llu: the file had %llu bytes then and has %llu now: it is "
                    "truncated",
                    image->io->name, (unsigned long long)last->sequence,
                    (unsigned long long)last->flushed, (unsigned long long)image->io->size);
  if (last->last > INT64_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX log entry %llu: a file of %llu bytes, at most 2^63 are possible",
                    image->io->name, (unsigned long long)last->sequence,
                    (unsigned long long)last->last);
  return VMF_OK;
}

static enum vmf_code write_back(struct vmf_image *image, const struct vhdx_log_entry *entries,
                                size_t count, struct patches *patches, struct vmf_error *error)
{
  struct vhdx_state *state = image->state;
  const struct vhdx_log_entry *last = &entries[count - 1];

  VMF_TRY(check_sizes(image, last, error));
  patches->size = vmf_max(image->io->size, last->last);
  for (size_t i = 0; i < count; i++)
    VMF_TRY(add_entry(image, patches, &entries[i], error));
  VMF_TRY(vmf_io_patched(image->io, patches->size, patches->list, patches->count, &state->patched,
                         error));
  state->io = state->patched;
  state->log_entries = count;
  if (patches->count > 0)
    vmf_note(image->log, "%s: was not closed: its log is written back in memory (%zu entries)",
             image->io->name, count);
  return VMF_OK;
}

enum vmf_code vhdx_replay(struct vmf_image *image, struct vmf_error *error)
{
  VMF_AUTO_FREE struct vhdx_log_entry *entries = NULL;
  struct patches patches = {0};
  size_t count;

  VMF_TRY(vhdx_log_find(image, &entries, &count, error));
  enum vmf_code code = write_back(image, entries, count, &patches, error);
  vmf_free(patches.list);
  return code;
}
