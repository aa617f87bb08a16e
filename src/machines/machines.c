/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Opening what describes machines. */
#include "open_machines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "caller.h"
#include "file.h"
#include "list.h"
#include "log.h"
#include "losses.h"
#include "memory.h"
#include "opener.h"
#include "ovf_machine.h"
#include "path.h"
#include "remote_io.h"
#include "storages.h"
#include "text.h"
#include "unpack.h"

const char *vmf_machines_format(const struct vmf_machines *machines)
{
  return machines->format ? machines->format->name : "ovf";
}

/* ---- the text ---- */

/* All of an io of at most `limit` bytes, a NUL behind. */
static enum vmf_code read_all(struct vmf_io *io, size_t limit, char **bytes, size_t *length,
                              struct vmf_error *error)
{
  void *memory;

  if (io->size > limit)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: has %" PRIu64 " bytes; the text of a machine has at most %zu", io->name,
                    io->size, limit);
  *length = (size_t)io->size;
  VMF_TRY(vmf_alloc(*length + 1, &memory, error));
  enum vmf_code code = *length > 0 ? vmf_io_pread(io, memory, *length, 0, error) : VMF_OK;
  if (code == VMF_OK)
    *bytes = memory;
  else
    vmf_free(memory);
  return code;
}

/* A vmf_machine_source.beside. */
static enum vmf_code read_beside(const struct vmf_machine_source *source, const char *name,
                                 size_t limit, char **bytes, size_t *length,
                                 struct vmf_error *error)
{
  const struct vmf_machines *machines = source->data;
  struct vmf_io *io;

  *bytes = NULL;
  *length = 0;
  if (strchr(name, '/') || machines->options.no_refs)
    return VMF_OK;
  if (!vmf_name_has_beside(machines->path, name))
    return VMF_OK;
  VMF_TRY(vmf_open_reference(machines->path, name, NULL, false, &io, error));
  enum vmf_code code = read_all(io, limit, bytes, length, error);
  if (code == VMF_OK)
    code = vmf_io_unchanged(io, machines->options.log, error);
  vmf_io_close(io);
  return code;
}

/* ---- formats ---- */

static size_t read_head(struct vmf_io *io, uint8_t head[VMF_MACHINE_HEAD])
{
  size_t length = io->size < VMF_MACHINE_HEAD ? (size_t)io->size : VMF_MACHINE_HEAD;
  struct vmf_error ignored;

  return length > 0 && vmf_io_pread(io, head, length, 0, &ignored) == VMF_OK ? length : 0;
}

static enum vmf_code find_format(const struct vmf_machines *machines, struct vmf_io *io,
                                 const struct vmf_machine_format **format, struct vmf_error *error)
{
  const char *asked = machines->options.format;
  uint8_t head[VMF_MACHINE_HEAD];

  *format = asked ? vmf_machine_format_find(asked)
                  : vmf_machine_format_probe(machines->path, head, read_head(io, head));
  if (!*format && asked)
    return vmf_fail(error, VMF_USAGE, "there is no machine format \"%s\"", asked);
  if (!*format)
    return vmf_fail(error, VMF_CORRUPT, "%s: its content is no machine that is known here",
                    machines->path);
  if (!(*format)->read)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: a machine in the format %s, which is only written",
                    machines->path, (*format)->name);
  return VMF_OK;
}

bool vmf_machine_format_describe(size_t index, struct vmf_machine_format_info *info)
{
  struct vmf_machine_format_info own;
  size_t count = 0;

  while (vmf_machine_formats[count])
    count++;
  if (!info || index >= count || vmf_take_machine_format_info(info, &own, NULL) != VMF_OK)
    return false;
  const struct vmf_machine_format *format = vmf_machine_formats[index];
  own.name = format->name;
  own.summary = format->summary;
  own.suffixes = format->suffixes;
  own.readable = format->read != NULL;
  own.writable = format->write != NULL;
  own.container = format->container;
  own.disk_folders = format->disk_folders;
  vmf_give_machine_format_info(&own, info);
  return true;
}

/* Whether files of the format hold a machine's text and its disks. */
static bool holds_machine(const struct vmf_format *format)
{
  for (size_t i = 0; format && vmf_machine_formats[i]; i++)
    if (vmf_machine_formats[i]->container && vmf_machine_formats[i]->read &&
        strcmp(vmf_machine_formats[i]->container, format->name) == 0)
      return true;
  return false;
}

/* Whether the file is called like one that holds a machine's text and its disks, packed or not. */
static bool is_container_name(const char *path)
{
  VMF_AUTO_FREE char *name = NULL;

  if (vmf_packing_strip(path, &name, NULL) != VMF_OK)
    return false;
  return holds_machine(vmf_format_suffixed(name));
}

