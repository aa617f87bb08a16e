/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "source_files.h"

#include <string.h>

#include "bytes.h"
#include "file.h"

struct adding {
  struct vmf_digest *digest;
  bool told;
  enum vmf_code code;
  struct vmf_error *error;
};

static enum vmf_code add_numbers(struct vmf_digest *digest, const uint64_t *numbers, size_t count,
                                 struct vmf_error *error)
{
  uint8_t raw[8];

  for (size_t i = 0; i < count; i++) {
    put_le64(raw, numbers[i]);
    VMF_TRY(vmf_digest_update(digest, raw, sizeof raw, error));
  }
  return VMF_OK;
}

static enum vmf_code add_text(struct vmf_digest *digest, const char *text, struct vmf_error *error)
{
  return vmf_digest_update(digest, text ? text : "", text ? strlen(text) + 1 : 1, error);
}

/* A vmf_file_visitor. A file system in user space may have no times; who writes to a file may set
 * its mtime back, but not its ctime. */
static bool add_file(const struct vmf_io *io, void *data)
{
  struct adding *adding = data;
  struct stat status;

  adding->told = !io->ops->below && vmf_io_stat(io, &status) && S_ISREG(status.st_mode) &&
                 status.st_nlink > 0 && status.st_mtim.tv_nsec != 0;
  if (!adding->told)
    return false;
  const uint64_t numbers[] = {(uint64_t)status.st_size,         (uint64_t)status.st_mtim.tv_sec,
                              (uint64_t)status.st_mtim.tv_nsec, (uint64_t)status.st_ctim.tv_sec,
                              (uint64_t)status.st_ctim.tv_nsec, (uint64_t)status.st_ino};
  adding->code =
      add_numbers(adding->digest, numbers, sizeof numbers / sizeof *numbers, adding->error);
  return adding->code == VMF_OK;
}

static enum vmf_code add_image(struct adding *adding, const struct vmf_image *image)
{
  const struct vmf_node *node = vmf_node(image);
  const uint64_t numbers[] = {image->size, node->disk, image->trust_holes};

  VMF_TRY(add_text(adding->digest, image->format->name, adding->error));
  VMF_TRY(add_text(adding->digest, node->asked, adding->error));
  VMF_TRY(add_numbers(adding->digest, numbers, sizeof numbers / sizeof *numbers, adding->error));
  vmf_image_visit_own_files(image, add_file, adding);
  return adding->code;
}

enum vmf_code vmf_source_digest(const struct vmf_image *image, uint8_t digest[VMF_SOURCE_DIGEST],
                                bool *told, struct vmf_error *error)
{
  struct adding adding = {.told = !vmf_image_streams(image), .error = error};
  uint8_t whole[VMF_DIGEST_MAX];

  VMF_TRY(vmf_digest_new(VMF_SHA256, &adding.digest, error));
  enum vmf_code code = VMF_OK;
  for (; image && adding.told && code == VMF_OK; image = image->parent)
    code = add_image(&adding, image);
  if (code == VMF_OK)
    code = vmf_digest_final(adding.digest, whole, error);
  vmf_digest_free(adding.digest);
  *told = adding.told;
  memset(digest, 0, VMF_SOURCE_DIGEST);
  if (code == VMF_OK && *told)
    memcpy(digest, whole, VMF_SOURCE_DIGEST);
  return code;
}

enum vmf_code vmf_source_find(const struct vmf_image *top, const uint8_t digest[VMF_SOURCE_DIGEST],
                              const struct vmf_image **found, struct vmf_error *error)
{
  uint8_t its[VMF_SOURCE_DIGEST];
  bool told;

  *found = NULL;
  for (const struct vmf_image *image = top; image && !*found; image = image->parent) {
    VMF_TRY(vmf_source_digest(image, its, &told, error));
    if (told && memcmp(its, digest, VMF_SOURCE_DIGEST) == 0)
      *found = image;
  }
  return VMF_OK;
}
