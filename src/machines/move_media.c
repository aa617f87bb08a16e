/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The media in the CD and floppy drives of a machine that is converted: an image in a file goes
 * along as it is, where the target has a place for it. A machine starts without, so that what does
 * not go along is told as a loss and is no error. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "caller.h"
#include "machine_move.h"
#include "memory.h"
#include "near_name.h"
#include "path.h"
#include "tar.h"
#include "text.h"

enum {
  WHY = 700,          /* bytes of a reason */
  OWN_NAME_MOST = 40, /* bytes of the medium's own name in that of its file */
  NUMBER_ROOM = 16,
};

/* The largest that there are, bytes: a disc of four layers, a floppy of 2.88 MB. */
static const uint64_t cd_most = UINT64_C(128) << 30, floppy_most = 2880 << 10;

/* ---- what goes along ---- */

static void lose(struct vmf_machine_move *move, size_t index, enum vmf_loss_weight weight,
                 const char *why)
{
  const struct vmf_machine_losses losses = vmf_loss_reasons(&move->losses);
  const struct vmf_machine_disk *disk = &move->machine->disks[index];

  vmf_machine_lose(&losses, weight,
                   disk->medium.value == VMF_MEDIUM_FLOPPY ? "L-floppy" : "L-cdrom-media", why,
                   "disks[%zu].%s", index, disk->image.text ? "image" : "elsewhere");
}

/* Whether the target can have media beside it at all: in its own file it has disks only, and a
 * script that uploads disks takes nothing else. */
static bool holds_media(const struct vmf_machine_move *move)
{
  return !move->container && !(move->format && move->format->disks_of_platform);
}

/* What may be no fault of the machine that is converted: the file is elsewhere, or may not be
 * opened. */
static bool is_out_of_reach(enum vmf_code code)
{
  return code == VMF_CORRUPT || code == VMF_REFUSED || code == VMF_LIMIT || code == VMF_UNSUPPORTED;
}

static void check_size(struct vmf_machine_move *move, size_t index)
{
  bool floppy = move->machine->disks[index].medium.value == VMF_MEDIUM_FLOPPY;
  uint64_t size = vmf_image_size(move->images[index]), most = floppy ? floppy_most : cd_most;
  char why[WHY];

  if (size > 0 && size <= most)
    return;
  snprintf(why, sizeof why, "%s: has %llu bytes, and a %s has up to %llu: it is not taken along",
           vmf_image_path(move->images[index]), (unsigned long long)size, floppy ? "floppy" : "CD",
           (unsigned long long)most);
  vmf_image_close(move->images[index]);
  move->images[index] = NULL;
  lose(move, index, VMF_LOSS_BEHAVIOUR, why);
}

enum vmf_code vmf_machine_move_open_medium(struct vmf_machine_move *move, size_t index,
                                           struct vmf_error *error)
{
  const struct vmf_machine_disk *disk = &move->machine->disks[index];
  struct vmf_error failure = {0};
  char why[WHY];

  if (!disk->image.text) {
    if (disk->elsewhere.text)
      lose(move, index, VMF_LOSS_COSMETIC, "the medium in the drive is not taken along");
    return VMF_OK;
  }
  if (move->left_out[index] || !holds_media(move)) {
    lose(move, index, VMF_LOSS_BEHAVIOUR,
         move->left_out[index] ? "left out, as was asked for (--without-disk)"
                               : "the target has no place for the medium in the drive");
    return VMF_OK;
  }
  enum vmf_code code =
      vmf_machines_open_image(move->machines, move->machine, index, &move->images[index], &failure);
  if (code == VMF_OK) {
    check_size(move, index);
    return VMF_OK;
  }
  if (!is_out_of_reach(code)) {
    if (error)
      *error = failure;
    return code;
  }
  snprintf(why, sizeof why, "the medium in the drive is not taken along: %s", failure.text);
  lose(move, index, VMF_LOSS_BEHAVIOUR, why);
  return VMF_OK;
}

/* ---- its name ---- */

/* What programs know media by: the suffix that it has, if it is one of those, else the first. */
static const char *suffix_of(const struct vmf_machine_disk *disk, const char *name)
{
  static const char *const cds[] = {".iso", NULL};
  static const char *const floppies[] = {".img", ".flp", ".vfd", ".ima", NULL};
  const char *const *known = disk->medium.value == VMF_MEDIUM_FLOPPY ? floppies : cds;
  const char *dot = strrchr(name, '.');

  for (const char *const *suffix = known; dot && *suffix; suffix++)
    if (vmf_text_equal_nocase(dot, *suffix))
      return *suffix;
  return *known;
}

