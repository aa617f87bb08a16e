/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "salvaging.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "human.h"
#include "rescue_map.h"
#include "status.h"

/* A part of a file (--image-opts, offset=) has others. */
static bool has_places_of_file(struct vmf_image *source)
{
  struct vmf_extent extent = {.size = sizeof extent};
  struct vmf_error ignored;

  if (strcmp(vmf_image_format(source), "raw") != 0)
    return false;
  return vmf_image_size(source) == 0 ||
         vmf_image_extent(source, 0, 1, &extent, &ignored) != VMF_OK || !extent.has_offset ||
         extent.offset == 0;
}

enum vmf_code vmf_salvaging_begin(struct vmf_salvaging *salvaging, struct vmf_image *source,
                                  struct vmf_error *error)
{
  const char *map = salvaging->settings->map;

  salvaging->size = vmf_image_size(source);
  if (!map)
    return VMF_OK;
  if (access(map, F_OK) == 0 && !has_places_of_file(source))
    return vmf_arguments_wrong(error,
                               "%s: is there already, and may tell of another disk; a map that "
                               "is there is only read for a raw disk, whose places in the file "
                               "are those of the guest: name a map that is not there",
                               map);
  return vmf_rescue_map_read(map, salvaging->size, &salvaging->map_was_there, &salvaging->unread,
                             error);
}

void vmf_salvaging_free(struct vmf_salvaging *salvaging)
{
  free(salvaging->unread.list);
  free(salvaging->lost.list);
}

static void salvaging_lost(void *data, uint64_t guest, uint64_t length, const char *why)
{
  struct vmf_salvaging *salvaging = data;
  struct vmf_error ignored;

  if (!salvaging->command->quiet)
    vmf_status_say(salvaging->command,
                   "lost: guest bytes %" PRIu64 " to %" PRIu64 " (%" PRIu64 " bytes): %s", guest,
                   guest + length - 1, length, why);
  if (salvaging->settings->map &&
      vmf_stretches_add(&salvaging->lost, guest, length, &ignored) != VMF_OK)
    salvaging->no_memory = true;
}

void vmf_salvaging_set(struct vmf_salvaging *salvaging, struct vmf_job_options *job)
{
  job->lost = salvaging_lost;
  job->lost_data = salvaging;
  job->unread = salvaging->unread.list;
  job->unread_count = salvaging->unread.count;
}

enum vmf_code vmf_salvaging_end(struct vmf_salvaging *salvaging,
                                const struct vmf_job_result *result, const char *target,
                                struct vmf_error *error)
{
  char size[16];

  salvaging->lost_bytes = result->lost_bytes;
  vmf_human_size(result->lost_bytes, size);
  if (result->lost_bytes > 0)
    vmf_status_say(salvaging->command,
                   "warning: %s: %" PRIu64 " bytes (%s) of the disk are lost, in %" PRIu64
                   " places, and are zeros now",
                   target, result->lost_bytes, size, result->lost_stretches);
  if (salvaging->no_memory)
    return vmf_arguments_no_memory(error);
  if (!salvaging->settings->map)
    return VMF_OK;
  return vmf_rescue_map_write(salvaging->settings->map, salvaging->size, &salvaging->lost,
                              salvaging->map_was_there, error);
}
