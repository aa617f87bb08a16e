/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * libcurl, which is loaded when the first URL is opened. Private to this folder. */
#ifndef VMF_IO_CURL_LIBRARY_H
#define VMF_IO_CURL_LIBRARY_H

#define CURL_DISABLE_TYPECHECK /* it wraps the names of functions, which are members here */
#include <curl/curl.h>

#include "error.h"
#include "library.h"

#define VMF_CURL_CALLS(CALL)                                                                       \
  CALL(curl_global_init)                                                                           \
  CALL(curl_easy_init)                                                                             \
  CALL(curl_easy_setopt)                                                                           \
  CALL(curl_easy_perform)                                                                          \
  CALL(curl_easy_getinfo)                                                                          \
  CALL(curl_easy_strerror)                                                                         \
  CALL(curl_easy_cleanup)                                                                          \
  CALL(curl_getdate)                                                                               \
  CALL(curl_slist_append)                                                                          \
  CALL(curl_slist_free_all)

struct vmf_curl {
  VMF_CURL_CALLS(VMF_LIBRARY_POINTER)
};

/* Constant once it is loaded. */
extern struct vmf_curl vmf_curl;

/* Any thread. VMF_UNSUPPORTED: it is not installed; the error begins with `name`. */
VMF_MUST_CHECK enum vmf_code vmf_curl_load(const char *name, struct vmf_error *error);

#endif
