/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What open and map leave unseen: entries that share a block, blocks of the file that no entry
 * uses, and the header's count of them. VirtualBox puts the next block at the index that the count
 * tells: where it is too low, the guest's next write destroys a block that is in use. */
#include "checked.h"
#include "memory.h"
#include "vdi.h"

enum {
  ENTRIES_AT_ONCE = 1024,
  BLOCKS_MAX = 256 << 20, /* looked at for sharing: 32 MiB of bits */
};

struct survey {
  uint8_t *used; /* a bit a block of the file */
  uint32_t room; /* blocks that the file can hold: entries beyond are corrupt anyway */
  uint64_t end;  /* highest index in use, plus one */
  uint64_t entries, shared;
};

/* Blocks, the last in part, that lie in the file. */
static uint32_t room_for_blocks(const struct vmf_image *image)
{
  const struct vdi_header *header = &((const struct vdi_state *)image->state)->header;
  uint64_t stride = (uint64_t)header->block_size + header->block_extra;

  if (image->io->size <= header->data_offset)
    return 0;
  return (uint32_t)vmf_min(header->blocks,
                           vmf_div_up(image->io->size - header->data_offset, stride));
}

static void examine_entry(const struct vmf_image *image, uint32_t block, uint32_t entry,
                          struct survey *survey, struct vmf_findings *findings)
{
  struct vmf_error found;
  uint64_t host;

  if (entry == VDI_FREE || entry == VDI_ZERO)
    return;
  survey->entries++;
  if (vdi_block_place(image, block, entry, &host, &found) != VMF_OK) {
    findings->corruptions++;
    vmf_finding(findings, "%s", found.text);
    return;
  }
  if (survey->used[entry / 8] & 1u << entry % 8) {
    findings->corruptions++;
    vmf_finding(findings, "%s: block table entry %u: block %u is another entry's as well",
                image->io->name, block, entry);
  }
  survey->used[entry / 8] |= (uint8_t)(1u << entry % 8);
  survey->end = vmf_max(survey->end, entry + UINT64_C(1));
}

static void examine_unused(const struct vmf_image *image, const struct survey *survey,
                           struct vmf_findings *findings)
{
  for (uint32_t i = 0; i < survey->room; i++)
    if (!(survey->used[i / 8] & 1u << i % 8))
      findings->leaks++;
  if (findings->leaks > 0)
    vmf_finding(findings, "%s: %llu blocks of the file belong to no entry of the block table",
                image->io->name, (unsigned long long)findings->leaks);
}

static void examine_count(const struct vmf_image *image, const struct survey *survey,
                          struct vmf_findings *findings)
{
  uint32_t told = ((const struct vdi_state *)image->state)->header.blocks_allocated;

  if (survey->end <= told && survey->entries == told)
    return;
  findings->corruptions++;
  vmf_finding(findings,
              "%s: the header says %u blocks allocated, the block table uses %llu and ends at "
              "index %llu: VirtualBox puts the next block where the header's count tells",
              image->io->name, told, (unsigned long long)survey->entries,
              (unsigned long long)survey->end);
}

enum vmf_code vdi_check(struct vmf_image *image, struct vmf_findings *findings,
                        struct vmf_error *error)
{
  const struct vdi_header *header = &((const struct vdi_state *)image->state)->header;
  struct survey survey = {.room = room_for_blocks(image)};
  VMF_AUTO_FREE void *used = NULL;
  uint32_t entries[ENTRIES_AT_ONCE], count;

  findings->image_end_offset = image->io->size;
  findings->total_clusters = header->blocks;
  if (survey.room > BLOCKS_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: room for %u blocks: more than %d are not examined",
                    image->io->name, survey.room, BLOCKS_MAX);
  VMF_TRY(vmf_alloc(survey.room / 8 + 1, &used, error));
  survey.used = used;
  for (uint32_t block = 0; block < header->blocks; block += count) {
    count = (uint32_t)vmf_min(ENTRIES_AT_ONCE, header->blocks - block);
    VMF_TRY(vdi_read_table(image, block, entries, count, error));
    for (uint32_t i = 0; i < count; i++) {
      examine_entry(image, block + i, entries[i], &survey, findings);
      if (vmf_corruptions_suffice(image->io, findings, "block table"))
        return VMF_OK;
    }
  }
  findings->allocated_clusters = survey.entries;
  examine_unused(image, &survey, findings);
  examine_count(image, &survey, findings);
  return VMF_OK;
}
