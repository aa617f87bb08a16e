/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The structure rules of a descriptor's own version (DSP0243 and its schema DSP8023), as tables:
 * element order, required attributes and children, unique ids, references that lead somewhere. */
#ifndef VMF_OVF_RULES_RULES_H
#define VMF_OVF_RULES_RULES_H

#include "model.h"

/* Tells every breach to `report`: VMF_SEVERITY_VIOLATION where consumers fail, VMF_SEVERITY_WARNING
 * where they do not (facts: InstanceId, order of RASD children, ...). Files are not looked at. */
VMF_MUST_CHECK enum vmf_code vmf_rules_check(const struct vmf_ovf *ovf, struct vmf_report *report,
                                             struct vmf_error *error);

/* libxml2's validation against the DMTF schema files in `folder` (dsp8023_*.xsd and what they
 * import; no network). Each complaint of the schema is a VMF_SEVERITY_VIOLATION "schema".
 * VMF_SYSTEM when the folder has no schema for the descriptor's version. */
VMF_MUST_CHECK enum vmf_code vmf_schema_check(const struct vmf_ovf *ovf, const char *folder,
                                              struct vmf_report *report, struct vmf_error *error);

#endif
