/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine that is written for a platform: its devices as the platform has them, its disks in the
 * platform's form and size. */
#include <stdio.h>
#include <string.h>

#include "caller.h"
#include "machine_move.h"
#include "memory.h"
#include "text.h"

enum { USUAL_SECTOR = 512 /* bytes: of the disks of all platforms */ };

/* The format that is written where nobody says one: the first of the platform's. */
const char *vmf_machine_move_usual(const struct vmf_platform *platform)
{
  const char *const *name = platform->profile->info.machines;

  for (; *name; name++) {
    const struct vmf_machine_format *format = vmf_machine_format_find(*name);
    if (strcmp(*name, "ovf") == 0 || (format && format->write))
      return *name;
  }
  return NULL;
}

enum vmf_code vmf_machine_move_check_platform(const struct vmf_machine_move *move,
                                              struct vmf_error *error)
{
  const struct vmf_profile_info *info;
  const char *format = move->format ? move->format->name : "ovf";
  char names[100] = "";
  size_t used = 0;

  if (!move->fit.platform.profile && move->format && move->format->disks_of_platform)
    return vmf_fail(error, VMF_USAGE,
                    "a script that uploads disks is for a platform: --for says which");
  if (!move->fit.platform.profile)
    return move->to->drivers
               ? vmf_fail(error, VMF_USAGE, "--drivers is of a platform: --for says which")
               : VMF_OK;
  info = &move->fit.platform.profile->info;
  if (move->to->drivers && strcmp(move->to->drivers, "virtio") != 0)
    return vmf_fail(error, VMF_USAGE, "--drivers %s: accepted is virtio", move->to->drivers);
  if (vmf_profile_takes(info, format))
    return VMF_OK;
  for (const char *const *name = info->machines; *name && used < sizeof names; name++)
    used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", *name);
  return vmf_fail(error, VMF_USAGE, "--for %s: %s takes no machine in the format %s, but: %s",
                  info->name, info->summary, format, names);
}

enum vmf_code vmf_machine_move_platform_form(struct vmf_machine_move *move, struct vmf_error *error)
{
  const struct vmf_profile_info *info = &move->fit.platform.profile->info;
  const char *given = move->files->disk_options, *asked = move->files->disk_format;
  const struct vmf_disk_format *named = asked ? vmf_disk_format_find(asked, false) : NULL;

  if (asked && !vmf_text_equal_nocase(named ? named->format : asked, info->disk_format))
    return vmf_fail(error, VMF_USAGE, "--for %s writes %s; -O %s says another format", info->name,
                    info->disk_format, asked);
  move->own_form = (struct vmf_disk_format){
      .name = info->disk_format, .format = info->disk_format, .suffix = info->suffix};
  move->form = &move->own_form;
  return vmf_format(&move->options, error, "%s%s%s", info->disk_options ? info->disk_options : "",
                    info->disk_options && given ? "," : "", given ? given : "");
}

/* A disk as large as the platform asks for. */
static enum vmf_code round_disk(struct vmf_machine_move *move, size_t index,
                                const struct vmf_machine_losses *losses, struct vmf_error *error)
{
  const struct vmf_profile *profile = move->fit.platform.profile;
  uint64_t size, old;
  char why[160];

  if (!move->images[index] || vmf_machine_removable(&move->machine->disks[index]))
    return VMF_OK;
  VMF_TRY(vmf_image_check_sectors(move->images[index], USUAL_SECTOR, error));
  old = vmf_image_size(move->images[index]);
  VMF_TRY(vmf_profile_size(&profile->info, old, &size, error));
  if (size == old)
    return VMF_OK;
  snprintf(why, sizeof why, "%s takes multiples of %llu bytes%s: the rest is zeros",
           profile->info.name, (unsigned long long)profile->info.round,
           profile->info.least > old ? ", and no smaller disk" : "");
  vmf_machine_lose(losses, VMF_LOSS_COSMETIC, "L-size-rounded", why, "disks[%zu].capacity", index);
  return vmf_image_resize(&move->images[index], size, true, error);
}

enum vmf_code vmf_machine_move_fit(struct vmf_machine_move *move, struct vmf_error *error)
{
  const struct vmf_machine_losses losses = vmf_loss_reasons(&move->losses);

  if (!move->fit.platform.profile)
    return VMF_OK;
  move->fit.virtio = move->to->drivers != NULL;
  move->fit.package = !move->format;
  VMF_TRY(vmf_profile_fit(&move->fit, move->machine, &losses, &move->fitted, error));
  move->machine = move->fitted;
  for (size_t i = 0; i < move->machine->disk_count; i++)
    VMF_TRY(round_disk(move, i, &losses, error));
  return VMF_OK;
}
