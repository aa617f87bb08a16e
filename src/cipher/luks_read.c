/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What both versions of LUKS have in common, and showing it. */
#include "luks.h"

#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "luks_header.h"
#include "memory.h"
#include "value.h"

enum { VERSION_AT = 6, HEAD = 8 };

const uint8_t vmf_luks_magic[VMF_LUKS_MAGIC] = {'L', 'U', 'K', 'S', 0xba, 0xbe};

bool vmf_luks_is(const uint8_t *head, size_t length)
{
  return length >= HEAD && memcmp(head, vmf_luks_magic, VMF_LUKS_MAGIC) == 0 &&
         (get_be16(head + VERSION_AT) == 1 || get_be16(head + VERSION_AT) == 2);
}

static enum vmf_code read_version(struct vmf_luks *luks, uint64_t length, const struct vmf_log *log,
                                  struct vmf_error *error)
{
  const char *name = luks->io->name;
  uint8_t head[HEAD];

  if (length < HEAD || !vmf_range_within(luks->at, length, luks->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: LUKS header of %llu bytes at byte %llu: the file has %llu", name,
                    (unsigned long long)length, (unsigned long long)luks->at,
                    (unsigned long long)luks->io->size);
  VMF_TRY(vmf_io_pread(luks->io, head, sizeof head, luks->at, error));
  luks->version = get_be16(head + VERSION_AT);
  bool begins = memcmp(head, vmf_luks_magic, VMF_LUKS_MAGIC) == 0;
  if (begins && luks->version == 1)
    return vmf_luks1_read(luks, length, error);
  if (begins && luks->version != 2)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: LUKS header: version %u, expected 1 or 2", name,
                    luks->version);
  luks->version = 2; /* which has a second header, where the first one is damaged */
  return vmf_luks2_read(luks, length, log, error);
}

enum vmf_code vmf_luks_read(struct vmf_io *io, uint64_t at, uint64_t length,
                            const struct vmf_log *log, struct vmf_luks **luks,
                            struct vmf_error *error)
{
  void *memory;

  *luks = NULL;
  VMF_TRY(vmf_alloc(sizeof **luks, &memory, error));
  struct vmf_luks *made = memory;
  made->io = io;
  made->at = at;
  enum vmf_code code = read_version(made, length, log, error);
  if (code == VMF_OK)
    *luks = made;
  else
    vmf_free(made);
  return code;
}

/* ---- checks ---- */

enum vmf_code vmf_luks_detached(const struct vmf_luks *luks, struct vmf_error *error)
{
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: LUKS%u header: the encrypted data is in another file (a detached header), "
                  "which is not supported",
                  luks->io->name, luks->version);
}

enum vmf_code vmf_luks_text(const struct vmf_luks *luks, const char *what, const uint8_t *field,
                            size_t size, char *text, struct vmf_error *error)
{
  size_t length = strnlen((const char *)field, size);

  memset(text, 0, size + 1);
  memcpy(text, field, length);
  for (size_t i = 0; i < length; i++)
    if (text[i] < ' ' || text[i] > '~' || length == size)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: LUKS header: the name of the %s is no text of at most %zu letters",
                      luks->io->name, what, size - 1);
  return VMF_OK;
}

uint64_t vmf_luks_area(const struct vmf_luks *luks, const struct vmf_luks_slot *slot)
{
  uint64_t bytes = (uint64_t)luks->cipher.key_bytes * slot->stripes; /* both of 32 bits */
  return vmf_align_up(bytes, VMF_CIPHER_NUMBERED);
}

static enum vmf_code check_area(const struct vmf_luks *luks, const struct vmf_luks_slot *slot,
                                uint64_t first, uint64_t end, struct vmf_error *error)
{
  uint64_t bytes = vmf_luks_area(luks, slot);

  if (slot->stripes == 0 || bytes > VMF_LUKS_SPREAD_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: LUKS header: slot %u: a key of %u bytes in %u stripes, expected 1 to %d "
                    "bytes in all",
                    luks->io->name, slot->number, luks->cipher.key_bytes, slot->stripes,
                    VMF_LUKS_SPREAD_MAX);
  if (slot->offset < first || !vmf_range_within(slot->offset, bytes, end))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: LUKS header: slot %u: %llu bytes at byte %llu, expected between byte %llu "
                    "and %llu",
                    luks->io->name, slot->number, (unsigned long long)bytes,
                    (unsigned long long)slot->offset, (unsigned long long)first,
                    (unsigned long long)end);
  for (const struct vmf_luks_slot *other = luks->slots; other < slot; other++)
    if (other->active &&
        vmf_ranges_overlap(slot->offset, bytes, other->offset, vmf_luks_area(luks, other)))
      return vmf_fail(error, VMF_CORRUPT, "%s: LUKS header: slots %u and %u overlap",
                      luks->io->name, other->number, slot->number);
  return VMF_OK;
}

