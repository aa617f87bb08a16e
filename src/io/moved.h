/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file that an image names by a path of another machine ("C:\VMs\x-flat.vmdk",
 * "/vmfs/volumes/.../x.vmdk"), of another time, or in another case: its last part is looked for in
 * the folders that may be used. What is found there is opened by the policy of opener.h. */
#ifndef VMF_IO_MOVED_H
#define VMF_IO_MOVED_H

#include "log.h"
#include "opener.h"

/* Like vmf_open_reference, but when the file is not where the name says, or may not be there, its
 * last part is tried: in `usual_dirs`, then in the image's folder, then in each of allow_dirs, in
 * each exactly and then without regard to case. Told by a warning. VMF_REFUSED: two names of a
 * folder differ only in case. The image itself is never what it names.
 * usual_dirs: folders by their paths from the image's, where programs that write such a file put
 * what it names ("../Virtual Hard Disks"); no links. What is found there is not told. Like
 * allow_dirs NULL-terminated, or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_open_moved(const char *image_path, const char *name,
                                            const char *const *usual_dirs,
                                            const char *const *allow_dirs, bool check_locks,
                                            const struct vmf_log *log, struct vmf_io **io,
                                            struct vmf_error *error);

#endif
