/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Hyper-V's machines: what their configurations have in common, whether VMCX or XML. */
#ifndef FORMATS_HYPERV_HYPERV_H
#define FORMATS_HYPERV_HYPERV_H

#include "hyperv_tree.h"
#include "machine_format.h"

#define HYPERV_NAME "hyperv" /* of the format; vendor of its extras */

/* Classes of virtual devices that have a place in the machine. */
#define HYPERV_BIOS "ac6b8dc1-3257-4a70-b1b2-a9c9215659ad"
#define HYPERV_IDE "83f8638b-8dca-4152-9eda-2ca8b33039b4"
#define HYPERV_SCSI "d422512d-2bf2-4752-809d-7b82b5fcb1b4"
#define HYPERV_FLOPPY "8f0d2762-0b00-4e04-af4f-19010527cb93"
#define HYPERV_NIC "2fc216b0-d2e2-4967-9b6d-b8a5c9ca2778"
#define HYPERV_SERIAL "8e3a359f-559a-4b6a-98a9-1690a6100ed7"
#define HYPERV_STATE "917bd8cb-3bb6-4124-9383-b7d21ac07f79"

/* Secure boot's keys, by the id that a configuration has and the name that PowerShell takes. */
#define HYPERV_WINDOWS_KEYS "1734c6e8-3154-4dda-ba5f-a874cc483422"
#define HYPERV_OTHER_KEYS "272e7447-90a4-4563-a4b9-8e4ab00526ce"

struct hyperv_device {
  char *node;       /* owned: "_1bc9500e-..._", in small letters */
  char class[40];   /* "2fc216b0-...", in any case */
  const char *name; /* as the manifest has it; NULL: it does not; of the tree */
};

struct hyperv_reader {
  const struct vmf_machine_source *source;
  struct hyperv_tree tree;
  struct vmf_machine *machine;
  struct vmf_report *report;
  bool efi;                      /* generation 2 */
  struct hyperv_device *devices; /* in the order of the manifest */
  size_t device_count, device_room;
};

/* ---- looking; what is found has its place from then on ---- */

/* The key at a path, printf; NULL: there is none, or it is a node. */
struct hyperv_key *hyperv_take(struct hyperv_reader *reader, const char *path, ...)
    __attribute__((format(printf, 2, 3)));

/* A finding at a key. */
#define hyperv_odd(reader, key, rule, ...)                                                         \
  vmf_report_add((reader)->report, VMF_SEVERITY_WARNING, rule, (reader)->source->name,             \
                 (key)->line, __VA_ARGS__)

/* A key that is a number up to `most`, or a flag; NULL: nothing happens. Another value is told, and
 * stays without a place. */
void hyperv_number(struct hyperv_reader *reader, struct hyperv_key *key, uint64_t most,
                   struct vmf_told_number *told);
void hyperv_flag(struct hyperv_reader *reader, struct hyperv_key *key,
                 struct vmf_told_number *told);

/* A text; an empty one is not told. NULL is allowed. */
VMF_MUST_CHECK enum vmf_code hyperv_text(struct hyperv_reader *reader, const struct hyperv_key *key,
                                         struct vmf_told_text *told, struct vmf_error *error);

/* The first device of that class; NULL: none. */
const struct hyperv_device *hyperv_device_of(const struct hyperv_reader *reader, const char *class);

/* Whether the format knows what a key means; *usual: its value is what every machine has, or only
 * means something on the host that it was on. */
bool hyperv_known(const struct hyperv_key *key, bool *usual);

/* ---- the parts ---- */

VMF_MUST_CHECK enum vmf_code hyperv_xml_keys(const struct vmf_machine_source *source,
                                             struct vmf_report *report, struct hyperv_tree *tree,
                                             struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code hyperv_read_devices(struct hyperv_reader *reader,
                                                 struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code hyperv_read_system(struct hyperv_reader *reader,
                                                struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code hyperv_read_drives(struct hyperv_reader *reader,
                                                struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code hyperv_read_cards(struct hyperv_reader *reader,
                                               struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code hyperv_read(const struct vmf_machine_source *source,
                                         struct vmf_machine *machine, struct vmf_report *report,
                                         struct vmf_error *error);

#endif
