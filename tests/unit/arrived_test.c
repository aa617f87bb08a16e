/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A disk that comes on a stream of random runs is handed out like one with a map, each stretch with
 * the bytes of its runs; what a driver must not say is an error. */
#include "arrived.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "check_main.h"
#include "feed.h"
#include "stream.h"

enum { RUNS = 300, UNIT = 4096, JOB = 1 << 16, FRAMING = 12, STREAM_MOST = RUNS * 4 * UNIT };

/* A stream without headers: gaps and bytes, each sector of which tells its own offset. */
static struct vmf_run runs[RUNS];
static size_t run_count, next_run;
static uint64_t disk_size, stream_size;
static uint8_t bytes[STREAM_MOST];
static struct vmf_container_disk disk = {.unit = UNIT};
static struct vmf_error error;
static pthread_t writer;
static int ends[2];
static uint32_t state;

static uint32_t number(uint32_t below)
{
  state = state * 1664525 + 1013904223;
  return (state >> 8) % below;
}

static enum vmf_code list_open(struct vmf_container *container, struct vmf_error *failure)
{
  (void)failure;
  disk.size = disk_size;
  container->contents.disks = &disk;
  container->contents.disk_count = 1;
  return VMF_OK;
}

static void list_close(struct vmf_container *container)
{
  (void)container;
}

static enum vmf_code list_next(struct vmf_container *container, unsigned *index,
                               struct vmf_run *run, bool *end, struct vmf_error *failure)
{
  *index = 0;
  *end = next_run == run_count;
  if (*end)
    return vmf_stream_skip(container->io, stream_size, failure);
  *run = runs[next_run++];
  return VMF_OK;
}

static const struct vmf_container_reader list_container = {
    .state_size = 1, .open = list_open, .close = list_close, .next = list_next};
static const struct vmf_format list_format = {.name = "list", .container = &list_container};

static void make_runs(uint32_t seed)
{
  uint64_t guest = 0, at = 0;

  state = seed;
  for (size_t i = 0; i < RUNS; i++) {
    guest += number(3) ? 0 : 512ull * number(300);
    at += number(3) ? 0 : number(1000);
    bool packed = number(2);
    guest = packed ? (guest + UNIT - 1) / UNIT * UNIT : guest;
    runs[i] = (struct vmf_run){.guest = guest, .offset = at};
    runs[i].kind = packed ? VMF_RUN_PACKED : number(4) ? VMF_RUN_PLAIN : VMF_RUN_ZERO;
    runs[i].length = packed ? UNIT : 512 * (1 + number(20));
    runs[i].unit = UNIT;
    runs[i].stored = FRAMING + number(2 * UNIT);
    guest += runs[i].length;
    at += packed ? runs[i].stored : runs[i].kind == VMF_RUN_PLAIN ? runs[i].length : 0;
  }
  run_count = RUNS;
  next_run = 0;
  disk_size = (guest + UNIT - 1) / UNIT * UNIT;
  stream_size = at;
  ck_assert_uint_lt(at, STREAM_MOST);
  for (size_t i = 0; i < at; i++)
    bytes[i] = (uint8_t)number(256);
}

static void *write_all(void *unused)
{
  (void)unused;
  for (size_t at = 0; at < stream_size;) {
    ssize_t put = write(ends[1], bytes + at, stream_size - at);
    if (put <= 0)
      break;
    at += (size_t)put;
  }
  close(ends[1]);
  return NULL;
}

static struct vmf_image *open_list(void)
{
  const struct vmf_image_options options = {.size = sizeof options};
  struct vmf_image *image;
  struct vmf_io *io;

  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(pthread_create(&writer, NULL, write_all, NULL), 0);
  ck_assert_int_eq(vmf_io_stream(ends[0], "pipe", &io, &error), VMF_OK);
  ck_assert_int_eq(vmf_container_open(&list_format, io, &options, &image, &error), VMF_OK);
  return image;
}

static void close_list(struct vmf_image *image)
{
  vmf_image_close(image);
  pthread_join(writer, NULL);
}

