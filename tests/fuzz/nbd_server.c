/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "nbd_server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "scratch_files.h"
#include "zero.h"

enum {
  OPTION_MOST = 4096,
  REQUEST_MOST = 64 << 20,
  ALLOCATION = 7,
  BITMAP = 8 /* contexts' numbers */
};
enum { RUN = 65536, RUNS = 12 };

enum option {
  EXPORT_NAME = 1,
  ABORT = 2,
  LIST = 3,
  INFO = 6,
  GO = 7,
  STRUCTURED = 8,
  CONTEXT = 10
};
enum command { READ, WRITE, DISCONNECT, FLUSH, TRIM, CACHE, ZEROES, STATUS };
enum { FLAG_FAST = 1 << 4 };
enum chunk { NONE, DATA, HOLE, EXTENTS = 5, ERROR = 0x8001, ERROR_AT };
enum { ACK = 1, SERVER = 2, INFORMATION = 3, TOLD_CONTEXT = 4 };
#define FAILURE 0x80000000u

enum fault {
  RIGHT,
  REFUSED, /* by one of the errors of NBD */
  LOST,    /* no answer, and the connection ends */
  SHORT,   /* a part of the answer, likewise */
  OTHER_MAGIC,
  OTHER_COOKIE,
  PIECES,    /* several chunks, but right */
  BACKWARDS, /* likewise, the last one first */
  TWICE,     /* some bytes, and others not at all */
  MISSING,
  OUTSIDE, /* of what was asked for */
  NEVER_DONE,
  OTHER_CHUNK,
  OTHER_KIND, /* the other kind of reply */
  NOTHING,    /* no chunk, no extent, an empty one */
  ALL_DATA,   /* of extents: right, if less so */
  TOO_LONG,
  FAULTS,
};

static struct {
  pthread_mutex_t lock; /* guards all, and the plan and the bytes of the export */
  struct fuzz_export *file;
  unsigned number;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* One connection. */
struct client {
  struct fuzz_line *line;
  struct fuzz_export *file;
  bool structured, tells, marks, chosen;
};

/* ---- numbers ---- */

struct text {
  uint8_t bytes[128];
  size_t length;
};

static void put(struct text *text, uint64_t value, unsigned bytes)
{
  while (bytes-- > 0)
    text->bytes[text->length++] = (uint8_t)(value >> 8 * bytes);
}

static uint64_t get(const uint8_t *bytes, unsigned count)
{
  uint64_t value = 0;

  while (count-- > 0)
    value = value << 8 | *bytes++;
  return value;
}

static bool say_text(const struct client *client, const struct text *text)
{
  return fuzz_say(client->line, text->bytes, text->length);
}

/* Behind such an answer the other end would wait for more. */
static bool ends(enum fault fault)
{
  return fault == SHORT || fault == OTHER_MAGIC || fault == OTHER_COOKIE || fault == NEVER_DONE ||
         fault == TOO_LONG;
}

static enum fault next_fault(struct client *client, uint64_t about)
{
  pthread_mutex_lock(&server.lock);
  unsigned fault = fuzz_plan_next(&client->file->plan, about, FAULTS);
  pthread_mutex_unlock(&server.lock);
  return fault;
}

/* ---- before the export is chosen ---- */

static bool reply(const struct client *client, uint32_t option, uint32_t kind, const void *bytes,
                  size_t length, enum fault fault)
{
  struct text head = {.length = 0};

  put(&head, UINT64_C(0x3e889045565a9) + (fault == OTHER_MAGIC), 8);
  put(&head, option + (fault == OTHER_COOKIE), 4);
  put(&head, kind, 4);
  put(&head, length + (fault == TOO_LONG ? 1 << 30 : 0), 4);
  return say_text(client, &head) && fuzz_say(client->line, bytes, length) && !ends(fault);
}

/* Which input it is of: one may come late. */
static bool find_export(struct client *client, const uint8_t *name, size_t length)
{
  char text[16] = "";

  memcpy(text, name, length < sizeof text ? length : sizeof text - 1);
  pthread_mutex_lock(&server.lock);
  bool found = server.file == client->file && strtoul(text, NULL, 10) == server.number;
  pthread_mutex_unlock(&server.lock);
  return found;
}

static uint64_t flags_of(const struct fuzz_export *file)
{
  return 1 | (file->writable ? 0 : 1 << 1) | (file->flushes ? 1 << 2 : 0) |
         (file->zeroes ? 1 << 6 : 0) | (file->many ? 1 << 8 : 0) |
         (file->zeroes && file->fast ? 1 << 11 : 0);
}

/* Its size is told right until somebody knows it: that is believed. */
static void tell_size(const struct client *client, enum fault fault, struct text *text)
{
  put(text, client->file->size + (fault == OUTSIDE && client->file->used ? 512 : 0), 8);
  put(text, flags_of(client->file), 2);
}

static bool go(struct client *client, uint32_t option, const uint8_t *data, size_t length,
               enum fault fault)
{
  const struct fuzz_export *file = client->file;
  struct text text = {.length = 0}, sizes = {.length = 0};
  size_t name = length >= 4 ? (size_t)get(data, 4) : 0;

