/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What can be asked of an open image. */
#include "image.h"

#include "check_main.h"
#include "scratch.h"

/* A change counts in whichever of the joined files it is. */
START_TEST(change_of_any_part_is_seen)
{
  static const char *const names[] = {"a.raw", "b.raw", "c.raw"};
  struct vmf_image *parts[3], *image;
  struct vmf_error error;

  for (int i = 0; i < 3; i++) {
    scratch_text(names[i], "some bytes");
    ck_assert_int_eq(vmf_image_open(names[i], NULL, &parts[i], &error), VMF_OK);
  }
  ck_assert_int_eq(vmf_image_concat(parts, 3, &image, &error), VMF_OK);
  ck_assert_int_eq(vmf_image_unchanged(image, &error), VMF_OK);
  scratch_text(names[_i], "some more bytes");
  ck_assert_int_eq(vmf_image_unchanged(image, &error), VMF_CHANGED);
  vmf_image_close(image);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("image");
  TCase *tests = tcase_create("image");
  tcase_add_checked_fixture(tests, scratch_enter, scratch_leave);
  tcase_add_loop_test(tests, change_of_any_part_is_seen, 0, 3);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
