/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Apple's sparse bundle (libmodi's documentation): a folder with Info.plist, a property list that
 * tells how long the disk and its bands are; "bands", a folder of files, each a band, called by its
 * number in hexadecimal digits; and "token", which is empty unless the bundle is encrypted. A band
 * that is not there, and what a band is too short for, is zeros. */
#ifndef SPARSEBUNDLE_SPARSEBUNDLE_H
#define SPARSEBUNDLE_SPARSEBUNDLE_H

#include "format.h"

#define SPARSEBUNDLE_TYPE "com.apple.diskimage.sparsebundle"

struct sparsebundle_info {
  uint64_t band, size; /* bytes */
};

/* Reads and checks image->io. */
enum vmf_code sparsebundle_read_info(const struct vmf_image *image, struct sparsebundle_info *info,
                                     struct vmf_error *error);

#endif
