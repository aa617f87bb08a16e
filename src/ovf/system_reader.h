/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of vmf_ovf_machine: what its files share. */
#ifndef VMF_OVF_SYSTEM_READER_H
#define VMF_OVF_SYSTEM_READER_H

#include "name_list.h"
#include "ovf_machine.h"

/* What became of an item. */
struct vmf_system_item {
  enum vmf_item_fate {
    VMF_ITEM_UNKNOWN, /* its kind is not known here */
    VMF_ITEM_KEPT,    /* of another deployment option, or nothing that a machine has: an extra */
    VMF_ITEM_PART,    /* a part of the machine itself: processors, memory, tpm, sound, ... */
    VMF_ITEM_CONTROLLER,
    VMF_ITEM_DISK,
    VMF_ITEM_NIC,
    VMF_ITEM_PORT,
  } fate;
  size_t place; /* in its list of the machine */
};

struct vmf_system_reader {
  const struct vmf_ovf *ovf;
  const struct vmf_ovf_system *system;
  struct vmf_machine *machine;
  struct vmf_report *report;
  struct vmf_error *error;
  struct vmf_system_item *items; /* of system->items */
  unsigned genid_halves;         /* bit 0: the low one was read, bit 1: the high one */
  struct vmf_names ids;          /* InstanceIDs of the usual items; number: index in items */
};

/* ---- ovf_devices.c ---- */

/* All items; fills reader->items and reader->ids. */
VMF_MUST_CHECK enum vmf_code vmf_system_devices(struct vmf_system_reader *reader);

/* The index of the usual item with that InstanceID, or SIZE_MAX. */
size_t vmf_system_item_of(const struct vmf_system_reader *reader, const char *instance);

/* ---- ovf_settings.c ---- */

enum vmf_setting {
  VMF_SETTING_UNKNOWN,
  VMF_SETTING_KNOWN, /* and nothing that a machine has */
  VMF_SETTING_MAPPED,
};

/* A vmw:Config of the machine, or of items[item] (SIZE_MAX: the machine). */
VMF_MUST_CHECK enum vmf_code vmf_system_setting(struct vmf_system_reader *reader, size_t item,
                                                const char *key, const char *value, unsigned line,
                                                enum vmf_setting *setting);

/* "true", "1", "false", "0", in any case; false: something else. */
bool vmf_system_flag(const char *text, bool *flag);

/* ---- vmx_keys.c ---- */

/* A vmw:ExtraConfig. *taken is false where it is no key of those that a machine has. */
VMF_MUST_CHECK enum vmf_code vmf_system_vmx_key(struct vmf_system_reader *reader, const char *key,
                                                const char *value, unsigned line, bool *taken);
/* Behind the last: what was half there becomes an extra. */
VMF_MUST_CHECK enum vmf_code vmf_system_vmx_keys_end(struct vmf_system_reader *reader);

/* ---- ovf_vbox.c ---- */

/* What of <vbox:Machine> the standard's elements do not say. */
VMF_MUST_CHECK enum vmf_code vmf_system_vbox(struct vmf_system_reader *reader,
                                             const xmlNode *machine);

/* ---- ovf_rest.c ---- */

/* The settings among the sections, and everything that has no place in a machine. */
VMF_MUST_CHECK enum vmf_code vmf_system_rest(struct vmf_system_reader *reader);

#endif
