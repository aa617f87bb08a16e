/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Structs of callers that were compiled with another version of vmferry.h. */
#include "caller.h"

#include <string.h>

#include "check_main.h"

/* As a later version of the header may have it. */
struct later_options {
  struct vmf_job_options known;
  uint64_t added;
};

struct later_result {
  struct vmf_job_result known;
  uint64_t added;
};

static struct vmf_error error;

static enum vmf_code take(const void *given, struct vmf_job_options *own)
{
  memset(own, 0xa5, sizeof *own);
  return vmf_take_job_options(given, own, &error);
}

START_TEST(no_options_are_the_defaults)
{
  struct vmf_job_options own;

  ck_assert_int_eq(take(NULL, &own), VMF_OK);
  ck_assert_uint_eq(own.size, sizeof own);
  ck_assert_uint_eq(own.threads, 0);
  ck_assert_ptr_null(own.cancel);
}
END_TEST

START_TEST(a_size_that_was_forgotten_is_refused)
{
  const struct vmf_job_options given = {.threads = 3};
  struct vmf_job_options own;

  ck_assert_int_eq(take(&given, &own), VMF_USAGE);
  ck_assert_ptr_nonnull(strstr(error.text, "struct vmf_job_options"));
}
END_TEST

START_TEST(a_size_below_the_first_version_or_beyond_reason_is_refused)
{
  struct vmf_job_options given = {.size = sizeof(size_t)}, own;

  ck_assert_int_eq(take(&given, &own), VMF_USAGE);
  given.size = (size_t)-1;
  ck_assert_int_eq(take(&given, &own), VMF_USAGE);
}
END_TEST

START_TEST(what_a_later_version_added_may_only_be_zero)
{
  struct later_options given = {.known = {.size = sizeof given, .threads = 3}};
  struct vmf_job_options own;

  ck_assert_int_eq(take(&given, &own), VMF_OK);
  ck_assert_uint_eq(own.threads, 3);
  ck_assert_uint_eq(own.size, sizeof own);
  given.added = 1;
  ck_assert_int_eq(take(&given, &own), VMF_USAGE);
}
END_TEST

START_TEST(what_a_former_version_lacks_is_zero)
{
  struct vmf_job_options given = {.size = sizeof given, .threads = 3};
  struct later_options own;
  memset(&own, 0xa5, sizeof own);

  ck_assert_int_eq(vmf_sized_take(&given, &own, sizeof own, sizeof given, "options", &error),
                   VMF_OK);
  ck_assert_uint_eq(own.known.threads, 3);
  ck_assert_uint_eq(own.added, 0);
}
END_TEST

START_TEST(results_fill_no_more_than_the_caller_has)
{
  struct later_result own = {.known = {.data_bytes = 7}, .added = 8};
  struct later_result given = {.known = {.size = sizeof given.known}, .added = 9};

  vmf_sized_give(&own, sizeof own, &given);
  ck_assert_uint_eq(given.known.size, sizeof given.known);
  ck_assert_uint_eq(given.known.data_bytes, 7);
  ck_assert_uint_eq(given.added, 9);
}
END_TEST

START_TEST(results_that_are_not_known_are_zero)
{
  const struct vmf_job_result own = {.data_bytes = 7};
  struct later_result given = {.known = {.size = sizeof given}, .added = 9};

  vmf_give_job_result(&own, &given.known);
  ck_assert_uint_eq(given.known.size, sizeof given);
  ck_assert_uint_eq(given.known.data_bytes, 7);
  ck_assert_uint_eq(given.added, 0);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("caller");
  TCase *tests = tcase_create("caller");

  tcase_add_test(tests, no_options_are_the_defaults);
  tcase_add_test(tests, a_size_that_was_forgotten_is_refused);
  tcase_add_test(tests, a_size_below_the_first_version_or_beyond_reason_is_refused);
  tcase_add_test(tests, what_a_later_version_added_may_only_be_zero);
  tcase_add_test(tests, what_a_former_version_lacks_is_zero);
  tcase_add_test(tests, results_fill_no_more_than_the_caller_has);
  tcase_add_test(tests, results_that_are_not_known_are_zero);
  suite_add_tcase(made, tests);
  return made;
}

VMF_TEST_MAIN(suite)
