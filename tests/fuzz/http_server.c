/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "http_server.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "scratch_files.h"
#include "store_server.h"

enum { HEAD = 2048, BODY_MOST = 64 << 20 };

enum fault {
  RIGHT,
  SHORT,       /* fewer bytes than are announced */
  LONG,        /* more than were asked for */
  LESS,        /* a part of what was asked for */
  WRONG_RANGE, /* bytes of another place, as it says */
  NO_RANGE,
  TWO_RANGES,
  TWO_LENGTHS,
  WHOLE, /* all of the file */
  WHOLE_SHORT,
  PAGE, /* a login */
  OTHER_TAG,
  OTHER_DATE,
  OTHER_SIZE,
  GONE_AWAY, /* no answer */
  HALF_HEAD,
  CHUNKED,
  ODD_HEAD, /* but right */
  BIG_HEAD,
  PACKED,
  HINTS, /* before a right answer */
  STATUS,
  FAULTS = STATUS + 20,
};

static struct {
  pthread_mutex_t lock; /* guards all, and the plan of the site */
  struct fuzz_site *site;
  unsigned number; /* of the input */
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- requests ---- */

static void take_header(struct fuzz_request *request, const char *text, bool *chunked,
                        bool *expects)
{
  unsigned long long from, to;

  if (strncasecmp(text, "Range: ", 7) == 0 &&
      sscanf(text + 7, "bytes=%19llu-%19llu", &from, &to) == 2) {
    request->ranged = true;
    request->from = from;
    request->to = to + 1;
  }
  if (strncasecmp(text, "Content-Length: ", 16) == 0)
    request->length = strtoull(text + 16, NULL, 10);
  if (strncasecmp(text, "If-Match: ", 10) == 0)
    request->matches = strcmp(text + 10, "\"one\"") == 0;
  request->fresh |= strncasecmp(text, "If-None-Match: *", 16) == 0;
  *chunked |= strcasecmp(text, "Transfer-Encoding: chunked") == 0;
  *expects |= strcasecmp(text, "Expect: 100-continue") == 0;
}

/* Grows twofold: a sanitizer copies what grows. */
static void make_room(struct fuzz_request *request, size_t needed)
{
  if (needed <= request->room)
    return;
  size_t room = needed > 2 * request->room ? needed : 2 * request->room;
  uint8_t *longer = realloc(request->body, room);
  if (!longer)
    fuzz_fault("no memory");
  request->body = longer;
  request->room = room;
}

static bool more_body(struct fuzz_line *line, struct fuzz_request *request, size_t at,
                      size_t length)
{
  if (length > BODY_MOST - at)
    return false;
  make_room(request, at + length + 1);
  request->length = at + length;
  request->body[request->length] = '\0';
  return fuzz_hear(line, request->body + at, length);
}

static bool hear_chunks(struct fuzz_line *line, struct fuzz_request *request)
{
  char text[64];
  size_t length = 1;

  request->length = 0;
  while (length > 0) {
    if (!fuzz_hear_text(line, text, sizeof text))
      return false;
    length = strtoull(text, NULL, 16);
    if (!more_body(line, request, request->length, length) ||
        !fuzz_hear_text(line, text, sizeof text))
      return false;
  }
  return true;
}

static bool hear_body(struct fuzz_line *line, struct fuzz_request *request, bool chunked,
                      bool expects)
{
  static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

  if (expects && !fuzz_say(line, go_on, sizeof go_on - 1))
    return false;
  if (chunked)
    return hear_chunks(line, request);
  return request->length == 0 || more_body(line, request, 0, request->length);
}

static bool hear_request(struct fuzz_line *line, struct fuzz_request *request)
{
  char text[FUZZ_TARGET * 2];
  bool chunked = false, expects = false;

  *request = (struct fuzz_request){.matches = true};
  if (!fuzz_hear_text(line, text, sizeof text) ||
      sscanf(text, "%15s %2047s", request->method, request->target) != 2)
    return false;
  while (fuzz_hear_text(line, text, sizeof text)) {
    if (text[0] == '\0')
      return hear_body(line, request, chunked, expects);
    take_header(request, text, &chunked, &expects);
  }
  return false;
}

/* ---- answers ---- */

struct answer {
  unsigned status;
  char head[HEAD];
  size_t used;                    /* of the head */
  const uint8_t *bytes;           /* of the body */
  size_t length, announced, sent; /* of the body: what it has, what is said of it, what comes */
  bool chunked, headless, closing;
};

static void add(struct answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct answer *answer, const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  answer->used +=
      (size_t)vsnprintf(answer->head + answer->used, HEAD - answer->used, format, arguments);
  va_end(arguments);
}

static bool say_chunks(const struct fuzz_line *line, const struct answer *answer)
{
  size_t at = 0;

  while (at < answer->sent) {
    size_t part = answer->sent - at > 5000 ? 5000 : answer->sent - at;
    char text[32];
    int length = snprintf(text, sizeof text, "%zx\r\n", part);
    if (!fuzz_say(line, text, (size_t)length) || !fuzz_say(line, answer->bytes + at, part) ||
        !fuzz_say(line, "\r\n", 2))
      return false;
    at += part;
  }
  return answer->sent < answer->announced ? false : fuzz_say(line, "0\r\n\r\n", 5);
}

static bool say(const struct fuzz_line *line, struct answer *answer)
{
  char first[64];
  int length = snprintf(first, sizeof first, "HTTP/1.1 %u As chosen\r\n", answer->status);

  if (answer->chunked)
    add(answer, "Transfer-Encoding: chunked\r\n");
  else
    add(answer, "Content-Length: %zu\r\n", answer->announced);
  if (answer->closing)
    add(answer, "Connection: close\r\n");
  add(answer, "\r\n");
  if (!fuzz_say(line, first, (size_t)length) || !fuzz_say(line, answer->head, answer->used))
    return false;
  if (answer->headless)
    return !answer->closing;
  bool good = answer->chunked ? say_chunks(line, answer)
                              : fuzz_say(line, answer->bytes, answer->sent) &&
                                    answer->sent == answer->announced;
  return good && !answer->closing;
}

bool fuzz_http_answer(const struct fuzz_line *line, unsigned status, const char *heads,
                      const void *body, size_t length)
{
  struct answer answer = {
      .status = status, .bytes = body, .length = length, .announced = length, .sent = length};

  add(&answer, "%s", heads);
  return say(line, &answer);
}

/* ---- files ---- */

static void tell_version(const struct fuzz_site *site, enum fault fault, struct answer *answer)
{
  if (site->store && site->store->tag[0])
    add(answer, "ETag: %s\r\n", fault == OTHER_TAG ? "\"two\"" : site->store->tag);
  else if (site->tags & 1)
    add(answer, "ETag: \"%s\"\r\n", fault == OTHER_TAG ? "two" : "one");
  else if (site->tags & 4)
    add(answer, "ETag: W/\"%s\"\r\n", fault == OTHER_TAG ? "two" : "one");
  if (site->tags & 2)
    add(answer, "Last-Modified: Mon, %s Nov 2026 10:00:00 GMT\r\n",
        fault == OTHER_DATE ? "23" : "30");
}

static void tell_range(const struct fuzz_request *request, const struct fuzz_file *file,
                       enum fault fault, struct answer *answer)
{
  uint64_t from = request->from, to = from + answer->length;
  /* what is said when it is asked for the first time is believed */
  uint64_t size = file->size + (fault == OTHER_SIZE && request->to > 1 ? 512 : 0);

