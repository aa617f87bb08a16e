/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include <stddef.h>

#include "vmx.h"

/* In the order in which disks are taken. scsi: unit 7 is the controller's own; pvscsi has 64 units
 * from hardware 14 on. */
const struct vmx_bus vmx_buses[] = {
    {"scsi", VMF_BUS_SCSI, 4, 65, NULL, false},   {"nvme", VMF_BUS_NVME, 4, 64, "nvme", false},
    {"sata", VMF_BUS_SATA, 4, 30, "ahci", false}, {"ide", VMF_BUS_IDE, 2, 2, NULL, true},
    {NULL, VMF_BUSES, 0, 0, NULL, false},
};

const char *const vmx_scsi_models[] = {"lsilogic", "lsisas1068", "pvscsi", "buslogic", NULL};

#define SCALAR(key, kind, member)                                                                  \
  {                                                                                                \
    key, VMF_FIELD_##kind, offsetof(struct vmf_machine, member)                                    \
  }
const struct vmx_scalar vmx_scalars[] = {
    SCALAR("annotation", TEXT, description),
    SCALAR("nvram", TEXT, nvram),
    SCALAR("vcpu.hotadd", FLAG, cpu_hotadd),
    SCALAR("mem.hotadd", FLAG, memory_hotadd),
    SCALAR("vhv.enable", FLAG, nested),
    SCALAR("usb.present", FLAG, usb1),
    SCALAR("ehci.present", FLAG, usb2),
    SCALAR("usb_xhci.present", FLAG, usb3),
    SCALAR("svga.vramSize", NUMBER, video_memory),
    SCALAR("svga.numDisplays", NUMBER, video_heads),
    SCALAR("mks.enable3d", FLAG, video_3d),
    SCALAR("bios.bootDelay", NUMBER, boot_delay),
    {NULL, VMF_FIELD_TEXT, 0},
};

#define PCIE_PORT(number)                                                                          \
  {"pciBridge" number ".present", "TRUE"}, {"pciBridge" number ".virtualDev", "pcieRootPort"},     \
  {                                                                                                \
    "pciBridge" number ".functions", "8"                                                           \
  }
const struct vmx_board vmx_board[] = {
    {"pciBridge0.present", "TRUE"},
    PCIE_PORT("4"),
    PCIE_PORT("5"),
    PCIE_PORT("6"),
    PCIE_PORT("7"),
    {"vmci0.present", "TRUE"},
    {"hpet0.present", "TRUE"},
    {NULL, NULL},
};

const struct vmf_vendor_name vmx_card_models[] = {
    {"vlance", "pcnet32"}, {"e1000", "e1000"},     {"e1000e", "e1000e"},
    {"vmxnet", "vmxnet"},  {"vmxnet3", "vmxnet3"}, {NULL, NULL},
};

const struct vmf_vendor_name vmx_sounds[] = {
    {"hdaudio", "hda"}, {"es1371", "es1371"}, {"sb16", "sb16"}, {NULL, NULL}};
