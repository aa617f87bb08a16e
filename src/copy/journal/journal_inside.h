/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a journal is made of, and how a chunk stands in it. All numbers are little-endian.
 *
 *   chunk: "CHNK", u32 length of the jobs, u64 number from 0 on, u64 size of the main file,
 *          jobs, u64 XXH3 of all before it in this chunk; of the first, of the head, too
 *   job:   u64 guest, u64 length, u64 bytes of data, u64 digest of what it writes, u32 hole,
 *          u32 count of blocks, blocks; where a map is made, a unit of each block; where a checksum
 *          is made, of each 64 KiB of a job that is no hole: u8 zero, or the digest behind it
 *   block: u64 guest, u64 host, u32 length, u32 data, u32 zeros, u16 head, u16 tail, u16 file,
 *          u16 flags
 *   unit:  u32 stored, u32 length, u32 neighbour, u32 flags, the digest and the sum of unit_map.h
 *
 * Private to this folder. */
#ifndef VMF_COPY_JOURNAL_INSIDE_H
#define VMF_COPY_JOURNAL_INSIDE_H

#include <pthread.h>

#include "journal.h"

enum {
  JOURNAL_CHUNK_HEAD = 24,
  JOURNAL_JOB = 40,
  JOURNAL_BLOCK = 36,
  JOURNAL_UNIT = 16 + VMF_UNIT_DIGEST + VMF_QUICK_SUM,
  JOURNAL_SUM = 8,
  JOURNAL_JOBS_MOST = 64 << 20, /* bytes of jobs in a chunk */
  JOURNAL_JOBS_ENOUGH = 8 << 20,
};

enum { JOURNAL_ZERO = 1, JOURNAL_PACKED = 2 };           /* flags of a block */
enum { JOURNAL_UNIT_PACKED = 1, JOURNAL_UNIT_KEPT = 2 }; /* of a unit */

/* Bytes of one that grows, or is made sure. */
struct vmf_journal_chunk {
  uint8_t *bytes; /* its head and jobs; owned */
  size_t used, capacity;
};

struct vmf_journal {
  const struct vmf_copy *copy;
  struct vmf_output *output;
  struct vmf_io *only; /* the file of it that is told of; NULL: all are */
  char *head;          /* the text that it begins with; owned */
  struct vmf_digest *digest;
  struct vmf_journal_chunk growing;
  uint64_t data;   /* guest bytes in it */
  uint64_t enough; /* so many are */
  bool paced;      /* if making the last chunk sure was not slow */
  unsigned pace;   /* of the time that a conversion takes, one part is for making sure */
  bool sealed; /* there is a chunk before it whose jobs are not all stored yet: `jobs` of the... */
  uint64_t jobs; /* ...pipeline, from the first one on */
  /* Making sure: these belong to the thread while it is busy. */
  struct vmf_journal_chunk sure;
  struct vmf_io **files; /* that the output had when it was handed over; owned */
  size_t file_count, file_capacity;
  struct vmf_io *io; /* the output's; NULL: nothing is sure yet */
  uint64_t end;      /* where the next chunk goes */
  uint64_t chunks;   /* before it */
  pthread_t thread;
  bool started;
  /* Guards all up to `not_before`. */
  pthread_mutex_t lock;
  pthread_cond_t moved;
  bool busy, stopping;
  enum vmf_code code; /* of the chunk that was to be made sure last; */
  struct vmf_error error;
  uint64_t not_before; /* the next one is, by the clock, nanoseconds */
  /* Taking up: what is proven ends at `end`. */
  uint64_t at, taken; /* of the next chunk to be read; and its number */
  uint8_t *chunk;     /* the one that is read now; owned */
  size_t chunk_length, chunk_at, chunk_capacity;
  uint64_t file_size;       /* of the main file behind that chunk */
  struct vmf_copy_job job;  /* the next of it; only what a retiring job needs */
  size_t block_capacity;    /* of job.blocks, */
  struct vmf_block *blocks; /* and as they were */
  bool ready;               /* job is filled */
  uint64_t *reached;        /* a file each: the end of the blocks that are proven; owned */
  uint64_t *reaching;       /* likewise, with those of the chunk that is being proven */
  size_t reached_count;
  bool taking; /* what was done is done again */
};

/* The files by index, where their bytes stand; NULL behind the last. */
static inline struct vmf_io *vmf_journal_file(const struct vmf_journal *journal, size_t index)
{
  if (journal->only)
    return index == 0 ? journal->only : NULL;
  return vmf_output_file(journal->output, index);
}

