/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The journal of a conversion that another run can go on with. It stands in the temporary folder of
 * the target, from the first chunk on that is sure, and goes with the commit.
 *
 * A head of lines of text says what is converted into what, by which version: who goes on with it
 * must be told the same. It also has the time and the seed of the ids of the target, so that the
 * bytes are those of a run that was not interrupted. Behind it stand chunks: the jobs that have
 * retired since the one before, in guest order, each with its blocks, their places, and a digest of
 * what was written there. A chunk is written when all of that is on the disk, and ends with a
 * digest of its own.
 *
 * Who goes on reads the blocks of one chunk after the other back. As far as all is there, the jobs
 * retire once more, without data: that is what `place` promises to be enough (format.h). All behind
 * the last chunk that is proven is done again, and what stands between the blocks becomes zeros
 * (journal_gaps.c).
 *
 * Of several disks that are files of one output, each has a journal of its own (journal_common.h).
 */
#ifndef VMF_COPY_JOURNAL_H
#define VMF_COPY_JOURNAL_H

#include "job.h"

struct vmf_journal;

/* What the target was told to keep: *journal, or NULL; of an object, too, whose journal is done
 * with by then: which upload it is. Before the target begins, whose identity becomes that of the
 * run that is gone on with. VMF_UNSUPPORTED: a journal is wanted, and there can be none; VMF_USAGE:
 * what an interrupted run left is of something else. */
VMF_MUST_CHECK enum vmf_code vmf_journal_open(const struct vmf_copy *copy,
                                              struct vmf_journal **journal,
                                              struct vmf_error *error);
void vmf_journal_free(struct vmf_journal *journal); /* NULL is allowed */

/* The target has begun: finds out how much of what was done is there. */
VMF_MUST_CHECK enum vmf_code vmf_journal_prove(struct vmf_journal *journal,
                                               const struct vmf_cancel *cancel,
                                               struct vmf_error *error);

/* The next job that need not be done, if it is that at `guest`; those before it are left out. Its
 * blocks have no data. *job NULL: there is none. */
VMF_MUST_CHECK enum vmf_code vmf_journal_next(struct vmf_journal *journal, uint64_t guest,
                                              struct vmf_copy_job **job, struct vmf_error *error);

/* It has retired once more: VMF_CHANGED where that is not what it did at first. */
VMF_MUST_CHECK enum vmf_code vmf_journal_taken(struct vmf_journal *journal,
                                               const struct vmf_copy_job *job,
                                               struct vmf_error *error);

/* A job retires, and is not stored yet. */
VMF_MUST_CHECK enum vmf_code vmf_journal_note(struct vmf_journal *journal,
                                              const struct vmf_copy_job *job,
                                              struct vmf_error *error);

/* Makes a chunk sure where enough has been noted, on a thread of its own: it is written when the
 * disk has all that it tells of. What went wrong with the one before is told here, or at the end.
 */
VMF_MUST_CHECK enum vmf_code vmf_journal_mark(struct vmf_journal *journal,
                                              struct vmf_pipeline *pipeline,
                                              struct vmf_error *error);

/* All is stored: waits for what is being made sure, and makes sure what else has been noted, where
 * more follows than the commit. VMF_WRITE: the disk does not have it. */
VMF_MUST_CHECK enum vmf_code vmf_journal_end(struct vmf_journal *journal, struct vmf_error *error);

/* The conversion failed with `code`: what is done is left to another run, where that may do better.
 * Of one file among others it is left by who writes all of them.
 */
void vmf_journal_leave(struct vmf_journal *journal, enum vmf_code code);

/* Likewise where the conversion has ended, and what followed it failed. */
void vmf_journal_leave_finished(const struct vmf_target *target, enum vmf_code code);

/* A digest of what a job writes, for its blocks as they are now, on any thread. */
VMF_MUST_CHECK enum vmf_code vmf_journal_digest(struct vmf_copy_job *job, struct vmf_digest *digest,
                                                struct vmf_error *error);

#endif
