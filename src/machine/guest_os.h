/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Guest operating systems: the CIM number, and what people, VMware, VirtualBox, libosinfo, Proxmox
 * and XenServer call them. */
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

/* ---- what it is ---- */

enum vmf_os_family {
  VMF_OS_WINDOWS,
  VMF_OS_LINUX,
  VMF_OS_SOLARIS,
  VMF_OS_BSD,
  VMF_OS_MACOS,
  VMF_OS_OTHER,
};

enum { VMF_GUEST_OS_TEXT = 64 }; /* room for a name of the kinds below */

enum vmf_os_family vmf_guest_os_family(const struct vmf_guest_os *os);

/* Its name by which other tables find it, "windows9srv", and whether it is one of 64 bits. */
void vmf_guest_os_stem(const struct vmf_guest_os *os, char stem[VMF_GUEST_OS_TEXT], bool *wide);

/* The one of that stem; of the other width, where there is none of this. NULL: unknown. */
const struct vmf_guest_os *vmf_guest_os_of_stem(const char *stem, bool wide);

/* ---- by what other vendors call it (guest_os_names.c). NULL: unknown ---- */

/* VMware's in its .vmx files: "ubuntu-64", "windows9srv-64", "longhorn-64", in any case. */
const struct vmf_guest_os *vmf_guest_os_by_vmx(const char *text);
/* The nearest one, where VMware has none of its own. */
void vmf_guest_os_vmx(const struct vmf_guest_os *os, char text[VMF_GUEST_OS_TEXT]);

/* "http://ubuntu.com/ubuntu/22.04", of 64 bits or not: the release where the table has it, else
 * the product. */
const struct vmf_guest_os *vmf_guest_os_by_libosinfo(const char *url, bool wide);
const char *vmf_guest_os_libosinfo(const struct vmf_guest_os *os); /* NULL: it has none */

/* "l26", "win10": the newest of those that it stands for. */
const struct vmf_guest_os *vmf_guest_os_by_proxmox(const char *type);
const char *vmf_guest_os_proxmox(const struct vmf_guest_os *os);

/* A template's reference_label: "windows-server-2022-64bit", "sles-12-sp5-64bit". */
const struct vmf_guest_os *vmf_guest_os_by_xapi(const char *label);
const char *vmf_guest_os_xapi(const struct vmf_guest_os *os); /* at least "other-install-media" */

/* ---- VirtualBox (guest_os_vbox.c) ---- */

/* "Windows10_64": the release, else the product. NULL: unknown. */
const struct vmf_guest_os *vmf_guest_os_by_vbox(const char *id);
/* Whether the name is one of 64 bits, and of an ARM machine. */
bool vmf_guest_os_vbox_wide(const char *id, bool *arm);
/* The nearest one, where VirtualBox has none of its own. */
void vmf_guest_os_vbox(const struct vmf_guest_os *os, char id[VMF_GUEST_OS_TEXT]);

#endif
