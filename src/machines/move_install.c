/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine that is installed from a package: what was chosen of it. */
#include <string.h>

#include "caller.h"
#include "choice.h"
#include "machine_move.h"
#include "memory.h"
#include "property.h"
#include "value.h"

/* The virtual system that the machine is. */
static size_t system_of(const struct vmf_machine_move *move)
{
  size_t index = 0;

  while (move->machines->list[index] != move->read)
    index++;
  return vmf_machines_system(move->machines, index);
}

enum vmf_code vmf_machine_move_install(struct vmf_machine_move *move, struct vmf_error *error)
{
  const struct vmf_machines *machines = move->machines;

  if (!machines->package || !vmf_machines_installed(machines))
    return VMF_OK;
  if (!move->format)
    return machines->install.property_count == 0
               ? VMF_OK
               : vmf_fail(error, VMF_USAGE,
                          "%s: a package keeps its properties for the one who installs it; "
                          "\"vmferry edit --property\" gives them other values there",
                          move->machines->path);
  return vmf_ovf_values_missing(machines->package->ovf, system_of(move), error);
}

/* ---- what is told ---- */

static enum vmf_code tell_option(const struct vmf_ovf *ovf, struct vmf_value *tree,
                                 struct vmf_error *error)
{
  const char *usual = vmf_ovf_usual(ovf);
  struct vmf_value *list;

  if (!usual)
    return VMF_OK;
  VMF_TRY(vmf_value_text(tree, "deployment", usual, error));
  VMF_TRY(vmf_value_bool(tree, "default", !ovf->chosen, error));
  VMF_TRY(vmf_value_add(tree, VMF_VALUE_LIST, "options", &list, error));
  for (size_t i = 0; i < ovf->configuration_count; i++)
    if (ovf->configurations[i].id)
      VMF_TRY(vmf_value_text(list, NULL, ovf->configurations[i].id, error));
  return VMF_OK;
}

static enum vmf_code tell_values(const struct vmf_ovf_system *system, struct vmf_value *list,
                                 struct vmf_error *error)
{
  struct vmf_value *value;

  for (size_t i = 0; i < system->product_count; i++)
    for (size_t j = 0; j < system->products[i].property_count; j++) {
      const struct vmf_ovf_property *property = &system->products[i].properties[j];
      VMF_AUTO_FREE char *id = NULL;

      if (!property->chosen)
        continue;
      VMF_TRY(vmf_ovf_property_id(&system->products[i], property, &id, error));
      VMF_TRY(vmf_value_add(list, VMF_VALUE_OBJECT, NULL, &value, error));
      VMF_TRY(vmf_value_text(value, "key", id, error));
      if (property->password)
        VMF_TRY(vmf_value_bool(value, "password", true, error));
      else
        VMF_TRY(vmf_value_text(value, "value", property->value, error));
    }
  return VMF_OK;
}

static enum vmf_code tell_properties(const struct vmf_ovf *ovf, size_t at, struct vmf_value *tree,
                                     struct vmf_error *error)
{
  struct vmf_value *list;

  VMF_TRY(vmf_value_add(tree, VMF_VALUE_LIST, "properties", &list, error));
  for (;; at = ovf->systems[at].parent) {
    VMF_TRY(tell_values(&ovf->systems[at], list, error));
    if (ovf->systems[at].parent == at)
      return VMF_OK;
  }
}

enum vmf_code vmf_machine_move_tell_choice(const struct vmf_machine_move *move,
                                           struct vmf_value *tree, struct vmf_error *error)
{
  const struct vmf_package *package = move->machines->package;
  struct vmf_value *installed;

  if (!package || (!vmf_ovf_usual(package->ovf) && move->machines->install.property_count == 0))
    return VMF_OK;
  VMF_TRY(vmf_value_add(tree, VMF_VALUE_OBJECT, "installed", &installed, error));
  VMF_TRY(tell_option(package->ovf, installed, error));
  return move->machines->install.property_count > 0
             ? tell_properties(package->ovf, system_of(move), installed, error)
             : VMF_OK;
}
