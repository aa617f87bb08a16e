/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The loader on an EFI system partition that firmware starts by itself, \EFI\BOOT\BOOTX64.EFI (UEFI
 * 2.10, 3.5.1.1): without it a machine starts only where its variables name another one, and those
 * do not travel with a disk. Of the file system (FAT) three directories are read. */
#ifndef VMF_PARTITION_ESP_H
#define VMF_PARTITION_ESP_H

#include "image.h"

enum vmf_esp {
  VMF_ESP_UNKNOWN, /* no FAT, or one that is wrong */
  VMF_ESP_WITHOUT_LOADER,
  VMF_ESP_WITH_LOADER,
};

/* start: of the partition, bytes of the disk. */
VMF_MUST_CHECK enum vmf_code vmf_esp_read(struct vmf_image *image, uint64_t start,
                                          enum vmf_esp *esp, struct vmf_error *error);

#endif
