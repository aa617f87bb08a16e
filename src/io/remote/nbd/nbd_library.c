/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "nbd_library.h"

#include <pthread.h>

#define NBD_ROW(name) VMF_LIBRARY_ROW(struct vmf_nbd, name)

struct vmf_nbd vmf_nbd;

static pthread_once_t begun = PTHREAD_ONCE_INIT;
static bool loaded;
static const char *why;

static void begin(void)
{
  static const struct vmf_library_call rows[] = {VMF_NBD_CALLS(NBD_ROW)};

  loaded = vmf_library_load("libnbd.so.0", rows, sizeof rows / sizeof rows[0], &vmf_nbd, &why);
}

enum vmf_code vmf_nbd_load(const char *name, struct vmf_error *error)
{
  pthread_once(&begun, begin);
  return loaded ? VMF_OK
                : vmf_fail(error, VMF_UNSUPPORTED,
                           "%s: libnbd, which reads and writes NBD, cannot be loaded (%s); install "
                           "it, or copy the disk by nbdcopy",
                           name, why);
}
