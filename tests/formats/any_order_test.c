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
static unsigned disk_of[RUNS];
static struct vmf_container_disk disks[3]; /* the second is looked at, the others are noise */
enum { OTHER = 0, DISK_INDEX = 1, OTHER_TOO = 2 };
static const char *disk_name;
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
  container->contents.disks = disks;
  container->contents.disk_count = 3;
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
  *index = disk_of[next_run < run_count ? next_run : 0];
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

/* Bytes of another disk, in any order, now and then. */
static void add_other(void)
{
  unsigned other = number(2) ? OTHER : OTHER_TOO;
  uint64_t length = SECTOR * (1 + number(16));

  if (number(8) > 0 || run_count == RUNS)
    return;
  runs[run_count] = (struct vmf_run){.kind = number(2) ? VMF_RUN_PLAIN : VMF_RUN_ZERO,
                                     .guest = SECTOR * number(16),
                                     .length = length,
                                     .offset = stream_size};
  stream_size += runs[run_count].kind == VMF_RUN_PLAIN ? length : 0;
  disk_of[run_count++] = other;
}

static void add_run(enum vmf_run_kind kind, uint64_t guest, size_t length)
{
  add_other();
  struct vmf_run *run = &runs[run_count++];
  size_t stored = length;

  disk_of[run - runs] = DISK_INDEX;
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

static void set_disks(uint32_t unit, uint32_t piece)
{
  disks[OTHER] = (struct vmf_container_disk){.name = "other", .size = 1 << 20, .piece = piece};
  disks[DISK_INDEX] =
      (struct vmf_container_disk){.name = "this one", .size = DISK, .unit = unit, .piece = piece};
  disks[OTHER_TOO] = (struct vmf_container_disk){.size = 1 << 20};
  disk_name = "this one";
}

/* Pieces in groups: near each other, but not in order; some groups never come. */
static void make_stream(uint32_t piece, uint32_t seed)
{
  static uint32_t order[RUNS];
  uint32_t pieces = (DISK + piece - 1) / piece, near = seed % 2 ? 8 : pieces;

  state = seed;
  run_count = stream_size = 0;
  memset(content, 0, sizeof content);
  set_disks(UNIT, piece);
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

/* *io is the container's then, unless there is no image. */
static enum vmf_code open_with(const struct vmf_image_options *options, struct vmf_io **io,
                               struct vmf_image **image)
{
  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(pthread_create(&writer, NULL, write_all, NULL), 0);
  ck_assert_int_eq(vmf_io_stream(ends[0], "pipe", io, &error), VMF_OK);
  return vmf_container_open(&list_format, *io, options, image, &error);
}

static struct vmf_image *open_stream(void)
{
  const struct vmf_image_options options = {
      .size = sizeof options, .any_order = true, .disk = disk_name};
  struct vmf_image *image;
  struct vmf_io *io;

  ck_assert_msg(open_with(&options, &io, &image) == VMF_OK, "%s", error.text);
  return image;
}

static void close_stream(struct vmf_image *image)
{
  vmf_image_close(image);
  pthread_join(writer, NULL);
}

/* ---- targets ---- */

static uint64_t sparse_size = 4096;

static enum vmf_code convert(const char *path, const struct form *form, unsigned threads,
                             const char *checksum)
{
  struct vmf_target_options options = {.size = sizeof options,
                                       .format = form->format,
                                       .options = form->options,
                                       .compress = form->compress,
                                       .no_sync = true};
  const struct vmf_job_options job = {
      .size = sizeof job, .threads = threads, .sparse_size = sparse_size, .checksum = checksum};
  struct vmf_target *target;
  struct vmf_image *image = open_stream();

  options.source = image;
  ck_assert_msg(vmf_target_create(path, vmf_image_size(image), &options, &target, &error) == VMF_OK,
                "%s", error.text);
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
  sparse_size = _i % 4 ? 4096 : 0; /* 0: what did not come is allocated, too */
  if (!takes_any_order(form)) {
    ck_assert_int_eq(convert("target", form, 2, NULL), VMF_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "in any order"));
    return;
  }
  ck_assert_msg(convert("target", form, 1, NULL) == VMF_OK, "%s", error.text);
  check_target("target", form);
  ck_assert_int_eq(mkdir("again", 0700), 0);
  ck_assert_msg(convert("again/target", form, 4, NULL) == VMF_OK, "%s", error.text);
  check_target("again/target", form);
  if (form->one_file)
    check_same_bytes("target", "again/target");
}
END_TEST

/* ---- a large disk ---- */

#define GiB (UINT64_C(1) << 30)
#define FAR_SIZE (40 * GiB + 65536)
static const uint64_t far[] = {
    33 * GiB, 0,     17 * GiB,         33 * GiB + 65536, 17 * GiB + 65536,
    39 * GiB, 65536, 39 * GiB + 65536, 40 * GiB,         33 * GiB + 3 * 65536,
};
enum { FARS = sizeof far / sizeof far[0], FAR_PIECE = 65536 };

static void make_far_stream(void)
{
  set_disks(0, FAR_PIECE);
  disks[DISK_INDEX].size = FAR_SIZE;
  run_count = stream_size = 0;
  for (size_t i = 0; i < FARS; i++) {
    memset(stream + stream_size, 'a' + (int)i, FAR_PIECE);
    runs[run_count] = (struct vmf_run){
        .kind = VMF_RUN_PLAIN, .guest = far[i], .length = FAR_PIECE, .offset = stream_size};
    disk_of[run_count++] = DISK_INDEX;
    stream_size += FAR_PIECE;
  }
}

/* Tables that are larger than what a writer keeps of them. */
START_TEST(parts_of_units_come_far_apart)
{
  const struct form *form = &forms[_i];
  const struct vmf_image_options options = {.size = sizeof options, .format = form->format};
  struct vmf_findings findings = {.size = sizeof findings};
  struct vmf_image *image;
  struct vmf_extent extent = {.size = sizeof extent};
  uint8_t expected[FAR_PIECE], bytes[FAR_PIECE];

  make_far_stream();
  if (!takes_any_order(form) || form->options)
    return;
  ck_assert_msg(convert("target", form, 2, NULL) == VMF_OK, "%s", error.text);
  ck_assert_int_eq(vmf_image_open("target", &options, &image, &error), VMF_OK);
  for (size_t i = 0; i < FARS; i++) {
    memset(expected, 'a' + (int)i, FAR_PIECE);
    ck_assert_int_eq(vmf_image_pread(image, bytes, FAR_PIECE, far[i], &error), VMF_OK);
    ck_assert(memcmp(bytes, expected, FAR_PIECE) == 0);
  }
  ck_assert_int_eq(vmf_image_pread(image, bytes, FAR_PIECE, 33 * GiB + 2 * FAR_PIECE, &error),
                   VMF_OK);
  ck_assert(bytes[0] == 0 && memcmp(bytes, bytes + 1, FAR_PIECE - 1) == 0);
  ck_assert_int_eq(vmf_image_extent(image, 20 * GiB, GiB, &extent, &error), VMF_OK);
  ck_assert(extent.zero && extent.length == GiB);
  enum vmf_code code = vmf_image_check(image, &findings, &error);
  ck_assert(code == VMF_OK || code == VMF_UNSUPPORTED);
  ck_assert_uint_eq(findings.corruptions + findings.leaks + findings.check_errors, 0);
  vmf_image_close(image);
}
END_TEST

/* ---- faults ---- */

static const struct vmf_io_ops *sound; /* of the target */
static struct vmf_io_ops faulty;
static int calls_left; /* the call that fails; 0: none. Of the caller's thread alone */

static bool is_to_fail(void)
{
  return calls_left > 0 && --calls_left == 0;
}

static enum vmf_code faulty_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *failure)
{
  return is_to_fail() ? vmf_fail(failure, VMF_READ, "this read was to fail")
                      : sound->pread(io, buffer, length, offset, failure);
}

