/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "nbd_more.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "checked.h"
#include "remote_settings.h"
#include "thread.h"
#include "tries.h"

/* What the thread has begun. */
struct begun {
  struct nbd_handle *handles[VMF_NBD_MORE_MOST];
  unsigned count;
  bool failed;
};

void vmf_nbd_more_init(struct vmf_nbd_more *more)
{
  pthread_mutex_init(&more->lock, NULL);
  pthread_cond_init(&more->ended, NULL);
  more->wake = -1;
}

void vmf_nbd_more_destroy(struct vmf_nbd_more *more)
{
  vmf_nbd_more_rest(more);
  if (more->wake >= 0)
    close(more->wake);
  pthread_cond_destroy(&more->ended);
  pthread_mutex_destroy(&more->lock);
}

void vmf_nbd_more_rest(struct vmf_nbd_more *more)
{
  struct nbd_handle *left[VMF_NBD_MORE_MOST];
  eventfd_t ignored;

  pthread_mutex_lock(&more->lock);
  while (more->busy) {
    (void)!eventfd_write(more->wake, 1);
    pthread_cond_wait(&more->ended, &more->lock);
  }
  if (more->started)
    pthread_join(more->thread, NULL);
  more->started = false;
  if (more->wake >= 0)
    (void)!eventfd_read(more->wake, &ignored);
  const unsigned count = more->count;
  memcpy(left, more->ready, sizeof left);
  more->count = 0;
  pthread_mutex_unlock(&more->lock);
  for (unsigned i = 0; i < count; i++)
    vmf_nbd_part(left[i], more->name);
}

/* ---- the thread ---- */

static void begin(const struct vmf_nbd_more *more, unsigned wanted, struct begun *begun)
{
  for (unsigned i = 0; i < wanted; i++) {
    struct nbd_handle *handle = vmf_nbd_start(more->url, NULL);
    if (handle)
      begun->handles[begun->count++] = handle;
    else
      begun->failed = true;
  }
}

static void hand_over(struct vmf_nbd_more *more, struct nbd_handle *handle)
{
  struct vmf_error error = {0};
  enum vmf_code code = vmf_nbd_check_size(handle, more->name, more->size, &error);

  pthread_mutex_lock(&more->lock);
  if (code == VMF_OK)
    more->ready[more->count++] = handle;
  else
    more->why = error;
  pthread_mutex_unlock(&more->lock);
  if (code != VMF_OK)
    vmf_nbd.nbd_close(handle);
}

/* Takes those out of the list that are connected by now, or cannot be. */
static void sort_out(struct vmf_nbd_more *more, struct begun *begun, const struct pollfd *sockets)
{
  unsigned left = 0;

  for (unsigned i = 0; i < begun->count; i++) {
    struct nbd_handle *handle = begun->handles[i];
    bool lost = sockets[i].revents && !vmf_nbd_take_in(handle, sockets[i].revents);
    if (!lost && vmf_nbd.nbd_aio_is_connecting(handle)) {
      begun->handles[left++] = handle;
    } else if (!lost && vmf_nbd.nbd_aio_is_ready(handle)) {
      hand_over(more, handle);
    } else {
      begun->failed = true;
      vmf_nbd.nbd_close(handle);
    }
  }
  begun->count = left;
}

/* What is not connected in time has failed. */
static void connect_all(struct vmf_nbd_more *more, struct begun *begun)
{
  const uint64_t until = vmf_tries_now() + (uint64_t)vmf_remote_stall(VMF_NBD_MORE) * 1000;
  struct pollfd sockets[VMF_NBD_MORE_MOST + 1];
  uint64_t now;

  while (begun->count > 0 && (now = vmf_tries_now()) < until) {
    for (unsigned i = 0; i < begun->count; i++)
      sockets[i] = vmf_nbd_socket(begun->handles[i]);
    sockets[begun->count] = (struct pollfd){.fd = more->wake, .events = POLLIN};
    if (poll(sockets, begun->count + 1, (int)(until - now)) > 0 && sockets[begun->count].revents)
      return;
    sort_out(more, begun, sockets);
  }
  begun->failed |= begun->count > 0;
}

static void *carry(void *data)
{
  struct vmf_nbd_more *more = data;
  struct begun begun = {.count = 0};

  pthread_mutex_lock(&more->lock);
  unsigned wanted = more->wanted;
  pthread_mutex_unlock(&more->lock);
  begin(more, wanted, &begun);
  connect_all(more, &begun);
  for (unsigned i = 0; i < begun.count; i++)
    vmf_nbd.nbd_close(begun.handles[i]);
  pthread_mutex_lock(&more->lock);
  more->failed |= begun.failed;
  more->busy = false;
  pthread_cond_broadcast(&more->ended);
  pthread_mutex_unlock(&more->lock);
  return NULL;
}

/* ---- for others ---- */

/* The lock is held. */
static void start(struct vmf_nbd_more *more)
{
  if (more->wake < 0)
    more->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (more->started)
    pthread_join(more->thread, NULL);
  more->started = more->wake >= 0 && vmf_thread_start(&more->thread, carry, more) == 0;
  more->busy = more->started;
  more->failed = !more->started;
}

void vmf_nbd_more_want(struct vmf_nbd_more *more, unsigned count)
{
  pthread_mutex_lock(&more->lock);
  const unsigned there = more->count + more->taken;
  count = (unsigned)vmf_min(count, VMF_NBD_MORE_MOST);
  if (!more->busy && !more->failed && there < count) {
    more->wanted = count - there;
    start(more);
  }
  pthread_mutex_unlock(&more->lock);
}

enum vmf_code vmf_nbd_more_take(struct vmf_nbd_more *more, struct nbd_handle **handle,
                                struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  *handle = NULL;
  pthread_mutex_lock(&more->lock);
  if (more->why.code != VMF_OK) {
    code = vmf_fail_again(&more->why, error);
  } else if (more->count > 0) {
    *handle = more->ready[--more->count];
    more->taken++;
  }
  pthread_mutex_unlock(&more->lock);
  return code;
}

void vmf_nbd_more_gone(struct vmf_nbd_more *more)
{
  pthread_mutex_lock(&more->lock);
  more->taken--;
  pthread_mutex_unlock(&more->lock);
}