/* The run that holds `guest`; NULL: zeros. */
static const struct vmf_run *run_at(uint64_t guest)
{
  for (size_t i = 0; i < RUNS; i++)
    if (guest - runs[i].guest < runs[i].length && runs[i].kind != VMF_RUN_ZERO)
      return &runs[i];
  return NULL;
}

static void check_bytes(const struct vmf_span *span)
{
  bool packed = span->kind == VMF_RUN_PACKED;
  struct vmf_io *io = packed ? span->run.io : span->io;
  uint64_t offset = packed ? span->run.offset : span->offset;
  size_t length = packed ? span->run.stored : (size_t)span->length;
  uint8_t found[JOB];

  ck_assert_int_eq(vmf_io_pread(io, found, length, offset, &error), VMF_OK);
  ck_assert(memcmp(found, bytes + offset, length) == 0);
}

static void check_stretch(const struct vmf_fed *fed)
{
  uint64_t covered = fed->guest;

  for (size_t i = 0; i < fed->spans[0].count; i++) {
    const struct vmf_span *span = &fed->spans[0].list[i];
    for (; covered < span->guest; covered += 512)
      ck_assert_ptr_null(run_at(covered));
    for (; covered < span->guest + span->length; covered += 512) {
      const struct vmf_run *run = run_at(covered);
      uint64_t inside = covered - span->guest;
      ck_assert_ptr_nonnull(run);
      ck_assert_int_eq(run->kind, span->kind);
      if (run->kind == VMF_RUN_PLAIN)
        ck_assert_uint_eq(span->offset + inside, run->offset + (covered - run->guest));
      else
        ck_assert_uint_eq(span->run.offset, run->offset);
    }
    check_bytes(span);
  }
  for (; covered < fed->guest + fed->length; covered += 512)
    ck_assert_ptr_null(run_at(covered));
}

START_TEST(a_stream_is_handed_out_with_its_bytes)
{
  struct vmf_fed fed = {.guest = 0};
  uint64_t guest = 0;

  make_runs((uint32_t)_i);
  struct vmf_image *image = open_list();
  struct vmf_feed feed = {
      .inputs = {image}, .size = disk_size, .unit = UNIT, .job_bytes = JOB, .everything = _i % 2};
  do {
    ck_assert_int_eq(vmf_feed_next(&feed, &fed, &error), VMF_OK);
    ck_assert_uint_eq(fed.guest, guest);
    ck_assert(fed.hole || fed.length <= JOB);
    check_stretch(&fed);
    guest += fed.length;
  } while (fed.length > 0);
  ck_assert_uint_eq(guest, disk_size);
  ck_assert_int_eq(vmf_feed_end(&feed, &error), VMF_OK);
  vmf_fed_free(&fed);
  close_list(image);
}
END_TEST

START_TEST(framing_between_runs_is_read_over)
{
  struct vmf_arrived arrived = {.count = 0};
  struct vmf_span spans[2] = {{.kind = VMF_RUN_PLAIN, .length = 1000, .offset = 100},
                              {.kind = VMF_RUN_PLAIN, .length = 500, .offset = 3000}};
  uint8_t found[4000];

  make_runs(1);
  struct vmf_image *image = open_list();
  for (int i = 0; i < 2; i++) {
    spans[i].io = image->io;
    ck_assert_int_eq(vmf_arrived_take(&arrived, &spans[i], &error), VMF_OK);
  }
  ck_assert_int_eq(vmf_io_pread(&arrived.io, found, 3400, 100, &error), VMF_OK);
  ck_assert(memcmp(found, bytes + 100, 1000) == 0 && memcmp(found + 2900, bytes + 3000, 500) == 0);
  ck_assert_int_eq(vmf_io_pread(&arrived.io, found, 1001, 100, &error), VMF_READ);
  ck_assert_int_eq(vmf_io_pread(&arrived.io, found, 10, 99, &error), VMF_READ);
  ck_assert_int_eq(vmf_io_pread(&arrived.io, found, 10, 2995, &error), VMF_READ);
  vmf_arrived_free(&arrived);
  ck_assert_int_eq(vmf_stream_skip(image->io, stream_size, &error), VMF_OK);
  close_list(image);
}
END_TEST

