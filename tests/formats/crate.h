/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A format of the tests alone, with what no real one asks of the engine yet: units of any size, and
 * framing in front of them and behind them. Its file: a head, a table with the place of each unit,
 * units. */
#ifndef VMF_TESTS_CRATE_H
#define VMF_TESTS_CRATE_H

#include "format.h"

enum {
  CRATE_TABLE = 4096, /* where the table starts: 8 bytes a unit, the host offset of its head; 0:
                         zeros */
  CRATE_HEAD = VMF_FRAMING_BYTES, /* in front of a unit: its guest offset, 8 bytes, and 0xcc */
  CRATE_TAIL = VMF_FRAMING_BYTES  /* behind a sealed unit: the SHA-1 of its data, and 0xcc */
};

struct crate_options {
  uint32_t unit;
  bool sealed; /* every unit has a digest behind it */
  bool backing;
};

extern const struct vmf_format crate_format;

#endif
