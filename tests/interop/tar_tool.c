/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `tar_tool list FILE` prints header, offset, size, whether an extended
 * header alone tells name or size (0, 1), and name of each member; `tar_tool write FILE
 * NAME SIZE...` writes an archive whose members are holes. Errors go to standard error, exit 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "tar.h"
#include "view.h"

static struct vmf_error error;

static enum vmf_code list(const char *path)
{
  struct vmf_io *io;
  struct vmf_tar *tar;
  VMF_TRY(vmf_io_open_file(path, false, &io, &error));
  if (vmf_io_is_gzip(io))
    VMF_TRY(vmf_io_gunzip(io, &(struct vmf_gunzip_options){0}, &io, &error));
  enum vmf_code code = vmf_tar_read(io, NULL, &tar, &error);
  if (code == VMF_OK) {
    for (size_t i = 0; i < tar->count; i++) {
      const struct vmf_tar_member *member = &tar->members[i];
      printf("%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%d\t%s\n", member->header, member->offset,
             member->size, member->extended, member->name);
    }
    vmf_tar_free(tar);
  }
  vmf_io_close(io);
  return code;
}

static enum vmf_code write_members(FILE *file, char **words)
{
  uint64_t at = 0;
  for (; words[0] && words[1]; words += 2) {
    uint8_t header[VMF_TAR_BLOCK];
    uint64_t size = strtoull(words[1], NULL, 10);
    VMF_TRY(vmf_tar_header(words[0], size, 1700000000, header, &error));
    if (fseeko(file, (off_t)at, SEEK_SET) < 0 || fwrite(header, sizeof header, 1, file) != 1)
      return vmf_fail_errno(&error, VMF_WRITE, "writing a header");
    at += VMF_TAR_BLOCK + size + vmf_tar_padding(size);
  }
  at += vmf_tar_ending(at);
  if (fflush(file) != 0 || ftruncate(fileno(file), (off_t)at) < 0)
    return vmf_fail_errno(&error, VMF_WRITE, "writing the end");
  return VMF_OK;
}

static enum vmf_code write_archive(const char *path, char **words)
{
  FILE *file = fopen(path, "w");
  if (!file)
    return vmf_fail_errno(&error, VMF_SYSTEM, "%s: cannot be made", path);
  enum vmf_code code = write_members(file, words);
  if (fclose(file) != 0 && code == VMF_OK)
    return vmf_fail_errno(&error, VMF_WRITE, "%s: closing", path);
  return code;
}

int main(int count, char **words)
{
  if (count < 3)
    return 2;
  enum vmf_code code =
      strcmp(words[1], "list") == 0 ? list(words[2]) : write_archive(words[2], words + 3);
  if (code != VMF_OK)
    fprintf(stderr, "%s\n", error.text);
  return code == VMF_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
