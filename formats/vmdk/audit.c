/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `check` of the sparse extents: every entry of every table, the markers of packed grains, the
 * redundant directory, and whether two structures claim one sector. The map of sectors in use is a
 * window over the file, which is passed over for each window that something stands in, so memory
 * does not grow. */
#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "extent.h"
#include "memory.h"
#include "zero.h"

enum { WINDOW_BYTES = 4 * 1024 * 1024 }; /* one bit a sector: 16 GiB of the file */
enum { WINDOWS_MAX = 4096 }; /* in which something stands: 64 TiB of the file, or more */
enum { MESSAGES = 100 };     /* findings that are told one by one */

/* What the file has around the place that was last asked for. */
struct region {
  uint64_t start, end;
  bool hole;
};

struct audit {
  const struct vmdk_extent *extent;
  struct vmf_page_cache *cache;
  struct vmf_findings *findings;
  bool has_redundant;            /* a second directory that lies in the file */
  struct region main, redundant; /* around the tables of the two directories */
  uint8_t *used;                 /* WINDOW_BYTES: sectors of the window that something stands in */
  uint64_t window; /* its first sector; 0: the first pass, which also counts and tests entries */
  uint64_t next;   /* the first sector behind it that something stands in; UINT64_MAX: none does */
};

/* Whether [host, host + length) is a hole of the file: tables that were reserved and never used. */
static enum vmf_code vmdk_audit_hole(const struct audit *audit, struct region *region,
                                     uint64_t host, uint64_t length, bool *hole,
                                     struct vmf_error *error)
{
  uint64_t start, end;
  if (host < region->start || host >= region->end) {
    VMF_TRY(vmf_io_next_data(audit->extent->io, host, &start, &end, error));
    region->start = host;
    region->hole = start > host;
    region->end = region->hole ? start : end;
  }
  *hole = region->hole && vmf_range_within(host, length, region->end);
  return VMF_OK;
}

static bool vmdk_audit_tells(struct audit *audit)
{
  audit->findings->corruptions++;
  return audit->findings->corruptions <= MESSAGES;
}

/* Marks the sectors [sector, end) of the window one by one; true when one was marked already. */
static bool vmdk_audit_mark_bits(struct audit *audit, uint64_t sector, uint64_t end)
{
  bool overlap = false;
  for (; sector < end; sector++) {
    uint8_t mask = (uint8_t)(1u << (sector & 7));
    overlap = overlap || (audit->used[sector >> 3] & mask) != 0;
    audit->used[sector >> 3] |= mask;
  }
  return overlap;
}

/* Marks [host, host + length) as used; true when a part of it in the window was so already. A
 * directory may be a hole of many windows: whole bytes are marked at once. */
static bool vmdk_audit_mark(struct audit *audit, uint64_t host, uint64_t length)
{
  const uint64_t end_of_window = audit->window + (uint64_t)WINDOW_BYTES * 8;
  uint64_t sector = vmf_max(host / VMDK_SECTOR, audit->window);
  uint64_t last = vmf_div_up(host + length, VMDK_SECTOR), end = vmf_min(last, end_of_window);
  if (last > end_of_window)
    audit->next = vmf_min(audit->next, vmf_max(sector, end_of_window));
  if (sector >= end)
    return false;
  uint64_t from = sector - audit->window, to = end - audit->window;
  uint64_t whole = vmf_min(vmf_align_up(from, 8), to), rest = vmf_max(vmf_align_down(to, 8), whole);
  size_t bytes = (size_t)(rest - whole) / 8;
  bool overlap = vmdk_audit_mark_bits(audit, from, whole);
  if (bytes > 0) {
    overlap = !vmf_is_zero(audit->used + whole / 8, bytes) || overlap;
    memset(audit->used + whole / 8, 0xff, bytes);
  }
  return vmdk_audit_mark_bits(audit, rest, to) || overlap;
}

static void vmdk_audit_overlap(struct audit *audit, const char *what, uint64_t guest, uint64_t host)
{
  if (vmdk_audit_tells(audit))
    vmf_finding(audit->findings,
                "%s: %s for guest byte %" PRIu64 ": its place at byte %" PRIu64
                " is taken by something else, too",
                audit->extent->io->name, what, audit->extent->guest + guest, host);
}

