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

/* ---- what other vendors call them ---- */

struct vendor_row {
  const char *text, *name; /* name NULL: unknown */
};

#define CHECK_ROW(os, row)                                                                         \
  ck_assert_msg((row).name ? (os) && strcmp((os)->name, (row).name) == 0 : !(os), "%s is %s",      \
                (row).text, (os) ? (os)->name : "unknown")

static const struct vendor_row vmx_rows[] = {
    {"windows9srv-64", "Windows Server 2016 (64-bit)"},
    {"windows8srv-64", "Windows Server 2012 (64-bit)"},
    {"windows8Server-64", "Windows Server 2012 (64-bit)"},
    {"windows7srv-64", "Windows Server 2008 R2 (64-bit)"},
    {"windows9-64", "Windows 10 (64-bit)"},
    {"windows9", "Windows 10"},
    {"windows2019srv-64", "Windows Server 2019 (64-bit)"},
    {"WINDOWS2019SRVNEXT-64", "Windows Server 2022 (64-bit)"},
    {"windows2022srvNext-64", "Windows Server 2025 (64-bit)"},
    {"longhorn-64", "Windows Server 2008 (64-bit)"},
    {"winLonghorn", "Windows Server 2008"},
    {"winServer2008Enterprise-32", "Windows Server 2008"},
    {"winnetenterprise", "Windows Server 2003, Enterprise Edition"},
    {"winNetEnterprise-64", "Windows Server 2003, Enterprise Edition (64-bit)"},
    {"other-64", "Other (64-bit)"},
    {"other", "Other"},
    {"linux", "Linux"},
    {"other26xlinux-64", "Linux 2.6.x (64-bit)"},
    {"other5xLinux-64", "Linux 5.x or later (64-bit)"},
    {"arm-ubuntu-64", "Ubuntu Linux (64-bit)"},
    {"vmware-photon-64", "VMware Photon OS (64-bit)"},
    {"solaris10-64", "Oracle Solaris 10 (64-bit)"},
    {"rhel5", "Red Hat Enterprise Linux 5"},
    {"94", NULL},
    {"", NULL},
    {"plan9-64", NULL},
};

START_TEST(found_by_vmx)
{
  CHECK_ROW(vmf_guest_os_by_vmx(vmx_rows[_i].text), vmx_rows[_i]);
}
END_TEST

static const struct vendor_row url_rows[] = {
    {"http://ubuntu.com/ubuntu/22.04", "Ubuntu Linux (64-bit)"},
    {"http://ubuntu.com/ubuntu/30.10", "Ubuntu Linux (64-bit)"},
    {"https://ubuntu.com/ubuntu/20.04", "Ubuntu Linux (64-bit)"},
    {"http://redhat.com/rhel/9.4", "Red Hat Enterprise Linux 9 (64-bit)"},
    {"http://redhat.com/rhel/9-unknown", "Red Hat Enterprise Linux 9 (64-bit)"},
    {"http://redhat.com/rhel/30.0", "Red Hat Enterprise Linux (64-bit)"},
    {"http://centos.org/centos/7.0", "CentOS 7 (64-bit)"},
    {"http://centos.org/centos-stream/9", "CentOS 9 (64-bit)"},
    {"http://debian.org/debian/12", "Debian GNU/Linux 12 (64-bit)"},
    {"http://debian.org/debian/99", "Debian GNU/Linux (64-bit)"},
    {"http://suse.com/sle/15.4", "SUSE Linux Enterprise Server 15 (64-bit)"},
    {"http://microsoft.com/win/2k22", "Windows Server 2022 (64-bit)"},
    {"http://microsoft.com/win/2k12r2", "Windows Server 2012 R2 (64-bit)"},
    {"http://microsoft.com/win/8.1", "Windows 8.1 (64-bit)"},
    {"http://microsoft.com/win/10", "Windows 10 (64-bit)"},
    {"http://microsoft.com/win/2k3", "Windows Server 2003 (64-bit)"},
    {"http://microsoft.com/win/77", NULL},
    {"http://libosinfo.org/linux/2022", "Linux 6.x or later (64-bit)"},
    {"http://libosinfo.org/unknown", "Other (64-bit)"},
    {"http://example.com/ubuntu/22.04", NULL},
    {"ubuntu22.04", NULL},
    {"://", NULL},
    {"", NULL},
};

START_TEST(found_by_libosinfo)
{
  CHECK_ROW(vmf_guest_os_by_libosinfo(url_rows[_i].text, true), url_rows[_i]);
}
END_TEST

