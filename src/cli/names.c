/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "names.h"

#include <stdlib.h>

#include "arguments.h"

enum vmf_code vmf_names_resolve(struct vmf_settings *settings, const char **name, bool source,
                                struct vmf_error *error)
{
  size_t count = 0;
  char *plain;

  if (!*name)
    return VMF_OK;
  while (settings->names && settings->names[count])
    count++;
  char **longer = realloc(settings->names, (count + 2) * sizeof *longer);
  if (!longer)
    return vmf_arguments_no_memory(error);
  settings->names = longer;
  longer[count] = longer[count + 1] = NULL;
  enum vmf_code code = vmf_location_resolve(*name, source, &plain, error);
  longer[count] = plain;
  if (code == VMF_OK)
    *name = plain;
  return code;
}

enum vmf_code vmf_names_operands(struct vmf_settings *settings, int sources, int targets,
                                 struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  for (int i = 0; i < sources + targets && code == VMF_OK; i++)
    code = vmf_names_resolve(settings, &settings->operands[i], i < sources, error);
  return code;
}
