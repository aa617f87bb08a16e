/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file of which a web server sends no parts: it comes as a stream, through a ring of bytes that
 * libcurl fills on a thread of its own. Who wants its bytes in any order gets the first ones, which
 * came when it was opened, and for all others a copy (io/spool.c). */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cancel.h"
#include "checked.h"
#include "http_request.h"
#include "log.h"
#include "memory.h"
#include "remote_settings.h"
#include "stream.h"
#include "thread.h"

enum { RING_BYTES = 4 << 20, LOOK_MS = 200 };

struct vmf_http_body {
  struct vmf_http *http;
  struct vmf_io *file;         /* owned; keeps it; or NULL */
  struct vmf_attempt *attempt; /* of who wants to know; or NULL */
  pthread_t thread;
  bool started;
  struct vmf_http_connection *line; /* owned; of the thread */
  uint8_t *ring;                    /* owned; RING_BYTES */
  /* Guards all below. */
  pthread_mutex_t lock;
  pthread_cond_t moved;
  uint64_t in, out; /* bytes put into the ring, and taken out */
  bool stopping;    /* nobody takes any more */
  bool other;       /* it does not begin as the file that was opened */
  bool ended;       /* nothing comes any more, as these say */
  struct vmf_error error;
  struct vmf_attempt came;
};

/* ---- the thread that libcurl is on ---- */

static void wait_a_while(struct vmf_http_body *body)
{
  vmf_wait_a_while(&body->moved, &body->lock, LOOK_MS);
}

static bool is_stopped(const struct vmf_http_body *body)
{
  return body->stopping || vmf_cancel_requested(vmf_remote_settings()->cancel);
}

bool vmf_http_body_stopped(struct vmf_http_body *body)
{
  pthread_mutex_lock(&body->lock);
  bool stopped = is_stopped(body);
  pthread_mutex_unlock(&body->lock);
  return stopped;
}

/* Many a server tells nothing by which one version is known from another. */
static bool begins_otherwise(const struct vmf_http_body *body, const char *bytes, size_t length)
{
  return body->in < VMF_REMOTE_BLOCK &&
         memcmp(body->http->first + body->in, bytes,
                (size_t)vmf_min(length, VMF_REMOTE_BLOCK - body->in)) != 0;
}

/* What is more than was announced is not taken, nor what is another file by its beginning. */
bool vmf_http_body_put(struct vmf_http_body *body, const char *bytes, size_t length)
{
  pthread_mutex_lock(&body->lock);
  bool wanted = length <= body->http->transport.size - body->in;
  body->other = wanted && begins_otherwise(body, bytes, length);
  wanted &= !body->other;
  while (wanted && length > 0 && !is_stopped(body)) {
    size_t at = body->in % RING_BYTES;
    size_t part =
        (size_t)vmf_min(vmf_min(length, RING_BYTES - (body->in - body->out)), RING_BYTES - at);
    if (part == 0) {
      wait_a_while(body);
      continue;
    }
    memcpy(body->ring + at, bytes, part);
    bytes += part;
    length -= part;
    body->in += part;
    pthread_cond_broadcast(&body->moved);
  }
  pthread_mutex_unlock(&body->lock);
  return wanted && length == 0;
}

static void *carry(void *data)
{
  struct vmf_http_body *body = data;
  const struct vmf_load nothing = {.length = 1};
  struct vmf_http_request request = {
      .http = body->http, .line = body->line, .load = &nothing, .body = body};
  const uint64_t size = body->http->transport.size;
  struct vmf_attempt came = {0};
  struct vmf_error error = {0};
  enum vmf_code code = vmf_http_ask(&request, &came, &error);

  if (code == VMF_OK && body->other)
    code = vmf_fail(&error, VMF_CHANGED,
                    "%s: changed on the server while it was read: it does not begin any more as "
                    "it did when it was opened",
                    body->http->transport.name);
  if (code == VMF_OK && (request.got != size || vmf_http_status(&request) != 200))
    (void)!vmf_fail(&error, VMF_READ, "%s: %" PRIu64 " bytes were announced, and %zu came",
                    body->http->transport.name, size, request.got);
  pthread_mutex_lock(&body->lock);
  body->error = error;
  body->came = came;
  body->ended = true;
  pthread_cond_broadcast(&body->moved);
  pthread_mutex_unlock(&body->lock);
  return NULL;
}

/* ---- the stream ---- */

/* The lock is held. A stream cannot be asked for again from where it broke. */
static enum vmf_code failed(const struct vmf_http_body *body, struct vmf_error *error)
{
  VMF_TRY(vmf_cancelled(vmf_remote_settings()->cancel, error));
  if (body->attempt)
    *body->attempt = body->came;
  if (!body->came.again || body->attempt)
    return vmf_fail_again(&body->error, error);
  return vmf_fail(error, VMF_TEMPORARY,
                  "%.400s; the server sends the file only from its first byte on, so that nothing "
                  "goes on from there: try once more",
                  body->error.text);
}

