/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * libnbd, which is loaded when the first URL is opened. Private to this folder. */
#ifndef VMF_IO_NBD_LIBRARY_H
#define VMF_IO_NBD_LIBRARY_H

#include <libnbd.h>

#include "error.h"
#include "library.h"

#define VMF_NBD_CALLS(CALL)                                                                        \
  CALL(nbd_create)                                                                                 \
  CALL(nbd_close)                                                                                  \
  CALL(nbd_add_meta_context)                                                                       \
  CALL(nbd_set_uri_allow_local_file)                                                               \
  CALL(nbd_aio_connect_uri)                                                                        \
  CALL(nbd_aio_in_flight)                                                                          \
  CALL(nbd_aio_disconnect)                                                                         \
  CALL(nbd_get_error)                                                                              \
  CALL(nbd_get_errno)                                                                              \
  CALL(nbd_get_version)                                                                            \
  CALL(nbd_get_size)                                                                               \
  CALL(nbd_get_block_size)                                                                         \
  CALL(nbd_is_read_only)                                                                           \
  CALL(nbd_can_multi_conn)                                                                         \
  CALL(nbd_can_meta_context)                                                                       \
  CALL(nbd_can_flush)                                                                              \
  CALL(nbd_can_zero)                                                                               \
  CALL(nbd_can_fast_zero)                                                                          \
  CALL(nbd_aio_block_status)                                                                       \
  CALL(nbd_aio_pread_structured)                                                                   \
  CALL(nbd_aio_pwrite)                                                                             \
  CALL(nbd_aio_zero)                                                                               \
  CALL(nbd_aio_flush)                                                                              \
  CALL(nbd_aio_get_fd)                                                                             \
  CALL(nbd_aio_get_direction)                                                                      \
  CALL(nbd_aio_notify_read)                                                                        \
  CALL(nbd_aio_notify_write)                                                                       \
  CALL(nbd_aio_peek_command_completed)                                                             \
  CALL(nbd_aio_command_completed)                                                                  \
  CALL(nbd_aio_is_connecting)                                                                      \
  CALL(nbd_aio_is_ready)                                                                           \
  CALL(nbd_aio_is_dead)                                                                            \
  CALL(nbd_aio_is_closed)

struct vmf_nbd {
  VMF_NBD_CALLS(VMF_LIBRARY_POINTER)
};

/* Constant once it is loaded. */
extern struct vmf_nbd vmf_nbd;

/* Any thread. VMF_UNSUPPORTED: it is not installed; the error begins with `name`. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_load(const char *name, struct vmf_error *error);

#endif
