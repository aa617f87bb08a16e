/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Several disks behind each other in one archive, by what the format gives for that: each disk
 * comes out again. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "container.h"
#include "file.h"
#include "image.h"
#include "memory.h"
#include "output.h"
#include "target.h"
#include "view.h"

enum { DISKS = 3 };

static struct vmf_error error;
static const uint64_t sizes[DISKS] = {540672, (5 << 20) + 1536, 512};
static const struct vmf_container_disk disks[DISKS] = {
    {.id = "drive-efidisk0", .size = 540672},
    {.id = "drive-scsi0", .size = (5 << 20) + 1536},
    {.name = "drive-scsi1", .size = 512},
};
static const struct vmf_contents contents = {.disks = disks,
                                             .disk_count = DISKS,
                                             .text_name = "qemu-server.conf",
                                             .text = "name: x\n",
                                             .text_length = 8};
static const uint8_t id[VMF_GUID_SIZE] = "archive of tests";

static struct vmf_image *open_disk(const char *path, const char *format, const char *disk)
{
  const struct vmf_image_options options = {.size = sizeof options, .format = format, .disk = disk};
  struct vmf_image *image;

  ck_assert_msg(vmf_image_open(path, &options, &image, &error) == VMF_OK, "%s", error.text);
  return image;
}

/* Noise in every third 100,000 bytes. */
static void make_disks(void)
{
  static uint8_t noise[100000];
  uint32_t state = 1;

  for (unsigned i = 0; i < DISKS; i++) {
    char name[] = "0.raw";
    name[0] = (char)('0' + i);
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(ftruncate(file, (off_t)sizes[i]), 0);
    for (uint64_t at = 0; at < sizes[i]; at += 3 * sizeof noise) {
      size_t length = sizes[i] - at < sizeof noise ? (size_t)(sizes[i] - at) : sizeof noise;
      for (size_t j = 0; j < length; j++)
        noise[j] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
      ck_assert_int_eq(pwrite(file, noise, length, (off_t)at), (ssize_t)length);
    }
    close(file);
  }
}

static void write_disk(struct vmf_io *archive, unsigned disk)
{
  const struct vmf_container_writer *writer = vmf_format_find("vma")->container_writer;
  char name[] = "0.raw", *text;
  struct vmf_io *part;
  struct vmf_target *target;
  const struct vmf_job_options job = {.size = sizeof job, .threads = 2, .sparse_size = 4096};
  struct vmf_job_result result = {.size = sizeof result};

  name[0] = (char)('0' + disk);
  struct vmf_image *image = open_disk(name, "raw", NULL);
  ck_assert_int_eq(writer->options(&contents, disk, id, &text, &error), VMF_OK);
  const struct vmf_target_options options = {
      .size = sizeof options, .format = "vma", .options = text, .source = image};
  ck_assert_int_eq(vmf_io_inset(archive, archive->size, "part", &part, &error), VMF_OK);
  ck_assert_msg(vmf_target_create_in(part, "part", NULL, sizes[disk], &options, &target, &error) ==
                    VMF_OK,
                "%s", error.text);
  ck_assert_msg(vmf_convert(image, target, &job, &result, &error) == VMF_OK, "%s", error.text);
  vmf_target_close(target);
  vmf_io_close(part);
  vmf_image_close(image);
  vmf_free(text);
}

static void write_archive(struct vmf_io *archive)
{
  const struct vmf_container_writer *writer = vmf_format_find("vma")->container_writer;

  ck_assert_msg(writer->begin(archive, &contents, id, 1700000000, &error) == VMF_OK, "%s",
                error.text);
  for (unsigned i = 0; i < DISKS; i++)
    write_disk(archive, i);
}

static void compare_disk(const char *archive, unsigned disk)
{
  char name[] = "0.raw";
  struct vmf_job_result result = {.size = sizeof result};

  name[0] = (char)('0' + disk);
  struct vmf_image *expected = open_disk(name, "raw", NULL);
  struct vmf_image *found =
      open_disk(archive, "vma", disks[disk].id ? disks[disk].id : disks[disk].name);
  ck_assert_msg(vmf_compare(expected, found, NULL, &result, &error) == VMF_OK, "%s", error.text);
  ck_assert(result.identical);
  ck_assert_uint_eq(vmf_image_size(found), sizes[disk]);
  vmf_image_close(expected);
  vmf_image_close(found);
}

START_TEST(several_disks_are_written)
{
  char folder[] = "/tmp/vmferry-vma-write-XXXXXX";
  struct vmf_io *memory;
  void *bytes;

  ck_assert_ptr_nonnull(mkdtemp(folder));
  ck_assert_int_eq(chdir(folder), 0);
  make_disks();
  ck_assert_int_eq(vmf_io_memory("a.vma", NULL, 0, &memory, &error), VMF_OK);
  write_archive(memory);
  ck_assert_int_eq(vmf_alloc((size_t)memory->size, &bytes, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_pread(memory, bytes, (size_t)memory->size, 0, &error), VMF_OK);
  int file = open("a.vma", O_RDWR | O_CREAT, 0600);
  ck_assert_int_eq(write(file, bytes, (size_t)memory->size), (ssize_t)memory->size);
  close(file);
  for (unsigned i = 0; i < DISKS; i++)
    compare_disk("a.vma", i);
  vmf_free(bytes);
  vmf_io_close(memory);
  unlink("a.vma");
  unlink("0.raw");
  unlink("1.raw");
  unlink("2.raw");
  ck_assert_int_eq(chdir("/"), 0);
  rmdir(folder);
}
END_TEST

static enum vmf_code begin_with(const struct vmf_contents *wrong)
{
  struct vmf_io *io;

  ck_assert_int_eq(vmf_io_memory("a.vma", NULL, 0, &io, &error), VMF_OK);
  enum vmf_code code =
      vmf_format_find("vma")->container_writer->begin(io, wrong, id, 1700000000, &error);
  ck_assert_uint_eq(io->size, code == VMF_OK ? 12800 : 0);
  vmf_io_close(io);
  return code;
}

START_TEST(contents_that_an_archive_cannot_hold_are_refused)
{
  static const struct vmf_container_disk slash = {.id = "a/b", .size = 1},
                                         none = {.id = "a", .size = 0}, nameless = {.size = 1},
                                         huge = {.id = "a", .size = (UINT64_C(1) << 48) + 1};
  const struct vmf_container_disk *const wrong[] = {&slash, &none, &nameless, &huge};

  ck_assert_int_eq(begin_with(&contents), VMF_OK);
  for (unsigned i = 0; i < 4; i++) {
    const struct vmf_contents one = {.disks = wrong[i], .disk_count = 1};
    ck_assert_int_eq(begin_with(&one), VMF_UNSUPPORTED);
  }
  struct vmf_contents other = contents;
  other.text_length = 65536;
  ck_assert_int_eq(begin_with(&other), VMF_UNSUPPORTED);
  other = contents;
  other.disk_count = 0;
  ck_assert_int_eq(begin_with(&other), VMF_UNSUPPORTED);
}
END_TEST

static Suite *vma_write_suite(void)
{
  Suite *suite = suite_create("vma_write");
  TCase *tests = tcase_create("vma_write");

  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, several_disks_are_written);
  tcase_add_test(tests, contents_that_an_archive_cannot_hold_are_refused);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(vma_write_suite)
