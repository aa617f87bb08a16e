/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Bytes that come once: whatever the pieces in which a pipe hands them out, they are taken, looked
 * at and skipped as one stream. */
#include "stream.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"

enum { BYTES = 3 << 20 };

static uint8_t content[BYTES];
static struct vmf_error error;
static struct vmf_io *io;
static pthread_t writer;
static int ends[2];
static uint32_t state;

static uint32_t number(uint32_t *seed, uint32_t below)
{
  *seed = *seed * 1664525 + 1013904223;
  return (*seed >> 8) % below;
}

/* Pieces of 1 byte to 100 KiB. */
static void *write_all(void *seed_data)
{
  uint32_t seed = *(const uint32_t *)seed_data;

  for (size_t at = 0; at < BYTES;) {
    size_t length = 1 + number(&seed, number(&seed, 4) ? 700 : 100000);
    ssize_t put = write(ends[1], content + at, length < BYTES - at ? length : BYTES - at);
    ck_assert_int_gt(put, 0);
    at += (size_t)put;
  }
  close(ends[1]);
  return NULL;
}

static void open_stream(uint32_t seed)
{
  state = seed;
  for (size_t i = 0; i < BYTES; i++)
    content[i] = (uint8_t)number(&state, 256);
  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(pthread_create(&writer, NULL, write_all, &state), 0);
  ck_assert_int_eq(vmf_io_stream(ends[0], "pipe", &io, &error), VMF_OK);
}

static void close_stream(void)
{
  pthread_join(writer, NULL);
  vmf_io_close(io);
}

static void take(uint8_t *buffer, size_t length, uint64_t offset)
{
  ck_assert_int_eq(vmf_io_pread(io, buffer, length, offset, &error), VMF_OK);
  ck_assert(memcmp(buffer, content + offset, length) == 0);
  ck_assert_uint_eq(vmf_stream_position(io), offset + length);
}

static void look(size_t length, uint64_t offset)
{
  const uint8_t *bytes;
  size_t have, left = (size_t)(BYTES - offset);

  ck_assert_int_eq(vmf_stream_peek(io, length, &bytes, &have, &error), VMF_OK);
  ck_assert_uint_eq(have, length < left ? length : left);
  ck_assert(memcmp(bytes, content + offset, have) == 0);
  ck_assert_uint_eq(vmf_stream_position(io), offset);
}

START_TEST(it_starts_again_until_it_is_settled)
{
  static uint8_t buffer[300000];

  open_stream((uint32_t)_i);
  take(buffer, sizeof buffer, 100);
  ck_assert_int_eq(vmf_stream_restart(io, &error), VMF_OK);
  look(4096, 0);
  take(buffer, 1000, 50);
  ck_assert_int_eq(vmf_stream_restart(io, &error), VMF_OK);
  vmf_stream_settle(io);
  ck_assert_int_eq(vmf_stream_restart(io, &error), VMF_UNSUPPORTED);
  take(buffer, 100, 0);
  look(VMF_STREAM_AHEAD, 100);
  for (uint64_t at = 100; at < BYTES; at += sizeof buffer)
    take(buffer, BYTES - at < sizeof buffer ? (size_t)(BYTES - at) : sizeof buffer, at);
  look(1, BYTES);
  close_stream();
}
END_TEST

START_TEST(it_starts_again_behind_its_end)
{
  static uint8_t buffer[BYTES];

  open_stream((uint32_t)_i);
  take(buffer, BYTES, 0);
  look(1, BYTES);
  ck_assert_int_eq(vmf_stream_restart(io, &error), VMF_OK);
  vmf_stream_settle(io);
  take(buffer, BYTES, 0);
  look(1, BYTES);
  close_stream();
}
END_TEST

START_TEST(what_is_kept_is_bounded)
{
  ck_assert_int_eq(vmf_io_stream(open("/dev/zero", O_RDONLY), "zeros", &io, &error), VMF_OK);
  ck_assert_int_eq(vmf_stream_skip(io, VMF_STREAM_KEPT - VMF_STREAM_AHEAD, &error), VMF_OK);
  ck_assert_int_eq(vmf_stream_restart(io, &error), VMF_OK);
  ck_assert_int_eq(vmf_stream_skip(io, VMF_STREAM_KEPT + 1, &error), VMF_OK);
  ck_assert_int_eq(vmf_stream_restart(io, &error), VMF_UNSUPPORTED);
  vmf_io_close(io);
}
END_TEST

