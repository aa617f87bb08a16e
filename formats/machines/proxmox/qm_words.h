/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Words of a shell's command line, as POSIX has them (XCU 2.2): written so that nothing in them
 * means anything to it, and read of what was written so. */
#ifndef FORMATS_PROXMOX_QM_WORDS_H
#define FORMATS_PROXMOX_QM_WORDS_H

#include <stdio.h>

#include "error.h"

/* In single quotes; control characters but line ends become '?'. */
void qm_put_word(FILE *out, const char *text);

/* The next word, its quotes undone, and what is behind it in *at: a fresh string, or NULL at the
 * end. A variable stays as it is called: "$PWD". */
VMF_MUST_CHECK enum vmf_code qm_take_word(const char **at, char **word, struct vmf_error *error);

#endif
