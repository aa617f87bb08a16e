/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "journal_head.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "file.h"
#include "identity.h"
#include "journal_common.h"
#include "memory.h"
#include "remote_io.h"
#include "text.h"
#include "url.h"
#include "view.h"

#define IDENTITY "identity\t"

/* ---- the lines ---- */

struct lines {
  FILE *out;
  const char *name;   /* of lines for files: whose they are */
  bool slow;          /* a few bytes of a file take long: it is elsewhere, or packed */
  bool unchanged;     /* what nothing tells of is the same all the same, as the caller knows */
  bool trusted;       /* there is such a file */
  const char *untold; /* a file of which nothing tells whether it is the same one; or NULL */
};

/* A line has no end within, and no TAB. */
void vmf_journal_put_text(FILE *out, const char *text)
{
  for (; *text; text++)
    if ((unsigned char)*text < ' ' || *text == '\\')
      fprintf(out, "\\%03o", (unsigned char)*text);
    else
      fputc(*text, out);
}

static int64_t nanoseconds(struct timespec time)
{
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void put_file(FILE *out, const char *name, const char *path, const struct stat *status)
{
  char *whole = realpath(path, NULL);

  fprintf(out, "%s\t", name);
  vmf_journal_put_text(out, whole ? whole : path);
  free(whole);
  fprintf(out, ": %lld bytes, changed at %" PRId64 " and %" PRId64 ", inode %llu\n",
          (long long)status->st_size, nanoseconds(status->st_mtim), nanoseconds(status->st_ctim),
          (unsigned long long)status->st_ino);
}

static void put_remote(FILE *out, const char *name, const struct vmf_io *io, const char *version)
{
  fprintf(out, "%s\t", name);
  vmf_journal_put_text(out, io->name);
  fprintf(out, ": %" PRIu64 " bytes, version ", io->size);
  vmf_journal_put_text(out, version);
  fputc('\n', out);
}

/* What a caller can know of though nothing tells: a device, or a file elsewhere. */
static bool put_trusted(struct lines *lines, const struct vmf_io *io)
{
  struct stat status;

  if (!lines->unchanged ||
      !(vmf_url_is(io->name) || (vmf_io_stat(io, &status) && S_ISBLK(status.st_mode))))
    return false;
  put_remote(lines->out, lines->name, io, "taken as unchanged");
  return lines->trusted = true;
}

/* What stands in memory was made of files that are looked at. */
static bool is_made(const struct vmf_io *io)
{
  return strcmp(io->ops->kind, "memory") == 0 || strcmp(io->ops->kind, "blank") == 0;
}

/* What is shown of the files told before: of an archive one of its members. */
static void put_view(const struct lines *lines, const struct vmf_io *io)
{
  uint64_t offset;

  fprintf(lines->out, "%s\t%s of %" PRIu64 " bytes", lines->name, io->ops->kind, io->size);
  if (vmf_io_window_offset(io, io->ops->below(io, 0), &offset))
    fprintf(lines->out, ", from byte %" PRIu64, offset);
  fputc('\n', lines->out);
}

/* A vmf_file_visitor. A file without a name is one that was stored first. */
static bool add_file(const struct vmf_io *io, void *data)
{
  struct lines *lines = data;
  const struct vmf_io *below;
  struct stat status;
  bool view = false;

  for (size_t i = 0; io->ops->below && (below = io->ops->below(io, i)) != NULL; i++) {
    view = true;
    if (!add_file(below, data))
      return false;
  }
  lines->slow |= view;
  if (view)
    put_view(lines, io);
  if (view || is_made(io))
    return true;
  if (vmf_remote_version(io)) {
    put_remote(lines->out, lines->name, io, vmf_remote_version(io));
    lines->slow = true;
    return true;
  }
  if (vmf_io_stat(io, &status) && S_ISREG(status.st_mode) && status.st_nlink > 0) {
    put_file(lines->out, lines->name, io->name, &status);
    return true;
  }
  if (put_trusted(lines, io))
    return true;
  lines->untold = io->name;
  return false;
}

static void add_disk(FILE *out, const char *name, const struct vmf_image *image)
{
  const struct vmf_image *part;

  for (; image; image = image->parent) {
    const struct vmf_node *node = vmf_node(image);
    fprintf(out, "%s\t%s of %" PRIu64 " bytes, disk %u, ", name, image->format->name, image->size,
            node->disk);
    vmf_journal_put_text(out, node->asked ? node->asked : "");
    if (is_made(image->io)) /* a partition table in the place of its own */
      fprintf(out, ", %" PRIu64 " bytes anew", image->io->size);
    fputc('\n', out);
    for (size_t i = 0; (part = vmf_image_part(image, i)) != NULL; i++)
      add_disk(out, name, part);
  }
}

static void add_image(struct lines *lines, const char *files, const char *disks,
                      const struct vmf_image *image)
{
  lines->name = files;
  if (image && !lines->untold) {
    vmf_image_visit_files(image, add_file, lines);
    add_disk(lines->out, disks, image);
  }
}

static bool read_line(const char *path, char *line, int room)
{
  FILE *file = fopen(path, "re");
  bool read = file && fgets(line, room, file) && line[0] != '\n';

  if (file)
    fclose(file);
  if (read)
    line[strcspn(line, "\n")] = '\0';
  return read;
}

/* A device is told by its numbers, and by what the hardware calls itself, where that is told. */
static void add_device(FILE *out, const struct vmf_io *io)
{
  static const char *const names[] = {"wwid", "device/wwid", "dm/uuid", "../wwid",
                                      "../device/wwid"};
  char path[64], line[256];
  struct stat status;
  bool found = false;

  if (!io->device || !vmf_io_stat(io, &status))
    return;
  unsigned major_number = major(status.st_rdev), minor_number = minor(status.st_rdev);
  for (size_t i = 0; i < sizeof names / sizeof names[0] && !found; i++) {
    snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%s", major_number, minor_number, names[i]);
    found = read_line(path, line, sizeof line);
  }
  fprintf(out, "device of the target\t%" PRIu64 " bytes, %u:%u, ", io->size, major_number,
          minor_number);
  vmf_journal_put_text(out, found ? line : "without a name");
  fputc('\n', out);
}

static void add_object(FILE *out, const struct vmf_output *output)
{
  struct vmf_output_object object;

  if (!output || !vmf_output_uploads(output, &object))
    return;
  fputs("object of the target\t", out);
  vmf_journal_put_text(out, object.name);
  fputs("\nstore of the target\t", out);
  vmf_journal_put_text(out, object.store);
  fprintf(out, "\nparts of the object\t%s%s\n", object.parts,
          object.stored ? ", stored first" : "");
}

static void add_target(FILE *out, const struct vmf_copy *copy, const char *options)
{
  const struct vmf_target *target = copy->target;
  const struct vmf_shape *shape = &target->shape;

  fprintf(out, "format of the target\t%s\noptions of the target\t", target->format->name);
  vmf_journal_put_text(out, options ? options : "");
  fprintf(out, "\nsize of the disk\t%" PRIu64 " bytes\n", copy->size);
  fprintf(out, "packing\t%d, level %d%s\n", (int)shape->codec, shape->level,
          copy->keep_packed ? ", what is packed so is kept" : "");
  fprintf(out, "size of holes\t%u bytes\n", shape->keep_zeros ? 0 : copy->sparse_size);
  fprintf(out, "checksum\t%d\n", copy->checksum ? (int)copy->digest_kind : -1);
  fprintf(out, "bytes at once\t%u\n", copy->job_bytes);
  add_device(out, target->io);
  fputs("names of its files\t", out);
  vmf_journal_put_text(out, target->stem);
  fputs("\nbacking file of the target\t", out);
  vmf_journal_put_text(out, target->backing_name ? target->backing_name : "");
  fprintf(out, "%s\n", target->bitmaps ? ", with bitmaps" : "");
}

/* What is taken from an older target. */
static void add_units(struct lines *lines, const struct vmf_units *units)
{
  bool reused = units && units->old;

  fprintf(lines->out, "map of its units\t%s\n", units && units->writer ? "made" : "not made");
  lines->name = "older target";
  if (!reused)
    fprintf(lines->out, "%s\tnone\n", lines->name);
  else if (!lines->untold)
    (void)(add_file(units->onto, lines) && add_file(vmf_unit_map_io(units->old), lines));
}

static enum vmf_code no_memory(struct vmf_error *error)
{
  return vmf_fail(error, VMF_NOMEM, "no memory for a journal");
}

/* What the guest sees, by some of its bytes. */
static enum vmf_code add_content(FILE *out, const struct vmf_copy *copy, struct vmf_error *error)
{
  uint8_t seed[VMF_DIGEST_MAX];
  char text[2 * VMF_DIGEST_MAX + 1];

  if (!copy->source)
    return VMF_OK;
  VMF_TRY(vmf_identity_sample(copy->source, seed, error));
  vmf_digest_text(seed, vmf_digest_size(VMF_SHA256), text);
  fprintf(out, "some bytes of the disk\t%s\n", text);
  return VMF_OK;
}

static enum vmf_code add_packer(FILE *out, const struct vmf_shape *shape, struct vmf_error *error)
{
  enum { SAMPLE = 64 * 1024 };
  VMF_AUTO_FREE void *sample = NULL, *packed = NULL;
  struct vmf_packer *packer = NULL;
  uint8_t digest[VMF_DIGEST_MAX];
  char text[2 * VMF_DIGEST_MAX + 1];
  size_t room = vmf_pack_bound(shape->codec, SAMPLE), length = 0;

  VMF_TRY(vmf_alloc(SAMPLE, &sample, error));
  VMF_TRY(vmf_alloc(room, &packed, error));
  for (uint32_t i = 0, number = 1; i < SAMPLE; i++, number = number * 1664525u + 1013904223u)
    ((uint8_t *)sample)[i] = (uint8_t)(i % 512 < 256 ? number >> 28 : number >> 24);
  VMF_TRY(vmf_packer_new(shape->codec, shape->level, &packer, error));
  enum vmf_code code = vmf_pack(packer, sample, SAMPLE, 0, packed, room, &length, error);
  vmf_packer_free(packer);
  VMF_TRY(code);
  VMF_TRY(vmf_digest_bytes(VMF_SHA256, packed, length, digest, error));
  vmf_digest_text(digest, vmf_digest_size(VMF_SHA256), text);
  fprintf(out, "what the packer makes\t%s\n", text);
  return VMF_OK;
}

void vmf_journal_put_identity(FILE *out, const struct vmf_identity *identity)
{
  char text[2 * sizeof identity->seed + 1];

  vmf_digest_text(identity->seed, sizeof identity->seed, text);
  fprintf(out, IDENTITY "%" PRId64 " %s\n\n", identity->time, text);
}

static enum vmf_code check_told(const struct lines *lines, const char *target,
                                struct vmf_error *error)
{
  if (!lines->untold)
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: cannot be resumed: nothing tells later whether %s is the same; if you "
                  "know that it will be, --source-unchanged says so (devices, servers)",
                  target, lines->untold);
}

