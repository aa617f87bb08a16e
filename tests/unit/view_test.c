/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Ios that show other ios: windows, insets, joined files. */
#include "view.h"

#include <pthread.h>
#include <string.h>

#include "check_main.h"
#include "descriptor.h"
#include "file.h"
#include "scratch.h"

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

static struct vmf_io *window_on(struct vmf_io *base, uint64_t offset, uint64_t length)
{
  struct vmf_io *io = NULL;
  ck_assert_int_eq(vmf_io_window(base, offset, length, "window", true, &io, &error), VMF_OK);
  return io;
}

static void holds(struct vmf_io *io, uint64_t offset, const char *text)
{
  char found[64];
  ck_assert_int_eq(vmf_io_pread(io, found, strlen(text), offset, &error), VMF_OK);
  ck_assert_mem_eq(found, text, strlen(text));
}

static void next_data_is(struct vmf_io *io, uint64_t offset, uint64_t start, uint64_t end)
{
  uint64_t first, last;
  ck_assert_int_eq(vmf_io_next_data(io, offset, &first, &last, &error), VMF_OK);
  ck_assert_uint_eq(first, start);
  ck_assert_uint_eq(last, end);
}

/* A file of `size` bytes with 64 KiB of data at each place. */
static void make_sparse(const char *path, uint64_t size, const uint64_t *places, size_t count)
{
  static char block[65536];
  memset(block, 'd', sizeof block);
  int number = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
  ck_assert_int_ge(number, 0);
  ck_assert_int_eq(ftruncate(number, (off_t)size), 0);
  for (size_t i = 0; i < count; i++)
    ck_assert_int_eq(pwrite(number, block, sizeof block, (off_t)places[i]), sizeof block);
  ck_assert_int_eq(close(number), 0);
}

/* ---- windows ---- */

START_TEST(window_reads)
{
  struct vmf_io *io = window_on(memory_of("0123456789", 10), 2, 5);
  char byte;
  ck_assert_str_eq(io->name, "window");
  ck_assert_uint_eq(io->size, 5);
  holds(io, 0, "23456");
  holds(io, 4, "6");
  ck_assert_int_eq(vmf_io_pread(io, &byte, 1, 5, &error), VMF_READ);
  ck_assert_int_eq(vmf_io_pwrite(io, "x", 1, 0, &error), VMF_UNSUPPORTED);
  vmf_io_close(io);
}
END_TEST

START_TEST(window_bounds)
{
  struct vmf_io *io, *base = memory_of("0123456789", 10);
  vmf_io_close(window_on(memory_of("0123456789", 10), 10, 0));
  ck_assert_int_eq(vmf_io_window(base, 9, 2, "disk", false, &io, &error), VMF_CORRUPT);
  ck_assert_ptr_nonnull(strstr(error.text, "disk: 2 bytes at byte 9 of memory"));
  ck_assert_int_eq(vmf_io_window(base, 11, 0, "disk", false, &io, &error), VMF_CORRUPT);
  ck_assert_int_eq(vmf_io_window(base, 2, UINT64_MAX, "disk", false, &io, &error), VMF_CORRUPT);
  ck_assert_int_eq(vmf_io_window(base, UINT64_MAX, 2, "disk", true, &io, &error), VMF_CORRUPT);
}
END_TEST

START_TEST(window_passes_holes_on)
{
  static const uint64_t places[] = {MIB, 3 * MIB};
  make_sparse("sparse", 8 * MIB, places, 2);
  struct vmf_io *io = window_on(source("sparse"), MIB + 4096, 4 * MIB);
  next_data_is(io, 0, 0, 65536 - 4096);
  next_data_is(io, 65536, 2 * MIB - 4096, 2 * MIB - 4096 + 65536);
  next_data_is(io, 3 * MIB, 4 * MIB, 4 * MIB);
  vmf_io_close(io);
  io = window_on(source("sparse"), MIB + 4096, 8192); /* data reaches beyond its end */
  next_data_is(io, 0, 0, 8192);
  vmf_io_close(io);
  io = window_on(source("sparse"), 4096, 8192); /* data starts beyond its end */
  next_data_is(io, 0, 8192, 8192);
  vmf_io_close(io);
}
END_TEST

