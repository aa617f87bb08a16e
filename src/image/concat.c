/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One disk made of several: an image like any other, whose map leads to theirs. */
#include <string.h>

#include "caller.h"
#include "checked.h"
#include "image.h"
#include "memory.h"
#include "row.h"

struct part { /* of a row: see row.h */
  uint64_t start;
  struct vmf_image *image; /* owned */
};

struct concat {
  struct part *parts;
  size_t count;
};

static void concat_close(struct vmf_image *image)
{
  struct concat *concat = image->state;
  for (size_t i = 0; i < concat->count; i++)
    vmf_image_close(concat->parts[i].image);
  vmf_free(concat->parts);
}

static enum vmf_code concat_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                                struct vmf_error *error)
{
  const struct concat *concat = image->state;
  const struct part *part =
      &concat->parts[vmf_row_find(concat->parts, concat->count, sizeof *concat->parts, guest)];

  (void)error;
  *run = (struct vmf_run){.guest = part->start,
                          .length = part->image->size,
                          .kind = VMF_RUN_IMAGE,
                          .image = part->image};
  return VMF_OK;
}

static struct vmf_image *concat_part(const struct vmf_image *image, size_t index)
{
  const struct concat *concat = image->state;
  return index < concat->count ? concat->parts[index].image : NULL;
}

static const struct vmf_reader concat_reader = {
    .state_size = sizeof(struct concat),
    .close = concat_close,
    .map = concat_map,
    .part = concat_part,
};

/* Made of open images, never opened by name: it is in no registry. */
static const struct vmf_format concat_format = {
    .name = "concat", .summary = "several disks, one behind the other", .reader = &concat_reader};

/* The parts belong to `image` when all has succeeded. */
static enum vmf_code fill(struct vmf_image *image, struct vmf_image **images, size_t count,
                          struct vmf_error *error)
{
  struct concat *concat;
  void *memory;

  image->format = &concat_format;
  image->limits = &vmf_default_limits;
  image->log = images[0]->log;
  vmf_node(image)->salvage = vmf_node(images[0])->salvage;
  VMF_TRY(vmf_io_memory(images[0]->io->name, "", 0, &image->io, error));
  VMF_TRY(vmf_alloc(sizeof *concat, &memory, error));
  image->state = concat = memory;
  VMF_TRY(
      vmf_alloc_table(count, sizeof(struct part), SIZE_MAX, "sources of a disk", &memory, error));
  concat->parts = memory;
  for (size_t i = 0; i < count; i++) {
    concat->parts[i] = (struct part){.start = image->size, .image = images[i]};
    if (!vmf_add(image->size, images[i]->size, &image->size) ||
        image->size > image->limits->guest_size)
      return vmf_fail(error, VMF_LIMIT, "the sources together are larger than %llu bytes",
                      (unsigned long long)image->limits->guest_size);
  }
  concat->count = count;
  return VMF_OK;
}

static enum vmf_code make(struct vmf_image **images, size_t count, struct vmf_image **image,
                          struct vmf_error *error)
{
  void *node;

  VMF_REQUIRE(image, error);
  *image = NULL;
  VMF_REQUIRE(images, error);
  if (count == 0)
    return vmf_fail(error, VMF_USAGE, "no images are given to be joined");
  for (size_t i = 0; i < count; i++)
    VMF_REQUIRE(images[i], error);
  VMF_TRY(vmf_alloc(sizeof(struct vmf_node), &node, error));
  enum vmf_code code = fill(node, images, count, error);
  if (code == VMF_OK)
    *image = node;
  else
    vmf_image_close(node);
  return code;
}

enum vmf_code vmf_image_concat(struct vmf_image **images, size_t count, struct vmf_image **image,
                               struct vmf_error *error)
{
  enum vmf_code code = make(images, count, image, error);

  for (size_t i = 0; code != VMF_OK && images && i < count; i++)
    vmf_image_close(images[i]);
  return code;
}
