/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Files of web servers, by ranges (RFC 9110, section 14), with libcurl. Every request says which
 * version of the file it means, and every answer is held against what was asked for. Redirections
 * are followed here and not by libcurl, since what is sent to another host is a decision. */
#include "transport.h"

#ifdef VMF_HAVE_CURL

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "checked.h"
#include "http_request.h"
#include "log.h"
#include "memory.h"
#include "remote_settings.h"
#include "url.h"

enum {
  REDIRECTS_MOST = 5,
  EXPLAINED_BYTES = 64 << 10,
};

/* ---- what libcurl calls ---- */

static size_t on_head(char *bytes, size_t size, size_t count, void *data)
{
  struct vmf_http_request *request = data;

  vmf_http_line(&request->answer, bytes, size * count);
  request->big_head = request->answer.bytes > VMF_HTTP_HEAD;
  return request->big_head ? 0 : size * count;
}

/* Whether the body that comes is the part of the file that was asked for. */
static bool is_wanted(const struct vmf_http_request *request)
{
  const struct vmf_http_answer *answer = &request->answer;
  const struct vmf_load *load = request->load;

  return vmf_http_status(request) == 206 && !answer->encoded && !answer->twofold &&
         answer->has_range && answer->has_span && answer->start == load->offset &&
         answer->end <= load->offset + load->length;
}

/* Keeps the beginning of what explains a status. */
static void explain(struct vmf_http_request *request, const char *bytes, size_t length)
{
  size_t part = vmf_min(length, VMF_S3_EXPLAINED - request->explained);

  memcpy(request->explanation + request->explained, bytes, part);
  request->explained += part;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
  struct vmf_http_request *request = data;
  const struct vmf_load *load = request->load;
  size_t length = size * count, done = 0;

  long status = vmf_http_status(request);
  if (status != 200 && status != 206) {
    explain(request, bytes, length);
    request->passed += length;
    return request->passed > EXPLAINED_BYTES ? 0 : length;
  }
  if (request->body && status == 200) {
    request->unwanted = (request->got == 0 && !vmf_http_body_begin(request)) ||
                        !vmf_http_body_put(request->body, bytes, length);
    request->got += length;
    return request->unwanted ? 0 : length;
  }
  request->unwanted =
      request->unranged || !is_wanted(request) || length > load->length - request->got;
  while (done < length && !request->unwanted) {
    size_t at = request->got % VMF_REMOTE_BLOCK;
    size_t part = (size_t)vmf_min(length - done, VMF_REMOTE_BLOCK - at);
    memcpy(load->blocks[request->got / VMF_REMOTE_BLOCK] + at, bytes + done, part);
    done += part;
    request->got += part;
  }
  return request->unwanted ? 0 : length;
}

static int on_progress(void *data, curl_off_t total, curl_off_t now, curl_off_t up, curl_off_t sent)
{
  const struct vmf_http_request *request = data;

  (void)total, (void)now, (void)up, (void)sent;
  return (request->body ? vmf_http_body_stopped(request->body)
                        : atomic_load(&request->http->transport.ended)) ||
         vmf_cancel_requested(vmf_remote_settings()->cancel);
}

/* ---- lines ---- */

void vmf_http_line_free(struct vmf_http_connection *line)
{
  if (line->curl)
    vmf_curl.curl_easy_cleanup(line->curl);
  vmf_free(line->target);
  vmf_free(line);
}

static bool tell_by_digest(CURL *curl)
{
  return vmf_curl.curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_DIGEST) == CURLE_OK;
}

