/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "journal_common.h"

#include <string.h>

#include "digest.h"
#include "journal_head.h"
#include "journal_inside.h"
#include "memory.h"

enum vmf_code vmf_journal_seal(const char *head, char **sealed, struct vmf_error *error)
{
  uint8_t digest[VMF_DIGEST_MAX];
  char hex[2 * VMF_DIGEST_MAX + 1];

  VMF_TRY(vmf_digest_bytes(VMF_XXH3, head, strlen(head), digest, error));
  vmf_digest_text(digest, vmf_digest_size(VMF_XXH3), hex);
  return vmf_format(sealed, error, "%ssum\t%s\n", head, hex);
}

enum vmf_code vmf_journal_sealed(struct vmf_io *io, const char *head, uint64_t *end,
                                 struct vmf_error *error)
{
  VMF_AUTO_FREE char *expected = NULL;
  VMF_AUTO_FREE void *found = NULL;

  *end = 0;
  VMF_TRY(vmf_journal_seal(head, &expected, error));
  size_t length = strlen(expected);
  if (io->size < length)
    return VMF_OK;
  VMF_TRY(vmf_alloc(length, &found, error));
  VMF_TRY(vmf_io_pread(io, found, length, 0, error));
  if (memcmp(found, expected, length) == 0)
    *end = length;
  return VMF_OK;
}

enum vmf_code vmf_journal_unseal(struct vmf_io *io, char **head, struct vmf_error *error)
{
  VMF_AUTO_FREE char *found = NULL;
  uint64_t end = 0;

  *head = NULL;
  VMF_TRY(vmf_journal_load_head(io, &found, error));
  if (found)
    VMF_TRY(vmf_journal_sealed(io, found, &end, error));
  if (end == 0 || end != io->size)
    return VMF_OK;
  *head = found;
  found = NULL;
  return VMF_OK;
}
