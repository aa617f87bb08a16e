/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Words of Proxmox VE, and what it is known to write. */
#include <string.h>

#include "proxmox.h"
#include "text.h"

/* scsihw; virtio-scsi-single is virtio-scsi with an adapter for each disk. */
const struct proxmox_word proxmox_adapters[] = {{"lsi", "lsi53c895a"},
                                                {"lsi53c810", "lsi53c810"},
                                                {"virtio-scsi-pci", "virtio-scsi"},
                                                {"virtio-scsi-single", "virtio-scsi"},
                                                {"megasas", "lsisas1078"},
                                                {"pvscsi", "pvscsi"},
                                                {NULL, NULL}};

const struct proxmox_word proxmox_nics[] = {
    {"virtio", "virtio"},       {"e1000", "e1000"},         {"e1000e", "e1000e"},
    {"e1000-82540em", "e1000"}, {"e1000-82544gc", "e1000"}, {"e1000-82545em", "e1000"},
    {"vmxnet3", "vmxnet3"},     {"rtl8139", "rtl8139"},     {"pcnet", "pcnet32"},
    {"ne2k_pci", "ne2k_pci"},   {"ne2k_isa", "ne2k_isa"},   {"i82551", "i82551"},
    {"i82557b", "i82557b"},     {"i82559er", "i82559er"},   {NULL, NULL}};

const struct proxmox_word proxmox_videos[] = {
    {"std", "vga"}, {"cirrus", "cirrus"}, {"vmware", "vmvga"}, {"virtio", "virtio"},
    {"qxl", "qxl"}, {"none", "none"},     {NULL, NULL}};

const struct proxmox_word proxmox_sounds[] = {
    {"ich9-intel-hda", "hda"}, {"intel-hda", "hda"}, {"AC97", "ac97"}, {NULL, NULL}};

const struct proxmox_bus proxmox_buses[] = {{"ide", VMF_BUS_IDE, 4, NULL},
                                            {"sata", VMF_BUS_SATA, 6, "ahci"},
                                            {"scsi", VMF_BUS_SCSI, 31, NULL},
                                            {"virtio", VMF_BUS_VIRTIO, 16, NULL},
                                            {NULL, VMF_BUS_IDE, 0, NULL}};

/* Settings without a place in the machine, their numbers left out. */
static const char *const keys[] = {"acpi",
                                   "affinity",
                                   "agent",
                                   "allow-ksm",
                                   "amd-sev",
                                   "args",
                                   "autostart",
                                   "balloon",
                                   "boot",
                                   "cicustom",
                                   "cipassword",
                                   "citype",
                                   "ciupgrade",
                                   "ciuser",
                                   "cpu",
                                   "cpulimit",
                                   "cpuunits",
                                   "digest",
                                   "efidisk",
                                   "freeze",
                                   "hookscript",
                                   "hostpci",
                                   "hotplug",
                                   "hugepages",
                                   "intel-tdx",
                                   "ipconfig",
                                   "ivshmem",
                                   "keephugepages",
                                   "keyboard",
                                   "kvm",
                                   "lock",
                                   "machine",
                                   "meta",
                                   "migrate_downtime",
                                   "migrate_speed",
                                   "nameserver",
                                   "net",
                                   "numa",
                                   "parent",
                                   "protection",
                                   "reboot",
                                   "rng",
                                   "running-nets-host-mtu",
                                   "runningcpu",
                                   "runningmachine",
                                   "scsihw",
                                   "searchdomain",
                                   "serial",
                                   "shares",
                                   "smbios",
                                   "snapstate",
                                   "snaptime",
                                   "spice_enhancements",
                                   "sshkeys",
                                   "startdate",
                                   "startup",
                                   "tags",
                                   "tdf",
                                   "template",
                                   "tpmstate",
                                   "unused",
                                   "usb",
                                   "vga",
                                   "virtiofs",
                                   "vlan",
                                   "vmstate",
                                   "vmstatestorage",
                                   "watchdog",
                                   NULL};

static const char *const properties[] = {"aio",
                                         "audiodev",
                                         "backup",
                                         "base64",
                                         "bps",
                                         "bps_max_length",
                                         "bps_rd",
                                         "bps_rd_max_length",
                                         "bps_wr",
                                         "bps_wr_max_length",
                                         "clipboard",
                                         "cyls",
                                         "detect_zeroes",
                                         "discard",
                                         "down",
                                         "driver",
                                         "efitype",
                                         "enable-s3",
                                         "enable-s4",
                                         "family",
                                         "file",
                                         "firewall",
                                         "format",
                                         "guest-phys-bits",
                                         "heads",
                                         "hidden",
                                         "hv-vendor-id",
                                         "host_mtu",
                                         "import-from",
                                         "iops",
                                         "iops_max",
                                         "iops_max_length",
                                         "iops_rd",
                                         "iops_rd_max",
                                         "iops_rd_max_length",
                                         "iops_wr",
                                         "iops_wr_max",
                                         "iops_wr_max_length",
                                         "iothread",
                                         "legacy",
                                         "manufacturer",
                                         "mbps",
                                         "mbps_max",
                                         "mbps_rd",
                                         "mbps_rd_max",
                                         "mbps_wr",
                                         "mbps_wr_max",
                                         "media",
                                         "memory",
                                         "model",
                                         "ms-cert",
                                         "mtu",
                                         "order",
                                         "phys-bits",
                                         "pre-enrolled-keys",
                                         "product",
                                         "queues",
                                         "rate",
                                         "replicate",
                                         "reported-model",
                                         "rerror",
                                         "ro",
                                         "scsiblock",
                                         "secs",
                                         "serial",
                                         "shared",
                                         "size",
                                         "sku",
                                         "snapshot",
                                         "ssd",
                                         "trans",
                                         "trunks",
                                         "type",
                                         "up",
                                         "uuid",
                                         "vendor",
                                         "version",
                                         "viommu",
                                         "aw-bits",
                                         "werror",
                                         "wwn",
                                         NULL};

static const char *const secrets[] = {"cipassword", NULL};

/* Whether `text`, or all of it but digits at its end, is in the list. */
static bool listed(const char *const *list, const char *text)
{
  size_t length = strlen(text);

  while (length > 0 && text[length - 1] >= '0' && text[length - 1] <= '9')
    length--;
  for (; *list; list++)
    if (strcmp(*list, text) == 0 || (strlen(*list) == length && strncmp(*list, text, length) == 0))
      return true;
  return false;
}

bool proxmox_key_known(const char *key)
{
  return listed(keys, key);
}

bool proxmox_property_known(const char *name)
{
  return listed(properties, name);
}

bool proxmox_key_secret(const char *key)
{
  return listed(secrets, key);
}

const char *proxmox_word_read(const struct proxmox_word *words, const char *proxmox)
{
  for (; words->proxmox; words++)
    if (vmf_text_equal_nocase(words->proxmox, proxmox))
      return words->model;
  return NULL;
}

const char *proxmox_word_written(const struct proxmox_word *words, const char *model)
{
  for (; words->proxmox; words++)
    if (strcmp(words->model, model) == 0)
      return words->proxmox;
  return NULL;
}
