/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "nbd_connection.h"

#include <errno.h>
#include <inttypes.h>

#include "cancel.h"
#include "nbd_authority.h"
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

struct pollfd vmf_nbd_socket(struct nbd_handle *handle)
{
  const unsigned wanted = vmf_nbd.nbd_aio_get_direction(handle);

  return (struct pollfd){.fd = vmf_nbd.nbd_aio_get_fd(handle),
                         .events = (short)((wanted & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0) |
                                           (wanted & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0))};
}

bool vmf_nbd_take_in(struct nbd_handle *handle, short events)
{
  if (events & (POLLIN | POLLHUP))
    return vmf_nbd.nbd_aio_notify_read(handle) == 0;
  if (events & POLLOUT)
    return vmf_nbd.nbd_aio_notify_write(handle) == 0;
  return !(events & (POLLERR | POLLNVAL)) && !vmf_nbd_is_lost(handle);
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

/* ---- chunks ---- */

/* A number that no others add up to by chance (the finaliser of SplitMix64). */
static uint64_t worth(uint64_t place)
{
  place = (place ^ place >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  place = (place ^ place >> 27) * UINT64_C(0x94d049bb133111eb);
  return place ^ place >> 31;
}

static int on_chunk(void *data, const void *bytes, size_t count, uint64_t offset, unsigned status,
                    int *error)
{
  struct vmf_nbd_chunks *chunks = data;

  (void)bytes, (void)status, (void)error;
  chunks->sum += worth(offset + count) - worth(offset);
  return 0;
}

nbd_chunk_callback vmf_nbd_chunks_take(struct vmf_nbd_chunks *chunks)
{
  return (nbd_chunk_callback){.callback = on_chunk, .user_data = chunks};
}

enum vmf_code vmf_nbd_chunks_check(const struct vmf_nbd_chunks *chunks, const char *name,
                                   uint64_t start, uint64_t end, struct vmf_error *error)
{
  if (chunks->sum == worth(end) - worth(start))
    return VMF_OK;
  return vmf_fail(error, VMF_READ,
                  "%s: the server was asked for bytes %" PRIu64 " to %" PRIu64
                  ", and sends some of them twice and others not at all: it cannot be trusted",
                  name, start, end);
}

/* ---- waiting ---- */

struct vmf_nbd_patience vmf_nbd_patience(unsigned seconds)
{
  const uint64_t now = vmf_tries_now();

  return (struct vmf_nbd_patience){
      .heard = now, .advanced = now, .most = vmf_remote_stall(seconds)};
}

static enum vmf_code give_up(struct vmf_attempt *attempt, struct vmf_error *error)
{
  attempt->lost = attempt->again = true;
  error->sys_errno = ETIMEDOUT;
  return error->code;
}

enum vmf_code vmf_nbd_still(const struct vmf_nbd_patience *patience, const char *name,
                            struct vmf_attempt *attempt, struct vmf_error *error)
{
  if (vmf_cancel_requested(vmf_remote_settings()->cancel)) {
    attempt->lost = true;
    return vmf_fail(error, VMF_CANCELLED, "%s: interrupted", name);
  }
  const uint64_t now = vmf_tries_now(), most = (uint64_t)patience->most * 1000;

  if (now > patience->heard + most) {
    (void)!vmf_fail(error, VMF_READ, "%s: nothing came from the server for %u s", name,
                    patience->most);
    return give_up(attempt, error);
  }
  if (now <= patience->advanced + VMF_NBD_SLOW * most)
    return VMF_OK;
  (void)!vmf_fail(error, VMF_READ, "%s: nothing whole came from the server for %u s", name,
                  VMF_NBD_SLOW * patience->most);
  return give_up(attempt, error);
}

enum vmf_code vmf_nbd_listen(struct nbd_handle *handle, const char *name,
                             struct vmf_nbd_patience *patience, const char *what,
                             struct vmf_attempt *attempt, struct vmf_error *error)
{
  /* nbd_poll begins its wait anew behind every signal: who sends one more often ends none */
  struct pollfd socket = vmf_nbd_socket(handle);
  const short events = poll(&socket, 1, VMF_NBD_LISTEN_MS) > 0 ? socket.revents : 0;

  if (!vmf_nbd_take_in(handle, events))
    return vmf_nbd_failed(name, handle, what, attempt, error);
  if (events)
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

static bool begin(struct nbd_handle *handle, const char *url, const char *context)
{
  return handle && prepare(handle, context) && vmf_nbd.nbd_aio_connect_uri(handle, url) == 0;
}

struct nbd_handle *vmf_nbd_start(const char *url, const char *context)
{
  struct nbd_handle *handle = vmf_nbd.nbd_create();

  if (begin(handle, url, context))
    return handle;
  vmf_nbd.nbd_close(handle);
  return NULL;
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
  enum vmf_code code = begin(*handle, url, context)
                           ? negotiate(*handle, name, seconds, attempt, error)
                           : vmf_nbd_failed(name, NULL, "connecting", attempt, error);
  if (code == VMF_OK) {
    vmf_nbd_warn_of_anybody(*handle, url, name);
    return VMF_OK;
  }
  vmf_nbd.nbd_close(*handle);
  *handle = NULL;
  return code;
}

enum vmf_code vmf_nbd_check_size(struct nbd_handle *handle, const char *name, uint64_t size,
                                 struct vmf_error *error)
{
  int64_t now = vmf_nbd.nbd_get_size(handle);

  if (now >= 0 && (uint64_t)now == size)
    return VMF_OK;
  return vmf_fail(error, VMF_CHANGED,
                  "%s: changed on the server while it was read: it has %" PRId64
                  " bytes now, and had %" PRIu64,
                  name, now, size);
}

void vmf_nbd_part(struct nbd_handle *handle, const char *name)
{
  struct vmf_nbd_patience patience = vmf_nbd_patience(PARTING);
  struct vmf_attempt attempt;
  struct vmf_error error;

  if (!vmf_nbd_is_lost(handle) && vmf_nbd.nbd_aio_in_flight(handle) == 0 &&
      vmf_nbd.nbd_aio_disconnect(handle, 0) == 0)
    while (!vmf_nbd_is_lost(handle) &&
           vmf_nbd_listen(handle, name, &patience, "parting", &attempt, &error) == VMF_OK)
      ;
  vmf_nbd.nbd_close(handle);
}