void vmf_journal_put_program(FILE *out)
{
  fputs("program\tvmferry " VMF_VERSION "\n", out);
}

enum vmf_code vmf_journal_put_source(FILE *out, const char *target, const struct vmf_image *source,
                                     bool unchanged, struct vmf_error *error)
{
  struct lines lines = {.out = out, .unchanged = unchanged};

  add_image(&lines, "file of the source", "source", source);
  return check_told(&lines, target, error);
}

static enum vmf_code put_all(struct lines *lines, const struct vmf_copy *copy,
                             struct vmf_error *error)
{
  const struct vmf_draft *draft = vmf_draft(copy->target);

  lines->unchanged = draft->source_unchanged;
  vmf_journal_put_program(lines->out);
  add_image(lines, "file of the source", "source", copy->source);
  add_image(lines, "backing file", "backing disk", copy->backing);
  add_units(lines, copy->units);
  VMF_TRY(check_told(lines, copy->target->name, error));
  add_object(lines->out, draft->output);
  add_target(lines->out, copy, draft->options_text);
  if (!lines->slow || lines->trusted)
    VMF_TRY(add_content(lines->out, copy, error));
  if (copy->target->shape.codec != VMF_CODEC_NONE)
    VMF_TRY(add_packer(lines->out, &copy->target->shape, error));
  vmf_journal_put_identity(lines->out, copy->target->identity);
  return VMF_OK;
}

