/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The numbers of LUKS1, for who reads and who writes it. */
#ifndef VMF_CIPHER_LUKS1_H
#define VMF_CIPHER_LUKS1_H

/* Offsets in the header (LUKS1, "PHDR layout"); numbers are big-endian, sectors have 512 bytes. */
enum {
  LUKS1_SECTOR = 512,
  LUKS1_VERSION_AT = 6,             /* u16 */
  LUKS1_CIPHER_AT = 8,              /* 32 bytes, filled up with zeros, as the next two */
  LUKS1_MODE_AT = 40,               /* 32 bytes */
  LUKS1_HASH_AT = 72,               /* 32 bytes */
  LUKS1_PAYLOAD_AT = 104,           /* u32, sectors */
  LUKS1_KEY_BYTES_AT = 108,         /* u32 */
  LUKS1_DIGEST_AT = 112,            /* 20 bytes */
  LUKS1_DIGEST_SALT_AT = 132,       /* 32 bytes */
  LUKS1_DIGEST_ITERATIONS_AT = 164, /* u32 */
  LUKS1_UUID_AT = 168,              /* 40 bytes */
  LUKS1_SLOTS_AT = 208,
  LUKS1_HEADER = 592, /* bytes */
  LUKS1_DIGEST = 20,
  LUKS1_SALT = 32,
  LUKS1_SLOTS = 8,
};

/* Offsets in a slot. */
enum {
  LUKS1_SLOT_ACTIVE_AT = 0,     /* u32 */
  LUKS1_SLOT_ITERATIONS_AT = 4, /* u32 */
  LUKS1_SLOT_SALT_AT = 8,       /* 32 bytes */
  LUKS1_SLOT_OFFSET_AT = 40,    /* u32, sectors */
  LUKS1_SLOT_STRIPES_AT = 44,   /* u32 */
  LUKS1_SLOT = 48,              /* bytes */
};

#define LUKS1_SLOT_ENABLED 0x00ac71f3u
#define LUKS1_SLOT_DISABLED 0x0000deadu

#endif
