/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A domain XML while it is written. */
#ifndef VMF_MACHINES_LIBVIRT_WRITING_H
#define VMF_MACHINES_LIBVIRT_WRITING_H

#include "keeping.h"
#include "machine_format.h"
#include "words.h"

/* Where a disk is in the target. */
struct libvirt_place {
  enum vmf_bus bus;
  uint64_t controller, unit;
  bool placed;  /* controller and unit are chosen: not on a bus that has none */
  bool dropped; /* it has no content that could be written, or no place */
};

struct libvirt_writing {
  struct vmf_keeping keeping;
  const struct vmf_machine *machine;
  const struct vmf_machine_target *target;
  const struct vmf_machine_losses *losses;
  bool q35, x86;
  char type[64];                /* of machine: "q35" */
  struct libvirt_place *places; /* owned; of machine->disks */
};

/* ---- the parts ---- */

void libvirt_write_system(struct libvirt_writing *writing);
void libvirt_write_cpu(struct libvirt_writing *writing);
/* Chooses a bus, a controller and a unit for each disk, and tells what differs. */
VMF_MUST_CHECK enum vmf_code libvirt_place_disks(struct libvirt_writing *writing,
                                                 struct vmf_error *error);
/* Whether a controller of the machine is one in the target. */
bool libvirt_has_controller(const struct libvirt_writing *writing,
                            const struct vmf_machine_controller *controller);
void libvirt_write_disks(struct libvirt_writing *writing);
void libvirt_write_nics(struct libvirt_writing *writing);
void libvirt_write_devices(struct libvirt_writing *writing);

VMF_MUST_CHECK enum vmf_code libvirt_write(const struct vmf_machine *machine,
                                           const struct vmf_machine_target *target,
                                           const struct vmf_machine_losses *losses, char **text,
                                           size_t *length, struct vmf_error *error);

#endif
