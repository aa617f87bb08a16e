/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "disks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "scratch_files.h"

enum { SECTOR = 512, RUNS = 24 };

static void fill(struct fuzz_choices *choices, uint8_t *bytes, size_t length)
{
  static const char text[] = "the quick brown fox jumps over the lazy dog, again. ";
  uint32_t state = fuzz_byte(choices) * 2654435761u + 1;
  unsigned kind = fuzz_below(choices, 4);

  for (size_t i = 0; i < length; i++) {
    state = state * 1664525 + 1013904223;
    if (kind == 0)
      bytes[i] = (uint8_t)(state >> 24);
    else if (kind == 1)
      bytes[i] = (uint8_t)text[i % (sizeof text - 1)];
    else
      bytes[i] = kind == 2 ? (uint8_t)(state & 15 ? 0 : state >> 16) : 0;
  }
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
    disk.size *= fuzz_below(choices, 64) + 1;
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
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] == (i < disk->size ? disk->bytes[i] : 0))
      continue;
    fuzz_scratch_write("expected.raw", disk->bytes, disk->size); /* stays where the fault is told */
    fuzz_fault("%s: byte %zu of %zu is %02x", what, i, disk->size, bytes[i]);
  }
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
