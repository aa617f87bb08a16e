/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "disks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "scratch_files.h"
#include "zero.h"

enum { SECTOR = 512, RUNS = 24 };

/* Eight bytes at a time: a sanitizer looks at each store. */
static void fill_random(uint8_t *bytes, size_t length, uint64_t state)
{
  for (size_t at = 0; at < length; at += sizeof state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    memcpy(bytes + at, &state, length - at < sizeof state ? length - at : sizeof state);
  }
}

static void fill(struct fuzz_choices *choices, uint8_t *bytes, size_t length)
{
  static const char text[] = "the quick brown fox jumps over the lazy dog, again. ";
  const size_t line = sizeof text - 1;
  unsigned seed = fuzz_byte(choices);
  enum { NOISE, TEXT, SPECKS, ZEROS } kind = fuzz_below(choices, 4);

  if (kind != TEXT)
    memset(bytes, 0, length);
  if (kind == NOISE)
    fill_random(bytes, length, seed + 1);
  for (size_t at = 0; kind == TEXT && at < length; at += line)
    memcpy(bytes + at, text, length - at < line ? length - at : line);
  for (size_t at = seed % 16; kind == SPECKS && at < length; at += 16)
    bytes[at] = (uint8_t)(seed + at / 16);
}

void fuzz_disk_change(struct fuzz_choices *choices, struct fuzz_disk *disk)
{
  static const size_t units[] = {1, 512, 4096, 65536, 1 << 20};
  unsigned runs = fuzz_below(choices, RUNS);

  for (unsigned i = 0; i < runs && choices->size > 0; i++) {
    size_t unit = units[fuzz_below(choices, 5)];
    size_t at = fuzz_below(choices, 4096) * unit % disk->size;
    size_t length = (fuzz_byte(choices) + 1) * (unit > 4096 ? 4096 : unit);
    fill(choices, disk->bytes + at, length < disk->size - at ? length : disk->size - at);
  }
}

struct fuzz_disk fuzz_disk_make(struct fuzz_choices *choices)
{
  struct fuzz_disk disk = {.size = (size_t)(fuzz_below(choices, 1024) + 1) * SECTOR};

  if (fuzz_chance(choices, 4))
    disk.size *= fuzz_below(choices, 16) + 1;
  if (fuzz_chance(choices, 8))
    disk.size -= fuzz_below(choices, SECTOR);
  disk.bytes = calloc(1, disk.size);
  if (!disk.bytes)
    fuzz_fault("no memory");
  fuzz_disk_change(choices, &disk);
  return disk;
}

struct vmf_image *fuzz_disk_image(const struct fuzz_disk *disk)
{
  const struct vmf_image_options options = {
      .size = sizeof options, .format = "raw", .no_chain = true};
  struct vmf_image_origin origin = {0};
  struct vmf_image *image;
  struct vmf_error error;

  if (vmf_io_memory("fuzz/disk", disk->bytes, disk->size, &origin.io, &error) != VMF_OK ||
      vmf_image_open_origin(&origin, &options, &image, &error) != VMF_OK)
    fuzz_fault("a raw disk in memory: %s", error.text);
  return image;
}

static void tell_difference(const uint8_t *bytes, size_t size, const struct fuzz_disk *disk,
                            const char *what)
{
  size_t at = 0;

  while (at < size && bytes[at] == (at < disk->size ? disk->bytes[at] : 0))
    at++;
  fuzz_scratch_write("expected.raw", disk->bytes, disk->size); /* stays where the fault is told */
  fuzz_fault("%s: byte %zu of %zu is not as expected", what, at, disk->size);
}

void fuzz_disk_expect(struct vmf_image *image, const struct fuzz_disk *disk, const char *what)
{
  enum { BEHIND = 1 << 20 };
  size_t size = (size_t)vmf_min(vmf_image_size(image), disk->size + BEHIND);
  struct vmf_error error;
  uint8_t *bytes = malloc(size);

  if (size < disk->size)
    fuzz_fault("%s: a disk of %zu bytes, expected %zu", what, size, disk->size);
  if (!bytes)
    fuzz_fault("no memory");
  if (vmf_image_pread(image, bytes, size, 0, &error) != VMF_OK)
    fuzz_fault("%s: %s", what, error.text);
  if (memcmp(bytes, disk->bytes, disk->size) != 0 ||
      !vmf_is_zero(bytes + disk->size, size - disk->size))
    tell_difference(bytes, size, disk, what);
  free(bytes);
}

const char *fuzz_format(struct fuzz_choices *choices)
{
  struct vmf_format_info info = {.size = sizeof info};
  unsigned wanted = fuzz_below(choices, 16), index = 0, writable = 0;

  while (vmf_format_describe(index++, &info))
    writable += info.writable;
  wanted %= writable;
  for (index = 0; vmf_format_describe(index, &info); index++)
    if (info.writable && wanted-- == 0)
      break;
  return info.name;
}

/* 0: no option of that name. */
static size_t one_option(struct fuzz_choices *choices, const struct vmf_option_info *option,
                         char *text, size_t size)
{
  unsigned choice = fuzz_byte(choices), count = 0;
  uint64_t number = fuzz_number(choices);

  if (strcmp(option->type, "bool") == 0)
    return (size_t)snprintf(text, size, "%s=%s", option->name, choice % 2 ? "on" : "off");
  if (option->choices) {
    while (option->choices[count])
      count++;
    return (size_t)snprintf(text, size, "%s=%s", option->name, option->choices[choice % count]);
  }
  if (strcmp(option->type, "text") == 0)
    return 0;
  if (choice % 8 > 0 && strcmp(option->type, "size") == 0)
    number = (uint64_t)1 << (9 + choice % 19);
  else if (choice % 8 > 0)
    number = option->min +
             number % (option->max - option->min < 64 ? option->max - option->min + 1 : 64);
  return (size_t)snprintf(text, size, "%s=%" PRIu64, option->name, number);
}

void fuzz_format_options(struct fuzz_choices *choices, const char *format, char text[FUZZ_OPTIONS])
{
  struct vmf_option_info option = {.size = sizeof option};
  size_t length = 0;

  text[0] = '\0';
  for (size_t i = 0; vmf_format_option(format, i, &option); i++) {
    /* Google's archives hold whole GiB: too much for so many runs; who encrypts knows how */
    if (!fuzz_chance(choices, 3) || strcmp(option.name, "archive") == 0 ||
        strncmp(option.name, "encrypt.", 8) == 0)
      continue;
    char one[FUZZ_OPTIONS / 4];
    if (one_option(choices, &option, one, sizeof one) > 0 &&
        length + strlen(one) + 2 < FUZZ_OPTIONS)
      length +=
          (size_t)snprintf(text + length, FUZZ_OPTIONS - length, "%s%s", length ? "," : "", one);
  }
}
