/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "choices.h"
#include "scratch_files.h"

enum { CONNECTIONS_MOST = 64 };

struct listener {
  int socket;
  fuzz_speak *speak;
};

static struct {
  pthread_mutex_t lock;
  pthread_cond_t left;
  int sockets[CONNECTIONS_MOST];
  unsigned count;
} connected = {.lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER};

/* ---- connections ---- */

static bool enter(int socket)
{
  pthread_mutex_lock(&connected.lock);
  bool room = connected.count < CONNECTIONS_MOST;
  if (room)
    connected.sockets[connected.count++] = socket;
  pthread_mutex_unlock(&connected.lock);
  return room;
}

static void leave(int socket)
{
  pthread_mutex_lock(&connected.lock);
  for (unsigned i = 0; i < connected.count; i++)
    if (connected.sockets[i] == socket) {
      connected.sockets[i] = connected.sockets[--connected.count];
      break;
    }
  close(socket);
  pthread_cond_broadcast(&connected.left);
  pthread_mutex_unlock(&connected.lock);
}

static void *serve(void *data)
{
  struct listener own = *(struct listener *)data;
  struct fuzz_line *line = calloc(1, sizeof *line);
  const int now = 1;

  free(data);
  if (!line)
    fuzz_fault("no memory");
  setsockopt(own.socket, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
  line->socket = own.socket;
  own.speak(line);
  free(line);
  leave(own.socket);
  return NULL;
}

static void start(int socket, fuzz_speak *speak)
{
  struct listener *own = malloc(sizeof *own);
  pthread_t thread;

  if (!own)
    fuzz_fault("no memory");
  *own = (struct listener){socket, speak};
  if (!enter(socket)) {
    close(socket);
    free(own);
    return;
  }
  if (pthread_create(&thread, NULL, serve, own) != 0)
    fuzz_fault("no thread");
  pthread_detach(thread);
}

static void *listen_on(void *data)
{
  const struct listener *listener = data;

  for (;;) {
    int socket = accept4(listener->socket, NULL, NULL, SOCK_CLOEXEC);
    if (socket >= 0)
      start(socket, listener->speak);
  }
  return NULL;
}

unsigned fuzz_listen(fuzz_speak *speak)
{
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct listener *listener = malloc(sizeof *listener); /* stays */
  socklen_t length = sizeof place;
  pthread_t thread;

  if (!listener)
    fuzz_fault("no memory");
  *listener = (struct listener){socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), speak};
  if (listener->socket < 0 ||
      bind(listener->socket, (struct sockaddr *)&place, sizeof place) != 0 ||
      listen(listener->socket, CONNECTIONS_MOST) != 0 ||
      getsockname(listener->socket, (struct sockaddr *)&place, &length) != 0 ||
      pthread_create(&thread, NULL, listen_on, listener) != 0)
    fuzz_fault("no socket to listen on");
  pthread_detach(thread);
  return ntohs(place.sin_port);
}

void fuzz_disconnect(void)
{
  pthread_mutex_lock(&connected.lock);
  for (unsigned i = 0; i < connected.count; i++)
    shutdown(connected.sockets[i], SHUT_RDWR);
  while (connected.count > 0)
    pthread_cond_wait(&connected.left, &connected.lock);
  pthread_mutex_unlock(&connected.lock);
}

/* ---- bytes ---- */

static bool fill(struct fuzz_line *line)
{
  ssize_t got = recv(line->socket, line->heard, sizeof line->heard, 0);

  line->start = 0;
  line->end = got > 0 ? (size_t)got : 0;
  return got > 0;
}

bool fuzz_hear(struct fuzz_line *line, void *bytes, size_t length)
{
  uint8_t *out = bytes;

  while (length > 0) {
    if (line->start == line->end && !fill(line))
      return false;
    size_t have = line->end - line->start, part = length < have ? length : have;
    memcpy(out, line->heard + line->start, part);
    line->start += part;
    out += part;
    length -= part;
  }
  return true;
}

bool fuzz_say(const struct fuzz_line *line, const void *bytes, size_t length)
{
  const uint8_t *rest = bytes;

  while (length > 0) {
    ssize_t sent = send(line->socket, rest, length, MSG_NOSIGNAL);
    if (sent <= 0)
      return false;
    rest += sent;
    length -= (size_t)sent;
  }
  return true;
}

bool fuzz_hear_text(struct fuzz_line *line, char *text, size_t size)
{
  size_t length = 0;

  for (;;) {
    char one;
    if (length + 1 >= size || !fuzz_hear(line, &one, 1))
      return false;
    if (one == '\n')
      break;
    text[length++] = one;
  }
  length -= length > 0 && text[length - 1] == '\r';
  text[length] = '\0';
  return true;
}

/* ---- what is done wrong ---- */

void fuzz_plan_choose(struct fuzz_choices *choices, struct fuzz_plan *plan)
{
  *plan = (struct fuzz_plan){.good = fuzz_chance(choices, 3)};
  for (unsigned i = 0; i < FUZZ_PLAN && !plan->good; i++)
    plan->faults[i] = (uint8_t)fuzz_byte(choices);
}

/* Most answers are right, so that what comes behind them is reached, too. */
unsigned fuzz_plan_next(struct fuzz_plan *plan, uint64_t about, unsigned faults)
{
  enum { RIGHT = 160 };
  unsigned key = (unsigned)(about % FUZZ_PLAN), count = plan->asked[key]++;
  unsigned choice = plan->faults[(key * 5 + count) % FUZZ_PLAN];

  return choice < RIGHT ? 0 : 1 + (choice - RIGHT) % (faults - 1);
}
