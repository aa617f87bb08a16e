/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Opening an image and the chain below it, under the limits and the policy; what can be asked of an
 * open image. */
#include <stdio.h>
#include <string.h>

#include "caller.h"
#include "checked.h"
#include "file.h"
#include "image.h"
#include "memory.h"
#include "moved.h"
#include "parent_search.h"
#include "raw_content.h"
#include "split.h"
#include "text.h"

const struct vmf_limits vmf_default_limits = {
    .guest_size = INT64_MAX - 511,
    .table_bytes = 64u << 20,
    .packed_unit = 2u << 20,
    .extents = 4096,
    .descriptor = 1u << 20,
    .snapshots = 65536,
    .snapshot_table_bytes = 64u << 20,
    .depth = 64,
};

enum { CACHE_BYTES = 8 << 20 };

static enum vmf_code note_file(struct vmf_node *node, struct vmf_io *io, enum vmf_reference kind,
                               struct vmf_error *error)
{
  size_t count = node->file_count + 1;
  struct vmf_io **files = realloc(node->files, count * sizeof(struct vmf_io *));
  if (files)
    node->files = files;
  enum vmf_reference *kinds = realloc(node->file_kinds, count * sizeof(enum vmf_reference));
  if (kinds)
    node->file_kinds = kinds;
  if (!files || !kinds)
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for its list of files", node->image.io->name);
  node->files[count - 1] = io;
  node->file_kinds[count - 1] = kind;
  node->file_count = count;
  return VMF_OK;
}

static enum vmf_code refuse_reference(const struct vmf_node *node, const char *name,
                                      struct vmf_error *error)
{
  const struct vmf_image *image = &node->image;

  if (node->no_refs)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: refers to \"%.160s\", and --no-refs opens nothing beside the file that is "
                    "named",
                    image->io->name, name);
  return vmf_fail(error, VMF_REFUSED,
                  "%s: the content is %s, which the file is not by its %s, and refers to "
                  "\"%.160s\": a guest may have written that into a raw disk; if it is %s all the "
                  "same, say -f %s (of a parent: in its child)",
                  image->io->name, image->format->name, image->io->device ? "kind" : "name", name,
                  image->format->name, image->format->name);
}

/* Opens what the image names: a member of its package, or a file by the policy. */
static enum vmf_code open_named(const struct vmf_node *node, const char *name,
                                enum vmf_reference reference, struct vmf_io **io,
                                struct vmf_error *error)
{
  if (node->members)
    return node->members->open(node->members, name, reference, io, error);
  if (node->no_refs || node->contradicted)
    return refuse_reference(node, name, error);
  return vmf_open_moved(node->image.io->name, name, (const char *const *)node->allow_refs,
                        node->check_locks, node->image.log, io, error);
}

/* The opener that a driver is given: every file goes through the policy and is remembered. */
static enum vmf_code open_for_driver(struct vmf_opener *opener, const char *name,
                                     enum vmf_reference reference, struct vmf_io **io,
                                     struct vmf_error *error)
{
  struct vmf_node *node = (struct vmf_node *)((char *)opener - offsetof(struct vmf_node, opener));
  *io = NULL;
  if (node->file_count >= node->image.limits->extents)
    return vmf_fail(error, VMF_LIMIT, "%s: names more than %u files", node->image.io->name,
                    node->image.limits->extents);
  VMF_TRY(open_named(node, name, reference, io, error));
  if (node->transient)
    vmf_io_transient(*io);
  enum vmf_code code = note_file(node, *io, reference, error);
  if (code != VMF_OK) {
    vmf_io_close(*io);
    *io = NULL;
  }
  return code;
}

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

struct open_call {
  const struct vmf_image_options *options;
  struct vmf_image *child; /* NULL: the image that the person named */
  const char *format;
  struct vmf_opener *members; /* of the image that the person named */
  bool split;                 /* its io is the parts of one file */
  bool has_parent;            /* supplied by the caller */
};

