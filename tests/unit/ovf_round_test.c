/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Machines written as OVF and read again: what they have stays, or its loss is told. */
#include "compose.h"
#include "loss_report.h"
#include "machine_case.h"
#include "machine_maker.h"
#include "memory.h"
#include "ovf_machine.h"

#define STREAM_OPTIMIZED "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"

static struct vmf_machine *after;
static struct vmf_loss_report report;
static char *text;

static void start(void)
{
  memset(&report, 0, sizeof report);
  memset(files, 0, sizeof files);
  ck_assert_int_eq(vmf_machine_new(&machine, &error), VMF_OK);
  ck_assert_int_eq(vmf_machine_new(&after, &error), VMF_OK);
}

static void end(void)
{
  vmf_machine_free(machine);
  vmf_machine_free(after);
  vmf_loss_clear(&report);
  vmf_free(text);
  text = NULL;
}

/* Of `files`, in OVF 1.1. */
static enum vmf_code write_it(bool copy)
{
  const struct vmf_machine_losses losses = vmf_loss_reasons(&report);
  const struct vmf_compose_settings settings = {
      .version = VMF_OVF_1, .copy = copy, .losses = &losses};
  static struct vmf_compose_disk disks[VMF_MACHINE_DEVICES];

  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
    disks[i] = (struct vmf_compose_disk){
        .file_name = files[i].name, .format_uri = STREAM_OPTIMIZED, .capacity = files[i].capacity};
  return vmf_compose(machine, &settings, disks, &text, &error);
}

static void travel(bool copy)
{
  const struct vmf_machine_target target = {
      .name = "vm.ovf", .disks = files, .disk_count = machine->disk_count, .copy = copy};
  struct vmf_machine_source source = {.name = "vm.ovf"};

  ck_assert_msg(write_it(copy) == VMF_OK, "%s", error.text);
  source.bytes = text;
  source.length = strlen(text);
  ck_assert_msg(vmf_ovf_machine_read(&source, after, NULL, &error) == VMF_OK, "%s", error.text);
  ck_assert_int_eq(vmf_loss_compare(machine, after, &target, &report, &error), VMF_OK);
}

/* The outcome of a field; KEPT when it is not in the report. */
static const struct vmf_field_loss *loss_of(const char *field)
{
  for (size_t i = 0; i < report.count; i++)
    if (strcmp(report.losses[i].field, field) == 0 && report.losses[i].outcome != VMF_OUTCOME_KEPT)
      return &report.losses[i];
  return NULL;
}

static void nothing_is_lost(void)
{
  for (size_t i = 0; i < report.count; i++)
    ck_assert_msg(report.losses[i].outcome == VMF_OUTCOME_KEPT ||
                      report.losses[i].outcome == VMF_OUTCOME_DEFAULTED,
                  "%s: %s -> %s\n%s", report.losses[i].field,
                  report.losses[i].before ? report.losses[i].before : "-",
                  report.losses[i].after ? report.losses[i].after : "-", text);
}

/* ---- what OVF holds ---- */

START_TEST(what_ovf_has_a_place_for_stays)
{
  make_full_machine();
  travel(false);
  nothing_is_lost();
  expect(after, "windows", "uuid", "30313233-3435-3637-3839-616263646566");
  expect(after, "windows", "disks[0].image", "a.vmdk");
  expect(after, "windows", "hw-version", "vmx-15");
}
END_TEST

START_TEST(a_copy_has_no_identity)
{
  make_full_machine();
  travel(true);
  expect(after, "copy", "uuid", NULL);
  expect(after, "copy", "nics[0].mac", NULL);
}
END_TEST

START_TEST(a_machine_of_which_nothing_is_told_is_written)
{
  travel(false);
  expect(after, "nothing", "name", "vm");
  expect(after, "nothing", "os", "otherGuest64");
  expect(after, "nothing", "hw-version", "vmx-13");
  ck_assert_ptr_null(strstr(text, "DiskSection"));
}
END_TEST

START_TEST(an_old_usb_controller_stays_an_old_one)
{
  machine->usb1 = vmf_told(true, 1);
  travel(false);
  expect(after, "usb", "usb1", "on");
  expect(after, "usb", "usb2", "off");
}
END_TEST

START_TEST(a_disk_without_a_file_is_one_of_zeros)
{
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_SCSI, 0, 0);
  files[0].name = NULL;
  travel(false);
  expect(after, "zeros", "disks[0].image", NULL);
  expect(after, "zeros", "disks[0].capacity", "1048576");
}
END_TEST

