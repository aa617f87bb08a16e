/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a feed hands out for disks of random maps: all of the disk, once, in order; holes where
 * there is nothing, and bytes where the map says. */
#include "feed.h"

#include <string.h>

#include "check_main.h"

enum { PIECES = 400, UNIT = 4096, JOB = 1 << 16, LARGEST = 3 * UNIT };

/* A disk whose map is a list of pieces; the bytes of one are told by its kind and its place. */
struct disk {
  struct vmf_node node;
  struct vmf_io io;
  struct vmf_run runs[PIECES];
};

static uint32_t state;

static uint32_t number(uint32_t below)
{
  state = state * 1664525 + 1013904223;
  return (state >> 8) % below;
}

static enum vmf_code disk_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                              struct vmf_error *error)
{
  const struct disk *disk = (const struct disk *)image;

  (void)error;
  for (size_t i = 0; i < PIECES; i++)
    if (guest - disk->runs[i].guest < disk->runs[i].length)
      *run = disk->runs[i];
  return VMF_OK;
}

static const struct vmf_reader disk_reader = {.packs = true, .map = disk_map};
static const struct vmf_format disk_format = {.name = "test", .reader = &disk_reader};

static struct vmf_run random_run(struct disk *disk, uint64_t guest)
{
  static const enum vmf_run_kind kinds[] = {VMF_RUN_ZERO, VMF_RUN_ZERO, VMF_RUN_PARENT,
                                            VMF_RUN_PLAIN, VMF_RUN_PACKED};
  struct vmf_run run = {.guest = guest, .length = 512 * (1 + number(LARGEST / 512))};

  run.kind = kinds[number(5)];
  run.io = &disk->io;
  run.offset = 512ull * number(1 << 20);
  run.unit = (uint32_t)run.length;
  run.stored = 512;
  return run;
}

static void make_disk(struct disk *disk)
{
  uint64_t size = 0;

  *disk = (struct disk){.io = {.name = (char *)"disk", .size = UINT64_MAX}};
  for (size_t i = 0; i < PIECES; i++) {
    disk->runs[i] = random_run(disk, size);
    size += disk->runs[i].length;
  }
  disk->node.image = (struct vmf_image){.format = &disk_format,
                                        .io = &disk->io,
                                        .limits = &vmf_default_limits,
                                        .size = size,
                                        .unit = LARGEST};
}

/* Where the map says that the sector at `guest` is: not 0 but for zeros. */
static uint64_t place(struct disk *disk, uint64_t guest)
{
  struct vmf_run run = {0};

  if (guest >= disk->node.image.size)
    return 0;
  ck_assert_int_eq(disk_map(&disk->node.image, guest, &run, NULL), VMF_OK);
  if (run.kind != VMF_RUN_PLAIN && run.kind != VMF_RUN_PACKED)
    return 0;
  return (1 + run.offset + (guest - run.guest)) * 2 + (run.kind == VMF_RUN_PACKED);
}

static uint64_t place_in(const struct vmf_spans *spans, uint64_t guest)
{
  for (size_t i = 0; i < spans->count; i++) {
    const struct vmf_span *span = &spans->list[i];
    uint64_t inside = guest - span->guest;
    if (inside >= span->length)
      continue;
    return span->kind == VMF_RUN_PACKED ? (1 + span->run.offset + span->skip + inside) * 2 + 1
                                        : (1 + span->offset + inside) * 2;
  }
  return 0;
}

static struct disk disks[2];

static void check_stretch(const struct vmf_feed *feed, const struct vmf_fed *fed)
{
  uint64_t end = fed->guest + fed->length, zeros = 0;

  if (!fed->hole)
    ck_assert_uint_eq(fed->guest / JOB, (end - 1) / JOB);
  else
    ck_assert(fed->guest % UNIT == 0 && (end % UNIT == 0 || end == feed->size));
  for (uint64_t guest = fed->guest; guest < end; guest += 512) {
    uint64_t any = 0;
    for (size_t i = 0; i < VMF_FEED_INPUTS; i++) {
      uint64_t expected = feed->inputs[i] ? place(&disks[i], guest) : 0;
      ck_assert_uint_eq(place_in(&fed->spans[i], guest), expected);
      any |= expected;
    }
    zeros = any ? 0 : guest % UNIT == 0 || zeros > 0 ? zeros + 512 : 0;
    ck_assert(!fed->hole || any == 0);
    /* a whole unit of zeros with data is a hole missed, but for the one that a stretch ends in */
    ck_assert(fed->hole || feed->everything || zeros < UNIT || guest + 512 == end);
  }
}

