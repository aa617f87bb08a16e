/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "argon2_key.h"

#ifdef VMF_HAVE_ARGON2

#include <argon2.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <string.h>

#include "cancel.h"
#include "cipher.h"
#include "memory.h"
#include "thread.h"

enum { LOOK_MS = 100 /* how often it is asked whether to go on */ };

/* All that libargon2 needs, so that nobody has to wait for it. */
struct making {
  pthread_mutex_t lock; /* of done, left */
  pthread_cond_t ended;
  bool done;
  bool left; /* nobody waits: the thread frees it */
  int code;
  argon2_type type;
  argon2_context context;
  uint8_t key[VMF_CIPHER_KEY_MAX];
  struct vmf_derivation derivation;
  size_t bytes; /* of all this */
  uint8_t secret[];
};

static void making_free(struct making *making)
{
  pthread_cond_destroy(&making->ended);
  pthread_mutex_destroy(&making->lock);
  vmf_wipe_free(making, making->bytes);
}

/* By one thread, whatever the lanes: the result is the same. */
static enum vmf_code making_new(const struct vmf_derivation *derivation,
                                const struct vmf_secret *secret, size_t length,
                                struct making **making, struct vmf_error *error)
{
  size_t bytes = sizeof **making + secret->length;
  void *memory;

  VMF_TRY(vmf_alloc(bytes, &memory, error));
  struct making *made = memory;
  made->bytes = bytes;
  made->derivation = *derivation;
  memcpy(made->secret, secret->bytes, secret->length);
  made->type = derivation->kind == VMF_ARGON2I ? Argon2_i : Argon2_id;
  made->context = (argon2_context){
      .out = made->key,
      .outlen = (uint32_t)length,
      .pwd = made->secret,
      .pwdlen = (uint32_t)secret->length,
      .salt = made->derivation.salt,
      .saltlen = (uint32_t)derivation->salt_length,
      .t_cost = derivation->iterations,
      .m_cost = derivation->memory_kib,
      .lanes = derivation->lanes,
      .threads = 1,
      .version = ARGON2_VERSION_13,
      .flags = ARGON2_DEFAULT_FLAGS,
  };
  pthread_mutex_init(&made->lock, NULL);
  vmf_steady_condition(&made->ended);
  *making = made;
  return VMF_OK;
}

static void *make(void *data)
{
  struct making *making = data;
  int code = argon2_ctx(&making->context, making->type);

  pthread_mutex_lock(&making->lock);
  making->code = code;
  making->done = true;
  bool left = making->left;
  pthread_cond_signal(&making->ended);
  pthread_mutex_unlock(&making->lock);
  if (left)
    making_free(making);
  return NULL;
}

/* Behind it the thread no longer looks at *making, or it is the thread's. */
static enum vmf_code wait_for(struct making *making, const struct vmf_cancel *cancel, bool *left,
                              struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  pthread_mutex_lock(&making->lock);
  while (!making->done && code == VMF_OK) {
    vmf_wait_a_while(&making->ended, &making->lock, LOOK_MS);
    code = vmf_cancelled(cancel, error);
  }
  *left = making->left = !making->done;
  pthread_mutex_unlock(&making->lock);
  return code;
}

/* Where there is no thread, or nobody who could cancel, it is made here. */
static enum vmf_code make_or_leave(struct making *making, const struct vmf_cancel *cancel,
                                   bool *left, struct vmf_error *error)
{
  pthread_t thread;

  *left = false;
  if (!cancel || vmf_thread_start(&thread, make, making) != 0) {
    make(making);
    return VMF_OK;
  }
  enum vmf_code code = wait_for(making, cancel, left, error);
  if (*left)
    pthread_detach(thread);
  else
    pthread_join(thread, NULL);
  return code;
}

enum vmf_code vmf_argon2(const struct vmf_derivation *derivation, const struct vmf_secret *secret,
                         uint8_t *key, size_t length, const struct vmf_cancel *cancel,
                         struct vmf_error *error)
{
  struct making *making;
  bool left;

  VMF_TRY(making_new(derivation, secret, length, &making, error));
  enum vmf_code code = make_or_leave(making, cancel, &left, error);
  if (left)
    return code;
  if (code == VMF_OK && making->code != ARGON2_OK)
    code = vmf_fail(error, VMF_NOMEM, "making a key by Argon2 with %u KiB of memory: %s",
                    derivation->memory_kib, argon2_error_message(making->code));
  memcpy(key, making->key, length);
  making_free(making);
  return code;
}

#else

enum vmf_code vmf_argon2(const struct vmf_derivation *derivation, const struct vmf_secret *secret,
                         uint8_t *key, size_t length, const struct vmf_cancel *cancel,
                         struct vmf_error *error)
{
  (void)derivation, (void)secret, (void)key, (void)length, (void)cancel;
  return vmf_fail(error, VMF_UNSUPPORTED, "Argon2 is not in this build");
}

#endif
