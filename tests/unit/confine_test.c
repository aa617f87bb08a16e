/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a confined process tries and must not do. Check runs each test in a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check_main.h"
#include "vmferry.h"

static struct vmf_error error;
static char folder[] = "/tmp/vmferry-confine-XXXXXX";
static struct vmf_confinement done;

static const char *at(const char *name)
{
  static char paths[8][128];
  static unsigned next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static void make(const char *name)
{
  int number = open(at(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ck_assert_int_ge(number, 0);
  ck_assert_int_eq((int)write(number, "x", 1), 1);
  close(number);
}

/* in/disk is read, out/target written; elsewhere/file neither. */
static void make_places(void)
{
  strcpy(folder + strlen(folder) - 6, "XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
  for (const char *const *name =
           (const char *const[]){"in", "out", "out/below", "elsewhere", "tmp", NULL};
       *name; name++)
    ck_assert_int_eq(mkdir(at(*name), 0700), 0);
  make("in/disk");
  make("in/parent");
  make("elsewhere/file");
  setenv("TMPDIR", at("tmp"), 1);
}

static void remove_places(void)
{
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  ck_assert_int_eq(system(command), 0);
}

static void confine_to(const char *const *write, unsigned abi, bool read_anything)
{
  const char *const read[] = {at("in/disk"), NULL};
  struct vmf_confinement_options options = {.size = sizeof options,
                                            .read = read,
                                            .write = write,
                                            .read_anything = read_anything,
                                            .landlock_abi = abi};
  done = (struct vmf_confinement){.size = sizeof done};
  ck_assert_int_eq(vmf_confine(&options, &done, &error), VMF_OK);
}

static void confine(unsigned abi, bool read_anything)
{
  const char *const write[] = {at("out/target"), NULL};
  confine_to(write, abi, read_anything);
}

/* 0, or the errno of opening. */
static int opened(const char *name, int flags)
{
  int number = open(at(name), flags | O_CLOEXEC, 0600);
  int result = number < 0 ? errno : 0;
  if (number >= 0)
    close(number);
  return result;
}

static int result(long returned)
{
  return returned < 0 ? errno : 0;
}

START_TEST(files_are_read_beside_what_was_named)
{
  confine(0, false);
  if (!done.reads)
    return;
  ck_assert_int_eq(opened("in/disk", O_RDONLY), 0);
  ck_assert_int_eq(opened("in/parent", O_RDONLY), 0);
  ck_assert_int_eq(opened("in", O_RDONLY | O_DIRECTORY), 0);
  ck_assert_int_eq(opened("elsewhere/file", O_RDONLY), EACCES);
  ck_assert_int_eq(opened("elsewhere", O_RDONLY | O_DIRECTORY), EACCES);
  ck_assert_int_eq(opened("in/../elsewhere/file", O_RDONLY), EACCES);
  ck_assert_int_eq(result(open("/etc/passwd", O_RDONLY | O_CLOEXEC)), EACCES);
}
END_TEST

START_TEST(files_are_written_beside_the_target)
{
  confine(0, false);
  if (!done.writes)
    return;
  ck_assert_int_eq(opened("out/new", O_RDWR | O_CREAT | O_EXCL), 0);
  ck_assert_int_eq(result(rename(at("out/new"), at("out/below/new"))), 0);
  ck_assert_int_eq(result(unlink(at("out/below/new"))), 0);
  ck_assert_int_eq(opened("tmp/new", O_RDWR | O_CREAT | O_EXCL), 0);
  ck_assert_int_eq(opened("in/disk", O_RDWR), EACCES);
  ck_assert_int_eq(opened("in/new", O_RDWR | O_CREAT | O_EXCL), EACCES);
  ck_assert_int_eq(result(unlink(at("in/disk"))), EACCES);
  if (!done.calls)
    ck_assert_int_eq(result(truncate(at("in/disk"), 0)), done.landlock >= 3 ? EACCES : 0);
  ck_assert_int_eq(result(unlink(at("elsewhere/file"))), EACCES);
  ck_assert_int_eq(result(mkdir(at("elsewhere/new"), 0700)), EACCES);
  ck_assert_int_ne(result(rename(at("in/disk"), at("out/disk"))), 0);
}
END_TEST

/* Of a kernel before 5.19: a rename between folders would be refused, as every output needs it. */
START_TEST(the_first_version_confines_what_only_reads)
{
  confine(1, false);
  ck_assert(!done.reads && !done.writes);
  ck_assert_int_eq(opened("elsewhere/file", O_RDONLY), 0);
  ck_assert_int_eq(opened("out/new", O_RDWR | O_CREAT | O_EXCL), 0);
  ck_assert_int_eq(result(rename(at("out/new"), at("out/below/new"))), 0);
  confine_to(NULL, 1, false);
  if (done.reads)
    ck_assert_int_eq(opened("elsewhere/file", O_RDONLY), EACCES);
}
END_TEST

START_TEST(each_version_confines)
{
  confine((unsigned)_i, false);
  if (!done.reads)
    return;
  ck_assert_uint_le(done.landlock, (unsigned)_i);
  ck_assert_int_eq(opened("in/disk", O_RDONLY), 0);
  ck_assert_int_eq(opened("elsewhere/file", O_RDONLY), EACCES);
}
END_TEST

START_TEST(what_is_read_may_be_left_open)
{
  confine(0, true);
  ck_assert(!done.reads);
  ck_assert_int_eq(opened("elsewhere/file", O_RDONLY), 0);
  if (done.writes)
    ck_assert_int_eq(opened("elsewhere/file", O_WRONLY), EACCES);
}
END_TEST

static void *nothing(void *data)
{
  return data;
}

START_TEST(no_program_no_socket_no_other_process)
{
  char *const words[] = {"true", NULL};
  pthread_t thread;

  confine(0, false);
  if (!done.calls)
    return;
  ck_assert_int_eq(result(execve("/bin/true", words, NULL)), EPERM);
  ck_assert_int_eq(result(socket(AF_INET, SOCK_STREAM, 0)), EPERM);
  ck_assert_int_eq(result(socket(AF_UNIX, SOCK_STREAM, 0)), EPERM);
  ck_assert_int_eq(result(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL)), EPERM);
  ck_assert_int_eq(result(fork()), EPERM);
  ck_assert_int_eq(result(syscall(SYS_unshare, 0)), EPERM);
  ck_assert_int_eq(result(symlink("/etc/passwd", at("out/link"))), EPERM);
  ck_assert_int_eq(result(syscall(SYS_io_uring_setup, 1, NULL)), EPERM);
  ck_assert_int_eq(pthread_create(&thread, NULL, nothing, NULL), 0);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

/* Landlock knows nothing of what names a file and does not open it. */
START_TEST(nothing_is_changed_by_name)
{
  const struct timespec times[2] = {{0}};

  confine(0, false);
  if (!done.calls)
    return;
  ck_assert_int_eq(result(chmod(at("elsewhere/file"), 0666)), EPERM);
  ck_assert_int_eq(result(fchmodat(AT_FDCWD, at("elsewhere/file"), 0666, 0)), EPERM);
  ck_assert_int_eq(result(chown(at("elsewhere/file"), getuid(), getgid())), EPERM);
  ck_assert_int_eq(result(setxattr(at("elsewhere/file"), "user.x", "x", 1, 0)), EPERM);
  ck_assert_int_eq(result(utimensat(AT_FDCWD, at("elsewhere/file"), times, 0)), EPERM);
  ck_assert_int_eq(result(truncate(at("elsewhere/file"), 0)), EPERM);
  ck_assert_int_eq(result(link(at("in/disk"), at("out/link"))), EPERM);
}
END_TEST

/* Of a request the kernel takes 32 bits, of a number of a process as well. */
START_TEST(no_signal_and_no_input_for_others)
{
  const unsigned long above = 1UL << 32;
  struct rlimit limit;

  confine(0, false);
  if (!done.calls)
    return;
  ck_assert_int_eq(result(kill(getppid(), 0)), EPERM);
  ck_assert_int_eq(result(kill(0, 0)), EPERM);
  ck_assert_int_eq(result(kill(getpid(), 0)), 0);
  ck_assert_int_eq(result(syscall(SYS_tgkill, getppid(), getppid(), 0)), EPERM);
  ck_assert_int_eq(result(raise(0)), 0);
  ck_assert_int_eq(result(syscall(SYS_prlimit64, getppid(), RLIMIT_CORE, NULL, &limit)), EPERM);
  ck_assert_int_eq(getrlimit(RLIMIT_CORE, &limit), 0);
  ck_assert_int_eq(result(shmget(IPC_PRIVATE, 4096, 0600)), EPERM);
  ck_assert_int_eq(result(syscall(SYS_ioctl, -1, (unsigned long)TIOCSTI, "x")), EPERM);
  ck_assert_int_eq(result(syscall(SYS_ioctl, -1, above | TIOCSTI, "x")), EPERM);
  ck_assert_int_eq(result(syscall(SYS_ioctl, -1, (unsigned long)TIOCLINUX, "x")), EPERM);
  ck_assert_int_eq(result(syscall(SYS_ioctl, -1, (unsigned long)TIOCGWINSZ, NULL)), EBADF);
}
END_TEST

START_TEST(no_sockets_but_those_of_the_network)
{
  static const int refused[] = {AF_UNSPEC, AF_AX25,  AF_PACKET,   AF_KEY,
                                AF_ALG,    AF_VSOCK, AF_BLUETOOTH};
  const char *const read[] = {"https://localhost/disk.raw", NULL};
  struct vmf_confinement_options options = {.size = sizeof options, .read = read};

  done = (struct vmf_confinement){.size = sizeof done};
  ck_assert_int_eq(vmf_confine(&options, &done, &error), VMF_OK);
  if (!done.calls)
    return;
#ifdef SYS_socketcall /* one call for all, whose arguments the kernel's filter cannot see */
  (void)refused;
#else
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
    ck_assert_int_eq(result(socket(refused[i], SOCK_DGRAM, 0)), EPERM);
#endif
  ck_assert_int_ge(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
  ck_assert_int_ge(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
  ck_assert_int_ge(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), 0);
}
END_TEST

START_TEST(what_is_offered_is_what_is_done)
{
  struct vmf_confinement offered = {.size = sizeof offered};

  ck_assert_int_eq(vmf_confinement_offered(&offered, &error), VMF_OK);
  confine(0, false);
  ck_assert_uint_eq(offered.landlock, done.landlock);
  ck_assert(offered.reads == done.reads && offered.writes == done.writes &&
            offered.calls == done.calls);
  ck_assert((offered.calls_miss == NULL) == offered.calls);
}
END_TEST

static Suite *confine_suite(void)
{
  Suite *suite = suite_create("confine");
  TCase *tests = tcase_create("confine");
  tcase_add_unchecked_fixture(tests, make_places, remove_places);
  tcase_add_test(tests, files_are_read_beside_what_was_named);
  tcase_add_test(tests, files_are_written_beside_the_target);
  suite_add_tcase(suite, tests);
  tests = tcase_create("versions");
  tcase_add_unchecked_fixture(tests, make_places, remove_places);
  tcase_add_test(tests, the_first_version_confines_what_only_reads);
  tcase_add_loop_test(tests, each_version_confines, 1, 10);
  tcase_add_test(tests, what_is_read_may_be_left_open);
  tcase_add_test(tests, no_program_no_socket_no_other_process);
  tcase_add_test(tests, nothing_is_changed_by_name);
  tcase_add_test(tests, no_signal_and_no_input_for_others);
  tcase_add_test(tests, no_sockets_but_those_of_the_network);
  tcase_add_test(tests, what_is_offered_is_what_is_done);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(confine_suite)
