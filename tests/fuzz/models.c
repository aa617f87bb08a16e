/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest_os.h"
#include "machine_format.h"
#include "scratch_files.h"

enum { DEVICES = 6 };

const char *fuzz_word(struct fuzz_choices *choices)
{
  static const char *const words[] = {
      "lsilogic",
      "lsisas1068",
      "pvscsi",
      "buslogic",
      "virtio-scsi",
      "ahci",
      "piix3",
      "piix4",
      "ich6",
      "nvme",
      "nec-xhci",
      "e1000",
      "e1000e",
      "vmxnet3",
      "pcnet32",
      "virtio",
      "rtl8139",
      "netvsc",
      "netfront",
      "hda",
      "ac97",
      "es1370",
      "vga",
      "vmvga",
      "qxl",
      "none",
      "host",
      "host-model",
      "max",
      "+aes -pcid",
      "vmx-13",
      "vmx-21",
      "pc-q35-7.2",
      "virtualbox-2.2",
      "xen-3",
      "disk,cdrom,network",
      "network",
      "writeback",
      "directsync",
      "unsafe",
      "raw",
      "qcow2",
      "vmdk",
      "VM Network",
      "vmbr0",
      "disk.vmdk",
      "sub/disk.raw",
      "../disk",
      "/dev/sda",
      "nfs:100/vm.qcow2",
      "1",
      "0",
      "-1",
      "18446744073709551615",
      "",
      " ",
      "a b",
      "line\nline",
      "tab\there",
      "\"",
      "'",
      "$(id)",
      "`id`",
      "<&>",
      "]]>",
      "a=b,c=d",
      "\\",
      "#",
      "%s",
      "|0A",
      "\xc3\xa4\xe2\x82\xac",
      "\xf0\x9f\x98\x80",
      "0123456789012345678901234567890123456789012345678901234567890123456789"};

  return words[fuzz_below(choices, sizeof words / sizeof words[0])];
}

static void must(enum vmf_code code, const struct vmf_error *error)
{
  if (code != VMF_OK)
    fuzz_fault("a machine in memory: %s", error->text);
}

static void fill_field(struct fuzz_choices *choices, struct vmf_machine *machine, void *parent,
                       const struct vmf_field *field)
{
  void *member = (char *)parent + field->offset;
  struct vmf_told_id id = {.told = true};
  struct vmf_error error;
  uint64_t number = 0;
  unsigned count = 0;

  switch (field->kind) {
  case VMF_FIELD_TEXT:
    must(vmf_machine_text(machine, fuzz_word(choices), 0, member, &error), &error);
    return;
  case VMF_FIELD_ID:
    for (size_t i = 0; i < sizeof id.bytes; i++)
      id.bytes[i] = (uint8_t)fuzz_byte(choices);
    *(struct vmf_told_id *)member = id;
    return;
  case VMF_FIELD_WORD:
    while (field->words[count])
      count++;
    number = fuzz_below(choices, count);
    break;
  case VMF_FIELD_FLAG:
    number = fuzz_below(choices, 2);
    break;
  case VMF_FIELD_BYTES:
    number = fuzz_number(choices) << (fuzz_chance(choices, 2) ? 0 : 20);
    break;
  default:
    number = fuzz_number(choices);
  }
  *(struct vmf_told_number *)member = vmf_told(number, 0);
}

static void fill(struct fuzz_choices *choices, struct vmf_machine *machine, void *parent,
                 const struct vmf_field *fields)
{
  for (const struct vmf_field *field = fields; field->name; field++)
    if (fuzz_chance(choices, 3))
      fill_field(choices, machine, parent, field);
}

/* What every element of a list tells. */
static void *add(struct fuzz_choices *choices, struct vmf_machine *machine, const char *list)
{
  struct vmf_machine_controller *controller;
  struct vmf_machine_snapshot *snapshot;
  struct vmf_machine_disk *disk;
  struct vmf_machine_port *port;
  struct vmf_machine_nic *nic;
  struct vmf_error error;

  if (strcmp(list, "controllers") == 0) {
    must(vmf_machine_add_controller(machine, &controller, &error), &error);
    controller->bus = vmf_told(fuzz_below(choices, VMF_BUSES), 0);
    controller->index = vmf_told(fuzz_below(choices, 4), 0);
    return controller;
  }
  if (strcmp(list, "disks") == 0) {
    must(vmf_machine_add_disk(machine, &disk, &error), &error);
    disk->medium = vmf_told(fuzz_chance(choices, 3) ? fuzz_below(choices, 4) : VMF_MEDIUM_DISK, 0);
    disk->bus = vmf_told(fuzz_below(choices, VMF_BUSES), 0);
    return disk;
  }
  if (strcmp(list, "nics") == 0) {
    must(vmf_machine_add_nic(machine, &nic, &error), &error);
    return nic;
  }
  if (strcmp(list, "ports") == 0) {
    must(vmf_machine_add_port(machine, &port, &error), &error);
    port->parallel = vmf_told(0, 0);
    return port;
  }
  must(vmf_machine_add_snapshot(machine, &snapshot, &error), &error);
  return snapshot;
}

