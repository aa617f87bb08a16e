/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The page cache gives the same bytes as the io, with fewer reads and a fixed number of pages. */
#include "page_cache.h"

#include <pthread.h>
#include <stdatomic.h>

#include "check_main.h"
#include "checked.h"

enum { PAGE = 64 * 1024, PAGES = 8 };

/* An io whose byte at any offset follows from the offset, that counts and can fail. */
struct probe {
  struct vmf_io io;
  unsigned char salt;
  atomic_uint reads, failures_left;
  atomic_ullong bytes;
};

static unsigned char byte_at(const struct probe *probe, uint64_t offset)
{
  return (unsigned char)(offset * 7 + (offset >> 16) * 31 + probe->salt);
}

static enum vmf_code probe_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                 struct vmf_error *error)
{
  struct probe *probe = (struct probe *)io;
  unsigned char *to = buffer;
  atomic_fetch_add(&probe->reads, 1);
  atomic_fetch_add(&probe->bytes, length);
  if (atomic_load(&probe->failures_left) > 0) {
    atomic_fetch_sub(&probe->failures_left, 1);
    return vmf_fail(error, VMF_READ, "probe");
  }
  for (size_t i = 0; i < length; i++)
    to[i] = byte_at(probe, offset + i);
  return VMF_OK;
}

static const struct vmf_io_ops probe_ops = {.kind = "probe", .pread = probe_pread};

static char probe_name[] = "probe";

static struct probe probe_of(uint64_t size, unsigned char salt)
{
  return (struct probe){.io = {.ops = &probe_ops, .name = probe_name, .size = size}, .salt = salt};
}

static bool right(struct vmf_page_cache *cache, struct probe *probe, size_t length, uint64_t offset)
{
  struct vmf_error error;
  unsigned char *bytes = malloc(length + 1);
  bool same = vmf_page_cache_pread(cache, &probe->io, bytes, length, offset, &error) == VMF_OK;
  for (size_t i = 0; same && i < length; i++)
    same = bytes[i] == byte_at(probe, offset + i);
  free(bytes);
  return same;
}

static struct vmf_page_cache *cache_of(size_t pages)
{
  struct vmf_page_cache *cache = NULL;
  struct vmf_error error;
  ck_assert_int_eq(vmf_page_cache_new(pages * PAGE, &cache, &error), VMF_OK);
  return cache;
}

START_TEST(reads_are_right_at_every_edge)
{
  const uint64_t size = 20 * PAGE + 777;
  struct vmf_page_cache *cache = _i == 0 ? cache_of(PAGES) : NULL;
  struct probe probe = probe_of(size, 1);
  const struct {
    uint64_t offset;
    size_t length;
  } reads[] = {{0, 1},           {0, PAGE},         {PAGE - 1, 2}, {5, 9 * PAGE},
               {size - 1, 1},    {size - 777, 777}, {size, 0},     {0, 0},
               {3 * PAGE, PAGE}, {0, (size_t)size}};
  for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++)
    ck_assert_msg(right(cache, &probe, reads[i].length, reads[i].offset), "read %zu", i);
  vmf_page_cache_free(cache);
}
END_TEST

START_TEST(second_read_does_no_io)
{
  struct vmf_page_cache *cache = cache_of(PAGES);
  struct probe probe = probe_of(100 * PAGE, 1);
  for (unsigned i = 0; i < 1000; i++)
    ck_assert(right(cache, &probe, 8, PAGE + i * 8));
  ck_assert_uint_eq(probe.reads, 1);
  vmf_page_cache_free(cache);
}
END_TEST

START_TEST(page_in_use_stays)
{
  struct vmf_page_cache *cache = cache_of(PAGES);
  struct probe probe = probe_of(1000 * PAGE, 1);
  ck_assert(right(cache, &probe, 8, 0));
  for (unsigned i = 1; i <= 100; i++) {
    ck_assert(right(cache, &probe, 8, (uint64_t)i * PAGE));
    ck_assert(right(cache, &probe, 8, 0));
  }
  ck_assert_uint_le(probe.reads, 103); /* first in, first out would be 115 */
  vmf_page_cache_free(cache);
}
END_TEST

START_TEST(pages_of_two_files_are_kept_apart)
{
  struct vmf_page_cache *cache = cache_of(PAGES);
  struct probe a = probe_of(4 * PAGE, 1), b = probe_of(4 * PAGE, 2);
  for (unsigned i = 0; i < 4; i++)
    ck_assert(right(cache, &a, 100, i * PAGE) && right(cache, &b, 100, i * PAGE));
  for (unsigned i = 0; i < 4; i++)
    ck_assert(right(cache, &a, 100, i * PAGE) && right(cache, &b, 100, i * PAGE));
  ck_assert_uint_eq(a.reads + b.reads, 8);
  vmf_page_cache_free(cache);
}
END_TEST