  if (length < 4 || name > length - 4 || !find_export(client, data + 4, name))
    return reply(client, option, FAILURE + 6, "not there", 9, fault);
  put(&text, 0, 2);
  tell_size(client, fault, &text);
  put(&sizes, 3, 2);
  put(&sizes, file->least, 4);
  put(&sizes, file->least, 4);
  put(&sizes, file->most, 4);
  client->chosen = option == GO;
  return (fault == MISSING || reply(client, option, INFORMATION, text.bytes, text.length, fault)) &&
         (file->most == 0 ||
          reply(client, option, INFORMATION, sizes.bytes, sizes.length, RIGHT)) &&
         (fault != OTHER_CHUNK || reply(client, option, INFORMATION, "\0\7?", 3, RIGHT)) &&
         reply(client, option, ACK, "", 0, RIGHT);
}

/* A client that is refused so asks by the name alone. */
static bool by_name(struct client *client, const uint8_t *data, size_t length)
{
  struct text text = {.length = 0};

  if (!find_export(client, data, length))
    return false;
  tell_size(client, RIGHT, &text);
  client->chosen = true;
  return say_text(client, &text);
}

static bool tell_context(const struct client *client, unsigned number, const char *name,
                         enum fault fault)
{
  struct text text = {.length = 0};

  put(&text, number, 4);
  memcpy(text.bytes + text.length, name, strlen(name));
  return reply(client, CONTEXT, TOLD_CONTEXT, text.bytes, text.length + strlen(name), fault);
}

static bool choose_context(struct client *client, const uint8_t *data, size_t length,
                           enum fault fault)
{
  static const char base[] = "base:allocation", bitmap[] = "qemu:dirty-bitmap:it";
  bool told = client->structured && client->file->tells;

  client->tells = told && memmem(data, length, base, sizeof base - 1) != NULL;
  client->marks = told && memmem(data, length, bitmap, sizeof bitmap - 1) != NULL;
  return (!client->marks || tell_context(client, BITMAP, bitmap, RIGHT)) &&
         (!client->tells || tell_context(client, ALLOCATION, base, fault)) &&
         reply(client, CONTEXT, ACK, "", 0, RIGHT);
}

static bool answer_option(struct client *client, uint32_t option, const uint8_t *data,
                          size_t length)
{
  enum fault fault = next_fault(client, option);
  bool known = option == STRUCTURED && client->file->structured;

  if (fault == LOST)
    return false;
  if (fault == SHORT)
    return fuzz_say(client->line, "\0\3\350\211", 4) && false;
  if (fault == REFUSED && option != EXPORT_NAME)
    return reply(client, option, FAILURE + 1 + (uint32_t)length % 9, "refused", 7, RIGHT);
  if ((option == GO || option == INFO) && client->file->go)
    return go(client, option, data, length, fault);
  if (option == EXPORT_NAME)
    return by_name(client, data, length);
  if (option == CONTEXT && client->structured)
    return choose_context(client, data, length, fault);
  client->structured |= known;
  return reply(client, option, known ? ACK : FAILURE + 1, "", 0, fault);
}

/* True: the export is chosen. */
static bool negotiate(struct client *client)
{
  static const uint8_t greeting[] = "NBDMAGICIHAVEOPT\0\3";
  enum fault fault = next_fault(client, 0);
  uint8_t head[16], data[OPTION_MOST];

  if (fault == LOST || !fuzz_say(client->line, greeting, fault == SHORT ? 9 : 18) ||
      fault == SHORT || !fuzz_hear(client->line, head, 4))
    return false;
  for (;;) {
    if (!fuzz_hear(client->line, head, 16))
      return false;
    uint32_t option = (uint32_t)get(head + 8, 4);
    size_t length = (size_t)get(head + 12, 4);
    if (length > sizeof data || !fuzz_hear(client->line, data, length) || option == ABORT ||
        !answer_option(client, option, data, length))
      return false;
    if (client->chosen)
      return true;
  }
}

/* ---- requests ---- */

struct request {
  unsigned flags, command;
  uint64_t cookie, offset;
  uint32_t length;
};

static bool simple(const struct client *client, const struct request *request, uint32_t error,
                   enum fault fault)
{
  struct text text = {.length = 0};

