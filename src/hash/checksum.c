/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "checksum.h"

#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"

/* Digests of zero blocks are fed to the outer digest so many at a time: a hole of terabytes has
 * millions. */
enum { ZERO_RUN = 1024 };

struct vmf_checksum {
  struct vmf_digest *outer;
  size_t digest_size;
  uint64_t size;            /* bytes so far */
  uint8_t *zeros;           /* ZERO_RUN digests of a whole zero block */
  struct vmf_digest *inner; /* for a short block of zeros */
};

static enum vmf_code digest_zeros(struct vmf_checksum *checksum, size_t length, uint8_t *out,
                                  struct vmf_error *error)
{
  static const uint8_t block[VMF_CHECKSUM_BLOCK];
  VMF_TRY(vmf_digest_update(checksum->inner, block, length, error));
  return vmf_digest_final(checksum->inner, out, error);
}

static enum vmf_code prepare(struct vmf_checksum *checksum, enum vmf_digest_kind kind,
                             struct vmf_error *error)
{
  uint8_t digest[VMF_DIGEST_MAX];
  void *memory;

  checksum->digest_size = vmf_digest_size(kind);
  VMF_TRY(vmf_digest_new(kind, &checksum->outer, error));
  VMF_TRY(vmf_digest_new(kind, &checksum->inner, error));
  VMF_TRY(vmf_alloc(ZERO_RUN * checksum->digest_size, &memory, error));
  checksum->zeros = memory;
  VMF_TRY(digest_zeros(checksum, VMF_CHECKSUM_BLOCK, digest, error));
  for (size_t i = 0; i < ZERO_RUN; i++)
    memcpy(checksum->zeros + i * checksum->digest_size, digest, checksum->digest_size);
  return VMF_OK;
}

enum vmf_code vmf_checksum_new(enum vmf_digest_kind kind, struct vmf_checksum **checksum,
                               struct vmf_error *error)
{
  void *memory;

  *checksum = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_checksum), &memory, error));
  enum vmf_code code = prepare(memory, kind, error);
  if (code != VMF_OK) {
    vmf_checksum_free(memory);
    return code;
  }
  *checksum = memory;
  return VMF_OK;
}

void vmf_checksum_free(struct vmf_checksum *checksum)
{
  if (!checksum)
    return;
  vmf_digest_free(checksum->outer);
  vmf_digest_free(checksum->inner);
  vmf_free(checksum->zeros);
  vmf_free(checksum);
}

static enum vmf_code check_whole(const struct vmf_checksum *checksum, struct vmf_error *error)
{
  if (checksum->size % VMF_CHECKSUM_BLOCK != 0)
    return vmf_fail(error, VMF_USAGE, "a checksum goes on behind a short block, at byte %llu",
                    (unsigned long long)checksum->size);
  return VMF_OK;
}

enum vmf_code vmf_checksum_push(struct vmf_checksum *checksum, const uint8_t *block_digest,
                                size_t block_length, struct vmf_error *error)
{
  if (block_length == 0)
    return VMF_OK;
  if (block_length > VMF_CHECKSUM_BLOCK)
    return vmf_fail(error, VMF_USAGE, "a checksum takes blocks of up to %d bytes, not %zu",
                    VMF_CHECKSUM_BLOCK, block_length);
  VMF_TRY(check_whole(checksum, error));
  checksum->size += block_length;
  return vmf_digest_update(checksum->outer, block_digest, checksum->digest_size, error);
}

enum vmf_code vmf_checksum_push_zeros(struct vmf_checksum *checksum, uint64_t length,
                                      struct vmf_error *error)
{
  uint8_t digest[VMF_DIGEST_MAX];
  size_t short_length = (size_t)(length % VMF_CHECKSUM_BLOCK);

  if (length == 0)
    return VMF_OK;
  VMF_TRY(check_whole(checksum, error));
  for (uint64_t blocks = length / VMF_CHECKSUM_BLOCK; blocks > 0;) {
    size_t count = (size_t)vmf_min(blocks, ZERO_RUN);
    VMF_TRY(
        vmf_digest_update(checksum->outer, checksum->zeros, count * checksum->digest_size, error));
    blocks -= count;
  }
  checksum->size += length - short_length;
  if (short_length == 0)
    return VMF_OK;
  VMF_TRY(digest_zeros(checksum, short_length, digest, error));
  return vmf_checksum_push(checksum, digest, short_length, error);
}

enum vmf_code vmf_checksum_final(struct vmf_checksum *checksum, uint8_t out[VMF_DIGEST_MAX],
                                 struct vmf_error *error)
{
  uint8_t size[8];
  put_le64(size, checksum->size);
  VMF_TRY(vmf_digest_update(checksum->outer, size, sizeof(size), error));
  checksum->size = 0;
  return vmf_digest_final(checksum->outer, out, error);
}
