/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a conversion cannot carry over, told each time. */
#ifndef VMF_OVF_LOSSES_H
#define VMF_OVF_LOSSES_H

#include "model.h"

/* What a machine has that no package carries from one vendor to another: the state of a virtual
 * TPM, firmware variables, devices of the host; and what is written better than it was found. */
void vmf_losses_of_machine(const struct vmf_ovf *ovf, struct vmf_report *report);

/* VMF_UNSUPPORTED: an encrypted package, or a section that must be honoured (ovf:required) and that
 * nobody here knows, by its name. Vendors' known extensions are kept as they are. */
VMF_MUST_CHECK enum vmf_code vmf_losses_check(const struct vmf_ovf *ovf, struct vmf_error *error);

#endif
