/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Proxmox VE's qemu-server.conf: the tables that reading and writing share, and the parts of both.
 */
#ifndef FORMATS_PROXMOX_PROXMOX_H
#define FORMATS_PROXMOX_PROXMOX_H

#include "conf_properties.h"
#include "conf_text.h"
#include "machine_format.h"

#define PROXMOX_NAME "proxmox" /* of the format; vendor of its extras */

enum {
  PROXMOX_DRIVES = 64, /* of all buses */
  PROXMOX_NICS = 32,
  PROXMOX_PORTS = 4,             /* serial0 to 3; parallel0 to 2 */
  PROXMOX_SILENT_MEMORY = 512,   /* MiB, of a file without memory */
  PROXMOX_MOST_MEMORY = 1 << 30, /* MiB */
  PROXMOX_LSI_UNITS = 7,         /* of one adapter, where scsihw is lsi */
  PROXMOX_KEY = 32,              /* bytes of a key, with NUL */
};

/* ---- tables ---- */

/* A word of Proxmox and one of the model. */
struct proxmox_word {
  const char *proxmox, *model;
};
extern const struct proxmox_word proxmox_adapters[], proxmox_nics[], proxmox_videos[],
    proxmox_sounds[]; /* end with NULL */
const char *proxmox_word_read(const struct proxmox_word *words, const char *proxmox);
const char *proxmox_word_written(const struct proxmox_word *words, const char *model);

struct proxmox_bus {
  const char *name; /* in keys: "scsi" of "scsi3" */
  enum vmf_bus bus;
  unsigned drives;   /* numbers 0 to drives - 1 */
  const char *model; /* of its controllers; NULL: scsihw tells it, or nothing does */
};
extern const struct proxmox_bus proxmox_buses[]; /* ends with name NULL */

/* Whether Proxmox is known to have a setting of this name (without its number), or a property of
 * such a one. */
bool proxmox_key_known(const char *key);
bool proxmox_property_known(const char *name);
bool proxmox_key_secret(const char *key);

/* ---- reading ---- */

/* A device by its key, for the order of starting and for snapshots. */
struct proxmox_device {
  char key[PROXMOX_KEY];
  bool nic;
  size_t index; /* in the machine's disks or nics */
};

struct proxmox_reader {
  const struct vmf_machine_source *source;
  struct conf_text text;
  const struct conf_section *section; /* the one that the machine is read from */
  struct vmf_machine *machine;
  struct proxmox_device devices[PROXMOX_DRIVES + PROXMOX_NICS];
  size_t device_count;
};

/* The setting, which has its place now; NULL: none. */
struct conf_setting *proxmox_take(struct proxmox_reader *reader, const char *key);

/* A finding at a setting. */
#define proxmox_odd(reader, setting, rule, ...)                                                    \
  vmf_report_add((reader)->text.report, VMF_SEVERITY_WARNING, rule, (reader)->text.name,           \
                 (setting)->line, __VA_ARGS__)

/* VMF_CORRUPT: "vm.conf:7: KEY is "VALUE"; accepted: ...". */
VMF_MUST_CHECK enum vmf_code proxmox_refuse(const struct proxmox_reader *reader,
                                            const struct conf_setting *setting,
                                            const char *accepted, struct vmf_error *error);

/* The properties of a setting; a failure names it. */
VMF_MUST_CHECK enum vmf_code proxmox_split(const struct proxmox_reader *reader,
                                           const struct conf_setting *setting, const char *first,
                                           struct conf_properties *properties,
                                           struct vmf_error *error);

/* A flag among properties; one that is none is told, and stays without a place. */
void proxmox_take_flag(struct proxmox_reader *reader, const struct conf_setting *setting,
                       struct conf_properties *properties, const char *name,
                       struct vmf_told_number *told);

/* What of them has no place, as extras "KEY.NAME". */
VMF_MUST_CHECK enum vmf_code proxmox_leave(struct proxmox_reader *reader,
                                           const struct conf_setting *setting,
                                           const struct conf_properties *properties,
                                           struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code proxmox_read_system(struct proxmox_reader *reader,
                                                 struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code proxmox_read_drives(struct proxmox_reader *reader,
                                                 struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code proxmox_read_cards(struct proxmox_reader *reader,
                                                struct vmf_error *error);
/* Behind those: what refers to them. */
VMF_MUST_CHECK enum vmf_code proxmox_read_boot(struct proxmox_reader *reader,
                                               struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code proxmox_read_snapshots(struct proxmox_reader *reader,
                                                    struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code proxmox_read(const struct vmf_machine_source *source,
                                          struct vmf_machine *machine, struct vmf_report *report,
                                          struct vmf_error *error);

#endif
