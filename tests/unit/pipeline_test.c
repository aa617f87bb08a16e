/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Order, bounds and failures of the pipeline, with and without threads. */
#include "pipeline.h"

#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "check_main.h"

struct number {
  unsigned in, out;
};

struct ledger {
  atomic_uint worked, stored;
  atomic_uint storing, most_storing;    /* at once */
  unsigned fail_work_at, fail_store_at; /* 0: never */
};

static atomic_uint freed_jobs;

static enum vmf_code square(void *job, void *scratch, void *context, struct vmf_error *error)
{
  struct number *number = job;
  struct ledger *ledger = context;
  ++*(unsigned *)scratch;
  atomic_fetch_add(&ledger->worked, 1);
  if (ledger->fail_work_at != 0 && number->in == ledger->fail_work_at)
    return vmf_fail(error, VMF_READ, "work %u", number->in);
  number->out = number->in * number->in;
  return VMF_OK;
}

static enum vmf_code store(void *job, void *context, struct vmf_error *error)
{
  const struct number *number = job;
  struct ledger *ledger = context;
  unsigned now = atomic_fetch_add(&ledger->storing, 1) + 1;
  if (now > atomic_load(&ledger->most_storing))
    atomic_store(&ledger->most_storing, now);
  for (unsigned i = 0; i < 20; i++)
    sched_yield();
  atomic_fetch_sub(&ledger->storing, 1);
  atomic_fetch_add(&ledger->stored, 1);
  if (ledger->fail_store_at != 0 && number->in >= ledger->fail_store_at)
    return vmf_fail(error, VMF_WRITE, "store %u", number->in);
  return VMF_OK;
}

static void free_job(void *job)
{
  (void)job;
  atomic_fetch_add(&freed_jobs, 1);
}

static struct vmf_stage stage = {.job_size = sizeof(struct number),
                                 .scratch_size = sizeof(unsigned),
                                 .work = square,
                                 .store = store,
                                 .free_job = free_job};

/* Runs 1..count; *retired counts those that came out in order and right. */
static enum vmf_code run_with(struct vmf_crew *crew, struct ledger *ledger, unsigned jobs,
                              unsigned count, bool storing, unsigned *retired,
                              struct vmf_error *error)
{
  const struct vmf_share share = {.threads = vmf_crew_threads(crew), .jobs = jobs};
  struct vmf_pipeline *pipeline;
  enum vmf_code code = vmf_pipeline_new(crew, &stage, ledger, &share, &pipeline, error);
  ck_assert_int_eq(code, VMF_OK);
  unsigned next = 1;
  *retired = 0;
  for (;;) {
    struct number *number;
    void *oldest;
    while (next <= count && (number = vmf_pipeline_claim(pipeline)) != NULL) {
      number->in = next++;
      vmf_pipeline_submit(pipeline);
    }
    code = vmf_pipeline_oldest(pipeline, &oldest, error);
    if (code != VMF_OK || !oldest)
      break;
    number = oldest;
    ck_assert_uint_eq(number->in, *retired + 1);
    ck_assert_uint_eq(number->out, number->in * number->in);
    ++*retired;
    if (storing)
      vmf_pipeline_store(pipeline);
    else
      vmf_pipeline_retire(pipeline);
  }
  if (code == VMF_OK)
    code = vmf_pipeline_drain(pipeline, error);
  vmf_pipeline_free(pipeline);
  return code;
}

static enum vmf_code run(struct ledger *ledger, unsigned threads, unsigned jobs, unsigned count,
                         bool storing, unsigned *retired, struct vmf_error *error)
{
  struct vmf_crew *crew;
  ck_assert_int_eq(vmf_crew_new(threads, &crew, error), VMF_OK);
  enum vmf_code code = run_with(crew, ledger, jobs, count, storing, retired, error);
  vmf_crew_free(crew);
  return code;
}

static const unsigned thread_counts[] = {1, 2, 3, 8};

START_TEST(jobs_retire_in_order)
{
  struct ledger ledger = {.worked = 0};
  struct vmf_error error;
  unsigned retired;
  ck_assert_int_eq(run(&ledger, thread_counts[_i], 5, 1000, false, &retired, &error), VMF_OK);
  ck_assert_uint_eq(retired, 1000);
  ck_assert_uint_eq(ledger.worked, 1000);
  ck_assert_uint_eq(ledger.stored, 0);
}
END_TEST

START_TEST(every_job_is_stored_once)
{
  struct ledger ledger = {.worked = 0};
  struct vmf_error error;
  unsigned retired;
  ck_assert_int_eq(run(&ledger, thread_counts[_i], 3, 1000, true, &retired, &error), VMF_OK);
  ck_assert_uint_eq(ledger.stored, 1000);
}
END_TEST

