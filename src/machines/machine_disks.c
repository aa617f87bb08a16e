/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The disks of a machine as images: what the machine names is a reference, as what an image names
 * is, and the same policy decides. */
#include "open_machines.h"

#include <inttypes.h>
#include <string.h>

#include "caller.h"
#include "file.h"
#include "moved.h"
#include "replaced.h"

/* The machine's own text is no disk, whatever format it is said to have. */
static enum vmf_code check_no_text(const struct vmf_machines *machines, const struct vmf_io *io,
                                   struct vmf_error *error)
{
  struct stat text;

  if (stat(machines->path, &text) == 0 && vmf_io_shows_file(io, &text))
    return vmf_fail(error, VMF_REFUSED, "%s: names itself as a disk", machines->path);
  return VMF_OK;
}

static enum vmf_code open_file(const struct vmf_machines *machines,
                               const struct vmf_machine_disk *disk, struct vmf_image **image,
                               struct vmf_error *error)
{
  const struct vmf_image_options *options = &machines->options;
  struct vmf_image_origin origin = {0};
  struct vmf_image_options own = *options;

  if (options->no_refs)
    return vmf_fail(error, VMF_REFUSED,
                    "%s:%u: names the disk \"%.160s\", and --no-refs opens nothing beside the file "
                    "that is named",
                    machines->path, disk->image.line, disk->image.text);
  VMF_TRY(vmf_open_moved(machines->path, disk->image.text, options->allow_refs,
                         !options->ignore_locks, options->log, &origin.io, error));
  enum vmf_code code = check_no_text(machines, origin.io, error);
  if (code != VMF_OK) {
    vmf_io_close(origin.io);
    return code;
  }
  own.format = disk->image_format.text;
  own.snapshot = NULL; /* the machine's: it has chosen the image */
  own.found = NULL;
  return vmf_image_open_origin(&origin, &own, image, error);
}

/* A disk of the file that the machine is in. */
static enum vmf_code open_contained(const struct vmf_machines *machines,
                                    const struct vmf_machine_disk *disk, struct vmf_image **image,
                                    struct vmf_error *error)
{
  struct vmf_image_options own = machines->options;

  own.format = own.snapshot = NULL;
  own.disk = disk->image.text;
  own.random_access = true;
  own.found = NULL;
  return vmf_image_open(machines->path, &own, image, error);
}

enum vmf_code vmf_machines_open_image(struct vmf_machines *machines,
                                      const struct vmf_machine *machine, size_t index,
                                      struct vmf_image **image, struct vmf_error *error)
{
  const struct vmf_machine_disk *disk = &machine->disks[index];

  *image = NULL;
  if (!disk->image.text)
    return vmf_fail(error, VMF_REFUSED, "%s:%u: the drive is empty", machines->path,
                    disk->medium.line);
  if (disk->in_container)
    return open_contained(machines, disk, image, error);
  enum vmf_code code = open_file(machines, disk, image, error);
  if (code != VMF_OK && disk->image.line > 0)
    return vmf_while(error, "%s:%u", machines->path, disk->image.line);
  return code;
}
