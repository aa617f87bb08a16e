/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Exports of NBD servers (the NBD protocol's doc/proto.md), with libnbd: a connection of its own
 * for each thread where the server says that these see the same bytes, else one that all use. */
#include "transport.h"

#ifdef VMF_HAVE_LIBNBD

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "carriers.h"
#include "checked.h"
#include "memory.h"
#include "nbd_client.h"
#include "remote_settings.h"
#include "thread.h"

enum {
  LINES = VMF_REMOTE_LINES,
  LOAD = 4,             /* blocks; with all lines, the window of who reads in order */
  REQUEST = 2 << 20,    /* bytes, at most: servers work at so many requests at a time */
  ASKED_MOST = 1 << 30, /* bytes that are asked about at once */
  WAIT_MS = 200,
  MARKED = 1, /* of the words of a bitmap (QEMU's docs/interop/nbd.txt) */
};

/* ---- connections ---- */

static enum vmf_code connect_again(const struct vmf_nbd_export *nbd, const char *context,
                                   struct nbd_handle **handle, struct vmf_attempt *attempt,
                                   struct vmf_error *error)
{
  enum vmf_code code = vmf_nbd_connect(nbd->url, nbd->transport.name, context, VMF_NBD_STALL,
                                       handle, attempt, error);
  attempt->again = code != VMF_OK; /* it was there before */
  VMF_TRY(code);
  code = vmf_nbd_check_size(*handle, nbd->transport.name, nbd->transport.size, error);
  if (code != VMF_OK) {
    vmf_nbd.nbd_close(*handle);
    *handle = NULL;
  }
  return code;
}

/* The lock of the channel is held. A server that was started again may know no bitmap by then. */
static enum vmf_code renew(const struct vmf_nbd_export *nbd, struct vmf_nbd_channel *channel,
                           struct vmf_attempt *attempt, struct vmf_error *error)
{
  const char *bitmap = channel == &nbd->first ? nbd->bitmap : NULL;

  VMF_TRY(connect_again(nbd, bitmap, &channel->handle, attempt, error));
  if (!bitmap || vmf_nbd.nbd_can_meta_context(channel->handle, bitmap) == 1)
    return VMF_OK;
  vmf_nbd.nbd_close(channel->handle);
  channel->handle = NULL;
  return vmf_fail(error, VMF_CHANGED,
                  "%s: changed on the server while it was read: \"%.100s\" is offered no more",
                  nbd->transport.name, bitmap);
}

enum vmf_code vmf_nbd_enter(const struct vmf_nbd_export *nbd, struct vmf_nbd_channel *channel,
                            struct vmf_nbd_user *user, struct vmf_attempt *attempt,
                            struct vmf_error *error)
{
  vmf_nbd_channel_clear(channel);
  if (!channel->handle)
    VMF_TRY(renew(nbd, channel, attempt, error));
  vmf_nbd_channel_use(channel, user);
  return VMF_OK;
}

/* The connection that it was opened by stays: some servers end with it. */
static bool is_to_end(const struct vmf_nbd_export *nbd, const struct vmf_nbd_channel *channel)
{
  return (channel != &nbd->first && atomic_load(&nbd->transport.ended)) ||
         vmf_cancel_requested(vmf_remote_settings()->cancel);
}

enum vmf_code vmf_nbd_listen_on(const struct vmf_nbd_export *nbd, struct vmf_nbd_channel *channel,
                                struct vmf_nbd_user *user, struct vmf_attempt *attempt,
                                struct vmf_error *error)
{
  const char *name = nbd->transport.name;

  if (!is_to_end(nbd, channel))
    return vmf_nbd_channel_listen(channel, user, name, attempt, error);
  attempt->lost = true;
  return vmf_fail(error, VMF_CANCELLED, "%s: interrupted", name);
}

/* ---- lines ---- */

static enum vmf_code nbd_line(struct vmf_transport *transport, void **line,
                              struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct vmf_nbd_export *nbd = (struct vmf_nbd_export *)transport;

  (void)attempt;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_nbd_line), line, error));
  atomic_fetch_add(&nbd->lines, 1);
  return VMF_OK;
}

/* One of the lines goes by the first connection for good. */
enum vmf_code vmf_nbd_channel_of(struct vmf_nbd_export *nbd, struct vmf_nbd_line *line,
                                 struct vmf_nbd_channel **channel, struct vmf_error *error)
{
  struct nbd_handle *handle = NULL;

