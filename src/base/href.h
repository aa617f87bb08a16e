/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Names of files as descriptors and manifests give them: which of them are of the package. */
#ifndef VMF_BASE_HREF_H
#define VMF_BASE_HREF_H

#include <stdbool.h>
#include <stddef.h>

/* "http://host/disk": a place on a network. "file:" is none. */
bool vmf_href_is_remote(const char *href);

/* Why a name, without %-escapes, is no file of the package, as a clause: "is an absolute path";
 * NULL: it may be one. '\' counts as '/', as it does for those who unpack on Windows. */
const char *vmf_href_fault(const char *name, size_t length);

#endif