/* Bytes of the file that the grain takes; 0 when it cannot be there, which is told. */
static enum vmf_code vmdk_audit_length(struct audit *audit, uint64_t guest, uint64_t host,
                                       uint64_t *length, struct vmf_error *error)
{
  const struct vmdk_extent *extent = audit->extent;
  const struct vmdk_grains *grains = &extent->grains;
  uint8_t marker[VMDK_GRAIN_MARKER];
  struct vmf_error fault;
  uint32_t size;
  *length = vmf_min(grains->grain, grains->capacity - guest);
  uint64_t least = grains->packed ? sizeof marker : *length;
  if (host < grains->least_host || !vmf_range_within(host, least, extent->io->size)) {
    if (audit->window == 0 && vmdk_audit_tells(audit))
      vmf_finding(audit->findings,
                  "%s: grain for guest byte %" PRIu64 ": its place at byte %" PRIu64
                  " is in the header or beyond the end of the file, %" PRIu64,
                  extent->io->name, extent->guest + guest, host, extent->io->size);
    *length = 0;
    return VMF_OK;
  }
  if (!grains->packed)
    return VMF_OK;
  VMF_TRY(vmf_page_cache_pread(audit->cache, extent->io, marker, sizeof marker, host, error));
  if (vmdk_stream_marker(extent->io, host, marker, guest, grains->grain, &size, &fault) == VMF_OK) {
    *length = VMDK_GRAIN_MARKER + size;
    return VMF_OK;
  }
  if (audit->window == 0 && vmdk_audit_tells(audit))
    vmf_finding(audit->findings, "%s", fault.text);
  *length = 0;
  return VMF_OK;
}

/* False, and told in the first pass: no entry of the format looks so. */
static bool vmdk_audit_decode(struct audit *audit, enum vmdk_level level, uint64_t raw,
                              uint64_t guest, struct vmdk_entry *entry)
{
  const struct vmdk_extent *extent = audit->extent;
  if (extent->grains.decode(&extent->grains, level, raw, entry))
    return true;
  if (audit->window == 0 && vmdk_audit_tells(audit))
    vmf_finding(audit->findings, "%s: grain %s entry for guest byte %" PRIu64 ": 0x%" PRIx64,
                extent->io->name, level == VMDK_LEVEL_DIRECTORY ? "directory" : "table",
                extent->guest + guest, raw);
  return false;
}

static enum vmf_code vmdk_audit_grain(struct audit *audit, uint64_t guest, uint64_t raw,
                                      struct vmf_error *error)
{
  const struct vmdk_grains *grains = &audit->extent->grains;
  struct vmdk_entry entry;
  uint64_t length;
  if (!vmdk_audit_decode(audit, VMDK_LEVEL_TABLE, raw, guest, &entry) ||
      entry.kind != VMDK_ENTRY_AT)
    return VMF_OK;
  if (audit->window == 0) {
    audit->findings->allocated_clusters++;
    audit->findings->compressed_clusters += grains->packed;
  }
  VMF_TRY(vmdk_audit_length(audit, guest, entry.host, &length, error));
  if (vmdk_audit_mark(audit, entry.host, length))
    vmdk_audit_overlap(audit, "grain", guest, entry.host);
  return VMF_OK;
}

static enum vmf_code vmdk_audit_table(struct audit *audit, uint64_t index, uint64_t host,
                                      struct vmf_error *error)
{
  const struct vmdk_grains *grains = &audit->extent->grains;
  uint64_t entries[VMDK_ENTRIES_AT_ONCE], guest = index * vmdk_grains_coverage(grains);
  uint32_t count = vmdk_grains_entries(grains, index);
  bool hole;
  VMF_TRY(vmdk_audit_hole(audit, &audit->main, host, (uint64_t)count * grains->entry_size, &hole,
                          error));
  if (hole)
    return VMF_OK;
  for (uint32_t first = 0; first < count; first += VMDK_ENTRIES_AT_ONCE) {
    unsigned batch = (unsigned)vmf_min(VMDK_ENTRIES_AT_ONCE, count - first);
    VMF_TRY(vmdk_grains_load(audit->extent, audit->cache, host, first, batch, entries, error));
    if (vmf_is_zero(entries, batch * sizeof entries[0]))
      continue;
    for (unsigned i = 0; i < batch; i++)
      VMF_TRY(vmdk_audit_grain(audit, guest + (uint64_t)(first + i) * grains->grain, entries[i],
                               error));
  }
  return VMF_OK;
}

