/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "nbd_connection.h"

#include <errno.h>

#include "cancel.h"
#include "remote_settings.h"
#include "tries.h"

enum { PARTING = 5 /* seconds for a server to end a connection */ };

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

/* ---- waiting ---- */

struct vmf_nbd_patience vmf_nbd_patience(unsigned seconds)
{
  return (struct vmf_nbd_patience){.heard = vmf_tries_now(), .most = vmf_remote_stall(seconds)};
}

enum vmf_code vmf_nbd_still(const struct vmf_nbd_patience *patience, const char *name,
                            struct vmf_attempt *attempt, struct vmf_error *error)
{
  if (vmf_cancel_requested(vmf_remote_settings()->cancel)) {
    attempt->lost = true;
    return vmf_fail(error, VMF_CANCELLED, "%s: interrupted", name);
  }
  if (vmf_tries_now() <= patience->heard + (uint64_t)patience->most * 1000)
    return VMF_OK;
  attempt->lost = attempt->again = true;
  enum vmf_code code =
      vmf_fail(error, VMF_READ, "%s: nothing came from the server for %u s", name, patience->most);
  error->sys_errno = ETIMEDOUT;
  return code;
}

enum vmf_code vmf_nbd_listen(struct nbd_handle *handle, const char *name,
                             struct vmf_nbd_patience *patience, const char *what,
                             struct vmf_attempt *attempt, struct vmf_error *error)
{
  int events = vmf_nbd.nbd_poll(handle, VMF_NBD_LISTEN_MS);

  if (events < 0)
    return vmf_nbd_failed(name, handle, what, attempt, error);
  if (events > 0)
    patience->heard = vmf_tries_now();
  return vmf_nbd_still(patience, name, attempt, error);
}

/* ---- connecting ---- */

/* The person named the URL: a file of keys in it is meant. */
static bool prepare(struct nbd_handle *handle, const char *context)
{
  return (!context || vmf_nbd.nbd_add_meta_context(handle, context) == 0) &&
         vmf_nbd.nbd_add_meta_context(handle, LIBNBD_CONTEXT_BASE_ALLOCATION) == 0 &&
         vmf_nbd.nbd_set_uri_allow_local_file(handle, true) == 0;
}

static enum vmf_code negotiate(struct nbd_handle *handle, const char *name, unsigned seconds,
                               struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct vmf_nbd_patience patience = vmf_nbd_patience(seconds);
  enum vmf_code code = VMF_OK;

  while (code == VMF_OK && vmf_nbd.nbd_aio_is_connecting(handle))
    code = vmf_nbd_listen(handle, name, &patience, "connecting", attempt, error);
  if (code == VMF_OK && !vmf_nbd.nbd_aio_is_ready(handle))
    code = vmf_nbd_failed(name, NULL, "connecting", attempt, error);
  if (code != VMF_OK)
    attempt->again = is_passing(error->sys_errno); /* what is refused will be so again */
  return code;
}

enum vmf_code vmf_nbd_connect(const char *url, const char *name, const char *context,
                              unsigned seconds, struct nbd_handle **handle,
                              struct vmf_attempt *attempt, struct vmf_error *error)
{
  *handle = NULL;
  VMF_TRY(vmf_nbd_load(name, error));
  *handle = vmf_nbd.nbd_create();
  enum vmf_code code =
      *handle && prepare(*handle, context) && vmf_nbd.nbd_aio_connect_uri(*handle, url) == 0
          ? negotiate(*handle, name, seconds, attempt, error)
          : vmf_nbd_failed(name, NULL, "connecting", attempt, error);
  if (code == VMF_OK)
    return VMF_OK;
  vmf_nbd.nbd_close(*handle);
  *handle = NULL;
  return code;
}

void vmf_nbd_part(struct nbd_handle *handle, const char *name)
{
  struct vmf_nbd_patience patience = vmf_nbd_patience(PARTING);
  struct vmf_attempt attempt;
  struct vmf_error error;

  if (!vmf_nbd_is_lost(handle) && vmf_nbd.nbd_aio_disconnect(handle, 0) == 0)
    while (!vmf_nbd_is_lost(handle) &&
           vmf_nbd_listen(handle, name, &patience, "parting", &attempt, &error) == VMF_OK)
      ;
  vmf_nbd.nbd_close(handle);
}
