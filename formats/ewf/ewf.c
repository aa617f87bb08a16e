/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The segments of an image, and what is told of it. */
#include "ewf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "list.h"
#include "memory.h"

#define MAGIC "EVF\x09\x0d\x0a\xff\0"

/* The name of a file in a folder or an archive. */
static const char *name_of(const char *path)
{
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path, *member;

  while ((member = strstr(name, "::")) != NULL)
    name = member + 2;
  return name;
}

/* E01 to E99, then EAA, EAB, ..., EZZ, FAA, ..., ZZZ: the first letter, and their case, is that of
 * the first one. */
enum vmf_code ewf_segment_name(const char *first, uint32_t number, char **name,
                               struct vmf_error *error)
{
  const char *dot = strrchr(first, '.');

  *name = NULL;
  if (!dot || strlen(dot) != 4 || strcmp(dot + 2, "01") != 0 || strchr("EeSs", dot[1]) == NULL)
    return VMF_OK;
  if (number < 100)
    return vmf_format(name, error, "%.*s%02" PRIu32, (int)(dot + 2 - first), first, number);
  uint32_t rest = number - 100, letters = rest / 676;
  char base = dot[1] >= 'a' ? 'a' : 'A';
  if (dot[1] + letters > base + 25u)
    return VMF_OK;
  return vmf_format(name, error, "%.*s%c%c%c", (int)(dot + 1 - first), first,
                    (char)(dot[1] + letters), (char)(base + rest / 26 % 26),
                    (char)(base + rest % 26));
}

static enum vmf_code check_segment(const struct vmf_io *first, struct vmf_io *io, uint32_t number,
                                   struct vmf_error *error)
{
  uint8_t raw[EWF_FILE_HEADER];

  if (io->size < sizeof raw)
    return vmf_fail(error, VMF_CORRUPT, "%s: %" PRIu64 " bytes, a segment of an E01 has %d more",
                    io->name, io->size, EWF_FILE_HEADER);
  VMF_TRY(vmf_io_pread(io, raw, sizeof raw, 0, error));
  if (memcmp(raw, MAGIC, 8) != 0 || raw[8] != 1)
    return vmf_fail(error, VMF_CORRUPT, "%s: does not begin as a segment of an E01", io->name);
  if (get_le16(raw + 9) == number)
    return VMF_OK;
  if (first == io)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: is segment %u of an image: name the first one (*.E01), the others are "
                    "found beside it",
                    io->name, get_le16(raw + 9));
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: says that it is segment %u, by its name it is segment %" PRIu32, io->name,
                  get_le16(raw + 9), number);
}

static enum vmf_code open_segment(struct vmf_image *image, uint32_t number, struct vmf_io **io,
                                  struct vmf_error *error)
{
  struct ewf_state *state = image->state;
  VMF_AUTO_FREE char *name = NULL;

  if (number > image->limits->extents)
    return vmf_fail(error, VMF_LIMIT, "%s: more than %" PRIu32 " segments", image->io->name,
                    image->limits->extents);
  VMF_TRY(ewf_segment_name(name_of(image->io->name), number, &name, error));
  if (!name)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: another segment follows, number %" PRIu32
                    ", but the name does not end in .E01, which would tell what it is called",
                    image->io->name, number);
  VMF_TRY(
      VMF_LIST_ROOM(state->segments, state->segment_count, state->segment_room, "segments", error));
  VMF_TRY(image->opener->open(image->opener, name, VMF_REFERENCE_EXTENT, io, error));
  state->segments[state->segment_count++] = *io;
  return check_segment(image->io, *io, number, error);
}

static enum vmf_code ewf_open(struct vmf_image *image, const struct vmf_open_args *args,
                              struct vmf_error *error)
{
  struct ewf_state *state = image->state;
  struct vmf_io *io = image->io;
  bool more = true;

  (void)args;
  VMF_TRY(check_segment(image->io, io, 1, error));
  for (uint32_t number = 2; more; number++) {
    VMF_TRY(ewf_walk_segment(image, io, &more, error));
    if (!state->has_volume)
      return vmf_fail(error, VMF_CORRUPT, "%s: no section tells of the disk (\"volume\")",
                      image->io->name);
    if (more)
      VMF_TRY(open_segment(image, number, &io, error));
  }
  if (state->chunks != state->volume.chunks)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: its segments have %" PRIu64 " chunks, expected %" PRIu32, image->io->name,
                    state->chunks, state->volume.chunks);
  return VMF_OK;
}

