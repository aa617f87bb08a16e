/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Guest operating systems: the CIM number, and what people, VMware and VirtualBox call them. */
#ifndef VMF_MACHINE_GUEST_OS_H
#define VMF_MACHINE_GUEST_OS_H

#include <stdbool.h>
#include <stddef.h>

struct vmf_guest_os {
  unsigned cim;       /* CIM_OperatingSystem.OSType */
  const char *name;   /* "Ubuntu Linux (64-bit)" */
  const char *vmware; /* vmw:osType: "ubuntu64Guest"; NULL: none */
  const char *vbox;   /* vbox:OSType: "Ubuntu_64"; NULL: none */
};

/* By what a person types: a CIM number, VMware's name (with or without "Guest", "-64" or "_64" for
 * "64"), VirtualBox's name, or the readable name; case ignored. NULL: unknown. */
const struct vmf_guest_os *vmf_guest_os_find(const char *text);

/* VMware's names that `text`, which is none, may mean, joined by ", " in `list`: those
 * that it is a part of ("windows", "win11"), or those that are spelled nearly so. */
void vmf_guest_os_suggest(const char *text, char *list, size_t size);

/* What a descriptor says: VMware's name first, then VirtualBox's, then the number (tools disagree
 * about numbers above 111). Any may be NULL or absent. NULL: unknown. */
const struct vmf_guest_os *vmf_guest_os_of(const char *vmware, const char *vbox, bool cim_known,
                                           unsigned cim);

#endif
