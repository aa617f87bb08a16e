/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "target_units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "log.h"
#include "memory.h"
#include "vmferry.h"

static struct vmf_unit_head head_of(const struct vmf_target *target)
{
  const struct vmf_shape *shape = &target->shape;
  bool fixed = shape->layout == VMF_FIXED;
  struct vmf_unit_head head = {.guest_size = target->guest_size,
                               .unit = fixed ? VMF_PLAIN_UNIT : shape->unit,
                               .codec = shape->codec,
                               .level = (uint32_t)shape->level,
                               .flags = (shape->must_pack ? VMF_UNIT_MUST_PACK : 0) |
                                        (shape->outer ? VMF_UNIT_OUTER : 0)};

  (void)snprintf(head.format, sizeof head.format, "%s", target->format->name);
  (void)snprintf(head.maker, sizeof head.maker, "vmferry %s, %s", VMF_VERSION,
                 vmf_codec_libraries());
  return head;
}

static enum vmf_code check_target(const struct vmf_target *target, struct vmf_error *error)
{
  const struct vmf_shape *shape = &target->shape;
  bool packed = shape->layout == VMF_ORDERED && shape->codec != VMF_CODEC_NONE;
  bool fixed = shape->layout == VMF_FIXED && shape->unit % VMF_PLAIN_UNIT == 0 &&
               !shape->several_files && !shape->encrypts;

  if ((!packed && !fixed) || target->backing)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: --map and --since are of a whole disk in one file whose data is packed "
                    "(streamOptimized, qcow2 with -c, raw with -o compress) or stands at fixed "
                    "places (raw, vpc with -o subformat=fixed); into a copy that is there "
                    "\"vmferry apply\" writes what has changed",
                    target->name);
  if (target->io->sequential || target->io->device)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: --map and --since are of a target that is a file",
                    target->name);
  return VMF_OK;
}

/* Why the units of old cannot be used; NULL: they can. */
static const char *obstacle(const struct vmf_units *units, const struct vmf_unit_head *old)
{
  const struct vmf_unit_head *head = &units->head;

  if (strcmp(head->format, old->format) != 0 || head->unit != old->unit ||
      head->codec != old->codec || head->level != old->level || head->flags != old->flags)
    return "it is of a target with other options";
  if (strcmp(head->maker, old->maker) != 0)
    return "it was made by another version, or with other libraries";
  return units->onto->size != old->output_size ? "the file is not the one that it was made with"
                                               : NULL;
}

static enum vmf_code open_old(struct vmf_units *units, const struct vmf_target *target,
                              const struct vmf_target_options *options, struct vmf_error *error)
{
  struct vmf_io *io = NULL;

  if (!options->since && !options->onto)
    return VMF_OK;
  if (!options->since || !options->onto || options->in_place)
    return vmf_fail(error, VMF_USAGE,
                    "%s: --since MAP and --onto FILE, which the map was made with, belong "
                    "together, and to a target that is not written in place",
                    target->name);
  VMF_TRY(vmf_io_open_file(options->onto, false, &units->onto, error));
  VMF_TRY(vmf_io_open_file(options->since, false, &io, error));
  VMF_TRY(vmf_unit_map_open(io, &units->old, error));
  const struct vmf_unit_head *head = vmf_unit_map_head(units->old);
  const char *why = obstacle(units, head);
  if (!why)
    return vmf_source_find(units->source, head->source, &units->same, error);
  vmf_warn(target->log, "%s, %s: %s; all is made anew", options->since, options->onto, why);
  vmf_unit_map_close(units->old);
  units->old = NULL;
  return VMF_OK;
}

static enum vmf_code open_new(struct vmf_units *units, const struct vmf_target_options *options,
                              struct vmf_error *error)
{
  const struct vmf_output_options output_options = {.no_sync = options->no_sync,
                                                    .log = options->log};

  if (!options->map)
    return VMF_OK;
  VMF_TRY(vmf_output_new(options->map, &output_options, &units->output, error));
  struct vmf_io *io = vmf_output_main(units->output);
  if (io->sequential || io->device)
    return vmf_fail(error, VMF_USAGE, "%s: the map has to be a file", options->map);
  return vmf_unit_writer_new(io, &units->writer, error);
}

enum vmf_code vmf_units_open(const struct vmf_target *target,
                             const struct vmf_target_options *options, struct vmf_units **units,
                             struct vmf_error *error)
{
  void *memory;

  if (!options->map && !options->since && !options->onto)
    return VMF_OK;
  VMF_TRY(check_target(target, error));
  VMF_TRY(vmf_alloc(sizeof **units, &memory, error));
  *units = memory;
  (*units)->source = options->source;
  (*units)->head = head_of(target);
  VMF_TRY(open_old(*units, target, options, error));
  return open_new(*units, options, error);
}

enum vmf_code vmf_units_finish(struct vmf_units *units, const struct vmf_target *target,
                               struct vmf_error *error)
{
  bool told;

  if (!units)
    return VMF_OK;
  if (units->old) {
    VMF_TRY(vmf_io_unchanged(vmf_unit_map_io(units->old), target->log, error));
    vmf_note(target->log, "%s: %llu units are those of %s, %llu of them unread", target->name,
             (unsigned long long)units->reused, units->onto->name,
             (unsigned long long)units->unread);
  }
  if (units->unproven > 0)
    vmf_warn(target->log,
             "%s: %llu units are not as its map has them, and were made anew; has it been "
             "written to, or is it damaged?",
             units->onto->name, (unsigned long long)units->unproven);
  units->head.output_size = target->io->size;
  if (units->writer && units->source)
    VMF_TRY(vmf_source_digest(units->source, units->head.source, &told, error));
  return units->writer ? vmf_unit_writer_finish(units->writer, &units->head, error) : VMF_OK;
}

enum vmf_code vmf_units_commit(struct vmf_units *units, struct vmf_error *error)
{
  return units && units->output ? vmf_output_commit(units->output, error) : VMF_OK;
}

void vmf_units_close(struct vmf_units *units)
{
  if (!units)
    return;
  vmf_unit_map_close(units->old);
  vmf_io_close(units->onto);
  vmf_unit_writer_free(units->writer);
  vmf_output_close(units->output);
  vmf_free(units);
}
