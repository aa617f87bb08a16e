/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "path.h"

#include <string.h>

#include "memory.h"
#include "text.h"

const char *vmf_path_name(const char *path)
{
  return path + vmf_path_folder(path);
}

size_t vmf_path_folder(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash + 1 - path) : 0;
}

size_t vmf_name_stem(const char *name)
{
  const char *dot = strrchr(name, '.');
  return dot && dot > name ? (size_t)(dot - name) : strlen(name);
}

bool vmf_path_has_suffix(const char *path, const char *suffix)
{
  size_t length = strlen(path), tail = strlen(suffix);
  return length > tail && vmf_text_equal_nocase(path + length - tail, suffix);
}

enum vmf_code vmf_path_with_suffix(const char *path, const char *suffix, char **result,
                                   struct vmf_error *error)
{
  size_t folder = vmf_path_folder(path), stem = folder + vmf_name_stem(path + folder);
  return vmf_format(result, error, "%.*s%s", (int)stem, path, suffix);
}

enum vmf_code vmf_path_copy_folder(const char *path, char **folder, struct vmf_error *error)
{
  size_t length = vmf_path_folder(path);
  return length > 0 ? vmf_copy_bytes(path, length, folder, error)
                    : vmf_copy_text(".", folder, error);
}

enum vmf_code vmf_path_beside(const char *path, const char *name, char **beside,
                              struct vmf_error *error)
{
  return vmf_format(beside, error, "%.*s%s", (int)vmf_path_folder(path), path, name);
}
