/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "assemble.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "cancel.h"
#include "certificate.h"
#include "checked.h"
#include "convert.h"
#include "copy_io.h"
#include "epoch.h"
#include "file.h"
#include "hash_io.h"
#include "log.h"
#include "memory.h"
#include "output.h"
#include "path.h"
#include "replaced.h"
#include "sink.h"
#include "tar.h"
#include "tar_names.h"
#include "view.h"
#include "written.h"

/* One small file of text at the head or the end of an archive. */
struct text_file {
  char *name, *text;
  size_t length;
  uint64_t header; /* where its place was kept */
  size_t room;     /* bytes kept for it */
};

struct work {
  const struct vmf_destination *destination;
  struct vmf_assembly *assembly;
  const struct vmf_package_target *target;
  struct vmf_output *output;
  struct vmf_io *archive; /* NULL: files in a folder */
  uint64_t at;            /* in the archive: where the next member starts */
  uint64_t mtime;         /* of the members: seconds since 1970 */
  enum vmf_digest_kind kind;
  struct vmf_crew *crew;     /* packs and hashes */
  struct vmf_signer *signer; /* NULL: not signed */
  struct text_file descriptor, manifest, certificate;
  uint64_t done, total; /* by weight */
  uint64_t written;     /* bytes of content, for target->max_bytes */
  uint64_t weight;      /* of the file that is being written */
};

/* ---- progress ---- */

static void show_progress(void *data, uint64_t done, uint64_t total)
{
  struct work *work = data;
  uint64_t part = total == 0 ? 0 : (uint64_t)((double)work->weight * (double)done / (double)total);

  if (work->target->progress)
    work->target->progress(work->target->progress_data, work->done + vmf_min(part, work->weight),
                           work->total);
}

/* ---- files of text ---- */

/* Keeps room for a text at the head of the archive. */
static void keep_room(struct work *work, struct text_file *file, size_t room)
{
  file->header = work->at;
  file->room = room;
  work->at = vmf_tar_next(work->at, room);
}

static enum vmf_code put_text(struct work *work, const struct text_file *file, uint64_t offset,
                              struct vmf_error *error)
{
  return vmf_tar_put(work->archive, offset, file->name, file->text, file->length, work->mtime,
                     error);
}

static enum vmf_code append_text(struct work *work, const struct text_file *file,
                                 struct vmf_error *error)
{
  struct vmf_io *io;

  if (work->archive) {
    VMF_TRY(put_text(work, file, work->at, error));
    work->at = vmf_tar_next(work->at, file->length);
    return VMF_OK;
  }
  if (file == &work->descriptor)
    io = vmf_output_main(work->output);
  else
    VMF_TRY(vmf_output_create(work->output, file->name, &io, error));
  return vmf_io_pwrite(io, file->text, file->length, 0, error);
}

/* ---- one file ---- */

/* What is left of target->max_bytes once `more` bytes are written; *left == 0: no bound. */
static enum vmf_code check_amount(struct work *work, uint64_t more, uint64_t *left,
                                  struct vmf_error *error)
{
  uint64_t most = work->target->max_bytes;

  *left = 0;
  if (most == 0)
    return VMF_OK;
  if (!vmf_add(work->written, more, &work->written) || work->written >= most)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: the package holds more than the %" PRIu64
                    " bytes that are allowed (--max-size)",
                    work->destination->path, most);
  *left = most - work->written;
  return VMF_OK;
}

/* Writes the content of a file into `io`. */
static enum vmf_code fill_file(struct work *work, struct vmf_assembly_file *file,
                               struct vmf_target *target, struct vmf_io *io,
                               struct vmf_error *error)
{
  struct vmf_job_options options = {.size = sizeof options,
                                    .crew = work->crew,
                                    .sparse_size = VMF_ASSEMBLY_HOLE,
                                    .progress = show_progress,
                                    .progress_data = work,
                                    .cancel = work->target->cancel};
  struct vmf_job_result result = {.size = sizeof result};
  const struct vmf_copy_io copy = {.from = file->io,
                                   .to = io,
                                   .cancel = work->target->cancel,
                                   .progress = show_progress,
                                   .progress_data = work};

