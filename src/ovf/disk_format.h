/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How a descriptor names the formats of disks (Disk/@format), and how they are called as files. */
#ifndef VMF_OVF_DISK_FORMAT_H
#define VMF_OVF_DISK_FORMAT_H

#include <stdbool.h>

#include "error.h"

/* A form of disk that a package may hold, or that stands beside the text of a machine. */
struct vmf_disk_format {
  const char *name;    /* as a person says it: "streamOptimized", "vhd", "qcow2", "raw", ... */
  const char *format;  /* our driver */
  const char *options; /* its create options that make this form; or NULL */
  const char *uri;     /* what is written; NULL: in no package */
  const char *suffix;  /* of the file, without the dot */
};

/* By the name that a person gives ("streamOptimized", "monolithicSparse", "vmdk": streamOptimized,
 * and every writable format with its aliases), case ignored; packed: in a package. NULL: unknown.
 */
const struct vmf_disk_format *vmf_disk_format_find(const char *name, bool packed);

/* All of packages, in turn; NULL behind the last. For help texts. */
const struct vmf_disk_format *vmf_disk_format_at(size_t index);

/* The form that a URI found in a descriptor means, tolerantly (fragments, old addresses, bare
 * words); NULL: unknown. The content of the file counts more than the URI. */
const struct vmf_disk_format *vmf_disk_format_of_uri(const char *uri);

#endif
