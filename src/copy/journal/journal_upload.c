/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The journal of what is sent to a store: it has no chunks. All is converted again, and the store
 * tells which parts it has; so what is noted is what makes the bytes the same (the head), and which
 * upload they belong to. Behind the head stands a line with its sum: an identity that was damaged
 * would make other bytes. */
#include "journal_common.h"
#include "journal_head.h"
#include "journal_inside.h"
#include "memory.h"

enum vmf_code vmf_journal_upload(const struct vmf_copy *copy, struct vmf_error *error)
{
  struct vmf_draft *draft = vmf_draft(copy->target);
  VMF_AUTO_FREE char *now = NULL, *was = NULL, *sealed = NULL;
  struct vmf_identity found;
  struct vmf_io *io;
  uint64_t end = 0;

  VMF_TRY(vmf_journal_fix_identity(&draft->identity, error));
  VMF_TRY(vmf_journal_head(copy, &now, error));
  VMF_TRY(vmf_output_journal(draft->output, NULL, &io, error));
  VMF_TRY(vmf_journal_load_head(io, &was, error));
  if (was) {
    VMF_TRY(vmf_journal_head_compare(was, now, io->name, &found, error));
    VMF_TRY(vmf_journal_sealed(io, was, &end, error));
  }
  if (end > 0)
    draft->identity = found;
  else
    VMF_TRY(vmf_journal_seal(now, &sealed, error));
  return vmf_output_keep_upload(draft->output, sealed, error);
}
