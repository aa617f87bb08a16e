/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Properties of a machine: which one a name means, and which values it takes. */
#ifndef VMF_OVF_PROPERTY_H
#define VMF_OVF_PROPERTY_H

#include "model.h"

/* Whether a value is of a type of the standard ("uint8", "string", ...); false also for a type that
 * does not exist. */
bool vmf_property_is_typed(const char *type, const char *value, bool *exists);

/* The full id of a property, "class.key.instance": a fresh string. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_property_id(const struct vmf_ovf_product *product,
                                                 const struct vmf_ovf_property *property, char **id,
                                                 struct vmf_error *error);

/* By its full id, or by its key where only one has it: of the system and of the collections that it
 * is in. VMF_USAGE lists those that there are. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_property_find(const struct vmf_ovf *ovf, size_t system,
                                                   const char *name,
                                                   const struct vmf_ovf_property **property,
                                                   struct vmf_error *error);

/* Whether a value is of the property's type, and within its qualifiers: MinLen, MaxLen, MinValue,
 * MaxValue, ValueMap; also VMware's int(1..5), string(1..9), string["a", "b"] and Ip. VMF_USAGE
 * tells what is accepted. Types and qualifiers that are not known ask for nothing. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_property_check(const struct vmf_ovf_property *property,
                                                    const char *name, const char *value,
                                                    struct vmf_error *error);

#endif
