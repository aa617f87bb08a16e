/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "archived.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "memory.h"
#include "path.h"
#include "raw_content.h"
#include "tar.h"

enum { PROBED_MAX = 256 /* members whose content is looked at */ };

struct archive {
  struct vmf_opener members;
  struct vmf_io *io;   /* owned */
  struct vmf_tar *tar; /* owned */
  const struct vmf_tar_member *taken;
  struct vmf_first_warning odd; /* with options->strict */
};

static void archive_free(void *owner)
{
  struct archive *archive = owner;

  vmf_tar_free(archive->tar);
  vmf_io_close(archive->io);
  vmf_free(archive);
}

static enum vmf_code open_member(const struct archive *archive, const struct vmf_tar_member *member,
                                 struct vmf_io **io, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;

  VMF_TRY(vmf_format(&name, error, "%s::%s", archive->io->name, member->name));
  return vmf_tar_open(archive->io, member, name, io, error);
}

static const struct vmf_tar_member *find_member(const struct archive *archive, const char *name)
{
  while (strncmp(name, "./", 2) == 0)
    name += 2;
  for (size_t i = 0; i < archive->tar->count; i++)
    if (strcmp(archive->tar->members[i].name, name) == 0)
      return &archive->tar->members[i];
  return NULL;
}

/* What an image in the archive names: beside it, in its folder of the archive. */
static enum vmf_code open_named(struct vmf_opener *opener, const char *name,
                                enum vmf_reference reference, struct vmf_io **io,
                                struct vmf_error *error)
{
  const struct archive *archive =
      (const struct archive *)((const char *)opener - offsetof(struct archive, members));
  const char *from = archive->taken->name;
  VMF_AUTO_FREE char *beside = NULL;

  (void)reference;
  while (strncmp(name, "./", 2) == 0)
    name += 2;
  VMF_TRY(vmf_format(&beside, error, "%.*s%s", (int)vmf_path_folder(from), from, name));
  const struct vmf_tar_member *member = find_member(archive, beside);
  if (member)
    return open_member(archive, member, io, error);
  return vmf_fail(error, VMF_REFUSED,
                  "%s: \"%s\" refers to \"%.160s\", which is no file of the archive",
                  archive->io->name, from, name);
}

/* ---- which member ---- */

/* "disk.raw (1024 bytes), notes.txt (7 bytes)" */
static void list_members(const struct archive *archive, char *text, size_t size)
{
  const struct vmf_tar *tar = archive->tar;
  size_t used = 0;

  snprintf(text, size, "none");
  for (size_t i = 0; i < tar->count && used < size; i++) {
    const struct vmf_tar_member *member = &tar->members[i];
    int length =
        snprintf(text + used, size - used, "%s%.100s (%llu bytes)", i > 0 ? ", " : "", member->name,
                 (unsigned long long)(member->sparse ? member->sparse->size : member->size));
    used += length > 0 ? (size_t)length : size;
  }
}

/* How a member is told to be a disk: the surer, the earlier. */
enum sign { BY_NAME, BY_CONTENT, SIGNS };

/* What macOS leaves ("._disk.raw") is called like a disk. */
static enum vmf_code is_disk(const struct archive *archive, const struct vmf_tar_member *member,
                             enum sign sign, bool *disk, struct vmf_error *error)
{
  const struct vmf_format *format = NULL;
  const char *structure = NULL;
  struct vmf_io *io;

  *disk = sign == BY_NAME && vmf_format_suffixed(member->name) &&
          strncmp(vmf_path_name(member->name), "._", 2) != 0;
  if (sign == BY_NAME)
    return VMF_OK;
  VMF_TRY(open_member(archive, member, &io, error));
  enum vmf_code code = vmf_probe_io(io, &format, error);
  if (code == VMF_OK && !format)
    code = vmf_raw_structure(io, &structure, error);
  vmf_io_close(io);
  *disk = format || structure;
  return code == VMF_REFUSED || code == VMF_UNSUPPORTED ? VMF_OK : code; /* it is something else */
}

/* How many members have the sign; *last is one of them. */
static enum vmf_code count_disks(const struct archive *archive, enum sign sign,
                                 const struct vmf_tar_member **last, size_t *count,
                                 struct vmf_error *error)
{
  const struct vmf_tar *tar = archive->tar;

