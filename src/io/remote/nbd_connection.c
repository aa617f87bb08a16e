/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "nbd_connection.h"

#include <errno.h>

/* What may be otherwise the next time. */
static bool is_passing(int number)
{
  static const int passing[] = {ECONNREFUSED, ECONNRESET, ETIMEDOUT,   ENETDOWN,     ENETUNREACH,
                                EHOSTDOWN,    EPIPE,      ENOTCONN,    EHOSTUNREACH, ESHUTDOWN,
                                EAGAIN,       EINTR,      ECONNABORTED};

  for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
    if (passing[i] == number)
      return true;
  return false;
}

bool vmf_nbd_is_lost(struct nbd_handle *handle)
{
  return vmf_nbd.nbd_aio_is_dead(handle) || vmf_nbd.nbd_aio_is_closed(handle);
}

enum vmf_code vmf_nbd_failed(const char *name, struct nbd_handle *handle, const char *what,
                             struct vmf_attempt *attempt, struct vmf_error *error)
{
  const char *text = vmf_nbd.nbd_get_error();
  int number = vmf_nbd.nbd_get_errno();
  bool lost = handle && vmf_nbd_is_lost(handle);

  attempt->lost = !handle || lost;
  attempt->again = lost || is_passing(number);
  enum vmf_code code =
      vmf_fail(error, VMF_READ, "%s: %s: %.200s", name, what, text ? text : "no reason is known");
  error->sys_errno = number;
  return code;
}

/* The person named the URL: a file of keys in it is meant. */
static bool prepare(struct nbd_handle *handle, const char *context)
{
  return (!context || vmf_nbd.nbd_add_meta_context(handle, context) == 0) &&
         vmf_nbd.nbd_add_meta_context(handle, LIBNBD_CONTEXT_BASE_ALLOCATION) == 0 &&
         vmf_nbd.nbd_set_uri_allow_local_file(handle, true) == 0;
}

enum vmf_code vmf_nbd_connect(const char *url, const char *name, const char *context,
                              struct nbd_handle **handle, struct vmf_attempt *attempt,
                              struct vmf_error *error)
{
  *handle = NULL;
  VMF_TRY(vmf_nbd_load(name, error));
  *handle = vmf_nbd.nbd_create();
  if (*handle && prepare(*handle, context) && vmf_nbd.nbd_connect_uri(*handle, url) == 0)
    return VMF_OK;
  enum vmf_code code = vmf_nbd_failed(name, NULL, "connecting", attempt, error);
  vmf_nbd.nbd_close(*handle);
  *handle = NULL;
  return code;
}