START_TEST(an_image_of_a_cd_goes_along)
{
  add_drive(VMF_MEDIUM_CDROM, VMF_BUS_IDE, 1, 0);
  files[0] = (struct vmf_machine_target_disk){"tools.iso", "raw", 0};
  travel(false);
  expect(after, "cd", "disks[0].image", "tools.iso");
  expect(after, "cd", "disks[0].controller", "1");
  expect(after, "cd", "disks[0].connected", "on");
}
END_TEST

/* ---- what has another in its stead ---- */

static const struct {
  enum vmf_bus bus;
  const char *model, *place; /* bus and unit of a disk there */
} moved[] = {
    {VMF_BUS_VIRTIO, NULL, "sata"},       {VMF_BUS_XEN, NULL, "sata"},
    {VMF_BUS_USB, NULL, "sata"},          {VMF_BUS_SCSI, "virtio-scsi", "sata"},
    {VMF_BUS_SCSI, "lsi53c895a", "sata"}, {VMF_BUS_SCSI, "hyperv", "sata"},
    {VMF_BUS_SCSI, "lsisas1068", "scsi"}, {VMF_BUS_SCSI, NULL, "scsi"},
};

START_TEST(a_disk_moves_where_there_is_no_such_controller)
{
  if (moved[_i].model)
    add_controller(moved[_i].bus, 0, moved[_i].model);
  add_drive(VMF_MEDIUM_DISK, moved[_i].bus, 0, 0);
  travel(false);
  expect(after, "moved", "disks[0].bus", moved[_i].place);
  if (strcmp(moved[_i].place, "scsi") == 0)
    return;
  const struct vmf_field_loss *loss = loss_of("disks[0].bus");
  ck_assert_ptr_nonnull(loss);
  ck_assert_int_eq(loss->weight, VMF_LOSS_BOOT);
  ck_assert_str_eq(loss->why, "the guest needs a driver for AHCI when it starts next");
}
END_TEST

START_TEST(a_moved_disk_takes_no_place_of_another)
{
  add_controller(VMF_BUS_SATA, 0, "ahci");
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_VIRTIO, 0, 0);
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_SATA, 0, 0);
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_SATA, 0, 0); /* the same place again */
  travel(false);
  expect(after, "places", "disks[0].unit", "1");
  expect(after, "places", "disks[1].unit", "0");
  expect(after, "places", "disks[2].unit", "2");
}
END_TEST

START_TEST(a_place_beyond_the_controller_is_another)
{
  add_controller(VMF_BUS_SCSI, 0, "lsilogic");
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_SCSI, 0, 7); /* the controller's own */
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_SCSI, 0, 16);
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_SCSI, 9, 0);
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_IDE, UINT64_MAX, UINT64_MAX);
  travel(false);
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq(after->disks[i].bus.value, i < 3 ? VMF_BUS_SCSI : VMF_BUS_IDE);
  for (size_t i = 0; i < 3; i++) {
    ck_assert_uint_eq(after->disks[i].controller.value, 0);
    ck_assert_uint_eq(after->disks[i].unit.value, i);
  }
  ck_assert_str_eq(after->controllers[0].model.text, "lsilogic");
}
END_TEST

START_TEST(old_hardware_gets_no_ahci)
{
  told(&machine->hw_version, "vmx-08");
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_VIRTIO, 0, 0);
  travel(false);
  expect(after, "old", "disks[0].bus", "scsi");
  expect(after, "old", "hw-version", "vmx-08");
}
END_TEST

START_TEST(the_hardware_is_new_enough_for_the_devices)
{
  told(&machine->hw_version, "vmx-08");
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_NVME, 0, 0);
  travel(false);
  expect(after, "nvme", "hw-version", "vmx-13");
}
END_TEST

START_TEST(the_hardware_is_new_enough_for_a_tpm)
{
  told(&machine->hw_version, "vmx-13");
  machine->tpm = vmf_told(VMF_TPM_2_0, 1);
  travel(false);
  expect(after, "tpm", "hw-version", "vmx-14");
  expect(after, "tpm", "tpm", "2.0");
}
END_TEST

START_TEST(a_family_of_another_vendor_is_none)
{
  told(&machine->hw_version, "pc-q35-7.2");
  travel(false);
  expect(after, "family", "hw-version", "vmx-13");
}
END_TEST

START_TEST(a_card_that_vmware_has_not_is_an_e1000)
{
  add_nic("virtio");
  travel(false);
  expect(after, "card", "nics[0].model", "e1000");
  ck_assert_str_eq(loss_of("nics[0].model")->why,
                   "VMware has no such card; guests have a driver for an E1000");
}
END_TEST

