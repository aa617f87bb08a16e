/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is to be durable is on its way to the disk while it is written. */
#include "writeback.h"

#include <sys/mman.h>
#include <sys/vfs.h>

#include "check_main.h"
#include "descriptor.h"
#include "file.h"
#include "scratch.h"

enum { KIB = 1024, MIB = 1024 * 1024, PAGE = 4096 };

static struct vmf_error error;

static struct vmf_io *target(bool sync)
{
  struct vmf_io *io = NULL;
  int number = open("disk.raw", O_RDWR | O_CREAT | O_TRUNC, 0666);
  ck_assert_int_ge(number, 0);
  ck_assert_int_eq(vmf_io_write_file(number, "disk.raw", sync, &io, &error), VMF_OK);
  return io;
}

/* A little in each MiB, so that the disk has not much to do. */
static void write_islands(struct vmf_io *io, unsigned count)
{
  static const unsigned char bytes[64 * KIB] = {1};
  for (unsigned i = 0; i < count; i++)
    ck_assert_int_eq(vmf_io_pwrite(io, bytes, sizeof bytes, (uint64_t)i * MIB, &error), VMF_OK);
}

static bool is_in_memory(const struct vmf_io *io, uint64_t offset)
{
  int number = vmf_descriptor_of(io)->number;
  unsigned char found = 0;
  void *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, number, (off_t)offset);
  ck_assert(page != MAP_FAILED);
  ck_assert_int_eq(mincore(page, PAGE, &found), 0);
  munmap(page, PAGE);
  return found & 1;
}

/* tmpfs keeps its pages for ever: there is no disk. */
static bool has_disk(void)
{
  enum { TMPFS = 0x01021994 };
  struct statfs system;
  return statfs(".", &system) == 0 && system.f_type != TMPFS;
}

START_TEST(what_the_disk_has_leaves_memory_to_others)
{
  struct vmf_io *io = target(true);
  write_islands(io, 200);
  ck_assert(!has_disk() || !is_in_memory(io, 0));
  ck_assert(!has_disk() || !is_in_memory(io, 50 * MIB));
  ck_assert(is_in_memory(io, 199 * MIB)); /* written last */
  vmf_io_close(io);
}
END_TEST

START_TEST(what_need_not_be_durable_stays_in_memory)
{
  struct vmf_io *io = target(false);
  write_islands(io, 200);
  ck_assert(is_in_memory(io, 0));
  vmf_io_close(io);
}
END_TEST

START_TEST(what_is_read_again_comes_from_the_medium)
{
  struct vmf_io *io = target(false);
  write_islands(io, 4);
  ck_assert_int_eq(vmf_io_to_medium(io, &error), VMF_OK);
  for (unsigned i = 0; i < 4; i++)
    ck_assert(!has_disk() || !is_in_memory(io, (uint64_t)i * MIB));
  vmf_io_close(io);
}
END_TEST

/* The last byte can be read only when all before it is there, since the disk was asked in order. */
START_TEST(what_is_expected_is_read_ahead)
{
  struct vmf_io *io = target(true), *other = NULL;
  unsigned char byte;
  write_islands(io, 1);
  ck_assert_int_eq(vmf_io_to_medium(io, &error), VMF_OK);
  vmf_io_expect(io, 0, 64 * KIB);
  vmf_io_expect(io, 60 * KIB, UINT64_MAX); /* no such range */
  vmf_io_expect(io, 4 * MIB, MIB);         /* nor this */
  ck_assert_int_eq(vmf_io_pread(io, &byte, 1, 64 * KIB - 1, &error), VMF_OK);
  ck_assert_uint_eq(byte, 0);
  ck_assert(is_in_memory(io, 0));
  vmf_io_close(io);
  ck_assert_int_eq(vmf_io_memory("memory", "abc", 3, &other, &error), VMF_OK);
  vmf_io_expect(other, 0, 3);
  vmf_io_close(other);
}
END_TEST

/* Places from the end to the start, far from each other: each is a range of its own. */
START_TEST(order_does_not_matter)
{
  struct vmf_io *io = target(true);
  for (unsigned i = 400; i > 0; i--)
    ck_assert_int_eq(vmf_io_pwrite(io, &i, sizeof i, (uint64_t)i * 8 * MIB, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_flush(io, &error), VMF_OK);
  for (unsigned i = 400, found; i > 0; i--) {
    ck_assert_int_eq(vmf_io_pread(io, &found, sizeof found, (uint64_t)i * 8 * MIB, &error), VMF_OK);
    ck_assert_uint_eq(found, i);
  }
  vmf_io_close(io);
}
END_TEST

START_TEST(a_pipe_cannot_be_hurried)
{
  struct vmf_writeback writeback = {.count = 0};
  struct vmf_dirty_range failed;
  int ends[2];
  ck_assert_int_eq(pipe(ends), 0);
  vmf_writeback_init(&writeback);
  ck_assert_int_eq(vmf_writeback_note(&writeback, ends[1], 0, 4 * MIB, &failed), 0);
  ck_assert(writeback.refused);
  ck_assert_int_eq(vmf_writeback_note(&writeback, ends[1], 4 * MIB, 400 * MIB, &failed), 0);
  vmf_writeback_destroy(&writeback);
  close(ends[0]);
  close(ends[1]);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("writeback");
  TCase *tcase = tcase_create("writeback");
  tcase_add_checked_fixture(tcase, scratch_enter, scratch_leave);
  tcase_add_test(tcase, what_the_disk_has_leaves_memory_to_others);
  tcase_add_test(tcase, what_need_not_be_durable_stays_in_memory);
  tcase_add_test(tcase, what_is_read_again_comes_from_the_medium);
  tcase_add_test(tcase, what_is_expected_is_read_ahead);
  tcase_add_test(tcase, order_does_not_matter);
  tcase_add_test(tcase, a_pipe_cannot_be_hurried);
  suite_add_tcase(made, tcase);
  return made;
}

VMF_TEST_MAIN(suite)