enum vmf_code vmf_luks_check_areas(const struct vmf_luks *luks, uint64_t first, uint64_t end,
                                   struct vmf_error *error)
{
  if (luks->cipher.key_bytes == 0 || luks->cipher.key_bytes > VMF_CIPHER_KEY_MAX)
    return vmf_fail(error, VMF_CORRUPT, "%s: LUKS header: a key of %u bytes, accepted are 1 to %d",
                    luks->io->name, luks->cipher.key_bytes, VMF_CIPHER_KEY_MAX);
  for (unsigned i = 0; i < luks->slot_count; i++)
    if (luks->slots[i].active)
      VMF_TRY(check_area(luks, &luks->slots[i], first, end, error));
  return VMF_OK;
}

/* ---- what is shown ---- */

static enum vmf_code show_derivation(const struct vmf_derivation *derivation,
                                     struct vmf_value *object, struct vmf_error *error)
{
  if (derivation->kind == VMF_PBKDF2)
    return vmf_value_uint(object, "iters", derivation->iterations, error);
  VMF_TRY(vmf_value_text(object, "kdf", derivation->kind == VMF_ARGON2I ? "argon2i" : "argon2id",
                         error));
  VMF_TRY(vmf_value_uint(object, "time-cost", derivation->iterations, error));
  VMF_TRY(vmf_value_uint(object, "memory-kib", derivation->memory_kib, error));
  return vmf_value_uint(object, "lanes", derivation->lanes, error);
}

static enum vmf_code show_slots(const struct vmf_luks *luks, struct vmf_value *data,
                                struct vmf_error *error)
{
  struct vmf_value *list, *object;

  VMF_TRY(vmf_value_add(data, VMF_VALUE_LIST, "slots", &list, error));
  for (unsigned i = 0; i < luks->slot_count; i++) {
    const struct vmf_luks_slot *slot = &luks->slots[i];
    VMF_TRY(vmf_value_add(list, VMF_VALUE_OBJECT, NULL, &object, error));
    VMF_TRY(vmf_value_bool(object, "active", slot->active, error));
    if (slot->active)
      VMF_TRY(show_derivation(&slot->derivation, object, error));
    VMF_TRY(vmf_value_uint(object, "key-offset", slot->offset, error));
    if (slot->active)
      VMF_TRY(vmf_value_uint(object, "stripes", slot->stripes, error));
  }
  return VMF_OK;
}

/* "xts-plain64" as qemu-img has it: mode, generator, and the generator's digest. */
static enum vmf_code show_cipher(const struct vmf_luks *luks, struct vmf_value *data,
                                 struct vmf_error *error)
{
  const struct vmf_cipher_kind *kind = &luks->cipher;
  size_t mode = strcspn(kind->mode, "-");
  const char *iv = kind->mode + mode + (kind->mode[mode] == '-');
  size_t generator = strcspn(iv, ":");
  bool xts = mode == 3 && strncmp(kind->mode, "xts", mode) == 0;
  VMF_AUTO_FREE char *cipher = NULL, *mode_text = NULL, *iv_text = NULL;

  VMF_TRY(vmf_format(&cipher, error, "%s-%u", kind->name, 8 * kind->key_bytes / (xts ? 2 : 1)));
  VMF_TRY(vmf_copy_bytes(kind->mode, mode, &mode_text, error));
  VMF_TRY(vmf_copy_bytes(iv, generator, &iv_text, error));
  VMF_TRY(vmf_value_text(data, "ivgen-alg", iv_text, error));
  if (iv[generator])
    VMF_TRY(vmf_value_text(data, "ivgen-hash-alg", iv + generator + 1, error));
  VMF_TRY(vmf_value_text(data, "hash-alg", luks->digest.hash, error));
  VMF_TRY(vmf_value_text(data, "cipher-alg", cipher, error));
  VMF_TRY(vmf_value_text(data, "uuid", luks->uuid, error));
  return vmf_value_text(data, "cipher-mode", mode_text, error);
}

enum vmf_code vmf_luks_show(const struct vmf_luks *luks, struct vmf_value *data,
                            struct vmf_error *error)
{
  if (luks->version != 1)
    VMF_TRY(vmf_value_uint(data, "version", luks->version, error));
  if (luks->label[0])
    VMF_TRY(vmf_value_text(data, "label", luks->label, error));
  VMF_TRY(show_cipher(luks, data, error));
  if (luks->cipher.sector != 0)
    VMF_TRY(vmf_value_uint(data, "sector-size", luks->cipher.sector, error));
  VMF_TRY(show_slots(luks, data, error));
  VMF_TRY(vmf_value_uint(data, "payload-offset", luks->payload, error));
  return vmf_value_uint(data, "master-key-iters", luks->digest.iterations, error);
}
