/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What `info` reports, with the keys of qemu-img's JSON (QAPI ImageInfo). */
#include <string.h>
#include <sys/stat.h>

#include "caller.h"
#include "checked.h"
#include "file.h"
#include "image.h"
#include "json_name.h"
#include "memory.h"
#include "opening.h"
#include "path.h"
#include "unpack.h"
#include "url.h"

/* A file in parts: each of them, by index; NULL behind the last. */
static const struct vmf_io *part_of(const struct vmf_io *io, size_t index)
{
  return io->ops->below ? io->ops->below(io, index) : NULL;
}

static bool add_allocated(const struct vmf_io *io, void *data)
{
  struct stat status;
  uint64_t *bytes = data;
  if (part_of(io, 1))
    for (size_t i = 0; part_of(io, i); i++)
      add_allocated(part_of(io, i), data);
  else if (io->ops->below && !vmf_unpacked_from(io)) /* a member of an archive, or of it the data */
    *bytes += vmf_min(io->size, io->ops->below(io, 0)->size);
  else if (vmf_io_stat(io, &status))
    *bytes += (uint64_t)status.st_blocks * 512;
  else if (vmf_url_is(io->name)) /* what it takes on the server is not told */
    *bytes += io->size;
  return true;
}

/* Of this image's own files, its parents left out. */
static uint64_t actual_size(const struct vmf_image *image)
{
  uint64_t bytes = 0;
  vmf_image_visit_own_files(image, add_allocated, &bytes);
  return bytes;
}

/* The name of a parent as a path from where we are. */
static enum vmf_code full_name(const struct vmf_image *image, char **name, struct vmf_error *error)
{
  const char *given = image->parent_link.names[0];

  return given[0] == '/' || vmf_json_name_is(given)
             ? vmf_copy_text(given, name, error)
             : vmf_path_beside(image->io->name, given, name, error);
}

static enum vmf_code add_parent(const struct vmf_image *image, struct vmf_value *root,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE char *full = NULL;
  if (image->parent_link.count == 0)
    return VMF_OK;
  VMF_TRY(full_name(image, &full, error));
  VMF_TRY(vmf_value_text(root, "backing-filename", image->parent_link.names[0], error));
  VMF_TRY(vmf_value_text(root, "full-backing-filename", full, error));
  if (image->parent_link.format)
    VMF_TRY(vmf_value_text(root, "backing-filename-format", image->parent_link.format, error));
  return VMF_OK;
}

static enum vmf_code add_specific(struct vmf_image *image, struct vmf_value *root,
                                  struct vmf_error *error)
{
  struct vmf_value *specific, *data;
  if (!image->format->reader->info)
    return VMF_OK;
  VMF_TRY(vmf_value_add(root, VMF_VALUE_OBJECT, "format-specific", &specific, error));
  VMF_TRY(vmf_value_text(specific, "type", image->format->name, error));
  VMF_TRY(vmf_value_add(specific, VMF_VALUE_OBJECT, "data", &data, error));
  return image->format->reader->info(image, root, data, error);
}

/* Where the file is in parts: their names. */
static enum vmf_code add_parts(const struct vmf_io *io, struct vmf_value *root,
                               struct vmf_error *error)
{
  struct vmf_value *parts;
  if (!part_of(io, 1))
    return VMF_OK;
  VMF_TRY(vmf_value_add(root, VMF_VALUE_LIST, "parts", &parts, error));
  for (size_t i = 0; part_of(io, i); i++)
    VMF_TRY(vmf_value_text(parts, NULL, part_of(io, i)->name, error));
  return VMF_OK;
}

static bool has_member(const struct vmf_value *object, const char *name)
{
  for (const struct vmf_value *member = object->first; member; member = member->next)
    if (strcmp(member->name, name) == 0)
      return true;
  return false;
}

/* The members as qemu-img has them, and what it does not have behind them. */
static void put_in_order(struct vmf_value *root)
{
  static const char *const keys[] = {"snapshots",        "backing-filename-format",
                                     "virtual-size",     "filename",
                                     "cluster-size",     "format",
                                     "actual-size",      "encrypted",
                                     "format-specific",  "full-backing-filename",
                                     "backing-filename", "dirty-flag"};
  struct vmf_value **place = &root->first;

  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    struct vmf_value **link = place;
    while (*link && strcmp((*link)->name, keys[i]) != 0)
      link = &(*link)->next;
    struct vmf_value *member = *link;
    if (!member)
      continue;
    *link = member->next;
    member->next = *place;
    *place = member;
    place = &member->next;
  }
  root->last = root->first;
  while (root->last && root->last->next)
    root->last = root->last->next;
}

/* Of a file that holds several disks. */
static enum vmf_code add_contents(struct vmf_image *image, struct vmf_value *root,
                                  struct vmf_error *error)
{
  const struct vmf_node *node = vmf_node(image);

