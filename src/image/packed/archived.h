/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Disks in a tar archive: GCE's disk.raw, the box of libvirt and Vagrant; those of a package are
 * left to the layer that knows what a package is. */
#ifndef VMF_IMAGE_ARCHIVED_H
#define VMF_IMAGE_ARCHIVED_H

#include "image.h"
#include "tar.h"

/* Whether a descriptor is in it; what macOS leaves beside one ("._vm.ovf") is none. */
bool vmf_archive_holds_package(const struct vmf_tar *tar);

/* Such a disk: the one that options->disk names, or the only one: found by the names of the
 * members or, where they say nothing, by their content. What it names can only be another member.
 * Takes over io, also on failure. VMF_USAGE lists the members when it cannot be told. */
VMF_MUST_CHECK enum vmf_code vmf_archive_open(struct vmf_io *io,
                                              const struct vmf_image_options *options,
                                              struct vmf_image **image, struct vmf_error *error);

/* The same for an archive that holds a descriptor, and so is a package: its manifest counts, by
 * options->trust. It is defined above this layer, in package/verify, as whoever opens an image
 * cannot know what a pipe or a packed file will turn out to hold. */
VMF_MUST_CHECK enum vmf_code vmf_archive_open_package(struct vmf_io *io,
                                                      const struct vmf_image_options *options,
                                                      struct vmf_image **image,
                                                      struct vmf_error *error);

#endif
