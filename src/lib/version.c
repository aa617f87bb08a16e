/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vmferry.h"

const char *vmf_version(void)
{
  return VMF_VERSION;
}
