/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The threads that bring blocks: each has a connection, and takes what is wanted: what
 * somebody waits for first, then in the order in which it was asked for. They start when they are
 * needed, and end when nobody has the file open.
 */
#include "carriers.h"

#include <errno.h>
#include <inttypes.h>

#include "checked.h"
#include "memory.h"
#include "thread.h"
#include "tries.h"

/* Blocks of one request, by their place in remote->blocks. */
struct chosen {
  struct vmf_load load;
  struct vmf_remote_block *list[VMF_REMOTE_LOAD];
  unsigned count;
};

static struct vmf_remote_block *find_wanted(struct vmf_remote *remote, uint64_t index)
{
  for (size_t i = 0; i < VMF_REMOTE_BLOCKS; i++)
    if (remote->blocks[i].state == VMF_BLOCK_WANTED && remote->blocks[i].index == index)
      return &remote->blocks[i];
  return NULL;
}

/* Somebody waits for it, or it was asked for before. */
static bool is_before(const struct vmf_remote_block *block, const struct vmf_remote_block *other)
{
  if ((block->pins > 0) != (other->pins > 0))
    return block->pins > 0;
  return block->stamp < other->stamp;
}

static struct vmf_remote_block *first_wanted(struct vmf_remote *remote)
{
  struct vmf_remote_block *first = NULL;

  for (size_t i = 0; i < VMF_REMOTE_BLOCKS; i++)
    if (remote->blocks[i].state == VMF_BLOCK_WANTED &&
        (!first || is_before(&remote->blocks[i], first)))
      first = &remote->blocks[i];
  return first;
}

/* The block that was wanted first, and those behind it. False: nothing is to be done. */
static bool choose(struct vmf_remote *remote, struct chosen *chosen)
{
  struct vmf_remote_block *block = remote->loading < remote->allowed ? first_wanted(remote) : NULL;
  const struct vmf_transport *transport = remote->transport;

  chosen->count = 0;
  chosen->load = (struct vmf_load){.offset = block ? block->index * VMF_REMOTE_BLOCK : 0};
  while (block && chosen->count < transport->load) {
    uint64_t rest = transport->size - block->index * VMF_REMOTE_BLOCK;
    block->state = VMF_BLOCK_LOADING;
    chosen->load.blocks[chosen->count] = block->bytes;
    chosen->load.length += (size_t)vmf_min(rest, VMF_REMOTE_BLOCK);
    chosen->list[chosen->count++] = block;
    block = find_wanted(remote, block->index + 1);
  }
  return chosen->count > 0;
}

static enum vmf_code try_once(struct vmf_remote *remote, void **line, const struct vmf_load *load,
                              struct vmf_attempt *attempt, struct vmf_error *error)
{
  struct vmf_transport *transport = remote->transport;

  if (!*line)
    VMF_TRY(transport->ops->connect(transport, line, attempt, error));
  return transport->ops->fetch(transport, *line, load, attempt, error);
}

/* Fewer requests at a time, for good. */
static void slow_down(struct vmf_remote *remote)
{
  pthread_mutex_lock(&remote->lock);
  remote->allowed = (unsigned)vmf_max(1, remote->allowed / 2);
  pthread_mutex_unlock(&remote->lock);
}

static enum vmf_code bring(struct vmf_remote *remote, void **line, const struct vmf_load *load,
                           struct vmf_error *error)
{
  struct vmf_transport *transport = remote->transport;
  struct vmf_tries tries = {0};
  struct vmf_attempt attempt;

  do {
    attempt = (struct vmf_attempt){0};
    if (try_once(remote, line, load, &attempt, error) == VMF_OK)
      return VMF_OK;
    if (attempt.lost && *line) {
      transport->ops->disconnect(transport, *line);
      *line = NULL;
    }
    if (attempt.busy)
      slow_down(remote);
  } while (vmf_tries_again(&tries, &attempt, &transport->ended, error));
  return error->code;
}

/* The lock is held. */
static void settle(struct vmf_remote *remote, const struct chosen *chosen, enum vmf_code code,
                   const struct vmf_error *error)
{
  for (unsigned i = 0; i < chosen->count; i++) {
    chosen->list[i]->state = code == VMF_OK              ? VMF_BLOCK_READY
                             : chosen->list[i]->pins > 0 ? VMF_BLOCK_FAILED
                                                         : VMF_BLOCK_EMPTY;
    if (code != VMF_OK)
      chosen->list[i]->error = *error;
  }
  remote->stale |= code == VMF_CHANGED;
  pthread_cond_broadcast(&remote->arrived);
}

static void *carry(void *data)
{
  struct vmf_remote *remote = data;
  struct chosen chosen;
  void *line = NULL;

  pthread_mutex_lock(&remote->lock);
  while (!remote->stopping) {
    if (!choose(remote, &chosen)) {
      pthread_cond_wait(&remote->wanted, &remote->lock);
      continue;
    }
    struct vmf_error error = {0};
    remote->idle--;
    remote->loading++;
    pthread_mutex_unlock(&remote->lock);
    enum vmf_code code = bring(remote, &line, &chosen.load, &error);
    pthread_mutex_lock(&remote->lock);
    remote->loading--;
    remote->idle++;
    settle(remote, &chosen, code, &error);
  }
  pthread_mutex_unlock(&remote->lock);
  if (line)
    remote->transport->ops->disconnect(remote->transport, line);
  return NULL;
}

static int start(struct vmf_remote *remote)
{
  int result = vmf_thread_start(&remote->threads[remote->thread_count], carry, remote);

  if (result == 0) {
    remote->thread_count++;
    remote->idle++;
  }
  return result;
}

static unsigned wanted_blocks(const struct vmf_remote *remote)
{
  unsigned count = 0;

  for (size_t i = 0; i < VMF_REMOTE_BLOCKS; i++)
    count += remote->blocks[i].state == VMF_BLOCK_WANTED;
  return count;
}

enum vmf_code vmf_carriers_call(struct vmf_remote *remote, struct vmf_error *error)
{
  const struct vmf_transport *transport = remote->transport;
  unsigned loads = (unsigned)vmf_div_up(wanted_blocks(remote), transport->load);
  unsigned most = (unsigned)vmf_min(transport->lines, VMF_REMOTE_LINES);
  int result = 0;

  while (loads > remote->idle && remote->thread_count < most && result == 0)
    result = start(remote);
  for (unsigned i = 0; i < vmf_min(loads, remote->idle); i++)
    pthread_cond_signal(&remote->wanted);
  if (remote->thread_count > 0)
    return VMF_OK;
  errno = result;
  return result == 0 ? VMF_OK
                     : vmf_fail_errno(error, VMF_SYSTEM, "%s: no thread to read it", remote->name);
}

void vmf_remote_rest(struct vmf_remote *remote)
{
  pthread_mutex_lock(&remote->lock);
  remote->stopping = true;
  atomic_store(&remote->transport->ended, true);
  pthread_cond_broadcast(&remote->wanted);
  pthread_mutex_unlock(&remote->lock);
  for (unsigned i = 0; i < remote->thread_count; i++)
    pthread_join(remote->threads[i], NULL);
  for (size_t i = 0; i < VMF_REMOTE_BLOCKS; i++)
    if (remote->blocks[i].state != VMF_BLOCK_READY)
      remote->blocks[i].state = VMF_BLOCK_EMPTY;
  atomic_store(&remote->transport->ended, false);
  remote->thread_count = remote->idle = remote->loading = 0;
  remote->stopping = false;
}
