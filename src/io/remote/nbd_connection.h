/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What reading from an NBD server and writing to one have in common. */
#ifndef VMF_IO_REMOTE_NBD_CONNECTION_H
#define VMF_IO_REMOTE_NBD_CONNECTION_H

#include "nbd_library.h"
#include "transport.h"

/* Connects to the export of a URL. context: of metadata that is asked about, besides where data is;
 * or NULL. VMF_READ, and what libnbd says; VMF_UNSUPPORTED: there is no
 * libnbd. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_connect(const char *url, const char *name, const char *context,
                                             struct nbd_handle **handle,
                                             struct vmf_attempt *attempt, struct vmf_error *error);

/* VMF_READ with the reason of libnbd's call that failed last in this thread; `attempt` says whether
 * another try may go well. handle: or NULL, where there is none yet. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_failed(const char *name, struct nbd_handle *handle,
                                            const char *what, struct vmf_attempt *attempt,
                                            struct vmf_error *error);

/* Whether it is of no use any more. */
bool vmf_nbd_is_lost(struct nbd_handle *handle);

#endif
