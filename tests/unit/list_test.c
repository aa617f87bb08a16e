/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Arrays that grow. */
#include "list.h"

#include "check_main.h"
#include "memory.h"

struct numbers {
  uint64_t *list;
  size_t count, capacity;
};

START_TEST(elements_stay_while_the_list_grows)
{
  struct numbers numbers = {0};
  struct vmf_error error;

  for (uint64_t i = 0; i < 1000; i++) {
    ck_assert_int_eq(
        VMF_LIST_ROOM(numbers.list, numbers.count, numbers.capacity, "numbers", &error), VMF_OK);
    ck_assert(numbers.count < numbers.capacity);
    numbers.list[numbers.count++] = i;
  }
  for (uint64_t i = 0; i < 1000; i++)
    ck_assert_uint_eq(numbers.list[i], i);
  ck_assert_uint_le(numbers.capacity, 2 * numbers.count);
  vmf_free(numbers.list);
}
END_TEST

START_TEST(a_list_with_room_does_not_move)
{
  uint64_t element, *list = &element;
  size_t capacity = 1;
  struct vmf_error error;

  ck_assert_int_eq(VMF_LIST_ROOM(list, 0, capacity, "numbers", &error), VMF_OK);
  ck_assert_ptr_eq(list, &element);
  ck_assert_uint_eq(capacity, 1);
}
END_TEST

START_TEST(what_does_not_fit_into_memory_is_an_error)
{
  static const size_t capacities[] = {SIZE_MAX / 2 + 1, SIZE_MAX / 4};
  void *list = NULL;
  size_t capacity = capacities[_i];
  struct vmf_error error;

  ck_assert_int_eq(vmf_list_grow(&list, 8, &capacity, "numbers", &error), VMF_NOMEM);
  ck_assert_ptr_null(list);
  ck_assert_uint_eq(capacity, capacities[_i]);
  ck_assert_ptr_nonnull(strstr(error.text, "numbers"));
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("list");
  TCase *tests = tcase_create("list");

  tcase_add_test(tests, elements_stay_while_the_list_grows);
  tcase_add_test(tests, a_list_with_room_does_not_move);
  tcase_add_loop_test(tests, what_does_not_fit_into_memory_is_an_error, 0, 2);
  suite_add_tcase(made, tests);
  return made;
}

VMF_TEST_MAIN(suite)
