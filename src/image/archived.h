/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Disks in a tar archive that is no package: GCE's disk.raw, the box of libvirt and Vagrant. */
#ifndef VMF_IMAGE_ARCHIVED_H
#define VMF_IMAGE_ARCHIVED_H

#include "image.h"

/* The disk of the archive that options->disk names, or the only one: found by the names of the
 * members or, where they say nothing, by their content. What it names can only be another member.
 * Takes over io, also on failure. VMF_USAGE lists the members when it cannot be told. */
VMF_MUST_CHECK enum vmf_code vmf_archive_open(struct vmf_io *io,
                                              const struct vmf_image_options *options,
                                              struct vmf_image **image, struct vmf_error *error);

#endif
