/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Facts: sched_getaffinity(2), cgroups(7), proc_pid_mountinfo(5), and the kernel's
 * admin-guide/cgroup-v2. What cannot be read is no limit. */
#include "allowance.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"

enum { PATH_SIZE = 4096, LINE_SIZE = 4 * PATH_SIZE, POSSIBLE_MAX = 1 << 20 };

/* The kernel refuses a set that is too small for all processors that the machine can have. */
static unsigned bound_to(void)
{
  for (size_t possible = CPU_SETSIZE; possible <= POSSIBLE_MAX; possible *= 2) {
    size_t size = CPU_ALLOC_SIZE(possible);
    cpu_set_t *set = CPU_ALLOC(possible);
    bool known = set && sched_getaffinity(0, size, set) == 0;
    bool larger = set && !known && errno == EINVAL;
    unsigned count = known ? (unsigned)CPU_COUNT_S(size, set) : 1;

    CPU_FREE(set);
    if (!larger)
      return count > 0 ? count : 1;
  }
  return 1;
}

static FILE *open_below(const char *folder, const char *name)
{
  char path[2 * PATH_SIZE];
  int length = snprintf(path, sizeof path, "%s/%s", folder, name);

  return length > 0 && (size_t)length < sizeof path ? fopen(path, "re") : NULL;
}

/* "150000 100000"; what is not there is 0. False: no such file, or no number ("max", "-1"). */
static bool read_numbers(const char *folder, const char *name, uint64_t numbers[2])
{
  FILE *file = open_below(folder, name);
  char line[64], *end;

  if (!file)
    return false;
  bool there = fgets(line, sizeof line, file) != NULL && line[0] >= '0' && line[0] <= '9';
  fclose(file);
  if (!there)
    return false;
  numbers[0] = strtoull(line, &end, 10);
  numbers[1] = strtoull(end, NULL, 10);
  return true;
}

/* Time of processors in each period of time. */
static void take_quota(struct vmf_allowance *allowance, uint64_t quota, uint64_t period)
{
  if (period > 0)
    allowance->processors =
        (unsigned)vmf_max(1, vmf_min(allowance->processors, vmf_div_up(quota, period)));
}

/* One group; a file of the other version of control groups is not there. */
static void take_group(struct vmf_allowance *allowance, const char *folder)
{
  uint64_t quota[2], period[2], memory[2];

  if (read_numbers(folder, "cpu.max", quota))
    take_quota(allowance, quota[0], quota[1]);
  if (read_numbers(folder, "cpu.cfs_quota_us", quota) &&
      read_numbers(folder, "cpu.cfs_period_us", period))
    take_quota(allowance, quota[0], period[0]);
  if (read_numbers(folder, "memory.max", memory))
    allowance->memory = vmf_min(allowance->memory, memory[0]);
  if (read_numbers(folder, "memory.limit_in_bytes", memory))
    allowance->memory = vmf_min(allowance->memory, memory[0]);
}

/* One hierarchy of groups, as a line of mountinfo tells it. */
struct hierarchy {
  char group[PATH_SIZE]; /* that is mounted */
  char place[PATH_SIZE]; /* where */
  bool unified;          /* version 2 */
  char options[256];     /* version 1: its controllers are among them */
};

static bool parse_mount(const char *line, struct hierarchy *hierarchy)
{
  const char *behind = strstr(line, " - ");
  char type[16];

  if (!behind ||
      sscanf(line, "%*s %*s %*s %4095s %4095s", hierarchy->group, hierarchy->place) != 2 ||
      sscanf(behind, " - %15s %*s %255s", type, hierarchy->options) != 2)
    return false;
  hierarchy->unified = strcmp(type, "cgroup2") == 0;
  return hierarchy->unified || strcmp(type, "cgroup") == 0;
}

/* Whether one of the words between commas is the first word of `words`. */
static bool has_first(const char *list, const char *words)
{
  size_t length = strcspn(words, ",:");

  for (; list; list = strchr(list, ',')) {
    list += *list == ',';
    if (strncmp(list, words, length) == 0 && (list[length] == ',' || list[length] == '\0'))
      return true;
  }
  return false;
}

/* A line of proc/self/cgroup, "4:cpu,cpuacct:/group": the group, when it is of this hierarchy. */
static char *group_in(char *line, const struct hierarchy *hierarchy)
{
  char *controllers = strchr(line, ':');
  char *group = controllers ? strchr(controllers + 1, ':') : NULL;

  if (!group)
    return NULL;
  controllers++;
  if (hierarchy->unified ? group != controllers
                         : group == controllers || !has_first(hierarchy->options, controllers))
    return NULL;
  group[1 + strcspn(group + 1, "\n")] = '\0';
  return group + 1;
}

/* From the group up to the one that is mounted. A group that is not below that one is out of our
 * sight: in a container, what is mounted is the group that we are in. */
static void take_groups(struct vmf_allowance *allowance, const char *root,
                        const struct hierarchy *hierarchy, const char *group)
{
  char folder[3 * PATH_SIZE];
  size_t mounted = strcmp(hierarchy->group, "/") == 0 ? 0 : strlen(hierarchy->group);
  bool below = strncmp(group, hierarchy->group, mounted) == 0 && group[mounted] == '/' &&
               !strstr(group, "/..");
  int length = snprintf(folder, sizeof folder, "%s%s%s", root, hierarchy->place,
                        below ? group + mounted : "");
  char *top = folder + strlen(root) + strlen(hierarchy->place);

  if (length < 0 || (size_t)length >= sizeof folder)
    return;
  take_group(allowance, folder);
  for (char *slash; (slash = strrchr(top, '/'));) {
    *slash = '\0';
    take_group(allowance, folder);
  }
}

static void take_hierarchy(struct vmf_allowance *allowance, const char *root,
                           const struct hierarchy *hierarchy)
{
  char line[LINE_SIZE];
  FILE *file = open_below(root, "proc/self/cgroup");

  while (file && fgets(line, sizeof line, file)) {
    const char *group = group_in(line, hierarchy);
    if (group)
      take_groups(allowance, root, hierarchy, group);
  }
  if (file)
    fclose(file);
}

struct vmf_allowance vmf_allowance_find(const char *root)
{
  struct vmf_allowance allowance = {.processors = bound_to(), .memory = UINT64_MAX};
  FILE *file = open_below(root, "proc/self/mountinfo");
  char line[LINE_SIZE];

  while (file && fgets(line, sizeof line, file)) {
    struct hierarchy hierarchy;
    if (parse_mount(line, &hierarchy))
      take_hierarchy(&allowance, root, &hierarchy);
  }
  if (file)
    fclose(file);
  return allowance;
}
