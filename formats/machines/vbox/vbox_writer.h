/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A .vbox while it is written: settings of version 1.19, which VirtualBox writes from 7.0 on as
 * long as they can say all of a machine. */
#ifndef VMF_MACHINES_VBOX_WRITER_H
#define VMF_MACHINES_VBOX_WRITER_H

#include "keeping.h"
#include "machine_format.h"
#include "vbox_hardware.h"

#define VBOX_HARDWARE "Machine/Hardware"
#define VBOX_STORAGE VBOX_HARDWARE "/StorageControllers"

enum {
  VBOX_CPUS = 64,
  VBOX_CARDS = 8, /* with the chipset that a machine has by default */
  VBOX_SERIAL_PORTS = 4,
  VBOX_PARALLEL_PORTS = 2,
  VBOX_SEATS = 32,       /* controllers */
  VBOX_SEAT_PORTS = 256, /* of one */
};

/* A controller in the target. */
struct vbox_seat {
  const struct vmf_vbox_controller *kind;
  uint64_t index; /* of the source's on its bus (IDE: 0) */
  bool used[VBOX_SEAT_PORTS];
  unsigned ports;  /* told by the source; 0: as many as are used */
  size_t position; /* among the source's controllers; behind all: it has none such */
};

/* Where a disk is in the target. */
struct vbox_place {
  bool dropped;
  size_t seat;
  unsigned port; /* of IDE and floppy drives: two a channel */
};

struct vbox_writing {
  struct vmf_keeping keeping;
  const struct vmf_machine *machine;
  const struct vmf_machine_target *target;
  const struct vmf_machine_losses *losses;
  bool silent; /* it was a machine with such settings: what it does not say is what they take */
  struct vbox_seat *seats; /* owned, in the order in which they are written */
  size_t seat_count;
  struct vbox_place *places; /* owned; of machine->disks */
};

/* "{6ba7b810-...}" */
enum { VBOX_UUID = 40 };
void vbox_uuid_text(const uint8_t uuid[16], char text[VBOX_UUID]);

/* Whether it is a hard disk with an image; a CD or floppy can be without. */
bool vbox_is_hard(const struct vbox_writing *writing, size_t disk);
/* That of the image: the one inside of a hard disk's; that of a medium, which has none, follows
 * from the machine's. */
void vbox_image_uuid(const struct vbox_writing *writing, size_t disk, char text[VBOX_UUID]);

/* Chooses a controller and a place for each drive, and tells what differs. */
VMF_MUST_CHECK enum vmf_code vbox_seat_drives(struct vbox_writing *writing,
                                              struct vmf_error *error);
/* How many controllers of one kind there are at most. */
unsigned vbox_most_of_a_kind(const struct vbox_writing *writing);

void vbox_write_system(struct vbox_writing *writing);
void vbox_write_cards(struct vbox_writing *writing);
void vbox_write_devices(struct vbox_writing *writing);
void vbox_write_storage(struct vbox_writing *writing);

enum vmf_code vbox_write(const struct vmf_machine *machine, const struct vmf_machine_target *target,
                         const struct vmf_machine_losses *losses, char **text, size_t *length,
                         struct vmf_error *error);

#endif