/* The tables at `host` and `redundant` must say the same. */
static enum vmf_code vmdk_audit_compare(struct audit *audit, uint64_t index, uint64_t host,
                                        uint64_t redundant, struct vmf_error *error)
{
  const struct vmdk_grains *grains = &audit->extent->grains;
  uint64_t ours[VMDK_ENTRIES_AT_ONCE], theirs[VMDK_ENTRIES_AT_ONCE];
  uint32_t count = vmdk_grains_entries(grains, index); /* hosted sparse: at most one batch */
  uint64_t length = (uint64_t)count * grains->entry_size;
  bool hole, redundant_hole;
  VMF_TRY(vmdk_audit_hole(audit, &audit->main, host, length, &hole, error));
  VMF_TRY(vmdk_audit_hole(audit, &audit->redundant, redundant, length, &redundant_hole, error));
  if (hole && redundant_hole)
    return VMF_OK;
  VMF_TRY(vmdk_grains_load(audit->extent, audit->cache, host, 0, count, ours, error));
  VMF_TRY(vmdk_grains_load(audit->extent, audit->cache, redundant, 0, count, theirs, error));
  if (memcmp(ours, theirs, count * sizeof *ours) != 0 && vmdk_audit_tells(audit))
    vmf_finding(audit->findings,
                "%s: grain table %" PRIu64 " at byte %" PRIu64
                " differs from its redundant copy at byte %" PRIu64,
                audit->extent->io->name, index, host, redundant);
  return VMF_OK;
}

/* The redundant directory's entry `index`, whose table in the main directory is `main`. */
static enum vmf_code vmdk_audit_redundant(struct audit *audit, uint64_t index,
                                          const struct vmdk_entry *main, struct vmf_error *error)
{
  const struct vmdk_extent *extent = audit->extent;
  const struct vmdk_grains *grains = &extent->grains;
  uint64_t raw, length = (uint64_t)vmdk_grains_entries(grains, index) * grains->entry_size;
  uint64_t guest = index * vmdk_grains_coverage(grains);
  struct vmdk_entry entry;
  VMF_TRY(vmdk_grains_load(extent, audit->cache, grains->rgd_offset, index, 1, &raw, error));
  if (!vmdk_audit_decode(audit, VMDK_LEVEL_DIRECTORY, raw, guest, &entry))
    return VMF_OK;
  bool within =
      entry.kind != VMDK_ENTRY_AT || vmf_range_within(entry.host, length, extent->io->size);
  if (entry.kind != main->kind || !within) {
    if (audit->window == 0 && vmdk_audit_tells(audit))
      vmf_finding(audit->findings,
                  "%s: redundant grain directory entry %" PRIu64 ": 0x%" PRIx64
                  " does not agree with the grain directory",
                  extent->io->name, index, raw);
    return VMF_OK;
  }
  if (entry.kind != VMDK_ENTRY_AT || entry.host == main->host)
    return VMF_OK;
  if (vmdk_audit_mark(audit, entry.host, length))
    vmdk_audit_overlap(audit, "redundant grain table", guest, entry.host);
  return audit->window == 0 ? vmdk_audit_compare(audit, index, main->host, entry.host, error)
                            : VMF_OK;
}

static enum vmf_code vmdk_audit_entry(struct audit *audit, uint64_t index, struct vmf_error *error)
{
  const struct vmdk_extent *extent = audit->extent;
  const struct vmdk_grains *grains = &extent->grains;
  uint64_t raw, guest = index * vmdk_grains_coverage(grains);
  uint64_t length = (uint64_t)vmdk_grains_entries(grains, index) * grains->entry_size;
  struct vmdk_entry entry;
  VMF_TRY(vmdk_grains_load(extent, audit->cache, grains->gd_offset, index, 1, &raw, error));
  if (!vmdk_audit_decode(audit, VMDK_LEVEL_DIRECTORY, raw, guest, &entry))
    return VMF_OK;
  if (entry.kind == VMDK_ENTRY_AT && (entry.host < grains->least_host ||
                                      !vmf_range_within(entry.host, length, extent->io->size))) {
    if (audit->window == 0 && vmdk_audit_tells(audit))
      vmf_finding(audit->findings,
                  "%s: grain directory entry %" PRIu64 ": 0x%" PRIx64
                  " is in the header or beyond the end of the file",
                  extent->io->name, index, raw);
    return VMF_OK;
  }
  if (audit->has_redundant)
    VMF_TRY(vmdk_audit_redundant(audit, index, &entry, error));
  if (entry.kind != VMDK_ENTRY_AT)
    return VMF_OK;
  if (vmdk_audit_mark(audit, entry.host, length)) { /* not read again: its grains are known */
    vmdk_audit_overlap(audit, "grain table", guest, entry.host);
    return VMF_OK;
  }
  return vmdk_audit_table(audit, index, entry.host, error);
}

