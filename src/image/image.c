/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Opening and closing an image, under the limits; what can be asked of an open one. */
#include <string.h>

#include "archived.h"
#include "caller.h"
#include "checked.h"
#include "file.h"
#include "luks.h"
#include "memory.h"
#include "opening.h"
#include "split.h"

const struct vmf_limits vmf_default_limits = {
    .guest_size = INT64_MAX - 511,
    .table_bytes = 64u << 20,
    .packed_unit = 2u << 20,
    .framed_unit = 16u << 20,
    .extents = 4096,
    .pieces = 1u << 17u, /* each takes about a KiB of memory */
    .descriptor = 1u << 20,
    .snapshots = 65536,
    .snapshot_table_bytes = 64u << 20,
    .depth = 64,
};

enum { CACHE_BYTES = 8 << 20 };

static enum vmf_code copy_list(const char *const *list, char ***copy, struct vmf_error *error)
{
  size_t count = 0;
  void *memory;
  if (!list)
    return VMF_OK;
  while (list[count])
    count++;
  VMF_TRY(vmf_alloc((count + 1) * sizeof(char *), &memory, error));
  *copy = memory;
  for (size_t i = 0; i < count; i++)
    VMF_TRY(vmf_copy_text(list[i], &(*copy)[i], error));
  return VMF_OK;
}

static enum vmf_code fill_node(struct vmf_node *node, const struct vmf_opening *opening,
                               struct vmf_error *error)
{
  const struct vmf_image_options *options = opening->options;
  struct vmf_image *image = &node->image;

  image->limits = &vmf_default_limits;
  image->log = options->log;
  image->opener = &node->opener;
  node->opener.open = vmf_open_for_driver;
  node->opener.list = vmf_list_for_driver;
  node->check_locks = !options->ignore_locks;
  node->no_refs = options->no_refs;
  image->trust_holes = !options->read_all;
  node->transient = options->no_cache;
  node->salvage = options->salvage;
  if (node->transient)
    vmf_io_transient(image->io);
  VMF_TRY(copy_list(options->allow_refs, &node->allow_refs, error));
  if (opening->child) {
    node->members = vmf_node(opening->child)->members;
    image->cache = opening->child->cache;
    return VMF_OK;
  }
  node->members = opening->members;
  image->sibling = opening->sibling;
  VMF_TRY(vmf_page_cache_new(CACHE_BYTES, &node->own_cache, error));
  image->cache = node->own_cache;
  return VMF_OK;
}

/* Which disk of the file the image is. */
static enum vmf_code choose_disk(struct vmf_node *node, const struct vmf_opening *opening,
                                 struct vmf_error *error)
{
  struct vmf_image *image = &node->image;
  const char *wanted = opening->child ? NULL : opening->options->disk;

  if (!image->contents && !wanted)
    return VMF_OK;
  if (!image->contents)
    return vmf_fail(error, VMF_USAGE,
                    "%s: is one disk (%s), so there is no \"%.60s\" in it to be chosen",
                    image->io->name, image->format->name, wanted);
  VMF_TRY(vmf_contents_pick(node, opening->options, error));
  return node->listed ? VMF_OK : image->format->reader->choose(image, node->disk, error);
}

/* What has changed, by a bitmap of the image itself. */
static enum vmf_code choose_bitmap(struct vmf_image *image, const struct vmf_image_options *options,
                                   struct vmf_error *error)
{
  const struct vmf_reader *reader = image->format->reader;

  if (!options->bitmap)
    return VMF_OK;
  if (!reader->choose_bitmap)
    return vmf_fail(error, VMF_USAGE,
                    "%s: format %s has no bitmaps of changed blocks; qcow2 has, and NBD servers",
                    image->io->name, image->format->name);
  if (options->snapshot)
    return vmf_fail(error, VMF_USAGE,
                    "%s: a bitmap tells what has changed on the disk as it is, not on a snapshot",
                    image->io->name);
  image->marked = true;
  return reader->choose_bitmap(image, options->bitmap, error);
}