enum vmf_code vmf_http_line_new(const struct vmf_http *http, struct vmf_http_connection **line,
                                struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof **line, &memory, error));
  *line = memory;
  (*line)->curl = vmf_curl_new((*line)->reason, !http->s3);
  (*line)->digest = atomic_load(&http->digest);
  if ((*line)->curl &&
      vmf_curl.curl_easy_setopt((*line)->curl, CURLOPT_PATH_AS_IS, (long)(http->s3 != NULL)) ==
          CURLE_OK &&
      (!(*line)->digest || tell_by_digest((*line)->curl)))
    return VMF_OK;
  vmf_http_line_free(*line);
  *line = NULL;
  return vmf_fail(error, VMF_SYSTEM, "%s: libcurl cannot be used", http->transport.name);
}

static enum vmf_code http_connect(struct vmf_transport *transport, void **line,
                                  struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct vmf_http *http = (struct vmf_http *)transport;
  struct vmf_http_connection *own;

  (void)attempt;
  pthread_mutex_lock(&http->lock);
  own = http->spare;
  http->spare = NULL;
  pthread_mutex_unlock(&http->lock);
  if (!own)
    VMF_TRY(vmf_http_line_new(http, &own, error));
  *line = own;
  return VMF_OK;
}

static void http_disconnect(struct vmf_transport *transport, void *line)
{
  (void)transport;
  vmf_http_line_free(line);
}

/* ---- a request ---- */

/* The length of "https://host:port" of a URL. */
static size_t origin_length(const char *url)
{
  const char *host = strstr(url, "://");

  return host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;
}

/* Without "user@". */
static bool same_origin(const char *url, const char *other)
{
  const char *ends[2] = {url + origin_length(url), other + origin_length(other)};
  const char *starts[2] = {url, other};
  size_t schemes[2] = {strcspn(url, ":"), strcspn(other, ":")};

  for (int i = 0; i < 2; i++) {
    const char *host = starts[i] + schemes[i] + 3;
    const char *at = memrchr(host, '@', (size_t)(ends[i] - host));
    starts[i] = at ? at + 1 : host;
  }
  return schemes[0] == schemes[1] && strncasecmp(url, other, schemes[0]) == 0 &&
         ends[0] - starts[0] == ends[1] - starts[1] &&
         strncasecmp(starts[0], starts[1], (size_t)(ends[0] - starts[0])) == 0;
}

/* What pins the version: by its tag, else by its date. A weak tag says nothing of the bytes. */
static bool add_pin(const struct vmf_http *http, struct curl_slist **list)
{
  char text[VMF_HTTP_VALUE + 32];

  if (!http->pinned)
    return true;
  if (vmf_http_is_strong(http->etag))
    snprintf(text, sizeof text, "If-Match: %s", http->etag);
  else if (http->modified[0])
    snprintf(text, sizeof text, "If-Unmodified-Since: %s", http->modified);
  else
    return true;
  return vmf_curl_header(list, text);
}

/* What an object store is told of who asks. False: *error says why not. */
static bool add_signature(const struct vmf_http *http, struct curl_slist **list,
                          struct vmf_error *error)
{
  char *lines[VMF_AWS_LINES + 1];
  bool good = vmf_s3_sign(http->s3, "GET", http->s3->path, "", NULL, 0, lines, error) == VMF_OK;

  for (size_t i = 0; good && lines[i]; i++)
    good = vmf_curl_header(list, lines[i]);
  vmf_aws_lines_clear(lines);
  return good;
}

/* What the person gave goes to the host of the URL alone. NULL: *error says why. */
static struct curl_slist *headers_for(const struct vmf_http *http, const char *url,
                                      struct vmf_error *error)
{
  struct curl_slist *list = NULL;
  char **own = !http->s3 && same_origin(http->url, url) ? vmf_remote_settings()->headers : NULL;

  (void)!vmf_fail(error, VMF_NOMEM, "%s: no memory for a request", http->transport.name);
  bool good = vmf_curl_header(&list, "Accept-Encoding: identity") && add_pin(http, &list) &&
              (!http->s3 || add_signature(http, &list, error));
  for (; own && *own && good; own++)
    good = vmf_curl_header(&list, *own);
  if (good)
    return list;
  vmf_curl.curl_slist_free_all(list);
  return NULL;
}

