/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A disk encrypted by LUKS: a header with the slots that its key is in, and behind it the raw disk,
 * sector by sector. What the header means is known to src/cipher. */
#include "luks.h"
#include "checked.h"
#include "format.h"
#include "memory.h"

struct luks_state {
  struct vmf_luks *luks;
  struct vmf_cipher *cipher;
};

static int luks_probe(const struct vmf_probe *probe)
{
  return vmf_luks_is(probe->head, probe->head_length) ? 100 : 0;
}

/* Where a disk ends with its file, a part of a sector at the end is none of it. */
static enum vmf_code set_size(struct vmf_image *image, struct vmf_error *error)
{
  const struct luks_state *state = image->state;
  const struct vmf_luks *luks = state->luks;
  uint32_t sector = luks->cipher.sector != 0 ? luks->cipher.sector : VMF_CIPHER_NUMBERED;

  if (!vmf_range_within(luks->payload, luks->size, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: LUKS header: encrypted data from byte %llu on, %llu bytes: beyond the end "
                    "of the file (%llu bytes)",
                    image->io->name, (unsigned long long)luks->payload,
                    (unsigned long long)luks->size, (unsigned long long)image->io->size);
  uint64_t left = image->io->size - luks->payload;
  image->size = luks->size > 0 ? luks->size : vmf_align_down(left, sector);
  if (luks->size == 0 && image->size != left)
    vmf_warn(image->log, "%s: %llu bytes at its end are no whole sector, and left out",
             image->io->name, (unsigned long long)(left - image->size));
  return VMF_OK;
}

static enum vmf_code luks_open(struct vmf_image *image, const struct vmf_open_args *args,
                               struct vmf_error *error)
{
  struct luks_state *state = image->state;

  VMF_TRY(vmf_luks_read(image->io, 0, image->io->size, image->log, &state->luks, error));
  VMF_TRY(set_size(image, error));
  image->encrypted = true;
  return vmf_luks_unlock(state->luks, args->unlocking, &state->cipher, error);
}

static void luks_close(struct vmf_image *image)
{
  struct luks_state *state = image->state;

  vmf_cipher_free(state->cipher);
  vmf_free(state->luks);
}

static enum vmf_code luks_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                              struct vmf_error *error)
{
  const struct luks_state *state = image->state;

  (void)guest;
  (void)error;
  *run = (struct vmf_run){.length = image->size,
                          .kind = VMF_RUN_PLAIN,
                          .io = image->io,
                          .offset = state->luks->payload,
                          .cipher = state->cipher};
  return VMF_OK;
}

static enum vmf_code luks_info(struct vmf_image *image, struct vmf_value *summary,
                               struct vmf_value *data, struct vmf_error *error)
{
  const struct luks_state *state = image->state;

  VMF_TRY(vmf_value_bool(summary, "encrypted", true, error));
  return state->luks ? vmf_luks_show(state->luks, data, error) : VMF_OK;
}

static const struct vmf_reader luks_reader = {
    .state_size = sizeof(struct luks_state),
    .probe = luks_probe,
    .open = luks_open,
    .close = luks_close,
    .map = luks_map,
    .info = luks_info,
};

static const char *const aliases[] = {NULL};
static const char *const suffixes[] = {"luks", NULL};

extern const struct vmf_format vmf_format_luks;
const struct vmf_format vmf_format_luks = {
    .name = "luks",
    .summary = "disk encrypted by LUKS, versions 1 and 2",
    .aliases = aliases,
    .suffixes = suffixes,
    .reader = &luks_reader,
};
