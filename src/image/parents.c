/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The chain below an image. */
#include "file.h"
#include "memory.h"
#include "opening.h"
#include "parent_search.h"

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
    return vmf_refuse_reference(node, "its parent, by an id", error);
  VMF_TRY(vmf_parent_search(child, &name, error));
  if (link->count == 0)
    link->count = 1;
  vmf_free(link->names[0]);
  link->names[0] = name;
  return vmf_open_named(node, name, VMF_REFERENCE_PARENT, io, error);
}

/* A name in JSON brings the format along. Files of a package have plain names. */
static enum vmf_code open_parent_named(struct vmf_image *child, const char *name,
                                       struct vmf_io **io, struct vmf_error *error)
{
  const struct vmf_node *node = vmf_node(child);
  struct vmf_parent_link *link = &child->parent_link;
  struct vmf_json_name read;
  struct vmf_error why = {0};

  if (node->members || !vmf_json_name_is(name))
    return vmf_open_named(node, name, VMF_REFERENCE_PARENT, io, error);
  enum vmf_code code = vmf_json_source_read(name, link->format, &read, &why);
  if (code == VMF_OK && read.options)
    code = vmf_fail(&why, VMF_UNSUPPORTED, "%s: with options (%s), which a parent is not read by",
                    name, read.options);
  if (code == VMF_OK) {
    vmf_free(link->format);
    link->format = read.format;
    read.format = NULL;
    code = vmf_open_named(node, read.path, VMF_REFERENCE_PARENT, io, error);
  } else {
    code = vmf_fail(error, VMF_REFUSED, "%s: refers to %s", child->io->name, why.text);
  }
  vmf_json_name_free(&read);
  return code;
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
    code = open_parent_named(child, link->names[i], io, i == 0 ? error : &later);
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
  const struct vmf_opening opening = {
      .options = options, .child = child, .format = child->parent_link.format};
  VMF_TRY(vmf_open_node(io, &opening, &child->parent, error));
  if (child->format->reader->check_parent)
    return child->format->reader->check_parent(child, child->parent, error);
  return VMF_OK;
}

enum vmf_code vmf_open_chain(struct vmf_image *top, const struct vmf_image_options *options,
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
