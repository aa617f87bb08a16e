/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The platforms that disks and machines are made for, a row of data each. Sources are named in the
 * rows. */
#include "profile.h"

#include "caller.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define STREAM "subformat=streamOptimized"
#define VHD_MOST (2040 * GIB) /* sm/vhdutil.py; Hyper-V's own limit */
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const no_names[] = {NULL};

/* ---- releases (govmomi, hardware_version.go and esxi_version.go; Broadcom KB 315655) ---- */

static const struct vmf_profile_release esxi_releases[] = {
    {"4.0", 7},  {"4.1", 7},    {"5.0", 8},    {"5.1", 9},  {"5.5", 10},   {"6.0", 11},
    {"6.5", 13}, {"6.7", 14},   {"6.7u2", 15}, {"7.0", 17}, {"7.0u1", 18}, {"7.0u2", 19},
    {"8.0", 20}, {"8.0u2", 21}, {"9.0", 22},   {NULL, 0},
};

static const struct vmf_profile_release workstation_releases[] = {
    {"6.5", 7}, {"7", 7},   {"8", 8},   {"9", 9},   {"10", 10},   {"11", 11}, {"12", 12},
    {"14", 14}, {"15", 16}, {"16", 19}, {"17", 20}, {"17.5", 21}, {NULL, 0},
};

/* ---- devices ---- */

/* govmomi, configspec.go; what VMware's products emulate. */
static const struct vmf_profile_controller vmware_controllers[] = {
    {VMF_BUS_SATA, NULL, 10},      {VMF_BUS_SCSI, "lsilogic", 0}, {VMF_BUS_SCSI, "lsisas1068", 7},
    {VMF_BUS_SCSI, "pvscsi", 7},   {VMF_BUS_NVME, NULL, 13},      {VMF_BUS_IDE, NULL, 0},
    {VMF_BUS_SCSI, "buslogic", 0}, {VMF_BUS_FLOPPY, NULL, 0},     {VMF_BUSES, NULL, 0},
};

/* ovfreader.cpp: what its import of packages knows. */
static const struct vmf_profile_controller virtualbox_controllers[] = {
    {VMF_BUS_SATA, NULL, 0},         {VMF_BUS_IDE, NULL, 0},  {VMF_BUS_SCSI, "lsilogic", 0},
    {VMF_BUS_SCSI, "lsisas1068", 0}, {VMF_BUS_NVME, NULL, 0}, {VMF_BUS_SCSI, "buslogic", 0},
    {VMF_BUS_FLOPPY, NULL, 0},       {VMF_BUSES, NULL, 0},
};

static const char *const vmware_nics[] = {"e1000e",  "e1000",  "vmxnet3", "pcnet32",
                                          "vmxnet2", "vmxnet", NULL};
static const char *const virtualbox_nics[] = {"e1000", "pcnet32", "virtio", NULL};

/* ---- the rows ---- */

