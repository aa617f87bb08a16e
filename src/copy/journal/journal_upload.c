/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The journal of what is sent to a store: it has no chunks. All is converted again, and the store
 * tells which parts it has; so what is noted is what makes the bytes the same (the head), and which
 * upload they belong to. Behind the head stands a line with its sum: an identity that was damaged
 * would make other bytes. */
#include <string.h>

#include "journal_head.h"
#include "journal_inside.h"
#include "memory.h"

static enum vmf_code seal(const char *head, char **sealed, struct vmf_error *error)
{
  uint8_t digest[VMF_DIGEST_MAX];
  char hex[2 * VMF_DIGEST_MAX + 1];

  VMF_TRY(vmf_digest_bytes(VMF_XXH3, head, strlen(head), digest, error));
  vmf_digest_text(digest, vmf_digest_size(VMF_XXH3), hex);
  return vmf_format(sealed, error, "%ssum\t%s\n", head, hex);
}

static enum vmf_code is_sealed(struct vmf_io *io, const char *head, bool *whole,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE char *expected = NULL;
  VMF_AUTO_FREE void *found = NULL;

  *whole = false;
  VMF_TRY(seal(head, &expected, error));
  size_t length = strlen(expected);
  if (io->size < length)
    return VMF_OK;
  VMF_TRY(vmf_alloc(length, &found, error));
  VMF_TRY(vmf_io_pread(io, found, length, 0, error));
  *whole = memcmp(found, expected, length) == 0;
  return VMF_OK;
}

enum vmf_code vmf_journal_upload(const struct vmf_copy *copy, struct vmf_error *error)
{
  struct vmf_draft *draft = vmf_draft(copy->target);
  VMF_AUTO_FREE char *now = NULL, *was = NULL, *sealed = NULL;
  struct vmf_identity found;
  struct vmf_io *io;
  bool whole = false;

  VMF_TRY(vmf_journal_fix_identity(&draft->identity, error));
  VMF_TRY(vmf_journal_head(copy, &now, error));
  VMF_TRY(vmf_output_journal(draft->output, NULL, &io, error));
  VMF_TRY(vmf_journal_load_head(io, &was, error));
  if (was) {
    VMF_TRY(vmf_journal_head_compare(was, now, io->name, &found, error));
    VMF_TRY(is_sealed(io, was, &whole, error));
  }
  if (whole)
    draft->identity = found;
  else
    VMF_TRY(seal(now, &sealed, error));
  return vmf_output_keep_upload(draft->output, sealed, error);
}
