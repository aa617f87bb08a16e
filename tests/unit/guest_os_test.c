/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Guest operating systems by all their names, and the forms of disks by name and URI. */
#include "guest_os.h"

#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "disk_format.h"
#include "vmferry.h"

struct typed {
  const char *text, *name; /* name NULL: unknown */
};

static const struct typed typed[] = {
    {"94", "Ubuntu Linux (64-bit)"},
    {"094", "Ubuntu Linux (64-bit)"},
    {"0", "Unknown"},
    {"123", "Windows Server 2022 (64-bit)"},
    {"124", NULL},
    {"4294967390", NULL}, /* 94 + 2^32 */
    {"99999999999999999999999999", NULL},
    {"ubuntu64Guest", "Ubuntu Linux (64-bit)"},
    {"UBUNTU64GUEST", "Ubuntu Linux (64-bit)"},
    {"ubuntu-64", "Ubuntu Linux (64-bit)"},
    {"ubuntu_64", "Ubuntu Linux (64-bit)"},
    {"Ubuntu_64", "Ubuntu Linux (64-bit)"},
    {"ubuntu64", "Ubuntu Linux (64-bit)"},
    {"Ubuntu Linux (64-bit)", "Ubuntu Linux (64-bit)"},
    {"ubuntu", "Ubuntu Linux"},
    {"otherGuest64", "Other (64-bit)"},
    {"other-64", "Other (64-bit)"},
    {"otherGuest", "Other"},
    {"windows2019srv-64", "Windows Server 2019 (64-bit)"},
    {"windows2019srv_64Guest", "Windows Server 2019 (64-bit)"},
    {"windows2019srvNext-64", "Windows Server 2022 (64-bit)"},
    {"windows2022", "Windows Server 2022 (64-bit)"},
    {"windows9-64", "Windows 10 (64-bit)"},
    {"Windows10_64", "Windows 10 (64-bit)"},
    {"windows11", "Windows 11 (64-bit)"},
    {"rhel9", "Red Hat Enterprise Linux 9 (64-bit)"},
    {"rhel6", "Red Hat Enterprise Linux 6"},
    {"rhel8-64", "Red Hat Enterprise Linux 8 (64-bit)"},
    {"debian12-64", "Debian GNU/Linux 12 (64-bit)"},
    {"rockylinux", "Rocky Linux (64-bit)"},
    {"ArchLinux_64", "Arch Linux (64-bit)"},
    {"os/2", "OS/2"},
    {"", NULL},
    {"guest", NULL},
    {"-", NULL},
    {"plan9", NULL},
    {"-94", NULL},
    {"ubuntuubuntuubuntuubuntuubuntuubuntuubuntuubuntuubuntuubuntuubuntuubuntuubuntuubuntuubuntu",
     NULL},
};

START_TEST(found_as_typed)
{
  const struct vmf_guest_os *os = vmf_guest_os_find(typed[_i].text);
  if (!typed[_i].name)
    ck_assert_msg(!os, "%s is %s", typed[_i].text, os ? os->name : "");
  else
    ck_assert_msg(os && strcmp(os->name, typed[_i].name) == 0, "%s is %s", typed[_i].text,
                  os ? os->name : "unknown");
}
END_TEST

/* Whatever a row is called leads to that row, or to one that has the same name for it. */
START_TEST(every_name_leads_back)
{
  struct vmf_guest_os_info info = {.size = sizeof info};
  size_t count = 0;
  for (; vmf_guest_os_describe(count, &info); count++) {
    const struct vmf_guest_os *os;
    ck_assert_msg(info.name && info.name[0], "row %zu", count);
    ck_assert_uint_le(info.cim, 123);
    if (info.vmware) {
      os = vmf_guest_os_find(info.vmware);
      ck_assert_msg(os && os->vmware && strcmp(os->vmware, info.vmware) == 0, "%s", info.vmware);
      ck_assert_ptr_eq(vmf_guest_os_of(info.vmware, NULL, true, 7777), os);
    }
    if (info.vbox) {
      os = vmf_guest_os_of(NULL, info.vbox, false, 0);
      ck_assert_msg(os && os->vbox && strcmp(os->vbox, info.vbox) == 0, "%s", info.vbox);
    }
    os = vmf_guest_os_find(info.name);
    ck_assert_msg(os != NULL, "%s", info.name);
  }
  ck_assert_uint_gt(count, 200);
  ck_assert(!vmf_guest_os_describe(SIZE_MAX, &info));
}
END_TEST

/* A name may not mean another system when its "64" is left out. */
START_TEST(a_64_bit_system_is_called_so)
{
  struct vmf_guest_os_info info = {.size = sizeof info};
  for (size_t i = 0; vmf_guest_os_describe(i, &info); i++)
    if (info.vmware && strstr(info.vmware, "_64Guest"))
      ck_assert_msg(strstr(info.name, "(64-bit)") != NULL, "%s is %s", info.vmware, info.name);
}
END_TEST

