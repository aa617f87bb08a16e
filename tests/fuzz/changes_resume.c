/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A conversion that goes on with one that was cancelled makes the bytes of one that was not. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changes_runs.h"

enum { MIB = 1 << 20 };

/* ---- folders ---- */

static int list_folder(const char *folder, struct dirent ***names)
{
  char path[FUZZ_PATH];

  fuzz_scratch_path(folder, path);
  int count = scandir(path, names, NULL, alphasort);
  if (count < 0)
    fuzz_fault("%s cannot be listed", path);
  return count;
}

/* The same files with the same bytes: nothing else was left, either. */
static void expect_same_folder(const char *left, const char *right)
{
  struct dirent **names, **others;
  int count = list_folder(left, &names), other_count = list_folder(right, &others);

  if (count != other_count)
    fuzz_fault("%s: %d files, expected %d", left, count - 2, other_count - 2);
  for (int i = 0; i < count; i++) {
    char path[FUZZ_PATH], other[FUZZ_PATH];
    if (strcmp(names[i]->d_name, others[i]->d_name) != 0)
      fuzz_fault("%s: %s, expected %s", left, names[i]->d_name, others[i]->d_name);
    fuzz_folder_path(left, names[i]->d_name, path);
    fuzz_folder_path(right, names[i]->d_name, other);
    if (names[i]->d_name[0] != '.')
      fuzz_same_file(path, other);
    free(names[i]);
    free(others[i]);
  }
  free(names);
  free(others);
}

/* ---- a journal ---- */

/* The bytes of the disk stand several times in a file, with holes between: the work is done in
 * several parts. */
static struct vmf_image *spread_source(struct fuzz_choices *choices, const struct fuzz_disk *disk)
{
  struct fuzz_file file = {.format = "raw"};
  unsigned copies = 2 + fuzz_below(choices, 4);
  size_t length = disk->size < MIB ? disk->size : MIB;
  size_t step = (size_t)MIB + 4096 * (size_t)fuzz_below(choices, 128);