START_TEST(stores_are_one_at_a_time_where_that_is_asked)
{
  struct ledger ledger = {.worked = 0};
  struct vmf_error error;
  unsigned retired;
  stage.stores = 1;
  ck_assert_int_eq(run(&ledger, thread_counts[_i], 12, 1000, true, &retired, &error), VMF_OK);
  stage.stores = 0;
  ck_assert_uint_eq(ledger.stored, 1000);
  ck_assert_uint_eq(ledger.most_storing, 1);
}
END_TEST

START_TEST(one_job_is_enough)
{
  struct ledger ledger = {.worked = 0};
  struct vmf_error error;
  unsigned retired;
  ck_assert_int_eq(run(&ledger, thread_counts[_i], 1, 100, true, &retired, &error), VMF_OK);
  ck_assert_uint_eq(retired, 100);
}
END_TEST

START_TEST(failed_work_ends_the_run_at_its_place)
{
  struct ledger ledger = {.fail_work_at = 42};
  struct vmf_error error;
  unsigned retired;
  ck_assert_int_eq(run(&ledger, thread_counts[_i], 8, 1000, true, &retired, &error), VMF_READ);
  ck_assert_str_eq(error.text, "work 42");
  ck_assert_uint_eq(retired, 41);
}
END_TEST

START_TEST(failed_store_is_never_lost)
{
  struct ledger ledger = {.fail_store_at = 1000};
  struct vmf_error error;
  unsigned retired;
  ck_assert_int_eq(run(&ledger, thread_counts[_i], 8, 1000, true, &retired, &error), VMF_WRITE);
  ck_assert_str_eq(error.text, "store 1000");
}
END_TEST

START_TEST(first_failure_in_order_wins)
{
  struct ledger ledger = {.fail_store_at = 41, .fail_work_at = 42};
  struct vmf_error error;
  unsigned retired;
  ck_assert_int_eq(run(&ledger, thread_counts[_i], 8, 1000, true, &retired, &error), VMF_WRITE);
  ck_assert_str_eq(error.text, "store 41");
}
END_TEST

START_TEST(jobs_are_freed_when_a_run_is_given_up)
{
  struct ledger ledger = {.worked = 0};
  struct vmf_crew *crew;
  struct vmf_pipeline *pipeline;
  struct vmf_error error;
  atomic_store(&freed_jobs, 0);
  ck_assert_int_eq(vmf_crew_new(thread_counts[_i], &crew, &error), VMF_OK);
  const struct vmf_share share = {.threads = vmf_crew_threads(crew), .jobs = 6};
  ck_assert_int_eq(vmf_pipeline_new(crew, &stage, &ledger, &share, &pipeline, &error), VMF_OK);
  for (unsigned i = 0; i < 4; i++) {
    struct number *number = vmf_pipeline_claim(pipeline);
    number->in = i;
    vmf_pipeline_submit(pipeline);
  }
  vmf_pipeline_free(pipeline);
  ck_assert_uint_eq(freed_jobs, 6);
  vmf_crew_free(crew);
}
END_TEST

/* ---- turns ---- */

enum { SERIES = 3 };

struct turns {
  unsigned next[SERIES]; /* the number whose turn it is */
  unsigned fail_work_at, fail_turn_at;
  atomic_uint in_turn[SERIES];
};

static void dawdle(uint32_t seed)
{
  for (uint32_t i = (seed * 1664525 + 1013904223) >> 26; i > 0; i--)
    sched_yield();
}

static enum vmf_code slow_work(void *job, void *scratch, void *context, struct vmf_error *error)
{
  const struct number *number = job;
  const struct turns *turns = context;

  (void)scratch;
  dawdle(number->in);
  if (turns->fail_work_at != 0 && number->in == turns->fail_work_at)
    return vmf_fail(error, VMF_READ, "work %u", number->in);
  return VMF_OK;
}

/* Number i is of series i % SERIES. */
static enum vmf_code take_turn(void *job, void *context, struct vmf_error *error)
{
  struct number *number = job;
  struct turns *turns = context;
  unsigned series = number->in % SERIES;

  ck_assert_uint_eq(atomic_fetch_add(&turns->in_turn[series], 1), 0);
  ck_assert_uint_eq(number->in, turns->next[series]);
  turns->next[series] += SERIES;
  dawdle(~number->in);
  number->out = number->in;
  atomic_fetch_sub(&turns->in_turn[series], 1);
  if (turns->fail_turn_at != 0 && number->in == turns->fail_turn_at)
    return vmf_fail(error, VMF_READ, "turn %u", number->in);
  return VMF_OK;
}