START_TEST(bytes_come_in_any_pieces)
{
  static uint8_t buffer[300000];
  uint32_t seed = (uint32_t)_i + 77;
  uint64_t at = 0;

  open_stream((uint32_t)_i);
  while (at < BYTES) {
    size_t left = (size_t)(BYTES - at), length = number(&seed, sizeof buffer) >> number(&seed, 18);
    length = length < left ? length : left;
    look(number(&seed, VMF_STREAM_AHEAD + 1), at);
    if (number(&seed, 4) > 0)
      take(buffer, length, at);
    else
      ck_assert_int_eq(vmf_stream_skip(io, at + length, &error), VMF_OK);
    at += length;
  }
  look(100, BYTES);
  close_stream();
}
END_TEST

START_TEST(a_stream_does_not_go_back)
{
  uint8_t byte;

  open_stream(1);
  ck_assert_int_eq(vmf_stream_skip(io, 1000, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_pread(io, &byte, 1, 999, &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_stream_skip(io, BYTES, &error), VMF_OK);
  close_stream();
}
END_TEST

START_TEST(an_early_end_is_told)
{
  static uint8_t buffer[BYTES];

  open_stream(2);
  ck_assert_int_eq(vmf_io_pread(io, buffer, BYTES, 1, &error), VMF_CORRUPT);
  ck_assert_str_eq(error.text,
                   "pipe: ends at byte 3145728, expected are at least 3145729 bytes: what writes "
                   "it ended too early, or it was cut short on its way");
  ck_assert_int_eq(vmf_stream_skip(io, BYTES + 1, &error), VMF_CORRUPT);
  close_stream();
}
END_TEST

START_TEST(what_is_stored_is_what_came)
{
  const struct vmf_spool_options options = {.folder = "/tmp", .max_bytes = BYTES};
  static uint8_t buffer[BYTES];
  struct vmf_io *stored;

  open_stream(3);
  ck_assert_int_eq(vmf_io_spool(io, &options, &stored, &error), VMF_OK);
  ck_assert_str_eq(stored->name, "pipe");
  ck_assert_uint_eq(stored->size, BYTES);
  ck_assert_int_eq(vmf_io_pread(stored, buffer, BYTES, 0, &error), VMF_OK);
  ck_assert(memcmp(buffer, content, BYTES) == 0);
  pthread_join(writer, NULL);
  vmf_io_close(stored);
}
END_TEST

/* What stops the storing of 64 bytes. */
static const struct refused {
  struct vmf_spool_options options;
  enum vmf_code code;
  const char *part;
} refused[] = {
    {{.folder = "/tmp", .expected = INT64_MAX}, VMF_WRITE, "there is room for"},
    {{.folder = "/tmp", .max_bytes = 63}, VMF_LIMIT, "more comes than the 63 bytes"},
    {{.folder = "/nowhere"}, VMF_SYSTEM, "/nowhere: a temporary file cannot be made in it"},
};

START_TEST(storing_is_refused)
{
  struct vmf_io *stored;

  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(write(ends[1], content, 64), 64);
  close(ends[1]);
  ck_assert_int_eq(vmf_io_stream(ends[0], "pipe", &io, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_spool(io, &refused[_i].options, &stored, &error), refused[_i].code);
  ck_assert_ptr_nonnull(strstr(error.text, refused[_i].part));
}
END_TEST

static Suite *stream_suite(void)
{
  Suite *suite = suite_create("stream");
  TCase *tests = tcase_create("stream");
  tcase_add_loop_test(tests, it_starts_again_until_it_is_settled, 0, 8);
  tcase_add_loop_test(tests, it_starts_again_behind_its_end, 0, 8);
  tcase_add_test(tests, what_is_kept_is_bounded);
  tcase_add_loop_test(tests, bytes_come_in_any_pieces, 0, 20);
  tcase_add_test(tests, a_stream_does_not_go_back);
  tcase_add_test(tests, an_early_end_is_told);
  tcase_add_test(tests, what_is_stored_is_what_came);
  tcase_add_loop_test(tests, storing_is_refused, 0, sizeof refused / sizeof refused[0]);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(stream_suite)