static enum vmf_code faulty_pwrite(struct vmf_io *io, const struct vmf_piece *pieces_,
                                   unsigned count, uint64_t offset, struct vmf_error *failure)
{
  return is_to_fail() ? vmf_fail(failure, VMF_WRITE, "this write was to fail")
                      : sound->pwrite(io, pieces_, count, offset, failure);
}

/* Without threads; *calls: so many there were before the one that was to fail. */
static enum vmf_code convert_faulty(const struct form *form, int fails, int *calls)
{
  struct vmf_target_options options = {
      .size = sizeof options, .format = form->format, .options = form->options, .no_sync = true};
  const struct vmf_job_options job = {.size = sizeof job, .threads = 1, .sparse_size = 4096};
  struct vmf_image *image = open_stream();
  struct vmf_target *target;

  ck_assert_int_eq(vmf_target_create("target", vmf_image_size(image), &options, &target, &error),
                   VMF_OK);
  sound = target->io->ops;
  faulty = *sound;
  faulty.pread = faulty_pread;
  faulty.pwrite = faulty_pwrite;
  target->io->ops = &faulty;
  calls_left = fails;
  enum vmf_code code = vmf_convert(image, target, &job, NULL, &error);
  *calls = fails - calls_left;
  target->io->ops = sound;
  vmf_target_close(target);
  close_stream(image);
  return code;
}

