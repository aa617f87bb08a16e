/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Judging a file by what a platform takes: a package or another machine with its disks, or a disk.
 * Nothing is written; of what guests have on their disks only the partition table is read. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "caller.h"
#include "file.h"
#include "lint_machine.h"
#include "memory.h"
#include "open_machines.h"
#include "ovf_machine.h"

static unsigned count_asked(const struct vmf_linting *linting)
{
  unsigned asked = 0;

  for (unsigned id = 0; id < VMF_LINT_IDS; id++)
    asked += vmf_lint_asks(linting, (enum vmf_lint_id)id);
  return asked;
}

bool vmf_lint_has_rules(const struct vmf_linting *linting, unsigned about)
{
  for (unsigned id = 0; id < VMF_LINT_IDS; id++)
    if (vmf_lint_rules[id].group && (vmf_lint_rules[id].about & about) &&
        vmf_lint_asks(linting, (enum vmf_lint_id)id))
      return true;
  return false;
}

/* A platform of which nothing is known here must not look content; one that takes no packages says
 * that of this one. */
static enum vmf_code check_asked(const struct vmf_linting *linting, unsigned about,
                                 const char *path, struct vmf_error *error)
{
  const char *summary = linting->platform.profile->info.summary;

  if (vmf_lint_has_rules(linting, about) || about == VMF_LINT_MACHINE ||
      (about == VMF_LINT_PACKAGE && !vmf_profile_takes(&linting->platform.profile->info, "ovf")))
    return VMF_OK;
  if (about == VMF_LINT_PACKAGE)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: no rule about packages is known here for %s; a disk of it is named %s::ID",
                    path, summary, path);
  return vmf_fail(error, VMF_UNSUPPORTED, "%s: no rule about disks is known here for %s", path,
                  summary);
}

/* What cannot be opened is told, not passed over: nobody has looked at it. False: it is no matter
 * of that disk. */
static bool is_unjudged(struct vmf_linting *linting, enum vmf_code code,
                        const struct vmf_lint_place *place, const struct vmf_error *failure)
{
  const struct vmf_lint_place own = {
      .file = place->file, .line = place->line, .allowed = "what can be opened"};

  if (code != VMF_REFUSED && code != VMF_UNSUPPORTED && code != VMF_SYSTEM && code != VMF_CORRUPT)
    return false;
  vmf_lint_tell(linting, code == VMF_CORRUPT ? VMF_LINT_UNREADABLE : VMF_LINT_UNJUDGED, &own, "%s",
                failure->text);
  return true;
}

/* ---- a package ---- */

/* The machines of a package that is judged. */
struct systems {
  struct vmf_machine **list;
  size_t count;
};

static void free_systems(struct systems *systems)
{
  for (size_t i = 0; i < systems->count; i++)
    vmf_machine_free(systems->list[i]);
  vmf_free(systems->list);
}

/* What cannot be read as a machine is told. */
static enum vmf_code lint_system(struct vmf_linting *linting, const struct vmf_package *package,
                                 size_t index, struct systems *systems, struct vmf_error *error)
{
  const struct vmf_lint_place place = {.file = package->name,
                                       .line = package->ovf->systems[index].line};
  struct vmf_error failure = {0};
  struct vmf_machine *machine;

  VMF_TRY(vmf_machine_new(&machine, error));
  systems->list[systems->count++] = machine;
  const enum vmf_code code = vmf_ovf_machine(package->ovf, index, machine, NULL, &failure);
  if (code != VMF_OK) {
    is_unjudged(linting, VMF_UNSUPPORTED, &place, &failure);
    return code == VMF_NOMEM ? vmf_fail(error, code, "%s", failure.text) : VMF_OK;
  }
  vmf_lint_machine(&(const struct vmf_machine_judged){.linting = linting,
                                                      .machine = machine,
                                                      .format = "ovf",
                                                      .path = package->path,
                                                      .file = package->name});
  return VMF_OK;
}

static enum vmf_code lint_systems(struct vmf_linting *linting, const struct vmf_package *package,
                                  struct systems *systems, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = package->ovf;

  VMF_TRY(vmf_alloc((ovf->system_count + 1) * sizeof(struct vmf_machine *), (void **)&systems->list,
                    error));
  for (size_t i = 0; i < ovf->system_count; i++)
    if (!ovf->systems[i].collection)
      VMF_TRY(lint_system(linting, package, i, systems, error));
  return VMF_OK;
}

