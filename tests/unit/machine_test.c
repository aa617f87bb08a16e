/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The neutral machine: what is told, its lists and its tables. */
#include "machine.h"

#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "fields.h"
#include "guest_os.h"
#include "machine_format.h"
#include "memory.h"
#include "value.h"

static struct vmf_machine *machine;
static struct vmf_error error;

static void start(void)
{
  ck_assert_int_eq(vmf_machine_new(&machine, &error), VMF_OK);
}

static void end(void)
{
  vmf_machine_free(machine);
  machine = NULL;
}

START_TEST(a_new_machine_tells_nothing)
{
  for (const struct vmf_field *field = vmf_machine_fields; field->name; field++)
    ck_assert_msg(!vmf_field_told(field, machine), "%s", field->name);
  for (const struct vmf_field_list *list = vmf_machine_lists; list->name; list++)
    ck_assert_uint_eq(vmf_field_count(list, machine), 0);
}
END_TEST

/* All members of a struct that are no list have a row: their sizes add up. */
static size_t size_of_rows(const struct vmf_field *fields)
{
  size_t sum = 0;

  for (const struct vmf_field *field = fields; field->name; field++)
    sum += field->kind == VMF_FIELD_TEXT ? sizeof(struct vmf_told_text)
           : field->kind == VMF_FIELD_ID ? sizeof(struct vmf_told_id)
                                         : sizeof(struct vmf_told_number);
  return sum;
}

START_TEST(every_member_has_a_row)
{
  ck_assert_uint_ge(size_of_rows(vmf_machine_fields) + 16,
                    offsetof(struct vmf_machine, controllers));
  ck_assert_uint_eq(size_of_rows(vmf_machine_lists[0].fields),
                    sizeof(struct vmf_machine_controller));
  ck_assert_uint_eq(size_of_rows(vmf_machine_lists[1].fields) + _Alignof(struct vmf_machine_disk),
                    sizeof(struct vmf_machine_disk));
  ck_assert_uint_eq(size_of_rows(vmf_machine_lists[2].fields), sizeof(struct vmf_machine_nic));
  ck_assert_uint_eq(size_of_rows(vmf_machine_lists[3].fields), sizeof(struct vmf_machine_port));
  ck_assert_uint_eq(size_of_rows(vmf_machine_lists[4].fields),
                    offsetof(struct vmf_machine_snapshot, images));
}
END_TEST

static const struct {
  const char *text, *mac; /* NULL: refused; "": none */
} macs[] = {
    {"00:0C:29:ab:cd:ef", "00:0c:29:ab:cd:ef"},
    {"00-15-5D-01-02-03", "00:15:5d:01:02:03"},
    {"080027AABBCC", "08:00:27:aa:bb:cc"},
    {"0050.5600.0001", "00:50:56:00:00:01"},
    {"00:00:00:00:00:00", ""},
    {"01:00:5e:00:00:01", NULL},
    {"00:0c:29:ab:cd", NULL},
    {"00:0c:29:ab:cd:ef:00", NULL},
    {"0:00c:29:ab:cd:ef", NULL},
    {"none", NULL},
    {"", NULL},
};

START_TEST(addresses_of_cards)
{
  struct vmf_machine_nic *nic;

  ck_assert_int_eq(vmf_machine_add_nic(machine, &nic, &error), VMF_OK);
  enum vmf_code code = vmf_machine_set_mac(machine, "t.vmx, line 3", macs[_i].text, 3, nic, &error);
  ck_assert_int_eq(code, macs[_i].mac ? VMF_OK : VMF_CORRUPT);
  if (!macs[_i].mac)
    ck_assert_ptr_nonnull(strstr(error.text, "t.vmx, line 3"));
  else if (!macs[_i].mac[0])
    ck_assert_ptr_null(nic->mac.text);
  else
    ck_assert_str_eq(nic->mac.text, macs[_i].mac);
}
END_TEST

START_TEST(lists_grow_and_are_bounded)
{
  struct vmf_machine_disk *disk;

  for (int i = 0; i < VMF_MACHINE_DEVICES; i++)
    ck_assert_int_eq(vmf_machine_add_disk(machine, &disk, &error), VMF_OK);
  ck_assert_int_eq(vmf_machine_add_disk(machine, &disk, &error), VMF_LIMIT);
  ck_assert_ptr_nonnull(strstr(error.text, "4096 disks"));
}
END_TEST

