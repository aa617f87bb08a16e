/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A descriptor for the least machine, byte by byte, and what is refused without one; the rest is in
 * ovf/compose_behaviour.py. */
#include "compose.h"

#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "markup.h"
#include "memory.h"

static struct vmf_error error;

static const struct vmf_compose_disk one = {
    .file_name = "vm-disk1.vmdk",
    .format_uri = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized",
    .file_size = 70144,
    .capacity = 1 << 20,
    .populated_known = true,
    .populated = 512,
};

#define CIM "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_"

static const char *const least[] = {
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    "<Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\""
    " xmlns:ovf=\"http://schemas.dmtf.org/ovf/envelope/1\""
    " xmlns:rasd=\"" CIM "ResourceAllocationSettingData\""
    " xmlns:vssd=\"" CIM "VirtualSystemSettingData\""
    " xmlns:vmw=\"http://www.vmware.com/schema/ovf\">",
    "  <References>",
    "    <File ovf:href=\"vm-disk1.vmdk\" ovf:id=\"file1\" ovf:size=\"70144\"/>",
    "  </References>",
    "  <DiskSection>",
    "    <Info>The virtual disks</Info>",
    "    <Disk ovf:capacity=\"1048576\" ovf:capacityAllocationUnits=\"byte\""
    " ovf:diskId=\"vmdisk1\" ovf:fileRef=\"file1\" ovf:format="
    "\"http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized\""
    " ovf:populatedSize=\"512\"/>",
    "  </DiskSection>",
    "  <VirtualSystem ovf:id=\"A_b\">",
    "    <Info>A virtual machine</Info>",
    "    <Name>A &amp; b</Name>",
    "    <OperatingSystemSection ovf:id=\"94\" vmw:osType=\"ubuntu64Guest\">",
    "      <Info>The guest operating system</Info>",
    "      <Description>Ubuntu Linux (64-bit)</Description>",
    "    </OperatingSystemSection>",
    "    <VirtualHardwareSection>",
    "      <Info>The virtual hardware</Info>",
    "      <System>",
    "        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>",
    "        <vssd:InstanceID>0</vssd:InstanceID>",
    "        <vssd:VirtualSystemIdentifier>A &amp; b</vssd:VirtualSystemIdentifier>",
    "        <vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType>",
    "      </System>",
    "      <Item>",
    "        <rasd:AllocationUnits>hertz * 10^6</rasd:AllocationUnits>",
    "        <rasd:Description>Number of virtual CPUs</rasd:Description>",
    "        <rasd:ElementName>2 virtual CPUs</rasd:ElementName>",
    "        <rasd:InstanceID>1</rasd:InstanceID>",
    "        <rasd:ResourceType>3</rasd:ResourceType>",
    "        <rasd:VirtualQuantity>2</rasd:VirtualQuantity>",
    "      </Item>",
    "      <Item>",
    "        <rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>",
    "        <rasd:Description>Memory size</rasd:Description>",
    "        <rasd:ElementName>512 MiB of memory</rasd:ElementName>",
    "        <rasd:InstanceID>2</rasd:InstanceID>",
    "        <rasd:ResourceType>4</rasd:ResourceType>",
    "        <rasd:VirtualQuantity>512</rasd:VirtualQuantity>",
    "      </Item>",
    "      <Item>",
    "        <rasd:Address>0</rasd:Address>",
    "        <rasd:Description>SCSI controller</rasd:Description>",
    "        <rasd:ElementName>SCSI controller 0</rasd:ElementName>",
    "        <rasd:InstanceID>3</rasd:InstanceID>",
    "        <rasd:ResourceSubType>lsilogic</rasd:ResourceSubType>",
    "        <rasd:ResourceType>6</rasd:ResourceType>",
    "      </Item>",
    "      <Item>",
    "        <rasd:AddressOnParent>0</rasd:AddressOnParent>",
    "        <rasd:Description>Hard disk</rasd:Description>",
    "        <rasd:ElementName>Hard disk 1</rasd:ElementName>",
    "        <rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource>",
    "        <rasd:InstanceID>4</rasd:InstanceID>",
    "        <rasd:Parent>3</rasd:Parent>",
    "        <rasd:ResourceType>17</rasd:ResourceType>",
    "      </Item>",
    "    </VirtualHardwareSection>",
    "  </VirtualSystem>",
    "</Envelope>",
    NULL,
};