enum vmf_code vmf_journal_head(const struct vmf_copy *copy, char **head, struct vmf_error *error)
{
  char *text = NULL;
  size_t length = 0;
  struct lines lines = {.out = open_memstream(&text, &length)};

  *head = NULL;
  if (!lines.out)
    return no_memory(error);
  enum vmf_code code = put_all(&lines, copy, error);
  if (!vmf_memstream_end(lines.out, &text) && code == VMF_OK)
    code = no_memory(error);
  if (code == VMF_OK && length > VMF_JOURNAL_HEAD_MOST)
    code = vmf_fail(error, VMF_UNSUPPORTED, "%s: cannot be resumed: its source has too many files",
                    copy->target->name);
  if (code == VMF_OK)
    code = vmf_copy_text(text, head, error);
  free(text);
  return code;
}

/* ---- compared ---- */

static bool read_identity(const char *line, struct vmf_identity *identity)
{
  int used = 0;

  if (sscanf(line, IDENTITY "%" SCNd64 " %n", &identity->time, &used) != 1 || used == 0)
    return false;
  for (size_t i = 0; i < sizeof identity->seed; i++, used += 2) {
    int high = vmf_hex_digit(line[used]), low = high < 0 ? -1 : vmf_hex_digit(line[used + 1]);
    if (low < 0)
      return false;
    identity->seed[i] = (uint8_t)(high << 4 | low);
  }
  identity->derived = true;
  return true;
}