static bool is_taken(const struct vmf_machine_move *move, const char *name)
{
  for (size_t i = 0; i < move->assembly.count; i++)
    if (vmf_text_equal_nocase(move->assembly.files[i].name, name))
      return true;
  return vmf_text_equal_nocase(move->destination.descriptor_name, name);
}

/* What it is called; a machine's name in front, which it may have from another conversion, is not
 * put there again. */
static const char *own_name(const struct vmf_machine_move *move, size_t index)
{
  const char *vm = move->destination.descriptor_name;
  const char *text = move->machine->disks[index].image.text;
  const char *part = vmf_last_part(text), *own = part ? part : vmf_path_name(text);
  size_t stem = vmf_name_stem(vm);

  return strncmp(own, vm, stem) == 0 && own[stem] == '-' ? own + stem + 1 : own;
}

/* "vm-debian-12.iso", "vm-debian-12-2.iso" */
static enum vmf_code make_name(const struct vmf_machine_move *move, size_t index, unsigned number,
                               char **name, struct vmf_error *error)
{
  const struct vmf_machine_disk *disk = &move->machine->disks[index];
  const char *vm = move->destination.descriptor_name;
  const char *own = own_name(move, index);
  const char *suffix = suffix_of(disk, own);
  size_t limit = move->destination.archive ? VMF_TAR_NAME_WRITTEN : NAME_MAX;
  size_t rest = limit - OWN_NAME_MOST - NUMBER_ROOM - strlen(suffix);
  char again[NUMBER_ROOM] = "";
  VMF_AUTO_FREE char *wanted = NULL;

  if (number > 1)
    snprintf(again, sizeof again, "-%u", number);
  VMF_TRY(vmf_format(
      &wanted, error, "%.*s-%.*s%s%s", (int)vmf_text_fit(vm, vmf_name_stem(vm), rest), vm,
      (int)vmf_text_fit(own, vmf_name_stem(own), OWN_NAME_MOST), own, again, suffix));
  return vmf_assembly_file_name(wanted, name, error);
}

enum vmf_code vmf_machine_move_name_medium(struct vmf_machine_move *move, size_t index,
                                           struct vmf_assembly_file *file, struct vmf_error *error)
{
  file->format = "raw";
  file->weight = vmf_image_stored_bytes(file->image);
  for (unsigned number = 1;; number++) {
    VMF_TRY(make_name(move, index, number, &file->name, error));
    if (!is_taken(move, file->name))
      return VMF_OK;
    vmf_free(file->name);
    file->name = NULL;
  }
}

/* ---- what the target's text does not name ---- */

static bool is_named(const struct vmf_machine *machine, const char *name)
{
  for (size_t i = 0; i < machine->disk_count; i++) {
    const char *image = machine->disks[i].image.text;
    if (image && strcmp(vmf_path_name(image), name) == 0)
      return true;
  }
  return false;
}

static void leave_behind(struct vmf_machine_move *move, size_t index)
{
  struct vmf_assembly *assembly = &move->assembly;
  size_t file = move->file_of[index];

  vmf_free(assembly->files[file].name);
  memmove(&assembly->files[file], &assembly->files[file + 1],
          (assembly->count - file - 1) * sizeof *assembly->files);
  assembly->count--;
  for (size_t i = 0; i < move->machine->disk_count; i++)
    if (move->file_of[i] != SIZE_MAX && move->file_of[i] > file)
      move->file_of[i]--;
  move->file_of[index] = SIZE_MAX;
  move->disks[index] = (struct vmf_machine_target_disk){0};
  lose(move, index, VMF_LOSS_BEHAVIOUR, "the target has no place for the medium in the drive");
}

bool vmf_machine_move_has_media(const struct vmf_machine_move *move)
{
  for (size_t i = 0; i < move->machine->disk_count; i++)
    if (move->images[i] && vmf_machine_removable(&move->machine->disks[i]))
      return true;
  return false;
}

void vmf_machine_move_leave_media(struct vmf_machine_move *move, const struct vmf_machine *after)
{
  for (size_t i = 0; i < move->machine->disk_count; i++)
    if (move->disks[i].name && vmf_machine_removable(&move->machine->disks[i]) &&
        !is_named(after, move->disks[i].name))
      leave_behind(move, i);
}
