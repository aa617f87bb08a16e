/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a differencing disk says of its parent ([MS-VHDX] 2.6.2.6): the id of the data that it was
 * made on, and paths of another machine, of which the relative one is tried first. */
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "text.h"
#include "vhdx.h"
#include "zero.h"

enum { PAIRS_AT = 20, PAIR_SIZE = 12, PAIRS_MAX = 256 };

static const uint8_t locator_type[VMF_GUID_SIZE] = {0xb7, 0xef, 0x4a, 0xb0, 0x9e, 0xd1, 0x81, 0x4a,
                                                    0xb7, 0x89, 0x25, 0xb8, 0xe9, 0x44, 0x59, 0x13};

/* In the order in which paths are tried. */
enum key { RELATIVE, VOLUME, ABSOLUTE, LINKAGE, LINKAGE2, KEYS };
static const char *const key_names[KEYS] = {"relative_path", "volume_path", "absolute_win32_path",
                                            "parent_linkage", "parent_linkage2"};

struct locator {
  const char *name; /* of the image */
  uint8_t *raw;
  size_t length;
  char *values[KEYS]; /* owned; NULL: absent */
};

static enum vmf_code read_text(const struct locator *locator, uint32_t offset, uint16_t length,
                               char **text, struct vmf_error *error)
{
  if (length == 0 || length % 2 != 0 || !vmf_range_within(offset, length, locator->length))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX parent locator: a text of %u bytes at byte %u of %zu, expected an "
                    "even number inside",
                    locator->name, length, offset, locator->length);
  if (vmf_text_to_utf8("UTF-16LE", locator->raw + offset, length, text, error) != VMF_OK)
    return vmf_while(error, "%s: VHDX parent locator: the text at byte %u", locator->name, offset);
  return VMF_OK;
}

static enum vmf_code read_pair(struct locator *locator, const uint8_t *pair,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE char *key = NULL;
  unsigned which = 0;

  VMF_TRY(read_text(locator, get_le32(pair), get_le16(pair + 8), &key, error));
  while (which < KEYS && strcmp(key, key_names[which]) != 0)
    which++;
  if (which == KEYS)
    return VMF_OK;
  if (locator->values[which])
    return vmf_fail(error, VMF_CORRUPT, "%s: VHDX parent locator: \"%s\" stands there twice",
                    locator->name, key);
  return read_text(locator, get_le32(pair + 4), get_le16(pair + 10), &locator->values[which],
                   error);
}

static enum vmf_code read_pairs(struct locator *locator, struct vmf_error *error)
{
  char guid[VMF_GUID_TEXT];

  if (locator->length < PAIRS_AT)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX parent locator: %zu bytes, at least %u are needed", locator->name,
                    locator->length, PAIRS_AT);
  if (memcmp(locator->raw, locator_type, VMF_GUID_SIZE) != 0) {
    vhdx_guid_text(locator->raw, guid);
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: VHDX parent locator of the unknown type %s",
                    locator->name, guid);
  }
  unsigned count = get_le16(locator->raw + 18);
  if (count == 0 || count > PAIRS_MAX || PAIRS_AT + PAIR_SIZE * (size_t)count > locator->length)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX parent locator: %u keys in %zu bytes, expected 1 to %u inside",
                    locator->name, count, locator->length, PAIRS_MAX);
  for (unsigned i = 0; i < count; i++)
    VMF_TRY(read_pair(locator, locator->raw + PAIRS_AT + PAIR_SIZE * i, error));
  return VMF_OK;
}

/* "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}", in braces or not, into Microsoft's order. */
static bool parse_guid(const char *text, uint8_t guid[VMF_GUID_SIZE])
{
  bool braces = *text == '{';
  uint8_t network[VMF_GUID_SIZE];
  char plain[VMF_GUID_TEXT] = "";

  if (strlen(text) != VMF_GUID_TEXT - 1 + 2 * (size_t)braces ||
      (braces && text[VMF_GUID_TEXT] != '}'))
    return false;
  memcpy(plain, text + braces, VMF_GUID_TEXT - 1);
  if (!vmf_guid_parse(plain, network))
    return false;
  vmf_guid_swap(network, guid);
  return true;
}

static enum vmf_code take_linkage(const struct locator *locator, enum key key,
                                  uint8_t guid[VMF_GUID_SIZE], struct vmf_error *error)
{
  const char *text = locator->values[key];

  if (text && !parse_guid(text, guid))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX parent locator: %s is \"%.80s\", expected the form {guid}",
                    locator->name, key_names[key], text);
  return VMF_OK;
}

static enum vmf_code add_name(struct vmf_image *image, char *path, struct vmf_error *error)
{
  struct vmf_parent_link *link = &image->parent_link;

  for (char *at = path; *at; at++)
    if (*at == '\\')
      *at = '/';
  while (strncmp(path, "./", 2) == 0)
    path += 2;
  if (!*path)
    return VMF_OK;
  VMF_TRY(vmf_copy_text(path, &link->names[link->count], error));
  link->count++;
  return VMF_OK;
}

static enum vmf_code use_locator(struct vmf_image *image, const struct locator *locator,
                                 struct vmf_error *error)
{
  struct vhdx_state *state = image->state;
  struct vmf_parent_link *link = &image->parent_link;

  VMF_TRY(take_linkage(locator, LINKAGE, state->linkage, error));
  VMF_TRY(take_linkage(locator, LINKAGE2, state->linkage2, error));
  for (unsigned i = 0; i < LINKAGE; i++)
    if (locator->values[i])
      VMF_TRY(add_name(image, locator->values[i], error));
  link->by_id =
      !vmf_is_zero(state->linkage, VMF_GUID_SIZE) || !vmf_is_zero(state->linkage2, VMF_GUID_SIZE);
  if (!link->by_id)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX parent locator: no parent_linkage, so that the parent cannot be told "
                    "from other disks",
                    image->io->name);
  return vmf_copy_text("vhdx", &link->format, error);
}

enum vmf_code vhdx_find_parent(struct vmf_image *image, struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  struct vhdx_range range = state->metadata.locator;
  VMF_AUTO_FREE void *raw = NULL;

  if (range.length == 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: a differencing VHDX without a parent locator: its parent is not named",
                    image->io->name);
  VMF_TRY(vmf_alloc((size_t)range.length, &raw, error));
  VMF_TRY(vmf_io_pread(state->io, raw, (size_t)range.length, range.offset, error));
  struct locator locator = {.name = image->io->name, .raw = raw, .length = (size_t)range.length};
  enum vmf_code code = read_pairs(&locator, error);
  if (code == VMF_OK)
    code = use_locator(image, &locator, error);
  for (unsigned i = 0; i < KEYS; i++)
    vmf_free(locator.values[i]);
  return code;
}
