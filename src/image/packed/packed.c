/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Disks that are packed as a whole: whether one is, and is to be unpacked. */
#include <inttypes.h>
#include <string.h>

#include "archived.h"
#include "file.h"
#include "image.h"
#include "memory.h"
#include "unpack.h"

/* "raw.xz", as -f says it. */
static enum vmf_code take_named(const struct vmf_io *io, const char *format,
                                const struct vmf_packing *named, const struct vmf_packing *found,
                                char **inner, struct vmf_error *error)
{
  if (named != found)
    return vmf_fail(error, VMF_CORRUPT, "%s: -f %s: the content is not packed by %s, as that says",
                    io->name, format, vmf_packing_name(named));
  return vmf_copy_bytes(format, (size_t)(strrchr(format, '.') - format), inner, error);
}

/* Of a fixed VHD the guest has the first bytes: its last ones say what it is. */
static bool is_disk(struct vmf_io *io)
{
  const struct vmf_format *format;
  return io->device || vmf_format_suffixed(io->name) ||
         (!vmf_io_is_stream(io) && vmf_probe_io(io, &format, NULL) == VMF_OK && format);
}

/* Of a file that is called like a packed one so little is left that nothing else can be meant. */
static enum vmf_code check_cut(struct vmf_io *io, struct vmf_error *error)
{
  const struct vmf_packing *called = vmf_packing_suffixed(io->name);
  bool cut = false;

  if (called)
    VMF_TRY(vmf_packing_is_cut(io, called, &cut, error));
  if (!cut)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: ends at byte %" PRIu64
                  ", before it is told as %s data: what wrote it ended too early, or it was cut "
                  "short on its way",
                  io->name, io->size, vmf_packing_name(called));
}

enum vmf_code vmf_packed_find(struct vmf_io *io, const char *format,
                              const struct vmf_packing **packing, char **inner,
                              struct vmf_error *error)
{
  const struct vmf_packing *named = format ? vmf_packing_suffixed(format) : NULL;

  *packing = NULL;
  *inner = NULL;
  if (named && !vmf_format_find(format)) {
    VMF_TRY(vmf_packing_of(io, packing, error));
    return take_named(io, format, named, *packing, inner, error);
  }
  if (format && !vmf_packing_suffixed(io->name))
    return VMF_OK; /* not even looked at: of a disk that is salvaged no byte need be readable */
  VMF_TRY(vmf_packing_of(io, packing, error));
  if (format ? vmf_packing_suffixed(io->name) != *packing : *packing && is_disk(io))
    *packing = NULL;
  if (!*packing)
    VMF_TRY(check_cut(io, error));
  return *packing && format ? vmf_copy_text(format, inner, error) : VMF_OK;
}

/* What was unpacked is packed once more, and no format says that this is what is wanted. */
static enum vmf_code check_inside(struct vmf_io *io, const struct vmf_packing *packing,
                                  const char *inner, struct vmf_error *error)
{
  const struct vmf_packing *again = NULL;

  if (!inner)
    VMF_TRY(vmf_packing_of(io, &again, error));
  if (!again)
    return VMF_OK;
  return vmf_fail(
      error, VMF_REFUSED,
      "%s: is packed by %s, and what it holds is packed by %s: one of them is unpacked, "
      "not both; unpack it with %s, and name the result",
      io->name, vmf_packing_name(packing), vmf_packing_name(again), vmf_packing_command(packing));
}

/* Takes over `packed`. */
static enum vmf_code unpack(struct vmf_io *packed, const struct vmf_packing *packing,
                            const struct vmf_image_options *options, struct vmf_io **io,
                            struct vmf_error *error)
{
  const struct vmf_unpack_options unpack = {.max_bytes = options->max_bytes,
                                            .threads = options->threads,
                                            .pass = options->in_order,
                                            .folder = options->spool_folder,
                                            .cancel = options->cancel,
                                            .log = options->log,
                                            .progress = options->progress,
                                            .progress_data = options->progress_data};

  *io = NULL;
  return vmf_io_is_stream(packed) ? vmf_unpack_stream(packed, packing, &unpack, io, error)
                                  : vmf_unpack_file(packed, packing, &unpack, io, error);
}

/* Content that only begins like packed data, under a name that does not say so. */
static enum vmf_code tell_raw(const char *name, const struct vmf_packing *packing,
                              struct vmf_error *error)
{
  const struct vmf_error why = *error;

  if (vmf_packing_suffixed(name) == packing ||
      (why.code != VMF_CORRUPT && why.code != VMF_UNSUPPORTED))
    return why.code;
  return vmf_fail(error, why.code, "%s; if it is a raw disk all the same, say -f raw", why.text);
}

enum vmf_code vmf_packed_open(struct vmf_io **io, const struct vmf_image_options *options,
                              char **inner, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  const struct vmf_packing *packing;
  enum vmf_code code = vmf_packed_find(*io, options->format, &packing, inner, error);

  if (code == VMF_OK && packing)
    code = vmf_copy_text((*io)->name, &name, error);
  if (name) {
    code = unpack(*io, packing, options, io, error);
    if (code == VMF_OK)
      code = check_inside(*io, packing, *inner, error);
    else if (!options->format && error)
      code = tell_raw(name, packing, error);
  }
  if (code != VMF_OK)
    vmf_io_close(*io);
  return code;
}

/* Takes over io. */
static enum vmf_code unpack_found(struct vmf_io *packed, const struct vmf_image_options *options,
                                  struct vmf_io **io, struct vmf_error *error)
{
  const struct vmf_packing *packing = NULL;
  enum vmf_code code = vmf_packing_of(packed, &packing, error);

  if (code == VMF_OK && !packing)
    code = vmf_fail(error, VMF_CORRUPT, "%s: is not packed", packed->name);
  if (code == VMF_OK)
    return unpack(packed, packing, options, io, error);
  vmf_io_close(packed);
  return code;
}

enum vmf_code vmf_image_open_packed(const char *path, const char *member,
                                    const struct vmf_cancel *cancel, struct vmf_image **image,
                                    struct vmf_error *error)
{
  const struct vmf_image_options options = {.size = sizeof options,
                                            .format = "raw",
                                            .disk = member,
                                            .no_chain = true,
                                            .ignore_locks = true,
                                            .no_cache = true,
                                            .cancel = cancel};
  struct vmf_image_origin origin = {.io = NULL};

  *image = NULL;
  VMF_TRY(vmf_io_open_file(path, false, &origin.io, error));
  vmf_io_transient(origin.io);
  VMF_TRY(unpack_found(origin.io, &options, &origin.io, error));
  return member ? vmf_archive_open(origin.io, &options, image, error)
                : vmf_image_open_origin(&origin, &options, image, error);
}
