/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Images whose bytes the caller has open: by a descriptor, or by functions. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "archived.h"
#include "caller.h"
#include "file.h"
#include "image.h"
#include "memory.h"
#include "source_io.h"

static enum vmf_code refuse_reference(struct vmf_opener *opener, const char *name,
                                      enum vmf_reference reference, struct vmf_io **io,
                                      struct vmf_error *error)
{
  (void)opener;
  (void)reference;
  *io = NULL;
  return vmf_fail(error, VMF_REFUSED,
                  "an image that was given open names the file \"%.160s\", and has no folder with "
                  "such: open it by its path",
                  name);
}

static struct vmf_opener no_files = {.open = refuse_reference};

/* Takes over io. */
static enum vmf_code open_given(struct vmf_io *io, const struct vmf_image_options *options,
                                struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own = *options;
  struct vmf_image_origin origin = {.io = io, .members = &no_files};
  VMF_AUTO_FREE char *inner = NULL;

  VMF_TRY(vmf_packed_open(&origin.io, options, &inner, error));
  if (inner)
    own.format = inner;
  if ((own.disk || !own.format) && vmf_probe_archive(origin.io))
    return vmf_archive_open(origin.io, &own, image, error);
  return vmf_image_open_origin(&origin, &own, image, error);
}

enum vmf_code vmf_image_open_descriptor(int descriptor, const char *name,
                                        const struct vmf_image_options *options,
                                        struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own;
  char number[32];
  struct vmf_io *io;

  VMF_REQUIRE(image, error);
  *image = NULL;
  VMF_TRY(vmf_take_image_options(options, &own, error));
  snprintf(number, sizeof number, "descriptor %d", descriptor);
  if (!name)
    name = number;
  int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (copy < 0)
    return vmf_fail_errno(error, VMF_USAGE, "%s: is not an open descriptor (%d)", name, descriptor);
  VMF_TRY(vmf_io_from_descriptor(copy, name, !own.ignore_locks, &io, error));
  return open_given(io, &own, image, error);
}

enum vmf_code vmf_image_open_source(const struct vmf_source *source,
                                    const struct vmf_image_options *options,
                                    struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own;
  struct vmf_source given;
  struct vmf_io *io;

  VMF_REQUIRE(image, error);
  *image = NULL;
  VMF_REQUIRE(source, error);
  VMF_TRY(vmf_take_source(source, &given, error));
  VMF_REQUIRE(given.name, error);
  VMF_REQUIRE(given.read, error);
  VMF_TRY(vmf_take_image_options(options, &own, error));
  VMF_TRY(vmf_io_source(&given, &io, error));
  return open_given(io, &own, image, error);
}
