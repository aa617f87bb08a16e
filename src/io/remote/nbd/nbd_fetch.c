/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Reading from an export: the requests of one load, all under way at once. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "checked.h"
#include "nbd_client.h"

enum {
  REQUESTS_MOST = 64, /* of a load, under way at once */
  MEDIA_TRIES = 3,
};

/* One load while it is under way. */
struct fetching {
  const struct vmf_nbd_export *nbd;
  struct vmf_nbd_channel *channel;
  struct vmf_nbd_user user;
  const struct vmf_load *load;
  size_t sent; /* bytes of it that were asked for */
  unsigned count;
  unsigned came, awaited;         /* of the answers: how many are there, and are worth a look */
  int64_t cookies[REQUESTS_MOST]; /* of what was not collected yet */
  uint64_t offsets[REQUESTS_MOST];
  struct vmf_nbd_chunks chunks;
};

static enum vmf_code media_failed(const struct fetching *fetching, uint64_t offset,
                                  struct vmf_attempt *attempt, struct vmf_error *error)
{
  char what[64];
  int number = vmf_nbd.nbd_get_errno();

  snprintf(what, sizeof what, "reading at byte %" PRIu64, offset);
  enum vmf_code code = vmf_nbd_failed(fetching->nbd->transport.name, fetching->channel->handle,
                                      what, attempt, error);
  if (number != EIO || attempt->lost)
    return code;
  attempt->again = true; /* the server could not read */
  attempt->lasting = true;
  attempt->most_tries = MEDIA_TRIES;
  return code;
}

/* An nbd_completion_callback; the lock of the channel is held. The answer stays to be collected. */
static int on_part(void *data, int *error)
{
  struct fetching *fetching = data;

  (void)error;
  fetching->came++;
  vmf_nbd_channel_answered(fetching->channel, &fetching->user, fetching->came >= fetching->awaited);
  return 0;
}

/* The bytes of a load from `at` on whose places are one behind the other. */
static size_t joined(const struct vmf_load *load, size_t at)
{
  size_t i = at / VMF_REMOTE_BLOCK, end = (i + 1) * VMF_REMOTE_BLOCK;

  while (end < load->length && load->blocks[i + 1] == load->blocks[i] + VMF_REMOTE_BLOCK) {
    end += VMF_REMOTE_BLOCK;
    i++;
  }
  return vmf_min(end, load->length) - at;
}

/* As many requests as there is room for in the list: the server may want small ones. */
static enum vmf_code send_more(struct fetching *fetching, struct vmf_attempt *attempt,
                               struct vmf_error *error)
{
  const nbd_completion_callback callback = {.callback = on_part, .user_data = fetching};
  const struct vmf_load *load = fetching->load;

  while (fetching->sent < load->length && fetching->count < REQUESTS_MOST) {
    const size_t at = fetching->sent, in_block = at % VMF_REMOTE_BLOCK;
    const size_t length = vmf_min(fetching->nbd->most, joined(load, at));
    int64_t cookie = vmf_nbd.nbd_aio_pread_structured(
        fetching->channel->handle, load->blocks[at / VMF_REMOTE_BLOCK] + in_block, length,
        load->offset + at, vmf_nbd_chunks_take(&fetching->chunks), callback, 0);
    if (cookie < 0)
      return media_failed(fetching, load->offset + at, attempt, error);
    fetching->offsets[fetching->count] = load->offset + at;
    fetching->cookies[fetching->count++] = cookie;
    fetching->sent += length;
  }
  return VMF_OK;
}

/* Takes what has come out of the list. */
static enum vmf_code collect(struct fetching *fetching, struct vmf_attempt *attempt,
                             struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  unsigned left = 0;

  fetching->came = 0;
  for (unsigned i = 0; i < fetching->count; i++) {
    int done = vmf_nbd.nbd_aio_command_completed(fetching->channel->handle,
                                                 (uint64_t)fetching->cookies[i]);
    if (done < 0 && code == VMF_OK)
      code = media_failed(fetching, fetching->offsets[i], attempt, error);
    if (done != 0)
      continue;
    fetching->cookies[left] = fetching->cookies[i];
    fetching->offsets[left++] = fetching->offsets[i];
  }
  fetching->count = left;
  return code;
}

/* What was sent goes to the blocks until the answer has come, so all answers are waited for, or the
 * connection is given up. Where more is to be sent than there is room for, that goes out while half
 * of it is under way. The lock of the channel is held. */
static enum vmf_code fetch_by(struct fetching *fetching, struct vmf_attempt *attempt,
                              struct vmf_error *error)
{
  enum vmf_code code = send_more(fetching, attempt, error);
  struct vmf_error later;

  while (fetching->count > 0 && !attempt->lost) {
    struct vmf_error *why = code == VMF_OK ? error : &later;
    bool more = code == VMF_OK && fetching->sent < fetching->load->length;
    enum vmf_code now;
    fetching->awaited = more ? (fetching->count + 1) / 2 : fetching->count;
    if (fetching->came >= fetching->awaited)
      now = collect(fetching, attempt, why);
    else
      now = vmf_nbd_listen_on(fetching->nbd, fetching->channel, &fetching->user, attempt, why);
    if (code == VMF_OK)
      code = now;
    if (code == VMF_OK)
      code = send_more(fetching, attempt, error);
  }
  return code == VMF_OK
             ? vmf_nbd_chunks_check(&fetching->chunks, fetching->nbd->transport.name,
                                    fetching->load->offset,
                                    fetching->load->offset + fetching->load->length, error)
             : code;
}

enum vmf_code vmf_nbd_fetch(struct vmf_transport *transport, void *line,
                            const struct vmf_load *load, struct vmf_attempt *attempt,
                            struct vmf_error *error)
{
  struct vmf_nbd_export *nbd = (struct vmf_nbd_export *)transport;
  struct fetching fetching = {.nbd = nbd, .load = load};

  VMF_TRY(vmf_nbd_channel_of(nbd, line, &fetching.channel, error));
  pthread_mutex_lock(&fetching.channel->lock);
  enum vmf_code code =
      vmf_nbd_enter(fetching.nbd, fetching.channel, &fetching.user, attempt, error);
  if (code == VMF_OK) {
    code = fetch_by(&fetching, attempt, error);
    vmf_nbd_channel_leave(fetching.channel, &fetching.user, attempt->lost);
  }
  pthread_mutex_unlock(&fetching.channel->lock);
  return code;
}
