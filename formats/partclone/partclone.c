/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "partclone.h"

#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "memory.h"

static int partclone_probe(const struct vmf_probe *probe)
{
  return probe->head_length >= PARTCLONE_VERSION_AT + 4 &&
                 memcmp(probe->head, PARTCLONE_MAGIC, sizeof PARTCLONE_MAGIC - 1) == 0
             ? 100
             : 0;
}

static void tell(const struct vmf_image *image)
{
  const struct partclone_header *header = &((const struct partclone_state *)image->state)->header;

  vmf_note(image->log,
           "%s: one file system (%s) without a partition table; what it does not use was not saved "
           "and is read as zeros",
           image->io->name, header->system);
  if (header->sum == PARTCLONE_OLD_CRC)
    vmf_warn(image->log,
             "%s: the checksums of this old form were made wrong by many programs: they are not "
             "looked at",
             image->io->name);
  uint64_t covered = header->blocks * header->block_size;
  if (covered < header->device_size)
    vmf_warn(image->log,
             "%s: Partclone leaves out the last %" PRIu64
             " bytes of the device, behind its last block: they are read as zeros",
             image->io->name, header->device_size - covered);
}

static enum vmf_code partclone_open(struct vmf_image *image, const struct vmf_open_args *args,
                                    struct vmf_error *error)
{
  struct partclone_state *state = image->state;

  (void)args;
  VMF_TRY(partclone_read_header(image, error));
  image->size = state->header.device_size;
  image->unit = state->header.block_size;
  VMF_TRY(partclone_read_map(image, error));
  VMF_TRY(partclone_check_data(image, error));
  if (partclone_strips(&state->header) > 0)
    VMF_TRY(partclone_data_open(image, &state->data, error));
  tell(image);
  return VMF_OK;
}

static void partclone_close(struct vmf_image *image)
{
  struct partclone_state *state = image->state;

  vmf_io_close(state->data);
  vmf_free(state->ranks);
}

static const char *sum_name(enum partclone_sum_mode mode)
{
  switch (mode) {
  case PARTCLONE_CRC32:
    return "crc32";
  case PARTCLONE_XXH64:
    return "xxh64";
  case PARTCLONE_XXH128:
    return "xxh128";
  case PARTCLONE_OLD_CRC:
    return "old";
  case PARTCLONE_NONE:
    break;
  }
  return "none";
}

static enum vmf_code partclone_info(struct vmf_image *image, struct vmf_value *summary,
                                    struct vmf_value *data, struct vmf_error *error)
{
  const struct partclone_header *header = &((const struct partclone_state *)image->state)->header;

  (void)summary;
  VMF_TRY(vmf_value_uint(data, "version", header->version, error));
  VMF_TRY(vmf_value_text(data, "file-system", header->system, error));
  VMF_TRY(vmf_value_uint(data, "blocks", header->blocks, error));
  VMF_TRY(vmf_value_uint(data, "blocks-used", header->used, error));
  VMF_TRY(vmf_value_text(data, "checksum", sum_name(header->sum), error));
  return header->sum == PARTCLONE_NONE
             ? VMF_OK
             : vmf_value_uint(data, "blocks-per-checksum", header->blocks_per_sum, error);
}

/* All data against its checksums: open has looked at everything else. */
static enum vmf_code partclone_check(struct vmf_image *image, struct vmf_findings *findings,
                                     struct vmf_error *error)
{
  const struct partclone_state *state = image->state;
  const struct partclone_header *header = &state->header;
  uint64_t strips = partclone_strips(header);
  struct vmf_error found;

  findings->total_clusters = header->blocks;
  findings->allocated_clusters = header->used;
  for (uint64_t i = 0; i < strips; i++) {
    enum vmf_code code = partclone_check_strip(state->data, i, &found);
    if (code != VMF_OK && code != VMF_CORRUPT) {
      *error = found;
      return code;
    }
    if (code == VMF_CORRUPT && vmf_corruption_told(image->io, findings))
      vmf_finding(findings, "%s", found.text);
    if (vmf_corruptions_suffice(image->io, findings, "data"))
      return VMF_OK;
  }
  return VMF_OK;
}

static const struct vmf_reader partclone_reader = {
    .state_size = sizeof(struct partclone_state),
    .probe = partclone_probe,
    .open = partclone_open,
    .close = partclone_close,
    .map = partclone_map_blocks,
    .info = partclone_info,
    .check = partclone_check,
};

const struct vmf_format vmf_format_partclone = {
    .name = "partclone",
    .summary = "Partclone, Clonezilla: the used blocks of one file system",
    .reader = &partclone_reader,
};
