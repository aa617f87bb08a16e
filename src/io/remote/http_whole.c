/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file of which a web server sends no parts: it comes as a stream, through a ring of bytes that
 * libcurl fills on a thread of its own. Who wants its bytes in any order gets the first ones, which
 * came when it was opened, and for all others a copy (io/spool.c). */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "cancel.h"
#include "checked.h"
#include "http_request.h"
#include "log.h"
#include "memory.h"
#include "remote_settings.h"
#include "ring.h"
#include "stream.h"
#include "thread.h"

enum { LOOK_MS = 200 };

struct vmf_http_body {
  struct vmf_http *http;
  struct vmf_http_request request; /* of the thread */
  struct vmf_load load;            /* of it: the first byte */
  uint8_t byte[1];
  struct vmf_io *file;         /* owned; keeps `http`; or NULL */
  struct vmf_attempt *attempt; /* of who wants to know; or NULL */
  pthread_t thread;
  bool started;
  bool opening; /* the version that comes is that which is meant */
  /* Guards all below, and what a body that opens its file tells of that. */
  pthread_mutex_t lock;
  pthread_cond_t moved;
  struct vmf_ring ring; /* between the thread and who reads */
  bool begun;           /* what comes is the file */
  bool stopping;        /* nobody takes any more */
  bool other;           /* it does not begin as the file that was opened */
  bool ended;           /* nothing comes any more, as these say */
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

/* Bytes that the body is said to have; -1: that is not said. */
static curl_off_t announced(const struct vmf_http_request *request)
{
  curl_off_t length = -1;

  vmf_curl.curl_easy_getinfo(request->line->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return length;
}

bool vmf_http_body_begin(struct vmf_http_request *request)
{
  struct vmf_http_body *body = request->body;
  const struct vmf_http_answer *answer = &request->answer;
  const curl_off_t length = announced(request);

  pthread_mutex_lock(&body->lock);
  body->begun = !answer->encoded && !answer->twofold &&
                strncasecmp(answer->type, "text/html", 9) != 0 && (!body->opening || length >= 0);
  if (body->begun && body->opening)
    vmf_http_pin(body->http, answer, (uint64_t)length);
  bool begun = body->begun;
  pthread_mutex_unlock(&body->lock);
  return begun;
}

bool vmf_http_body_is_file(const struct vmf_http_body *body)
{
  return body->begun;
}

/* What is asked for in any order before the copy is made. */
static void keep_first(struct vmf_http_body *body, const char *bytes, size_t length)
{
  if (body->ring.in < VMF_REMOTE_BLOCK)
    memcpy(body->http->first + body->ring.in, bytes,
           (size_t)vmf_min(length, VMF_REMOTE_BLOCK - body->ring.in));
}

/* Many a server tells nothing by which one version is known from another. */
static bool begins_otherwise(const struct vmf_http_body *body, const char *bytes, size_t length)
{
  return body->ring.in < VMF_REMOTE_BLOCK &&
         memcmp(body->http->first + body->ring.in, bytes,
                (size_t)vmf_min(length, VMF_REMOTE_BLOCK - body->ring.in)) != 0;
}

/* What is more than was announced is not taken, nor what is another file by its beginning. */
bool vmf_http_body_put(struct vmf_http_body *body, const char *bytes, size_t length)
{
  pthread_mutex_lock(&body->lock);
  bool wanted = length <= body->http->transport.size - body->ring.in;
  if (wanted && body->opening)
    keep_first(body, bytes, length);
  body->other = wanted && begins_otherwise(body, bytes, length);
  wanted &= !body->other;
  while (wanted && length > 0 && !is_stopped(body)) {
    size_t part = vmf_ring_put(&body->ring, bytes, length);
    if (part == 0) {
      wait_a_while(body);
      continue;
    }
    bytes += part;
    length -= part;
    pthread_cond_broadcast(&body->moved);
  }
  pthread_mutex_unlock(&body->lock);
  return wanted && length == 0;
}

static void *carry(void *data)
{
  struct vmf_http_body *body = data;
  const struct vmf_http_request *request = &body->request;
  struct vmf_attempt came = {0};
  struct vmf_error error = {0};
  enum vmf_code code = vmf_http_ask(&body->request, &came, &error);
  const uint64_t size = body->http->transport.size;

  if (code == VMF_OK && body->other)
    code = vmf_fail(&error, VMF_CHANGED,
                    "%s: changed on the server while it was read: it does not begin any more as "
                    "it did when it was opened",
                    body->http->transport.name);
  if (code == VMF_OK && (body->begun || !body->opening) &&
      (request->got != size || vmf_http_status(request) != 200))
    (void)!vmf_fail(&error, VMF_READ, "%s: %" PRIu64 " bytes were announced, and %zu came",
                    body->http->transport.name, size, request->got);
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
  while (vmf_ring_is_empty(&body->ring) && !body->ended && code == VMF_OK) {
    code = vmf_cancelled(vmf_remote_settings()->cancel, error);
    wait_a_while(body);
  }
  *got = vmf_ring_take(&body->ring, buffer, length);
  if (code == VMF_OK && *got == 0 && body->error.code != VMF_OK)
    code = failed(body, error);
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
  if (body->request.line)
    vmf_http_line_free(body->request.line);
  pthread_cond_destroy(&body->moved);
  pthread_mutex_destroy(&body->lock);
  vmf_io_close(body->file);
  vmf_ring_free(&body->ring);
  vmf_free(body);
}

/* Takes the line over, also on failure. */
static enum vmf_code start(struct vmf_http *http, struct vmf_http_connection *line, bool opening,
                           bool unranged, struct vmf_http_body **started, struct vmf_error *error)
{
  void *memory;
  enum vmf_code code = vmf_alloc(sizeof(struct vmf_http_body), &memory, error);

  if (code != VMF_OK) {
    vmf_http_line_free(line);
    return code;
  }
  struct vmf_http_body *body = memory;
  body->http = http;
  body->opening = opening;
  body->load = (struct vmf_load){.length = 1, .blocks = {body->byte}};
  body->request = (struct vmf_http_request){
      .http = http, .line = line, .load = &body->load, .body = body, .unranged = unranged};
  pthread_mutex_init(&body->lock, NULL);
  vmf_steady_condition(&body->moved);
  code = vmf_ring_make(&body->ring, error);
  if (code == VMF_OK) {
    int result = vmf_thread_start(&body->thread, carry, body);
    body->started = result == 0;
    errno = result;
    if (result != 0)
      code = vmf_fail_errno(error, VMF_SYSTEM, "%s: no thread to read it", http->transport.name);
  }
  if (code == VMF_OK)
    *started = body;
  else
    body_close(body);
  return code;
}

/* ---- what comes since a file was opened, for nobody yet ---- */

/* Of the file that was opened last alone: some servers do one thing at a time. */
static struct {
  pthread_mutex_t lock;   /* guards `owner`, and `live` of all files */
  struct vmf_http *owner; /* of a live body; NULL: there is none */
} last = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The lock is held. NULL: there is none. */
static struct vmf_http_body *part_from(struct vmf_http *http)
{
  struct vmf_http_body *body = http->live;

  http->live = NULL;
  if (last.owner == http)
    last.owner = NULL;
  return body;
}

void vmf_http_live_end(struct vmf_http *http)
{
  pthread_mutex_lock(&last.lock);
  struct vmf_http_body *body = part_from(http);
  if (body)
    body_close(body);
  pthread_mutex_unlock(&last.lock);
}

/* http NULL: only what is there ends. */
static void set_live(struct vmf_http *http, struct vmf_http_body *body)
{
  pthread_mutex_lock(&last.lock);
  struct vmf_http_body *other = last.owner ? part_from(last.owner) : NULL;
  if (other)
    body_close(other);
  last.owner = http;
  if (http)
    http->live = body;
  pthread_mutex_unlock(&last.lock);
}

/* Unless it has failed. */
static struct vmf_http_body *take_live(struct vmf_http *http)
{
  pthread_mutex_lock(&last.lock);
  struct vmf_http_body *body = part_from(http);
  pthread_mutex_unlock(&last.lock);
  if (!body)
    return NULL;
  pthread_mutex_lock(&body->lock);
  bool failed = body->error.code != VMF_OK;
  pthread_mutex_unlock(&body->lock);
  if (!failed)
    return body;
  body_close(body);
  return NULL;
}

static enum vmf_code ask_again(struct vmf_http *http, struct vmf_http_body **body,
                               struct vmf_error *error)
{
  struct vmf_http_connection *line;

  VMF_TRY(vmf_http_line_new(http, &line, error));
  return start(http, line, false, true, body, error);
}

enum vmf_code vmf_http_stream(struct vmf_http *http, struct vmf_io *file,
                              struct vmf_attempt *attempt, struct vmf_io **stream,
                              struct vmf_error *error)
{
  static const struct vmf_stream_source source = {
      .read = body_read, .below = body_below, .close = body_close};
  struct vmf_http_body *body = take_live(http);
  enum vmf_code code = body ? VMF_OK : ask_again(http, &body, error);

  if (code != VMF_OK) {
    vmf_io_close(file);
    return code;
  }
  body->file = file;
  body->attempt = attempt;
  return vmf_stream_new(&source, body, http->transport.name, stream, error);
}

/* ---- opening ---- */

/* How much of the file is there as soon as it is opened. */
static uint64_t first_of(const struct vmf_http *http)
{
  return vmf_min(http->transport.size, VMF_REMOTE_BLOCK);
}

/* Until the request is over, or the first bytes of the file are there. */
static enum vmf_code wait_for_first(struct vmf_http_body *body, struct vmf_http_look *look,
                                    struct vmf_attempt *attempt, struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  pthread_mutex_lock(&body->lock);
  while (!body->ended && !(body->begun && body->ring.in >= first_of(body->http)))
    wait_a_while(body);
  look->whole = body->begun && body->ring.in >= first_of(body->http);
  if (!look->whole && body->error.code != VMF_OK) {
    *attempt = body->came;
    attempt->again |= body->begun;
    code = vmf_fail_again(&body->error, error);
  }
  pthread_mutex_unlock(&body->lock);
  return code;
}

/* The request is over. An empty body never begins. */
static enum vmf_code look_closely(struct vmf_http_body *body, struct vmf_http_look *look,
                                  enum vmf_code code)
{
  const struct vmf_http_answer *answer = &body->request.answer;

  pthread_join(body->thread, NULL);
  body->started = false;
  look->status = vmf_http_status(&body->request);
  look->answer = *answer;
  look->whole = code == VMF_UNSUPPORTED && look->status == 200 && !answer->encoded &&
                announced(&body->request) == 0;
  if (!look->whole)
    return code;
  vmf_http_pin(body->http, answer, 0);
  return VMF_OK;
}

enum vmf_code vmf_http_look(struct vmf_http *http, bool unranged, struct vmf_http_look *look,
                            struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct vmf_http_connection *line = http->spare;
  struct vmf_http_body *body;
  void *first;

  *look = (struct vmf_http_look){.whole = false};
  set_live(NULL, NULL);
  if (!http->first) {
    VMF_TRY(vmf_alloc_pages(VMF_REMOTE_BLOCK, &first, error));
    http->first = first;
  }
  http->spare = NULL;
  VMF_TRY(start(http, line, true, unranged, &body, error));
  enum vmf_code code = wait_for_first(body, look, attempt, error);
  if (look->whole) {
    set_live(http, body);
    return code;
  }
  code = look_closely(body, look, code);
  http->spare = body->request.line;
  body->request.line = NULL;
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
