/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the JSON of LUKS2 says (LUKS2, "JSON area"): slots, one segment of encrypted data, and the
 * digest of its key. Numbers of 64 bits are texts in it. */
#include "luks_header.h"

#ifdef VMF_HAVE_JANSSON

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "text.h"

/* Where in the text something is wrong. */
struct place {
  struct vmf_luks *luks;
  const char *list, *key; /* "keyslots", "0" */
};

static enum vmf_code wrong(const struct place *place, const char *member, const char *expected,
                           struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "%s: LUKS2 header: %s.%.16s: \"%s\" is not %s",
                  place->luks->io->name, place->list, place->key, member, expected);
}

/* ---- members ---- */

static enum vmf_code take_text(const struct place *place, const json_t *object, const char *member,
                               char *text, size_t size, struct vmf_error *error)
{
  const char *value = json_string_value(json_object_get(object, member));
  size_t length = value ? strlen(value) : 0;

  if (length == 0 || length >= size)
    return wrong(place, member, "a text of the expected length", error);
  memset(text, 0, size);
  memcpy(text, value, length);
  return VMF_OK;
}

static enum vmf_code take_number(const struct place *place, const json_t *object,
                                 const char *member, uint32_t *number, struct vmf_error *error)
{
  const json_t *value = json_object_get(object, member);
  json_int_t found = json_integer_value(value);

  if (!json_is_integer(value) || found < 0 || found > UINT32_MAX)
    return wrong(place, member, "a number of 32 bits", error);
  *number = (uint32_t)found;
  return VMF_OK;
}

static enum vmf_code take_large(const struct place *place, const json_t *object, const char *member,
                                uint64_t *number, struct vmf_error *error)
{
  const char *text = json_string_value(json_object_get(object, member));

  if (text && vmf_decimal(text, number))
    return VMF_OK;
  return wrong(place, member, "a text that is a number of 64 bits", error);
}

static enum vmf_code take_base64(const struct place *place, const json_t *object,
                                 const char *member, uint8_t *bytes, size_t size, size_t *length,
                                 struct vmf_error *error)
{
  const char *text = json_string_value(json_object_get(object, member));
  size_t letters = text ? strlen(text) : 0;
  unsigned char decoded[96]; /* of 128 letters */

  if (letters == 0 || letters > 128 || letters % 4 != 0)
    return wrong(place, member, "a short text in base64", error);
  int got = EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)letters);
  size_t padding = (text[letters - 1] == '=') + (text[letters - 2] == '=');
  if (got < 0 || (size_t)got - padding > size)
    return wrong(place, member, "a short text in base64", error);
  *length = (size_t)got - padding;
  memcpy(bytes, decoded, *length);
  return VMF_OK;
}

/* "aes-xts-plain64": the cipher, and the rest. */
static enum vmf_code take_cipher(const struct place *place, const json_t *object,
                                 struct vmf_cipher_kind *kind, struct vmf_error *error)
{
  char text[64];
  char *dash;

  VMF_TRY(take_text(place, object, "encryption", text, sizeof text, error));
  dash = strchr(text, '-');
  if (!dash || (size_t)(dash - text) >= sizeof kind->name || strlen(dash + 1) >= sizeof kind->mode)
    return wrong(place, "encryption", "a cipher with a mode", error);
  *dash = '\0';
  strcpy(kind->name, text);
  strcpy(kind->mode, dash + 1);
  return VMF_OK;
}

/* ---- slots ---- */

static enum vmf_code take_kdf(const struct place *place, const json_t *kdf,
                              struct vmf_derivation *derivation, struct vmf_error *error)
{
  char type[32];

  VMF_TRY(take_text(place, kdf, "type", type, sizeof type, error));
  VMF_TRY(take_base64(place, kdf, "salt", derivation->salt, sizeof derivation->salt,
                      &derivation->salt_length, error));
  if (strcmp(type, "pbkdf2") == 0) {
    derivation->kind = VMF_PBKDF2;
    VMF_TRY(take_text(place, kdf, "hash", derivation->hash, sizeof derivation->hash, error));
    return take_number(place, kdf, "iterations", &derivation->iterations, error);
  }
  if (strcmp(type, "argon2i") != 0 && strcmp(type, "argon2id") != 0)
    return wrong(place, "type", "pbkdf2, argon2i or argon2id", error);
  derivation->kind = strcmp(type, "argon2i") == 0 ? VMF_ARGON2I : VMF_ARGON2ID;
  VMF_TRY(take_number(place, kdf, "time", &derivation->iterations, error));
  VMF_TRY(take_number(place, kdf, "memory", &derivation->memory_kib, error));
  return take_number(place, kdf, "cpus", &derivation->lanes, error);
}

