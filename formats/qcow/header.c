/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header: decoded, checked whole, and the name behind it. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "qcow.h"

/* At byte 20 stands the time of the backing file's last change, which nobody looks at; 34 and 35
 * are padding. */
static void decode_header(const uint8_t raw[QCOW_HEADER], struct qcow_header *header)
{
  header->version = get_be32(raw + 4);
  header->backing_offset = get_be64(raw + 8);
  header->backing_size = get_be32(raw + 16);
  header->size = get_be64(raw + 24);
  header->cluster_bits = raw[32];
  header->l2_bits = raw[33];
  header->encryption = get_be32(raw + 36);
  header->l1_offset = get_be64(raw + 40);
}

static enum vmf_code check_kind(const struct vmf_image *image, struct vmf_error *error)
{
  const struct qcow_header *header = &((const struct qcow_state *)image->state)->header;
  const char *name = image->io->name;

  if (header->version != 1)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: QCOW header: version %" PRIu32 ", expected 1%s",
                    name, header->version,
                    header->version == 2 || header->version == 3 ? "; say -f qcow2" : "");
  if (header->encryption > 1)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: QCOW header: encryption method %" PRIu32
                    ", only 0 (none) and 1 (AES) are read",
                    name, header->encryption);
  if (header->cluster_bits < QCOW_CLUSTER_BITS_MIN || header->cluster_bits > QCOW_CLUSTER_BITS_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: QCOW header: clusters of 2^%" PRIu32 " bytes, expected 2^%d to 2^%d", name,
                    header->cluster_bits, QCOW_CLUSTER_BITS_MIN, QCOW_CLUSTER_BITS_MAX);
  if (header->l2_bits < QCOW_L2_BITS_MIN || header->l2_bits > QCOW_L2_BITS_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: QCOW header: L2 tables of 2^%" PRIu32 " entries, expected 2^%d to 2^%d",
                    name, header->l2_bits, QCOW_L2_BITS_MIN, QCOW_L2_BITS_MAX);
  return VMF_OK;
}

/* QEMU, too, rounds an odd size down. */
static enum vmf_code set_size(struct vmf_image *image, struct vmf_error *error)
{
  const struct qcow_header *header = &((const struct qcow_state *)image->state)->header;

  if (header->size <= 1)
    return vmf_fail(error, VMF_CORRUPT, "%s: QCOW header: a disk of %" PRIu64 " bytes",
                    image->io->name, header->size);
  if (header->size > image->limits->guest_size)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: QCOW header: a disk of %" PRIu64 " bytes; at most %" PRIu64
                    " are possible",
                    image->io->name, header->size, image->limits->guest_size);
  image->size = vmf_align_down(header->size, QCOW_SECTOR);
  if (image->size != header->size)
    vmf_warn(image->log,
             "%s: a disk of %" PRIu64 " bytes, no whole sectors: it ends at %" PRIu64
             ", as in QEMU",
             image->io->name, header->size, image->size);
  return VMF_OK;
}

static enum vmf_code check_table(struct vmf_image *image, struct vmf_error *error)
{
  struct qcow_state *state = image->state;
  const struct qcow_header *header = &state->header;
  unsigned covered_bits = header->cluster_bits + header->l2_bits; /* by an L2 table */

  state->l1_entries = vmf_div_up(header->size, UINT64_C(1) << covered_bits);
  if (header->l1_offset < QCOW_HEADER ||
      !vmf_range_within(header->l1_offset, state->l1_entries * QCOW_ENTRY, image->io->size))
    return vmf_fail(
        error, VMF_CORRUPT,
        "%s: QCOW header: the L1 table of %" PRIu64 " entries at byte %" PRIu64
        " does not lie between the header (%d bytes) and the end of the file (%" PRIu64 " bytes)",
        image->io->name, state->l1_entries, header->l1_offset, QCOW_HEADER, image->io->size);
  return VMF_OK;
}

static enum vmf_code read_backing_name(struct vmf_image *image, struct vmf_error *error)
{
  const struct qcow_state *state = image->state;
  const struct qcow_header *header = &state->header;
  const char *name = image->io->name;
  char text[QCOW_BACKING_MAX];

  if (header->backing_offset == 0)
    return VMF_OK;
  if (header->backing_size == 0 || header->backing_size > QCOW_BACKING_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: QCOW header: backing file name of %" PRIu32 " bytes, expected 1 to %d",
                    name, header->backing_size, QCOW_BACKING_MAX);
  if (header->backing_offset < QCOW_HEADER ||
      !vmf_range_within(header->backing_offset, header->backing_size, image->io->size) ||
      vmf_ranges_overlap(header->backing_offset, header->backing_size, header->l1_offset,
                         state->l1_entries * QCOW_ENTRY))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: QCOW header: backing file name of %" PRIu32 " bytes at byte %" PRIu64
                    ": it lies in the header or the L1 table, or beyond the end of the file",
                    name, header->backing_size, header->backing_offset);
  VMF_TRY(vmf_io_pread(image->io, text, header->backing_size, header->backing_offset, error));
  if (memchr(text, 0, header->backing_size))
    return vmf_fail(error, VMF_CORRUPT, "%s: QCOW header: a zero byte in the backing file name",
                    name);
  VMF_TRY(vmf_copy_bytes(text, header->backing_size, &image->parent_link.names[0], error));
  image->parent_link.count = 1;
  return VMF_OK;
}

enum vmf_code qcow_load(struct vmf_image *image, struct vmf_error *error)
{
  struct qcow_state *state = image->state;
  uint8_t raw[QCOW_HEADER];

  if (image->io->size < QCOW_HEADER)
    return vmf_fail(error, VMF_CORRUPT, "%s: %" PRIu64 " bytes, a QCOW header has %d",
                    image->io->name, image->io->size, QCOW_HEADER);
  VMF_TRY(vmf_io_pread(image->io, raw, sizeof raw, 0, error));
  if (get_be32(raw) != QCOW_MAGIC)
    return vmf_fail(error, VMF_CORRUPT, "%s: no QCOW signature (51 46 49 fb) at byte 0",
                    image->io->name);
  decode_header(raw, &state->header);
  VMF_TRY(check_kind(image, error));
  state->cluster_size = UINT32_C(1) << state->header.cluster_bits;
  image->unit = state->cluster_size;
  VMF_TRY(set_size(image, error));
  VMF_TRY(check_table(image, error));
  return read_backing_name(image, error);
}
