/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Encrypted clusters of QCOW2 (spec: "crypt_method", "Full disk encryption header pointer"): a LUKS
 * header in clusters of its own, or AES without one. Compressed clusters are not encrypted, nor is
 * any table. */
#include <inttypes.h>

#include "legacy_aes.h"
#include "memory.h"
#include "qcow2_reader.h"

static enum vmf_code check_place(const struct vmf_image *image, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  uint64_t offset = state->extensions.crypt_offset, length = state->extensions.crypt_length;
  const char *name = image->io->name;

  if (length == 0)
    return vmf_fail(
        error, VMF_CORRUPT,
        "%s: header: encrypted by LUKS (crypt_method 2), but no extension says where its "
        "header is",
        name);
  if (offset == 0 || offset % state->cluster_size != 0 ||
      !vmf_range_within(offset, length, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: encryption header extension: %" PRIu64 " bytes at byte %" PRIu64
                    ": not at a cluster or beyond the end of the file (%" PRIu64 " bytes)",
                    name, length, offset, image->io->size);
  return VMF_OK;
}

enum vmf_code qcow2_unlock(struct vmf_image *image, const struct vmf_unlocking *unlocking,
                           struct vmf_error *error)
{
  struct qcow2_state *state = image->state;
  const struct qcow2_extensions *extensions = &state->extensions;

  if (state->header.crypt_method == QCOW2_CRYPT_NONE)
    return VMF_OK;
  image->encrypted = true;
  if (state->header.crypt_method == QCOW2_CRYPT_AES)
    return vmf_legacy_aes_unlock(image->io->name, unlocking, image->log, &state->cipher, error);
  VMF_TRY(check_place(image, error));
  VMF_TRY(vmf_luks_read(image->io, extensions->crypt_offset, extensions->crypt_length, image->log,
                        &state->luks, error));
  if (state->luks->version != 1)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: encryption header: LUKS version %u, QCOW2 has version 1", image->io->name,
                    state->luks->version);
  return vmf_luks_unlock(state->luks, unlocking, &state->cipher, error);
}

void qcow2_encrypted_run(const struct qcow2_state *state, struct vmf_run *run)
{
  run->cipher = state->cipher;
  run->place = state->header.crypt_method == QCOW2_CRYPT_AES ? run->guest : run->offset;
}

enum vmf_code qcow2_show_encryption(const struct qcow2_state *state, struct vmf_value *data,
                                    struct vmf_error *error)
{
  bool aes = state->header.crypt_method == QCOW2_CRYPT_AES;
  struct vmf_value *encrypt;

  if (state->header.crypt_method == QCOW2_CRYPT_NONE)
    return VMF_OK;
  VMF_TRY(vmf_value_add(data, VMF_VALUE_OBJECT, "encrypt", &encrypt, error));
  VMF_TRY(vmf_value_text(encrypt, "format", aes ? "aes" : "luks", error));
  return state->luks ? vmf_luks_show(state->luks, encrypt, error) : VMF_OK;
}
