/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The journal of what is sent to a store: it has no chunks. All is converted again, and the store
 * tells which parts it has; so what is noted is what makes the bytes the same (the head), and which
 * upload they belong to. */
#include "journal_head.h"
#include "journal_inside.h"
#include "memory.h"

enum vmf_code vmf_journal_upload(const struct vmf_copy *copy, struct vmf_error *error)
{
  struct vmf_draft *draft = vmf_draft(copy->target);
  VMF_AUTO_FREE char *now = NULL, *was = NULL;
  struct vmf_identity found;
  struct vmf_io *io;

  VMF_TRY(vmf_journal_fix_identity(&draft->identity, error));
  VMF_TRY(vmf_journal_head(copy, &now, error));
  VMF_TRY(vmf_output_journal(draft->output, NULL, &io, error));
  VMF_TRY(vmf_journal_load_head(io, &was, error));
  if (was)
    VMF_TRY(vmf_journal_head_compare(was, now, io->name, &found, error));
  if (was)
    draft->identity = found;
  return vmf_output_keep_upload(draft->output, was ? NULL : now, error);
}
