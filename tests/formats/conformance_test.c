/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What every writable format must do, in every shape that its options give: content and size
 * survive a round trip, the bytes do not depend on the number of threads, a pipe takes what it is
 * given, measure's bounds hold. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_main.h"
#include "forms.h"
#include "vmferry.h"

static char folder[64];
static struct vmf_error error;

static void enter_folder(void)
{
  snprintf(folder, sizeof(folder), "/tmp/vmferry-conformance-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
  ck_assert_int_eq(chdir(folder), 0);
  setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
  (void)status;
  (void)type;
  (void)where;
  return remove(path);
}

static void leave_folder(void)
{
  ck_assert_int_eq(chdir("/"), 0);
  nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- sources ---- */

struct stretch {
  uint64_t offset;
  size_t length;
  unsigned char seed; /* 0: zeros that are stored */
};

struct source {
  uint64_t size;
  struct stretch stretches[6];
};

#define MiB (1024 * 1024ull)
static const struct source sources[] = {
    {.size = 512, .stretches = {{0, 512, 1}}},
    {.size = 65536, .stretches = {{0, 0, 0}}},
    {.size = 1 * MiB + 512, .stretches = {{1 * MiB, 512, 2}}},
    {.size = 4 * MiB, .stretches = {{0, 4 * MiB, 3}}},
    {.size = 5 * MiB + 1536,
     .stretches = {{4096, 4096, 4}, {65536 - 512, 1024, 5}, {2 * MiB, MiB, 0}, {5 * MiB, 1536, 6}}},
    {.size = 200 * MiB,
     .stretches =
         {{0, 512, 7}, {33 * MiB, 3 * MiB, 8}, {64 * MiB, 100000, 0}, {199 * MiB, MiB, 9}}},
};
enum { SOURCES = sizeof(sources) / sizeof(sources[0]) };

/* Half noise, half text: some of it packs well and some does not. */
static void fill(unsigned char *bytes, size_t length, unsigned char seed)
{
  uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
  for (size_t i = 0; i < length; i++) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    bytes[i] = seed == 0 ? 0 : (i >> 13) % 2 ? (unsigned char)(state >> 56) : "vmferry "[i % 8];
  }
}

static void write_source(const char *path, const struct source *source)
{
  int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  ck_assert_int_ge(file, 0);
  ck_assert_int_eq(ftruncate(file, (off_t)source->size), 0);
  for (size_t i = 0; i < sizeof(source->stretches) / sizeof(source->stretches[0]); i++) {
    const struct stretch *stretch = &source->stretches[i];
    unsigned char *bytes = malloc(stretch->length + 1);
    fill(bytes, stretch->length, stretch->seed);
    ck_assert_int_eq(pwrite(file, bytes, stretch->length, (off_t)stretch->offset),
                     (ssize_t)stretch->length);
    free(bytes);
  }
  close(file);
}

/* ---- what is done with them ---- */

static struct vmf_image *open_image(const char *path, const char *format)
{
  const struct vmf_image_options options = {.size = sizeof options, .format = format};
  struct vmf_image *image;
  ck_assert_msg(vmf_image_open(path, &options, &image, &error) == VMF_OK, "%s", error.text);
  return image;
}

static void convert(const char *from, const char *to, const struct form *form, unsigned threads)
{
  struct vmf_image *source = open_image(from, "raw");
  const struct vmf_target_options options = {.size = sizeof options,
                                             .format = form->format,
                                             .options = form->options,
                                             .compress = form->compress,
                                             .no_sync = true,
                                             .source = source};
  const struct vmf_job_options job = {
      .size = sizeof job, .threads = threads, .sparse_size = 4096, .checksum = "sha256"};
  struct vmf_target *target;
  struct vmf_job_result result = {.size = sizeof result};
  ck_assert_msg(vmf_target_create(to, vmf_image_size(source), &options, &target, &error) == VMF_OK,
                "%s", error.text);
  ck_assert_msg(vmf_convert(source, target, &job, &result, &error) == VMF_OK, "%s", error.text);
  if (strcmp(to, "-") != 0)
    ck_assert_msg(vmf_verify(target, &job, &result, &error) == VMF_OK, "%s", error.text);
  ck_assert_msg(vmf_target_commit(target, &error) == VMF_OK, "%s", error.text);
  ck_assert_uint_eq(result.data_bytes + result.zero_bytes, vmf_image_size(source));
  vmf_target_close(target);
  vmf_image_close(source);
}

static void assert_same_content(const char *a, const char *a_format, const char *b,
                                const char *b_format)
{
  struct vmf_image *image_a = open_image(a, a_format), *image_b = open_image(b, b_format);
  const struct vmf_job_options job = {.size = sizeof job, .threads = 2};
  struct vmf_job_result result = {.size = sizeof result};
  ck_assert_msg(vmf_compare(image_a, image_b, &job, &result, &error) == VMF_OK, "%s", error.text);
  ck_assert_msg(result.identical, "%s and %s differ at %llu", a, b,
                (unsigned long long)result.difference);
  ck_assert_uint_eq(vmf_image_size(image_a), vmf_image_size(image_b));
  vmf_image_close(image_a);
  vmf_image_close(image_b);
}

static void assert_same_bytes(const char *a, const char *b)
{
  FILE *file_a = fopen(a, "rb"), *file_b = fopen(b, "rb");
  static unsigned char bytes_a[65536], bytes_b[65536];
  size_t length;
  uint64_t at = 0;
  ck_assert(file_a && file_b);
  do {
    length = fread(bytes_a, 1, sizeof(bytes_a), file_a);
    ck_assert_msg(fread(bytes_b, 1, sizeof(bytes_b), file_b) == length &&
                      memcmp(bytes_a, bytes_b, length) == 0,
                  "%s and %s differ behind byte %llu", a, b, (unsigned long long)at);
    at += length;
  } while (length > 0);
  fclose(file_a);
  fclose(file_b);
}

/* Every index is one form with one source. */
static const struct form *form_of(int index)
{
  return &forms[index / SOURCES];
}

static const struct source *source_of(int index)
{
  return &sources[index % SOURCES];
}

START_TEST(content_survives_a_round_trip)
{
  const struct form *form = form_of(_i);
  write_source("source", source_of(_i));
  convert("source", "target", form, 2);
  assert_same_content("source", "raw", "target", form->format);
}
END_TEST

START_TEST(bytes_do_not_depend_on_threads)
{
  const struct form *form = form_of(_i);
  if (!form->one_file)
    return;
  write_source("source", source_of(_i));
  ck_assert_int_eq(mkdir("one", 0700) + mkdir("eight", 0700), 0);
  convert("source", "one/disk", form, 1); /* a VMDK descriptor has its file's name in it */
  convert("source", "eight/disk", form, 8);
  assert_same_bytes("one/disk", "eight/disk");
}
END_TEST

START_TEST(a_pipe_takes_the_same_bytes)
{
  const struct form *form = form_of(_i);
  if (!form->one_file || (form->compress && strcmp(form->format, "qcow2") == 0))
    return;
  write_source("source", source_of(_i));
  int file = open("piped", O_RDWR | O_CREAT | O_TRUNC, 0600), stdout_copy = dup(STDOUT_FILENO);
  dup2(file, STDOUT_FILENO);
  convert("source", "-", form, 8);
  dup2(stdout_copy, STDOUT_FILENO);
  close(stdout_copy);
  close(file);
  assert_same_content("source", "raw", "piped", form->format);
  convert("source", "disk.vmdk", form, 1); /* the name that a descriptor gets on a pipe */
  assert_same_bytes("piped", "disk.vmdk");
}
END_TEST

/* A file with holes takes less than its length. */
static uint64_t bytes_in_folder(void)
{
  uint64_t bytes = 0;
  struct stat status;
  static const char *const names[] = {"target", "target-flat.vmdk", "target-f001.vmdk",
                                      "target-s001.vmdk"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    if (stat(names[i], &status) == 0)
      bytes += (uint64_t)(status.st_blocks * 512 < status.st_size ? status.st_blocks * 512
                                                                  : status.st_size);
  return bytes;
}

START_TEST(measure_tells_the_size_before)
{
  const struct form *form = form_of(_i);
  uint64_t required, full;
  write_source("source", source_of(_i));
  struct vmf_image *source = open_image("source", "raw");
  ck_assert_msg(vmf_measure(source, 0, form->format, form->options, form->compress, &required,
                            &full, &error) == VMF_OK,
                "%s", error.text);
  vmf_image_close(source);
  convert("source", "target", form, 1);
  ck_assert_uint_le(bytes_in_folder(), required);
  ck_assert_uint_le(required, full);
}
END_TEST

START_TEST(an_empty_disk_reads_as_zeros)
{
  const struct form *form = &forms[_i];
  const struct vmf_target_options options = {.size = sizeof options,
                                             .format = form->format,
                                             .options = form->options,
                                             .compress = form->compress,
                                             .no_sync = true};
  const struct vmf_job_options job = {.size = sizeof job, .sparse_size = 4096};
  struct vmf_target *target;
  struct vmf_job_result result = {.size = sizeof result};
  ck_assert_msg(vmf_target_create("empty", 3 * MiB + 512, &options, &target, &error) == VMF_OK,
                "%s", error.text);
  ck_assert_msg(vmf_convert(NULL, target, &job, &result, &error) == VMF_OK, "%s", error.text);
  ck_assert_msg(vmf_target_commit(target, &error) == VMF_OK, "%s", error.text);
  vmf_target_close(target);
  write_source("source", &(struct source){.size = 3 * MiB + 512});
  assert_same_content("source", "raw", "empty", form->format);
}
END_TEST

START_TEST(nothing_remains_without_a_commit)
{
  const struct form *form = &forms[_i];
  const struct vmf_target_options options = {.size = sizeof options,
                                             .format = form->format,
                                             .options = form->options,
                                             .compress = form->compress};
  const struct vmf_job_options job = {.size = sizeof job, .sparse_size = 4096};
  struct vmf_target *target;
  struct vmf_job_result result = {.size = sizeof result};
  ck_assert_int_eq(vmf_target_create("gone", MiB, &options, &target, &error), VMF_OK);
  ck_assert_int_eq(vmf_convert(NULL, target, &job, &result, &error), VMF_OK);
  vmf_target_close(target);
  ck_assert_int_eq(chdir(".."), 0);
  ck_assert_msg(rmdir(folder) == 0, "something is left in %s", folder);
  ck_assert_int_eq(mkdir(folder, 0700), 0);
}
END_TEST

/* What threads do is all in one test; the thread sanitizer takes ten times as long for each. */
static bool only_threads(void)
{
#ifdef __SANITIZE_THREAD__
  return !getenv("VMFERRY_TEST_ALL");
#else
  return false;
#endif
}

static Suite *suite(void)
{
  list_forms();
  Suite *suite = suite_create("conformance");
  TCase *tests = tcase_create("every format");
  tcase_set_timeout(tests, 300);
  tcase_add_checked_fixture(tests, enter_folder, leave_folder);
  tcase_add_loop_test(tests, bytes_do_not_depend_on_threads, 0, form_count * SOURCES);
  suite_add_tcase(suite, tests);
  if (only_threads())
    return suite;
  tcase_add_loop_test(tests, content_survives_a_round_trip, 0, form_count * SOURCES);
  tcase_add_loop_test(tests, a_pipe_takes_the_same_bytes, 0, form_count * SOURCES);
  tcase_add_loop_test(tests, measure_tells_the_size_before, 0, form_count * SOURCES);
  tcase_add_loop_test(tests, an_empty_disk_reads_as_zeros, 0, form_count);
  tcase_add_loop_test(tests, nothing_remains_without_a_commit, 0, form_count);
  return suite;
}

VMF_TEST_MAIN(suite)
