/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header of an archive: its fields, the blobs, the table of devices. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "sums.h"
#include "vma_header.h"

enum { NAME_SHOWN = 60 /* characters of one that is refused */ };

/* ---- the fields ---- */

/* The fixed part, as far as it decides how much is read behind it. */
static enum vmf_code check_front(struct vma_archive *archive, const uint8_t *raw, uint64_t size,
                                 struct vmf_error *error)
{
  uint32_t version = get_be32(raw + 4);

  if (memcmp(raw, VMA_MAGIC, sizeof(VMA_MAGIC)) != 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: no VMA signature (56 4d 41 00) at byte 0",
                    archive->name);
  if (version != VMA_VERSION)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: VMA version %" PRIu32 ", expected %d",
                    archive->name, version, VMA_VERSION);
  archive->header_size = get_be32(raw + 56);
  if (archive->header_size <= VMA_HEADER_MIN || archive->header_size % VMA_EXTENT_HEADER != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VMA header: a size of %" PRIu32
                    " bytes, expected a multiple of %d above %d",
                    archive->name, archive->header_size, VMA_EXTENT_HEADER, VMA_HEADER_MIN);
  if (archive->header_size > VMA_HEADER_MAX)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: VMA header: a size of %" PRIu32 " bytes, at most %d are accepted",
                    archive->name, archive->header_size, VMA_HEADER_MAX);
  if (archive->header_size > size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VMA header: a size of %" PRIu32 " bytes, but the file has %" PRIu64
                    ": it was cut short",
                    archive->name, archive->header_size, size);
  return VMF_OK;
}

static enum vmf_code check_digest(const struct vma_archive *archive, struct vmf_error *error)
{
  uint8_t digest[VMF_MD5_SUM];

  vmf_md5(archive->header, archive->header_size, VMA_MD5_AT, digest);
  if (memcmp(digest, archive->header + VMA_MD5_AT, sizeof(digest)) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VMA header: its MD5 at byte %d is not that of its %" PRIu32
                    " bytes: they were damaged",
                    archive->name, VMA_MD5_AT, archive->header_size);
  return VMF_OK;
}

/* ---- blobs ---- */

struct blobs {
  const uint8_t *bytes; /* of the buffer, in the header */
  uint32_t size;
};

static enum vmf_code find_blobs(const struct vma_archive *archive, struct blobs *blobs,
                                struct vmf_error *error)
{
  uint32_t offset = get_be32(archive->header + 48), size = get_be32(archive->header + 52);

  if (offset < VMA_HEADER_MIN || !vmf_range_within(offset, size, archive->header_size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VMA header: blobs of %" PRIu32 " bytes at byte %" PRIu32
                    ", expected them from byte %d to the header's end, byte %" PRIu32,
                    archive->name, size, offset, VMA_HEADER_MIN, archive->header_size);
  *blobs = (struct blobs){archive->header + offset, size};
  return VMF_OK;
}

/* Whether a blob starts at `pointer`: all before it stand one behind the other. */
static bool is_blob(const struct blobs *blobs, uint32_t pointer)
{
  uint64_t at = VMA_FIRST_BLOB;

  while (at < pointer && at + VMA_BLOB_HEAD <= blobs->size)
    at += VMA_BLOB_HEAD + (uint64_t)get_le16(blobs->bytes + at);
  return at == pointer && at + VMA_BLOB_HEAD <= blobs->size &&
         at + VMA_BLOB_HEAD + get_le16(blobs->bytes + at) <= blobs->size;
}

static enum vmf_code get_blob(const struct vma_archive *archive, const struct blobs *blobs,
                              uint32_t pointer, const char *what, const uint8_t **data,
                              uint32_t *length, struct vmf_error *error)
{
  if (!is_blob(blobs, pointer))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VMA header: %s at byte %" PRIu32 " of the blobs (%" PRIu32
                    " bytes): no blob starts there and ends within them",
                    archive->name, what, pointer, blobs->size);
  *data = blobs->bytes + pointer + VMA_BLOB_HEAD;
  *length = get_le16(blobs->bytes + pointer);
  return VMF_OK;
}

bool vma_name_is_plain(const char *name)
{
  return name[0] != '\0' && name[0] != '.' &&
         name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")] ==
             '\0';
}

static enum vmf_code get_name(const struct vma_archive *archive, const struct blobs *blobs,
                              uint32_t pointer, const char *what, const char **name,
                              struct vmf_error *error)
{
  const uint8_t *data = NULL;
  uint32_t length = 0;

