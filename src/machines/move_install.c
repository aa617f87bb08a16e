/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine that is installed from a package: what was chosen of it. */
#include <string.h>

#include "caller.h"
#include "choice.h"
#include "environment.h"
#include "iso_image.h"
#include "language.h"
#include "machine_move.h"
#include "memory.h"
#include "property.h"
#include "value.h"

/* Ways for the environment to the guest, as transports call them. */
#define BY_CD "iso"
#define CD_NAME "ovf-env.iso"
#define BY_SETTING "com.vmware.guestInfo"

static const struct vmf_ovf_system *system_of(const struct vmf_machine_move *move)
{
  return &move->machines->package->ovf->systems[move->system];
}

static void lose(struct vmf_machine_move *move, const char *why)
{
  const struct vmf_machine_losses losses = vmf_loss_reasons(&move->losses);

  vmf_machine_lose(&losses, VMF_LOSS_BEHAVIOUR, "L-environment", why, "environment");
}

/* ---- the document ---- */

/* Of a package of which nothing was chosen, what stands against it is told: it is only copied. */
static enum vmf_code make_document(struct vmf_machine_move *move, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = move->machines->package->ovf;
  struct vmf_error refused = {0};
  char locale[VMF_LANGUAGE_TEXT];
  bool told = vmf_language_locale(move->machines->options.language, locale);

  enum vmf_code code = vmf_ovf_values_missing(ovf, move->system, &refused);
  if (code == VMF_OK)
    code =
        vmf_ovf_environment(ovf, move->system, told ? locale : NULL, &move->environment, &refused);
  if (code == VMF_OK)
    return VMF_OK;
  if (vmf_machines_installed(move->machines) || (code != VMF_USAGE && code != VMF_LIMIT))
    return vmf_fail(error, code, "%s", refused.text);
  lose(move, refused.text);
  return VMF_OK;
}

/* ---- the ways to the guest ---- */

static bool is_empty_cd(const struct vmf_machine_disk *disk)
{
  return disk->medium.value == VMF_MEDIUM_CDROM && !disk->image.text && !disk->elsewhere.text;
}

/* Where a new CD drive goes: beside another, or where the machine has a controller for it. */
static enum vmf_bus bus_of_cd(const struct vmf_machine *machine)
{
  for (size_t i = 0; i < machine->disk_count; i++)
    if (machine->disks[i].medium.value == VMF_MEDIUM_CDROM)
      return (enum vmf_bus)machine->disks[i].bus.value;
  return !vmf_machine_controller(machine, VMF_BUS_IDE, 0) &&
                 vmf_machine_controller(machine, VMF_BUS_SATA, 0)
             ? VMF_BUS_SATA
             : VMF_BUS_IDE;
}

/* The first drive that is empty, or a new one. */
static enum vmf_code give_drive(struct vmf_machine_move *move, struct vmf_error *error)
{
  struct vmf_machine *machine = move->installed;
  size_t index = 0;

  while (index < machine->disk_count && !is_empty_cd(&machine->disks[index]))
    index++;
  if (index == machine->disk_count) {
    enum vmf_bus bus = bus_of_cd(machine);
    struct vmf_machine_disk *disk;
    VMF_TRY(vmf_machine_add_disk(machine, &disk, error));
    disk->medium = vmf_told(VMF_MEDIUM_CDROM, 0);
    disk->bus = vmf_told(bus, 0);
  }
  machine->disks[index].connected = vmf_told(true, 0);
  move->environment_drive = index;
  move->on_cd = true;
  return vmf_machine_text(machine, CD_NAME, 0, &machine->disks[index].image, error);
}

static enum vmf_code give_setting(struct vmf_machine_move *move, struct vmf_error *error)
{
  struct vmf_machine *machine = move->installed;

  VMF_TRY(vmf_machine_add_extra(machine, move->format->name, move->format->environment_key,
                                move->environment, 0, true, error));
  machine->extras[machine->extra_count - 1].secret = true; /* there may be passwords in it */
  machine->extras[machine->extra_count - 1].given = true;
  move->in_text = true;
  return VMF_OK;
}

/* What is asked for, as far as the target has it. */
static enum vmf_code give_environment(struct vmf_machine_move *move, struct vmf_error *error)
{
  bool by_cd = vmf_ovf_transport(system_of(move), BY_CD);
  bool by_setting = vmf_ovf_transport(system_of(move), BY_SETTING);
  bool beside = !move->container && !move->format->disks_of_platform;

  if (by_cd && !beside)
    lose(move, "the package wants a CD to tell the guest its properties, which has no place in the "
               "target");
  if (by_setting && !move->format->environment_key)
    lose(move, "the package wants VMware's guestinfo to tell the guest its properties, which only "
               "a .vmx has");
  VMF_TRY(vmf_machine_copy(move->machine, &move->installed, error));
  move->read = move->machine = move->installed;
  if (by_cd && beside)
    VMF_TRY(give_drive(move, error));
  return by_setting && move->format->environment_key ? give_setting(move, error) : VMF_OK;
}

