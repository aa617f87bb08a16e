/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vmferry.h"

static const struct {
  const char *name, *version, *purpose;
} libraries[] = {VMF_LIBRARIES}; /* meson knows them */

const char *vmf_version(void)
{
  return VMF_VERSION;
}

const char *vmf_library_name(size_t index, const char **version, const char **purpose)
{
  if (index >= sizeof libraries / sizeof libraries[0])
    return NULL;
  if (version)
    *version = libraries[index].version;
  if (purpose)
    *purpose = libraries[index].purpose;
  return libraries[index].name;
}
