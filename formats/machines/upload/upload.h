/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Scripts that upload disks to a platform that takes no machine: what each is called with. */
#ifndef VMF_MACHINES_UPLOAD_H
#define VMF_MACHINES_UPLOAD_H

#include <stddef.h>

/* Lines of a script. In them stand for the disk {file}, {label} (a name by RFC 1123), {gib} (its
 * size, rounded up); for the machine {name}, {memory} (MiB), {firmware} (bios, uefi), {boot}
 * (legacy-bios, uefi), {generation} (V1, V2), {system} (Linux, Windows), {bus}, {nic}. All are
 * quoted for the shell by what expands them. */
struct upload_calls {
  const char *platform;
  const char *needs;      /* variables of the shell that a person sets, blanks between */
  const char *const *say; /* remarks for the person; end with NULL */
  const char *each;       /* for each disk */
  const char *first;      /* for the first one, then; or NULL */
  const char *further;    /* for each other one, then; or NULL */
};

/* Of that platform's row; NULL: there are none. */
const struct upload_calls *upload_calls_of(const char *platform);

#endif