static enum vmf_code check_secrets(const struct vmf_image_options *options, struct vmf_error *error)
{
  if (options->secret_count > 0)
    VMF_REQUIRE(options->secrets, error);
  for (size_t i = 0; i < options->secret_count; i++)
    VMF_REQUIRE(options->secrets[i].bytes, error);
  return VMF_OK;
}

static enum vmf_code open_driver(struct vmf_node *node, const struct vmf_opening *opening,
                                 struct vmf_error *error)
{
  const struct vmf_image_options *options = opening->options;
  struct vmf_image *image = &node->image;

  VMF_TRY(check_secrets(options, error));
  VMF_TRY(vmf_choose_format(image->io, opening, &image->format, &node->guessed, error));
  node->contradicted =
      !opening->format && (vmf_probe_contradicted(image->io, image->format) ||
                           (opening->split && image->format != vmf_format_find("raw")));
  const struct vmf_reader *reader = image->format->reader;
  VMF_TRY(vmf_alloc(reader->state_size, &image->state, error));
  if (reader->options.count > 0)
    VMF_TRY(vmf_options_parse(&reader->options, image->format->name,
                              opening->child ? NULL : options->options, &node->options, error));
  else if (!opening->child && options->options && options->options[0])
    return vmf_fail(error, VMF_USAGE, "format %s has no options for reading", image->format->name);
  const struct vmf_unlocking unlocking = {.secrets = options->secrets,
                                          .count = options->secret_count,
                                          .locked = options->locked || options->no_chain,
                                          .strict = options->strict,
                                          .cancel = options->cancel};
  const struct vmf_open_args args = {.options = node->options,
                                     .snapshot = opening->child ? NULL : options->snapshot,
                                     .tolerate_dirty = options->ignore_locks,
                                     .no_replay = options->no_replay,
                                     .unlocking = &unlocking,
                                     .bare =
                                         !opening->child && (options->bare || options->no_chain),
                                     .has_parent = opening->has_parent};
  if (args.snapshot && !reader->snapshots)
    return vmf_fail(error, VMF_USAGE, "%s: format %s has no internal snapshots", image->io->name,
                    image->format->name);
  VMF_TRY(vmf_format(&node->asked, error, "%s,%s", args.snapshot ? args.snapshot : "",
                     !opening->child && options->options ? options->options : ""));
  VMF_TRY(reader->open(image, &args, error));
  VMF_TRY(choose_disk(node, opening, error));
  if (image->size > image->limits->guest_size)
    return vmf_fail(error, VMF_LIMIT, "%s: a disk of %llu bytes; at most %llu are possible",
                    image->io->name, (unsigned long long)image->size,
                    (unsigned long long)image->limits->guest_size);
  return opening->child ? VMF_OK : choose_bitmap(image, options, error);
}

enum vmf_code vmf_open_node(struct vmf_io *io, const struct vmf_opening *opening,
                            struct vmf_image **image, struct vmf_error *error)
{
  void *memory;

  *image = NULL;
  if (vmf_alloc(sizeof(struct vmf_node), &memory, error) != VMF_OK) {
    vmf_io_close(io);
    return VMF_NOMEM;
  }
  struct vmf_node *node = memory;
  node->image.io = io;
  enum vmf_code code = fill_node(node, opening, error);
  if (code == VMF_OK)
    code = open_driver(node, opening, error);
  if (code != VMF_OK) {
    if (opening->options->found && error)
      vmf_found_half(opening->options->found, &node->image, error);
    vmf_image_close(&node->image);
    return code;
  }
  *image = &node->image;
  return VMF_OK;
}

/* Everything but the owner. */
static enum vmf_code open_origin(const struct vmf_image_origin *origin,
                                 const struct vmf_image_options *options, struct vmf_image **image,
                                 struct vmf_error *error)
{
  const struct vmf_opening opening = {.options = options,
                                      .format = options->format,
                                      .members = origin->members,
                                      .sibling = origin->sibling,
                                      .split = origin->split,
                                      .has_parent = origin->parent != NULL};
  enum vmf_code code = vmf_open_node(origin->io, &opening, image, error);

