/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file with patches, held against an array that the same patches were written into. */
#include "patched.h"

#include <string.h>

#include "check_main.h"
#include "checked.h"

enum { SIZE = 600, BASE = 400, PATCHES = 12, ROUNDS = 300 };

static struct vmf_error error;
static uint8_t bytes[BASE];

static struct vmf_io *base_io(void)
{
  struct vmf_io *io = NULL;
  for (unsigned i = 0; i < BASE; i++)
    bytes[i] = (uint8_t)(1 + i % 255);
  ck_assert_int_eq(vmf_io_memory("base", bytes, BASE, &io, &error), VMF_OK);
  return io;
}

static struct vmf_io *patch(struct vmf_io *base, const struct vmf_patch *patches, size_t count)
{
  struct vmf_io *io = NULL;
  ck_assert_int_eq(vmf_io_patched(base, SIZE, patches, count, &io, &error), VMF_OK);
  ck_assert_uint_eq(io->size, SIZE);
  return io;
}

static uint32_t number(uint32_t *state, uint32_t below)
{
  *state = *state * 1664525u + 1013904223u;
  return (*state >> 8) % below;
}

/* Writes a random patch into the array, too. */
static struct vmf_patch random_patch(uint32_t *state, uint8_t expected[SIZE])
{
  struct vmf_patch made = {.offset = number(state, SIZE), .source = number(state, BASE)};
  made.length = number(state, 1 + (uint32_t)vmf_min(SIZE - made.offset, BASE - made.source));
  if (number(state, 3) == 0) {
    made.source = VMF_PATCH_ZEROS;
    memset(expected + made.offset, 0, made.length);
  } else {
    memcpy(expected + made.offset, bytes + made.source, made.length);
  }
  return made;
}

static void read_parts(struct vmf_io *io, const uint8_t expected[SIZE], uint32_t *state)
{
  uint8_t found[SIZE];
  for (unsigned i = 0; i < 20; i++) {
    uint32_t at = number(state, SIZE), length = number(state, SIZE + 1 - at);
    ck_assert_int_eq(vmf_io_pread(io, found, length, at, &error), VMF_OK);
    ck_assert_mem_eq(found, expected + at, length);
  }
}

/* Outside of what is told to be data there are only zeros, and every answer gets ahead. */
static void walk_data(struct vmf_io *io, const uint8_t expected[SIZE])
{
  uint64_t start, end;
  for (uint64_t at = 0; at < SIZE; at = end) {
    ck_assert_int_eq(vmf_io_next_data(io, at, &start, &end, &error), VMF_OK);
    ck_assert_uint_ge(start, at);
    ck_assert(end > start || (start == SIZE && end == SIZE));
    for (; at < start; at++)
      ck_assert_uint_eq(expected[at], 0);
  }
}

START_TEST(later_patches_count_more)
{
  for (uint32_t round = 0; round < ROUNDS; round++) {
    struct vmf_patch patches[PATCHES];
    uint8_t expected[SIZE] = {0};
    uint32_t state = round;
    struct vmf_io *base = base_io();
    size_t count = number(&state, PATCHES + 1);
    memcpy(expected, bytes, BASE);
    for (size_t i = 0; i < count; i++)
      patches[i] = random_patch(&state, expected);
    struct vmf_io *io = patch(base, patches, count);
    read_parts(io, expected, &state);
    walk_data(io, expected);
    vmf_io_close(io);
    vmf_io_close(base);
  }
}
END_TEST

START_TEST(zeros_may_be_longer_than_all_memory)
{
  const struct vmf_patch patches[] = {{100, INT64_MAX - 100, VMF_PATCH_ZEROS}, {200, 10, 50}};
  struct vmf_io *base = base_io(), *io = patch(base, patches, 2);
  uint64_t start, end;
  uint8_t found[SIZE];

  ck_assert_int_eq(vmf_io_pread(io, found, SIZE, 0, &error), VMF_OK);
  ck_assert_mem_eq(found, bytes, 100);
  ck_assert_mem_eq(found + 200, bytes + 50, 10);
  ck_assert_int_eq(vmf_io_next_data(io, 150, &start, &end, &error), VMF_OK);
  ck_assert_uint_eq(start, 200);
  ck_assert_uint_eq(end, 210);
  vmf_io_close(io);
  vmf_io_close(base);
}
END_TEST

START_TEST(is_only_read_and_shows_its_base)
{
  struct vmf_io *base = base_io(), *io = patch(base, NULL, 0);
  uint8_t found[2] = {9, 9};

  ck_assert_int_eq(vmf_io_pwrite(io, "x", 1, 0, &error), VMF_UNSUPPORTED);
  ck_assert_ptr_eq(io->ops->below(io, 0), base);
  ck_assert_ptr_null(io->ops->below(io, 1));
  ck_assert_int_eq(vmf_io_pread(io, found, 2, BASE - 1, &error), VMF_OK);
  ck_assert_uint_eq(found[0], bytes[BASE - 1]);
  ck_assert_uint_eq(found[1], 0);
  ck_assert_int_eq(vmf_io_pread(io, found, 1, SIZE, &error), VMF_READ);
  vmf_io_close(io);
  vmf_io_close(base);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("patched");
  TCase *tests = tcase_create("patched");
  tcase_add_test(tests, later_patches_count_more);
  tcase_add_test(tests, zeros_may_be_longer_than_all_memory);
  tcase_add_test(tests, is_only_read_and_shows_its_base);
  suite_add_tcase(made, tests);
  return made;
}

VMF_TEST_MAIN(suite)
