/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An object of a store as a target: sequential, sent in parts while it is written, several at a
 * time. Nobody sees it before vmf_io_end, and without that it never was. What is held (vmf_io_hold)
 * stays here until it is let go. */
#ifndef VMF_IO_REMOTE_S3_TARGET_H
#define VMF_IO_REMOTE_S3_TARGET_H

#include "io.h"

/* An upload that another run can go on with: what is shared by who notes it in a journal and by the
 * object that is sent. The caller's; outlives the io. */
struct vmf_kept_upload {
  /* By the caller: */
  char *was;  /* the id at the store of the one that is gone on with; NULL: one is begun */
  char *tag;  /* of the object that its run was about to make of it; NULL: it was not yet */
  bool noted; /* this one is: without vmf_io_end its parts stay. Set where `was` is taken up */
  /* Before the object is made of the parts: it will have this tag. */
  enum vmf_code (*note_tag)(struct vmf_kept_upload *kept, const char *tag, struct vmf_error *error);
  void *data; /* for that */
  /* By the io, until it is closed: */
  const char *id;     /* of the upload at the store */
  const char *origin; /* where that is: "https://host:port" */
  const char *parts;  /* what they are like */
  /* By its closing: parts are left there. */
  bool left;
};

/* name: as vmf_url_resolve gives it. new_only: one that is there is VMF_USAGE. kept: parts that its
 * run has sent, and that are the same, are not sent again; where that run had made the object,
 * nothing is sent, and vmf_io_end finds out whether it is the same. resume, without that: likewise
 * with the upload of the object that was begun last, and without vmf_io_end those of this run stay
 * for the next. VMF_TEMPORARY: see vmferry/remote.h. */
VMF_MUST_CHECK enum vmf_code vmf_io_write_object(const char *name, bool new_only, bool resume,
                                                 struct vmf_kept_upload *kept, struct vmf_io **io,
                                                 struct vmf_error *error);

#endif
