/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "library.h"

#include <dlfcn.h>
#include <string.h>

bool vmf_library_load(const char *file, const struct vmf_library_call *rows, size_t count,
                      void *calls, const char **why)
{
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);

  for (size_t i = 0; library && i < count; i++) {
    void *found = dlsym(library, rows[i].name);

    if (!found)
      break;
    memcpy((char *)calls + rows[i].offset, &found, sizeof found);
    if (i + 1 == count)
      return true;
  }
  *why = dlerror();
  return false;
}