  fuzz_scratch_path("source.raw", file.path);
  int number = open(file.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  for (size_t i = 0; i < copies; i++)
    if (pwrite(number, disk->bytes, length, (off_t)(i * step)) != (ssize_t)length)
      fuzz_fault("%s cannot be written", file.path);
  if (ftruncate(number, (off_t)(copies * step)) != 0)
    fuzz_fault("%s cannot be written", file.path);
  close(number);
  return fuzz_file_open(&file);
}

/* Some places of a file that an interrupted run has left: most of it may be holes. */
static void damage_left(struct fuzz_choices *choices)
{
  struct dirent **names, **inner;
  int count = list_folder("out", &names), inner_count = 0;
  char folder[FUZZ_PATH] = "", path[FUZZ_PATH];

  for (int i = 0; i < count; i++) {
    if (strncmp(names[i]->d_name, ".vmferry-", 9) == 0)
      snprintf(folder, sizeof folder, "out/%.200s", names[i]->d_name);
    free(names[i]);
  }
  free(names);
  if (!folder[0])
    return;
  inner_count = list_folder(folder, &inner);
  int chosen = inner_count > 2 ? 2 + (int)fuzz_below(choices, (unsigned)inner_count - 2) : 0;
  for (int i = 0; i < inner_count; i++) {
    fuzz_folder_path(folder, inner[i]->d_name, path);
    for (unsigned places = 0; places < 16 && i == chosen && i >= 2; places++)
      fuzz_file_damage(choices, path);
    free(inner[i]);
  }
  free(inner);
}

/* What is told of it is what it is good for. */
static void expect_left(void *data, const char *path, uint64_t bytes, enum vmf_leftover_state state)
{
  const enum vmf_leftover_state *expected = data;

  if (state != *expected)
    fuzz_fault("%s, of %llu bytes: is %d, expected %d", path, (unsigned long long)bytes, (int)state,
               (int)*expected);
}

static void clean(bool dry_run)
{
  enum vmf_leftover_state expected = dry_run ? VMF_LEFTOVER_RESUMABLE : VMF_LEFTOVER_REMOVED;
  const struct vmf_clean_options options = {
      .size = sizeof options, .dry_run = dry_run, .tell = expect_left, .data = &expected};
  struct vmf_error error;
  char path[FUZZ_PATH];

  fuzz_scratch_path("out", path);
  if (vmf_clean(path, &options, &error) != VMF_OK)
    fuzz_fault("clean: %s", error.text);
}

/* What happens to what an interrupted run has left. True: it is damaged. */
static bool come_between(struct fuzz_choices *choices)
{
  unsigned what = fuzz_below(choices, 8);

  if (what < 2)
    clean(what == 0);
  if (what == 2)
    damage_left(choices);
  return what == 2;
}

struct resumed {
  struct vmf_image *source, *backing;
  struct fuzz_file file;
  char map[FUZZ_PATH];
  bool has_map;
  struct vmf_job_options job;
};

static enum vmf_code run_once(const struct resumed *resumed, const char *folder, const char *name,
                              const struct vmf_job_options *job, uint64_t chunk)
{
  struct fuzz_file file = resumed->file;
  char map[FUZZ_PATH], backing[FUZZ_PATH];
  struct vmf_target_options how = {.backing = resumed->backing};

  fuzz_folder_path(folder, name, file.path);
  fuzz_folder_path(folder, "map", map);
  fuzz_scratch_path("old.raw", backing);
  if (resumed->has_map)
    how.map = map;
  if (resumed->backing) {
    how.backing_path = backing;
    how.backing_format = "raw";
  }
  if (chunk > 0) {
    how.journal = VMF_JOURNAL_WANTED;
    how.journal_chunk = chunk;
    how.resume = true;
  }
  return fuzz_file_write(resumed->source, &file, how, job);
}

/* Interrupted a few times, and taken up each time. False: refused. */
static bool run_in_parts(struct fuzz_choices *choices, const struct resumed *resumed,
                         const char *name)
{
  static const uint64_t chunks[] = {1, 64 << 10, MIB, 2 * MIB};
  struct vmf_job_options job = resumed->job;
  unsigned parts = 1 + fuzz_below(choices, 3);
  enum vmf_code code = VMF_CANCELLED;
  bool damaged = false;
  struct fuzz_stop stop;

  for (unsigned i = 0; i <= parts && code == VMF_CANCELLED; i++) {
    job.threads = 1 + fuzz_below(choices, 4);
    fuzz_stop_after(&stop, i < parts ? fuzz_below(choices, 12) : UINT32_MAX, &job);
    code = run_once(resumed, "out", name, &job, chunks[fuzz_below(choices, 4)]);
    if (code == VMF_CANCELLED)
      damaged = come_between(choices) || damaged;
  }
  if (code != VMF_OK && code != VMF_UNSUPPORTED && !damaged)
    fuzz_fault("%s, %s: is not taken up (%s)", name, resumed->file.options, vmf_code_text(code));
  return code == VMF_OK;
}

static void choose_resumed(struct fuzz_choices *choices, struct resumed *resumed, char name[64])
{
  unsigned form = fuzz_below(choices, FUZZ_FORMS);

  fuzz_form_take(&fuzz_forms[form], &resumed->file);
  snprintf(name, 64, "%s", fuzz_forms[form].name);
  if (fuzz_chance(choices, 4)) {
    fuzz_file_any(choices, "any", &resumed->file);
    snprintf(name, 64, "any.%s", resumed->file.format);
  } else {
    resumed->has_map = form < FUZZ_FORMS_WITH_MAP && fuzz_chance(choices, 2);
  }
  resumed->job = (struct vmf_job_options){.size = sizeof resumed->job, .threads = 2};
  resumed->job.sparse_size = (uint64_t[]){4096, 0, 512, 65536}[fuzz_below(choices, 4)];
  resumed->job.checksum = fuzz_chance(choices, 2) ? "sha256" : NULL;
}

void fuzz_resume(struct fuzz_choices *choices, struct fuzz_changed *disks)
{
  struct resumed resumed = {.source = spread_source(choices, &disks->now)};
  struct fuzz_file base = {.format = "raw"};
  char name[64];

  fuzz_folder_make("whole");
  fuzz_folder_make("out");
  fuzz_scratch_write("old.raw", disks->old.bytes, disks->old.size);
  fuzz_scratch_path("old.raw", base.path);
  choose_resumed(choices, &resumed, name);
  if (!resumed.has_map && fuzz_chance(choices, 4))
    resumed.backing = fuzz_file_open(&base);
  if (run_once(&resumed, "whole", name, &resumed.job, 0) == VMF_OK &&
      run_in_parts(choices, &resumed, name))
    expect_same_folder("out", "whole");
  vmf_image_close(resumed.source);
  vmf_image_close(resumed.backing);
}
