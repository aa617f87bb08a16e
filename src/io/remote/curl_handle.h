/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A connection to a web server, and what holds for all requests. Private to this folder. */
#ifndef VMF_IO_REMOTE_CURL_HANDLE_H
#define VMF_IO_REMOTE_CURL_HANDLE_H

#include "curl_library.h"

/* reason: CURL_ERROR_SIZE bytes that live as long, where libcurl says what went wrong. by_netrc:
 * where the caller allows it at all. NULL: it cannot be used. */
CURL *vmf_curl_new(char *reason, bool by_netrc);

/* One more line; false: no memory, and *list is as before. */
bool vmf_curl_header(struct curl_slist **list, const char *text);

/* Whether what libcurl could not do may go well when it is tried again. */
bool vmf_curl_again(CURLcode result);

/* Whether a status of HTTP may be another one when it is asked for again; *busy: the server wants
 * fewer requests. */
bool vmf_http_status_again(long status, bool *busy);

#endif
