/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The platforms that disks are made for, a row of data each. Sources are named in the rows; what
 * could not be checked against a vendor's own text is no rule here. */
#include <stddef.h>

#include "caller.h"
#include "vmferry.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define STREAM "subformat=streamOptimized"
#define VHD_MOST (2040 * GIB) /* sm/vhdutil.py; Hyper-V's own limit */

static const char *const no_aliases[] = {NULL};
static const char *const esxi[] = {"vsphere", NULL};
static const char *const workstation[] = {"fusion", NULL};
static const char *const xcp[] = {"xenserver", NULL};
static const char *const libvirt[] = {"kvm", NULL};
static const char *const kubevirt[] = {"harvester", NULL};

static const struct vmf_profile_info profiles[] = {
    {.name = "esxi",
     .aliases = esxi,
     .summary = "VMware ESXi and vSphere",
     .disk_format = "vmdk",
     .disk_options = STREAM,
     .round = 512,
     .source = "VMware's sparse formats run on hosted products only; streamOptimized is what hosts "
               "import"},
    {.name = "workstation",
     .aliases = workstation,
     .summary = "VMware Workstation and Fusion",
     .disk_format = "vmdk",
     .disk_options = "subformat=monolithicSparse",
     .round = 512,
     .source = "VMware Virtual Disk Format 1.1"},
    {.name = "virtualbox",
     .aliases = no_aliases,
     .summary = "Oracle VirtualBox",
     .disk_format = "vdi",
     .round = 512,
     .source = "VirtualBox's own format"},
    {.name = "hyperv",
     .aliases = no_aliases,
     .summary = "Microsoft Hyper-V",
     .disk_format = "vhdx",
     .round = 4 * KIB,
     .most = 64 * 1024 * GIB,
     .source = "MS-VHDX 2.6.2: VirtualDiskSize"},
    {.name = "azure",
     .aliases = no_aliases,
     .summary = "Microsoft Azure: a fixed VHD in whole MiB",
     .disk_format = "vpc",
     .disk_options = "subformat=fixed,force_size=on",
     .round = MIB,
     .least = 20 * MIB,
     .source = "azure-compute-docs, create-upload-generic: \"The size must be a whole number (in "
               "MBs)\""},
    {.name = "aws",
     .aliases = no_aliases,
     .summary = "Amazon EC2: VM Import",
     .disk_format = "vmdk",
     .disk_options = STREAM,
     .round = 512,
     .source = "VM Import/Export, prerequisites"},
    {.name = "gce",
     .aliases = no_aliases,
     .summary = "Google Compute Engine: disk.raw in a tar.gz, in whole GiB",
     .disk_format = "raw",
     .disk_options = "archive=gce",
     .round = GIB,
     .source = "\"Supported formats are: GNU and OLDGNU\"; sizes: rancher/os#1998"},
    {.name = "openstack",
     .aliases = no_aliases,
     .summary = "OpenStack Glance",
     .disk_format = "qcow2",
     .round = 512,
     .source = "nova/virt/images.py: no backing file, no data file, no unknown feature"},
    {.name = "proxmox",
     .aliases = no_aliases,
     .summary = "Proxmox VE, a storage of files",
     .disk_format = "qcow2",
     .round = 512,
     .source = "pve-storage Storage.pm"},
    {.name = "xcp-ng",
     .aliases = xcp,
     .summary = "XCP-ng and XenServer, one disk",
     .disk_format = "vpc",
     .disk_options = "subformat=dynamic,force_size=on",
     .round = MIB,
     .most = VHD_MOST,
     .source = "xapi constants.ml; sm/vhdutil.py"},
    {.name = "libvirt",
     .aliases = libvirt,
     .summary = "KVM with libvirt",
     .disk_format = "qcow2",
     .round = 512,
     .source = "QEMU's own format"},
    {.name = "nutanix",
     .aliases = no_aliases,
     .summary = "Nutanix AHV",
     .disk_format = "qcow2",
     .compress = true,
     .round = 512,
     .source = "coreos-assembler, qemuvariants.py"},
    {.name = "ovirt",
     .aliases = no_aliases,
     .summary = "oVirt and RHV",
     .disk_format = "qcow2",
     .round = 512,
     .source = "ovirt-imageio: qcow2 with compat=1.1"},
    {.name = "kubevirt",
     .aliases = kubevirt,
     .summary = "KubeVirt and Harvester, by CDI",
     .disk_format = "qcow2",
     .round = 512,
     .source = "containerized-data-importer: supported formats"},
};

bool vmf_profile_describe(size_t index, struct vmf_profile_info *info)
{
  struct vmf_profile_info own;

  if (!info || vmf_take_profile_info(info, &own, NULL) != VMF_OK ||
      index >= sizeof profiles / sizeof profiles[0])
    return false;
  own = profiles[index];
  vmf_give_profile_info(&own, info);
  return true;
}
