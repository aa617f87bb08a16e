/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A package that stays one: its descriptor is kept but for what its files, or a platform, ask for;
 * what that makes of its machines is told by the descriptor that was written, and what its disks
 * and files lose by the conversion of packages. */

#include <stdio.h>
#include <string.h>

#include "caller.h"
#include "conversion.h"
#include "machine_move.h"
#include "memory.h"
#include "ovf_fit.h"
#include "ovf_machine.h"
#include "value.h"

enum { LOSSES_MOST = 10000 };

struct keeping {
  const struct vmf_findings_sink *findings; /* the caller's */
  struct vmf_loss_report losses;            /* of the first machine, and of the files */
  struct vmf_loss_report *others;           /* of machines->list[i + 1]; owned */
  struct vmf_ovf *written;                  /* the descriptor as it is written */
};

/* Passes it on, and notes what is a loss. */
static void take_finding(void *data, const struct vmf_package_finding *finding)
{
  struct keeping *keeping = data;
  const struct vmf_machine_losses reasons = vmf_loss_reasons(&keeping->losses);

  if (finding->severity == VMF_SEVERITY_LOSS && keeping->losses.reason_count < LOSSES_MOST)
    vmf_machine_lose(&reasons, VMF_LOSS_BEHAVIOUR, finding->rule, finding->text, "file.%.80s",
                     finding->file ? finding->file : "package");
  if (keeping->findings->finding)
    keeping->findings->finding(keeping->findings->data, finding);
}

/* The n-th machine of a descriptor, as the list of an open package has them; *machine NULL: none.
 */
static enum vmf_code machine_of(const struct vmf_ovf *ovf, size_t index,
                                struct vmf_machine **machine, struct vmf_error *error)
{
  *machine = NULL;
  for (size_t i = 0; i < ovf->system_count; i++)
    if (!ovf->systems[i].collection && index-- == 0) {
      VMF_TRY(vmf_machine_new(machine, error));
      return vmf_ovf_machine(ovf, i, *machine, NULL, error);
    }
  return VMF_OK;
}

static bool is_same(const struct vmf_told_text *one, const struct vmf_told_text *other)
{
  return strcmp(one->text ? one->text : "", other->text ? other->text : "") == 0;
}

/* Which drivers the guest needs when it starts next: the items are the same, in the same order. */
static void tell_drivers(const struct vmf_machine *before, const struct vmf_machine *after,
                         struct vmf_loss_report *report)
{
  static const char why[] = "no such device there: the guest needs a driver for the other one when "
                            "it starts next";
  const struct vmf_machine_losses reasons = vmf_loss_reasons(report);

  for (size_t i = 0; i < before->disk_count && i < after->disk_count; i++)
    if (before->disks[i].bus.value != after->disks[i].bus.value)
      vmf_machine_lose(&reasons,
                       before->disks[i].medium.value == VMF_MEDIUM_DISK ? VMF_LOSS_BOOT
                                                                        : VMF_LOSS_BEHAVIOUR,
                       "L-controller", why, "disks[%zu].bus", i);
  for (size_t i = 0; i < before->controller_count && i < after->controller_count; i++)
    if (before->controllers[i].bus.value == after->controllers[i].bus.value &&
        before->controllers[i].bus.value == VMF_BUS_SCSI &&
        !is_same(&before->controllers[i].model, &after->controllers[i].model))
      vmf_machine_lose(&reasons, VMF_LOSS_BOOT, "L-controller", why, "controllers[%zu].model", i);
  for (size_t i = 0; i < before->nic_count && i < after->nic_count; i++)
    if (!is_same(&before->nics[i].model, &after->nics[i].model))
      vmf_machine_lose(&reasons, VMF_LOSS_BEHAVIOUR, "L-nic-model", why, "nics[%zu].model", i);
}

/* after: as it is written. */
static enum vmf_code compare(const struct vmf_machine *machine, const struct vmf_machine *after,
                             struct vmf_loss_report *report, struct vmf_error *error)
{
  VMF_AUTO_FREE void *disks = NULL;

  VMF_TRY(vmf_alloc(machine->disk_count * sizeof(struct vmf_machine_target_disk), &disks, error));
  struct vmf_machine_target_disk *list = disks;
  for (size_t i = 0; i < machine->disk_count && i < after->disk_count; i++)
    list[i].name = after->disks[i].image.text;
  const struct vmf_machine_target target = {
      .name = "", .disks = list, .disk_count = machine->disk_count};
  return vmf_loss_compare(machine, after, &target, report, error);
}

static struct vmf_loss_report *report_of(struct keeping *keeping, size_t index)
{
  return index == 0 ? &keeping->losses : &keeping->others[index - 1];
}

/* Each against what is written of it. */
static enum vmf_code compare_one(const struct vmf_machines *machines, size_t index,
                                 struct keeping *keeping, struct vmf_error *error)
{
  struct vmf_loss_report *report = report_of(keeping, index);
  const struct vmf_machine *before = machines->list[index];
  struct vmf_machine *after = NULL;

  enum vmf_code code = machine_of(keeping->written, index, &after, error);
  if (code == VMF_OK && after) {
    tell_drivers(before, after, report);
    code = compare(before, after, report, error);
  }
  vmf_machine_free(after);
  return code;
}

