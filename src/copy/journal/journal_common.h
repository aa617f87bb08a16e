/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the journals of several disks have in common that are written together: who goes on with one
 * of them must be told the same of all. Lines as in journal_head.h, whose values are a caller's.
 * And the seal of a head behind which no chunk stands that has a sum: a line with its XXH3. */
#ifndef VMF_COPY_JOURNAL_COMMON_H
#define VMF_COPY_JOURNAL_COMMON_H

#include <stdio.h>

#include "image.h"

/* Lines with the version, those of a disk that is read (VMF_UNSUPPORTED: nothing would tell whether
 * a file of it is the same one; `target` is for the message, unchanged: the caller knows), and the
 * last two, with the identity. */
void vmf_journal_put_program(FILE *out);
VMF_MUST_CHECK enum vmf_code vmf_journal_put_source(FILE *out, const char *target,
                                                    const struct vmf_image *source, bool unchanged,
                                                    struct vmf_error *error);
void vmf_journal_put_identity(FILE *out, const struct vmf_identity *identity);

/* A text in a line, whatever is in it. */
void vmf_journal_put_text(FILE *out, const char *text);

/* The head, and behind it a line with its sum; the caller frees *sealed. */
VMF_MUST_CHECK enum vmf_code vmf_journal_seal(const char *head, char **sealed,
                                              struct vmf_error *error);

/* Where that line ends in `io`, at whose beginning the head stands; 0: it is not there. */
VMF_MUST_CHECK enum vmf_code vmf_journal_sealed(struct vmf_io *io, const char *head, uint64_t *end,
                                                struct vmf_error *error);

/* The head that stands there sealed, and nothing else; the caller frees it. NULL: it is not whole.
 */
VMF_MUST_CHECK enum vmf_code vmf_journal_unseal(struct vmf_io *io, char **head,
                                                struct vmf_error *error);

/* The identity alone; false: there is none. They are compared by vmf_journal_head_compare. */
bool vmf_journal_identity(const char *text, struct vmf_identity *identity);

#endif
