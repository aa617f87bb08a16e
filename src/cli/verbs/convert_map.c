/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `convert --map`: what may be replaced by a map. */
#include <string.h>

#include "arguments.h"
#include "names.h"
#include "verb_convert.h"

enum vmf_code vmf_convert_check_map(const char *map, const char *path, struct vmf_error *error)
{
  if (!map || (strcmp(map, path) != 0 && vmf_names_free_for(map, "vmferry map ")))
    return VMF_OK;
  return vmf_arguments_wrong(error, "--map: %s: %s; name another file for the map", map,
                             strcmp(map, path) == 0 ? "is the target"
                                                    : "is there, and no map, so it stays");
}
