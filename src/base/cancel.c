/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "cancel.h"

void vmf_cancel_request(struct vmf_cancel *cancel)
{
  if (cancel)
    __atomic_store_n(&cancel->requested, 1, __ATOMIC_SEQ_CST);
}

bool vmf_cancel_requested(const struct vmf_cancel *cancel)
{
  return cancel && __atomic_load_n(&cancel->requested, __ATOMIC_SEQ_CST) != 0;
}

enum vmf_code vmf_cancelled(const struct vmf_cancel *cancel, struct vmf_error *error)
{
  return vmf_cancel_requested(cancel) ? vmf_fail(error, VMF_CANCELLED, "interrupted") : VMF_OK;
}
