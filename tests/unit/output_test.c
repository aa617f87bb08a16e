/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Outputs appear complete or not at all, and what they replace keeps its attributes. */
#include "output.h"

#include <dirent.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "check_main.h"
#include "scratch.h"

static struct vmf_error error;
static char warnings[4096];

static void note(void *data, const char *text)
{
  (void)data;
  strncat(warnings, text, sizeof warnings - strlen(warnings) - 1);
}

static const struct vmf_log log_to_note = {.warn = note};
static const struct vmf_output_options plain = {.log = &log_to_note};
static const struct vmf_output_options careful = {.no_clobber = true};
static const struct vmf_output_options in_place = {.in_place = true};

static struct vmf_output *begin(const char *path)
{
  struct vmf_output *output = NULL;
  ck_assert_msg(vmf_output_new(path, &plain, &output, &error) == VMF_OK, "%s", error.text);
  return output;
}

static void fails(const char *path, const struct vmf_output_options *options, enum vmf_code code)
{
  struct vmf_output *output = NULL;
  enum vmf_code found = vmf_output_new(path, options, &output, &error);
  ck_assert_msg(found == code, "%s: code %d", path, (int)found);
  ck_assert_ptr_null(output);
}

static void put(struct vmf_io *io, const char *text)
{
  ck_assert_int_eq(vmf_io_pwrite(io, text, strlen(text), 0, &error), VMF_OK);
}

static struct vmf_io *extent(struct vmf_output *output, const char *name)
{
  struct vmf_io *io = NULL;
  ck_assert_msg(vmf_output_create(output, name, &io, &error) == VMF_OK, "%s", error.text);
  return io;
}

static void commit(struct vmf_output *output)
{
  ck_assert_msg(vmf_output_commit(output, &error) == VMF_OK, "%s", error.text);
  vmf_output_close(output);
}

/* How many entries a folder has; with `only`: only such that contain it. */
static unsigned entries(const char *path, const char *only)
{
  unsigned count = 0;
  DIR *stream = opendir(path);
  struct dirent *entry;
  ck_assert_ptr_nonnull(stream);
  while ((entry = readdir(stream)))
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
        (!only || strstr(entry->d_name, only)))
      count++;
  closedir(stream);
  return count;
}

START_TEST(nothing_has_the_name_before_commit)
{
  struct vmf_output *output = begin("disk.raw");
  put(vmf_output_main(output), "new");
  ck_assert(!scratch_exists("disk.raw"));
  ck_assert_uint_eq(entries(".", NULL), 1);
  ck_assert_uint_eq(entries(".", ".disk.raw.part-"), 1);
  ck_assert(scratch_holds(vmf_output_temporary(output), "new"));
  commit(output);
  ck_assert(scratch_holds("disk.raw", "new"));
  ck_assert_uint_eq(entries(".", NULL), 1);
}
END_TEST

START_TEST(without_commit_nothing_remains)
{
  struct vmf_output *output = begin("disk.vmdk");
  put(vmf_output_main(output), "new");
  put(extent(output, "disk-s001.vmdk"), "extent");
  vmf_output_close(output);
  ck_assert_uint_eq(entries(".", NULL), 0);
  vmf_output_close(NULL);
}
END_TEST

START_TEST(old_file_is_there_until_commit)
{
  scratch_text("disk.raw", "old");
  struct vmf_output *output = begin("disk.raw");
  put(vmf_output_main(output), "new");
  ck_assert(scratch_holds("disk.raw", "old"));
  vmf_output_close(output);
  ck_assert(scratch_holds("disk.raw", "old"));
  output = begin("disk.raw");
  put(vmf_output_main(output), "new");
  commit(output);
  ck_assert(scratch_holds("disk.raw", "new"));
  ck_assert_uint_eq(entries(".", NULL), 1);
}
END_TEST

