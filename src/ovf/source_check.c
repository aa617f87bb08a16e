/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "source_check.h"

#include <string.h>

#include "checked.h"
#include "memory.h"

enum { STEP = 1 << 20 };

/* One entry of the manifest and the file that it is about. */
struct checked_file {
  const struct vmf_manifest_entry *entry;
  struct vmf_io *io;
  struct vmf_digest *digest;
  uint64_t done;
};

struct vmf_source_check {
  const struct vmf_package *package;
  struct checked_file *files;
  size_t count, capacity;
  uint8_t *buffer; /* STEP bytes, from the first hash to the end; else NULL */
};

/* ---- which entries ---- */

static enum vmf_code add_entry(struct vmf_source_check *check, struct vmf_package *package,
                               const struct vmf_manifest_entry *entry, struct vmf_error *error)
{
  if (check->count == check->capacity) {
    size_t capacity = check->capacity * 2 + 2;
    struct checked_file *larger = realloc(check->files, capacity * sizeof *larger);
    if (!larger)
      return vmf_fail(error, VMF_NOMEM, "%s: no memory", package->path);
    check->files = larger;
    check->capacity = capacity;
  }
  struct checked_file *file = &check->files[check->count];
  *file = (struct checked_file){.entry = entry};
  VMF_TRY(vmf_package_open_stored(package, entry->name, &file->io, error));
  check->count++;
  return vmf_digest_new(entry->kind, &file->digest, error);
}

static enum vmf_code add_name(struct vmf_source_check *check, struct vmf_package *package,
                              const struct vmf_manifest *manifest, const char *name,
                              struct vmf_error *error)
{
  for (size_t i = 0; manifest && i < manifest->count; i++)
    if (strcmp(manifest->entries[i].name, name) == 0)
      VMF_TRY(add_entry(check, package, &manifest->entries[i], error));
  return VMF_OK;
}

static enum vmf_code add_names(struct vmf_source_check *check, struct vmf_package *package,
                               const struct vmf_manifest *manifest, const struct vmf_ovf_file *file,
                               const char *name, struct vmf_error *error)
{
  char **names;
  size_t count;

  if (!file)
    return add_name(check, package, manifest, name, error);
  VMF_TRY(vmf_package_stored_names(package, file, &names, &count, error));
  enum vmf_code code = VMF_OK;
  for (size_t i = 0; i < count && code == VMF_OK; i++)
    code = add_name(check, package, manifest, names[i], error);
  vmf_package_names_free(names, count);
  return code;
}

enum vmf_code vmf_source_check_new(struct vmf_package *package, const struct vmf_manifest *manifest,
                                   const struct vmf_ovf_file *file, const char *name,
                                   struct vmf_source_check **check, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct vmf_source_check), &memory, error));
  struct vmf_source_check *made = memory;
  made->package = package;
  enum vmf_code code = add_names(made, package, manifest, file, name, error);
  if (code != VMF_OK)
    vmf_source_check_free(made);
  else
    *check = made;
  return code;
}

void vmf_source_check_free(struct vmf_source_check *check)
{
  if (!check)
    return;
  for (size_t i = 0; i < check->count; i++) {
    vmf_io_close(check->files[i].io);
    vmf_digest_free(check->files[i].digest);
  }
  free(check->files);
  vmf_free(check->buffer);
  vmf_free(check);
}

/* ---- hashing ---- */

static enum vmf_code hash_step(struct vmf_source_check *check, struct checked_file *file,
                               struct vmf_error *error)
{
  size_t step = (size_t)vmf_min(STEP, file->io->size - file->done);
  void *memory;

  if (!check->buffer) {
    VMF_TRY(vmf_alloc_pages(STEP, &memory, error));
    check->buffer = memory;
  }
  VMF_TRY(vmf_io_pread(file->io, check->buffer, step, file->done, error));
  file->done += step;
  return vmf_digest_update(file->digest, check->buffer, step, error);
}

/* done / total of `size`, without overflow. */
static uint64_t share(uint64_t size, uint64_t done, uint64_t total)
{
  if (total == 0 || done >= total)
    return size;
  return (uint64_t)((double)size * ((double)done / (double)total));
}

enum vmf_code vmf_source_check_follow(struct vmf_source_check *check, uint64_t done, uint64_t total,
                                      struct vmf_error *error)
{
  for (size_t i = 0; i < check->count; i++) {
    struct checked_file *file = &check->files[i];
    uint64_t until = share(file->io->size, done, total);
    while (file->done < file->io->size && until >= file->done + STEP)
      VMF_TRY(hash_step(check, file, error));
  }
  return VMF_OK;
}

static enum vmf_code altered(const struct vmf_package *package,
                             const struct vmf_manifest_entry *entry, const uint8_t *digest,
                             struct vmf_error *error)
{
  size_t size = vmf_digest_size(entry->kind);
  char found[2 * VMF_DIGEST_MAX + 1];

  if (memcmp(digest, entry->digest, size) == 0)
    return VMF_OK;
  vmf_digest_text(digest, size, found);
  return vmf_fail(
      error, VMF_DIFFERENT, "%s: file \"%s\" is not what the manifest says (line %u): its %s is %s",
      package->path, entry->name, entry->line, vmf_manifest_kind_name(entry->kind), found);
}

enum vmf_code vmf_source_check_end(struct vmf_source_check *check, const struct vmf_cancel *cancel,
                                   struct vmf_error *error)
{
  uint8_t digest[VMF_DIGEST_MAX];

  for (size_t i = 0; i < check->count; i++) {
    struct checked_file *file = &check->files[i];
    while (file->done < file->io->size) {
      if (vmf_cancel_requested(cancel))
        return vmf_fail(error, VMF_CANCELLED, "interrupted");
      VMF_TRY(hash_step(check, file, error));
    }
    VMF_TRY(vmf_digest_final(file->digest, digest, error));
    vmf_digest_free(file->digest);
    file->digest = NULL;
    VMF_TRY(altered(check->package, file->entry, digest, error));
  }
  /* there may be as many checks as files */
  vmf_free(check->buffer);
  check->buffer = NULL;
  return VMF_OK;
}

enum vmf_code vmf_source_check_descriptor(const struct vmf_package *package,
                                          const struct vmf_manifest *manifest,
                                          struct vmf_error *error)
{
  for (size_t i = 0; i < manifest->count; i++) {
    const struct vmf_manifest_entry *entry = &manifest->entries[i];
    uint8_t result[VMF_DIGEST_MAX];
    if (strcmp(entry->name, package->name) != 0)
      continue;
    VMF_TRY(vmf_digest_bytes(entry->kind, package->descriptor, package->descriptor_length, result,
                             error));
    VMF_TRY(altered(package, entry, result, error));
  }
  return VMF_OK;
}
