/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What gzip files hold, read at any position and from many threads; damage and bombs. */
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "check_main.h"
#include "file.h"
#include "scratch.h"
#include "view.h"

enum { MIB = 1 << 20 };

static struct vmf_error error;

static struct vmf_io *memory_of(const void *bytes, size_t size)
{
  struct vmf_io *io = NULL;
  ck_assert_int_eq(vmf_io_memory("memory", bytes, size, &io, &error), VMF_OK);
  return io;
}

static struct vmf_io *source(const char *path)
{
  struct vmf_io *io = NULL;
  ck_assert_int_eq(vmf_io_open_file(path, false, &io, &error), VMF_OK);
  return io;
}

static void holds(struct vmf_io *io, uint64_t offset, const char *text)
{
  char found[64];
  ck_assert_int_eq(vmf_io_pread(io, found, strlen(text), offset, &error), VMF_OK);
  ck_assert_mem_eq(found, text, strlen(text));
}

/* Data that packs to about two thirds and has no period. */
static uint8_t *make_data(size_t size)
{
  uint8_t *data = malloc(size);
  uint32_t state = 1;
  ck_assert_ptr_nonnull(data);
  for (size_t i = 0; i < size; i++) {
    state = state * 1664525 + 1013904223;
    data[i] = (uint8_t)("0123456789abcdefghijklmnopqrstuvwxyz"[(state >> 24) % 36]);
  }
  return data;
}

