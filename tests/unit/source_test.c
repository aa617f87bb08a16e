/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Images whose bytes the caller has open, files of packages, and values as JSON. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmferry.h"

#include "check_main.h"
#include "scratch.h"

static struct vmf_error error;
static struct vmf_image *image;

#define DONE(call) ck_assert_msg((call) == VMF_OK, "%s", error.text)

enum { BYTES = 1 << 20, DATA_END = 4096 };

static struct {
  enum vmf_code code;  /* that reading answers */
  const char *text;    /* the error's; or NULL */
  uint64_t start, end; /* that next_data answers */
  int closed;
} given;

static enum vmf_code give(void *data, void *buffer, size_t length, uint64_t offset,
                          struct vmf_error *told)
{
  ck_assert_ptr_eq(data, &given);
  ck_assert(length > 0 && offset + length <= BYTES);
  for (size_t i = 0; i < length; i++)
    ((char *)buffer)[i] = offset + i < DATA_END ? (char)(offset + i) : 0;
  if (given.text)
    strcpy(told->text, given.text);
  return given.code;
}

static enum vmf_code next(void *data, uint64_t offset, uint64_t *start, uint64_t *end,
                          struct vmf_error *told)
{
  (void)data, (void)told, (void)offset;
  *start = given.start;
  *end = given.end;
  return VMF_OK;
}

static void closed(void *data)
{
  ck_assert_ptr_eq(data, &given);
  given.closed++;
}

static struct vmf_source source;
static const struct vmf_image_options raw = {.size = sizeof raw, .format = "raw"};

static void enter(void)
{
  memset(&given, 0, sizeof given);
  source = (struct vmf_source){.size = sizeof source,
                               .name = "given",
                               .bytes = BYTES,
                               .read = give,
                               .close = closed,
                               .data = &given};
  scratch_enter();
}

static void leave(void)
{
  vmf_image_close(image);
  image = NULL;
  scratch_leave();
}

START_TEST(bytes_of_a_source_are_the_disk)
{
  unsigned char bytes[DATA_END];

  DONE(vmf_image_open_source(&source, &raw, &image, &error));
  memset(&source, 0, sizeof source); /* need not live on */
  ck_assert_uint_eq(vmf_image_size(image), BYTES);
  ck_assert_str_eq(vmf_image_path(image), "given");
  DONE(vmf_image_pread(image, bytes, 100, 1000, &error));
  for (size_t i = 0; i < 100; i++)
    ck_assert_uint_eq(bytes[i], (1000 + i) & 0xff);
  DONE(vmf_image_unchanged(image, &error));
  ck_assert_int_eq(given.closed, 0);
  vmf_image_close(image);
  image = NULL;
  ck_assert_int_eq(given.closed, 1);
}
END_TEST

START_TEST(a_source_fails_with_its_own_words)
{
  char byte;

  DONE(vmf_image_open_source(&source, &raw, &image, &error));
  given.code = VMF_TEMPORARY;
  given.text = "the tape is rewound";
  ck_assert_int_eq(vmf_image_pread(image, &byte, 1, 77, &error), VMF_TEMPORARY);
  ck_assert_str_eq(error.text, "guest byte 77: given: byte 77: the tape is rewound");
  given.text = NULL;
  ck_assert_int_eq(vmf_image_pread(image, &byte, 1, 77, &error), VMF_TEMPORARY);
  ck_assert_ptr_nonnull(strstr(error.text, "given: byte 77: "));
}
END_TEST

START_TEST(holes_of_a_source_are_holes)
{
  struct vmf_extent extent = {.size = sizeof extent};

  source.next_data = next;
  given.start = 0;
  given.end = DATA_END;
  DONE(vmf_image_open_source(&source, &raw, &image, &error));
  DONE(vmf_image_extent(image, 0, BYTES, &extent, &error));
  ck_assert(extent.data && extent.length == DATA_END);
  given.start = given.end = BYTES;
  DONE(vmf_image_extent(image, DATA_END, BYTES, &extent, &error));
  ck_assert(extent.zero && extent.length == BYTES - DATA_END);
}
END_TEST