  if (!line->has_own && nbd->many) {
    VMF_TRY(vmf_nbd_more_take(&nbd->more, &handle, error));
    vmf_nbd_more_want(&nbd->more, atomic_load(&nbd->lines) - 1);
  }
  if (handle) {
    vmf_nbd_channel_begin(&line->own);
    line->own.handle = handle;
    line->has_own = true;
  }
  *channel = line->has_own ? &line->own : &nbd->first;
  return VMF_OK;
}

static void nbd_unline(struct vmf_transport *transport, void *line)
{
  struct vmf_nbd_export *nbd = (struct vmf_nbd_export *)transport;
  struct vmf_nbd_line *ended = line;

  if (ended->has_own) {
    vmf_nbd_channel_end(&ended->own, transport->name);
    vmf_nbd_more_gone(&nbd->more);
  }
  vmf_free(line);
  if (atomic_fetch_sub(&nbd->lines, 1) == 1)
    vmf_nbd_more_rest(&nbd->more);
}

/* ---- holes, and what a bitmap marks ---- */

struct asked {
  const struct vmf_nbd_export *nbd;
  struct vmf_nbd_told *told;
  struct vmf_nbd_channel *channel;
  struct vmf_nbd_user user;
};

/* An nbd_completion_callback; the lock of the channel is held. */
static int on_told(void *data, int *error)
{
  struct asked *asked = data;

  (void)error;
  vmf_nbd_channel_answered(asked->channel, &asked->user, true);
  return 0;
}

/* What libnbd tells; the lock is held. Runs of one kind become one. */
static int on_extents(void *data, const char *context, uint64_t offset, uint32_t *entries,
                      size_t count, int *error)
{
  const struct asked *asked = data;
  struct vmf_nbd_told *told = asked->told;
  uint64_t end = offset;

  (void)error;
  if (strcmp(context, told->context) != 0)
    return 0;
  told->count = 0;
  told->start = offset;
  for (size_t i = 0; i + 1 < count; i += 2) {
    bool passed = !(entries[i + 1] & told->bit) != told->passes;
    struct vmf_nbd_run *last = told->count > 0 ? &told->runs[told->count - 1] : NULL;
    if (!vmf_add(end, entries[i], &end) || end > asked->nbd->transport.size)
      end = asked->nbd->transport.size;
    if (last && last->passed == passed)
      last->end = end;
    else if (told->count < VMF_NBD_RUNS_MOST)
      told->runs[told->count++] = (struct vmf_nbd_run){.end = end, .passed = passed};
    else
      break;
  }
  told->end = told->count > 0 ? told->runs[told->count - 1].end : offset;
  return 0;
}

/* Of the answer there may be all, a part or nothing; the lock of the channel is held. */
static enum vmf_code ask_by(struct asked *asked, uint64_t offset, struct vmf_attempt *attempt,
                            struct vmf_error *error)
{
  const struct vmf_nbd_export *nbd = asked->nbd;
  struct vmf_nbd_channel *channel = asked->channel;
  const nbd_extent_callback extents = {.callback = on_extents, .user_data = asked};
  const nbd_completion_callback whole = {.callback = on_told, .user_data = asked};
  const uint64_t length = vmf_min(ASKED_MOST, nbd->transport.size - offset);
  int64_t cookie = vmf_nbd.nbd_aio_block_status(channel->handle, length, offset, extents, whole, 0);
  int done = cookie < 0 ? -1 : 0;

  while (done == 0) {
    done = vmf_nbd.nbd_aio_command_completed(channel->handle, (uint64_t)cookie);
    if (done == 0)
      VMF_TRY(vmf_nbd_listen_on(nbd, channel, &asked->user, attempt, error));
  }
  return done > 0 ? VMF_OK
                  : vmf_nbd_failed(nbd->transport.name, channel->handle, "asking where data is",
                                   attempt, error);
}

/* The lock is held. Asks what there is from `offset` on. */
static enum vmf_code ask(struct vmf_nbd_export *nbd, struct vmf_nbd_told *told, uint64_t offset,
                         struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct asked asked = {.nbd = nbd, .told = told, .channel = &nbd->first};
  struct vmf_nbd_channel *channel = asked.channel;

  told->start = told->end = 0;
  told->count = 0;
  pthread_mutex_lock(&channel->lock);
  enum vmf_code code = vmf_nbd_enter(nbd, channel, &asked.user, attempt, error);
  if (code == VMF_OK) {
    code = ask_by(&asked, offset, attempt, error);
    vmf_nbd_channel_leave(channel, &asked.user, attempt->lost);
  }
  pthread_mutex_unlock(&channel->lock);
  return code;
}

