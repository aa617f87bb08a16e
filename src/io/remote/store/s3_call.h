/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The requests by which an object is made of parts (S3 API Reference: CreateMultipartUpload,
 * UploadPart, CompleteMultipartUpload, AbortMultipartUpload, ListMultipartUploads, ListParts,
 * HeadObject), each tried again where
 * that may go well. Any thread, each with a line of its own. Private to this folder. */
#ifndef VMF_IO_REMOTE_S3_CALL_H
#define VMF_IO_REMOTE_S3_CALL_H

#include "digest.h"
#include "s3.h"
#include "web_call.h"

/* What a store has of a part. */
struct vmf_s3_part {
  char *etag;                 /* owned */
  uint8_t md5[VMF_MD5_BYTES]; /* of its bytes; zeros: there was no memory for it */
};

/* What a store says that it has of a part. */
struct vmf_s3_listed {
  uint64_t size; /* bytes */
  uint8_t md5[VMF_MD5_BYTES];
  bool known; /* it is there, and its tag is an MD5 */
};

struct vmf_s3_upload {
  struct vmf_s3 *s3;
  const char *name; /* for messages; not owned */
  char *id;         /* owned */
  bool new_only;    /* an object that is there is not replaced */
  atomic_bool ended;
};

/* Fills upload->id. Where the store says that the bucket is elsewhere, that is asked; no other call
 * may be under way. */
VMF_MUST_CHECK enum vmf_code vmf_s3_create(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                                           struct vmf_error *error);
/* An upload of the object that nobody finished: the one that was begun last. upload->id stays NULL
 * where there is none. As vmf_s3_create, no other call may be under way. */
VMF_MUST_CHECK enum vmf_code vmf_s3_find(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                                         struct vmf_error *error);
/* Its parts, by number - 1, of which there is room for `most`. *gone: the store knows no such
 * upload (any more). As vmf_s3_create, no other call may be under way. */
VMF_MUST_CHECK enum vmf_code vmf_s3_list(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                                         struct vmf_s3_listed *parts, unsigned most, bool *gone,
                                         struct vmf_error *error);
/* Whether these bytes are those of such a part; then it fills *part. VMF_NOMEM: no memory. */
VMF_MUST_CHECK enum vmf_code vmf_s3_is_there(const struct vmf_s3_listed *listed, const void *bytes,
                                             size_t length, bool *there, struct vmf_s3_part *part,
                                             struct vmf_error *error);
/* What a store would have of these bytes: *part, with the tag that is usual; its digest is zeros
 * where there is no memory for it, or no MD5. */
VMF_MUST_CHECK enum vmf_code vmf_s3_foresee(const void *bytes, size_t length,
                                            struct vmf_s3_part *part, struct vmf_error *error);
/* number: from 1 on. */
VMF_MUST_CHECK enum vmf_code vmf_s3_put_part(struct vmf_s3_upload *upload,
                                             struct vmf_web_line *line, unsigned number,
                                             const void *bytes, size_t length,
                                             struct vmf_s3_part *part, struct vmf_error *error);
enum { VMF_S3_TAG = 64 };

/* The usual tag of an object of these parts: the MD5 of their MD5s, and how many they are. False:
 * there is no memory for it. */
bool vmf_s3_tag(const struct vmf_s3_part *parts, unsigned count, char tag[VMF_S3_TAG]);
/* All parts have been put: the object is there. */
VMF_MUST_CHECK enum vmf_code vmf_s3_complete(struct vmf_s3_upload *upload,
                                             struct vmf_web_line *line,
                                             const struct vmf_s3_part *parts, unsigned count,
                                             struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_s3_abort(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                                          struct vmf_error *error);
/* *there: the object is; false, too: the store tells nobody who may not read it. *etag: its tag, or
 * "". */
VMF_MUST_CHECK enum vmf_code vmf_s3_look(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                                         bool *there, char etag[VMF_HTTP_VALUE],
                                         struct vmf_error *error);

#endif