/* Entries from `index` on, at most `count`, that are absent in both directories. */
static uint64_t vmdk_audit_absent(const struct audit *audit, uint64_t index, uint64_t count)
{
  const struct vmdk_grains *grains = &audit->extent->grains;
  uint64_t absent = vmdk_grains_hole(audit->extent, grains->gd_offset, index, count);
  if (absent > 0 && audit->has_redundant)
    absent = vmdk_grains_hole(audit->extent, grains->rgd_offset, index, absent);
  return absent;
}

static enum vmf_code vmdk_audit_pass(struct audit *audit, struct vmf_error *error)
{
  const struct vmdk_grains *grains = &audit->extent->grains;
  uint64_t count = vmf_div_up(grains->capacity, vmdk_grains_coverage(grains));
  memset(audit->used, 0, WINDOW_BYTES);
  (void)vmdk_audit_mark(audit, 0, grains->least_host);
  if (vmdk_audit_mark(audit, grains->gd_offset, count * grains->entry_size))
    vmdk_audit_overlap(audit, "grain directory", 0, grains->gd_offset);
  if (audit->has_redundant &&
      vmdk_audit_mark(audit, grains->rgd_offset, count * grains->entry_size))
    vmdk_audit_overlap(audit, "redundant grain directory", 0, grains->rgd_offset);
  for (uint64_t index = 0; index < count; index++) {
    if (index % VMDK_ENTRIES_AT_ONCE == 0)
      index += vmdk_audit_absent(audit, index, count - index);
    if (index < count)
      VMF_TRY(vmdk_audit_entry(audit, index, error));
  }
  return VMF_OK;
}

static enum vmf_code vmdk_audit_extent(struct audit *audit, struct vmf_error *error)
{
  const struct vmdk_extent *extent = audit->extent;
  audit->findings->total_clusters += vmf_div_up(extent->length, extent->grains.grain);
  uint64_t count = vmf_div_up(extent->grains.capacity, vmdk_grains_coverage(&extent->grains));
  audit->has_redundant = extent->grains.rgd_offset != 0 &&
                         vmf_range_within(extent->grains.rgd_offset,
                                          count * extent->grains.entry_size, extent->io->size);
  if (extent->grains.rgd_offset != 0 && !audit->has_redundant && vmdk_audit_tells(audit))
    vmf_finding(audit->findings,
                "%s: redundant grain directory at byte %" PRIu64
                " reaches beyond the end of the file, %" PRIu64,
                extent->io->name, extent->grains.rgd_offset, extent->io->size);
  audit->next = 0;
  for (unsigned windows = 0; audit->next != UINT64_MAX; windows++) {
    if (windows == WINDOWS_MAX)
      return vmf_fail(error, VMF_LIMIT,
                      "%s: what it holds is scattered over more than %d times 16 GiB of the file: "
                      "not examined for overlaps",
                      extent->io->name, WINDOWS_MAX);
    audit->window = audit->next;
    audit->next = UINT64_MAX;
    VMF_TRY(vmdk_audit_pass(audit, error));
  }
  return VMF_OK;
}

enum vmf_code vmdk_audit(struct vmf_image *image, struct vmf_findings *findings,
                         struct vmf_error *error)
{
  const struct vmdk_disk *disk = image->state;
  VMF_AUTO_FREE void *used = NULL;
  VMF_TRY(vmf_alloc(WINDOW_BYTES, &used, error));
  for (unsigned i = 0; i < disk->extent_count; i++) {
    struct audit audit = {
        .extent = &disk->extents[i], .cache = image->cache, .findings = findings, .used = used};
    if (disk->extents[i].kind == VMDK_EXTENT_GRAINS)
      VMF_TRY(vmdk_audit_extent(&audit, error));
  }
  if (findings->corruptions > MESSAGES)
    vmf_finding(findings, "%s: %" PRIu64 " further findings are not shown", image->io->name,
                findings->corruptions - MESSAGES);
  return VMF_OK;
}
