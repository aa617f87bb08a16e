/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "nbd_channel.h"

#include <poll.h>

#include "thread.h"
#include "tries.h"

void vmf_nbd_channel_begin(struct vmf_nbd_channel *channel)
{
  *channel = (struct vmf_nbd_channel){.handle = NULL};
  pthread_mutex_init(&channel->lock, NULL);
  vmf_steady_condition(&channel->heard);
}

void vmf_nbd_channel_end(struct vmf_nbd_channel *channel, const char *name)
{
  if (channel->handle)
    vmf_nbd_part(channel->handle, name);
  pthread_cond_destroy(&channel->heard);
  pthread_mutex_destroy(&channel->lock);
}

static void drop(struct vmf_nbd_channel *channel)
{
  vmf_nbd.nbd_close(channel->handle);
  channel->handle = NULL;
  channel->broken = false;
}

void vmf_nbd_channel_clear(struct vmf_nbd_channel *channel)
{
  while (channel->broken)
    vmf_wait_a_while(&channel->heard, &channel->lock, VMF_NBD_LISTEN_MS);
  if (channel->handle && channel->users == 0 && vmf_nbd_is_lost(channel->handle))
    drop(channel);
}

void vmf_nbd_channel_use(struct vmf_nbd_channel *channel)
{
  if (channel->users++ == 0)
    channel->patience = vmf_nbd_patience(VMF_NBD_STALL);
}

void vmf_nbd_channel_leave(struct vmf_nbd_channel *channel, bool lost)
{
  channel->users--;
  channel->broken |= lost;
  if (channel->broken && channel->users == 0)
    drop(channel);
  pthread_cond_broadcast(&channel->heard);
}

/* What is waited for. */
static struct pollfd socket_of(const struct vmf_nbd_channel *channel)
{
  const unsigned wanted = vmf_nbd.nbd_aio_get_direction(channel->handle);

  return (struct pollfd){.fd = vmf_nbd.nbd_aio_get_fd(channel->handle),
                         .events = (short)((wanted & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0) |
                                           (wanted & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0))};
}

/* Takes in what has come, and sends what could not be sent yet. Others may have done so since
 * somebody looked, and libnbd takes the word that there is something to be read. */
static bool take_in(struct vmf_nbd_channel *channel)
{
  struct pollfd socket = socket_of(channel);
  const short events = poll(&socket, 1, 0) > 0 ? socket.revents : 0;

  if (events)
    channel->patience.heard = vmf_tries_now();
  if (events & (POLLIN | POLLHUP))
    return vmf_nbd.nbd_aio_notify_read(channel->handle) == 0;
  if (events & POLLOUT)
    return vmf_nbd.nbd_aio_notify_write(channel->handle) == 0;
  return !(events & (POLLERR | POLLNVAL)) && !vmf_nbd_is_lost(channel->handle);
}

static enum vmf_code hear(struct vmf_nbd_channel *channel, const char *name,
                          struct vmf_attempt *attempt, struct vmf_error *error)
{
  enum vmf_code code;

  if (take_in(channel)) {
    code = vmf_nbd_still(&channel->patience, name, attempt, error);
  } else {
    code = vmf_nbd_failed(name, NULL, "waiting for the server", attempt, error);
    attempt->again = true;
  }
  channel->broken = code != VMF_OK;
  return code;
}

enum vmf_code vmf_nbd_channel_listen(struct vmf_nbd_channel *channel, const char *name,
                                     struct vmf_attempt *attempt, struct vmf_error *error)
{
  if (!channel->broken && channel->listening) {
    vmf_wait_a_while(&channel->heard, &channel->lock, VMF_NBD_LISTEN_MS);
  } else if (!channel->broken) {
    struct pollfd socket = socket_of(channel);
    channel->listening = true;
    pthread_mutex_unlock(&channel->lock);
    (void)!poll(&socket, 1, VMF_NBD_LISTEN_MS);
    pthread_mutex_lock(&channel->lock);
    channel->listening = false;
    if (!channel->broken)
      VMF_TRY(hear(channel, name, attempt, error));
    if (!channel->broken && vmf_nbd.nbd_aio_peek_command_completed(channel->handle) > 0)
      pthread_cond_broadcast(&channel->heard);
  }
  if (!channel->broken)
    return VMF_OK;
  attempt->lost = attempt->again = true;
  return vmf_fail(error, VMF_READ, "%s: the connection was lost", name);
}