/* What is wrong with the second run, and the code. */
static const struct wrong {
  struct vmf_run run;
  enum vmf_code code;
} wrongs[] = {
    {{.kind = VMF_RUN_PLAIN, .guest = 0, .length = 512, .offset = 512}, VMF_UNSUPPORTED},
    {{.kind = VMF_RUN_PLAIN, .guest = 512, .length = 512, .offset = 0}, VMF_CORRUPT},
    {{.kind = VMF_RUN_PLAIN, .guest = 512, .length = 0, .offset = 512}, VMF_CORRUPT},
    {{.kind = VMF_RUN_PLAIN, .guest = 512, .length = 1 << 20, .offset = 512}, VMF_CORRUPT},
    {{.kind = VMF_RUN_PLAIN, .guest = 512, .length = UNIT, .offset = 512}, VMF_CORRUPT}, /* cut */
    {{.kind = VMF_RUN_PACKED, .guest = 512, .length = UNIT, .offset = 512, .unit = UNIT},
     VMF_CORRUPT},
    {{.kind = VMF_RUN_PACKED, .guest = UNIT, .length = 512, .offset = 512, .unit = UNIT},
     VMF_CORRUPT},
    {{.kind = VMF_RUN_PACKED,
      .guest = UNIT,
      .length = UNIT,
      .offset = 512,
      .unit = UNIT,
      .stored = 4 * UNIT},
     VMF_CORRUPT},
    {{.kind = VMF_RUN_PACKED,
      .guest = 2 * UNIT,
      .length = 2 * UNIT,
      .offset = 512,
      .unit = 2 * UNIT},
     VMF_CORRUPT},
};

START_TEST(what_a_driver_must_not_say_is_an_error)
{
  struct vmf_fed fed = {.guest = 0};
  enum vmf_code code;

  runs[0] = (struct vmf_run){.kind = VMF_RUN_PLAIN, .length = 512};
  runs[1] = wrongs[_i].run;
  run_count = 2;
  disk_size = 8 * UNIT;
  stream_size = 1024;
  struct vmf_image *image = open_list();
  struct vmf_feed feed = {.inputs = {image}, .size = disk_size, .unit = UNIT, .job_bytes = JOB};
  do
    code = vmf_feed_next(&feed, &fed, &error);
  while (code == VMF_OK && fed.length > 0);
  ck_assert_int_eq(code, wrongs[_i].code);
  vmf_fed_free(&fed);
  close_list(image);
}
END_TEST

START_TEST(it_comes_once_and_cannot_be_looked_into)
{
  struct vmf_job_result result = {.size = sizeof result};
  const struct vmf_job_options job = {.size = sizeof job, .checksum = "sha256", .threads = 2};
  struct vmf_findings findings = {.size = sizeof findings};
  struct vmf_value *info;
  uint8_t byte;

  runs[0] = (struct vmf_run){.kind = VMF_RUN_PLAIN, .length = 512};
  run_count = 1;
  disk_size = 8 * UNIT;
  stream_size = 512;
  struct vmf_image *image = open_list();
  ck_assert_int_eq(vmf_image_pread(image, &byte, 1, 0, &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_image_info(image, &info, &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_image_check(image, &findings, &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_compare(image, image, &job, &result, &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_checksum(image, &job, &result, &error), VMF_OK);
  ck_assert_int_eq(vmf_checksum(image, &job, &result, &error), VMF_USAGE);
  close_list(image);
}
END_TEST

static Suite *arrived_suite(void)
{
  Suite *suite = suite_create("arrived");
  TCase *tests = tcase_create("arrived");
  tcase_add_loop_test(tests, a_stream_is_handed_out_with_its_bytes, 0, 40);
  tcase_add_test(tests, framing_between_runs_is_read_over);
  tcase_add_loop_test(tests, what_a_driver_must_not_say_is_an_error, 0,
                      sizeof wrongs / sizeof wrongs[0]);
  tcase_add_test(tests, it_comes_once_and_cannot_be_looked_into);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(arrived_suite)