  if (node->listed)
    return vmf_contents_show(image->contents, root, error);
  VMF_TRY(vmf_value_uint(root, "virtual-size", image->size, error));
  return image->contents ? vmf_contents_show_one(&image->contents->disks[node->disk], root, error)
                         : VMF_OK;
}

static enum vmf_code add_all(struct vmf_image *image, struct vmf_value *root,
                             struct vmf_error *error)
{
  VMF_TRY(vmf_value_text(root, "filename", image->io->name, error));
  VMF_TRY(vmf_value_text(root, "format", image->format->name, error));
  VMF_TRY(add_contents(image, root, error));
  if (!vmf_image_streams(image) && !vmf_url_is_nbd(image->io->name)) /* nobody tells it there */
    VMF_TRY(vmf_value_uint(root, "actual-size", actual_size(image), error));
  if (image->unit > 0)
    VMF_TRY(vmf_value_uint(root, "cluster-size", image->unit, error));
  if (vmf_unpacked_from(image->io))
    VMF_TRY(
        vmf_value_text(root, "compression", vmf_packing_name(vmf_unpacked_from(image->io)), error));
  VMF_TRY(add_parts(image->io, root, error));
  VMF_TRY(add_parent(image, root, error));
  VMF_TRY(add_specific(image, root, error));
  if (!has_member(root, "dirty-flag"))
    VMF_TRY(vmf_value_bool(root, "dirty-flag", false, error));
  put_in_order(root);
  return VMF_OK;
}

enum vmf_code vmf_image_info(struct vmf_image *image, struct vmf_value **info,
                             struct vmf_error *error)
{
  VMF_REQUIRE(info, error);
  *info = NULL;
  VMF_REQUIRE(image, error);
  VMF_TRY(vmf_value_new(info, error));
  enum vmf_code code = add_all(image, *info, error);
  if (code != VMF_OK) {
    vmf_value_free(*info);
    *info = NULL;
  }
  return code;
}

/* ---- what cannot be opened ---- */

/* Of an image whose open failed: what it had decoded by then. A size says that the header was. */
static enum vmf_code add_half(struct vmf_image *image, struct vmf_value *root,
                              struct vmf_error *error)
{
  uint64_t bytes = 0;

  if (image->format && image->state && image->size > 0)
    return add_all(image, root, error);
  VMF_TRY(vmf_value_text(root, "filename", image->io->name, error));
  if (image->format)
    VMF_TRY(vmf_value_text(root, "format", image->format->name, error));
  add_allocated(image->io, &bytes);
  return vmf_value_uint(root, "actual-size", bytes, error);
}

static enum vmf_code new_list(struct vmf_value **list, struct vmf_error *error)
{
  VMF_TRY(vmf_value_new(list, error));
  (*list)->kind = VMF_VALUE_LIST;
  return VMF_OK;
}

static enum vmf_code tell_why(struct vmf_value *object, const char *why)
{
  return vmf_value_text(object, "error", why, NULL);
}

void vmf_found_half(struct vmf_value **found, struct vmf_image *image, const struct vmf_error *why)
{
  struct vmf_value *object;

  if (!*found && new_list(found, NULL) != VMF_OK)
    return;
  if (vmf_value_add(*found, VMF_VALUE_OBJECT, NULL, &object, NULL) != VMF_OK)
    return;
  (void)!add_half(image, object, NULL); /* as much as there is */
  (void)!tell_why(object, why->text);
}

/* The images of a chain that were opened. */
static enum vmf_code add_chain(struct vmf_value *list, struct vmf_image *top,
                               struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  for (struct vmf_image *image = top; image; image = image->parent) {
    struct vmf_error own = {0};
    struct vmf_value *object;
    VMF_TRY(vmf_value_add(list, VMF_VALUE_OBJECT, NULL, &object, error));
    if (add_all(image, object, &own) == VMF_OK)
      continue;
    VMF_TRY(tell_why(object, own.text));
    if (code == VMF_OK)
      code = vmf_fail(error, own.code, "%s", own.text);
  }
  return code;
}

enum vmf_code vmf_found_chain(struct vmf_value **found, struct vmf_image *top, enum vmf_code code,
                              struct vmf_error *error)
{
  struct vmf_value *list, *half = *found;
  struct vmf_error ignored;

  if (new_list(&list, code == VMF_OK ? error : NULL) != VMF_OK)
    return code == VMF_OK ? VMF_NOMEM : code;
  enum vmf_code told = add_chain(list, top, code == VMF_OK ? error : &ignored);
  if (half && list->last) {
    list->last->next = half->first;
    list->last = half->last;
    half->first = half->last = NULL;
  } else if (code != VMF_OK && list->last && error) {
    (void)!tell_why(list->last, error->text);
  }
  vmf_value_free(half);
  *found = list;
  return code == VMF_OK ? told : code;
}
