/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "qcow.h"

#include "bytes.h"

static int qcow_probe(const struct vmf_probe *probe)
{
  return probe->head_length >= 8 && get_be32(probe->head) == QCOW_MAGIC &&
                 get_be32(probe->head + 4) == 1
             ? 100
             : 0;
}

static enum vmf_code qcow_open(struct vmf_image *image, const struct vmf_open_args *args,
                               struct vmf_error *error)
{
  struct qcow_state *state = image->state;

  VMF_TRY(qcow_load(image, error));
  image->encrypted = state->header.encryption != 0;
  return !image->encrypted ? VMF_OK
                           : vmf_legacy_aes_unlock(image->io->name, args->unlocking, image->log,
                                                   &state->cipher, error);
}

static void qcow_close(struct vmf_image *image)
{
  const struct qcow_state *state = image->state;

  vmf_cipher_free(state->cipher);
}

static enum vmf_code qcow_info(struct vmf_image *image, struct vmf_value *summary,
                               struct vmf_value *data, struct vmf_error *error)
{
  const struct qcow_state *state = image->state;

  (void)data;
  return state->header.encryption != 0 ? vmf_value_bool(summary, "encrypted", true, error) : VMF_OK;
}

static const struct vmf_reader qcow_reader = {
    .packs = true,
    .state_size = sizeof(struct qcow_state),
    .probe = qcow_probe,
    .open = qcow_open,
    .close = qcow_close,
    .map = qcow_map,
    .info = qcow_info,
    .check = qcow_check,
};

static const char *const suffixes[] = {"qcow", NULL};

const struct vmf_format vmf_format_qcow = {
    .name = "qcow",
    .summary = "QEMU copy-on-write disk, version 1",
    .suffixes = suffixes,
    .reader = &qcow_reader,
};
