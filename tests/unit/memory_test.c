/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Allocation, its bounds, and the arithmetic that guards it. */
#include "memory.h"

#include <stdint.h>
#include <string.h>

#include "check_main.h"
#include "checked.h"
#include "zero.h"

static struct vmf_error error;

START_TEST(blocks_are_zeroed)
{
  void *block = NULL;
  ck_assert_int_eq(vmf_alloc(10000, &block, &error), VMF_OK);
  ck_assert(vmf_is_zero(block, 10000));
  vmf_free(block);
}
END_TEST

START_TEST(empty_blocks_exist)
{
  void *block = NULL;
  ck_assert_int_eq(vmf_alloc(0, &block, &error), VMF_OK);
  ck_assert_ptr_nonnull(block);
  vmf_free(block);
  ck_assert_int_eq(vmf_alloc_pages(0, &block, &error), VMF_OK);
  ck_assert_ptr_nonnull(block);
  vmf_free(block);
}
END_TEST

START_TEST(impossible_sizes_are_no_memory)
{
  void *block = &error;
  char *copy = NULL;
  ck_assert_int_eq(vmf_alloc(SIZE_MAX, &block, &error), VMF_NOMEM);
  ck_assert_ptr_null(block);
  ck_assert_int_eq(vmf_alloc_pages(SIZE_MAX, &block, &error), VMF_NOMEM);
  ck_assert_ptr_null(block);
  ck_assert_int_eq(vmf_copy_bytes("", SIZE_MAX, &copy, &error), VMF_NOMEM);
  ck_assert_ptr_null(copy);
}
END_TEST

START_TEST(table_at_its_limit_is_made)
{
  void *table = NULL;
  ck_assert_int_eq(vmf_alloc_table(512, 8, 4096, "a.qcow2: L1 table", &table, &error), VMF_OK);
  ck_assert(vmf_is_zero(table, 4096));
  vmf_free(table);
}
END_TEST

START_TEST(table_beyond_its_limit_is_named)
{
  void *table = &error;
  ck_assert_int_eq(vmf_alloc_table(513, 8, 4096, "a.qcow2: L1 table", &table, &error), VMF_LIMIT);
  ck_assert_ptr_null(table);
  ck_assert_str_eq(error.text,
                   "a.qcow2: L1 table: 513 entries of 8 bytes, at most 4096 bytes are accepted");
}
END_TEST

START_TEST(table_size_may_not_overflow)
{
  void *table = NULL;
  ck_assert_int_eq(vmf_alloc_table(UINT64_MAX / 8 + 2, 8, UINT64_MAX, "t", &table, &error),
                   VMF_LIMIT);
  ck_assert_ptr_null(table);
}
END_TEST

START_TEST(pages_are_aligned_and_whole)
{
  void *block = NULL;
  ck_assert_int_eq(vmf_alloc_pages(4097, &block, &error), VMF_OK);
  ck_assert_uint_eq((uintptr_t)block % 4096, 0);
  memset(block, 1, 4097);
  vmf_free(block);
}
END_TEST

START_TEST(copies_end_in_a_nul)
{
  char *copy = NULL;
  ck_assert_int_eq(vmf_copy_bytes("abcdef", 3, &copy, &error), VMF_OK);
  ck_assert_str_eq(copy, "abc");
  vmf_free(copy);
  ck_assert_int_eq(vmf_copy_bytes(NULL, 0, &copy, &error), VMF_OK);
  ck_assert_str_eq(copy, "");
  vmf_free(copy);
  ck_assert_int_eq(vmf_copy_text("abc", &copy, &error), VMF_OK);
  ck_assert_str_eq(copy, "abc");
  vmf_free(copy);
}
END_TEST

START_TEST(formatted_text_is_fresh)
{
  char *text = NULL;
  ck_assert_int_eq(vmf_format(&text, &error, "%s-%d", "a", 7), VMF_OK);
  ck_assert_str_eq(text, "a-7");
  vmf_free(text);
}
END_TEST

START_TEST(sums_and_products_are_checked)
{
  uint64_t result = 0;
  ck_assert(vmf_add(UINT64_MAX - 1, 1, &result) && result == UINT64_MAX);
  ck_assert(!vmf_add(UINT64_MAX, 1, &result));
  ck_assert(vmf_mul(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1, &result));
  ck_assert(!vmf_mul(UINT64_C(1) << 32, UINT64_C(1) << 32, &result));
  ck_assert(vmf_range_within(10, 0, 10) && vmf_range_within(0, 10, 10));
  ck_assert(!vmf_range_within(11, 0, 10) && !vmf_range_within(2, UINT64_MAX, 10));
  ck_assert_uint_eq(vmf_div_up(UINT64_MAX, 2), UINT64_C(1) << 63);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("memory");
  TCase *tests = tcase_create("memory");
  tcase_add_test(tests, blocks_are_zeroed);
  tcase_add_test(tests, empty_blocks_exist);
  tcase_add_test(tests, impossible_sizes_are_no_memory);
  tcase_add_test(tests, table_at_its_limit_is_made);
  tcase_add_test(tests, table_beyond_its_limit_is_named);
  tcase_add_test(tests, table_size_may_not_overflow);
  tcase_add_test(tests, pages_are_aligned_and_whole);
  tcase_add_test(tests, copies_end_in_a_nul);
  tcase_add_test(tests, formatted_text_is_fresh);
  tcase_add_test(tests, sums_and_products_are_checked);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
