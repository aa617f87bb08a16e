/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `convert --map`, `--bitmap` and `--bitmaps`: what may be replaced by a map, and what a bitmap of
 * changed blocks goes with. */
#include "arguments.h"
#include "names.h"
#include "verb_convert.h"

enum vmf_code vmf_convert_check_map(const char *map, const char *path, struct vmf_error *error)
{
  bool same = map && vmf_names_same(map, path);

  if (!map || (!same && vmf_names_free_for(map, "vmferry map ")))
    return VMF_OK;
  return vmf_arguments_wrong(error, "--map: %s: %s; name another file for the map", map,
                             same ? "is the target" : "is there, and no map, so it stays");
}

enum vmf_code vmf_convert_check_bitmaps(const struct vmf_convert_settings *settings,
                                        struct vmf_error *error)
{
  bool several = settings->command.operand_count > 2;

  if (settings->target.skip_broken_bitmaps && !settings->target.bitmaps)
    return vmf_arguments_wrong(error, "--skip-broken-bitmaps is of --bitmaps, which is not given");
  if (settings->target.bitmaps && (several || settings->source.snapshot))
    return vmf_arguments_wrong(error, "--bitmaps is of one source and its present state");
  if (settings->source.bitmap && !settings->target.since)
    return vmf_arguments_wrong(error, "--bitmap says what has changed since a map was written: it "
                                      "needs --since and --onto; --bitmaps copies bitmaps");
  if (settings->source.bitmap && several)
    return vmf_arguments_wrong(error, "--bitmap is of one source");
  return VMF_OK;
}

enum vmf_code vmf_convert_check_marked(const struct vmf_convert_settings *settings,
                                       const struct vmf_image *opened,
                                       const struct vmf_image *source, struct vmf_error *error)
{
  if (!settings->source.bitmap || opened == source)
    return VMF_OK;
  return vmf_arguments_wrong(error,
                             "--bitmap is of a disk that keeps its size and partition table");
}
