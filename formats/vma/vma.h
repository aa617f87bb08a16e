/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * VMA, the archive of Proxmox VE's backups; what it is stands in vma_spec.txt of its QEMU and in
 * what its programs write. All numbers are big-endian, but for the lengths of blobs. A header with
 * a table of devices and a buffer of blobs (names and configurations), then extents up to the end
 * of the file. An extent is a header of 512 bytes, which lists up to 59 clusters of 64 KiB of any
 * devices, and the blocks of 4 KiB of them that are not zeros. Every cluster of every device is
 * listed once, in any order. */
#ifndef FORMATS_VMA_VMA_H
#define FORMATS_VMA_VMA_H

#include "container.h"
#include "coverage.h"

enum {
  VMA_UUID_SIZE = 16,
  VMA_HEADER_MIN = 12288,   /* bytes; the blobs stand behind */
  VMA_HEADER_MAX = 2 << 20, /* ten times what Proxmox VE makes */
  VMA_DEVICES = 256,        /* number 0 is none */
  VMA_CONFIGS = 256,
  VMA_CLUSTER = 64 << 10,
  VMA_BLOCK = 4096,
  VMA_BLOCKS = VMA_CLUSTER / VMA_BLOCK, /* of a cluster: the bits of a mask */
  VMA_EXTENT_HEADER = 512,
  VMA_SLOTS = 59, /* of an extent */
};

#define VMA_MAGIC "VMA" /* with its NUL */
#define VMA_EXTENT_MAGIC "VMAE"

struct vma_device {
  const char *name; /* in the archive's header; NULL: there is no such device */
  uint64_t size;    /* bytes, any value */
  bool memory; /* the state of a running machine: no disk, its clusters come in order, and its size
                * is a bound */
  uint64_t came;              /* memory: so many clusters came */
  struct vmf_coverage listed; /* others: which clusters came */
};

struct vma_config {
  const char *name; /* in the archive's header, as its data */
  const uint8_t *data;
  uint32_t length; /* bytes */
};

struct vma_archive {
  const char *name; /* of the file, for messages */
  uint8_t *header;
  uint32_t header_size; /* bytes: where the first extent starts */
  uint8_t uuid[VMA_UUID_SIZE];
  uint64_t time; /* seconds since 1970 */
  struct vma_device devices[VMA_DEVICES];
  struct vma_config configs[VMA_CONFIGS];
  unsigned config_count;
  struct vmf_contents contents; /* a disk for each device, in their order */
  struct vmf_container_disk disks[VMA_DEVICES];
  uint8_t device_of[VMA_DEVICES],
      disk_of[VMA_DEVICES]; /* a disk's device, and the other way round */
};

/* Reads the header from the first byte on, of a file or stream, and checks all of it. `size` of the
 * file; UINT64_MAX: not known. No unwinding on failure: vma_archive_close follows, which accepts a
 * zeroed one. */
VMF_MUST_CHECK enum vmf_code vma_archive_open(struct vma_archive *archive, struct vmf_io *io,
                                              uint64_t size, struct vmf_error *error);
void vma_archive_close(struct vma_archive *archive);

/* A cluster that an extent lists. */
struct vma_slot {
  uint8_t device;
  uint16_t mask; /* bit i: block i is stored, behind those of the slots and bits before; others are
                  * zeros */
  uint32_t cluster;
};

struct vma_extent {
  uint64_t offset; /* of its header, bytes */
  struct vma_slot slots[VMA_SLOTS];
  unsigned count;  /* of the slots */
  unsigned blocks; /* that are stored */
};

static inline uint64_t vma_extent_end(const struct vma_extent *extent)
{
  return extent->offset + VMA_EXTENT_HEADER + (uint64_t)VMA_BLOCK * extent->blocks;
}

/* Decodes an extent's header and checks what it lists. */
VMF_MUST_CHECK enum vmf_code vma_extent_decode(const struct vma_archive *archive,
                                               const uint8_t raw[VMA_EXTENT_HEADER],
                                               uint64_t offset, struct vma_extent *extent,
                                               struct vmf_error *error);

/* The same when it is read first: with its MD5 and UUID; and notes that its clusters came: none may
 * come twice. */
VMF_MUST_CHECK enum vmf_code vma_extent_take(struct vma_archive *archive,
                                             const uint8_t raw[VMA_EXTENT_HEADER], uint64_t offset,
                                             struct vma_extent *extent, struct vmf_error *error);

/* The archive ends at byte `offset`: every cluster of every device must have come. */
VMF_MUST_CHECK enum vmf_code vma_check_complete(const struct vma_archive *archive, uint64_t offset,
                                                struct vmf_error *error);

/* Where in an extent the next run starts; zeroed at first. */
struct vma_cursor {
  unsigned slot, block; /* of the slot */
  unsigned stored;      /* blocks before it */
};

/* The run that starts at the cursor, PLAIN or ZERO, as long as clusters follow each other, and its
 * device; false: the extent has no more. */
bool vma_extent_run(const struct vma_archive *archive, const struct vma_extent *extent,
                    struct vma_cursor *cursor, unsigned *device, struct vmf_run *run);

/* ---- writing ---- */

enum { VMA_SLOTS_WRITTEN = 58 /* as Proxmox VE fills an extent */ };

/* An extent's header. */
void vma_extent_encode(const uint8_t uuid[VMA_UUID_SIZE], const struct vma_slot *slots,
                       unsigned count, uint8_t raw[VMA_EXTENT_HEADER]);

/* Writes the header of an archive from byte 0 on; devices are numbered from 1 in the order of the
 * disks. */
VMF_MUST_CHECK enum vmf_code vma_write_header(struct vmf_io *io,
                                              const struct vmf_contents *contents,
                                              const uint8_t uuid[VMA_UUID_SIZE], int64_t time,
                                              uint32_t *length, struct vmf_error *error);

extern const struct vmf_writer vma_writer;
extern const struct vmf_container_writer vma_container_writer;
extern const struct vmf_container_reader vma_container;
extern const struct vmf_format vmf_format_vma;

#endif
