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
  static char name[4097];
  memset(name, 'n', 4096);
  entry("././@LongLink", 'L', name, 4096);
  file("x", "");
  fails(VMF_LIMIT, "has 4096 bytes, at most 255");
  start();
  entry("././@LongLink", 'L', name, 4097);
  file("x", "");
  fails(VMF_LIMIT, "at most 4096");
  start();
  entry("././@LongLink", 'L', "", 0);
  file("x", "");
  fails(VMF_CORRUPT, "the long name at byte 0 is empty");
  start();
  entry("././@LongLink", 'L', "name", 5);
  entry("././@LongLink", 'L', "name", 5);
  file("x", "");
  fails(VMF_CORRUPT, "the long name at byte 1024 follows the long name at byte 0");
  start();
  entry("././@LongLink", 'L', "name", 5);
  finish();
  fails(VMF_CORRUPT, "the long name at byte 0 is followed by no member");
}
END_TEST

static const struct {
  const char *bytes;
  size_t length;
  bool right;
} endings[] = {
    {"name", 4, true},     {"name", 5, true},      {"name\0", 6, false},
    {"name\0x", 6, false}, {"\0name\0", 6, false}, {"\0", 1, false},
};

START_TEST(long_name_endings)
{
  entry("././@LongLink", 'L', endings[_i].bytes, endings[_i].length);
  file("x", "");
  if (endings[_i].right)
    only_member("name", 0, 1536, 0);
  else
    fails(VMF_CORRUPT, "the long name at byte 0 has a NUL at its byte");
}
END_TEST

START_TEST(long_name_and_prefix)
{
  entry("././@LongLink", 'L', "name", 5);
  uint8_t *block = file("x", "");
  memcpy(block + 257, "ustar\00000", 8);
  block[345] = 'p';
  set_sum(block, false);
  fails(VMF_CORRUPT, "the tar header at byte 1024 has a prefix");
}
END_TEST

START_TEST(long_names_of_links)
{
  file("a", "");
  entry("././@LongLink", 'K', "target", 7);
  entry("b", '2', "", 0);
  fails(VMF_REFUSED, "at byte 512 is a symbolic link");
}
END_TEST

START_TEST(extended_headers)
{
  extended('g', "21 comment=for all..\n");
  extended('x', "14 comment=??\n19 path=./dir/file\n10 size=3\n20 mtime=1234567.89\n");
  file("other", "abc");
  extended('x', "20 mtime=1234567.89\n10 path=b\n");
  file("b", "");
  finish();
  struct vmf_tar *tar = listed(2);
  ck_assert_str_eq(tar->members[0].name, "dir/file");
  ck_assert_uint_eq(tar->members[0].header, 1024);
  ck_assert_uint_eq(tar->members[0].offset, 2560);
  ck_assert_uint_eq(tar->members[0].size, 3);
  ck_assert(tar->members[0].extended);
  ck_assert_str_eq(tar->members[1].name, "b");
  ck_assert_uint_eq(tar->members[1].header, 3072);
  ck_assert(!tar->members[1].extended);
  vmf_tar_free(tar);
}
END_TEST

START_TEST(keys_that_are_not_known_are_told_once)
{
  extended('x', "12 key=here\n12 yes=here\n");
  file("a", "");
  extended('x', "12 key=here\n");
  file("b", "");
  finish();
  vmf_tar_free(listed(2));
  ck_assert_uint_eq(warnings, 1);
}
END_TEST

START_TEST(sizes_agree)
{
  extended('x', "10 size=3\n");
  header("a", '0', "00000000003");
  content("abc", 3);
  finish();
  struct vmf_tar *tar = listed(1);
  ck_assert_uint_eq(tar->members[0].size, 3);
  ck_assert(!tar->members[0].extended);
  vmf_tar_free(tar);
  start();
  extended('x', "10 size=3\n");
  header("a", '0', "00000000001");
  content("abc", 3);
  finish();
  fails(VMF_CORRUPT, "is 3, in the tar header at byte 1024 it is 1, expected the same");
  start();
  extended('x', "10 size=3\n");
  header("a", '0', "00000000000");
  content("abc", 3);
  finish();
  fails(VMF_CORRUPT, "is 3, in the tar header at byte 1024 it is 0, expected the same");
}
END_TEST