static const struct vmf_stage turn_stage = {
    .job_size = sizeof(struct number), .work = slow_work, .in_turn = take_turn, .series = SERIES};

/* Runs 0..999; how many retired, all of them in order and after their turn. */
static enum vmf_code run_turns(struct turns *turns, const struct vmf_stage *with, unsigned threads,
                               unsigned *retired, struct vmf_error *error)
{
  struct vmf_pipeline *pipeline;
  struct vmf_crew *crew;
  enum vmf_code code = VMF_OK;
  unsigned next = 0;

  for (unsigned i = 0; i < SERIES; i++)
    turns->next[i] = i;
  ck_assert_int_eq(vmf_crew_new(threads, &crew, error), VMF_OK);
  const struct vmf_share share = {.threads = vmf_crew_threads(crew), .jobs = 7};
  ck_assert_int_eq(vmf_pipeline_new(crew, with, turns, &share, &pipeline, error), VMF_OK);
  for (*retired = 0; code == VMF_OK && *retired < 1000;) {
    struct number *number;
    void *oldest;
    while (next < 1000 && (number = vmf_pipeline_claim(pipeline)) != NULL) {
      number->in = next++;
      vmf_pipeline_submit_to(pipeline, number->in % SERIES);
    }
    code = vmf_pipeline_oldest(pipeline, &oldest, error);
    if (code != VMF_OK)
      break;
    number = oldest;
    ck_assert_uint_eq(number->in, *retired);
    ck_assert_uint_eq(number->out, *retired);
    ++*retired;
    vmf_pipeline_retire(pipeline);
  }
  vmf_pipeline_free(pipeline);
  vmf_crew_free(crew);
  return code;
}

START_TEST(turns_of_a_series_come_in_order)
{
  struct turns turns = {.fail_work_at = 0};
  struct vmf_error error;
  unsigned retired;
  ck_assert_int_eq(run_turns(&turns, &turn_stage, thread_counts[_i], &retired, &error), VMF_OK);
  ck_assert_uint_eq(retired, 1000);
}
END_TEST

START_TEST(turns_need_no_work_before_them)
{
  struct vmf_stage idle_stage = turn_stage;
  struct turns turns = {.fail_work_at = 0};
  struct vmf_error error;
  unsigned retired;
  idle_stage.work = NULL;
  ck_assert_int_eq(run_turns(&turns, &idle_stage, thread_counts[_i], &retired, &error), VMF_OK);
  ck_assert_uint_eq(retired, 1000);
}
END_TEST

START_TEST(a_failed_turn_ends_the_run_at_its_place)
{
  struct turns turns = {.fail_turn_at = 500};
  struct vmf_error error;
  unsigned retired;
  ck_assert_int_eq(run_turns(&turns, &turn_stage, thread_counts[_i], &retired, &error), VMF_READ);
  ck_assert_str_eq(error.text, "turn 500");
  ck_assert_uint_eq(retired, 500);
}
END_TEST

/* take_turn would find that one is missing: the failed job is alone in its series from then on. */
START_TEST(failed_work_has_no_turn)
{
  struct turns turns = {.fail_work_at = 998};
  struct vmf_error error;
  unsigned retired;
  ck_assert_int_eq(run_turns(&turns, &turn_stage, thread_counts[_i], &retired, &error), VMF_READ);
  ck_assert_str_eq(error.text, "work 998");
  ck_assert_uint_eq(turns.next[998 % SERIES], 998);
  ck_assert_uint_eq(retired, 998);
}
END_TEST

/* ---- one crew for several ---- */

struct pass {
  pthread_t thread;
  struct vmf_crew *crew;
  struct ledger ledger;
  unsigned retired;
  enum vmf_code code;
};

static void *run_pass(void *data)
{
  struct pass *pass = data;
  struct vmf_error error;
  pass->code = run_with(pass->crew, &pass->ledger, 4, 1000, true, &pass->retired, &error);
  return NULL;
}

