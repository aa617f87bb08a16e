/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A source that changes between the survey for a pipe and the copy, in a way that no time stamp
 * tells. */
#include <string.h>

#include "check_main.h"
#include "convert.h"
#include "image.h"
#include "memory.h"

enum { UNIT = 2 << 20 /* a whole unit of every format */, SIZE = 6 * UNIT };

static struct vmf_error error;
static struct vmf_io *disk;  /* the source's bytes */
static struct vmf_io *taken; /* what came out of the pipe */
static uint8_t bytes[SIZE], found[SIZE];
static void (*change)(void); /* called once, when the first bytes go out */

static enum vmf_code pipe_pwrite(struct vmf_io *io, const struct vmf_piece *pieces, unsigned count,
                                 uint64_t offset, struct vmf_error *failure)
{
  void (*now)(void) = change;

  ck_assert_uint_ge(offset, io->size);
  change = NULL;
  if (now)
    now();
  enum vmf_code code = vmf_io_pwrite_pieces(taken, pieces, count, offset, failure);
  io->size = taken->size;
  return code;
}

static void pipe_close(struct vmf_io *io)
{
  (void)io;
}

static const struct vmf_io_ops pipe_ops = {
    .kind = "pipe", .pwrite = pipe_pwrite, .close = pipe_close};

static void put(uint64_t unit, uint8_t byte)
{
  memset(bytes + unit * UNIT, byte, UNIT);
  ck_assert_int_eq(vmf_io_pwrite(disk, bytes + unit * UNIT, UNIT, unit * UNIT, &error), VMF_OK);
}

static void clear_data(void)
{
  put(0, 0);
  put(3, 0);
  put(5, 0);
}

static void alter_data(void)
{
  put(3, 0x77);
}

static void move_data(void)
{
  put(3, 0);
  put(2, 0x77);
}

static void add_data(void)
{
  put(2, 0x77);
}

/* Units 0, 1, 3 and 5 hold data. told: the size that vmf_convert_size says; or NULL. */
static enum vmf_code pour(const char *format, uint64_t sparse_size, uint64_t *told,
                          void (*when_it_starts)(void))
{
  const struct vmf_job_options job = {.size = sizeof job, .sparse_size = sparse_size};
  const struct vmf_image_options raw = {.size = sizeof raw, .format = "raw", .no_chain = true};
  const struct vmf_target_options options = {.size = sizeof options, .format = format};
  struct vmf_io pipe = {.ops = &pipe_ops, .name = (char *)"pipe", .sequential = true};
  struct vmf_image_origin origin = {.io = NULL};
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_target *target;
  struct vmf_image *source;

  memset(bytes, 0, SIZE);
  ck_assert_int_eq(vmf_io_memory("disk", NULL, SIZE, &disk, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_memory("taken", NULL, 0, &taken, &error), VMF_OK);
  for (unsigned i = 0; i < 6; i++)
    put(i, i == 2 || i == 4 ? 0 : (uint8_t)(i + 1));
  origin.io = disk;
  ck_assert_int_eq(vmf_image_open_origin(&origin, &raw, &source, &error), VMF_OK);
  ck_assert_int_eq(vmf_target_create_in(&pipe, "disk", NULL, SIZE, &options, &target, &error),
                   VMF_OK);
  if (told)
    ck_assert_int_eq(vmf_convert_size(source, target, &job, told, &error), VMF_OK);
  change = when_it_starts;
  enum vmf_code code = vmf_convert(source, target, &job, &result, &error);
  ck_assert(change == NULL);
  vmf_target_close(target);
  vmf_image_close(source);
  return code;
}

/* What came out is a valid image with the bytes that the source has now. */
static void check_taken(const char *format)
{
  const struct vmf_image_options options = {
      .size = sizeof options, .format = format, .no_chain = true};
  const struct vmf_image_origin origin = {.io = taken};
  struct vmf_findings findings = {.size = sizeof findings};
  struct vmf_image *image;

  ck_assert_int_eq(vmf_image_open_origin(&origin, &options, &image, &error), VMF_OK);
  ck_assert_int_eq(vmf_image_pread(image, found, SIZE, 0, &error), VMF_OK);
  ck_assert_mem_eq(found, bytes, SIZE);
  ck_assert_int_eq(vmf_image_check(image, &findings, &error), VMF_OK);
  ck_assert_uint_eq(findings.corruptions + findings.leaks, 0);
  vmf_image_close(image);
}

static const char *const formats[] = {"qcow2", "vmdk", "vhd"};

START_TEST(promised_data_that_is_gone_goes_out_as_zeros)
{
  ck_assert_int_eq(pour(formats[_i], 4096, NULL, clear_data), VMF_OK);
  check_taken(formats[_i]);
}
END_TEST

START_TEST(data_that_is_other_data_takes_its_place)
{
  ck_assert_int_eq(pour(formats[_i], 4096, NULL, alter_data), VMF_OK);
  check_taken(formats[_i]);
}
END_TEST

START_TEST(data_that_was_not_promised_is_a_change)
{
  ck_assert_int_eq(pour(formats[_i], 4096, NULL, add_data), VMF_CHANGED);
  ck_assert_ptr_nonnull(strstr(error.text, "disk: changed while it was read: guest byte 4194304"));
  vmf_io_close(taken);
}
END_TEST

/* As many units as were promised, but others. */
START_TEST(data_that_moved_is_a_change)
{
  ck_assert_int_eq(pour(formats[_i], 4096, NULL, move_data), VMF_CHANGED);
  vmf_io_close(taken);
}
END_TEST

START_TEST(size_that_is_told_is_the_size)
{
  uint64_t told = 0;

  ck_assert_int_eq(pour(formats[_i / 2], _i % 2 * 4096, &told, NULL), VMF_OK);
  ck_assert_uint_eq(taken->size, told);
  ck_assert_int_eq(told > SIZE, _i % 2 == 0);
  check_taken(formats[_i / 2]);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("promise");
  TCase *tests = tcase_create("promise");
  tcase_add_loop_test(tests, promised_data_that_is_gone_goes_out_as_zeros, 0, 3);
  tcase_add_loop_test(tests, data_that_is_other_data_takes_its_place, 0, 3);
  tcase_add_loop_test(tests, data_that_was_not_promised_is_a_change, 0, 3);
  tcase_add_loop_test(tests, data_that_moved_is_a_change, 0, 3);
  tcase_add_loop_test(tests, size_that_is_told_is_the_size, 0, 6);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