static enum vmf_code take_slot(const struct place *place, const json_t *object, unsigned number,
                               struct vmf_error *error)
{
  struct vmf_luks *luks = place->luks;
  struct vmf_luks_slot *slot = &luks->slots[number];
  const json_t *area = json_object_get(object, "area"), *spread = json_object_get(object, "af");
  uint64_t size;
  uint32_t key_bytes = 0;
  char type[32];

  VMF_TRY(take_text(place, object, "type", type, sizeof type, error));
  if (strcmp(type, "luks2") != 0)
    return VMF_OK; /* "reencrypt" holds no key */
  VMF_TRY(take_number(place, object, "key_size", &key_bytes, error));
  slot->priority = 1;
  if (json_object_get(object, "priority"))
    VMF_TRY(take_number(place, object, "priority", &slot->priority, error));
  VMF_TRY(take_text(place, spread, "hash", slot->hash, sizeof slot->hash, error));
  VMF_TRY(take_number(place, spread, "stripes", &slot->stripes, error));
  VMF_TRY(take_cipher(place, area, &slot->cipher, error));
  VMF_TRY(take_number(place, area, "key_size", &slot->cipher.key_bytes, error));
  VMF_TRY(take_large(place, area, "offset", &slot->offset, error));
  VMF_TRY(take_large(place, area, "size", &size, error));
  VMF_TRY(take_kdf(place, json_object_get(object, "kdf"), &slot->derivation, error));
  if (slot->priority > 2)
    return wrong(place, "priority", "0, 1 or 2", error);
  if (slot->cipher.key_bytes == 0 || slot->cipher.key_bytes > VMF_CIPHER_KEY_MAX)
    return wrong(place, "key_size", "that of a key", error);
  if (luks->cipher.key_bytes == 0)
    luks->cipher.key_bytes = key_bytes;
  if (key_bytes != luks->cipher.key_bytes || vmf_luks_area(luks, slot) > size)
    return wrong(place, "key_size", "that of the other slots, or the key does not fit its area",
                 error);
  slot->active = true;
  return VMF_OK;
}

/* The number of a slot, which is its key; VMF_LUKS_SLOTS: it is none. */
static unsigned slot_number(const char *key)
{
  uint64_t number;
  return vmf_decimal(key, &number) && number < VMF_LUKS_SLOTS ? (unsigned)number : VMF_LUKS_SLOTS;
}

/* Those whose key is that of the segment: a bit of digest_slots for each. */
static enum vmf_code take_slots(struct vmf_luks *luks, json_t *slots, struct vmf_error *error)
{
  const char *key;
  json_t *object;

  json_object_foreach(slots, key, object)
  {
    const struct place place = {luks, "keyslots", key};
    unsigned number = slot_number(key);
    if (number == VMF_LUKS_SLOTS)
      return wrong(&place, "its name", "a number of a slot, below 32", error);
    luks->slots[number].number = number;
    luks->slot_count = (unsigned)vmf_max(luks->slot_count, number + 1);
    if (luks->digest_slots >> number & 1)
      VMF_TRY(take_slot(&place, object, number, error));
  }
  return VMF_OK;
}

/* ---- the segment ---- */

static enum vmf_code take_size(const struct place *place, const json_t *object,
                               struct vmf_error *error)
{
  struct vmf_luks *luks = place->luks;
  const char *text = json_string_value(json_object_get(object, "size"));

  if (text && strcmp(text, "dynamic") == 0)
    return VMF_OK; /* 0: up to the end */
  VMF_TRY(take_large(place, object, "size", &luks->size, error));
  return luks->size > 0 && luks->size % luks->cipher.sector == 0
             ? VMF_OK
             : wrong(place, "size", "\"dynamic\" or whole sectors", error);
}

static enum vmf_code take_segment(struct vmf_luks *luks, json_t *segments, struct vmf_error *error)
{
  const char *key = json_object_iter_key(json_object_iter(segments));
  const struct place place = {luks, "segments", key ? key : ""};
  const json_t *object = key ? json_object_get(segments, key) : NULL;
  char type[32];

  if (json_object_size(segments) != 1)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: LUKS2 header: %zu segments of data, only one is supported; cryptsetup "
                    "reencrypt --resume-only ends what was interrupted",
                    luks->io->name, json_object_size(segments));
  VMF_TRY(take_text(&place, object, "type", type, sizeof type, error));
  if (strcmp(type, "crypt") != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: LUKS2 header: data of the type \"%s\", only \"crypt\" is supported",
                    luks->io->name, type);
  if (json_object_get(object, "integrity"))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: LUKS2 header: data with integrity tags, which is not supported",
                    luks->io->name);
  VMF_TRY(take_cipher(&place, object, &luks->cipher, error));
  VMF_TRY(take_number(&place, object, "sector_size", &luks->cipher.sector, error));
  VMF_TRY(take_large(&place, object, "iv_tweak", &luks->cipher.iv_first, error));
  VMF_TRY(take_large(&place, object, "offset", &luks->payload, error));
  if (!vmf_is_power_of_two(luks->cipher.sector) || luks->cipher.sector < VMF_CIPHER_NUMBERED ||
      luks->cipher.sector > VMF_CIPHER_SECTOR_MAX)
    return wrong(&place, "sector_size", "512, 1024, 2048 or 4096", error);
  if (luks->payload % VMF_CIPHER_NUMBERED != 0)
    return wrong(&place, "offset", "a multiple of 512", error);
  return take_size(&place, object, error);
}

