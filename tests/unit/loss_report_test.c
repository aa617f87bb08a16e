/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a conversion is said to have done to a machine. */
#include "loss_report.h"

#include <string.h>

#include "check_main.h"

static struct vmf_error error;
static struct vmf_machine *before, *after;
static struct vmf_machine_target target;
static struct vmf_loss_report report;

#define DONE(call) ck_assert_msg((call) == VMF_OK, "%s", error.text)

static void enter(void)
{
  DONE(vmf_machine_new(&before, &error));
  DONE(vmf_machine_new(&after, &error));
  target = (struct vmf_machine_target){.name = "vm.vmx"};
}

static void leave(void)
{
  vmf_loss_clear(&report);
  vmf_machine_free(before);
  vmf_machine_free(after);
}

static const struct vmf_field_loss *compared(const char *field)
{
  DONE(vmf_loss_compare(before, after, &target, &report, &error));
  for (size_t i = 0; i < report.count; i++)
    if (strcmp(report.losses[i].field, field) == 0)
      return &report.losses[i];
  return NULL;
}

static void add_disk(struct vmf_machine *machine, enum vmf_medium medium, enum vmf_bus bus,
                     const char *image)
{
  struct vmf_machine_disk *disk;

  DONE(vmf_machine_add_disk(machine, &disk, &error));
  disk->medium = vmf_told(medium, 7);
  disk->bus = vmf_told(bus, 7);
  DONE(vmf_machine_text(machine, image, 7, &disk->image, &error));
}

START_TEST(what_is_equal_is_kept)
{
  before->memory = vmf_told(1 << 30, 3);
  after->memory = vmf_told(1 << 30, 9);
  const struct vmf_field_loss *loss = compared("memory");
  ck_assert_int_eq(loss->outcome, VMF_OUTCOME_KEPT);
  ck_assert_int_eq(loss->weight, VMF_LOSS_NONE);
  ck_assert_ptr_null(loss->code);
  ck_assert_uint_eq(loss->line, 3);
}
END_TEST

START_TEST(what_differs_is_changed_with_the_code_of_its_field)
{
  before->firmware = vmf_told(VMF_FIRMWARE_EFI, 0);
  after->firmware = vmf_told(VMF_FIRMWARE_BIOS, 0);
  const struct vmf_field_loss *loss = compared("firmware");
  ck_assert_int_eq(loss->outcome, VMF_OUTCOME_CHANGED);
  ck_assert_str_eq(loss->code, "L-firmware");
  ck_assert_str_eq(loss->before, "efi");
  ck_assert_str_eq(loss->after, "bios");
  ck_assert_ptr_eq(vmf_loss_of_weight(&report, VMF_LOSS_BOOT), loss);
}
END_TEST

START_TEST(what_the_target_does_not_say_is_dropped)
{
  before->cores = vmf_told(4, 0);
  const struct vmf_field_loss *loss = compared("cores");
  ck_assert_int_eq(loss->outcome, VMF_OUTCOME_DROPPED);
  ck_assert_str_eq(loss->code, "L-topology");
  ck_assert_ptr_null(loss->after);
}
END_TEST

START_TEST(silence_means_the_usual_value)
{
  before->firmware = vmf_told(VMF_FIRMWARE_BIOS, 0);
  before->nested = vmf_told(1, 0);
  ck_assert_int_eq(compared("firmware")->outcome, VMF_OUTCOME_KEPT);
  vmf_loss_clear(&report);
  ck_assert_int_eq(compared("nested")->outcome, VMF_OUTCOME_DROPPED);
}
END_TEST

START_TEST(the_processor_of_the_host_needs_no_word)
{
  DONE(vmf_machine_text(before, "host-model", 0, &before->cpu_model, &error));
  ck_assert_int_eq(compared("cpu-model")->weight, VMF_LOSS_COSMETIC);
  vmf_loss_clear(&report);
  DONE(vmf_machine_text(before, "EPYC", 0, &before->cpu_model, &error));
  ck_assert_int_eq(compared("cpu-model")->weight, VMF_LOSS_BEHAVIOUR);
  vmf_loss_clear(&report);
  DONE(vmf_machine_text(before, "host", 0, &before->cpu_model, &error));
  DONE(vmf_machine_text(after, "EPYC", 0, &after->cpu_model, &error));
  ck_assert_int_eq(compared("cpu-model")->weight, VMF_LOSS_BEHAVIOUR);
}
END_TEST

START_TEST(what_only_the_target_says_is_defaulted)
{
  after->memory = vmf_told(1 << 30, 0);
  const struct vmf_field_loss *loss = compared("memory");
  ck_assert_int_eq(loss->outcome, VMF_OUTCOME_DEFAULTED);
  ck_assert_int_eq(loss->weight, VMF_LOSS_NONE);
}
END_TEST

START_TEST(a_disk_is_the_one_whose_file_it_has)
{
  const struct vmf_machine_target_disk disks[] = {{.name = "a.qcow2"}, {.name = "b.qcow2"}};

  target.disks = disks;
  target.disk_count = 2;
  add_disk(before, VMF_MEDIUM_DISK, VMF_BUS_SCSI, "old-a.vmdk");
  add_disk(before, VMF_MEDIUM_DISK, VMF_BUS_IDE, "old-b.vmdk");
  add_disk(after, VMF_MEDIUM_DISK, VMF_BUS_IDE, "/images/b.qcow2");
  add_disk(after, VMF_MEDIUM_DISK, VMF_BUS_SCSI, "/images/a.qcow2");
  ck_assert_int_eq(compared("disks[0].bus")->outcome, VMF_OUTCOME_KEPT);
  ck_assert_ptr_null(vmf_loss_of_weight(&report, VMF_LOSS_COSMETIC));
}
END_TEST

