/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which file a name of another machine means. */
#include "near_name.h"

#include <string.h>

#include "check_main.h"

static struct vmf_error error;

START_TEST(last_part_of_paths_of_any_system)
{
  static const char *const paths[][2] = {
      {"x.vmdk", "x.vmdk"},
      {"C:\\VMs\\x.vmdk", "x.vmdk"},
      {"C:x.vmdk", "x.vmdk"},
      {"c:/VMs/x.vmdk", "x.vmdk"},
      {"\\\\server\\share\\x.vmdk", "x.vmdk"},
      {"\\\\?\\C:\\x.vmdk", "x.vmdk"},
      {"/vmfs/volumes/a b/x.vmdk", "x.vmdk"},
      {"[store 1] x.vmdk", "x.vmdk"},
      {"[store 1] vm/x.vmdk", "x.vmdk"},
      {"[x].vmdk", "[x].vmdk"},
      {"..\\x.vmdk", "x.vmdk"},
  };
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
    ck_assert_str_eq(vmf_last_part(paths[i][0]), paths[i][1]);
}
END_TEST

START_TEST(protocols_and_folders_have_no_last_part)
{
  static const char *const paths[] = {
      "",      "/",         "C:\\",           "vm/",       "..",     "a/..",
      "nbd:x", "ssh://h/x", "json:{\"a\":1}", "a b://h/x", "file:x", "[store] "};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
    ck_assert_msg(vmf_last_part(paths[i]) == NULL, "%s", paths[i]);
}
END_TEST

START_TEST(case_does_not_count_in_any_script)
{
  static const char *const same[][2] = {
      {"DISK.VMDK", "disk.vmdk"},
      {"B\xc3\x9cRO", "b\xc3\xbcro"},           /* Latin-1 */
      {"\xc5\x81\xc5\xbb", "\xc5\x82\xc5\xbc"}, /* Polish: odd and even pairs */
      {"\xce\xa3", "\xcf\x82"},                 /* Greek, final sigma */
      {"\xd0\x94\xd0\x81", "\xd0\xb4\xd1\x91"}, /* Cyrillic */
      {"\xef\xbc\xa1", "\xef\xbd\x81"},         /* full width */
      {"a\xff", "A\xff"},                       /* no UTF-8 */
  };
  static const char *const other[][2] = {
      {"disk", "disk1"}, {"", "a"}, {"\xc3\x97", "\xc3\xb7"}, {"a\xff", "a\xfe"}, {"[", "{"}};
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
    ck_assert_msg(vmf_names_near(same[i][0], same[i][1]), "%s", same[i][0]);
  for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
    ck_assert_msg(!vmf_names_near(other[i][0], other[i][1]), "%s", other[i][0]);
}
END_TEST

static void offers(const char *names, const char *found, const char *other)
{
  struct vmf_near_name near = {.wanted = "a.img"};
  char list[64];
  strcpy(list, names);
  for (char *name = strtok(list, " "); name; name = strtok(NULL, " "))
    ck_assert_int_eq(vmf_near_name_offer(&near, name, &error), VMF_OK);
  ck_assert_msg(found ? near.found && strcmp(near.found, found) == 0 : !near.found, "%s", names);
  ck_assert_msg(other ? near.other && strcmp(near.other, other) == 0 : !near.other, "%s", names);
  vmf_near_name_clear(&near);
}

START_TEST(exact_name_wins_whatever_the_order)
{
  offers("b.img", NULL, NULL);
  offers("b.img A.img", "A.img", NULL);
  offers("A.img a.IMG A.IMG", "A.img", "a.IMG");
  offers("A.img a.IMG a.img A.IMG", "a.img", NULL);
  offers("a.img A.IMG", "a.img", NULL);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("near_name");
  TCase *tests = tcase_create("near_name");
  tcase_add_test(tests, last_part_of_paths_of_any_system);
  tcase_add_test(tests, protocols_and_folders_have_no_last_part);
  tcase_add_test(tests, case_does_not_count_in_any_script);
  tcase_add_test(tests, exact_name_wins_whatever_the_order);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
