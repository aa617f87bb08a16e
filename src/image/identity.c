/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "identity.h"

#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "digest.h"
#include "epoch.h"
#include "memory.h"
#include "path.h"

enum { END_BYTES = 1 << 20, SAMPLE_BYTES = 4096, SAMPLES = 256 };

static enum vmf_code add_text(struct vmf_digest *digest, const char *text, struct vmf_error *error)
{
  /* The NUL goes in too: "ab" + "c" is not "a" + "bc". */
  return vmf_digest_update(digest, text ? text : "", text ? strlen(text) + 1 : 1, error);
}

/* At most END_BYTES from `guest` on. Of a source that is salvaged what cannot be read gives
 * nothing.
 */
static enum vmf_code add_bytes(struct vmf_digest *digest, struct vmf_image *source, uint64_t guest,
                               size_t length, struct vmf_error *error)
{
  VMF_AUTO_FREE void *bytes = NULL;
  length = (size_t)vmf_min(length, source->size - guest);
  VMF_TRY(vmf_alloc_pages(END_BYTES, &bytes, error));
  enum vmf_code code = vmf_image_pread(source, bytes, length, guest, error);
  if (vmf_node(source)->salvage && (code == VMF_READ || code == VMF_CORRUPT))
    return VMF_OK;
  VMF_TRY(code);
  return vmf_digest_update(digest, bytes, length, error);
}

/* What comes on a stream has not come yet, but for its start. */
static enum vmf_code add_start(struct vmf_digest *digest, struct vmf_io *stream,
                               struct vmf_error *error)
{
  const uint8_t *bytes;
  size_t have;

  VMF_TRY(vmf_stream_peek(stream, VMF_STREAM_AHEAD, &bytes, &have, error));
  return vmf_digest_update(digest, bytes, have, error);
}

static enum vmf_code add_content(struct vmf_digest *digest, struct vmf_image *source,
                                 struct vmf_error *error)
{
  uint64_t step = source->size / SAMPLES;

  if (vmf_image_streams(source))
    return add_start(digest, source->io, error);
  VMF_TRY(add_bytes(digest, source, 0, END_BYTES, error));
  VMF_TRY(
      add_bytes(digest, source, source->size - vmf_min(source->size, END_BYTES), END_BYTES, error));
  for (unsigned i = 1; step > SAMPLE_BYTES && i < SAMPLES; i++)
    VMF_TRY(add_bytes(digest, source, i * step, SAMPLE_BYTES, error));
  return VMF_OK;
}

static enum vmf_code add_all(struct vmf_digest *digest, const char *format, const char *options,
                             uint64_t guest_size, struct vmf_image *source, const char *name,
                             struct vmf_error *error)
{
  uint8_t size[8];

  put_le64(size, guest_size);
  VMF_TRY(add_text(digest, format, error));
  VMF_TRY(add_text(digest, options, error));
  VMF_TRY(add_text(digest, vmf_path_name(name), error));
  VMF_TRY(vmf_digest_update(digest, size, sizeof(size), error));
  return source ? add_content(digest, source, error) : VMF_OK;
}

static enum vmf_code make_seed(const char *format, const char *options, uint64_t guest_size,
                               struct vmf_image *source, const char *name,
                               struct vmf_identity *identity, struct vmf_error *error)
{
  struct vmf_digest *digest;
  uint8_t seed[VMF_DIGEST_MAX];

  VMF_TRY(vmf_digest_new(VMF_SHA256, &digest, error));
  enum vmf_code code = add_all(digest, format, options, guest_size, source, name, error);
  if (code == VMF_OK)
    code = vmf_digest_final(digest, seed, error);
  vmf_digest_free(digest);
  if (code == VMF_OK)
    memcpy(identity->seed, seed, sizeof(identity->seed));
  return code;
}

enum vmf_code vmf_identity_sample(struct vmf_image *source, uint8_t digest[VMF_DIGEST_MAX],
                                  struct vmf_error *error)
{
  struct vmf_digest *running;

  VMF_TRY(vmf_digest_new(VMF_SHA256, &running, error));
  enum vmf_code code = add_content(running, source, error);
  if (code == VMF_OK)
    code = vmf_digest_final(running, digest, error);
  vmf_digest_free(running);
  return code;
}

enum vmf_code vmf_identity_make(const char *format, const char *options, uint64_t guest_size,
                                struct vmf_image *source, const char *name,
                                struct vmf_identity *identity, struct vmf_error *error)
{
  struct vmf_epoch epoch;

  VMF_TRY(vmf_epoch_now(&epoch, error));
  *identity = (struct vmf_identity){.time = epoch.seconds, .derived = epoch.fixed};
  if (!epoch.fixed)
    return VMF_OK;
  return make_seed(format, options, guest_size, source, name, identity, error);
}
