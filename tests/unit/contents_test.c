/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "opening.h"

#include <string.h>

#include "check_main.h"

static const struct vmf_container_disk disks[] = {
    {.id = "Ref:9", .name = "system", .size = 1 << 30},
    {.id = "Ref:11", .name = "2", .size = 512},
    {.id = "Ref:2", .name = "data", .size = 1024},
    {.id = "Ref:12", .name = "data", .size = 2048},
    {.id = "Ref:30", .name = "sleep", .kind = "memory", .size = 4096},
};
static const struct vmf_contents all = {.disks = disks, .disk_count = 5};
static const struct vmf_contents none = {.disk_count = 0};
static const struct vmf_contents one = {.disks = disks + 3, .disk_count = 2};
static const struct vmf_contents memory = {.disks = disks + 4, .disk_count = 1};

static const struct {
  const struct vmf_contents *contents;
  const char *wanted;
  int chosen;       /* -1: refused, */
  const char *text; /* which says so */
} rows[] = {
    {&all, "Ref:9", 0, NULL},
    {&all, "system", 0, NULL},
    {&all, "1", 0, NULL},
    {&all, "Ref:11", 1, NULL},
    {&all, "2", 1, NULL}, /* the name of one, the number of another */
    {&all, "4", 3, NULL},
    {&all, "sleep", 4, NULL},
    {&all, "data", -1, "has 2 disks \"data\""},
    {&all, "6", -1, "has no disk \"6\""},
    {&all, "0", -1, "has no disk \"0\""},
    {&all, "01", -1, "has no disk \"01\""},
    {&all, "", -1, "has no disk \"\""},
    {&all, NULL, -1,
     "f.xva: has 4 disks; name one as f.xva::DISK, by its name or number: 1 Ref:9 \"system\" "
     "(1073741824 bytes), 2 Ref:11 \"2\" (512 bytes), 3 Ref:2 \"data\" (1024 bytes), 4 Ref:12 "
     "\"data\" (2048 bytes), 5 Ref:30 \"sleep\" (4096 bytes, memory)"},
    {&one, NULL, 0, NULL},
    {&memory, NULL, -1, "has 0 disks"},
    {&memory, "1", 0, NULL},
    {&none, NULL, -1, "has 0 disks; name one as f.xva::DISK, by its name or number: none"},
    {&none, "1", -1, "there are: none"},
};

START_TEST(a_disk_is_chosen_by_id_name_or_number)
{
  struct vmf_error error = {0};
  unsigned chosen = 99;
  enum vmf_code code =
      vmf_contents_choose(rows[_i].contents, "f.xva", rows[_i].wanted, &chosen, &error);

  ck_assert_int_eq(code, rows[_i].chosen < 0 ? VMF_USAGE : VMF_OK);
  if (rows[_i].chosen >= 0)
    ck_assert_int_eq((int)chosen, rows[_i].chosen);
  else
    ck_assert_msg(strstr(error.text, rows[_i].text) != NULL, "%s", error.text);
}
END_TEST

START_TEST(a_long_list_is_cut)
{
  static struct vmf_container_disk many[100];
  const struct vmf_contents contents = {.disks = many, .disk_count = 100};
  struct vmf_error error = {0};
  unsigned chosen;

  ck_assert_int_eq(vmf_contents_choose(&contents, "standard input", NULL, &chosen, &error),
                   VMF_USAGE);
  ck_assert_ptr_nonnull(strstr(error.text, "as -::DISK"));
  ck_assert_str_eq(error.text + strlen(error.text) - 3, "...");
}
END_TEST

START_TEST(where_a_list_is_wanted_none_need_be_chosen)
{
  struct vmf_io io = {.name = "f.xva"};
  struct vmf_node node = {.image = {.io = &io, .contents = &all}};
  struct vmf_image_options options = {.size = sizeof options, .list_disks = true};
  struct vmf_error error = {0};

  ck_assert_int_eq(vmf_contents_pick(&node, &options, &error), VMF_OK);
  ck_assert(node.listed);
  options.disk = "Ref:2";
  ck_assert_int_eq(vmf_contents_pick(&node, &options, &error), VMF_OK);
  ck_assert(!node.listed && node.disk == 2);
  options.disk = "Ref:3";
  ck_assert_int_eq(vmf_contents_pick(&node, &options, &error), VMF_USAGE);
  options.disk = NULL;
  node.image.contents = &one;
  ck_assert_int_eq(vmf_contents_pick(&node, &options, &error), VMF_OK);
  ck_assert(!node.listed && node.disk == 0);
}
END_TEST

static Suite *contents_suite(void)
{
  Suite *suite = suite_create("contents");
  TCase *tests = tcase_create("contents");
  tcase_add_loop_test(tests, a_disk_is_chosen_by_id_name_or_number, 0,
                      sizeof rows / sizeof rows[0]);
  tcase_add_test(tests, a_long_list_is_cut);
  tcase_add_test(tests, where_a_list_is_wanted_none_need_be_chosen);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(contents_suite)
