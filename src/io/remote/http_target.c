/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The caller's thread fills a ring of bytes, libcurl takes them out of it on a thread of its own.
 */
#include "http_target.h"

#ifdef VMF_HAVE_CURL

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cancel.h"
#include "checked.h"
#include "descriptor.h"
#include "memory.h"
#include "remote_settings.h"
#include "ring.h"
#include "s3.h"
#include "sequential.h"
#include "thread.h"
#include "tries.h"
#include "url.h"
#include "web_call.h"

enum { LOOK_MS = 200 };
enum { STALL = 30 /* seconds */, ANSWER = 10 * 60 /* that it has all may take a while */ };

struct target {
  struct vmf_io io; /* size: bytes taken */
  char *url;        /* owned */
  bool new_only, unknown_size;
  uint64_t announced; /* bytes, unless unknown_size */
  CURL *curl;
  char reason[CURL_ERROR_SIZE];
  struct curl_slist *headers;
  pthread_t thread;
  bool started;
  /* Of the sender, until `ended`. */
  struct vmf_web_answer came;
  curl_off_t sent;   /* bytes of the body, as libcurl counts them */
  uint64_t moved_at; /* when they last became more, or came from the caller */
  bool stalled;
  /* Guards all below. */
  pthread_mutex_t lock;
  pthread_cond_t moved;
  struct vmf_ring ring; /* between the caller and the sender */
  bool finished;        /* nothing more comes */
  bool stopping;        /* what was sent is to be of no use */
  bool ended;           /* the request is over, as these say */
  CURLcode result;
  long status;
};

/* ---- what libcurl calls ---- */

static void wait_a_while(struct target *target)
{
  vmf_wait_a_while(&target->moved, &target->lock, LOOK_MS);
}

static bool is_stopped(const struct target *target)
{
  return target->stopping || vmf_cancel_requested(vmf_remote_settings()->cancel);
}

static size_t on_more(char *buffer, size_t size, size_t count, void *data)
{
  struct target *target = data;

  pthread_mutex_lock(&target->lock);
  while (vmf_ring_is_empty(&target->ring) && !target->finished && !is_stopped(target))
    wait_a_while(target);
  if (is_stopped(target)) {
    pthread_mutex_unlock(&target->lock);
    return CURL_READFUNC_ABORT;
  }
  size_t part = vmf_ring_take(&target->ring, buffer, size * count);
  target->moved_at = vmf_tries_now();
  pthread_cond_broadcast(&target->moved);
  pthread_mutex_unlock(&target->lock);
  return part;
}

static int on_progress(void *data, curl_off_t total, curl_off_t now, curl_off_t up, curl_off_t sent)
{
  struct target *target = data;

  (void)total, (void)now, (void)up;
  pthread_mutex_lock(&target->lock);
  bool stopped = is_stopped(target), all = target->finished && vmf_ring_is_empty(&target->ring);
  pthread_mutex_unlock(&target->lock);
  if (sent != target->sent)
    target->moved_at = vmf_tries_now();
  target->sent = sent;
  target->stalled =
      vmf_tries_now() > target->moved_at + 1000 * (uint64_t)vmf_remote_stall(all ? ANSWER : STALL);
  return stopped || target->stalled;
}

static void *carry(void *data)
{
  struct target *target = data;
  target->moved_at = vmf_tries_now();
  CURLcode result = vmf_curl.curl_easy_perform(target->curl);

  pthread_mutex_lock(&target->lock);
  vmf_curl.curl_easy_getinfo(target->curl, CURLINFO_SIZE_UPLOAD_T, &target->sent);
  target->result = result;
  vmf_curl.curl_easy_getinfo(target->curl, CURLINFO_RESPONSE_CODE, &target->status);
  target->ended = true;
  pthread_cond_broadcast(&target->moved);
  pthread_mutex_unlock(&target->lock);
  return NULL;
}

/* ---- the request ---- */

