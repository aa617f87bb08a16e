/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * generated TARGET.vhd: a disk that is nowhere: its bytes are made when they are asked for. So a
 * program writes the disks that it knows itself in any format.
 *
 *   cc generated_disk.c -o generated $(pkg-config --cflags --libs libvmferry) */
#include <stdio.h>
#include <string.h>
#include <vmferry.h>

enum { SECTOR = 512, SECTORS_OF_DATA = 2048, DISK_MIB = 64 };

/* Sector n begins with the text of n, as far as there is data. */
static enum vmf_code give(void *data, void *buffer, size_t length, uint64_t offset,
                          struct vmf_error *error)
{
  unsigned char *bytes = buffer;
  char sector[SECTOR];

  (void)data, (void)error;
  for (size_t i = 0; i < length; i++) {
    uint64_t at = offset + i;
    if (i == 0 || at % SECTOR == 0) {
      memset(sector, 0, sizeof sector);
      if (at / SECTOR < SECTORS_OF_DATA)
        snprintf(sector, sizeof sector, "sector %llu", (unsigned long long)(at / SECTOR));
    }
    bytes[i] = (unsigned char)sector[at % SECTOR];
  }
  return VMF_OK;
}

static enum vmf_code next(void *data, uint64_t offset, uint64_t *start, uint64_t *end,
                          struct vmf_error *error)
{
  const uint64_t data_end = (uint64_t)SECTORS_OF_DATA * SECTOR, all = (uint64_t)DISK_MIB << 20;

  (void)data, (void)error;
  *start = offset < data_end ? offset : all;
  *end = offset < data_end ? data_end : all;
  return VMF_OK;
}

int main(int count, char **words)
{
  const struct vmf_source made = {.size = sizeof made,
                                  .name = "generated",
                                  .bytes = (uint64_t)DISK_MIB << 20,
                                  .read = give,
                                  .next_data = next};
  const struct vmf_image_options raw = {.size = sizeof raw, .format = "raw"};
  const struct vmf_job_options job = {.size = sizeof job, .sparse_size = 4096};
  struct vmf_target_options options = {.size = sizeof options, .format = "vpc"};
  struct vmf_error error = {0};
  struct vmf_image *image = NULL;
  struct vmf_target *target = NULL;

  if (count != 2)
    return 1;
  enum vmf_code code = vmf_image_open_source(&made, &raw, &image, &error);
  options.source = image;
  if (code == VMF_OK)
    code = vmf_target_create(words[1], vmf_image_size(image), &options, &target, &error);
  if (code == VMF_OK)
    code = vmf_convert(image, target, &job, NULL, &error);
  if (code == VMF_OK)
    code = vmf_target_commit(target, &error);
  if (code != VMF_OK)
    fprintf(stderr, "%s\n", error.text);
  vmf_target_close(target);
  vmf_image_close(image);
  return code == VMF_OK ? 0 : 1;
}
