/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header extensions of QCOW2: the list behind the header, in the first cluster (spec: "Header
 * extensions"). */
#include "qcow2_reader.h"

#include <inttypes.h>

#include "bytes.h"
#include "memory.h"

struct extension {
  uint32_t type, length;
  size_t at; /* of its data, in the first cluster */
};

/* Reads the extension at *at and steps behind it. False at the end of the area. */
static enum vmf_code next_extension(const struct vmf_image *image, const uint8_t *bytes,
                                    size_t length, size_t *at, struct extension *extension,
                                    bool *more, struct vmf_error *error)
{
  *more = false;
  if (*at >= length || length - *at < QCOW2_EXTENSION_HEADER)
    return VMF_OK;
  extension->type = get_be32(bytes + *at);
  extension->length = get_be32(bytes + *at + 4);
  extension->at = *at + QCOW2_EXTENSION_HEADER;
  if (extension->type == QCOW2_EXTENSION_END)
    return VMF_OK;
  if (extension->length > length - extension->at)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header extension 0x%08" PRIx32 " at byte %zu: length %" PRIu32
                    ", at most %zu fit before the end of the extension area",
                    image->io->name, extension->type, *at, extension->length,
                    length - extension->at);
  *at = extension->at + (size_t)vmf_align_up(extension->length, 8);
  *more = true;
  return VMF_OK;
}

static enum vmf_code copy_string(const struct vmf_image *image, const uint8_t *bytes,
                                 const struct extension *extension, char **text,
                                 struct vmf_error *error)
{
  if (extension->length == 0 || extension->length > QCOW2_BACKING_NAME_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header extension 0x%08" PRIx32 " at byte %zu: a name of %" PRIu32
                    " bytes, accepted are 1 to %d",
                    image->io->name, extension->type, extension->at - QCOW2_EXTENSION_HEADER,
                    extension->length, QCOW2_BACKING_NAME_MAX);
  if (memchr(bytes + extension->at, 0, extension->length) != NULL)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header extension 0x%08" PRIx32 " at byte %zu: a zero byte in a name",
                    image->io->name, extension->type, extension->at - QCOW2_EXTENSION_HEADER);
  return vmf_copy_bytes(bytes + extension->at, extension->length, text, error);
}

static enum vmf_code read_bitmaps(const struct vmf_image *image, const uint8_t *bytes,
                                  const struct extension *extension,
                                  struct qcow2_extensions *extensions, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  const char *name = image->io->name;
  if ((state->header.autoclear & QCOW2_AUTOCLEAR_BITMAPS) == 0) {
    vmf_warn(image->log, "%s: the dirty bitmaps are out of date and are ignored", name);
    return VMF_OK;
  }
  if (extension->length != QCOW2_BITMAPS_EXTENSION)
    return vmf_fail(error, VMF_CORRUPT, "%s: bitmaps extension: length %" PRIu32 ", expected %d",
                    name, extension->length, QCOW2_BITMAPS_EXTENSION);
  const uint8_t *raw = bytes + extension->at;
  uint32_t count = get_be32(raw + QCOW2_BITMAPS_COUNT_AT);
  uint64_t size = get_be64(raw + QCOW2_BITMAPS_DIRECTORY_SIZE_AT);
  uint64_t offset = get_be64(raw + QCOW2_BITMAPS_DIRECTORY_OFFSET_AT);
  if (count == 0 || count > QCOW2_BITMAPS_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: bitmaps extension: %" PRIu32 " bitmaps, accepted are 1 to %d", name, count,
                    QCOW2_BITMAPS_MAX);
  if (size < (uint64_t)count * QCOW2_BITMAP_FIXED || size > QCOW2_BITMAP_DIRECTORY_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: bitmaps extension: directory of %" PRIu64
                    " bytes, accepted are %d for each of %" PRIu32 " bitmaps to %d",
                    name, size, QCOW2_BITMAP_FIXED, count, QCOW2_BITMAP_DIRECTORY_MAX);
  if (offset % state->cluster_size != 0 || !vmf_range_within(offset, size, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: bitmaps extension: directory at byte %" PRIu64 ", %" PRIu64
                    " bytes: not at a cluster or beyond the end of the file (%" PRIu64 " bytes)",
                    name, offset, size, image->io->size);
  extensions->bitmap_count = count;
  extensions->bitmaps_size = size;
  extensions->bitmaps_offset = offset;
  return VMF_OK;
}

static enum vmf_code read_crypt_header(const struct vmf_image *image, const uint8_t *bytes,
                                       const struct extension *extension,
                                       struct qcow2_extensions *extensions, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  size_t at = extension->at - QCOW2_EXTENSION_HEADER;

  if (state->header.crypt_method != QCOW2_CRYPT_LUKS)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header extension 0x%08" PRIx32
                    " at byte %zu: an encryption header, but crypt_method %" PRIu32,
                    image->io->name, extension->type, at, state->header.crypt_method);
  if (extension->length != QCOW2_CRYPT_EXTENSION)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header extension 0x%08" PRIx32 " at byte %zu: length %" PRIu32
                    ", expected %d",
                    image->io->name, extension->type, at, extension->length, QCOW2_CRYPT_EXTENSION);
  extensions->crypt_offset = get_be64(bytes + extension->at + QCOW2_CRYPT_OFFSET_AT);
  extensions->crypt_length = get_be64(bytes + extension->at + QCOW2_CRYPT_LENGTH_AT);
  return VMF_OK;
}

