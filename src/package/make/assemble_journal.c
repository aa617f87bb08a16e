/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is done of files in a folder is kept, so that another run can go on with it: of each disk by
 * a journal of its own, from the first one on that has something to tell. A disk that was done is
 * proven by it, and its tables are made once more; what is copied, and the texts, are made anew.
 * What must be the same for all of that stands in what the journals have in common: the files, of
 * what they are made, what the machine's text will say, the time and the seed of all ids. */
#include <stdlib.h>
#include <string.h>

#include "assembling.h"
#include "checked.h"
#include "epoch.h"
#include "journal_common.h"
#include "journal_head.h"
#include "log.h"
#include "memory.h"
#include "target.h"

/* ---- whether there are journals ---- */

static const char *obstacle(const struct vmf_assembling *work)
{
  const struct vmf_assembly *assembly = work->assembly;
  bool disks = false;

  if (work->destination->archive)
    return "it is one file that holds several; in a folder, as *.ovf or with a machine's text, "
           "these "
           "can be";
  for (size_t i = 0; i < assembly->count; i++) {
    disks |= assembly->files[i].image != NULL;
    if (vmf_image_streams(assembly->files[i].image))
      return "its source comes on a pipe";
  }
  return disks ? NULL : "all of its files are copied as they are, and no disk is converted";
}

static bool is_large(const struct vmf_assembling *work)
{
  const struct vmf_assembly *assembly = work->assembly;
  uint64_t bytes = 0;

  for (size_t i = 0; i < assembly->count; i++)
    if (assembly->files[i].image &&
        !vmf_add(bytes, vmf_image_size(assembly->files[i].image), &bytes))
      return true;
  return bytes > work->target->journal_from;
}

static enum vmf_code refuse(const struct vmf_assembling *work, const char *why,
                            struct vmf_error *error)
{
  return vmf_fail(error, VMF_UNSUPPORTED, "%s: cannot be resumed: %s", work->destination->path,
                  why);
}

enum vmf_code vmf_assembling_may_resume(struct vmf_assembling *work, struct vmf_error *error)
{
  enum vmf_journal_choice choice = work->target->journal;
  const char *why = obstacle(work);

  if (choice == VMF_JOURNAL_WANTED && why)
    return refuse(work, why, error);
  work->journaled = !why && (choice == VMF_JOURNAL_WANTED ||
                             (choice == VMF_JOURNAL_WHERE_POSSIBLE && is_large(work)));
  return VMF_OK;
}

/* ---- what they have in common ---- */

static enum vmf_code put_description(const struct vmf_assembling *work, FILE *out,
                                     struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;
  VMF_AUTO_FREE char *text = NULL;
  uint8_t digest[VMF_DIGEST_MAX];
  char hex[2 * VMF_DIGEST_MAX + 1];
  size_t length;

  VMF_TRY(assembly->describe(assembly->data, VMF_DESCRIBE_WIDEST, &text, &length, error));
  VMF_TRY(vmf_digest_bytes(VMF_SHA256, text, length, digest, error));
  vmf_digest_text(digest, vmf_digest_size(VMF_SHA256), hex);
  fprintf(out, "description of the machine\t%s\n", hex);
  return VMF_OK;
}

static void put_manifest(const struct vmf_assembling *work, FILE *out)
{
  fprintf(out, "digests of the manifest\t%d\n", work->assembly->alone ? -1 : (int)work->kind);
  fputs("signed by\t", out);
  vmf_journal_put_text(out, work->target->key_path ? work->target->key_path : "nobody");
  fprintf(out, "%s\n", work->target->cms ? ", with a CMS part" : "");
}

static enum vmf_code put_file(const struct vmf_assembling *work,
                              const struct vmf_assembly_file *file, FILE *out,
                              struct vmf_error *error)
{
  fputs("file of the target\t", out);
  vmf_journal_put_text(out, file->name);
  fprintf(out, ", %s, ", file->image ? file->format : "copied");
  vmf_journal_put_text(out, file->options ? file->options : "");
  fputc('\n', out);
  return file->image ? vmf_journal_put_source(out, file->name, file->image,
                                              work->target->source_unchanged, error)
                     : VMF_OK;
}

static enum vmf_code put_all(const struct vmf_assembling *work, FILE *out, struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;
  const char *epoch = getenv("SOURCE_DATE_EPOCH");

  vmf_journal_put_program(out);
  fputs("SOURCE_DATE_EPOCH\t", out);
  vmf_journal_put_text(out, epoch ? epoch : "none");
  fputc('\n', out);
  put_manifest(work, out);
  for (size_t i = 0; i < assembly->count; i++)
    VMF_TRY(put_file(work, &assembly->files[i], out, error));
  VMF_TRY(put_description(work, out, error));
  vmf_journal_put_identity(out, &assembly->identity);
  return VMF_OK;
}

static enum vmf_code no_memory(struct vmf_error *error)
{
  return vmf_fail(error, VMF_NOMEM, "no memory for a journal");
}

static enum vmf_code make_head(struct vmf_assembling *work, struct vmf_error *error)
{
  char *text = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&text, &length);

  if (!out)
    return no_memory(error);
  enum vmf_code code = put_all(work, out, error);
  if (!vmf_memstream_end(out, &text) && code == VMF_OK)
    code = no_memory(error);
  if (code == VMF_OK && length > VMF_JOURNAL_HEAD_MOST)
    code = refuse(work, "its sources have too many files", error);
  if (code == VMF_OK)
    code = vmf_journal_seal(text, &work->head, error);
  free(text);
  return code;
}

