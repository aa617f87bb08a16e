/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the manifest and the certificate of a package go: beside its descriptor, or into a new
 * archive that takes the place of the old one. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cancel.h"
#include "checked.h"
#include "clone.h"
#include "file.h"
#include "log.h"
#include "memory.h"
#include "output.h"
#include "path.h"
#include "signing.h"
#include "view.h"

enum vmf_code vmf_signing_advance(struct vmf_signing *signing, uint64_t bytes,
                                  struct vmf_error *error)
{
  const struct vmf_package_target *target = signing->target;

  VMF_TRY(vmf_cancelled(target->cancel, error));
  signing->done += bytes;
  if (target->progress)
    target->progress(target->progress_data, vmf_min(signing->done, signing->total), signing->total);
  return VMF_OK;
}

static struct vmf_output_options output_options(const struct vmf_signing *signing)
{
  return (struct vmf_output_options){.no_sync = signing->target->no_sync,
                                     .ignore_locks = signing->target->ignore_locks,
                                     .log = signing->target->log};
}

/* ---- a folder ---- */

/* The path of a file beside the descriptor. A link in a package may lead anywhere: it is not
 * followed to be written to. */
static enum vmf_code find_path(const struct vmf_signing *signing, const char *name, char **path,
                               struct vmf_error *error)
{
  struct stat status;

  VMF_TRY(vmf_path_beside(signing->package->descriptor_path, name, path, error));
  if (lstat(*path, &status) == 0 && !S_ISREG(status.st_mode))
    return vmf_fail(error, VMF_REFUSED, "%s: is no regular file, and is not replaced", *path);
  return VMF_OK;
}

static enum vmf_code write_text(struct vmf_io *io, const char *text, size_t length,
                                struct vmf_error *error)
{
  return vmf_io_pwrite(io, text, length, 0, error);
}

/* Writes the certificate, and a manifest that is new together with it. */
static enum vmf_code write_certificate(struct vmf_signing *signing, struct vmf_output *output,
                                       bool with_manifest, struct vmf_error *error)
{
  struct vmf_io *io;

  VMF_TRY(write_text(vmf_output_main(output), signing->certificate_text,
                     signing->certificate_length, error));
  if (!with_manifest)
    return VMF_OK;
  VMF_TRY(vmf_output_create(output, signing->manifest_name, &io, error));
  return write_text(io, signing->manifest_text, signing->manifest_length, error);
}

static enum vmf_code sync_folder(char *path, struct vmf_error *error)
{
  int folder = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool synced = folder >= 0 && (fsync(folder) == 0 || errno == EINVAL);
  enum vmf_code code =
      synced ? VMF_OK : vmf_fail_errno(error, VMF_WRITE, "%s: cannot be synced", path);

  if (folder >= 0)
    close(folder);
  return code;
}