bool vmf_journal_identity(const char *text, struct vmf_identity *identity)
{
  const char *line = strstr(text, "\n" IDENTITY);

  return line && read_identity(line + 1, identity);
}

enum { SHOWN = 120 };

/* A value as it is shown: the line from behind its TAB. */
static int value_of(const char *line, const char **value)
{
  size_t length = strcspn(line, "\n");
  const char *tab = memchr(line, '\t', length);

  *value = tab ? tab + 1 : line;
  length -= (size_t)(*value - line);
  return (int)(length < SHOWN ? length : SHOWN);
}

static enum vmf_code tell_difference(const char *was, const char *now, const char *left,
                                     struct vmf_error *error)
{
  const char *then_value, *now_value;
  const char *longer = strncmp(now, IDENTITY, strlen(IDENTITY)) == 0 ? was : now;
  int then_length = value_of(was, &then_value), now_length = value_of(now, &now_value);
  int name = (int)strcspn(longer, "\t\n");

  return vmf_fail(error, VMF_USAGE,
                  "%s: an interrupted run left this, and it is gone on with only by the same "
                  "command with the same files: %.*s was \"%.*s\", and is \"%.*s\" now; \"vmferry "
                  "clean\" removes what is left in a folder",
                  left, name, longer, then_length, then_value, now_length, now_value);
}

enum vmf_code vmf_journal_head_compare(const char *was, const char *now, const char *left,
                                       struct vmf_identity *identity, struct vmf_error *error)
{
  const size_t name = strlen(IDENTITY);

  while (strncmp(was, IDENTITY, name) != 0 || strncmp(now, IDENTITY, name) != 0) {
    size_t length = strcspn(was, "\n");
    if (length != strcspn(now, "\n") || strncmp(was, now, length) != 0 || was[length] == '\0')
      return tell_difference(was, now, left, error);
    was += length + 1;
    now += length + 1;
  }
  if (read_identity(was, identity))
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT, "%s: the journal of an interrupted run has no identity",
                  left);
}
