/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is neither read nor written as a disk: known by its bytes, so that it is not taken for a raw
 * disk, and by the suffix of a name, so that a raw disk is not written under it. The latter,
 * vmf_suffix_meaning, is declared in the public header. */
#ifndef VMF_IMAGE_FOREIGN_H
#define VMF_IMAGE_FOREIGN_H

#include "format.h"

enum vmf_foreign_kind {
  VMF_FOREIGN_DISK,   /* disks, or what holds some, of a kind that is not read */
  VMF_FOREIGN_TAR,    /* an archive: read where it holds a disk or a package, and is not one here */
  VMF_FOREIGN_PACKED, /* `advice` is the program that unpacks it to standard output */
  VMF_FOREIGN_OTHER,  /* no disk at all */
  VMF_FOREIGN_EMPTY,  /* no bytes */
};

struct vmf_foreign {
  const char *name; /* "VHDX" */
  enum vmf_foreign_kind kind;
  const char *advice; /* what to do with it, for a person; NULL: nothing, it is plainly no disk */
};

/* What the content is, or NULL. */
const struct vmf_foreign *vmf_foreign_find(const struct vmf_probe *probe);

/* The same for what programs and people write as text: configurations, web pages. */
const struct vmf_foreign *vmf_foreign_text(const struct vmf_probe *probe);

/* What content that nothing else knows seems to be, as "a text in JSON"; or NULL. A raw disk may
 * begin like that, too: it does not speak against a name. */
const char *vmf_foreign_guess(const struct vmf_probe *probe);

/* VMF_REFUSED or VMF_UNSUPPORTED, with what the content is and what to do. */
VMF_MUST_CHECK enum vmf_code vmf_foreign_refuse(const struct vmf_io *io,
                                                const struct vmf_foreign *foreign,
                                                struct vmf_error *error);

#endif
