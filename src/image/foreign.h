/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is neither read nor written as a disk: known by its bytes, so that it is not taken for a raw
 * disk, and by the suffix of a name, so that a raw disk is not written under it. The latter,
 * vmf_suffix_meaning, is declared in the public header. */
#ifndef VMF_IMAGE_FOREIGN_H
#define VMF_IMAGE_FOREIGN_H

#include "format.h"

struct vmf_foreign {
  const char *name;    /* "VDI" */
  const char *unpacks; /* the program that unpacks it; NULL: it is not packed */
};

/* What the content is, or NULL. */
const struct vmf_foreign *vmf_foreign_find(const struct vmf_probe *probe);

#endif
