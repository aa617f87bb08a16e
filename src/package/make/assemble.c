/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "assembling.h"

#include <inttypes.h>
#include <string.h>

#include "caller.h"
#include "cancel.h"
#include "copy_io.h"
#include "epoch.h"
#include "hash_io.h"
#include "log.h"
#include "memory.h"
#include "path.h"
#include "replaced.h"
#include "tar.h"
#include "tar_names.h"
#include "written.h"

enum { FOREIGN_BYTES = 4096 /* for each file: its header and its lines in the texts, at most */ };

static void count_text(const struct vmf_text_file *file, struct vmf_package_result *result)
{
  result->files += file->text != NULL;
  result->bytes += file->text ? file->length : 0;
}

static void name_format(const struct vmf_assembling *work, struct vmf_package_result *result)
{
  result->archive = work->archive != NULL;
  result->format = work->assembly->alone ? work->assembly->format : result->archive ? "ova" : "ovf";
}

/* Before the commit, which closes the archive. */
static void count_written(const struct vmf_assembling *work, struct vmf_package_result *result)
{
  const struct vmf_assembly *assembly = work->assembly;

  count_text(&work->descriptor, result);
  count_text(&work->manifest, result);
  count_text(&work->certificate, result);
  result->files += assembly->container ? 1 : assembly->count;
  for (size_t i = 0; i < assembly->count; i++)
    result->bytes += assembly->files[i].size;
  name_format(work, result);
  if (work->archive)
    result->bytes = work->archive->size;
}

/* The texts take less than a block for each file that they name, and the headers of an archive are
 * smaller than those. */
enum vmf_code vmf_assembling_foresee(struct vmf_assembling *work, struct vmf_package_result *result,
                                     struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;
  VMF_AUTO_FREE char *text = NULL;
  size_t length = 0;

  VMF_TRY(assembly->describe(assembly->data, VMF_DESCRIBE_WIDEST, &text, &length, error));
  name_format(work, result);
  result->files += assembly->container ? 1 : assembly->count + 1;
  if (!assembly->alone)
    result->files += 1U + vmf_assembling_signs(work);
  result->bytes += length + (assembly->count + 2) * FOREIGN_BYTES;
  return assembly->fits
             ? VMF_OK
             : vmf_assembly_foresee(assembly, vmf_output_main(work->output), result, error);
}

static enum vmf_code write_package(struct vmf_assembling *work, struct vmf_error *error)
{
  struct vmf_assembly *assembly = work->assembly;

  VMF_TRY(vmf_assembling_begin_texts(work, error));
  if (!work->archive)
    VMF_TRY(vmf_assembling_folder(work, error));
  for (size_t i = 0; work->archive && i < assembly->count; i++)
    VMF_TRY(vmf_assembling_file(work, &assembly->files[i], error));
  VMF_TRY(vmf_assembling_end_texts(work, error));
  return work->archive ? vmf_tar_finish(work->archive, work->at, error) : VMF_OK;
}

static enum vmf_code write_all(struct vmf_assembling *work, struct vmf_package_result *result,
                               struct vmf_error *error)
{
  work->written = work->assembly->written_before;
  VMF_TRY(vmf_crew_take_on(work->target->crew, work->target->threads, &work->crew, error));
  VMF_TRY(work->assembly->container ? vmf_assembling_container(work, error)
                                    : write_package(work, error));
  VMF_TRY(vmf_cancelled(work->target->cancel, error));
  count_written(work, result);
  if (work->assembly->next)
    work->assembly->next->written_before = work->written;
  vmf_crew_leave_off(work->target->crew, work->crew); /* of several only one has threads */
  work->crew = NULL;
  return VMF_OK;
}

enum vmf_code vmf_assembling_write(struct vmf_assembling *work, struct vmf_package_result *result,
                                   struct vmf_error *error)
{
  enum vmf_code code = write_all(work, result, error);

  if (code != VMF_OK)
    vmf_assembling_leave(work, code);
  return code;
}

enum vmf_code vmf_assembling_commit(struct vmf_assembling *work, struct vmf_error *error)
{
  return vmf_output_commit(work->output, error);
}

void vmf_assembling_take_back(struct vmf_assembling *work)
{
  vmf_output_take_back(work->output);
}

static enum vmf_code name_texts(struct vmf_assembling *work, struct vmf_error *error)
{
  const char *name = work->destination->descriptor_name;

