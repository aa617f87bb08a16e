/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine on its way into another format: its disks as they are read and as they will be called,
 * its text as it will stand there, and what the target's own reader makes of that. */
#ifndef VMF_MACHINES_MACHINE_MOVE_H
#define VMF_MACHINES_MACHINE_MOVE_H

#include "assemble.h"
#include "guid.h"
#include "loss_report.h"
#include "open_machines.h"
#include "profile.h"

struct vmf_machine_move {
  struct vmf_machines *machines;
  const struct vmf_machine *read;    /* one of them */
  const struct vmf_machine *machine; /* it, or `fitted` */
  struct vmf_machine *fitted;        /* as a platform takes it; owned; or NULL */
  struct vmf_machine *installed;     /* with what the environment comes by; owned; or NULL */
  char *environment;                 /* the OVF environment; owned; NULL: none */
  bool on_cd;                        /* it comes on one, in the drive environment_drive */
  bool in_text;                      /* it comes in the text of the machine */
  size_t environment_drive;          /* of machine->disks */
  size_t system;                     /* of a package: in its descriptor */
  struct vmf_fit fit;                /* platform.profile NULL: for none */
  const struct vmf_machine_target_options *to; /* as the caller gave them */
  const struct vmf_package_target *files;      /* the same, of the files */
  const struct vmf_machine_format *format;     /* NULL: OVF */
  const struct vmf_format *container;          /* what is written is one file; or NULL */
  const struct vmf_disk_format *form;          /* of disks beside the text; NULL: container */
  struct vmf_disk_format own_form;             /* the platform's */
  char *options;                               /* create options of the form */
  struct vmf_destination destination;
  char *folder;                          /* absolute, ends in '/'; NULL: not known */
  struct vmf_image **images;             /* of machine->disks, media among them; NULL: the drive
                                          * is left empty */
  bool *left_out;                        /* of machine->disks: the person wants it so */
  size_t *file_of;                       /* of machine->disks: in assembly.files, or SIZE_MAX */
  struct vmf_machine_target_disk *disks; /* of machine->disks */
  char **disk_options;                   /* of machine->disks, where each has its own; or NULL */
  uint8_t id[VMF_GUID_SIZE];             /* a fresh one, of a format that needs ids */
  struct vmf_loss_report losses;
  struct vmf_assembly assembly;
  bool together; /* all machines of its source move with it */
  char *text;    /* of OVF without the sizes that are known only later */
  size_t text_length;
};

/* Chooses the format and the form of the disks, by the options and the name of the target. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_target(struct vmf_machine_move *move,
                                                     const char *path, struct vmf_error *error);
/* Whether the path is called like the file of a machine, of whatever format, or is standard output.
 */
bool vmf_machine_move_names_file(const char *path);

/* Whether a package can go there that is called or asked for no other. */
bool vmf_machine_move_names_package(const char *path);

/* What its files are called after, a fresh string. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_called(const struct vmf_machine_move *move,
                                                     char **name, struct vmf_error *error);

/* Finds where it goes; a folder that is named is made. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_place(struct vmf_machine_move *move, const char *path,
                                                    struct vmf_error *error);

/* Finds which disks are to be left out. VMF_UNSUPPORTED names all others whose content is not in a
 * file. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_leave(struct vmf_machine_move *move,
                                                    struct vmf_error *error);

/* Opens the disks, those of packages through the gate. What has no content that can be taken along
 * is told as a loss. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_open(struct vmf_machine_move *move, const char *path,
                                                   struct vmf_error *error);

/* ---- move_taken.c: disks that come on a stream ---- */

/* Whether all disks of the machine can be taken from the stream as they come, in one pass, into
 * what is written at `path`. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_may_take(const struct vmf_machine_move *move,
                                                       const char *path, bool *may,
                                                       struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_machine_move_take(struct vmf_machine_move *move, size_t index,
                                                   struct vmf_error *error);

/* ---- move_install.c: of a package ---- */

/* Makes the OVF environment, and room for it in the machine. VMF_USAGE: a property needs a value,
 * or the target keeps properties as they are. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_install(struct vmf_machine_move *move,
                                                      struct vmf_error *error);
/* Whether a disk of the machine is the drive of the environment's CD; and that CD. */
static inline bool vmf_machine_move_is_environment(const struct vmf_machine_move *move,
                                                   size_t index)
{
  return move->on_cd && index == move->environment_drive;
}
VMF_MUST_CHECK enum vmf_code vmf_machine_move_open_environment(const struct vmf_machine_move *move,
                                                               struct vmf_image **image,
                                                               struct vmf_error *error);
/* "installed": the deployment option and the values that were chosen, without passwords. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_tell_choice(const struct vmf_machine_move *move,
                                                          struct vmf_value *tree,
                                                          struct vmf_error *error);

/* ---- move_media.c: what is in the drives for media ---- */

