/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What every fuzz target does with an image: opens it, asks for its info, walks its map, reads what
 * the map shows, checks it. Anything may fail; nothing may crash, hang, or take memory without
 * bound. */
#ifndef VMF_TESTS_FUZZ_EXAMINE_H
#define VMF_TESTS_FUZZ_EXAMINE_H

#include <stdlib.h>

#include "checked.h"
#include "image.h"
#include "io.h"

enum { SPANS = 256, READ_BYTES = 1 << 16, CHECK_GUEST_MAX = 1 << 30 };

static inline void walk(struct vmf_image *image)
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
    size_t length = (size_t)vmf_min(span.length, span.kind == VMF_RUN_ZERO ? 512 : READ_BYTES);
    if (vmf_loader_read(loader, image, buffer, length, guest, &error) != VMF_OK &&
        error.text[0] == '\0')
      abort();
    guest += span.length;
  }
  vmf_loader_free(loader);
}

static inline void examine(struct vmf_image *image)
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

/* What opens an encrypted disk: seeds.py makes some that it does open. */
static const struct vmf_secret fuzz_secret = {.bytes = "secret", .length = 6};

/* Takes over the io. */
static inline void examine_io(struct vmf_io *io, const char *format)
{
  const struct vmf_image_options options = {.size = sizeof options,
                                            .format = format,
                                            .no_chain = true,
                                            .secrets = &fuzz_secret,
                                            .secret_count = 1};
  const struct vmf_image_origin origin = {.io = io};
  struct vmf_error error = {0};
  struct vmf_image *image;

  if (vmf_image_open_origin(&origin, &options, &image, &error) == VMF_OK) {
    examine(image);
    vmf_image_close(image);
  } else if (error.text[0] == '\0') {
    abort();
  }
}

#endif
