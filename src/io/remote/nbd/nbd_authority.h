/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Who says that an NBD server is the one that is meant. Private to this folder. */
#ifndef VMF_IO_NBD_AUTHORITY_H
#define VMF_IO_NBD_AUTHORITY_H

#include "nbd_library.h"

/* Warns once where TLS was asked for and nobody says who the server is. */
void vmf_nbd_warn_of_anybody(struct nbd_handle *handle, const char *url, const char *name);

#endif
