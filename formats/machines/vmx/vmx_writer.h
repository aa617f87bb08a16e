/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The text of a .vmx while it is written. */
#ifndef VMX_WRITER_H
#define VMX_WRITER_H

#include "name_list.h"
#include "vmx.h"

/* Where a drive of the machine is in what is written. */
struct vmx_seat {
  const struct vmx_bus *bus; /* NULL: a floppy drive, or none where it is left out */
  unsigned controller, unit;
  bool left_out;
};

struct vmx_writer {
  const struct vmf_machine *machine;
  const struct vmf_machine_target *target;
  const struct vmf_machine_losses *losses;
  unsigned hardware; /* virtualHW.version */
  bool from_vmware;  /* the machine was one before */
  char *text;        /* owned */
  size_t length, room;
  struct vmf_names keys;   /* written ones, in small letters; line 1: its value is TRUE */
  struct vmf_names hidden; /* devices that were kept though they were not in the machine: "scsi0:1";
                            * line 1: .present is TRUE, but that of the controller is not */
  struct vmx_seat *seats;  /* of machine->disks; owned */
};

/* KEY = "VALUE", escaped; the key printf. */
VMF_MUST_CHECK enum vmf_code vmx_put(struct vmx_writer *writer, struct vmf_error *error,
                                     const char *value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
VMF_MUST_CHECK enum vmf_code vmx_put_number(struct vmx_writer *writer, struct vmf_error *error,
                                            uint64_t value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
VMF_MUST_CHECK enum vmf_code vmx_put_flag(struct vmx_writer *writer, struct vmf_error *error,
                                          bool value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A flag that is told, or nothing. */
VMF_MUST_CHECK enum vmf_code vmx_put_told_flag(struct vmx_writer *writer, struct vmf_error *error,
                                               struct vmf_told_number value, const char *format,
                                               ...) __attribute__((format(printf, 4, 5)));
/* What the machine has kept of that key, or else the value. */
VMF_MUST_CHECK enum vmf_code vmx_put_kept(struct vmx_writer *writer, struct vmf_error *error,
                                          const char *value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Fills writer->hidden. */
VMF_MUST_CHECK enum vmf_code vmx_find_hidden(struct vmx_writer *writer, struct vmf_error *error);

/* The kept setting of that key, printf; NULL: none, or it is one of a device that was not there. */
const char *vmx_kept(const struct vmx_writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define vmx_lose(writer, weight, code, why, ...)                                                   \
  vmf_machine_lose((writer)->losses, VMF_LOSS_##weight, code, why, __VA_ARGS__)

/* Fills writer->seats: as in the machine where VMware has that, else the next that is free. */
VMF_MUST_CHECK enum vmf_code vmx_seat_disks(struct vmx_writer *writer, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmx_write_disks(struct vmx_writer *writer, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmx_write_cards(struct vmx_writer *writer, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmx_write_ports(struct vmx_writer *writer, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmx_write_boot(struct vmx_writer *writer, struct vmf_error *error);
/* Last: what was kept and is not written yet. */
VMF_MUST_CHECK enum vmf_code vmx_write_extras(struct vmx_writer *writer, struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code vmx_write(const struct vmf_machine *machine,
                                       const struct vmf_machine_target *target,
                                       const struct vmf_machine_losses *losses, char **text,
                                       size_t *length, struct vmf_error *error);

/* The first bytes of a name as displayName has it: a '%' that would be read as one of vSphere's
 * escapes is written as one. */
enum { VMX_NAME_BYTES = 255, VMX_DISPLAY_NAME = 3 * VMX_NAME_BYTES + 1 };
void vmx_display_name(const char *name, size_t length, char out[VMX_DISPLAY_NAME]);

/* VMware's own range for fixed addresses is 00:50:56:00:00:00 to 00:50:56:3f:ff:ff. */
bool vmx_is_fixed_range(const char *mac);

#endif
