/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What every format must do that is also read as it comes: `next` tells the spans that `map` tells
 * of the same file, in its order, and nothing else. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "check_main.h"
#include "image.h"

#define MiB (1024 * 1024ull)

/* Forms that have a container, of one disk. */
static const struct form {
  const char *format, *options;
  bool in_front; /* the tables are moved before the grains */
} forms[] = {
    {"raw", NULL},
    {"vmdk", "subformat=streamOptimized", .in_front = true},
    {"vmdk", "subformat=streamOptimized"},
    {"vmdk", "subformat=streamOptimized,compression_level=1"},
};
enum { FORMS = sizeof forms / sizeof forms[0] };

static const uint64_t sizes[] = {512, 65536, MiB + 512, 40 * MiB, 200 * MiB + 1536};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static struct vmf_error error;

/* Some of it: noise here and there, more where the disk is small. */
static void write_disk(const char *path, uint64_t size)
{
  static uint8_t block[50000];
  uint32_t state = (uint32_t)size;
  int number = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

  ck_assert_int_ge(number, 0);
  ck_assert_int_eq(ftruncate(number, (off_t)size), 0);
  for (uint64_t at = 0; at < size; at += 3 * sizeof block + at / 3) {
    size_t length = size - at < sizeof block ? (size_t)(size - at) : sizeof block;
    for (size_t i = 0; i < length; i++)
      block[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
    ck_assert_int_eq(pwrite(number, block, length, (off_t)at), (ssize_t)length);
  }
  close(number);
}

static void convert(const char *from, const char *to, const struct form *form)
{
  const struct vmf_image_options raw = {.size = sizeof raw, .format = "raw"};
  struct vmf_target_options options = {
      .size = sizeof options, .format = form->format, .options = form->options, .no_sync = true};
  const struct vmf_job_options job = {.size = sizeof job, .threads = 1, .sparse_size = 4096};
  struct vmf_image *image;
  struct vmf_target *target;

  ck_assert_int_eq(vmf_image_open(from, &raw, &image, &error), VMF_OK);
  options.source = image;
  ck_assert_int_eq(vmf_target_create(to, vmf_image_size(image), &options, &target, &error), VMF_OK);
  ck_assert_int_eq(vmf_convert(image, target, &job, NULL, &error), VMF_OK);
  ck_assert_int_eq(vmf_target_commit(target, &error), VMF_OK);
  vmf_target_close(target);
  vmf_image_close(image);
}

static uint8_t bytes[240 * MiB]; /* of a file, or a part of it */

enum { SECTOR = 512, GRAIN = 64 << 10, GRAINS = 512, DIRECTORY = 21, MOVED = 128 };

/* A stream with a directory and tables behind the descriptor, and all from its first grain on
 * MOVED sectors later; its old tables are in nobody's way. */
static void move_tables(const char *from, const char *to)
{
  const struct vmf_image_options options = {
      .size = sizeof options, .format = "vmdk", .read_all = true};
  FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  uint8_t *head = bytes, *body = bytes + MOVED * SECTOR, *entry;
  struct vmf_image *image;
  struct vmf_span span;

  ck_assert(in && out && fread(head, SECTOR, 128, in) == 128);
  size_t length = fread(body + 128 * SECTOR, 1, sizeof bytes - (128 + MOVED) * SECTOR, in);
  memset(head + DIRECTORY * SECTOR, 0, (128 + MOVED - DIRECTORY) * SECTOR);
  put_le64(head + 56, DIRECTORY);   /* gdOffset */
  put_le64(head + 64, 128 + MOVED); /* overHead */
  ck_assert_int_eq(vmf_image_open(from, &options, &image, &error), VMF_OK);
  for (uint64_t guest = 0; guest < image->size; guest += span.length) {
    uint64_t table = DIRECTORY + 1 + guest / GRAIN / GRAINS * 4;
    ck_assert_int_eq(vmf_image_span(image, guest, image->size - guest, &span, &error), VMF_OK);
    if (span.kind != VMF_RUN_PACKED)
      continue;
    put_le32(head + DIRECTORY * SECTOR + guest / GRAIN / GRAINS * 4, (uint32_t)table);
    entry = head + table * SECTOR + guest / GRAIN % GRAINS * 4;
    put_le32(entry, (uint32_t)(span.run.offset / SECTOR) + MOVED);
  }
  ck_assert_uint_eq(fwrite(bytes, 1, (128 + MOVED) * SECTOR + length, out),
                    (128 + MOVED) * SECTOR + length);
  vmf_image_close(image);
  ck_assert(fclose(in) == 0 && fclose(out) == 0);
}

static struct vmf_image *open_stream(const char *path, const struct vmf_format *format)
{
  struct stat status;
  struct vmf_image *image;
  struct vmf_io *io;
  int number = open(path, O_RDONLY);

  ck_assert(number >= 0 && fstat(number, &status) == 0);
  const struct vmf_image_options options = {.size = sizeof options,
                                            .source_size = (uint64_t)status.st_size};
  ck_assert_int_eq(vmf_io_stream(number, path, &io, &error), VMF_OK);
  ck_assert_int_eq(vmf_container_open(format, io, &options, &image, &error), VMF_OK);
  return image;
}

static void take(const struct vmf_span *span)
{
  size_t length = span->kind == VMF_RUN_PACKED ? span->run.stored : (size_t)span->length;

  ck_assert_int_eq(vmf_io_pread(span->run.io, bytes, length, span->run.offset, &error), VMF_OK);
}

/* The map of [guest, end) says the same as `span`, or (NULL) that all is zeros. */
static void check_part(struct vmf_image *mapped, uint64_t guest, uint64_t end,
                       const struct vmf_span *span)
{
  struct vmf_span found;

  for (; guest < end; guest += found.length) {
    ck_assert_int_eq(vmf_image_span(mapped, guest, end - guest, &found, &error), VMF_OK);
    ck_assert_int_eq(found.kind, span ? span->kind : VMF_RUN_ZERO);
    if (found.kind == VMF_RUN_PLAIN)
      ck_assert_uint_eq(found.offset, span->offset + (guest - span->guest));
    if (found.kind != VMF_RUN_PACKED)
      continue;
    ck_assert_uint_eq(found.run.offset, span->run.offset);
    ck_assert_uint_eq(found.run.unit, span->run.unit);
    ck_assert_int_eq(found.run.codec, span->run.codec);
  }
}

START_TEST(next_tells_what_map_tells)
{
  const struct form *form = &forms[_i % FORMS];
  const struct vmf_format *format = vmf_format_find(form->format);
  const struct vmf_image_options options = {
      .size = sizeof options, .format = form->format, .read_all = true};
  char folder[] = "/tmp/vmferry-container-XXXXXX";
  struct vmf_image *mapped;
  struct vmf_span span;
  uint64_t guest = 0;

  ck_assert_ptr_nonnull(mkdtemp(folder));
  ck_assert_int_eq(chdir(folder), 0);
  write_disk("disk.raw", sizes[_i / FORMS]);
  convert("disk.raw", form->in_front ? "made" : "disk", form);
  if (form->in_front)
    move_tables("made", "disk");
  struct vmf_image *streamed = open_stream("disk", format);
  ck_assert_int_eq(vmf_image_open("disk", &options, &mapped, &error), VMF_OK);
  ck_assert_uint_eq(streamed->size, mapped->size);
  ck_assert_uint_ge(streamed->unit, mapped->unit);
  for (; guest < mapped->size; guest = span.guest + span.length) {
    ck_assert_int_eq(vmf_container_span(streamed, guest, &span, &error), VMF_OK);
    check_part(mapped, guest, span.guest, NULL);
    check_part(mapped, span.guest, span.guest + span.length, &span);
    if (span.kind != VMF_RUN_ZERO)
      take(&span);
  }
  ck_assert_int_eq(vmf_container_span(streamed, guest, &span, &error), VMF_OK);
  vmf_image_close(mapped);
  vmf_image_close(streamed);
  unlink("disk");
  unlink("disk.raw");
  unlink("made");
  ck_assert_int_eq(chdir("/"), 0);
  rmdir(folder);
}
END_TEST

START_TEST(every_container_is_tried_here)
{
  for (const struct vmf_format *const *format = vmf_formats; *format; format++) {
    bool tried = !(*format)->container || (*format)->container->several; /* has tests of its own */
    for (size_t i = 0; i < FORMS; i++)
      tried |= strcmp(forms[i].format, (*format)->name) == 0;
    ck_assert_msg(tried, "%s", (*format)->name);
  }
}
END_TEST

/* What cannot be read as it comes is stored, and read by its map. */
START_TEST(every_container_has_a_reader)
{
  for (const struct vmf_format *const *format = vmf_formats; *format; format++)
    ck_assert_msg(!(*format)->container || (*format)->reader, "%s", (*format)->name);
}
END_TEST

static Suite *container_suite(void)
{
  Suite *suite = suite_create("container");
  TCase *tests = tcase_create("container");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, next_tells_what_map_tells, 0, FORMS * SIZES);
  tcase_add_test(tests, every_container_is_tried_here);
  tcase_add_test(tests, every_container_has_a_reader);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(container_suite)
