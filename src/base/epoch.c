/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "epoch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LATEST                                                                                     \
  INT64_C(253402300799) /* 9999-12-31 23:59:59: what a certificate's times end with                \
                         */

enum vmf_code vmf_epoch_now(struct vmf_epoch *epoch, struct vmf_error *error)
{
  const char *text = getenv("SOURCE_DATE_EPOCH");

  *epoch = (struct vmf_epoch){.fixed = text != NULL, .seconds = (int64_t)time(NULL)};
  if (!text)
    return VMF_OK;
  size_t digits = strspn(text, "0123456789");
  epoch->seconds = strtoll(text, NULL, 10); /* INT64_MAX when there are too many digits */
  if (digits == 0 || text[digits] || epoch->seconds > LATEST)
    return vmf_fail(error, VMF_USAGE,
                    "SOURCE_DATE_EPOCH is \"%s\": expected whole seconds since 1970, 0 to %lld; "
                    "unset it for the present time",
                    text, (long long)LATEST);
  return VMF_OK;
}
