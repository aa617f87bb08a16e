/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A package that stays one: what is told of its machines is kept, since the descriptor is, and what
 * its disks and files lose is told by the conversion of packages. */

#include "caller.h"
#include "machine_move.h"
#include "memory.h"
#include "value.h"

enum { LOSSES_MOST = 10000 };

struct keeping {
  const struct vmf_findings_sink *findings; /* the caller's */
  struct vmf_loss_report losses;
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

/* Each against itself: what is told of it is kept. */
static enum vmf_code compare(const struct vmf_machine *machine, struct vmf_loss_report *report,
                             struct vmf_error *error)
{
  VMF_AUTO_FREE void *disks = NULL;

  VMF_TRY(vmf_alloc(machine->disk_count * sizeof(struct vmf_machine_target_disk), &disks, error));
  struct vmf_machine_target_disk *list = disks;
  for (size_t i = 0; i < machine->disk_count; i++)
    list[i].name = machine->disks[i].image.text;
  const struct vmf_machine_target target = {
      .name = "", .disks = list, .disk_count = machine->disk_count};
  return vmf_loss_compare(machine, machine, &target, report, error);
}

static enum vmf_code tell_machine(const struct vmf_machine *machine, struct vmf_loss_report *report,
                                  struct vmf_value *value, struct vmf_error *error)
{
  VMF_TRY(compare(machine, report, error));
  return vmf_loss_value(report, value, error);
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
    return tell_machine(machines->list[0], &keeping->losses, *tree, error);
  VMF_TRY(vmf_value_add(*tree, VMF_VALUE_LIST, "machines", &list, error));
  for (size_t i = 0; i < machines->count; i++) {
    const char *name = machines->list[i]->name.text;
    struct vmf_loss_report report = {0};
    VMF_TRY(vmf_value_add(list, VMF_VALUE_OBJECT, NULL, &value, error));
    VMF_TRY(vmf_value_text(value, "name", name ? name : "?", error));
    VMF_TRY(vmf_value_text(value, "target", path, error));
    enum vmf_code code =
        tell_machine(machines->list[i], i == 0 ? &keeping->losses : &report, value, error);
    vmf_loss_clear(&report);
    VMF_TRY(code);
  }
  return VMF_OK;
}

enum vmf_code vmf_machines_keep_package(struct vmf_machines *machines, const char *path,
                                        const struct vmf_machine_target_options *to,
                                        const struct vmf_package_target *files,
                                        struct vmf_error *error)
{
  struct keeping keeping = {.findings = &files->findings};
  struct vmf_package_target own = *files;

  if (to->dry_run)
    return vmf_fail(error, VMF_USAGE,
                    "%s: a package that stays one loses nothing of its machines: there is nothing "
                    "to tell without writing it (--machine ovf makes a new descriptor)",
                    machines->path);
  if (!own.disk_format)
    own.disk_format = "streamOptimized";
  own.findings = (struct vmf_findings_sink){.finding = take_finding, .data = &keeping};
  enum vmf_code code = vmf_package_convert(machines->package, path, &own, error);
  if (code == VMF_OK && to->losses)
    code = give_losses(machines, path, &keeping, to->losses, error);
  vmf_loss_clear(&keeping.losses);
  return code;
}
