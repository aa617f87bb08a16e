/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A package at a glance, as a tree of values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "disk_format.h"
#include "guest_os.h"
#include "memory.h"
#include "name_list.h"
#include "package.h"
#include "value.h"

enum { ENTRIES_MAX = 1 << 15 };

/* A text that may be missing. */
static enum vmf_code add_text(struct vmf_value *parent, const char *name, const char *text,
                              struct vmf_error *error)
{
  return text && *text ? vmf_value_text(parent, name, text, error) : VMF_OK;
}

static enum vmf_code add_object(struct vmf_value *list, struct vmf_value **child,
                                struct vmf_error *error)
{
  return vmf_value_add(list, VMF_VALUE_OBJECT, NULL, child, error);
}

/* A list that is made when its first element comes. */
static enum vmf_code add_to_list(struct vmf_value *parent, const char *name,
                                 struct vmf_value **list, struct vmf_value **child,
                                 struct vmf_error *error)
{
  if (!*list)
    VMF_TRY(vmf_value_add(parent, VMF_VALUE_LIST, name, list, error));
  return child ? add_object(*list, child, error) : VMF_OK;
}

/* ---- hardware ---- */

/* The last one wins: an item of the default option stands behind the one for all. */
static const struct vmf_ovf_item *find_item(const struct vmf_ovf *ovf,
                                            const struct vmf_ovf_system *system, unsigned type)
{
  const struct vmf_ovf_item *found = NULL;
  for (size_t i = 0; i < system->item_count; i++)
    if (system->items[i].type == type && system->items[i].quantity_known &&
        vmf_ovf_is_usual(ovf, &system->items[i]))
      found = &system->items[i];
  return found;
}

static enum vmf_code add_processor(const struct vmf_ovf *ovf, const struct vmf_ovf_system *system,
                                   struct vmf_value *value, struct vmf_error *error)
{
  const struct vmf_ovf_item *cpu = find_item(ovf, system, VMF_RESOURCE_CPU);
  const struct vmf_ovf_item *memory = find_item(ovf, system, VMF_RESOURCE_MEMORY);

  if (cpu)
    VMF_TRY(vmf_value_uint(value, "cpus", cpu->quantity, error));
  if (cpu && cpu->cores_per_socket > 0)
    VMF_TRY(vmf_value_uint(value, "cores-per-socket", cpu->cores_per_socket, error));
  if (memory)
    VMF_TRY(vmf_value_uint(value, "memory", vmf_ovf_memory_bytes(memory), error));
  return VMF_OK;
}

static const char *controller_kind(const struct vmf_ovf_item *item)
{
  switch (item->type) {
  case VMF_RESOURCE_IDE:
    return "IDE";
  case VMF_RESOURCE_SCSI:
    return "SCSI";
  case VMF_RESOURCE_STORAGE:
    return item->subtype && strcasestr(item->subtype, "nvme") ? "NVMe" : "SATA";
  default:
    return NULL;
  }
}

