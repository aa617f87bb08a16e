/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An encrypted QCOW2 that is being written: which cipher its options ask for, and its LUKS header,
 * behind the L1 table and the bitmaps. */
#include <stdio.h>
#include <string.h>

#include "luks_write.h"
#include "memory.h"
#include "qcow2_write.h"

const char *const qcow2_encrypt_choices[] = {"off", "luks", NULL};
const char *const qcow2_cipher_choices[] = {"aes-128", "aes-256", NULL};
const char *const qcow2_mode_choices[] = {"xts", "cbc", NULL};
const char *const qcow2_iv_choices[] = {"plain64", "plain", "essiv", NULL};
const char *const qcow2_hash_choices[] = {"sha256", "sha1", "sha512", "ripemd160", NULL};
const char *const qcow2_iv_hash_choices[] = {"sha256", NULL};

bool qcow2_encrypts(const struct qcow2_write_options *options)
{
  return options->encrypt_format != 0;
}

static struct vmf_luks_making making_of(const struct qcow2_write_options *options)
{
  static const uint32_t key_bytes[] = {16, 32};
  const char *mode = qcow2_mode_choices[options->encrypt_mode];
  const char *iv = qcow2_iv_choices[options->encrypt_iv];
  bool xts = strcmp(mode, "xts") == 0, essiv = strcmp(iv, "essiv") == 0;
  struct vmf_luks_making making = {.hash = qcow2_hash_choices[options->encrypt_hash],
                                   .milliseconds = (uint32_t)options->encrypt_time};

  strcpy(making.cipher.name, "aes");
  snprintf(making.cipher.mode, sizeof making.cipher.mode, "%s-%s%s%s", mode, iv, essiv ? ":" : "",
           essiv ? qcow2_iv_hash_choices[options->encrypt_iv_hash] : "");
  making.cipher.key_bytes = key_bytes[options->encrypt_cipher] * (xts ? 2 : 1);
  return making;
}

uint64_t qcow2_crypt_bytes(const struct qcow2_write_options *options)
{
  const struct vmf_luks_making making = making_of(options);

  return qcow2_encrypts(options) ? vmf_luks_room(&making) : 0;
}

enum vmf_code qcow2_check_encryption(const struct qcow2_write_options *options, bool compress,
                                     struct vmf_error *error)
{
  const struct vmf_luks_making making = making_of(options);

  if (!qcow2_encrypts(options))
    return VMF_OK;
  if (compress)
    return vmf_fail(error, VMF_USAGE, "qcow2: encrypt.format and -c exclude each other");
  if (options->preallocation != QCOW2_PREALLOCATION_OFF)
    return vmf_fail(error, VMF_USAGE,
                    "qcow2: encrypt.format and preallocation exclude each other: clusters that are "
                    "only reserved would not be zeros");
  if (options->compat == QCOW2_COMPAT_0_10 || options->compat == QCOW2_COMPAT_V2)
    return vmf_fail(error, VMF_USAGE, "qcow2: encrypt.format=luks needs compat=1.1");
  return vmf_cipher_check(&making.cipher, "qcow2: encrypt", error);
}

enum vmf_code qcow2_begin_encryption(struct vmf_target *target, struct vmf_error *error)
{
  const struct vmf_luks_making making = making_of(target->options);
  struct qcow2_build *build = target->state;
  void *head;

  if (!qcow2_encrypts(target->options))
    return VMF_OK;
  if (!target->secret)
    return vmf_fail(error, VMF_USAGE,
                    "%s: encrypt.format=luks: the file that holds the secret is expected in "
                    "--target-secret-file",
                    target->name);
  VMF_TRY(vmf_alloc((size_t)vmf_luks_used(&making), &head, error));
  build->crypt_head = head;
  VMF_TRY(vmf_luks_make(&making, target->secret, head, &build->cipher, error));
  target->cipher = build->cipher;
  return VMF_OK;
}

uint64_t qcow2_crypt_offset(const struct qcow2_build *build)
{
  const struct qcow2_geometry *g = &build->geometry;
  return (build->tail.reftable - g->crypt_clusters) << g->cluster_bits;
}

enum vmf_code qcow2_write_encryption(struct vmf_target *target, struct vmf_error *error)
{
  const struct vmf_luks_making making = making_of(target->options);
  const struct qcow2_build *build = target->state;
  size_t used = (size_t)vmf_luks_used(&making);
  size_t all = (size_t)(build->geometry.crypt_clusters << build->geometry.cluster_bits);
  const struct vmf_piece pieces[] = {{.data = build->crypt_head, .length = used},
                                     {.length = all - used}};

  if (!qcow2_encrypts(target->options))
    return VMF_OK;
  return vmf_io_pwrite_pieces(target->io, pieces, 2, qcow2_crypt_offset(build), error);
}

void qcow2_release_encryption(struct qcow2_build *build)
{
  vmf_cipher_free(build->cipher);
  vmf_free(build->crypt_head);
}
