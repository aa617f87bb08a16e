/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * uuid.bios, between its text and what the guest prints. */
#ifndef VMX_IDENTITY_H
#define VMX_IDENTITY_H

#include "vmx.h"

enum { VMX_OCTETS_TEXT = 3 * 16 + 1 }; /* with a blank behind, which becomes the NUL, and its NUL */

/* "56 4d 6c 27 96 ea 12 07-6f ..." */
void vmx_octets_text(const uint8_t octets[16], char text[VMX_OCTETS_TEXT]);
bool vmx_octets(const char *text, uint8_t octets[16]);

#endif
