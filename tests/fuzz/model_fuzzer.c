/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine with any fields, fitted to a platform, is written in all formats: what its own reader
 * takes, and what a second time is written and read the same. Its package's descriptor conforms. */
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "fuzz.h"
#include "loss_report.h"
#include "memory.h"
#include "models.h"
#include "ovf_machine.h"
#include "profile.h"
#include "rules.h"
#include "scratch_files.h"
#include "value.h"

typedef enum vmf_code reading(const struct vmf_machine_source *source, struct vmf_machine *machine,
                              struct vmf_report *report, struct vmf_error *error);

static struct vmf_machine *read_text(reading *read, const char *format, const char *text,
                                     size_t length)
{
  const struct vmf_machine_source source = {.name = "written", .bytes = text, .length = length};
  struct vmf_machine *machine;
  struct vmf_error error;

  if (vmf_machine_new(&machine, &error) != VMF_OK)
    fuzz_fault("no memory");
  enum vmf_code code = read(&source, machine, NULL, &error);
  if (code == VMF_OK)
    return machine;
  if (code != VMF_LIMIT)
    fuzz_fault("%s cannot read what it wrote: %s\n%s", format, error.text, text);
  vmf_machine_free(machine);
  return NULL;
}

/* What a conversion would tell. */
static void compare(const struct vmf_machine *before, const struct vmf_machine *after,
                    const struct vmf_machine_target *target, struct vmf_loss_report *report)
{
  struct vmf_value *root;
  struct vmf_error error;

  if (vmf_loss_compare(before, after, target, report, &error) != VMF_OK ||
      vmf_value_new(&root, &error) != VMF_OK || vmf_loss_value(report, root, &error) != VMF_OK)
    fuzz_fault("the loss report: %s", error.text);
  vmf_value_free(root);
}

/* What has been through a format once loses nothing there a second time. */
static void write_again(const struct vmf_machine_format *format, const struct vmf_machine *machine)
{
  struct fuzz_target_disks made = fuzz_target_disks_make(machine);
  const struct vmf_machine_target target = {
      .name = "fuzz", .disks = made.disks, .disk_count = machine->disk_count, .id = {1}};
  struct vmf_loss_report report = {0};
  struct vmf_error error;
  size_t length;
  char *text;

  if (format->write(machine, &target, NULL, &text, &length, &error) == VMF_OK) {
    struct vmf_machine *again = read_text(format->read, format->name, text, length);
    if (again) {
      compare(machine, again, &target, &report);
      const struct vmf_field_loss *loss = vmf_loss_of_weight(&report, VMF_LOSS_BEHAVIOUR);
      if (loss && getenv("VMF_FUZZ_TWICE"))
        fuzz_fault("%s: the second time %s is lost: %s, %s\n%s", format->name, loss->field,
                   loss->before, loss->after, text);
    }
    vmf_machine_free(again);
    vmf_free(text);
  }
  vmf_loss_clear(&report);
  fuzz_target_disks_free(&made);
}

static void write_one(struct fuzz_choices *choices, const struct vmf_machine_format *format,
                      const struct vmf_machine *machine, const struct vmf_profile *platform)
{
  struct fuzz_target_disks made = fuzz_target_disks_make(machine);
  const struct vmf_machine_target target = {.name = "fuzz",
                                            .folder = fuzz_chance(choices, 2) ? "/a folder/" : NULL,
                                            .disks = made.disks,
                                            .disk_count = machine->disk_count,
                                            .platform = platform,
                                            .copy = fuzz_chance(choices, 2),
                                            .id = {1}};
  struct vmf_loss_report report = {0};
  struct vmf_machine_losses losses = vmf_loss_reasons(&report);
  struct vmf_error error;
  size_t length;
  char *text;

  if (format->write(machine, &target, &losses, &text, &length, &error) == VMF_OK) {
    struct vmf_machine *again =
        format->read ? read_text(format->read, format->name, text, length) : NULL;
    if (again) {
      compare(machine, again, &target, &report);
      write_again(format, again);
    }
    vmf_machine_free(again);
    vmf_free(text);
  }
  vmf_loss_clear(&report);
  fuzz_target_disks_free(&made);
}

static void ignore(void *data, const struct vmf_package_finding *finding)
{
  (void)data;
  (void)finding;
}

static void compose(const struct vmf_machine *machine, enum vmf_ovf_version version)
{
  const struct vmf_compose_settings settings = {.version = version};
  struct vmf_compose_disk *disks = calloc(machine->disk_count + 1, sizeof *disks);
  struct vmf_report report = {.finding = ignore};
  struct fuzz_target_disks made = fuzz_target_disks_make(machine);
  struct vmf_error error;
  struct vmf_ovf *ovf;
  char *text;

  for (size_t i = 0; i < machine->disk_count; i++)
    disks[i] = (struct vmf_compose_disk){
        .file_name = made.disks[i].name, .format_uri = "raw", .capacity = made.disks[i].capacity};
  enum vmf_code code = vmf_compose(machine, &settings, disks, &text, &error);
  if (code == VMF_OK) {
    if (vmf_ovf_read("composed", text, strlen(text), NULL, &ovf, &error) != VMF_OK ||
        vmf_rules_check(ovf, &report, &error) != VMF_OK)
      fuzz_fault("a descriptor that was composed: %s\n%s", error.text, text);
    if (report.counts[VMF_SEVERITY_VIOLATION] + report.counts[VMF_SEVERITY_FAILURE] > 0)
      fuzz_fault("a descriptor that was composed breaks rules:\n%s", text);
    vmf_machine_free(read_text(vmf_ovf_machine_read, "OVF", text, strlen(text)));
    vmf_ovf_free(ovf);
    vmf_free(text);
  } else if (code != VMF_UNSUPPORTED) {
    fuzz_fault("compose: %s", error.text);
  }
  fuzz_target_disks_free(&made);
  free(disks);
}

void fuzz_model(const char *unused, const uint8_t *data, size_t size)
{
  struct fuzz_choices choices = {data, size};
  const char *name = fuzz_platform(&choices);
  struct vmf_fit fit = {.virtio = fuzz_chance(&choices, 2), .package = fuzz_chance(&choices, 2)};
  struct vmf_machine *made = fuzz_machine_make(&choices), *machine = made;
  struct vmf_error error;

  (void)unused;
  if (name && vmf_platform_find(name, &fit.platform, &error) == VMF_OK &&
      vmf_profile_fit(&fit, made, NULL, &machine, &error) != VMF_OK)
    machine = made;
  for (const struct vmf_machine_format *const *format = vmf_machine_formats; *format; format++)
    if ((*format)->write)
      write_one(&choices, *format, machine, fit.platform.profile);
  compose(machine, VMF_OVF_1);
  compose(machine, VMF_OVF_2);
  if (machine != made)
    vmf_machine_free(machine); /* its texts are those of the other */
  vmf_machine_free(made);
}
