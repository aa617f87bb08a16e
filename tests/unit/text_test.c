/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Text in other encodings, most of it from hostile images. */
#include "text.h"

#include <string.h>

#include "check_main.h"
#include "memory.h"

static struct vmf_error error;

static void converts(const char *encoding, const char *bytes, size_t length, const char *expected)
{
  char *utf8 = NULL;
  ck_assert_msg(vmf_text_to_utf8(encoding, bytes, length, &utf8, &error) == VMF_OK, "%s",
                error.text);
  ck_assert_str_eq(utf8, expected);
  vmf_free(utf8);
}

static void fails(const char *encoding, const char *bytes, size_t length, enum vmf_code code)
{
  char *utf8 = &error.text[0];
  ck_assert_int_eq(vmf_text_to_utf8(encoding, bytes, length, &utf8, &error), code);
  ck_assert_ptr_null(utf8);
}

START_TEST(known_encodings_are_converted)
{
  converts("UTF-8", "d\xc3\xa9", 3, "d\xc3\xa9");
  converts("UTF-16LE", "d\0\xe9\0", 4, "d\xc3\xa9");
  converts("UTF-16BE", "\0d\0\xe9", 4, "d\xc3\xa9");
  converts("windows-1252", "\x80\xe9", 2, "\xe2\x82\xac\xc3\xa9");
  converts("GBK", "\xb4\xc5\xc5\xcc", 4, "\xe7\xa3\x81\xe7\x9b\x98");
  converts("Shift_JIS", "\x83\x66", 2, "\xe3\x83\x87");
  converts("UTF-16BE", "\xd8\x3d\xde\x00", 4, "\xf0\x9f\x98\x80");
}
END_TEST

START_TEST(empty_text_is_a_text)
{
  converts("UTF-16LE", "", 0, "");
  converts("GBK", NULL, 0, "");
}
END_TEST

START_TEST(long_text_grows)
{
  char bytes[3000], expected[9001] = "";
  for (int i = 0; i < 3000; i++) {
    bytes[i] = '\x80';
    memcpy(expected + 3 * i, "\xe2\x82\xac", 4);
  }
  converts("windows-1252", bytes, sizeof(bytes), expected);
}
END_TEST

START_TEST(invalid_bytes_are_damage)
{
  fails("UTF-8", "\xc3\x28", 2, VMF_CORRUPT);
  fails("UTF-8", "ok\xff", 3, VMF_CORRUPT);
  ck_assert_str_eq(error.text, "text: byte 2 of 3 is not valid in UTF-8");
  fails("UTF-8", "\xed\xa0\x80", 3, VMF_CORRUPT);
  fails("UTF-16LE", "\x00\xd8", 2, VMF_CORRUPT);
  fails("GBK", "\xff\xff", 2, VMF_CORRUPT);
}
END_TEST

START_TEST(incomplete_characters_are_damage)
{
  fails("UTF-16LE", "d\0e", 3, VMF_CORRUPT);
  fails("UTF-8", "\xc3", 1, VMF_CORRUPT);
}
END_TEST

START_TEST(embedded_nul_is_damage)
{
  fails("UTF-8", "a\0b", 3, VMF_CORRUPT);
  fails("UTF-16LE", "a\0\0\0", 4, VMF_CORRUPT);
}
END_TEST

START_TEST(unknown_encodings_are_unsupported)
{
  static const char *const names[] = {
      "no-such-encoding", "",       "char", "UTF-8//IGNORE",
      "../../etc/passwd", "UTF-8 ", "\xff", "a-name-that-is-much-longer-than-any-encoding-has"};
  fails(names[_i], "a", 1, VMF_UNSUPPORTED);
}
END_TEST

START_TEST(case_of_ascii_is_ignored)
{
  ck_assert(vmf_text_equal_nocase("MonolithicSparse", "monolithicsparse"));
  ck_assert(vmf_text_equal_nocase("", ""));
  ck_assert(!vmf_text_equal_nocase("a", ""));
  ck_assert(!vmf_text_equal_nocase("a", "ab"));
  ck_assert(!vmf_text_equal_nocase("[", "{"));
  ck_assert(!vmf_text_equal_nocase("\xc9", "\xe9"));
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("text");
  TCase *tests = tcase_create("text");
  tcase_add_test(tests, known_encodings_are_converted);
  tcase_add_test(tests, empty_text_is_a_text);
  tcase_add_test(tests, long_text_grows);
  tcase_add_test(tests, invalid_bytes_are_damage);
  tcase_add_test(tests, incomplete_characters_are_damage);
  tcase_add_test(tests, embedded_nul_is_damage);
  tcase_add_loop_test(tests, unknown_encodings_are_unsupported, 0, 8);
  tcase_add_test(tests, case_of_ascii_is_ignored);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