START_TEST(libosinfo_tells_no_width)
{
  ck_assert_str_eq(vmf_guest_os_by_libosinfo("http://microsoft.com/win/10", false)->vmware,
                   "windows9Guest");
  ck_assert_str_eq(vmf_guest_os_by_libosinfo("http://redhat.com/rhel/9.0", false)->vmware,
                   "rhel9_64Guest"); /* there is no other */
}
END_TEST

static const struct vendor_row proxmox_rows[] = {
    {"win11", "Windows 11 (64-bit)"},
    {"win10", "Windows 10 (64-bit)"},
    {"win8", "Windows 8 (64-bit)"},
    {"win7", "Windows 7 (64-bit)"},
    {"wvista", "Windows Vista (64-bit)"},
    {"w2k8", "Windows Server 2008 (64-bit)"},
    {"w2k3", "Windows Server 2003"},
    {"wxp", "Windows XP"},
    {"w2k", "Windows 2000"},
    {"l26", "Linux 2.6.x (64-bit)"},
    {"l24", "Linux 2.4.x (64-bit)"},
    {"solaris", "Oracle Solaris 11 (64-bit)"},
    {"other", "Other (64-bit)"},
    {"win12", NULL},
};

START_TEST(found_by_proxmox_and_back)
{
  const struct vmf_guest_os *os = vmf_guest_os_by_proxmox(proxmox_rows[_i].text);
  CHECK_ROW(os, proxmox_rows[_i]);
  if (os)
    ck_assert_str_eq(vmf_guest_os_proxmox(os), proxmox_rows[_i].text);
}
END_TEST

static const struct vendor_row ostypes[] = {
    {"windows2019srvnext-64", "win11"},
    {"windows2022srvnext-64", "win11"},
    {"windows9srv-64", "win10"},
    {"windows2019srv-64", "win10"},
    {"windows8srv-64", "win8"},
    {"windows7srv-64", "win7"},
    {"longhorn", "w2k8"},
    {"winnetenterprise", "w2k3"},
    {"winxphome", "wxp"},
    {"win2000serv", "w2k"},
    {"win98", "other"},
    {"ubuntu-64", "l26"},
    {"rockylinux-64", "l26"},
    {"other24xlinux", "l24"},
    {"other6xlinux-64", "l26"},
    {"freebsd13-64", "other"},
    {"solaris10-64", "solaris"},
    {"darwin21-64", "other"},
    {"dos", "other"},
    {"vmkernel7", "other"},
};

START_TEST(proxmox_type_of)
{
  ck_assert_str_eq(vmf_guest_os_proxmox(vmf_guest_os_by_vmx(ostypes[_i].text)), ostypes[_i].name);
}
END_TEST

static const struct vendor_row label_rows[] = {
    {"windows-server-2022-64bit", "Windows Server 2022 (64-bit)"},
    {"windows-server-2025", "Windows Server 2025 (64-bit)"},
    {"windows-11", "Windows 11 (64-bit)"},
    {"windows-10-64bit", "Windows 10 (64-bit)"},
    {"windows-10-32bit", "Windows 10"},
    {"windows-13", NULL},
    {"ubuntu-24.04", "Ubuntu Linux (64-bit)"},
    {"sles-12-sp5-64bit", "SUSE Linux Enterprise Server 12 (64-bit)"},
    {"rhel-6-32bit", "Red Hat Enterprise Linux 6"},
    {"rocky-8", "Rocky Linux (64-bit)"},
    {"other-install-media", "Other (64-bit)"},
    {"gooroom-2", NULL},
    {"", NULL},
};

START_TEST(found_by_template)
{
  CHECK_ROW(vmf_guest_os_by_xapi(label_rows[_i].text), label_rows[_i]);
}
END_TEST

/* What a vendor's file is given is read as the same system again, wherever VMware has one. */
START_TEST(vendors_names_lead_back)
{
  struct vmf_guest_os_info info = {.size = sizeof info};
  for (size_t i = 0; vmf_guest_os_describe(i, &info); i++) {
    const struct vmf_guest_os *os = info.vmware ? vmf_guest_os_find(info.vmware) : NULL;
    char text[VMF_GUEST_OS_TEXT], stem[VMF_GUEST_OS_TEXT];
    bool wide;
    if (!os)
      continue;
    vmf_guest_os_stem(os, stem, &wide);
    ck_assert_ptr_eq(vmf_guest_os_of_stem(stem, wide), os);
    vmf_guest_os_vmx(os, text);
    ck_assert_msg(vmf_guest_os_by_vmx(text) == os, "%s", text);
    ck_assert_ptr_nonnull(vmf_guest_os_proxmox(os));
    ck_assert_ptr_nonnull(vmf_guest_os_xapi(os));
  }
}
END_TEST

