/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One libFuzzer target a format (FUZZ_FORMAT): opens the input as an image, asks for its info,
 * walks its map, reads what the map shows, checks it. Anything may fail; nothing may crash, hang,
 * or take memory without bound. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "image.h"
#include "io.h"

enum { SPANS = 256, READ_BYTES = 1 << 16, CHECK_GUEST_MAX = 1 << 30 };

/* A mutated header almost never has a right checksum: the VHD sums are made right, so that what
 * lies behind them is reached. Half of the inputs (by size) keep their wrong ones. */
static void mend_vhd_sum(uint8_t *bytes, size_t length, size_t at)
{
  uint32_t sum = 0;
  memset(bytes + at, 0, 4);
  for (size_t i = 0; i < length; i++)
    sum += bytes[i];
  put_be32(bytes + at, ~sum);
}

static void mend(uint8_t *bytes, size_t size)
{
  if (strcmp(FUZZ_FORMAT, "vhd") != 0 || size < 512 || size % 2)
    return;
  mend_vhd_sum(bytes + size - 512, 512, 64);
  if (size < 2048)
    return;
  uint64_t header = get_be64(bytes + 16);
  if (vmf_range_within(header, 1024, size))
    mend_vhd_sum(bytes + header, 1024, 36);
  mend_vhd_sum(bytes, 512, 64);
}

static void walk(struct vmf_image *image)
{
  static uint8_t buffer[READ_BYTES];
  struct vmf_error error;
  struct vmf_loader *loader;
  uint64_t guest = 0;

  if (vmf_loader_new(&loader, &error) != VMF_OK)
    abort();
  for (unsigned i = 0; i < SPANS && guest < image->size; i++) {
    struct vmf_span span;
    if (vmf_image_span(image, guest, image->size, &span, &error) != VMF_OK) {
      guest += 65536;
      continue;
    }
    if (span.length == 0 || span.guest != guest || span.length > image->size - guest)
      abort();
    size_t length = (size_t)vmf_min(span.length, READ_BYTES);
    if (vmf_loader_read(loader, image, buffer, length, guest, &error) != VMF_OK &&
        error.text[0] == '\0')
      abort();
    guest += span.length;
  }
  vmf_loader_free(loader);
}

static void examine(struct vmf_image *image)
{
  struct vmf_error error;
  struct vmf_value *info;
  struct vmf_findings findings = {.size = sizeof findings};

  if (vmf_image_info(image, &info, &error) == VMF_OK)
    vmf_value_free(info);
  walk(image);
  if (image->size <= CHECK_GUEST_MAX && vmf_image_check(image, &findings, &error) != VMF_OK &&
      error.text[0] == '\0')
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const struct vmf_image_options options = {
      .size = sizeof options, .format = FUZZ_FORMAT, .no_chain = true};
  struct vmf_error error;
  struct vmf_image *image;
  struct vmf_io *io;
  uint8_t *copy = malloc(size + 1);

  memcpy(copy, data, size);
  mend(copy, size);
  if (vmf_io_memory("fuzz/input", copy, size, &io, &error) != VMF_OK)
    abort();
  free(copy);
  error.text[0] = '\0';
  const struct vmf_image_origin origin = {.io = io};
  if (vmf_image_open_origin(&origin, &options, &image, &error) == VMF_OK) {
    examine(image);
    vmf_image_close(image);
  } else if (error.text[0] == '\0') {
    abort();
  }
  return 0;
}
