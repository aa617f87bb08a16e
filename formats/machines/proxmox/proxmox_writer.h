/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The text of a qemu-server.conf while it is written. */
#ifndef FORMATS_PROXMOX_PROXMOX_WRITER_H
#define FORMATS_PROXMOX_PROXMOX_WRITER_H

#include "proxmox.h"

/* Inside of a VMA the configuration has this name, and lines that tie its drives to devices. */
#define PROXMOX_IN_ARCHIVE "qemu-server.conf"

struct proxmox_line {
  char *key, *value; /* owned */
};

struct proxmox_writer {
  const struct vmf_machine *machine;
  const struct vmf_machine_target *target;
  const struct vmf_machine_losses *losses;
  bool in_archive;
  const char *adapter;        /* the model of the SCSI controllers; NULL: none of the machine's */
  char (*seats)[PROXMOX_KEY]; /* of machine->disks: "scsi0"; "": left out; owned */
  struct proxmox_line *lines;
  size_t count, room;
};

/* printf behind a value, which is NULL at first; owned by the caller. */
VMF_MUST_CHECK enum vmf_code proxmox_append(char **value, struct vmf_error *error,
                                            const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The lines of a description. */
VMF_MUST_CHECK enum vmf_code proxmox_append_note(char **text, const char *note,
                                                 struct vmf_error *error);

/* ",NAME=VALUE" for each property of `key` that was kept; without the comma at its beginning. */
VMF_MUST_CHECK enum vmf_code proxmox_append_kept(const struct proxmox_writer *writer,
                                                 const char *key, char **value,
                                                 struct vmf_error *error);

/* `key: value`, unless the value is empty or NULL. */
VMF_MUST_CHECK enum vmf_code proxmox_put(struct proxmox_writer *writer, const char *key,
                                         const char *value, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code proxmox_put_number(struct proxmox_writer *writer, const char *key,
                                                uint64_t value, struct vmf_error *error);
/* A list of properties with those that were kept; takes it over. */
VMF_MUST_CHECK enum vmf_code proxmox_put_list(struct proxmox_writer *writer, const char *key,
                                              char **value, struct vmf_error *error);

#define proxmox_lose(writer, weight, code, why, ...)                                               \
  vmf_machine_lose((writer)->losses, VMF_LOSS_##weight, code, why, __VA_ARGS__)

/* Letters, digits and `others` only, and no more than `most` of them. */
bool proxmox_is_word(const char *text, const char *others, size_t most);

/* Gives each drive its key: as in the machine where Proxmox has that, else the next that is free.
 */
VMF_MUST_CHECK enum vmf_code proxmox_seat_drives(struct proxmox_writer *writer,
                                                 struct vmf_error *error);
/* "drive-scsi0", as a backup calls it. */
VMF_MUST_CHECK enum vmf_code proxmox_disk_name(const struct vmf_machine *machine, size_t disk,
                                               char **name, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code proxmox_write_drives(struct proxmox_writer *writer,
                                                  struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code proxmox_write_cards(struct proxmox_writer *writer,
                                                 struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code proxmox_write_boot(struct proxmox_writer *writer,
                                                struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code proxmox_write_system(struct proxmox_writer *writer,
                                                  struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code proxmox_write(const struct vmf_machine *machine,
                                           const struct vmf_machine_target *target,
                                           const struct vmf_machine_losses *losses, char **text,
                                           size_t *length, struct vmf_error *error);

#endif
