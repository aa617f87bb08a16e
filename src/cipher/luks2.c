/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The two headers of LUKS2 (LUKS2, "Binary header"): each is a block of 4096 bytes with text in
 * JSON behind, under a digest. They say the same; where one of them is damaged, or older, the other
 * counts. */
#include <openssl/evp.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "hash_name.h"
#include "luks_header.h"
#include "memory.h"

/* Offsets in a header; numbers are big-endian. */
enum {
  MAGIC_AT = 0,      /* 6 bytes */
  VERSION_AT = 6,    /* u16 */
  SIZE_AT = 8,       /* u64, bytes, with the JSON area */
  SEQUENCE_AT = 16,  /* u64, grows with each change */
  LABEL_AT = 24,     /* 48 bytes */
  DIGEST_AT = 72,    /* 32 bytes: the digest's name */
  UUID_AT = 168,     /* 40 bytes */
  PLACE_AT = 256,    /* u64: of this header */
  CHECKSUM_AT = 448, /* 64 bytes */
  CHECKSUM = 64,
  HEADER = 4096,
  SMALLEST = 16384, /* with the JSON area; powers of two from here */
  LARGEST = 4 << 20,
  JSON_MAX = 1 << 20, /* bytes of text, which is some thousand */
};

static const uint8_t second_magic[VMF_LUKS_MAGIC] = {'S', 'K', 'U', 'L', 0xba, 0xbe};

struct header {
  uint8_t *bytes; /* with the JSON area; NULL: not read */
  uint64_t size, sequence;
};

/* Over all of it, with zeros where it stands itself. */
static bool checksum_fits(const struct header *header, const char *digest)
{
  static const uint8_t zeros[CHECKSUM];
  EVP_MD *method = vmf_hash_fetch(digest);
  EVP_MD_CTX *context = method ? EVP_MD_CTX_new() : NULL;
  unsigned char made[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  bool done = context && EVP_DigestInit_ex2(context, method, NULL) == 1 &&
              EVP_DigestUpdate(context, header->bytes, CHECKSUM_AT) == 1 &&
              EVP_DigestUpdate(context, zeros, CHECKSUM) == 1 &&
              EVP_DigestUpdate(context, header->bytes + CHECKSUM_AT + CHECKSUM,
                               header->size - CHECKSUM_AT - CHECKSUM) == 1 &&
              EVP_DigestFinal_ex(context, made, &length) == 1;

  EVP_MD_CTX_free(context);
  EVP_MD_free(method);
  return done && length <= CHECKSUM && memcmp(made, header->bytes + CHECKSUM_AT, length) == 0;
}

static enum vmf_code check_header(const struct vmf_luks *luks, uint64_t at,
                                  const struct header *header, struct vmf_error *error)
{
  const char *name = luks->io->name;
  uint64_t place = get_be64(header->bytes + PLACE_AT);
  char digest[33];

  VMF_TRY(vmf_luks_text(luks, "digest", header->bytes + DIGEST_AT, 32, digest, error));
  if (!vmf_hash_name(digest))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: LUKS2 header at byte %llu: the digest \"%s\" is not supported", name,
                    (unsigned long long)at, digest);
  if (!checksum_fits(header, digest))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: LUKS2 header at byte %llu: its checksum is not that of its bytes", name,
                    (unsigned long long)at);
  if (place != at)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: LUKS2 header at byte %llu: says that it is at byte %llu", name,
                    (unsigned long long)at, (unsigned long long)place);
  return VMF_OK;
}

/* size: what it has to have, or 0. */
static enum vmf_code read_header(const struct vmf_luks *luks, uint64_t at, uint64_t length,
                                 const uint8_t *magic, struct header *header,
                                 struct vmf_error *error)
{
  const char *name = luks->io->name;
  uint8_t head[SEQUENCE_AT + 8];
  void *memory;