START_TEST(memory_is_rounded_up)
{
  machine->memory = vmf_told((UINT64_C(512) << 20) + 1, 1);
  travel(false);
  expect(after, "memory", "memory", "541065216");
  ck_assert_ptr_nonnull(loss_of("memory")->why);
}
END_TEST

START_TEST(threads_become_cores)
{
  machine->vcpus = vmf_told(8, 1);
  machine->sockets = vmf_told(2, 1);
  machine->cores = vmf_told(2, 1);
  machine->threads = vmf_told(2, 1);
  travel(false);
  expect(after, "threads", "cores", "4");
  expect(after, "threads", "sockets", "2");
}
END_TEST

START_TEST(a_topology_that_does_not_add_up_is_not_written)
{
  machine->vcpus = vmf_told(5, 1);
  machine->sockets = vmf_told(2, 1);
  machine->cores = vmf_told(UINT64_MAX, 1);
  travel(false);
  expect(after, "topology", "cores", NULL);
}
END_TEST

START_TEST(texts_that_xml_cannot_hold_are_cleaned)
{
  told(&machine->name, "a\001b\xff");
  told(&machine->description, "x\ny\v");
  told(&add_nic("e1000")->network, "n\003");
  travel(false);
  expect(after, "texts", "name", "a?b?");
  expect(after, "texts", "description", "x\ny?");
  expect(after, "texts", "nics[0].network", "n?");
}
END_TEST

START_TEST(a_port_keeps_its_kind_and_loses_its_path)
{
  struct vmf_machine_port *port;

  ck_assert_int_eq(vmf_machine_add_port(machine, &port, &error), VMF_OK);
  port->parallel = vmf_told(false, 1);
  port->backend = vmf_told(VMF_BACKEND_FILE, 1);
  told(&port->path, "/tmp/log");
  travel(false);
  expect(after, "port", "ports[0].backend", "file");
  ck_assert_str_eq(loss_of("ports[0].path")->why, "what a port leads to is the host's");
}
END_TEST

START_TEST(what_has_no_place_is_told_with_a_reason)
{
  machine->firmware = vmf_told(VMF_FIRMWARE_EFI, 1);
  machine->secure_boot = vmf_told(VMF_SECURE_BOOT_MICROSOFT, 1);
  machine->clock = vmf_told(VMF_CLOCK_LOCALTIME, 1);
  told(&machine->boot, "disk,cdrom");
  told(&machine->nvram, "x.nvram");
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_SCSI, 0, 0)->boot = vmf_told(2, 1);
  add_nic("e1000")->boot = vmf_told(1, 1);
  travel(false);
  static const char *const fields[] = {"clock", "secure-boot",   "boot",
                                       "nvram", "disks[0].boot", "nics[0].boot"};
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
    ck_assert_msg(loss_of(fields[i]) && loss_of(fields[i])->why, "%s", fields[i]);
}
END_TEST

static void tell_genid(void)
{
  machine->genid.told = true;
  for (unsigned i = 0; i < 16; i++)
    machine->genid.bytes[i] = (uint8_t)(0xf8 + 3 * i);
}

START_TEST(a_generation_id_travels_but_not_into_a_copy)
{
  tell_genid();
  travel(false);
  expect(after, "move", "genid", "f8fbfe01-0407-0a0d-1013-16191c1f2225");
  ck_assert_ptr_null(loss_of("genid"));
}
END_TEST

START_TEST(a_copy_has_no_generation_id)
{
  tell_genid();
  travel(true);
  expect(after, "copy", "genid", NULL);
  ck_assert_str_eq(loss_of("genid")->why, "a copy gets one of its own");
}
END_TEST

START_TEST(the_boot_order_travels)
{
  told(&machine->boot, "network,disk,cdrom");
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_SCSI, 0, 0)->boot = vmf_told(2, 1);
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_SATA, 0, 1)->boot = vmf_told(1, 1);
  add_drive(VMF_MEDIUM_CDROM, VMF_BUS_IDE, 1, 0);
  add_nic("e1000")->boot = vmf_told(2, 1);
  add_nic("e1000")->boot = vmf_told(1, 1);
  travel(false);
  expect(after, "order", "boot", "network,disk,cdrom");
  expect(after, "order", "disks[0].boot", "2");
  expect(after, "order", "disks[1].boot", "1");
  expect(after, "order", "nics[0].boot", "2");
  expect(after, "order", "nics[1].boot", "1");
  ck_assert_ptr_nonnull(
      strstr(text, "vmw:key=\"bios.bootOrder\" vmw:value=\"ethernet1,ethernet0,hdd,cdrom\""));
  ck_assert_ptr_nonnull(strstr(text, "vmw:value=\"sata0:1,scsi0:0\""));
}
END_TEST

