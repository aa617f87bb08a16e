/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "disk_digests.h"

#include <string.h>

#include "checked.h"
#include "digest.h"
#include "image.h"
#include "memory.h"

enum { PIECE = 1 << 20, DAMAGES_MAX = 1000 /* that are told one by one */ };

struct reading {
  struct vmf_image *image;
  struct vmf_findings *findings;
  struct vmf_loader *loader;
  struct vmf_digest *md5, *sha1; /* NULL: not wanted */
  uint8_t *data;
  size_t piece; /* of whole units */
  bool damaged;
};

/* One stretch; damage is told, and is no error. */
static enum vmf_code read_stretch(struct reading *reading, uint64_t guest, size_t length,
                                  bool *damaged, struct vmf_error *error)
{
  struct vmf_error found = {0};
  enum vmf_code code =
      vmf_loader_read(reading->loader, reading->image, reading->data, length, guest, &found);

  *damaged = code != VMF_OK;
  if (code == VMF_OK)
    return VMF_OK;
  if (code != VMF_CORRUPT)
    return vmf_fail(error, code, "%s", found.text);
  return VMF_OK;
}

/* Every damaged unit of a stretch that could not be read. */
static enum vmf_code tell_damage(struct reading *reading, uint64_t guest, uint64_t end,
                                 struct vmf_error *error)
{
  uint32_t unit = reading->image->unit > 0 ? reading->image->unit : PIECE;
  struct vmf_error found = {0};

  reading->damaged = true;
  for (uint64_t next; guest < end; guest = next) {
    next = vmf_min(end, guest - guest % unit + unit);
    enum vmf_code code = vmf_loader_read(reading->loader, reading->image, reading->data,
                                         (size_t)(next - guest), guest, &found);
    if (code != VMF_OK && code != VMF_CORRUPT)
      return vmf_fail(error, code, "%s", found.text);
    if (code == VMF_CORRUPT && ++reading->findings->corruptions <= DAMAGES_MAX)
      vmf_finding(reading->findings, "%s", found.text);
  }
  return VMF_OK;
}

static enum vmf_code read_disk(struct reading *reading, struct vmf_error *error)
{
  uint64_t size = reading->image->size;
  size_t length;
  bool damaged;

  for (uint64_t guest = 0; guest < size; guest += length) {
    length = (size_t)vmf_min(reading->piece, size - guest);
    VMF_TRY(read_stretch(reading, guest, length, &damaged, error));
    if (damaged)
      VMF_TRY(tell_damage(reading, guest, guest + length, error));
    if (reading->damaged)
      continue;
    if (reading->md5)
      VMF_TRY(vmf_digest_update(reading->md5, reading->data, length, error));
    if (reading->sha1)
      VMF_TRY(vmf_digest_update(reading->sha1, reading->data, length, error));
  }
  return VMF_OK;
}

static enum vmf_code compare(struct reading *reading, struct vmf_digest *digest, const char *name,
                             const uint8_t *stored, size_t size, struct vmf_error *error)
{
  char found[2 * VMF_DIGEST_MAX + 1], expected[2 * VMF_DIGEST_MAX + 1];
  uint8_t result[VMF_DIGEST_MAX];

  if (!digest || reading->damaged)
    return VMF_OK;
  VMF_TRY(vmf_digest_final(digest, result, error));
  if (memcmp(result, stored, size) == 0)
    return VMF_OK;
  vmf_digest_text(result, size, found);
  vmf_digest_text(stored, size, expected);
  reading->findings->corruptions++;
  vmf_finding(reading->findings,
              "%s: the disk is not the one that was stored: its %s is %s, the stored one %s",
              reading->image->io->name, name, found, expected);
  return VMF_OK;
}

static enum vmf_code run(struct reading *reading, struct vmf_error *error)
{
  const struct vmf_disk_digests *digests = &reading->image->digests;
  void *memory;

  reading->piece =
      (size_t)vmf_max(PIECE - PIECE % vmf_max(reading->image->unit, 1), reading->image->unit);
  VMF_TRY(vmf_alloc_pages(reading->piece, &memory, error));
  reading->data = memory;
  VMF_TRY(vmf_loader_new(&reading->loader, error));
  if (digests->has_md5)
    VMF_TRY(vmf_digest_new(VMF_MD5, &reading->md5, error));
  if (digests->has_sha1)
    VMF_TRY(vmf_digest_new(VMF_SHA1, &reading->sha1, error));
  VMF_TRY(read_disk(reading, error));
  VMF_TRY(compare(reading, reading->md5, "MD5", digests->md5, sizeof digests->md5, error));
  return compare(reading, reading->sha1, "SHA-1", digests->sha1, sizeof digests->sha1, error);
}

enum vmf_code vmf_check_digests(struct vmf_image *image, struct vmf_findings *findings,
                                struct vmf_error *error)
{
  struct reading reading = {.image = image, .findings = findings};

  if (!image->format->reader->check_reads)
    return VMF_OK;
  enum vmf_code code = run(&reading, error);
  vmf_digest_free(reading.md5);
  vmf_digest_free(reading.sha1);
  vmf_loader_free(reading.loader);
  vmf_free(reading.data);
  return code;
}
