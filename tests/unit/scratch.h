/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A folder of its own for each test, which is the working folder while the test runs, and files in
 * it. Use scratch_enter and scratch_leave as a checked fixture. */
#ifndef VMF_TESTS_SCRATCH_H
#define VMF_TESTS_SCRATCH_H

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_folder[4096];

static inline void scratch_enter(void)
{
  char template[] = "/tmp/vmferry-test-XXXXXX";
  ck_assert_ptr_nonnull(mkdtemp(template));
  ck_assert_ptr_nonnull(realpath(template, scratch_folder));
  ck_assert_int_eq(chdir(scratch_folder), 0);
}

static inline int scratch_remove(const char *path, const struct stat *status, int kind,
                                 struct FTW *walk)
{
  (void)status;
  (void)kind;
  (void)walk;
  return remove(path);
}

static inline void scratch_leave(void)
{
  ck_assert_int_eq(chdir("/"), 0);
  nftw(scratch_folder, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void scratch_write(const char *path, const void *bytes, size_t length)
{
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
  ck_assert_int_eq(fclose(file), 0);
}

static inline void scratch_text(const char *path, const char *text)
{
  scratch_write(path, text, strlen(text));
}

static inline bool scratch_exists(const char *path)
{
  struct stat status;
  return lstat(path, &status) == 0;
}

static inline uint64_t scratch_size(const char *path)
{
  struct stat status;
  ck_assert_int_eq(stat(path, &status), 0);
  return (uint64_t)status.st_size;
}

/* Whether the file holds exactly this text. */
static inline bool scratch_holds(const char *path, const char *text)
{
  char found[4096];
  FILE *file = fopen(path, "r");
  if (!file)
    return false;
  size_t length = fread(found, 1, sizeof found, file);
  fclose(file);
  return length == strlen(text) && memcmp(found, text, length) == 0;
}

#endif