static bool is_machine_name(const char *path)
{
  for (size_t i = 0; vmf_machine_formats[i]; i++)
    if (vmf_machine_format_has_suffix(vmf_machine_formats[i], path))
      return true;
  return false;
}

bool vmf_machines_recognise(const char *path)
{
  VMF_AUTO_FREE char *plain = NULL;
  struct vmf_error ignored;
  uint8_t head[VMF_MACHINE_HEAD];
  struct stat status;
  struct vmf_io *io;

  if (!path || vmf_location_resolve(path, true, &plain, &ignored) != VMF_OK ||
      strcmp(plain, "-") == 0 || vmf_name_stat(plain, &status) < 0 || !S_ISREG(status.st_mode))
    return false;
  if (is_container_name(plain))
    return true;
  if (!is_machine_name(plain) || vmf_io_open_file(plain, false, &io, NULL) != VMF_OK)
    return false;
  const struct vmf_machine_format *format =
      vmf_machine_format_probe(plain, head, read_head(io, head));
  vmf_io_close(io);
  return format != NULL;
}

/* ---- opening ---- */

static enum vmf_code add_machine(struct vmf_machines *machines, struct vmf_machine **machine,
                                 struct vmf_error *error)
{
  VMF_TRY(VMF_LIST_ROOM(machines->list, machines->count, machines->room, "machines", error));
  VMF_TRY(vmf_machine_new(machine, error));
  machines->list[machines->count++] = *machine;
  return VMF_OK;
}

/* What the reader of a text finds odd. */
static void tell_finding(void *data, const struct vmf_package_finding *finding)
{
  const struct vmf_machines *machines = data;
  const char *file = finding->file ? finding->file : machines->path;

  if (finding->severity == VMF_SEVERITY_NOTE)
    return;
  if (finding->line > 0)
    vmf_warn(machines->options.log, "%s:%u: %s [%s]", file, finding->line, finding->text,
             finding->rule);
  else
    vmf_warn(machines->options.log, "%s: %s [%s]", file, finding->text, finding->rule);
}

static enum vmf_code read_machine(struct vmf_machines *machines, struct vmf_machine_source *source,
                                  struct vmf_error *error)
{
  struct vmf_report report = {.finding = tell_finding, .data = machines};
  struct vmf_machine *machine;

  source->snapshot = machines->options.snapshot;
  source->storages = machines->options.storages;
  source->beside = read_beside;
  source->data = machines;
  VMF_TRY(add_machine(machines, &machine, error));
  return vmf_machine_read(machines->format, source, machine, &report, error);
}

static enum vmf_code read_text(struct vmf_machines *machines, struct vmf_io *io,
                               struct vmf_error *error)
{
  struct vmf_machine_source source = {.name = machines->path};
  VMF_AUTO_FREE char *text = NULL;

  VMF_TRY(find_format(machines, io, &machines->format, error));
  VMF_TRY(read_all(io, VMF_MACHINE_SOURCE, &text, &source.length, error));
  VMF_TRY(vmf_io_unchanged(io, machines->options.log, error));
  source.bytes = text;
  return read_machine(machines, &source, error);
}

static enum vmf_code open_text(struct vmf_machines *machines, struct vmf_error *error)
{
  struct vmf_io *io;

  VMF_TRY(vmf_io_open_file(machines->path, false, &io, error));
  enum vmf_code code = read_text(machines, io, error);
  vmf_io_close(io);
  return code;
}

/* A package: a machine for each virtual system, whatever collections they are in. */
static enum vmf_code read_systems(struct vmf_machines *machines, struct vmf_error *error)
{
  struct vmf_report report = {.finding = tell_finding, .data = machines};
  const struct vmf_ovf *ovf = machines->package->ovf;
  struct vmf_machine *machine;

  VMF_TRY(vmf_losses_check(ovf, error));
  vmf_package_tell(machines->package, &report);
  for (size_t i = 0; i < ovf->system_count; i++)
    if (!ovf->systems[i].collection) {
      VMF_TRY(add_machine(machines, &machine, error));
      VMF_TRY(vmf_ovf_machine(ovf, i, machine, &report, error));
    }
  if (machines->count == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: has no virtual system", machines->path);
  return VMF_OK;
}

static enum vmf_code open_package(struct vmf_machines *machines, struct vmf_error *error)
{
  const struct vmf_image_options *options = &machines->options;
  const struct vmf_package_options own = vmf_package_options_of(options);