START_TEST(main_file_is_written_and_read)
{
  char bytes[3];
  struct vmf_output *output = begin("sub/disk.raw");
  struct vmf_io *io = vmf_output_main(output);
  put(io, "new");
  ck_assert_int_eq(vmf_io_pread(io, bytes, 3, 0, &error), VMF_OK);
  ck_assert_mem_eq(bytes, "new", 3);
  ck_assert(io->reads_as_zero && !io->sequential && !io->device);
  ck_assert_str_eq(io->name, "sub/disk.raw");
  ck_assert_str_eq(vmf_output_path(output), "sub/disk.raw");
  ck_assert_str_eq(vmf_output_name(output), "disk.raw");
  ck_assert_str_eq(vmf_output_stem(output), "disk");
  /* The working folder may change meanwhile. */
  ck_assert_int_eq(chdir("/"), 0);
  commit(output);
  ck_assert_int_eq(chdir(scratch_folder), 0);
  ck_assert(scratch_holds("sub/disk.raw", "new"));
}
END_TEST

static void with_sub(void)
{
  scratch_enter();
  mkdir("sub", 0700);
}

START_TEST(all_files_appear_together)
{
  struct vmf_output *output = begin("disk.vmdk");
  put(vmf_output_main(output), "main");
  put(extent(output, "disk-s001.vmdk"), "one");
  put(extent(output, "disk-s002.vmdk"), "two");
  ck_assert_uint_eq(entries(".", NULL), 1);
  commit(output);
  ck_assert(scratch_holds("disk.vmdk", "main"));
  ck_assert(scratch_holds("disk-s001.vmdk", "one"));
  ck_assert(scratch_holds("disk-s002.vmdk", "two"));
  ck_assert_uint_eq(entries(".", NULL), 3);
}
END_TEST

START_TEST(failed_rename_takes_all_back)
{
  struct vmf_output *output;
  scratch_text("disk.vmdk", "old");
  output = begin("disk.vmdk");
  put(vmf_output_main(output), "main");
  put(extent(output, "disk-s001.vmdk"), "one");
  put(extent(output, "disk-s002.vmdk"), "two");
  if (_i == 0)
    mkdir("disk-s002.vmdk", 0700);
  else
    scratch_text("disk-s002.vmdk", "foreign");
  ck_assert_int_eq(vmf_output_commit(output, &error), VMF_WRITE);
  ck_assert_str_eq(error.text,
                   "disk-s002.vmdk: the finished file cannot be put in place: File exists");
  vmf_output_close(output);
  ck_assert(scratch_holds("disk.vmdk", "old"));
  ck_assert(!scratch_exists("disk-s001.vmdk"));
  ck_assert(_i == 0 || scratch_holds("disk-s002.vmdk", "foreign"));
  ck_assert_uint_eq(entries(".", NULL), 2);
}
END_TEST

START_TEST(failed_rename_of_the_main_file_takes_all_back)
{
  struct vmf_output *output = begin("disk.vmdk");
  put(vmf_output_main(output), "main");
  put(extent(output, "disk-s001.vmdk"), "one");
  mkdir("disk.vmdk", 0700);
  ck_assert_int_eq(vmf_output_commit(output, &error), VMF_WRITE);
  vmf_output_close(output);
  ck_assert_uint_eq(entries(".", NULL), 1);
}
END_TEST

START_TEST(extents_never_replace)
{
  struct vmf_io *io = NULL;
  scratch_text("disk-flat.vmdk", "foreign");
  struct vmf_output *output = begin("disk.vmdk");
  ck_assert_int_eq(vmf_output_create(output, "disk-flat.vmdk", &io, &error), VMF_USAGE);
  ck_assert_int_eq(vmf_output_create(output, "disk.vmdk", &io, &error), VMF_USAGE);
  ck_assert_int_eq(vmf_output_create(output, "../x", &io, &error), VMF_USAGE);
  ck_assert_int_eq(vmf_output_create(output, "..", &io, &error), VMF_USAGE);
  ck_assert_int_eq(vmf_output_create(output, "", &io, &error), VMF_USAGE);
  ck_assert_str_eq(vmf_output_stem(output), "disk.1");
  vmf_output_close(output);
}
END_TEST

