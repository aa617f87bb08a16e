/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The bands of a bundle: which there are is known from the folder, so that one that is not there is
 * never looked for elsewhere. */
#include "sparsebundle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "list.h"
#include "memory.h"
#include "row.h"
#include "text.h"

enum { DIGITS_MAX = 12 };

struct band {
  uint64_t number;   /* see row.h */
  struct vmf_io *io; /* NULL: not open yet */
};

struct sparsebundle_state {
  struct sparsebundle_info info;
  struct vmf_io *token; /* or NULL */
  struct band *bands;   /* in the order of their numbers */
  size_t count, room;
};

extern const struct vmf_format vmf_format_sparsebundle;

/* A bundle that is encrypted has the key, itself encrypted, in its token. */
static enum vmf_code check_token(struct vmf_image *image, struct vmf_error *error)
{
  struct sparsebundle_state *state = image->state;
  struct vmf_error found = {0};
  enum vmf_code code =
      image->opener->open(image->opener, "token", VMF_REFERENCE_PIECE, &state->token, &found);

  if (code == VMF_CORRUPT) /* there is none */
    return VMF_OK;
  if (code != VMF_OK)
    return vmf_fail(error, code, "%s", found.text);
  if (state->token->size == 0)
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: has %" PRIu64 " bytes: the sparse bundle is encrypted; \"hdiutil convert\" "
                  "on macOS makes one of it that is not",
                  state->token->name, state->token->size);
}

/* ---- which bands there are ---- */

/* The number that is written as macOS writes it: small letters, no 0 before others. */
static bool take_number(const char *name, uint64_t *number)
{
  size_t length = strlen(name);

  if (length == 0 || length > DIGITS_MAX || (name[0] == '0' && length > 1))
    return false;
  if (strspn(name, "0123456789abcdef") != length)
    return false;
  for (*number = 0; *name; name++)
    *number = *number << 4 | (uint64_t)vmf_hex_digit(*name);
  return true;
}

static enum vmf_code take_name(void *data, const char *name, struct vmf_error *error)
{
  struct vmf_image *image = data;
  struct sparsebundle_state *state = image->state;
  uint64_t number, end = vmf_div_up(image->size, state->info.band);

  if (name[0] == '.') /* what Finder and servers leave there */
    return VMF_OK;
  if (!take_number(name, &number))
    return vmf_fail(
        error, VMF_CORRUPT,
        "%s: the folder of its bands has a \"%.80s\", expected the numbers of bands, in "
        "hexadecimal digits with small letters",
        image->io->name, name);
  if (number >= end) {
    vmf_warn(image->log, "%s: band %s lies behind the end of the disk, and is left out",
             image->io->name, name);
    return VMF_OK;
  }
  if (state->count >= image->limits->pieces)
    return vmf_fail(error, VMF_LIMIT, "%s: more than %" PRIu32 " bands", image->io->name,
                    image->limits->pieces);
  VMF_TRY(VMF_LIST_ROOM(state->bands, state->count, state->room, "bands", error));
  state->bands[state->count++] = (struct band){.number = number};
  return VMF_OK;
}

static enum vmf_code open_band(struct vmf_image *image, struct band *band, struct vmf_error *error)
{
  const struct sparsebundle_state *state = image->state;
  char name[sizeof "bands/" + DIGITS_MAX];

  snprintf(name, sizeof name, "bands/%" PRIx64, band->number);
  VMF_TRY(image->opener->open(image->opener, name, VMF_REFERENCE_PIECE, &band->io, error));
  if (band->io->size <= state->info.band)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT, "%s: %" PRIu64 " bytes, a band has %" PRIu64 " at most",
                  band->io->name, band->io->size, state->info.band);
}

static enum vmf_code sparsebundle_open(struct vmf_image *image, const struct vmf_open_args *args,
                                       struct vmf_error *error)
{
  struct sparsebundle_state *state = image->state;
  struct vmf_opener *opener = image->opener;

