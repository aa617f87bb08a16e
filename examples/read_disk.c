/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * read DISK [OFFSET]: what a disk is, as JSON, and 16 bytes of what its guest sees.
 *
 *   cc read_disk.c -o read $(pkg-config --cflags --libs libvmferry) */
#include <stdio.h>
#include <stdlib.h>
#include <vmferry.h>

static enum vmf_code show(struct vmf_image *image, uint64_t offset, struct vmf_error *error)
{
  struct vmf_value *info = NULL;
  unsigned char bytes[16];
  char *json = NULL;
  enum vmf_code code = vmf_image_info(image, &info, error);

  if (code == VMF_OK)
    code = vmf_value_json(info, &json, error);
  if (code == VMF_OK)
    puts(json);
  free(json);
  vmf_value_free(info);
  if (code == VMF_OK)
    code = vmf_image_pread(image, bytes, sizeof bytes, offset, error);
  for (size_t i = 0; code == VMF_OK && i < sizeof bytes; i++)
    printf("%02x%c", bytes[i], i + 1 < sizeof bytes ? ' ' : '\n');
  return code;
}

int main(int count, char **words)
{
  struct vmf_error error = {0};
  struct vmf_image *image = NULL;

  if (count < 2) {
    fputs("usage: read DISK [OFFSET]\n", stderr);
    return 1;
  }
  enum vmf_code code = vmf_disk_open(words[1], NULL, &image, &error);
  if (code == VMF_OK)
    code = show(image, count > 2 ? strtoull(words[2], NULL, 0) : 0, &error);
  if (code != VMF_OK)
    fprintf(stderr, "%s\n", error.text);
  vmf_image_close(image);
  return code == VMF_OK ? 0 : 1;
}
