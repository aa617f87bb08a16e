/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What goes past the page cache: the same bytes as through it, whatever is done in between. */
#include "direct.h"

#include <pthread.h>

#include "check_main.h"
#include "descriptor.h"
#include "file.h"
#include "scratch.h"

enum { KIB = 1024, MIB = 1024 * 1024, ROOM = 12 * MIB };

static struct vmf_error error;
static unsigned char wanted[ROOM], found[ROOM], noise[ROOM];

static struct vmf_direct *direct_of(struct vmf_io *io)
{
  return &((struct vmf_descriptor *)io)->direct;
}

/* A file that is written directly from the first byte on, where the file system can. */
static struct vmf_io *target(void)
{
  struct vmf_io *io = NULL;
  int number = open("disk.raw", O_RDWR | O_CREAT | O_TRUNC, 0666);
  ck_assert_int_ge(number, 0);
  ck_assert_int_eq(vmf_io_write_file(number, "disk.raw", true, &io, &error), VMF_OK);
  direct_of(io)->written = VMF_DIRECT_BEGIN;
  memset(wanted, 0, sizeof wanted);
  return io;
}

static unsigned long next_number(void)
{
  static unsigned long state = 88172645463325252ul;
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static void make_noise(void)
{
  for (size_t i = 0; i < ROOM / sizeof(unsigned long); i++)
    ((unsigned long *)(void *)noise)[i] = next_number();
}

static void put(struct vmf_io *io, size_t offset, size_t length)
{
  const unsigned char *bytes = noise + next_number() % (ROOM - length + 1);
  size_t zeros = next_number() % 8 == 0 ? next_number() % (ROOM - offset - length + 1) % MIB : 0;
  struct vmf_piece pieces[] = {{bytes, length / 3}, {bytes, length - length / 3}, {NULL, zeros}};
  ck_assert_msg(vmf_io_pwrite_pieces(io, pieces, 3, offset, &error) == VMF_OK, "%s", error.text);
  memcpy(wanted + offset, bytes, length / 3);
  memcpy(wanted + offset + length / 3, bytes, length - length / 3);
  memset(wanted + offset + length, 0, zeros);
}

static void check_range(struct vmf_io *io, size_t offset, size_t length)
{
  ck_assert_msg(vmf_io_pread(io, found, length, offset, &error) == VMF_OK, "%s", error.text);
  ck_assert_mem_eq(found, wanted + offset, length);
}

/* What another descriptor sees when all is said to be done. */
static void check_file(struct vmf_io *io)
{
  struct stat status;
  uint64_t size = io->size;
  ck_assert_int_eq(vmf_io_flush(io, &error), VMF_OK);
  vmf_io_close(io);
  int number = open("disk.raw", O_RDONLY);
  ck_assert_int_eq(fstat(number, &status), 0);
  ck_assert_uint_eq((uint64_t)status.st_size, size);
  ck_assert_int_eq(read(number, found, sizeof found), (ssize_t)size);
  ck_assert_mem_eq(found, wanted, size);
  close(number);
}

START_TEST(bytes_are_those_that_were_written)
{
  struct vmf_io *io = target();
  make_noise();
  for (size_t at = 0, step; at < ROOM - 4 * MIB; at += step) {
    step = 1 + next_number() % (3 * MIB);
    put(io, at, step);
  }
  put(io, 700, 5); /* a table that is patched */
  check_file(io);
}
END_TEST

static void do_something(struct vmf_io *io)
{
  static const size_t longest[] = {100, 5000, 70 * KIB, 3 * MIB};
  size_t length = 1 + next_number() % longest[next_number() % 4];
  size_t offset = next_number() % (ROOM - length + 1);
  if (next_number() % 2)
    offset &= ~(size_t)4095;
  uint64_t start, end;
  switch (next_number() % 8) {
  case 0:
    if (offset + length <= io->size)
      check_range(io, offset, length);
    break;
  case 1:
    ck_assert_int_eq(vmf_io_zero(io, offset, length, false, &error), VMF_OK);
    memset(wanted + offset, 0, length);
    break;
  case 2:
    ck_assert_int_eq(vmf_io_resize(io, offset, &error), VMF_OK);
    memset(wanted + offset, 0, ROOM - offset);
    break;
  case 3:
    ck_assert_int_eq(vmf_io_next_data(io, offset, &start, &end, &error), VMF_OK);
    break;
  default:
    put(io, offset, length);
  }
}

START_TEST(any_order_and_overlap_gives_the_same_bytes)
{
  for (int round = 0; round < 10; round++) {
    struct vmf_io *io = target();
    make_noise();
    for (int i = 0; i < 60; i++)
      do_something(io);
    check_file(io);
  }
}
END_TEST

/* Pieces of two threads that have pages in common. */
static void *put_small_ones(void *data)
{
  struct vmf_io *io = data;
  static struct vmf_error own;
  for (size_t at = 100 * KIB; at < 8 * MIB; at += 200 * KIB)
    ck_assert_int_eq(vmf_io_pwrite(io, noise + at, 1000, at, &own), VMF_OK);
  return NULL;
}

START_TEST(threads_may_write_side_by_side)
{
  struct vmf_io *io = target();
  pthread_t other;
  make_noise();
  ck_assert_int_eq(pthread_create(&other, NULL, put_small_ones, io), 0);
  for (size_t at = 0; at < 8 * MIB; at += 200 * KIB) {
    ck_assert_int_eq(vmf_io_pwrite(io, noise + at, 100 * KIB, at, &error), VMF_OK);
    ck_assert_int_eq(vmf_io_pwrite(io, noise + at + 100 * KIB + 1000, 100 * KIB - 1000,
                                   at + 100 * KIB + 1000, &error),
                     VMF_OK);
  }
  pthread_join(other, NULL);
  memcpy(wanted, noise, sizeof wanted);
  check_file(io);
}
END_TEST

START_TEST(file_ends_where_its_bytes_end)
{
  struct vmf_io *io = target();
  struct stat status;
  make_noise();
  put(io, 0, 2 * MIB + 5);
  uint64_t size = io->size;
  vmf_io_close(io); /* not even flushed */
  ck_assert_int_eq(stat("disk.raw", &status), 0);
  ck_assert_uint_eq((uint64_t)status.st_size, size);
}
END_TEST

START_TEST(little_goes_through_the_cache)
{
  struct vmf_io *io = target();
  direct_of(io)->written = 0;
  put(io, 0, MIB);
  ck_assert(!direct_of(io)->used);
  check_file(io);
}
END_TEST

/* The kernel forgets what it was asked for, as a container's rules might forbid it at any time. */
START_TEST(a_system_that_stops_doing_it_does_no_harm)
{
  struct vmf_io *io = target();
  make_noise();
  put(io, 0, 3 * MIB);
  if (direct_of(io)->used) {
    ck_assert_int_eq(vmf_direct_settle(direct_of(io), 0, UINT64_MAX, &(struct vmf_dirty_range){0}),
                     0);
    close(direct_of(io)->number);
    direct_of(io)->number = -1;
  }
  put(io, 3 * MIB, 3 * MIB);
  put(io, MIB, MIB);
  ck_assert(direct_of(io)->refused);
  check_file(io);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("direct");
  TCase *tcase = tcase_create("direct");
  tcase_add_checked_fixture(tcase, scratch_enter, scratch_leave);
  tcase_set_timeout(tcase, 120);
  tcase_add_test(tcase, bytes_are_those_that_were_written);
  tcase_add_test(tcase, any_order_and_overlap_gives_the_same_bytes);
  tcase_add_test(tcase, threads_may_write_side_by_side);
  tcase_add_test(tcase, file_ends_where_its_bytes_end);
  tcase_add_test(tcase, little_goes_through_the_cache);
  tcase_add_test(tcase, a_system_that_stops_doing_it_does_no_harm);
  suite_add_tcase(made, tcase);
  return made;
}

VMF_TEST_MAIN(suite)