  VMF_TRY(check_amount(work, file->io ? file->io->size : 0, &options.max_bytes, error));
  if (!target) {
    VMF_TRY(vmf_copy_io(&copy, error));
    return vmf_io_unchanged(file->io, work->target->log, error);
  }
  VMF_TRY(vmf_convert(file->image, target, &options, &result, error));
  file->data_bytes = result.data_bytes;
  work->written += result.data_bytes;
  return VMF_OK;
}

/* In guest order, hashed as it goes. On a pipe its size goes ahead in the header. */
static enum vmf_code write_in_order(struct work *work, struct vmf_assembly_file *file,
                                    struct vmf_io *base, bool size_first, struct vmf_error *error)
{
  struct vmf_target *target = NULL;
  struct vmf_io *sink;
  uint64_t promised = file->io ? file->io->size : 0;

  file->wanted[work->kind] = true;
  VMF_TRY(vmf_sink_new(base, work->crew, file->wanted, &sink, error));
  enum vmf_code code =
      file->image ? vmf_written_target(file, sink, work->target->log, &target, error) : VMF_OK;
  if (code == VMF_OK && target && size_first)
    code = vmf_written_size(file, target, work->crew, work->target, &promised, error);
  if (code == VMF_OK && size_first)
    code = vmf_tar_put_header(work->archive, work->at, file->name, promised, work->mtime, error);
  if (code == VMF_OK)
    code = fill_file(work, file, target, sink, error);
  if (code == VMF_OK)
    code = vmf_sink_end(sink, file->digests, error);
  file->size = sink->size;
  if (code == VMF_OK && size_first && sink->size != promised)
    code = vmf_fail(error, VMF_WRITE,
                    "%s: has %" PRIu64 " bytes, but %" PRIu64 " were promised in its header",
                    file->name, sink->size, promised);
  vmf_target_close(target);
  vmf_io_close(sink);
  return code;
}

/* The tables of the format are finished last, so the bytes are not in order: they are read once
 * more for their digest. */
static enum vmf_code write_anyhow(struct work *work, struct vmf_assembly_file *file,
                                  struct vmf_io *base, struct vmf_error *error)
{
  struct vmf_target *target;

  VMF_TRY(vmf_written_target(file, base, work->target->log, &target, error));
  enum vmf_code code = fill_file(work, file, target, base, error);
  vmf_target_close(target);
  VMF_TRY(code);
  file->size = base->size;
  return vmf_hash_io(work->crew, base, work->kind, work->target->cancel, file->digests[work->kind],
                     error);
}

static enum vmf_code write_content(struct work *work, struct vmf_assembly_file *file,
                                   struct vmf_io *base, struct vmf_error *error)
{
  bool pipe = work->archive && work->archive->sequential;
  struct vmf_shape shape;

  VMF_TRY(vmf_written_shape(file, &shape, error));
  if (!pipe && (shape.layout == VMF_PLANNED || shape.patches_start))
    return write_anyhow(work, file, base, error);
  return write_in_order(work, file, base, pipe, error);
}

/* Where the content goes: a file of its own, or the place behind the header in the archive. */
static enum vmf_code open_base(struct work *work, const struct vmf_assembly_file *file,
                               struct vmf_io **base, struct vmf_error *error)
{
  if (!work->archive)
    return vmf_output_create(work->output, file->name, base, error);
  return vmf_io_inset(work->archive, work->at + VMF_TAR_BLOCK, file->name, base, error);
}

static enum vmf_code end_member(struct work *work, const struct vmf_assembly_file *file,
                                struct vmf_error *error)
{
  uint64_t header = work->at;

  if (!work->archive->sequential)
    VMF_TRY(vmf_tar_put_header(work->archive, header, file->name, file->size, work->mtime, error));
  work->at = vmf_tar_next(header, file->size);
  return vmf_tar_pad(work->archive, header, file->size, error);
}

static enum vmf_code write_file(struct work *work, struct vmf_assembly_file *file,
                                struct vmf_error *error)
{
  struct vmf_io *base;

  work->weight = file->weight;
  VMF_TRY(open_base(work, file, &base, error));
  enum vmf_code code = write_content(work, file, base, error);
  if (work->archive)
    vmf_io_close(base);
  if (code == VMF_OK && !file->image && work->assembly->copied)
    code = work->assembly->copied(work->assembly->data, file, error);
  VMF_TRY(code);
  work->done += file->weight;
  return work->archive ? end_member(work, file, error) : VMF_OK;
}

/* ---- descriptor, manifest, certificate ---- */