  if (fault == WRONG_RANGE)
    from = from >= 512 ? from - 512 : from + 512, to = from + answer->length;
  if (fault != NO_RANGE)
    add(answer, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", from, to - 1, size);
  if (fault == TWO_RANGES)
    add(answer, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", from + 1, to, size);
}

static void be_odd(enum fault fault, struct answer *answer)
{
  if (fault == TWO_LENGTHS)
    add(answer, "Content-Length: %zu\r\n", answer->length + 1);
  if (fault == PACKED)
    add(answer, "Content-Encoding: gzip\r\n");
  if (fault == PAGE)
    add(answer, "Content-Type: text/html; charset=utf-8\r\n");
  if (fault == ODD_HEAD)
    add(answer,
        "X: \r\nContent-Encoding: identity\r\nx-%0300d: %0400d\r\nContent-Type:\r\n"
        "Content-range-x: bytes 0-1/2\r\n",
        1, 2);
}

/* The whole file, or the part that is asked for. */
static void choose_body(const struct fuzz_request *request, const struct fuzz_file *file,
                        bool ranged, enum fault fault, struct answer *answer)
{
  answer->status = ranged ? 206 : 200;
  answer->bytes = file->bytes;
  answer->length = file->size;
  if (ranged) {
    uint64_t to = request->to < file->size ? request->to : file->size;
    answer->bytes += request->from;
    answer->length = (size_t)(to - request->from);
  }
  if (fault == LESS && ranged)
    answer->length -= answer->length / 2;
  answer->announced = answer->sent = answer->length;
  if (fault == SHORT || fault == WHOLE_SHORT)
    answer->sent /= 2;
  if (fault == LONG && ranged) {
    size_t rest = file->size - (size_t)request->from;
    answer->announced = answer->sent = answer->length + 256 < rest ? answer->length + 256 : rest;
  }
}

static bool say_big_head(const struct fuzz_line *line)
{
  char text[1024];
  bool good = fuzz_say(line, "HTTP/1.1 200 Much\r\n", 19);

  memset(text, 'x', sizeof text);
  memcpy(text, "X-Much: ", 8);
  memcpy(text + sizeof text - 2, "\r\n", 2);
  for (unsigned i = 0; i < 400 && good; i++)
    good = fuzz_say(line, text, sizeof text);
  return false;
}

static bool say_status(const struct fuzz_line *line, const struct fuzz_request *request,
                       unsigned number)
{
  static const unsigned statuses[] = {204, 301, 302, 303, 307, 308, 400, 401, 403, 404,
                                      407, 408, 410, 412, 416, 425, 429, 500, 502, 503};
  unsigned status = statuses[number % (sizeof statuses / sizeof statuses[0])];
  char heads[FUZZ_TARGET + 128] = "";
  static const char *const codes[] = {"SlowDown",     "InternalError", "RequestTimeTooSkewed",
                                      "ExpiredToken", "BadDigest",     "NoSuchUpload"};
  char text[256];

  int length = snprintf(text, sizeof text,
                        "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>Please &lt;wait&gt;"
                        "</Message></Error>",
                        codes[number % 6]);
  if (status == 302 || status == 308)
    snprintf(heads, sizeof heads, "Location: %s\r\n", request->target);
  if (status == 307)
    snprintf(heads, sizeof heads, "Location: ftp://127.0.0.1/\r\n");
  if (status == 303)
    snprintf(heads, sizeof heads, "Location: http://127.0.0.1:1/else\r\n");
  if (status == 401)
    snprintf(heads, sizeof heads, "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n");
  if (status == 503 || status == 429)
    snprintf(heads, sizeof heads, "Retry-After: %d\r\n", status == 503 ? 0 : 900);
  if (status == 500)
    snprintf(heads, sizeof heads, "Content-Type: application/xml\r\n");
  if (status == 301 || status == 400)
    snprintf(heads, sizeof heads, "x-amz-bucket-region: eu-central-%u\r\n", number);
  if (status == 403)
    snprintf(heads, sizeof heads, "Date: Mon, 30 Nov 2026 10:00:00 GMT\r\n");
  if (status == 416)
    snprintf(heads, sizeof heads, "Content-Range: bytes */x\r\n");
  if (status == 204 || strcmp(request->method, "HEAD") == 0)
    length = 0;
  return fuzz_http_answer(line, status, heads, text, (size_t)length);
}

static bool say_file(const struct fuzz_line *line, const struct fuzz_site *site,
                     const struct fuzz_request *request, const struct fuzz_file *file,
                     enum fault fault)
{
  static const char hints[] = "HTTP/1.1 103 Early Hints\r\nContent-Range: bytes 7-8/9\r\n\r\n";
  struct answer answer = {.chunked = site->chunked || fault == CHUNKED,
                          .closing = site->closing,
                          .headless = strcmp(request->method, "HEAD") == 0};
  bool ranged =
      request->ranged && !site->whole && fault != WHOLE && fault != WHOLE_SHORT && fault != PAGE;

  if (!request->matches)
    return fuzz_http_answer(line, 412, "", "", 0);
  if (ranged && request->from >= file->size) {
    char heads[64];
    snprintf(heads, sizeof heads, "Content-Range: bytes */%zu\r\n", file->size);
    return fuzz_http_answer(line, 416, heads, "", 0);
  }
  choose_body(request, file, ranged, fault, &answer);
  tell_version(site, fault, &answer);
  if (ranged)
    tell_range(request, file, fault, &answer);
  be_odd(fault, &answer);
  if (fault == HINTS && !fuzz_say(line, hints, sizeof hints - 1))
    return false;
  return say(line, &answer);
}

static bool answer_get(const struct fuzz_line *line, const struct fuzz_site *site,
                       const struct fuzz_request *request, const struct fuzz_file *file,
                       enum fault fault)
{
  if (fault == GONE_AWAY)
    return false;
  if (fault == HALF_HEAD)
    return fuzz_say(line, "HTTP/1.1 206 Part\r\nContent-Ra", 28) && false;
  if (fault == BIG_HEAD)
    return say_big_head(line);
  if (fault >= STATUS)
    return say_status(line, request, fault - STATUS);
  return file ? say_file(line, site, request, file, fault) : fuzz_http_answer(line, 404, "", "", 0);
}

/* The last word of the path, where it is of this input. */
static struct fuzz_file *find(struct fuzz_site *site, const char *target, unsigned number)
{
  const char *name = strrchr(target, '/');

  if (number != server.number || !name)
    return NULL;
  for (unsigned i = 0; i < site->count; i++)
    if (strncmp(site->files[i].name, name + 1, strcspn(name + 1, "?")) == 0)
      return &site->files[i];
  return NULL;
}

/* By PUT. What is there is what came last as a whole. */
static bool answer_put(const struct fuzz_line *line, struct fuzz_site *site,
                       struct fuzz_request *request, enum fault fault)
{
  const char *name = strrchr(request->target, '/');
  struct fuzz_file *file = &site->files[0];

  if (fault == GONE_AWAY || fault == SHORT)
    return false;
  if (fault > STATUS) /* the first one is that it is done */
    return say_status(line, request, fault - STATUS);
  if (request->fresh && fault == LONG)
    return fuzz_http_answer(line, 412, "", "", 0);
  pthread_mutex_lock(&server.lock);
  free(file->bytes);
  *file = (struct fuzz_file){.bytes = request->body, .size = request->length};
  request->body = NULL;
  snprintf(file->name, sizeof file->name, "%.60s", name ? name + 1 : "");
  site->count = 1;
  pthread_mutex_unlock(&server.lock);
  return fuzz_http_answer(line, fault == LESS ? 200 : fault == CHUNKED ? 204 : 201, "", "", 0);
}

/* Of what belongs to an upload, or gives keys. */
static bool answer_store(const struct fuzz_line *line, struct fuzz_site *site,
                         struct fuzz_request *request, enum fault fault)
{
  struct fuzz_file object = {.bytes = NULL}, *file = &site->files[0];

  if (fault == GONE_AWAY)
    return false;
  if (fault >= STATUS)
    return say_status(line, request, fault - STATUS);
  pthread_mutex_lock(&server.lock);
  bool more = fuzz_store_answer(line, site->store, request, fault, &object);
  if (object.bytes) {
    free(file->bytes);
    *file = object;
    snprintf(file->name, sizeof file->name, "%s", "disk");
    site->count = 1;
  }
  pthread_mutex_unlock(&server.lock);
  return more;
}

/* The number of the input: where it stands depends on what is asked for. */
static unsigned number_of(const char *target)
{
  const char *prefix = strstr(target, "prefix=");
  unsigned number = 0;

  if (prefix)
    sscanf(prefix, "prefix=%9u", &number);
  else if (sscanf(target, "/%9u/", &number) != 1 && sscanf(target, "/bucket/%9u/", &number) != 1)
    sscanf(target, "/keys/%9u/", &number);
  return number;
}

static bool answer(const struct fuzz_line *line, struct fuzz_request *request)
{
  unsigned number = number_of(request->target), fault = RIGHT;
  struct fuzz_file *file = NULL;

  pthread_mutex_lock(&server.lock);
  struct fuzz_site *site = number == server.number ? server.site : NULL;
  if (site) {
    file = find(site, request->target, number);
    fault = fuzz_plan_next(&site->plan, request->from / 65536, FAULTS);
  }
  pthread_mutex_unlock(&server.lock);
  if (!site)
    return fuzz_http_answer(line, 404, "", "", 0);
  if (site->store && fuzz_store_has(request))
    return answer_store(line, site, request, fault);
  if (strcmp(request->method, "PUT") == 0)
    return answer_put(line, site, request, fault);
  return answer_get(line, site, request, file, fault);
}

static void speak(struct fuzz_line *line)
{
  struct fuzz_request request = {.method = ""};
  bool more = true;

  while (more) {
    more = hear_request(line, &request) && answer(line, &request);
    free(request.body);
    request.body = NULL;
  }
}

/* ---- for a target ---- */

unsigned fuzz_http_begin(void)
{
  return fuzz_listen(speak);
}

unsigned fuzz_http_serve(struct fuzz_site *site)
{
  pthread_mutex_lock(&server.lock);
  server.site = site;
  unsigned number = ++server.number;
  pthread_mutex_unlock(&server.lock);
  return number;
}

void fuzz_http_end(void)
{
  pthread_mutex_lock(&server.lock);
  server.site = NULL;
  pthread_mutex_unlock(&server.lock);
  fuzz_disconnect();
}

void fuzz_http_mend(void)
{
  pthread_mutex_lock(&server.lock);
  server.site->plan = (struct fuzz_plan){.good = true};
  pthread_mutex_unlock(&server.lock);
}