static enum vmf_code perform(struct vmf_http_request *request, const char *url, CURLcode *result,
                             struct vmf_error *error)
{
  CURL *curl = request->line->curl;
  const struct vmf_load *load = request->load;
  const struct vmf_curl_calls calls = {.head = on_head,
                                       .body = on_body,
                                       .answer = request,
                                       .progress = on_progress,
                                       .watcher = request};
  struct vmf_error wrong;
  struct curl_slist *headers = headers_for(request->http, url, &wrong);
  char range[64];

  snprintf(range, sizeof range, "%" PRIu64 "-%" PRIu64, load->offset,
           load->offset + load->length - 1);
  request->answer = (struct vmf_http_answer){0};
  request->got = request->passed = request->explained = 0;
  request->unwanted = request->big_head = false;
  request->line->reason[0] = '\0';
  bool good =
      headers && vmf_curl_ask(curl, url, headers, vmf_remote_stall(VMF_CURL_STALL), &calls) &&
      vmf_curl.curl_easy_setopt(curl, CURLOPT_RANGE, request->unranged ? NULL : range) == CURLE_OK;
  *result = good ? vmf_curl.curl_easy_perform(curl) : CURLE_OK;
  vmf_curl_forget(curl);
  vmf_curl.curl_slist_free_all(headers);
  return good ? VMF_OK : vmf_fail_again(&wrong, error);
}

/* ---- where it leads ---- */

static bool is_redirect(long status)
{
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Follows, by the policy, what the answer points to. Where that is, is no part of a message: it may
 * be signed. */
static enum vmf_code redirect(struct vmf_http_request *request, struct vmf_error *error)
{
  const char *name = request->http->transport.name, *from, *to = NULL;
  struct vmf_http_connection *line = request->line;
  char *copy;

  from = line->target ? line->target : request->http->url;
  vmf_curl.curl_easy_getinfo(line->curl, CURLINFO_REDIRECT_URL, &to);
  if (!to)
    return vmf_fail(error, VMF_READ, "%s: the server redirects (status %ld) without saying where",
                    name, vmf_http_status(request));
  if (strncasecmp(to, "http://", 7) != 0 && strncasecmp(to, "https://", 8) != 0)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the server redirects to %.*s:, expected another http or https URL", name,
                    (int)strcspn(to, ":"), to);
  if (strncasecmp(from, "https://", 8) == 0 && strncasecmp(to, "http://", 7) == 0)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the server redirects from https to http, where everybody on the way can "
                    "read and change it",
                    name);
  VMF_TRY(vmf_copy_text(to, &copy, error));
  vmf_free(line->target);
  line->target = copy;
  return VMF_OK;
}

/* The server does not want the password itself. Both ways at once would cost two requests each
 * time. */
static bool turns_to_digest(const struct vmf_http_request *request)
{
  struct vmf_http_connection *line = request->line;
  long offered = 0;

  vmf_curl.curl_easy_getinfo(line->curl, CURLINFO_HTTPAUTH_AVAIL, &offered);
  if (!vmf_remote_settings()->netrc || request->http->s3 || line->digest ||
      !(offered & (long)CURLAUTH_DIGEST))
    return false;
  line->digest = true;
  atomic_store(&request->http->digest, true);
  return tell_by_digest(line->curl);
}

/* To where the last redirection led. What that does not answer any more is asked for by its first
 * URL again: signed ones end after a while. */
enum vmf_code vmf_http_ask(struct vmf_http_request *request, struct vmf_attempt *attempt,
                           struct vmf_error *error)
{
  struct vmf_http_connection *line = request->line;
  bool led = line->target != NULL;
  CURLcode result = CURLE_OK;

