/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An NBD server (the NBD protocol's doc/proto.md) with one export, which answers as the input says:
 * right, or as no server should. What it sends as bytes of the export is never other than those. */
#ifndef VMF_TESTS_FUZZ_NBD_SERVER_H
#define VMF_TESTS_FUZZ_NBD_SERVER_H

#include "loopback.h"

struct fuzz_export {
  uint8_t *bytes;
  size_t size;
  bool structured, tells, many, writable, zeroes, fast, flushes, go;
  unsigned least, most; /* bytes of a request; 0: nothing is said of it */
  struct fuzz_plan plan;
  bool used; /* its size is known to somebody */
};

/* Starts it, once. Returns the port. */
unsigned fuzz_nbd_begin(void);

/* Whether the bitmap that is called "it" says that this byte has changed. */
bool fuzz_nbd_marks(uint64_t offset);

/* The export belongs to the server until the end, and then to the caller again. Returns its name:
 * no two inputs have the same. */
unsigned fuzz_nbd_serve(struct fuzz_export *file);
void fuzz_nbd_end(void);

#endif
