/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What an image may open of what it names. */
#include <stddef.h>

#include "file.h"
#include "list.h"
#include "moved.h"
#include "opener.h"
#include "opening.h"
#include "parked.h"

static enum vmf_code note_file(struct vmf_node *node, struct vmf_io *io, enum vmf_reference kind,
                               struct vmf_error *error)
{
  VMF_TRY(VMF_LIST_ROOM(node->files, node->file_count, node->file_capacity, "files", error));
  node->files[node->file_count++] = (struct vmf_node_file){.io = io, .kind = kind};
  return VMF_OK;
}

enum vmf_code vmf_refuse_reference(const struct vmf_node *node, const char *name,
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

enum vmf_code vmf_open_named(const struct vmf_node *node, const char *name,
                             enum vmf_reference reference, struct vmf_io **io,
                             struct vmf_error *error)
{
  if (node->members)
    return node->members->open(node->members, name, reference, io, error);
  if (node->no_refs || node->contradicted)
    return vmf_refuse_reference(node, name, error);
  if (reference == VMF_REFERENCE_PIECE)
    return vmf_open_reference(node->image.io->name, name, (const char *const *)node->allow_refs,
                              node->check_locks, io, error);
  return vmf_open_moved(node->image.io->name, name, NULL, (const char *const *)node->allow_refs,
                        node->check_locks, node->image.log, io, error);
}

enum vmf_code vmf_open_for_driver(struct vmf_opener *opener, const char *name,
                                  enum vmf_reference reference, struct vmf_io **io,
                                  struct vmf_error *error)
{
  struct vmf_node *node = (struct vmf_node *)((char *)opener - offsetof(struct vmf_node, opener));
  const struct vmf_limits *limits = node->image.limits;
  uint32_t most = reference == VMF_REFERENCE_PIECE ? limits->pieces : limits->extents;
  *io = NULL;
  if (node->file_count >= most)
    return vmf_fail(error, VMF_LIMIT, "%s: names more than %u files", node->image.io->name, most);
  VMF_TRY(vmf_open_named(node, name, reference, io, error));
  if (node->transient)
    vmf_io_transient(*io);
  enum vmf_code code = vmf_io_park(*io, error);
  if (code == VMF_OK)
    code = note_file(node, *io, reference, error);
  if (code != VMF_OK) {
    vmf_io_close(*io);
    *io = NULL;
  }
  return code;
}

enum vmf_code vmf_list_for_driver(struct vmf_opener *opener, const char *folder,
                                  vmf_name_visitor *visit, void *data, struct vmf_error *error)
{
  struct vmf_node *node = (struct vmf_node *)((char *)opener - offsetof(struct vmf_node, opener));

  if (node->members)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: is a part of a folder, which is not read on a pipe or inside a package or "
                    "archive: take the folder out first",
                    node->image.io->name);
  if (node->no_refs || node->contradicted)
    return vmf_refuse_reference(node, folder, error);
  return vmf_list_reference(node->image.io->name, folder, (const char *const *)node->allow_refs,
                            visit, data, error);
}