  for (unsigned count = 0; count <= REDIRECTS_MOST; count++) {
    VMF_TRY(perform(request, line->target ? line->target : request->http->url, &result, error));
    long status = vmf_http_status(request);
    if (!request->http->s3 && is_redirect(status) && (result == CURLE_OK || request->unwanted)) {
      VMF_TRY(redirect(request, error));
    } else if (led && (status == 401 || status == 403 || status == 404 || status == 410)) {
      vmf_free(line->target);
      line->target = NULL;
      led = false;
    } else if (status != 401 || !turns_to_digest(request)) {
      return vmf_http_judge(request, result, attempt, error);
    }
  }
  return vmf_fail(error, VMF_REFUSED, "%s: the server redirects more than %d times",
                  request->http->transport.name, REDIRECTS_MOST);
}

static enum vmf_code http_fetch(struct vmf_transport *transport, void *line,
                                const struct vmf_load *load, struct vmf_attempt *attempt,
                                struct vmf_error *error)
{
  struct vmf_http_request request = {
      .http = (struct vmf_http *)transport, .line = line, .load = load};

  return vmf_http_ask(&request, attempt, error);
}

/* ---- opening ---- */

static void http_close(struct vmf_transport *transport)
{
  struct vmf_http *http = (struct vmf_http *)transport;

  vmf_http_live_end(http);
  if (http->spare)
    vmf_http_line_free(http->spare);
  pthread_mutex_destroy(&http->lock);
  vmf_s3_free(http->s3);
  vmf_io_close(http->copy);
  vmf_free(http->first);
  vmf_free(http->url);
  vmf_free(transport->name);
  vmf_free(http);
}

static enum vmf_code whole_fetch(struct vmf_transport *transport, void *line,
                                 const struct vmf_load *load, struct vmf_attempt *attempt,
                                 struct vmf_error *error)
{
  (void)line;
  return vmf_http_fetch_whole((struct vmf_http *)transport, load, attempt, error);
}

/* The one who fetches makes connections of its own. */
static enum vmf_code whole_connect(struct vmf_transport *transport, void **line,
                                   struct vmf_attempt *attempt, struct vmf_error *error)
{
  (void)attempt, (void)error;
  *line = transport;
  return VMF_OK;
}

static void whole_disconnect(struct vmf_transport *transport, void *line)
{
  (void)transport, (void)line;
}

static enum vmf_code whole_stream(struct vmf_transport *transport, struct vmf_io *file,
                                  struct vmf_io **stream, struct vmf_error *error)
{
  return vmf_http_stream((struct vmf_http *)transport, file, NULL, stream, error);
}

static const struct vmf_transport_ops whole_ops = {
    .kind = "http",
    .connect = whole_connect,
    .disconnect = whole_disconnect,
    .fetch = whole_fetch,
    .stream = whole_stream,
    .close = http_close,
};

static const struct vmf_transport_ops http_ops = {
    .kind = "http",
    .connect = http_connect,
    .disconnect = http_disconnect,
    .fetch = http_fetch,
    .close = http_close,
};

/* What the first answer says of the version that it is of. */
void vmf_http_pin(struct vmf_http *http, const struct vmf_http_answer *answer, uint64_t size)
{
  http->transport.size = size;
  memcpy(http->etag, answer->etag, sizeof http->etag);
  memcpy(http->modified, answer->modified, sizeof http->modified);
  http->pinned = true;
}

/* Asks for the first byte: what comes with it is how long the file is, and which. *region: where
 * the server says that a bucket is. */
