/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header of an archive that is written. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "sums.h"
#include "vma_header.h"

enum { BLOB_MAX = 65535 /* bytes */, DISKS_MAX = VMA_DEVICES - 1 };

/* A header with its blobs, as it grows. */
struct draft {
  uint8_t *raw;  /* room for all of it */
  uint32_t used; /* bytes of the blobs */
};

static const char *name_of(const struct vmf_container_disk *disk)
{
  return disk->id ? disk->id : disk->name;
}

static size_t room_of(const char *text)
{
  return VMA_BLOB_HEAD + strlen(text) + 1;
}

/* Names that a reader takes, and a text that a blob holds. */
static enum vmf_code check_contents(const struct vmf_contents *contents, size_t *room,
                                    struct vmf_error *error)
{
  if (contents->disk_count == 0 || contents->disk_count > DISKS_MAX)
    return vmf_fail(error, VMF_UNSUPPORTED, "a VMA holds 1 to %d disks, not %u", DISKS_MAX,
                    contents->disk_count);
  if (contents->text_length > BLOB_MAX)
    return vmf_fail(error, VMF_UNSUPPORTED, "a configuration of %zu bytes; a VMA holds %d at most",
                    contents->text_length, BLOB_MAX);
  *room = VMA_FIRST_BLOB;
  if (contents->text)
    *room += room_of(contents->text_name) + VMA_BLOB_HEAD + contents->text_length;
  for (unsigned i = 0; i < contents->disk_count; i++) {
    const struct vmf_container_disk *disk = &contents->disks[i];
    const char *name = name_of(disk);
    if (!name || !vma_name_is_plain(name) || disk->size == 0 || disk->size > VMA_DEVICE_SIZE_MAX)
      return vmf_fail(error, VMF_UNSUPPORTED,
                      "a VMA cannot hold a disk called \"%.60s\" of %" PRIu64
                      " bytes: letters, digits and \"-_.\" can name it, and it has 1 to %" PRIu64
                      " bytes (256 TiB)",
                      name ? name : "", disk->size, VMA_DEVICE_SIZE_MAX);
    *room += room_of(name);
  }
  return VMF_OK;
}

/* Where the blob is. */
static uint32_t add_blob(struct draft *draft, const void *data, size_t length)
{
  uint32_t place = draft->used;
  uint8_t *at = draft->raw + VMA_HEADER_MIN + place;

  put_le16(at, (uint16_t)length);
  memcpy(at + VMA_BLOB_HEAD, data, length);
  draft->used += VMA_BLOB_HEAD + (uint32_t)length;
  return place;
}

static void add_name(struct draft *draft, const char *name, uint32_t at)
{
  put_be32(draft->raw + at, add_blob(draft, name, strlen(name) + 1));
}

static void fill(struct draft *draft, const struct vmf_contents *contents,
                 const uint8_t uuid[VMA_UUID_SIZE], int64_t time)
{
  memcpy(draft->raw, VMA_MAGIC, sizeof(VMA_MAGIC));
  put_be32(draft->raw + 4, VMA_VERSION);
  memcpy(draft->raw + 8, uuid, VMA_UUID_SIZE);
  put_be64(draft->raw + 24, (uint64_t)time);
  if (contents->text) {
    add_name(draft, contents->text_name, VMA_CONFIG_NAMES_AT);
    put_be32(draft->raw + VMA_CONFIG_DATA_AT,
             add_blob(draft, contents->text, contents->text_length));
  }
  for (unsigned i = 0; i < contents->disk_count; i++) {
    uint32_t entry = VMA_DEVICES_AT + VMA_DEVICE_ENTRY * (i + 1);
    add_name(draft, name_of(&contents->disks[i]), entry);
    put_be64(draft->raw + entry + 8, contents->disks[i].size);
  }
}

enum vmf_code vma_write_header(struct vmf_io *io, const struct vmf_contents *contents,
                               const uint8_t uuid[VMA_UUID_SIZE], int64_t time, uint32_t *length,
                               struct vmf_error *error)
{
  struct draft draft = {.used = VMA_FIRST_BLOB};
  VMF_AUTO_FREE void *memory = NULL;
  size_t room = 0;

  VMF_TRY(check_contents(contents, &room, error));
  *length = VMA_HEADER_MIN + (uint32_t)vmf_align_up(room, VMA_EXTENT_HEADER);
  VMF_TRY(vmf_alloc(*length, &memory, error));
  draft.raw = memory;
  fill(&draft, contents, uuid, time);
  put_be32(draft.raw + 48, VMA_HEADER_MIN);
  put_be32(draft.raw + 52, draft.used);
  put_be32(draft.raw + 56, *length);
  vmf_md5(draft.raw, *length, VMA_MD5_AT, draft.raw + VMA_MD5_AT);
  return vmf_io_pwrite(io, draft.raw, *length, 0, error);
}

/* ---- several disks ---- */

static enum vmf_code container_begin(struct vmf_io *io, const struct vmf_contents *contents,
                                     const uint8_t id[VMF_GUID_SIZE], int64_t time,
                                     struct vmf_error *error)
{
  uint32_t length;
  return vma_write_header(io, contents, id, time, &length, error);
}

static enum vmf_code container_options(const struct vmf_contents *contents, unsigned disk,
                                       const uint8_t id[VMF_GUID_SIZE], char **options,
                                       struct vmf_error *error)
{
  char text[VMF_GUID_TEXT];

  (void)contents;
  vmf_guid_text(id, text);
  return vmf_format(options, error, "device=%u,archive=%s", disk + 1, text);
}

const struct vmf_container_writer vma_container_writer = {.begin = container_begin,
                                                          .options = container_options};
