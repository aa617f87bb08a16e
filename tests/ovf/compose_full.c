/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Prints the descriptor of a machine with everything that OVF has a place for, in the version that
 * the argument names ("1" or "2"), for compose_behaviour.py. What our own reader and rules find in
 * it goes to standard error, "RULE: TEXT" each. */
#include <stdio.h>

#include "compose.h"
#include "machine_maker.h"
#include "memory.h"
#include "rules.h"

static void print_finding(void *data, const struct vmf_package_finding *finding)
{
  (void)data;
  if (finding->severity != VMF_SEVERITY_NOTE)
    fprintf(stderr, "%s: line %u: %s\n", finding->rule, finding->line, finding->text);
}

/* What has no loss of its own in the unit tests: other ports, other media. */
static void make_more(void)
{
  static const enum vmf_backend backends[] = {VMF_BACKEND_FILE, VMF_BACKEND_TCP, VMF_BACKEND_NONE};
  struct vmf_machine_port *port;

  for (size_t i = 0; i < 2 * sizeof backends / sizeof backends[0]; i++) {
    made(vmf_machine_add_port(machine, &port, &error));
    port->parallel = vmf_told(i % 2, 1);
    port->backend = vmf_told(backends[i / 2], 1);
  }
  machine->tpm = vmf_told(VMF_TPM_2_0, 1);
  add_drive(VMF_MEDIUM_CDROM, VMF_BUS_SATA, 0, 3);
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_VIRTIO, 0, 0);
  add_nic("virtio");
}

int main(int argc, char **argv)
{
  struct vmf_compose_settings settings = {.version = VMF_OVF_1};
  struct vmf_report report = {.finding = print_finding};
  struct vmf_compose_disk disks[sizeof files / sizeof files[0]] = {{0}};
  struct vmf_ovf *ovf = NULL;
  char *text = NULL;

  if (argc > 1 && argv[1][0] == '2')
    settings.version = VMF_OVF_2;
  if (vmf_machine_new(&machine, &error) != VMF_OK)
    return 2;
  make_full_machine();
  make_more();
  files[3] = (struct vmf_machine_target_disk){"tools.iso", "raw", 0};
  for (size_t i = 0; i < machine->disk_count; i++)
    disks[i] = (struct vmf_compose_disk){.file_name = files[i].name,
                                         .format_uri = "raw",
                                         .file_size = 7,
                                         .capacity = files[i].capacity};
  if (vmf_compose(machine, &settings, disks, &text, &error) != VMF_OK ||
      vmf_ovf_read("machine.ovf", text, strlen(text), &report, &ovf, &error) != VMF_OK ||
      vmf_rules_check(ovf, &report, &error) != VMF_OK) {
    fprintf(stderr, "error: %s\n", error.text);
    return 2;
  }
  fputs(text, stdout);
  vmf_ovf_free(ovf);
  vmf_free(text);
  vmf_machine_free(machine);
  return 0;
}