static const struct vendor_row spellings[] = {
    {"windows9Server64Guest", "windows9srv-64"},
    {"windows2019srvNext_64Guest", "windows2019srvnext-64"},
    {"otherGuest64", "other-64"},
    {"winLonghorn64Guest", "longhorn-64"},
    {"winNetEnterpriseGuest", "winnetenterprise"},
    {"ubuntu64Guest", "ubuntu-64"},
    {"rhel7_64Guest", "rhel7-64"},
    {"vmwarePhoton64Guest", "vmware-photon-64"},
    {"Debian_64", "otherlinux-64"}, /* VMware has no Debian without a release */
    {"Windows81_64", "windows8-64"},
    {"Windows Server 2012 R2 (64-bit)", "windows8srv-64"},
    {"NetBSD_64", "other-64"},
};

START_TEST(spelled_as_vmx)
{
  char text[VMF_GUEST_OS_TEXT];
  vmf_guest_os_vmx(vmf_guest_os_find(spellings[_i].text), text);
  ck_assert_str_eq(text, spellings[_i].name);
}
END_TEST

START_TEST(libosinfo_and_templates_of)
{
  const struct vmf_guest_os *os = vmf_guest_os_find("rhel9_64Guest");
  ck_assert_str_eq(vmf_guest_os_libosinfo(os), "http://redhat.com/rhel/9.0");
  ck_assert_str_eq(vmf_guest_os_xapi(os), "rhel-9");
  os = vmf_guest_os_find("windows9");
  ck_assert_str_eq(vmf_guest_os_libosinfo(os), "http://microsoft.com/win/10");
  ck_assert_str_eq(vmf_guest_os_xapi(os), "other-install-media"); /* none of 32 bits */
  ck_assert_ptr_null(vmf_guest_os_libosinfo(vmf_guest_os_find("os2Guest")));
}
END_TEST

static const struct {
  const char *text;
  enum vmf_os_family family;
} families[] = {
    {"windows9srv-64", VMF_OS_WINDOWS},
    {"windows2022srvnext-64", VMF_OS_WINDOWS},
    {"win31", VMF_OS_WINDOWS},
    {"winhyperv", VMF_OS_WINDOWS},
    {"debian12-64", VMF_OS_LINUX},
    {"fedora-64", VMF_OS_LINUX},
    {"other3xlinux", VMF_OS_LINUX},
    {"centos8-64", VMF_OS_LINUX},
    {"solaris11-64", VMF_OS_SOLARIS},
    {"freebsd", VMF_OS_BSD},
    {"darwin14-64", VMF_OS_MACOS},
    {"other-64", VMF_OS_OTHER},
    {"dos", VMF_OS_OTHER},
    {"vmkernel8", VMF_OS_OTHER},
};

START_TEST(families_of)
{
  ck_assert_int_eq(vmf_guest_os_family(vmf_guest_os_by_vmx(families[_i].text)),
                   families[_i].family);
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
  const struct vmf_disk_format *form = vmf_disk_format_find(form_names[_i].text, true);
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
    const struct vmf_disk_format *form = vmf_disk_format_find(info.name, true),
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
#define ROWS(test, table) tcase_add_loop_test(tests, test, 0, sizeof table / sizeof table[0])
  ROWS(found_by_vmx, vmx_rows);
  ROWS(found_by_libosinfo, url_rows);
  tcase_add_test(tests, libosinfo_tells_no_width);
  ROWS(found_by_proxmox_and_back, proxmox_rows);
  ROWS(proxmox_type_of, ostypes);
  ROWS(found_by_template, label_rows);
  tcase_add_test(tests, vendors_names_lead_back);
  ROWS(spelled_as_vmx, spellings);
  tcase_add_test(tests, libosinfo_and_templates_of);
  ROWS(families_of, families);
  tcase_add_loop_test(tests, forms_by_name, 0, sizeof form_names / sizeof form_names[0]);
  tcase_add_loop_test(tests, forms_by_uri, 0, sizeof form_uris / sizeof form_uris[0]);
  tcase_add_test(tests, every_form_is_one_of_ours);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