/* Content that no format knows: raw where nothing else can be meant. */
static enum vmf_code take_unknown(struct vmf_io *io, const struct open_call *call,
                                  struct vmf_error *error)
{
  const struct vmf_format *said = vmf_format_suffixed(io->name);
  const struct vmf_log *log = call->options->log;
  bool raw = call->split;

  if (!raw)
    VMF_TRY(vmf_raw_content(io, log, &raw, error));
  if (raw)
    return VMF_OK;
  if (call->child || call->options->unknown_is_raw) {
    vmf_warn(log, "%s: %sthe content matches no known format: taken as raw", io->name,
             call->child ? "its child names no format and " : "");
    return VMF_OK;
  }
  if (said)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the content matches no known format, nor is it the %s that the name says: "
                    "it is damaged, or something else; if it is a raw disk, say -f raw",
                    io->name, said->name);
  return vmf_fail(error, VMF_REFUSED,
                  "%s: the content matches no known format; if it is a raw disk, say -f raw",
                  io->name);
}

/* The format by name, or by content. */
static enum vmf_code choose_format(struct vmf_io *io, const struct open_call *call,
                                   const struct vmf_format **format, struct vmf_error *error)
{
  const struct vmf_format *raw = vmf_format_find("raw");
  const char *name = call->format;

  if (name) {
    *format = vmf_format_find(name);
    if (!*format || !(*format)->reader)
      return vmf_fail(error, call->child ? VMF_UNSUPPORTED : VMF_USAGE,
                      "%s: format \"%s\" is not one that can be read", io->name, name);
    if (*format == raw && !call->child)
      VMF_TRY(vmf_probe_taken_as_raw(io, call->options->log, error));
    return VMF_OK;
  }
  VMF_TRY(vmf_probe_io(io, format, error));
  if (*format)
    return VMF_OK;
  VMF_TRY(take_unknown(io, call, error));
  *format = raw;
  return VMF_OK;
}

static enum vmf_code fill_node(struct vmf_node *node, const struct open_call *call,
                               struct vmf_error *error)
{
  const struct vmf_image_options *options = call->options;
  struct vmf_image *image = &node->image;

  image->limits = &vmf_default_limits;
  image->log = options->log;
  image->opener = &node->opener;
  node->opener.open = open_for_driver;
  node->check_locks = !options->ignore_locks;
  node->no_refs = options->no_refs;
  node->trust_holes = !options->read_all;
  node->transient = options->no_cache;
  if (node->transient)
    vmf_io_transient(image->io);
  VMF_TRY(copy_list(options->allow_refs, &node->allow_refs, error));
  if (call->child) {
    node->members = vmf_node(call->child)->members;
    image->cache = call->child->cache;
    return VMF_OK;
  }
  node->members = call->members;
  VMF_TRY(vmf_page_cache_new(CACHE_BYTES, &node->own_cache, error));
  image->cache = node->own_cache;
  return VMF_OK;
}

static enum vmf_code open_driver(struct vmf_node *node, const struct open_call *call,
                                 struct vmf_error *error)
{
  const struct vmf_image_options *options = call->options;
  struct vmf_image *image = &node->image;

  VMF_TRY(choose_format(image->io, call, &image->format, error));
  node->contradicted = !call->format && (vmf_probe_contradicted(image->io, image->format) ||
                                         (call->split && image->format != vmf_format_find("raw")));
  const struct vmf_reader *reader = image->format->reader;
  VMF_TRY(vmf_alloc(reader->state_size, &image->state, error));
  if (reader->options.count > 0)
    VMF_TRY(vmf_options_parse(&reader->options, image->format->name,
                              call->child ? NULL : options->options, &node->options, error));
  else if (!call->child && options->options && options->options[0])
    return vmf_fail(error, VMF_USAGE, "format %s has no options for reading", image->format->name);
  const struct vmf_open_args args = {.options = node->options,
                                     .snapshot = call->child ? NULL : options->snapshot,
                                     .tolerate_dirty = options->ignore_locks,
                                     .bare = !call->child && (options->bare || options->no_chain),
                                     .has_parent = call->has_parent};
  if (args.snapshot && !reader->snapshots)
    return vmf_fail(error, VMF_USAGE, "%s: format %s has no internal snapshots", image->io->name,
                    image->format->name);
  VMF_TRY(reader->open(image, &args, error));
  if (image->size > image->limits->guest_size)
    return vmf_fail(error, VMF_LIMIT, "%s: a disk of %llu bytes; at most %llu are possible",
                    image->io->name, (unsigned long long)image->size,
                    (unsigned long long)image->limits->guest_size);
  return VMF_OK;
}

