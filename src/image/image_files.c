/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The files that an image is made of. */
#include "caller.h"
#include "file.h"
#include "image.h"

bool vmf_image_visit_own_files(const struct vmf_image *image, vmf_file_visitor *visit, void *data)
{
  const struct vmf_node *node = vmf_node(image);
  const struct vmf_image *part;
  if (!visit(image->io, data))
    return false;
  for (size_t i = 0; i < node->file_count; i++)
    if (!visit(node->files[i].io, data))
      return false;
  for (size_t i = 0; (part = vmf_image_part(image, i)) != NULL; i++)
    if (!vmf_image_visit_files(part, visit, data))
      return false;
  return true;
}

bool vmf_image_visit_files(const struct vmf_image *image, vmf_file_visitor *visit, void *data)
{
  for (; image; image = image->parent)
    if (!vmf_image_visit_own_files(image, visit, data))
      return false;
  return true;
}

static bool add_size(const struct vmf_io *io, void *total)
{
  *(uint64_t *)total += io->size;
  return true;
}

uint64_t vmf_image_stored_bytes(const struct vmf_image *image)
{
  uint64_t total = 0;

  vmf_image_visit_files(image, add_size, &total);
  return total;
}

struct unchanged_visit {
  const struct vmf_log *log;
  enum vmf_code code;
  struct vmf_error *error;
};

static bool check_unchanged(const struct vmf_io *io, void *data)
{
  struct unchanged_visit *visit = data;
  visit->code = vmf_io_unchanged(io, visit->log, visit->error);
  return visit->code == VMF_OK;
}

enum vmf_code vmf_image_unchanged(const struct vmf_image *image, struct vmf_error *error)
{
  VMF_REQUIRE(image, error);
  struct unchanged_visit visit = {.log = image->log, .code = VMF_OK, .error = error};
  vmf_image_visit_files(image, check_unchanged, &visit);
  return visit.code;
}