  if (options->snapshot)
    return vmf_fail(error, VMF_USAGE, "%s: a package has no snapshots to choose from",
                    machines->path);
  VMF_TRY(vmf_package_open(machines->path, &own, &machines->package, error));
  return read_systems(machines, error);
}

/* The machine in a file that holds its text and the disks. */
static enum vmf_code read_container(struct vmf_machines *machines, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;

  const struct vmf_contents *contents = machines->container->contents;
  if (!contents || !contents->text)
    return vmf_fail(error, VMF_CORRUPT, "%s: has no text that describes a machine", machines->path);
  machines->format = vmf_machine_format_find(contents->machine);
  if (!machines->format || !machines->format->read)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: a machine in the format %s, which is not read here", machines->path,
                    contents->machine);
  VMF_TRY(vmf_format(&name, error, "%s::%s", machines->path, contents->text_name));
  struct vmf_machine_source source = {
      .name = name, .bytes = contents->text, .length = contents->text_length};
  return read_machine(machines, &source, error);
}

/* How such a file is opened: its disks are chosen later. */
static struct vmf_image_options listing(const struct vmf_machines *machines)
{
  struct vmf_image_options options = machines->options;

  options.format = options.snapshot = NULL;
  options.list_disks = options.random_access = true;
  return options;
}

static enum vmf_code open_container(struct vmf_machines *machines, struct vmf_error *error)
{
  const struct vmf_image_options options = listing(machines);

  VMF_TRY(vmf_image_once_list(machines->path, &options, &machines->container, error));
  machines->arriving = machines->container != NULL;
  if (!machines->arriving)
    VMF_TRY(vmf_image_open(machines->path, &options, &machines->container, error));
  return read_container(machines, error);
}

/* What came on standard input. */
static enum vmf_code store_input(struct vmf_image *list, const struct vmf_image_options *options,
                                 struct vmf_image **container, struct vmf_error *error)
{
  struct vmf_image_origin origin = {.io = NULL};
  struct vmf_io *stream;

  VMF_TRY(vmf_container_give_back(list, &stream, error));
  VMF_TRY(vmf_image_store_input(stream, options, &origin.io, error));
  return vmf_image_open_origin(&origin, options, container, error);
}

enum vmf_code vmf_machines_store(struct vmf_machines *machines, struct vmf_error *error)
{
  const struct vmf_image_options options = listing(machines);
  struct vmf_image *list = machines->container;

  if (!machines->arriving)
    return VMF_OK;
  machines->arriving = false;
  machines->container = NULL;
  if (machines->input)
    return store_input(list, &options, &machines->container, error);
  vmf_image_close(list);
  return vmf_image_open(machines->path, &options, &machines->container, error);
}

static bool is_container(struct vmf_io *io)
{
  const struct vmf_format *format = NULL;

  return vmf_probe_io(io, &format, NULL) == VMF_OK && holds_machine(format);
}

/* Takes over io. */
static enum vmf_code open_stored_container(struct vmf_machines *machines, struct vmf_io *io,
                                           struct vmf_error *error)
{
  const struct vmf_image_options options = listing(machines);
  const struct vmf_image_origin origin = {.io = io};

  VMF_TRY(vmf_image_open_origin(&origin, &options, &machines->container, error));
  return read_container(machines, error);
}

/* What came on standard input. Takes over io. */
static enum vmf_code open_arrived(struct vmf_machines *machines, struct vmf_io *io,
                                  struct vmf_error *error)
{
  const struct vmf_image_options options = listing(machines);
  const struct vmf_package_options own = vmf_package_options_of(&options);

  if (is_container(io))
    return open_stored_container(machines, io, error);
  if (vmf_tar_is_archive(io)) {
    VMF_TRY(vmf_package_open_io(io, &own, &machines->package, error));
    return read_systems(machines, error);
  }
  vmf_io_close(io);
  return vmf_fail(
      error, VMF_CORRUPT,
      "%s: is no machine with its disks in one file (OVA, XVA, VMA); a text whose disks "
      "stand beside it is read from the file that it is in, and \"pack\" makes a machine "
      "of disks",
      machines->path);
}

static enum vmf_code open_input(struct vmf_machines *machines, struct vmf_error *error)
{
  struct vmf_image_options options = machines->options;
  struct vmf_io *io;

  options.format = NULL; /* the content says it, and whether it is packed */
  vmf_free(machines->path);
  machines->path = NULL;
  VMF_TRY(vmf_copy_text("standard input", &machines->path, error));
  if (options.snapshot)
    return vmf_fail(error, VMF_USAGE, "%s: what comes there has no snapshots to choose from",
                    machines->path);
  machines->input = true;
  VMF_TRY(vmf_image_input_list(&options, &machines->container, &io, error));
  machines->arriving = machines->container != NULL;
  return machines->arriving ? read_container(machines, error) : open_arrived(machines, io, error);
}