  if (!vmf_range_within(at, HEADER, length))
    return vmf_fail(error, VMF_CORRUPT, "%s: %llu bytes, a LUKS2 header at byte %llu has %d", name,
                    (unsigned long long)length, (unsigned long long)at, HEADER);
  VMF_TRY(vmf_io_pread(luks->io, head, sizeof head, luks->at + at, error));
  header->size = get_be64(head + SIZE_AT);
  header->sequence = get_be64(head + SEQUENCE_AT);
  if (memcmp(head, magic, VMF_LUKS_MAGIC) != 0 || get_be16(head + VERSION_AT) != 2)
    return vmf_fail(error, VMF_CORRUPT, "%s: there is no LUKS2 header at byte %llu", name,
                    (unsigned long long)at);
  if (!vmf_is_power_of_two(header->size) || header->size < SMALLEST || header->size > LARGEST ||
      !vmf_range_within(at, header->size, length))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: LUKS2 header at byte %llu: %llu bytes, accepted are powers of two from %d "
                    "to %d, and not beyond the end of the file (%llu bytes)",
                    name, (unsigned long long)at, (unsigned long long)header->size, SMALLEST,
                    LARGEST, (unsigned long long)length);
  VMF_TRY(vmf_alloc(header->size, &memory, error));
  header->bytes = memory;
  VMF_TRY(vmf_io_pread(luks->io, header->bytes, header->size, luks->at + at, error));
  return check_header(luks, at, header, error);
}

static enum vmf_code take_header(struct vmf_luks *luks, const struct header *header,
                                 struct vmf_error *error)
{
  const char *text = (const char *)header->bytes + HEADER;
  size_t room = header->size - HEADER, length = strnlen(text, room);

  VMF_TRY(vmf_luks_text(luks, "UUID", header->bytes + UUID_AT, 40, luks->uuid, error));
  VMF_TRY(vmf_luks_text(luks, "label", header->bytes + LABEL_AT, 48, luks->label, error));
  if (length > JSON_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: LUKS2 header: %zu bytes of JSON, at most %d are read",
                    luks->io->name, length, JSON_MAX);
  if (length == room)
    return vmf_fail(error, VMF_CORRUPT, "%s: LUKS2 header: its JSON does not end", luks->io->name);
  return vmf_luks2_take(luks, text, length, header->size, error);
}

/* The second one stands behind the first, whose size is not known where it is damaged. A place that
 * could not be read is told before one where nothing is. */
static enum vmf_code read_second(const struct vmf_luks *luks, const struct header *first,
                                 uint64_t length, struct header *second, struct vmf_error *error)
{
  struct vmf_error now;

  if (first->bytes)
    return read_header(luks, first->size, length, second_magic, second, error);
  enum vmf_code code = VMF_CORRUPT;
  for (uint64_t at = SMALLEST; at <= LARGEST && code != VMF_OK; at *= 2) {
    vmf_free(second->bytes);
    second->bytes = NULL;
    code = read_header(luks, at, length, second_magic, second, &now);
    if (code != VMF_OK && (at == SMALLEST || (error->code == VMF_CORRUPT && code != VMF_CORRUPT)))
      *error = now;
  }
  return code == VMF_OK ? VMF_OK : error->code;
}

static enum vmf_code choose(struct vmf_luks *luks, uint64_t length, const struct vmf_log *log,
                            struct header *first, struct header *second, struct vmf_error *error)
{
  struct vmf_error why = {0}, ignored = {0};
  enum vmf_code one = read_header(luks, 0, length, vmf_luks_magic, first, &why);
  enum vmf_code other =
      read_second(luks, one == VMF_OK ? first : &(struct header){0}, length, second, &ignored);
  const char *name = luks->io->name;

  if (one != VMF_OK && other != VMF_OK)
    return vmf_fail_again(one == VMF_CORRUPT && other != VMF_CORRUPT ? &ignored : &why, error);
  if (one != VMF_OK)
    vmf_warn(log, "%s; the second header is taken", why.text);
  else if (other != VMF_OK)
    vmf_warn(log, "%s; the first header is taken", ignored.text);
  else if (first->sequence != second->sequence)
    vmf_warn(log, "%s: LUKS2: the headers are of two states (%llu, %llu); the newer one is taken",
             name, (unsigned long long)first->sequence, (unsigned long long)second->sequence);
  bool takes_first = one == VMF_OK && (other != VMF_OK || first->sequence >= second->sequence);
  return take_header(luks, takes_first ? first : second, error);
}

enum vmf_code vmf_luks2_read(struct vmf_luks *luks, uint64_t length, const struct vmf_log *log,
                             struct vmf_error *error)
{
  struct header first = {0}, second = {0};
  enum vmf_code code = choose(luks, length, log, &first, &second, error);

  vmf_free(first.bytes);
  vmf_free(second.bytes);
  return code;
}
