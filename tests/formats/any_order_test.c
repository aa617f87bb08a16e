/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A disk whose data comes in any order, into every form of every format: those that take data so
 * hold the same disk, the others refuse it, and nothing depends on the number of threads. */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "check_main.h"
#include "codec.h"
#include "forms.h"
#include "image.h"
#include "scratch.h"
#include "stream.h"

enum {
  SECTOR = 512,
  DISK = (12 << 20) + 3 * SECTOR,
  RUNS = DISK / SECTOR,
  STREAM_MOST = 2 * DISK,
  UNIT = 4096
};

static struct vmf_error error;
static uint8_t content[DISK], found[DISK], stream[STREAM_MOST];
static struct vmf_run runs[RUNS];
static size_t run_count, next_run, stream_size;
static struct vmf_container_disk disk;
static struct vmf_packer *packer;
static uint32_t state;

static uint32_t number(uint32_t below)
{
  state = state * 1664525 + 1013904223;
  return (state >> 8) % below;
}

/* ---- a container: a list of runs ---- */

static enum vmf_code list_open(struct vmf_container *container, struct vmf_error *failure)
{
  (void)failure;
  container->disks = &disk;
  container->disk_count = 1;
  next_run = 0;
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

/* ---- what comes ---- */

static void add_run(enum vmf_run_kind kind, uint64_t guest, size_t length)
{
  struct vmf_run *run = &runs[run_count++];
  size_t stored = length;

  *run = (struct vmf_run){
      .kind = kind, .guest = guest, .length = length, .offset = stream_size, .unit = UNIT};
  if (kind == VMF_RUN_ZERO)
    return;
  for (size_t i = 0; i < length; i++)
    content[guest + i] = (uint8_t)(number(4) ? number(256) : 'x');
  if (kind == VMF_RUN_PACKED) {
    run->codec = VMF_CODEC_ZLIB;
    ck_assert_int_eq(vmf_pack(packer, content + guest, UNIT, 0, stream + stream_size,
                              STREAM_MOST - stream_size, &stored, &error),
                     VMF_OK);
    run->stored = (uint32_t)stored;
  } else {
    memcpy(stream + stream_size, content + guest, length);
  }
  stream_size += stored + number(3) * 100;
}

/* Runs of one piece or of several, one behind the other. */
static void add_pieces(uint64_t guest, uint64_t end)
{
  while (guest < end) {
    enum vmf_run_kind kind = number(3) == 0 ? VMF_RUN_ZERO
                             : number(2)    ? VMF_RUN_PLAIN
                                            : VMF_RUN_PACKED;
    size_t most = (size_t)(end - guest), length = SECTOR * (1 + number(200));
    if (kind == VMF_RUN_PACKED && (guest % UNIT != 0 || most < UNIT))
      kind = VMF_RUN_PLAIN;
    length = kind == VMF_RUN_PACKED ? UNIT : number(9) == 0 ? most : length;
    length = length < most ? length : most;
    add_run(kind, guest, length);
    guest += length;
  }
}

/* Pieces in groups: near each other, but not in order; some groups never come. */
static void make_stream(uint32_t piece, uint32_t seed)
{
  static uint32_t order[RUNS];
  uint32_t pieces = (DISK + piece - 1) / piece, near = seed % 2 ? 8 : pieces;

  state = seed;
  run_count = stream_size = 0;
  memset(content, 0, sizeof content);
  disk = (struct vmf_container_disk){.size = DISK, .unit = UNIT, .piece = piece};
  for (uint32_t i = 0; i < pieces; i++)
    order[i] = i;
  for (uint32_t i = 0; i + 1 < pieces; i++) {
    uint32_t left = pieces - i < near ? pieces - i : near, other = i + number(left);
    uint32_t kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
  for (uint32_t i = 0; i < pieces; i++) {
    uint64_t guest = (uint64_t)order[i] * piece, end = guest + piece < DISK ? guest + piece : DISK;
    if (guest / (3 << 20) != 2 && number(10) > 0)
      add_pieces(guest, end);
  }
  stream_size += 7;
}

static int ends[2];

static void *write_all(void *unused)
{
  (void)unused;
  for (size_t at = 0; at < stream_size;) {
    ssize_t put = write(ends[1], stream + at, stream_size - at);
    if (put <= 0)
      break;
    at += (size_t)put;
  }
  close(ends[1]);
  return NULL;
}

static pthread_t writer;

static struct vmf_image *open_stream(void)
{
  const struct vmf_image_options options = {.size = sizeof options, .any_order = true};
  struct vmf_image *image;
  struct vmf_io *io;

  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(pthread_create(&writer, NULL, write_all, NULL), 0);
  ck_assert_int_eq(vmf_io_stream(ends[0], "pipe", &io, &error), VMF_OK);
  ck_assert_msg(vmf_container_open(&list_format, io, &options, &image, &error) == VMF_OK, "%s",
                error.text);
  return image;
}

static void close_stream(struct vmf_image *image)
{
  vmf_image_close(image);
  pthread_join(writer, NULL);
}

/* ---- targets ---- */

static enum vmf_code convert(const char *path, const struct form *form, unsigned threads,
                             const char *checksum)
{
  struct vmf_target_options options = {.size = sizeof options,
                                       .format = form->format,
                                       .options = form->options,
                                       .compress = form->compress,
                                       .no_sync = true};
  const struct vmf_job_options job = {
      .size = sizeof job, .threads = threads, .sparse_size = 4096, .checksum = checksum};
  struct vmf_target *target;
  struct vmf_image *image = open_stream();

  options.source = image;
  ck_assert_msg(vmf_target_create(path, DISK, &options, &target, &error) == VMF_OK, "%s",
                error.text);
  enum vmf_code code = vmf_convert(image, target, &job, NULL, &error);
  if (code == VMF_OK)
    code = vmf_target_commit(target, &error);
  vmf_target_close(target);
  close_stream(image);
  return code;
}

static void check_target(const char *path, const struct form *form)
{
  const struct vmf_image_options options = {.size = sizeof options, .format = form->format};
  struct vmf_findings findings = {.size = sizeof findings};
  struct vmf_image *image;

  ck_assert_msg(vmf_image_open(path, &options, &image, &error) == VMF_OK, "%s", error.text);
  ck_assert_uint_ge(vmf_image_size(image), DISK);
  ck_assert_int_eq(vmf_image_pread(image, found, DISK, 0, &error), VMF_OK);
  ck_assert(memcmp(content, found, DISK) == 0);
  enum vmf_code code = vmf_image_check(image, &findings, &error);
  ck_assert(code == VMF_OK || code == VMF_UNSUPPORTED);
  ck_assert_uint_eq(findings.corruptions + findings.leaks + findings.check_errors, 0);
  vmf_image_close(image);
}

static bool takes_any_order(const struct form *form)
{
  bool any_order;

  ck_assert_int_eq(
      vmf_target_any_order(form->format, form->options, form->compress, &any_order, &error),
      VMF_OK);
  return any_order;
}

static void check_same_bytes(const char *a, const char *b)
{
  static uint8_t bytes_a[1 << 16], bytes_b[sizeof bytes_a];
  FILE *file_a = fopen(a, "rb"), *file_b = fopen(b, "rb");
  size_t length;

  ck_assert(file_a && file_b);
  do {
    length = fread(bytes_a, 1, sizeof bytes_a, file_a);
    ck_assert_uint_eq(fread(bytes_b, 1, sizeof bytes_b, file_b), length);
    ck_assert(memcmp(bytes_a, bytes_b, length) == 0);
  } while (length > 0);
  fclose(file_a);
  fclose(file_b);
}

static const uint32_t pieces[] = {4096, 65536, 1 << 20};

START_TEST(every_form_takes_it_or_refuses)
{
  const struct form *form = &forms[_i / 3];

  setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
  make_stream(pieces[_i % 3], (uint32_t)_i);
  if (!takes_any_order(form)) {
    ck_assert_int_eq(convert("target", form, 2, NULL), VMF_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "in any order"));
    return;
  }
  ck_assert_msg(convert("target", form, 1, NULL) == VMF_OK, "%s", error.text);
  check_target("target", form);
  ck_assert_msg(convert("again", form, 4, NULL) == VMF_OK, "%s", error.text);
  check_target("again", form);
  if (form->one_file)
    check_same_bytes("target", "again");
}
END_TEST

START_TEST(a_checksum_is_of_the_disk_in_its_order)
{
  const struct form raw = {"raw", NULL, false, true};

  make_stream(65536, 1);
  ck_assert_int_eq(convert("target", &raw, 2, "sha256"), VMF_UNSUPPORTED);
  ck_assert(!scratch_exists("target"));
}
END_TEST

START_TEST(stored_first_unless_it_may_come_so)
{
  const struct vmf_image_options options = {.size = sizeof options};
  struct vmf_image *image;
  struct vmf_io *io;

  make_stream(65536, 1);
  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(pthread_create(&writer, NULL, write_all, NULL), 0);
  ck_assert_int_eq(vmf_io_stream(ends[0], "pipe", &io, &error), VMF_OK);
  ck_assert_int_eq(vmf_container_open(&list_format, io, &options, &image, &error), VMF_OK);
  ck_assert_ptr_null(image);
  vmf_io_close(io);
  pthread_join(writer, NULL);
}
END_TEST

/* ---- what a driver must not say ---- */

enum { PIECE = 65536 };
static const struct wrong {
  struct vmf_run runs[3];
  const char *part;
} wrongs[] = {
    {{{.length = PIECE, .guest = PIECE}, {.length = PIECE, .guest = PIECE}}, "has come before"},
    {{{.length = PIECE, .guest = PIECE}, {.length = 3 * PIECE}}, "has come before"},
    {{{.length = 3 * PIECE}, {.length = PIECE, .guest = PIECE, .kind = VMF_RUN_ZERO}},
     "has come before"},
    {{{.length = 512}, {.length = PIECE, .guest = PIECE}}, "whole pieces"},
    {{{.length = PIECE, .guest = 512}}, "whole pieces"},
    {{{.length = 512}}, "whole pieces"},
    {{{.length = 100}, {.length = PIECE - 100, .guest = 100}}, "whole sectors"},
    {{{.length = DISK + 512}}, "not within the disk"},
    {{{.length = PIECE, .guest = UINT64_MAX - PIECE + 1}}, "not within the disk"},
};

START_TEST(what_a_driver_must_not_say_is_an_error)
{
  const struct form raw = {"raw", NULL, false, true};
  const struct wrong *wrong = &wrongs[_i];

  disk = (struct vmf_container_disk){.size = DISK, .piece = PIECE};
  stream_size = run_count = 0;
  for (; run_count < 3 && wrong->runs[run_count].length > 0; run_count++) {
    struct vmf_run *run = &runs[run_count];
    *run = wrong->runs[run_count];
    run->kind = run->kind == VMF_RUN_ZERO ? VMF_RUN_ZERO : VMF_RUN_PLAIN;
    run->offset = stream_size;
    stream_size += run->kind == VMF_RUN_PLAIN && run->length < DISK ? run->length : 0;
  }
  ck_assert_int_eq(convert("target", &raw, 2, NULL), VMF_CORRUPT);
  ck_assert_msg(strstr(error.text, wrong->part) != NULL, "%s", error.text);
  ck_assert(!scratch_exists("target"));
}
END_TEST

static void enter(void)
{
  scratch_enter();
  signal(SIGPIPE, SIG_IGN);
  ck_assert_int_eq(vmf_packer_new(VMF_CODEC_ZLIB, 1, &packer, &error), VMF_OK);
}

static void leave(void)
{
  vmf_packer_free(packer);
  scratch_leave();
}

static Suite *suite(void)
{
  list_forms();
  Suite *suite = suite_create("any order");
  TCase *tests = tcase_create("any order");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, enter, leave);
  tcase_add_loop_test(tests, every_form_takes_it_or_refuses, 0, 3 * form_count);
  tcase_add_test(tests, a_checksum_is_of_the_disk_in_its_order);
  tcase_add_test(tests, stored_first_unless_it_may_come_so);
  tcase_add_loop_test(tests, what_a_driver_must_not_say_is_an_error, 0,
                      sizeof wrongs / sizeof wrongs[0]);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
