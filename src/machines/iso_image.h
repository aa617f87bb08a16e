/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A CD with one file: ISO 9660 (ECMA-119), level 1, and Joliet for the name as it is. The same
 * bytes for the same content: no dates, no names of programs or hosts. libarchive's writer (tried
 * with 3.6) puts the time of the run into both volume descriptors and a block of its own, which no
 * option takes away, and wants a temporary file in $TMPDIR, which the sandbox does not give. */
#ifndef VMF_MACHINES_ISO_IMAGE_H
#define VMF_MACHINES_ISO_IMAGE_H

#include "error.h"

struct vmf_iso {
  const char *label; /* at most 16 of A to Z, 0 to 9 and "_" */
  const char *name;  /* of the file, ASCII, at most 64 bytes: "ovf-env.xml" */
  const char *plain; /* the same for who reads no Joliet: "OVF_ENV.XML;1" */
  const void *content;
  size_t length; /* bytes, below 2^31 */
};

/* A fresh block of whole sectors. */
VMF_MUST_CHECK enum vmf_code vmf_iso_image(const struct vmf_iso *iso, void **bytes, size_t *size,
                                           struct vmf_error *error);

#endif