/* Takes over io, also on failure. */
static enum vmf_code open_node(struct vmf_io *io, const struct open_call *call,
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
  enum vmf_code code = fill_node(node, call, error);
  if (code == VMF_OK)
    code = open_driver(node, call, error);
  if (code != VMF_OK) {
    if (call->options->found && error)
      vmf_found_half(call->options->found, &node->image, error);
    vmf_image_close(&node->image);
    return code;
  }
  *image = &node->image;
  return VMF_OK;
}

/* A chain that comes back to a file that it has been through would never end. Members of one
 * archive are all in one file: there the limit of the depth ends it. */
static enum vmf_code check_loop(const struct vmf_image *child, const struct vmf_io *io,
                                const struct vmf_image *top, struct vmf_error *error)
{
  struct stat here;
  if (vmf_node(top)->members || !vmf_io_stat(io, &here))
    return VMF_OK;
  for (const struct vmf_image *image = top; image; image = image->parent)
    if (vmf_io_shows_file(image->io, &here))
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: names %s as its parent, which is already part of the chain: a loop",
                      child->io->name, io->name);
  return VMF_OK;
}

/* By the id alone; the name that was found is the first one from now on. */
static enum vmf_code open_parent_by_id(struct vmf_image *child, struct vmf_io **io,
                                       struct vmf_error *error)
{
  const struct vmf_node *node = vmf_node(child);
  struct vmf_parent_link *link = &child->parent_link;
  char *name;

  if (node->members)
    return vmf_fail(
        error, VMF_CORRUPT,
        "%s: tells its parent by an id, and in a package only the descriptor says which "
        "file that is",
        child->io->name);
  if (node->no_refs || node->contradicted)
    return refuse_reference(node, "its parent, by an id", error);
  VMF_TRY(vmf_parent_search(child, &name, error));
  if (link->count == 0)
    link->count = 1;
  vmf_free(link->names[0]);
  link->names[0] = name;
  return open_named(node, name, VMF_REFERENCE_PARENT, io, error);
}

/* The first of the names that opens, or what is found; otherwise the first failure is told, but for
 * what the search found wrong. */
static enum vmf_code open_parent_io(struct vmf_image *child, struct vmf_io **io,
                                    struct vmf_error *error)
{
  const struct vmf_parent_link *link = &child->parent_link;
  enum vmf_code code = VMF_CORRUPT;
  struct vmf_error later;

  for (unsigned i = 0; i < link->count; i++) {
    code = open_named(vmf_node(child), link->names[i], VMF_REFERENCE_PARENT, io,
                      i == 0 ? error : &later);
    if (code == VMF_OK)
      return VMF_OK;
  }
  if (link->by_id) {
    bool named = link->count > 0;
    code = open_parent_by_id(child, io, &later);
    if (code == VMF_OK)
      return VMF_OK;
    if (error && (!named || code != VMF_CORRUPT))
      *error = later;
  }
  return vmf_while(error, "%s: its parent cannot be opened", child->io->name);
}

