/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vmferry.h"

void vmf_cancel_request(struct vmf_cancel *cancel)
{
  if (cancel)
    __atomic_store_n(&cancel->requested, 1, __ATOMIC_SEQ_CST);
}

bool vmf_cancel_requested(const struct vmf_cancel *cancel)
{
  return cancel && __atomic_load_n(&cancel->requested, __ATOMIC_SEQ_CST) != 0;
}
