/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header of LUKS: which cipher encrypts a disk, and the slots that a secret opens to get its
 * key. It stands at the start of a file, or in a part of another format's (QCOW2).
 * "LUKS1": LUKS On-Disk Format Specification, version 1.2.3. "LUKS2": LUKS2 On-Disk Format
 * Specification. */
#ifndef VMF_CIPHER_LUKS_H
#define VMF_CIPHER_LUKS_H

#include "cipher.h"
#include "derive.h"
#include "io.h"
#include "log.h"

enum {
  VMF_LUKS_SLOTS = 32,
  VMF_LUKS_MAGIC = 6,                /* bytes */
  VMF_LUKS_SPREAD_MAX = 4 * 1 << 20, /* bytes of a key that is spread */
};

/* "LUKS", 0xba, 0xbe: what a header begins with, and a number of 16 bits behind it, its version. */
extern const uint8_t vmf_luks_magic[VMF_LUKS_MAGIC];

/* That, and a version that is read. */
bool vmf_luks_is(const uint8_t *head, size_t length);

struct vmf_luks_slot {
  unsigned number;
  bool active;
  unsigned priority; /* LUKS2: 0 ignored, 1 normal, 2 first */
  struct vmf_derivation derivation;
  struct vmf_cipher_kind cipher; /* of its area */
  char hash[32];                 /* by which the key is spread */
  uint32_t stripes;
  uint64_t offset; /* of its area in the header */
};

struct vmf_luks {
  struct vmf_io *io; /* not owned */
  uint64_t at;       /* where the header starts in io */
  unsigned version;
  char uuid[41], label[49];
  struct vmf_cipher_kind cipher;
  uint64_t payload, size; /* bytes, of the disk from the header's start on; size 0: to the end */
  struct vmf_luks_slot slots[VMF_LUKS_SLOTS];
  unsigned slot_count;
  struct vmf_derivation digest; /* what the key is known by */
  uint8_t expected[64];
  size_t expected_length;
  uint32_t digest_slots; /* a bit for each slot whose key it is of */
};

/* Reads and checks what stands from `at` on in io, in at most `length` bytes. The caller frees
 * *luks by vmf_free. */
VMF_MUST_CHECK enum vmf_code vmf_luks_read(struct vmf_io *io, uint64_t at, uint64_t length,
                                           const struct vmf_log *log, struct vmf_luks **luks,
                                           struct vmf_error *error);

/* What may open a disk. */
struct vmf_unlocking {
  const struct vmf_secret *secrets; /* each is tried; of the caller */
  size_t count;
  bool locked; /* without a secret the disk is not read, only shown */
  bool strict; /* it comes from strangers */
  const struct vmf_cancel *cancel;
};

/* By the first secret that opens a slot. VMF_SECRET: none does, or there is none (but for locked:
 * then the cipher has no key). */
VMF_MUST_CHECK enum vmf_code vmf_luks_unlock(const struct vmf_luks *luks,
                                             const struct vmf_unlocking *unlocking,
                                             struct vmf_cipher **cipher, struct vmf_error *error);

/* Adds what qemu-img tells of it to `data`. */
VMF_MUST_CHECK enum vmf_code vmf_luks_show(const struct vmf_luks *luks, struct vmf_value *data,
                                           struct vmf_error *error);

/* The error for a disk that nothing was given for: `kind` is "LUKS1". */
VMF_MUST_CHECK enum vmf_code vmf_secret_missing(const char *name, const char *kind,
                                                struct vmf_error *error);

#endif
