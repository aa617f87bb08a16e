/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Every writable format, in every shape that its options give. */
#ifndef VMF_TESTS_FORMS_H
#define VMF_TESTS_FORMS_H

#include <string.h>

#include "vmferry.h"

struct form {
  const char *format, *options;
  bool compress;
  bool one_file; /* the file holds all, so it can be compared as a whole */
};

/* Every writable format comes in its default form, from the registry; these are the others. */
static const struct form other_forms[] = {
    {"raw", "preallocation=falloc", false, true},
    {"raw", "preallocation=full", false, true},
    {"qcow2", "compat=0.10", false, true},
    {"qcow2", "cluster_size=512", false, true},
    {"qcow2", "cluster_size=4k,refcount_bits=1", false, true},
    {"qcow2", "cluster_size=2M,refcount_bits=64", false, true},
    {"qcow2", "extended_l2=on,cluster_size=128k", false, true},
    {"qcow2", "preallocation=metadata", false, true},
    {"qcow2", "preallocation=falloc,cluster_size=4k", false, true},
    {"qcow2", "preallocation=full,cluster_size=2M", false, true},
    {"qcow2", NULL, true, true},
    {"qcow2", "compression_level=12,cluster_size=512", true, true},
    {"qcow2", "refcount_bits=1,cluster_size=4k", true, true},
    {"qcow2", "compression_type=zstd,cluster_size=2M", true, true},
    {"qcow2", "compression_type=zstd,compression_level=1", true, true},
    {"vmdk", "subformat=monolithicFlat", false, false},
    {"vmdk", "subformat=twoGbMaxExtentSparse", false, false},
    {"vmdk", "subformat=twoGbMaxExtentFlat", false, false},
    {"vmdk", "subformat=vmfs", false, false},
    {"vmdk", "subformat=streamOptimized", false, true},
    {"vmdk", "subformat=streamOptimized,compression_level=1", false, true},
    {"vmdk", "subformat=streamOptimized,compression_level=12", false, true},
    {"vhd", "subformat=fixed", false, true},
    {"vhdx", "block_size=1M", false, true},
    {"vhdx", "block_size=32M", false, true},
    {"vhdx", "subformat=fixed", false, true},
    {"vdi", "subformat=fixed", false, true},
};
enum { OTHER_FORMS = sizeof(other_forms) / sizeof(other_forms[0]), FORMS_MAX = 128 };

static struct form forms[FORMS_MAX];
static int form_count;

static inline void list_forms(void)
{
  struct vmf_format_info info = {.size = sizeof info};
  for (size_t i = 0; vmf_format_describe(i, &info); i++)
    if (info.writable)
      forms[form_count++] = (struct form){info.name, NULL, false, true};
  memcpy(forms + form_count, other_forms, sizeof(other_forms));
  form_count += OTHER_FORMS;
}

#endif
