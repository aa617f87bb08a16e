/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A connection to a web server, and what holds for all requests. Private to this folder. */
#ifndef VMF_IO_REMOTE_CURL_HANDLE_H
#define VMF_IO_REMOTE_CURL_HANDLE_H

#include "curl_library.h"

enum { VMF_CURL_STALL = 30 /* seconds, where nothing else is to be said */ };

/* reason: CURL_ERROR_SIZE bytes that live as long, where libcurl says what went wrong. by_netrc:
 * where the caller allows it at all. NULL: it cannot be used. */
CURL *vmf_curl_new(char *reason, bool by_netrc);

/* What libcurl calls for a request. */
struct vmf_curl_calls {
  size_t (*head)(char *bytes, size_t size, size_t count, void *data); /* a line of it */
  size_t (*body)(char *bytes, size_t size, size_t count, void *data);
  void *answer; /* the `data` of these two */
  int (*progress)(void *data, curl_off_t total, curl_off_t now, curl_off_t up, curl_off_t sent);
  void *watcher; /* of this one */
};

/* Says what is asked for. headers: stay with the caller, who lets the handle forget them
 * (vmf_curl_forget) before they are freed. stall: seconds with less than 1 KiB a second after which
 * it fails; 0: never. False: no memory. */
bool vmf_curl_ask(CURL *curl, const char *url, struct curl_slist *headers, long stall,
                  const struct vmf_curl_calls *calls);
void vmf_curl_forget(CURL *curl);

/* One more line; false: no memory, and *list is as before. */
bool vmf_curl_header(struct curl_slist **list, const char *text);

/* Whether what libcurl could not do may go well when it is tried again. */
bool vmf_curl_again(CURLcode result);

/* Whether a status of HTTP may be another one when it is asked for again; *busy: the server wants
 * fewer requests. */
bool vmf_http_status_again(long status, bool *busy);

#endif
