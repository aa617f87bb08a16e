/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * From a machine in one format to one in another. Everything is opened, and the loss report is
 * known, before the first byte is written. */
#include <string.h>

#include "caller.h"
#include "gate.h"
#include "machine_move.h"
#include "memory.h"
#include "ovf_fit.h"
#include "value.h"

/* A vmf_assembly.describe. */
static enum vmf_code describe(void *data, enum vmf_describe how, char **text, size_t *length,
                              struct vmf_error *error)
{
  const struct vmf_machine_move *move = data;

  if (!move->format)
    return vmf_machine_move_compose(move, how, NULL, text, length, error);
  *length = move->text_length;
  return vmf_copy_bytes(move->text, move->text_length, text, error);
}

enum vmf_code vmf_machine_move_losses(const struct vmf_machine_move *move, struct vmf_value *tree,
                                      struct vmf_error *error)
{
  VMF_TRY(vmf_value_text(tree, "target", move->destination.path, error));
  VMF_TRY(vmf_value_text(tree, "target-format", move->format ? move->format->name : "ovf", error));
  VMF_TRY(vmf_machine_move_tell_choice(move, tree, error));
  return vmf_loss_value(&move->losses, tree, error);
}

enum vmf_code vmf_machine_move_report(const struct vmf_machines *machines, struct vmf_value **tree,
                                      struct vmf_error *error)
{
  VMF_TRY(vmf_value_new(tree, error));
  VMF_TRY(vmf_value_text(*tree, "source", machines->path, error));
  return vmf_value_text(*tree, "source-format", vmf_machines_format(machines), error);
}

static enum vmf_code give_losses(const struct vmf_machine_move *move, struct vmf_error *error)
{
  struct vmf_value **tree = move->to->losses;

  if (!tree)
    return VMF_OK;
  VMF_TRY(vmf_machine_move_report(move->machines, tree, error));
  return vmf_machine_move_losses(move, *tree, error);
}

enum vmf_code vmf_machine_refuse_loss(const char *path, const struct vmf_field_loss *loss,
                                      struct vmf_error *error)
{
  return vmf_fail(
      error, VMF_REFUSED,
      "%s: nothing is written, since with --strict nothing may be lost that the machine "
      "needs: %s [%s]%s%s",
      path, loss->field, loss->code ? loss->code : "", loss->why ? ": " : "",
      loss->why ? loss->why : "");
}

enum vmf_code vmf_machine_move_check(const struct vmf_machine_move *move, struct vmf_error *error)
{
  const struct vmf_field_loss *loss = vmf_loss_of_weight(&move->losses, VMF_LOSS_BOOT);

  return move->to->strict && loss ? vmf_machine_refuse_loss(move->destination.path, loss, error)
                                  : VMF_OK;
}

enum vmf_code vmf_machine_move_prepare(struct vmf_machine_move *move, const char *path,
                                       struct vmf_error *error)
{
  struct vmf_report report = {.finding = move->files->findings.finding,
                              .data = move->files->findings.data};

  VMF_TRY(vmf_machine_move_target(move, path, error));
  VMF_TRY(vmf_machine_move_install(move, error));
  VMF_TRY(vmf_machine_move_open(move, path, error));
  VMF_TRY(vmf_machine_move_fit(move, error));
  VMF_TRY(vmf_machine_move_place(move, path, error));
  VMF_TRY(vmf_machine_move_name(move, &report, error));
  VMF_TRY(vmf_machine_move_describe(move, error));
  move->assembly.describe = describe;
  move->assembly.data = move;
  move->assembly.container = move->container;
  if (move->container) {
    move->assembly.machine = move->format->name;
    move->assembly.text_name = move->format->text_name;
  }
  return VMF_OK;
}

static enum vmf_code convert(struct vmf_machine_move *move, const char *path,
                             struct vmf_error *error)
{
  VMF_TRY(vmf_machine_move_prepare(move, path, error));
  VMF_TRY(give_losses(move, error));
  VMF_TRY(vmf_machine_move_check(move, error));
  return vmf_assemble(&move->destination, &move->assembly, move->files, error);
}

void vmf_machine_move_clear(struct vmf_machine_move *move, bool keep_folder)
{
  for (size_t i = 0; move->images && i < move->machine->disk_count; i++)
    vmf_image_close(move->images[i]);
  for (size_t i = 0; i < move->assembly.count; i++)
    vmf_free(move->assembly.files[i].name);
  vmf_free(move->assembly.files);
  vmf_free(move->images);
  vmf_free(move->left_out);
  for (size_t i = 0; move->disk_options && i < move->machine->disk_count; i++)
    vmf_free(move->disk_options[i]);
  vmf_free(move->disk_options);
  vmf_free(move->file_of);
  vmf_free(move->disks);
  vmf_free(move->options);
  vmf_free(move->folder);
  vmf_free(move->text);
  vmf_machine_free(move->fitted);
  vmf_machine_free(move->installed);
  vmf_free(move->environment);
  vmf_loss_clear(&move->losses);
  vmf_destination_clear(&move->destination, keep_folder);
}

