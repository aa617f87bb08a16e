/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What `info` shows of a QCOW2 image, under qemu-img's keys. */
#include <string.h>

#include "memory.h"
#include "qcow2_reader.h"

enum {
  LISTED_SNAPSHOTS = 4096,       /* a hostile table may claim more than anybody reads */
  LISTED_TEXT = 4 * 1024 * 1024, /* bytes of their ids and names */
  NSEC_PER_SEC = 1000000000,
};

struct snapshot_list {
  struct vmf_value *list;
  uint32_t count;
  size_t text;
};

static enum vmf_code add_snapshot(void *context, const struct qcow2_snapshot *snapshot, bool *stop,
                                  struct vmf_error *error)
{
  struct snapshot_list *list = context;
  struct vmf_value *object;
  VMF_TRY(vmf_value_add(list->list, VMF_VALUE_OBJECT, NULL, &object, error));
  VMF_TRY(vmf_value_text(object, "id", snapshot->id, error));
  VMF_TRY(vmf_value_text(object, "name", snapshot->name, error));
  VMF_TRY(vmf_value_uint(object, "vm-state-size", snapshot->state_size, error));
  VMF_TRY(vmf_value_uint(object, "date-sec", snapshot->date_sec, error));
  VMF_TRY(vmf_value_uint(object, "date-nsec", snapshot->date_nsec, error));
  VMF_TRY(vmf_value_uint(object, "vm-clock-sec", snapshot->clock_nsec / NSEC_PER_SEC, error));
  VMF_TRY(vmf_value_uint(object, "vm-clock-nsec", snapshot->clock_nsec % NSEC_PER_SEC, error));
  if (snapshot->has_icount && snapshot->icount != UINT64_MAX)
    VMF_TRY(vmf_value_uint(object, "icount", snapshot->icount, error));
  list->count++;
  list->text += strlen(snapshot->id) + strlen(snapshot->name);
  *stop = list->count >= LISTED_SNAPSHOTS || list->text >= LISTED_TEXT;
  return VMF_OK;
}

static enum vmf_code add_snapshots(struct vmf_image *image, struct vmf_value *summary,
                                   struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  if (state->header.snapshot_count == 0)
    return VMF_OK;
  struct snapshot_list list = {0};
  uint64_t end;
  VMF_TRY(vmf_value_add(summary, VMF_VALUE_LIST, "snapshots", &list.list, error));
  VMF_TRY(qcow2_walk_snapshots(image, add_snapshot, &list, &end, error));
  if (list.count < state->header.snapshot_count)
    vmf_warn(image->log, "%s: only the first %u of %u snapshots are listed", image->io->name,
             list.count, state->header.snapshot_count);
  return VMF_OK;
}

static enum vmf_code add_bitmap(void *context, const struct qcow2_bitmap *bitmap,
                                struct vmf_error *error)
{
  struct vmf_value *object, *flags;
  VMF_TRY(vmf_value_add(context, VMF_VALUE_OBJECT, NULL, &object, error));
  VMF_TRY(vmf_value_add(object, VMF_VALUE_LIST, "flags", &flags, error));
  if ((bitmap->flags & QCOW2_BITMAP_IN_USE) != 0)
    VMF_TRY(vmf_value_text(flags, NULL, "in-use", error));
  if ((bitmap->flags & QCOW2_BITMAP_AUTO) != 0)
    VMF_TRY(vmf_value_text(flags, NULL, "auto", error));
  if ((bitmap->flags & QCOW2_BITMAP_RESERVED) != 0)
    VMF_TRY(vmf_value_text(flags, NULL, "unknown", error));
  VMF_TRY(vmf_value_text(object, "name", bitmap->name, error));
  return vmf_value_uint(object, "granularity", UINT64_C(1) << bitmap->granularity_bits, error);
}

static enum vmf_code add_bitmaps(struct vmf_image *image, struct vmf_value *data,
                                 struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  struct vmf_value *bitmaps;
  if (state->extensions.bitmap_count == 0)
    return VMF_OK;
  VMF_TRY(vmf_value_add(data, VMF_VALUE_LIST, "bitmaps", &bitmaps, error));
  return qcow2_walk_bitmaps(image, add_bitmap, bitmaps, error);
}

