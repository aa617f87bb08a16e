/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What every pass over a disk works through: one stretch after the other, from the first guest byte
 * to the last, each with the spans that say where its bytes are. The map of each input is walked
 * once, on the caller's thread; nothing is kept of it, so memory does not grow with a disk. The
 * data of a disk that comes in any order is handed out as it comes, and then, as holes, what did
 * not. */
#ifndef VMF_COPY_FEED_H
#define VMF_COPY_FEED_H

#include "arrived.h"
#include "image.h"
#include "salvage.h"

enum {
  VMF_FEED_INPUTS = 2,         /* a source and its target's backing file; two disks to compare */
  VMF_FEED_JOB_BYTES = 1 << 20 /* job_bytes is this or a multiple that is a power of two */
};

/* A stretch. The first member of every job that vmf_loop_run hands out. */
struct vmf_fed {
  size_t disk; /* of loop->feeds, which it is a stretch of */
  uint64_t guest, length;
  bool hole; /* zeros in all inputs, of any length; otherwise at most feed->job_bytes */
  struct vmf_spans spans[VMF_FEED_INPUTS]; /* of each input; what none covers is zeros */
  struct vmf_arrived arrived; /* the bytes of the first input's, when it comes on a stream */
};

struct vmf_feed {
  struct vmf_image *inputs[VMF_FEED_INPUTS]; /* NULL, and behind the end of a disk: zeros. The
                                              * first may come on a stream (container.h); where
                                              * that is in any order, it is the only one */
  struct vmf_salvage *salvage;               /* of the first; NULL: a damaged map is an error */
  struct vmf_image *marking; /* that of them whose bitmap is asked what has changed, and, but for
                              * unshared, what each span is; NULL: none */
  uint64_t size;             /* bytes of guest disk to work through */
  uint32_t unit;      /* a power of two: holes are whole units, so that no unit is cut by one */
  uint32_t job_bytes; /* a power of two, at least unit: stretches never cross a multiple of it */
  bool everything;    /* zeros are no holes */
  uint32_t unshared;  /* whole blocks of so many bytes that both inputs have at one place of one
                       * file, or that `marking` does not mark, are taken for zeros, unread; a power
                       * of two. 0: none are */
  bool packed_only;   /* whatever is not packed is taken for zeros, unread */
  bool holes_count;   /* they are written: a bound on bytes is for them, too */
  /* Of the feed: where it is; of a disk that comes in any order, as long as it comes, 0. */
  uint64_t guest;
  /* What was looked up last of each input, and goes on at `guest` or starts behind it: between them
   * are zeros. length 0: nothing. */
  struct vmf_span ahead[VMF_FEED_INPUTS];
  uint64_t quiet_start, quiet_end; /* unshared: without data, as was found last */
  uint64_t mark_start, mark_end;   /* of `marking`: what it marks next */
};

/* The next stretch: *fed, whose lists of spans are filled anew; length 0 when all has been handed
 * out. */
VMF_MUST_CHECK enum vmf_code vmf_feed_next(struct vmf_feed *feed, struct vmf_fed *fed,
                                           struct vmf_error *error);

/* The span of the first input at feed->guest, cut to what comes next; false: a hole, or the end. */
VMF_MUST_CHECK enum vmf_code vmf_feed_peek(struct vmf_feed *feed, struct vmf_span *span, bool *data,
                                           struct vmf_error *error);

/* How long the hole is that comes next; 0: none does. Of many spans of zeros only the first. */
VMF_MUST_CHECK enum vmf_code vmf_feed_hole(struct vmf_feed *feed, uint64_t *length,
                                           struct vmf_error *error);

/* All has been handed out: a stream has to end here, as its own tables say. */
VMF_MUST_CHECK enum vmf_code vmf_feed_end(struct vmf_feed *feed, struct vmf_error *error);

/* Whether all of it has been handed out. */
static inline bool vmf_feed_ended(const struct vmf_feed *feed)
{
  return feed->guest >= feed->size;
}

/* Leaves out `length` bytes of what the two have shown. */
void vmf_feed_skip(struct vmf_feed *feed, uint64_t length);

void vmf_fed_free(struct vmf_fed *fed);

/* Memory that the lists and bytes of one stretch take at most; bytes. */
size_t vmf_fed_memory(const struct vmf_feed *feed);

/* job_bytes for a source (or NULL) and a target's unit: about 1 MiB, whole units of both. */
uint32_t vmf_feed_job_bytes(const struct vmf_image *source, uint32_t target_unit);

#endif