START_TEST(vmware_counts_more_than_virtualbox_than_the_number)
{
  ck_assert_str_eq(vmf_guest_os_of("windows9_64Guest", "Windows81_64", true, 113)->vmware,
                   "windows9_64Guest");
  ck_assert_str_eq(vmf_guest_os_of("unheardOfGuest", "Windows81_64", true, 113)->vbox,
                   "Windows81_64");
  ck_assert_uint_eq(vmf_guest_os_of("unheardOfGuest", "Unheard_64", true, 113)->cim, 113);
  ck_assert_str_eq(vmf_guest_os_of("", "", true, 94)->vmware, "ubuntu64Guest");
  ck_assert_ptr_null(vmf_guest_os_of(NULL, NULL, false, 94));
  ck_assert_ptr_null(vmf_guest_os_of(NULL, NULL, true, 65535));
}
END_TEST

struct form_row {
  const char *text, *name; /* name NULL: unknown */
};

static const struct form_row form_names[] = {
    {"streamOptimized", "streamOptimized"},
    {"STREAMOPTIMIZED", "streamOptimized"},
    {"vmdk", "streamOptimized"},
    {"monolithicSparse", "monolithicSparse"},
    {"monolithicFlat", NULL}, /* two files */
    {"vhd", "vhd"},
    {"vpc", "vhd"},
    {"vhd-fixed", "vhd-fixed"},
    {"qcow2", "qcow2"},
    {"raw", "raw"},
    {"", NULL},
    {"vdi", NULL},
};

START_TEST(forms_by_name)
{
  const struct vmf_disk_format *form = vmf_disk_format_find(form_names[_i].text);
  if (!form_names[_i].name)
    ck_assert_ptr_null(form);
  else
    ck_assert_str_eq(form->name, form_names[_i].name);
}
END_TEST

static const struct form_row form_uris[] = {
    {"http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized",
     "streamOptimized"},
    {"http://www.vmware.com/specifications/vmdk.html#compressed", "streamOptimized"},
    {"http://www.vmware.com/specifications/vmdk.html#sparse", "monolithicSparse"},
    {"http://www.vmware.com/interfaces/specifications/vmdk.html#monolithicFlat", "monolithicFlat"},
    {"http://www.vmware.com/interfaces/specifications/vmdk.html", "monolithicSparse"},
    {"http://www.microsoft.com/technet/virtualserver/downloads/vhdspec.mspx", "vhd"},
    {"http://www.gnome.org/~markmc/qcow-image-format.html", "qcow2"},
    {"HTTP://WWW.GNOME.ORG/~MARKMC/QCOW-IMAGE-FORMAT.HTML", "qcow2"},
    {"vhd", "vhd"},
    {"raw", "raw"},
    {"streamOptimized", "streamOptimized"},
    {"", NULL},
    {"#", NULL},
    {"/", NULL},
    {"http://www.ecma-international.org/publications/standards/Ecma-119.htm", NULL},
};

START_TEST(forms_by_uri)
{
  const struct vmf_disk_format *form = vmf_disk_format_of_uri(form_uris[_i].text);
  if (!form_uris[_i].name)
    ck_assert_ptr_null(form);
  else
    ck_assert_str_eq(form->name, form_uris[_i].name);
}
END_TEST

/* What is written is understood again, and the driver has the options. */
START_TEST(every_form_is_one_of_ours)
{
  struct vmf_disk_form_info info = {.size = sizeof info};
  size_t count = 0;
  for (; vmf_disk_form_describe(count, &info); count++) {
    const struct vmf_disk_format *form = vmf_disk_format_find(info.name),
                                 *again = vmf_disk_format_of_uri(info.uri);
    struct vmf_error error;
    uint64_t required, full;
    ck_assert_ptr_eq(form, vmf_disk_format_at(count));
    ck_assert_str_eq(again->format, form->format);
    ck_assert_msg(vmf_measure(NULL, 1 << 20, form->format, form->options, false, &required, &full,
                              &error) == VMF_OK,
                  "%s: %s", info.name, error.text);
  }
  ck_assert_uint_eq(count, 6);
  ck_assert_ptr_null(vmf_disk_format_at(count));
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("guest_os");
  TCase *tests = tcase_create("guest_os");
  tcase_add_loop_test(tests, found_as_typed, 0, sizeof typed / sizeof typed[0]);
  tcase_add_test(tests, every_name_leads_back);
  tcase_add_test(tests, a_64_bit_system_is_called_so);
  tcase_add_test(tests, vmware_counts_more_than_virtualbox_than_the_number);
  tcase_add_loop_test(tests, forms_by_name, 0, sizeof form_names / sizeof form_names[0]);
  tcase_add_loop_test(tests, forms_by_uri, 0, sizeof form_uris / sizeof form_uris[0]);
  tcase_add_test(tests, every_form_is_one_of_ours);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
