/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is judged of the partition table of a disk: whether a machine starts from it, with the
 * firmware that it has there. */
#include <inttypes.h>
#include <stdio.h>

#include "bootable.h"
#include "esp.h"
#include "lint_machine.h"

#define TIB (UINT64_C(1) << 40)

enum { USUAL_SECTOR = 512 };

static void tell(struct vmf_linting *linting, enum vmf_lint_id id,
                 const struct vmf_lint_place *place, const char *found, const char *allowed)
{
  const struct vmf_lint_place own = {.file = place->file, .line = place->line, .allowed = allowed};

  vmf_lint_tell(linting, id, &own, "%s", found);
}

static void check_firmware(struct vmf_linting *linting, const struct vmf_bootable *bootable,
                           const struct vmf_machine *machine, const struct vmf_lint_place *place)
{
  bool efi = vmf_machine_is_efi(machine);

  if (!efi && vmf_bootable_by_efi(bootable))
    tell(linting, VMF_LINT_FW_MISMATCH, place,
         "a machine with a BIOS, and a disk that starts by EFI alone", "EFI firmware");
  if (efi && vmf_bootable_by_bios(bootable))
    tell(linting, VMF_LINT_FW_MISMATCH, place,
         "a machine with EFI firmware, and a disk that starts by a BIOS alone", "a BIOS");
}

static void check_clouds(struct vmf_linting *linting, const struct vmf_image *image,
                         const struct vmf_bootable *bootable, const struct vmf_machine *machine,
                         const struct vmf_lint_place *place)
{
  static const char *const efi = "a disk that starts by EFI alone";

  if (vmf_bootable_by_efi(bootable)) {
    tell(linting, VMF_LINT_AZ_GEN, place, efi, "an image of generation 2");
    tell(linting, VMF_LINT_AWS_UEFI, place, efi, "an image with the boot mode uefi");
    tell(linting, VMF_LINT_GCE_UEFI, place, efi, "an image with the feature UEFI_COMPATIBLE");
    if (!machine) /* of which it is told */
      tell(linting, VMF_LINT_OS_PROPS, place, efi,
           "an image with --property hw_firmware_type=uefi");
  }
  if (bootable->table == VMF_TABLE_MBR && image->size > 2 * TIB)
    tell(linting, VMF_LINT_AWS_MBR, place, "a disk of more than 2 TiB with an MBR",
         "a GPT, where a system starts from it");
  if (bootable->swap)
    tell(linting, VMF_LINT_AZ_SWAP, place, "a partition for swap",
         "none on the disk that the system starts from");
  if (bootable->lvm)
    tell(linting, VMF_LINT_AZ_SWAP, place, "a partition of LVM",
         "none on the disk that the system starts from");
}

/* The variables of the firmware stay behind: then it starts what stands at that place alone. */
static enum vmf_code check_loader(struct vmf_linting *linting, struct vmf_image *image,
                                  const struct vmf_bootable *bootable,
                                  const struct vmf_machine *machine,
                                  const struct vmf_lint_place *place, struct vmf_error *error)
{
  bool efi = machine ? vmf_machine_is_efi(machine) : vmf_bootable_by_efi(bootable);
  enum vmf_esp esp = VMF_ESP_UNKNOWN;

  if (efi && bootable->esp > 0)
    VMF_TRY(vmf_esp_read(image, bootable->esp, &esp, error));
  if (esp == VMF_ESP_WITHOUT_LOADER)
    tell(linting, VMF_LINT_FW_NVRAM, place,
         "an EFI system partition without \\EFI\\BOOT\\BOOTX64.EFI",
         "a loader there, or variables of the firmware that name another one");
  return VMF_OK;
}

static void check_table(struct vmf_linting *linting, const struct vmf_image *image,
                        const struct vmf_bootable *bootable, const struct vmf_lint_place *place)
{
  char found[80], allowed[48];

  if (bootable->end > image->size) {
    snprintf(found, sizeof found, "a partition that ends at byte %" PRIu64, bootable->end);
    snprintf(allowed, sizeof allowed, "within the disk of %" PRIu64 " bytes", image->size);
    tell(linting, VMF_LINT_GPT_WRONG, place, found, allowed);
  }
  if (bootable->table != VMF_TABLE_GPT)
    return;
  if (!bootable->tail)
    tell(linting, VMF_LINT_GPT_TAIL, place,
         "a second partition table that is not at the end of the disk", "at the end");
  if (bootable->sector != USUAL_SECTOR)
    tell(linting, VMF_LINT_DISK_4K, place, "a partition table for sectors of 4096 bytes",
         "one for sectors of 512 bytes, which disks have there");
}

enum vmf_code vmf_lint_start(struct vmf_linting *linting, struct vmf_image *image,
                             const struct vmf_machine *machine, const struct vmf_lint_place *place,
                             struct vmf_error *error)
{
  struct vmf_bootable bootable;
  enum vmf_code code = vmf_bootable_read(image, &bootable, error);

  if (code == VMF_CORRUPT) {
    tell(linting, VMF_LINT_GPT_WRONG, place, error->text, "one that is right");
    return VMF_OK;
  }
  VMF_TRY(code);
  check_table(linting, image, &bootable, place);
  check_clouds(linting, image, &bootable, machine, place);
  if (machine)
    check_firmware(linting, &bootable, machine, place);
  return check_loader(linting, image, &bootable, machine, place, error);
}
