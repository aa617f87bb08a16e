/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Elements that the standard does not have: what the rules say of them and what a conversion does
 * with them is one decision. */
#ifndef VMF_OVF_EXTENSION_H
#define VMF_OVF_EXTENSION_H

#include "model.h"

/* What an element that is not known here asks for. VMF_SEVERITY_VIOLATION: whoever does not know it
 * has to refuse the package; VMF_SEVERITY_WARNING: it can be left as it is, but some product may
 * refuse it; VMF_SEVERITY_NOTE: nothing.
 * own: it is in the envelope's vocabulary; among_sections: it stands where sections do, not inside
 * of one; required: ovf:required, true when not written. */
enum vmf_severity vmf_extension_severity(const xmlNode *element, bool own, bool among_sections,
                                         bool required);

/* Strings and their Msg: a bundle may be in a namespace of its own, as VMware's early tools have
 * it, even under a prefix that they forgot to declare. */
bool vmf_extension_is_bundle(const xmlNode *element);

#endif