static const struct {
  const char *records;
  enum vmf_code code;
  const char *text;
} bad_records[] = {
    {"path=x\n", VMF_CORRUPT, "at its byte 0"},
    {"010 path=x\n", VMF_CORRUPT, "at its byte 0"},
    {"+10 path=x\n", VMF_CORRUPT, "at its byte 0"},
    {" 10 path=x\n", VMF_CORRUPT, "at its byte 0"},
    {"10 path=x\n10 path=x\n", VMF_CORRUPT, "has the key \"path\" twice"},
    {"10 path=x\n8 path=\n", VMF_CORRUPT, "has the key \"path\" twice"},
    {"8 path=\n", VMF_CORRUPT, "the path in the extended header at byte 0 is \"\" (0 bytes)"},
    {"8 size=\n", VMF_CORRUPT, "the size"},
    {"12 size=007\n", VMF_CORRUPT, "the size"},
    {"10 mtime=\n", VMF_CORRUPT, "expected seconds"},
    {"13 mtime=nan\n", VMF_CORRUPT, "expected seconds"},
    {"13 mtime=1e9\n", VMF_CORRUPT, "expected seconds"},
    {"22 mtime=123456789012\n", VMF_CORRUPT, "expected seconds"},
    {"10 uid=-1\n", VMF_CORRUPT, "the uid"},
    {"18 gid=4294967295\n", VMF_CORRUPT, "below 2^32 - 1"},
    {"10 Path=x\n", VMF_REFUSED, "the key \"Path\""},
    {"11  path=x\n", VMF_REFUSED, "a key with blanks"},
    {"11 path =x\n", VMF_REFUSED, "a key with blanks"},
    {"14 linkpath=x\n", VMF_REFUSED, "the key \"linkpath\""},
    {"21 hdrcharset=BINARY\n", VMF_REFUSED, "the key \"hdrcharset\""},
    {"32 comment= 21 hdrcharset=BINARY\n", VMF_REFUSED, "the key \"hdrcharset\""},
    {"13 charset=x\n", VMF_REFUSED, "the key \"charset\""},
    {"21 SCHILY.realsize=9\n", VMF_REFUSED, "the key \"SCHILY.realsize\""},
    {"20 SUN.holesdata= 0\n", VMF_REFUSED, "the key \"SUN.holesdata\""},
    {"19 gnu.sparse.map=\n", VMF_REFUSED, "the key \"gnu.sparse.map\""},
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
    {"12 size=600\n", VMF_CORRUPT, "expected the same"},
    {"19 size=8589934592\n", VMF_CORRUPT, "reach beyond"},
    {"22 GNU.sparse.major=1\n", VMF_REFUSED, "the key \"GNU.sparse.major\""},
    {"12 path=e\xcc\x81\n", VMF_CORRUPT, "in normal form C"},
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
  fails(VMF_CORRUPT, "expected a name without NULs");
  start();
  entry("x", 'x', "12 path\0x=y\n", 12);
  file("m", "");
  fails(VMF_REFUSED, "a key with blanks, NULs");
}
END_TEST

START_TEST(extended_order)
{
  extended('x', "10 path=x\n");
  extended('x', "10 path=y\n");
  file("m", "");
  fails(VMF_CORRUPT, "the extended header at byte 1024 follows the extended header at byte 0");
  start();
  file("m", "");
  extended('x', "10 path=x\n");
  finish();
  fails(VMF_CORRUPT, "the extended header at byte 512 is followed by no member");
  start();
  extended('g', "10 path=x\n");
  file("m", "");
  fails(VMF_REFUSED, "the key \"path\", for all members that follow");
  start();
  extended('g', "10 size=0\n");
  file("m", "");
  fails(VMF_REFUSED, "the key \"size\", for all members that follow");
  start();
  extended('x', "10 path=x\n");
  entry("././@LongLink", 'L', "name", 5);
  file("m", "");
  fails(VMF_CORRUPT, "the long name at byte 1024 follows the extended header at byte 0");
  start();
  entry("././@LongLink", 'L', "name", 5);
  extended('x', "10 path=x\n");
  file("m", "");
  fails(VMF_CORRUPT, "the extended header at byte 1024 follows the long name at byte 0");
  start();
  extended('x', "10 path=x\n");
  extended('g', "13 comment=x\n");
  file("m", "");
  fails(VMF_CORRUPT, "the global extended header at byte 1024 follows the extended header");
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
  tcase_add_loop_test(extra, long_name_endings, 0, sizeof endings / sizeof *endings);
  tcase_add_test(extra, long_name_and_prefix);
  tcase_add_test(extra, long_names_of_links);
  tcase_add_test(extra, extended_headers);
  tcase_add_test(extra, keys_that_are_not_known_are_told_once);
  tcase_add_test(extra, sizes_agree);
  tcase_add_loop_test(extra, bad_extended_headers, 0, sizeof bad_records / sizeof *bad_records);
  tcase_add_test(extra, extended_with_nul);
  tcase_add_test(extra, extended_order);
  tcase_add_test(extra, extended_bound);
  suite_add_tcase(made, extra);
  return made;
}

VMF_TEST_MAIN(suite)