static enum vmf_code body_read(void *state, const char *name, uint64_t position, uint8_t *buffer,
                               size_t length, size_t *got, struct vmf_error *error)
{
  struct vmf_http_body *body = state;
  enum vmf_code code = VMF_OK;

  (void)name, (void)position;
  pthread_mutex_lock(&body->lock);
  while (body->in == body->out && !body->ended && code == VMF_OK) {
    code = vmf_cancelled(vmf_remote_settings()->cancel, error);
    wait_a_while(body);
  }
  size_t at = body->out % RING_BYTES;
  *got = (size_t)vmf_min(vmf_min(body->in - body->out, length), RING_BYTES - at);
  if (code == VMF_OK && *got == 0 && body->error.code != VMF_OK)
    code = failed(body, error);
  if (*got > 0)
    memcpy(buffer, body->ring + at, *got);
  body->out += *got;
  pthread_cond_broadcast(&body->moved);
  pthread_mutex_unlock(&body->lock);
  return code;
}

static struct vmf_io *body_below(const void *state)
{
  return ((const struct vmf_http_body *)state)->file;
}

static void body_close(void *state)
{
  struct vmf_http_body *body = state;

  pthread_mutex_lock(&body->lock);
  body->stopping = true;
  pthread_cond_broadcast(&body->moved);
  pthread_mutex_unlock(&body->lock);
  if (body->started)
    pthread_join(body->thread, NULL);
  if (body->line)
    vmf_http_line_free(body->line);
  pthread_cond_destroy(&body->moved);
  pthread_mutex_destroy(&body->lock);
  vmf_io_close(body->file);
  vmf_free(body->ring);
  vmf_free(body);
}

static enum vmf_code start(struct vmf_http_body *body, struct vmf_error *error)
{
  void *ring;

  VMF_TRY(vmf_http_line_new(body->http, &body->line, error));
  VMF_TRY(vmf_alloc_pages(RING_BYTES, &ring, error));
  body->ring = ring;
  int result = vmf_thread_start(&body->thread, carry, body);
  body->started = result == 0;
  errno = result;
  return result == 0 ? VMF_OK
                     : vmf_fail_errno(error, VMF_SYSTEM, "%s: no thread to read it",
                                      body->http->transport.name);
}

enum vmf_code vmf_http_stream(struct vmf_http *http, struct vmf_io *file,
                              struct vmf_attempt *attempt, struct vmf_io **stream,
                              struct vmf_error *error)
{
  static const struct vmf_stream_source source = {
      .read = body_read, .below = body_below, .close = body_close};
  void *memory;
  enum vmf_code code = vmf_alloc(sizeof(struct vmf_http_body), &memory, error);

  if (code != VMF_OK) {
    vmf_io_close(file);
    return code;
  }
  struct vmf_http_body *body = memory;
  body->file = file;
  body->http = http;
  body->attempt = attempt;
  pthread_mutex_init(&body->lock, NULL);
  vmf_steady_condition(&body->moved);
  code = start(body, error);
  if (code == VMF_OK)
    return vmf_stream_new(&source, body, http->transport.name, stream, error);
  body_close(body);
  return code;
}

/* ---- in any order ---- */

static enum vmf_code store(struct vmf_http *http, struct vmf_attempt *attempt,
                           struct vmf_error *error)
{
  const struct vmf_remote_settings *settings = vmf_remote_settings();
  const struct vmf_spool_options spool = {.folder = vmf_spool_folder(settings->spool_folder),
                                          .cancel = settings->cancel};
  const uint64_t size = http->transport.size;
  struct vmf_io *stream;

  if (settings->max_bytes > 0 && size > settings->max_bytes)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: the server sends no parts of files, and to store its %" PRIu64
                    " bytes is more than the %" PRIu64 " that are allowed (--max-size)",
                    http->transport.name, size, settings->max_bytes);
  if (vmf_spool_room(spool.folder) < size)
    return vmf_fail(error, VMF_WRITE,
                    "%s: the server sends no parts of files, and to store its %" PRIu64
                    " bytes in %s there is no room; $TMPDIR, or --spool, names another folder",
                    http->transport.name, size, spool.folder);
  vmf_note(settings->log, "%s is stored in %s first: the server sends no parts of it",
           http->transport.name, spool.folder);
  VMF_TRY(vmf_http_stream(http, NULL, attempt, &stream, error));
  vmf_stream_settle(stream);
  return vmf_io_spool(stream, &spool, &http->copy, error);
}

enum vmf_code vmf_http_fetch_whole(struct vmf_http *http, const struct vmf_load *load,
                                   struct vmf_attempt *attempt, struct vmf_error *error)
{
  if (load->offset + load->length <= VMF_REMOTE_BLOCK) {
    memcpy(load->blocks[0], http->first + load->offset, load->length);
    return VMF_OK;
  }
  if (!http->copy)
    VMF_TRY(store(http, attempt, error));
  for (size_t at = 0; at < load->length;) {
    size_t part = vmf_min(VMF_REMOTE_BLOCK - at % VMF_REMOTE_BLOCK, load->length - at);
    VMF_TRY(vmf_io_pread(http->copy, load->blocks[at / VMF_REMOTE_BLOCK] + at % VMF_REMOTE_BLOCK,
                         part, load->offset + at, error));
    at += part;
  }
  return VMF_OK;
}
