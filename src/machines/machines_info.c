/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Machines at a glance, as a tree of values. */
#include "caller.h"
#include "open_machines.h"
#include "value.h"

/* What stands behind a disk; it is no error here that it is not there. */
static enum vmf_code add_image(struct vmf_machines *machines, const struct vmf_machine *machine,
                               size_t index, struct vmf_value *list, struct vmf_error *error)
{
  struct vmf_error failure = {0};
  struct vmf_image *image = NULL;
  struct vmf_value *value;

  VMF_TRY(vmf_value_add(list, VMF_VALUE_OBJECT, NULL, &value, error));
  VMF_TRY(vmf_value_uint(value, "disk", index, error));
  if (vmf_machines_open_image(machines, machine, index, &image, &failure) != VMF_OK)
    return vmf_value_failure(value, &failure, error);
  enum vmf_code code = vmf_value_text(value, "filename", vmf_image_path(image), error);
  if (code == VMF_OK)
    code = vmf_value_text(value, "format", vmf_image_format(image), error);
  if (code == VMF_OK)
    code = vmf_value_uint(value, "virtual-size", vmf_image_size(image), error);
  vmf_image_close(image);
  return code;
}

static enum vmf_code add_images(struct vmf_machines *machines, const struct vmf_machine *machine,
                                struct vmf_value *parent, struct vmf_error *error)
{
  struct vmf_value *list = NULL;

  for (size_t i = 0; i < machine->disk_count; i++) {
    if (!machine->disks[i].image.text || machine->disks[i].medium.value != VMF_MEDIUM_DISK)
      continue;
    if (!list)
      VMF_TRY(vmf_value_add(parent, VMF_VALUE_LIST, "images", &list, error));
    VMF_TRY(add_image(machines, machine, i, list, error));
  }
  return VMF_OK;
}

static enum vmf_code add_machine(struct vmf_machines *machines, size_t index,
                                 struct vmf_value *value, struct vmf_error *error)
{
  VMF_TRY(vmf_machine_value(machines->list[index], value, error));
  return machines->package || machines->container
             ? VMF_OK
             : add_images(machines, machines->list[index], value, error);
}

/* "machine" of one, "machines" of several. */
static enum vmf_code fill(struct vmf_machines *machines, struct vmf_value *root,
                          struct vmf_error *error)
{
  struct vmf_value *list, *value;

  if (machines->count == 1) {
    VMF_TRY(vmf_value_add(root, VMF_VALUE_OBJECT, "machine", &value, error));
    return add_machine(machines, 0, value, error);
  }
  VMF_TRY(vmf_value_add(root, VMF_VALUE_LIST, "machines", &list, error));
  for (size_t i = 0; i < machines->count; i++) {
    VMF_TRY(vmf_value_add(list, VMF_VALUE_OBJECT, NULL, &value, error));
    VMF_TRY(add_machine(machines, i, value, error));
  }
  return VMF_OK;
}

/* What the machine, or all that holds it, is. */
static enum vmf_code start(struct vmf_machines *machines, struct vmf_value **root,
                           struct vmf_error *error)
{
  VMF_TRY(vmf_machines_store(machines, error));
  if (machines->container)
    return vmf_image_info(machines->container, root, error);
  VMF_TRY(vmf_value_new(root, error));
  VMF_TRY(vmf_value_text(*root, "filename", machines->path, error));
  return vmf_value_text(*root, "format", vmf_machines_format(machines), error);
}

enum vmf_code vmf_machines_info(struct vmf_machines *machines, struct vmf_value **info,
                                struct vmf_error *error)
{
  VMF_REQUIRE(info, error);
  *info = NULL;
  VMF_REQUIRE(machines, error);
  enum vmf_code code = start(machines, info, error);
  if (code == VMF_OK)
    code = fill(machines, *info, error);
  if (code != VMF_OK) {
    vmf_value_free(*info);
    *info = NULL;
  }
  return code;
}