static enum vmf_code compare_all(const struct vmf_machines *machines, struct keeping *keeping,
                                 struct vmf_error *error)
{
  for (size_t i = 0; i < machines->count; i++)
    VMF_TRY(compare_one(machines, i, keeping, error));
  return VMF_OK;
}

/* Of several machines a report each; what the files lose is in the first. */
static enum vmf_code give_losses(const struct vmf_machines *machines, const char *path,
                                 struct keeping *keeping, struct vmf_value **tree,
                                 struct vmf_error *error)
{
  struct vmf_value *list, *value;

  VMF_TRY(vmf_machine_move_report(machines, tree, error));
  VMF_TRY(vmf_value_text(*tree, "target", path, error));
  VMF_TRY(vmf_value_text(*tree, "target-format", "ovf", error));
  if (machines->count == 1)
    return vmf_loss_value(&keeping->losses, *tree, error);
  VMF_TRY(vmf_value_add(*tree, VMF_VALUE_LIST, "machines", &list, error));
  for (size_t i = 0; i < machines->count; i++) {
    const char *name = machines->list[i]->name.text;
    VMF_TRY(vmf_value_add(list, VMF_VALUE_OBJECT, NULL, &value, error));
    VMF_TRY(vmf_value_text(value, "name", name ? name : "?", error));
    VMF_TRY(vmf_value_text(value, "target", path, error));
    VMF_TRY(vmf_loss_value(report_of(keeping, i), value, error));
  }
  return VMF_OK;
}

/* ---- for a platform ---- */

/* The descriptor as it will be, but for the files. */
static enum vmf_code fit(struct vmf_package *package, const struct vmf_platform *platform,
                         struct vmf_ovf **fitted, struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;
  struct vmf_xml_edit *edit;
  size_t length;

  VMF_TRY(vmf_xml_edit_new(package->ovf->xml, &edit, error));
  enum vmf_code code = vmf_ovf_fit(package->ovf, platform, edit, error);
  if (code == VMF_OK)
    code = vmf_xml_edit_apply(edit, &text, &length, error);
  vmf_xml_edit_free(edit);
  return code == VMF_OK ? vmf_package_read(package, text, length, fitted, error) : code;
}

/* With --strict, before anything is written. */
static enum vmf_code check(const struct vmf_machines *machines, const char *path,
                           struct keeping *keeping, struct vmf_error *error)
{
  VMF_TRY(compare_all(machines, keeping, error));
  for (size_t i = 0; i < machines->count; i++) {
    const struct vmf_field_loss *loss = vmf_loss_of_weight(report_of(keeping, i), VMF_LOSS_BOOT);
    if (loss)
      return vmf_machine_refuse_loss(path, loss, error);
  }
  return VMF_OK;
}

static void clear_reports(const struct vmf_machines *machines, struct keeping *keeping)
{
  for (size_t i = 0; i < machines->count; i++) {
    vmf_loss_clear(report_of(keeping, i));
    *report_of(keeping, i) = (struct vmf_loss_report){0};
  }
}

/* ---- the whole ---- */

static enum vmf_code keep(struct vmf_machines *machines, const char *path,
                          const struct vmf_machine_target_options *to,
                          const struct vmf_package_target *files,
                          const struct vmf_platform *platform, struct keeping *keeping,
                          struct vmf_error *error)
{
  if (platform) {
    VMF_TRY(fit(machines->package, platform, &keeping->written, error));
    enum vmf_code code = to->strict ? check(machines, path, keeping, error) : VMF_OK;
    if (code == VMF_REFUSED && to->losses &&
        give_losses(machines, path, keeping, to->losses, NULL) != VMF_OK)
      return vmf_fail(error, VMF_NOMEM, "no memory for the report of losses");
    VMF_TRY(code);
    clear_reports(machines, keeping);
    vmf_ovf_free(keeping->written);
    keeping->written = NULL;
  }
  VMF_TRY(
      vmf_package_convert_for(machines->package, path, files, platform, &keeping->written, error));
  VMF_TRY(compare_all(machines, keeping, error));
  return to->losses ? give_losses(machines, path, keeping, to->losses, error) : VMF_OK;
}

enum vmf_code vmf_machines_keep_package(struct vmf_machines *machines, const char *path,
                                        const struct vmf_machine_target_options *to,
                                        const struct vmf_package_target *files,
                                        const struct vmf_platform *platform,
                                        struct vmf_error *error)
{
  struct keeping keeping = {.findings = &files->findings};
  struct vmf_package_target own = *files;

  if (!own.disk_format)
    own.disk_format = "streamOptimized";
  own.findings = (struct vmf_findings_sink){.finding = take_finding, .data = &keeping};
  void *others = NULL;
  VMF_TRY(vmf_alloc(machines->count * sizeof *keeping.others, &others, error));
  keeping.others = others;
  enum vmf_code code = keep(machines, path, to, &own, platform, &keeping, error);
  clear_reports(machines, &keeping);
  vmf_free(keeping.others);
  vmf_ovf_free(keeping.written);
  return code;
}
