/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Who holds an image is noticed, and what we hold is noticed by others. */
#include "locks.h"

#include <sys/wait.h>

#include "check_main.h"
#include "file.h"
#include "scratch.h"

static struct vmf_error error;

/* Another program's descriptor with shared locks on these bytes (0 ends the list). */
static int hold(const char *path, const int *bytes)
{
  int number = open(path, O_RDWR | O_CLOEXEC);
  ck_assert_int_ge(number, 0);
  for (; *bytes; bytes++) {
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = *bytes, .l_len = 1};
    ck_assert_int_eq(fcntl(number, F_OFD_SETLK, &lock), 0);
  }
  return number;
}

static enum vmf_code ask(const char *path, bool for_writing)
{
  int number = open(path, O_RDONLY | O_CLOEXEC);
  ck_assert_int_ge(number, 0);
  enum vmf_code code = vmf_locks_check(number, path, for_writing, &error);
  close(number);
  return code;
}

static const struct {
  const char *what;
  int bytes[8];
  enum vmf_code reading, writing;
} holders[] = {
    {"nobody", {0}, VMF_OK, VMF_OK},
    {"a running machine", {100, 101, 103, 201, 203, 0}, VMF_IN_USE, VMF_IN_USE},
    {"a reader", {100, 201, 203, 0}, VMF_OK, VMF_IN_USE},
    {"a reader that shares writing", {100, 0}, VMF_OK, VMF_IN_USE},
    {"one that allows no reader", {200, 0}, VMF_IN_USE, VMF_IN_USE},
    {"somebody with other bytes", {1, 99, 104, 300, 0}, VMF_OK, VMF_OK},
};

START_TEST(qemu_locks_are_understood)
{
  scratch_text("disk.img", "x");
  int number = hold("disk.img", holders[_i].bytes);
  ck_assert_msg(ask("disk.img", false) == holders[_i].reading, "%s", holders[_i].what);
  ck_assert_msg(ask("disk.img", true) == holders[_i].writing, "%s", holders[_i].what);
  close(number);
  ck_assert_int_eq(ask("disk.img", true), VMF_OK);
}
END_TEST

START_TEST(message_names_file_holder_and_way_out)
{
  scratch_text("disk.img", "x");
  int number = hold("disk.img", (const int[]){101, 0});
  ck_assert_int_eq(ask("disk.img", false), VMF_IN_USE);
  ck_assert_str_eq(error.text,
                   "disk.img: a running machine or another program holds it (QEMU's lock on byte "
                   "101); stop it, or use -U to read it all the same");
  close(number);
}
END_TEST

START_TEST(open_source_is_held_until_it_is_closed)
{
  struct vmf_io *first = NULL, *second = NULL;
  scratch_text("disk.img", "x");
  ck_assert_int_eq(vmf_io_open_file("disk.img", true, &first, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_open_file("disk.img", true, &second, &error), VMF_OK);
  vmf_io_close(first);
  ck_assert_int_eq(ask("disk.img", true), VMF_IN_USE);
  vmf_io_close(second);
  ck_assert_int_eq(ask("disk.img", true), VMF_OK);
}
END_TEST

START_TEST(override_reads_what_is_held)
{
  struct vmf_io *io = NULL;
  scratch_text("disk.img", "x");
  int number = hold("disk.img", holders[1].bytes);
  ck_assert_int_eq(vmf_io_open_file("disk.img", true, &io, &error), VMF_IN_USE);
  ck_assert_int_eq(vmf_io_open_file("disk.img", false, &io, &error), VMF_OK);
  vmf_io_close(io);
  close(number);
}
END_TEST

/* A program with its standard input and output on pipes. */
struct child {
  pid_t pid;
  int in, out;
};

static struct child start(const char *const *arguments)
{
  int in[2], out[2];
  ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
  ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    dup2(open("/dev/null", O_WRONLY), 2);
    execvp(arguments[0], (char *const *)arguments);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  return (struct child){pid, in[1], out[0]};
}

static int stop(struct child child)
{
  int status;
  close(child.in);
  close(child.out);
  waitpid(child.pid, &status, 0);
  return WEXITSTATUS(status);
}

static bool have_qemu_io(void)
{
  static const char *const arguments[] = {"qemu-io", "--version", NULL};
  char text[512];
  struct child child = start(arguments);
  while (read(child.out, text, sizeof text) > 0) {
  }
  return stop(child) == 0;
}

START_TEST(running_qemu_is_noticed_and_kept_out)
{
  static const char *const arguments[] = {"qemu-io", "-f", "raw", "disk.img", NULL};
  static char content[1 << 20];
  char text[64];
  struct vmf_io *io = NULL;
  if (!have_qemu_io())
    return;
  scratch_write("disk.img", content, sizeof content);
  struct child child = start(arguments);
  ck_assert_int_gt(read(child.out, text, sizeof text), 0); /* its prompt: the image is open */
  ck_assert_int_eq(ask("disk.img", false), VMF_IN_USE);
  ck_assert_int_eq(ask("disk.img", true), VMF_IN_USE);
  ck_assert_int_eq(stop(child), 0);
  ck_assert_int_eq(vmf_io_open_file("disk.img", true, &io, &error), VMF_OK);
  child = start(arguments);
  while (read(child.out, text, sizeof text) > 0) {
  }
  ck_assert_int_eq(stop(child), 1);
  vmf_io_close(io);
}
END_TEST

START_TEST(vmware_locks_are_noticed)
{
  scratch_text("disk.vmdk", "x");
  ck_assert_int_eq(mkdir("disk.vmdk.lck", 0700), 0);
  ck_assert_int_eq(ask("disk.vmdk", false), VMF_OK); /* the empty folder stays behind */
  scratch_text("disk.vmdk.lck/M12345.lck", "x");
  ck_assert_int_eq(ask("disk.vmdk", false), VMF_IN_USE);
  ck_assert_str_eq(error.text,
                   "disk.vmdk: a running machine or another program holds it (lock "
                   "disk.vmdk.lck/M12345.lck); stop it, or use -U to read it all the same");
  ck_assert_int_eq(symlink("disk.vmdk", "link.vmdk"), 0);
  ck_assert_int_eq(ask("link.vmdk", true), VMF_IN_USE);
  ck_assert_int_eq(vmf_locks_check(-1, "disk.vmdk", true, &error), VMF_IN_USE);
}
END_TEST

START_TEST(other_forms_of_vmware_locks)
{
  scratch_text("disk.vmdk", "x");
  scratch_text("disk.vhdx", "x");
  scratch_text("other.vmdk", "x");
  scratch_text("disk.lck", "x");
  scratch_text("other.vmdk.lck", "x");
  ck_assert_int_eq(ask("disk.vmdk", false), VMF_IN_USE);
  ck_assert_int_eq(ask("other.vmdk", false), VMF_IN_USE);
  ck_assert_int_eq(ask("disk.vhdx", false), VMF_OK);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("locks");
  TCase *tests = tcase_create("locks");
  tcase_add_checked_fixture(tests, scratch_enter, scratch_leave);
  tcase_add_loop_test(tests, qemu_locks_are_understood, 0, sizeof holders / sizeof holders[0]);
  tcase_add_test(tests, message_names_file_holder_and_way_out);
  tcase_add_test(tests, open_source_is_held_until_it_is_closed);
  tcase_add_test(tests, override_reads_what_is_held);
  tcase_add_test(tests, running_qemu_is_noticed_and_kept_out);
  tcase_add_test(tests, vmware_locks_are_noticed);
  tcase_add_test(tests, other_forms_of_vmware_locks);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
