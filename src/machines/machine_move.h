/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine on its way into another format: its disks as they are read and as they will be called,
 * its text as it will stand there, and what the target's own reader makes of that. */
#ifndef VMF_MACHINES_MACHINE_MOVE_H
#define VMF_MACHINES_MACHINE_MOVE_H

#include "assemble.h"
#include "loss_report.h"
#include "open_machines.h"

struct vmf_machine_move {
  struct vmf_machines *machines;
  const struct vmf_machine *machine;           /* one of them */
  const struct vmf_machine_target_options *to; /* as the caller gave them */
  const struct vmf_package_target *files;      /* the same, of the files */
  const struct vmf_machine_format *format;     /* NULL: OVF */
  const struct vmf_format *container;          /* what is written is one file; or NULL */
  const struct vmf_disk_format *form;          /* of disks beside the text; NULL: container */
  char *options;                               /* create options of the form */
  struct vmf_destination destination;
  char *folder;                          /* absolute, ends in '/'; NULL: not known */
  struct vmf_image **images;             /* of machine->disks; NULL: the drive is left empty */
  size_t *file_of;                       /* of machine->disks: in assembly.files, or SIZE_MAX */
  struct vmf_machine_target_disk *disks; /* of machine->disks */
  struct vmf_loss_report losses;
  struct vmf_assembly assembly;
  char *text; /* of OVF without the sizes that are known only later */
  size_t text_length;
};

/* Opens the disks, those of packages through the gate. What has no content that can be taken along
 * is told as a loss. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_open(struct vmf_machine_move *move,
                                                   struct vmf_error *error);

/* Puts the cards of `machine`, which is the one that moves, on the networks that are asked for. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_networks(struct vmf_machine *machine,
                                                       const struct vmf_machine_move *move,
                                                       struct vmf_error *error);

/* Names their files. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_name(struct vmf_machine_move *move,
                                                   struct vmf_report *report,
                                                   struct vmf_error *error);

/* Tells as reasons what the machine shares with the others of its source. */
void vmf_machine_move_neighbours(const struct vmf_machine_move *move,
                                 const struct vmf_machine_losses *losses);

/* Makes the text, reads it again and fills the loss report. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_describe(struct vmf_machine_move *move,
                                                       struct vmf_error *error);

/* The text of a package's descriptor; losses NULL: nobody listens. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_compose(const struct vmf_machine_move *move,
                                                      enum vmf_describe how,
                                                      const struct vmf_machine_losses *losses,
                                                      char **text, size_t *length,
                                                      struct vmf_error *error);

void vmf_machine_move_clear(struct vmf_machine_move *move, bool keep_folder);

#endif
