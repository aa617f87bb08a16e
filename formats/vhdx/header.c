/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The two headers, of which the one with the higher sequence number counts ([MS-VHDX] 2.2.2). */
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "vhdx.h"
#include "zero.h"

bool vhdx_overlaps(struct vhdx_range a, struct vhdx_range b)
{
  return vmf_ranges_overlap(a.offset, a.length, b.offset, b.length);
}

static void decode_header(const uint8_t raw[VHDX_HEADER_SIZE], struct vhdx_header *header)
{
  header->sequence = get_le64(raw + 8);
  memcpy(header->file_write_guid, raw + 16, VMF_GUID_SIZE);
  memcpy(header->data_write_guid, raw + 32, VMF_GUID_SIZE);
  memcpy(header->log_guid, raw + 48, VMF_GUID_SIZE);
  header->log_version = get_le16(raw + 64);
  header->version = get_le16(raw + 66);
  header->log_length = get_le32(raw + 68);
  header->log_offset = get_le64(raw + 72);
}

static bool is_header(const uint8_t raw[VHDX_HEADER_SIZE])
{
  return memcmp(raw, "head", 4) == 0 && get_le32(raw + VHDX_SUM) == vhdx_sum(raw, VHDX_HEADER_SIZE);
}

/* The index of the header that counts. */
static enum vmf_code choose(const struct vmf_image *image, uint8_t raw[2][VHDX_HEADER_SIZE],
                            unsigned *current, struct vmf_error *error)
{
  struct vhdx_state *state = image->state;
  const char *name = image->io->name;
  uint64_t sequences[2];

  for (unsigned i = 0; i < 2; i++) {
    state->headers_valid[i] = is_header(raw[i]);
    sequences[i] = get_le64(raw[i] + 8);
  }
  if (!state->headers_valid[0] && !state->headers_valid[1])
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: no VHDX header (\"head\") with a right checksum, neither at byte %u nor "
                    "at byte %u",
                    name, VHDX_HEADERS_AT, VHDX_HEADERS_AT + VHDX_COPIES_APART);
  *current = !state->headers_valid[0] || (state->headers_valid[1] && sequences[1] > sequences[0]);
  for (unsigned i = 0; i < 2; i++)
    if (!state->headers_valid[i])
      vmf_warn(image->log,
               "%s: the VHDX header at byte %u is damaged; the other one, at byte %u, is used",
               name, VHDX_HEADERS_AT + i * VHDX_COPIES_APART,
               VHDX_HEADERS_AT + !i * VHDX_COPIES_APART);
  if (state->headers_valid[0] && state->headers_valid[1] && sequences[0] == sequences[1] &&
      memcmp(raw[0], raw[1], VHDX_HEADER_SIZE) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: both VHDX headers have the sequence number %llu, but they differ: which "
                    "one counts cannot be told",
                    name, (unsigned long long)sequences[0]);
  return VMF_OK;
}

static enum vmf_code check_log_place(const struct vmf_image *image, struct vmf_error *error)
{
  const struct vhdx_header *header = &((const struct vhdx_state *)image->state)->header;

  if (header->log_length == 0 && vmf_is_zero(header->log_guid, VMF_GUID_SIZE))
    return VMF_OK;
  if (header->log_length == 0 || header->log_length % VHDX_MIB != 0 ||
      header->log_offset % VHDX_MIB != 0 || header->log_offset < VHDX_MIB)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX header: a log of %u bytes at byte %llu, expected whole MiB behind "
                    "the first one",
                    image->io->name, header->log_length, (unsigned long long)header->log_offset);
  if (header->log_length > VHDX_LOG_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: VHDX header: a log of %u bytes, at most %llu are read",
                    image->io->name, header->log_length, (unsigned long long)VHDX_LOG_MAX);
  if (!vmf_range_within(header->log_offset, header->log_length, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX header: the log of %u bytes at byte %llu goes beyond the end of the "
                    "file (%llu bytes)",
                    image->io->name, header->log_length, (unsigned long long)header->log_offset,
                    (unsigned long long)image->io->size);
  return VMF_OK;
}

static enum vmf_code check_header(const struct vmf_image *image, struct vmf_error *error)
{
  const struct vhdx_header *header = &((const struct vhdx_state *)image->state)->header;

  if (header->version != 1)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: VHDX header: version %u, expected 1",
                    image->io->name, header->version);
  if (header->log_version != 0 && !vmf_is_zero(header->log_guid, VMF_GUID_SIZE))
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: VHDX header: log version %u, expected 0",
                    image->io->name, header->log_version);
  return check_log_place(image, error);
}

enum vmf_code vhdx_load_headers(struct vmf_image *image, struct vmf_error *error)
{
  struct vhdx_state *state = image->state;
  uint8_t raw[2][VHDX_HEADER_SIZE];
  unsigned current = 0;

  if (image->io->size < VHDX_MIB)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: ends at byte %llu, but the headers of a VHDX take %u bytes: the file is "
                    "truncated",
                    image->io->name, (unsigned long long)image->io->size, VHDX_MIB);
  VMF_TRY(vmf_io_pread(image->io, raw[0], 8, 0, error));
  if (memcmp(raw[0], "vhdxfile", 8) != 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: no VHDX: does not start with \"vhdxfile\"",
                    image->io->name);
  for (unsigned i = 0; i < 2; i++)
    VMF_TRY(vmf_io_pread(image->io, raw[i], VHDX_HEADER_SIZE,
                         VHDX_HEADERS_AT + i * VHDX_COPIES_APART, error));
  VMF_TRY(choose(image, raw, &current, error));
  decode_header(raw[current], &state->header);
  return check_header(image, error);
}