/* What a reader has looked at before it is in a machine, and what it leaves out. */
static void settle(struct fuzz_choices *choices, struct vmf_machine *machine)
{
  static const char *const systems[] = {"ubuntu-64", "windows2019srv-64", "otherGuest",
                                        "Debian_64"};
  struct vmf_error error;

  machine->os = machine->os_source = (struct vmf_told_text){0};
  if (fuzz_chance(choices, 2))
    must(vmf_machine_set_os(machine, vmf_guest_os_find(systems[fuzz_below(choices, 4)]), "told", 0,
                            &error),
         &error);
  if (machine->memory.told) /* no format has more than a PiB */
    machine->memory.value %= UINT64_C(1) << 50;
  if (machine->vcpus.told)
    machine->vcpus.value %= VMF_MACHINE_CPUS + 1;
  for (size_t i = 0; i < machine->nic_count; i++) {
    char mac[32];
    machine->nics[i].mac = (struct vmf_told_text){0};
    snprintf(mac, sizeof mac, "00:50:56:%02x:%02x:%02x", fuzz_byte(choices), fuzz_byte(choices),
             (unsigned)i);
    if (fuzz_chance(choices, 2))
      must(vmf_machine_set_mac(machine, "card", mac, 0, &machine->nics[i], &error), &error);
  }
  for (size_t i = 0; i < machine->controller_count; i++)
    machine->controllers[i].index.value %= 65536;
  for (size_t i = 0; i < machine->disk_count; i++)
    if (machine->disks[i].capacity.told)
      machine->disks[i].capacity.value >>= 2;
  for (unsigned i = fuzz_below(choices, 4); i > 0; i--)
    must(vmf_machine_add_extra(machine, "vmx", fuzz_word(choices), fuzz_word(choices), 0, i % 2,
                               &error),
         &error);
  vmf_machine_settle(machine, "model", NULL);
}

struct vmf_machine *fuzz_machine_make(struct fuzz_choices *choices)
{
  struct vmf_machine *machine;
  struct vmf_error error;

  must(vmf_machine_new(&machine, &error), &error);
  fill(choices, machine, machine, vmf_machine_fields);
  for (const struct vmf_field_list *list = vmf_machine_lists; list->name; list++)
    for (unsigned i = fuzz_below(choices, DEVICES); i > 0; i--)
      fill(choices, machine, add(choices, machine, list->name), list->fields);
  settle(choices, machine);
  return machine;
}

struct fuzz_target_disks fuzz_target_disks_make(const struct vmf_machine *machine)
{
  struct fuzz_target_disks made = {.disks = calloc(machine->disk_count + 1, sizeof *made.disks),
                                   .names = calloc(machine->disk_count + 1, sizeof *made.names)};

  if (!made.disks || !made.names)
    fuzz_fault("no memory");
  for (size_t i = 0; i < machine->disk_count; i++) {
    snprintf(made.names[i], sizeof made.names[i], "disk%zu", i);
    if (machine->disks[i].image.text)
      made.disks[i] = (struct vmf_machine_target_disk){
          .name = made.names[i],
          .format = "vmdk",
          .capacity = 1 << 30,
          .uuid = {.told = true, .bytes = {(uint8_t)i, (uint8_t)(i >> 8), 1}}};
  }
  return made;
}

void fuzz_target_disks_free(struct fuzz_target_disks *made)
{
  free(made->disks);
  free(made->names);
}

const char *fuzz_platform(struct fuzz_choices *choices)
{
  struct vmf_profile_info info = {.size = sizeof info};
  size_t count = 0;

  while (vmf_profile_describe(count, &info))
    count++;
  unsigned wanted = fuzz_below(choices, (unsigned)count * 2);
  return vmf_profile_describe(wanted, &info) ? info.name : NULL;
}