  VMF_TRY(get_blob(archive, blobs, pointer, what, &data, &length, error));
  if (length == 0 || data[length - 1] != '\0' || strlen((const char *)data) != length - 1 ||
      !vma_name_is_plain((const char *)data))
    return vmf_fail(
        error, VMF_CORRUPT,
        "%s: VMA header: %s is called \"%.*s\": accepted are letters, digits and \"-_.\", and a "
        "NUL behind them",
        archive->name, what, (int)vmf_min(length, NAME_SHOWN), (const char *)data);
  *name = (const char *)data;
  return VMF_OK;
}

/* ---- what they name ---- */

static enum vmf_code load_config(struct vma_archive *archive, const struct blobs *blobs,
                                 unsigned index, struct vmf_error *error)
{
  uint32_t name = get_be32(archive->header + VMA_CONFIG_NAMES_AT + 4 * (size_t)index);
  uint32_t data = get_be32(archive->header + VMA_CONFIG_DATA_AT + 4 * (size_t)index);
  struct vma_config *config = &archive->configs[archive->config_count];

  if (name == 0 && data == 0)
    return VMF_OK;
  if (name == 0 || data == 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VMA header: configuration %u has %s, but not both name and data",
                    archive->name, index, name ? "a name" : "data");
  VMF_TRY(get_name(archive, blobs, name, "a configuration", &config->name, error));
  for (unsigned i = 0; i < archive->config_count; i++)
    if (strcmp(archive->configs[i].name, config->name) == 0)
      return vmf_fail(error, VMF_CORRUPT, "%s: VMA header: two configurations are called %s",
                      archive->name, config->name);
  VMF_TRY(get_blob(archive, blobs, data, config->name, &config->data, &config->length, error));
  archive->config_count++;
  return VMF_OK;
}

static enum vmf_code load_device(struct vma_archive *archive, const struct blobs *blobs,
                                 unsigned index, struct vmf_error *error)
{
  const uint8_t *entry = archive->header + VMA_DEVICES_AT + VMA_DEVICE_ENTRY * (size_t)index;
  struct vma_device *device = &archive->devices[index];
  uint32_t name = get_be32(entry);

  device->size = get_be64(entry + 8);
  if (device->size == 0)
    return VMF_OK;
  if (name == 0 || index == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: VMA header: device %u has %" PRIu64 " bytes, but %s",
                    archive->name, index, device->size,
                    index == 0 ? "number 0 means none" : "no name");
  VMF_TRY(get_name(archive, blobs, name, "a device", &device->name, error));
  if (device->size > VMA_DEVICE_SIZE_MAX)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: VMA header: device %s has %" PRIu64 " bytes; an archive can hold %" PRIu64
                    " of each (256 TiB)",
                    archive->name, device->name, device->size, VMA_DEVICE_SIZE_MAX);
  for (unsigned i = 1; i < index; i++)
    if (archive->devices[i].name && strcmp(archive->devices[i].name, device->name) == 0)
      return vmf_fail(error, VMF_CORRUPT, "%s: VMA header: devices %u and %u are both called %s",
                      archive->name, i, index, device->name);
  device->memory = strcmp(device->name, "vmstate") == 0;
  return device->memory ? VMF_OK
                        : vmf_coverage_init(&device->listed, device->size, VMA_CLUSTER, error);
}

/* ---- as a file of several disks ---- */

static bool begins(const char *text, const char *with)
{
  return strncmp(text, with, strlen(with)) == 0;
}

/* Devices that are no disks of the guest. */
static const char *kind_of(const struct vma_device *device)
{
  if (device->memory)
    return "memory";
  if (begins(device->name, "drive-efidisk"))
    return "firmware";
  return begins(device->name, "drive-tpmstate") ? "tpm" : NULL;
}

static void list_disks(struct vma_archive *archive)
{
  struct vmf_contents *contents = &archive->contents;

  for (unsigned i = 0; i < VMA_DEVICES; i++) {
    const struct vma_device *device = &archive->devices[i];
    if (!device->name)
      continue;
    archive->device_of[contents->disk_count] = (uint8_t)i;
    archive->disk_of[i] = (uint8_t)contents->disk_count;
    archive->disks[contents->disk_count++] =
        (struct vmf_container_disk){.id = device->name,
                                    .kind = kind_of(device),
                                    .size = device->size,
                                    .piece = device->memory ? 0 : VMA_CLUSTER};
  }
  contents->disks = archive->disks;
}

/* The configuration of the machine; that of its firewall is another. */
static void find_machine(struct vma_archive *archive)
{
  for (unsigned i = 0; i < archive->config_count; i++) {
    const struct vma_config *config = &archive->configs[i];
    if (strcmp(config->name, "qemu-server.conf") != 0)
      continue;
    archive->contents.machine = "proxmox";
    archive->contents.text_name = config->name;
    archive->contents.text = (const char *)config->data;
    archive->contents.text_length = config->length;
  }
}

enum vmf_code vma_archive_open(struct vma_archive *archive, struct vmf_io *io, uint64_t size,
                               struct vmf_error *error)
{
  uint8_t front[VMA_EXTENT_HEADER];
  struct blobs blobs;
  void *memory;

  archive->name = io->name;
  if (size < VMA_HEADER_MIN)
    return vmf_fail(error, VMF_CORRUPT, "%s: %" PRIu64 " bytes, a VMA header has more than %d",
                    archive->name, size, VMA_HEADER_MIN);
  VMF_TRY(vmf_io_pread(io, front, sizeof(front), 0, error));
  VMF_TRY(check_front(archive, front, size, error));
  VMF_TRY(vmf_alloc(archive->header_size, &memory, error));
  archive->header = memory;
  memcpy(archive->header, front, sizeof(front));
  VMF_TRY(vmf_io_pread(io, archive->header + sizeof(front), archive->header_size - sizeof(front),
                       sizeof(front), error));
  VMF_TRY(check_digest(archive, error));
  memcpy(archive->uuid, archive->header + 8, VMA_UUID_SIZE);
  archive->time = get_be64(archive->header + 24);
  VMF_TRY(find_blobs(archive, &blobs, error));
  for (unsigned i = 0; i < VMA_CONFIGS; i++)
    VMF_TRY(load_config(archive, &blobs, i, error));
  for (unsigned i = 0; i < VMA_DEVICES; i++)
    VMF_TRY(load_device(archive, &blobs, i, error));
  list_disks(archive);
  find_machine(archive);
  return VMF_OK;
}

void vma_archive_close(struct vma_archive *archive)
{
  for (unsigned i = 0; i < VMA_DEVICES; i++)
    vmf_coverage_free(&archive->devices[i].listed);
  vmf_free(archive->header);
}
