/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A new image on its way: its options and shape are settled before any file exists, its files
 * appear at the commit. */
#include "target.h"

#include <string.h>

#include "caller.h"
#include "identity.h"
#include "memory.h"
#include "url.h"

enum { ANY_SIZE = 1 << 20 /* of a disk that every format can hold */ };

enum vmf_code vmf_shape_of(const struct vmf_format *format, const void *options,
                           uint64_t guest_size, bool compress, bool backing,
                           struct vmf_shape *shape, struct vmf_error *error)
{
  *shape = (struct vmf_shape){0};
  return format->writer->shape(options, guest_size, compress, backing, shape, error);
}

static enum vmf_code create_file(struct vmf_creator *creator, const char *name, struct vmf_io **io,
                                 struct vmf_error *error)
{
  struct vmf_draft *draft =
      (struct vmf_draft *)((char *)creator - offsetof(struct vmf_draft, creator));
  return vmf_output_create(draft->output, name, io, error);
}

enum vmf_code vmf_target_options_parse(const char *name, const char *text,
                                       const struct vmf_format **format, void **options,
                                       struct vmf_error *error)
{
  *options = NULL;
  *format = name ? vmf_format_find(name) : NULL;
  if (!name)
    return vmf_fail(error, VMF_USAGE, "no format is given for the target; \"raw\" is one");
  if (!*format || !(*format)->writer) {
    const char *hint = *format ? NULL : vmf_format_hint(name);

    return vmf_fail(error, VMF_USAGE, "format \"%s\" is not one that can be written%s%s%s", name,
                    hint ? "; did you mean " : "", hint ? hint : "", hint ? "?" : "");
  }
  return vmf_options_parse(&(*format)->writer->options, (*format)->name, text, options, error);
}

static enum vmf_code check_not_source(const char *path, const struct vmf_image *image,
                                      struct vmf_error *error)
{
  const char *file = vmf_image_file_at(image, strcmp(path, "-") == 0 ? "/proc/self/fd/1" : path);
  if (file)
    return vmf_fail(error, VMF_USAGE, "%s: the target is a file of the source (%s)", path, file);
  return VMF_OK;
}

static enum vmf_code settle(struct vmf_draft *draft, const struct vmf_target_options *options,
                            struct vmf_error *error)
{
  struct vmf_target *target = &draft->target;

  VMF_TRY(vmf_target_options_parse(options->format, options->options, &target->format,
                                   &draft->options, error));
  target->options = draft->options;
  if (options->options)
    VMF_TRY(vmf_copy_text(options->options, &draft->options_text, error));
  VMF_TRY(vmf_shape_of(target->format, target->options, target->guest_size, options->compress,
                       options->backing_path != NULL, &target->shape, error));
  if (options->in_place && target->shape.several_files)
    return vmf_fail(error, VMF_USAGE,
                    "%s: with these options there are several files, and only one can be written "
                    "in place",
                    target->format->name);
  if (target->secret && !target->shape.encrypts)
    return vmf_fail(error, VMF_USAGE,
                    "%s: a secret is given for a target that would not be encrypted: expected -O "
                    "qcow2 with -o encrypt.format=luks, or no --target-secret-file",
                    target->format->name);
  if (target->bitmaps && !target->format->writer->measure_bitmaps)
    return vmf_fail(error, VMF_USAGE, "%s: has no bitmaps of changed blocks; qcow2 has",
                    target->format->name);
  return vmf_alloc(target->format->writer->state_size, &target->state, error);
}

/* What the io allows. */
static enum vmf_code check_io(const struct vmf_draft *draft, struct vmf_error *error)
{
  const struct vmf_target *target = &draft->target;

  if (target->io->device && !target->format->writer->on_devices)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: is a block device, which takes formats raw and qcow2; format %s is "
                    "written to files",
                    target->io->name, target->format->name);
  return VMF_OK;
}

static enum vmf_code open_output(struct vmf_draft *draft, const char *path,
                                 const struct vmf_target_options *options, struct vmf_error *error)
{
  struct vmf_target *target = &draft->target;
  bool in_order = !target->shape.patches_start && !target->backing;
  const struct vmf_output_options output_options = {.no_clobber = options->no_clobber,
                                                    .no_sync = options->no_sync,
                                                    .transient = options->no_cache,
                                                    .ignore_locks = options->ignore_locks,
                                                    .in_place = options->in_place,
                                                    .resume = options->resume,
                                                    .journal_path = options->journal_path,
                                                    .spool = !in_order,
                                                    .spool_folder = options->spool_folder,
                                                    .cancel = options->cancel,
                                                    .log = options->log};

  VMF_TRY(check_not_source(path, options->source, error));
  VMF_TRY(check_not_source(path, options->backing, error));
  VMF_TRY(vmf_output_new(path, &output_options, &draft->output, error));
  target->io = vmf_output_main(draft->output);
  target->name = vmf_output_name(draft->output);
  target->stem = vmf_output_stem(draft->output);
  VMF_TRY(check_io(draft, error));
  if (target->io->device)
    vmf_replaced_tell_device(target->io, options->log);
  if (!vmf_output_temporary(draft->output)) /* where it is, one file only */
    return VMF_OK;
  draft->creator.create = create_file;
  target->creator = &draft->creator;
  return vmf_replaced_find(vmf_output_path(draft->output), options->source, options->backing,
                           &draft->replaced, error);
}

