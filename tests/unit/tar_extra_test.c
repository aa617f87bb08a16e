/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Headers of an archive that say more of the next member: GNU long names, extended headers. */
#include "check_main.h"
#include "tar_maker.h"

START_TEST(long_names)
{
  char name[300];
  memset(name, 'l', sizeof name);
  memcpy(name, "./", 2);
  name[257] = '\0'; /* 255 without the start */
  entry("././@LongLink", 'L', name, 258);
  file("llll", "x");
  only_member(name + 2, 0, 1536, 1);
  start();
  name[257] = 'l';
  name[258] = '\0';
  entry("././@LongLink", 'L', name, 259);
  file("llll", "x");
  fails(VMF_LIMIT, "member at byte 0");
}
END_TEST

START_TEST(long_name_bounds)
{
  static char name[4097] = "short";
  entry("././@LongLink", 'L', name, 4096);
  file("x", "");
  only_member("short", 0, 512 + 4096 + 512, 0);
  start();
  entry("././@LongLink", 'L', name, 4097);
  file("x", "");
  fails(VMF_LIMIT, "at most 4096");
  start();
  entry("././@LongLink", 'L', name, 6);
  entry("././@LongLink", 'L', name, 6);
  file("x", "");
  fails(VMF_CORRUPT, "the long name at byte 1024 follows another one");
  start();
  entry("././@LongLink", 'L', name, 6);
  finish();
  fails(VMF_CORRUPT, "the long name at byte 0 is followed by no member");
}
END_TEST

START_TEST(long_names_of_links)
{
  file("a", "");
  entry("././@LongLink", 'K', "target", 7);
  entry("b", '2', "", 0);
  fails(VMF_REFUSED, "\"b\" at byte 1536 is a symbolic link");
}
END_TEST

START_TEST(extended_headers)
{
  extended('x', "27 comment=nothing at all\n\n18 path=./dir/file\n");
  file("other", "abc");
  fails(VMF_CORRUPT, "no record");
  start();
  extended('g', "21 comment=for all..\n");
  extended('x', "14 comment=??\n19 path=./dir/file\n10 size=3\n20 mtime=1234567.89\n");
  header("other", '0', "-1");
  content("abc", 3);
  file("b", "");
  finish();
  struct vmf_tar *tar = listed(2);
  ck_assert_str_eq(tar->members[0].name, "dir/file");
  ck_assert_uint_eq(tar->members[0].header, 1024);
  ck_assert_uint_eq(tar->members[0].offset, 2560);
  ck_assert_uint_eq(tar->members[0].size, 3);
  ck_assert_str_eq(tar->members[1].name, "b");
  ck_assert_uint_eq(tar->members[1].header, 3072);
  vmf_tar_free(tar);
}
END_TEST

START_TEST(extended_values_taken_back)
{
  extended('x', "10 path=x\n8 path=\n10 size=9\n8 size=\n");
  file("own", "abc");
  only_member("own", 0, 1536, 3);
}
END_TEST

static const struct {
  const char *records;
  enum vmf_code code;
  const char *text;
} bad_records[] = {
    {"path=x\n", VMF_CORRUPT, "at its byte 0"},
    {"10 path=x", VMF_CORRUPT, "at its byte 0"},
    {"8 path=x\n", VMF_CORRUPT, "at its byte 0"},
    {"11 path=x\n", VMF_CORRUPT, "at its byte 0"},
    {"10path=xy\n", VMF_CORRUPT, "at its byte 0"},
    {"99999999999999999999999999 path=x\n", VMF_CORRUPT, "at its byte 0"},
    {"0 path=x\n", VMF_CORRUPT, "at its byte 0"},
    {"2 \n", VMF_CORRUPT, "at its byte 0"},
    {"3 \n", VMF_CORRUPT, "at its byte 0"},
    {"5 =x\n", VMF_CORRUPT, "at its byte 0"},
    {"6 abc\n", VMF_CORRUPT, "at its byte 0"},
    {"10 path=x\n1", VMF_CORRUPT, "at its byte 10"},
    {"11 size=-1\n", VMF_CORRUPT, "extended header at byte 0 is \"-1\""},
    {"11 size=1x\n", VMF_CORRUPT, "\"1x\""},
    {"28 size=9223372036854775808\n", VMF_CORRUPT, "9223372036854775808"},
    {"30 size=184467440737095516160\n", VMF_CORRUPT, "184467440737095516160"},
    {"28 size=9223372036854775807\n", VMF_CORRUPT, "reach beyond"},
    {"12 size=600\n", VMF_CORRUPT, "reach beyond"},
    {"22 GNU.sparse.major=1\n", VMF_REFUSED, "is a sparse file"},
    {"11 path=/x\n", VMF_REFUSED, "is absolute"},
    {"13 path=../x\n", VMF_REFUSED, "\"..\""},
    {"12 path=a\nb\n", VMF_REFUSED, "control characters"},
};

START_TEST(bad_extended_headers)
{
  extended('x', bad_records[_i].records);
  file("m", "");
  fails(bad_records[_i].code, bad_records[_i].text);
}
END_TEST

START_TEST(extended_with_nul)
{
  entry("x", 'x', "13 path=ab\0c\n", 13);
  file("m", "");
  fails(VMF_REFUSED, "control characters");
}
END_TEST

START_TEST(extended_order)
{
  extended('x', "10 path=x\n");
  extended('x', "10 path=y\n");
  file("m", "");
  fails(VMF_CORRUPT, "the extended header at byte 1024 follows another one");
  start();
  file("m", "");
  extended('x', "10 path=x\n");
  finish();
  fails(VMF_CORRUPT, "the extended header at byte 512 is followed by no member");
  start();
  extended('g', "10 path=x\n");
  file("m", "");
  fails(VMF_REFUSED, "sets \"path\" for all");
}
END_TEST

START_TEST(extended_bound)
{
  static uint8_t large[512 * 1024];
  struct vmf_io *io;
  struct vmf_tar *tar;
  header("x", 'x', "00000200001"); /* 64 KiB and one */
  memcpy(large, archive, used);
  ck_assert_int_eq(vmf_io_memory("large.ova", large, sizeof large, &io, &error), VMF_OK);
  ck_assert_int_eq(vmf_tar_read(io, NULL, &tar, &error), VMF_LIMIT);
  vmf_io_close(io);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("tar_extra");
  TCase *extra = tcase_create("extra");
  tcase_add_checked_fixture(extra, start, NULL);
  tcase_add_test(extra, long_names);
  tcase_add_test(extra, long_name_bounds);
  tcase_add_test(extra, long_names_of_links);
  tcase_add_test(extra, extended_headers);
  tcase_add_test(extra, extended_values_taken_back);
  tcase_add_loop_test(extra, bad_extended_headers, 0, sizeof bad_records / sizeof *bad_records);
  tcase_add_test(extra, extended_with_nul);
  tcase_add_test(extra, extended_order);
  tcase_add_test(extra, extended_bound);
  suite_add_tcase(made, extra);
  return made;
}

VMF_TEST_MAIN(suite)
