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

static void change_base(void *data, uint64_t done, uint64_t total)
{
  (void)data;
  (void)done;
  (void)total;
  scratch_text("base.raw", "quite another text");
}

/* An overlay stores what differs from its backing file, which therefore has to hold still. */
START_TEST(change_of_a_backing_file_is_seen)
{
  struct vmf_target_options options = {.size = sizeof options,
                                       .format = "qcow2",
                                       .backing_path = "base.raw",
                                       .backing_format = "raw"};
  const struct vmf_job_options job = {
      .size = sizeof job, .sparse_size = 4096, .progress = change_base};
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_target *target;
  struct vmf_image *source, *backing;
  struct vmf_error error;

  scratch_text("base.raw", "some bytes");
  scratch_text("source.raw", "other bytes");
  ck_assert_int_eq(vmf_image_open("source.raw", NULL, &source, &error), VMF_OK);
  ck_assert_int_eq(vmf_image_open("base.raw", NULL, &backing, &error), VMF_OK);
  options.source = source;
  options.backing = backing;
  ck_assert_int_eq(vmf_target_create("top.qcow2", 512, &options, &target, &error), VMF_OK);
  ck_assert_int_eq(vmf_convert(source, target, &job, &result, &error), VMF_CHANGED);
  vmf_target_close(target);
  vmf_image_close(source);
  vmf_image_close(backing);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("image");
  TCase *tests = tcase_create("image");
  tcase_add_checked_fixture(tests, scratch_enter, scratch_leave);
  tcase_add_loop_test(tests, change_of_any_part_is_seen, 0, 3);
  tcase_add_test(tests, change_of_a_backing_file_is_seen);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