/* ---- a file whose holes are none ---- */

static const struct sparse {
  const char *format;
  uint64_t at; /* of its only data: behind tables that are looked at together */
} sparse[] = {{"vmdk", UINT64_C(32) << 20}, {"vhdx", UINT64_C(1) << 30}};

static enum vmf_code give_file(void *data, void *buffer, size_t length, uint64_t offset,
                               struct vmf_error *told)
{
  (void)told;
  return pread(*(int *)data, buffer, length, (off_t)offset) == (ssize_t)length ? VMF_OK
                                                                               : VMF_SYSTEM;
}

static void make_sparse(const struct sparse *made)
{
  const struct vmf_target_options options = {.size = sizeof options, .format = made->format};
  const struct vmf_job_options job = {.size = sizeof job};
  struct vmf_target *target;
  int file = open("a.raw", O_RDWR | O_CREAT, 0600);

  ck_assert(ftruncate(file, (off_t)made->at + 4096) == 0);
  ck_assert(pwrite(file, "data", 4, (off_t)made->at) == 4);
  close(file);
  DONE(vmf_image_open("a.raw", &raw, &image, &error));
  DONE(vmf_target_create("b.disk", vmf_image_size(image), &options, &target, &error));
  DONE(vmf_convert(image, target, &job, NULL, &error));
  DONE(vmf_target_commit(target, &error));
  vmf_target_close(target);
  vmf_image_close(image);
}

START_TEST(holes_that_are_not_trusted_are_read)
{
  const struct sparse *made = &sparse[_i];
  const struct vmf_image_options options = {
      .size = sizeof options, .format = made->format, .read_all = true};
  struct vmf_extent extent = {.size = sizeof extent};
  char bytes[4];

  make_sparse(made);
  int file = open("b.disk", O_RDONLY);
  source.read = give_file;
  source.next_data = next;
  source.close = NULL;
  source.data = &file;
  given.start = given.end = source.bytes = (uint64_t)lseek(file, 0, SEEK_END);
  DONE(vmf_image_open_source(&source, &options, &image, &error));
  DONE(vmf_image_extent(image, 0, UINT64_MAX, &extent, &error));
  ck_assert_uint_le(extent.length, made->at);
  DONE(vmf_image_pread(image, bytes, sizeof bytes, made->at, &error));
  ck_assert_mem_eq(bytes, "data", sizeof bytes);
  close(file);
}
END_TEST

static const struct {
  uint64_t start, end;
} nonsense[] = {{0, 100}, {600, 600}, {700, 600}, {600, BYTES + 1}, {BYTES + 1, BYTES + 1}};

START_TEST(nonsense_of_a_source_is_refused)
{
  struct vmf_extent extent = {.size = sizeof extent};

  source.next_data = next;
  given.end = BYTES;
  DONE(vmf_image_open_source(&source, &raw, &image, &error));
  given.start = nonsense[_i].start;
  given.end = nonsense[_i].end;
  ck_assert_int_eq(vmf_image_extent(image, 512, BYTES, &extent, &error), VMF_USAGE);
  ck_assert_ptr_nonnull(strstr(error.text, "given: data behind byte 512"));
}
END_TEST

START_TEST(a_source_that_is_not_opened_is_closed)
{
  const struct vmf_image_options qcow2 = {.size = sizeof qcow2, .format = "qcow2"};

  ck_assert_int_ne(vmf_image_open_source(&source, &qcow2, &image, &error), VMF_OK);
  ck_assert_ptr_null(image);
  ck_assert_int_eq(given.closed, 1);
}
END_TEST