static enum vmf_code open_any(struct vmf_machines *machines, const char *path,
                              struct vmf_error *error)
{
  VMF_TRY(vmf_storages_check(machines->options.storages, error));
  VMF_TRY(vmf_location_resolve(path, true, &machines->path, error));
  if (strcmp(machines->path, "-") == 0)
    return open_input(machines, error);
  if (!machines->options.format && vmf_package_recognise(machines->path))
    return open_package(machines, error);
  if (vmf_machines_installed(machines))
    return vmf_fail(error, VMF_USAGE,
                    "%s: is no package: only these have deployment options and properties",
                    machines->path);
  return is_container_name(machines->path) ? open_container(machines, error)
                                           : open_text(machines, error);
}

/* io: of what holds a machine, taken over; NULL: `path` is opened. */
static enum vmf_code open_new(const char *path, struct vmf_io *io,
                              const struct vmf_image_options *options,
                              struct vmf_machines **machines, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct vmf_machines), &memory, error));
  struct vmf_machines *opened = memory;
  enum vmf_code code = vmf_take_image_options(options, &opened->options, error);
  if (code == VMF_OK)
    code = vmf_take_install_options(opened->options.install, &opened->install, error);
  if (code == VMF_OK && io)
    code = vmf_copy_text(io->name, &opened->path, error);
  if (code == VMF_OK)
    code = io ? open_stored_container(opened, io, error) : open_any(opened, path, error);
  opened->options.progress = NULL; /* told while it is opened */
  if (code == VMF_OK)
    *machines = opened;
  else
    vmf_machines_close(opened);
  return code;
}

enum vmf_code vmf_machines_open(const char *path, const struct vmf_image_options *options,
                                struct vmf_machines **machines, struct vmf_error *error)
{
  VMF_REQUIRE(machines, error);
  *machines = NULL;
  VMF_REQUIRE(path, error);
  return open_new(path, NULL, options, machines, error);
}

enum vmf_code vmf_machines_open_io(struct vmf_io **io, const struct vmf_image_options *options,
                                   struct vmf_machines **machines, struct vmf_error *error)
{
  struct vmf_io *taken = *io;

  *machines = NULL;
  if (!is_container(taken))
    return VMF_OK;
  *io = NULL;
  return open_new(NULL, taken, options, machines, error);
}

void vmf_machines_close(struct vmf_machines *machines)
{
  if (!machines)
    return;
  for (size_t i = 0; i < machines->count; i++)
    vmf_machine_free(machines->list[i]);
  vmf_free(machines->list);
  vmf_package_close(machines->package);
  vmf_image_close(machines->container);
  vmf_free(machines->path);
  vmf_free(machines);
}

/* ---- of several ---- */

static const char *name_of(const struct vmf_machine *machine)
{
  return machine->name.text ? machine->name.text : "?";
}

/* "web, database" */
static void list_names(const struct vmf_machines *machines, char *text, size_t size)
{
  size_t used = 0;

  text[0] = '\0';
  for (size_t i = 0; i < machines->count && used < size; i++) {
    int length =
        snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", name_of(machines->list[i]));
    used += length > 0 ? (size_t)length : size;
  }
}

size_t vmf_machines_system(const struct vmf_machines *machines, size_t machine)
{
  const struct vmf_ovf *ovf = machines->package->ovf;
  size_t system = 0;

  for (size_t left = machine; ovf->systems[system].collection || left-- > 0;)
    system++;
  return system;
}

/* The id of the virtual system in a package; NULL: it has none. */
static const char *id_of(const struct vmf_machines *machines, size_t index)
{
  return machines->package
             ? machines->package->ovf->systems[vmf_machines_system(machines, index)].id
             : NULL;
}

static bool is_called(const struct vmf_machines *machines, size_t index, const char *system)
{
  const char *id = id_of(machines, index);

  return strcmp(name_of(machines->list[index]), system) == 0 || (id && strcmp(id, system) == 0);
}

enum vmf_code vmf_machines_choose(const struct vmf_machines *machines, const char *system,
                                  size_t *index, struct vmf_error *error)
{
  char names[300], *end;

  for (size_t i = 0; i < machines->count; i++)
    if (system ? is_called(machines, i, system) : machines->count == 1) {
      *index = i;
      return VMF_OK;
    }
  unsigned long number = system && *system >= '1' && *system <= '9' ? strtoul(system, &end, 10) : 0;
  if (number > 0 && *end == '\0' && number <= machines->count) {
    *index = number - 1;
    return VMF_OK;
  }
  list_names(machines, names, sizeof names);
  if (!system)
    return vmf_fail(
        error, VMF_USAGE,
        "%s: has %zu machines; choose one with --system, or name a folder, where each gets "
        "one of its own (FOLDER/ with --machine FORMAT): %s",
        machines->path, machines->count, names);
  return vmf_fail(error, VMF_USAGE, "%s: has no machine \"%s\"; there are: %s", machines->path,
                  system, names);
}
