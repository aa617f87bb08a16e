/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a web server does that is an object store (S3), for one object: its upload in parts, and
 * where one can ask for keys. Signatures are not looked at. */
#ifndef VMF_TESTS_FUZZ_STORE_SERVER_H
#define VMF_TESTS_FUZZ_STORE_SERVER_H

#include "http_server.h"

enum { FUZZ_PARTS = 16 };

struct fuzz_store {
  struct fuzz_file parts[FUZZ_PARTS]; /* without names */
  bool begun;
  char key[FUZZ_NAME], tag[64]; /* of the object, once it is there; or empty */
};

/* Whether the request is for one of these. */
bool fuzz_store_has(const struct fuzz_request *request);

/* Under the lock of the server. fault: 0, or what is wrong. *object: what the object becomes; its
 * bytes NULL where it stays. False: the connection ends. */
bool fuzz_store_answer(const struct fuzz_line *line, struct fuzz_store *store,
                       struct fuzz_request *request, unsigned fault, struct fuzz_file *object);

void fuzz_store_free(struct fuzz_store *store);

#endif
