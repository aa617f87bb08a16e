/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Tar archives: what is read, what is refused, and the headers that are written. */
#include "check_main.h"
#include "tar_maker.h"

START_TEST(members_are_listed)
{
  file("a.ovf", "0123456789");
  file("./b.mf", "");
  entry("./folder/", '5', "", 0);
  entry("old", '5', "", 0);
  entry("folder/c.vmdk", '\0', archive, 513);
  entry("d", '\0', "x", 1);
  finish();
  struct vmf_tar *tar = listed(4);
  static const struct vmf_tar_member expected[] = {
      {.name = (char *)"a.ovf", .header = 0, .offset = 512, .size = 10},
      {.name = (char *)"b.mf", .header = 1024, .offset = 1536, .size = 0},
      {.name = (char *)"folder/c.vmdk", .header = 2560, .offset = 3072, .size = 513},
      {.name = (char *)"d", .header = 4096, .offset = 4608, .size = 1},
  };
  for (size_t i = 0; i < tar->count; i++) {
    ck_assert_str_eq(tar->members[i].name, expected[i].name);
    ck_assert_uint_eq(tar->members[i].header, expected[i].header);
    ck_assert_uint_eq(tar->members[i].offset, expected[i].offset);
    ck_assert_uint_eq(tar->members[i].size, expected[i].size);
  }
  ck_assert(!tar->unended);
  ck_assert(tar->dotted);
  ck_assert_uint_eq(warnings, 1); /* of "./" */
  vmf_tar_free(tar);
}
END_TEST

START_TEST(the_end_may_be_missing)
{
  static const size_t rests[] = {0, 1, 100, 512, 512 + 511};
  file("a", "x");
  size_t end = used;
  for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
    used = end + rests[i];
    struct vmf_tar *tar = listed(1);
    ck_assert(tar->unended);
    ck_assert_uint_eq(warnings, 1);
    vmf_tar_free(tar);
  }
  used = end - 1; /* not even the padding is there */
  fails(VMF_CORRUPT, "reach beyond the end");
  used = end - 512; /* nor the byte */
  fails(VMF_CORRUPT, "reach beyond the end");
}
END_TEST

static const size_t behind[] = {0, 511, 512, 1023, 1024, 5000, 20479};

START_TEST(nothing_but_zeros_behind_the_end)
{
  file("a", "x");
  size_t end = used;
  used += 20480;
  vmf_tar_free(listed(1));
  archive[end + behind[_i]] = 1;
  if (behind[_i] < 512)
    fails(VMF_CORRUPT, "header at byte 1024 has a wrong checksum");
  else
    fails(VMF_REFUSED, "the archive ends at byte 1024, and behind it");
  used = end + 100;
  archive[end + 99] = 1;
  fails(VMF_REFUSED, "the archive ends at byte 1024, and behind it");
}
END_TEST

START_TEST(zeros_behind_the_end_are_bounded)
{
  struct vmf_io *io;
  struct vmf_tar *tar = NULL;
  size_t size = (16u << 20) + 1024 + 512;
  uint8_t *bytes = calloc(1, size);
  file("a", "");
  memcpy(bytes, archive, used);
  for (int over = 0; over <= 1; over++) {
    ck_assert_int_eq(vmf_io_memory("z.ova", bytes, used + (16u << 20) + over, &io, &error), VMF_OK);
    ck_assert_int_eq(vmf_tar_read(io, NULL, &tar, &error), over ? VMF_LIMIT : VMF_OK);
    vmf_io_close(io);
  }
  vmf_tar_free(tar);
  free(bytes);
}
END_TEST

START_TEST(no_archive)
{
  struct vmf_io *io;
  fails(VMF_CORRUPT, "no tar archive"); /* empty */
  used = 511;
  fails(VMF_CORRUPT, "no tar archive");
  used = 10240;
  fails(VMF_CORRUPT, "no tar archive");
  memcpy(archive, "KDMV", 4);
  fails(VMF_CORRUPT, "no tar archive");
  ck_assert_int_eq(vmf_io_memory("x", archive, used, &io, &error), VMF_OK);
  ck_assert(!vmf_tar_is_archive(io));
  vmf_io_close(io);
  start();
  file("a", "");
  ck_assert_int_eq(vmf_io_memory("x", archive, used, &io, &error), VMF_OK);
  ck_assert(vmf_tar_is_archive(io));
  vmf_io_close(io);
}
END_TEST