/* Each retires its own jobs, in order; a failure of one is not the other's. */
START_TEST(passes_of_several_callers_share_a_crew)
{
  struct pass passes[3] = {{.ledger = {.worked = 0}}, {.ledger = {.fail_work_at = 500}}};
  struct vmf_error error;
  struct vmf_crew *crew;
  ck_assert_int_eq(vmf_crew_new(thread_counts[_i], &crew, &error), VMF_OK);
  for (unsigned i = 0; i < 3; i++) {
    passes[i].crew = crew;
    ck_assert_int_eq(pthread_create(&passes[i].thread, NULL, run_pass, &passes[i]), 0);
  }
  for (unsigned i = 0; i < 3; i++)
    ck_assert_int_eq(pthread_join(passes[i].thread, NULL), 0);
  ck_assert_int_eq(passes[0].code, VMF_OK);
  ck_assert_int_eq(passes[1].code, VMF_READ);
  ck_assert_int_eq(passes[2].code, VMF_OK);
  ck_assert_uint_eq(passes[0].ledger.stored, 1000);
  ck_assert_uint_eq(passes[2].ledger.stored, 1000);
  vmf_crew_free(crew);
}
END_TEST

START_TEST(shares_of_a_crew_stay_below_its_promise)
{
  const size_t mib = 1 << 20;
  struct vmf_crew *crew;
  struct vmf_share first, second, third;
  struct vmf_error error;
  ck_assert_int_eq(vmf_crew_new(2, &crew, &error), VMF_OK);
  first = vmf_crew_take(crew, &(struct vmf_demand){.thread = mib, .job = 3 * mib});
  second = vmf_crew_take(crew, &(struct vmf_demand){.thread = mib, .job = 3 * mib});
  ck_assert_uint_eq(first.threads, 2);
  ck_assert_uint_eq(first.jobs, 8);
  ck_assert_uint_le(first.memory + second.memory, 48 * mib);
  third = vmf_crew_take(crew, &(struct vmf_demand){.thread = 40 * mib, .job = 3 * mib});
  ck_assert_uint_eq(third.threads, 0); /* there is no room for two */
  ck_assert_uint_eq(third.jobs, 2);
  vmf_crew_give_back(crew, &first);
  vmf_crew_give_back(crew, &second);
  vmf_crew_give_back(crew, &third);
  first = vmf_crew_take(crew, &(struct vmf_demand){.thread = mib, .job = 3 * mib});
  ck_assert_uint_eq(first.jobs, 8);
  vmf_crew_free(crew);
}
END_TEST

/* What a packer states comes on top of the promise, up to half of the memory there is. */
START_TEST(stated_memory_costs_no_threads)
{
  const size_t mib = 1 << 20;
  struct vmf_crew *crew = NULL;
  struct vmf_error error;
  ck_assert_int_eq(vmf_crew_new(4, &crew, &error), VMF_OK);
  struct vmf_demand demand = {.thread = 32 * mib, .job = 4 * mib};
  struct vmf_share share = vmf_crew_take(crew, &demand);
  ck_assert_uint_lt(share.threads, 4);
  vmf_crew_give_back(crew, &share);
  demand = (struct vmf_demand){.thread = mib, .job = 4 * mib, .stated = 32 * mib};
  share = vmf_crew_take(crew, &demand);
  ck_assert_uint_eq(share.threads, 4);
  ck_assert_uint_eq(share.stated, 4 * 32 * mib);
  vmf_crew_give_back(crew, &share);
  if (SIZE_MAX > UINT32_MAX) { /* with 32 bits less than that can be stated */
    demand.stated = (size_t)((uint64_t)1 << 50);
    share = vmf_crew_take(crew, &demand);
    ck_assert_uint_eq(share.threads, 0);
    vmf_crew_give_back(crew, &share);
  }
  vmf_crew_free(crew);
}
END_TEST

/* ---- what threads do meanwhile ---- */

struct meanwhile {
  sem_t stored, third; /* the store may end; the third job is worked on */
  atomic_uint left;    /* pieces of work ahead of the jobs */
};

static enum vmf_code wait_for_third(void *job, void *scratch, void *context,
                                    struct vmf_error *error)
{
  struct meanwhile *meanwhile = context;
  (void)scratch;
  (void)error;
  if (((struct number *)job)->in == 3)
    sem_post(&meanwhile->third);
  if (((struct number *)job)->in == 2)
    sem_wait(&meanwhile->third);
  return VMF_OK;
}

static enum vmf_code store_late(void *job, void *context, struct vmf_error *error)
{
  struct meanwhile *meanwhile = context;
  (void)job;
  (void)error;
  sem_wait(&meanwhile->stored);
  for (unsigned i = 0; i < 1000; i++)
    sched_yield();
  return VMF_OK;
}

static void submit(struct vmf_pipeline *pipeline, unsigned in)
{
  struct number *number = vmf_pipeline_claim(pipeline);
  ck_assert_ptr_nonnull(number);
  number->in = in;
  vmf_pipeline_submit(pipeline);
}

