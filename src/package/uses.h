/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which stored files of a package are read when its disks are: by what the bytes are, not by what
 * an image calls them. */
#ifndef VMF_PACKAGE_USES_H
#define VMF_PACKAGE_USES_H

#include "package.h"

/* Tells a stored file from all others: the file's device and inode; of a member 0 and its place in
 * the archive; of one on another machine the version that was opened. */
struct vmf_stored_key {
  uint64_t device, number;
};

struct vmf_use {
  struct vmf_stored_key key;
  char *name; /* of the member, or the path of the file: for messages; owned */
};

struct vmf_uses {
  struct vmf_use *entries; /* in any order until they are sorted */
  size_t count, capacity;
};

/* The key of an io as vmf_package_open_stored gives it; false: it is no stored file. */
bool vmf_stored_key(const struct vmf_package *package, const struct vmf_io *io,
                    struct vmf_stored_key *key);

VMF_MUST_CHECK enum vmf_code vmf_uses_add(struct vmf_uses *uses, const struct vmf_stored_key *key,
                                          const char *name, struct vmf_error *error);

/* Adds the stored files that an io shows. */
VMF_MUST_CHECK enum vmf_code vmf_uses_add_io(struct vmf_uses *uses,
                                             const struct vmf_package *package,
                                             const struct vmf_io *io, struct vmf_error *error);

/* Adds every file that an image of the package, its parents, extents and data files are in. */
VMF_MUST_CHECK enum vmf_code vmf_uses_add_image(struct vmf_uses *uses,
                                                const struct vmf_package *package,
                                                const struct vmf_image *image,
                                                struct vmf_error *error);

/* Adds a stored file by its name; one that cannot be opened is left out, and *unopened (may be
 * NULL; else set to VMF_OK before) says why. */
VMF_MUST_CHECK enum vmf_code vmf_uses_add_stored(struct vmf_uses *uses, struct vmf_package *package,
                                                 const char *name, struct vmf_error *unopened,
                                                 struct vmf_error *error);

/* Sorts, and keeps one of each. */
void vmf_uses_sort(struct vmf_uses *uses);

/* In sorted ones. */
bool vmf_uses_have(const struct vmf_uses *uses, const struct vmf_stored_key *key);
void vmf_uses_clear(struct vmf_uses *uses);

#endif
