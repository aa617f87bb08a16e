/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "rate.h"

#include <check.h>

#include "check_main.h"

static const struct {
  uint64_t rate, bytes, due; /* due: nanoseconds */
} rows[] = {
    {1, 0, 0},
    {1000, 1, 1000000},
    {1 << 20, 3 << 20, UINT64_C(3000000000)},
    {UINT64_MAX, UINT64_MAX, 1000000000},
    {1, UINT64_MAX, UINT64_MAX / 2}, /* no sum with the clock is too large */
};

START_TEST(bytes_are_due_by_the_rate)
{
  ck_assert_uint_eq(vmf_rate_due(rows[_i].rate, rows[_i].bytes), rows[_i].due);
}
END_TEST

START_TEST(without_a_rate_nothing_waits)
{
  uint64_t started = 0;
  vmf_rate_wait(0, UINT64_MAX, &started, NULL);
  ck_assert_uint_eq(started, 0);
}
END_TEST

START_TEST(a_cancelled_job_does_not_wait)
{
  struct vmf_cancel cancel = {0};
  uint64_t started = 0;
  vmf_cancel_request(&cancel);
  vmf_rate_wait(1, UINT64_MAX, &started, &cancel);
  ck_assert_uint_ne(started, 0);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("rate");
  TCase *tests = tcase_create("rate");
  tcase_add_loop_test(tests, bytes_are_due_by_the_rate, 0, (int)(sizeof rows / sizeof rows[0]));
  tcase_add_test(tests, without_a_rate_nothing_waits);
  tcase_add_test(tests, a_cancelled_job_does_not_wait);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
