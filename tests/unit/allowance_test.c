/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Control groups as /proc and /sys tell of them, and a machine with more processors than a
 * cpu_set_t holds. */
#include "crew.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>

#include "check_main.h"
#include "scratch.h"

enum { POSSIBLE = 4096, BOUND_TO = 2000 };

/* In place of the C library's: a kernel for 4096 processors, which lets us use 2000 of them. */
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
  (void)pid;
  if (size * 8 < POSSIBLE) {
    errno = EINVAL;
    return -1;
  }
  CPU_ZERO_S(size, set);
  for (size_t i = 0; i < BOUND_TO; i++)
    CPU_SET_S(2 * i, size, set);
  return 0;
}

/* A file below the scratch folder, its folders made. */
static void put(const char *path, const char *text)
{
  char folder[256];

  for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    if (!scratch_exists(folder))
      ck_assert_int_eq(mkdir(folder, 0777), 0);
  }
  scratch_text(path, text);
}

static struct vmf_allowance found(void)
{
  return vmf_allowance_find(scratch_folder);
}

static void put_version_2(const char *mounted, const char *group)
{
  char text[256];

  snprintf(text, sizeof text,
           "22 1 0:21 / /proc rw - proc proc rw\n"
           "31 23 0:28 %s /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
           mounted);
  put("proc/self/mountinfo", text);
  snprintf(text, sizeof text, "0::%s\n", group);
  put("proc/self/cgroup", text);
}

START_TEST(without_groups_it_is_what_we_are_bound_to)
{
  ck_assert_uint_eq(found().processors, BOUND_TO);
  ck_assert_uint_eq(found().memory, UINT64_MAX);
}
END_TEST

START_TEST(a_quota_counts_in_whole_processors)
{
  static const struct {
    const char *quota;
    unsigned processors;
  } rows[] = {{"max 100000\n", BOUND_TO},
              {"400000 100000\n", 4},
              {"150000 100000\n", 2},
              {"1000 100000\n", 1},
              {"5 0\n", BOUND_TO},
              {"", BOUND_TO},
              {"18446744073709551615 1\n", BOUND_TO}};

  put_version_2("/", "/job");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    put("sys/fs/cgroup/job/cpu.max", rows[i].quota);
    ck_assert_uint_eq(found().processors, rows[i].processors);
  }
}
END_TEST

START_TEST(groups_above_count_too)
{
  put_version_2("/", "/slice/job/step");
  put("sys/fs/cgroup/slice/cpu.max", "300000 100000\n");
  put("sys/fs/cgroup/slice/job/cpu.max", "500000 100000\n");
  put("sys/fs/cgroup/slice/job/memory.max", "1073741824\n");
  put("sys/fs/cgroup/slice/job/step/memory.max", "max\n");
  ck_assert_uint_eq(found().processors, 3);
  ck_assert_uint_eq(found().memory, 1 << 30);
}
END_TEST

/* A container sees its own group where the mount is, under a name that only the host knows, or
 * under none. */
START_TEST(the_group_of_a_container_is_where_the_mount_is)
{
  static const char *const rows[][2] = {
      {"/docker/1234", "/docker/1234"}, {"/", "/"}, {"/docker/1234", "/"}, {"/", "/../other"}};

  put_version_2(rows[_i][0], rows[_i][1]);
  put("sys/fs/cgroup/cpu.max", "200000 100000\n");
  put("sys/fs/cgroup/memory.max", "536870912\n");
  ck_assert_uint_eq(found().processors, 2);
  ck_assert_uint_eq(found().memory, 512 << 20);
}
END_TEST

START_TEST(groups_of_version_1_are_found_by_their_controllers)
{
  put("proc/self/mountinfo",
      "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
      "33 31 0:30 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"
      "35 31 0:32 /box /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n");
  put("proc/self/cgroup", "4:memory:/box/job\n3:cpuset:/other\n1:cpu,cpuacct:/job\n0::/none\n");
  put("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
  put("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "700000\n");
  put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  put("sys/fs/cgroup/cpuset/job/cpu.cfs_quota_us", "100000\n");
  put("sys/fs/cgroup/cpuset/job/cpu.cfs_period_us", "100000\n");
  put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "268435456\n");
  ck_assert_uint_eq(found().processors, 7);
  ck_assert_uint_eq(found().memory, 256 << 20);
}
END_TEST

START_TEST(what_is_no_mount_is_passed_over)
{
  put("proc/self/mountinfo", "\nnonsense\n1 2 - cgroup2\n- - - - - - - cgroup2 x y\n");
  put("proc/self/cgroup", "nonsense\n0:\n::\n");
  ck_assert_uint_eq(found().processors, BOUND_TO);
}
END_TEST

START_TEST(threads_follow_from_processors_and_memory)
{
  static const struct {
    unsigned asked;
    struct vmf_allowance allowance;
    unsigned threads;
  } rows[] = {
      {0, {8, UINT64_MAX}, 8},
      {0, {8, 1 << 30}, 8},
      {0, {8, 80 << 20}, 4},
      {0, {8, 64 << 20}, 1},
      {0, {8, 0}, 1},
      {0, {2000, UINT64_MAX}, 256},
      {3, {8, 80 << 20}, 3},
      {16, {8, UINT64_MAX}, 16},
      {UINT_MAX, {8, UINT64_MAX}, 256},
  };

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    ck_assert_uint_eq(vmf_crew_size(rows[i].asked, &rows[i].allowance), rows[i].threads);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("allowance");
  TCase *tests = tcase_create("allowance");

  tcase_add_checked_fixture(tests, scratch_enter, scratch_leave);
  tcase_add_test(tests, without_groups_it_is_what_we_are_bound_to);
  tcase_add_test(tests, a_quota_counts_in_whole_processors);
  tcase_add_test(tests, groups_above_count_too);
  tcase_add_loop_test(tests, the_group_of_a_container_is_where_the_mount_is, 0, 4);
  tcase_add_test(tests, groups_of_version_1_are_found_by_their_controllers);
  tcase_add_test(tests, what_is_no_mount_is_passed_over);
  tcase_add_test(tests, threads_follow_from_processors_and_memory);
  suite_add_tcase(made, tests);
  return made;
}

VMF_TEST_MAIN(suite)
