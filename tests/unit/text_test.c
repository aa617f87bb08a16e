/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Text in other encodings, most of it from hostile images. */
#include "text.h"

#include <locale.h>
#include <string.h>

#include "check_main.h"
#include "encoding.h"
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

/* Byte 0x5c is a backslash in all code pages of Windows, whatever it looks like on the screen. */
static const struct {
  const char *name, *bytes, *expected;
} named[] = {
    {"Shift_JIS", "C:\\~1\x87\x40\x81\x60", "C:\\~1\xe2\x91\xa0\xef\xbd\x9e"},
    {"windows-949-2000", "\\\x8c\x63", "\\\xeb\x98\xa0"},
    {"KS_C_5601-1987", "\\\xb0\xa1", "\\\xea\xb0\x80"},
    {"EUC-KR", "\\\xb0\xa1", "\\\xea\xb0\x80"},
    {"windows-950", "\\\xb5\xea", "\\\xe8\x99\x9b"},
    {"Big5", "\\\xb5\xea", "\\\xe8\x99\x9b"},
    {"ibm-874", "\\\xe0\xa4", "\\\xe0\xb9\x80\xe0\xb8\x84"},
    {"ibm-943_P15A-2003", "\\\x83\x66", "\\\xe3\x83\x87"},
    {"EUC-JP", "\\\xa1\xc1\xad\xa1", "\\\xef\xbd\x9e\xe2\x91\xa0"},
    {"windows-936-2000", "\\\xb4\xc5", "\\\xe7\xa3\x81"},
    {"gb18030", "\\\x81\x30\x81\x30", "\\\xc2\x80"},
    {"ibm-5348_P100-1997", "\x80", "\xe2\x82\xac"},
    {"WINDOWS_1251", "\xe0", "\xd0\xb0"},
    {"iso-8859_11-2001", "\xe0", "\xe0\xb9\x80"},
    {"ISO_8859-1:1987", "\xe9", "\xc3\xa9"},
    {"ibm-866", "\xa0", "\xd0\xb0"},
    {"utf8", "\xc3\xa9", "\xc3\xa9"},
};

START_TEST(names_of_encodings_mean_what_their_writers_do)
{
  const char *converter = vmf_encoding_converter(named[_i].name);
  ck_assert_msg(converter != NULL, "%s", named[_i].name);
  converts(converter, named[_i].bytes, strlen(named[_i].bytes), named[_i].expected);
}
END_TEST

START_TEST(other_names_are_unknown)
{
  static const char *const names[] = {"no-such-encoding",
                                      "",
                                      "-",
                                      "char",
                                      "UTF-8//IGNORE",
                                      "utf-16le",
                                      "UTF-7",
                                      "JOHAB",
                                      "cp93",
                                      "p932",
                                      "\xff",
                                      "a-name-that-is-much-longer-than-any-encoding-has"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    ck_assert_msg(!vmf_encoding_converter(names[i]), "%s", names[i]);
}
END_TEST

START_TEST(ascii_is_known_without_a_table)
{
  ck_assert(vmf_encoding_is_ascii("klingon", "disk.vmdk", 9));
  ck_assert(vmf_encoding_is_ascii("Shift_JIS", NULL, 0));
  ck_assert(!vmf_encoding_is_ascii("klingon", "disk\x80", 5));
  ck_assert(!vmf_encoding_is_ascii("UTF-7", "+AGE-", 5));
  ck_assert(!vmf_encoding_is_ascii("HZ-GB-2312", "~{VPND~}", 8));
  ck_assert(!vmf_encoding_is_ascii("ISO-2022-JP", "\x1b$B", 3));
}
END_TEST

START_TEST(converter_that_iconv_does_not_have)
{
  fails("no-such-encoding", "a", 1, VMF_UNSUPPORTED);
  ck_assert_msg(strstr(error.text, "no converter from no-such-encoding"), "%s", error.text);
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

START_TEST(a_word_of_a_list_is_a_whole_one)
{
  ck_assert(vmf_text_has_word("VMW WS", "VMW") && vmf_text_has_word("VMW WS", "WS"));
  ck_assert(vmf_text_has_word(" yes no ", "no") && vmf_text_has_word("xno no", "no"));
  ck_assert(!vmf_text_has_word("VMW WS", "VM") && !vmf_text_has_word("VMW WS", "S"));
  ck_assert(!vmf_text_has_word("a b", "a b") && !vmf_text_has_word("a b", ""));
}
END_TEST

/* Where no other locale is installed, the plain one alone is tried. */
START_TEST(reals_have_a_point_whatever_the_locale)
{
  static const char *const locales[] = {"C", "de_DE.UTF-8", "ja_JP.UTF-8"};
  char *text = NULL, *end;

  setlocale(LC_ALL, locales[_i]);
  ck_assert(vmf_real_read("1.5", &end) == 1.5L);
  ck_assert_str_eq(end, "");
  ck_assert(vmf_real_read("1,5", &end) == 1.0L);
  ck_assert_str_eq(end, ",5");
  ck_assert(vmf_real_write(0.1, &text, &error) == VMF_OK);
  ck_assert_str_eq(text, "0.10000000000000001");
  vmf_free(text);
  setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(decimal_digits_of_64_bits)
{
  static const char *const none[] = {"",   " 1",  "1 ",  "+1",
                                     "-1", "0x1", "1.0", "18446744073709551616"};
  const char *text = "0070 bytes";
  uint64_t number = 0;

  ck_assert(vmf_decimal("18446744073709551615", &number));
  ck_assert_uint_eq(number, UINT64_MAX);
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
    ck_assert_msg(!vmf_decimal(none[i], &number), "%s", none[i]);
  ck_assert(vmf_take_decimal(&text, &number));
  ck_assert_uint_eq(number, 70);
  ck_assert_str_eq(text, " bytes");
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("text");
  TCase *tests = tcase_create("text");
  tcase_add_test(tests, a_word_of_a_list_is_a_whole_one);
  tcase_add_test(tests, known_encodings_are_converted);
  tcase_add_test(tests, empty_text_is_a_text);
  tcase_add_test(tests, long_text_grows);
  tcase_add_test(tests, invalid_bytes_are_damage);
  tcase_add_test(tests, incomplete_characters_are_damage);
  tcase_add_test(tests, embedded_nul_is_damage);
  tcase_add_loop_test(tests, names_of_encodings_mean_what_their_writers_do, 0,
                      (int)(sizeof(named) / sizeof(named[0])));
  tcase_add_test(tests, other_names_are_unknown);
  tcase_add_test(tests, ascii_is_known_without_a_table);
  tcase_add_test(tests, converter_that_iconv_does_not_have);
  tcase_add_test(tests, case_of_ascii_is_ignored);
  tcase_add_test(tests, decimal_digits_of_64_bits);
  tcase_add_loop_test(tests, reals_have_a_point_whatever_the_locale, 0, 3);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