  *count = 0;
  for (size_t i = 0; i < tar->count && (sign == BY_NAME || i < PROBED_MAX); i++) {
    bool disk;
    VMF_TRY(is_disk(archive, &tar->members[i], sign, &disk, error));
    if (disk)
      *last = &tar->members[i];
    *count += disk;
  }
  return VMF_OK;
}

static enum vmf_code choose_member(struct archive *archive, const char *wanted,
                                   struct vmf_error *error)
{
  const char *name = archive->io->name;
  size_t count = 0;
  char there[400];

  archive->taken = wanted ? find_member(archive, wanted) : NULL;
  for (enum sign sign = 0; !wanted && count == 0 && sign < SIGNS; sign++)
    VMF_TRY(count_disks(archive, sign, &archive->taken, &count, error));
  if (wanted ? archive->taken != NULL : count == 1)
    return VMF_OK;
  list_members(archive, there, sizeof there);
  if (wanted)
    return vmf_fail(error, VMF_USAGE, "%s: has no member \"%.100s\"; there are: %s", name, wanted,
                    there);
  return vmf_fail(error, count == 0 ? VMF_REFUSED : VMF_USAGE,
                  count == 0
                      ? "%s: no member of the archive is a disk by its name or content; there are: "
                        "%.0s%s"
                      : "%s: has several disks; name one as %s::MEMBER: %s",
                  name, name, there);
}

/* ---- opening ---- */

bool vmf_archive_holds_package(const struct vmf_tar *tar)
{
  for (size_t i = 0; i < tar->count; i++) {
    const char *name = vmf_path_name(tar->members[i].name);
    if (vmf_path_has_suffix(name, ".ovf") && strncmp(name, "._", 2) != 0)
      return true;
  }
  return false;
}

/* Of an archive whose only disk is taken: the other members. */
static void tell_rest(void *owner, struct vmf_report *report)
{
  const struct archive *archive = owner;

  for (size_t i = 0; i < archive->tar->count; i++)
    if (&archive->tar->members[i] != archive->taken)
      vmf_report_add(report, VMF_SEVERITY_LOSS, "loss-file", archive->io->name, 0,
                     "member \"%s\" is not the disk, and is left out",
                     archive->tar->members[i].name);
}

/* Takes over io. */
static enum vmf_code archive_new(struct vmf_io *io, const struct vmf_image_options *options,
                                 struct archive **archive, struct vmf_error *error)
{
  void *memory;
  enum vmf_code code = vmf_alloc(sizeof **archive, &memory, error);

  if (code != VMF_OK) {
    vmf_io_close(io);
    return code;
  }
  struct archive *made = memory;
  made->members.open = open_named;
  made->io = io;
  vmf_first_warning_begin(&made->odd, options->log);
  const struct vmf_log *log = options->strict ? &made->odd.log : options->log;
  code = vmf_tar_read_sparse(io, log, &made->tar, error);
  if (code == VMF_OK)
    code = vmf_first_warning_end(&made->odd, error);
  if (code != VMF_OK) {
    archive_free(made);
    return code;
  }
  *archive = made;
  return VMF_OK;
}

/* Gives the io of an archive back that is a package. */
static struct vmf_io *release_io(struct archive *archive)
{
  struct vmf_io *io = archive->io;

  archive->io = NULL;
  archive_free(archive);
  return io;
}

enum vmf_code vmf_archive_open(struct vmf_io *io, const struct vmf_image_options *options,
                               struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own = *options;
  struct archive *archive;

  *image = NULL;
  own.disk = NULL;
  VMF_TRY(archive_new(io, options, &archive, error));
  if (vmf_archive_holds_package(archive->tar))
    return vmf_archive_open_package(release_io(archive), options, image, error);
  struct vmf_image_origin origin = {
      .members = &archive->members, .release = archive_free, .owner = archive};
  enum vmf_code code = choose_member(archive, options->disk, error);
  if (code == VMF_OK)
    code = open_member(archive, archive->taken, &origin.io, error);
  if (code != VMF_OK) {
    archive_free(archive);
    return code;
  }
  VMF_TRY(vmf_image_open_origin(&origin, &own, image, error));
  if (!options->disk)
    vmf_node(*image)->losses = tell_rest;
  return VMF_OK;
}
