/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The GUID partition table of a disk (UEFI 2.10, chapter 5): read, checked, and made for a disk of
 * another size. */
#ifndef VMF_PARTITION_GPT_H
#define VMF_PARTITION_GPT_H

#include "image.h"

enum { VMF_GPT_SECTOR_MOST = 4096 };

struct vmf_gpt {
  uint32_t sector;                     /* bytes: 512 or 4096, by where the header stands */
  uint8_t header[VMF_GPT_SECTOR_MOST]; /* the first one, `sector` bytes */
  uint32_t header_bytes;               /* of it that its checksum covers */
  uint8_t *table;                      /* the entries; owned */
  uint32_t table_bytes;
  uint64_t table_sectors; /* that the entries take */
  uint64_t last_used;     /* the last sector of any partition; 0: there is none */
};

/* Where a table of so many entries stands when it is the second one, at the end of a disk. */
struct vmf_gpt_end {
  uint64_t table, header; /* sectors */
  uint64_t last_usable;
};

/* *found false: there is none, and nothing to be freed. VMF_CORRUPT: there is one, and it is wrong:
 * its checksums, its places. */
VMF_MUST_CHECK enum vmf_code vmf_gpt_read(struct vmf_image *image, struct vmf_gpt *gpt, bool *found,
                                          struct vmf_error *error);
void vmf_gpt_free(struct vmf_gpt *gpt);

enum { VMF_GPT_TYPE = 16 /* bytes of a partition's type */ };

/* The type of an entry as it is stored, and its attributes; NULL: there are no more entries. */
const uint8_t *vmf_gpt_entry(const struct vmf_gpt *gpt, size_t index, uint64_t *attributes);

/* Where the partition of an entry begins, bytes of the disk; 0: nowhere that can be. */
uint64_t vmf_gpt_start(const struct vmf_gpt *gpt, const uint8_t *entry);

/* The sector that the first header says the second one is in. */
uint64_t vmf_gpt_second(const struct vmf_gpt *gpt);

/* Whether the first table ends before the first sector that partitions may use, as it should: else
 * it may be cut off, or written over. */
bool vmf_gpt_in_front(const struct vmf_gpt *gpt);

/* Of a disk of `size` bytes; false: it is too small for one. */
bool vmf_gpt_end(const struct vmf_gpt *gpt, uint64_t size, struct vmf_gpt_end *end);

/* The headers of both tables for that end, `sector` bytes each, checksums included. */
void vmf_gpt_headers(const struct vmf_gpt *gpt, const struct vmf_gpt_end *end,
                     uint8_t first[VMF_GPT_SECTOR_MOST], uint8_t second[VMF_GPT_SECTOR_MOST]);

#endif