/* ---- the digest ---- */

static bool lists(const json_t *list, const char *key)
{
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    if (text && strcmp(text, key) == 0)
      return true;
  }
  return false;
}

static enum vmf_code take_digest(const struct place *place, const json_t *object,
                                 struct vmf_error *error)
{
  struct vmf_luks *luks = place->luks;
  const json_t *slots = json_object_get(object, "keyslots");

  VMF_TRY(take_kdf(place, object, &luks->digest, error));
  if (luks->digest.kind != VMF_PBKDF2)
    return wrong(place, "type", "pbkdf2", error);
  VMF_TRY(take_base64(place, object, "digest", luks->expected, sizeof luks->expected,
                      &luks->expected_length, error));
  if (luks->expected_length < 16)
    return wrong(place, "digest", "as long as a digest", error);
  for (size_t i = 0; i < json_array_size(slots); i++) {
    const char *text = json_string_value(json_array_get(slots, i));
    unsigned number = text ? slot_number(text) : VMF_LUKS_SLOTS;
    if (number == VMF_LUKS_SLOTS)
      return wrong(place, "keyslots", "a list of numbers of slots", error);
    luks->digest_slots |= 1u << number;
  }
  return VMF_OK;
}

static enum vmf_code take_digests(struct vmf_luks *luks, json_t *digests, const char *segment,
                                  struct vmf_error *error)
{
  const char *key;
  json_t *object;

  json_object_foreach(digests, key, object)
  {
    const struct place place = {luks, "digests", key};
    if (lists(json_object_get(object, "segments"), segment))
      return take_digest(&place, object, error);
  }
  return vmf_fail(error, VMF_CORRUPT, "%s: LUKS2 header: no digest of the data's key",
                  luks->io->name);
}

/* ---- all of it ---- */

static enum vmf_code check_requirements(const struct vmf_luks *luks, const json_t *root,
                                        struct vmf_error *error)
{
  const json_t *config = json_object_get(root, "config");
  const json_t *list = json_object_get(json_object_get(config, "requirements"), "mandatory");
  const char *text = json_string_value(json_array_get(list, 0));

  if (list && !json_is_array(list))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: LUKS2 header: config.requirements: \"mandatory\" is not a list",
                    luks->io->name);
  if (json_array_size(list) == 0)
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: LUKS2 header: requires \"%.64s\", which is not supported%s", luks->io->name,
                  text ? text : "",
                  text && strstr(text, "reencrypt")
                      ? "; cryptsetup reencrypt --resume-only ends what was interrupted"
                      : "");
}

static enum vmf_code take_root(struct vmf_luks *luks, const json_t *root, uint64_t header,
                               struct vmf_error *error)
{
  json_t *segments = json_object_get(root, "segments");

  VMF_TRY(check_requirements(luks, root, error));
  VMF_TRY(take_segment(luks, segments, error));
  VMF_TRY(take_digests(luks, json_object_get(root, "digests"),
                       json_object_iter_key(json_object_iter(segments)), error));
  VMF_TRY(take_slots(luks, json_object_get(root, "keyslots"), error));
  if (luks->cipher.key_bytes == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: LUKS2 header: no slot is in use, so nothing opens it",
                    luks->io->name);
  if (luks->payload == 0)
    return vmf_luks_detached(luks, error);
  return vmf_luks_check_areas(luks, 2 * header, luks->payload, error);
}

enum vmf_code vmf_luks2_take(struct vmf_luks *luks, const char *text, size_t bytes, uint64_t header,
                             struct vmf_error *error)
{
  json_error_t why;
  json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &why);
  enum vmf_code code;

  if (json_is_object(root))
    code = take_root(luks, root, header, error);
  else
    code = vmf_fail(error, VMF_CORRUPT, "%s: LUKS2 header: is no JSON object: %s", luks->io->name,
                    root ? "it is something else" : why.text);
  json_decref(root);
  return code;
}

#else

enum vmf_code vmf_luks2_take(struct vmf_luks *luks, const char *text, size_t bytes, uint64_t header,
                             struct vmf_error *error)
{
  (void)text, (void)bytes, (void)header;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: LUKS2: this build reads no JSON (libjansson was not there)", luks->io->name);
}

#endif