  (void)args;
  VMF_TRY(sparsebundle_read_info(image, &state->info, error));
  image->size = state->info.size;
  image->unit = state->info.band <= UINT32_MAX ? (uint32_t)state->info.band : 0;
  VMF_TRY(opener->list(opener, "bands", take_name, image, error));
  VMF_TRY(check_token(image, error));
  if (state->count > 0)
    qsort(state->bands, state->count, sizeof *state->bands, vmf_row_compare);
  for (size_t i = 0; i < state->count; i++)
    VMF_TRY(open_band(image, &state->bands[i], error));
  return VMF_OK;
}

static void sparsebundle_close(struct vmf_image *image)
{
  struct sparsebundle_state *state = image->state;

  for (size_t i = 0; i < state->count; i++)
    vmf_io_close(state->bands[i].io);
  vmf_io_close(state->token);
  vmf_free(state->bands);
}

/* ---- where the guest bytes are ---- */

/* What no band has, up to the next one that there is. */
static void map_nothing(const struct vmf_image *image, uint64_t start, size_t next,
                        struct vmf_run *run)
{
  const struct sparsebundle_state *state = image->state;
  uint64_t end = next < state->count ? state->bands[next].number * state->info.band : image->size;

  *run = (struct vmf_run){.guest = start, .length = end - start, .kind = VMF_RUN_ZERO};
}

static enum vmf_code sparsebundle_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                                      struct vmf_error *error)
{
  const struct sparsebundle_state *state = image->state;
  uint64_t number = guest / state->info.band, start = number * state->info.band;
  size_t found = vmf_row_from(state->bands, state->count, sizeof *state->bands, number);

  (void)error;
  if (found == state->count || state->bands[found].number != number) {
    map_nothing(image, start, found, run);
    return VMF_OK;
  }
  struct vmf_io *io = state->bands[found].io;
  uint64_t length = vmf_min(io->size, image->size - start);
  if (guest - start >= length)
    map_nothing(image, start + length, found + 1, run);
  else
    *run = (struct vmf_run){.guest = start, .length = length, .kind = VMF_RUN_PLAIN, .io = io};
  return VMF_OK;
}

static enum vmf_code sparsebundle_info(struct vmf_image *image, struct vmf_value *summary,
                                       struct vmf_value *data, struct vmf_error *error)
{
  const struct sparsebundle_state *state = image->state;

  (void)summary;
  VMF_TRY(vmf_value_uint(data, "band-size", state->info.band, error));
  return vmf_value_uint(data, "bands", state->count, error);
}

/* What can be wrong is known since it was opened: there are no checksums. */
static enum vmf_code sparsebundle_check(struct vmf_image *image, struct vmf_findings *findings,
                                        struct vmf_error *error)
{
  const struct sparsebundle_state *state = image->state;

  (void)error;
  findings->total_clusters = vmf_div_up(image->size, state->info.band);
  findings->allocated_clusters = state->count;
  return VMF_OK;
}

/* The type stands in the list, which begins as XML does. */
static int sparsebundle_probe(const struct vmf_probe *probe)
{
  static const char type[] = SPARSEBUNDLE_TYPE;
  const uint8_t *head = probe->head;

  if (probe->head_length < 5 || (memcmp(head, "<?xml", 5) != 0 && memcmp(head, "<plis", 5) != 0))
    return 0;
  for (size_t at = 0; at + sizeof type - 1 <= probe->head_length; at++)
    if (memcmp(head + at, type, sizeof type - 1) == 0)
      return 100;
  return 0;
}

static const struct vmf_reader sparsebundle_reader = {
    .state_size = sizeof(struct sparsebundle_state),
    .probe = sparsebundle_probe,
    .open = sparsebundle_open,
    .close = sparsebundle_close,
    .map = sparsebundle_map,
    .info = sparsebundle_info,
    .check = sparsebundle_check,
};

static const char *const aliases[] = {NULL};
static const char *const suffixes[] = {"sparsebundle", "plist", "bckup", NULL};

const struct vmf_format vmf_format_sparsebundle = {
    .name = "sparsebundle",
    .summary = "Apple's sparse disk image, a folder of bands",
    .aliases = aliases,
    .suffixes = suffixes,
    .reader = &sparsebundle_reader,
};