/* Opens the medium of a drive; what cannot be taken along is told as a loss. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_open_medium(struct vmf_machine_move *move,
                                                          size_t index, struct vmf_error *error);
/* Names its file after the machine and itself: "vm-debian-12.iso". */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_name_medium(struct vmf_machine_move *move,
                                                          size_t index,
                                                          struct vmf_assembly_file *file,
                                                          struct vmf_error *error);
bool vmf_machine_move_has_media(const struct vmf_machine_move *move);
/* Files of media that the target's text, read again as `after`, does not name are not written. */
void vmf_machine_move_leave_media(struct vmf_machine_move *move, const struct vmf_machine *after);

/* ---- move_fit.c: for a platform ---- */

/* The format that a machine is written in where nobody says one; NULL: none is written yet. */
const char *vmf_machine_move_usual(const struct vmf_platform *platform);
/* VMF_USAGE: the platform does not take the format, or there is none and its options are given. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_check_platform(const struct vmf_machine_move *move,
                                                             struct vmf_error *error);
/* Sets form and options of disks that go there without a machine. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_platform_form(struct vmf_machine_move *move,
                                                            struct vmf_error *error);
/* Makes machine and open disks fit. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_fit(struct vmf_machine_move *move,
                                                  struct vmf_error *error);

/* ---- */

/* Puts the cards of `count` machines from `first` on, which move, on the networks that are asked
 * for. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_networks(struct vmf_machines *machines, size_t first,
                                                       size_t count,
                                                       const struct vmf_machine_target_options *to,
                                                       struct vmf_error *error);

/* VMF_USAGE: a disk that is to be left out is none of `count` machines from `first` on. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_check_left(
    const struct vmf_machines *machines, size_t first, size_t count,
    const struct vmf_machine_target_options *to, struct vmf_error *error);

/* Names their files. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_name(struct vmf_machine_move *move,
                                                   struct vmf_report *report,
                                                   struct vmf_error *error);

/* Tells as reasons what the machine shares with the others of its source. */
void vmf_machine_move_neighbours(const struct vmf_machine_move *move,
                                 const struct vmf_machine_losses *losses);

/* "shared-networks": which of them are on the same one. */
VMF_MUST_CHECK enum vmf_code vmf_machine_tell_shared(const struct vmf_machines *machines,
                                                     struct vmf_value *tree,
                                                     struct vmf_error *error);

/* Makes the text, reads it again and fills the loss report. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_describe(struct vmf_machine_move *move,
                                                       struct vmf_error *error);

/* The text of a package's descriptor; losses NULL: nobody listens. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_compose(const struct vmf_machine_move *move,
                                                      enum vmf_describe how,
                                                      const struct vmf_machine_losses *losses,
                                                      char **text, size_t *length,
                                                      struct vmf_error *error);

/* All that comes before the first byte is written, one after the other. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_prepare(struct vmf_machine_move *move,
                                                      const char *path, struct vmf_error *error);

/* The report of losses: its head as a new tree, which belongs to the caller also on failure; and
 * what became of the machine. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_report(const struct vmf_machines *machines,
                                                     struct vmf_value **tree,
                                                     struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_machine_move_losses(const struct vmf_machine_move *move,
                                                     struct vmf_value *tree,
                                                     struct vmf_error *error);

/* VMF_REFUSED, with the words for --strict. */
enum vmf_code vmf_machine_refuse_loss(const char *path, const struct vmf_field_loss *loss,
                                      struct vmf_error *error);

/* VMF_REFUSED: with --strict more is lost than may be. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_check(const struct vmf_machine_move *move,
                                                    struct vmf_error *error);

/* The package as another one, its descriptor but for the files as it is, and fitted to a platform
 * (NULL: none); what that loses joins the report. */
VMF_MUST_CHECK enum vmf_code vmf_machines_keep_package(struct vmf_machines *machines,
                                                       const char *path,
                                                       const struct vmf_machine_target_options *to,
                                                       const struct vmf_package_target *files,
                                                       const struct vmf_platform *platform,
                                                       struct vmf_error *error);

/* All machines of a collection, each into a folder of its own in the folder `path`; they appear
 * together or not at all. */
VMF_MUST_CHECK enum vmf_code vmf_machines_convert_all(struct vmf_machines *machines,
                                                      const char *path,
                                                      const struct vmf_machine_target_options *to,
                                                      const struct vmf_package_target *files,
                                                      const struct vmf_platform *platform,
                                                      struct vmf_error *error);

/* Where the format needs ids: one of the machine, and of a disk, which its image gets by an option
 * of its own. */
VMF_MUST_CHECK enum vmf_code vmf_machine_move_id(struct vmf_machine_move *move,
                                                 struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_machine_move_disk_id(struct vmf_machine_move *move, size_t index,
                                                      struct vmf_error *error);

void vmf_machine_move_clear(struct vmf_machine_move *move, bool keep_folder);

#endif
