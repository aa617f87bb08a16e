/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "lane.h"

#include "memory.h"

enum { BUFFERS = 4, QUEUE = 2 * BUFFERS /* zeros take a place, but no buffer */ };

struct item {
  const uint8_t *bytes; /* NULL: zeros */
  uint64_t length;
};

struct vmf_lane {
  struct vmf_crew_client client; /* first */
  struct vmf_crew *crew;         /* not owned */
  pthread_mutex_t *lock;         /* the crew's */
  vmf_lane_work *work;
  void *context;
  uint8_t *buffers[BUFFERS]; /* each in its turn */
  unsigned buffer_count;
  unsigned pushed; /* buffers; of the caller's thread alone */

  /* The lock guards all below. Not held during work. */
  pthread_cond_t done; /* for the caller: an item is */
  struct item queue[QUEUE];
  unsigned first, count;    /* ring, oldest first; the oldest stays while it is worked on */
  unsigned buffers_waiting; /* in the queue */
  bool working, stop;
  enum vmf_code code; /* the first failure */
  struct vmf_error error;
};

/* Called and returns with the lock held. */
static void work_on_oldest(struct vmf_lane *lane)
{
  struct item item = lane->queue[lane->first];
  struct vmf_error error = {0};
  enum vmf_code code = lane->code;

  lane->working = true;
  pthread_mutex_unlock(lane->lock);
  if (code == VMF_OK)
    code = lane->work(lane->context, item.bytes, item.length, &error);
  pthread_mutex_lock(lane->lock);
  lane->working = false;
  if (lane->code == VMF_OK && code != VMF_OK) {
    lane->code = code;
    lane->error = error;
  }
  lane->first = (lane->first + 1) % QUEUE;
  lane->count--;
  lane->buffers_waiting -= item.bytes != NULL;
  pthread_cond_signal(&lane->done);
}

/* A vmf_crew_client.serve. */
static bool serve(struct vmf_crew_client *client)
{
  struct vmf_lane *lane = (struct vmf_lane *)client;

  if (lane->count == 0 || lane->working || lane->stop)
    return false;
  work_on_oldest(lane);
  return true;
}

static void free_parts(struct vmf_lane *lane)
{
  for (unsigned i = 0; i < lane->buffer_count; i++)
    vmf_free(lane->buffers[i]);
  pthread_cond_destroy(&lane->done);
  vmf_free(lane);
}

enum vmf_code vmf_lane_new(struct vmf_crew *crew, vmf_lane_work *work, void *context,
                           struct vmf_lane **lane, struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  void *memory;

  *lane = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_lane), &memory, error));
  struct vmf_lane *made = memory;
  made->client.serve = serve;
  made->crew = crew;
  made->lock = vmf_crew_lock(crew);
  made->work = work;
  made->context = context;
  pthread_cond_init(&made->done, NULL);
  unsigned count = vmf_crew_threads(crew) > 0 ? BUFFERS : 1;
  while (made->buffer_count < count && code == VMF_OK) {
    code = vmf_alloc_pages(VMF_LANE_BYTES, &memory, error);
    if (code == VMF_OK)
      made->buffers[made->buffer_count++] = memory;
  }
  if (code != VMF_OK) {
    free_parts(made);
    return code;
  }
  vmf_crew_join(crew, &made->client); /* from here on its threads look at all of it */
  *lane = made;
  return VMF_OK;
}

uint8_t *vmf_lane_buffer(struct vmf_lane *lane)
{
  pthread_mutex_lock(lane->lock);
  while (lane->buffers_waiting == lane->buffer_count)
    pthread_cond_wait(&lane->done, lane->lock);
  pthread_mutex_unlock(lane->lock);
  return lane->buffers[lane->pushed % lane->buffer_count];
}

void vmf_lane_push(struct vmf_lane *lane, uint64_t length, const uint8_t *buffer)
{
  pthread_mutex_lock(lane->lock);
  while (lane->count == QUEUE)
    pthread_cond_wait(&lane->done, lane->lock);
  lane->queue[(lane->first + lane->count) % QUEUE] =
      (struct item){.bytes = buffer, .length = length};
  lane->count++;
  lane->buffers_waiting += buffer != NULL;
  lane->pushed += buffer != NULL;
  if (vmf_crew_threads(lane->crew) == 0)
    work_on_oldest(lane);
  else
    vmf_crew_wake(lane->crew);
  pthread_mutex_unlock(lane->lock);
}

enum vmf_code vmf_lane_finish(struct vmf_lane *lane, struct vmf_error *error)
{
  pthread_mutex_lock(lane->lock);
  while (lane->count > 0)
    pthread_cond_wait(&lane->done, lane->lock);
  enum vmf_code code = lane->code;
  if (code != VMF_OK && error)
    *error = lane->error;
  pthread_mutex_unlock(lane->lock);
  return code;
}

void vmf_lane_free(struct vmf_lane *lane)
{
  if (!lane)
    return;
  pthread_mutex_lock(lane->lock);
  lane->stop = true;
  pthread_mutex_unlock(lane->lock);
  vmf_crew_leave(lane->crew, &lane->client);
  free_parts(lane);
}