/* An overlay names a file, whose bytes readers take for the disk below it. */
static enum vmf_code check_backing(const struct vmf_target_options *options,
                                   struct vmf_error *error)
{
  const char *path = options->backing_path;

  if (path && vmf_url_is(path))
    return vmf_fail(error, VMF_USAGE,
                    "%s: is on another machine, and an image names no URL; expected a file here",
                    path);
  if (!options->backing || !options->backing->io->ops->below)
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "%s: its disk is in a %s, and an image names only one that is a whole file by "
                  "itself; unpack it before",
                  path, options->backing->io->ops->kind);
}

/* A target with all but its io; `path` names it where no source does. */
static enum vmf_code make_draft(const char *path, uint64_t guest_size,
                                const struct vmf_target_options *options, struct vmf_draft **made,
                                struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct vmf_draft), &memory, error));
  struct vmf_draft *draft = memory;
  *made = draft;
  draft->target.backing = options->backing;
  draft->target.bitmaps = options->bitmaps ? options->source : NULL;
  draft->target.skip_broken_bitmaps = options->skip_broken_bitmaps;
  draft->target.guest_size = guest_size;
  VMF_TRY(check_backing(options, error));
  if (options->backing_path)
    VMF_TRY(vmf_location_resolve(options->backing_path, false, &draft->backing_name, error));
  draft->target.backing_name = draft->backing_name;
  draft->target.backing_format = options->backing_format;
  draft->target.identity = &draft->identity;
  draft->journal = options->journal;
  draft->journal_chunk = options->journal_chunk;
  draft->source_unchanged = options->source_unchanged;
  draft->target.log = options->log;
  draft->target.secret = options->secret;
  VMF_TRY(settle(draft, options, error));
  const struct vmf_format *format = draft->target.format;
  return vmf_identity_make(format->seed_name ? format->seed_name : format->name, options->options,
                           guest_size, options->source,
                           options->source ? vmf_image_path(options->source) : path,
                           &draft->identity, error);
}

enum vmf_code vmf_target_create(const char *path, uint64_t guest_size,
                                const struct vmf_target_options *options,
                                struct vmf_target **target, struct vmf_error *error)
{
  struct vmf_target_options own;
  VMF_AUTO_FREE char *plain = NULL;
  struct vmf_draft *draft = NULL;

  VMF_REQUIRE(target, error);
  *target = NULL;
  VMF_REQUIRE(path, error);
  VMF_TRY(vmf_take_target_options(options, &own, error));
  if (own.secret)
    VMF_REQUIRE(own.secret->bytes, error);
  if (!own.backing != !own.backing_path)
    return vmf_fail(error, VMF_USAGE, "%s: an overlay needs both backing and backing_path", path);
  VMF_TRY(vmf_url_is_nbd(path) ? vmf_url_resolve(path, &plain, error)
                               : vmf_location_resolve(path, false, &plain, error));
  enum vmf_code code = make_draft(plain, guest_size, &own, &draft, error);
  if (code == VMF_OK)
    code = open_output(draft, plain, &own, error);
  if (code == VMF_OK)
    code = vmf_units_open(&draft->target, &own, &draft->units, error);
  if (code != VMF_OK) {
    vmf_target_close(draft ? &draft->target : NULL);
    return code;
  }
  *target = &draft->target;
  return VMF_OK;
}

static enum vmf_code use_io(struct vmf_draft *draft, struct vmf_io *io, const char *name,
                            struct vmf_creator *creator, struct vmf_error *error)
{
  struct vmf_target *target = &draft->target;
  const char *dot = strrchr(name, '.');

  VMF_TRY(vmf_copy_bytes(name, dot ? (size_t)(dot - name) : strlen(name), &draft->stem, error));
  target->io = io;
  target->name = name;
  target->stem = draft->stem;
  target->creator = creator;
  return check_io(draft, error);
}

enum vmf_code vmf_target_create_in(struct vmf_io *io, const char *name, struct vmf_creator *creator,
                                   uint64_t guest_size, const struct vmf_target_options *options,
                                   struct vmf_target **target, struct vmf_error *error)
{
  struct vmf_draft *draft = NULL;
  enum vmf_code code = make_draft(name, guest_size, options, &draft, error);

  *target = NULL;
  if (code == VMF_OK)
    code = use_io(draft, io, name, creator, error);
  if (code != VMF_OK) {
    vmf_target_close(draft ? &draft->target : NULL);
    return code;
  }
  *target = &draft->target;
  return VMF_OK;
}