  VMF_TRY(vmf_copy_text(name, &work->descriptor.name, error));
  if (work->assembly->alone)
    return VMF_OK;
  VMF_TRY(vmf_path_with_suffix(name, ".mf", &work->manifest.name, error));
  return vmf_path_with_suffix(name, ".cert", &work->certificate.name, error);
}

/* A name that an archive cannot hold is told before hours of work. */
static enum vmf_code check_names(const struct vmf_assembling *work, struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;
  uint8_t header[VMF_TAR_BLOCK];
  void *memory;

  if (!work->destination->archive || assembly->container)
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
static enum vmf_code is_spooled(const struct vmf_assembling *work, bool *spooled,
                                struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;

  *spooled = false;
  for (size_t i = 0; !assembly->container && i < assembly->count && !*spooled; i++) {
    struct vmf_shape shape;
    VMF_TRY(vmf_written_shape(&assembly->files[i], &shape, error));
    *spooled = shape.patches_start || (shape.layout == VMF_ORDERED && work->target->spool_folder);
  }
  return VMF_OK;
}

static enum vmf_code open_output(struct vmf_assembling *work, struct vmf_error *error)
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
                                             .resume = target->resume && work->journaled,
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
  else if (target->replace && !work->assembly->alone && !vmf_assembling_signs(work))
    return vmf_output_supersede(work->output, work->certificate.name, error);
  return VMF_OK;
}

static enum vmf_code prepare(struct vmf_assembling *work, struct vmf_error *error)
{
  const struct vmf_package_target *target = work->target;
  struct vmf_epoch epoch;

  work->done = work->total = work->assembly->read_before;
  for (const struct vmf_assembly *next = work->assembly->next; next; next = next->next)
    for (size_t i = 0; i < next->count; i++)
      work->total += next->files[i].weight;
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
  VMF_TRY(vmf_signer_new(target->key_path, target->cert_path, target->passphrase_file, target->log,
                         &work->signer, error));
  const struct vmf_job_options job = {.size = sizeof job,
                                      .threads = target->threads,
                                      .crew = target->crew,
                                      .cancel = target->cancel};
  VMF_TRY(vmf_assembling_may_resume(work, error));
  VMF_TRY(open_output(work, error)); /* which takes back what was placed too early */
  VMF_TRY(vmf_beside_check(work->destination, work->assembly, work->manifest.name,
                           work->certificate.name, target->replace, error));
  VMF_TRY(vmf_assembling_take_up(work, error));
  return work->assembly->fits || target->dry_run
             ? VMF_OK
             : vmf_assembly_fits(work->assembly, vmf_output_main(work->output),
                                 vmf_output_taken(work->output), &job, target->log, error);
}

enum vmf_code vmf_assembling_new(const struct vmf_destination *destination,
                                 struct vmf_assembly *assembly,
                                 const struct vmf_package_target *target,
                                 struct vmf_assembling **work, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct vmf_assembling), &memory, error));
  struct vmf_assembling *made = memory;
  made->destination = destination;
  made->assembly = assembly;
  made->target = target;
  enum vmf_code code = prepare(made, error);
  if (code == VMF_OK)
    *work = made;
  else
    vmf_assembling_free(made);
  return code;
}

void vmf_assembling_free(struct vmf_assembling *work)
{
  if (!work)
    return;
  struct vmf_text_file *const texts[] = {&work->descriptor, &work->manifest, &work->certificate};
  vmf_output_close(work->output);
  vmf_free(work->head);
  vmf_crew_leave_off(work->target->crew, work->crew);
  vmf_signer_free(work->signer);
  for (unsigned i = 0; i < 3; i++) {
    vmf_free(texts[i]->name);
    vmf_free(texts[i]->text);
  }
  vmf_free(work);
}

enum vmf_code vmf_assemble(const struct vmf_destination *destination, struct vmf_assembly *assembly,
                           const struct vmf_package_target *target, struct vmf_error *error)
{
  struct vmf_package_result result;
  struct vmf_assembling *work;

  VMF_TRY(vmf_take_package_result(target->result, &result, error));
  result = (struct vmf_package_result){.size = sizeof result};
  VMF_TRY(vmf_assembling_new(destination, assembly, target, &work, error));
  enum vmf_code code = target->dry_run ? vmf_assembling_foresee(work, &result, error)
                                       : vmf_assembling_write(work, &result, error);
  if (code == VMF_OK && !target->dry_run)
    code = vmf_assembling_commit(work, error);
  if (code == VMF_OK)
    vmf_give_package_result(&result, target->result);
  vmf_assembling_free(work);
  return code;
}
