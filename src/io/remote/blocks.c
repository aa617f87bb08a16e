/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The blocks of a remote file: which are kept, and which are asked for before somebody needs
 * them. */
#include <inttypes.h>
#include <string.h>

#include "cancel.h"
#include "carriers.h"
#include "checked.h"
#include "memory.h"
#include "remote_settings.h"
#include "thread.h"
#include "tries.h"

enum { LOOK_MS = 200 }; /* between two looks at who wants it to end */

enum vmf_code vmf_remote_new(struct vmf_transport *transport, const char *name,
                             struct vmf_remote **remote, struct vmf_error *error)
{
  void *memory;
  char *copy = NULL;
  enum vmf_code code = vmf_copy_text(name, &copy, error);

  if (code == VMF_OK)
    code = vmf_alloc(sizeof **remote, &memory, error);
  if (code != VMF_OK) {
    vmf_free(copy);
    transport->ops->close(transport);
    return code;
  }
  *remote = memory;
  (*remote)->transport = transport;
  (*remote)->name = copy;
  (*remote)->allowed = VMF_REMOTE_LINES;
  pthread_mutex_init(&(*remote)->lock, NULL);
  pthread_cond_init(&(*remote)->wanted, NULL);
  vmf_steady_condition(&(*remote)->arrived);
  return VMF_OK;
}

void vmf_remote_free(struct vmf_remote *remote)
{
  remote->transport->ops->close(remote->transport);
  vmf_free(remote->memory);
  pthread_cond_destroy(&remote->wanted);
  pthread_cond_destroy(&remote->arrived);
  pthread_mutex_destroy(&remote->lock);
  vmf_free(remote->name);
  vmf_free(remote);
}

/* ---- which are kept: the lock is held ---- */

static struct vmf_remote_block *find(struct vmf_remote *remote, uint64_t index)
{
  for (size_t i = 0; i < VMF_REMOTE_BLOCKS; i++)
    if (remote->blocks[i].state != VMF_BLOCK_EMPTY && remote->blocks[i].index == index)
      return &remote->blocks[i];
  return NULL;
}

static bool was_read(const struct vmf_remote_block *block)
{
  return block->state == VMF_BLOCK_READY && block->pins == 0 && block->read;
}

/* Whether it is among those that were read longest ago. */
static bool is_old(const struct vmf_remote *remote, const struct vmf_remote_block *block)
{
  unsigned older = 0;

  for (size_t i = 0; i < VMF_REMOTE_BLOCKS; i++)
    older += was_read(&remote->blocks[i]) && remote->blocks[i].stamp < block->stamp;
  return older < remote->transport->load;
}

/* The place behind that of the block before, if it is as good as any: so one request can fill both.
 */
static struct vmf_remote_block *find_next_place(struct vmf_remote *remote, uint64_t index)
{
  struct vmf_remote_block *place = index > 0 ? find(remote, index - 1) : NULL;

  if (!place || ++place == remote->blocks + VMF_REMOTE_BLOCKS)
    return NULL;
  return place->state == VMF_BLOCK_EMPTY || (was_read(place) && is_old(remote, place)) ? place
                                                                                       : NULL;
}

/* An empty one, or the one that was read longest ago. What nobody has read yet goes only where
 * somebody waits for another. */
static struct vmf_remote_block *find_place(struct vmf_remote *remote, bool ahead)
{
  struct vmf_remote_block *oldest = NULL;

  for (size_t i = 0; i < VMF_REMOTE_BLOCKS; i++) {
    struct vmf_remote_block *block = &remote->blocks[i];
    if (block->state == VMF_BLOCK_EMPTY)
      return block;
    if (block->state != VMF_BLOCK_READY || block->pins > 0 || (ahead && !block->read))
      continue;
    if (!oldest || (block->read && !oldest->read) ||
        (block->read == oldest->read && block->stamp < oldest->stamp))
      oldest = block;
  }
  return oldest;
}

/* What nobody has used yet takes no room. */
static enum vmf_code make_memory(struct vmf_remote *remote, struct vmf_error *error)
{
  void *memory;

  if (remote->memory)
    return VMF_OK;
  VMF_TRY(vmf_alloc_pages((size_t)VMF_REMOTE_BLOCKS * VMF_REMOTE_BLOCK, &memory, error));
  remote->memory = memory;
  for (size_t i = 0; i < VMF_REMOTE_BLOCKS; i++)
    remote->blocks[i].bytes = remote->memory + i * VMF_REMOTE_BLOCK;
  return VMF_OK;
}

