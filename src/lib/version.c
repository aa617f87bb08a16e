/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vmferry.h"

#define TEXT(number) #number
#define DOTTED(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)
_Static_assert(__builtin_strcmp(DOTTED(VMF_VERSION_MAJOR, VMF_VERSION_MINOR, VMF_VERSION_PATCH),
                                VMF_VERSION) == 0,
               "the version's numbers and its text");

static const struct {
  const char *name, *version, *purpose;
} libraries[] = {VMF_LIBRARIES}; /* meson knows them */

const char *vmf_version(void)
{
  return VMF_VERSION;
}

unsigned vmf_version_number(void)
{
  return VMF_VERSION_NUMBER;
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
