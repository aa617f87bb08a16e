/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "format.h"

extern const struct vmf_format vmf_format_vhd;
const struct vmf_format vmf_format_vhd = {
  .name = "vhd",
};