/* *block: NULL where there is no place now. */
static enum vmf_code want(struct vmf_remote *remote, uint64_t index, bool ahead,
                          struct vmf_remote_block **block, struct vmf_error *error)
{
  *block = find(remote, index);
  if (*block)
    return VMF_OK;
  struct vmf_remote_block *place = find_next_place(remote, index);
  if (!place)
    place = find_place(remote, ahead);
  if (!place)
    return VMF_OK;
  VMF_TRY(make_memory(remote, error));
  place->state = VMF_BLOCK_WANTED;
  place->index = index;
  place->stamp = remote->clock++;
  place->pins = 0;
  place->read = false;
  *block = place;
  return VMF_OK;
}

/* ---- ahead ---- */

/* The block behind the last one that may be asked for before somebody reads it. */
static uint64_t end_of_ahead(const struct vmf_remote *remote, uint64_t offset)
{
  uint64_t end = remote->transport->size;

  if (offset >= remote->data_start && offset < remote->data_end)
    end = vmf_min(end, remote->data_end);
  return vmf_div_up(end, VMF_REMOTE_BLOCK);
}

/* Who reads one block behind the other gets more and more of them before, in whole requests. `last`
 * is the last block of the read itself. No memory for it is no error. */
static void look_ahead(struct vmf_remote *remote, uint64_t index, uint64_t last)
{
  const unsigned load = remote->transport->load;
  struct vmf_error ignored;
  struct vmf_remote_block *block = find(remote, index);

  if (block && block->read && last == index)
    return;
  if (!block || !block->read)
    remote->window = index > 0 && find(remote, index - 1)
                         ? (unsigned)vmf_min(4 * vmf_max(remote->window, 2), VMF_REMOTE_WINDOW)
                         : remote->window / 2;
  uint64_t end = last + 1;
  if (remote->window > 0)
    end = vmf_max(end, vmf_div_up(index + 1 + remote->window, load) * load);
  end = vmf_min(end, vmf_max(last + 1, end_of_ahead(remote, index * VMF_REMOTE_BLOCK)));
  block = NULL;
  for (uint64_t i = index + 1; i < end; i++)
    if (want(remote, i, true, &block, &ignored) != VMF_OK || !block)
      return;
}

/* Who looks at the beginning to learn what the file is looks at its end next. */
static void look_at_end(struct vmf_remote *remote)
{
  const uint64_t size = remote->transport->size;
  struct vmf_remote_block *block;
  struct vmf_error ignored;

  if (!remote->transport->ops->stream)
    (void)!want(remote, (size - 1) / VMF_REMOTE_BLOCK, true, &block, &ignored);
}

/* ---- reading ---- */

static enum vmf_code wait_for(struct vmf_remote *remote, const struct vmf_remote_block *block,
                              struct vmf_error *error)
{
  while (block->state == VMF_BLOCK_WANTED || block->state == VMF_BLOCK_LOADING) {
    VMF_TRY(vmf_cancelled(vmf_remote_settings()->cancel, error));
    vmf_wait_a_while(&remote->arrived, &remote->lock, LOOK_MS);
  }
  if (block->state == VMF_BLOCK_READY)
    return VMF_OK;
  return vmf_fail_again(&block->error, error);
}

/* The block, asked for and pinned. */
static enum vmf_code pin(struct vmf_remote *remote, uint64_t index, uint64_t last,
                         struct vmf_remote_block **block, struct vmf_error *error)
{
  for (;;) {
    bool fresh = !find(remote, index);
    VMF_TRY(want(remote, index, false, block, error));
    if (*block)
      (*block)->pins++;
    if (*block && (fresh || !(*block)->read || last > index))
      look_ahead(remote, index, last);
    if (*block && fresh && index == 0)
      look_at_end(remote);
    enum vmf_code code = *block ? vmf_carriers_call(remote, error) : VMF_OK;
    if (code != VMF_OK)
      (*block)->pins--;
    if (*block || code != VMF_OK)
      return code;
    VMF_TRY(vmf_cancelled(vmf_remote_settings()->cancel, error));
    vmf_wait_a_while(&remote->arrived, &remote->lock, LOOK_MS);
  }
}

static void unpin(struct vmf_remote *remote, struct vmf_remote_block *block)
{
  block->pins--;
  block->stamp = remote->clock++;
  if (block->pins > 0)
    return;
  if (block->state == VMF_BLOCK_FAILED) /* another read asks for it again */
    block->state = VMF_BLOCK_EMPTY;
  pthread_cond_broadcast(&remote->arrived);
}

