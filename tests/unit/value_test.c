/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Trees of named values. */
#include "value.h"

#include <string.h>

#include "check_main.h"

static struct vmf_error error;
static struct vmf_value *root;

static void begin(void)
{
  ck_assert_int_eq(vmf_value_new(&root, &error), VMF_OK);
}

static void end(void)
{
  vmf_value_free(root);
}

START_TEST(children_keep_their_order)
{
  ck_assert_int_eq(vmf_value_text(root, "format", "raw", &error), VMF_OK);
  ck_assert_int_eq(vmf_value_uint(root, "virtual-size", UINT64_MAX, &error), VMF_OK);
  ck_assert_int_eq(vmf_value_bool(root, "dirty-flag", true, &error), VMF_OK);

  const struct vmf_value *value = root->first;
  ck_assert(value->kind == VMF_VALUE_TEXT && strcmp(value->text, "raw") == 0);
  value = value->next;
  ck_assert(value->kind == VMF_VALUE_UINT && value->number == UINT64_MAX);
  value = value->next;
  ck_assert(value->kind == VMF_VALUE_BOOL && value->number == 1);
  ck_assert_str_eq(value->name, "dirty-flag");
  ck_assert_ptr_null(value->next);
  ck_assert_ptr_eq(value, root->last);
}
END_TEST

START_TEST(strings_are_copied)
{
  char name[] = "name", text[] = "text";
  ck_assert_int_eq(vmf_value_text(root, name, text, &error), VMF_OK);
  name[0] = text[0] = 'x';
  ck_assert_str_eq(root->first->name, "name");
  ck_assert_str_eq(root->first->text, "text");
}
END_TEST

START_TEST(lists_hold_values_without_names)
{
  struct vmf_value *list = NULL, *entry = NULL;
  ck_assert_int_eq(vmf_value_add(root, VMF_VALUE_LIST, "snapshots", &list, &error), VMF_OK);
  ck_assert_int_eq(vmf_value_add(list, VMF_VALUE_OBJECT, NULL, &entry, &error), VMF_OK);
  ck_assert_int_eq(vmf_value_uint(list, NULL, 7, &error), VMF_OK);
  ck_assert_ptr_eq(list->first, entry);
  ck_assert_ptr_null(entry->name);
  ck_assert_uint_eq(list->last->number, 7);
}
END_TEST

START_TEST(misplaced_values_are_refused)
{
  struct vmf_value *list = NULL;
  ck_assert_int_eq(vmf_value_uint(root, NULL, 7, &error), VMF_USAGE);
  ck_assert_int_eq(vmf_value_add(root, VMF_VALUE_LIST, "list", &list, &error), VMF_OK);
  ck_assert_int_eq(vmf_value_text(list, "name", "text", &error), VMF_USAGE);
  ck_assert_int_eq(vmf_value_uint(root, "number", 7, &error), VMF_OK);
  ck_assert_int_eq(vmf_value_uint(root->last, "inside", 7, &error), VMF_USAGE);
  ck_assert_ptr_null(list->first);
}
END_TEST

START_TEST(depth_costs_no_stack)
{
  struct vmf_value *value = root;
  for (int i = 0; i < 200000; i++)
    ck_assert_int_eq(vmf_value_add(value, VMF_VALUE_OBJECT, "a", &value, &error), VMF_OK);
}
END_TEST

START_TEST(nothing_may_be_freed)
{
  vmf_value_free(NULL);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("value");
  TCase *tests = tcase_create("value");
  tcase_add_checked_fixture(tests, begin, end);
  tcase_add_test(tests, children_keep_their_order);
  tcase_add_test(tests, strings_are_copied);
  tcase_add_test(tests, lists_hold_values_without_names);
  tcase_add_test(tests, misplaced_values_are_refused);
  tcase_add_test(tests, depth_costs_no_stack);
  tcase_add_test(tests, nothing_may_be_freed);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