static enum vmf_code convert_one(struct vmf_machines *machines, const char *path,
                                 const struct vmf_machine_target_options *to,
                                 const struct vmf_package_target *files,
                                 const struct vmf_platform *platform, struct vmf_error *error)
{
  size_t index;

  VMF_TRY(vmf_machines_choose(machines, to->system, &index, error));
  VMF_TRY(vmf_machine_move_networks(machines, index, 1, to, error));
  VMF_TRY(vmf_machine_move_check_left(machines, index, 1, to, error));
  struct vmf_machine_move move = {.machines = machines,
                                  .machine = machines->list[index],
                                  .to = to,
                                  .files = files,
                                  .fit.platform = *platform};
  enum vmf_code code = convert(&move, path, error);
  vmf_machine_move_clear(&move, code == VMF_OK && !to->dry_run);
  return code;
}

/* Whether the platform takes it as a package, by changes of its descriptor alone. */
static bool is_fitted(const struct vmf_machines *machines, const char *path,
                      const struct vmf_platform *platform, const char *drivers)
{
  const char *usual = vmf_machine_move_usual(platform);

  return !drivers && vmf_profile_takes(&platform->profile->info, "ovf") &&
         (!vmf_destination_is_folder(path) || (usual && strcmp(usual, "ovf") == 0)) &&
         vmf_ovf_can_fit(machines->package->ovf, platform);
}

/* Whether a package stays one, and nothing is asked of its machines but a platform: then its
 * descriptor stays as it is, but for that. */
static bool is_package_still(const struct vmf_machines *machines, const char *path,
                             const struct vmf_platform *platform,
                             const struct vmf_machine_target_options *to)
{
  return machines->package && !to->format && !to->system && !to->copy && !to->networks &&
         !to->without_disks && !vmf_machines_installed(machines) &&
         vmf_machine_move_names_package(path) &&
         (!platform->profile || is_fitted(machines, path, platform, to->drivers));
}

/* What is made of a machine leaves its package, also where no disk does. */
static enum vmf_code pass_gate(const struct vmf_machines *machines, struct vmf_error *error)
{
  const struct vmf_image_options *options = &machines->options;
  struct vmf_gate gate;

  if (!machines->package)
    return vmf_gate_unsigned(machines->path, "a machine", options->trust, error);
  VMF_TRY(vmf_gate_new(machines->package, options->trust, &gate, error));
  gate.threads = options->threads;
  gate.crew = options->crew;
  gate.cancel = options->cancel;
  enum vmf_code code = vmf_gate_pass(&gate, VMF_OK, error);
  vmf_gate_clear(&gate);
  return code;
}

/* Each machine gets a folder in the one that is named. */
static bool is_for_all(const struct vmf_machines *machines, const char *path,
                       const struct vmf_machine_target_options *to)
{
  return machines->count > 1 && !to->system &&
         (vmf_destination_is_folder(path) || (to->format && !vmf_machine_move_names_file(path)));
}

enum vmf_code vmf_machines_convert(struct vmf_machines *machines, const char *path,
                                   const struct vmf_machine_target_options *options,
                                   struct vmf_error *error)
{
  struct vmf_machine_target_options own;
  struct vmf_package_target files;
  struct vmf_platform platform = {0};
  VMF_AUTO_FREE char *plain = NULL;

  VMF_REQUIRE(machines, error);
  VMF_REQUIRE(path, error);
  VMF_TRY(vmf_take_machine_target_options(options, &own, error));
  if (own.losses)
    *own.losses = NULL;
  VMF_TRY(vmf_take_package_target(own.files, &files, error));
  files.dry_run = own.dry_run;
  if (own.platform)
    VMF_TRY(vmf_platform_find(own.platform, &platform, error));
  files.digest = vmf_platform_digest(&platform, files.digest);
  VMF_TRY(vmf_location_resolve(path, false, &plain, error));
  if (is_package_still(machines, plain, &platform, &own))
    return vmf_machines_keep_package(machines, plain, &own, &files,
                                     platform.profile ? &platform : NULL, error);
  VMF_TRY(pass_gate(machines, error));
  return is_for_all(machines, plain, &own)
             ? vmf_machines_convert_all(machines, plain, &own, &files, &platform, error)
             : convert_one(machines, plain, &own, &files, &platform, error);
}