static enum vmf_code read_block(struct vmf_remote *remote, uint64_t index, uint64_t last,
                                uint8_t *buffer, size_t length, size_t start,
                                struct vmf_error *error)
{
  struct vmf_remote_block *block;

  pthread_mutex_lock(&remote->lock);
  enum vmf_code code = pin(remote, index, last, &block, error);
  if (code == VMF_OK) {
    code = wait_for(remote, block, error);
    if (code == VMF_OK) {
      pthread_mutex_unlock(&remote->lock);
      memcpy(buffer, block->bytes + start, length);
      pthread_mutex_lock(&remote->lock);
      block->read = true;
    }
    unpin(remote, block);
  }
  pthread_mutex_unlock(&remote->lock);
  return code;
}

enum vmf_code vmf_remote_read(struct vmf_remote *remote, void *buffer, size_t length,
                              uint64_t offset, struct vmf_error *error)
{
  const uint64_t last = (offset + length - 1) / VMF_REMOTE_BLOCK;
  uint8_t *out = buffer;

  while (length > 0) {
    size_t start = offset % VMF_REMOTE_BLOCK;
    size_t part = (size_t)vmf_min(length, VMF_REMOTE_BLOCK - start);
    VMF_TRY(read_block(remote, offset / VMF_REMOTE_BLOCK, last, out, part, start, error));
    out += part;
    offset += part;
    length -= part;
  }
  return VMF_OK;
}

/* ---- holes ---- */

static bool remembers(struct vmf_remote *remote, uint64_t offset, uint64_t *start, uint64_t *end)
{
  pthread_mutex_lock(&remote->lock);
  bool known = offset >= remote->data_start && offset < remote->data_end;
  *start = offset;
  *end = remote->data_end;
  pthread_mutex_unlock(&remote->lock);
  return known;
}

/* The next range that a transport tells of, by one of its calls, which is tried again. */
static enum vmf_code ask_next(struct vmf_transport *transport, vmf_transport_next *next,
                              uint64_t offset, uint64_t *start, uint64_t *end,
                              struct vmf_error *error)
{
  struct vmf_tries tries = {0};
  struct vmf_error why = {0};
  struct vmf_attempt attempt;
  enum vmf_code code;

  do {
    attempt = (struct vmf_attempt){0};
    code = next(transport, offset, start, end, &attempt, &why);
  } while (code != VMF_OK && vmf_tries_again(&tries, &attempt, &transport->ended, &why));
  return code == VMF_OK ? VMF_OK : vmf_fail_again(&why, error);
}

enum vmf_code vmf_remote_next_data(struct vmf_remote *remote, uint64_t offset, uint64_t *start,
                                   uint64_t *end, struct vmf_error *error)
{
  struct vmf_transport *transport = remote->transport;

  *start = offset;
  *end = transport->size;
  if (!transport->ops->next_data || remembers(remote, offset, start, end))
    return VMF_OK;
  VMF_TRY(ask_next(transport, transport->ops->next_data, offset, start, end, error));
  pthread_mutex_lock(&remote->lock);
  remote->data_start = *start;
  remote->data_end = *end;
  pthread_mutex_unlock(&remote->lock);
  return VMF_OK;
}

/* ---- bitmaps ---- */

enum vmf_code vmf_remote_choose_bitmap(struct vmf_remote *remote, const char *name,
                                       struct vmf_error *error)
{
  struct vmf_transport *transport = remote->transport;
  struct vmf_tries tries = {0};
  struct vmf_error why = {0};
  struct vmf_attempt attempt;
  enum vmf_code code;

  if (!transport->ops->choose_bitmap)
    return vmf_fail(error, VMF_USAGE, "%s: has no bitmaps of changed blocks; NBD servers have",
                    transport->name);
  do {
    attempt = (struct vmf_attempt){0};
    code = transport->ops->choose_bitmap(transport, name, &attempt, &why);
  } while (code != VMF_OK && vmf_tries_again(&tries, &attempt, &transport->ended, &why));
  return code == VMF_OK ? VMF_OK : vmf_fail_again(&why, error);
}

enum vmf_code vmf_remote_next_marked(struct vmf_remote *remote, uint64_t offset, uint64_t *start,
                                     uint64_t *end, struct vmf_error *error)
{
  struct vmf_transport *transport = remote->transport;

  return ask_next(transport, transport->ops->next_marked, offset, start, end, error);
}