const struct vmf_profile vmf_profiles[] = {
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "esxi",
              .aliases = LIST("vsphere"),
              .summary = "VMware ESXi and vSphere",
              .disk_format = "vmdk",
              .suffix = "vmdk",
              .disk_options = STREAM,
              .round = 512,
              .source = "VMware's sparse formats run on hosted products only; streamOptimized is "
                        "what hosts import",
              .machines = LIST("ovf"),
              .hardware = "vmx-13",
              .digest = "sha256"},
     .controllers = vmware_controllers,
     .nics = vmware_nics,
     .releases = esxi_releases,
     .groups = "VMW ESX"},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "workstation",
              .aliases = LIST("fusion"),
              .summary = "VMware Workstation and Fusion",
              .disk_format = "vmdk",
              .suffix = "vmdk",
              .disk_options = "subformat=monolithicSparse",
              .round = 512,
              .source = "VMware Virtual Disk Format 1.1",
              .machines = LIST("vmx", "ovf"),
              .hardware = "vmx-13",
              .digest = "sha256"},
     .controllers = vmware_controllers,
     .nics = vmware_nics,
     .releases = workstation_releases,
     .groups = "VMW WS"},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "virtualbox",
              .aliases = no_names,
              .summary = "Oracle VirtualBox",
              .disk_format = "vdi",
              .suffix = "vdi",
              .round = 512,
              .source = "VirtualBox's own format; its import of packages, ovfreader.cpp",
              .machines = LIST("ovf", "vbox"),
              .hardware = "virtualbox-2.2",
              .digest = "sha256"},
     .controllers = virtualbox_controllers,
     .nics = virtualbox_nics,
     .virtio = {VMF_BUSES, NULL, 0},
     .virtio_nic = "virtio",
     .groups = "VBX"},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "hyperv",
              .aliases = no_names,
              .summary = "Microsoft Hyper-V",
              .disk_format = "vhdx",
              .suffix = "vhdx",
              .round = 4 * KIB,
              .most = 64 * 1024 * GIB,
              .source = "MS-VHDX 2.6.2: VirtualDiskSize",
              .machines = LIST("hyperv")},
     .groups = "HV"},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "azure",
              .aliases = no_names,
              .summary = "Microsoft Azure",
              .disk_format = "vpc",
              .suffix = "vhd",
              .disk_options = "subformat=fixed,force_size=on",
              .round = MIB,
              .least = 20 * MIB,
              .source = "azure-compute-docs, create-upload-generic: \"The size must be a whole "
                        "number (in MBs)\"",
              .machines = LIST("upload")},
     .groups = "AZ"},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "aws",
              .aliases = no_names,
              .summary = "Amazon EC2",
              .disk_format = "vmdk",
              .suffix = "vmdk",
              .disk_options = STREAM,
              .round = 512,
              .source = "VM Import/Export, prerequisites",
              .machines = LIST("upload", "ovf"),
              .digest = "sha256"},
     .groups = "AWS"},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "gce",
              .aliases = no_names,
              .summary = "Google Compute Engine",
              .disk_format = "raw",
              .suffix = "tar.gz",
              .disk_options = "archive=gce",
              .round = GIB,
              .source = "\"Supported formats are: GNU and OLDGNU\"; sizes: rancher/os#1998",
              .machines = LIST("upload")},
     .groups = "GCE"},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "openstack",
              .aliases = no_names,
              .summary = "OpenStack Glance",
              .disk_format = "qcow2",
              .suffix = "qcow2",
              .round = 512,
              .source = "nova/virt/images.py: no backing file, no data file, no unknown feature",
              .machines = LIST("upload")},
     .virtio = {VMF_BUS_VIRTIO, NULL, 0},
     .virtio_nic = "virtio",
     .groups = "OS"},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "proxmox",
              .aliases = no_names,
              .summary = "Proxmox VE, a storage of files",
              .disk_format = "qcow2",
              .suffix = "qcow2",
              .round = 512,
              .source = "pve-storage, Storage.pm and OVF.pm",
              .machines = LIST("proxmox", "ovf", "qm"),
              .digest = "sha256"},
     .virtio = {VMF_BUS_SCSI, "virtio-scsi", 0},
     .virtio_nic = "virtio",
     .composes = true,
     .ovmf = true,
     .groups = "PVE"},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "xcp-ng",
              .aliases = LIST("xenserver"),
              .summary = "XCP-ng and XenServer",
              .disk_format = "vpc",
              .suffix = "vhd",
              .disk_options = "subformat=dynamic,force_size=on",
              .round = MIB,
              .most = VHD_MOST,
              .source = "xapi constants.ml; sm/vhdutil.py",
              .machines = LIST("xapi")},
     .groups = "XEN"},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "libvirt",
              .aliases = LIST("kvm"),
              .summary = "KVM with libvirt",
              .disk_format = "qcow2",
              .suffix = "qcow2",
              .round = 512,
              .source = "QEMU's own format",
              .machines = LIST("libvirt")},
     .virtio = {VMF_BUS_VIRTIO, NULL, 0},
     .virtio_nic = "virtio",
     .groups = "KV"},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "nutanix",
              .aliases = no_names,
              .summary = "Nutanix AHV",
              .disk_format = "qcow2",
              .suffix = "qcow2",
              .compress = true,
              .round = 512,
              .source = "coreos-assembler, qemuvariants.py",
              .machines = LIST("upload", "ovf"),
              .digest = "sha256"}},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "ovirt",
              .aliases = no_names,
              .summary = "oVirt and RHV",
              .disk_format = "qcow2",
              .suffix = "qcow2",
              .round = 512,
              .source = "ovirt-imageio: qcow2 with compat=1.1; packages: OvfOvaReader.java",
              .machines = LIST("upload", "ovf"),
              .digest = "sha256"},
     .composes = true,
     .groups = "OVIRT"},
    {.info = {.size = sizeof(struct vmf_profile_info),
              .name = "kubevirt",
              .aliases = LIST("harvester"),
              .summary = "KubeVirt and Harvester, by CDI",
              .disk_format = "qcow2",
              .suffix = "qcow2",
              .round = 512,
              .source = "containerized-data-importer: supported formats",
              .machines = LIST("upload")},
     .groups = "K8S CDI"},
};

const size_t vmf_profile_count = sizeof vmf_profiles / sizeof vmf_profiles[0];

bool vmf_profile_describe(size_t index, struct vmf_profile_info *info)
{
  struct vmf_profile_info own;

  if (!info || vmf_take_profile_info(info, &own, NULL) != VMF_OK || index >= vmf_profile_count)
    return false;
  own = vmf_profiles[index].info;
  vmf_give_profile_info(&own, info);
  return true;
}