START_TEST(views_know_their_files)
{
  struct stat status, own;
  scratch_text("a", "0123456789");
  scratch_text("b", "0123456789");
  struct vmf_io *io, *parts[] = {window_on(source("a"), 1, 8), window_on(source("b"), 1, 8)};
  ck_assert_int_eq(vmf_io_joined(parts, 2, "joined", &io, &error), VMF_OK);
  io = window_on(io, 1, 8);
  ck_assert(vmf_io_stat(io, &status));
  ck_assert_int_eq(stat("a", &own), 0);
  ck_assert_uint_eq(status.st_ino, own.st_ino);
  ck_assert_int_eq(vmf_io_unchanged(io, NULL, &error), VMF_OK);
  scratch_text("b", "012345678");
  ck_assert_int_eq(vmf_io_unchanged(io, NULL, &error), VMF_CHANGED);
  ck_assert_ptr_nonnull(strstr(error.text, "b: "));
  vmf_io_close(io);
  io = window_on(memory_of("x", 1), 0, 1);
  ck_assert(!vmf_io_stat(io, &status));
  ck_assert_int_eq(vmf_io_unchanged(io, NULL, &error), VMF_OK);
  vmf_io_close(io);
}
END_TEST

/* ---- insets ---- */

static struct vmf_io *inset_in(struct vmf_io *base, uint64_t offset)
{
  struct vmf_io *io = NULL;
  ck_assert_int_eq(vmf_io_inset(base, offset, "member", &io, &error), VMF_OK);
  return io;
}

static struct vmf_io *target(const char *path)
{
  struct vmf_io *io = NULL;
  int number = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
  ck_assert_int_ge(number, 0);
  ck_assert_int_eq(vmf_io_write_file(number, path, false, &io, &error), VMF_OK);
  return io;
}

static void put(struct vmf_io *io, const char *text, uint64_t offset)
{
  ck_assert_int_eq(vmf_io_pwrite(io, text, strlen(text), offset, &error), VMF_OK);
}

static void is_zero(struct vmf_io *io, uint64_t offset, size_t length)
{
  char byte = 1;
  for (; length > 0; length--, offset++) {
    ck_assert_int_eq(vmf_io_pread(io, &byte, 1, offset, &error), VMF_OK);
    ck_assert_int_eq(byte, 0);
  }
}

