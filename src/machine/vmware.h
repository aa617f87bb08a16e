/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What VMware's machines say alike in a .vmx and in a package that VMware made. */
#ifndef VMF_MACHINE_VMWARE_H
#define VMF_MACHINE_VMWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "machine.h"
#include "vendor_words.h"

/* Between the sixteen bytes that VMware shows as the uuid of a machine (uuid.bios, vssd:uuid) and
 * what its guest prints, on the hardware vmx-N (0: another vendor's): its own inverse. VMware shows
 * the octets of the SMBIOS table in their order; guests print them so on hardware before 13, whose
 * SMBIOS is 2.4, and the first three fields as little-endian numbers from there on. */
void vmf_vmware_uuid(unsigned hardware, const uint8_t from[16], uint8_t to[16]);

/* The greatest N of "vmx-N" in a list of families, which may be NULL; 0: none. */
unsigned vmf_vmware_version(const char *families);

/* The setting that tells the guest its OVF environment, with the passwords that stand in it. */
#define VMF_VMWARE_ENVIRONMENT "guestinfo.ovfEnv"

/* Whether what a setting says is not to be shown. */
bool vmf_vmware_secret(const char *key);

/* The words of bios.bootOrder and the model's; ends with own NULL. */
extern const struct vmf_vendor_name vmf_vmware_boot_classes[];

/* The least place in the order of booting that a drive or card has above *place, which it becomes;
 * false: there is none. Several may have one. */
bool vmf_vmware_next_place(const struct vmf_machine *machine, uint64_t *place);

/* "scsi0:1,scsi0:0": bios.bootOrder and bios.hddOrder. All zeros at first. */
struct vmf_vmware_list {
  char text[512];
  unsigned count;
};
void vmf_vmware_list_add(struct vmf_vmware_list *list, const char *word);

#endif
