/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * SOURCE_DATE_EPOCH as it may be set. */
#include "epoch.h"

#include <time.h>

#include "check_main.h"

static const struct {
  const char *text;
  int64_t seconds; /* -1: refused */
} rows[] = {
    {"0", 0},
    {"1700000000", 1700000000},
    {"007", 7},
    {"253402300799", INT64_C(253402300799)},
    {"253402300800", -1},
    {"99999999999999999999999", -1},
    {"", -1},
    {"-1", -1},
    {"+1", -1},
    {" 1", -1},
    {"1 ", -1},
    {"0x10", -1},
    {"1.5", -1},
    {"yesterday", -1},
};

START_TEST(only_whole_seconds_are_taken)
{
  struct vmf_error error;
  struct vmf_epoch epoch;

  setenv("SOURCE_DATE_EPOCH", rows[_i].text, 1);
  ck_assert_int_eq(vmf_epoch_now(&epoch, &error), rows[_i].seconds < 0 ? VMF_USAGE : VMF_OK);
  if (rows[_i].seconds >= 0)
    ck_assert(epoch.fixed && epoch.seconds == rows[_i].seconds);
}
END_TEST

START_TEST(without_it_the_clock_counts)
{
  struct vmf_error error;
  struct vmf_epoch epoch;
  int64_t before = time(NULL);

  unsetenv("SOURCE_DATE_EPOCH");
  ck_assert_int_eq(vmf_epoch_now(&epoch, &error), VMF_OK);
  ck_assert(!epoch.fixed && epoch.seconds >= before);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("epoch");
  TCase *tests = tcase_create("epoch");

  tcase_add_loop_test(tests, only_whole_seconds_are_taken, 0, sizeof rows / sizeof rows[0]);
  tcase_add_test(tests, without_it_the_clock_counts);
  suite_add_tcase(made, tests);
  return made;
}

VMF_TEST_MAIN(suite)
