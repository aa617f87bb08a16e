/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a pipeline tells of its stores while others are under way. */
#include <sched.h>
#include <semaphore.h>

#include "check_main.h"
#include "pipeline.h"

struct number {
  unsigned in;
};

/* The stores of numbers above `free` wait until they may go on. */
struct gate {
  sem_t open;
  unsigned free, fail_at;
};

static enum vmf_code pass(void *job, void *scratch, void *context, struct vmf_error *error)
{
  (void)job, (void)scratch, (void)context, (void)error;
  return VMF_OK;
}

static enum vmf_code store_behind(void *job, void *context, struct vmf_error *error)
{
  const struct number *number = job;
  struct gate *gate = context;

  if (number->in > gate->free)
    sem_wait(&gate->open);
  return number->in == gate->fail_at ? vmf_fail(error, VMF_WRITE, "store %u", number->in) : VMF_OK;
}

static const struct vmf_stage gate_stage = {
    .job_size = sizeof(struct number), .scratch_size = 1, .work = pass, .store = store_behind};

/* Stores 1..count. */
static void give_to_store(struct vmf_pipeline *pipeline, unsigned count)
{
  struct vmf_error error;
  void *oldest;

  for (unsigned i = 1; i <= count; i++) {
    struct number *number = vmf_pipeline_claim(pipeline);
    number->in = i;
    vmf_pipeline_submit(pipeline);
  }
  for (unsigned i = 1; i <= count; i++) {
    ck_assert_int_eq(vmf_pipeline_oldest(pipeline, &oldest, &error), VMF_OK);
    ck_assert_uint_eq(vmf_pipeline_passed(pipeline), i - 1);
    vmf_pipeline_store(pipeline);
  }
}

static struct vmf_pipeline *gated(struct gate *gate, struct vmf_crew **crew)
{
  struct vmf_pipeline *pipeline;
  struct vmf_error error;

  sem_init(&gate->open, 0, 0);
  ck_assert_int_eq(vmf_crew_new(3, crew, &error), VMF_OK);
  const struct vmf_share share = {.threads = vmf_crew_threads(*crew), .jobs = 6};
  ck_assert_int_eq(vmf_pipeline_new(*crew, &gate_stage, gate, &share, &pipeline, &error), VMF_OK);
  return pipeline;
}

START_TEST(what_is_stored_is_known_beside_what_is_not)
{
  struct gate gate = {.free = 2};
  struct vmf_crew *crew;
  struct vmf_error error;
  struct vmf_pipeline *pipeline = gated(&gate, &crew);

  give_to_store(pipeline, 4);
  while (!vmf_pipeline_stored(pipeline, 2))
    sched_yield();
  ck_assert(!vmf_pipeline_stored(pipeline, 3));
  ck_assert(!vmf_pipeline_stored(pipeline, 4));
  sem_post(&gate.open);
  sem_post(&gate.open);
  ck_assert_int_eq(vmf_pipeline_drain(pipeline, &error), VMF_OK);
  ck_assert(vmf_pipeline_stored(pipeline, 4));
  ck_assert_uint_eq(vmf_pipeline_passed(pipeline), 4);
  vmf_pipeline_free(pipeline);
  vmf_crew_free(crew);
}
END_TEST

START_TEST(what_failed_is_not_stored)
{
  struct gate gate = {.fail_at = 1};
  struct vmf_crew *crew;
  struct vmf_error error;
  struct vmf_pipeline *pipeline = gated(&gate, &crew);

  give_to_store(pipeline, 1);
  sem_post(&gate.open);
  ck_assert_int_eq(vmf_pipeline_drain(pipeline, &error), VMF_WRITE);
  ck_assert(!vmf_pipeline_stored(pipeline, 1));
  vmf_pipeline_free(pipeline);
  vmf_crew_free(crew);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("pipeline_stores");
  TCase *tests = tcase_create("pipeline_stores");
  tcase_add_test(tests, what_is_stored_is_known_beside_what_is_not);
  tcase_add_test(tests, what_failed_is_not_stored);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
