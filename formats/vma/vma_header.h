/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the parts of an archive's header stand, bytes. */
#ifndef FORMATS_VMA_VMA_HEADER_H
#define FORMATS_VMA_VMA_HEADER_H

#include "vma.h"

enum {
  VMA_VERSION = 1,
  VMA_MD5_AT = 32,
  VMA_CONFIG_NAMES_AT = 2044,
  VMA_CONFIG_DATA_AT = 3068,
  VMA_DEVICES_AT = 4096,
  VMA_DEVICE_ENTRY = 32,
  VMA_BLOB_HEAD = 2,
  VMA_FIRST_BLOB = 1, /* a pointer of 0 means none */
};

/* Cluster numbers have 32 bits. */
#define VMA_DEVICE_SIZE_MAX ((uint64_t)VMA_CLUSTER << 32)

/* A name of the kind that Proxmox VE gives: files may be called by it. */
bool vma_name_is_plain(const char *name);

#endif
