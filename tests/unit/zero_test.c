/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The zero scan, at every length and alignment around its steps. */
#include "zero.h"

#include <string.h>

#include "check_main.h"

START_TEST(nothing_is_zero)
{
  ck_assert(vmf_is_zero(NULL, 0));
}
END_TEST

/* Every start, every length, and every place of the one byte that is not zero; the bytes around the
 * range are not zero either. */
START_TEST(every_byte_counts)
{
  unsigned char bytes[1024];
  memset(bytes, 0xff, sizeof(bytes));
  for (size_t start = 1; start <= 9; start++)
    for (size_t length = 1; length < 600; length += length < 40 ? 1 : 7) {
      memset(bytes + start, 0, length);
      ck_assert(vmf_is_zero(bytes + start, length));
      for (size_t i = 0; i < length; i++) {
        bytes[start + i] = i % 2 == 0 ? 0x80 : 0x01;
        ck_assert(!vmf_is_zero(bytes + start, length));
        bytes[start + i] = 0;
      }
      memset(bytes + start, 0xff, length);
    }
}
END_TEST

START_TEST(last_byte_of_a_large_block_is_seen)
{
  size_t length = 3 * 1024 * 1024 + 5;
  unsigned char *bytes = calloc(1, length);
  ck_assert(vmf_is_zero(bytes, length));
  bytes[length - 1] = 1;
  ck_assert(!vmf_is_zero(bytes, length));
  free(bytes);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("zero");
  TCase *tests = tcase_create("zero");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, nothing_is_zero);
  tcase_add_test(tests, every_byte_counts);
  tcase_add_test(tests, last_byte_of_a_large_block_is_seen);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