static const char *device_kind(unsigned type)
{
  static const struct {
    unsigned type;
    const char *name;
  } kinds[] = {
      {VMF_RESOURCE_FLOPPY, "floppy"},
      {VMF_RESOURCE_CD, "cd"},
      {VMF_RESOURCE_DVD, "cd"},
      {VMF_RESOURCE_SERIAL, "serial"},
      {VMF_RESOURCE_PARALLEL, "parallel"},
      {VMF_RESOURCE_USB, "usb"},
      {VMF_RESOURCE_GRAPHICS, "graphics"},
      {VMF_RESOURCE_SOUND, "sound"},
      {VMF_RESOURCE_OTHER, "other"},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (kinds[i].type == type)
      return kinds[i].name;
  return NULL;
}

/* The hardware of one system while it is listed. */
struct hardware {
  const struct vmf_ovf *ovf;
  const struct vmf_ovf_system *system;
  struct vmf_names ids; /* InstanceIDs of the items; those that are not listed have no number */
  uint64_t *numbers;    /* of a controller among those of its kind, from 0; for each item */
  struct vmf_value *controllers, *disks, *nics, *devices;
};

static enum vmf_code number_controllers(struct hardware *hardware, struct vmf_error *error)
{
  static const char *const kinds[] = {"IDE", "SCSI", "SATA", "NVMe"};
  const struct vmf_ovf_system *system = hardware->system;
  uint64_t counts[sizeof kinds / sizeof kinds[0]] = {0};
  void *memory;

  VMF_TRY(vmf_alloc((system->item_count + 1) * sizeof *hardware->numbers, &memory, error));
  hardware->numbers = memory;
  for (size_t i = 0; i < system->item_count; i++) {
    const struct vmf_ovf_item *item = &system->items[i];
    const char *kind = vmf_ovf_is_usual(hardware->ovf, item) ? controller_kind(item) : NULL;
    VMF_TRY(vmf_names_add(&hardware->ids, kind ? item->instance : NULL, 0, error));
    for (size_t k = 0; kind && k < sizeof kinds / sizeof kinds[0]; k++)
      if (strcmp(kind, kinds[k]) == 0)
        hardware->numbers[i] = counts[k]++;
  }
  vmf_names_sort(&hardware->ids);
  return VMF_OK;
}

/* Where a device hangs: which controller, by kind and number and by InstanceID, and where on it. */
static enum vmf_code add_place(const struct hardware *hardware, const struct vmf_ovf_item *item,
                               struct vmf_value *value, struct vmf_error *error)
{
  const struct vmf_name *parent =
      item->parent ? vmf_names_find(&hardware->ids, item->parent) : NULL;

  if (parent) {
    const char *kind = controller_kind(&hardware->system->items[parent->number]);
    VMF_TRY(vmf_value_text(value, "controller", kind, error));
    VMF_TRY(vmf_value_uint(value, "controller-number", hardware->numbers[parent->number], error));
    VMF_TRY(vmf_value_text(value, "controller-id", item->parent, error));
  }
  return add_text(value, "address", item->address_on_parent, error);
}

static enum vmf_code add_drive(struct hardware *hardware, const struct vmf_ovf_item *item,
                               struct vmf_value *value, struct vmf_error *error)
{
  bool is_file;
  const char *id =
      item->host_resource ? vmf_ovf_host_resource(item->host_resource, &is_file) : NULL;
  struct vmf_value *child;

  VMF_TRY(add_to_list(value, "disks", &hardware->disks, &child, error));
  VMF_TRY(add_text(child, "disk", id, error));
  return add_place(hardware, item, child, error);
}

static enum vmf_code add_nic(struct hardware *hardware, const struct vmf_ovf_item *item,
                             struct vmf_value *value, struct vmf_error *error)
{
  struct vmf_value *child;

  VMF_TRY(add_to_list(value, "nics", &hardware->nics, &child, error));
  VMF_TRY(add_text(child, "model", item->subtype, error));
  VMF_TRY(add_text(child, "network", item->connection, error));
  return add_text(child, "mac", item->address, error);
}

static enum vmf_code add_item(struct hardware *hardware, size_t index, struct vmf_value *value,
                              struct vmf_error *error)
{
  const struct vmf_ovf_item *item = &hardware->system->items[index];
  struct vmf_value *child;
  const char *kind = controller_kind(item);

  if (item->type == VMF_RESOURCE_DISK)
    return add_drive(hardware, item, value, error);
  if (item->type == VMF_RESOURCE_NIC)
    return add_nic(hardware, item, value, error);
  if (kind) {
    VMF_TRY(add_to_list(value, "controllers", &hardware->controllers, &child, error));
    VMF_TRY(add_text(child, "id", item->instance, error));
    VMF_TRY(vmf_value_text(child, "type", kind, error));
    VMF_TRY(vmf_value_uint(child, "number", hardware->numbers[index], error));
    return add_text(child, "model", item->subtype, error);
  }
  kind = device_kind(item->type);
  if (!kind)
    return VMF_OK;
  VMF_TRY(add_to_list(value, "devices", &hardware->devices, &child, error));
  VMF_TRY(vmf_value_text(child, "type", kind, error));
  VMF_TRY(add_text(child, "model", item->subtype, error));
  VMF_TRY(add_text(child, "name", item->name, error));
  return add_place(hardware, item, child, error);
}

static enum vmf_code add_items(struct hardware *hardware, struct vmf_value *value,
                               struct vmf_error *error)
{
  VMF_TRY(number_controllers(hardware, error));
  for (size_t i = 0; i < hardware->system->item_count; i++)
    if (vmf_ovf_is_usual(hardware->ovf, &hardware->system->items[i]))
      VMF_TRY(add_item(hardware, i, value, error));
  return VMF_OK;
}

static enum vmf_code add_hardware(const struct vmf_ovf *ovf, const struct vmf_ovf_system *system,
                                  struct vmf_value *value, struct vmf_error *error)
{
  struct hardware hardware = {.ovf = ovf, .system = system};

  VMF_TRY(add_processor(ovf, system, value, error));
  VMF_TRY(add_text(value, "firmware", system->firmware, error));
  if (system->secure_boot)
    VMF_TRY(vmf_value_bool(value, "secure-boot", true, error));
  VMF_TRY(add_text(value, "hardware", system->families, error));
  enum vmf_code code = add_items(&hardware, value, error);
  vmf_names_clear(&hardware.ids);
  vmf_free(hardware.numbers);
  return code;
}

/* ---- the rest of a system ---- */

static enum vmf_code add_guest_os(const struct vmf_ovf_system *system, struct vmf_value *value,
                                  struct vmf_error *error)
{
  const struct vmf_guest_os *os =
      vmf_guest_os_of(system->vmw_os, system->vbox_os, system->os_known, system->os_id);
  struct vmf_value *child;

  if (!os && !system->os_name && !system->os_known)
    return VMF_OK;
  VMF_TRY(vmf_value_add(value, VMF_VALUE_OBJECT, "guest-os", &child, error));
  VMF_TRY(add_text(child, "name", os ? os->name : system->os_name, error));
  VMF_TRY(add_text(child, "description", system->os_name, error));
  if (system->os_known)
    VMF_TRY(vmf_value_uint(child, "id", system->os_id, error));
  VMF_TRY(add_text(child, "version", system->os_version, error));
  VMF_TRY(add_text(child, "vmware", system->vmw_os, error));
  return add_text(child, "virtualbox", system->vbox_os, error);
}

static enum vmf_code add_property(struct vmf_value *list, const struct vmf_ovf_product *product,
                                  const struct vmf_ovf_property *property, struct vmf_error *error)
{
  const char *class_id = product->class_id ? product->class_id : "";
  const char *instance = product->instance_id ? product->instance_id : "";
  VMF_AUTO_FREE char *full = NULL;
  struct vmf_value *child;

  VMF_TRY(vmf_format(&full, error, "%s%s%s%s%s", class_id, *class_id ? "." : "",
                     property->key ? property->key : "", *instance ? "." : "", instance));
  VMF_TRY(add_object(list, &child, error));
  VMF_TRY(vmf_value_text(child, "key", full, error));
  VMF_TRY(add_text(child, "type", property->type, error));
  if (property->password)
    VMF_TRY(vmf_value_hidden(child, property->value, error));
  else
    VMF_TRY(add_text(child, "value", property->value, error));
  VMF_TRY(add_text(child, "label", property->label, error));
  VMF_TRY(add_text(child, "description", property->description, error));
  VMF_TRY(add_text(child, "category", property->category, error));
  return vmf_value_bool(child, "user-configurable", property->user_configurable, error);
}

static enum vmf_code add_products(const struct vmf_ovf_system *system, struct vmf_value *value,
                                  struct vmf_error *error)
{
  struct vmf_value *products = NULL, *properties = NULL, *child;

  for (size_t i = 0; i < system->product_count; i++) {
    const struct vmf_ovf_product *product = &system->products[i];
    for (size_t j = 0; j < product->property_count; j++) {
      VMF_TRY(add_to_list(value, "properties", &properties, NULL, error));
      VMF_TRY(add_property(properties, product, &product->properties[j], error));
    }
    if (!product->name && !product->vendor && !product->version)
      continue;
    VMF_TRY(add_to_list(value, "products", &products, &child, error));
    VMF_TRY(add_text(child, "name", product->name, error));
    VMF_TRY(add_text(child, "vendor", product->vendor, error));
    VMF_TRY(add_text(child, "version", product->version, error));
    VMF_TRY(add_text(child, "full-version", product->full_version, error));
  }
  return VMF_OK;
}

static enum vmf_code add_system(const struct vmf_ovf *ovf, size_t index, struct vmf_value *list,
                                struct vmf_error *error)
{
  const struct vmf_ovf_system *system = &ovf->systems[index];
  struct vmf_value *value, *eulas = NULL;

  VMF_TRY(add_object(list, &value, error));
  VMF_TRY(add_text(value, "id", system->id, error));
  VMF_TRY(add_text(value, "name", system->name, error));
  VMF_TRY(vmf_value_bool(value, "collection", system->collection, error));
  if (system->parent != index)
    VMF_TRY(add_text(value, "in", ovf->systems[system->parent].id, error));
  if (!system->collection) {
    VMF_TRY(add_guest_os(system, value, error));
    VMF_TRY(add_hardware(ovf, system, value, error));
  }
  VMF_TRY(add_products(system, value, error));
  for (size_t i = 0; i < system->eula_count; i++) {
    VMF_TRY(add_to_list(value, "eulas", &eulas, NULL, error));
    VMF_TRY(vmf_value_text(eulas, NULL, system->eulas[i], error));
  }
  return add_text(value, "annotation", system->annotation, error);
}

/* ---- disks and files ---- */

/* Bytes of the guest disk that are stored. */
static enum vmf_code count_data(struct vmf_image *image, uint64_t *bytes, struct vmf_error *error)
{
  struct vmf_extent extent = {.size = sizeof extent};

  *bytes = 0;
  for (uint64_t guest = 0; guest < image->size; guest += extent.length) {
    VMF_TRY(vmf_image_extent(image, guest, UINT64_MAX, &extent, error));
    *bytes += extent.data && !extent.zero ? extent.length : 0;
  }
  return VMF_OK;
}

/* A failure is told in the disk's place; the first one is kept, unless `first` is NULL. */
static enum vmf_code add_failure(const struct vmf_error *failure, struct vmf_value *value,
                                 struct vmf_error *first, struct vmf_error *error)
{
  if (first && first->code == VMF_OK)
    *first = *failure;
  return vmf_value_failure(value, failure, error);
}

/* What can be said only when the disk is opened. */
static enum vmf_code add_image(struct vmf_package *package, const struct vmf_ovf_disk *disk,
                               struct vmf_value *value, struct vmf_error *first,
                               struct vmf_error *error)
{
  struct vmf_error failure = {0};
  struct vmf_image *image;
  uint64_t bytes;

  if (vmf_package_open_locked(package, disk, &image, &failure) != VMF_OK)
    return add_failure(&failure, value, first, error);
  enum vmf_code code = vmf_value_text(value, "format", vmf_image_format(image), error);
  if (code == VMF_OK)
    code = vmf_value_uint(value, "virtual-size", image->size, error);
  if (code == VMF_OK && count_data(image, &bytes, &failure) == VMF_OK)
    code = vmf_value_uint(value, "data-size", bytes, error);
  else if (code == VMF_OK)
    code = add_failure(&failure, value, first, error);
  vmf_image_close(image);
  return code;
}

static enum vmf_code stored_size(struct vmf_package *package, const struct vmf_ovf_file *file,
                                 uint64_t *size, bool *there, struct vmf_error *error)
{
  char **names;
  size_t count;

  *size = 0;
  *there = false;
  enum vmf_code code = vmf_package_stored_names(package, file, &names, &count, error);
  if (code != VMF_OK)
    return code == VMF_NOMEM ? code : VMF_OK;
  for (size_t i = 0; i < count && code == VMF_OK; i++) {
    struct vmf_io *io;
    code = vmf_package_open_stored(package, names[i], &io, error);
    *size += code == VMF_OK ? io->size : 0;
    if (code == VMF_OK)
      vmf_io_close(io);
  }
  vmf_package_names_free(names, count);
  *there = code == VMF_OK;
  return code == VMF_NOMEM ? code : VMF_OK;
}

static enum vmf_code add_disk(struct vmf_package *package, const struct vmf_ovf_disk *disk,
                              struct vmf_value *list, struct vmf_error *first,
                              struct vmf_error *error)
{
  const struct vmf_ovf_file *file =
      disk->file_ref ? vmf_ovf_file(package->ovf, disk->file_ref) : NULL;
  struct vmf_value *value;
  bool there = false;
  uint64_t size;

  VMF_TRY(add_object(list, &value, error));
  VMF_TRY(add_text(value, "id", disk->id, error));
  if (disk->capacity_known)
    VMF_TRY(vmf_value_uint(value, "capacity", disk->capacity, error));
  else
    VMF_TRY(add_text(value, "capacity-text", disk->capacity_text, error));
  VMF_TRY(add_text(value, "parent", disk->parent_ref, error));
  VMF_TRY(add_text(value, "format-uri", disk->format, error));
  if (!disk->file_ref)
    return vmf_value_bool(value, "empty", true, error);
  VMF_TRY(add_text(value, "file", file ? file->href : disk->file_ref, error));
  if (file)
    VMF_TRY(stored_size(package, file, &size, &there, error));
  if (there)
    VMF_TRY(vmf_value_uint(value, "file-size", size, error));
  /* a descriptor may be looked at without its files */
  return add_image(package, disk, value, package->io || there ? first : NULL, error);
}

static enum vmf_code add_files(struct vmf_package *package, struct vmf_value *root,
                               struct vmf_error *first, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = package->ovf;
  struct vmf_value *disks = NULL, *files = NULL, *child;
  uint64_t size;
  bool there;

  VMF_TRY(add_to_list(root, "disks", &disks, NULL, error));
  for (size_t i = 0; i < ovf->disk_count; i++)
    VMF_TRY(add_disk(package, &ovf->disks[i], disks, first, error));
  VMF_TRY(add_to_list(root, "files", &files, NULL, error));
  for (size_t i = 0; i < ovf->file_count; i++) {
    VMF_TRY(add_object(files, &child, error));
    VMF_TRY(add_text(child, "id", ovf->files[i].id, error));
    VMF_TRY(add_text(child, "name", ovf->files[i].href, error));
    VMF_TRY(add_text(child, "compression", ovf->files[i].compression, error));
    if (ovf->files[i].chunk_size > 0)
      VMF_TRY(vmf_value_uint(child, "chunk-size", ovf->files[i].chunk_size, error));
    VMF_TRY(stored_size(package, &ovf->files[i], &size, &there, error));
    if (there)
      VMF_TRY(vmf_value_uint(child, "size", size, error));
  }
  return VMF_OK;
}

/* ---- the package ---- */

static const char *version_name(enum vmf_ovf_version version)
{
  return version == VMF_OVF_0_9 ? "0.9" : version == VMF_OVF_2 ? "2.x" : "1.x";
}

static const char *dialect_name(enum vmf_ovf_dialect dialect)
{
  static const char *const names[] = {
      [VMF_DIALECT_STANDARD] = "standard",     [VMF_DIALECT_VMWARE] = "vmware",
      [VMF_DIALECT_VIRTUALBOX] = "virtualbox", [VMF_DIALECT_XENSERVER] = "xenserver",
      [VMF_DIALECT_OVIRT] = "ovirt",           [VMF_DIALECT_OTHER] = "other",
  };
  return names[dialect];
}

static enum vmf_code add_networks(const struct vmf_ovf *ovf, struct vmf_value *root,
                                  struct vmf_error *error)
{
  struct vmf_value *networks = NULL, *options = NULL, *unknown = NULL, *child;

  for (size_t i = 0; i < ovf->network_count; i++) {
    VMF_TRY(add_to_list(root, "networks", &networks, &child, error));
    VMF_TRY(add_text(child, "name", ovf->networks[i].name, error));
    VMF_TRY(add_text(child, "description", ovf->networks[i].description, error));
  }
  for (size_t i = 0; i < ovf->configuration_count; i++) {
    const struct vmf_ovf_configuration *option = &ovf->configurations[i];
    VMF_TRY(add_to_list(root, "deployment-options", &options, &child, error));
    VMF_TRY(add_text(child, "id", option->id, error));
    VMF_TRY(add_text(child, "label", option->label, error));
    VMF_TRY(add_text(child, "description", option->description, error));
    VMF_TRY(vmf_value_bool(child, "default", option->is_default, error));
  }
  for (size_t i = 0; i < ovf->unknown_count; i++) {
    VMF_TRY(add_to_list(root, "extensions", &unknown, &child, error));
    VMF_TRY(add_text(child, "name", ovf->unknown[i].name, error));
    VMF_TRY(vmf_value_bool(child, "required", ovf->unknown[i].required, error));
  }
  return VMF_OK;
}

/* The tree of values takes about 1 KiB for each disk, device, file or the like. */
static enum vmf_code check_length(const struct vmf_package *package, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = package->ovf;
  size_t count = ovf->disk_count + ovf->file_count + ovf->network_count + ovf->configuration_count +
                 ovf->unknown_count + ovf->system_count;

  for (size_t i = 0; i < ovf->system_count; i++) {
    const struct vmf_ovf_system *system = &ovf->systems[i];
    count += system->item_count + system->eula_count + system->product_count;
    for (size_t j = 0; j < system->product_count; j++)
      count += system->products[j].property_count;
  }
  if (count <= ENTRIES_MAX)
    return VMF_OK;
  return vmf_fail(error, VMF_LIMIT,
                  "%s: its descriptor has %zu disks, files, devices, properties and the like, more "
                  "than the %d that are shown; verify and convert take more",
                  package->path, count, ENTRIES_MAX);
}

/* *first: why the first of the disks that cannot be read cannot. */
static enum vmf_code fill_info(struct vmf_package *package, struct vmf_value *root,
                               struct vmf_error *first, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = package->ovf;
  struct vmf_value *systems = NULL;

  VMF_TRY(vmf_value_text(root, "filename", package->path, error));
  VMF_TRY(vmf_value_text(root, "format", package->io ? "ova" : "ovf", error));
  VMF_TRY(vmf_value_text(root, "descriptor", package->name, error));
  VMF_TRY(vmf_value_text(root, "ovf-version", version_name(ovf->version), error));
  VMF_TRY(vmf_value_text(root, "dialect", dialect_name(ovf->dialect), error));
  VMF_TRY(vmf_value_bool(root, "manifest", package->manifest_text != NULL, error));
  VMF_TRY(vmf_value_bool(root, "certificate", package->certificate_text != NULL, error));
  VMF_TRY(add_text(root, "language", ovf->language, error));
  if (ovf->encrypted)
    VMF_TRY(vmf_value_bool(root, "encrypted", true, error));
  VMF_TRY(add_to_list(root, "systems", &systems, NULL, error));
  for (size_t i = 0; i < ovf->system_count; i++)
    VMF_TRY(add_system(ovf, i, systems, error));
  VMF_TRY(add_files(package, root, first, error));
  VMF_TRY(add_networks(ovf, root, error));
  return vmf_package_show_machines(package, root, error);
}

enum vmf_code vmf_package_info(struct vmf_package *package, struct vmf_value **info,
                               struct vmf_error *error)
{
  struct vmf_error first = {0};

  VMF_REQUIRE(info, error);
  *info = NULL;
  VMF_REQUIRE(package, error);
  VMF_TRY(check_length(package, error));
  VMF_TRY(vmf_value_new(info, error));
  enum vmf_code code = fill_info(package, *info, &first, error);
  if (code != VMF_OK) {
    vmf_value_free(*info);
    *info = NULL;
    return code;
  }
  if (first.code != VMF_OK && error)
    *error = first;
  return first.code;
}
