/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "part_check.h"

#include <inttypes.h>
#include <string.h>

#include "checked.h"

enum { SECTOR = 512 /* a disk writes it, or not */ };

enum vmf_code vmf_part_check(const struct vmf_difference *part, const uint8_t *found,
                             const char *name, const struct vmf_image *since,
                             const struct vmf_image *source, bool *stale, struct vmf_error *error)
{
  size_t sector;

  *stale = false;
  for (size_t at = 0; at < part->length; at += sector) {
    sector = (size_t)vmf_min(SECTOR, part->length - at);
    if (memcmp(found + at, part->bytes + at, sector) == 0)
      continue;
    if (memcmp(found + at, part->were + at, sector) != 0)
      return vmf_fail(error, VMF_DIFFERENT,
                      "%s: guest byte %" PRIu64 ": the sector there is neither what %s holds, nor "
                      "what %s does: this is no copy of the former; without --since all of it is "
                      "compared and made equal",
                      name, part->guest + at, vmf_image_path(since), vmf_image_path(source));
    *stale = true;
  }
  return VMF_OK;
}