START_TEST(fields_are_compared_and_shown_by_their_rows)
{
  struct vmf_machine other = {.firmware = vmf_told(VMF_FIRMWARE_EFI, 7),
                              .clock_offset = vmf_told((uint64_t)-3600, 0),
                              .genid = {.told = true, .bytes = {0xab}}};
  struct vmf_machine same = other;
  char text[64];

  for (const struct vmf_field *field = vmf_machine_fields; field->name; field++) {
    ck_assert(vmf_field_equal(field, &other, &same));
    ck_assert_msg(vmf_field_equal(field, machine, &other) == !vmf_field_told(field, &other), "%s",
                  field->name);
    vmf_field_text(field, &other, text, sizeof text);
    if (strcmp(field->name, "firmware") == 0) {
      ck_assert_str_eq(text, "efi");
      ck_assert_uint_eq(vmf_field_line(field, &other), 7);
    } else if (strcmp(field->name, "clock-offset") == 0) {
      ck_assert_str_eq(text, "-3600");
    } else if (strcmp(field->name, "genid") == 0) {
      ck_assert_str_eq(text, "ab000000-0000-0000-0000-000000000000");
    } else {
      ck_assert_str_eq(text, "");
    }
  }
}
END_TEST

START_TEST(a_secret_is_not_shown)
{
  struct vmf_value *tree;

  ck_assert_int_eq(vmf_machine_add_extra(machine, "vmx", "vnc.password", "hush", 4, true, &error),
                   VMF_OK);
  machine->extras[0].secret = true;
  ck_assert_int_eq(vmf_machine_add_extra(machine, "vmx", "sched.cpu.units", "mhz", 5, true, &error),
                   VMF_OK);
  ck_assert_int_eq(vmf_value_new(&tree, &error), VMF_OK);
  ck_assert_int_eq(vmf_machine_value(machine, tree, &error), VMF_OK);
  const struct vmf_value *first = tree->first->first;
  for (const struct vmf_value *leaf = first->first; leaf; leaf = leaf->next)
    ck_assert_str_ne(leaf->name, "value");
  vmf_value_free(tree);
  ck_assert_str_eq(vmf_machine_extra(machine, "vmx", "sched.cpu.units"), "mhz");
  ck_assert_ptr_null(vmf_machine_extra(machine, "libvirt", "sched.cpu.units"));
}
END_TEST

START_TEST(a_guest_system_keeps_how_its_source_calls_it)
{
  const struct vmf_guest_os *row = vmf_guest_os_find("ubuntu-64");

  ck_assert_ptr_nonnull(row);
  ck_assert_int_eq(vmf_machine_set_os(machine, row, "ubuntu-64", 2, &error), VMF_OK);
  ck_assert_ptr_eq(vmf_machine_os(machine), row);
  ck_assert_str_eq(machine->os_source.text, "ubuntu-64");
  ck_assert_int_eq(vmf_machine_set_os(machine, NULL, "beos", 3, &error), VMF_OK);
  ck_assert_ptr_null(vmf_machine_os(machine));
}
END_TEST

START_TEST(every_guest_system_leads_back)
{
  struct vmf_guest_os_info info = {.size = sizeof info};
  for (size_t i = 0; vmf_guest_os_describe(i, &info); i++) {
    const struct vmf_guest_os *row = vmf_guest_os_find(info.name);
    ck_assert_int_eq(vmf_machine_set_os(machine, row, info.name, 7, &error), VMF_OK);
    ck_assert_msg(vmf_machine_os(machine) == row, "%s is %s", info.name, machine->os.text);
  }
}
END_TEST

START_TEST(libvirt_must_know_the_memory)
{
  const struct vmf_machine_format *libvirt = vmf_machine_format_find("libvirt");
  const struct vmf_machine_target target = {.name = "vm.xml"};
  char *text = NULL;
  size_t length = 0;
  ck_assert_int_eq(libvirt->write(machine, &target, NULL, &text, &length, &error), VMF_UNSUPPORTED);
  ck_assert_ptr_nonnull(strstr(error.text, "vm.xml: the source does not say how much memory"));
  machine->memory = vmf_told(1 << 30, 0);
  ck_assert_int_eq(libvirt->write(machine, &target, NULL, &text, &length, &error), VMF_OK);
  ck_assert_uint_eq(strlen(text), length);
  ck_assert_ptr_nonnull(strstr(text, "<name>vm</name>"));
  vmf_free(text);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("machine");
  TCase *tests = tcase_create("machine");
  tcase_add_checked_fixture(tests, start, end);
  tcase_add_test(tests, a_new_machine_tells_nothing);
  tcase_add_test(tests, every_member_has_a_row);
  tcase_add_loop_test(tests, addresses_of_cards, 0, sizeof macs / sizeof macs[0]);
  tcase_add_test(tests, lists_grow_and_are_bounded);
  tcase_add_test(tests, fields_are_compared_and_shown_by_their_rows);
  tcase_add_test(tests, a_secret_is_not_shown);
  tcase_add_test(tests, a_guest_system_keeps_how_its_source_calls_it);
  tcase_add_test(tests, every_guest_system_leads_back);
  tcase_add_test(tests, libvirt_must_know_the_memory);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
