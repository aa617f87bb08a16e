/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "journal_common.h"

#include <string.h>

#include "bytes.h"
#include "digest.h"
#include "journal_head.h"
#include "journal_inside.h"
#include "memory.h"

static enum vmf_code sum_of(const char *text, size_t length, uint8_t sum[VMF_JOURNAL_SUM],
                            struct vmf_error *error)
{
  uint8_t digest[VMF_DIGEST_MAX];

  VMF_TRY(vmf_digest_bytes(VMF_XXH3, text, length, digest, error));
  put_le64(sum, get_be64(digest));
  return VMF_OK;
}

enum vmf_code vmf_journal_seal(char *text, size_t length, struct vmf_error *error)
{
  return sum_of(text, length, (uint8_t *)text + length, error);
}

enum vmf_code vmf_journal_unseal(struct vmf_io *io, char **text, struct vmf_error *error)
{
  VMF_AUTO_FREE char *found = NULL;
  uint8_t sum[VMF_JOURNAL_SUM], expected[VMF_JOURNAL_SUM];

  *text = NULL;
  VMF_TRY(vmf_journal_load_head(io, &found, error));
  if (!found || io->size != strlen(found) + VMF_JOURNAL_SUM)
    return VMF_OK;
  VMF_TRY(vmf_io_pread(io, sum, sizeof sum, strlen(found), error));
  VMF_TRY(sum_of(found, strlen(found), expected, error));
  if (memcmp(sum, expected, sizeof sum) != 0)
    return VMF_OK;
  *text = found;
  found = NULL;
  return VMF_OK;
}
