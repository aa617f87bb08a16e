/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * VMware's .vmx: the tables that reading and writing share, and the parts of both. */
#ifndef VMX_H
#define VMX_H

#include "machine_format.h"
#include "vmware.h"
#include "vmx_text.h"

#define VMX_NAME "vmx" /* of the format; vendor of its extras */

enum {
  VMX_CPUS = 768,
  VMX_CARDS = 10,        /* ethernet0 to 9 */
  VMX_SERIAL_PORTS = 4,  /* serial0 to 3 */
  VMX_PARALLEL_PORTS = 3 /* parallel0 to 2 */
};

/* ---- tables ---- */

struct vmx_bus {
  const char *name; /* in keys: "scsi" of "scsi0:1.fileName" */
  enum vmf_bus bus;
  unsigned controllers, units;
  const char *model; /* of all its controllers; NULL: virtualDev tells it */
  bool implied;      /* a controller has no key of its own: it is there with its disks */
};
extern const struct vmx_bus vmx_buses[];    /* ends with name NULL */
extern const char *const vmx_scsi_models[]; /* of virtualDev; ends with NULL */

/* A setting that is a field of the machine as it stands. */
struct vmx_scalar {
  const char *key;
  enum vmf_field_kind kind; /* TEXT, FLAG, NUMBER */
  size_t offset;            /* in struct vmf_machine */
};
extern const struct vmx_scalar vmx_scalars[]; /* ends with key NULL */

/* What is on the board of each machine from that hardware on; without the PCIe ports there is no
 * place for PCIe cards, and the machine does not start. */
enum { VMX_BOARD_HARDWARE = 7 };
struct vmx_board {
  const char *key, *value;
};
extern const struct vmx_board vmx_board[]; /* ends with key NULL */

/* VMware's words, in any case, and the model's; end with own NULL. */
extern const struct vmf_vendor_name vmx_card_models[], vmx_sounds[];

/* Whether a key is one that VMware is known to write. */
bool vmx_key_known(const char *key);

/* ---- what a key tells ---- */

/* A key that names a device: "scsi0:1.fileName" is scsi, 0, 1, fileName. */
struct vmx_place {
  char name[16]; /* small letters: "scsi" */
  uint64_t controller, unit;
  bool has_unit;
  const char *attribute; /* points into the key */
};
bool vmx_place_of(const char *key, struct vmx_place *place);

/* guestOS to the row of the table and the processor; NULL: unknown. */
const struct vmf_guest_os *vmx_guest_read(const char *guest, enum vmf_arch *arch);
/* The other way round, at least "other" or "other-64"; exact: whether it says all of it. */
void vmx_guest_written(const struct vmf_machine *machine, char *guest, size_t size, bool *exact);
/* The SCSI controller of a guest for which the file names none. */
const char *vmx_guest_scsi(const struct vmf_machine *machine);

/* ---- reading ---- */

struct vmx_reader {
  const struct vmf_machine_source *source;
  struct vmx_text text;
  struct vmf_machine *machine;
  unsigned hardware; /* virtualHW.version; 0: not told */
  /* Which card of the machine ethernetN is, and so on; those that are not present come behind. */
  unsigned cards[VMX_CARDS], serial_ports[VMX_SERIAL_PORTS], parallel_ports[VMX_PARALLEL_PORTS];
};

/* A finding at a setting. */
#define vmx_odd(reader, setting, rule, ...)                                                        \
  vmf_report_add((reader)->text.report, VMF_SEVERITY_WARNING, rule, (reader)->text.name,           \
                 (setting)->line, __VA_ARGS__)

/* The text of a setting, which has its place then; not told where there is none. */
VMF_MUST_CHECK enum vmf_code vmx_read_text(struct vmx_reader *reader, const char *key,
                                           struct vmf_told_text *told, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmx_read_flag(struct vmx_reader *reader, const char *key,
                                           struct vmf_told_number *told, struct vmf_error *error);
/* PREFIX.present; without it `silent`. */
VMF_MUST_CHECK enum vmf_code vmx_read_present(struct vmx_reader *reader, const char *prefix,
                                              bool silent, bool *present, struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code vmx_read_identity(struct vmx_reader *reader, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmx_read_disks(struct vmx_reader *reader, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmx_read_cards(struct vmx_reader *reader, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmx_read_ports(struct vmx_reader *reader, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmx_read_boot(struct vmx_reader *reader, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmx_read_snapshots(struct vmx_reader *reader, struct vmf_error *error);
/* The index of the drive that "scsi0:1" names; false: there is none. */
bool vmx_drive_of(const struct vmf_machine *machine, const char *node, size_t *index);
/* Last: all settings that have no place. */
VMF_MUST_CHECK enum vmf_code vmx_read_extras(struct vmx_reader *reader, struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code vmx_read(const struct vmf_machine_source *source,
                                      struct vmf_machine *machine, struct vmf_report *report,
                                      struct vmf_error *error);

#endif
