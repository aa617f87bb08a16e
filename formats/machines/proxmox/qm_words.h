/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Words of a shell's command line, read of what vmf_put_shell_word wrote. */
#ifndef FORMATS_PROXMOX_QM_WORDS_H
#define FORMATS_PROXMOX_QM_WORDS_H

#include "error.h"

/* The next word, its quotes undone, and what is behind it in *at: a fresh string, or NULL at the
 * end. A variable stays as it is called: "$PWD". */
VMF_MUST_CHECK enum vmf_code qm_take_word(const char **at, char **word, struct vmf_error *error);

#endif
