/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a person chooses of a package that is installed: its deployment option, and the values of
 * its properties. */
#ifndef VMF_OVF_CHOICE_H
#define VMF_OVF_CHOICE_H

#include "model.h"
#include "vmferry.h"

/* Sets ovf->chosen. VMF_USAGE lists the options that there are. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_choose_option(struct vmf_ovf *ovf,
                                                   const struct vmf_install_options *install,
                                                   struct vmf_error *error);

/* Gives properties the values that are chosen, of all systems that have them. VMF_USAGE: none has
 * it, or it takes no such value, or is not for the one who installs to choose. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_choose_values(struct vmf_ovf *ovf,
                                                   const struct vmf_install_options *install,
                                                   struct vmf_error *error);

/* VMF_USAGE lists the properties of a system, and of the collections that it is in, for which
 * whoever installs it has to give a value: they have none, and do not take an empty one. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_values_missing(const struct vmf_ovf *ovf, size_t system,
                                                    struct vmf_error *error);

#endif
