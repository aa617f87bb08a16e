/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How many threads write to a target at once is what its io says. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "check_main.h"
#include "convert.h"
#include "image.h"

enum { SIZE = 16 << 20, THREADS = 4, PATIENCE = 60 /* seconds */ };

static struct vmf_error error;
static struct vmf_io *stored; /* what was written */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t came = PTHREAD_COND_INITIALIZER;
static unsigned writing, most; /* guarded by lock, as is wanted */
static unsigned wanted;        /* writers that wait for each other, until so many were there */

static void enter(void)
{
  struct timespec until;

  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += PATIENCE;
  pthread_mutex_lock(&lock);
  writing++;
  most = writing > most ? writing : most;
  pthread_cond_broadcast(&came);
  while (most < wanted && pthread_cond_timedwait(&came, &lock, &until) == 0)
    ;
  wanted = most < wanted ? 0 : wanted; /* in vain */
  pthread_mutex_unlock(&lock);
}

static enum vmf_code slow_pwrite(struct vmf_io *io, const struct vmf_piece *pieces, unsigned count,
                                 uint64_t offset, struct vmf_error *failure)
{
  (void)io;
  enter();
  enum vmf_code code = vmf_io_pwrite_pieces(stored, pieces, count, offset, failure);
  pthread_mutex_lock(&lock);
  writing--;
  pthread_mutex_unlock(&lock);
  return code;
}

static enum vmf_code slow_resize(struct vmf_io *io, uint64_t size, struct vmf_error *failure)
{
  (void)io;
  return vmf_io_resize(stored, size, failure);
}

static void slow_close(struct vmf_io *io)
{
  (void)io;
}

static const struct vmf_io_ops slow_ops = {
    .kind = "file", .pwrite = slow_pwrite, .resize = slow_resize, .close = slow_close};

/* A disk without zeros, to a raw target that takes so many writers. */
static void convert_to(unsigned writers)
{
  static unsigned char bytes[SIZE], found[SIZE];
  const struct vmf_job_options job = {.size = sizeof job, .threads = THREADS};
  const struct vmf_image_options raw = {.size = sizeof raw, .format = "raw", .no_chain = true};
  const struct vmf_target_options options = {.size = sizeof options, .format = "raw"};
  struct vmf_io io = {.ops = &slow_ops, .name = (char *)"out", .writers = writers};
  struct vmf_image_origin origin = {.io = NULL};
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_target *target;
  struct vmf_image *source;

  memset(bytes, 'd', SIZE);
  ck_assert_int_eq(vmf_io_memory("disk", bytes, SIZE, &origin.io, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_memory("stored", NULL, 0, &stored, &error), VMF_OK);
  ck_assert_int_eq(vmf_image_open_origin(&origin, &raw, &source, &error), VMF_OK);
  ck_assert_int_eq(vmf_target_create_in(&io, "disk", NULL, SIZE, &options, &target, &error),
                   VMF_OK);
  ck_assert_msg(vmf_convert(source, target, &job, &result, &error) == VMF_OK, "%s", error.text);
  vmf_target_close(target);
  vmf_image_close(source);
  ck_assert_int_eq(vmf_io_pread(stored, found, SIZE, 0, &error), VMF_OK);
  ck_assert_mem_eq(found, bytes, SIZE);
  vmf_io_close(stored);
}

START_TEST(an_io_for_one_writer_has_one)
{
  convert_to(1);
  ck_assert_uint_eq(most, 1);
}
END_TEST

START_TEST(an_io_for_two_writers_has_two)
{
  wanted = 2;
  convert_to(2);
  ck_assert_uint_eq(most, 2);
}
END_TEST

START_TEST(an_io_for_any_number_has_as_many_as_there_are_threads)
{
  wanted = THREADS;
  convert_to(0);
  ck_assert_uint_eq(most, THREADS);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("store");
  TCase *tests = tcase_create("store");
  tcase_set_timeout(tests, 4 * PATIENCE);
  tcase_add_test(tests, an_io_for_one_writer_has_one);
  tcase_add_test(tests, an_io_for_two_writers_has_two);
  tcase_add_test(tests, an_io_for_any_number_has_as_many_as_there_are_threads);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
