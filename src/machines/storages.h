/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The storages of a server, whose volumes a machine names ("nfs:100/vm-100-disk-0.qcow2"): which
 * files they are, as a person says it ("nfs=/mnt/pve/nfs"). */
#ifndef VMF_MACHINES_STORAGES_H
#define VMF_MACHINES_STORAGES_H

#include "open_machines.h"

/* VMF_USAGE: one is no NAME=DIR, or its folder is none. */
VMF_MUST_CHECK enum vmf_code vmf_storages_check(const char *const *storages,
                                                struct vmf_error *error);

/* Opens the file of a disk that is on such a storage; nothing leads out of its folder.
 * *folder, fresh: that, which its chain may use, too. *format: as the server takes it, which goes
 * by the name alone. */
VMF_MUST_CHECK enum vmf_code vmf_storages_open(const struct vmf_machines *machines,
                                               const struct vmf_machine_disk *disk,
                                               struct vmf_io **io, char **folder,
                                               const char **format, struct vmf_error *error);

/* The storages that the machine's disks are on and nobody named, for a message: "local-lvm, nfs".
 * "": none. */
void vmf_storages_missing(const struct vmf_machine *machine, char *text, size_t size);

#endif
