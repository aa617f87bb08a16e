/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A crew on a system that does not give all threads. */
#include "crew.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "check_main.h"
#include "hash_io.h"
#include "vmferry.h"

enum { THREADS = 4, SIZE = 5 << 20 };

static unsigned given; /* threads that can still be started */

typedef int create_thread(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* In place of the C library's. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *data)
{
  /* ISO C knows no way from an object's address to a function's. */
  union {
    void *object;
    create_thread *call;
  } real = {.object = dlsym(RTLD_NEXT, "pthread_create")};

  if (given == 0)
    return EAGAIN;
  given--;
  return real.call(thread, attributes, start, data);
}

START_TEST(threads_that_are_not_given_are_done_without)
{
  static unsigned char bytes[SIZE];
  uint8_t found[VMF_DIGEST_MAX], expected[VMF_DIGEST_MAX];
  struct vmf_crew *crew = NULL;
  struct vmf_io *io = NULL;
  struct vmf_error error;

  memset(bytes, 'd', SIZE);
  given = (unsigned)_i;
  ck_assert_int_eq(vmf_crew_new(THREADS, &crew, &error), VMF_OK);
  ck_assert_uint_eq(vmf_crew_threads(crew), (unsigned)_i);
  ck_assert_int_eq(vmf_io_memory("bytes", bytes, SIZE, &io, &error), VMF_OK);
  ck_assert_int_eq(vmf_hash_io(crew, io, VMF_SHA256, NULL, found, &error), VMF_OK);
  ck_assert_int_eq(vmf_digest_bytes(VMF_SHA256, bytes, SIZE, expected, &error), VMF_OK);
  ck_assert_mem_eq(found, expected, vmf_digest_size(VMF_SHA256));
  vmf_io_close(io);
  vmf_crew_free(crew);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("crew");
  TCase *tests = tcase_create("crew");
  tcase_add_loop_test(tests, threads_that_are_not_given_are_done_without, 0, THREADS + 1);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
