/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "qed.h"

#include "bytes.h"

static int qed_probe(const struct vmf_probe *probe)
{
  return probe->head_length >= 4 && get_le32(probe->head) == QED_MAGIC ? 100 : 0;
}

static enum vmf_code qed_open(struct vmf_image *image, const struct vmf_open_args *args,
                              struct vmf_error *error)
{
  const struct qed_state *state = image->state;

  VMF_TRY(qed_load(image, error));
  if (!(state->header.features & QED_NEEDS_CHECK))
    return VMF_OK;
  if (!args->tolerate_dirty)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the QED was not closed, its tables may be wrong: qemu-img check -r all "
                    "mends it, or -U reads it as it is",
                    image->io->name);
  vmf_warn(image->log, "%s: the QED was not closed, its tables may be wrong: read as it is",
           image->io->name);
  return VMF_OK;
}

static void qed_close(struct vmf_image *image)
{
  (void)image;
}

static enum vmf_code qed_info(struct vmf_image *image, struct vmf_value *summary,
                              struct vmf_value *data, struct vmf_error *error)
{
  const struct qed_state *state = image->state;

  VMF_TRY(vmf_value_bool(summary, "dirty-flag", (state->header.features & QED_NEEDS_CHECK) != 0,
                         error));
  return vmf_value_uint(data, "table-size", state->header.table_clusters, error);
}

static const struct vmf_reader qed_reader = {
    .state_size = sizeof(struct qed_state),
    .probe = qed_probe,
    .open = qed_open,
    .close = qed_close,
    .map = qed_map,
    .info = qed_info,
    .check = qed_check,
};

static const char *const suffixes[] = {"qed", NULL};

const struct vmf_format vmf_format_qed = {
    .name = "qed",
    .summary = "QEMU's enhanced disk, of 2010",
    .suffixes = suffixes,
    .reader = &qed_reader,
};