START_TEST(header_sums)
{
  uint8_t *block = file("caf\xc3\xa9", "x");
  set_sum(block, true);
  only_member("caf\xc3\xa9", 0, 512, 1);
  block[149] ^= 1;
  fails(VMF_CORRUPT, "wrong checksum");
  set_sum(block, false);
  block = file("b", "");
  memset(block + 148, ' ', 8);
  fails(VMF_CORRUPT, "header at byte 1024 has a wrong checksum");
}
END_TEST

static const struct {
  const char *field;
  enum vmf_code code;
  uint64_t size;
} sizes[] = {
    {"00000000005", VMF_OK, 5},
    {"          5 ", VMF_OK, 5},
    {"5", VMF_OK, 5},
    {"000000000005", VMF_OK, 5},
    {" 5  ", VMF_OK, 5},
    {"", VMF_CORRUPT, 0},
    {"            ", VMF_CORRUPT, 0},
    {"-0000000005", VMF_CORRUPT, 0},
    {"00000000008", VMF_CORRUPT, 0},
    {"5x", VMF_CORRUPT, 0},
    {"+5", VMF_CORRUPT, 0},
    {"\t5", VMF_CORRUPT, 0},
    {"5 5", VMF_CORRUPT, 0},
    {"0x5", VMF_CORRUPT, 0},
    {"77777777777", VMF_CORRUPT, 0},
    {"777777777777", VMF_CORRUPT, 0},
};

START_TEST(octal_sizes)
{
  header("a", '0', sizes[_i].field);
  used += VMF_TAR_BLOCK;
  if (sizes[_i].code == VMF_OK)
    only_member("a", 0, 512, sizes[_i].size);
  else
    fails(sizes[_i].code, "tar header at byte 0");
}
END_TEST

static const struct {
  uint8_t field[12];
  enum vmf_code code;
  uint64_t size;
} binary_sizes[] = {
    {{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5}, VMF_OK, 5},
    {{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 5}, VMF_CORRUPT, 0}, /* beyond the end */
    {{0x80, 0, 0, 0, 0x7f, 255, 255, 255, 255, 255, 255, 255}, VMF_CORRUPT, 0},
    {{0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 5}, VMF_CORRUPT, 0}, /* 2^63 */
    {{0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5}, VMF_CORRUPT, 0},    /* 2^64 + 5 */
    {{0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5}, VMF_CORRUPT, 0},
    {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, VMF_CORRUPT, 0}, /* -1 */
};

START_TEST(base_256_sizes)
{
  uint8_t *block = header("a", '0', "");
  memcpy(block + 124, binary_sizes[_i].field, 12);
  set_sum(block, false);
  used += VMF_TAR_BLOCK;
  if (binary_sizes[_i].code == VMF_OK)
    only_member("a", 0, 512, binary_sizes[_i].size);
  else
    fails(binary_sizes[_i].code, "tar header at byte 0");
}
END_TEST

static const struct {
  size_t offset;
  const char *bytes;
  size_t length;
  const char *text; /* NULL: accepted */
} field_bytes[] = {
    {100, "        ", 8, NULL},
    {100, "   644 \0", 8, NULL},
    {100, "644x", 4, "the mode in the tar header at byte 0 is \"644x"},
    {100, "\x80\0\0\0\0\0\1\1", 8, "the mode"},
    {108, "\x80\0\0\0\xb1!\xd1\0", 8, NULL},
    {108, "\x80\0\0\0\xff\xff\xff\xff", 8, "the owner"},
    {108, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "the owner"},
    {116, "-1", 2, "the group in the tar header at byte 0 is \"-1\\000"},
    {124, "0\0x", 3, "the size"},
    {136, "\x80\0\0\0\x10", 5, "the time"},
    {329, "x", 1, "the device's major number"},
    {337, "0x1", 3, "the device's minor number"},
    {337, "        ", 8, "the device's minor number"},
    {157, "x", 1, "the target of a link"},
    {2, "x", 1, "bytes behind the end of the name"},
    {345, "x", 1, "in the place of the prefix"},
    {400, "x", 1, "from byte 345 on"},
    {500, "tar", 4, "the end in the tar header at byte 0 is \"tar\\000"},
    {257, "ustar  ", 8, NULL},
    {257, "ustar\0\0\0", 8, NULL},
    {257, "ustar\00000", 8, NULL},
    {257, "ustar\00001", 8, "the magic"},
    {257, "ustar", 5, NULL},
    {257, "ustar 00", 8, "the magic"},
    {257, "utsar\00000", 8, "the magic"},
};