/* An overlay names its base, for which there is no folder. */
START_TEST(what_is_given_open_names_no_files)
{
  struct vmf_target_options options = {.size = sizeof options, .format = "qcow2"};
  struct vmf_image *base = NULL;
  struct vmf_target *target;

  DONE(vmf_image_open_source(&source, &raw, &image, &error));
  DONE(vmf_target_create(
      "base.raw", BYTES,
      &(struct vmf_target_options){.size = sizeof options, .format = "raw", .source = image},
      &target, &error));
  DONE(vmf_convert(image, target, NULL, NULL, &error));
  DONE(vmf_target_commit(target, &error));
  vmf_target_close(target);
  DONE(vmf_image_open("base.raw", &raw, &base, &error));
  options.backing_path = "base.raw";
  options.backing_format = "raw";
  options.backing = base;
  DONE(vmf_target_create("overlay.qcow2", BYTES, &options, &target, &error));
  DONE(vmf_convert(NULL, target, NULL, NULL, &error));
  DONE(vmf_target_commit(target, &error));
  vmf_target_close(target);
  vmf_image_close(base);
  vmf_image_close(image);
  image = NULL;
  int file = open("overlay.qcow2", O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq(vmf_image_open_descriptor(file, NULL, NULL, &image, &error), VMF_REFUSED);
  ck_assert_ptr_nonnull(strstr(error.text, "base.raw"));
  ck_assert_ptr_null(image);
  close(file);
}
END_TEST

START_TEST(a_descriptor_stays_its_callers)
{
  char byte = 'x';

  scratch_write("disk.raw", "some bytes of a disk", 20);
  int file = open("disk.raw", O_RDONLY | O_CLOEXEC);
  DONE(vmf_image_open_descriptor(file, "named", &raw, &image, &error));
  ck_assert_uint_eq(vmf_image_size(image), 20);
  ck_assert_str_eq(vmf_image_path(image), "named");
  vmf_image_close(image);
  ck_assert_int_eq(pread(file, &byte, 1, 0), 1);
  DONE(vmf_image_open_descriptor(file, NULL, &raw, &image, &error));
  close(file);
  DONE(vmf_image_pread(image, &byte, 1, 5, &error));
  ck_assert_int_eq(byte, 'b');
}
END_TEST

START_TEST(a_pipe_is_no_descriptor_of_an_image)
{
  int ends[2];

  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(vmf_image_open_descriptor(ends[0], NULL, &raw, &image, &error), VMF_REFUSED);
  close(ends[0]);
  close(ends[1]);
  ck_assert_int_eq(vmf_image_open_descriptor(ends[0], NULL, &raw, &image, &error), VMF_USAGE);
}
END_TEST

static const char descriptor[] =
    "<?xml version=\"1.0\"?><Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\" "
    "xmlns:ovf=\"http://schemas.dmtf.org/ovf/envelope/1\"><References>"
    "<File ovf:id=\"f1\" ovf:href=\"disk.raw\"/>"
    "<File ovf:id=\"f2\" ovf:href=\"read%20me.txt\" ovf:size=\"5\"/></References>"
    "<DiskSection><Info>d</Info><Disk ovf:diskId=\"d\" ovf:fileRef=\"f1\" ovf:capacity=\"512\" "
    "ovf:format=\"http://example.org/raw\"/></DiskSection>"
    "<VirtualSystem ovf:id=\"vm\"><Info>v</Info></VirtualSystem></Envelope>";

static struct vmf_package *open_package(const char *manifest)
{
  struct vmf_package *package;

  scratch_text("vm.ovf", descriptor);
  scratch_write("disk.raw", "x", 1);
  scratch_text("read me.txt", "hello");
  if (manifest)
    scratch_text("vm.mf", manifest);
  DONE(vmf_package_open("vm.ovf", NULL, &package, &error));
  return package;
}

START_TEST(files_of_a_package_are_read)
{
  struct vmf_package *package = open_package(NULL);
  struct vmf_package_file file = {.size = sizeof file};
  char text[5];

  ck_assert(vmf_package_file(package, 0, &file));
  ck_assert(file.disk && !file.bytes_known);
  ck_assert(vmf_package_file(package, 1, &file));
  ck_assert_str_eq(file.name, "read%20me.txt");
  ck_assert_str_eq(file.id, "f2");
  ck_assert(!file.disk && file.bytes_known && file.bytes == 5);
  ck_assert(!vmf_package_file(package, 2, &file));
  static const char *const names[] = {"f2", "read%20me.txt", "read me.txt"};
  for (size_t i = 0; i < 3; i++) {
    DONE(vmf_package_open_file(package, names[i], NULL, &image, &error));
    ck_assert_uint_eq(vmf_image_size(image), 5);
    DONE(vmf_image_pread(image, text, 5, 0, &error));
    ck_assert_mem_eq(text, "hello", 5);
    vmf_image_close(image);
  }
  ck_assert_int_eq(vmf_package_open_file(package, "none", NULL, &image, &error), VMF_USAGE);
  vmf_package_close(package);
}
END_TEST

/* As for disks, the manifest counts. */
START_TEST(an_altered_file_of_a_package_is_refused)
{
  struct vmf_package *package =
      open_package("SHA1(read me.txt)= 0000000000000000000000000000000000000000\n");
  const struct vmf_package_trust any = {.size = sizeof any, .no_verify = true};
  const struct vmf_image_options options = {.size = sizeof options, .trust = &any};

  ck_assert_int_eq(vmf_package_open_file(package, "f2", NULL, &image, &error), VMF_DIFFERENT);
  ck_assert_ptr_null(image);
  DONE(vmf_package_open_file(package, "f2", &options, &image, &error));
  vmf_package_close(package); /* the file stays open */
  ck_assert_uint_eq(vmf_image_size(image), 5);
}
END_TEST

START_TEST(values_are_written_as_json)
{
  struct vmf_value number = {.kind = VMF_VALUE_UINT, .name = (char *)"n", .number = UINT64_MAX};
  struct vmf_value yes = {.kind = VMF_VALUE_BOOL, .number = 1};
  struct vmf_value list = {
      .kind = VMF_VALUE_LIST, .name = (char *)"l", .first = &yes, .last = &yes, .next = &number};
  struct vmf_value text = {.kind = VMF_VALUE_TEXT,
                           .name = (char *)"\"",
                           .text = (char *)"a\\b\n\x1b\xc3\xa4\xf0\x9f\x98\x80\xff",
                           .next = &list};
  struct vmf_value root = {.kind = VMF_VALUE_OBJECT, .first = &text, .last = &number};
  char *json;

  DONE(vmf_value_json(&root, &json, &error));
  ck_assert_str_eq(json, "{\"\\\"\": \"a\\\\b\\u000a\\u001b\\u00e4\\ud83d\\ude00\\ufffd\", "
                         "\"l\": [true], \"n\": 18446744073709551615}");
  free(json);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("source");
  TCase *tests = tcase_create("source");

  tcase_add_checked_fixture(tests, enter, leave);
  tcase_add_test(tests, bytes_of_a_source_are_the_disk);
  tcase_add_test(tests, a_source_fails_with_its_own_words);
  tcase_add_test(tests, holes_of_a_source_are_holes);
  tcase_add_loop_test(tests, holes_that_are_not_trusted_are_read, 0,
                      (int)(sizeof sparse / sizeof sparse[0]));
  tcase_add_loop_test(tests, nonsense_of_a_source_is_refused, 0,
                      (int)(sizeof nonsense / sizeof nonsense[0]));
  tcase_add_test(tests, a_source_that_is_not_opened_is_closed);
  tcase_add_test(tests, what_is_given_open_names_no_files);
  tcase_add_test(tests, a_descriptor_stays_its_callers);
  tcase_add_test(tests, a_pipe_is_no_descriptor_of_an_image);
  tcase_add_test(tests, files_of_a_package_are_read);
  tcase_add_test(tests, an_altered_file_of_a_package_is_refused);
  tcase_add_test(tests, values_are_written_as_json);
  suite_add_tcase(made, tests);
  return made;
}

VMF_TEST_MAIN(suite)