static bool add_headers(struct target *target)
{
  bool good = vmf_curl_header(&target->headers, "Content-Type: application/octet-stream") &&
              (!target->new_only || vmf_curl_header(&target->headers, "If-None-Match: *"));

  for (char **own = vmf_remote_settings()->headers; own && *own && good; own++)
    good = vmf_curl_header(&target->headers, *own);
  return good;
}

/* The server may say first whether it wants the body at all (Expect). The stall that libcurl looks
 * for may be the source's, here: on_progress has its own. */
static bool prepare(struct target *target)
{
  CURL *curl = target->curl;
  const struct vmf_curl_calls calls = {.head = vmf_web_on_head,
                                       .body = vmf_web_on_text,
                                       .answer = &target->came,
                                       .progress = on_progress,
                                       .watcher = target};

  return add_headers(target) && vmf_curl_ask(curl, target->url, target->headers, 0, &calls) &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(
             curl, CURLOPT_INFILESIZE_LARGE,
             target->unknown_size ? (curl_off_t)-1 : (curl_off_t)target->announced) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_more) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_READDATA, target) == CURLE_OK;
}

static enum vmf_code start(struct target *target, struct vmf_error *error)
{
  if (target->started)
    return VMF_OK;
  if (!prepare(target))
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for a request", target->io.name);
  int result = vmf_thread_start(&target->thread, carry, target);
  errno = result;
  target->started = result == 0;
  return result == 0
             ? VMF_OK
             : vmf_fail_errno(error, VMF_SYSTEM, "%s: no thread to send it", target->io.name);
}

static enum vmf_code answers_early(const struct target *target, struct vmf_error *error)
{
  return vmf_fail(error, VMF_WRITE, "%s: the server answers before it has all", target->io.name);
}

/* What the request came to. The lock is held. */
static enum vmf_code judge(const struct target *target, struct vmf_error *error)
{
  const char *name = target->io.name;
  long status = target->status;
  char reason[300];
  bool busy;

  VMF_TRY(vmf_cancelled(vmf_remote_settings()->cancel, error));
  if (target->stalled)
    return vmf_fail(error, VMF_TEMPORARY, "%s: the server takes nothing any more", name);
  if (target->result != CURLE_OK && status < 300)
    return vmf_fail(
        error, vmf_curl_again(target->result) ? VMF_TEMPORARY : VMF_WRITE, "%s: %.200s", name,
        target->reason[0] ? target->reason : vmf_curl.curl_easy_strerror(target->result));
  if ((status == 200 || status == 201 || status == 204) &&
      (!vmf_ring_is_empty(&target->ring) || (uint64_t)target->sent < target->ring.in))
    return answers_early(target, error);
  if (status == 200 || status == 201 || status == 204)
    return VMF_OK;
  vmf_s3_reason(target->came.text, target->came.head.type, reason, sizeof reason);
  if (status == 412 && target->new_only)
    return vmf_fail(error, VMF_USAGE, "%s: exists, and --no-clobber forbids to replace it", name);
  if (status == 411)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the server wants to know its length before (status 411)%s; with --spool "
                    "DIR it is stored there first",
                    name, reason);
  if (status >= 300 && status < 400)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the server wants it elsewhere (status %ld), which is not followed", name,
                    status);
  return vmf_fail(error,
                  vmf_http_status_again(status, &busy)              ? VMF_TEMPORARY
                  : status == 401 || status == 403 || status == 404 ? VMF_SYSTEM
                                                                    : VMF_WRITE,
                  "%s: the server does not take it (status %ld)%s", name, status, reason);
}

/* ---- the io ---- */

static enum vmf_code target_append(struct vmf_io *io, const void *data, size_t length,
                                   struct vmf_error *error)
{
  struct target *target = (struct target *)io;
  const uint8_t *bytes = data;
  enum vmf_code code = start(target, error);

