/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The parent of an image that tells its id and not its name, or whose name leads nowhere. */
#ifndef VMF_IMAGE_PARENT_SEARCH_H
#define VMF_IMAGE_PARENT_SEARCH_H

#include "image.h"

/* Looks at the files in the image's folder, and in those that may be used (--allow-ref), for the
 * one that its driver's check_parent accepts; nothing that they name is opened. *name: by which
 * vmf_open_reference opens it; vmf_free. VMF_CORRUPT: there is none; VMF_REFUSED: there are
 * several; VMF_LIMIT: more files than are looked at. */
VMF_MUST_CHECK enum vmf_code vmf_parent_search(const struct vmf_image *child, char **name,
                                               struct vmf_error *error);

#endif