/* The lock is held. The run that `offset` is in. */
static enum vmf_code run_at(struct vmf_nbd_export *nbd, struct vmf_nbd_told *told, uint64_t offset,
                            struct vmf_nbd_run *run, struct vmf_attempt *attempt,
                            struct vmf_error *error)
{
  if (offset < told->start || offset >= told->end)
    VMF_TRY(ask(nbd, told, offset, attempt, error));
  for (unsigned i = 0; i < told->count; i++)
    if (offset >= told->start && offset < told->runs[i].end) {
      *run = told->runs[i];
      return VMF_OK;
    }
  return vmf_fail(error, VMF_READ, "%s: the server tells nothing about byte %" PRIu64,
                  nbd->transport.name, offset);
}

/* The lock is held. The first bytes from `offset` on that are not passed over. */
static enum vmf_code next_of(struct vmf_nbd_export *nbd, struct vmf_nbd_told *told, uint64_t offset,
                             uint64_t *start, uint64_t *end, struct vmf_attempt *attempt,
                             struct vmf_error *error)
{
  const uint64_t size = nbd->transport.size;
  struct vmf_nbd_run run = {.end = offset, .passed = true};

  while (run.passed && run.end < size) {
    *start = run.end;
    VMF_TRY(run_at(nbd, told, run.end, &run, attempt, error));
  }
  if (run.passed) {
    *start = *end = size;
    return VMF_OK;
  }
  *end = run.end;
  while (!run.passed && run.end < size && run.end < told->end) {
    *end = run.end;
    VMF_TRY(run_at(nbd, told, run.end, &run, attempt, error));
  }
  if (!run.passed)
    *end = run.end;
  return VMF_OK;
}

static enum vmf_code nbd_next_data(struct vmf_transport *transport, uint64_t offset,
                                   uint64_t *start, uint64_t *end, struct vmf_attempt *attempt,
                                   struct vmf_error *error)
{
  struct vmf_nbd_export *nbd = (struct vmf_nbd_export *)transport;
  enum vmf_code code = VMF_OK;

  *start = offset;
  *end = transport->size;
  pthread_mutex_lock(&nbd->lock);
  if (nbd->tells)
    code = next_of(nbd, &nbd->data, offset, start, end, attempt, error);
  pthread_mutex_unlock(&nbd->lock);
  return code;
}

/* ---- bitmaps ---- */

static enum vmf_code nbd_next_marked(struct vmf_transport *transport, uint64_t offset,
                                     uint64_t *start, uint64_t *end, struct vmf_attempt *attempt,
                                     struct vmf_error *error)
{
  struct vmf_nbd_export *nbd = (struct vmf_nbd_export *)transport;

  pthread_mutex_lock(&nbd->lock);
  enum vmf_code code = next_of(nbd, &nbd->marks, offset, start, end, attempt, error);
  pthread_mutex_unlock(&nbd->lock);
  return code;
}

/* Both locks are held. What may be asked about is agreed upon when a connection is made. */
static enum vmf_code connect_for(struct vmf_nbd_export *nbd, const char *name,
                                 struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct vmf_nbd_channel *channel = &nbd->first;

  vmf_free(nbd->bitmap);
  nbd->bitmap = NULL;
  nbd->marks = (struct vmf_nbd_told){.bit = MARKED};
  VMF_TRY(vmf_format(&nbd->bitmap, error, "qemu:dirty-bitmap:%s", name));
  nbd->marks.context = nbd->bitmap;
  if (channel->handle)
    vmf_nbd_part(channel->handle, nbd->transport.name);
  channel->handle = NULL;
  VMF_TRY(connect_again(nbd, nbd->bitmap, &channel->handle, attempt, error));
  if (vmf_nbd.nbd_can_meta_context(channel->handle, nbd->bitmap) == 1)
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "%s: the server offers no bitmap \"%.60s\" of this export (qemu-nbd -B, or "
                  "\"bitmaps\" of a block export)",
                  nbd->transport.name, name);
}

