/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The virtual systems of a package as machines, in the form that machines of all formats have. */
#include "fields.h"
#include "memory.h"
#include "ovf_machine.h"
#include "package.h"
#include "value.h"

/* What cannot be read as a machine says why, as a disk does. */
static enum vmf_code add_machine(const struct vmf_package *package, size_t system,
                                 struct vmf_value *value, struct vmf_error *error)
{
  struct vmf_error failure = {0};
  struct vmf_machine *machine;

  VMF_TRY(vmf_machine_new(&machine, error));
  enum vmf_code code = vmf_ovf_machine(package->ovf, system, machine, NULL, &failure);
  if (code == VMF_OK)
    code = vmf_machine_value(machine, value, error);
  else
    code = vmf_value_failure(value, &failure, error);
  vmf_machine_free(machine);
  return code;
}

enum vmf_code vmf_package_show_machines(const struct vmf_package *package, struct vmf_value *root,
                                        struct vmf_error *error)
{
  const struct vmf_ovf *ovf = package->ovf;
  struct vmf_value *list = root, *value;
  size_t count = 0;

  for (size_t i = 0; i < ovf->system_count; i++)
    count += !ovf->systems[i].collection;
  if (count > 1)
    VMF_TRY(vmf_value_add(root, VMF_VALUE_LIST, "machines", &list, error));
  for (size_t i = 0; i < ovf->system_count; i++) {
    if (ovf->systems[i].collection)
      continue;
    VMF_TRY(vmf_value_add(list, VMF_VALUE_OBJECT, count > 1 ? NULL : "machine", &value, error));
    VMF_TRY(add_machine(package, i, value, error));
  }
  return VMF_OK;
}
