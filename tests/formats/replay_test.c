/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What every writer must do so that work can be taken up again: the places of blocks follow from
 * the sequence in which they come, their lengths and kinds, and never from their bytes. */
#include <string.h>

#include "check_main.h"
#include "forms.h"
#include "image.h"
#include "scratch.h"
#include "target.h"

#define MiB (1024 * 1024ull)
enum { BLOCKS_MAX = 1 << 17, FILES_MAX = 16, BYTES = 64 << 10 };

static struct vmf_error error;

/* ---- what a writer was asked, and what it answered ---- */

struct record {
  struct vmf_block block; /* without pointers, but for io */
  unsigned file;
};
static struct record records[BLOCKS_MAX];
static size_t record_count;
static struct vmf_io *files[FILES_MAX]; /* in the order in which they were first used */
static unsigned file_count;
static const struct vmf_writer *watched;

static unsigned file_of(struct vmf_io *io)
{
  for (unsigned i = 0; i < file_count; i++)
    if (files[i] == io)
      return i;
  ck_assert_uint_lt(file_count, FILES_MAX);
  files[file_count] = io;
  return file_count++;
}

static enum vmf_code place_and_note(struct vmf_target *target, struct vmf_block *block,
                                    struct vmf_error *failure)
{
  enum vmf_code code = watched->place(target, block, failure);
  struct record *record = &records[record_count++];

  ck_assert_uint_lt(record_count, BLOCKS_MAX);
  record->block = *block;
  record->block.data = record->block.digest = NULL;
  record->block.head = record->block.tail = NULL;
  record->file = file_of(block->io ? block->io : target->io);
  return code;
}

/* ---- a disk with noise, text and zeros ---- */

static const uint64_t size = 40 * MiB + 1536;

static void write_disk(void)
{
  static uint8_t bytes[300000];
  uint32_t state = 1;
  int number = open("disk.raw", O_RDWR | O_CREAT | O_TRUNC, 0600);

  ck_assert_int_ge(number, 0);
  ck_assert_int_eq(ftruncate(number, (off_t)size), 0);
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = i / 9000 % 2 ? (uint8_t)((state = state * 1664525 + 1013904223) >> 24)
                            : (uint8_t) "vmferry "[i % 8];
  for (uint64_t at = 0; at < size; at += 7 * MiB - 4096) {
    size_t length = size - at < sizeof bytes ? (size_t)(size - at) : sizeof bytes;
    ck_assert_int_eq(pwrite(number, bytes, length, (off_t)at), (ssize_t)length);
  }
  close(number);
}

static struct vmf_image *open_disk(void)
{
  const struct vmf_image_options raw = {.size = sizeof raw, .format = "raw"};
  struct vmf_image *image;

  ck_assert_int_eq(vmf_image_open("disk.raw", &raw, &image, &error), VMF_OK);
  return image;
}

static struct vmf_target *make_target(const struct form *form, struct vmf_image *source)
{
  const struct vmf_target_options options = {.size = sizeof options,
                                             .format = form->format,
                                             .options = form->options,
                                             .compress = form->compress,
                                             .no_sync = true,
                                             .ignore_locks = true, /* two of one name at once */
                                             .source = source};
  struct vmf_target *target;

  ck_assert_msg(vmf_target_create("target", size, &options, &target, &error) == VMF_OK, "%s",
                error.text);
  return target;
}

/* ---- the same again, without the bytes ---- */

static void watch(struct vmf_image *source, struct vmf_target *target)
{
  const struct vmf_job_options job = {
      .size = sizeof job, .threads = 2, .sparse_size = 4096, .no_reflink = true};
  const struct vmf_format *format = target->format;
  struct vmf_format spy = *format;
  struct vmf_writer writer = *format->writer;

  record_count = file_count = 0;
  watched = format->writer;
  writer.place = place_and_note;
  spy.writer = &writer;
  target->format = &spy;
  ck_assert_msg(vmf_convert(source, target, &job, NULL, &error) == VMF_OK, "%s", error.text);
  target->format = format;
}

