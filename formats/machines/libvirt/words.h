/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * libvirt's words for the neutral machine's, one table for reading and writing;
 * and the names that its schema knows. */
#ifndef VMF_MACHINES_LIBVIRT_WORDS_H
#define VMF_MACHINES_LIBVIRT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmf_machine;
struct vmf_machine_disk;

/* A word of libvirt's and the number of an enum; ends with text NULL. Where
 * several words mean the same number, the first is written. */
struct libvirt_word {
  const char *text;
  uint64_t value;
};

/* A word of libvirt's and the neutral name; ends with libvirt NULL. The first
 * one of a neutral name is written. */
struct libvirt_name {
  const char *libvirt, *neutral;
};

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

extern const struct libvirt_word libvirt_archs[], libvirt_buses[], libvirt_media[],
    libvirt_controllers[], libvirt_backends[], libvirt_discards[], libvirt_links[], libvirt_tpms[],
    libvirt_clocks[];
extern const struct libvirt_name libvirt_scsi_models[], libvirt_nic_models[], libvirt_sounds[],
    libvirt_disk_formats[], libvirt_boot_devices[], libvirt_cpu_modes[],
    libvirt_same[]; /* same: none is translated */

/* NULL: the table has it not. */
const struct libvirt_word *libvirt_word_find(const struct libvirt_word *words, const char *text);
const char *libvirt_word_of(const struct libvirt_word *words, uint64_t value);
const char *libvirt_neutral(const struct libvirt_name *names, const char *libvirt);
const char *libvirt_own(const struct libvirt_name *names, const char *neutral);

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
