/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "nbd_channel.h"

#include <sys/ioctl.h>

#include "thread.h"
#include "tries.h"

enum { ENOUGH = 1 << 10 /* bytes a second, of a server that is not too slow */ };

void vmf_nbd_channel_begin(struct vmf_nbd_channel *channel)
{
  *channel = (struct vmf_nbd_channel){.handle = NULL};
  pthread_mutex_init(&channel->lock, NULL);
  vmf_steady_condition(&channel->left);
}

void vmf_nbd_channel_end(struct vmf_nbd_channel *channel, const char *name)
{
  if (channel->handle)
    vmf_nbd_part(channel->handle, name);
  pthread_cond_destroy(&channel->left);
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
    vmf_wait_a_while(&channel->left, &channel->lock, VMF_NBD_LISTEN_MS);
  if (channel->handle && channel->users == 0 && vmf_nbd_is_lost(channel->handle))
    drop(channel);
}

/* ---- users ---- */

void vmf_nbd_channel_use(struct vmf_nbd_channel *channel, struct vmf_nbd_user *user)
{
  vmf_steady_condition(&user->called);
  if (channel->users++ > 0)
    return;
  channel->patience = vmf_nbd_patience(VMF_NBD_STALL);
  channel->bytes = 0;
}

/* All of them, or one, who listens from now on. */
static void call(const struct vmf_nbd_channel *channel, bool all)
{
  for (struct vmf_nbd_user *user = channel->sleeping; user; user = all ? user->next : NULL)
    pthread_cond_signal(&user->called);
}

void vmf_nbd_channel_leave(struct vmf_nbd_channel *channel, struct vmf_nbd_user *user, bool lost)
{
  channel->users--;
  channel->broken |= lost;
  if (channel->broken)
    call(channel, true);
  else if (!channel->listening)
    call(channel, false);
  if (channel->broken && channel->users == 0)
    drop(channel);
  pthread_cond_destroy(&user->called);
  pthread_cond_broadcast(&channel->left);
}

static void fall_asleep(struct vmf_nbd_channel *channel, struct vmf_nbd_user *user)
{
  struct vmf_nbd_user **link = &channel->sleeping;

  user->next = *link;
  *link = user;
  vmf_wait_a_while(&user->called, &channel->lock, VMF_NBD_LISTEN_MS);
  while (*link != user)
    link = &(*link)->next;
  *link = user->next;
}

static void advance(struct vmf_nbd_channel *channel)
{
  channel->patience.advanced = vmf_tries_now();
  channel->bytes = 0;
}

void vmf_nbd_channel_answered(struct vmf_nbd_channel *channel, struct vmf_nbd_user *user,
                              bool enough)
{
  advance(channel);
  if (enough)
    pthread_cond_signal(&user->called);
}

/* ---- listening ---- */

/* Bytes that can be read count, though they be no whole answer: a request may take a while. */
static void note_arrival(struct vmf_nbd_channel *channel, int number)
{
  const uint64_t enough = (uint64_t)channel->patience.most * VMF_NBD_SLOW * ENOUGH;
  int bytes = 0;

  channel->patience.heard = vmf_tries_now();
  if (ioctl(number, FIONREAD, &bytes) == 0 && bytes > 0)
    channel->bytes += (uint64_t)bytes;
  if (channel->bytes >= enough)
    advance(channel);
}

/* Others may have taken in what there was since somebody looked, and libnbd takes the word that
 * there is something to be read. */
static bool take_in(struct vmf_nbd_channel *channel)
{
  struct pollfd socket = vmf_nbd_socket(channel->handle);
  const short events = poll(&socket, 1, 0) > 0 ? socket.revents : 0;

  if (events)
    note_arrival(channel, socket.fd);
  return vmf_nbd_take_in(channel->handle, events);
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

enum vmf_code vmf_nbd_channel_listen(struct vmf_nbd_channel *channel, struct vmf_nbd_user *user,
                                     const char *name, struct vmf_attempt *attempt,
                                     struct vmf_error *error)
{
  if (!channel->broken && channel->listening) {
    fall_asleep(channel, user);
  } else if (!channel->broken) {
    struct pollfd socket = vmf_nbd_socket(channel->handle);
    channel->listening = true;
    pthread_mutex_unlock(&channel->lock);
    (void)!poll(&socket, 1, VMF_NBD_LISTEN_MS);
    pthread_mutex_lock(&channel->lock);
    channel->listening = false;
    if (!channel->broken)
      VMF_TRY(hear(channel, name, attempt, error));
  }
  if (!channel->broken)
    return VMF_OK;
  attempt->lost = attempt->again = true;
  return vmf_fail(error, VMF_READ, "%s: the connection was lost", name);
}