/* Whether the target's io is above that file. */
static inline bool vmf_journal_is_above(const struct vmf_journal *journal)
{
  return journal->only && journal->copy->target->io != journal->only;
}

/* What the target has been given reaches that file; all of it is stored. */
VMF_MUST_CHECK static inline enum vmf_code vmf_journal_hand_down(const struct vmf_journal *journal,
                                                                 struct vmf_error *error)
{
  return vmf_journal_is_above(journal) ? vmf_io_flush(journal->copy->target->io, error) : VMF_OK;
}

/* What it tells of, for messages. */
static inline const char *vmf_journal_path(const struct vmf_journal *journal)
{
  return journal->only ? journal->only->name : vmf_output_path(journal->output);
}

/* Whether a map of the target's units is made. */
static inline bool vmf_journal_has_units(const struct vmf_journal *journal)
{
  return journal->copy->units && journal->copy->units->writer;
}

/* The digest at the end of a chunk, of what stands before it there. */
VMF_MUST_CHECK enum vmf_code vmf_journal_sum(struct vmf_journal *journal, const uint8_t *chunk,
                                             size_t length, uint64_t number,
                                             uint8_t sum[VMF_DIGEST_MAX], struct vmf_error *error);

/* ---- making sure (journal_sure.c) ---- */

void vmf_journal_sure_init(struct vmf_journal *journal);
/* Ends the thread, behind what it is at. */
void vmf_journal_sure_destroy(struct vmf_journal *journal);

/* Whether the last chunk is sure; an error: it could not be made so. wait: until that is known. */
VMF_MUST_CHECK enum vmf_code vmf_journal_is_sure(struct vmf_journal *journal, bool wait, bool *sure,
                                                 struct vmf_error *error);

/* All that `sure` tells of is written, and the chunk before it is sure. */
VMF_MUST_CHECK enum vmf_code vmf_journal_make_sure(struct vmf_journal *journal,
                                                   struct vmf_error *error);

/* Whether it is time, by how long the last one took. */
bool vmf_journal_is_time(struct vmf_journal *journal);

/* `length` more bytes of a chunk. */
VMF_MUST_CHECK enum vmf_code vmf_journal_room(struct vmf_journal_chunk *chunk, size_t length,
                                              uint8_t **at, struct vmf_error *error);

/* ---- reading ---- */

/* The jobs of the chunk at `at` become those that are read; false: there is no whole chunk. */
VMF_MUST_CHECK enum vmf_code vmf_journal_load(struct vmf_journal *journal, uint64_t at,
                                              uint64_t number, bool *whole,
                                              struct vmf_error *error);

/* The head as it stands in the file; NULL: it is not whole. The caller frees it. */
VMF_MUST_CHECK enum vmf_code vmf_journal_load_head(struct vmf_io *io, char **head,
                                                   struct vmf_error *error);

enum { JOURNAL_STEP = 1 << 20 /* bytes read back at once, into a buffer of pages */ };

/* The target has begun: what stands before that becomes zeros, what is proven ends with it. */
VMF_MUST_CHECK enum vmf_code vmf_journal_gaps_begin(struct vmf_journal *journal, uint8_t *buffer,
                                                    struct vmf_error *error);

/* What the journal tells of a file is all that an interrupted run made of it: what stands before a
 * block, behind the one before it, becomes zeros where it is none. */
VMF_MUST_CHECK enum vmf_code vmf_journal_clear_gap(struct vmf_journal *journal,
                                                   const struct vmf_block *block, bool hole,
                                                   uint8_t *buffer, struct vmf_error *error);

/* The chunk is proven. */
void vmf_journal_gaps_settle(struct vmf_journal *journal);

/* So does all behind what is proven, of a device up to `done`, the guest byte where that ends. */
VMF_MUST_CHECK enum vmf_code vmf_journal_clear_rest(struct vmf_journal *journal, uint64_t done,
                                                    uint8_t *buffer, struct vmf_error *error);

/* From here on the ids are those that the next run derives. */
VMF_MUST_CHECK enum vmf_code vmf_journal_fix_identity(struct vmf_identity *identity,
                                                      struct vmf_error *error);

/* Of an object: begins the journal, or goes on with its run. */
VMF_MUST_CHECK enum vmf_code vmf_journal_upload(const struct vmf_copy *copy,
                                                struct vmf_error *error);

/* Frees what taking up keeps. */
void vmf_journal_free_taking(struct vmf_journal *journal);

#endif