/* ---- the identity ---- */

static enum vmf_code find_left(const char *path, struct vmf_identity *identity,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;
  struct vmf_io *io;

  VMF_TRY(vmf_output_peek(path, &io, error));
  enum vmf_code code = io ? vmf_journal_unseal(io, &text, error) : VMF_OK;
  vmf_io_close(io);
  VMF_TRY(code);
  if (text)
    (void)vmf_journal_identity(text, identity);
  return VMF_OK;
}

enum vmf_code vmf_assembly_identify(struct vmf_assembly *assembly,
                                    const struct vmf_destination *destination,
                                    const struct vmf_package_target *target,
                                    struct vmf_error *error)
{
  struct vmf_identity *identity = &assembly->identity;
  struct vmf_epoch epoch;

  if (assembly->identified)
    return VMF_OK;
  VMF_TRY(vmf_epoch_now(&epoch, error));
  identity->time = epoch.seconds;
  VMF_TRY(vmf_random(identity->seed, sizeof identity->seed, error));
  if (target->resume && !destination->archive)
    VMF_TRY(find_left(destination->path, identity, error));
  identity->derived = !epoch.fixed;
  assembly->identified = true;
  return VMF_OK;
}

/* ---- taken up ---- */

static enum vmf_code begin_again(struct vmf_assembling *work, struct vmf_error *error)
{
  return vmf_output_resumed(work->output, NULL) && !work->target->dry_run
             ? vmf_output_begin_again(work->output, NULL, error)
             : VMF_OK;
}

/* What is left is of the same, or of no use. */
static enum vmf_code go_on(struct vmf_assembling *work, struct vmf_error *error)
{
  VMF_AUTO_FREE char *left = NULL;
  struct vmf_identity *identity = &work->assembly->identity;
  bool derived = identity->derived;
  struct vmf_io *io;

  VMF_TRY(vmf_output_journal(work->output, NULL, &io, error));
  VMF_TRY(vmf_journal_unseal(io, &left, error));
  if (!left)
    return begin_again(work, error);
  VMF_TRY(vmf_journal_head_compare(left, work->head, io->name, identity, error));
  identity->derived = derived;
  return VMF_OK;
}

enum vmf_code vmf_assembling_take_up(struct vmf_assembling *work, struct vmf_error *error)
{
  bool wanted = work->target->journal == VMF_JOURNAL_WANTED;
  struct vmf_error failure = {0};

  if (!work->journaled)
    return VMF_OK;
  if (!vmf_output_can_resume(work->output)) {
    work->journaled = false;
    return wanted ? refuse(work, "it is written where it is", error) : VMF_OK;
  }
  VMF_TRY(vmf_assembly_identify(work->assembly, work->destination, work->target, error));
  enum vmf_code code = make_head(work, &failure);
  if (code == VMF_UNSUPPORTED && !wanted) {
    work->journaled = false;
    return begin_again(work, error);
  }
  if (code != VMF_OK)
    return vmf_fail_again(&failure, error);
  if (vmf_output_resumed(work->output, NULL))
    VMF_TRY(go_on(work, error));
  vmf_output_journals(work->output, work->head);
  return VMF_OK;
}

/* ---- of one file ---- */

enum vmf_code vmf_assembling_create(struct vmf_assembling *work,
                                    const struct vmf_assembly_file *file, struct vmf_io **io,
                                    struct vmf_error *error)
{
  VMF_TRY(vmf_output_create(work->output, file->name, io, error));
  return work->journaled && file->image ? VMF_OK : vmf_assembling_empty(work, *io, error);
}

enum vmf_code vmf_assembling_empty(struct vmf_assembling *work, struct vmf_io *io,
                                   struct vmf_error *error)
{
  return vmf_output_resumed(work->output, NULL) ? vmf_output_begin_again(work->output, io, error)
                                                : VMF_OK;
}

enum vmf_code vmf_assembling_journal(const struct vmf_assembling *work,
                                     const struct vmf_content *content, struct vmf_error *error)
{
  const struct vmf_target_options options = {.journal = work->target->journal,
                                             .journal_chunk = work->target->journal_chunk,
                                             .source_unchanged = work->target->source_unchanged};
  struct vmf_identity *identity = &vmf_draft(content->target)->identity;
  char purpose[40];

  if (!work->journaled)
    return VMF_OK;
  vmf_target_keep_journal(content->target, work->output, content->base, &options);
  if (!work->assembly->identity.derived)
    return VMF_OK;
  snprintf(purpose, sizeof purpose, "image %zu", (size_t)(content->file - work->assembly->files));
  identity->time = work->assembly->identity.time;
  identity->derived = true;
  return vmf_identity_bytes(&work->assembly->identity, purpose, identity->seed,
                            sizeof identity->seed, error);
}

void vmf_assembling_leave(struct vmf_assembling *work, enum vmf_code code)
{
  if (!work->journaled || (code != VMF_CANCELLED && code != VMF_TEMPORARY && code != VMF_READ) ||
      !vmf_output_leave(work->output))
    return;
  vmf_warn(work->target->log,
           "%s: what was done is kept beside %s; the same command with --resume and the same files "
           "goes on with it, \"vmferry clean\" removes it",
           work->destination->path, vmf_output_temporary(work->output));
}