START_TEST(fields_that_readers_agree_on)
{
  uint8_t *block = file("a", "");
  memcpy(block + field_bytes[_i].offset, field_bytes[_i].bytes, field_bytes[_i].length);
  set_sum(block, false);
  if (field_bytes[_i].text)
    fails(VMF_CORRUPT, field_bytes[_i].text);
  else
    only_member("a", 0, 512, 0);
}
END_TEST

START_TEST(starts_of_other_kinds_of_file)
{
  static const char *const starts[] = {"BZh91AY&SY", "LZIP", "LRZI", "GRZipII", "MSCF"};
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
    start();
    file(starts[i], "");
    fails(VMF_REFUSED, "another kind of file");
    start();
    file("a", "");
    file(starts[i], "");
    vmf_tar_free(listed(2));
  }
}
END_TEST

START_TEST(prefixes)
{
  uint8_t *block = file("c.vmdk", "x");
  memcpy(block + 345, "a/b", 3);
  memcpy(block + 257,
         "ustar\0"
         "00",
         8);
  set_sum(block, false);
  only_member("a/b/c.vmdk", 0, 512, 1);
  block[345 + 4] = 'x'; /* behind its NUL */
  set_sum(block, false);
  fails(VMF_CORRUPT, "in the place of the prefix of the name, from byte 348 on");
  block[345 + 4] = '\0';
  memcpy(block + 257, "ustar  ", 8); /* GNU keeps times there; some readers take them for names */
  set_sum(block, false);
  fails(VMF_CORRUPT, "in the place of the prefix");
}
END_TEST

START_TEST(full_fields)
{
  char name[256];
  memset(name, 'n', 255);
  name[155] = '/';
  name[255] = '\0';
  uint8_t *block = file("", "x");
  memcpy(block + 345, name, 155);
  memcpy(block, name + 156, 99);
  memcpy(block + 257,
         "ustar\0"
         "00",
         8);
  set_sum(block, false);
  only_member(name, 0, 512, 1);
  block[99] = 'n'; /* 256 bytes in all */
  set_sum(block, false);
  fails(VMF_LIMIT, "at most 255");
}
END_TEST

static const struct {
  char type;
  const char *text;
} kinds[] = {{'1', "a hard link"}, {'2', "a symbolic link"}, {'3', "a device"},
             {'4', "a device"},    {'6', "a fifo"},          {'S', "a sparse file"},
             {'M', "of a kind"},   {'V', "of a kind"},       {'A', "of a kind"},
             {'7', "contiguous"},  {'K', "a symbolic link"}, {'X', "of a kind"},
             {'D', "of a kind"},   {'8', "of a kind"}};

START_TEST(other_kinds)
{
  file("fine", "x");
  entry("bad", kinds[_i].type, "", 0);
  fails(VMF_REFUSED, kinds[_i].text);
  ck_assert_ptr_nonnull(strstr(error.text, "\"bad\" at byte 1024"));
}
END_TEST