static enum vmf_code describe(struct work *work, enum vmf_describe how, struct vmf_error *error)
{
  struct vmf_assembly *assembly = work->assembly;

  vmf_free(work->descriptor.text);
  work->descriptor.text = NULL;
  return assembly->describe(assembly->data, how, &work->descriptor.text, &work->descriptor.length,
                            error);
}

static enum vmf_code list_files(struct work *work, struct vmf_manifest *manifest,
                                struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;
  uint8_t digest[VMF_DIGEST_MAX];

  VMF_TRY(
      vmf_digest_bytes(work->kind, work->descriptor.text, work->descriptor.length, digest, error));
  VMF_TRY(vmf_manifest_add(manifest, work->descriptor.name, work->kind, digest, error));
  for (size_t i = 0; i < assembly->count; i++)
    if (!assembly->files[i].unlisted)
      VMF_TRY(vmf_manifest_add(manifest, assembly->files[i].name, work->kind,
                               assembly->files[i].digests[work->kind], error));
  return VMF_OK;
}

static enum vmf_code make_manifest(struct work *work, struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;
  struct vmf_manifest *manifest;

  vmf_free(work->manifest.text);
  work->manifest.text = NULL;
  work->manifest.length = assembly->manifest_length;
  if (assembly->manifest_text)
    return vmf_copy_bytes(assembly->manifest_text, assembly->manifest_length, &work->manifest.text,
                          error);
  VMF_TRY(vmf_manifest_new(&manifest, error));
  enum vmf_code code = list_files(work, manifest, error);
  if (code == VMF_OK)
    code = vmf_manifest_write(manifest, &work->manifest.text, &work->manifest.length, error);
  vmf_manifest_free(manifest);
  return code;
}

static bool is_signed(const struct work *work)
{
  return work->signer || work->assembly->certificate_text;
}

/* A manifest may have SHA-1 digests for the sake of old readers, a signature may not. */
static enum vmf_code make_certificate(struct work *work, struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;

  vmf_free(work->certificate.text);
  work->certificate.text = NULL;
  work->certificate.length = assembly->certificate_length;
  if (work->signer)
    return vmf_signer_sign(work->signer, work->manifest.name, work->manifest.text,
                           work->manifest.length, work->kind == VMF_SHA1 ? VMF_SHA256 : work->kind,
                           work->target->cms, &work->certificate.text, &work->certificate.length,
                           error);
  if (assembly->certificate_text)
    return vmf_copy_bytes(assembly->certificate_text, assembly->certificate_length,
                          &work->certificate.text, error);
  return VMF_OK;
}

static enum vmf_code make_texts(struct work *work, struct vmf_error *error)
{
  VMF_TRY(make_manifest(work, error));
  return make_certificate(work, error);
}

/* At the head of an archive: places for the three texts, whose longest forms are known. */
static enum vmf_code keep_head(struct work *work, struct vmf_error *error)
{
  VMF_TRY(describe(work, VMF_DESCRIBE_WIDEST, error));
  VMF_TRY(make_texts(work, error));
  keep_room(work, &work->descriptor, work->descriptor.length);
  keep_room(work, &work->manifest, work->manifest.length);
  if (is_signed(work))
    keep_room(work, &work->certificate, work->certificate.length);
  return VMF_OK;
}

/* XML allows white space behind the root element: the descriptor is made as long as its place. */
static enum vmf_code fill_room(struct text_file *file, struct vmf_error *error)
{
  VMF_AUTO_FREE char *longer = NULL;
  size_t more = file->room - file->length;

  if (file->length > file->room)
    return vmf_fail(error, VMF_WRITE, "%s: needs %zu bytes, and %zu were kept for it", file->name,
                    file->length, file->room);
  if (more == 0)
    return VMF_OK;
  VMF_TRY(vmf_format(&longer, error, "%s%*s\n", file->text, (int)(more - 1), ""));
  vmf_free(file->text);
  file->text = longer;
  file->length = file->room;
  longer = NULL;
  return VMF_OK;
}

static enum vmf_code put_into_room(struct work *work, const struct text_file *file,
                                   struct vmf_error *error)
{
  if (file->length != file->room)
    return vmf_fail(error, VMF_WRITE, "%s: has %zu bytes, and %zu were kept for it", file->name,
                    file->length, file->room);
  return put_text(work, file, file->header, error);
}

