/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The texts of a package: the descriptor, the manifest, the certificate. */
#include <string.h>

#include "assembling.h"
#include "memory.h"
#include "tar.h"

/* ---- files of text ---- */

/* Keeps room for a text at the head of the archive. */
static void keep_room(struct vmf_assembling *work, struct vmf_text_file *file, size_t room)
{
  file->header = work->at;
  file->room = room;
  work->at = vmf_tar_next(work->at, room);
}

static enum vmf_code put_text(struct vmf_assembling *work, const struct vmf_text_file *file,
                              uint64_t offset, struct vmf_error *error)
{
  return vmf_tar_put(work->archive, offset, file->name, file->text, file->length, work->mtime,
                     error);
}

static enum vmf_code append_text(struct vmf_assembling *work, const struct vmf_text_file *file,
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
  VMF_TRY(vmf_assembling_empty(work, io, error));
  return vmf_io_pwrite(io, file->text, file->length, 0, error);
}

/* ---- descriptor, manifest, certificate ---- */

static enum vmf_code describe(struct vmf_assembling *work, enum vmf_describe how,
                              struct vmf_error *error)
{
  struct vmf_assembly *assembly = work->assembly;

  vmf_free(work->descriptor.text);
  work->descriptor.text = NULL;
  return assembly->describe(assembly->data, how, &work->descriptor.text, &work->descriptor.length,
                            error);
}

static enum vmf_code list_files(struct vmf_assembling *work, struct vmf_manifest *manifest,
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

static enum vmf_code make_manifest(struct vmf_assembling *work, struct vmf_error *error)
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

bool vmf_assembling_signs(const struct vmf_assembling *work)
{
  return work->signer || work->assembly->certificate_text;
}

/* A manifest may have SHA-1 digests for the sake of old readers, a signature may not. */
static enum vmf_code make_certificate(struct vmf_assembling *work, struct vmf_error *error)
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

static enum vmf_code make_texts(struct vmf_assembling *work, struct vmf_error *error)
{
  VMF_TRY(make_manifest(work, error));
  return make_certificate(work, error);
}

bool vmf_assembling_pipes(const struct vmf_assembling *work)
{
  return work->archive && !vmf_io_goes_back(work->archive);
}

/* At the head of an archive: places for the three texts, whose longest forms are known. */
static enum vmf_code keep_head(struct vmf_assembling *work, struct vmf_error *error)
{
  VMF_TRY(describe(work, VMF_DESCRIBE_WIDEST, error));
  VMF_TRY(make_texts(work, error));
  keep_room(work, &work->descriptor, work->descriptor.length);
  keep_room(work, &work->manifest, work->manifest.length);
  if (vmf_assembling_signs(work))
    keep_room(work, &work->certificate, work->certificate.length);
  return vmf_io_hold(work->archive, 0, work->at, error);
}

/* XML allows white space behind the root element: the descriptor is made as long as its place. */
static enum vmf_code fill_room(struct vmf_text_file *file, struct vmf_error *error)
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

static enum vmf_code put_into_room(struct vmf_assembling *work, const struct vmf_text_file *file,
                                   struct vmf_error *error)
{
  if (file->length != file->room)
    return vmf_fail(error, VMF_WRITE, "%s: has %zu bytes, and %zu were kept for it", file->name,
                    file->length, file->room);
  return put_text(work, file, file->header, error);
}

static enum vmf_code fill_head(struct vmf_assembling *work, struct vmf_error *error)
{
  VMF_TRY(describe(work, VMF_DESCRIBE_FINAL, error));
  VMF_TRY(fill_room(&work->descriptor, error));
  VMF_TRY(make_texts(work, error));
  VMF_TRY(put_into_room(work, &work->descriptor, error));
  VMF_TRY(put_into_room(work, &work->manifest, error));
  return vmf_assembling_signs(work) ? put_into_room(work, &work->certificate, error) : VMF_OK;
}

/* In a folder, or behind the files of an archive on a pipe. */
static enum vmf_code append_texts(struct vmf_assembling *work, struct vmf_error *error)
{
  if (!work->archive) {
    VMF_TRY(describe(work, VMF_DESCRIBE_FINAL, error));
    VMF_TRY(append_text(work, &work->descriptor, error));
  }
  if (work->assembly->alone)
    return VMF_OK;
  VMF_TRY(make_texts(work, error));
  VMF_TRY(append_text(work, &work->manifest, error));
  return vmf_assembling_signs(work) ? append_text(work, &work->certificate, error) : VMF_OK;
}

/* On a pipe the descriptor goes first, as far as it is known. */
static enum vmf_code start_pipe(struct vmf_assembling *work, struct vmf_error *error)
{
  VMF_TRY(describe(work, VMF_DESCRIBE_EARLY, error));
  return append_text(work, &work->descriptor, error);
}

enum vmf_code vmf_assembling_begin_texts(struct vmf_assembling *work, struct vmf_error *error)
{
  if (!work->archive)
    return VMF_OK;
  return vmf_assembling_pipes(work) ? start_pipe(work, error) : keep_head(work, error);
}

enum vmf_code vmf_assembling_end_texts(struct vmf_assembling *work, struct vmf_error *error)
{
  bool kept = work->archive && !vmf_assembling_pipes(work);

  return kept ? fill_head(work, error) : append_texts(work, error);
}
