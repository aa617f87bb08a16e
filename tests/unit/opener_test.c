/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which names from an image are opened, with openat2 and on systems without it. */
#include "opener.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "check_main.h"
#include "scratch.h"

static struct vmf_error error;

/* From here on openat2 does not exist in this process; but where qemu-user runs it, which has no
 * filters. */
static void lose_openat2(int number)
{
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)number),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = 4, .filter = filter};
  ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ck_assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 || errno == EINVAL);
}

/* Runs of the loop tests: as the system is, and with the fallback. */
static void begin(int run)
{
  if (run == 1)
    lose_openat2(ENOSYS);
  if (run == 2)
    lose_openat2(EPERM);
}

enum { RUNS = 3 };

/*   vm/disk.qcow2, the image     vm/base.img, vm/sub/part.img     out/secret.img
 *   vm/in -> sub/part.img        vm/dir -> sub                    vm/round -> ../vm/base.img
 *   vm/abs -> /.../vm/base.img   vm/out -> ../out/secret.img      vm/outdir -> ../out
 *   vm/loop -> loop              vm/fifo, vm/socket               alias -> vm */
static void lay_out(void)
{
  char path[8192];
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "vm/socket"};
  scratch_enter();
  mkdir("vm", 0700);
  mkdir("vm/sub", 0700);
  mkdir("out", 0700);
  scratch_text("vm/disk.qcow2", "image");
  scratch_text("vm/base.img", "base");
  scratch_text("vm/sub/part.img", "part");
  scratch_text("out/secret.img", "secret");
  scratch_text("vm/nbd:host", "trap");
  snprintf(path, sizeof path, "%s/vm/base.img", scratch_folder);
  int failed = symlink("sub/part.img", "vm/in") | symlink("sub", "vm/dir") |
               symlink("../vm/base.img", "vm/round") | symlink(path, "vm/abs") |
               symlink("../out/secret.img", "vm/out") | symlink("../out", "vm/outdir") |
               symlink("loop", "vm/loop") | symlink("vm", "alias") | mkfifo("vm/fifo", 0600);
  int number = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  failed |= bind(number, (struct sockaddr *)&address, sizeof address);
  close(number);
  ck_assert_int_eq(failed, 0);
}

/* The content of what the image at `image` calls `name`, or the code of the refusal. */
static enum vmf_code try_name(const char *image, const char *name, const char *const *allowed,
                              char content[16], char *io_name)
{
  struct vmf_io *io = NULL;
  memset(content, 0, 16);
  enum vmf_code code = vmf_open_reference(image, name, allowed, true, &io, &error);
  if (code != VMF_OK)
    return code;
  code = vmf_io_pread(io, content, (size_t)io->size, 0, &error);
  if (io_name)
    strcpy(io_name, io->name);
  vmf_io_close(io);
  return code;
}

static void opens(const char *image, const char *name, const char *const *allowed,
                  const char *expected)
{
  char content[16];
  enum vmf_code code = try_name(image, name, allowed, content, NULL);
  ck_assert_msg(code == VMF_OK, "%s: %s", name, error.text);
  ck_assert_msg(strcmp(content, expected) == 0, "%s: found %s", name, content);
}

static void fails(const char *image, const char *name, const char *const *allowed,
                  enum vmf_code expected)
{
  char content[16];
  enum vmf_code code = try_name(image, name, allowed, content, NULL);
  ck_assert_msg(code == expected, "%s: code %d, %s %s", name, (int)code, content,
                code == VMF_OK ? "" : error.text);
}

START_TEST(files_beside_the_image_are_opened)
{
  char path[8192];
  begin(_i);
  opens("vm/disk.qcow2", "base.img", NULL, "base");
  opens("vm/disk.qcow2", "./base.img", NULL, "base");
  opens("vm/disk.qcow2", "sub//part.img", NULL, "part");
  opens("vm/disk.qcow2", "in", NULL, "part");
  opens("vm/disk.qcow2", "dir/part.img", NULL, "part");
  opens("vm/disk.qcow2", "round", NULL, "base");
  opens("vm/disk.qcow2", "abs", NULL, "base");
  snprintf(path, sizeof path, "%s/vm/sub/part.img", scratch_folder);
  opens("vm/disk.qcow2", path, NULL, "part");
  snprintf(path, sizeof path, "%s/./vm//base.img", scratch_folder);
  opens("vm/disk.qcow2", path, NULL, "base");
  ck_assert_int_eq(chdir("vm"), 0);
  opens("disk.qcow2", "base.img", NULL, "base");
  opens("./disk.qcow2", "sub/part.img", NULL, "part");
}
END_TEST