/* What the first run stored for a block, put where the second has it. */
static void copy_stored(const struct record *record, struct vmf_io *from, struct vmf_io *to)
{
  static uint8_t bytes[BYTES];
  const struct vmf_block *block = &record->block;
  uint64_t length =
      block->head_length + block->data_length + (uint64_t)block->zeros + block->tail_length;

  for (uint64_t at = 0; at < length; at += BYTES) {
    size_t part = length - at < BYTES ? (size_t)(length - at) : BYTES;
    ck_assert_int_eq(vmf_io_pread(from, bytes, part, block->host + at, &error), VMF_OK);
    ck_assert_int_eq(vmf_io_pwrite(to, bytes, part, block->host + at, &error), VMF_OK);
  }
}

static void replay(struct vmf_target *target)
{
  const struct vmf_writer *writer = target->format->writer;
  struct vmf_io *first[FILES_MAX];

  memcpy(first, files, sizeof first);
  file_count = 0;
  ck_assert_int_eq(writer->begin(target, NULL, &error), VMF_OK);
  for (size_t i = 0; i < record_count; i++) {
    const struct record *record = &records[i];
    struct vmf_block again = record->block;
    again.io = NULL;
    again.host = 0;
    ck_assert_int_eq(writer->place(target, &again, &error), VMF_OK);
    struct vmf_io *io = again.io ? again.io : target->io;
    ck_assert_uint_eq(again.host, record->block.host);
    ck_assert_uint_eq(again.zeros, record->block.zeros);
    ck_assert_uint_eq(file_of(io), record->file);
    copy_stored(record, first[record->file], io);
  }
  ck_assert_int_eq(writer->finish(target, &error), VMF_OK);
}

static void check_same(struct vmf_io *a, struct vmf_io *b)
{
  static uint8_t bytes_a[BYTES], bytes_b[BYTES];

  ck_assert_uint_eq(a->size, b->size);
  for (uint64_t at = 0; at < a->size; at += BYTES) {
    size_t part = a->size - at < BYTES ? (size_t)(a->size - at) : BYTES;
    ck_assert_int_eq(vmf_io_pread(a, bytes_a, part, at, &error), VMF_OK);
    ck_assert_int_eq(vmf_io_pread(b, bytes_b, part, at, &error), VMF_OK);
    ck_assert_msg(memcmp(bytes_a, bytes_b, part) == 0, "%s at %llu", a->name,
                  (unsigned long long)at);
  }
}

START_TEST(places_are_the_same_without_the_bytes)
{
  struct vmf_io *first[FILES_MAX];

  setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
  write_disk();
  struct vmf_image *source = open_disk();
  struct vmf_target *one = make_target(&forms[_i], source);
  watch(source, one);
  ck_assert_uint_gt(record_count, 0);
  memcpy(first, files, sizeof first);
  struct vmf_target *two = make_target(&forms[_i], source);
  two->shape = one->shape; /* as the conversion settled it */
  replay(two);
  check_same(one->io, two->io);
  for (unsigned i = 0; i < file_count; i++)
    check_same(first[i], files[i]);
  vmf_target_close(two);
  vmf_target_close(one);
  vmf_image_close(source);
}
END_TEST

START_TEST(framing_is_within_its_bounds)
{
  struct vmf_image *source = NULL;

  write_disk();
  source = open_disk();
  struct vmf_target *target = make_target(&forms[_i], source);
  ck_assert_uint_le(target->shape.head_bytes, VMF_FRAMING_BYTES);
  ck_assert_uint_le(target->shape.tail_bytes, VMF_FRAMING_BYTES);
  vmf_target_close(target);
  vmf_image_close(source);
}
END_TEST

static Suite *suite(void)
{
  list_forms();
  forms[form_count++] = (struct form){"xva", "ref=Ref:1", false, true}; /* a part of a file */
  Suite *suite = suite_create("replay");
  TCase *tests = tcase_create("every format");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, scratch_enter, scratch_leave);
  tcase_add_loop_test(tests, places_are_the_same_without_the_bytes, 0, form_count);
  tcase_add_loop_test(tests, framing_is_within_its_bounds, 0, form_count);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