/* The machine that starts from the file of that name; NULL: none does. */
static const struct vmf_machine *starting_from(const struct systems *systems, const char *name)
{
  for (size_t i = 0; i < systems->count; i++) {
    const struct vmf_machine_disk *boot = vmf_machine_boot_disk(systems->list[i]);
    if (boot && boot->image.text && strcmp(boot->image.text, name) == 0)
      return systems->list[i];
  }
  return NULL;
}

static enum vmf_code lint_package_disk(struct vmf_linting *linting, struct vmf_package *package,
                                       const struct vmf_ovf_disk *disk,
                                       const struct systems *systems,
                                       const struct vmf_image_options *options,
                                       struct vmf_error *error)
{
  const struct vmf_ovf_file *file = vmf_ovf_file(package->ovf, disk->file_ref);
  struct vmf_lint_place place = {.file = package->name, .line = disk->line};
  struct vmf_image *image = NULL;
  VMF_AUTO_FREE char *name = NULL;
  char allowed[48];

  VMF_TRY(vmf_package_open_image(package, disk, options, &image, error));
  snprintf(allowed, sizeof allowed, "the size of the disk, %" PRIu64, image->size);
  place.allowed = allowed;
  if (disk->capacity_known && disk->capacity != image->size)
    vmf_lint_tell(linting, VMF_LINT_VMW_CAPACITY, &place, "disk \"%s\" with a capacity of %" PRIu64,
                  disk->id ? disk->id : "", disk->capacity);
  enum vmf_code code = vmf_lint_disk(linting, image, NULL, &place, error);
  if (code == VMF_OK && file)
    code = vmf_package_href(package, file, &name, error);
  if (code == VMF_OK)
    code =
        vmf_lint_start(linting, image, name ? starting_from(systems, name) : NULL, &place, error);
  vmf_image_close(image);
  return code;
}

static enum vmf_code lint_open_package(struct vmf_linting *linting, struct vmf_package *package,
                                       const struct vmf_image_options *options,
                                       struct vmf_error *error)
{
  struct systems systems = {0};

  vmf_lint_descriptor(linting, package);
  vmf_lint_manifest(linting, package);
  VMF_TRY(vmf_lint_archive(linting, package, error));
  enum vmf_code code = lint_systems(linting, package, &systems, error);
  for (size_t i = 0; code == VMF_OK && i < package->ovf->disk_count; i++)
    if (package->ovf->disks[i].file_ref)
      code = lint_package_disk(linting, package, &package->ovf->disks[i], &systems, options, error);
  free_systems(&systems);
  return code;
}

/* ---- another machine ---- */

static enum vmf_code lint_machine_disk(const struct vmf_machine_judged *judged,
                                       struct vmf_machines *machines, size_t index,
                                       struct vmf_error *error)
{
  struct vmf_linting *linting = judged->linting;
  const struct vmf_machine *machine = judged->machine;
  const struct vmf_machine_disk *disk = &machine->disks[index];
  const struct vmf_lint_place place = {.line =
                                           disk->image.line ? disk->image.line : disk->medium.line};
  struct vmf_error failure = {0};
  struct vmf_image *image;

  if (disk->medium.value != VMF_MEDIUM_DISK && disk->medium.value != VMF_MEDIUM_LUN)
    return VMF_OK;
  enum vmf_code code = vmf_machines_open_image(machines, machine, index, &image, &failure);
  if (code != VMF_OK)
    return is_unjudged(linting, code, &place, &failure) ? VMF_OK
                                                        : vmf_fail(error, code, "%s", failure.text);
  code = vmf_lint_disk(linting, image, NULL, &place, error);
  if (code == VMF_OK)
    code = vmf_lint_registered(judged, image, &place, error);
  if (code == VMF_OK)
    code = vmf_lint_start(linting, image, disk == vmf_machine_boot_disk(machine) ? machine : NULL,
                          &place, error);
  vmf_image_close(image);
  return code;
}

/* The text that describes it, a NUL behind; what a container has is a copy of its own. */
static enum vmf_code read_text(const struct vmf_machines *machines, char **text,
                               struct vmf_error *error)
{
  struct vmf_io *io;

