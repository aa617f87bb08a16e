/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A domain XML while it is read. */
#ifndef VMF_MACHINES_LIBVIRT_READING_H
#define VMF_MACHINES_LIBVIRT_READING_H

#include "machine_format.h"
#include "taking.h"
#include "words.h"

/* ---- looking: elements of libvirt's own, which have no namespace ---- */

xmlNode *libvirt_child(const xmlNode *parent, const char *name); /* NULL: none, or parent is NULL */
xmlNode *libvirt_next(const xmlNode *element);                   /* of the same name */

/* The guest system in libosinfo's metadata; NULL: it is not said. */
#define LIBVIRT_LIBOSINFO "http://libosinfo.org/xmlns/libvirt/domain/1.0"
xmlNode *libvirt_libosinfo(const xmlNode *domain);

/* Bytes of a unit, of "KiB" where none is said; powers of 1000 end in B, all others are of 1024. 0:
 * unknown. */
uint64_t libvirt_unit(const char *unit);

/* ---- the parts ---- */

VMF_MUST_CHECK enum vmf_code libvirt_read_system(const struct vmf_taking *reading,
                                                 const xmlNode *domain, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code libvirt_read_cpu(const struct vmf_taking *reading,
                                              const xmlNode *domain, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code libvirt_read_disks(const struct vmf_taking *reading,
                                                const xmlNode *devices, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code libvirt_read_nics(const struct vmf_taking *reading,
                                               const xmlNode *devices, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code libvirt_read_devices(const struct vmf_taking *reading,
                                                  const xmlNode *devices, struct vmf_error *error);
/* What libvirt itself refuses, and could not be written again. */
VMF_MUST_CHECK enum vmf_code libvirt_check(const struct vmf_taking *reading,
                                           struct vmf_error *error);

extern const struct vmf_vocabulary libvirt_vocabulary;

#endif
