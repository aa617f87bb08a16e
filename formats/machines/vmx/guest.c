/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * guestOS: VMware's name for the guest system as a .vmx spells it. The API's name (that of the
 * table, and of OVF) without "Guest", "_64" as "-64", in small letters; but for these. */
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "text.h"
#include "vmx.h"

static const struct {
  const char *vmx, *api;
} irregular[] = {
    {"windows7srv-64", "windows7Server64Guest"},
    {"windows8srv-64", "windows8Server64Guest"},
    {"windows9srv-64", "windows9Server64Guest"},
    {"longhorn", "winLonghornGuest"},
    {"longhorn-64", "winLonghorn64Guest"},
    {"winhyperv", "windowsHyperVGuest"},
    {"whistler", "winXPProGuest"},
    {"linux", "otherLinuxGuest"},
    {"nt4", "winNTGuest"},
    {"winnet", "winNetStandardGuest"},
    {"other-64", "otherGuest64"},
};
enum { IRREGULAR = sizeof irregular / sizeof irregular[0] };

/* Guests that have 64 bits without "-64" in their name. */
static bool always_64(const char *guest)
{
  static const char *const starts[] = {"vmkernel", "winhyperv", "windowshyperv"};

  for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
    if (strncmp(guest, starts[i], strlen(starts[i])) == 0)
      return true;
  return false;
}

static void small_letters(const char *text, char *small, size_t size)
{
  size_t length = 0;

  for (; text[length] && length < size - 1; length++)
    small[length] =
        (char)(text[length] >= 'A' && text[length] <= 'Z' ? text[length] | 0x20 : text[length]);
  small[length] = 0;
}

const struct vmf_guest_os *vmx_guest_read(const char *guest, enum vmf_arch *arch)
{
  char small[80];
  const char *name = small;

  small_letters(guest, small, sizeof small);
  *arch = vmf_text_ends_in(small, "64") || always_64(small) ? VMF_ARCH_X86_64 : VMF_ARCH_I686;
  if (strncmp(small, "arm-", 4) == 0) {
    name += 4;
    *arch = VMF_ARCH_AARCH64;
  }
  for (size_t i = 0; i < IRREGULAR; i++)
    if (strcmp(irregular[i].vmx, name) == 0)
      return vmf_guest_os_of(irregular[i].api, NULL, false, 0);
  return vmf_guest_os_of(name, NULL, false, 0);
}

/* "rhel7_64Guest" to "rhel7-64". */
static void vmx_spelling(const char *api, char *guest, size_t size)
{
  char small[80];
  char *cut;

  for (size_t i = 0; i < IRREGULAR; i++)
    if (strcmp(irregular[i].api, api) == 0) {
      snprintf(guest, size, "%s", irregular[i].vmx);
      return;
    }
  small_letters(api, small, sizeof small);
  cut = strstr(small, "guest");
  if (cut)
    memmove(cut, cut + 5, strlen(cut + 5) + 1);
  if (vmf_text_ends_in(small, "64")) {
    small[strlen(small) - 2] = 0;
    size_t length = strlen(small);
    if (length > 0 && small[length - 1] == '_')
      small[length - 1] = 0;
    snprintf(guest, size, "%s-64", small);
  } else {
    snprintf(guest, size, "%s", small);
  }
}

/* What VMware calls a system of which it has no name of its own. */
static const char *nearest(const struct vmf_guest_os *row, bool wide)
{
  static const struct {
    const char *word, *narrow, *wide;
  } kinds[] = {
      {"Windows 8.1", "windows8", "windows8-64"},
      {"Windows Server 2012 R2", "windows8srv-64", "windows8srv-64"},
      {"Red Hat", "redhat", "rhel7-64"},
      {"Linux", "otherlinux", "otherlinux-64"},
      {"Solaris", "solaris10", "solaris11-64"},
  };

  for (size_t i = 0; row && i < sizeof kinds / sizeof kinds[0]; i++)
    if (strstr(row->name, kinds[i].word))
      return wide ? kinds[i].wide : kinds[i].narrow;
  return wide ? "other-64" : "other";
}

void vmx_guest_written(const struct vmf_machine *machine, char *guest, size_t size, bool *exact)
{
  const struct vmf_guest_os *row = vmf_machine_os(machine);
  uint64_t arch = vmf_told_or(machine->arch, VMF_ARCH_X86_64);
  bool wide = arch != VMF_ARCH_I686;

  *exact = row && row->vmware;
  if (row && !machine->arch.told)
    wide = strstr(row->name, "64") != NULL;
  if (*exact)
    vmx_spelling(row->vmware, guest, size);
  else
    snprintf(guest, size, "%s", nearest(row, wide));
  if (arch == VMF_ARCH_AARCH64) {
    char plain[80];
    snprintf(plain, sizeof plain, "%s", guest);
    snprintf(guest, size, "arm-%s", plain);
  }
}

/* VMware's default for guests of its time: BusLogic before 64 bits and Windows Vista, LSI's
 * parallel one, and its serial one for newer Windows. */
const char *vmx_guest_scsi(const struct vmf_machine *machine)
{
  static const char *const old[] = {"Windows 2000", "Windows XP", "Windows NT",
                                    "NetWare",      "Windows 9",  "Windows Me"};
  const struct vmf_guest_os *row = vmf_machine_os(machine);

  if (!row || !strstr(row->name, "Windows"))
    return "lsilogic";
  for (size_t i = 0; i < sizeof old / sizeof old[0]; i++)
    if (strncmp(row->name, old[i], strlen(old[i])) == 0)
      return strstr(row->name, "64") ? "lsilogic" : "buslogic";
  return strstr(row->name, "2003") ? "lsilogic" : "lsisas1068";
}
