/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One job of a conversion: a stretch of the guest disk, about 1 MiB, on its way from the source's
 * files to the target's. */
#ifndef VMF_COPY_JOB_H
#define VMF_COPY_JOB_H

#include "checksum.h"
#include "feed.h"
#include "pipeline.h"
#include "plan.h"
#include "reuse.h"
#include "salvage.h"
#include "target.h"

/* Room in a job: of the conversion that needs most, where several share their jobs. */
struct vmf_copy_room {
  size_t packed, framing; /* bytes */
  size_t units, blocks;   /* of kept, of blocks */
};

/* What all jobs of one conversion share; constant while it runs, but for result. */
struct vmf_copy {
  struct vmf_image *source;
  struct vmf_target *target;       /* NULL: only a checksum is wanted */
  struct vmf_image *backing;       /* of the target; NULL: none */
  const struct vmf_plan *promised; /* units whose places the target's tables already tell, since
                                    * they went out first; NULL: none */
  struct vmf_units *units;         /* of the target, used again or noted; NULL: none are */
  struct vmf_salvage *salvage;     /* of the source; NULL: what cannot be read is an error */
  uint64_t size;                   /* of the guest disk */
  uint32_t job_bytes;              /* a power of two; jobs never cross a multiple of it */
  uint32_t part;        /* guest bytes of a block, at most: the target's unit, or a part of it */
  uint32_t sparse_size; /* FIXED: zeros of this length, at multiples of it, become a hole */
  bool checksum;
  bool packed_only; /* of the source nothing else is read */
  bool keep_packed; /* what the source has packed in the target's way is not packed anew */
  bool reads_all;   /* though an older target is used again */
  enum vmf_digest_kind digest_kind;
  struct vmf_copy_room room;
  struct vmf_job_result *result; /* of the caller's thread */
  unsigned beside;               /* conversions in this pass */
  struct vmf_journal *journal;   /* of what is done; NULL: none is kept */
};

struct vmf_copy_job {
  struct vmf_fed fed;   /* of the source and the backing file; a hole has no data, no blocks */
  uint8_t *data;        /* job_bytes: the guest bytes, zeros behind the end of the disk */
  uint8_t *expected;    /* job_bytes: the backing file's bytes; NULL without one */
  uint8_t *packed;      /* packed units, one behind the other; those of kept come first */
  struct vmf_kept kept; /* units that the source stores as the target will; in packed */
  size_t next_kept;
  struct vmf_losses losses; /* of data, where the copy salvages */
  struct vmf_block *blocks;
  size_t block_count;
  struct vmf_unit_record *records; /* where they are noted: of each block; FIXED: of each unit */
  size_t record_count;
  uint8_t *framing;             /* of each block, see frame.c; NULL: there is none */
  uint8_t *digests;             /* one for each 64 KiB */
  bool *zero_digest;            /* that block is zero: it has no digest */
  struct vmf_message *messages; /* room for those blocks that are hashed */
  uint64_t data_bytes;          /* not zero */
  uint64_t proof;               /* where there is a journal: of what the blocks write */
};

/* Of one thread. */
struct vmf_copy_scratch {
  struct vmf_loader *loader;
  struct vmf_packer *packer;
  struct vmf_reuse *reuse; /* NULL: no units are used again, or noted */
  struct vmf_spans part;   /* of a job's, what is read of it */
  struct vmf_digest *digest;
  struct vmf_digest *block_digest; /* of the target's kind; NULL: it wants none */
  struct vmf_digest *proof;        /* for the journal */
};

/* How long the blocks of such a target are, at most; bytes. */
uint32_t vmf_copy_part(const struct vmf_shape *shape);

/* Of what the holes are multiples: whole blocks, and whole blocks of the checksum. */
uint32_t vmf_copy_feed_unit(const struct vmf_copy *copy);

/* The room that the jobs of one conversion need, by all else of it; and of two that share theirs.
 */
struct vmf_copy_room vmf_copy_room(const struct vmf_copy *copy);
void vmf_copy_widen(struct vmf_copy_room *room, const struct vmf_copy_room *other);

/* Loads, hashes, finds zeros, packs and frames. A vmf_stage.work. copies: an array, in which
 * job->fed.disk says which one the job is of. */
VMF_MUST_CHECK enum vmf_code vmf_copy_work(void *job, void *scratch, void *copies,
                                           struct vmf_error *error);

/* Writes the blocks that have been placed, neighbours together. A vmf_stage.store. */
VMF_MUST_CHECK enum vmf_code vmf_copy_store(void *job, void *copies, struct vmf_error *error);

/* Where the blocks of one conversion go; of the caller's thread. */
struct vmf_places {
  const struct vmf_copy *copy;
  uint64_t host_bytes; /* that the blocks take */
  bool again;          /* an interrupted run has stored them: their bytes are there */
  /* The unit whose parts come now; length 0: none. */
  struct vmf_io *io;
  uint64_t guest, length, host; /* of its data */
};

/* Gives every block its place, in guest order; what goes to a pipe is written at once. VMF_CHANGED:
 * the job has data where none was promised. */
VMF_MUST_CHECK enum vmf_code vmf_copy_place(struct vmf_places *places, struct vmf_copy_job *job,
                                            struct vmf_error *error);

/* All jobs have been placed. */
VMF_MUST_CHECK enum vmf_code vmf_copy_place_end(const struct vmf_places *places,
                                                struct vmf_error *error);

/* Room for the framing of one block, bytes; 0: there is none. */
size_t vmf_copy_framing(const struct vmf_shape *shape);

/* Leaves those blocks out of a unit that are zeros, as shape.hole asks for it; `data`: the unit,
 * which the rest is moved together in. */
void vmf_copy_leave_out(const struct vmf_shape *shape, uint8_t *framing, uint8_t *data,
                        struct vmf_block *block);

/* Digests and wraps a block. framing: vmf_copy_framing bytes, that live as long as the block.
 * digest: NULL when the shape has none. */
VMF_MUST_CHECK enum vmf_code vmf_copy_frame(const struct vmf_target *target,
                                            struct vmf_digest *digest, uint8_t *framing,
                                            struct vmf_block *block, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_copy_block_digest(const struct vmf_shape *shape,
                                                   struct vmf_digest **digest,
                                                   struct vmf_error *error);

/* Bytes that a block takes in its file. */
uint64_t vmf_copy_stored_length(const struct vmf_block *block);

void vmf_copy_free_job(void *job);
void vmf_copy_free_scratch(void *scratch);

/* What a job and a thread take of the memory. */
struct vmf_demand vmf_copy_demand(const struct vmf_copy *copy);

#endif