START_TEST(files_in_one_bucket_are_kept_apart)
{
  enum { FILES = 64 }; /* more than there are buckets */
  struct probe *probes = calloc(FILES, sizeof *probes);
  struct vmf_page_cache *cache = cache_of(PAGES);
  for (unsigned i = 0; i < FILES; i++) {
    probes[i] = probe_of(PAGE, (unsigned char)i);
    ck_assert(right(cache, &probes[i], 100, 0));
  }
  free(probes);
  vmf_page_cache_free(cache);
}
END_TEST

START_TEST(dropped_file_is_read_again)
{
  struct vmf_page_cache *cache = cache_of(PAGES);
  struct probe a = probe_of(4 * PAGE, 1), b = probe_of(4 * PAGE, 2);
  ck_assert(right(cache, &a, 3 * PAGE, 0) && right(cache, &b, PAGE, 0));
  vmf_page_cache_drop(cache, &a.io);
  a.salt = 9;
  ck_assert(right(cache, &a, 3 * PAGE, 0) && right(cache, &b, PAGE, 0));
  ck_assert_uint_eq(b.reads, 1);
  vmf_page_cache_drop(NULL, &a.io);
  vmf_page_cache_free(cache);
  vmf_page_cache_free(NULL);
}
END_TEST

START_TEST(failure_is_passed_on_and_forgotten)
{
  unsigned char byte;
  struct vmf_error error;
  struct vmf_page_cache *cache = cache_of(PAGES);
  struct probe probe = probe_of(4 * PAGE, 1);
  probe.failures_left = 3 * PAGES; /* a page must not be lost by a failure */
  for (unsigned i = 0; i < 3 * PAGES; i++)
    ck_assert_int_eq(vmf_page_cache_pread(cache, &probe.io, &byte, 1, 10, &error), VMF_READ);
  ck_assert(right(cache, &probe, 100, 0));
  ck_assert(right(cache, &probe, 100, 200));
  ck_assert_uint_eq(probe.reads, 3 * PAGES + 1);
  vmf_page_cache_free(cache);
}
END_TEST

START_TEST(read_past_the_end_is_an_error)
{
  unsigned char bytes[8];
  struct vmf_error error;
  struct vmf_page_cache *cache = cache_of(PAGES);
  struct probe probe = probe_of(PAGE + 4, 1);
  ck_assert_int_eq(vmf_page_cache_pread(cache, &probe.io, bytes, 8, PAGE, &error), VMF_READ);
  ck_assert_int_eq(vmf_page_cache_pread(cache, &probe.io, bytes, 8, UINT64_MAX - 2, &error),
                   VMF_READ);
  ck_assert_uint_eq(probe.reads, 0);
  vmf_page_cache_free(cache);
}
END_TEST

enum { THREADS = 12 }; /* more than there are pages */

struct worker {
  struct vmf_page_cache *cache;
  struct probe *probes;
  unsigned seed;
};

static void *read_randomly(void *data)
{
  struct worker *worker = data;
  for (unsigned i = 0; i < 400; i++) {
    struct probe *probe = &worker->probes[rand_r(&worker->seed) % 2];
    uint64_t offset = (uint64_t)rand_r(&worker->seed) % probe->io.size;
    size_t length =
        (size_t)vmf_min((uint64_t)rand_r(&worker->seed) % (2 * PAGE), probe->io.size - offset);
    if (!right(worker->cache, probe, length, offset))
      return worker;
  }
  return NULL;
}

START_TEST(many_threads_share_few_pages)
{
  pthread_t threads[THREADS];
  struct worker workers[THREADS];
  struct probe probes[2] = {probe_of(11 * PAGE + 5, 1), probe_of(5 * PAGE, 2)};
  struct vmf_page_cache *cache = cache_of(PAGES);
  for (unsigned i = 0; i < THREADS; i++) {
    workers[i] = (struct worker){cache, probes, i};
    ck_assert_int_eq(pthread_create(&threads[i], NULL, read_randomly, &workers[i]), 0);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    void *failed = NULL;
    pthread_join(threads[i], &failed);
    ck_assert_ptr_null(failed);
  }
  vmf_page_cache_free(cache);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("page_cache");
  TCase *tests = tcase_create("page_cache");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, reads_are_right_at_every_edge, 0, 2);
  tcase_add_test(tests, second_read_does_no_io);
  tcase_add_test(tests, page_in_use_stays);
  tcase_add_test(tests, pages_of_two_files_are_kept_apart);
  tcase_add_test(tests, files_in_one_bucket_are_kept_apart);
  tcase_add_test(tests, dropped_file_is_read_again);
  tcase_add_test(tests, failure_is_passed_on_and_forgotten);
  tcase_add_test(tests, read_past_the_end_is_an_error);
  tcase_add_test(tests, many_threads_share_few_pages);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