  if (code != VMF_OK) {
    vmf_image_close(origin->parent);
    return code;
  }
  (*image)->parent = origin->parent;
  if (!options->no_chain && !origin->parent)
    code = vmf_open_chain(*image, options, error);
  else if (!options->no_chain && vmf_image_is_child(*image) &&
           (*image)->format->reader->check_parent)
    code = (*image)->format->reader->check_parent(*image, origin->parent, error);
  if (options->found)
    code = vmf_found_chain(options->found, *image, code, error);
  if (code != VMF_OK) {
    vmf_image_close(*image);
    *image = NULL;
  }
  return code;
}

enum vmf_code vmf_image_open_origin(const struct vmf_image_origin *origin,
                                    const struct vmf_image_options *options,
                                    struct vmf_image **image, struct vmf_error *error)
{
  enum vmf_code code = open_origin(origin, options, image, error);

  if (code == VMF_OK) {
    vmf_node(*image)->release = origin->release;
    vmf_node(*image)->owner = origin->owner;
  } else if (origin->release) {
    origin->release(origin->owner);
  }
  return code;
}

/* That a name stands for several files is not guessed from the result. */
static void tell_parts(const struct vmf_io *io, const struct vmf_log *log)
{
  size_t count = 0;

  while (io->ops->below(io, count))
    count++;
  vmf_warn(log,
           "%s: %zu parts, the last one %s, are read as one file; -f raw takes the first alone",
           io->ops->below(io, 0)->name, count, io->ops->below(io, count - 1)->name);
}

/* Takes over origin->io. */
static enum vmf_code open_perhaps_packed(struct vmf_image_origin *origin,
                                         const struct vmf_image_options *options,
                                         struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own = *options;
  VMF_AUTO_FREE char *inner = NULL;

  if (!origin->split)
    VMF_TRY(vmf_image_open_once(origin->io, options, image, error));
  if (*image)
    return VMF_OK;
  VMF_TRY(vmf_packed_open(&origin->io, options, &inner, error));
  if (inner)
    own.format = inner;
  if (!origin->split && (own.disk || !own.format) && vmf_probe_archive(origin->io))
    return vmf_archive_open(origin->io, &own, image, error);
  return vmf_image_open_origin(origin, &own, image, error);
}

static enum vmf_code open_place(const char *path, const struct vmf_image_options *options,
                                struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_origin origin = {.io = NULL};

  if (options->format || options->no_refs)
    VMF_TRY(vmf_io_open_file(path, !options->ignore_locks, &origin.io, error));
  else
    VMF_TRY(vmf_split_open(path, !options->ignore_locks, &origin.io, &origin.split, error));
  if (origin.split)
    tell_parts(origin.io, options->log);
  return open_perhaps_packed(&origin, options, image, error);
}

static enum vmf_code open_json(const char *name, struct vmf_image_options *options,
                               struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_json_name read;
  enum vmf_code code = vmf_json_source_read(name, options->format, &read, error);

  if (code == VMF_OK && read.options && options->options)
    code = vmf_fail(error, VMF_USAGE, "%s: has options, and others are told besides", name);
  if (code == VMF_OK) {
    options->format = read.format;
    options->options = read.options ? read.options : options->options;
    code = open_place(read.path, options, image, error);
  }
  vmf_json_name_free(&read);
  return code;
}

enum vmf_code vmf_image_open(const char *path, const struct vmf_image_options *options,
                             struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own;
  VMF_AUTO_FREE char *plain = NULL;

  VMF_REQUIRE(image, error);
  *image = NULL;
  VMF_REQUIRE(path, error);
  VMF_TRY(vmf_take_image_options(options, &own, error));
  if (strcmp(path, "-") == 0)
    return vmf_image_open_input(&own, image, error);
  if (vmf_json_name_is(path))
    return open_json(path, &own, image, error);
  VMF_TRY(vmf_location_resolve(path, true, &plain, error));
  VMF_TRY(vmf_bundle_find(&plain, error));
  return open_place(plain, &own, image, error);
}

