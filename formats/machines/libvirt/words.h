/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * libvirt's words for the neutral machine's, one table for reading and writing;
 * and the names that its schema knows. */
#ifndef VMF_MACHINES_LIBVIRT_WORDS_H
#define VMF_MACHINES_LIBVIRT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "vendor_words.h"

struct vmf_machine;
struct vmf_machine_disk;

/* The most that is read, and written. */
enum {
  LIBVIRT_ORDER = 65535, /* of booting */
  LIBVIRT_VLAN = 4095,
  LIBVIRT_MTU = 262144,
  LIBVIRT_QUEUES = 65535,
  LIBVIRT_INDEX = 65535, /* of a controller */
  LIBVIRT_PORTS = 65535,
  LIBVIRT_HEADS = 65535,
};

extern const struct vmf_vendor_word libvirt_archs[], libvirt_buses[], libvirt_media[],
    libvirt_controllers[], libvirt_backends[], libvirt_discards[], libvirt_links[], libvirt_tpms[],
    libvirt_clocks[];
extern const struct vmf_vendor_name libvirt_scsi_models[], libvirt_nic_models[], libvirt_sounds[],
    libvirt_disk_formats[], libvirt_boot_devices[], libvirt_cpu_modes[],
    libvirt_same[]; /* same: none is translated */

/* "yes", "on": 1; "no", "off": 0. */
extern const struct vmf_vendor_word libvirt_switch[];

/* Whether the disks of its controller are targets of their own, each with unit
 * 0, as the adapters are that QEMU gives no further units; else units of target
 * 0, as libvirt numbers them. */
bool libvirt_by_target(const struct vmf_machine *machine, const struct vmf_machine_disk *disk);

/* Whether a text can be the name of a card: letters, digits, '-' and '_'. */
bool libvirt_is_model(const char *text);

/* Whether the schema has an element, an attribute, of that name anywhere. */
bool libvirt_knows_element(const char *name);
bool libvirt_knows_attribute(const char *name, size_t length);

#endif
