/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "curl_library.h"

#include <pthread.h>

#define CURL_ROW(name) VMF_LIBRARY_ROW(struct vmf_curl, name)

struct vmf_curl vmf_curl;

static pthread_once_t begun = PTHREAD_ONCE_INIT;
static bool loaded;
static const char *why;

static void begin(void)
{
  static const struct vmf_library_call rows[] = {VMF_CURL_CALLS(CURL_ROW)};

  loaded = vmf_library_load("libcurl.so.4", rows, sizeof rows / sizeof rows[0], &vmf_curl, &why);
  if (loaded)
    (void)vmf_curl.curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum vmf_code vmf_curl_load(const char *name, struct vmf_error *error)
{
  pthread_once(&begun, begin);
  return loaded
             ? VMF_OK
             : vmf_fail(error, VMF_UNSUPPORTED,
                        "%s: libcurl, which reads http and https, cannot be loaded (%s); install "
                        "it, or fetch the file first (curl -LO)",
                        name, why);
}