START_TEST(inset_grows)
{
  struct vmf_io *base = target("file");
  put(base, "head", 0);
  struct vmf_io *io = inset_in(base, 8);
  const struct vmf_piece pieces[] = {{"ab", 2}, {NULL, 3}, {"c", 1}};
  ck_assert_uint_eq(io->size, 0);
  ck_assert(io->reads_as_zero && !io->sequential && !io->device && io->writers == 1);
  ck_assert_int_eq(vmf_io_pwrite_pieces(io, pieces, 3, 4, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 10);
  ck_assert_uint_eq(base->size, 18);
  put(io, "x", 0);
  ck_assert_uint_eq(io->size, 10);
  is_zero(io, 1, 3);
  holds(io, 4, "ab");
  ck_assert_int_eq(vmf_io_flush(io, &error), VMF_OK);
  vmf_io_close(io);
  holds(base, 0, "head");
  is_zero(base, 4, 4);
  holds(base, 8, "x");
  vmf_io_close(base);
}
END_TEST

START_TEST(inset_resizes)
{
  struct vmf_io *base = target("file"), *io = inset_in(base, 8);
  put(base, "headhead", 0);
  put(io, "0123456789", 0);
  ck_assert_int_eq(vmf_io_resize(io, 4, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 4);
  ck_assert_uint_eq(base->size, 12);
  ck_assert_int_eq(vmf_io_resize(io, 20, &error), VMF_OK);
  ck_assert_uint_eq(base->size, 28);
  holds(io, 0, "0123");
  is_zero(io, 4, 16);
  ck_assert_int_eq(vmf_io_resize(io, 0, &error), VMF_OK);
  ck_assert_uint_eq(base->size, 8);
  holds(base, 0, "headhead");
  ck_assert_int_eq(vmf_io_resize(io, (uint64_t)INT64_MAX, &error), VMF_WRITE);
  vmf_io_close(io);
  vmf_io_close(base);
}
END_TEST

START_TEST(inset_in_a_longer_base)
{
  struct vmf_io *base = target("file"), *io = inset_in(base, 4);
  ck_assert_int_eq(vmf_io_resize(base, 100, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_resize(io, 10, &error), VMF_OK);
  ck_assert_uint_eq(base->size, 100);
  put(io, "0123456789", 0);
  ck_assert_int_eq(vmf_io_resize(io, 4, &error), VMF_OK);
  ck_assert_uint_eq(base->size, 100);
  is_zero(base, 8, 92);
  ck_assert_int_eq(vmf_io_resize(io, 10, &error), VMF_OK);
  is_zero(io, 4, 6);
  vmf_io_close(io);
  vmf_io_close(base);
}
END_TEST

START_TEST(inset_zeroes)
{
  struct vmf_io *base = target("file"), *io = inset_in(base, 4);
  put(io, "0123456789", 0);
  put(base, "tail", 14);
  ck_assert_int_eq(vmf_io_zero(io, 8, 100, false, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 10);
  holds(base, 14, "tail");
  holds(io, 0, "01234567");
  is_zero(io, 8, 2);
  ck_assert_int_eq(vmf_io_zero(io, 20, 5, false, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 10);
  ck_assert_int_eq(vmf_io_zero(io, 20, 5, true, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 25);
  ck_assert_uint_eq(base->size, 29);
  vmf_io_close(io);
  vmf_io_close(base);
}
END_TEST

START_TEST(inset_passes_holes_on)
{
  struct vmf_io *base = target("file"), *io = inset_in(base, MIB);
  ck_assert_int_eq(vmf_io_resize(io, 4 * MIB, &error), VMF_OK);
  put(io, "data", 2 * MIB);
  next_data_is(io, 0, 2 * MIB, 2 * MIB + 4096);
  next_data_is(io, 3 * MIB, 4 * MIB, 4 * MIB);
  vmf_io_close(io);
  vmf_io_close(base);
}
END_TEST

/* A base that does not read as zeros, like a device: growing writes them. */
START_TEST(inset_on_used_space)
{
  struct vmf_io *base = memory_of(NULL, 0);
  put(base, "uuuuuuuuuuuuuuuu", 0);
  base->reads_as_zero = false;
  struct vmf_io *io = inset_in(base, 4);
  ck_assert_int_eq(vmf_io_resize(io, 8, &error), VMF_OK);
  is_zero(io, 0, 8);
  holds(base, 12, "uuuu");
  ck_assert_int_eq(vmf_io_resize(io, 4, &error), VMF_OK);
  holds(base, 12, "uuuu");
  vmf_io_close(io);
  vmf_io_close(base);
}
END_TEST

START_TEST(inset_in_a_pipe)
{
  struct vmf_io *base, *io;
  int number = open("pipe", O_CREAT | O_RDWR | O_TRUNC, 0600);
  char byte;
  ck_assert_int_eq(vmf_io_write_pipe(number, "-", false, &base, &error), VMF_OK);
  put(base, "head", 0);
  io = inset_in(base, 6);
  ck_assert(io->sequential);
  put(io, "ab", 1);
  ck_assert_int_eq(vmf_io_pwrite(io, "x", 1, 0, &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_io_zero(io, 3, 2, false, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 5);
  ck_assert_int_eq(vmf_io_resize(io, 4, &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_io_resize(io, 6, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_pread(io, &byte, 1, 0, &error), VMF_UNSUPPORTED);
  vmf_io_close(io);
  ck_assert_int_eq(vmf_io_flush(base, &error), VMF_OK);
  vmf_io_close(base);
  io = source("pipe");
  ck_assert_uint_eq(io->size, 12);
  holds(io, 0, "head");
  is_zero(io, 4, 3);
  holds(io, 7, "ab");
  is_zero(io, 9, 3);
  vmf_io_close(io);
}
END_TEST

struct writer {
  struct vmf_io *io;
  unsigned number;
};

enum { WRITERS = 4, WRITES = 200 };

static void *write_some(void *data)
{
  struct writer *writer = data;
  struct vmf_error own;
  for (unsigned i = 0; i < WRITES; i++)
    if (vmf_io_pwrite(writer->io, "0123456789abcdef", 16, (i * WRITERS + writer->number) * 16,
                      &own) != VMF_OK)
      return writer;
  return NULL;
}

START_TEST(inset_with_many_writers)
{
  struct vmf_io *base = target("file"), *io = inset_in(base, 512);
  struct writer writers[WRITERS];
  pthread_t threads[WRITERS];
  void *failed;
  for (unsigned i = 0; i < WRITERS; i++) {
    writers[i] = (struct writer){.io = io, .number = i};
    ck_assert_int_eq(pthread_create(&threads[i], NULL, write_some, &writers[i]), 0);
  }
  for (unsigned i = 0; i < WRITERS; i++) {
    ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
    ck_assert_ptr_null(failed);
  }
  ck_assert_uint_eq(io->size, WRITERS * WRITES * 16);
  for (unsigned i = 0; i < WRITERS * WRITES; i++)
    holds(io, i * 16, "0123456789abcdef");
  vmf_io_close(io);
  vmf_io_close(base);
}
END_TEST

/* ---- joined ---- */

START_TEST(joined_reads)
{
  struct vmf_io *io, *parts[] = {memory_of("", 0),  memory_of("012", 3),    memory_of("", 0),
                                 memory_of("3", 1), memory_of("456789", 6), memory_of("", 0)};
  char byte;
  ck_assert_int_eq(vmf_io_joined(parts, 6, "joined", &io, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 10);
  holds(io, 0, "0123456789");
  for (uint64_t i = 0; i < 10; i++)
    holds(io, i, (char[]){(char)('0' + i), '\0'});
  holds(io, 2, "2345");
  ck_assert_int_eq(vmf_io_pread(io, &byte, 1, 10, &error), VMF_READ);
  vmf_io_close(io);
  ck_assert_int_eq(vmf_io_joined(parts, 0, "nothing", &io, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 0);
  next_data_is(io, 0, 0, 0);
  vmf_io_close(io);
}
END_TEST

START_TEST(joined_passes_holes_on)
{
  static const uint64_t places[] = {2 * MIB};
  make_sparse("a", 4 * MIB, places, 1);
  make_sparse("b", 4 * MIB, NULL, 0);
  struct vmf_io *io, *parts[] = {source("a"), source("b"), source("a")};
  ck_assert_int_eq(vmf_io_joined(parts, 3, "joined", &io, &error), VMF_OK);
  next_data_is(io, 0, 2 * MIB, 2 * MIB + 65536);
  next_data_is(io, 3 * MIB, 10 * MIB, 10 * MIB + 65536);
  next_data_is(io, 4 * MIB, 10 * MIB, 10 * MIB + 65536);
  next_data_is(io, 11 * MIB, 12 * MIB, 12 * MIB);
  vmf_io_close(io);
}
END_TEST

START_TEST(joined_too_long)
{
  struct vmf_io *io, *parts[] = {memory_of("x", 1), memory_of("x", 1)};
  parts[0]->size = INT64_MAX;
  ck_assert_int_eq(vmf_io_joined(parts, 2, "joined", &io, &error), VMF_LIMIT);
}
END_TEST

/* "....ab..c...", of which "abc" is stored. */
START_TEST(sparse_shows_the_holes)
{
  static const struct vmf_segment segments[] = {{4, 2, 0}, {8, 1, 2}};
  struct vmf_io *io = NULL;
  char found[12];
  ck_assert_int_eq(vmf_io_sparse(memory_of("abc", 3), segments, 2, 12, "sparse", true, &io, &error),
                   VMF_OK);
  for (size_t start = 0; start < 12; start++)
    for (size_t length = 1; length <= 12 - start; length++) {
      ck_assert_int_eq(vmf_io_pread(io, found, length, start, &error), VMF_OK);
      ck_assert_mem_eq(found, &"\0\0\0\0ab\0\0c\0\0\0"[start], length);
    }
  next_data_is(io, 0, 4, 6);
  next_data_is(io, 5, 5, 6);
  next_data_is(io, 6, 8, 9);
  next_data_is(io, 9, 12, 12);
  vmf_io_close(io);
}
END_TEST

START_TEST(sparse_of_holes_alone)
{
  struct vmf_io *io = NULL;
  char found[5];
  ck_assert_int_eq(vmf_io_sparse(memory_of("", 0), NULL, 0, 5, "sparse", true, &io, &error),
                   VMF_OK);
  ck_assert_int_eq(vmf_io_pread(io, found, 5, 0, &error), VMF_OK);
  ck_assert_mem_eq(found, "\0\0\0\0\0", 5);
  next_data_is(io, 2, 5, 5);
  vmf_io_close(io);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("view");
  TCase *views = tcase_create("views");
  tcase_add_checked_fixture(views, scratch_enter, scratch_leave);
  tcase_add_test(views, window_reads);
  tcase_add_test(views, window_bounds);
  tcase_add_test(views, window_passes_holes_on);
  tcase_add_test(views, views_know_their_files);
  tcase_add_test(views, inset_grows);
  tcase_add_test(views, inset_resizes);
  tcase_add_test(views, inset_in_a_longer_base);
  tcase_add_test(views, inset_zeroes);
  tcase_add_test(views, inset_passes_holes_on);
  tcase_add_test(views, inset_on_used_space);
  tcase_add_test(views, inset_in_a_pipe);
  tcase_add_test(views, inset_with_many_writers);
  tcase_add_test(views, joined_reads);
  tcase_add_test(views, joined_passes_holes_on);
  tcase_add_test(views, joined_too_long);
  tcase_add_test(views, sparse_shows_the_holes);
  tcase_add_test(views, sparse_of_holes_alone);
  suite_add_tcase(made, views);
  return made;
}

VMF_TEST_MAIN(suite)