/* Each known extension may appear once: `seen` has a bit for each. */
static enum vmf_code note_seen(const struct vmf_image *image, const struct extension *extension,
                               unsigned *seen, struct vmf_error *error)
{
  static const uint32_t known[] = {QCOW2_EXTENSION_BACKING_FORMAT, QCOW2_EXTENSION_FEATURE_NAMES,
                                   QCOW2_EXTENSION_BITMAPS, QCOW2_EXTENSION_CRYPT_HEADER,
                                   QCOW2_EXTENSION_DATA_FILE};
  for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (known[i] != extension->type)
      continue;
    if ((*seen >> i & 1) != 0)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: header extension 0x%08" PRIx32 " at byte %zu: there a second time",
                      image->io->name, extension->type, extension->at - QCOW2_EXTENSION_HEADER);
    *seen |= 1U << i;
  }
  return VMF_OK;
}

enum vmf_code qcow2_read_extensions(const struct vmf_image *image, const uint8_t *bytes,
                                    size_t length, struct qcow2_extensions *extensions,
                                    struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  size_t at = state->header.header_length;
  unsigned seen = 0;
  for (;;) {
    struct extension extension;
    bool more;
    VMF_TRY(next_extension(image, bytes, length, &at, &extension, &more, error));
    if (!more)
      return VMF_OK;
    VMF_TRY(note_seen(image, &extension, &seen, error));
    switch (extension.type) {
    case QCOW2_EXTENSION_BACKING_FORMAT:
      VMF_TRY(copy_string(image, bytes, &extension, &extensions->backing_format, error));
      break;
    case QCOW2_EXTENSION_DATA_FILE:
      VMF_TRY(copy_string(image, bytes, &extension, &extensions->data_file, error));
      break;
    case QCOW2_EXTENSION_BITMAPS:
      VMF_TRY(read_bitmaps(image, bytes, &extension, extensions, error));
      break;
    case QCOW2_EXTENSION_CRYPT_HEADER:
      VMF_TRY(read_crypt_header(image, bytes, &extension, extensions, error));
      break;
    default:
      break;
    }
  }
}

void qcow2_feature_name(const uint8_t *bytes, size_t length, size_t start, unsigned bit,
                        char name[QCOW2_FEATURE_NAME_LENGTH + 1])
{
  name[0] = '\0';
  size_t at = start;
  while (at < length && length - at >= QCOW2_EXTENSION_HEADER) {
    uint32_t type = get_be32(bytes + at), size = get_be32(bytes + at + 4);
    at += QCOW2_EXTENSION_HEADER;
    if (type == QCOW2_EXTENSION_END || size > length - at)
      return;
    for (size_t entry = 0;
         type == QCOW2_EXTENSION_FEATURE_NAMES && size - entry >= QCOW2_FEATURE_ENTRY;
         entry += QCOW2_FEATURE_ENTRY) {
      const uint8_t *raw = bytes + at + entry;
      if (raw[QCOW2_FEATURE_KIND_AT] != QCOW2_FEATURE_INCOMPATIBLE ||
          raw[QCOW2_FEATURE_BIT_AT] != bit)
        continue;
      memcpy(name, raw + QCOW2_FEATURE_NAME_AT, QCOW2_FEATURE_NAME_LENGTH);
      name[QCOW2_FEATURE_NAME_LENGTH] = '\0';
      for (char *c = name; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
          *c = '?';
      return;
    }
    at += (size_t)vmf_align_up(size, 8);
  }
}