START_TEST(the_bytes_are_these)
{
  static const struct vmf_nic_options none[1];
  const struct vmf_machine_options machine = {.size = sizeof machine,
                                              .name = "A & b",
                                              .os = "ubuntu-64",
                                              .cpus = 2,
                                              .memory = 512 << 20,
                                              .nics = none};
  char *text = NULL, *line, *rest;

  ck_assert_msg(vmf_compose_options(&machine, &one, 1, &text, &error) == VMF_OK, "%s", error.text);
  rest = text;
  for (const char *const *expected = least; *expected; expected++) {
    line = strsep(&rest, "\n");
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(line, *expected);
  }
  ck_assert_str_eq(rest, "");
  vmf_free(text);
}
END_TEST

START_TEST(nothing_is_handed_out_on_failure)
{
  const struct vmf_machine_options machine = {.size = sizeof machine, .os = "plan9"};
  char *text = (char *)&error;

  ck_assert_int_eq(vmf_compose_options(&machine, &one, 1, &text, &error), VMF_USAGE);
  ck_assert_int_eq(error.code, VMF_USAGE);
  ck_assert_ptr_null(text);
}
END_TEST

START_TEST(a_name_comes_from_the_first_disk)
{
  static const struct {
    const char *file, *id, *name;
  } rows[] = {
      {"folder/a.b.vmdk", "ovf:id=\"a.b\"", "<Name>a.b</Name>"},
      {".hidden", "ovf:id=\"_.hidden\"", "<Name>.hidden</Name>"},
      {"plain", "ovf:id=\"plain\"", "<Name>plain</Name>"},
      {"9 lives.vmdk", "ovf:id=\"_9_lives\"", "<Name>9 lives</Name>"},
      {"\xc3\xbc.vmdk", "ovf:id=\"ue\"", "<Name>\xc3\xbc</Name>"},
      {"a  --  b.vmdk", "ovf:id=\"a_--_b\"", "<Name>a  --  b</Name>"},
  };
  struct vmf_compose_disk disk = one;
  const struct vmf_machine_options machine = {.size = sizeof machine};
  char *text = NULL;

  disk.file_name = rows[_i].file;
  ck_assert_msg(vmf_compose_options(&machine, &disk, 1, &text, &error) == VMF_OK, "%s", error.text);
  ck_assert_msg(strstr(text, rows[_i].id) != NULL, "%s", text);
  ck_assert_msg(strstr(text, rows[_i].name) != NULL, "%s", text);
  vmf_free(text);
}
END_TEST

START_TEST(a_long_name_has_a_short_id)
{
  char name[301], *text = NULL;
  const struct vmf_machine_options machine = {.size = sizeof machine, .name = name};
  const char *id;

  memset(name, 'x', 300);
  name[300] = 0;
  ck_assert_int_eq(vmf_compose_options(&machine, &one, 1, &text, &error), VMF_OK);
  ck_assert_ptr_nonnull(strstr(text, name));
  id = strstr(text, "<VirtualSystem ovf:id=\"");
  ck_assert_ptr_nonnull(id);
  ck_assert_uint_eq(strcspn(id + strlen("<VirtualSystem ovf:id=\""), "\""), 64);
  vmf_free(text);
}
END_TEST

START_TEST(markup_that_is_not_finished_is_freed)
{
  struct vmf_markup markup = {0};
  char *text;

  vmf_markup_open(&markup, "a");
  vmf_markup_clear(&markup);
  ck_assert_ptr_null(markup.text);
  ck_assert_int_eq(vmf_markup_take(&markup, &text, &error), VMF_NOMEM);
  ck_assert_ptr_null(text);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("compose");
  TCase *tests = tcase_create("compose");
  tcase_add_test(tests, the_bytes_are_these);
  tcase_add_test(tests, nothing_is_handed_out_on_failure);
  tcase_add_loop_test(tests, a_name_comes_from_the_first_disk, 0, 6);
  tcase_add_test(tests, a_long_name_has_a_short_id);
  tcase_add_test(tests, markup_that_is_not_finished_is_freed);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