START_TEST(every_read_and_write_can_fail)
{
  const struct form *form = &forms[_i];
  enum vmf_code code;
  int most = 100000, calls;

  if (!takes_any_order(form) || !form->one_file)
    return;
  if (form->options)
    make_stream(65536, 3);
  else
    make_far_stream();
  ck_assert_int_eq(convert_faulty(form, most, &calls), VMF_OK);
  for (int fails = 1; fails <= calls; fails += 1 + fails / 8) {
    int ignored;
    code = convert_faulty(form, fails, &ignored);
    ck_assert(code == VMF_READ || code == VMF_WRITE);
    ck_assert(!scratch_exists("target"));
  }
}
END_TEST

START_TEST(a_stream_that_ends_early_is_an_error)
{
  const struct form raw = {"raw", NULL, false, true};

  make_stream(65536, 2);
  stream_size = stream_size / 7 * (size_t)_i;
  enum vmf_code code = convert("target", &raw, 2, NULL);
  ck_assert_int_eq(code, VMF_CORRUPT);
  ck_assert(!scratch_exists("target"));
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
  const struct vmf_image_options options = {.size = sizeof options, .disk = "2"};
  struct vmf_image *image;
  struct vmf_io *io;

  make_stream(65536, 1);
  ck_assert_int_eq(open_with(&options, &io, &image), VMF_OK);
  ck_assert_ptr_null(image);
  vmf_io_close(io);
  pthread_join(writer, NULL);
}
END_TEST

static const struct choice {
  const char *name;
  const char *part; /* of the error */
} choices[] = {
    {"this one", NULL},
    {"2", NULL},
    {NULL,
     "has 3 disks; name one as pipe::DISK, by its name or number: 1 other (1048576 bytes), 2 this "
     "one (12584448 bytes), 3 (1048576 bytes)"},
    {"4", "has no disk \"4\"; there are: 1 other"},
    {"0", "has no disk \"0\""},
    {"", "has no disk \"\""},
    {"02", "has no disk \"02\""},
};

START_TEST(one_of_several_disks_is_chosen)
{
  const struct choice *choice = &choices[_i];
  const struct vmf_image_options options = {
      .size = sizeof options, .any_order = true, .disk = choice->name};
  struct vmf_image *image;
  struct vmf_io *io;

  make_stream(65536, 1);
  ck_assert_int_eq(open_with(&options, &io, &image), choice->part ? VMF_USAGE : VMF_OK);
  if (choice->part)
    ck_assert_msg(strstr(error.text, choice->part) != NULL, "%s", error.text);
  else
    ck_assert_uint_eq(vmf_image_size(image), DISK);
  close_stream(image);
}
END_TEST

/* ---- what a driver must not say ---- */

enum { PIECE = 65536 };
static const struct wrong {
  struct vmf_run runs[3];
  const char *part;
  bool other; /* they are of a disk that is passed over */
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
    {{{.length = DISK}}, "data of disk 1, guest byte 0", .other = true},
};

START_TEST(what_a_driver_must_not_say_is_an_error)
{
  const struct form raw = {"raw", NULL, false, true};
  const struct wrong *wrong = &wrongs[_i];

  set_disks(0, PIECE);
  memset(disk_of, 0, sizeof disk_of);
  stream_size = run_count = 0;
  for (; run_count < 3 && wrong->runs[run_count].length > 0; run_count++) {
    struct vmf_run *run = &runs[run_count];
    *run = wrong->runs[run_count];
    run->kind = run->kind == VMF_RUN_ZERO ? VMF_RUN_ZERO : VMF_RUN_PLAIN;
    run->offset = stream_size;
    disk_of[run_count] = wrong->other ? OTHER : DISK_INDEX;
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
  tcase_add_loop_test(tests, parts_of_units_come_far_apart, 0, form_count);
  tcase_add_loop_test(tests, every_read_and_write_can_fail, 0, form_count);
  tcase_add_loop_test(tests, a_stream_that_ends_early_is_an_error, 0, 7);
  tcase_add_test(tests, a_checksum_is_of_the_disk_in_its_order);
  tcase_add_test(tests, stored_first_unless_it_may_come_so);
  tcase_add_loop_test(tests, one_of_several_disks_is_chosen, 0, sizeof choices / sizeof choices[0]);
  tcase_add_loop_test(tests, what_a_driver_must_not_say_is_an_error, 0,
                      sizeof wrongs / sizeof wrongs[0]);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
