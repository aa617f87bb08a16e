/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Images whose bytes the caller has: an open descriptor, or functions that give them. Such a source
 * has no folder, so what its content names (a parent, an extent) is VMF_REFUSED. A disk whose bytes
 * a program makes itself is one, of format "raw": vmf_convert writes it in any other. A part of
 * <vmferry.h>. */
#ifndef VMFERRY_GIVEN_H
#define VMFERRY_GIVEN_H

#include <stddef.h>
#include <stdint.h>

#include "errors.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct vmf_image;
struct vmf_image_options;

/* The image in the file or block device that is open for reading as `descriptor`, which stays open
 * and its caller's. name: for messages, and by its suffix for what it is; NULL: "descriptor 5". A
 * pipe is VMF_REFUSED. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_image_open_descriptor(int descriptor, const char *name,
                                                       const struct vmf_image_options *options,
                                                       struct vmf_image **image,
                                                       struct vmf_error *error);

/* Bytes by functions; none of them calls this library back. Where one fails, it says why in *error,
 * of which the text is enough, and what it returns is handed on. */
struct vmf_source {
  size_t size;      /* of the struct */
  const char *name; /* for messages, and by its suffix for what it is: "disk.raw" */
  uint64_t bytes;   /* that it has, all the time */
  /* All `length` bytes at `offset`, which are there. Any thread, several at once. */
  enum vmf_code (*read)(void *data, void *buffer, size_t length, uint64_t offset,
                        struct vmf_error *error);
  /* The first bytes at or behind `offset` that may not be zeros: [*start, *end); both `bytes` where
   * there are no more. Any thread, several at once. NULL: none need be. */
  enum vmf_code (*next_data)(void *data, uint64_t offset, uint64_t *start, uint64_t *end,
                             struct vmf_error *error);
  void (*close)(void *data); /* once, when it is used no more; or NULL */
  void *data;
};

/* The image in it. source->close is called when the image is closed, or before another code than
 * VMF_OK is returned, but for VMF_USAGE of what is NULL or has a wrong size. The struct itself need
 * not live on. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_image_open_source(const struct vmf_source *source,
                                                   const struct vmf_image_options *options,
                                                   struct vmf_image **image,
                                                   struct vmf_error *error);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