static const struct {
  const char *name;
  enum vmf_code code;
} names[] = {
    {"/etc/passwd", VMF_REFUSED},
    {"..", VMF_REFUSED},
    {"../x", VMF_REFUSED},
    {"a/../b", VMF_REFUSED},
    {"a/..", VMF_REFUSED},
    {"./../b", VMF_REFUSED},
    {".//etc", VMF_REFUSED},
    {"a\nb", VMF_REFUSED},
    {"a\x1b[0m", VMF_REFUSED},
    {"a\x7f", VMF_REFUSED},
    {"", VMF_CORRUPT},
    {"./", VMF_CORRUPT},
    {"a/", VMF_REFUSED},
    {"a//b", VMF_REFUSED},
    {"a/./b", VMF_REFUSED},
    {"././a", VMF_REFUSED},
    {".", VMF_REFUSED},
    {"a/.", VMF_REFUSED},
    {"a\\b", VMF_REFUSED},
    {"\xe9", VMF_REFUSED},
    {"\xc0\xaf", VMF_REFUSED},
    {"\xed\xa0\x80", VMF_REFUSED},
    {"\xc2\x85", VMF_REFUSED},
    {"\xee\xbe\x80", VMF_REFUSED},
    {"pax_global_header", VMF_REFUSED},
    {"cafe\xcc\x81", VMF_OK},
    {"\xf0\x9f\x92\xbe", VMF_OK},
    {"./a", VMF_OK},
    {"C:a", VMF_REFUSED},
    {"z:", VMF_REFUSED},
    {"a/C:a", VMF_OK},
    {"ab:c", VMF_OK},
    {"..a", VMF_OK},
    {"a..", VMF_OK},
    {"a/...", VMF_OK},
    {"caf\xc3\xa9", VMF_OK},
    {"with space", VMF_OK},
};

START_TEST(member_names)
{
  struct vmf_tar *tar;
  file(names[_i].name, "");
  finish();
  ck_assert_int_eq(list(&tar), names[_i].code);
  if (names[_i].code != VMF_OK)
    ck_assert_ptr_nonnull(strstr(error.text, "at byte 0"));
  vmf_tar_free(tar);
}
END_TEST

START_TEST(names_that_clash)
{
  file("disk.vmdk", "");
  file("b", "");
  file("a", "");
  file("Disk.VMDK", "");
  fails(VMF_REFUSED,
        "\"Disk.VMDK\" at byte 1536 has the name of the member \"disk.vmdk\" at byte 0");
  start();
  file("a", "");
  file("./a", "");
  fails(VMF_REFUSED, "\"a\" at byte 512");
}
END_TEST

static const struct {
  const char *first, *second;
  char kind;        /* of the second */
  const char *text; /* NULL: accepted */
} pairs[] = {
    {"a", "a/", '5', "\"a\" at byte 512 has the name of the member \"a\" at byte 0"},
    {"a", "A", '5', "has the name of"},
    {"a", "a/b", '0', "\"a/b\" at byte 512 needs a folder in the place of the member \"a\""},
    {"a/b", "a", '0', "\"a/b\" at byte 0 needs a folder in the place of"},
    {"A", "a/b/c", '5', "needs a folder in the place of"},
    {"a", "a-b", '0', NULL},
    {"a/b", "a", '5', NULL},
    {"a/b", "a/c", '0', NULL},
    {"a/b", "./a/", '5', NULL},
    {"caf\xc3\xa9", "CAF\xc3\x89", '0', "has the name of"},
    {"caf\xc3\xa9", "cafe\xcc\x81", '0', "has the name of"},
    {"caf\xc3\xa9/x", "cafe\xcc\x81", '0', "needs a folder"},
    {"\xe2\x84\xab", "\xc3\x85", '0', "has the name of"}, /* angstrom */
    {"\xe2\x84\xaa", "k", '0', "has the name of"},        /* kelvin */
    {"caf\xc3\xa9", "cafe", '0', NULL},
    {"\xc3\xa4", "\xc3\xb6", '0', NULL},
    {"\xc3\xa9-1", "e\xcc\x81-2", '0', NULL},
};

START_TEST(names_of_two_members)
{
  file(pairs[_i].first, "");
  entry(pairs[_i].second, pairs[_i].kind, "", 0);
  if (pairs[_i].text)
    fails(VMF_REFUSED, pairs[_i].text);
  else
    vmf_tar_free(listed(pairs[_i].kind == '5' ? 1 : 2));
}
END_TEST

START_TEST(a_clash_between_many)
{
  file("a", ""); /* "/" is sorted before "-" */
  file("a-1", "");
  file("a.b", "");
  file("a/b", "");
  file("a b", "");
  fails(VMF_REFUSED, "\"a/b\" at byte 1536 needs a folder in the place of the member \"a\"");
}
END_TEST

