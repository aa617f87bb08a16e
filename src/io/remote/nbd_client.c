/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Exports of NBD servers (the NBD protocol's doc/proto.md), with libnbd: a connection of its own
 * for each thread where the server says that these see the same bytes, else one that all use. */
#include "transport.h"

#ifdef VMF_HAVE_LIBNBD

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "carriers.h"
#include "checked.h"
#include "memory.h"
#include "nbd_channel.h"
#include "nbd_connection.h"
#include "remote_settings.h"
#include "thread.h"

enum {
  LINES = VMF_REMOTE_LINES,
  LOAD = 4,                   /* blocks; with all lines, the window of who reads in order */
  REQUEST = VMF_REMOTE_BLOCK, /* bytes of a request */
  REQUESTS_MOST = 64,         /* of a load, under way at once */
  RUNS_MOST = 4096,           /* kept of one answer about metadata */
  ASKED_MOST = 1 << 30,       /* bytes that are asked about at once */
  MEDIA_TRIES = 3,
  WAIT_MS = 200,
  MARKED = 1, /* of the words of a bitmap (QEMU's docs/interop/nbd.txt) */
};

/* Of the disk, one behind the other. */
struct run {
  uint64_t end;
  bool passed; /* zeros; or not marked */
};

/* What the server has told last of one context of metadata. */
struct told {
  const char *context;
  uint32_t bit;        /* of its words... */
  bool passes;         /* ...that says of bytes that they are passed over, or the contrary */
  uint64_t start, end; /* what the runs are of */
  struct run runs[RUNS_MOST];
  unsigned count;
};

struct nbd {
  struct vmf_transport transport;
  char *url;                    /* owned */
  bool tells;                   /* where holes are */
  uint32_t most;                /* bytes of a request, as the server bounds them */
  struct vmf_nbd_channel first; /* that it was opened by; asked about holes, too */
  /* Guards all below, and is held while the server is asked about holes. */
  pthread_mutex_t lock;
  bool many; /* connections see the same bytes, and there may be another one */
  bool first_has_line;
  struct told data, marks; /* marks: of the bitmap that was chosen */
  char *bitmap;            /* its context; NULL: none; owned. Guarded by the first channel, too */
};

/* ---- connections ---- */

/* A server that was started again may have another disk by then. */
static enum vmf_code check_same(const struct nbd *nbd, struct nbd_handle *handle,
                                struct vmf_error *error)
{
  int64_t size = vmf_nbd.nbd_get_size(handle);

  if (size >= 0 && (uint64_t)size == nbd->transport.size)
    return VMF_OK;
  return vmf_fail(error, VMF_CHANGED,
                  "%s: changed on the server while it was read: it has %" PRId64
                  " bytes now, and had %" PRIu64,
                  nbd->transport.name, size, nbd->transport.size);
}

static enum vmf_code connect_again(const struct nbd *nbd, const char *context,
                                   struct nbd_handle **handle, struct vmf_attempt *attempt,
                                   struct vmf_error *error)
{
  enum vmf_code code = vmf_nbd_connect(nbd->url, nbd->transport.name, context, VMF_NBD_STALL,
                                       handle, attempt, error);
  attempt->again = code != VMF_OK; /* it was there before */
  VMF_TRY(code);
  code = check_same(nbd, *handle, error);
  if (code != VMF_OK) {
    vmf_nbd.nbd_close(*handle);
    *handle = NULL;
  }
  return code;
}

/* The lock of the channel is held. A server that was started again may know no bitmap by then. */
static enum vmf_code renew(const struct nbd *nbd, struct vmf_nbd_channel *channel,
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

/* The lock of the channel is held. On success the caller uses it. */
static enum vmf_code enter(const struct nbd *nbd, struct vmf_nbd_channel *channel,
                           struct vmf_attempt *attempt, struct vmf_error *error)
{
  vmf_nbd_channel_clear(channel);
  if (!channel->handle)
    VMF_TRY(renew(nbd, channel, attempt, error));
  vmf_nbd_channel_use(channel);
  return VMF_OK;
}

/* The lock is held. The connection that it was opened by is that of the first line, and of all
 * where there may be no others. */
static bool takes_first(struct nbd *nbd)
{
  bool first = !nbd->many || !nbd->first_has_line;

  nbd->first_has_line = true;
  return first;
}

static void do_without(struct nbd *nbd, struct vmf_attempt *attempt)
{
  *attempt = (struct vmf_attempt){0};
  pthread_mutex_lock(&nbd->lock);
  nbd->many = false;
  pthread_mutex_unlock(&nbd->lock);
}

/* One that the server does not take up at once is done without, and so are all later ones: some
 * servers let those wait that are more than they serve (qemu-nbd --shared). */
static enum vmf_code nbd_line(struct vmf_transport *transport, void **line,
                              struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct nbd *nbd = (struct nbd *)transport;
  struct vmf_error ignored;
  void *memory;

  pthread_mutex_lock(&nbd->lock);
  bool first = takes_first(nbd);
  pthread_mutex_unlock(&nbd->lock);
  if (first) {
    *line = &nbd->first;
    return VMF_OK;
  }
  VMF_TRY(vmf_alloc(sizeof(struct vmf_nbd_channel), &memory, error));
  struct vmf_nbd_channel *made = memory;
  vmf_nbd_channel_begin(made);
  bool taken = vmf_nbd_connect(nbd->url, transport->name, NULL, VMF_NBD_MORE, &made->handle,
                               attempt, &ignored) == VMF_OK;
  enum vmf_code code = taken ? check_same(nbd, made->handle, error) : VMF_OK;
  if (taken && code == VMF_OK) {
    *line = made;
    return VMF_OK;
  }
  vmf_nbd_channel_end(made, transport->name);
  vmf_free(made);
  if (code != VMF_OK)
    return code;
  do_without(nbd, attempt);
  *line = &nbd->first;
  return VMF_OK;
}

static void nbd_unline(struct vmf_transport *transport, void *line)
{
  struct nbd *nbd = (struct nbd *)transport;

  if (line == &nbd->first) {
    pthread_mutex_lock(&nbd->lock);
    nbd->first_has_line = false;
    pthread_mutex_unlock(&nbd->lock);
    return;
  }
  vmf_nbd_channel_end(line, transport->name);
  vmf_free(line);
}

/* ---- reading ---- */

/* One load while it is under way. */
struct fetching {
  const struct nbd *nbd;
  struct vmf_nbd_channel *channel;
  const struct vmf_load *load;
  size_t sent; /* bytes of it that were asked for */
  unsigned count;
  int64_t cookies[REQUESTS_MOST]; /* of what has not come yet */
  uint64_t offsets[REQUESTS_MOST];
};

static enum vmf_code media_failed(const struct fetching *fetching, uint64_t offset,
                                  struct vmf_attempt *attempt, struct vmf_error *error)
{
  char what[64];
  int number = vmf_nbd.nbd_get_errno();

  snprintf(what, sizeof what, "reading at byte %" PRIu64, offset);
  enum vmf_code code = vmf_nbd_failed(fetching->nbd->transport.name, fetching->channel->handle,
                                      what, attempt, error);
  if (number != EIO || attempt->lost)
    return code;
  attempt->again = true; /* the server could not read */
  attempt->lasting = true;
  attempt->most_tries = MEDIA_TRIES;
  return code;
}

/* As many requests as there is room for in the list: the server may want small ones. */
static enum vmf_code send_more(struct fetching *fetching, struct vmf_attempt *attempt,
                               struct vmf_error *error)
{
  const struct vmf_load *load = fetching->load;

  while (fetching->sent < load->length && fetching->count < REQUESTS_MOST) {
    const size_t at = fetching->sent, in_block = at % VMF_REMOTE_BLOCK;
    size_t length =
        vmf_min(vmf_min(fetching->nbd->most, VMF_REMOTE_BLOCK - in_block), load->length - at);
    int64_t cookie = vmf_nbd.nbd_aio_pread(fetching->channel->handle,
                                           load->blocks[at / VMF_REMOTE_BLOCK] + in_block, length,
                                           load->offset + at, NBD_NULL_COMPLETION, 0);
    if (cookie < 0)
      return media_failed(fetching, load->offset + at, attempt, error);
    fetching->offsets[fetching->count] = load->offset + at;
    fetching->cookies[fetching->count++] = cookie;
    fetching->sent += length;
  }
  return VMF_OK;
}

/* Takes what has come out of the list. */
static enum vmf_code collect(struct fetching *fetching, struct vmf_attempt *attempt,
                             struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  unsigned left = 0;

  for (unsigned i = 0; i < fetching->count; i++) {
    int done = vmf_nbd.nbd_aio_command_completed(fetching->channel->handle,
                                                 (uint64_t)fetching->cookies[i]);
    if (done < 0 && code == VMF_OK)
      code = media_failed(fetching, fetching->offsets[i], attempt, error);
    if (done != 0)
      continue;
    fetching->cookies[left] = fetching->cookies[i];
    fetching->offsets[left++] = fetching->offsets[i];
  }
  fetching->count = left;
  return code;
}

/* The connection that it was opened by stays: some servers end with it. */
static bool is_to_end(const struct nbd *nbd, const struct vmf_nbd_channel *channel)
{
  return (channel != &nbd->first && atomic_load(&nbd->transport.ended)) ||
         vmf_cancel_requested(vmf_remote_settings()->cancel);
}

static enum vmf_code listen_on(const struct nbd *nbd, struct vmf_nbd_channel *channel,
                               struct vmf_attempt *attempt, struct vmf_error *error)
{
  const char *name = nbd->transport.name;

  if (!is_to_end(nbd, channel))
    return vmf_nbd_channel_listen(channel, name, attempt, error);
  attempt->lost = true;
  return vmf_fail(error, VMF_CANCELLED, "%s: interrupted", name);
}

/* What was sent goes to the blocks until the answer has come, so all answers are waited for, or the
 * connection is given up. The lock of the channel is held. */
static enum vmf_code fetch_by(struct fetching *fetching, struct vmf_attempt *attempt,
                              struct vmf_error *error)
{
  enum vmf_code code = send_more(fetching, attempt, error);
  struct vmf_error later;

  while (fetching->count > 0 && !attempt->lost) {
    struct vmf_error *why = code == VMF_OK ? error : &later;
    enum vmf_code now = listen_on(fetching->nbd, fetching->channel, attempt, why);
    if (now == VMF_OK)
      now = collect(fetching, attempt, why);
    if (code == VMF_OK)
      code = now;
    if (code == VMF_OK)
      code = send_more(fetching, attempt, error);
  }
  return code;
}

static enum vmf_code nbd_fetch(struct vmf_transport *transport, void *line,
                               const struct vmf_load *load, struct vmf_attempt *attempt,
                               struct vmf_error *error)
{
  struct fetching fetching = {.nbd = (struct nbd *)transport, .channel = line, .load = load};

  pthread_mutex_lock(&fetching.channel->lock);
  enum vmf_code code = enter(fetching.nbd, fetching.channel, attempt, error);
  if (code == VMF_OK) {
    code = fetch_by(&fetching, attempt, error);
    vmf_nbd_channel_leave(fetching.channel, attempt->lost);
  }
  pthread_mutex_unlock(&fetching.channel->lock);
  return code;
}

/* ---- holes, and what a bitmap marks ---- */

struct asked {
  const struct nbd *nbd;
  struct told *told;
};

/* What libnbd tells; the lock is held. Runs of one kind become one. */
static int on_extents(void *data, const char *context, uint64_t offset, uint32_t *entries,
                      size_t count, int *error)
{
  const struct asked *asked = data;
  struct told *told = asked->told;
  uint64_t end = offset;

  (void)error;
  if (strcmp(context, told->context) != 0)
    return 0;
  told->count = 0;
  told->start = offset;
  for (size_t i = 0; i + 1 < count; i += 2) {
    bool passed = !(entries[i + 1] & told->bit) != told->passes;
    struct run *last = told->count > 0 ? &told->runs[told->count - 1] : NULL;
    if (!vmf_add(end, entries[i], &end) || end > asked->nbd->transport.size)
      end = asked->nbd->transport.size;
    if (last && last->passed == passed)
      last->end = end;
    else if (told->count < RUNS_MOST)
      told->runs[told->count++] = (struct run){.end = end, .passed = passed};
    else
      break;
  }
  told->end = told->count > 0 ? told->runs[told->count - 1].end : offset;
  return 0;
}

/* Of the answer there may be all, a part or nothing; the lock of the channel is held. */
static enum vmf_code ask_by(struct asked *asked, struct vmf_nbd_channel *channel, uint64_t offset,
                            struct vmf_attempt *attempt, struct vmf_error *error)
{
  const struct nbd *nbd = asked->nbd;
  const nbd_extent_callback callback = {.callback = on_extents, .user_data = asked};
  const uint64_t length = vmf_min(ASKED_MOST, nbd->transport.size - offset);
  int64_t cookie = vmf_nbd.nbd_aio_block_status(channel->handle, length, offset, callback,
                                                NBD_NULL_COMPLETION, 0);
  int done = cookie < 0 ? -1 : 0;

  while (done == 0) {
    done = vmf_nbd.nbd_aio_command_completed(channel->handle, (uint64_t)cookie);
    if (done == 0)
      VMF_TRY(listen_on(nbd, channel, attempt, error));
  }
  return done > 0 ? VMF_OK
                  : vmf_nbd_failed(nbd->transport.name, channel->handle, "asking where data is",
                                   attempt, error);
}

/* The lock is held. Asks what there is from `offset` on. */
static enum vmf_code ask(struct nbd *nbd, struct told *told, uint64_t offset,
                         struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct asked asked = {.nbd = nbd, .told = told};
  struct vmf_nbd_channel *channel = &nbd->first;

  told->start = told->end = 0;
  told->count = 0;
  pthread_mutex_lock(&channel->lock);
  enum vmf_code code = enter(nbd, channel, attempt, error);
  if (code == VMF_OK) {
    code = ask_by(&asked, channel, offset, attempt, error);
    vmf_nbd_channel_leave(channel, attempt->lost);
  }
  pthread_mutex_unlock(&channel->lock);
  return code;
}

/* The lock is held. The run that `offset` is in. */
static enum vmf_code run_at(struct nbd *nbd, struct told *told, uint64_t offset, struct run *run,
                            struct vmf_attempt *attempt, struct vmf_error *error)
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
static enum vmf_code next_of(struct nbd *nbd, struct told *told, uint64_t offset, uint64_t *start,
                             uint64_t *end, struct vmf_attempt *attempt, struct vmf_error *error)
{
  const uint64_t size = nbd->transport.size;
  struct run run = {.end = offset, .passed = true};

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
  struct nbd *nbd = (struct nbd *)transport;
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
  struct nbd *nbd = (struct nbd *)transport;

  pthread_mutex_lock(&nbd->lock);
  enum vmf_code code = next_of(nbd, &nbd->marks, offset, start, end, attempt, error);
  pthread_mutex_unlock(&nbd->lock);
  return code;
}

/* Both locks are held. What may be asked about is agreed upon when a connection is made. */
static enum vmf_code connect_for(struct nbd *nbd, const char *name, struct vmf_attempt *attempt,
                                 struct vmf_error *error)
{
  struct vmf_nbd_channel *channel = &nbd->first;

  vmf_free(nbd->bitmap);
  nbd->bitmap = NULL;
  nbd->marks = (struct told){.bit = MARKED};
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
  struct nbd *nbd = (struct nbd *)transport;

  pthread_mutex_lock(&nbd->lock);
  pthread_mutex_lock(&nbd->first.lock);
  while (nbd->first.users > 0) /* what is read ahead comes to its end */
    vmf_wait_a_while(&nbd->first.heard, &nbd->first.lock, WAIT_MS);
  enum vmf_code code = connect_for(nbd, name, attempt, error);
  pthread_mutex_unlock(&nbd->first.lock);
  pthread_mutex_unlock(&nbd->lock);
  return code;
}

/* ---- opening ---- */

static void nbd_end(struct vmf_transport *transport)
{
  struct nbd *nbd = (struct nbd *)transport;

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
    .fetch = nbd_fetch,
    .next_data = nbd_next_data,
    .choose_bitmap = nbd_choose_bitmap,
    .next_marked = nbd_next_marked,
    .close = nbd_end,
};

static enum vmf_code look(struct nbd *nbd, struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct nbd_handle **handle = &nbd->first.handle;

  VMF_TRY(
      vmf_nbd_connect(nbd->url, nbd->transport.name, NULL, VMF_NBD_STALL, handle, attempt, error));
  int64_t size = vmf_nbd.nbd_get_size(*handle);
  int64_t most = vmf_nbd.nbd_get_block_size(*handle, LIBNBD_SIZE_MAXIMUM);

  if (size < 0)
    return vmf_nbd_failed(nbd->transport.name, *handle, "asking for the size", attempt, error);
  nbd->transport.size = (uint64_t)size;
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

  VMF_TRY(vmf_alloc(sizeof(struct nbd), &memory, error));
  struct nbd *nbd = memory;
  nbd->transport = (struct vmf_transport){.ops = &nbd_ops, .lines = LINES, .load = LOAD};
  nbd->data.context = LIBNBD_CONTEXT_BASE_ALLOCATION;
  nbd->data.bit = LIBNBD_STATE_ZERO;
  nbd->data.passes = true;
  pthread_mutex_init(&nbd->lock, NULL);
  vmf_nbd_channel_begin(&nbd->first);
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
