/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The text of an ova.xml while it is written. */
#ifndef VMF_FORMATS_XAPI_WRITE_H
#define VMF_FORMATS_XAPI_WRITE_H

#include "rpc_text.h"
#include "xapi.h"

/* Ids of the objects; of the lists the first one. VMF_MACHINE_DEVICES fit into each. */
enum {
  XAPI_MACHINE = 1,
  XAPI_STORE = 2,
  XAPI_DISK = 10000,
  XAPI_DRIVE = 20000,
  XAPI_CARD = 30000,
  XAPI_NETWORK = 40000,
};

enum { XAPI_PLACES = 255, XAPI_LEFT_OUT = XAPI_PLACES /* a seat */ };

struct xapi_writer {
  const struct vmf_machine *machine;
  const struct vmf_machine_target *target;
  const struct vmf_machine_losses *losses;
  struct vmf_markup text;
  unsigned *seats; /* userdevice of machine->disks */
};

#define xapi_lose(writer, weight, code, why, ...)                                                  \
  vmf_machine_lose((writer)->losses, VMF_LOSS_##weight, code, why, __VA_ARGS__)

/* The number that is told; `silent` where none is, or one above `most`, which is lost. */
static inline uint64_t xapi_within(struct xapi_writer *writer, struct vmf_told_number told,
                                   uint64_t silent, uint64_t most, const char *field)
{
  uint64_t number = vmf_told_or(told, silent);

  if (number <= most)
    return number;
  xapi_lose(writer, BEHAVIOUR, NULL, "XenServer has no number as large", "%s", field);
  return silent;
}

void xapi_object_begin(struct xapi_writer *writer, const char *class, uint64_t id);
void xapi_object_end(struct xapi_writer *writer);

/* ---- write_devices.c ---- */

/* Gives each drive its place, from 0 on; that of a CD drive is 3, as XenServer's own. */
VMF_MUST_CHECK enum vmf_code xapi_seat_drives(struct xapi_writer *writer, struct vmf_error *error);
void xapi_write_drives(struct xapi_writer *writer);
void xapi_write_cards(struct xapi_writer *writer);

#endif
