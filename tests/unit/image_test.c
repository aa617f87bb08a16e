/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What can be asked of an open image. */
#include "image.h"

#include <pthread.h>
#include <stdatomic.h>

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

/* An overlay with nothing in it. */
static void make_overlay(const char *path, const char *base)
{
  struct vmf_target_options options = {
      .size = sizeof options, .format = "qcow2", .backing_path = base, .backing_format = "raw"};
  struct vmf_target *target;
  struct vmf_error error;

  ck_assert_int_eq(vmf_image_open(base, NULL, &options.backing, &error), VMF_OK);
  ck_assert_int_eq(vmf_target_create(path, 512, &options, &target, &error), VMF_OK);
  ck_assert_int_eq(vmf_convert(NULL, target, NULL, NULL, &error), VMF_OK);
  ck_assert_int_eq(vmf_target_commit(target, &error), VMF_OK);
  vmf_target_close(target);
  vmf_image_close(options.backing);
}

/* A disk of disks is read, mapped and told of like any other: the chain of each part is applied. */
START_TEST(disk_of_several_is_an_image)
{
  struct vmf_image *parts[3], *pair[2], *image;
  struct vmf_extent extent = {.size = sizeof extent};
  struct vmf_value *info;
  struct vmf_error error;
  char bytes[24] = "";

  scratch_text("base.raw", "the bytes of the base");
  make_overlay("top.qcow2", "base.raw");
  scratch_text("a.raw", "seven b");
  ck_assert_int_eq(vmf_image_open("a.raw", NULL, &parts[0], &error), VMF_OK);
  ck_assert_int_eq(vmf_image_open("top.qcow2", NULL, &parts[1], &error), VMF_OK);
  ck_assert_int_eq(vmf_image_open("a.raw", NULL, &parts[2], &error), VMF_OK);
  ck_assert_int_eq(vmf_image_concat(parts, 2, &pair[0], &error), VMF_OK);
  pair[1] = parts[2];
  ck_assert_int_eq(vmf_image_concat(pair, 2, &image, &error), VMF_OK);

  ck_assert_uint_eq(vmf_image_size(image), 7 + 512 + 7);
  ck_assert_int_eq(vmf_image_pread(image, bytes, 10, 4, &error), VMF_OK);
  ck_assert_str_eq(bytes, "n bthe byt");
  ck_assert_int_eq(vmf_image_pread(image, bytes, 11, 7 + 508, &error), VMF_OK);
  ck_assert_mem_eq(bytes, "\0\0\0\0seven b", 11);
  ck_assert_int_eq(vmf_image_extent(image, 9, 512, &extent, &error), VMF_OK);
  ck_assert_uint_eq(extent.guest, 9);
  ck_assert_uint_eq(extent.length, strlen("the bytes of the base") - 2);
  ck_assert_uint_eq(extent.depth, 1);
  ck_assert_uint_eq(extent.offset, 2);
  ck_assert_uint_eq(vmf_image_largest_unit(image), 64 << 10);
  ck_assert_uint_eq(vmf_loader_memory(image), vmf_loader_memory(parts[1]));
  ck_assert_int_eq(vmf_image_info(image, &info, &error), VMF_OK);
  vmf_value_free(info);
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

struct reading {
  struct vmf_image *image;
  atomic_bool stop;
  bool wrong;
};

static void *read_again_and_again(void *data)
{
  struct reading *reading = data;
  struct vmf_extent extent = {.size = sizeof extent};
  struct vmf_error error;

  while (!atomic_load(&reading->stop))
    if (vmf_image_extent(reading->image, 0, 1, &extent, &error) != VMF_OK || extent.depth != 1)
      reading->wrong = true;
  return NULL;
}

/* Reading is for any thread, whatever else is asked of the image. */
START_TEST(info_leaves_readers_alone)
{
  struct vmf_target_options options = {.size = sizeof options,
                                       .format = "qcow2",
                                       .backing_path = "base.raw",
                                       .backing_format = "raw"};
  struct reading reading = {.wrong = false};
  struct vmf_target *target;
  struct vmf_image *backing;
  struct vmf_value *info;
  struct vmf_error error;
  pthread_t thread;

  scratch_text("base.raw", "some bytes");
  ck_assert_int_eq(vmf_image_open("base.raw", NULL, &backing, &error), VMF_OK);
  options.backing = backing;
  ck_assert_int_eq(vmf_target_create("top.qcow2", 512, &options, &target, &error), VMF_OK);
  ck_assert_int_eq(vmf_convert(NULL, target, NULL, NULL, &error), VMF_OK);
  ck_assert_int_eq(vmf_target_commit(target, &error), VMF_OK);
  ck_assert_int_eq(vmf_image_open("top.qcow2", NULL, &reading.image, &error), VMF_OK);
  ck_assert_int_eq(pthread_create(&thread, NULL, read_again_and_again, &reading), 0);
  for (int i = 0; i < 20000; i++) {
    ck_assert_int_eq(vmf_image_info(reading.image, &info, &error), VMF_OK);
    vmf_value_free(info);
  }
  atomic_store(&reading.stop, true);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  ck_assert(!reading.wrong);
  vmf_target_close(target);
  vmf_image_close(reading.image);
  vmf_image_close(backing);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("image");
  TCase *tests = tcase_create("image");
  tcase_add_checked_fixture(tests, scratch_enter, scratch_leave);
  tcase_add_loop_test(tests, change_of_any_part_is_seen, 0, 3);
  tcase_add_test(tests, disk_of_several_is_an_image);
  tcase_add_test(tests, change_of_a_backing_file_is_seen);
  tcase_add_test(tests, info_leaves_readers_alone);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