static void check_feed(struct vmf_feed *feed)
{
  struct vmf_fed fed = {.guest = 0};
  uint64_t guest = 0;

  do {
    ck_assert_int_eq(vmf_feed_next(feed, &fed, NULL), VMF_OK);
    ck_assert_uint_eq(fed.guest, guest);
    guest += fed.length;
    check_stretch(feed, &fed);
  } while (fed.length > 0);
  ck_assert_uint_eq(guest, feed->size);
  vmf_fed_free(&fed);
}

static struct vmf_feed make_feed(uint32_t seed, bool both)
{
  state = seed;
  make_disk(&disks[0]);
  make_disk(&disks[1]);
  return (struct vmf_feed){.inputs = {&disks[0].node.image, both ? &disks[1].node.image : NULL},
                           .size = disks[number(2)].node.image.size,
                           .unit = UNIT,
                           .job_bytes = JOB};
}

START_TEST(one_disk_is_handed_out_as_its_map_says)
{
  struct vmf_feed feed = make_feed((uint32_t)_i, false);
  check_feed(&feed);
}
END_TEST

START_TEST(two_disks_are_handed_out_as_their_maps_say)
{
  struct vmf_feed feed = make_feed((uint32_t)_i, true);
  check_feed(&feed);
}
END_TEST

START_TEST(everything_has_no_holes)
{
  struct vmf_feed feed = make_feed((uint32_t)_i, true);
  struct vmf_fed fed = {.guest = 0};

  feed.everything = true;
  for (uint64_t guest = 0; guest < feed.size; guest += fed.length) {
    ck_assert_int_eq(vmf_feed_next(&feed, &fed, NULL), VMF_OK);
    ck_assert_uint_eq(fed.length, feed.size - guest < JOB ? feed.size - guest : JOB);
    check_stretch(&feed, &fed);
  }
  vmf_fed_free(&fed);
}
END_TEST

/* What was looked at and left out does not come again, and what comes next is right. */
START_TEST(what_is_left_out_leaves_the_rest_as_it_is)
{
  struct vmf_feed feed = make_feed((uint32_t)_i, false);
  struct vmf_fed fed = {.guest = 0};

  for (uint64_t guest = 0; guest < feed.size; guest += fed.length) {
    struct vmf_span span;
    bool data;
    ck_assert_int_eq(vmf_feed_peek(&feed, &span, &data, NULL), VMF_OK);
    if (data) {
      const struct vmf_spans one = {.list = &span, .count = 1};
      ck_assert_uint_eq(span.guest, guest);
      ck_assert_uint_eq(place_in(&one, guest), place(&disks[0], guest));
      vmf_feed_skip(&feed, 512);
      guest += 512;
    }
    ck_assert_int_eq(vmf_feed_next(&feed, &fed, NULL), VMF_OK);
    ck_assert_uint_eq(fed.guest, guest);
    for (uint64_t at = guest; at < guest + fed.length; at += 512)
      ck_assert_uint_eq(place_in(&fed.spans[0], at), place(&disks[0], at));
  }
  vmf_fed_free(&fed);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("feed");
  TCase *tests = tcase_create("feed");
  tcase_add_loop_test(tests, one_disk_is_handed_out_as_its_map_says, 0, 30);
  tcase_add_loop_test(tests, two_disks_are_handed_out_as_their_maps_say, 0, 30);
  tcase_add_loop_test(tests, everything_has_no_holes, 0, 5);
  tcase_add_loop_test(tests, what_is_left_out_leaves_the_rest_as_it_is, 0, 10);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