START_TEST(a_disk_that_is_not_there_is_lost_data)
{
  const struct vmf_machine_target_disk disks[] = {{.name = "a.qcow2"}};

  target.disks = disks;
  target.disk_count = 1;
  add_disk(before, VMF_MEDIUM_DISK, VMF_BUS_SCSI, "old-a.vmdk");
  const struct vmf_field_loss *loss = compared("disks[0]");
  ck_assert_int_eq(loss->outcome, VMF_OUTCOME_DROPPED);
  ck_assert_int_eq(loss->weight, VMF_LOSS_DATA);
  ck_assert_uint_eq(loss->line, 7);
}
END_TEST

START_TEST(an_empty_drive_is_one_of_the_same_kind)
{
  const struct vmf_machine_target_disk disks[] = {{.name = NULL}};

  target.disks = disks;
  target.disk_count = 1;
  add_disk(before, VMF_MEDIUM_CDROM, VMF_BUS_IDE, NULL);
  add_disk(after, VMF_MEDIUM_FLOPPY, VMF_BUS_FLOPPY, NULL);
  add_disk(after, VMF_MEDIUM_CDROM, VMF_BUS_SATA, NULL);
  ck_assert_int_eq(compared("disks[0].bus")->outcome, VMF_OUTCOME_CHANGED);
  ck_assert_ptr_nonnull(compared("disks[1]"));
}
END_TEST

START_TEST(a_reason_is_joined_to_its_field)
{
  const struct vmf_machine_losses losses = vmf_loss_reasons(&report);

  before->memory = vmf_told(1000000, 0);
  after->memory = vmf_told(4 << 20, 0);
  vmf_machine_lose(&losses, VMF_LOSS_COSMETIC, "L-rounded", "a multiple of 4 MiB", "memory");
  vmf_machine_lose(&losses, VMF_LOSS_BEHAVIOUR, NULL, "its content stays behind", "nvram");
  const struct vmf_field_loss *loss = compared("memory");
  ck_assert_str_eq(loss->why, "a multiple of 4 MiB");
  ck_assert_str_eq(loss->code, "L-rounded");
  ck_assert_int_eq(loss->weight, VMF_LOSS_COSMETIC);
  vmf_loss_clear(&report);
  vmf_machine_lose(&losses, VMF_LOSS_BEHAVIOUR, NULL, "its content stays behind", "nvram");
  loss = compared("nvram");
  ck_assert_int_eq(loss->outcome, VMF_OUTCOME_UNKNOWN);
  ck_assert_str_eq(loss->code, "L-nvram");
}
END_TEST

START_TEST(what_is_one_vendors_own_is_dropped)
{
  DONE(vmf_machine_add_extra(before, "vmx", "sched.cpu.units", "mhz", 5, true, &error));
  DONE(vmf_machine_add_extra(before, "vmx", "strange", "1", 6, false, &error));
  DONE(vmf_machine_add_extra(before, "vmx", "kept", "1", 7, true, &error));
  DONE(vmf_machine_add_extra(before, "vmx", "RemoteDisplay.vnc.key", "pw", 8, true, &error));
  before->extras[3].secret = true;
  DONE(vmf_machine_add_extra(after, "vmx", "kept", "1", 2, true, &error));
  ck_assert_str_eq(compared("extra.sched.cpu.units")->code, "L-extra");
  vmf_loss_clear(&report);
  ck_assert_str_eq(compared("extra.strange")->code, "unknown-source-field");
  vmf_loss_clear(&report);
  ck_assert_int_eq(compared("extra.kept")->outcome, VMF_OUTCOME_KEPT);
  vmf_loss_clear(&report);
  ck_assert_ptr_null(compared("extra.RemoteDisplay.vnc.key")->before);
}
END_TEST

static Suite *suite(void)
{
  Suite *tests = suite_create("loss_report");
  TCase *group = tcase_create("loss_report");

  tcase_add_checked_fixture(group, enter, leave);
  tcase_add_test(group, what_is_equal_is_kept);
  tcase_add_test(group, what_differs_is_changed_with_the_code_of_its_field);
  tcase_add_test(group, what_the_target_does_not_say_is_dropped);
  tcase_add_test(group, silence_means_the_usual_value);
  tcase_add_test(group, the_processor_of_the_host_needs_no_word);
  tcase_add_test(group, what_only_the_target_says_is_defaulted);
  tcase_add_test(group, a_disk_is_the_one_whose_file_it_has);
  tcase_add_test(group, a_disk_that_is_not_there_is_lost_data);
  tcase_add_test(group, an_empty_drive_is_one_of_the_same_kind);
  tcase_add_test(group, a_reason_is_joined_to_its_field);
  tcase_add_test(group, what_is_one_vendors_own_is_dropped);
  suite_add_tcase(tests, group);
  return tests;
}

VMF_TEST_MAIN(suite)
