/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Makes small archives in memory, header by header, and lists them. Use start() as a fixture. */
#ifndef VMF_TESTS_TAR_MAKER_H
#define VMF_TESTS_TAR_MAKER_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "tar.h"

enum { ROOM = 64 * VMF_TAR_BLOCK };

static struct vmf_error error;
static uint8_t archive[ROOM];
static size_t used;

/* ---- making archives ---- */

static inline void start(void)
{
  memset(archive, 0, sizeof archive);
  used = 0;
}

static inline void set_sum(uint8_t *block, bool with_sign)
{
  int sum = 8 * ' ';
  for (size_t i = 0; i < VMF_TAR_BLOCK; i++)
    if (i < 148 || i >= 156)
      sum += with_sign ? (int8_t)block[i] : block[i];
  char text[16];
  snprintf(text, sizeof text, "%06o", (unsigned)sum);
  memcpy(block + 148, text, 7);
  block[155] = ' ';
}

/* A v7 header with the size as text; the caller may change it and set the sum again. */
static inline uint8_t *header(const char *name, char type, const char *size)
{
  uint8_t *block = archive + used;
  memcpy(block, name, strnlen(name, 100));
  memcpy(block + 124, size, strnlen(size, 12));
  block[156] = (uint8_t)type;
  set_sum(block, false);
  used += VMF_TAR_BLOCK;
  return block;
}

static inline void content(const void *bytes, size_t length)
{
  memcpy(archive + used, bytes, length);
  used += length + vmf_tar_padding(length);
}

static inline uint8_t *entry(const char *name, char type, const void *bytes, size_t length)
{
  char size[32];
  snprintf(size, sizeof size, "%011zo", length);
  uint8_t *block = header(name, type, size);
  content(bytes, length);
  return block;
}

static inline uint8_t *file(const char *name, const char *text)
{
  return entry(name, '0', text, strlen(text));
}

static inline void extended(char type, const char *records)
{
  entry("PaxHeaders/x", type, records, strlen(records));
}

static inline void finish(void)
{
  used += 2 * VMF_TAR_BLOCK;
}

/* ---- reading them ---- */

static unsigned warnings;

static inline void count_warning(void *data, const char *text)
{
  (void)data;
  ck_assert_ptr_nonnull(strstr(text, "sample.ova"));
  warnings++;
}

static const struct vmf_log log_counting = {.warn = count_warning};

static inline enum vmf_code list(struct vmf_tar **tar)
{
  struct vmf_io *io;
  warnings = 0;
  *tar = NULL;
  error.text[0] = '\0';
  ck_assert_int_eq(vmf_io_memory("sample.ova", archive, used, &io, &error), VMF_OK);
  enum vmf_code code = vmf_tar_read(io, &log_counting, tar, &error);
  vmf_io_close(io);
  return code;
}

static inline struct vmf_tar *listed(size_t count)
{
  struct vmf_tar *tar;
  ck_assert_msg(list(&tar) == VMF_OK, "%s", error.text);
  ck_assert_uint_eq(tar->count, count);
  return tar;
}

/* The error has the archive's name and `text` in it. */
static inline void fails(enum vmf_code code, const char *text)
{
  struct vmf_tar *tar;
  ck_assert_int_eq(list(&tar), code);
  ck_assert_ptr_null(tar);
  ck_assert_msg(strstr(error.text, "sample.ova") && strstr(error.text, text), "%s", error.text);
}

static inline void only_member(const char *name, uint64_t first, uint64_t offset, uint64_t size)
{
  struct vmf_tar *tar = listed(1);
  ck_assert_str_eq(tar->members[0].name, name);
  ck_assert_uint_eq(tar->members[0].header, first);
  ck_assert_uint_eq(tar->members[0].offset, offset);
  ck_assert_uint_eq(tar->members[0].size, size);
  vmf_tar_free(tar);
}

#endif