static enum vmf_code look(struct vmf_http *http, char region[VMF_HTTP_REGION],
                          struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct vmf_http_look found;
  enum vmf_code code = vmf_http_look(http, false, &found, attempt, error);
  const struct vmf_http_answer *answer = &found.answer;

  memcpy(region, answer->region, VMF_HTTP_REGION);
  if (code == VMF_READ && found.status == 416) {
    if (answer->has_range && answer->has_total && answer->total == 0)
      return VMF_OK; /* an empty file has no first byte */
    code = vmf_http_look(http, true, &found, attempt, error);
  }
  if (found.whole) {
    http->transport.ops = &whole_ops;
    http->transport.lines = 1;
    return code;
  }
  VMF_TRY(code);
  if (!answer->has_total || answer->total > INT64_MAX)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the server does not say how long the file is (Content-Range)",
                    http->transport.name);
  vmf_http_pin(http, answer, answer->total);
  if (vmf_http_is_strong(http->etag) || http->modified[0])
    http->transport.version = vmf_http_is_strong(http->etag) ? http->etag : http->modified;
  else if (!http->etag[0])
    vmf_warn(
        vmf_remote_settings()->log,
        "%s: the server tells no version of it (ETag, Last-Modified): whether it changes while "
        "it is read cannot be known",
        http->transport.name);
  return VMF_OK;
}

/* Of an object store: the URL, by the region that is known by now. */
static enum vmf_code place_object(struct vmf_http *http, struct vmf_error *error)
{
  char *url;

  VMF_TRY(vmf_s3_url(http->s3, http->s3->path, "", &url, error));
  vmf_free(http->url);
  http->url = url;
  return VMF_OK;
}

/* A store may say that the bucket is in another region, or that the clocks differ; then it is asked
 * once more. */
static enum vmf_code look_around(struct vmf_http *http, struct vmf_attempt *attempt,
                                 struct vmf_error *error)
{
  char region[VMF_HTTP_REGION];
  enum vmf_code code = look(http, region, attempt, error);

  if (code == VMF_OK || !http->s3)
    return code;
  bool moved = region[0] && strcmp(region, http->s3->who.region) != 0;
  if (!moved && atomic_load(&http->s3->skew) == 0)
    return code;
  if (moved) {
    vmf_note(vmf_remote_settings()->log, "%s: the bucket is in region %s", http->transport.name,
             region);
    VMF_TRY(vmf_s3_move(http->s3, region, error));
    VMF_TRY(place_object(http, error));
  }
  *attempt = (struct vmf_attempt){0};
  return look(http, region, attempt, error);
}

static enum vmf_code open_by(struct vmf_http *http, struct vmf_attempt *attempt,
                             struct vmf_error *error)
{
  if (http->s3)
    VMF_TRY(place_object(http, error));
  VMF_TRY(vmf_http_line_new(http, &http->spare, error));
  VMF_TRY(look_around(http, attempt, error));
  if (http->transport.ops == &whole_ops)
    return VMF_OK;
  vmf_free(http->first);
  http->first = NULL;
  return VMF_OK;
}

enum vmf_code vmf_http_open(const char *url, const char *name, struct vmf_transport **transport,
                            struct vmf_attempt *attempt, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_curl_load(name, error));
  VMF_TRY(vmf_alloc(sizeof(struct vmf_http), &memory, error));
  struct vmf_http *http = memory;
  http->transport = (struct vmf_transport){.ops = &http_ops, .lines = 8, .load = 4};
  pthread_mutex_init(&http->lock, NULL);
  enum vmf_code code = vmf_copy_text(name, &http->transport.name, error);
  if (code == VMF_OK)
    code = vmf_url_is_s3(url) ? vmf_s3_new(url, name, &http->s3, error)
                              : vmf_copy_text(url, &http->url, error);
  if (code == VMF_OK)
    code = open_by(http, attempt, error);
  if (code == VMF_OK)
    *transport = &http->transport;
  else
    http_close(&http->transport);
  return code;
}

#else

enum vmf_code vmf_http_open(const char *url, const char *name, struct vmf_transport **transport,
                            struct vmf_attempt *attempt, struct vmf_error *error)
{
  (void)url, (void)transport, (void)attempt;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: this build is without libcurl, which reads http and https; fetch it first "
                  "(curl -LO), or through a pipe: curl -L URL | vmferry convert - TARGET",
                  name);
}

#endif
