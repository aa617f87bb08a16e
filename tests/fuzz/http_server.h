/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A web server with some files, which answers as the input says: right, or as no server should.
 * What it sends as bytes of a file is never other than those. */
#ifndef VMF_TESTS_FUZZ_HTTP_SERVER_H
#define VMF_TESTS_FUZZ_HTTP_SERVER_H

#include "loopback.h"

enum { FUZZ_FILES = 4, FUZZ_NAME = 64, FUZZ_TARGET = 2048 };

struct fuzz_file {
  char name[FUZZ_NAME];
  uint8_t *bytes; /* owned */
  size_t size;
};

struct fuzz_store;

struct fuzz_site {
  struct fuzz_file files[FUZZ_FILES];
  unsigned count;
  struct fuzz_plan plan;
  unsigned tags;            /* what tells its versions: 1 strong tags, 2 dates, 4 weak tags */
  bool whole;               /* it sends no parts */
  bool chunked, closing;    /* how bodies, and connections, end */
  struct fuzz_store *store; /* it is one of objects, too; or NULL */
};

/* What is asked for. */
struct fuzz_request {
  char method[16], target[FUZZ_TARGET];
  uint64_t from, to;           /* to: behind the last */
  bool ranged, matches, fresh; /* Range; If-Match that fits, or none; If-None-Match */
  uint8_t *body;               /* owned; 0 behind its end */
  size_t length, room;
};

/* Starts it, once. Returns the port. */
unsigned fuzz_http_begin(void);

/* The site belongs to the server until the end, and then to the caller again. Returns the number
 * that stands before each path: no two inputs have the same names. */
unsigned fuzz_http_serve(struct fuzz_site *site);
void fuzz_http_end(void);

/* From now on it does nothing wrong. */
void fuzz_http_mend(void);

/* An answer with a body. False: the connection is to end. */
bool fuzz_http_answer(const struct fuzz_line *line, unsigned status, const char *heads,
                      const void *body, size_t length);

#endif