  if (machines->container)
    return vmf_copy_bytes(machines->container->contents->text,
                          machines->container->contents->text_length, text, error);
  VMF_TRY(vmf_io_open_file(machines->path, false, &io, error));
  size_t length = io->size < VMF_MACHINE_SOURCE ? (size_t)io->size : VMF_MACHINE_SOURCE;
  enum vmf_code code = vmf_alloc(length + 1, (void **)text, error);
  if (code == VMF_OK && length > 0)
    code = vmf_io_pread(io, *text, length, 0, error);
  vmf_io_close(io);
  return code;
}

static enum vmf_code lint_open_machines(struct vmf_linting *linting, struct vmf_machines *machines,
                                        const char *path, struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;

  VMF_TRY(read_text(machines, &text, error));
  for (size_t i = 0; i < machines->count; i++) {
    const struct vmf_machine_judged judged = {.linting = linting,
                                              .machine = machines->list[i],
                                              .format = vmf_machines_format(machines),
                                              .path = path,
                                              .text = text};
    vmf_lint_machine(&judged);
    for (size_t k = 0; k < judged.machine->disk_count; k++)
      VMF_TRY(lint_machine_disk(&judged, machines, k, error));
  }
  return VMF_OK;
}

static enum vmf_code lint_machines(struct vmf_linting *linting, const char *path,
                                   const struct vmf_image_options *options, struct vmf_error *error)
{
  struct vmf_machines *machines;

  VMF_TRY(vmf_machines_open(path, options, &machines, error));
  enum vmf_code code = lint_open_machines(linting, machines, path, error);
  vmf_machines_close(machines);
  return code;
}

/* ---- a disk ---- */

/* Whether its chain is all there; looked at last, since one that is not has been told of. */
static enum vmf_code lint_chain(struct vmf_linting *linting, const char *path,
                                const struct vmf_image_options *options, struct vmf_error *error)
{
  const struct vmf_lint_place place = {.allowed = "its parents, where it says they are"};
  struct vmf_error failure = {0};
  struct vmf_image *image = NULL;

  enum vmf_code code = vmf_disk_open(path, options, &image, &failure);
  if (code == VMF_NOMEM || code == VMF_CANCELLED || code == VMF_SECRET)
    return vmf_fail(error, code, "%s", failure.text);
  if (code != VMF_OK) {
    vmf_lint_tell(linting, VMF_LINT_CHAIN, &place, "%s", failure.text);
    return VMF_OK;
  }
  code = vmf_lint_start(linting, image, NULL, &place, error);
  vmf_image_close(image);
  return code;
}

static enum vmf_code lint_image(struct vmf_linting *linting, const char *path,
                                const struct vmf_image_options *options, struct vmf_error *error)
{
  const struct vmf_lint_place place = {0};
  struct vmf_image_options own = *options;
  struct vmf_image *image = NULL;

  own.no_chain = true; /* whether it has a parent can be told without it */
  VMF_TRY(vmf_disk_open(path, &own, &image, error));
  enum vmf_code code = vmf_lint_disk(linting, image, path, &place, error);
  vmf_image_close(image);
  return code == VMF_OK ? lint_chain(linting, path, options, error) : code;
}

/* What comes once is opened once, with its chain. Takes over io; NULL: standard input is opened. */
static enum vmf_code lint_arrived_image(struct vmf_linting *linting, struct vmf_io *io,
                                        const struct vmf_image_options *options,
                                        struct vmf_error *error)
{
  const struct vmf_lint_place place = {0};
  struct vmf_image *image = NULL;

  VMF_TRY(io ? vmf_image_open_stored(io, options, &image, error)
             : vmf_disk_open("-", options, &image, error));
  enum vmf_code code = vmf_lint_disk(linting, image, NULL, &place, error);
  if (code == VMF_OK)
    code = vmf_lint_start(linting, image, NULL, &place, error);
  vmf_image_close(image);
  return code;
}

/* ---- either ---- */

/* about: what the file is; more: what it is besides. */
static enum vmf_code begin(struct vmf_linting *linting, enum vmf_lint_about about, unsigned more,
                           const char *path, struct vmf_error *error)
{
  linting->about = about | more;
  linting->result->package = about == VMF_LINT_PACKAGE;
  linting->result->asked = count_asked(linting);
  return check_asked(linting, about, path, error);
}

/* *other NULL: it is a package; else an archive without a descriptor, in which there may be a disk,
 * or whatever comes on standard input. The caller closes it. */