START_TEST(image_behind_a_linked_folder)
{
  char image[8192], name[8192];
  begin(_i);
  opens("alias/disk.qcow2", "base.img", NULL, "base");
  snprintf(image, sizeof image, "%s/alias/disk.qcow2", scratch_folder);
  snprintf(name, sizeof name, "%s/alias/base.img", scratch_folder);
  opens(image, name, NULL, "base");
  snprintf(name, sizeof name, "%s/vm/base.img", scratch_folder);
  opens(image, name, NULL, "base");
}
END_TEST

START_TEST(io_is_named_by_its_folder)
{
  char content[16], found[8192], expected[8192], name[8192];
  ck_assert_int_eq(try_name("vm/disk.qcow2", "sub/part.img", NULL, content, found), VMF_OK);
  ck_assert_str_eq(found, "vm/sub/part.img");
  snprintf(name, sizeof name, "%s//vm/base.img", scratch_folder);
  snprintf(expected, sizeof expected, "%s/vm/base.img", scratch_folder);
  ck_assert_int_eq(try_name("vm/disk.qcow2", name, NULL, content, found), VMF_OK);
  ck_assert_str_eq(found, expected);
  ck_assert_int_eq(chdir("vm"), 0);
  ck_assert_int_eq(try_name("disk.qcow2", "base.img", NULL, content, found), VMF_OK);
  ck_assert_str_eq(found, "base.img");
}
END_TEST

static const char *const refused[] = {
    "",
    "/etc/passwd",
    "../out/secret.img",
    "sub/../../out/secret.img",
    "sub/../base.img",
    "..",
    "out",
    "outdir/secret.img",
    "loop",
    "fifo",
    "socket",
    "sub",
    ".",
    "/",
    "/dev/zero",
    "json:{\"file\":{\"filename\":\"/etc/passwd\"}}",
    "nbd:localhost:10809",
    "nbd+tcp://localhost/x",
    "nbd:host",
    "fat:rw:/tmp",
    "host_device:/dev/sda",
    "http://example.org/x.img",
    "x y://z",
    "C:\\disks\\base.vhd",
    "base.img\n",
    "\x1b[2Jbase.img",
    "/proc/self/fd/0",
};

START_TEST(other_names_are_refused)
{
  begin(_i);
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
    fails("vm/disk.qcow2", refused[i], NULL, VMF_REFUSED);
}
END_TEST

START_TEST(sibling_folder_with_the_same_beginning)
{
  char path[8192];
  mkdir("vm2", 0700);
  scratch_text("vm2/secret.img", "secret");
  snprintf(path, sizeof path, "%s/vm2/secret.img", scratch_folder);
  fails("vm/disk.qcow2", path, NULL, VMF_REFUSED);
  const char *const allowed[] = {"vm2", NULL};
  opens("vm/disk.qcow2", path, allowed, "secret");
}
END_TEST

START_TEST(missing_file_is_told_with_the_folder)
{
  char expected[8192];
  begin(_i);
  fails("vm/disk.qcow2", "gone.img", NULL, VMF_CORRUPT);
  snprintf(expected, sizeof expected,
           "vm/disk.qcow2: names the file \"gone.img\", which is not in %s/vm", scratch_folder);
  ck_assert_str_eq(error.text, expected);
  fails("vm/disk.qcow2", "base.img/x", NULL, VMF_CORRUPT);
  fails("vm/disk.qcow2", "gone/x", NULL, VMF_CORRUPT);
}
END_TEST