static enum vmf_code remove_text(const struct vmf_signing *signing, const char *path,
                                 struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;

  VMF_TRY(vmf_copy_text(path, &copy, error)); /* dirname() writes into it */
  if (unlink(path) < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be removed", path);
  return signing->target->no_sync ? VMF_OK : sync_folder(copy, error);
}

/* Told where what was to come behind the old signature has failed. */
static void warn_unsigned(const struct vmf_signing *signing, const char *certificate_path)
{
  if (access(certificate_path, F_OK) != 0)
    vmf_warn(signing->target->log,
             "%s: the old signature was taken away before its manifest was to be replaced; the "
             "package is not signed now",
             certificate_path);
}

/* Whether the file has these bytes; text NULL: there is none. */
static enum vmf_code check_text(const char *path, const void *text, size_t length,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE void *now = NULL;
  struct vmf_io *io;

  if (!text)
    return access(path, F_OK) < 0 ? VMF_OK : vmf_replacing_changed(path, error);
  if (access(path, F_OK) < 0)
    return vmf_replacing_changed(path, error);
  VMF_TRY(vmf_io_open_file(path, false, &io, error));
  bool same = io->size == length;
  enum vmf_code code = vmf_alloc(length + 1, &now, error);
  if (code == VMF_OK && same && length > 0)
    code = vmf_io_pread(io, now, length, 0, error);
  same = same && code == VMF_OK && memcmp(now, text, length) == 0;
  vmf_io_close(io);
  return code != VMF_OK || same ? code : vmf_replacing_changed(path, error);
}

/* The texts that the new ones were made of are still those that are there, until the end: who holds
 * the descriptor is the only one that changes anything beside it. */
static enum vmf_code hold_texts(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;
  bool edited = signing->descriptor_changed;
  VMF_AUTO_FREE char *manifest = NULL, *certificate = NULL;

  VMF_TRY(find_path(signing, signing->manifest_name, &manifest, error));
  VMF_TRY(find_path(signing, signing->certificate_name, &certificate, error));
  VMF_TRY(vmf_replacing_begin(&signing->replacing, package->descriptor_path, NULL, error));
  VMF_TRY(check_text(package->descriptor_path,
                     edited ? signing->old_descriptor : package->descriptor,
                     edited ? signing->old_descriptor_length : package->descriptor_length, error));
  VMF_TRY(check_text(manifest, package->manifest_text, package->manifest_length, error));
  return check_text(certificate, package->certificate_text, package->certificate_length, error);
}

/* `rewritten`: of a manifest that is replaced; NULL: none is. Everything is written before anything
 * is renamed. Wherever it ends, no signature stands beside a manifest that it does not belong to:
 * an old one goes before its manifest does, and the new one comes last. */
static enum vmf_code commit_folder(struct vmf_signing *signing, const char *certificate_path,
                                   struct vmf_output *certificate, struct vmf_output *rewritten,
                                   struct vmf_error *error)
{
  bool new_manifest = signing->manifest_changed && !rewritten;
  bool resigned = signing->manifest_changed && access(certificate_path, F_OK) == 0;

  VMF_TRY(write_certificate(signing, certificate, new_manifest, error));
  if (rewritten)
    VMF_TRY(write_text(vmf_output_main(rewritten), signing->manifest_text, signing->manifest_length,
                       error));
  VMF_TRY(vmf_signing_advance(signing, 0, error));
  enum vmf_code code = resigned ? remove_text(signing, certificate_path, error) : VMF_OK;
  if (code == VMF_OK && rewritten)
    code = vmf_output_commit(rewritten, error);
  if (code == VMF_OK)
    code = vmf_output_commit(certificate, error);
  if (code != VMF_OK && resigned)
    warn_unsigned(signing, certificate_path);
  return code;
}

static enum vmf_code place_in_folder(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_output_options options = output_options(signing);
  VMF_AUTO_FREE char *certificate_path = NULL, *manifest_path = NULL;
  struct vmf_output *certificate, *rewritten = NULL;

  VMF_TRY(find_path(signing, signing->certificate_name, &certificate_path, error));
  VMF_TRY(find_path(signing, signing->manifest_name, &manifest_path, error));
  VMF_TRY(vmf_output_new(certificate_path, &options, &certificate, error));
  enum vmf_code code = VMF_OK;
  if (signing->manifest_changed && signing->package->manifest_text)
    code = vmf_output_new(manifest_path, &options, &rewritten, error);
  if (code == VMF_OK)
    code = commit_folder(signing, certificate_path, certificate, rewritten, error);
  vmf_output_close(rewritten);
  vmf_output_close(certificate);
  return code;
}

/* A manifest alone. The old signature, which is not of it, goes before. */
static enum vmf_code place_manifest(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_output_options options = output_options(signing);
  VMF_AUTO_FREE char *certificate_path = NULL, *manifest_path = NULL;
  struct vmf_output *output;

  VMF_TRY(find_path(signing, signing->certificate_name, &certificate_path, error));
  VMF_TRY(find_path(signing, signing->manifest_name, &manifest_path, error));
  VMF_TRY(vmf_output_new(manifest_path, &options, &output, error));
  enum vmf_code code =
      write_text(vmf_output_main(output), signing->manifest_text, signing->manifest_length, error);
  if (code == VMF_OK)
    code = vmf_signing_advance(signing, 0, error);
  if (code == VMF_OK && signing->package->certificate_text)
    code = remove_text(signing, certificate_path, error);
  if (code == VMF_OK)
    code = vmf_output_commit(output, error);
  if (code != VMF_OK && signing->package->certificate_text)
    warn_unsigned(signing, certificate_path);
  vmf_output_close(output);
  return code;
}

static enum vmf_code remove_from_folder(struct vmf_signing *signing, struct vmf_error *error)
{
  VMF_AUTO_FREE char *path = NULL;

  VMF_TRY(find_path(signing, signing->certificate_name, &path, error));
  return remove_text(signing, path, error);
}

/* One new text of a folder, written but without its name. */
static enum vmf_code prepare_text(struct vmf_signing *signing, const char *path, const void *text,
                                  size_t length, struct vmf_output **output,
                                  struct vmf_error *error)
{
  const struct vmf_output_options options = output_options(signing);

  if (!text)
    return VMF_OK;
  VMF_TRY(vmf_output_new(path, &options, output, error));
  return write_text(vmf_output_main(*output), text, length, error);
}

static enum vmf_code replace_described(struct vmf_signing *signing, char *const paths[3],
                                       struct vmf_output *const outputs[3], struct vmf_error *error)
{
  for (size_t i = 2; i > 0; i--)
    if (access(paths[i], F_OK) == 0)
      VMF_TRY(remove_text(signing, paths[i], error));
  for (size_t i = 0; i < 3; i++)
    if (outputs[i])
      VMF_TRY(vmf_output_commit(outputs[i], error));
  return VMF_OK;
}

/* A descriptor that changes never stands beside a manifest that it does not belong to, wherever
 * this ends: the old certificate and manifest go first, and the new ones come last. */
static enum vmf_code commit_described(struct vmf_signing *signing, char *const paths[3],
                                      struct vmf_output *const outputs[3], struct vmf_error *error)
{
  const bool there[3] = {false, access(paths[1], F_OK) == 0, access(paths[2], F_OK) == 0};
  enum vmf_code code = replace_described(signing, paths, outputs, error);

  for (size_t i = 1; i < 3 && code != VMF_OK; i++)
    if (there[i] && access(paths[i], F_OK) != 0)
      vmf_warn(signing->target->log,
               "%s: was taken away before the descriptor was to be replaced, and is not there now",
               paths[i]);
  return code;
}

static enum vmf_code place_described(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;
  const struct {
    const char *name;
    const void *text;
    size_t length;
  } texts[] = {
      {package->name, package->descriptor, package->descriptor_length},
      {signing->manifest_name, signing->manifest_text, signing->manifest_length},
      {signing->certificate_name, signing->certificate_text, signing->certificate_length},
  };
  char *paths[3] = {NULL};
  struct vmf_output *outputs[3] = {NULL};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < 3 && code == VMF_OK; i++) {
    code = find_path(signing, texts[i].name, &paths[i], error);
    if (code == VMF_OK)
      code = prepare_text(signing, paths[i], texts[i].text, texts[i].length, &outputs[i], error);
  }
  if (code == VMF_OK)
    code = vmf_signing_advance(signing, 0, error);
  if (code == VMF_OK)
    code = hold_texts(signing, error);
  if (code == VMF_OK) {
    vmf_output_held(outputs[0]);
    vmf_replacing_follow(&signing->replacing, vmf_output_main(outputs[0]));
    code = commit_described(signing, paths, outputs, error);
  }
  for (size_t i = 0; i < 3; i++) {
    vmf_output_close(outputs[i]);
    vmf_free(paths[i]);
  }
  return code;
}

