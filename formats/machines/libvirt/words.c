/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "words.h"

#include <string.h>

#include "machine.h"

const struct vmf_vendor_word libvirt_switch[] = {
    {"yes", 1}, {"on", 1}, {"no", 0}, {"off", 0}, {NULL, 0}};

const struct vmf_vendor_word libvirt_archs[] = {
    {"x86_64", VMF_ARCH_X86_64}, {"i686", VMF_ARCH_I686},   {"aarch64", VMF_ARCH_AARCH64},
    {"ppc64", VMF_ARCH_PPC64},   {"s390x", VMF_ARCH_S390X}, {NULL, 0},
};

/* Of <target bus>. "nvme" came with libvirt 11, and is read only: <disk type='nvme'> is a device of
 * the host. */
const struct vmf_vendor_word libvirt_buses[] = {
    {"ide", VMF_BUS_IDE},       {"scsi", VMF_BUS_SCSI}, {"sata", VMF_BUS_SATA},
    {"virtio", VMF_BUS_VIRTIO}, {"usb", VMF_BUS_USB},   {"fdc", VMF_BUS_FLOPPY},
    {"xen", VMF_BUS_XEN},       {"nvme", VMF_BUS_NVME}, {NULL, 0},
};

const struct vmf_vendor_word libvirt_controllers[] = {
    {"ide", VMF_BUS_IDE}, {"scsi", VMF_BUS_SCSI},  {"sata", VMF_BUS_SATA},
    {"usb", VMF_BUS_USB}, {"fdc", VMF_BUS_FLOPPY}, {NULL, 0},
};

const struct vmf_vendor_word libvirt_media[] = {
    {"disk", VMF_MEDIUM_DISK},
    {"cdrom", VMF_MEDIUM_CDROM},
    {"floppy", VMF_MEDIUM_FLOPPY},
    {"lun", VMF_MEDIUM_LUN},
    {NULL, 0},
};

/* Of a character device. */
const struct vmf_vendor_word libvirt_backends[] = {
    {"null", VMF_BACKEND_NONE},   {"file", VMF_BACKEND_FILE},
    {"pipe", VMF_BACKEND_PIPE},   {"tcp", VMF_BACKEND_TCP},
    {"unix", VMF_BACKEND_SOCKET}, {"dev", VMF_BACKEND_DEVICE},
    {"pty", VMF_BACKEND_PTY},     {NULL, 0},
};

const struct vmf_vendor_word libvirt_discards[] = {{"unmap", 1}, {"ignore", 0}, {NULL, 0}};
const struct vmf_vendor_word libvirt_links[] = {{"up", 1}, {"down", 0}, {NULL, 0}};
const struct vmf_vendor_word libvirt_tpms[] = {
    {"2.0", VMF_TPM_2_0}, {"1.2", VMF_TPM_1_2}, {NULL, 0}};
const struct vmf_vendor_word libvirt_clocks[] = {
    {"utc", VMF_CLOCK_UTC}, {"localtime", VMF_CLOCK_LOCALTIME}, {NULL, 0}};

/* QEMU's "lsilogic" is the 53C895A, that of VMware and VirtualBox the 53C1030:
 * another driver. */
const struct vmf_vendor_name libvirt_scsi_models[] = {
    {"lsilogic", "lsi53c895a"},
    {"lsisas1068", "lsisas1068"},
    {"vmpvscsi", "pvscsi"},
    {"virtio-scsi", "virtio-scsi"},
    {"virtio-transitional", "virtio-scsi"},
    {"virtio-non-transitional", "virtio-scsi"},
    {"lsisas1078", "lsisas1078"},
    {"ibmvscsi", "ibmvscsi"},
    {"am53c974", "am53c974"},
    {"dc390", "dc390"},
    {NULL, NULL},
};

const struct vmf_vendor_name libvirt_same[] = {{NULL, NULL}};

const struct vmf_vendor_name libvirt_nic_models[] = {
    {"e1000", "e1000"},
    {"e1000e", "e1000e"},
    {"virtio", "virtio"},
    {"virtio-transitional", "virtio"},
    {"virtio-non-transitional", "virtio"},
    {"vmxnet3", "vmxnet3"},
    {"rtl8139", "rtl8139"},
    {"pcnet", "pcnet32"},
    {"vlance", "pcnet32"},
    {NULL, NULL},
};

const struct vmf_vendor_name libvirt_sounds[] = {
    {"ich6", "hda"},      {"ich9", "hda"},  {"ac97", "ac97"},
    {"es1370", "es1370"}, {"sb16", "sb16"}, {NULL, NULL},
};

/* Of <driver type>, where its name is not vmferry's. */
const struct vmf_vendor_name libvirt_disk_formats[] = {
    {"raw", "raw"}, {"aio", "raw"}, {"iso", "raw"}, {NULL, NULL}};

const struct vmf_vendor_name libvirt_boot_devices[] = {
    {"hd", "disk"}, {"cdrom", "cdrom"}, {"network", "network"}, {"fd", "floppy"}, {NULL, NULL}};

const struct vmf_vendor_name libvirt_cpu_modes[] = {
    {"host-passthrough", "host"}, {"maximum", "max"}, {"host-model", "host-model"}, {NULL, NULL}};

bool libvirt_by_target(const struct vmf_machine *machine, const struct vmf_machine_disk *disk)
{
  static const char *const single[] = {"lsisas1068", "lsisas1078", "pvscsi", "am53c974", "dc390"};
  const struct vmf_machine_controller *controller =
      vmf_machine_controller(machine, disk->bus.value, vmf_told_or(disk->controller, 0));

  if (disk->bus.value != VMF_BUS_SCSI || !controller || !controller->model.text)
    return false;
  for (size_t i = 0; i < sizeof single / sizeof *single; i++)
    if (strcmp(single[i], controller->model.text) == 0)
      return true;
  return false;
}

bool libvirt_is_model(const char *text)
{
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

  return *text && text[strspn(text, letters)] == '\0';
}
