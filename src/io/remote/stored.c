/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A remote file of which a server sends no parts: a copy in a file without a name. */
#include <inttypes.h>
#include <unistd.h>

#include "checked.h"
#include "memory.h"
#include "transport.h"

struct stored {
  struct vmf_transport transport;
  int number; /* owned */
};

static enum vmf_code stored_connect(struct vmf_transport *transport, void **line,
                                    struct vmf_attempt *attempt, struct vmf_error *error)
{
  (void)attempt, (void)error;
  *line = transport;
  return VMF_OK;
}

static void stored_disconnect(struct vmf_transport *transport, void *line)
{
  (void)transport, (void)line;
}

static enum vmf_code stored_fetch(struct vmf_transport *transport, void *line,
                                  const struct vmf_load *load, struct vmf_attempt *attempt,
                                  struct vmf_error *error)
{
  const struct stored *stored = (const struct stored *)transport;

  (void)line, (void)attempt;
  for (size_t at = 0; at < load->length;) {
    size_t in_block = at % VMF_REMOTE_BLOCK;
    size_t part = vmf_min(VMF_REMOTE_BLOCK - in_block, load->length - at);
    ssize_t got = pread(stored->number, load->blocks[at / VMF_REMOTE_BLOCK] + in_block, part,
                        (off_t)(load->offset + at));
    if (got <= 0)
      return vmf_fail_errno(error, VMF_READ, "%s: its copy at byte %" PRIu64, transport->name,
                            load->offset + at);
    at += (size_t)got;
  }
  return VMF_OK;
}

static void stored_close(struct vmf_transport *transport)
{
  struct stored *stored = (struct stored *)transport;

  close(stored->number);
  vmf_free(stored);
}

static const struct vmf_transport_ops stored_ops = {
    .kind = "copy",
    .connect = stored_connect,
    .disconnect = stored_disconnect,
    .fetch = stored_fetch,
    .close = stored_close,
};

enum vmf_code vmf_stored_new(int number, uint64_t size, const char *name,
                             struct vmf_transport **transport, struct vmf_error *error)
{
  void *memory;
  enum vmf_code code = vmf_alloc(sizeof(struct stored), &memory, error);

  if (code != VMF_OK) {
    close(number);
    return code;
  }
  struct stored *stored = memory;
  stored->transport =
      (struct vmf_transport){.ops = &stored_ops, .name = name, .size = size, .lines = 1, .load = 4};
  stored->number = number;
  *transport = &stored->transport;
  return VMF_OK;
}