/* ---- an archive ---- */

enum { COPY_BYTES = 1 << 20 };

struct archive {
  struct vmf_signing *signing;
  uint8_t *buffer; /* COPY_BYTES */
  struct vmf_output *output;
  struct vmf_io *io;
  uint64_t at;    /* where the next member starts */
  uint64_t mtime; /* of the old archive */
  bool *written;  /* of the old one's members */
};

static enum vmf_code add_text(struct archive *archive, const char *name, const void *text,
                              size_t length, uint64_t mtime, struct vmf_error *error)
{
  VMF_TRY(vmf_tar_put(archive->io, archive->at, name, text, length, mtime, error));
  archive->at = vmf_tar_next(archive->at, length);
  return VMF_OK;
}

/* What the member's header says; else the archive's own. */
static enum vmf_code member_time(const struct archive *archive, const struct vmf_tar_member *member,
                                 uint64_t *time, struct vmf_error *error)
{
  char field[13] = {0}, *end;

  *time = archive->mtime;
  if (member->offset < VMF_TAR_BLOCK)
    return VMF_OK;
  VMF_TRY(vmf_io_pread(archive->signing->package->io, field, 12,
                       member->offset - VMF_TAR_BLOCK + 136, error));
  unsigned long long seconds = strtoull(field, &end, 8);
  if (end > field && (*end == '\0' || *end == ' '))
    *time = seconds;
  return VMF_OK;
}

/* Shares the blocks that both archives have at like places: `length` bytes of the old one from
 * `offset` on, which come to `to`. Returns how many, from *skip bytes on, need not be copied. */
