/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A VHDX is some MiB of zeros with a few tables, checksums over all of them: the input is what is
 * changed in a good one (of test-images), and the checksums are made right unless it says that they
 * stay wrong. First byte: which image, and whether; then changes: a place, an offset from it, a
 * length, bytes. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "examine.h"
#include "fuzz.h"

enum {
  IMAGES = 3,
  IMAGE_MAX = 8 << 20,
  MIB = 1 << 20,
  PAGE = 4096,
  TABLE = 64 << 10,
  CHANGES = 64,
  CHANGE_MAX = 64, /* bytes */
};

static const char *const names[IMAGES] = {"good-vhdx-dynamic.vhdx", "good-vhdx-differencing.avhdx",
                                          "good-vhdx-log.vhdx"};
/* Headers, region tables, log, metadata table and items, BAT of blocks and of bitmaps, first block.
 */
static const uint32_t places[] = {
    0,          64 << 10, 128 << 10,       192 << 10, 256 << 10,       MIB,
    MIB + PAGE, 2 * MIB,  2 * MIB + TABLE, 3 * MIB,   3 * MIB + 32768, 4 * MIB};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

static uint8_t good[IMAGES][IMAGE_MAX], now[IMAGE_MAX];
static size_t sizes[IMAGES];

void fuzz_changed_vhdx_begin(void)
{
  for (unsigned i = 0; i < IMAGES; i++) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", FUZZ_IMAGES, names[i]);
    FILE *file = fopen(path, "rb");
    if (!file)
      abort();
    sizes[i] = fread(good[i], 1, IMAGE_MAX, file);
    fclose(file);
  }
}

static uint32_t crc32c(const uint8_t *bytes, size_t length)
{
  static uint32_t table[256];
  uint32_t crc = UINT32_MAX;

  for (uint32_t i = 0; table[255] == 0 && i < 256; i++) {
    table[i] = i;
    for (unsigned bit = 0; bit < 8; bit++)
      table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0x82f63b78u : 0);
  }
  for (size_t i = 0; i < length; i++)
    crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
  return ~crc;
}

static void mend(size_t at, size_t length)
{
  put_le32(now + at + 4, 0);
  put_le32(now + at + 4, crc32c(now + at, length));
}

static void mend_all(void)
{
  for (unsigned i = 0; i < 2; i++) {
    mend((64 + 64 * (size_t)i) << 10, PAGE);
    mend((192 + 64 * (size_t)i) << 10, TABLE);
  }
  for (size_t at = MIB; at < 2 * MIB; at += PAGE) {
    uint32_t length = get_le32(now + at + 8);
    if (memcmp(now + at, "loge", 4) == 0 && length >= PAGE && length <= 2 * MIB - at)
      mend(at, length);
  }
}

static void change(const uint8_t *data, size_t size, size_t image_size)
{
  for (unsigned i = 0; i < CHANGES && size > 4; i++) {
    uint64_t at = places[data[0] % PLACES] + get_le16(data + 1);
    size_t length = vmf_min(data[3] % CHANGE_MAX, size - 4);
    if (at + length <= image_size)
      memcpy(now + at, data + 4, length);
    data += 4 + length;
    size -= 4 + length;
  }
}

static enum vmf_code now_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                               struct vmf_error *error)
{
  (void)io;
  (void)error;
  memcpy(buffer, now + offset, length);
  return VMF_OK;
}

static void now_close(struct vmf_io *io)
{
  (void)io;
}

void fuzz_changed_vhdx(const char *unused, const uint8_t *data, size_t size)
{
  (void)unused;
  static const struct vmf_io_ops ops = {.kind = "fuzz", .pread = now_pread, .close = now_close};
  static char name[] = "fuzz/input";
  static unsigned last = IMAGES;
  unsigned which = size > 0 ? data[0] % IMAGES : 0;

  /* What a change reaches lies below this; the rest only changes with the image. */
  memcpy(now, good[which], last == which ? 4 * (size_t)MIB + 2 * TABLE : sizes[which]);
  last = which;
  if (size > 1)
    change(data + 1, size - 1, sizes[which]);
  if (size == 0 || data[0] < 192)
    mend_all();
  struct vmf_io io = {.ops = &ops, .name = name, .size = sizes[which]};
  examine_io(&io, "vhdx");
}
