/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The OVF environment (DSP0243, section 11; DSP8027): what the guest is told of how it was
 * installed. */
#ifndef VMF_OVF_ENVIRONMENT_H
#define VMF_OVF_ENVIRONMENT_H

#include "model.h"

enum { VMF_ENVIRONMENT_BYTES = 4 << 20 /* a document has no more */ };

/* Whether the hardware of a system asks for a way on which the guest gets it ("iso",
 * "com.vmware.guestInfo"; in any case: it is written in several). */
bool vmf_ovf_transport(const struct vmf_ovf_system *system, const char *name);

/* The document of a system, a fresh text: its properties and those of the collection that it is in,
 * and the properties of its siblings. locale: "de_DE", or NULL. *text is NULL where there is
 * nothing to tell. VMF_LIMIT: it would be longer than VMF_ENVIRONMENT_BYTES. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_environment(const struct vmf_ovf *ovf, size_t system,
                                                 const char *locale, char **text,
                                                 struct vmf_error *error);

#endif
