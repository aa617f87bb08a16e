/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Images on other machines. Where the functions of this library take the name of a source, it may
 * be a URL: http://, https://, s3://BUCKET/KEY (libcurl), nbd://, nbds://, nbd+unix://,
 * nbds+unix:// (libnbd), each where it was built in; and URL::DISK of a package. Files that an
 * image names are looked for beside it, on the same server; a URL that an image names is never
 * opened. A target may be an object of a store (s3://), which is there when it is committed,
 * or a file of a web server (by PUT); that of vmf_target_create also an export of an NBD server: a
 * device, of the size that it has.
 *
 * What may be a secret in a URL (a query, a user's name) is in no message and in nothing that is
 * told of an image: vmf_location_resolve gives the name by which such a URL goes from then on,
 * "https://...@host/folder/vm.ova", and all functions take that name, too.
 *
 * A connection that is lost, and a server that is busy, are tried again for a while; then it is
 * VMF_TEMPORARY. A file that is another one than when it was opened is VMF_CHANGED. */
#ifndef VMFERRY_REMOTE_H
#define VMFERRY_REMOTE_H

#include "errors.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct vmf_remote_options {
  size_t size; /* of the struct */
  /* Files with a line "Name: value" for each header that is sent to the host of every http(s) URL,
   * but not to another host that one leads to. The list ends with NULL; or NULL. */
  const char *const *header_files;
  bool netrc;                      /* names and passwords are in $NETRC, or ~/.netrc */
  uint64_t retry_seconds;          /* that are spent on one request with all its tries; 0: 900 */
  const struct vmf_cancel *cancel; /* ends what waits for an answer; lives on; or NULL */
  const struct vmf_log *log;       /* is told of tries; lives on; or NULL */
  /* Of object stores (s3://). NULL: what the environment or the AWS tools' files say; that is also
   * where the keys are. */
  const char *endpoint;   /* "https://HOST[:PORT]"; it has the buckets in its paths */
  const char *region;     /* "eu-central-1" */
  const char *profile;    /* of ~/.aws/credentials and ~/.aws/config */
  bool unsigned_requests; /* without keys: what is public */
  /* Of a file that a server only sends as a whole: where it is stored, which lives on; NULL:
   * $TMPDIR, or /tmp. And how long it may be; 0: no bound. */
  const char *spool_folder;
  uint64_t max_bytes;
};

/* Holds for the whole process. Before the first URL is opened, and while no other thread is in this
 * library. The files are read at once. */
VMF_MUST_CHECK enum vmf_code vmf_remote_set(const struct vmf_remote_options *options,
                                            struct vmf_error *error);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
