/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The parts of a path. */
#include "path.h"

#include "check_main.h"
#include "memory.h"

static const struct {
  const char *path, *name, *folder;
  size_t stem; /* of the name */
} rows[] = {
    {"vm.ova", "vm.ova", ".", 2},
    {"dir/vm.ova", "vm.ova", "dir/", 2},
    {"/vm", "vm", "/", 2},
    {"a.b/vm", "vm", "a.b/", 2},
    {"a/b/vm.tar.gz", "vm.tar.gz", "a/b/", 6},
    {"dir/.hidden", ".hidden", "dir/", 7},
    {"dir/.hidden.raw", ".hidden.raw", "dir/", 7},
    {"vm.", "vm.", ".", 2},
    {"dir/", "", "dir/", 0},
    {"", "", ".", 0},
};

START_TEST(a_path_has_parts)
{
  VMF_AUTO_FREE char *folder = NULL;
  struct vmf_error error;
  const char *path = rows[_i].path, *name = vmf_path_name(path);

  ck_assert_str_eq(name, rows[_i].name);
  ck_assert_uint_eq(vmf_path_folder(path), (size_t)(name - path));
  ck_assert_uint_eq(vmf_name_stem(name), rows[_i].stem);
  ck_assert_int_eq(vmf_path_copy_folder(path, &folder, &error), VMF_OK);
  ck_assert_str_eq(folder, rows[_i].folder);
}
END_TEST

START_TEST(a_file_beside_another_is_in_its_folder)
{
  static const char *const of[][2] = {{"dir/a", "dir/b"}, {"a", "b"}, {"/a", "/b"}};
  VMF_AUTO_FREE char *beside = NULL;
  struct vmf_error error;

  ck_assert_int_eq(vmf_path_beside(of[_i][0], "b", &beside, &error), VMF_OK);
  ck_assert_str_eq(beside, of[_i][1]);
}
END_TEST

START_TEST(a_suffix_is_replaced)
{
  static const char *const of[][2] = {
      {"vm.ovf", "vm.mf"}, {"dir/vm.ovf", "dir/vm.mf"}, {"a.b/vm", "a.b/vm.mf"}};
  VMF_AUTO_FREE char *result = NULL;
  struct vmf_error error;

  ck_assert_int_eq(vmf_path_with_suffix(of[_i][0], ".mf", &result, &error), VMF_OK);
  ck_assert_str_eq(result, of[_i][1]);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("path");
  TCase *tests = tcase_create("path");

  tcase_add_loop_test(tests, a_path_has_parts, 0, sizeof rows / sizeof rows[0]);
  tcase_add_loop_test(tests, a_file_beside_another_is_in_its_folder, 0, 3);
  tcase_add_loop_test(tests, a_suffix_is_replaced, 0, 3);
  suite_add_tcase(made, tests);
  return made;
}

VMF_TEST_MAIN(suite)
