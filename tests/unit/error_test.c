/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What an error says, and that no text is too long for it. */
#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "log.h"

static struct vmf_error error;

static void repeat(char *text, char c, size_t length)
{
  memset(text, c, length);
  text[length] = '\0';
}

START_TEST(failure_has_code_and_text)
{
  error.sys_errno = 5;
  ck_assert_int_eq(vmf_fail(&error, VMF_CORRUPT, "%s: magic %x", "a.vmdk", 0x17), VMF_CORRUPT);
  ck_assert_int_eq(error.code, VMF_CORRUPT);
  ck_assert_int_eq(error.sys_errno, 0);
  ck_assert_str_eq(error.text, "a.vmdk: magic 17");
}
END_TEST

START_TEST(errors_are_optional)
{
  errno = EIO;
  ck_assert_int_eq(vmf_fail(NULL, VMF_LIMIT, "x"), VMF_LIMIT);
  ck_assert_int_eq(vmf_fail_errno(NULL, VMF_READ, "x"), VMF_READ);
  ck_assert_int_ne(vmf_while(NULL, "x"), VMF_OK);
}
END_TEST

START_TEST(system_failure_names_its_cause)
{
  errno = ENOENT;
  ck_assert_int_eq(vmf_fail_errno(&error, VMF_SYSTEM, "opening %s", "a"), VMF_SYSTEM);
  ck_assert_int_eq(error.sys_errno, ENOENT);
  ck_assert_str_eq(error.text, "opening a: No such file or directory");
}
END_TEST

START_TEST(no_memory_is_always_told_as_such)
{
  errno = ENOMEM;
  ck_assert_int_eq(vmf_fail_errno(&error, VMF_READ, "x"), VMF_NOMEM);
}
END_TEST

START_TEST(context_goes_in_front)
{
  ck_assert_int_eq(vmf_fail(&error, VMF_READ, "byte %d", 7), VMF_READ);
  ck_assert_int_eq(vmf_while(&error, "reading table %d", 3), VMF_READ);
  ck_assert_str_eq(error.text, "reading table 3: byte 7");
}
END_TEST

START_TEST(text_may_quote_the_error_itself)
{
  ck_assert_int_eq(vmf_fail(&error, VMF_READ, "inner"), VMF_READ);
  ck_assert_int_eq(vmf_fail(&error, VMF_WRITE, "outer (%s)", error.text), VMF_WRITE);
  ck_assert_str_eq(error.text, "outer (inner)");
}
END_TEST

START_TEST(long_text_is_cut_and_marked)
{
  char text[4097];
  repeat(text, 'x', sizeof(text) - 1);
  ck_assert_int_eq(vmf_fail(&error, VMF_READ, "%s", text), VMF_READ);
  ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
  ck_assert_str_eq(error.text + strlen(error.text) - 4, "x...");
}
END_TEST

START_TEST(text_that_just_fits_is_kept)
{
  char text[sizeof(error.text)];
  repeat(text, 'x', sizeof(text) - 1);
  ck_assert_int_eq(vmf_fail(&error, VMF_READ, "%s", text), VMF_READ);
  ck_assert_str_eq(error.text, text);
}
END_TEST

START_TEST(cut_stands_between_characters)
{
  char text[1025] = "";
  for (size_t i = 0; i < 512; i++)
    memcpy(text + 2 * i, "\xc3\xa9", 2);
  text[1024] = '\0';
  for (int shift = 0; shift < 2; shift++) {
    ck_assert_int_eq(vmf_fail(&error, VMF_READ, "%s%s", shift ? "x" : "", text), VMF_READ);
    size_t length = strlen(error.text);
    ck_assert_str_eq(error.text + length - 3, "...");
    ck_assert_int_eq((unsigned char)error.text[length - 4], 0xa9);
  }
}
END_TEST

START_TEST(cause_survives_a_long_text)
{
  char text[2048];
  repeat(text, 'x', sizeof(text) - 1);
  errno = EACCES;
  ck_assert_int_eq(vmf_fail_errno(&error, VMF_SYSTEM, "%s", text), VMF_SYSTEM);
  ck_assert_ptr_nonnull(strstr(error.text, "...: Permission denied"));
}
END_TEST

START_TEST(context_and_cause_share_a_full_text)
{
  char text[2048];
  repeat(text, 'x', sizeof(text) - 1);
  ck_assert_int_eq(vmf_fail(&error, VMF_READ, "%s", text), VMF_READ);
  repeat(text, 'y', sizeof(text) - 1);
  ck_assert_int_eq(vmf_while(&error, "%s", text), VMF_READ);
  ck_assert_uint_lt(strlen(error.text), sizeof(error.text));
  ck_assert_ptr_nonnull(strstr(error.text, "yyy...: xxx"));
}
END_TEST

static char warned[64];

static void keep_warning(void *data, const char *text)
{
  ++*(int *)data;
  snprintf(warned, sizeof(warned), "%s", text);
}

START_TEST(warning_reaches_the_caller)
{
  int count = 0;
  struct vmf_log log = {.warn = keep_warning, .data = &count};
  vmf_note(&log, "x");
  vmf_warn(&log, "%s: %d leaked clusters", "a.qcow2", 3);
  ck_assert_int_eq(count, 1);
  ck_assert_str_eq(warned, "a.qcow2: 3 leaked clusters");
}
END_TEST

START_TEST(a_note_is_no_warning)
{
  int count = 0;
  struct vmf_log log = {.note = keep_warning, .data = &count};
  vmf_warn(&log, "x");
  vmf_note(&log, "%s is stored", "a pipe");
  ck_assert_int_eq(count, 1);
  ck_assert_str_eq(warned, "a pipe is stored");
}
END_TEST

START_TEST(warnings_and_notes_are_optional)
{
  struct vmf_log log = {0};
  vmf_warn(NULL, "x");
  vmf_warn(&log, "x");
  vmf_note(NULL, "x");
  vmf_note(&log, "x");
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("error");
  TCase *tests = tcase_create("error");
  tcase_add_test(tests, failure_has_code_and_text);
  tcase_add_test(tests, errors_are_optional);
  tcase_add_test(tests, system_failure_names_its_cause);
  tcase_add_test(tests, no_memory_is_always_told_as_such);
  tcase_add_test(tests, context_goes_in_front);
  tcase_add_test(tests, text_may_quote_the_error_itself);
  tcase_add_test(tests, long_text_is_cut_and_marked);
  tcase_add_test(tests, text_that_just_fits_is_kept);
  tcase_add_test(tests, cut_stands_between_characters);
  tcase_add_test(tests, cause_survives_a_long_text);
  tcase_add_test(tests, context_and_cause_share_a_full_text);
  tcase_add_test(tests, warning_reaches_the_caller);
  tcase_add_test(tests, a_note_is_no_warning);
  tcase_add_test(tests, warnings_and_notes_are_optional);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