static enum vmf_code nbd_choose_bitmap(struct vmf_transport *transport, const char *name,
                                       struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct vmf_nbd_export *nbd = (struct vmf_nbd_export *)transport;

  pthread_mutex_lock(&nbd->lock);
  pthread_mutex_lock(&nbd->first.lock);
  while (nbd->first.users > 0) /* what is read ahead comes to its end */
    vmf_wait_a_while(&nbd->first.left, &nbd->first.lock, WAIT_MS);
  enum vmf_code code = connect_for(nbd, name, attempt, error);
  pthread_mutex_unlock(&nbd->first.lock);
  pthread_mutex_unlock(&nbd->lock);
  return code;
}

/* ---- opening ---- */

static void nbd_end(struct vmf_transport *transport)
{
  struct vmf_nbd_export *nbd = (struct vmf_nbd_export *)transport;

  vmf_nbd_more_destroy(&nbd->more);
  vmf_nbd_channel_end(&nbd->first, transport->name);
  pthread_mutex_destroy(&nbd->lock);
  vmf_free(nbd->url);
  vmf_free(nbd->bitmap);
  vmf_free(transport->name);
  vmf_free(nbd);
}

static const struct vmf_transport_ops nbd_ops = {
    .kind = "NBD",
    .connect = nbd_line,
    .disconnect = nbd_unline,
    .fetch = vmf_nbd_fetch,
    .next_data = nbd_next_data,
    .choose_bitmap = nbd_choose_bitmap,
    .next_marked = nbd_next_marked,
    .close = nbd_end,
};

static enum vmf_code look(struct vmf_nbd_export *nbd, struct vmf_attempt *attempt,
                          struct vmf_error *error)
{
  struct nbd_handle **handle = &nbd->first.handle;

  VMF_TRY(
      vmf_nbd_connect(nbd->url, nbd->transport.name, NULL, VMF_NBD_STALL, handle, attempt, error));
  int64_t size = vmf_nbd.nbd_get_size(*handle);
  int64_t most = vmf_nbd.nbd_get_block_size(*handle, LIBNBD_SIZE_MAXIMUM);

  if (size < 0)
    return vmf_nbd_failed(nbd->transport.name, *handle, "asking for the size", attempt, error);
  nbd->transport.size = nbd->more.size = (uint64_t)size;
  nbd->more.url = nbd->url;
  nbd->more.name = nbd->transport.name;
  nbd->many = vmf_nbd.nbd_can_multi_conn(*handle) == 1;
  nbd->tells = vmf_nbd.nbd_can_meta_context(*handle, LIBNBD_CONTEXT_BASE_ALLOCATION) == 1;
  nbd->most = most > 0 ? (uint32_t)vmf_min((uint64_t)most, REQUEST) : REQUEST;
  if (nbd->most >= 64 << 10 || (nbd->most >= 4096 && vmf_is_power_of_two(nbd->most)))
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: the server takes requests of %u bytes at most, expected 64 KiB or more",
                  nbd->transport.name, nbd->most);
}

enum vmf_code vmf_nbd_open(const char *url, const char *name, struct vmf_transport **transport,
                           struct vmf_attempt *attempt, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct vmf_nbd_export), &memory, error));
  struct vmf_nbd_export *nbd = memory;
  nbd->transport = (struct vmf_transport){.ops = &nbd_ops, .lines = LINES, .load = LOAD};
  nbd->data.context = LIBNBD_CONTEXT_BASE_ALLOCATION;
  nbd->data.bit = LIBNBD_STATE_ZERO;
  nbd->data.passes = true;
  pthread_mutex_init(&nbd->lock, NULL);
  vmf_nbd_channel_begin(&nbd->first);
  vmf_nbd_more_init(&nbd->more);
  enum vmf_code code = vmf_copy_text(name, &nbd->transport.name, error);
  if (code == VMF_OK)
    code = vmf_copy_text(url, &nbd->url, error);
  if (code == VMF_OK)
    code = look(nbd, attempt, error);
  if (code == VMF_OK)
    *transport = &nbd->transport;
  else
    nbd_end(&nbd->transport);
  return code;
}

#else

enum vmf_code vmf_nbd_open(const char *url, const char *name, struct vmf_transport **transport,
                           struct vmf_attempt *attempt, struct vmf_error *error)
{
  (void)url, (void)transport, (void)attempt;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: this build is without libnbd, which reads NBD; nbdcopy makes a file of it",
                  name);
}

#endif