enum vmf_code vmf_parts_open(const char *const *paths, size_t count,
                             const struct vmf_image_options *options, struct vmf_image **image,
                             struct vmf_error *error)
{
  struct vmf_image_origin origin = {.split = true};
  struct vmf_image_options own;

  VMF_REQUIRE(image, error);
  *image = NULL;
  VMF_REQUIRE(paths, error);
  if (count == 0)
    return vmf_fail(error, VMF_USAGE, "no parts are given to be joined");
  VMF_TRY(vmf_take_image_options(options, &own, error));
  VMF_TRY(vmf_split_join(paths, count, !own.ignore_locks, &origin.io, error));
  return open_perhaps_packed(&origin, &own, image, error);
}

enum vmf_code vmf_image_open_alone(const char *path, const char *format,
                                   const struct vmf_secret *secret, struct vmf_image **image,
                                   struct vmf_error *error)
{
  const struct vmf_image_options options = {.size = sizeof options,
                                            .format = format,
                                            .no_chain = true,
                                            .ignore_locks = true,
                                            .no_cache = true,
                                            .secrets = secret,
                                            .secret_count = secret ? 1 : 0};
  struct vmf_image_origin origin = {.io = NULL};

  *image = NULL;
  VMF_TRY(vmf_io_open_file(path, false, &origin.io, error));
  return vmf_image_open_origin(&origin, &options, image, error);
}

static void close_node(struct vmf_image *image)
{
  struct vmf_node *node = vmf_node(image);

  if (image->format && image->state)
    image->format->reader->close(image);
  vmf_page_cache_drop(image->cache, image->io);
  vmf_io_close(image->io);
  vmf_free(image->state);
  for (unsigned i = 0; i < image->parent_link.count; i++)
    vmf_free(image->parent_link.names[i]);
  vmf_free(image->parent_link.format);
  if (node->options)
    vmf_options_free(&image->format->reader->options, node->options);
  for (char **ref = node->allow_refs; ref && *ref; ref++)
    vmf_free(*ref);
  vmf_free(node->allow_refs);
  vmf_free(node->asked);
  vmf_free(node->files);
}

/* Calls itself for the parent: a chain is vmf_limits.depth deep at most. */
void vmf_image_close(struct vmf_image *image)
{
  if (!image)
    return;
  const struct vmf_node node = *vmf_node(image);
  close_node(image);
  vmf_free(image);
  vmf_image_close(node.image.parent);
  vmf_page_cache_free(node.own_cache);
  if (node.release)
    node.release(node.owner);
}

const char *vmf_image_path(const struct vmf_image *image)
{
  return image ? image->io->name : NULL;
}

bool vmf_image_guessed(const struct vmf_image *image)
{
  return image && vmf_node(image)->guessed;
}

const char *vmf_image_format(const struct vmf_image *image)
{
  return image ? image->format->name : NULL;
}

uint64_t vmf_image_size(const struct vmf_image *image)
{
  return image ? image->size : 0;
}

struct vmf_image *vmf_image_parent(const struct vmf_image *image)
{
  return image ? image->parent : NULL;
}

struct vmf_image *vmf_image_part(const struct vmf_image *image, size_t index)
{
  const struct vmf_reader *reader = image->format->reader;
  return reader->part ? reader->part(image, index) : NULL;
}

uint32_t vmf_image_largest_unit(const struct vmf_image *image)
{
  const struct vmf_image *part;
  uint32_t largest = 0;
  for (; image; image = image->parent) {
    largest = (uint32_t)vmf_max(largest, image->unit);
    for (size_t i = 0; (part = vmf_image_part(image, i)) != NULL; i++)
      largest = (uint32_t)vmf_max(largest, vmf_image_largest_unit(part));
  }
  return largest;
}
