/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "s3_sender.h"

#include <errno.h>

#include "cancel.h"
#include "list.h"
#include "memory.h"
#include "remote_settings.h"
#include "thread.h"

enum {
  ON_THE_WAY = 64 << 20, /* bytes of full parts; one may have more */
  LOOK_MS = 200,         /* between two looks at who wants it to end */
};

void vmf_s3_bytes_free(struct vmf_s3_bytes *list)
{
  while (list) {
    struct vmf_s3_bytes *next = list->next;
    vmf_free(list->bytes);
    vmf_free(list);
    list = next;
  }
}

/* ---- a thread ---- */

/* The lock is held. */
static struct vmf_s3_bytes *take_first(struct vmf_s3_sender *sender)
{
  struct vmf_s3_bytes *part = sender->first;

  sender->first = part->next;
  if (!sender->first)
    sender->last = &sender->first;
  part->next = NULL;
  return part;
}

/* The lock is held. */
static void settle(struct vmf_s3_sender *sender, const struct vmf_s3_bytes *part,
                   const struct vmf_s3_part *sent, enum vmf_code code,
                   const struct vmf_error *error)
{
  sender->on_the_way -= part->size;
  if (code == VMF_OK)
    sender->sent[part->number - 1] = *sent;
  else if (sender->error.code == VMF_OK)
    sender->error = *error;
  pthread_cond_broadcast(&sender->done);
}

/* What is at the store already is not sent again. */
static enum vmf_code send_part(struct vmf_s3_sender *sender, struct vmf_web_line *line,
                               const struct vmf_s3_bytes *part, struct vmf_s3_part *sent,
                               struct vmf_error *error)
{
  bool there = false;

  if (sender->silent)
    return vmf_s3_foresee(part->bytes, part->used, sent, error);
  if (sender->there)
    VMF_TRY(vmf_s3_is_there(&sender->there[part->number - 1], part->bytes, part->used, &there, sent,
                            error));
  return there ? VMF_OK
               : vmf_s3_put_part(sender->upload, line, part->number, part->bytes, part->used, sent,
                                 error);
}

static void *carry(void *data)
{
  struct vmf_s3_sender *sender = data;
  struct vmf_web_line line = {0};

  pthread_mutex_lock(&sender->lock);
  while (!sender->stopping) {
    if (!sender->first) {
      pthread_cond_wait(&sender->work, &sender->lock);
      continue;
    }
    struct vmf_s3_bytes *part = take_first(sender);
    bool failed = sender->error.code != VMF_OK;
    struct vmf_s3_part sent = {0};
    struct vmf_error error = sender->error;
    sender->idle--;
    pthread_mutex_unlock(&sender->lock);
    enum vmf_code code = failed ? error.code : send_part(sender, &line, part, &sent, &error);
    pthread_mutex_lock(&sender->lock);
    sender->idle++;
    settle(sender, part, &sent, code, &error);
    vmf_s3_bytes_free(part);
  }
  pthread_mutex_unlock(&sender->lock);
  vmf_web_line_close(&line);
  return NULL;
}

/* ---- the caller's ---- */

/* The lock is held. */
static enum vmf_code call_thread(struct vmf_s3_sender *sender, struct vmf_error *error)
{
  int result = 0;

  if (sender->idle == 0 && sender->count < VMF_S3_SENDERS) {
    result = vmf_thread_start(&sender->threads[sender->count], carry, sender);
    sender->count += result == 0;
    sender->idle += result == 0;
  }
  pthread_cond_signal(&sender->work);
  errno = result;
  return sender->count > 0
             ? VMF_OK
             : vmf_fail_errno(error, VMF_SYSTEM, "%s: no thread to send it", sender->upload->name);
}

/* Until no more than `most` bytes are on their way. The lock is held. */
static enum vmf_code wait_for(struct vmf_s3_sender *sender, uint64_t most, struct vmf_error *error)
{
  while (sender->on_the_way > most && sender->error.code == VMF_OK) {
    VMF_TRY(vmf_cancelled(vmf_remote_settings()->cancel, error));
    vmf_wait_a_while(&sender->done, &sender->lock, LOOK_MS);
  }
  return sender->error.code == VMF_OK ? VMF_OK : vmf_fail_again(&sender->error, error);
}

/* The lock is held. */
static enum vmf_code enqueue(struct vmf_s3_sender *sender, struct vmf_s3_bytes *part,
                             struct vmf_error *error)
{
  while (sender->sent_count < part->number) {
    VMF_TRY(VMF_LIST_ROOM(sender->sent, sender->sent_count, sender->sent_capacity, "parts", error));
    sender->sent[sender->sent_count++] = (struct vmf_s3_part){0};
  }
  VMF_TRY(call_thread(sender, error));
  *sender->last = part;
  sender->last = &part->next;
  sender->on_the_way += part->size;
  return VMF_OK;
}

enum vmf_code vmf_s3_sender_send(struct vmf_s3_sender *sender, struct vmf_s3_bytes *part,
                                 struct vmf_error *error)
{
  uint64_t before = part->size < ON_THE_WAY ? ON_THE_WAY - part->size : 0;

  part->next = NULL;
  pthread_mutex_lock(&sender->lock);
  enum vmf_code code = wait_for(sender, before, error);
  if (code == VMF_OK)
    code = enqueue(sender, part, error);
  pthread_mutex_unlock(&sender->lock);
  if (code != VMF_OK)
    vmf_s3_bytes_free(part);
  return code;
}

enum vmf_code vmf_s3_sender_wait(struct vmf_s3_sender *sender, struct vmf_error *error)
{
  pthread_mutex_lock(&sender->lock);
  enum vmf_code code = wait_for(sender, 0, error);
  pthread_mutex_unlock(&sender->lock);
  return code;
}

/* ---- begin and end ---- */

void vmf_s3_sender_begin(struct vmf_s3_sender *sender, struct vmf_s3_upload *upload)
{
  sender->upload = upload;
  sender->last = &sender->first;
  pthread_mutex_init(&sender->lock, NULL);
  pthread_cond_init(&sender->work, NULL);
  vmf_steady_condition(&sender->done);
}

void vmf_s3_sender_stop(struct vmf_s3_sender *sender)
{
  pthread_mutex_lock(&sender->lock);
  sender->stopping = true;
  atomic_store(&sender->upload->ended, true);
  pthread_cond_broadcast(&sender->work);
  pthread_mutex_unlock(&sender->lock);
  for (unsigned i = 0; i < sender->count; i++)
    pthread_join(sender->threads[i], NULL);
}

bool vmf_s3_sender_has_sent(const struct vmf_s3_sender *sender)
{
  for (size_t i = 0; i < sender->sent_count; i++)
    if (sender->sent[i].etag)
      return true;
  return false;
}

void vmf_s3_sender_clear(struct vmf_s3_sender *sender)
{
  vmf_s3_bytes_free(sender->first);
  for (size_t i = 0; i < sender->sent_count; i++)
    vmf_free(sender->sent[i].etag);
  vmf_free(sender->sent);
  pthread_cond_destroy(&sender->work);
  pthread_cond_destroy(&sender->done);
  pthread_mutex_destroy(&sender->lock);
}
