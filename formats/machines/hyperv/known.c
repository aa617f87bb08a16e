/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The keys that Hyper-V is known to write, and the values that say nothing. */
#include <string.h>

#include "hyperv.h"
#include "text.h"

/* '*': any part of a name; at the end of a path two of them: everything below. usual: NULL, none
 * is; "*": each is, since it means something only to the host that the machine was on. */
static const struct {
  const char *path, *usual;
} known[] = {
    /* of the host */
    {"manifest/version", "*"},
    {"manifest/size", "*"},
    {"manifest/vdev*/flags", "*"},
    {"manifest/vdev*/**", "*"},
    {"_*_/VDEVVersion", "*"},
    {"_*_/ChannelInstanceGuid", "*"},
    {"_*_/VpciInstanceGuid", "*"},
    {"_*_/SwitchName", "*"},
    {"_*_/PortName", "*"},
    {"_*_/Connection/AltPortName", "*"},
    {"_*_/Connection/HostResources/**", "*"},
    {"_*_/Connection/PoolId", "*"},
    {"_*_/Connection/TestReplica*", "*"},
    {"_*_/Connection/AuthorizationScope", "*"},
    {"_*_/FileIsPlatformManaged", "*"},
    {"_*_/StateFilePath", "*"},
    {"_*_/UseTransient", "False"},
    {"vm-controllers/scsi/@ChannelInstanceGuid", "*"},
    {"properties/global_id", "*"},
    {"properties/creation_time", "*"},
    {"properties/last_*_time", "*"},
    {"properties/type_id", "*"},
    {"properties/highly_available", "False"},
    {"properties/**", NULL},
    {"global_settings/owner/**", "*"},
    {"global_settings/metrics/**", "*"},
    {"global_settings/vhd_path_acled", "*"},
    {"global_settings/disk_merge_pending", "False"},
    {"settings/global/logical_id", "*"},
    {"settings/topology/**", "*"},
    {"settings/vnuma/**", "*"},
    {"settings/memory/vnuma/**", "*"},
    {"settings/processors/vnuma/**", "*"},
    /* of the machine */
    {"global_settings/critical_error/action", "1"},
    {"global_settings/critical_error/timeout", "1800"},
    {"global_settings/devices/allow_reduced_fc_redundancy", "False"},
    {"global_settings/devices/cpu_architecture", "1"},
    {"global_settings/devices/host_resource_protection_enabled", "False"},
    {"global_settings/devices/lock_on_disconnect", "False"},
    {"global_settings/devices/storage_allow_full_scsi_command_set", "False"},
    {"global_settings/power/host_shutdown/action", "1"},
    {"global_settings/power/host_startup/action", NULL},
    {"global_settings/snapshots/**", NULL},
    {"global_settings/unexpected_termination/action", "1"},
    {"savedstate/**", NULL},
    {"settings/guest_controlled_cache_types", "False"},
    {"settings/memory/bank/backing_type", "0"},
    {"settings/memory/bank/limit", "1048576"},
    {"settings/memory/bank/limit", NULL},
    {"settings/memory/bank/priority", "5000"},
    {"settings/memory/bank/reservation", NULL},
    {"settings/memory/bank/target_memory_buffer", "20"},
    {"settings/memory/sgx/enabled", "False"},
    {"settings/memory/sgx/size", "0"},
    {"settings/processors/cpu_group_guid", "00000000-0000-0000-0000-000000000000"},
    {"settings/processors/cpu_group_id", "0"},
    {"settings/processors/enable_perfmon_*", "False"},
    {"settings/processors/features/limit", "False"},
    {"settings/processors/hide_hypervisor_present", "False"},
    {"settings/processors/limit", "100000"},
    {"settings/processors/limit_cpuid", "False"},
    {"settings/processors/reservation", "0"},
    {"settings/processors/weight", "100"},
    /* of devices */
    {"_*_/Enabled", NULL},
    {"_*_/address", "5353,00000000,00"},
    {"_*_/controller*/drive*/iops_limit", "0"},
    {"_*_/controller*/drive*/iops_reservation", "0"},
    {"_*_/controller*/drive*/weight", "100"},
    {"_*_/controller*/drive*/qos_policy_id", "00000000-0000-0000-0000-000000000000"},
    {"_*_/controller*/drive*/persistent_reservations_supported", "False"},
    {"_*_/controller*/drive*/ignore_flushes", "False"},
    {"_*_/controller*/drive*/caching_mode", "0"},
    {"_*_/controller*/drive*/write_hardening_method", "0"},
    {"_*_/base_board/serial_number", NULL},
    {"_*_/bios_serial_number", NULL},
    {"_*_/chassis/asset_tag", NULL},
    {"_*_/chassis/serial_number", NULL},
    {"_*_/num_lock", "False"},
    {"_*_/nvram", NULL},
    {"_*_/pause_after_boot_failure", "False"},
    {"_*_/pxe_preferred_protocol", "4"},
    {"_*_/secure_boot_enabled", "*"},
    {"_*_/RtcDevice/CmosUtcSkew", "*"},
    {"_*_/HorizontalResolution", NULL},
    {"_*_/VerticalResolution", NULL},
    {"_*_/ResolutionType", NULL},
    {"_*_/FriendlyName", "Network Adapter"},
    {"_*_/InterruptModerationDisabled", "False"},
    {"_*_/AllowPacketDirect", "False"},
    {"_*_/NumaAwarePlacement", "False"},
    {"_*_/MediaType", "0"},
    {"_*_/ClusterMonitored", "True"},
    {"_*_/DeviceNamingEnabled", "False"},
    {"_*_/Connection/ChimneyOffloadWeight", "0"},
    {"_*_/Connection/PreventIPSpoofing", "False"},
    {"_*_/Connection/Features/Id", NULL},
    {"_*_/Connection/Feature_*/**", NULL},
};

/* Whether the path is of that pattern. */
static bool matches(const char *pattern, const char *path)
{
  const char *star = NULL, *from = NULL;

  while (*path) {
    if (strcmp(pattern, "**") == 0)
      return true;
    if (*pattern == '*') {
      star = ++pattern;
      from = path;
    } else if (*pattern == *path) {
      pattern++;
      path++;
    } else if (star && *from != '/') {
      pattern = star;
      path = ++from;
    } else {
      return false;
    }
  }
  while (*pattern == '*')
    pattern++;
  return *pattern == '\0';
}

bool hyperv_known(const struct hyperv_key *key, bool *usual)
{
  bool found = false;

  *usual = false;
  for (size_t i = 0; i < sizeof known / sizeof known[0] && !*usual; i++) {
    if (!matches(known[i].path, key->path))
      continue;
    found = true;
    *usual = known[i].usual && (!key->value || strcmp(known[i].usual, "*") == 0 ||
                                vmf_text_equal_nocase(known[i].usual, key->value));
  }
  return found;
}