static uint64_t clone_data(struct archive *archive, uint64_t offset, uint64_t length, uint64_t to,
                           uint64_t *skip)
{
  struct vmf_io *old = archive->signing->package->io;

  *skip = -offset & (VMF_CLONE_ALIGNMENT - 1);
  if ((offset - to) % VMF_CLONE_ALIGNMENT != 0 || length < *skip)
    return 0;
  uint64_t whole = (length - *skip) / VMF_CLONE_ALIGNMENT * VMF_CLONE_ALIGNMENT;
  return whole > 0 && vmf_io_clone(archive->io, to + *skip, old, offset + *skip, whole) ? whole : 0;
}

static enum vmf_code copy_range(struct archive *archive, struct vmf_io *from, uint64_t at,
                                uint64_t stop, struct vmf_error *error)
{
  struct vmf_signing *signing = archive->signing;
  uint64_t start, end = at;

  while (end < stop) {
    uint64_t before = end;
    VMF_TRY(vmf_io_next_data(from, before, &start, &end, error));
    start = vmf_min(start, stop);
    end = vmf_min(end, stop);
    VMF_TRY(vmf_signing_advance(signing, start - before, error));
    for (at = start; at < end;) {
      size_t step = (size_t)vmf_min(COPY_BYTES, end - at);
      VMF_TRY(vmf_io_pread(from, archive->buffer, step, at, error));
      VMF_TRY(vmf_io_pwrite(archive->io, archive->buffer, step, archive->at + VMF_TAR_BLOCK + at,
                            error));
      VMF_TRY(vmf_signing_advance(signing, step, error));
      at += step;
    }
  }
  return VMF_OK;
}

static enum vmf_code copy_data(struct archive *archive, const struct vmf_tar_member *member,
                               struct vmf_io *from, struct vmf_error *error)
{
  uint64_t skip, to = archive->at + VMF_TAR_BLOCK;
  uint64_t cloned = clone_data(archive, member->offset, member->size, to, &skip);

  if (cloned == 0)
    return copy_range(archive, from, 0, from->size, error);
  VMF_TRY(copy_range(archive, from, 0, skip, error));
  VMF_TRY(vmf_signing_advance(archive->signing, cloned, error));
  return copy_range(archive, from, skip + cloned, from->size, error);
}

static bool is_dropped(const struct vmf_signing *signing, const char *name)
{
  return vmf_names_find(&signing->dropped, name) != NULL;
}

static enum vmf_code copy_member(struct archive *archive, size_t index, struct vmf_error *error)
{
  const struct vmf_package *package = archive->signing->package;
  const struct vmf_tar_member *member = &package->tar->members[index];
  struct vmf_io *from;
  uint64_t mtime;

  if (archive->written[index] || is_dropped(archive->signing, member->name))
    return VMF_OK;
  archive->written[index] = true;
  VMF_TRY(member_time(archive, member, &mtime, error));
  if (archive->signing->descriptor_changed && strcmp(member->name, package->name) == 0)
    return add_text(archive, member->name, package->descriptor, package->descriptor_length, mtime,
                    error);
  VMF_TRY(vmf_tar_put_header(archive->io, archive->at, member->name, member->size, mtime, error));
  VMF_TRY(
      vmf_io_window(package->io, member->offset, member->size, member->name, false, &from, error));
  enum vmf_code code = copy_data(archive, member, from, error);
  vmf_io_close(from);
  if (code == VMF_OK)
    code = vmf_tar_pad(archive->io, archive->at, member->size, error);
  archive->at = vmf_tar_next(archive->at, member->size);
  return code;
}

/* What is called so in the old archive is not copied. */
static enum vmf_code add_manifest(struct archive *archive, struct vmf_error *error)
{
  const struct vmf_signing *signing = archive->signing;
  const struct vmf_package *package = signing->package;
  size_t old = vmf_package_member(package, signing->manifest_name);
  uint64_t mtime = archive->mtime;

  if (old != SIZE_MAX) {
    archive->written[old] = true;
    VMF_TRY(member_time(archive, &package->tar->members[old], &mtime, error));
  }
  if (!signing->manifest_text)
    return VMF_OK;
  return add_text(archive, signing->manifest_name, signing->manifest_text, signing->manifest_length,
                  mtime, error);
}

static enum vmf_code add_certificate(struct archive *archive, struct vmf_error *error)
{
  const struct vmf_signing *signing = archive->signing;
  size_t old = vmf_package_member(signing->package, signing->certificate_name);

  if (old != SIZE_MAX)
    archive->written[old] = true;
  if (!signing->certificate_text)
    return VMF_OK;
  return add_text(archive, signing->certificate_name, signing->certificate_text,
                  signing->certificate_length, archive->mtime, error);
}