/* Of which each has a place among all: network first, then the disks. */
START_TEST(an_order_of_devices_becomes_one_of_classes)
{
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_SCSI, 0, 0)->boot = vmf_told(2, 1);
  add_nic("e1000")->boot = vmf_told(1, 1);
  travel(false);
  expect(after, "order", "boot", "network,disk");
  expect(after, "order", "disks[0].boot", "1");
  ck_assert_str_eq(loss_of("disks[0].boot")->why,
                   "a package orders classes, and the devices of each");
}
END_TEST

START_TEST(the_clock_travels)
{
  machine->clock = vmf_told(VMF_CLOCK_UTC, 1);
  machine->clock_offset = vmf_told((uint64_t)INT64_C(-3600), 1);
  travel(false);
  expect(after, "clock", "clock", "utc");
  expect(after, "clock", "clock-offset", "-3600");
}
END_TEST

START_TEST(a_device_of_the_host_stays_behind)
{
  add_drive(VMF_MEDIUM_LUN, VMF_BUS_SCSI, 0, 0);
  travel(false);
  ck_assert_uint_eq(after->disk_count, 0);
}
END_TEST

START_TEST(more_drives_than_places_are_refused)
{
  for (size_t i = 0; i < 300; i++)
    add_drive(VMF_MEDIUM_CDROM, VMF_BUS_IDE, 0, i);
  ck_assert_int_eq(write_it(false), VMF_UNSUPPORTED);
  ck_assert_ptr_null(text);
}
END_TEST

START_TEST(nonsense_is_refused)
{
  machine->vcpus = vmf_told(UINT64_MAX, 1);
  ck_assert_int_eq(write_it(false), VMF_UNSUPPORTED);
  machine->vcpus = vmf_told(1, 1);
  machine->memory = vmf_told(UINT64_MAX, 1);
  ck_assert_int_eq(write_it(false), VMF_UNSUPPORTED);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("ovf_round");
  TCase *tests = tcase_create("ovf_round");
  tcase_add_checked_fixture(tests, start, end);
  tcase_add_test(tests, what_ovf_has_a_place_for_stays);
  tcase_add_test(tests, a_copy_has_no_identity);
  tcase_add_test(tests, a_machine_of_which_nothing_is_told_is_written);
  tcase_add_test(tests, an_old_usb_controller_stays_an_old_one);
  tcase_add_test(tests, a_disk_without_a_file_is_one_of_zeros);
  tcase_add_test(tests, an_image_of_a_cd_goes_along);
  tcase_add_loop_test(tests, a_disk_moves_where_there_is_no_such_controller, 0,
                      sizeof moved / sizeof moved[0]);
  tcase_add_test(tests, a_moved_disk_takes_no_place_of_another);
  tcase_add_test(tests, a_place_beyond_the_controller_is_another);
  tcase_add_test(tests, old_hardware_gets_no_ahci);
  tcase_add_test(tests, the_hardware_is_new_enough_for_the_devices);
  tcase_add_test(tests, the_hardware_is_new_enough_for_a_tpm);
  tcase_add_test(tests, a_family_of_another_vendor_is_none);
  tcase_add_test(tests, a_card_that_vmware_has_not_is_an_e1000);
  tcase_add_test(tests, memory_is_rounded_up);
  tcase_add_test(tests, threads_become_cores);
  tcase_add_test(tests, a_topology_that_does_not_add_up_is_not_written);
  tcase_add_test(tests, texts_that_xml_cannot_hold_are_cleaned);
  tcase_add_test(tests, a_port_keeps_its_kind_and_loses_its_path);
  tcase_add_test(tests, what_has_no_place_is_told_with_a_reason);
  tcase_add_test(tests, a_generation_id_travels_but_not_into_a_copy);
  tcase_add_test(tests, a_copy_has_no_generation_id);
  tcase_add_test(tests, the_boot_order_travels);
  tcase_add_test(tests, an_order_of_devices_becomes_one_of_classes);
  tcase_add_test(tests, the_clock_travels);
  tcase_add_test(tests, a_device_of_the_host_stays_behind);
  tcase_add_test(tests, more_drives_than_places_are_refused);
  tcase_add_test(tests, nonsense_is_refused);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
