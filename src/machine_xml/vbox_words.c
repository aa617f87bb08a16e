/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * VirtualBox's words, for reading and writing. */
#include "vbox_hardware.h"

const struct vmf_vbox_controller vmf_vbox_controllers[] = {
    {"PIIX4", VMF_BUS_IDE, "piix4", 2},
    {"PIIX3", VMF_BUS_IDE, "piix3", 2},
    {"ICH6", VMF_BUS_IDE, "ich6", 2},
    {"AHCI", VMF_BUS_SATA, "ahci", 30},
    {"LsiLogic", VMF_BUS_SCSI, "lsilogic", 16},
    {"BusLogic", VMF_BUS_SCSI, "buslogic", 16},
    {"LsiLogicSas", VMF_BUS_SCSI, "lsisas1068", 255},
    {"VirtioSCSI", VMF_BUS_SCSI, "virtio-scsi", 256},
    {"NVMe", VMF_BUS_NVME, "nvme", 255},
    {"USB", VMF_BUS_USB, NULL, 8},
    {"I82078", VMF_BUS_FLOPPY, NULL, 2},
    {NULL, VMF_BUS_IDE, NULL, 0},
};

const struct vmf_vendor_word vmf_vbox_flags[] = {
    {"true", 1}, {"false", 0}, {"1", 1}, {"0", 0}, {NULL, 0}};
const struct vmf_vendor_word vmf_vbox_clocks[] = {
    {"local", VMF_CLOCK_LOCALTIME}, {"UTC", VMF_CLOCK_UTC}, {NULL, 0}};
const struct vmf_vendor_word vmf_vbox_tpms[] = {
    {"None", VMF_TPM_NONE}, {"v1_2", VMF_TPM_1_2}, {"v2_0", VMF_TPM_2_0}, {NULL, 0}};

/* Of a serial port. */
const struct vmf_vendor_word vmf_vbox_backends[] = {
    {"Disconnected", VMF_BACKEND_NONE}, {"RawFile", VMF_BACKEND_FILE},
    {"HostPipe", VMF_BACKEND_PIPE},     {"HostDevice", VMF_BACKEND_DEVICE},
    {"TCP", VMF_BACKEND_TCP},           {NULL, 0}};

const struct vmf_vendor_name vmf_vbox_cards[] = {
    {"82540EM", "e1000"},
    {"82545EM", "e1000"},
    {"82543GC", "e1000"},
    {"82574", "e1000e"},
    {"82583V", "e1000e"},
    {"Am79C973", "pcnet32"},
    {"Am79C970A", "pcnet32"},
    {"Am79C960", "pcnet32"},
    {"virtio", "virtio"},
    {"NE2000", "ne2k_isa"},
    {NULL, NULL},
};

const struct vmf_vendor_name vmf_vbox_sounds[] = {
    {"HDA", "hda"}, {"AC97", "ac97"}, {"SB16", "sb16"}, {"Virtio-Sound", "virtio"}, {NULL, NULL}};

const struct vmf_vendor_name vmf_vbox_videos[] = {{"VBoxSVGA", "vbox"}, {"VBoxVGA", "vbox"},
                                                  {"VMSVGA", "vmvga"},  {"QemuRamFB", "ramfb"},
                                                  {"None", "none"},     {NULL, NULL}};

const struct vmf_vendor_name vmf_vbox_boot_devices[] = {{"HardDisk", "disk"},
                                                        {"DVD", "cdrom"},
                                                        {"Network", "network"},
                                                        {"Floppy", "floppy"},
                                                        {NULL, NULL}};