static enum vmf_code lint_package(struct vmf_linting *linting, const char *path,
                                  const struct vmf_image_options *options, struct vmf_io **other,
                                  struct vmf_error *error)
{
  const struct vmf_package_options own = vmf_package_options_of(options);
  struct vmf_package *package = NULL;

  VMF_TRY(vmf_package_open_archive(path, &own, &package, other, error));
  if (!package)
    return VMF_OK;
  enum vmf_code code = begin(linting, VMF_LINT_PACKAGE, VMF_LINT_MACHINE, path, error);
  if (code == VMF_OK)
    code = lint_open_package(linting, package, options, error);
  vmf_package_close(package);
  return code;
}

/* What came on standard input. Takes over io; NULL: it is a disk of the format that is named. */
static enum vmf_code lint_arrived(struct vmf_linting *linting, struct vmf_io *io,
                                  const struct vmf_image_options *options, struct vmf_error *error)
{
  struct vmf_machines *machines = NULL;

  if (io)
    VMF_TRY(vmf_machines_open_io(&io, options, &machines, error));
  enum vmf_code code = machines ? begin(linting, VMF_LINT_MACHINE, VMF_LINT_DISK, "-", error)
                                : begin(linting, VMF_LINT_DISK, 0, "-", error);
  if (code == VMF_OK && !machines)
    return lint_arrived_image(linting, io, options, error);
  if (code == VMF_OK)
    code = lint_open_machines(linting, machines, "-", error);
  vmf_machines_close(machines);
  vmf_io_close(io);
  return code;
}

static enum vmf_code lint_file(struct vmf_linting *linting, const char *path,
                               struct vmf_error *error)
{
  struct vmf_image_options options;
  struct vmf_io *other = NULL;
  bool input = strcmp(path, "-") == 0;

  VMF_TRY(vmf_take_image_options(linting->options.image, &options, error));
  if (input && options.format)
    return lint_arrived(linting, NULL, &options, error);
  if (!options.format && (input || vmf_package_recognise(path))) {
    VMF_TRY(lint_package(linting, path, &options, &other, error));
    if (!other || input)
      return other ? lint_arrived(linting, other, &options, error) : VMF_OK;
    vmf_io_close(other);
  } else if (!options.format && vmf_machines_recognise(path)) {
    VMF_TRY(begin(linting, VMF_LINT_MACHINE, VMF_LINT_DISK, path, error));
    return lint_machines(linting, path, &options, error);
  }
  VMF_TRY(begin(linting, VMF_LINT_DISK, 0, path, error));
  return lint_image(linting, path, &options, error);
}

enum vmf_code vmf_lint(const char *path, const char *platform,
                       const struct vmf_lint_options *options, struct vmf_lint_result *result,
                       struct vmf_error *error)
{
  struct vmf_lint_result own;
  struct vmf_linting linting = {.result = &own};

  VMF_REQUIRE(path, error);
  VMF_REQUIRE(platform, error);
  VMF_REQUIRE(result, error);
  VMF_TRY(vmf_take_lint_options(options, &linting.options, error));
  VMF_TRY(vmf_take_lint_result(result, &own, error));
  own = (struct vmf_lint_result){.size = sizeof own};
  VMF_TRY(vmf_platform_find(platform, &linting.platform, error));
  VMF_TRY(lint_file(&linting, path, error));
  vmf_give_lint_result(&own, result);
  return VMF_OK;
}

bool vmf_lint_rule_describe(const char *platform, size_t index, struct vmf_lint_rule_info *info)
{
  struct vmf_linting linting = {.about = VMF_LINT_PACKAGE | VMF_LINT_DISK | VMF_LINT_MACHINE};
  struct vmf_lint_rule_info own;
  struct vmf_error ignored;
  unsigned id = 0;

  if (!platform || !info || vmf_take_lint_rule_info(info, &own, NULL) != VMF_OK ||
      vmf_platform_find(platform, &linting.platform, &ignored) != VMF_OK)
    return false;
  while (id < VMF_LINT_IDS && (!vmf_lint_asks(&linting, (enum vmf_lint_id)id) || index-- > 0))
    id++;
  if (id == VMF_LINT_IDS)
    return false;
  const struct vmf_lint_rule *rule = &vmf_lint_rules[id];
  own.rule = rule->id;
  own.severity = rule->severity;
  own.text = vmf_lint_texts[id];
  own.prints = rule->prints;
  own.remedy = rule->remedy;
  own.source = rule->source;
  vmf_give_lint_rule_info(&own, info);
  return true;
}
