/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * URLs as names. What may be a secret in one (a query, which can be signed, and who asks) is kept
 * here and nowhere else: in the rest of the program, and in all that it tells, the URL is called
 * "https://...@host/folder/vm.ova". What an object is called has no such parts: all of it is its
 * key. Of such a name, and of names beside it, this is the way back.
 */
#ifndef VMF_IO_REMOTE_URL_H
#define VMF_IO_REMOTE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* "http://...", "https://...", "s3://BUCKET/KEY", "nbd://...", "nbds://...", "nbd+unix://...",
 * "nbds+unix://...". */
bool vmf_url_is(const char *name);
bool vmf_url_is_nbd(const char *name);
bool vmf_url_is_s3(const char *name);

/* *shown: a fresh string, the name by which the URL goes. Of such a name: the same again. Any
 * thread. VMF_USAGE: it is none, or has a password in it. */
VMF_MUST_CHECK enum vmf_code vmf_url_resolve(const char *url, char **shown,
                                             struct vmf_error *error);

/* The way back: *url is a fresh string with all that it needs. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_url_whole(const char *shown, char **url, struct vmf_error *error);

/* The length of the URL of "URL::DISK"; all of it where no disk is named. */
size_t vmf_url_length(const char *name);

/* What is called `name`, a relative path, in the folder of a URL. VMF_REFUSED: it leads out of
 * that, also as a server reads it (%2e%2e); an NBD server has no folders. */
VMF_MUST_CHECK enum vmf_code vmf_url_beside(const char *shown, const char *name, char **beside,
                                            struct vmf_error *error);

#endif
