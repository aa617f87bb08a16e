/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A virtual system of a descriptor as a neutral machine. */
#ifndef VMF_OVF_OVF_MACHINE_H
#define VMF_OVF_OVF_MACHINE_H

#include "machine_format.h"
#include "model.h"

/* Fills a fresh machine from ovf->systems[system], which is no collection, as it is when nobody
 * chooses a deployment option. Every element of the system and of the sections that it needs is
 * mapped, or an extra of the vendor "ovf". The image of a disk is the name of its file, %-escapes
 * resolved, in the package (in_container); a disk without a file has a capacity and no image. What
 * is odd goes to the report. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_machine(const struct vmf_ovf *ovf, size_t system,
                                             struct vmf_machine *machine, struct vmf_report *report,
                                             struct vmf_error *error);

/* The read of a machine format: the only machine of a descriptor. VMF_USAGE: there are several;
 * VMF_CORRUPT: there is none. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_machine_read(const struct vmf_machine_source *source,
                                                  struct vmf_machine *machine,
                                                  struct vmf_report *report,
                                                  struct vmf_error *error);

/* What the subtype of a controller says, a list of words; false: nothing that is known, and the bus
 * is that of its type. */
bool vmf_ovf_controller_of(const struct vmf_ovf_item *item, enum vmf_bus *bus, const char **model);
/* The same of a network card; NULL: nothing that is known. */
const char *vmf_ovf_nic_of(const struct vmf_ovf_item *item);

#endif