static void ewf_close(struct vmf_image *image)
{
  struct ewf_state *state = image->state;

  for (size_t i = 0; i < state->segment_count; i++) {
    vmf_page_cache_drop(image->cache, state->segments[i]);
    vmf_io_close(state->segments[i]);
  }
  vmf_free(state->segments);
  vmf_free(state->tables);
}

static enum vmf_code add_digest(struct vmf_value *data, const char *name, const uint8_t *digest,
                                size_t size, struct vmf_error *error)
{
  char text[2 * EWF_SHA1 + 1];

  for (size_t i = 0; i < size; i++)
    snprintf(text + 2 * i, 3, "%02x", digest[i]);
  return vmf_value_text(data, name, text, error);
}

static const char *media_name(uint8_t media)
{
  switch (media) {
  case 0:
    return "removable";
  case 1:
    return "fixed";
  case 3:
    return "optical";
  case 0x0e:
    return "logical";
  case 0x10:
    return "memory";
  default:
    return "unknown";
  }
}

static enum vmf_code ewf_info(struct vmf_image *image, struct vmf_value *summary,
                              struct vmf_value *data, struct vmf_error *error)
{
  const struct ewf_state *state = image->state;
  const struct vmf_disk_digests *digests = &image->digests;

  (void)summary;
  if (!state->has_volume)
    return VMF_OK;
  VMF_TRY(vmf_value_uint(data, "segments", state->segment_count + 1, error));
  VMF_TRY(vmf_value_text(data, "media", media_name(state->volume.media), error));
  VMF_TRY(vmf_value_uint(data, "sector-size", state->volume.sector, error));
  VMF_TRY(vmf_value_uint(data, "compression-level", state->volume.level, error));
  if (state->unread > 0)
    VMF_TRY(vmf_value_uint(data, "unread-ranges", state->unread, error));
  if (digests->has_md5)
    VMF_TRY(add_digest(data, "md5", digests->md5, EWF_MD5, error));
  if (digests->has_sha1)
    VMF_TRY(add_digest(data, "sha1", digests->sha1, EWF_SHA1, error));
  return VMF_OK;
}

/* The last chunk may hold more than the disk, and digests that were made then cover that: they are
 * told, and not compared. */
enum vmf_code ewf_check(struct vmf_image *image, struct vmf_findings *findings,
                        struct vmf_error *error)
{
  const struct ewf_state *state = image->state;
  VMF_AUTO_FREE void *stored = NULL, *data = NULL;
  struct vmf_unpacker *unpacker;
  struct vmf_run run;
  size_t length = 0;

  findings->total_clusters = findings->allocated_clusters = state->volume.chunks;
  if (image->size == 0)
    return VMF_OK;
  VMF_TRY(ewf_map(image, image->size - 1, &run, error));
  if (run.codec == VMF_CODEC_NONE)
    length = run.stored - EWF_SUM;
  else {
    VMF_TRY(vmf_alloc(run.stored, &stored, error));
    VMF_TRY(vmf_alloc(run.unit, &data, error));
    VMF_TRY(vmf_io_pread(run.io, stored, run.stored, run.offset, error));
    VMF_TRY(vmf_unpacker_new(&unpacker, error));
    enum vmf_code code =
        vmf_unpack(unpacker, run.codec, stored, run.stored, data, run.unit, &length, NULL);
    vmf_unpacker_free(unpacker);
    if (code != VMF_OK)
      return VMF_OK; /* whoever reads the disk finds it */
  }
  if (length > run.length && (image->digests.has_md5 || image->digests.has_sha1)) {
    vmf_finding(findings,
                "%s: the last chunk holds %zu bytes more than the disk: the stored digests may "
                "cover them, and are not compared",
                run.io->name, length - (size_t)run.length);
    image->digests = (struct vmf_disk_digests){0};
  }
  return VMF_OK;
}

static int ewf_probe(const struct vmf_probe *probe)
{
  return probe->head_length >= EWF_FILE_HEADER && memcmp(probe->head, MAGIC, 8) == 0 ? 100 : 0;
}

static const struct vmf_reader ewf_reader = {
    .packs = true,
    .check_reads = true,
    .state_size = sizeof(struct ewf_state),
    .probe = ewf_probe,
    .open = ewf_open,
    .close = ewf_close,
    .map = ewf_map,
    .unwrap = ewf_unwrap,
    .info = ewf_info,
    .check = ewf_check,
};

static const char *const aliases[] = {"e01", NULL};
static const char *const suffixes[] = {"e01", "s01", NULL};

extern const struct vmf_format vmf_format_ewf;
const struct vmf_format vmf_format_ewf = {
    .name = "ewf",
    .summary = "EnCase's image of evidence (E01), in segments",
    .aliases = aliases,
    .suffixes = suffixes,
    .reader = &ewf_reader,
};
