/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Work on a lane is done in order, once, whoever does it; with threads that are slow at random. */
#include "lane.h"

#include <sched.h>
#include <string.h>

#include "check_main.h"

enum { ITEMS = 500 };

/* What the work has seen. */
struct record {
  unsigned seen; /* numbers in order */
  uint64_t zeros;
  unsigned working; /* at once */
  unsigned fail_at; /* 0: never */
  uint32_t state;   /* of the delays */
};

static enum vmf_code note(void *context, const uint8_t *bytes, uint64_t length,
                          struct vmf_error *error)
{
  struct record *record = context;
  unsigned number;

  ck_assert_uint_eq(++record->working, 1);
  record->state = record->state * 1664525 + 1013904223;
  for (uint32_t i = record->state >> 24; i > 0; i -= i > 8 ? 8 : i)
    sched_yield();
  if (!bytes) {
    record->zeros += length;
  } else {
    ck_assert_uint_eq(length, sizeof number);
    memcpy(&number, bytes, sizeof number);
    ck_assert_uint_eq(number, record->seen);
    record->seen++;
  }
  record->working--;
  if (record->fail_at > 0 && record->seen == record->fail_at)
    return vmf_fail(error, VMF_READ, "item %u", record->seen);
  return VMF_OK;
}

static struct vmf_error error;
static struct vmf_crew *crew;
static const unsigned thread_counts[] = {1, 2, 3, 8};

static void push_number(struct vmf_lane *lane, unsigned number)
{
  uint8_t *buffer = vmf_lane_buffer(lane);

  memcpy(buffer, &number, sizeof number);
  vmf_lane_push(lane, sizeof number, buffer);
  if (number % 3 == 0)
    vmf_lane_push(lane, number, NULL);
}

static struct vmf_lane *make_lane(struct record *record)
{
  struct vmf_lane *lane;

  ck_assert_int_eq(vmf_lane_new(crew, note, record, &lane, &error), VMF_OK);
  return lane;
}

START_TEST(work_is_done_in_order)
{
  struct record records[2] = {{.state = 1}, {.state = 2}};
  struct vmf_lane *lanes[2];
  uint64_t zeros = 0;

  ck_assert_int_eq(vmf_crew_new(thread_counts[_i], &crew, &error), VMF_OK);
  for (unsigned k = 0; k < 2; k++)
    lanes[k] = make_lane(&records[k]);
  for (unsigned i = 0; i < ITEMS; i++) {
    push_number(lanes[0], i);
    push_number(lanes[1], i);
    zeros += i % 3 == 0 ? i : 0;
  }
  for (unsigned k = 0; k < 2; k++) {
    ck_assert_int_eq(vmf_lane_finish(lanes[k], &error), VMF_OK);
    ck_assert_uint_eq(records[k].seen, ITEMS);
    ck_assert_uint_eq(records[k].zeros, zeros);
    vmf_lane_free(lanes[k]);
  }
  vmf_crew_free(crew);
}
END_TEST

START_TEST(a_failure_ends_the_work)
{
  struct record record = {.fail_at = 42};
  struct vmf_lane *lane;

  ck_assert_int_eq(vmf_crew_new(thread_counts[_i], &crew, &error), VMF_OK);
  lane = make_lane(&record);
  for (unsigned i = 0; i < ITEMS; i++)
    push_number(lane, i);
  ck_assert_int_eq(vmf_lane_finish(lane, &error), VMF_READ);
  ck_assert_str_eq(error.text, "item 42");
  ck_assert_uint_eq(record.seen, 42);
  vmf_lane_free(lane);
  vmf_crew_free(crew);
}
END_TEST

START_TEST(a_lane_can_be_given_up)
{
  struct record record = {.state = 3};
  struct vmf_lane *lane;

  ck_assert_int_eq(vmf_crew_new(thread_counts[_i], &crew, &error), VMF_OK);
  lane = make_lane(&record);
  for (unsigned i = 0; i < 20; i++)
    push_number(lane, i);
  vmf_lane_free(lane);
  ck_assert_uint_le(record.seen, 20);
  vmf_crew_free(crew);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("lane");
  TCase *tests = tcase_create("lane");
  tcase_add_loop_test(tests, work_is_done_in_order, 0, 4);
  tcase_add_loop_test(tests, a_failure_ends_the_work, 0, 4);
  tcase_add_loop_test(tests, a_lane_can_be_given_up, 0, 4);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
