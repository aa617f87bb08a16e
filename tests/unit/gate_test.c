/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What passes the gate of a package is what was opened, not what has its name by then. */
#include "gate.h"

#include "check_main.h"
#include "digest.h"
#include "scratch.h"

enum { SIZE = 4096 };

static struct vmf_error error;
static struct vmf_package *package;
static struct vmf_gate gate;

static const char descriptor[] =
    "<Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\" "
    "xmlns:ovf=\"http://schemas.dmtf.org/ovf/envelope/1\">"
    "<References><File ovf:id=\"file\" ovf:href=\"disk.img\"/></References>"
    "<DiskSection><Info/><Disk ovf:diskId=\"disk\" ovf:fileRef=\"file\" ovf:capacity=\"4096\" "
    "ovf:format=\"raw\"/></DiskSection>"
    "<VirtualSystem ovf:id=\"vm\"><Info/></VirtualSystem></Envelope>";

static void add_line(FILE *manifest, const char *name, const void *bytes, size_t length)
{
  uint8_t digest[VMF_DIGEST_MAX];
  char digits[2 * VMF_DIGEST_MAX + 1];

  ck_assert_int_eq(vmf_digest_bytes(VMF_SHA256, bytes, length, digest, &error), VMF_OK);
  vmf_digest_text(digest, VMF_SHA256_BYTES, digits);
  fprintf(manifest, "SHA256(%s)= %s\n", name, digits);
}

static void write_disk(const char *name, int byte)
{
  uint8_t bytes[SIZE];

  memset(bytes, byte, sizeof bytes);
  scratch_write(name, bytes, sizeof bytes);
}

/* A package whose manifest is of a disk of 'g'; the disk that is there is of `byte`. */
static void lay_out(int byte)
{
  uint8_t good[SIZE];
  FILE *manifest = fopen("vm.mf", "w");

  memset(good, 'g', sizeof good);
  scratch_text("vm.ovf", descriptor);
  add_line(manifest, "vm.ovf", descriptor, strlen(descriptor));
  add_line(manifest, "disk.img", good, sizeof good);
  ck_assert_int_eq(fclose(manifest), 0);
  write_disk("disk.img", byte);
  ck_assert_int_eq(vmf_package_open("vm.ovf", NULL, &package, &error), VMF_OK);
  ck_assert_int_eq(vmf_gate_new(package, NULL, &gate, &error), VMF_OK);
  ck_assert_int_eq(vmf_gate_file(&gate, &package->ovf->files[0], &error), VMF_OK);
}

static void leave(void)
{
  vmf_gate_clear(&gate);
  vmf_package_close(package);
}

static enum vmf_code pass_disk(int byte, bool replaced)
{
  struct vmf_image *image;

  lay_out(byte);
  ck_assert_int_eq(vmf_package_open_image(package, &package->ovf->disks[0], NULL, &image, &error),
                   VMF_OK);
  ck_assert_int_eq(vmf_gate_image(&gate, image, &error), VMF_OK);
  write_disk("other.img", 'g');
  ck_assert(!replaced || rename("other.img", "disk.img") == 0);
  enum vmf_code code = vmf_gate_pass(&gate, VMF_OK, &error);
  vmf_image_close(image);
  leave();
  return code;
}

START_TEST(a_disk)
{
  ck_assert_int_eq(pass_disk('g', false), VMF_OK);
  ck_assert_int_eq(pass_disk('b', false), VMF_DIFFERENT);
}
END_TEST

START_TEST(a_disk_that_was_replaced_by_the_right_one)
{
  ck_assert_int_eq(pass_disk('b', true), VMF_CHANGED);
  ck_assert_ptr_nonnull(strstr(error.text, "disk.img: another file took its name"));
}
END_TEST

START_TEST(a_file_that_is_hashed_later_and_was_replaced)
{
  struct vmf_io *io;

  lay_out('b');
  ck_assert_int_eq(vmf_package_open_stored(package, "disk.img", &io, &error), VMF_OK);
  ck_assert_int_eq(vmf_gate_later(&gate, io, &error), VMF_OK);
  write_disk("other.img", 'g');
  ck_assert_int_eq(rename("other.img", "disk.img"), 0);
  ck_assert_int_eq(vmf_gate_pass(&gate, VMF_OK, &error), VMF_CHANGED);
  vmf_io_close(io);
  leave();
}
END_TEST

static Suite *make_suite(void)
{
  Suite *suite = suite_create("gate");
  TCase *group = tcase_create("gate");

  tcase_add_checked_fixture(group, scratch_enter, scratch_leave);
  tcase_add_test(group, a_disk);
  tcase_add_test(group, a_disk_that_was_replaced_by_the_right_one);
  tcase_add_test(group, a_file_that_is_hashed_later_and_was_replaced);
  suite_add_tcase(suite, group);
  return suite;
}

VMF_TEST_MAIN(make_suite)
