/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Streams of the .xz format by liblzma: one block of LZMA2 each, with a window no larger than a
 * unit, which bounds the memory. */
#include <stdbool.h>

#ifdef VMF_HAVE_LZMA
#include <lzma.h>
#endif

#include "memory.h"
#include "method.h"

#ifdef VMF_HAVE_LZMA
enum { WINDOW = 2 << 20, UNPACKER_MEMORY = 20 << 20 };

struct vmf_xz_packer {
  lzma_options_lzma options;
};

static bool set_level(lzma_options_lzma *options, int level)
{
  static const uint32_t presets[] = {[0] = 6, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9};
  if (lzma_lzma_preset(options, presets[level] | (level > 10 ? LZMA_PRESET_EXTREME : 0)))
    return false;
  if (options->dict_size > WINDOW)
    options->dict_size = WINDOW;
  return true;
}

enum vmf_code vmf_xz_packer_new(int level, struct vmf_xz_packer **packer, struct vmf_error *error)
{
  void *memory;
  *packer = NULL;
  VMF_TRY(vmf_alloc(sizeof **packer, &memory, error));
  struct vmf_xz_packer *made = memory;
  if (!set_level(&made->options, level)) {
    vmf_free(made);
    return vmf_fail(error, VMF_UNSUPPORTED, "liblzma has no such level");
  }
  *packer = made;
  return VMF_OK;
}

void vmf_xz_packer_free(struct vmf_xz_packer *packer)
{
  vmf_free(packer);
}

enum vmf_code vmf_xz_pack(struct vmf_xz_packer *packer, const void *data, size_t length,
                          void *packed, size_t capacity, size_t *packed_length,
                          struct vmf_error *error)
{
  lzma_filter filters[] = {{.id = LZMA_FILTER_LZMA2, .options = &packer->options},
                           {.id = LZMA_VLI_UNKNOWN}};
  size_t used = 0;
  lzma_ret result = lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC64, NULL, data, length, packed,
                                              &used, capacity);
  if (result == LZMA_OK)
    *packed_length = used;
  else if (result != LZMA_BUF_ERROR)
    return vmf_fail(error, result == LZMA_MEM_ERROR ? VMF_NOMEM : VMF_SYSTEM,
                    "liblzma cannot pack a unit: error %d", (int)result);
  return VMF_OK;
}

size_t vmf_xz_packer_memory(int level)
{
  lzma_options_lzma options;
  const lzma_filter filters[] = {{.id = LZMA_FILTER_LZMA2, .options = &options},
                                 {.id = LZMA_VLI_UNKNOWN}};
  return set_level(&options, level) ? (size_t)lzma_raw_encoder_memusage(filters) : 0;
}

size_t vmf_xz_pack_bound(size_t length)
{
  return lzma_stream_buffer_bound(length);
}

enum vmf_code vmf_xz_unpack(const void *packed, size_t packed_length, void *data, size_t capacity,
                            size_t *length, struct vmf_error *error)
{
  uint64_t memory = UNPACKER_MEMORY;
  size_t used = 0;

  *length = 0;
  switch (lzma_stream_buffer_decode(&memory, 0, NULL, packed, &used, packed_length, data, length,
                                    capacity)) {
  case LZMA_OK:
    return VMF_OK;
  case LZMA_MEM_ERROR:
    return vmf_fail(error, VMF_NOMEM, "no memory for liblzma");
  case LZMA_MEMLIMIT_ERROR:
    return vmf_fail(error, VMF_LIMIT,
                    "xz data takes %llu bytes of memory to unpack, at most %d are accepted",
                    (unsigned long long)memory, UNPACKER_MEMORY);
  case LZMA_BUF_ERROR:
    return vmf_fail(error, VMF_CORRUPT, "xz data unpacks to more than %zu bytes", capacity);
  default:
    return vmf_fail(error, VMF_CORRUPT, "xz data is damaged or incomplete");
  }
}
#else
enum vmf_code vmf_xz_packer_new(int level, struct vmf_xz_packer **packer, struct vmf_error *error)
{
  (void)level;
  *packer = NULL;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "xz: this vmferry was built without liblzma; compress=zst is there");
}

void vmf_xz_packer_free(struct vmf_xz_packer *packer)
{
  (void)packer;
}

enum vmf_code vmf_xz_pack(struct vmf_xz_packer *packer, const void *data, size_t length,
                          void *packed, size_t capacity, size_t *packed_length,
                          struct vmf_error *error)
{
  (void)packer;
  (void)data;
  (void)length;
  (void)packed;
  (void)capacity;
  *packed_length = 0;
  return vmf_fail(error, VMF_UNSUPPORTED, "xz: no liblzma");
}

size_t vmf_xz_packer_memory(int level)
{
  (void)level;
  return 0;
}

size_t vmf_xz_pack_bound(size_t length)
{
  return length;
}

enum vmf_code vmf_xz_unpack(const void *packed, size_t packed_length, void *data, size_t capacity,
                            size_t *length, struct vmf_error *error)
{
  (void)packed;
  (void)packed_length;
  (void)data;
  (void)capacity;
  *length = 0;
  return vmf_fail(error, VMF_UNSUPPORTED, "xz: this vmferry was built without liblzma");
}
#endif
