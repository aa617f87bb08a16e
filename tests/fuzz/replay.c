/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Runs fuzz targets without libFuzzer:
 *
 *   replay                        all targets on what they begin with, as TAP
 *   replay --list                 their names, and what they begin with
 *   replay --seeds NAME FOLDER    writes the choices that a target begins with as files
 *   replay NAME FILE|FOLDER...    one target on these inputs */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { SEEDS = 24, SEED_MAX = 512, INPUT_MAX = 1 << 20, PATH_MAX_HERE = 4096 };

/* The same on every machine: xorshift. */
static size_t make_seed(unsigned number, uint8_t bytes[SEED_MAX])
{
  uint32_t state = number * 2654435761u + 1;
  size_t size = number == 0 ? 0 : (size_t)number * 7919 % SEED_MAX;

  for (size_t i = 0; i < size; i++) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    bytes[i] = (uint8_t)(state >> 11);
  }
  return size;
}

/* Inputs end where INPUT_MAX does, as libFuzzer has it. */
static void run_file(const struct fuzz_target *target, const char *path)
{
  uint8_t *bytes = malloc(INPUT_MAX);
  FILE *file = fopen(path, "rb");

  if (!bytes || !file) {
    perror(path);
    exit(1);
  }
  size_t size = fread(bytes, 1, INPUT_MAX, file);
  fclose(file);
  bytes = realloc(bytes, size + 1); /* so that a sanitizer sees its end */
  if (!bytes)
    abort();
  target->run(target->what, bytes, size);
  free(bytes);
}

static unsigned run_path(const struct fuzz_target *target, const char *path)
{
  struct stat status;
  struct dirent **names = NULL;
  unsigned inputs = 0;

  if (stat(path, &status) != 0) {
    perror(path);
    exit(1);
  }
  if (!S_ISDIR(status.st_mode)) {
    run_file(target, path);
    return 1;
  }
  int count = scandir(path, &names, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    char inner[PATH_MAX_HERE];
    snprintf(inner, sizeof inner, "%s/%s", path, names[i]->d_name);
    if (stat(inner, &status) == 0 && S_ISREG(status.st_mode)) {
      run_file(target, inner);
      inputs++;
    }
    free(names[i]);
  }
  free(names);
  return inputs;
}

static unsigned run_seeds(const struct fuzz_target *target)
{
  uint8_t bytes[SEED_MAX];

  if (target->seeds == FUZZ_SEEDS_IMAGES)
    return run_path(target, FUZZ_IMAGES);
  for (unsigned i = 0; i < SEEDS; i++) {
    size_t size = make_seed(i, bytes);
    target->run(target->what, bytes, size);
  }
  return SEEDS;
}

static int run_all(void)
{
  struct fuzz_target target;
  size_t count = 0;

  while (fuzz_target_at(count, &target))
    count++;
  printf("1..%zu\n", count);
  for (size_t i = 0; i < count && fuzz_target_at(i, &target); i++) {
    if (target.begin)
      target.begin();
    unsigned inputs = run_seeds(&target);
    printf("ok %zu - %s: %u inputs\n", i + 1, target.name, inputs);
    fflush(stdout);
  }
  return 0;
}

static int list(void)
{
  static const char *const kinds[] = {
      [FUZZ_SEEDS_IMAGES] = "images", [FUZZ_SEEDS_RANDOM] = "choices", [FUZZ_SEEDS_NONE] = "none"};
  struct fuzz_target target;

  for (size_t i = 0; fuzz_target_at(i, &target); i++)
    printf("%s %s\n", target.name, kinds[target.seeds]);
  return 0;
}

static int write_seeds(const char *folder)
{
  uint8_t bytes[SEED_MAX];

  for (unsigned i = 0; i < SEEDS; i++) {
    char path[PATH_MAX_HERE];
    size_t size = make_seed(i, bytes);
    snprintf(path, sizeof path, "%s/seed-%u", folder, i);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
      perror(path);
      return 1;
    }
  }
  return 0;
}

int main(int count, char **words)
{
  struct fuzz_target target;

  if (count == 1)
    return run_all();
  if (strcmp(words[1], "--list") == 0)
    return list();
  bool seeds = strcmp(words[1], "--seeds") == 0;
  if (count < (seeds ? 4 : 3) || !fuzz_target_find(words[seeds ? 2 : 1], &target)) {
    fprintf(stderr, "usage: replay [--list | --seeds NAME FOLDER | NAME FILE|FOLDER...]\n");
    return 1;
  }
  if (seeds)
    return target.seeds == FUZZ_SEEDS_RANDOM ? write_seeds(words[3]) : 0;
  if (target.begin)
    target.begin();
  unsigned inputs = 0;
  for (int i = 2; i < count; i++)
    inputs += run_path(&target, words[i]);
  printf("%s: %u inputs\n", target.name, inputs);
  return 0;
}
