/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The text of a machine changed in place: the format splices it, what a reader finds of the new one
 * is held against the changes, and it takes the place of the old one. */
#include "text_edit.h"

#include <string.h>

#include "file.h"
#include "machine_edits.h"
#include "machine_format.h"
#include "memory.h"
#include "output.h"
#include "path.h"
#include "replacing.h"

struct text_edit {
  const struct vmf_edit_target *target;
  const struct vmf_machine_edits *edits;
  const char *path;
  const struct vmf_machine_format *format;
  struct vmf_output *output; /* NULL: nothing is to be written */
  struct vmf_io *io;         /* of the old text */
  struct vmf_replacing replacing;
  char *before, *after;
  size_t before_length, after_length;
};

/* ---- the old text ---- */

static enum vmf_code find_format(struct text_edit *edit, struct vmf_error *error)
{
  VMF_AUTO_FREE void *head = NULL;
  size_t length = edit->io->size < VMF_MACHINE_HEAD ? (size_t)edit->io->size : VMF_MACHINE_HEAD;

  VMF_TRY(vmf_alloc(length + 1, &head, error));
  if (length > 0)
    VMF_TRY(vmf_io_pread(edit->io, head, length, 0, error));
  edit->format = vmf_machine_format_probe(edit->path, head, length);
  if (!edit->format)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: is neither a package (OVA, OVF) nor the text of a machine; disks, and the "
                    "archives of other vendors, are not edited: convert them first",
                    edit->path);
  if (!edit->format->edit)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: machines in the format %s are not edited here; convert the machine first",
                    edit->path, edit->format->name);
  return VMF_OK;
}

static enum vmf_code read_text(struct text_edit *edit, struct vmf_error *error)
{
  void *memory;

  if (edit->io->size > VMF_MACHINE_SOURCE)
    return vmf_fail(error, VMF_LIMIT, "%s: is larger than any text of a machine", edit->path);
  VMF_TRY(vmf_alloc((size_t)edit->io->size + 1, &memory, error));
  edit->before = memory;
  edit->before_length = (size_t)edit->io->size;
  return edit->before_length > 0 ? vmf_io_pread(edit->io, memory, edit->before_length, 0, error)
                                 : VMF_OK;
}

/* ---- the new one ---- */

/* Only the text itself is looked at. */
static enum vmf_code nothing_beside(const struct vmf_machine_source *source, const char *name,
                                    size_t limit, char **bytes, size_t *length,
                                    struct vmf_error *error)
{
  (void)source, (void)name, (void)limit, (void)error;
  *bytes = NULL;
  *length = 0;
  return VMF_OK;
}

static struct vmf_machine_source source_of(const struct text_edit *edit, const char *bytes,
                                           size_t length)
{
  return (struct vmf_machine_source){.name = vmf_path_name(edit->path),
                                     .bytes = bytes,
                                     .length = length,
                                     .beside = nothing_beside};
}

/* No writer is believed: what was asked for is what a reader finds. */
static enum vmf_code check_after(const struct text_edit *edit, const struct vmf_machine *before,
                                 struct vmf_error *error)
{
  const struct vmf_machine_source source = source_of(edit, edit->after, edit->after_length);
  struct vmf_machine *after;

  VMF_TRY(vmf_machine_new(&after, error));
  enum vmf_code code = vmf_machine_read(edit->format, &source, after, NULL, error);
  if (code == VMF_OK)
    code = vmf_machine_check_edits(before, after, edit->edits, source.name, error);
  else
    code = vmf_while(error, "what would be written cannot be read");
  vmf_machine_free(after);
  return code;
}

static enum vmf_code splice(struct text_edit *edit, struct vmf_error *error)
{
  const struct vmf_package_target *files = edit->target->files;
  const struct vmf_machine_source source = source_of(edit, edit->before, edit->before_length);
  struct vmf_report report = {.finding = files->findings.finding, .data = files->findings.data};
  struct vmf_machine *before;

  VMF_TRY(vmf_machine_new(&before, error));
  enum vmf_code code = vmf_machine_read(edit->format, &source, before, NULL, error);
  if (code == VMF_OK)
    code = edit->format->edit(&source, before, edit->edits, &report, &edit->after,
                              &edit->after_length, error);
  if (code == VMF_OK)
    code = check_after(edit, before, error);
  vmf_machine_free(before);
  return code;
}

/* ---- the file ---- */

static enum vmf_code write_text(struct text_edit *edit, struct vmf_error *error)
{
  VMF_TRY(vmf_output_begin(edit->output, error));
  if (edit->after_length > 0)
    VMF_TRY(
        vmf_io_pwrite(vmf_output_main(edit->output), edit->after, edit->after_length, 0, error));
  VMF_TRY(vmf_io_unchanged(edit->io, edit->target->files->log, error));
  if (!edit->target->output) {
    VMF_TRY(vmf_replacing_begin(&edit->replacing, edit->path, edit->io, error));
    vmf_output_held(edit->output);
  }
  return vmf_output_commit(edit->output, error);
}

/* The output is begun before the old text is read, so that two runs do not work on the same one. */
static enum vmf_code open_all(struct text_edit *edit, struct vmf_error *error)
{
  const struct vmf_package_target *files = edit->target->files;
  const char *elsewhere = edit->target->output;
  const struct vmf_output_options options = {.no_sync = files->no_sync,
                                             .no_clobber = elsewhere && files->no_clobber,
                                             .ignore_locks = files->ignore_locks,
                                             .log = files->log};
  bool hold = !files->ignore_locks && (elsewhere || edit->target->dry_run);

  if (!edit->target->dry_run)
    VMF_TRY(vmf_output_new(elsewhere ? elsewhere : edit->path, &options, &edit->output, error));
  return vmf_io_open_file(edit->path, hold, &edit->io, error);
}

static enum vmf_code edit_text(struct text_edit *edit, struct vmf_error *error)
{
  const struct vmf_edit_target *target = edit->target;

  VMF_TRY(find_format(edit, error));
  if (target->files->key_path || target->files->digest)
    return vmf_fail(error, VMF_USAGE, "%s: is no package, and cannot be signed", edit->path);
  if (edit->edits->system)
    return vmf_fail(error, VMF_USAGE, "%s: has one machine; none is chosen (--system)", edit->path);
  VMF_TRY(read_text(edit, error));
  VMF_TRY(splice(edit, error));
  const struct vmf_edited_text text = {.name = vmf_path_name(edit->path),
                                       .before = edit->before,
                                       .before_length = edit->before_length,
                                       .after = edit->after,
                                       .after_length = edit->after_length};
  bool same = edit->after_length == edit->before_length &&
              memcmp(edit->after, edit->before, edit->before_length) == 0;
  if (same && !target->output)
    return VMF_OK;
  if (target->text)
    target->text(target->text_data, &text);
  return edit->output ? write_text(edit, error) : VMF_OK;
}

enum vmf_code vmf_text_edit(const char *path, const struct vmf_machine_edits *edits,
                            const struct vmf_edit_target *target, struct vmf_error *error)
{
  struct text_edit edit = {.target = target, .edits = edits, .path = path};
  enum vmf_code code = open_all(&edit, error);

  if (code == VMF_OK)
    code = edit_text(&edit, error);
  if (edit.io)
    vmf_io_close(edit.io);
  vmf_output_close(edit.output);
  vmf_replacing_end(&edit.replacing);
  vmf_free(edit.before);
  vmf_free(edit.after);
  return code;
}
