/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where a differencing disk says that its parent is. The paths are another machine's: the relative
 * one is tried first, and of a URL only the file's name. A parent that was renamed is found by its
 * UUID. */
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "text.h"
#include "vhd.h"

/* Platform codes, as they read in the file. */
enum {
  LOCATOR_W2RU = 0x57327275, /* Windows relative path, UTF-16LE */
  LOCATOR_W2KU = 0x57326b75, /* Windows absolute path, UTF-16LE */
  LOCATOR_MACX = 0x4d616358, /* URL, UTF-8 */
};

static enum vmf_code add_name(struct vmf_image *image, char *path, bool url,
                              struct vmf_error *error)
{
  struct vmf_parent_link *link = &image->parent_link;

  for (char *at = path; *at; at++)
    if (*at == '\\')
      *at = '/';
  const char *slash = strrchr(path, '/'), *name = url && slash ? slash + 1 : path;
  while (strncmp(name, "./", 2) == 0)
    name += 2;
  if (!*name || link->count == VMF_PARENT_NAMES)
    return VMF_OK;
  for (unsigned i = 0; i < link->count; i++)
    if (strcmp(link->names[i], name) == 0)
      return VMF_OK;
  VMF_TRY(vmf_copy_text(name, &link->names[link->count], error));
  link->count++;
  return VMF_OK;
}

/* UTF-16 text ends at its first NUL, or with the field. */
static size_t utf16_length(const uint8_t *text, size_t length)
{
  size_t at = 0;
  while (at + 1 < length && (text[at] | text[at + 1]) != 0)
    at += 2;
  return at;
}

static enum vmf_code add_locator(struct vmf_image *image, const struct vhd_locator *locator,
                                 struct vmf_error *error)
{
  VMF_AUTO_FREE void *text = NULL;
  VMF_AUTO_FREE char *path = NULL;
  bool url = locator->code == LOCATOR_MACX;

  if (locator->length > VHD_LOCATOR_MAX ||
      !vmf_range_within(locator->offset, locator->length, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: a parent locator of %u bytes at byte %llu: at most %u bytes, within the "
                    "file (%llu bytes)",
                    image->io->name, locator->length, (unsigned long long)locator->offset,
                    VHD_LOCATOR_MAX, (unsigned long long)image->io->size);
  VMF_TRY(vmf_alloc(locator->length, &text, error));
  VMF_TRY(vmf_io_pread(image->io, text, locator->length, locator->offset, error));
  enum vmf_code code = vmf_text_to_utf8(
      url ? "UTF-8" : "UTF-16LE", text,
      url ? strnlen(text, locator->length) : utf16_length(text, locator->length), &path, error);
  if (code != VMF_OK)
    return vmf_while(error, "%s: parent locator at byte %llu", image->io->name,
                     (unsigned long long)locator->offset);
  return add_name(image, path, url, error);
}

static enum vmf_code add_locators(struct vmf_image *image, uint32_t code, struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  for (int i = 0; i < VHD_LOCATORS; i++)
    if (state->header.locators[i].code == code)
      VMF_TRY(add_locator(image, &state->header.locators[i], error));
  return VMF_OK;
}

static enum vmf_code add_header_name(struct vmf_image *image, struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  const uint8_t *name = state->header.parent_name;
  VMF_AUTO_FREE char *path = NULL;

  if (vmf_text_to_utf8("UTF-16BE", name, utf16_length(name, sizeof(state->header.parent_name)),
                       &path, error) != VMF_OK)
    return vmf_while(error, "%s: VHD dynamic header: name of the parent", image->io->name);
  return add_name(image, path, false, error);
}

enum vmf_code vhd_find_parent(struct vmf_image *image, struct vmf_error *error)
{
  static const uint8_t no_uuid[VMF_GUID_SIZE];
  const struct vhd_state *state = image->state;

  VMF_TRY(add_locators(image, LOCATOR_W2RU, error));
  VMF_TRY(add_locators(image, LOCATOR_W2KU, error));
  VMF_TRY(add_locators(image, LOCATOR_MACX, error));
  VMF_TRY(add_header_name(image, error));
  image->parent_link.by_id = memcmp(state->header.parent_uuid, no_uuid, VMF_GUID_SIZE) != 0;
  if (image->parent_link.count == 0 && !image->parent_link.by_id)
    return vmf_fail(error, VMF_CORRUPT, "%s: a differencing VHD that does not name its parent",
                    image->io->name);
  return vmf_copy_text("vpc", &image->parent_link.format, error);
}