  put(&text, UINT32_C(0x67446698) + (fault == OTHER_MAGIC), 4);
  put(&text, error, 4);
  put(&text, request->cookie + (fault == OTHER_COOKIE), 8);
  if (fault == SHORT)
    text.length -= 5;
  return say_text(client, &text) && fault != SHORT;
}

static bool chunk(const struct client *client, const struct request *request, enum chunk kind,
                  bool done, size_t length, enum fault fault)
{
  struct text text = {.length = 0};

  put(&text, UINT32_C(0x668e33ef) + (fault == OTHER_MAGIC), 4);
  put(&text, done && fault != NEVER_DONE, 2);
  put(&text, fault == OTHER_CHUNK ? 0x4321 : kind, 2);
  put(&text, request->cookie + (fault == OTHER_COOKIE), 8);
  put(&text, length + (fault == TOO_LONG ? 1 << 28 : 0), 4);
  return say_text(client, &text);
}

static bool refuse(const struct client *client, const struct request *request, bool chunks,
                   enum fault fault)
{
  static const uint32_t errors[] = {1, 5, 12, 22, 28, 75, 95, 108, 9999};
  uint32_t error = fault == REFUSED ? errors[(request->offset >> 16) % 9] : 22;
  struct text text = {.length = 0};

  if (!chunks)
    return simple(client, request, error, fault);
  put(&text, error, 4);
  put(&text, 3, 2);
  put(&text, 0x6e6f21, 3);
  if (error == 5)
    put(&text, request->offset, 8);
  return chunk(client, request, error == 5 ? ERROR_AT : ERROR, true, text.length, RIGHT) &&
         say_text(client, &text);
}

/* ---- reading ---- */

static bool say_part(const struct client *client, const struct request *request, size_t from,
                     size_t to, bool done, enum fault fault)
{
  const uint8_t *bytes = client->file->bytes + request->offset + from;
  struct text text = {.length = 0};

  put(&text, request->offset + from + (fault == OUTSIDE ? request->length : 0), 8);
  if (to > from && fault == PIECES && vmf_is_zero(bytes, to - from)) {
    put(&text, to - from, 4);
    return chunk(client, request, HOLE, done, text.length, fault) && say_text(client, &text);
  }
  size_t sent = fault == SHORT ? (to - from) / 2 : to - from;
  return chunk(client, request, DATA, done, to - from + 8, fault) && say_text(client, &text) &&
         fuzz_say(client->line, bytes, sent) && fault != SHORT;
}

static bool say_parts(const struct client *client, const struct request *request, enum fault fault)
{
  size_t length = request->length, half = length / 2 & ~(size_t)511;

  switch (fault) {
  case PIECES:
    return say_part(client, request, 0, half, false, fault) &&
           say_part(client, request, half, length, false, fault) &&
           chunk(client, request, NONE, true, 0, RIGHT);
  case BACKWARDS:
    return say_part(client, request, half, length, false, RIGHT) &&
           say_part(client, request, 0, half, true, RIGHT);
  case TWICE:
    return say_part(client, request, 0, half, false, RIGHT) &&
           say_part(client, request, 0, half, true, RIGHT);
  case MISSING:
    return say_part(client, request, half, length, true, RIGHT);
  case NOTHING:
    return chunk(client, request, NONE, true, 0, RIGHT);
  default:
    return say_part(client, request, 0, length, true, fault);
  }
}

static bool answer_read(const struct client *client, const struct request *request,
                        enum fault fault)
{
  if (client->structured != (fault == OTHER_KIND))
    return say_parts(client, request, fault);
  size_t sent = fault == SHORT ? request->length / 2 : request->length;
  return simple(client, request, 0, fault == SHORT ? RIGHT : fault) &&
         fuzz_say(client->line, client->file->bytes + request->offset, sent) && fault != SHORT;
}

/* ---- where data is ---- */

bool fuzz_nbd_marks(uint64_t offset)
{
  return offset / RUN % 2 > 0;
}

static bool answer_marks(const struct client *client, const struct request *request,
                         enum fault fault)
{
  struct text text = {.length = 0};
  uint64_t at = request->offset, end = at + request->length;

  put(&text, BITMAP, 4);
  for (unsigned i = 0; i < RUNS && at < end && fault != NOTHING; i++) {
    uint64_t part = RUN - at % RUN < end - at ? RUN - at % RUN : end - at;
    put(&text, part, 4);
    put(&text, fuzz_nbd_marks(at), 4);
    at += part;
  }
  return chunk(client, request, EXTENTS, false, text.length, RIGHT) && say_text(client, &text);
}

/* Runs that are zeros, and others. */
static bool answer_status(const struct client *client, const struct request *request,
                          enum fault fault)
{
  struct text text = {.length = 0};
  uint64_t at = request->offset, end = at + request->length;

