/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "format.h"

extern const struct vmf_format vmf_format_vmdk;
const struct vmf_format vmf_format_vmdk = {
  .name = "vmdk",
};