START_TEST(folders_with_content)
{
  entry("d/", '5', "x", 1);
  fails(VMF_CORRUPT, "folder");
}
END_TEST

/* `count` members of no size, with names in falling order. */
static enum vmf_code list_many(size_t count, char type)
{
  size_t size = (count + 2) * VMF_TAR_BLOCK;
  uint8_t *bytes = calloc(1, size);
  struct vmf_io *io;
  struct vmf_tar *tar = NULL;
  for (size_t i = 0; i < count; i++) {
    char name[32];
    snprintf(name, sizeof name, "%zu", count - i);
    start();
    memcpy(bytes + i * VMF_TAR_BLOCK, header(name, type, "0"), VMF_TAR_BLOCK);
  }
  ck_assert_int_eq(vmf_io_memory("many.ova", bytes, size, &io, &error), VMF_OK);
  free(bytes);
  enum vmf_code code = vmf_tar_read(io, NULL, &tar, &error);
  ck_assert(code != VMF_OK || type != '0' || tar->count == count);
  vmf_tar_free(tar);
  vmf_io_close(io);
  return code;
}

START_TEST(many_members)
{
  ck_assert_int_eq(list_many(65536, '0'), VMF_OK);
  ck_assert_int_eq(list_many(65537, '0'), VMF_LIMIT);
  ck_assert_int_eq(list_many(100000, '5'), VMF_OK);
  ck_assert_int_eq(list_many(300000, '5'), VMF_LIMIT);
}
END_TEST

/* ---- writing ---- */

START_TEST(written_header)
{
  uint8_t block[VMF_TAR_BLOCK];
  static const char expected_start[] = "a.ovf\0\0\0\0\0";
  ck_assert_int_eq(vmf_tar_header("a.ovf", 5, 0x7fffffff, block, &error), VMF_OK);
  ck_assert_mem_eq(block, expected_start, 10);
  ck_assert_mem_eq(block + 100, "0000644\0000000000\0000000000\00000000000005\00017777777777", 47);
  ck_assert_mem_eq(block + 156, "0\0", 2);
  ck_assert_mem_eq(block + 257, "ustar\00000", 8);
  memcpy(archive, block, sizeof block);
  set_sum(archive, false);
  ck_assert_mem_eq(block, archive, sizeof block);
  used = 1024;
  only_member("a.ovf", 0, 512, 5);
}
END_TEST

START_TEST(written_bounds)
{
  uint8_t block[VMF_TAR_BLOCK];
  char name[102];
  memset(name, 'x', sizeof name);
  name[100] = '\0';
  ck_assert_int_eq(vmf_tar_header(name, 0, UINT64_MAX, block, &error), VMF_OK);
  ck_assert_mem_eq(block + 136, "77777777777", 12);
  name[100] = 'x';
  name[101] = '\0';
  ck_assert_int_eq(vmf_tar_header(name, 0, 0, block, &error), VMF_USAGE);
  ck_assert_int_eq(vmf_tar_header("", 0, 0, block, &error), VMF_USAGE);
  ck_assert_int_eq(vmf_tar_header("x", (UINT64_C(1) << 33) - 1, 0, block, &error), VMF_OK);
  ck_assert_mem_eq(block + 124, "77777777777", 12);
  ck_assert_int_eq(vmf_tar_header("x", UINT64_C(1) << 33, 0, block, &error), VMF_OK);
  ck_assert_mem_eq(block + 124, "\x80\0\0\0\0\0\0\x02\0\0\0\0", 12);
  ck_assert_int_eq(vmf_tar_header("x", UINT64_C(1) << 63, 0, block, &error), VMF_USAGE);
}
END_TEST

