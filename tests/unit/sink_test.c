/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file of a package that is hashed as it is written. What is expected is hashed at once. */
#include "sink.h"

#include <string.h>

#include "check_main.h"

enum { SIZE = 5 << 20 };

static struct vmf_error error;
static uint8_t expected[SIZE], written[SIZE];
static struct vmf_io *base, *sink;
static const bool wanted[VMF_DIGEST_KINDS] = {[VMF_SHA256] = true, [VMF_SHA512] = true};
static struct vmf_crew *crew;

static void open_with(unsigned threads)
{
  memset(expected, 0, SIZE);
  ck_assert_int_eq(vmf_io_memory("base", NULL, 0, &base, &error), VMF_OK);
  ck_assert_int_eq(vmf_crew_new(threads, &crew, &error), VMF_OK);
  ck_assert_int_eq(vmf_sink_new(base, crew, wanted, &sink, &error), VMF_OK);
}

static void open_alone(void)
{
  open_with(1);
}

static void open_with_threads(void)
{
  open_with(3);
}

static void close_sink(void)
{
  vmf_io_close(sink);
  vmf_io_close(base);
  vmf_crew_free(crew);
}

static void put(uint64_t offset, size_t length)
{
  for (size_t i = 0; i < length; i++)
    expected[offset + i] = (uint8_t)(offset + i * 13 + i / 251);
  ck_assert_int_eq(vmf_io_pwrite(sink, expected + offset, length, offset, &error), VMF_OK);
}

/* The sink's digests and the base's bytes are those of the first `size` of expected. */
static void check_end(size_t size)
{
  uint8_t digests[VMF_DIGEST_KINDS][VMF_DIGEST_MAX], right[VMF_DIGEST_MAX];

  ck_assert_int_eq(vmf_sink_end(sink, digests, &error), VMF_OK);
  ck_assert_uint_eq(sink->size, size);
  ck_assert_uint_eq(base->size, size);
  ck_assert_int_eq(vmf_io_pread(base, written, size, 0, &error), VMF_OK);
  ck_assert_mem_eq(written, expected, size);
  for (unsigned kind = 0; kind < VMF_DIGEST_KINDS; kind++)
    if (wanted[kind]) {
      ck_assert_int_eq(vmf_digest_bytes((enum vmf_digest_kind)kind, expected, size, right, &error),
                       VMF_OK);
      ck_assert_mem_eq(digests[kind], right, vmf_digest_size((enum vmf_digest_kind)kind));
    }
}

START_TEST(nothing_is_a_file_too)
{
  check_end(0);
}
END_TEST

START_TEST(small_and_large_writes_are_one_stream)
{
  put(0, 1);
  put(1, 100000);
  put(100001, 3 << 20);
  put(100001 + (3 << 20), 7);
  check_end(100008 + (3 << 20));
}
END_TEST

START_TEST(gaps_are_zeros)
{
  put(10, 5);
  put(1000, 5);
  put(2 << 20, 5);
  check_end((2 << 20) + 5);
}
END_TEST

START_TEST(zeros_at_the_end_count)
{
  put(0, 5);
  ck_assert_int_eq(vmf_io_resize(sink, 3 << 20, &error), VMF_OK);
  check_end(3 << 20);
}
END_TEST

START_TEST(pieces_without_data_are_zeros)
{
  const struct vmf_piece pieces[] = {{.data = "abc", .length = 3}, {.length = 100000}, {"d", 1}};
  memcpy(expected, "abc", 3);
  expected[100003] = 'd';
  ck_assert_int_eq(vmf_io_pwrite_pieces(sink, pieces, 3, 0, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_zero(sink, 100004, 70000, true, &error), VMF_OK);
  check_end(170004);
}
END_TEST

START_TEST(going_back_is_refused)
{
  put(0, 100);
  ck_assert_int_eq(vmf_io_pwrite(sink, "x", 1, 50, &error), VMF_UNSUPPORTED);
  ck_assert_ptr_nonnull(strstr(error.text, "byte 50 from byte 100"));
}
END_TEST

/* Of a run that goes on: the base has the first bytes, and more that is written anew. */
START_TEST(what_is_there_is_hashed_and_not_written)
{
  static uint8_t there[SIZE];

  for (size_t i = 0; i < SIZE; i++)
    there[i] = (uint8_t)(i * 7 + i / 1000);
  ck_assert_int_eq(vmf_io_pwrite(base, there, 3 << 20, 0, &error), VMF_OK);
  put(0, 1000);
  memcpy(expected + 1000, there + 1000, 2 << 20);
  ck_assert_int_eq(vmf_io_pass(sink, 1000, 100, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_pass(sink, 1100, (2 << 20) - 100, &error), VMF_OK);
  memset(expected + 1000 + (2 << 20), 0, 10);
  put(1010 + (2 << 20), 3 << 19);
  ck_assert_int_eq(vmf_io_pass(sink, 0, 1, &error), VMF_UNSUPPORTED);
  check_end(1010 + (2 << 20) + (3 << 19));
}
END_TEST

static TCase *sink_tests(const char *name, void (*open)(void))
{
  TCase *tests = tcase_create(name);
  tcase_add_checked_fixture(tests, open, close_sink);
  tcase_add_test(tests, nothing_is_a_file_too);
  tcase_add_test(tests, small_and_large_writes_are_one_stream);
  tcase_add_test(tests, gaps_are_zeros);
  tcase_add_test(tests, zeros_at_the_end_count);
  tcase_add_test(tests, pieces_without_data_are_zeros);
  tcase_add_test(tests, going_back_is_refused);
  tcase_add_test(tests, what_is_there_is_hashed_and_not_written);
  return tests;
}

static Suite *sink_suite(void)
{
  Suite *suite = suite_create("sink");
  suite_add_tcase(suite, sink_tests("alone", open_alone));
  suite_add_tcase(suite, sink_tests("with threads", open_with_threads));
  return suite;
}

VMF_TEST_MAIN(sink_suite)
