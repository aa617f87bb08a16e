/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Machines with their disks, open: those that one file describes, in whatever format, or a package
 * holds. */
#ifndef VMF_MACHINES_OPEN_MACHINES_H
#define VMF_MACHINES_OPEN_MACHINES_H

#include "image.h"
#include "machine_format.h"
#include "package.h"

struct vmf_machines {
  struct vmf_image_options options;   /* what they point to lives as long as this */
  struct vmf_install_options install; /* what is chosen of the package */
  char *path;
  const struct vmf_machine_format *format; /* NULL: a package */
  struct vmf_package *package;             /* or NULL */
  struct vmf_image *container;             /* the file that holds text and disks; or NULL */
  bool input;                              /* all of it comes on standard input */
  bool arriving; /* the container comes on a stream, and is only a list as long as it is not stored
                  */
  struct vmf_machine **list;
  size_t count, room;
};

/* The machine in an io that holds its text and its disks (XVA, VMA): *io is taken over then, also
 * on failure, and NULL. Of any other *machines is NULL, and *io stays. */
VMF_MUST_CHECK enum vmf_code vmf_machines_open_io(struct vmf_io **io,
                                                  const struct vmf_image_options *options,
                                                  struct vmf_machines **machines,
                                                  struct vmf_error *error);

/* Whether anything of the package is chosen. */
static inline bool vmf_machines_installed(const struct vmf_machines *machines)
{
  return machines->install.deployment || machines->install.property_count > 0;
}

/* The container is not taken from its stream as it comes: it is stored, and can be looked into. */
VMF_MUST_CHECK enum vmf_code vmf_machines_store(struct vmf_machines *machines,
                                                struct vmf_error *error);

/* The index in package->ovf of the virtual system that a machine is. */
size_t vmf_machines_system(const struct vmf_machines *machines, size_t machine);

/* The format's name, "ovf" for a package. */
const char *vmf_machines_format(const struct vmf_machines *machines);

/* The image of a disk, its chain below it, which is closed before the machines; by the policy of
 * opener.h, and where it was moved. VMF_REFUSED: the drive is empty, or what it names is no file of
 * its own. */
VMF_MUST_CHECK enum vmf_code vmf_machines_open_image(struct vmf_machines *machines,
                                                     const struct vmf_machine *machine, size_t disk,
                                                     struct vmf_image **image,
                                                     struct vmf_error *error);

/* The index of the machine of that name, id in its package, or number from 1 on; NULL: the only
 * one. VMF_USAGE lists those that there are. */
VMF_MUST_CHECK enum vmf_code vmf_machines_choose(const struct vmf_machines *machines,
                                                 const char *system, size_t *index,
                                                 struct vmf_error *error);

#endif
