/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A platform by its name, and what its row says of one device or size. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "caller.h"
#include "profile.h"
#include "text.h"

/* ---- finding ---- */

static bool is_called(const struct vmf_profile *profile, const char *name)
{
  bool found = vmf_text_equal_nocase(name, profile->info.name);

  for (const char *const *alias = profile->info.aliases; *alias; alias++)
    found |= vmf_text_equal_nocase(name, *alias);
  return found;
}

static enum vmf_code find_release(const char *name, const char *version,
                                  struct vmf_platform *platform, struct vmf_error *error)
{
  const struct vmf_profile_release *release = platform->profile->releases;
  char all[200] = "";
  size_t used = 0;

  if (!release)
    return vmf_fail(error, VMF_USAGE, "--for %s: of %s no releases are told apart here", name,
                    platform->profile->info.summary);
  for (; release->version; release++) {
    if (vmf_text_equal_nocase(release->version, version)) {
      platform->release = release;
      return VMF_OK;
    }
    int length =
        snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", release->version);
    used += length > 0 && (size_t)length < sizeof all - used ? (size_t)length : 0;
  }
  return vmf_fail(error, VMF_USAGE, "--for %s: \"%s\" is no release known here; there are: %s",
                  name, version, all);
}

enum vmf_code vmf_platform_find(const char *name, struct vmf_platform *platform,
                                struct vmf_error *error)
{
  const char *at = strchr(name, '@');
  char word[32], all[400] = "";
  size_t used = 0;

  *platform = (struct vmf_platform){0};
  snprintf(word, sizeof word, "%.*s", at ? (int)(at - name) : (int)sizeof word, name);
  for (size_t i = 0; i < vmf_profile_count; i++) {
    if (is_called(&vmf_profiles[i], word)) {
      platform->profile = &vmf_profiles[i];
      return at ? find_release(name, at + 1, platform, error) : VMF_OK;
    }
    used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "",
                             vmf_profiles[i].info.name);
  }
  return vmf_fail(error, VMF_USAGE, "--for: \"%s\" is none of: %s", word, all);
}

/* ---- what its row says ---- */

bool vmf_profile_takes(const struct vmf_profile_info *info, const char *format)
{
  for (const char *const *name = info->machines; *name; name++)
    if (strcmp(*name, format) == 0)
      return true;
  return false;
}

unsigned vmf_platform_hardware(const struct vmf_platform *platform)
{
  return platform->release ? platform->release->hardware : UINT_MAX;
}

const char *vmf_platform_family(const struct vmf_platform *platform)
{
  static const char *const names[] = {[7] = "vmx-07",  [8] = "vmx-08",  [9] = "vmx-09",
                                      [10] = "vmx-10", [11] = "vmx-11", [12] = "vmx-12"};
  unsigned most = vmf_platform_hardware(platform);

  return most < sizeof names / sizeof names[0] ? names[most] : platform->profile->info.hardware;
}

/* The clients of ESXi up to 6.0 know SHA-1 alone (williamlam.com 2016; nextcloud/vm#910). */
const char *vmf_platform_digest(const struct vmf_platform *platform, const char *asked)
{
  enum { HARDWARE_OF_6_0 = 11 };

  if (asked || !platform->profile)
    return asked;
  return vmf_platform_hardware(platform) <= HARDWARE_OF_6_0 ? "sha1"
                                                            : platform->profile->info.digest;
}

bool vmf_hardware_is_hosted_only(unsigned hardware)
{
  return hardware == 6 || hardware == 12 || hardware == 16;
}

bool vmf_platform_has_controller(const struct vmf_platform *platform, enum vmf_bus bus,
                                 const char *model)
{
  const struct vmf_profile_controller *row = platform->profile->controllers;
  unsigned hardware = vmf_platform_hardware(platform);

  if (!row)
    return true;
  for (; row->bus != VMF_BUSES; row++)
    if (row->bus == bus && row->hardware <= hardware &&
        (!model || !row->model || strcmp(row->model, model) == 0))
      return true;
  return false;
}

const struct vmf_profile_controller *vmf_platform_controller(const struct vmf_platform *platform)
{
  static const struct vmf_profile_controller any = {VMF_BUSES, NULL, 0};
  const struct vmf_profile_controller *row = platform->profile->controllers;
  unsigned hardware = vmf_platform_hardware(platform);

  while (row && row->bus != VMF_BUSES && row->hardware > hardware)
    row++;
  return row ? row : &any;
}

bool vmf_profile_has_nic(const struct vmf_profile *profile, const char *model)
{
  if (!profile->nics || !model)
    return true;
  for (const char *const *nic = profile->nics; *nic; nic++)
    if (strcmp(*nic, model) == 0)
      return true;
  return false;
}

enum vmf_code vmf_profile_find(const char *name, struct vmf_profile_info *info,
                               struct vmf_error *error)
{
  struct vmf_profile_info own;
  struct vmf_platform platform;

  VMF_REQUIRE(name, error);
  VMF_REQUIRE(info, error);
  VMF_TRY(vmf_take_profile_info(info, &own, error));
  VMF_TRY(vmf_platform_find(name, &platform, error));
  own = platform.profile->info;
  own.hardware = vmf_platform_family(&platform);
  own.digest = vmf_platform_digest(&platform, NULL);
  vmf_give_profile_info(&own, info);
  return VMF_OK;
}

enum vmf_code vmf_profile_size(const struct vmf_profile_info *given, uint64_t size,
                               uint64_t *rounded, struct vmf_error *error)
{
  struct vmf_profile_info own, *info = &own;

  VMF_REQUIRE(given, error);
  VMF_REQUIRE(rounded, error);
  VMF_TRY(vmf_take_profile_info(given, &own, error));
  if (info->round == 0)
    return vmf_fail(error, VMF_USAGE, "%s: the profile rounds to nothing", __func__);
  uint64_t wanted = size > info->least ? size : info->least, over = wanted % info->round;
  if (over > 0 && wanted > UINT64_MAX - info->round)
    return vmf_fail(error, VMF_USAGE, "--for %s: the disk is too large", info->name);
  *rounded = wanted + (over > 0 ? info->round - over : 0);
  if (info->most > 0 && *rounded > info->most)
    return vmf_fail(error, VMF_USAGE,
                    "--for %s: the disk has %" PRIu64 " bytes, and %s takes at most %" PRIu64
                    " (%" PRIu64 " GiB)",
                    info->name, size, info->summary, info->most, info->most >> 30);
  return VMF_OK;
}