START_TEST(paddings)
{
  ck_assert_uint_eq(vmf_tar_padding(0), 0);
  ck_assert_uint_eq(vmf_tar_padding(1), 511);
  ck_assert_uint_eq(vmf_tar_padding(512), 0);
  ck_assert_uint_eq(vmf_tar_padding(513), 511);
  ck_assert_uint_eq(vmf_tar_ending(0), 10240);
  ck_assert_uint_eq(vmf_tar_ending(512), 10240 - 512);
  ck_assert_uint_eq(vmf_tar_ending(10240 - 1024), 1024);
  ck_assert_uint_eq(vmf_tar_ending(10240 - 512), 512 + 10240);
  ck_assert_uint_eq(vmf_tar_ending(10240), 10240);
}
END_TEST

START_TEST(written_members)
{
  static const size_t lengths[] = {0, 5, 512, 700};
  struct vmf_tar *tar;
  struct vmf_io *io;
  uint64_t at = 0;
  uint8_t bytes[700] = "text";

  ck_assert_int_eq(vmf_io_memory("vm.ova", NULL, 0, &io, &error), VMF_OK);
  for (size_t i = 0; i < 4; i++) {
    const char name[] = {(char)('a' + i), '\0'};
    ck_assert_int_eq(vmf_tar_put(io, at, name, bytes, lengths[i], 0, &error), VMF_OK);
    at = vmf_tar_next(at, lengths[i]);
    ck_assert_uint_eq(io->size, at);
  }
  ck_assert_int_eq(vmf_tar_put_header(io, at, "e", 3, 0, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_pwrite(io, "abc", 3, at + VMF_TAR_BLOCK, &error), VMF_OK);
  ck_assert_int_eq(vmf_tar_pad(io, at, 3, &error), VMF_OK);
  ck_assert_int_eq(vmf_tar_finish(io, vmf_tar_next(at, 3), &error), VMF_OK);
  ck_assert_uint_eq(io->size, 10240);
  ck_assert_int_eq(vmf_tar_read(io, NULL, &tar, &error), VMF_OK);
  ck_assert_uint_eq(tar->count, 5);
  ck_assert(!tar->unended);
  for (size_t i = 0; i < 4; i++)
    ck_assert_uint_eq(tar->members[i].size, lengths[i]);
  ck_assert_uint_eq(tar->members[4].offset, at + VMF_TAR_BLOCK);
  vmf_tar_free(tar);
  vmf_io_close(io);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("tar");
  TCase *reading = tcase_create("reading"), *writing = tcase_create("writing");
  tcase_set_timeout(reading, 120);
  tcase_add_checked_fixture(reading, start, NULL);
  tcase_add_test(reading, members_are_listed);
  tcase_add_test(reading, the_end_may_be_missing);
  tcase_add_loop_test(reading, nothing_but_zeros_behind_the_end, 0, sizeof behind / sizeof *behind);
  tcase_add_test(reading, zeros_behind_the_end_are_bounded);
  tcase_add_test(reading, no_archive);
  tcase_add_test(reading, header_sums);
  tcase_add_loop_test(reading, octal_sizes, 0, sizeof sizes / sizeof *sizes);
  tcase_add_loop_test(reading, base_256_sizes, 0, sizeof binary_sizes / sizeof *binary_sizes);
  tcase_add_loop_test(reading, fields_that_readers_agree_on, 0,
                      sizeof field_bytes / sizeof *field_bytes);
  tcase_add_test(reading, starts_of_other_kinds_of_file);
  tcase_add_test(reading, prefixes);
  tcase_add_test(reading, full_fields);
  tcase_add_loop_test(reading, other_kinds, 0, sizeof kinds / sizeof *kinds);
  tcase_add_loop_test(reading, member_names, 0, sizeof names / sizeof *names);
  tcase_add_test(reading, names_that_clash);
  tcase_add_loop_test(reading, names_of_two_members, 0, sizeof pairs / sizeof *pairs);
  tcase_add_test(reading, a_clash_between_many);
  tcase_add_test(reading, folders_with_content);
  tcase_add_test(reading, many_members);
  suite_add_tcase(made, reading);
  tcase_add_checked_fixture(writing, start, NULL);
  tcase_add_test(writing, written_header);
  tcase_add_test(writing, written_bounds);
  tcase_add_test(writing, paddings);
  tcase_add_test(writing, written_members);
  suite_add_tcase(made, writing);
  return made;
}

VMF_TEST_MAIN(suite)