START_TEST(refusal_names_the_way_out)
{
  fails("vm/disk.qcow2", "/etc/passwd", NULL, VMF_REFUSED);
  ck_assert_ptr_nonnull(strstr(error.text, "vm/disk.qcow2: refers to \"/etc/passwd\""));
  ck_assert_ptr_nonnull(strstr(error.text, "--allow-ref DIR"));
  fails("vm/disk.qcow2", "out", NULL, VMF_REFUSED);
  ck_assert_ptr_nonnull(strstr(error.text, "symlink"));
  ck_assert_ptr_nonnull(strstr(error.text, "--allow-ref DIR"));
  fails("vm/disk.qcow2", "a\033b", NULL, VMF_REFUSED);
  ck_assert_ptr_nonnull(strstr(error.text, "\"a\\x1bb\""));
}
END_TEST

START_TEST(endless_name_is_cut_in_the_message)
{
  char name[5000];
  memset(name, 'a', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  fails("vm/disk.qcow2", name, NULL, VMF_CORRUPT);
  ck_assert_ptr_nonnull(strstr(error.text, "aaa...\", which is not in"));
  for (size_t i = 0; i < sizeof name - 1; i += 2)
    name[i] = '\a';
  fails("vm/disk.qcow2", name, NULL, VMF_REFUSED);
  for (size_t i = 0; i < sizeof name - 1; i++)
    name[i] = i % 2 ? '/' : 'a';
  fails("vm/disk.qcow2", name, NULL, VMF_CORRUPT);
}
END_TEST

START_TEST(allowed_folder_opens_what_is_below_it)
{
  char folder[8192], path[8192];
  const char *const relative[] = {"nowhere", "out", NULL};
  const char *const absolute[] = {folder, NULL};
  const char *const everything[] = {"/", NULL};
  begin(_i);
  snprintf(folder, sizeof folder, "%s/out", scratch_folder);
  snprintf(path, sizeof path, "%s/out/secret.img", scratch_folder);
  for (int i = 0; i < 3; i++) {
    const char *const *allowed = i == 0 ? relative : i == 1 ? absolute : everything;
    opens("vm/disk.qcow2", path, allowed, "secret");
    opens("vm/disk.qcow2", "../out/secret.img", allowed, "secret");
    opens("vm/disk.qcow2", "out", allowed, "secret");
    opens("vm/disk.qcow2", "outdir/secret.img", allowed, "secret");
    opens("vm/disk.qcow2", "base.img", allowed, "base");
  }
  fails("vm/disk.qcow2", "/etc/passwd", absolute, VMF_REFUSED);
  fails("vm/disk.qcow2", "../out/../vm/../../x", absolute, VMF_REFUSED);
  fails("vm/disk.qcow2", "../out/gone.img", absolute, VMF_CORRUPT);
  fails("vm/disk.qcow2", "json:{}", everything, VMF_REFUSED);
  fails("vm/disk.qcow2", "/dev/zero", everything, VMF_REFUSED);
}
END_TEST

START_TEST(symlink_out_of_an_allowed_folder)
{
  const char *const allowed[] = {"out", NULL};
  mkdir("third", 0700);
  scratch_text("third/x.img", "third");
  ck_assert_int_eq(symlink("../third/x.img", "out/x.img"), 0);
  begin(_i);
  fails("vm/disk.qcow2", "../out/x.img", allowed, VMF_REFUSED);
  fails("vm/disk.qcow2", "outdir/x.img", allowed, VMF_REFUSED);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("opener");
  TCase *tests = tcase_create("opener");
  tcase_add_checked_fixture(tests, lay_out, scratch_leave);
  tcase_add_loop_test(tests, files_beside_the_image_are_opened, 0, RUNS);
  tcase_add_loop_test(tests, image_behind_a_linked_folder, 0, RUNS);
  tcase_add_test(tests, io_is_named_by_its_folder);
  tcase_add_loop_test(tests, other_names_are_refused, 0, RUNS);
  tcase_add_test(tests, sibling_folder_with_the_same_beginning);
  tcase_add_loop_test(tests, missing_file_is_told_with_the_folder, 0, RUNS);
  tcase_add_test(tests, refusal_names_the_way_out);
  tcase_add_test(tests, endless_name_is_cut_in_the_message);
  tcase_add_loop_test(tests, allowed_folder_opens_what_is_below_it, 0, RUNS);
  tcase_add_loop_test(tests, symlink_out_of_an_allowed_folder, 0, RUNS);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
