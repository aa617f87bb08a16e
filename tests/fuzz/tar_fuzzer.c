/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The input is taken as an archive, gzip around it or not; header checksums are made right on half
 * of the inputs. Anything may fail; nothing may crash, hang, or take memory without bound. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "tar.h"
#include "view.h"

enum { UNPACKED_MAX = 1 << 22, READ_BYTES = 1 << 12 };

static void mend_sums(uint8_t *bytes, size_t size)
{
  for (size_t at = 0; at + VMF_TAR_BLOCK <= size; at += VMF_TAR_BLOCK) {
    unsigned sum = 8 * ' ';
    char text[16];
    if (bytes[at] == 0)
      continue;
    for (size_t i = 0; i < VMF_TAR_BLOCK; i++)
      sum += i >= 148 && i < 156 ? 0 : bytes[at + i];
    snprintf(text, sizeof text, "%07o", sum);
    memcpy(bytes + at + 148, text, 8);
  }
}

static void read_member(struct vmf_io *io, const struct vmf_tar_member *member)
{
  static uint8_t buffer[READ_BYTES];
  struct vmf_error error;
  struct vmf_io *file;
  if (vmf_tar_open(io, member, member->name, &file, &error) != VMF_OK)
    abort();
  size_t length = file->size < READ_BYTES ? (size_t)file->size : READ_BYTES;
  uint64_t start = 0, end = 0;
  if (vmf_io_pread(file, buffer, length, file->size - length, &error) != VMF_OK ||
      vmf_io_pread(file, buffer, length, (file->size - length) / 2, &error) != VMF_OK)
    abort();
  if (file->size > 0 && (vmf_io_next_data(file, file->size / 2, &start, &end, &error) != VMF_OK ||
                         start > end || end > file->size))
    abort();
  vmf_io_close(file);
}

static void list(struct vmf_io *io, bool sparse)
{
  struct vmf_error error;
  struct vmf_tar *tar;
  error.text[0] = '\0';
  enum vmf_code code =
      sparse ? vmf_tar_read_sparse(io, NULL, &tar, &error) : vmf_tar_read(io, NULL, &tar, &error);
  if (code == VMF_OK) {
    for (size_t i = tar->count; i > 0; i--)
      read_member(io, &tar->members[i - 1]);
    vmf_tar_free(tar);
  } else if (error.text[0] == '\0') {
    abort();
  }
}

void fuzz_tar(const char *unused, const uint8_t *data, size_t size)
{
  (void)unused;
  struct vmf_error error;
  struct vmf_io *io;
  uint8_t *copy = malloc(size + 1);

  memcpy(copy, data, size);
  if (size % 1024 < VMF_TAR_BLOCK)
    mend_sums(copy, size);
  if (vmf_io_memory("fuzz/input", copy, size, &io, &error) != VMF_OK)
    abort();
  free(copy);
  const struct vmf_gunzip_options gunzip = {.limit = UNPACKED_MAX};
  if (vmf_io_is_gzip(io) && vmf_io_gunzip(io, &gunzip, &io, &error) != VMF_OK)
    return;
  list(io, false);
  list(io, true);
  vmf_io_close(io);
}
