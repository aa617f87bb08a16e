/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What has come of a disk, against an array that says the same; and how little a large one takes.
 */
#include "coverage.h"

#include <string.h>

#include "check_main.h"

enum { PIECE = 4096, PIECES = 100000, LAST = 512 };

static const uint64_t size = (uint64_t)(PIECES - 1) * PIECE + LAST;
static bool came[PIECES];
static struct vmf_error error;
static uint32_t state;

static uint32_t number(uint32_t below)
{
  state = state * 1664525 + 1013904223;
  return (state >> 8) % below;
}

static uint64_t byte_of(uint32_t piece)
{
  return piece == PIECES ? size : (uint64_t)piece * PIECE;
}

static void check_missing(const struct vmf_coverage *coverage)
{
  uint64_t start, end;

  for (uint32_t at = 0; at < PIECES;) {
    uint32_t first = at, behind;
    while (first < PIECES && came[first])
      first++;
    for (behind = first; behind < PIECES && !came[behind];)
      behind++;
    vmf_coverage_missing(coverage, byte_of(at), &start, &end);
    ck_assert_uint_eq(start, byte_of(first));
    ck_assert_uint_eq(end, byte_of(behind));
    at = behind;
  }
  vmf_coverage_missing(coverage, size, &start, &end);
  ck_assert_uint_eq(start, size);
}

START_TEST(what_did_not_come_is_known)
{
  struct vmf_coverage coverage;
  uint32_t rounds[] = {1, 20, 1000, 30000}, longest[] = {PIECES, 40000, 300, 7};

  state = (uint32_t)_i;
  memset(came, 0, sizeof came);
  ck_assert_int_eq(vmf_coverage_init(&coverage, size, PIECE, &error), VMF_OK);
  for (uint32_t round = 0; round < rounds[_i % 4]; round++) {
    uint32_t first = number(PIECES), end = first + 1 + number(longest[_i % 4]);
    bool twice, expected = false;
    end = end > PIECES ? PIECES : end;
    for (uint32_t at = first; at < end; at++)
      expected |= came[at];
    if (expected && _i % 3)
      continue;
    ck_assert_int_eq(
        vmf_coverage_add(&coverage, byte_of(first), byte_of(end) - byte_of(first), &twice, &error),
        VMF_OK);
    ck_assert_int_eq(twice, expected);
    if (expected)
      break; /* it is an error, and nothing more is asked */
    memset(came + first, true, end - first);
  }
  if (_i % 3)
    check_missing(&coverage);
  vmf_coverage_free(&coverage);
}
END_TEST

START_TEST(all_of_it_takes_no_memory)
{
  struct vmf_coverage coverage;
  uint64_t start, end;
  bool twice;

  ck_assert_int_eq(vmf_coverage_init(&coverage, 64ull << 40, 1 << 16, &error), VMF_OK);
  ck_assert_int_eq(vmf_coverage_add(&coverage, 0, 1 << 16, &twice, &error), VMF_OK);
  ck_assert_int_eq(vmf_coverage_add(&coverage, 1 << 16, (64ull << 40) - (1 << 16), &twice, &error),
                   VMF_OK);
  ck_assert(!twice);
  ck_assert_uint_eq(coverage.in_memory, 0);
  vmf_coverage_missing(&coverage, 0, &start, &end);
  ck_assert_uint_eq(start, 64ull << 40);
  vmf_coverage_free(&coverage);
}
END_TEST

START_TEST(scattered_pieces_are_bounded)
{
  struct vmf_coverage coverage;
  enum vmf_code code = VMF_OK;
  uint64_t guest = 0;
  bool twice;

  ck_assert_int_eq(vmf_coverage_init(&coverage, 128ull << 40, PIECE, &error), VMF_OK);
  for (; code == VMF_OK && guest < coverage.size; guest += 128ull << 20)
    code = vmf_coverage_add(&coverage, guest, PIECE, &twice, &error);
  ck_assert_int_eq(code, VMF_LIMIT);
  ck_assert_uint_ge(guest, 1ull << 40);
  vmf_coverage_free(&coverage);
  ck_assert_int_eq(vmf_coverage_init(&coverage, INT64_MAX, PIECE, &error), VMF_LIMIT);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("coverage");
  TCase *tests = tcase_create("coverage");
  tcase_add_loop_test(tests, what_did_not_come_is_known, 0, 24);
  tcase_add_test(tests, all_of_it_takes_no_memory);
  tcase_add_test(tests, scattered_pieces_are_bounded);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