static enum vmf_code open_parent(const struct vmf_image *top, struct vmf_image *child,
                                 const struct vmf_image_options *options, struct vmf_error *error)
{
  struct vmf_io *io = NULL;

  VMF_TRY(open_parent_io(child, &io, error));
  enum vmf_code code = check_loop(child, io, top, error);
  if (code != VMF_OK) {
    vmf_io_close(io);
    return code;
  }
  const struct open_call call = {
      .options = options, .child = child, .format = child->parent_link.format};
  VMF_TRY(open_node(io, &call, &child->parent, error));
  if (child->format->reader->check_parent)
    return child->format->reader->check_parent(child, child->parent, error);
  return VMF_OK;
}

static enum vmf_code open_chain(struct vmf_image *top, const struct vmf_image_options *options,
                                struct vmf_error *error)
{
  unsigned depth = 1;
  for (struct vmf_image *image = top; vmf_image_is_child(image); image = image->parent) {
    if (++depth > top->limits->depth)
      return vmf_fail(error, VMF_LIMIT, "%s: the chain of parents is deeper than %u images",
                      top->io->name, top->limits->depth);
    VMF_TRY(open_parent(top, image, options, error));
  }
  return VMF_OK;
}

/* Everything but the owner. */
static enum vmf_code open_origin(const struct vmf_image_origin *origin,
                                 const struct vmf_image_options *options, struct vmf_image **image,
                                 struct vmf_error *error)
{
  const struct open_call call = {.options = options,
                                 .format = options->format,
                                 .members = origin->members,
                                 .split = origin->split,
                                 .has_parent = origin->parent != NULL};
  enum vmf_code code = open_node(origin->io, &call, image, error);

  if (code != VMF_OK) {
    vmf_image_close(origin->parent);
    return code;
  }
  (*image)->parent = origin->parent;
  if (!options->no_chain && !origin->parent)
    code = open_chain(*image, options, error);
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

enum vmf_code vmf_image_open(const char *path, const struct vmf_image_options *options,
                             struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own;
  struct vmf_image_origin origin = {.io = NULL};
  VMF_AUTO_FREE char *plain = NULL;

  VMF_REQUIRE(image, error);
  *image = NULL;
  VMF_REQUIRE(path, error);
  VMF_TRY(vmf_take_image_options(options, &own, error));
  if (strcmp(path, "-") == 0)
    return vmf_image_open_input(&own, image, error);
  VMF_TRY(vmf_location_resolve(path, true, &plain, error));
  if (own.format || own.no_refs)
    VMF_TRY(vmf_io_open_file(plain, !own.ignore_locks, &origin.io, error));
  else
    VMF_TRY(vmf_split_open(plain, !own.ignore_locks, &origin.io, &origin.split, error));
  if (origin.split)
    tell_parts(origin.io, own.log);
  return vmf_image_open_origin(&origin, &own, image, error);
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
  return vmf_image_open_origin(&origin, &own, image, error);
}

enum vmf_code vmf_image_open_alone(const char *path, const char *format, const struct vmf_log *log,
                                   struct vmf_image **image, struct vmf_error *error)
{
  const struct vmf_image_options options = {.size = sizeof options,
                                            .format = format,
                                            .no_chain = true,
                                            .ignore_locks = true,
                                            .no_cache = true,
                                            .log = log};
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
  free(node->files);
  free(node->file_kinds);
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

void vmf_finding(struct vmf_findings *findings, const char *format, ...)
{
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  if (findings->report)
    findings->report(findings->data, text);
}

enum vmf_code vmf_image_check(struct vmf_image *image, struct vmf_findings *findings,
                              struct vmf_error *error)
{
  struct vmf_findings own;

  VMF_REQUIRE(image, error);
  VMF_REQUIRE(findings, error);
  VMF_TRY(vmf_take_findings(findings, &own, error));
  if (!image->format->reader->check)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: format %s has nothing that could be checked",
                    vmf_image_path(image), vmf_image_format(image));
  enum vmf_code code = image->format->reader->check(image, &own, error);
  vmf_give_findings(&own, findings);
  return code;
}