/* A gzip member with a name and a header checksum behind what is in `out`; gives the new length. */
static size_t pack(const uint8_t *data, size_t size, uint8_t *out, size_t length, size_t room)
{
  z_stream z = {.next_in = (uint8_t *)(uintptr_t)data, .avail_in = (unsigned)size};
  gz_header head = {.name = (uint8_t *)(uintptr_t) "name", .hcrc = 1};
  ck_assert_int_eq(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  ck_assert_int_eq(deflateSetHeader(&z, &head), Z_OK);
  z.next_out = out + length;
  z.avail_out = (unsigned)(room - length);
  ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
  deflateEnd(&z);
  return room - z.avail_out;
}

static enum vmf_code unpack(const uint8_t *bytes, size_t size, uint64_t limit, struct vmf_io **io)
{
  const struct vmf_gunzip_options options = {.limit = limit};
  *io = NULL;
  error.text[0] = '\0';
  return vmf_io_gunzip(memory_of(bytes, size), &options, io, &error);
}

static void gunzip_fails(const uint8_t *bytes, size_t size, const char *text)
{
  struct vmf_io *io;
  ck_assert_int_eq(unpack(bytes, size, UINT64_MAX, &io), VMF_CORRUPT);
  ck_assert_msg(strstr(error.text, text) != NULL, "%s", error.text);
}

static struct vmf_io *unpacked(const uint8_t *bytes, size_t size)
{
  struct vmf_io *io;
  ck_assert_msg(unpack(bytes, size, UINT64_MAX, &io) == VMF_OK, "%s", error.text);
  return io;
}

static void reads_as(struct vmf_io *io, uint64_t offset, const uint8_t *data, size_t length)
{
  uint8_t *found = malloc(length + 1);
  ck_assert_msg(vmf_io_pread(io, found, length, offset, &error) == VMF_OK, "%s", error.text);
  ck_assert(memcmp(found, data + offset, length) == 0);
  free(found);
}

START_TEST(gzip_members)
{
  static uint8_t packed[4096];
  static const char text[] = "first second";
  size_t length = pack((const uint8_t *)text, 6, packed, 0, sizeof packed);
  length = pack((const uint8_t *)text, 0, packed, length, sizeof packed);
  length = pack((const uint8_t *)text + 6, 6, packed, length, sizeof packed);
  struct vmf_io *io = unpacked(packed, length);
  ck_assert_str_eq(io->name, "memory");
  ck_assert_uint_eq(io->size, 12);
  holds(io, 0, text);
  holds(io, 7, "econd");
  vmf_io_close(io);
  io = unpacked(packed, length + 1000); /* zeros behind */
  ck_assert_uint_eq(io->size, 12);
  vmf_io_close(io);
  packed[length + 999] = 'x';
  gunzip_fails(packed, length + 1000, "0x78 at byte");
  packed[length] = 'x';
  gunzip_fails(packed, length + 1, "expected another member");
  packed[length] = 0x1f;
  gunzip_fails(packed, length + 1, "middle of a member");
}
END_TEST

/* A bit of each byte of a small file, and every length of it. */
START_TEST(gzip_damage)
{
  static const char text[] = "what is packed";
  uint8_t packed[128];
  size_t length = pack((const uint8_t *)text, strlen(text), packed, 0, sizeof packed);
  struct vmf_io *io;
  for (size_t i = 0; i < length; i++) {
    packed[i] ^= 1;
    enum vmf_code code = unpack(packed, length, 1 << 20, &io);
    ck_assert_msg(code == VMF_CORRUPT, "byte %zu: %d", i, code);
    ck_assert_ptr_nonnull(strstr(error.text, "memory: "));
    packed[i] ^= 1;
  }
  for (size_t i = 0; i < length; i++)
    gunzip_fails(packed, i, "middle of a member");
}
END_TEST

START_TEST(gzip_limit)
{
  static uint8_t zeros[8 * MIB], packed[65536];
  struct vmf_io *io;
  const struct vmf_cancel cancel = {.requested = 1};
  size_t length = pack(zeros, sizeof zeros, packed, 0, sizeof packed);
  ck_assert_int_eq(unpack(packed, length, sizeof zeros - 1, &io), VMF_LIMIT);
  ck_assert_ptr_nonnull(strstr(error.text, "8388607"));
  ck_assert_int_eq(unpack(packed, length, sizeof zeros, &io), VMF_OK);
  vmf_io_close(io);
  const struct vmf_gunzip_options options = {.cancel = &cancel};
  ck_assert_int_eq(vmf_io_gunzip(memory_of(packed, length), &options, &io, &error), VMF_CANCELLED);
}
END_TEST

START_TEST(gzip_is_seen)
{
  static const uint8_t bytes[] = {0x1f, 0x8b, 8, 0};
  for (size_t size = 0; size <= 4; size++) {
    struct vmf_io *io = memory_of(bytes, size);
    ck_assert(vmf_io_is_gzip(io) == (size >= 3));
    vmf_io_close(io);
  }
  struct vmf_io *io = memory_of("vmdk", 4);
  ck_assert(!vmf_io_is_gzip(io));
  vmf_io_close(io);
}
END_TEST

enum { LARGE = 24 * MIB, PACKED_ROOM = 24 * MIB };

/* In members of uneven sizes, some of them long. */
static struct vmf_io *make_large(uint8_t **data)
{
  static const size_t steps[] = {1, 70000, 300000, 9 * MIB, 5, 200};
  uint8_t *packed = malloc(PACKED_ROOM);
  size_t length = 0;
  *data = make_data(LARGE);
  for (size_t at = 0, i = 0, step; at < LARGE; at += step, i++) {
    step = steps[i % 6] < LARGE - at ? steps[i % 6] : LARGE - at;
    length = pack(*data + at, step, packed, length, PACKED_ROOM);
  }
  struct vmf_io *io = unpacked(packed, length);
  free(packed);
  return io;
}

START_TEST(gzip_random_access)
{
  uint8_t *data;
  struct vmf_io *io = make_large(&data);
  uint32_t state = 7;
  ck_assert_uint_eq(io->size, LARGE);
  reads_as(io, 0, data, LARGE);
  for (unsigned i = 0; i < 100; i++) {
    state = state * 1664525 + 1013904223;
    size_t offset = (state >> 4) % LARGE, length = (state >> 8) % 300000 + 1;
    reads_as(io, offset, data, length < LARGE - offset ? length : LARGE - offset);
  }
  for (size_t at = LARGE; at > 0; at -= MIB) /* from the end to the start */
    reads_as(io, at - MIB, data, MIB);
  vmf_io_close(io);
  free(data);
}
END_TEST

struct gzip_reader {
  struct vmf_io *io;
  const uint8_t *data;
  size_t first, step;
  bool wrong;
};

static void *read_some(void *argument)
{
  enum { STEP = 100000 };
  struct gzip_reader *reader = argument;
  struct vmf_error own;
  uint8_t *found = malloc(STEP);
  for (size_t at = reader->first; at + STEP <= LARGE; at += reader->step)
    reader->wrong |= vmf_io_pread(reader->io, found, STEP, at, &own) != VMF_OK ||
                     memcmp(found, reader->data + at, STEP) != 0;
  free(found);
  return NULL;
}

START_TEST(gzip_from_many_threads)
{
  enum { READERS = 6 };
  uint8_t *data;
  struct vmf_io *io = make_large(&data);
  struct gzip_reader readers[READERS];
  pthread_t threads[READERS];
  for (size_t i = 0; i < READERS; i++) {
    bool scattered = i >= 4;
    readers[i] = (struct gzip_reader){
        .io = io, .data = data, .first = i * 100000, .step = scattered ? 5000001 : 400000};
    ck_assert_int_eq(pthread_create(&threads[i], NULL, read_some, &readers[i]), 0);
  }
  for (size_t i = 0; i < READERS; i++) {
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert(!readers[i].wrong);
  }
  vmf_io_close(io);
  free(data);
}
END_TEST

/* More points than are kept: they are thinned out, and what lies between is still found. */
START_TEST(gzip_many_points)
{
  enum { SIZE = 420 * MIB, PIECE = 4 * MIB };
  uint8_t *data = make_data(PIECE), *packed = malloc(SIZE / 60);
  z_stream z = {.next_out = packed, .avail_out = SIZE / 60};
  memset(data + 4096, 0, PIECE - 4096);
  ck_assert_int_eq(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  for (size_t at = 0; at < SIZE; at += PIECE) {
    data[0] = (uint8_t)(at / PIECE);
    z.next_in = data;
    z.avail_in = PIECE;
    ck_assert_int_ge(deflate(&z, at + PIECE < SIZE ? Z_FULL_FLUSH : Z_FINISH), 0);
    ck_assert_uint_eq(z.avail_in, 0);
  }
  struct vmf_io *io = unpacked(packed, (size_t)z.total_out);
  deflateEnd(&z);
  ck_assert_uint_eq(io->size, SIZE);
  for (size_t at = SIZE; at > 0; at -= 7 * PIECE) {
    uint8_t found[4096];
    data[0] = (uint8_t)(at / PIECE - 1);
    ck_assert_int_eq(vmf_io_pread(io, found, 4096, at - PIECE, &error), VMF_OK);
    ck_assert_mem_eq(found, data, 4096);
  }
  vmf_io_close(io);
  free(packed);
  free(data);
}
END_TEST

START_TEST(gzip_changed_below)
{
  static const struct timespec times[2];
  uint8_t *data = make_data(2 * MIB), *packed = malloc(3 * MIB);
  struct vmf_io *io;
  struct stat status;
  size_t length = pack(data, 2 * MIB, packed, 0, 3 * MIB);
  scratch_write("x.gz", packed, length);
  ck_assert_int_eq(vmf_io_gunzip(source("x.gz"), &(struct vmf_gunzip_options){0}, &io, &error),
                   VMF_OK);
  ck_assert(vmf_io_stat(io, &status));
  ck_assert_uint_eq((uint64_t)status.st_size, length);
  ck_assert_int_eq(vmf_io_unchanged(io, NULL, &error), VMF_OK);
  memset(packed + 100000, 0xff, 100000);
  scratch_write("x.gz", packed, length);
  ck_assert_int_eq(utimensat(AT_FDCWD, "x.gz", times, 0), 0);
  ck_assert_int_eq(vmf_io_pread(io, data, MIB, MIB, &error), VMF_CORRUPT);
  ck_assert_int_eq(vmf_io_pread(io, data, MIB, MIB, &error), VMF_CORRUPT);
  ck_assert_int_eq(vmf_io_unchanged(io, NULL, &error), VMF_CHANGED);
  vmf_io_close(io);
  free(packed);
  free(data);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("gunzip");
  TCase *gzip = tcase_create("gzip");
  tcase_set_timeout(gzip, 240);
  tcase_add_checked_fixture(gzip, scratch_enter, scratch_leave);
  tcase_add_test(gzip, gzip_members);
  tcase_add_test(gzip, gzip_damage);
  tcase_add_test(gzip, gzip_limit);
  tcase_add_test(gzip, gzip_is_seen);
  tcase_add_test(gzip, gzip_random_access);
  tcase_add_test(gzip, gzip_from_many_threads);
  tcase_add_test(gzip, gzip_many_points);
  tcase_add_test(gzip, gzip_changed_below);
  suite_add_tcase(made, gzip);
  return made;
}

VMF_TEST_MAIN(suite)
