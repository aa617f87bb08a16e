/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The rules. A name like "cot#82" is a thread of that project on GitHub in which the message
 * stands. What nobody's text or source vouches for is a warning at most. */
#include "lint_rules.h"

#include <stdarg.h>
#include <stdio.h>

#include "text.h"

#define E VMF_SEVERITY_VIOLATION
#define W VMF_SEVERITY_WARNING
#define PACKAGE VMF_LINT_PACKAGE
#define DISK VMF_LINT_DISK

const struct vmf_lint_rule vmf_lint_rules[VMF_LINT_IDS] = {
    [VMF_LINT_VMW_FAMILY] = {"E-VMW-FAMILY", "VMW", E, PACKAGE,
                             "Unsupported hardware family 'virtualbox-2.2'",
                             "names a family of VMware",
                             "cyphonmdr#176, dradispro#297, owncloud-archive/vm#53"},
    [VMF_LINT_VMW_HWVER] = {"E-VMW-HWVER", "VMW", E, PACKAGE,
                            "Unsupported hardware family 'vmx-20'",
                            "names a version that the release takes",
                            "govmomi hardware_version.go; nextcloud/vm#556, bitnami/vms#1555"},
    [VMF_LINT_VMW_HWOLD] = {"W-VMW-HWOLD", "ESX", W, PACKAGE,
                            "Unsupported hardware family 'vmx-10'", "names vmx-13",
                            "home-assistant#3163"},
    [VMF_LINT_VMW_OVF2] = {"E-VMW-OVF2", "VMW", E, PACKAGE, "Unsupported element 'StorageItem'",
                           "writes OVF 1.1", "BlackArch#1937"},
    [VMF_LINT_VMW_ORDER] = {"E-VMW-ORDER", "VMW", E, PACKAGE,
                            "Did not find an .ovf file at the beginning of the OVA package",
                            "puts the descriptor first", "cot#82, coreos-assembler#1141"},
    [VMF_LINT_VMW_TAR] = {"E-VMW-TAR", "VMW", E, PACKAGE, "Failed to deploy",
                          "writes an archive of ustar", "open-vmdk#65, coreos-assembler#3787"},
    [VMF_LINT_VMW_MF] = {"E-VMW-MF", "VMW", E, PACKAGE, "Invalid OVF checksum algorithm: SHA256 ",
                         "writes a new manifest", "home-assistant#826, #1674, #3654"},
    [VMF_LINT_VMW_VMDKVER] = {"E-VMW-VMDKVER", "VMW", E, PACKAGE | DISK,
                              "sparse VMDK version too old", "writes the disk anew",
                              "cot#65, mininet#483"},
    [VMF_LINT_VMW_DISKTYPE] = {"E-VMW-DISKTYPE", "ESX", E, PACKAGE | DISK,
                               "Unsupported or invalid disk type 7. Ensure that the disk has been "
                               "imported.",
                               "writes the disk as streamOptimized",
                               "lmeve#45, OpenNebula/one#5784, openwrt#2477"},
    [VMF_LINT_VMW_COMPRESS] = {"E-VMW-COMPRESS", "VMW", E, PACKAGE,
                               "OVF package with compressed disks is currently not supported for "
                               "OVF import",
                               "stores the file unpacked", "ECS-CommunityEdition#329"},
    [VMF_LINT_VMW_CAPACITY] = {"E-VMW-CAPACITY", "VMW", E, PACKAGE,
                               "Capacity of uploaded disk is larger than requested",
                               "writes the size that the disk has",
                               "teamdfir/sift#220, home-assistant#1084"},
    [VMF_LINT_VMW_CONN] = {"E-VMW-CONN", "VMW", E, PACKAGE,
                           "Invalid value 'X' for element 'Connection'",
                           "lists every network that a card is on", "govmomi#488, #3679"},
    [VMF_LINT_VMW_SUBTYPE] = {"E-VMW-SUBTYPE", "VMW", E, PACKAGE, NULL,
                              "names the device as VMware does, or the first of its kind",
                              "packetfence#5522; govmomi configspec.go"},
    [VMF_LINT_VBX_UNITS] = {"E-VBX-UNITS", "VBX", E, PACKAGE, NULL,
                            "writes memory in MiB and capacities in bytes",
                            "VirtualBox ovfreader.cpp"},
    [VMF_LINT_VBX_PARENT] = {"E-VBX-PARENT", "VBX", E, PACKAGE, NULL,
                             "puts every drive on a controller that VirtualBox has",
                             "VirtualBox ovfreader.cpp; kiwi#1417, packer#1383"},
    [VMF_LINT_VBX_CPU] = {"E-VBX-CPU", "VBX", E, PACKAGE, NULL,
                          "leaves the number: tell the machine another one before",
                          "VirtualBox-settings.xsd"},
    [VMF_LINT_VBX_EFI] = {"W-VBX-EFI", "VBX", W, PACKAGE, NULL,
                          "nothing in a package; to a .vbox it carries the firmware over",
                          "nextcloud/vm#2409"},
    [VMF_LINT_HV_VHDMAX] = {"E-HV-VHDMAX", "HV", E, DISK, NULL, "writes a VHDX",
                            "Virtual Hard Disk Image Format Specification"},
    [VMF_LINT_AZ_FIXED] = {"E-AZ-FIXED", "AZ", E, DISK, NULL, "writes a fixed VHD",
                           "azure-compute-docs, create-upload-generic"},
    [VMF_LINT_AZ_ALIGN] = {"E-AZ-ALIGN", "AZ", E, DISK,
                           "The VHD has an unsupported virtual size. The size must be a whole "
                           "number (in MBs).",
                           "rounds the size up", "azure-compute-docs, create-upload-generic"},
    [VMF_LINT_AZ_FOOTER] = {"E-AZ-FOOTER", "AZ", E, DISK, NULL, "writes a footer of that size",
                            "azure-linux-image-tools#364"},
    [VMF_LINT_AZ_OSMAX] = {"W-AZ-OSMAX", "AZ", W, DISK, NULL,
                           "nothing: a disk of data may be larger",
                           "azure-compute-docs, create-upload-generic"},
    [VMF_LINT_AWS_FORMAT] = {"E-AWS-FORMAT", "AWS", E, PACKAGE | DISK, NULL,
                             "writes the disk as streamOptimized",
                             "VM Import/Export, prerequisites"},
    [VMF_LINT_GCE_NAME] = {"E-GCE-NAME", "GCE", E, DISK, NULL,
                           "writes an archive with disk.raw alone; it is called NAME.tar.gz",
                           "osbuild/image-builder#987"},
    [VMF_LINT_GCE_GIB] = {"E-GCE-GIB", "GCE", E, DISK, NULL, "rounds the size up",
                          "rancher/os#1998, elemental-toolkit#406"},
    [VMF_LINT_OS_SAFETY] = {"E-OS-SAFETY", "OS", E, DISK, "Image does not pass safety check",
                            "writes one QCOW2 of the whole chain",
                            "nova/virt/images.py, conf/compute.py"},
    [VMF_LINT_XEN_VHDMAX] = {"E-XEN-VHDMAX", "XEN", E, DISK, "VDI_TOO_LARGE",
                             "nothing: it refuses the disk", "xapi constants.ml, sm/vhdutil.py"},
};

bool vmf_lint_asks(const struct vmf_linting *linting, enum vmf_lint_id id)
{
  const struct vmf_lint_rule *rule = &vmf_lint_rules[id];

  return (rule->about & linting->about) && linting->platform.profile->groups &&
         vmf_text_has_word(linting->platform.profile->groups, rule->group);
}

void vmf_lint_tell(struct vmf_linting *linting, enum vmf_lint_id id,
                   const struct vmf_lint_place *place, const char *format, ...)
{
  const struct vmf_lint_rule *rule = &vmf_lint_rules[id];
  char found[512];
  va_list values;

  if (!vmf_lint_asks(linting, id))
    return;
  linting->result->counts[rule->severity]++;
  if (!linting->options.finding)
    return;
  va_start(values, format);
  vsnprintf(found, sizeof found, format, values);
  va_end(values);
  const struct vmf_lint_finding finding = {.rule = rule->id,
                                           .severity = rule->severity,
                                           .file = place->file,
                                           .line = place->line,
                                           .found = found,
                                           .allowed = place->allowed,
                                           .prints = rule->prints,
                                           .remedy = rule->remedy,
                                           .source = rule->source};
  linting->options.finding(linting->options.data, &finding);
}