static enum vmf_code add_data_file(struct vmf_image *image, struct vmf_value *data,
                                   struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  bool raw = (state->header.autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW) != 0;
  if (state->extensions.data_file == NULL)
    return VMF_OK;
  VMF_TRY(vmf_value_text(data, "data-file", state->extensions.data_file, error));
  return vmf_value_bool(data, "data-file-raw", raw, error);
}

/* In the order in which qemu-img prints them. */
static enum vmf_code add_features(struct vmf_image *image, struct vmf_value *data,
                                  struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  const struct qcow2_header *header = &state->header;
  bool newer = header->version > 2;
  bool lazy = (header->compatible & QCOW2_COMPATIBLE_LAZY_REFCOUNTS) != 0;
  bool corrupt = (header->incompatible & QCOW2_INCOMPATIBLE_CORRUPT) != 0;
  if (newer)
    VMF_TRY(vmf_value_bool(data, "lazy-refcounts", lazy, error));
  VMF_TRY(add_bitmaps(image, data, error));
  VMF_TRY(vmf_value_uint(data, "refcount-bits", UINT64_C(1) << header->refcount_order, error));
  VMF_TRY(add_data_file(image, data, error));
  VMF_TRY(qcow2_show_encryption(state, data, error));
  if (!newer)
    return VMF_OK;
  VMF_TRY(vmf_value_bool(data, "corrupt", corrupt, error));
  return vmf_value_bool(data, "extended-l2", state->extended, error);
}

static enum vmf_code find_machine(void *context, const struct qcow2_snapshot *snapshot, bool *stop,
                                  struct vmf_error *error)
{
  (void)error;
  *stop = *(bool *)context = snapshot->state_size > 0;
  return VMF_OK;
}

enum vmf_code qcow2_losses(struct vmf_image *image, struct vmf_report *report,
                           struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  uint32_t snapshots = state->header.snapshot_count, bitmaps = state->extensions.bitmap_count;
  struct vmf_error ignored;
  bool machine = false, chosen = state->l1_offset != state->header.l1_offset;
  uint64_t end;
  (void)error;
  if (chosen) /* who asked for one snapshot knows */
    return VMF_OK;
  /* a table that is damaged does no harm to what is read */
  if (snapshots > 0 &&
      qcow2_walk_snapshots(image, find_machine, &machine, &end, &ignored) != VMF_OK)
    machine = false;
  if (snapshots > 0)
    vmf_report_add(report, VMF_SEVERITY_LOSS, "loss-snapshots", image->io->name, 0,
                   "internal snapshots stay behind: %u%s; -l reads one of them", snapshots,
                   machine ? ", some with the memory of a running machine" : "");
  if (bitmaps > 0)
    vmf_report_add(report, VMF_SEVERITY_LOSS, "loss-bitmaps", image->io->name, 0,
                   "bitmaps of changed blocks stay behind: %u; --bitmaps takes "
                   "them into a qcow2",
                   bitmaps);
  return VMF_OK;
}

enum vmf_code qcow2_info(struct vmf_image *image, struct vmf_value *summary, struct vmf_value *data,
                         struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  const struct qcow2_header *header = &state->header;
  const char *compression = state->codec == VMF_CODEC_ZSTD ? "zstd" : "zlib";
  VMF_TRY(add_snapshots(image, summary, error));
  VMF_TRY(vmf_value_bool(summary, "dirty-flag",
                         (header->incompatible & QCOW2_INCOMPATIBLE_DIRTY) != 0, error));
  if (header->crypt_method != QCOW2_CRYPT_NONE)
    VMF_TRY(vmf_value_bool(summary, "encrypted", true, error));
  VMF_TRY(vmf_value_text(data, "compat", header->version == 2 ? "0.10" : "1.1", error));
  VMF_TRY(vmf_value_text(data, "compression-type", compression, error));
  return add_features(image, data, error);
}