enum vmf_code vmf_machine_move_open_environment(const struct vmf_machine_move *move,
                                                struct vmf_image **image, struct vmf_error *error)
{
  const struct vmf_iso iso = {.label = "OVFENV",
                              .name = "ovf-env.xml",
                              .plain = "OVF_ENV.XML;1",
                              .content = move->environment,
                              .length = strlen(move->environment)};
  struct vmf_image_options options = {.size = sizeof options, .format = "raw"};
  struct vmf_image_origin origin = {0};
  VMF_AUTO_FREE void *bytes = NULL;
  size_t size;

  VMF_TRY(vmf_iso_image(&iso, &bytes, &size, error));
  VMF_TRY(vmf_io_memory(CD_NAME, bytes, size, &origin.io, error));
  return vmf_image_open_origin(&origin, &options, image, error);
}

/* ---- licences ---- */

static size_t count_eulas(const struct vmf_machine_move *move)
{
  const struct vmf_ovf_system *systems = move->machines->package->ovf->systems;
  size_t count = systems[move->system].eula_count;

  for (size_t at = move->system; systems[at].parent != at; at = systems[at].parent)
    count += systems[systems[at].parent].eula_count;
  return count;
}

/* A package of which nothing is chosen is copied, and nobody need agree to anything. */
static enum vmf_code check_eulas(const struct vmf_machine_move *move, struct vmf_error *error)
{
  const struct vmf_install_options *install = &move->machines->install;
  const struct vmf_ovf_system *systems = move->machines->package->ovf->systems;
  size_t count = count_eulas(move);

  if (count == 0 || install->accept_eula || !vmf_machines_installed(move->machines))
    return VMF_OK;
  for (size_t at = move->system;; at = systems[at].parent) {
    for (size_t i = 0; install->eula && i < systems[at].eula_count; i++)
      install->eula(install->eula_data, systems[at].eulas[i] ? systems[at].eulas[i] : "");
    if (systems[at].parent == at)
      break;
  }
  return vmf_fail(error, VMF_REFUSED,
                  "%s: %zu licence%s to be accepted by whoever installs it: --accept-eula does so",
                  move->machines->path, count, count == 1 ? " has" : "s have");
}

/* ---- all of it ---- */

static void find_system(struct vmf_machine_move *move)
{
  size_t index = 0;

  while (move->machines->list[index] != move->machine)
    index++;
  move->system = vmf_machines_system(move->machines, index);
}

enum vmf_code vmf_machine_move_install(struct vmf_machine_move *move, struct vmf_error *error)
{
  const struct vmf_machines *machines = move->machines;

  if (!machines->package)
    return VMF_OK;
  find_system(move);
  if (!move->format)
    return machines->install.property_count == 0
               ? VMF_OK
               : vmf_fail(error, VMF_USAGE,
                          "%s: a package keeps its properties for the one who installs it; "
                          "\"vmferry edit --property\" gives them other values there",
                          machines->path);
  VMF_TRY(check_eulas(move, error));
  if (vmf_machines_installed(machines))
    VMF_TRY(vmf_ovf_values_missing(machines->package->ovf, move->system, error));
  if (!vmf_ovf_transport(system_of(move), BY_CD) &&
      !vmf_ovf_transport(system_of(move), BY_SETTING)) {
    if (machines->install.property_count > 0)
      lose(move, "the package names no way (ovf:transport) to tell the guest its properties");
    return VMF_OK;
  }
  VMF_TRY(make_document(move, error));
  return move->environment ? give_environment(move, error) : VMF_OK;
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

/* The ways on which it comes. */
static enum vmf_code tell_environment(const struct vmf_machine_move *move, struct vmf_value *tree,
                                      struct vmf_error *error)
{
  struct vmf_value *list;

  VMF_TRY(vmf_value_add(tree, VMF_VALUE_LIST, "environment", &list, error));
  if (move->on_cd)
    VMF_TRY(vmf_value_text(list, NULL, BY_CD, error));
  return move->in_text ? vmf_value_text(list, NULL, BY_SETTING, error) : VMF_OK;
}

enum vmf_code vmf_machine_move_tell_choice(const struct vmf_machine_move *move,
                                           struct vmf_value *tree, struct vmf_error *error)
{
  const struct vmf_package *package = move->machines->package;
  bool chosen = move->machines->install.property_count > 0, comes = move->on_cd || move->in_text;
  struct vmf_value *installed;

  size_t eulas = package && move->format ? count_eulas(move) : 0;
  if (!package || (!vmf_ovf_usual(package->ovf) && !chosen && !comes && eulas == 0))
    return VMF_OK;
  VMF_TRY(vmf_value_add(tree, VMF_VALUE_OBJECT, "installed", &installed, error));
  VMF_TRY(tell_option(package->ovf, installed, error));
  if (eulas > 0) {
    VMF_TRY(vmf_value_uint(installed, "licences", eulas, error));
    VMF_TRY(vmf_value_bool(installed, "accepted", move->machines->install.accept_eula, error));
  }
  if (chosen)
    VMF_TRY(tell_properties(package->ovf, move->system, installed, error));
  return comes ? tell_environment(move, installed, error) : VMF_OK;
}
