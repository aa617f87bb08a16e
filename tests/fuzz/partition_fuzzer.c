/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Reads its input as a disk with a partition table: how a machine starts by it, and the loader on
 * its EFI system partition. Where it can have another size with its second table moved, that disk
 * has the same partitions, and a second table at its end. The checksums of a GPT are made right on
 * half of the inputs. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bootable.h"
#include "bytes.h"
#include "esp.h"
#include "examine.h"
#include "fuzz.h"

static void must(bool holds)
{
  if (!holds)
    abort();
}

static void mend(uint8_t *bytes, size_t size, size_t sector)
{
  if (size < 2 * sector || memcmp(bytes + sector, "EFI PART", 8) != 0)
    return;
  uint8_t *header = bytes + sector;
  uint32_t length = get_le32(header + 12);
  uint64_t table = get_le64(header + 72),
           table_bytes = (uint64_t)get_le32(header + 80) * get_le32(header + 84);

  if (table < size / sector && table_bytes <= size - table * sector)
    put_le32(header + 88, (uint32_t)crc32(0, bytes + table * sector, (uInt)table_bytes));
  if (length < 92 || length > sector)
    return;
  put_le32(header + 16, 0);
  put_le32(header + 16, (uint32_t)crc32(0, header, length));
}

static struct vmf_image *open_disk(const uint8_t *bytes, size_t size)
{
  const struct vmf_image_options options = {
      .size = sizeof options, .format = "raw", .no_chain = true};
  struct vmf_error error;
  struct vmf_image *image;
  struct vmf_io *io;

  must(vmf_io_memory("fuzz/disk", bytes, size, &io, &error) == VMF_OK);
  const struct vmf_image_origin origin = {.io = io};
  return vmf_image_open_origin(&origin, &options, &image, &error) == VMF_OK ? image : NULL;
}

static void look(struct vmf_image *image, const struct vmf_bootable *bootable)
{
  struct vmf_error error = {0};
  enum vmf_esp esp;

  (void)vmf_bootable_by_efi(bootable);
  (void)vmf_bootable_by_bios(bootable);
  if (bootable->esp > 0)
    must(vmf_esp_read(image, bootable->esp, &esp, &error) == VMF_OK || error.text[0] != '\0');
}

/* Closes the image. */
static void resize(struct vmf_image *image, uint64_t size, const struct vmf_bootable *before)
{
  struct vmf_bootable after;
  struct vmf_error error = {0};
  enum vmf_code code = vmf_image_resize(&image, size, true, &error);

  must(code == VMF_OK || error.text[0] != '\0');
  if (code == VMF_OK) {
    must(image->size == size);
    walk(image);
  }
  if (code == VMF_OK && before && before->table == VMF_TABLE_GPT) {
    must(vmf_bootable_read(image, &after, &error) == VMF_OK);
    must(after.table == VMF_TABLE_GPT && after.tail && after.end == before->end);
    must(after.efi == before->efi && after.esp == before->esp && after.bios == before->bios);
  }
  vmf_image_close(image);
}

void fuzz_partition(const char *unused, const uint8_t *data, size_t size)
{
  (void)unused;
  const uint64_t sizes[] = {2 * size + 512, size + (1 << 20), size / 2, size - size % 512};
  uint8_t *copy = malloc(size + 1);

  must(copy != NULL);
  memcpy(copy, data, size);
  if (size % 2 == 0) {
    mend(copy, size, 512);
    mend(copy, size, 4096);
  }
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct vmf_bootable bootable;
    struct vmf_error error;
    struct vmf_image *image = open_disk(copy, size);

    if (!image)
      break;
    bool read = vmf_bootable_read(image, &bootable, &error) == VMF_OK;
    if (read)
      look(image, &bootable);
    resize(image, sizes[i], read ? &bootable : NULL);
  }
  free(copy);
}