START_TEST(stem_is_the_next_that_is_free)
{
  static const struct {
    const char *name, *beside, *stem;
  } cases[] = {
      {"disk.vmdk", "disk", "disk"},
      {"disk.vmdk", "disk-s001.vmdk", "disk.1"},
      {"disk.vmdk", "disk.1-s001.vmdk", "disk.2"},
      {"disk.vmdk", "disk.7-flat.vmdk", "disk.8"},
      {"disk.vmdk", "disk.x-flat.vmdk", "disk"},
      {"disk.vmdk", "disk.1x-flat.vmdk", "disk"},
      {"disk.vmdk", "disks-1.vmdk", "disk"},
      {"disk", "disk-flat.vmdk", "disk.1"},
      {".vmdk", "x", ".vmdk"},
      {"a.b.vmdk", "a-1", "a.b"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    scratch_text(cases[i].beside, "");
    struct vmf_output *output = begin(cases[i].name);
    ck_assert_msg(strcmp(vmf_output_stem(output), cases[i].stem) == 0, "case %zu: %s", i,
                  vmf_output_stem(output));
    vmf_output_close(output);
    unlink(cases[i].beside);
  }
}
END_TEST

START_TEST(stem_is_behind_all_that_are_taken)
{
  static const char *const names[] = {"disk-flat.vmdk", "disk.2-flat.vmdk", "disk.9-flat.vmdk",
                                      "disk.3-flat.vmdk", "disk.1-flat.vmdk"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    scratch_text(names[i], "");
  struct vmf_output *output = begin("disk.vmdk");
  ck_assert_str_eq(vmf_output_stem(output), "disk.10");
  vmf_output_close(output);
}
END_TEST

START_TEST(no_clobber_refuses_what_is_there)
{
  struct vmf_output *output = NULL;
  scratch_text("disk.raw", "old");
  fails("disk.raw", &careful, VMF_USAGE);
  ck_assert_str_eq(error.text, "disk.raw: exists, and --no-clobber forbids to replace it");
  unlink("disk.raw");
  ck_assert_int_eq(vmf_output_new("disk.raw", &careful, &output, &error), VMF_OK);
  scratch_text("disk.raw", "appeared");
  ck_assert_int_eq(vmf_output_commit(output, &error), VMF_USAGE);
  vmf_output_close(output);
  ck_assert(scratch_holds("disk.raw", "appeared"));
  ck_assert_uint_eq(entries(".", NULL), 1);
}
END_TEST

START_TEST(mode_of_the_old_file_is_kept)
{
  struct stat status;
  umask(022);
  scratch_text("disk.raw", "old");
  ck_assert_int_eq(chmod("disk.raw", 0640), 0);
  struct vmf_output *output = begin("disk.raw");
  extent(output, "disk-data.raw");
  ck_assert_int_eq(stat(vmf_output_temporary(output), &status), 0);
  commit(output);
  ck_assert_int_eq(stat("disk.raw", &status), 0);
  ck_assert_uint_eq(status.st_mode & 07777, 0640);
  ck_assert_int_eq(stat("disk-data.raw", &status), 0);
  ck_assert_uint_eq(status.st_mode & 07777, 0640);
  commit(begin("fresh.raw"));
  ck_assert_int_eq(stat("fresh.raw", &status), 0);
  ck_assert_uint_eq(status.st_mode & 07777, 0644);
}
END_TEST

START_TEST(symlink_is_followed)
{
  struct stat status;
  scratch_text("sub/real.raw", "old");
  ck_assert_int_eq(symlink("sub/link.raw", "first.raw"), 0);
  ck_assert_int_eq(symlink("real.raw", "sub/link.raw"), 0);
  ck_assert_int_eq(symlink("sub/new.raw", "dangling.raw"), 0);
  ck_assert_int_eq(symlink("loop.raw", "loop.raw"), 0);
  struct vmf_output *output = begin("first.raw");
  ck_assert_str_eq(vmf_output_path(output), "sub/real.raw");
  put(vmf_output_main(output), "new");
  commit(output);
  ck_assert(scratch_holds("sub/real.raw", "new"));
  ck_assert_int_eq(lstat("first.raw", &status), 0);
  ck_assert(S_ISLNK(status.st_mode));
  output = begin("dangling.raw");
  put(vmf_output_main(output), "new");
  commit(output);
  ck_assert(scratch_holds("sub/new.raw", "new"));
  fails("loop.raw", &plain, VMF_SYSTEM);
}
END_TEST

START_TEST(other_targets_are_refused)
{
  ck_assert_int_eq(mkfifo("fifo", 0600), 0);
  fails("sub", &plain, VMF_USAGE);
  fails("sub/", &plain, VMF_USAGE);
  fails("", &plain, VMF_USAGE);
  fails("fifo", &plain, VMF_USAGE);
  fails("/dev/zero", &plain, VMF_USAGE);
  fails("missing/disk.raw", &plain, VMF_SYSTEM);
  ck_assert_str_eq(error.text,
                   "missing/disk.raw: its folder cannot be opened: No such file or directory");
  ck_assert_uint_eq(entries(".", NULL), 2);
}
END_TEST

START_TEST(target_in_use_is_refused)
{
  const struct vmf_output_options forced = {.ignore_locks = true};
  struct vmf_output *output = NULL;
  struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 201, .l_len = 1};
  scratch_text("disk.raw", "old");
  int number = open("disk.raw", O_RDWR | O_CLOEXEC);
  ck_assert_int_eq(vmf_output_new("disk.raw", &plain, &output, &error), VMF_OK);
  ck_assert_int_eq(fcntl(number, F_OFD_SETLK, &lock), 0);
  ck_assert_int_eq(vmf_output_commit(output, &error), VMF_IN_USE); /* started meanwhile */
  vmf_output_close(output);
  ck_assert(scratch_holds("disk.raw", "old"));
  fails("disk.raw", &plain, VMF_IN_USE);
  ck_assert_uint_eq(entries(".", NULL), 1);
  ck_assert_int_eq(vmf_output_new("disk.raw", &forced, &output, &error), VMF_OK);
  commit(output);
  close(number);
  mkdir("disk.vmdk.lck", 0700);
  scratch_text("disk.vmdk.lck/M1.lck", "");
  scratch_text("disk.vmdk", "old");
  fails("disk.vmdk", &plain, VMF_IN_USE);
}
END_TEST

START_TEST(temporaries_of_killed_runs_are_removed)
{
  warnings[0] = '\0';
  pid_t pid = fork();
  if (pid == 0) {
    struct vmf_output *output = begin("sub/disk.raw");
    put(vmf_output_main(output), "half");
    put(extent(output, "disk-flat.vmdk"), "half");
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  ck_assert_uint_eq(entries("sub", ".disk.raw.part-"), 1);
  mkdir("sub/.disk.raw.part-abc", 0700);      /* not a name of ours */
  mkdir("sub/.disk.raw.part-abcdef.x", 0700); /* nor this */
  mkdir("sub/.disk.raw2.part-abcdef", 0700);  /* another target's */
  struct vmf_output *first = begin("sub/disk.raw");
  ck_assert_ptr_nonnull(strstr(warnings, "sub/disk.raw: the folder .disk.raw.part-"));
  ck_assert_ptr_null(strstr(strstr(warnings, "part-") + 1, "part-")); /* once */
  ck_assert_ptr_nonnull(strstr(warnings, "was removed"));
  ck_assert_uint_eq(entries("sub", ".disk.raw.part-"), 3);
  vmf_output_close(first);
  ck_assert_uint_eq(entries("sub", ".disk.raw.part-"), 2); /* the two that are not ours */
}
END_TEST

START_TEST(second_run_on_a_target_is_refused)
{
  const struct vmf_output_options forced = {.ignore_locks = true};
  struct vmf_output *second = NULL;
  struct vmf_output *first = begin("disk.raw");
  fails("disk.raw", &plain, VMF_IN_USE);
  ck_assert_ptr_nonnull(strstr(error.text, "disk.raw: another run is writing it"));
  ck_assert_int_eq(vmf_output_new("disk.raw", &forced, &second, &error), VMF_OK);
  vmf_output_close(second);
  vmf_output_close(begin("other.raw"));
  put(vmf_output_main(first), "new");
  commit(first);
  vmf_output_close(begin("disk.raw"));
  ck_assert(scratch_holds("disk.raw", "new"));
}
END_TEST

START_TEST(in_place_keeps_the_inode)
{
  struct stat before, after;
  struct vmf_io *io = NULL;
  struct vmf_output *output = NULL;
  scratch_text("disk.raw", "old and longer");
  ck_assert_int_eq(link("disk.raw", "other"), 0);
  ck_assert_int_eq(stat("disk.raw", &before), 0);
  ck_assert_int_eq(vmf_output_new("disk.raw", &in_place, &output, &error), VMF_OK);
  ck_assert_ptr_null(vmf_output_temporary(output));
  ck_assert_str_eq(vmf_output_stem(output), "disk");
  ck_assert_int_eq(vmf_output_create(output, "disk-flat.vmdk", &io, &error), VMF_UNSUPPORTED);
  fails("disk.raw", &in_place, VMF_IN_USE); /* would empty what the first writes */
  ck_assert_uint_eq(vmf_output_main(output)->size, 0);
  ck_assert_int_eq(vmf_output_begin(output, &error), VMF_OK);
  put(vmf_output_main(output), "new");
  commit(output);
  ck_assert_int_eq(stat("disk.raw", &after), 0);
  ck_assert(before.st_ino == after.st_ino && scratch_holds("other", "new"));
  ck_assert_int_eq(vmf_output_new("disk.raw", &in_place, &output, &error), VMF_OK);
  vmf_output_close(output); /* it did not begin */
  ck_assert(scratch_holds("disk.raw", "new"));
  ck_assert_int_eq(vmf_output_new("disk.raw", &in_place, &output, &error), VMF_OK);
  ck_assert_int_eq(vmf_output_begin(output, &error), VMF_OK);
  put(vmf_output_main(output), "half");
  vmf_output_close(output);
  ck_assert(scratch_holds("disk.raw", "")); /* and not half of an image */
  ck_assert_uint_eq(entries(".", NULL), 2);
  ck_assert_int_eq(vmf_output_new("fresh.raw", &in_place, &output, &error), VMF_OK);
  ck_assert(!scratch_exists("fresh.raw"));
  vmf_output_close(output);
}
END_TEST

START_TEST(attributes_of_the_old_file_are_kept)
{
  char value[8];
  scratch_text("disk.raw", "old");
  if (setxattr("disk.raw", "user.owner", "me", 2, 0) < 0)
    return; /* not every file system has them */
  commit(begin("disk.raw"));
  ck_assert_int_eq(getxattr("disk.raw", "user.owner", value, sizeof value), 2);
  ck_assert_mem_eq(value, "me", 2);
}
END_TEST

START_TEST(longest_name_has_a_temporary)
{
  char name[256];
  memset(name, 'n', 255);
  name[255] = '\0';
  memcpy(name + 240, "\xc3\xa4\xc3\xa4", 4);
  struct vmf_output *output = begin(name);
  put(vmf_output_main(output), "new");
  commit(output);
  ck_assert(scratch_holds(name, "new"));
}
END_TEST

START_TEST(standard_output_is_sequential)
{
  char bytes[16];
  int ends[2], saved = dup(1);
  struct vmf_io *io = NULL;
  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  fflush(stdout);
  dup2(ends[1], 1);
  struct vmf_output *output = begin("-");
  ck_assert_str_eq(vmf_output_name(output), "-");
  ck_assert_ptr_null(vmf_output_temporary(output));
  ck_assert(vmf_output_main(output)->sequential);
  ck_assert_int_eq(vmf_output_create(output, "x", &io, &error), VMF_UNSUPPORTED);
  put(vmf_output_main(output), "image");
  commit(output);
  dup2(saved, 1);
  close(ends[1]);
  ck_assert_int_eq(read(ends[0], bytes, sizeof bytes), 5);
  ck_assert_mem_eq(bytes, "image", 5);
  ck_assert_uint_eq(entries(".", NULL), 1);
}
END_TEST

/* What standard output, or descriptor 9, is written to by `name` when it is `number`. */
static void write_handed(const char *name, int number, int flags, bool sequential)
{
  int file = open("out", O_WRONLY | O_CREAT | flags, 0600), saved = dup(number);
  fflush(stdout);
  dup2(file, number);
  struct vmf_output *output = begin(name);
  bool found = vmf_output_main(output)->sequential;
  enum vmf_code code = vmf_io_pwrite(vmf_output_main(output), "new", 3, 4, &error);
  if (code == VMF_OK)
    code = vmf_output_commit(output, &error);
  vmf_output_close(output);
  ssize_t put = write(number, "next", 4); /* whoever comes next goes on behind it */
  saved < 0 ? close(number) : dup2(saved, number);
  close(saved);
  close(file);
  ck_assert_int_eq(code, VMF_OK);
  ck_assert_int_eq(put, 4);
  ck_assert_msg(found == sequential, "%s: sequential %d", name, found);
}

START_TEST(empty_file_behind_a_descriptor_is_written_anywhere)
{
  static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1",
                                      "/dev/fd/99"};
  char bytes[16];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    write_handed(names[i], i < 4 ? 1 : 99, O_TRUNC, false);
    int file = open("out", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(read(file, bytes, sizeof bytes), 11);
    ck_assert_mem_eq(bytes, "\0\0\0\0newnext", 11);
    close(file);
  }
  write_handed("-", 1, O_APPEND, true); /* is not empty, and appended to */
  write_handed("-", 1, O_TRUNC | O_APPEND, true);
  fails("/dev/fd/98", &plain, VMF_USAGE);
  ck_assert_str_eq(error.text, "/dev/fd/98: is not open for writing");
}
END_TEST

START_TEST(terminal_gets_no_image)
{
  int saved = dup(1), terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0)
    return;
  dup2(terminal, 1);
  struct vmf_output *output = NULL;
  enum vmf_code code = vmf_output_new("-", &plain, &output, &error);
  dup2(saved, 1);
  ck_assert_int_eq(code, VMF_USAGE);
  ck_assert_str_eq(error.text, "standard output: will not write a disk image to a terminal");
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("output");
  TCase *tests = tcase_create("output"), *in_sub = tcase_create("sub");
  tcase_add_checked_fixture(tests, scratch_enter, scratch_leave);
  tcase_add_test(tests, nothing_has_the_name_before_commit);
  tcase_add_test(tests, without_commit_nothing_remains);
  tcase_add_test(tests, old_file_is_there_until_commit);
  tcase_add_test(tests, all_files_appear_together);
  tcase_add_loop_test(tests, failed_rename_takes_all_back, 0, 2);
  tcase_add_test(tests, failed_rename_of_the_main_file_takes_all_back);
  tcase_add_test(tests, extents_never_replace);
  tcase_add_test(tests, stem_is_the_next_that_is_free);
  tcase_add_test(tests, stem_is_behind_all_that_are_taken);
  tcase_add_test(tests, no_clobber_refuses_what_is_there);
  tcase_add_test(tests, mode_of_the_old_file_is_kept);
  tcase_add_test(tests, attributes_of_the_old_file_are_kept);
  tcase_add_test(tests, second_run_on_a_target_is_refused);
  tcase_add_test(tests, in_place_keeps_the_inode);
  tcase_add_test(tests, empty_file_behind_a_descriptor_is_written_anywhere);
  tcase_add_test(tests, target_in_use_is_refused);
  tcase_add_test(tests, longest_name_has_a_temporary);
  tcase_add_test(tests, terminal_gets_no_image);
  tcase_add_checked_fixture(in_sub, with_sub, scratch_leave);
  tcase_add_test(in_sub, main_file_is_written_and_read);
  tcase_add_test(in_sub, symlink_is_followed);
  tcase_add_test(in_sub, other_targets_are_refused);
  tcase_add_test(in_sub, temporaries_of_killed_runs_are_removed);
  tcase_add_test(in_sub, standard_output_is_sequential);
  suite_add_tcase(suite, tests);
  suite_add_tcase(suite, in_sub);
  return suite;
}

VMF_TEST_MAIN(suite)
