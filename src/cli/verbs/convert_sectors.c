/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Whether the partitions of a disk will be found in the target: a GUID partition table counts in
 * sectors, of 512 or 4096 bytes. */
#include <string.h>

#include "packaging.h"
#include "status.h"
#include "verb_convert.h"

enum { USUAL_SECTOR = 512, LARGE_SECTOR = 4096 };

/* What the program says that shows the disk, since the file cannot. */
static void tell(const struct vmf_convert_settings *settings)
{
  vmf_packaging_finding(
      (void *)&settings->command,
      &(const struct vmf_package_finding){
          .severity = VMF_SEVERITY_LOSS,
          .rule = "loss-sectors",
          .text = "its GUID partition table is made for sectors of 4096 bytes, which the target "
                  "does not say: no partition will be found unless the machine is told (QEMU: "
                  "logical_block_size=4096), or the target is a VHDX (-o "
                  "logical_sector_size=4096)"});
}

/* Sectors of a VHDX are told by an option; disks have such of 512 bytes on all platforms. Of a copy
 * of raw bytes nothing changes. */
enum vmf_code vmf_convert_check_sectors(const struct vmf_convert_settings *settings,
                                        struct vmf_image *source, const char *format,
                                        struct vmf_error *error)
{
  const char *options = settings->target.options;
  bool large = options && strstr(options, "logical_sector_size=4096");
  bool told = settings->move.platform || (format && strcmp(format, "vhdx") == 0);
  bool copied =
      format && strcmp(format, "raw") == 0 && strcmp(vmf_image_format(source), "raw") == 0;

  if (settings->target.exists || settings->target.backing || (copied && !told))
    return VMF_OK;
  enum vmf_code code = vmf_image_check_sectors(source, large ? LARGE_SECTOR : USUAL_SECTOR, error);
  if (code == VMF_REFUSED && !told) {
    tell(settings);
    return VMF_OK;
  }
  if (code == VMF_READ && settings->salvage.wanted)
    return VMF_OK; /* where the table would be cannot be read */
  if (code == VMF_REFUSED && !settings->move.platform)
    vmf_status_print("note: -o logical_sector_size says which a VHDX has, 512 or 4096");
  return code;
}