  if (!client->tells)
    return refuse(client, request, client->structured, fault);
  if (client->marks && !answer_marks(client, request, fault))
    return false;
  put(&text, ALLOCATION + (fault == OUTSIDE ? 9 : 0), 4);
  for (unsigned i = 0; i < RUNS && at < end && fault != NOTHING; i++) {
    uint64_t part = end - at < RUN ? end - at : RUN;
    bool zero = vmf_is_zero(client->file->bytes + at, (size_t)part);
    put(&text, part + (fault == TOO_LONG && i == 2 ? UINT32_C(0xfff00000) : 0), 4);
    put(&text, zero && fault != ALL_DATA && fault != TOO_LONG ? 3 : 0, 4);
    at += part;
  }
  if (fault == TWICE)
    put(&text, 0, 8);
  if (fault == MISSING)
    return chunk(client, request, NONE, true, 0, RIGHT);
  return chunk(client, request, EXTENTS, true, text.length, fault == TOO_LONG ? RIGHT : fault) &&
         say_text(client, &text);
}

/* ---- writing ---- */

static bool answer_write(const struct client *client, const struct request *request,
                         const uint8_t *bytes, enum fault fault)
{
  struct fuzz_export *file = client->file;

  if (request->command == ZEROES && (request->flags & FLAG_FAST) && fault == ALL_DATA)
    return simple(client, request, 95, RIGHT);
  pthread_mutex_lock(&server.lock);
  if (request->command == WRITE)
    memcpy(file->bytes + request->offset, bytes, request->length);
  else
    memset(file->bytes + request->offset, 0, request->length);
  pthread_mutex_unlock(&server.lock);
  if (client->structured == (fault == OTHER_KIND))
    return simple(client, request, 0, fault);
  return client->structured ? chunk(client, request, NONE, true, 0, fault)
                            : simple(client, request, 0, fault);
}

/* Whether the server's export has all of it, and the command is one that it said to have. */
static bool is_possible(const struct fuzz_export *file, const struct request *request)
{
  bool writes = request->command == WRITE || request->command == ZEROES;

  if (request->command > STATUS || (writes && !file->writable) ||
      (request->command == ZEROES && !file->zeroes))
    return false;
  return request->length <= file->size && request->offset <= file->size - request->length;
}

static bool answer(struct client *client, const struct request *request, const uint8_t *bytes)
{
  enum fault fault = next_fault(client, request->offset / 65536 + request->command);
  bool reads = request->command == READ || request->command == STATUS, good;

  pthread_mutex_lock(&server.lock);
  client->file->used = true;
  pthread_mutex_unlock(&server.lock);
  if (fault == LOST)
    return false;
  if (fault == REFUSED || !is_possible(client->file, request))
    good = refuse(client, request, reads && client->structured, fault);
  else if (request->command == READ)
    good = answer_read(client, request, fault);
  else if (request->command == STATUS)
    good = answer_status(client, request, fault);
  else if (request->command == FLUSH)
    good = simple(client, request, 0, fault);
  else
    good = answer_write(client, request, bytes, fault);
  return good && !ends(fault);
}

static bool hear(struct client *client)
{
  uint8_t head[28], *bytes = NULL;

  if (!fuzz_hear(client->line, head, sizeof head))
    return false;
  struct request request = {.flags = (unsigned)get(head + 4, 2),
                            .command = (unsigned)get(head + 6, 2),
                            .cookie = get(head + 8, 8),
                            .offset = get(head + 16, 8),
                            .length = (uint32_t)get(head + 24, 4)};
  bool more = request.command != DISCONNECT;
  if (request.command == WRITE) {
    if (request.length > REQUEST_MOST || !(bytes = malloc(request.length + 1)))
      fuzz_fault("a request of %u bytes", request.length);
    more = fuzz_hear(client->line, bytes, request.length);
  }
  more = more && answer(client, &request, bytes);
  free(bytes);
  return more;
}

static void speak(struct fuzz_line *line)
{
  struct client client = {.line = line};

  pthread_mutex_lock(&server.lock);
  client.file = server.file;
  pthread_mutex_unlock(&server.lock);
  if (client.file && negotiate(&client))
    while (hear(&client))
      ;
}

/* ---- for a target ---- */

unsigned fuzz_nbd_begin(void)
{
  return fuzz_listen(speak);
}

unsigned fuzz_nbd_serve(struct fuzz_export *file)
{
  pthread_mutex_lock(&server.lock);
  server.file = file;
  unsigned number = ++server.number;
  pthread_mutex_unlock(&server.lock);
  return number;
}

void fuzz_nbd_end(void)
{
  pthread_mutex_lock(&server.lock);
  server.file = NULL;
  pthread_mutex_unlock(&server.lock);
  fuzz_disconnect();
}