static enum vmf_code fill_head(struct work *work, struct vmf_error *error)
{
  VMF_TRY(describe(work, VMF_DESCRIBE_FINAL, error));
  VMF_TRY(fill_room(&work->descriptor, error));
  VMF_TRY(make_texts(work, error));
  VMF_TRY(put_into_room(work, &work->descriptor, error));
  VMF_TRY(put_into_room(work, &work->manifest, error));
  return is_signed(work) ? put_into_room(work, &work->certificate, error) : VMF_OK;
}

/* In a folder, or behind the files of an archive on a pipe. */
static enum vmf_code append_texts(struct work *work, struct vmf_error *error)
{
  if (!work->archive) {
    VMF_TRY(describe(work, VMF_DESCRIBE_FINAL, error));
    VMF_TRY(append_text(work, &work->descriptor, error));
  }
  VMF_TRY(make_texts(work, error));
  VMF_TRY(append_text(work, &work->manifest, error));
  return is_signed(work) ? append_text(work, &work->certificate, error) : VMF_OK;
}

/* ---- all of it ---- */

static enum vmf_code start_pipe(struct work *work, struct vmf_error *error)
{
  VMF_TRY(describe(work, VMF_DESCRIBE_EARLY, error));
  return append_text(work, &work->descriptor, error);
}

static void count_text(const struct text_file *file, struct vmf_package_result *result)
{
  result->files += file->text != NULL;
  result->bytes += file->text ? file->length : 0;
}

/* Before the commit, which closes the archive. */
static void count_written(const struct work *work, struct vmf_package_result *result)
{
  const struct vmf_assembly *assembly = work->assembly;

  count_text(&work->descriptor, result);
  count_text(&work->manifest, result);
  count_text(&work->certificate, result);
  result->files += assembly->count;
  for (size_t i = 0; i < assembly->count; i++)
    result->bytes += assembly->files[i].size;
  result->archive = work->archive != NULL;
  if (work->archive)
    result->bytes = work->archive->size;
}

static enum vmf_code write_all(struct work *work, struct vmf_package_result *result,
                               struct vmf_error *error)
{
  struct vmf_assembly *assembly = work->assembly;
  bool pipe = work->archive && work->archive->sequential;

  if (pipe)
    VMF_TRY(start_pipe(work, error));
  else if (work->archive)
    VMF_TRY(keep_head(work, error));
  for (size_t i = 0; i < assembly->count; i++)
    VMF_TRY(write_file(work, &assembly->files[i], error));
  VMF_TRY(work->archive && !pipe ? fill_head(work, error) : append_texts(work, error));
  if (work->archive)
    VMF_TRY(vmf_tar_finish(work->archive, work->at, error));
  VMF_TRY(vmf_cancelled(work->target->cancel, error));
  count_written(work, result);
  return vmf_output_commit(work->output, error);
}

static enum vmf_code name_texts(struct work *work, struct vmf_error *error)
{
  const char *name = work->destination->descriptor_name;

  VMF_TRY(vmf_copy_text(name, &work->descriptor.name, error));
  VMF_TRY(vmf_path_with_suffix(name, ".mf", &work->manifest.name, error));
  return vmf_path_with_suffix(name, ".cert", &work->certificate.name, error);
}

/* A name that an archive cannot hold is told before hours of work. */
static enum vmf_code check_names(const struct work *work, struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;
  uint8_t header[VMF_TAR_BLOCK];
  void *memory;

  if (!work->destination->archive)
    return VMF_OK;
  for (size_t i = 0; i < assembly->count; i++)
    VMF_TRY(vmf_tar_header(assembly->files[i].name, 0, work->mtime, header, error));
  VMF_TRY(vmf_tar_header(work->certificate.name, 0, work->mtime, header, error));
  VMF_TRY(vmf_alloc((assembly->count + 1) * sizeof(struct vmf_tar_name), &memory, error));
  struct vmf_tar_name *names = memory;
  for (size_t i = 0; i < assembly->count; i++)
    names[i].name = assembly->files[i].name;
  names[assembly->count].name = work->descriptor.name;
  enum vmf_code code =
      vmf_tar_check_clashes(work->destination->path, names, assembly->count + 1, error);
  vmf_free(memory);
  return code;
}

/* Whether what goes to a pipe is stored first: where a folder is named for files whose size is
 * known only when they have been written, and where one is not written in order. */
