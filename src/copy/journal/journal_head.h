/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The head of a journal (journal.h): a line for each thing that has to be the same, "NAME TAB
 * VALUE", the line "identity", and an empty line. */
#ifndef VMF_COPY_JOURNAL_HEAD_H
#define VMF_COPY_JOURNAL_HEAD_H

#include "job.h"

enum { VMF_JOURNAL_HEAD_MOST = 1 << 20 /* bytes */ };

/* Of this conversion; the caller frees *head. VMF_UNSUPPORTED: nothing would tell whether a file of
 * the source is the same one. */
VMF_MUST_CHECK enum vmf_code vmf_journal_head(const struct vmf_copy *copy, char **head,
                                              struct vmf_error *error);

/* What stands in a journal against what would stand there now; *identity is that of the journal.
 * left: where the journal is, for the message. VMF_USAGE names the first difference. */
VMF_MUST_CHECK enum vmf_code vmf_journal_head_compare(const char *was, const char *now,
                                                      const char *left,
                                                      struct vmf_identity *identity,
                                                      struct vmf_error *error);

#endif