/* As the standard has it: descriptor, manifest, certificate, the files of References, the rest. */
static enum vmf_code fill_as_standard(struct archive *archive, struct vmf_error *error)
{
  const struct vmf_signing *signing = archive->signing;
  const struct vmf_package *package = signing->package;

  VMF_TRY(copy_member(archive, vmf_package_member(package, package->name), error));
  VMF_TRY(add_manifest(archive, error));
  VMF_TRY(add_certificate(archive, error));
  for (size_t i = 0; i < signing->files.count; i++)
    VMF_TRY(copy_member(archive, vmf_package_member(package, signing->files.names[i]), error));
  for (size_t i = 0; i < package->tar->count; i++)
    VMF_TRY(copy_member(archive, i, error));
  return VMF_OK;
}

/* As the old archive has it; what it does not have stands behind the descriptor. */
static enum vmf_code fill_as_before(struct archive *archive, struct vmf_error *error)
{
  const struct vmf_signing *signing = archive->signing;
  const struct vmf_package *package = signing->package;
  size_t descriptor = vmf_package_member(package, package->name);
  size_t manifest = vmf_package_member(package, signing->manifest_name);
  size_t certificate = vmf_package_member(package, signing->certificate_name);

  manifest = manifest == SIZE_MAX ? descriptor : manifest;
  certificate = certificate == SIZE_MAX ? manifest : certificate;
  for (size_t i = 0; i < package->tar->count; i++) {
    if (i == descriptor || (i != manifest && i != certificate))
      VMF_TRY(copy_member(archive, i, error));
    if (i == manifest)
      VMF_TRY(add_manifest(archive, error));
    if (i == certificate)
      VMF_TRY(add_certificate(archive, error));
  }
  return VMF_OK;
}

static enum vmf_code fill_archive(struct archive *archive, struct vmf_error *error)
{
  struct vmf_signing *signing = archive->signing;
  const struct vmf_package *package = signing->package;

  if (signing->renewal || signing->descriptor_changed)
    VMF_TRY(fill_as_before(archive, error));
  else
    VMF_TRY(fill_as_standard(archive, error));
  VMF_TRY(vmf_tar_finish(archive->io, archive->at, error));
  VMF_TRY(vmf_io_unchanged(package->io, signing->target->log, error));
  if (!signing->output)
    VMF_TRY(vmf_replacing_begin(&signing->replacing, package->path, package->io, error));
  return vmf_output_commit(archive->output, error);
}

static enum vmf_code place_in_archive(struct vmf_signing *signing, struct vmf_error *error)
{
  struct vmf_output_options options = output_options(signing);
  const struct vmf_package *package = signing->package;
  VMF_AUTO_FREE void *written = NULL, *buffer = NULL;
  struct archive archive = {.signing = signing};
  struct stat status;

  if (package->in_folder)
    return vmf_fail(
        error, VMF_UNSUPPORTED,
        "%s: its descriptor is in a folder of the archive, so it is not changed where it is; "
        "convert it first",
        package->path);
  for (size_t i = 0; i < package->tar->count; i++)
    signing->total += package->tar->members[i].size;
  VMF_TRY(vmf_alloc(package->tar->count, &written, error));
  archive.written = written;
  VMF_TRY(vmf_alloc_pages(COPY_BYTES, &buffer, error));
  archive.buffer = buffer;
  if (vmf_io_stat(package->io, &status) && status.st_mtime > 0)
    archive.mtime = (uint64_t)status.st_mtime;
  if (signing->output)
    options.no_clobber = signing->target->no_clobber;
  else
    options.ignore_locks = true; /* looked at when it was opened; now the lock is ours */
  VMF_TRY(vmf_output_new(signing->output ? signing->output : package->path, &options,
                         &archive.output, error));
  archive.io = vmf_output_main(archive.output);
  enum vmf_code code = fill_archive(&archive, error);
  vmf_output_close(archive.output);
  return code;
}

enum vmf_code vmf_signing_place(struct vmf_signing *signing, struct vmf_error *error)
{
  if (signing->package->io)
    return place_in_archive(signing, error);
  if (signing->descriptor_changed)
    return place_described(signing, error);
  VMF_TRY(hold_texts(signing, error));
  if (signing->certificate_text)
    return place_in_folder(signing, error);
  return signing->manifest_changed ? place_manifest(signing, error)
                                   : remove_from_folder(signing, error);
}