START_TEST(a_job_that_was_stored_is_filled_while_the_oldest_is_worked_on)
{
  const struct vmf_stage waiting = {.job_size = sizeof(struct number),
                                    .scratch_size = 1,
                                    .work = wait_for_third,
                                    .store = store_late};
  const struct vmf_share share = {.threads = 2, .jobs = 2};
  struct meanwhile meanwhile;
  struct vmf_pipeline *pipeline;
  struct vmf_crew *crew;
  struct vmf_error error;
  void *oldest;
  sem_init(&meanwhile.stored, 0, 0);
  sem_init(&meanwhile.third, 0, 0);
  ck_assert_int_eq(vmf_crew_new(2, &crew, &error), VMF_OK);
  ck_assert_int_eq(vmf_pipeline_new(crew, &waiting, &meanwhile, &share, &pipeline, &error), VMF_OK);
  submit(pipeline, 1);
  submit(pipeline, 2);
  ck_assert_int_eq(vmf_pipeline_oldest(pipeline, &oldest, &error), VMF_OK);
  vmf_pipeline_store(pipeline);
  sem_post(&meanwhile.stored);
  submit(pipeline, 3);
  for (unsigned i = 2; i <= 3; i++) {
    ck_assert_int_eq(vmf_pipeline_oldest(pipeline, &oldest, &error), VMF_OK);
    ck_assert_uint_eq(((struct number *)oldest)->in, i);
    vmf_pipeline_retire(pipeline);
  }
  vmf_pipeline_free(pipeline);
  vmf_crew_free(crew);
}
END_TEST

static bool take_one(void *data)
{
  struct meanwhile *meanwhile = data;
  unsigned left = atomic_load(&meanwhile->left);
  while (left > 0 && !atomic_compare_exchange_weak(&meanwhile->left, &left, left - 1))
    ;
  return left > 0;
}

/* Who was woken for a job looks for more when it is done. */
START_TEST(threads_without_a_job_work_ahead)
{
  struct meanwhile meanwhile = {.left = 100};
  const struct vmf_stage idle = {.job_size = sizeof(struct number),
                                 .scratch_size = 1,
                                 .work = wait_for_third,
                                 .ahead = take_one,
                                 .ahead_data = &meanwhile};
  const struct vmf_share share = {.threads = 2, .jobs = 2};
  struct vmf_pipeline *pipeline;
  struct vmf_crew *crew;
  struct vmf_error error;
  void *oldest;
  ck_assert_int_eq(vmf_crew_new(2, &crew, &error), VMF_OK);
  ck_assert_int_eq(vmf_pipeline_new(crew, &idle, &meanwhile, &share, &pipeline, &error), VMF_OK);
  while (atomic_load(&meanwhile.left) > 0) {
    submit(pipeline, 1);
    ck_assert_int_eq(vmf_pipeline_oldest(pipeline, &oldest, &error), VMF_OK);
    vmf_pipeline_retire(pipeline);
  }
  vmf_pipeline_free(pipeline);
  vmf_crew_free(crew);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("pipeline");
  TCase *tests = tcase_create("pipeline");
  tcase_add_loop_test(tests, jobs_retire_in_order, 0, 4);
  tcase_add_loop_test(tests, every_job_is_stored_once, 0, 4);
  tcase_add_loop_test(tests, stores_are_one_at_a_time_where_that_is_asked, 0, 4);
  tcase_add_loop_test(tests, one_job_is_enough, 0, 4);
  tcase_add_loop_test(tests, failed_work_ends_the_run_at_its_place, 0, 4);
  tcase_add_loop_test(tests, failed_store_is_never_lost, 0, 4);
  tcase_add_loop_test(tests, first_failure_in_order_wins, 0, 4);
  tcase_add_loop_test(tests, jobs_are_freed_when_a_run_is_given_up, 0, 4);
  tcase_add_loop_test(tests, turns_of_a_series_come_in_order, 0, 4);
  tcase_add_loop_test(tests, turns_need_no_work_before_them, 0, 4);
  tcase_add_loop_test(tests, a_failed_turn_ends_the_run_at_its_place, 0, 4);
  tcase_add_loop_test(tests, failed_work_has_no_turn, 0, 4);
  tcase_add_loop_test(tests, passes_of_several_callers_share_a_crew, 0, 4);
  tcase_add_test(tests, a_job_that_was_stored_is_filled_while_the_oldest_is_worked_on);
  tcase_add_test(tests, threads_without_a_job_work_ahead);
  tcase_add_test(tests, shares_of_a_crew_stay_below_its_promise);
  tcase_add_test(tests, stated_memory_costs_no_threads);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
