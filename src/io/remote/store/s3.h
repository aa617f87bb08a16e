/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An object of an object store, "s3://BUCKET/KEY": where it is asked for, and by whom. The key
 * stands in the URL as it is, as the AWS tools have it. Private to this folder. */
#ifndef VMF_IO_REMOTE_S3_H
#define VMF_IO_REMOTE_S3_H

#include <pthread.h>
#include <stdatomic.h>

#include "aws_sign.h"

enum {
  VMF_S3_EXPLAINED = 4096, /* bytes of an answer that explains, which are looked at */
  VMF_S3_KEY = 1024        /* bytes of a key, at most */
};

struct vmf_s3 {
  /* Guards the keys of `who` from the first request on, and: */
  pthread_mutex_t lock;
  time_t renewed; /* when they last were */
  struct vmf_aws_credentials who;
  char *bucket, *key; /* owned */
  char *origin;       /* owned; "https://host:port" */
  const char *host;   /* in it */
  char *path;         /* owned; escaped */
  char *root;         /* owned; that of the bucket itself, escaped */
  bool tls;
  atomic_long skew; /* seconds that the server's clock is before this one */
};

/* url: as the person wrote it; name: for messages. VMF_USAGE: it is none. */
VMF_MUST_CHECK enum vmf_code vmf_s3_new(const char *url, const char *name, struct vmf_s3 **s3,
                                        struct vmf_error *error);
void vmf_s3_free(struct vmf_s3 *s3); /* NULL is allowed */

/* The bucket is in another region than it was looked for in. No other call may be under way. */
VMF_MUST_CHECK enum vmf_code vmf_s3_move(struct vmf_s3 *s3, const char *region,
                                         struct vmf_error *error);

/* The URL of a request, a fresh string. path: of the object, or the bucket; query: as in struct
 * vmf_aws_request. */
VMF_MUST_CHECK enum vmf_code vmf_s3_url(const struct vmf_s3 *s3, const char *path,
                                        const char *query, char **url, struct vmf_error *error);
/* What is sent with it. body: what it carries; NULL: nothing. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_s3_sign(struct vmf_s3 *s3, const char *method, const char *path,
                                         const char *query, const void *body, size_t length,
                                         char *lines[VMF_AWS_LINES + 1], struct vmf_error *error);

#define VMF_S3_EXPIRED "ExpiredToken"

/* The store says that the keys have expired: looks for them once more, where they were found.
 * False: they are the same. name: for messages. Any thread. */
bool vmf_s3_renew(struct vmf_s3 *s3, const char *name);

/* The server says what its time is (an HTTP date's seconds). */
void vmf_s3_set_clock(struct vmf_s3 *s3, time_t time);

/* The text of the first element of that name in an answer. False: there is none, or it has no room.
 */
bool vmf_s3_element(const char *xml, const char *name, char *text, size_t room);

/* ": CODE: MESSAGE" of an answer that explains, or ": TEXT" of one that is plain text, shortened;
 * "" where it says nothing. type: Content-Type. */
void vmf_s3_reason(const char *body, const char *type, char *reason, size_t room);

#endif
