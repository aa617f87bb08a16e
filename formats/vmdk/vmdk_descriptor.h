/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A VMDK descriptor as its text says it; nothing is opened or believed here. */
#ifndef FORMATS_VMDK_DESCRIPTOR_H
#define FORMATS_VMDK_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"

enum vmdk_access { VMDK_ACCESS_RW, VMDK_ACCESS_RDONLY, VMDK_ACCESS_NOACCESS };

enum vmdk_extent_type {
  VMDK_TYPE_FLAT,
  VMDK_TYPE_SPARSE,
  VMDK_TYPE_ZERO,
  VMDK_TYPE_VMFS,
  VMDK_TYPE_VMFSSPARSE,
  VMDK_TYPE_SESPARSE,
  VMDK_TYPE_VMFSRDM,
  VMDK_TYPE_VMFSRAW,
};

/* `RW 4192256 SPARSE "disk-s001.vmdk"` */
struct vmdk_extent_line {
  unsigned line; /* from 1 */
  enum vmdk_access access;
  enum vmdk_extent_type type;
  uint64_t sectors;
  uint64_t offset_sectors; /* FLAT */
  char *name;              /* NULL: ZERO */
};

struct vmdk_descriptor {
  uint32_t cid, parent_cid; /* parent_cid: VMDK_CID_NONE without a parent */
  char *create_type;        /* NULL: not given */
  char *parent_hint;        /* parentFileNameHint; NULL: not given */
  struct vmdk_extent_line *extents;
  unsigned extent_count;
};

/* Whether the bytes begin like a descriptor. */
bool vmdk_descriptor_probe(const uint8_t *head, size_t length);

/* Whether there is no text at all: an embedded descriptor of a split disk's extent is zeros. */
bool vmdk_descriptor_empty(const uint8_t *bytes, size_t length);

/* `name`: the file, for messages. On failure the descriptor is partly filled; release follows in
 * any case. */
VMF_MUST_CHECK enum vmf_code vmdk_descriptor_parse(const char *name, const uint8_t *bytes,
                                                   size_t length, const struct vmf_limits *limits,
                                                   struct vmdk_descriptor *descriptor,
                                                   struct vmf_error *error);
void vmdk_descriptor_release(struct vmdk_descriptor *descriptor);

/* "FLAT", "SPARSE", ... */
const char *vmdk_type_name(enum vmdk_extent_type type);

#endif