  io->size += length;
  pthread_mutex_lock(&target->lock);
  while (length > 0 && code == VMF_OK) {
    if (target->ended) {
      code = judge(target, error);
      if (code == VMF_OK)
        code = answers_early(target, error);
      continue;
    }
    size_t part = vmf_ring_put(&target->ring, bytes, length);
    if (part == 0) {
      code = vmf_cancelled(vmf_remote_settings()->cancel, error);
      wait_a_while(target);
      continue;
    }
    bytes += part;
    length -= part;
    pthread_cond_broadcast(&target->moved);
  }
  pthread_mutex_unlock(&target->lock);
  return code;
}

static enum vmf_code target_append_zeros(struct vmf_io *io, uint64_t length,
                                         struct vmf_error *error)
{
  while (length > 0) {
    size_t step = (size_t)vmf_min(length, VMF_ZEROS);
    VMF_TRY(target_append(io, vmf_zeros, step, error));
    length -= step;
  }
  return VMF_OK;
}

static void target_announce(struct vmf_io *io, uint64_t size)
{
  struct target *target = (struct target *)io;

  target->unknown_size = false;
  target->announced = size;
}

/* The rest goes, and the server answers for all of it. */
static enum vmf_code target_flush(struct vmf_io *io, struct vmf_error *error)
{
  struct target *target = (struct target *)io;

  VMF_TRY(start(target, error));
  pthread_mutex_lock(&target->lock);
  target->finished = true;
  pthread_cond_broadcast(&target->moved);
  while (!target->ended)
    wait_a_while(target);
  enum vmf_code code = judge(target, error);
  pthread_mutex_unlock(&target->lock);
  return code;
}

static void target_close(struct vmf_io *io)
{
  struct target *target = (struct target *)io;

  pthread_mutex_lock(&target->lock);
  target->stopping = true;
  pthread_cond_broadcast(&target->moved);
  pthread_mutex_unlock(&target->lock);
  if (target->started)
    pthread_join(target->thread, NULL);
  if (target->curl)
    vmf_curl.curl_easy_cleanup(target->curl);
  vmf_curl.curl_slist_free_all(target->headers);
  pthread_cond_destroy(&target->moved);
  pthread_mutex_destroy(&target->lock);
  vmf_ring_free(&target->ring);
  vmf_free(target->url);
  vmf_free(io->name);
  vmf_free(target);
}

static const struct vmf_sequential_ops target_ops = {
    .io = {.kind = "file of a web server",
           .pwrite = vmf_sequential_pwrite,
           .zero = vmf_sequential_zero,
           .resize = vmf_sequential_resize,
           .announce = target_announce,
           .flush = target_flush,
           .close = target_close},
    .what = "a request",
    .append = target_append,
    .append_zeros = target_append_zeros,
};

/* ---- opening ---- */

static enum vmf_code open_parts(struct target *target, const char *name, struct vmf_error *error)
{
  VMF_TRY(vmf_copy_text(name, &target->io.name, error));
  VMF_TRY(vmf_url_whole(name, &target->url, error));
  VMF_TRY(vmf_ring_make(&target->ring, error));
  target->curl = vmf_curl_new(target->reason, true);
  return target->curl ? VMF_OK : vmf_fail(error, VMF_SYSTEM, "%s: libcurl cannot be used", name);
}

enum vmf_code vmf_io_write_http(const char *name, bool new_only, struct vmf_io **io,
                                struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_curl_load(name, error));
  VMF_TRY(vmf_alloc(sizeof(struct target), &memory, error));
  struct target *target = memory;
  target->io = (struct vmf_io){.ops = &target_ops.io, .sequential = true, .writers = 1};
  target->new_only = new_only;
  target->unknown_size = true;
  pthread_mutex_init(&target->lock, NULL);
  vmf_steady_condition(&target->moved);
  enum vmf_code code = open_parts(target, name, error);
  if (code == VMF_OK)
    *io = &target->io;
  else
    target_close(&target->io);
  return code;
}

#else

enum vmf_code vmf_io_write_http(const char *name, bool new_only, struct vmf_io **io,
                                struct vmf_error *error)
{
  (void)new_only, (void)io;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: this build is without libcurl, which writes to web servers; through a pipe: "
                  "vmferry convert SOURCE - | curl -T - URL",
                  name);
}

#endif