void vmf_target_keep_journal(struct vmf_target *target, struct vmf_output *output,
                             struct vmf_io *file, const struct vmf_target_options *options)
{
  struct vmf_draft *draft = vmf_draft(target);

  draft->beside = output;
  draft->file = file;
  draft->journal = options->journal;
  draft->journal_chunk = options->journal_chunk;
  draft->source_unchanged = options->source_unchanged;
}

enum vmf_code vmf_target_shape(const char *format, const char *options, uint64_t guest_size,
                               struct vmf_shape *shape, struct vmf_error *error)
{
  const struct vmf_format *found;
  void *values;

  VMF_TRY(vmf_target_options_parse(format, options, &found, &values, error));
  enum vmf_code code = vmf_shape_of(found, values, guest_size, false, false, shape, error);
  vmf_options_free(&found->writer->options, values);
  return code;
}

static enum vmf_code shape_of(const char *format, const char *options, bool compress,
                              struct vmf_shape *shape, struct vmf_error *error)
{
  const struct vmf_format *found;
  void *values;

  VMF_TRY(vmf_target_options_parse(format, options, &found, &values, error));
  enum vmf_code code = vmf_shape_of(found, values, ANY_SIZE, compress, false, shape, error);
  vmf_options_free(&found->writer->options, values);
  return code;
}

enum vmf_code vmf_target_reads_twice(const char *format, const char *options, bool compress,
                                     bool *twice, struct vmf_error *error)
{
  struct vmf_shape shape;

  VMF_REQUIRE(format, error);
  VMF_REQUIRE(twice, error);
  VMF_TRY(shape_of(format, options, compress, &shape, error));
  *twice = shape.layout == VMF_PLANNED;
  return VMF_OK;
}

enum vmf_code vmf_target_any_order(const char *format, const char *options, bool compress,
                                   bool *any_order, struct vmf_error *error)
{
  struct vmf_shape shape;

  VMF_REQUIRE(format, error);
  VMF_REQUIRE(any_order, error);
  VMF_TRY(shape_of(format, options, compress, &shape, error));
  *any_order = shape.layout == VMF_FIXED || shape.any_order;
  return VMF_OK;
}

enum vmf_code vmf_target_check_finished(const struct vmf_target *target, struct vmf_error *error)
{
  if (vmf_draft(target)->state == VMF_DRAFT_FINISHED)
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE, "%s: the image is %s", target->name,
                  vmf_draft(target)->state == VMF_DRAFT_COMMITTED ? "committed already"
                                                                  : "not finished");
}

enum vmf_code vmf_target_commit(struct vmf_target *target, struct vmf_error *error)
{
  struct vmf_draft *draft = vmf_draft(target);

  VMF_REQUIRE(target, error);
  VMF_TRY(vmf_target_check_finished(target, error));
  VMF_TRY(vmf_units_finish(draft->units, target, error));
  VMF_TRY(vmf_output_commit(draft->output, error));
  draft->state = VMF_DRAFT_COMMITTED;
  vmf_replaced_remove(&draft->replaced, target->log);
  return vmf_units_commit(draft->units, error);
}

void vmf_target_close(struct vmf_target *target)
{
  struct vmf_draft *draft = vmf_draft(target);
  if (!target)
    return;
  if (target->state)
    target->format->writer->release(target);
  vmf_units_close(draft->units);
  vmf_output_close(draft->output);
  vmf_replaced_free(&draft->replaced);
  vmf_free(draft->stem);
  vmf_free(draft->backing_name);
  vmf_free(draft->options_text);
  vmf_free(draft->exact.data_units);
  vmf_free(target->state);
  if (draft->options)
    vmf_options_free(&target->format->writer->options, draft->options);
  vmf_free(draft);
}

enum vmf_code vmf_target_reopen(struct vmf_target *target, const struct vmf_cancel *cancel,
                                struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_draft *draft = vmf_draft(target);
  const char *path = vmf_output_temporary(draft->output);

  *image = NULL;
  if (!path && (target->io->sequential || vmf_output_is_spooled(draft->output) ||
                strcmp(vmf_output_path(draft->output), "-") == 0))
    return vmf_fail(error, VMF_UNSUPPORTED, "what went to a pipe cannot be read back");
  if (!path)
    path = vmf_output_path(draft->output);
  VMF_TRY(vmf_output_to_medium(draft->output, error));
  if (target->shape.outer)
    return vmf_image_open_packed(path, target->shape.member, cancel, image, error);
  VMF_TRY(vmf_image_open_alone(path, target->format->name, target->secret, image, error));
  (*image)->parent = draft->target.backing;
  return VMF_OK;
}

void vmf_target_reopened_close(struct vmf_image *image)
{
  if (image)
    image->parent = NULL;
  vmf_image_close(image);
}
