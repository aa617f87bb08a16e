/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The parent locator of an overlay: the id of the data below it, and the path to it, as it was
 * given for a reader beside the overlay. */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "utf8.h"
#include "vhdx_write.h"

enum { PAIRS = 2, PAIR_SIZE = 12, TEXTS_AT = 20 + PAIRS * PAIR_SIZE };

static const uint8_t locator_type[VMF_GUID_SIZE] = {0xb7, 0xef, 0x4a, 0xb0, 0x9e, 0xd1, 0x81, 0x4a,
                                                    0xb7, 0x89, 0x25, 0xb8, 0xe9, 0x44, 0x59, 0x13};

struct builder {
  uint8_t *raw;
  size_t length; /* so far */
};

static bool put_unit(struct builder *builder, uint32_t unit)
{
  if (builder->length + 2 > VHDX_LOCATOR_MAX)
    return false;
  put_le16(builder->raw + builder->length, (uint16_t)unit);
  builder->length += 2;
  return true;
}

/* In UTF-16, slashes as Windows has them. False: no UTF-8, or too long. */
static bool put_text(struct builder *builder, const char *text)
{
  size_t left = strlen(text), length;
  uint32_t character;

  for (; left > 0; text += length, left -= length) {
    length = vmf_utf8_get(text, left, &character);
    if (length == 0)
      return false;
    if (character == '/')
      character = '\\';
    if (character >= 0x10000 && !put_unit(builder, 0xd800 + ((character - 0x10000) >> 10)))
      return false;
    if (!put_unit(builder,
                  character >= 0x10000 ? 0xdc00 + ((character - 0x10000) & 0x3ff) : character))
      return false;
  }
  return true;
}

static bool put_pair(struct builder *builder, unsigned number, const char *key, const char *value)
{
  uint8_t *pair = builder->raw + 20 + PAIR_SIZE * (size_t)number;
  size_t key_at = builder->length, value_at;

  if (!put_text(builder, key))
    return false;
  value_at = builder->length;
  if (!put_text(builder, value) || builder->length - value_at > UINT16_MAX)
    return false;
  put_le32(pair, (uint32_t)key_at);
  put_le32(pair + 4, (uint32_t)value_at);
  put_le16(pair + 8, (uint16_t)(value_at - key_at));
  put_le16(pair + 10, (uint16_t)(builder->length - value_at));
  return true;
}

enum vmf_code vhdx_build_locator(const struct vmf_target *target, uint8_t *raw, size_t *length,
                                 struct vmf_error *error)
{
  const struct vhdx_build *build = target->state;
  const char *name = target->backing_name;
  bool absolute = name[0] == '/';
  struct builder builder = {.raw = raw, .length = TEXTS_AT};
  char guid[VMF_GUID_TEXT], linkage[VMF_GUID_TEXT + 2], path[VHDX_LOCATOR_MAX / 2];

  vhdx_guid_text(build->parent_guid, guid);
  snprintf(linkage, sizeof(linkage), "{%s}", guid);
  int written = snprintf(path, sizeof(path), "%s%s", absolute ? "" : "./", name);
  memcpy(raw, locator_type, VMF_GUID_SIZE);
  put_le16(raw + 18, PAIRS);
  if (written < 0 || (size_t)written >= sizeof(path) ||
      !put_pair(&builder, 0, "parent_linkage", linkage) ||
      !put_pair(&builder, 1, absolute ? "absolute_win32_path" : "relative_path", path))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the name of the backing file does not fit into a VHDX, which takes valid "
                    "UTF-8 of less than 32 KiB",
                    name);
  *length = builder.length;
  return VMF_OK;
}
