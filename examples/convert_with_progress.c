/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * convert SOURCE TARGET: any disk image becomes a QCOW2 disk, with its progress.
 *
 *   cc convert_with_progress.c -o convert $(pkg-config --cflags --libs libvmferry) */
#include <stdio.h>
#include <vmferry.h>

static void show(void *data, uint64_t done, uint64_t total)
{
  (void)data;
  fprintf(stderr, "\r%3.0f %%", total > 0 ? 100.0 * (double)done / (double)total : 100.0);
}

static void warn(void *data, const char *text)
{
  (void)data;
  fprintf(stderr, "\nwarning: %s\n", text);
}

static enum vmf_code convert(struct vmf_image *source, const char *path, struct vmf_error *error)
{
  const struct vmf_log log = {.warn = warn};
  const struct vmf_target_options options = {
      .size = sizeof options, .format = "qcow2", .source = source, .log = &log};
  const struct vmf_job_options job = {.size = sizeof job, .sparse_size = 4096, .progress = show};
  struct vmf_target *target;
  enum vmf_code code = vmf_target_create(path, vmf_image_size(source), &options, &target, error);

  if (code == VMF_OK)
    code = vmf_convert(source, target, &job, NULL, error);
  if (code == VMF_OK)
    code = vmf_target_commit(target, error); /* only now it has its name */
  vmf_target_close(target);
  fputc('\n', stderr);
  return code;
}

int main(int count, char **words)
{
  struct vmf_error error = {0};
  struct vmf_image *source = NULL;

  if (count != 3) {
    fputs("usage: convert SOURCE TARGET.qcow2\n", stderr);
    return 1;
  }
  enum vmf_code code = vmf_disk_open(words[1], NULL, &source, &error);
  if (code == VMF_OK)
    code = convert(source, words[2], &error);
  if (code != VMF_OK)
    fprintf(stderr, "%s (%s)\n", error.text, vmf_code_text(code));
  vmf_image_close(source);
  return code == VMF_OK ? 0 : 1;
}
