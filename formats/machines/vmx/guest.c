/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * guestOS: the guest system, the width of its processor, and that it is one of ARM. */
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "text.h"
#include "vmx.h"

static const char arm[] = "arm-"; /* Fusion's */

static bool starts_nocase(const char *text, const char *start)
{
  char head[32];

  snprintf(head, sizeof head, "%.*s", (int)strlen(start), text);
  return vmf_text_equal_nocase(head, start);
}

/* "-64" tells 64 bits, but for systems that never had less. */
static bool has_64_bits(const char *guest)
{
  return vmf_text_ends_in(guest, "64") || starts_nocase(guest, "vmkernel") ||
         starts_nocase(guest, "winhyperv");
}

const struct vmf_guest_os *vmx_guest_read(const char *guest, enum vmf_arch *arch)
{
  *arch = has_64_bits(guest) ? VMF_ARCH_X86_64 : VMF_ARCH_I686;
  if (!starts_nocase(guest, arm))
    return vmf_guest_os_by_vmx(guest);
  *arch = VMF_ARCH_AARCH64;
  return vmf_guest_os_by_vmx(guest + sizeof arm - 1);
}

void vmx_guest_written(const struct vmf_machine *machine, char *guest, size_t size, bool *exact)
{
  const struct vmf_guest_os *row = vmf_machine_os(machine);
  uint64_t arch = vmf_told_or(machine->arch, VMF_ARCH_X86_64);
  char name[VMF_GUEST_OS_TEXT];

  snprintf(name, sizeof name, "%s", arch == VMF_ARCH_I686 ? "other" : "other-64");
  if (row)
    vmf_guest_os_vmx(row, name);
  *exact = row && vmf_guest_os_by_vmx(name) == row;
  snprintf(guest, size, "%s%s", arch == VMF_ARCH_AARCH64 ? arm : "", name);
}

/* VMware's default for guests of its time: LSI's serial one for Windows from Vista on; BusLogic for
 * those before XP's 64 bits; LSI's parallel one for all others. */
const char *vmx_guest_scsi(const struct vmf_machine *machine)
{
  static const char *const old[] = {"Windows 2000", "Windows XP", "Windows NT", "Windows 9",
                                    "Windows Me"};
  const struct vmf_guest_os *row = vmf_machine_os(machine);

  if (!row || vmf_guest_os_family(row) != VMF_OS_WINDOWS || strstr(row->name, "2003"))
    return "lsilogic";
  for (size_t i = 0; i < sizeof old / sizeof old[0]; i++)
    if (strncmp(row->name, old[i], strlen(old[i])) == 0)
      return strstr(row->name, "64") ? "lsilogic" : "buslogic";
  return "lsisas1068";
}
