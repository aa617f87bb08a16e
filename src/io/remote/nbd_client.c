/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Exports of NBD servers (the NBD protocol's doc/proto.md), with libnbd: a connection of its own
 * for each thread where the server says that these see the same bytes, else one for all. What is
 * read is asked for in many requests at once. */
#include "transport.h"

#ifdef VMF_HAVE_LIBNBD

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "nbd_connection.h"
#include "remote_settings.h"

enum {
  LINES = 4,
  REQUEST = 256 << 10, /* bytes of a request */
  REQUESTS_MOST = VMF_REMOTE_LOAD * (VMF_REMOTE_BLOCK / REQUEST),
  RUNS_MOST = 4096,     /* kept of one answer about holes */
  ASKED_MOST = 1 << 30, /* bytes that are asked about at once */
  POLL_MS = 200,
  MEDIA_TRIES = 3,
};

/* Of the disk, one behind the other. */
struct run {
  uint64_t end;
  bool zero;
};

struct nbd {
  struct vmf_transport transport;
  char *url;     /* owned */
  bool tells;    /* where holes are */
  uint32_t most; /* bytes of a request, as the server bounds them */
  /* Guards all below, and is held while the server is asked about holes; where there is one
   * connection for all, also while it is read by it. */
  pthread_mutex_t lock;
  struct nbd_handle *first;        /* that it was opened by; NULL: it was lost */
  uint64_t known_start, known_end; /* what the runs are of */
  struct run runs[RUNS_MOST];
  unsigned run_count;
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

static enum vmf_code connect_again(const struct nbd *nbd, struct nbd_handle **handle,
                                   struct vmf_attempt *attempt, struct vmf_error *error)
{
  enum vmf_code code = vmf_nbd_connect(nbd->url, nbd->transport.name, handle, attempt, error);
  attempt->again = code != VMF_OK; /* it was there before */
  VMF_TRY(code);
  code = check_same(nbd, *handle, error);
  if (code != VMF_OK) {
    vmf_nbd.nbd_close(*handle);
    *handle = NULL;
  }
  return code;
}

/* Where there is one connection for all, a line is only the word that it may be used. */
static enum vmf_code nbd_line(struct vmf_transport *transport, void **line,
                              struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct nbd *nbd = (struct nbd *)transport;
  struct nbd_handle *handle;

  if (transport->lines == 1) {
    *line = nbd;
    return VMF_OK;
  }
  VMF_TRY(connect_again(nbd, &handle, attempt, error));
  *line = handle;
  return VMF_OK;
}

static void nbd_unline(struct vmf_transport *transport, void *line)
{
  if (line == transport)
    return;
  (void)vmf_nbd.nbd_shutdown(line, 0);
  vmf_nbd.nbd_close(line);
}

/* The lock is held. The connection that is there from the start, or another one in its place. */
static enum vmf_code first_of(struct nbd *nbd, struct vmf_attempt *attempt, struct vmf_error *error)
{
  if (nbd->first &&
      (vmf_nbd.nbd_aio_is_dead(nbd->first) || vmf_nbd.nbd_aio_is_closed(nbd->first))) {
    vmf_nbd.nbd_close(nbd->first);
    nbd->first = NULL;
  }
  return nbd->first ? VMF_OK : connect_again(nbd, &nbd->first, attempt, error);
}

/* ---- reading ---- */

struct pending {
  int64_t cookies[REQUESTS_MOST];
  uint64_t offsets[REQUESTS_MOST];
  unsigned count;
};

static enum vmf_code media_failed(const struct nbd *nbd, struct nbd_handle *handle, uint64_t offset,
                                  struct vmf_attempt *attempt, struct vmf_error *error)
{
  char what[64];
  int number = vmf_nbd.nbd_get_errno();

  snprintf(what, sizeof what, "reading at byte %" PRIu64, offset);
  enum vmf_code code = vmf_nbd_failed(nbd->transport.name, handle, what, attempt, error);
  if (number != EIO || attempt->lost)
    return code;
  attempt->again = true; /* the server could not read */
  attempt->lasting = true;
  attempt->most_tries = MEDIA_TRIES;
  return code;
}

static enum vmf_code send_all(const struct nbd *nbd, struct nbd_handle *handle,
                              const struct vmf_load *load, struct pending *pending,
                              struct vmf_attempt *attempt, struct vmf_error *error)
{
  const size_t most = vmf_min(nbd->most, REQUEST);

  for (size_t at = 0; at < load->length;) {
    size_t in_block = at % VMF_REMOTE_BLOCK;
    size_t length = vmf_min(vmf_min(most, VMF_REMOTE_BLOCK - in_block), load->length - at);
    int64_t cookie = vmf_nbd.nbd_aio_pread(handle, load->blocks[at / VMF_REMOTE_BLOCK] + in_block,
                                           length, load->offset + at, NBD_NULL_COMPLETION, 0);
    if (cookie < 0)
      return media_failed(nbd, handle, load->offset + at, attempt, error);
    pending->offsets[pending->count] = load->offset + at;
    pending->cookies[pending->count++] = cookie;
    at += length;
  }
  return VMF_OK;
}

/* Takes what has come out of the list. */
static enum vmf_code collect(const struct nbd *nbd, struct nbd_handle *handle,
                             struct pending *pending, struct vmf_attempt *attempt,
                             struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  unsigned left = 0;

  for (unsigned i = 0; i < pending->count; i++) {
    int done = vmf_nbd.nbd_aio_command_completed(handle, (uint64_t)pending->cookies[i]);
    if (done < 0 && code == VMF_OK)
      code = media_failed(nbd, handle, pending->offsets[i], attempt, error);
    if (done != 0)
      continue;
    pending->cookies[left] = pending->cookies[i];
    pending->offsets[left++] = pending->offsets[i];
  }
  pending->count = left;
  return code;
}

/* A connection that is the only one stays: some servers end with it. */
static bool is_to_end(const struct nbd *nbd)
{
  return (nbd->transport.lines > 1 && atomic_load(&nbd->transport.ended)) ||
         vmf_cancel_requested(vmf_remote_settings()->cancel);
}

/* What was sent goes to the blocks until the answer has come, so all answers are waited for, or the
 * connection is given up. */
static enum vmf_code receive(const struct nbd *nbd, struct nbd_handle *handle,
                             struct pending *pending, struct vmf_attempt *attempt,
                             struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  while (pending->count > 0) {
    struct vmf_error later;
    bool ended = is_to_end(nbd);
    if (ended || vmf_nbd.nbd_poll(handle, POLL_MS) < 0) {
      attempt->lost = true;
      return ended ? vmf_fail(error, VMF_CANCELLED, "%s: interrupted", nbd->transport.name)
                   : vmf_nbd_failed(nbd->transport.name, handle, "waiting for the server", attempt,
                                    error);
    }
    enum vmf_code now = collect(nbd, handle, pending, attempt, code == VMF_OK ? error : &later);
    if (code == VMF_OK)
      code = now;
  }
  return code;
}

static enum vmf_code fetch_by(const struct nbd *nbd, struct nbd_handle *handle,
                              const struct vmf_load *load, struct vmf_attempt *attempt,
                              struct vmf_error *error)
{
  struct pending pending = {.count = 0};
  struct vmf_error later;
  enum vmf_code code = send_all(nbd, handle, load, &pending, attempt, error);
  enum vmf_code came = receive(nbd, handle, &pending, attempt, code == VMF_OK ? error : &later);

  return code == VMF_OK ? came : code;
}

static enum vmf_code nbd_fetch(struct vmf_transport *transport, void *line,
                               const struct vmf_load *load, struct vmf_attempt *attempt,
                               struct vmf_error *error)
{
  struct nbd *nbd = (struct nbd *)transport;

  if (line != nbd)
    return fetch_by(nbd, line, load, attempt, error);
  pthread_mutex_lock(&nbd->lock);
  enum vmf_code code = first_of(nbd, attempt, error);
  if (code == VMF_OK)
    code = fetch_by(nbd, nbd->first, load, attempt, error);
  if (code != VMF_OK && attempt->lost && nbd->first) {
    vmf_nbd.nbd_close(nbd->first);
    nbd->first = NULL;
  }
  pthread_mutex_unlock(&nbd->lock);
  return code;
}

/* ---- holes ---- */

/* What libnbd tells; the lock is held. Runs of one kind become one. */
static int on_extents(void *data, const char *context, uint64_t offset, uint32_t *entries,
                      size_t count, int *error)
{
  struct nbd *nbd = data;
  uint64_t end = offset;

  (void)error;
  if (strcmp(context, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0)
    return 0;
  nbd->run_count = 0;
  nbd->known_start = offset;
  for (size_t i = 0; i + 1 < count; i += 2) {
    bool zero = entries[i + 1] & LIBNBD_STATE_ZERO;
    struct run *last = nbd->run_count > 0 ? &nbd->runs[nbd->run_count - 1] : NULL;
    if (!vmf_add(end, entries[i], &end) || end > nbd->transport.size)
      end = nbd->transport.size;
    if (last && last->zero == zero)
      last->end = end;
    else if (nbd->run_count < RUNS_MOST)
      nbd->runs[nbd->run_count++] = (struct run){.end = end, .zero = zero};
    else
      break;
  }
  nbd->known_end = nbd->run_count > 0 ? nbd->runs[nbd->run_count - 1].end : offset;
  return 0;
}

/* The lock is held. The run that `offset` is in. */
static enum vmf_code run_at(struct nbd *nbd, uint64_t offset, struct run *run,
                            struct vmf_attempt *attempt, struct vmf_error *error)
{
  if (offset < nbd->known_start || offset >= nbd->known_end) {
    nbd_extent_callback callback = {.callback = on_extents, .user_data = nbd};
    uint64_t length = vmf_min(ASKED_MOST, nbd->transport.size - offset);
    nbd->known_start = nbd->known_end = 0;
    VMF_TRY(first_of(nbd, attempt, error));
    if (vmf_nbd.nbd_block_status(nbd->first, length, offset, callback, 0) < 0)
      return vmf_nbd_failed(nbd->transport.name, nbd->first, "asking where data is", attempt,
                            error);
  }
  for (unsigned i = 0; i < nbd->run_count; i++)
    if (offset >= nbd->known_start && offset < nbd->runs[i].end) {
      *run = nbd->runs[i];
      return VMF_OK;
    }
  return vmf_fail(error, VMF_READ, "%s: the server tells nothing about byte %" PRIu64,
                  nbd->transport.name, offset);
}

static enum vmf_code next_data(struct nbd *nbd, uint64_t offset, uint64_t *start, uint64_t *end,
                               struct vmf_attempt *attempt, struct vmf_error *error)
{
  const uint64_t size = nbd->transport.size;
  struct run run = {.end = offset, .zero = true};

  while (run.zero && run.end < size) {
    *start = run.end;
    VMF_TRY(run_at(nbd, run.end, &run, attempt, error));
  }
  if (run.zero) {
    *start = *end = size;
    return VMF_OK;
  }
  *end = run.end;
  while (!run.zero && run.end < size && run.end < nbd->known_end) {
    *end = run.end;
    VMF_TRY(run_at(nbd, run.end, &run, attempt, error));
  }
  if (!run.zero)
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
    code = next_data(nbd, offset, start, end, attempt, error);
  pthread_mutex_unlock(&nbd->lock);
  return code;
}

/* ---- opening ---- */

static void nbd_end(struct vmf_transport *transport)
{
  struct nbd *nbd = (struct nbd *)transport;

  if (nbd->first)
    (void)vmf_nbd.nbd_shutdown(nbd->first, 0);
  vmf_nbd.nbd_close(nbd->first);
  pthread_mutex_destroy(&nbd->lock);
  vmf_free(nbd->url);
  vmf_free(nbd);
}

static const struct vmf_transport_ops nbd_ops = {
    .kind = "NBD",
    .connect = nbd_line,
    .disconnect = nbd_unline,
    .fetch = nbd_fetch,
    .next_data = nbd_next_data,
    .close = nbd_end,
};

static enum vmf_code look(struct nbd *nbd, struct vmf_attempt *attempt, struct vmf_error *error)
{
  VMF_TRY(vmf_nbd_connect(nbd->url, nbd->transport.name, &nbd->first, attempt, error));
  int64_t size = vmf_nbd.nbd_get_size(nbd->first);
  int64_t most = vmf_nbd.nbd_get_block_size(nbd->first, LIBNBD_SIZE_MAXIMUM);
  bool many = vmf_nbd.nbd_can_multi_conn(nbd->first) == 1;

  if (size < 0)
    return vmf_nbd_failed(nbd->transport.name, nbd->first, "asking for the size", attempt, error);
  nbd->transport.size = (uint64_t)size;
  nbd->transport.lines = many ? LINES : 1;
  nbd->transport.load = many ? 4 : VMF_REMOTE_LOAD;
  nbd->tells = vmf_nbd.nbd_can_meta_context(nbd->first, LIBNBD_CONTEXT_BASE_ALLOCATION) == 1;
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
  nbd->transport = (struct vmf_transport){.ops = &nbd_ops, .name = name};
  pthread_mutex_init(&nbd->lock, NULL);
  enum vmf_code code = vmf_copy_text(url, &nbd->url, error);
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
