/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A descriptor made to fit a platform by splices: family, controllers, cards and units that it does
 * not take become such as it does; all else stays byte for byte. */
#ifndef VMF_OVF_EDIT_OVF_FIT_H
#define VMF_OVF_EDIT_OVF_FIT_H

#include "model.h"
#include "profile.h"

/* Whether that can be done; else a new descriptor has to be composed: for another version of OVF,
 * networks that are not listed, more controllers of a kind than there may be, EFI firmware or
 * secure boot on hardware that has none, and where the platform asks for more. */
bool vmf_ovf_can_fit(const struct vmf_ovf *ovf, const struct vmf_platform *platform);

/* Notes the changes of a descriptor that can be. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_fit(const struct vmf_ovf *ovf,
                                         const struct vmf_platform *platform,
                                         struct vmf_xml_edit *edit, struct vmf_error *error);

#endif