static enum vmf_code is_spooled(const struct work *work, bool *spooled, struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;

  *spooled = false;
  for (size_t i = 0; i < assembly->count && !*spooled; i++) {
    struct vmf_shape shape;
    VMF_TRY(vmf_written_shape(&assembly->files[i], &shape, error));
    *spooled = shape.patches_start || (shape.layout == VMF_ORDERED && work->target->spool_folder);
  }
  return VMF_OK;
}

static enum vmf_code open_output(struct work *work, struct vmf_error *error)
{
  const struct vmf_package_target *target = work->target;
  bool spool;

  VMF_TRY(is_spooled(work, &spool, error));
  const struct vmf_output_options options = {.no_clobber = target->no_clobber,
                                             .no_sync = target->no_sync,
                                             .transient = target->no_cache,
                                             .ignore_locks = target->ignore_locks,
                                             .no_links = work->destination->in_folder,
                                             .new_folder = work->destination->made_folder != NULL,
                                             .replace = target->replace,
                                             .spool = spool,
                                             .spool_folder = target->spool_folder,
                                             .cancel = target->cancel,
                                             .log = target->log};

  VMF_TRY(vmf_output_new(work->destination->path, &options, &work->output, error));
  if (work->assembly->copied && !vmf_output_temporary(work->output))
    return vmf_fail(error, VMF_CHANGED, "%s: became a device while the source was looked at",
                    work->destination->path);
  if (work->destination->archive)
    work->archive = vmf_output_main(work->output);
  else if (target->replace && !is_signed(work))
    return vmf_output_supersede(work->output, work->certificate.name, error);
  return VMF_OK;
}

static enum vmf_code prepare(struct work *work, struct vmf_error *error)
{
  const struct vmf_package_target *target = work->target;
  struct vmf_epoch epoch;

  work->done = work->total = work->assembly->read_before;
  for (size_t i = 0; i < work->assembly->count; i++) {
    const struct vmf_assembly_file *file = &work->assembly->files[i];
    const char *source = vmf_image_file_at(file->image, work->destination->path);
    if (source)
      return vmf_fail(error, VMF_USAGE, "%s: the target is a file of the source (%s)",
                      work->destination->path, source);
    work->total += file->weight;
  }
  VMF_TRY(vmf_epoch_now(&epoch, error));
  work->mtime = (uint64_t)epoch.seconds;
  if (target->digest)
    VMF_TRY(vmf_digest_named(target->digest, &work->kind, error));
  VMF_TRY(name_texts(work, error));
  if (work->destination->name_cut)
    vmf_warn(target->log, "%s: a name in an archive has at most %d bytes: its descriptor is %s",
             work->destination->path, VMF_TAR_NAME_WRITTEN, work->descriptor.name);
  VMF_TRY(check_names(work, error));
  VMF_TRY(vmf_beside_check(work->destination, work->assembly, work->manifest.name,
                           work->certificate.name, target->replace, error));
  if (target->key_path)
    VMF_TRY(vmf_signer_new(target->key_path, target->cert_path, target->passphrase_file,
                           target->log, &work->signer, error));
  const struct vmf_job_options job = {
      .size = sizeof job, .crew = work->crew, .cancel = target->cancel};
  VMF_TRY(open_output(work, error));
  return vmf_assembly_fits(work->assembly, vmf_output_main(work->output), &job, target->log, error);
}

enum vmf_code vmf_assemble(const struct vmf_destination *destination, struct vmf_assembly *assembly,
                           const struct vmf_package_target *target, struct vmf_error *error)
{
  struct work work = {.destination = destination, .assembly = assembly, .target = target};
  struct text_file *const texts[] = {&work.descriptor, &work.manifest, &work.certificate};
  struct vmf_package_result result;

  VMF_TRY(vmf_take_package_result(target->result, &result, error));
  result = (struct vmf_package_result){.size = sizeof result};
  enum vmf_code code = vmf_crew_new(target->threads, &work.crew, error);
  if (code == VMF_OK)
    code = prepare(&work, error);
  if (code == VMF_OK)
    code = write_all(&work, &result, error);
  if (code == VMF_OK)
    vmf_give_package_result(&result, target->result);
  vmf_output_close(work.output);
  vmf_crew_free(work.crew);
  vmf_signer_free(work.signer);
  for (unsigned i = 0; i < 3; i++) {
    vmf_free(texts[i]->name);
    vmf_free(texts[i]->text);
  }
  return code;
}
