/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * QCOW2, versions 2 and 3: recognising and opening an image, and the driver's two halves. */
#include "qcow2.h"

#include <inttypes.h>

#include "bytes.h"
#include "memory.h"
#include "qcow2_reader.h"

static int qcow2_probe(const struct vmf_probe *probe)
{
  if (probe->head_length < QCOW2_VERSION_AT + 4 ||
      get_be32(probe->head + QCOW2_MAGIC_AT) != QCOW2_MAGIC)
    return 0;
  uint32_t version = get_be32(probe->head + QCOW2_VERSION_AT);
  return version == 2 || version == 3 ? 100 : 0; /* version 1 is another format, qcow */
}

static enum vmf_code qcow2_open(struct vmf_image *image, const struct vmf_open_args *args,
                                struct vmf_error *error)
{
  struct qcow2_state *state = image->state;
  VMF_TRY(qcow2_read_header(image, error));
  if ((state->header.incompatible & QCOW2_INCOMPATIBLE_DIRTY) != 0)
    vmf_warn(image->log,
             "%s: the image was not closed cleanly: its reference counts may be wrong, which does "
             "not matter for reading",
             image->io->name);
  if ((state->header.incompatible & QCOW2_INCOMPATIBLE_DATA_FILE) != 0)
    VMF_TRY(image->opener->open(image->opener, state->extensions.data_file, VMF_REFERENCE_DATA,
                                &state->data_io, error));
  VMF_TRY(qcow2_unlock(image, args->unlocking, error));
  return args->snapshot != NULL ? qcow2_select_snapshot(image, args->snapshot, error) : VMF_OK;
}

static void qcow2_close(struct vmf_image *image)
{
  struct qcow2_state *state = image->state;
  if (state->data_io != NULL) {
    vmf_page_cache_drop(image->cache, state->data_io);
    vmf_io_close(state->data_io);
  }
  vmf_cipher_free(state->cipher);
  vmf_free(state->luks);
  vmf_free(state->marks.name);
  vmf_free(state->extensions.backing_format);
  vmf_free(state->extensions.data_file);
}

const struct vmf_reader qcow2_reader = {
    .snapshots = true,
    .packs = true,
    .state_size = sizeof(struct qcow2_state),
    .probe = qcow2_probe,
    .open = qcow2_open,
    .close = qcow2_close,
    .map = qcow2_map,
    .choose_bitmap = qcow2_choose_bitmap,
    .next_marked = qcow2_next_marked,
    .info = qcow2_info,
    .losses = qcow2_losses,
    .check = qcow2_check,
};

static const char *const aliases[] = {NULL};
static const char *const suffixes[] = {"qcow2", "qcow", NULL};

extern const struct vmf_format vmf_format_qcow2;
const struct vmf_format vmf_format_qcow2 = {
    .name = "qcow2",
    .summary = "QEMU copy-on-write disk, versions 2 and 3",
    .aliases = aliases,
    .suffixes = suffixes,
    .reader = &qcow2_reader,
    .writer = &qcow2_writer,
    .updater = &qcow2_updater,
};
