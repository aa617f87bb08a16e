/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Parts of an object on their way to a store: threads send them in any order, several at a time.
 * Private to this folder. */
#ifndef VMF_IO_REMOTE_S3_SENDER_H
#define VMF_IO_REMOTE_S3_SENDER_H

#include <pthread.h>

#include "s3_call.h"

enum { VMF_S3_SENDERS = 8 };

/* The bytes of a part, while they are here. */
struct vmf_s3_bytes {
  struct vmf_s3_bytes *next;
  unsigned number; /* of the part, from 1 on */
  uint64_t offset; /* in the object */
  size_t size, used;
  uint8_t *bytes; /* owned */
};

void vmf_s3_bytes_free(struct vmf_s3_bytes *list); /* all of it; NULL is allowed */

struct vmf_s3_sender {
  struct vmf_s3_upload *upload;
  const struct vmf_s3_listed *there; /* by number - 1: what is the same is not sent; NULL: all is */
  bool silent;                       /* nothing is sent: it is only found out what would be there */
  /* Guards all below. */
  pthread_mutex_t lock;
  pthread_cond_t work, done;
  struct vmf_s3_bytes *first, **last; /* to be sent */
  uint64_t on_the_way;                /* bytes: to be sent, or being sent */
  unsigned idle, count;               /* threads */
  pthread_t threads[VMF_S3_SENDERS];
  struct vmf_s3_part *sent; /* owned; by number - 1; without a tag: it is not there */
  size_t sent_count, sent_capacity;
  struct vmf_error error; /* the first; VMF_OK: none */
  bool stopping;
};

void vmf_s3_sender_begin(struct vmf_s3_sender *sender, struct vmf_s3_upload *upload);
/* Waits as long as much is on its way. Takes the part over, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_s3_sender_send(struct vmf_s3_sender *sender,
                                                struct vmf_s3_bytes *part, struct vmf_error *error);
/* Until all that was given to it is at the store. */
VMF_MUST_CHECK enum vmf_code vmf_s3_sender_wait(struct vmf_s3_sender *sender,
                                                struct vmf_error *error);
/* Ends what is being sent. */
void vmf_s3_sender_stop(struct vmf_s3_sender *sender);
/* Behind that: whether the store has any part. */
bool vmf_s3_sender_has_sent(const struct vmf_s3_sender *sender);
void vmf_s3_sender_clear(struct vmf_s3_sender *sender);

#endif
