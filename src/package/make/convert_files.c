/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "conversion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "list.h"
#include "losses.h"
#include "memory.h"
#include "output.h"
#include "ovf_fit.h"
#include "path.h"
#include "text.h"
#include "value.h"

enum {
  FILES_MAX = 16384 /* a bound for hostile packages: each name is compared with all others */
};

/* ---- which form ---- */

#define PACKED_FORMS "streamOptimized, monolithicSparse, vhd, vhd-fixed, qcow2 or raw"

enum vmf_code vmf_conversion_form(const struct vmf_package_target *target, bool packed,
                                  const struct vmf_disk_format **form, char **options,
                                  struct vmf_error *error)
{
  const char *given = target->disk_options ? target->disk_options : "";

  if (strstr(given, "subformat="))
    return vmf_fail(
        error, VMF_USAGE,
        "the option \"subformat\" is settled by the form of the disks; expected " PACKED_FORMS);
  *form = NULL;
  *options = NULL;
  if (!target->disk_format)
    return VMF_OK;
  *form = vmf_disk_format_find(target->disk_format, packed);
  if (!*form)
    return vmf_fail(error, VMF_USAGE,
                    "\"%s\" is no form of disk for a %s; expected %s" PACKED_FORMS,
                    target->disk_format, packed ? "package" : "machine", packed ? "" : "vdi, ");
  const char *own = (*form)->options ? (*form)->options : "";
  return vmf_format(options, error, "%s%s%s", own, *own && *given ? "," : "", given);
}

/* The text of a member of an image's format-specific data. */
static const char *find_text(const struct vmf_value *value, const char *name)
{
  for (const struct vmf_value *child = value ? value->first : NULL; child; child = child->next) {
    if (child->name && child->kind == VMF_VALUE_TEXT && strcmp(child->name, name) == 0)
      return child->text;
    const char *deeper = child->kind == VMF_VALUE_OBJECT ? find_text(child, name) : NULL;
    if (deeper)
      return deeper;
  }
  return NULL;
}

/* Whether an image has the form already: then its bytes can stay. */
static enum vmf_code fits(const struct vmf_conversion *conversion, struct vmf_image *image,
                          bool *result, struct vmf_error *error)
{
  const struct vmf_disk_format *form = conversion->form;
  const char *wanted = form->options ? strstr(form->options, "subformat=") : NULL;
  struct vmf_value *info;

  *result = false;
  if (conversion->target->disk_options || image->parent || vmf_image_is_child(image) ||
      vmf_node(image)->file_count > 0 || strcmp(vmf_image_format(image), form->format) != 0)
    return VMF_OK;
  VMF_TRY(vmf_image_info(image, &info, error));
  const char *found = find_text(info, "create-type");
  if (!found)
    found = find_text(info, "subformat");
  if (wanted)
    wanted += strlen("subformat=");
  size_t length = wanted ? strcspn(wanted, ",") : 0;
  *result = !wanted || (found && strlen(found) == length && strncmp(found, wanted, length) == 0);
  vmf_value_free(info);
  return VMF_OK;
}

/* ---- the list of files ---- */

static enum vmf_code add_file(struct vmf_conversion *conversion,
                              const struct vmf_assembly_file *file, struct vmf_error *error)
{
  struct vmf_assembly *assembly = &conversion->assembly;

  if (assembly->count == FILES_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: a package with more than %d files is not converted",
                    conversion->package->path, FILES_MAX);
  VMF_TRY(VMF_LIST_ROOM(assembly->files, assembly->count, conversion->capacity, "files", error));
  assembly->files[assembly->count++] = *file;
  return VMF_OK;
}

static enum vmf_code keep_io(struct vmf_conversion *conversion, struct vmf_io *io,
                             struct vmf_error *error)
{
  enum vmf_code code =
      VMF_LIST_ROOM(conversion->ios, conversion->io_count, conversion->io_capacity, "files", error);

  if (code == VMF_OK)
    conversion->ios[conversion->io_count++] = io;
  else
    vmf_io_close(io);
  return code;
}

/* The file that is copied from `stored`, or SIZE_MAX: none yet. */
static size_t find_copy(const struct vmf_conversion *conversion, const char *stored)
{
  for (size_t i = 0; i < conversion->assembly.count; i++) {
    const char *other = conversion->assembly.files[i].stored;
    if (other && strcmp(other, stored) == 0)
      return i;
  }
  return SIZE_MAX;
}

/* What is copied to where it is not seen before all is right is hashed while it is copied. */
static enum vmf_code pass_copy(struct vmf_conversion *conversion, const struct vmf_io *io,
                               struct vmf_error *error)
{
  return vmf_output_replaces(conversion->destination->path)
             ? vmf_gate_later(&conversion->gate, io, error)
             : vmf_gate_io(&conversion->gate, io, error);
}

/* A file as it is stored. Its name stays, but for folders. */
static enum vmf_code add_stored(struct vmf_conversion *conversion, const char *stored,
                                bool unlisted, struct vmf_error *error)
{
  struct vmf_assembly_file file = {.unlisted = unlisted};
  VMF_AUTO_FREE char *name = NULL, *copy = NULL;

  size_t length = strlen(stored);

  if (length > 4 && strcasecmp(stored + length - 4, ".ovf") == 0)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: holds a file \"%s\"; the new package would have two descriptors",
                    conversion->package->path, stored);
  VMF_TRY(vmf_copy_text(stored, &copy, error));
  VMF_TRY(vmf_package_open_stored(conversion->package, stored, &file.io, error));
  VMF_TRY(keep_io(conversion, file.io, error));
  if (!unlisted)
    VMF_TRY(pass_copy(conversion, file.io, error));
  VMF_TRY(vmf_conversion_name(conversion, stored, NULL, &name, error));
  file.name = name;
  file.stored = copy;
  file.weight = file.io->size;
  VMF_TRY(add_file(conversion, &file, error));
  name = copy = NULL;
  return VMF_OK;
}

static enum vmf_code add_all_stored(struct vmf_conversion *conversion,
                                    struct vmf_converted_file *converted, struct vmf_error *error)
{
  char **names;
  size_t count;

  VMF_TRY(vmf_package_stored_names(conversion->package, converted->file, &names, &count, error));
  enum vmf_code code = VMF_OK;
  for (size_t i = 0; i < count && code == VMF_OK; i++)
    if (find_copy(conversion, names[i]) == SIZE_MAX) /* two File elements may name one file */
      code = add_stored(conversion, names[i], false, error);
  if (code == VMF_OK)
    converted->index = find_copy(conversion, names[0]);
  /* a file in a folder is moved to the top, two of one name are told apart, a long one is cut */
  bool renamed = false;
  for (size_t i = 0; i < count && code == VMF_OK; i++)
    renamed |= strcmp(conversion->assembly.files[find_copy(conversion, names[i])].name, names[i]);
  if (count == 1)
    converted->rewritten = renamed;
  else if (renamed)
    code = vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: file \"%s\" is in chunks, which keep their names; these are in a folder, "
                    "too long, or those of other files; convert its disk (--disk-format)",
                    conversion->package->path, converted->file->href);
  vmf_package_names_free(names, count);
  return code;
}

/* A disk in a new form, or in its own without chunks and packing. */
static enum vmf_code add_disk(struct vmf_conversion *conversion,
                              struct vmf_converted_file *converted, struct vmf_error *error)
{
  struct vmf_assembly_file file = {.image = converted->image,
                                   .format = conversion->form->format,
                                   .options = conversion->options,
                                   .io = converted->content};
  VMF_AUTO_FREE char *stored = NULL, *name = NULL;

  VMF_TRY(vmf_package_href(conversion->package, converted->file, &stored, error));
  VMF_TRY(vmf_conversion_name(conversion, stored, conversion->form->suffix, &name, error));
  if (file.image)
    file.weight = vmf_image_stored_bytes(file.image);
  else
    file.weight = file.io->size;
  converted->index = conversion->assembly.count;
  converted->rewritten = true;
  file.name = name;
  VMF_TRY(add_file(conversion, &file, error));
  name = NULL;
  return VMF_OK;
}

/* ---- what becomes of a disk's file ---- */

static bool is_plain(const struct vmf_ovf_file *file)
{
  const char *method = file->compression ? file->compression : "";
  return file->chunk_size == 0 && (method[0] == '\0' || strcasecmp(method, "identity") == 0);
}

/* What the descriptor says of the disk's size, where the disk has another one. */
static void tell_capacity(struct vmf_conversion *conversion, const struct vmf_ovf_disk *disk,
                          uint64_t size)
{
  bool chosen = disk->capacity_text && strstr(disk->capacity_text, "${"); /* by an option */

  if (disk->capacity_known && size != disk->capacity)
    vmf_report_add(
        conversion->report, VMF_SEVERITY_WARNING, "disk-capacity-wrong", conversion->package->name,
        disk->line, "disk \"%s\" has %llu bytes, its capacity is %llu%s", disk->id,
        (unsigned long long)size, (unsigned long long)disk->capacity,
        size > disk->capacity && !chosen ? ": the new descriptor says what the disk has" : "");
}

/* Without its secret an encrypted disk can be kept, and no more: *locked is why. */
static enum vmf_code open_disk(struct vmf_package *package, const struct vmf_ovf_disk *disk,
                               struct vmf_image **image, struct vmf_error *locked,
                               struct vmf_error *error)
{
  enum vmf_code code = vmf_package_open_image(package, disk, NULL, image, locked);

  if (code == VMF_OK)
    return VMF_OK;
  if (code != VMF_SECRET)
    return vmf_fail_again(locked, error);
  return vmf_package_open_locked(package, disk, image, error);
}

static enum vmf_code decide_disk(struct vmf_conversion *conversion,
                                 struct vmf_converted_file *converted,
                                 const struct vmf_ovf_disk *disk, struct vmf_error *error)
{
  struct vmf_package *package = conversion->package;
  struct vmf_error locked = {0};
  bool same;

  VMF_TRY(open_disk(package, disk, &converted->image, &locked, error));
  converted->own_image = true;
  converted->is_disk = true;
  converted->virtual_size = vmf_image_size(converted->image);
  VMF_TRY(vmf_gate_image(&conversion->gate, converted->image, error));
  tell_capacity(conversion, disk, converted->virtual_size);
  VMF_TRY(fits(conversion, converted->image, &same, error));
  if (!same && locked.code != VMF_OK)
    return vmf_fail_again(&locked, error);
  if (!same) {
    if (disk->parent_ref)
      vmf_report_add(conversion->report, VMF_SEVERITY_LOSS, "loss-delta", package->name, disk->line,
                     "disk \"%s\" is a delta to \"%s\"; it becomes a whole disk", disk->id,
                     disk->parent_ref);
    VMF_TRY(vmf_image_report_losses(converted->image, conversion->report, error));
    return add_disk(conversion, converted, error);
  }
  struct vmf_image *kept = converted->image;
  converted->image = NULL;
  converted->own_image = false;
  VMF_TRY(vmf_gate_keep(&conversion->gate, kept, error));
  if (is_plain(converted->file))
    return add_all_stored(conversion, converted, error);
  VMF_TRY(vmf_package_open_content(package, converted->file, NULL, &converted->content, error));
  VMF_TRY(keep_io(conversion, converted->content, error));
  VMF_TRY(vmf_gate_io(&conversion->gate, converted->content, error));
  return add_disk(conversion, converted, error);
}

/* The disk that is in a file, and which one it is among those with files; NULL: no disk. */
static const struct vmf_ovf_disk *disk_in(const struct vmf_ovf *ovf,
                                          const struct vmf_ovf_file *file, size_t *number)
{
  *number = 0;
  for (size_t i = 0; i < ovf->disk_count; i++) {
    const struct vmf_ovf_disk *disk = &ovf->disks[i];
    if (!disk->file_ref)
      continue;
    if (vmf_ovf_file(ovf, disk->file_ref) == file) /* of several of one id the first */
      return disk;
    ++*number;
  }
  return NULL;
}

/* A file that is shorter than the descriptor says is cut off, unless the manifest vouches for it.
 */
static enum vmf_code check_size(const struct vmf_conversion *conversion,
                                const struct vmf_ovf_file *file, const char *name, uint64_t size,
                                struct vmf_error *error)
{
  const struct vmf_manifest *manifest = conversion->manifest;
  const struct vmf_package *package = conversion->package;
  bool listed = false;

  for (size_t i = 0; manifest && i < manifest->count && !listed; i++)
    listed = strcmp(manifest->entries[i].name, name) == 0;
  if (!file->size_known || size == file->size)
    return VMF_OK;
  if (size < file->size && !listed && !file->compression)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: file \"%s\" has %llu bytes, but the descriptor says %llu: it is cut off",
                    package->path, name, (unsigned long long)size, (unsigned long long)file->size);
  vmf_report_add(conversion->report, VMF_SEVERITY_WARNING, "file-size-wrong", package->name,
                 file->line, "the file \"%s\" has %llu bytes, the descriptor says %llu", name,
                 (unsigned long long)size, (unsigned long long)file->size);
  return VMF_OK;
}

/* Adds up the stored files of a File, and remembers which members of an archive they are. */
static enum vmf_code add_up(struct vmf_conversion *conversion, char **names, size_t count,
                            uint64_t *size, struct vmf_error *error)
{
  struct vmf_package *package = conversion->package;

  *size = 0;
  for (size_t i = 0; i < count; i++) {
    struct vmf_io *io;
    VMF_TRY(vmf_package_open_stored(package, names[i], &io, error));
    *size += io->size;
    vmf_io_close(io);
    if (package->tar)
      conversion->named[vmf_package_member(package, names[i])] = true;
  }
  return VMF_OK;
}

static enum vmf_code look_at_stored(struct vmf_conversion *conversion,
                                    struct vmf_converted_file *converted, struct vmf_error *error)
{
  const struct vmf_ovf_file *file = converted->file;
  char **names;
  size_t count;
  uint64_t size;

  VMF_TRY(vmf_package_stored_names(conversion->package, file, &names, &count, error));
  enum vmf_code code = add_up(conversion, names, count, &size, error);
  if (code == VMF_OK)
    code = check_size(conversion, file, names[0], size, error);
  converted->resized = conversion->form && !(file->size_known && file->size == size);
  converted->right_size = size;
  vmf_package_names_free(names, count);
  return code;
}

static enum vmf_code decide_file(struct vmf_conversion *conversion,
                                 struct vmf_converted_file *converted, struct vmf_error *error)
{
  struct vmf_package *package = conversion->package;
  size_t number;
  const struct vmf_ovf_disk *disk = disk_in(package->ovf, converted->file, &number);

  if (disk && conversion->disks) {
    converted->image = conversion->disks[number];
    converted->is_disk = true;
    converted->virtual_size = vmf_image_size(converted->image);
    return add_disk(conversion, converted, error);
  }
  VMF_TRY(look_at_stored(conversion, converted, error));
  VMF_TRY(vmf_gate_file(&conversion->gate, converted->file, error));
  if (disk && conversion->form)
    return decide_disk(conversion, converted, disk, error);
  VMF_TRY(add_all_stored(conversion, converted, error));
  if (!disk && !conversion->gate.trust.no_verify)
    return vmf_package_unpack_file(package, converted->file, error);
  if (!disk)
    return VMF_OK;
  size_t kept = conversion->gate.kept_count;
  VMF_TRY(vmf_gate_keep_disk(&conversion->gate, disk, conversion->report, error));
  if (conversion->gate.kept_count > kept && !disk->parent_ref)
    converted->kept = conversion->gate.kept[kept];
  return VMF_OK;
}

/* ---- files that nothing names ---- */

/* Whether a name is nobody's wish: a lock, something hidden, or what a command would take for an
 * option; also the name of a folder above. */
static bool is_unwanted_name(const char *name)
{
  for (;;) {
    size_t length = strcspn(name, "/");
    if (name[0] == '.' || name[0] == '-' ||
        (length > 4 && strncasecmp(name + length - 4, ".lck", 4) == 0))
      return true;
    if (name[length] == '\0')
      return false;
    name += length + 1;
  }
}

static bool is_unwanted(const struct vmf_conversion *conversion,
                        const struct vmf_tar_member *member)
{
  const struct vmf_stored_key key = {.number = member->offset};

  return is_unwanted_name(member->name) && !vmf_uses_have(&conversion->gate.uses, &key);
}

/* Kept when the package is kept as it is, otherwise left out. */
static enum vmf_code add_others(struct vmf_conversion *conversion, struct vmf_error *error)
{
  const struct vmf_package *package = conversion->package;

  vmf_uses_sort(&conversion->gate.uses);
  for (size_t i = 0; package->tar && !conversion->disks && i < package->tar->count; i++) {
    const char *name = package->tar->members[i].name;
    if (conversion->named[i] || vmf_conversion_is_text(package, name))
      continue;
    if (!conversion->form && !is_unwanted(conversion, &package->tar->members[i]))
      VMF_TRY(add_stored(conversion, name, true, error));
    else
      vmf_report_add(conversion->report, VMF_SEVERITY_LOSS, "loss-file", name, 0,
                     "the descriptor does not name it, so it is left out");
  }
  return VMF_OK;
}

/* ---- all of it ---- */

static enum vmf_code check_references(const struct vmf_package *package, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = package->ovf;

  for (size_t i = 0; i < ovf->disk_count; i++)
    if (ovf->disks[i].file_ref && !vmf_ovf_file(ovf, ovf->disks[i].file_ref))
      return vmf_fail(error, VMF_CORRUPT,
                      "%s:%u: disk \"%s\" is in file \"%s\", which References does not have",
                      ovf->name, ovf->disks[i].line, ovf->disks[i].id ? ovf->disks[i].id : "",
                      ovf->disks[i].file_ref);
  return VMF_OK;
}

static enum vmf_code decide_all(struct vmf_conversion *conversion, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = conversion->package->ovf;
  void *memory;

  VMF_TRY(vmf_alloc(ovf->file_count * sizeof *conversion->files, &memory, error));
  conversion->files = memory;
  if (conversion->package->tar) {
    VMF_TRY(vmf_alloc(conversion->package->tar->count * sizeof(bool), &memory, error));
    conversion->named = memory;
  }
  VMF_TRY(check_references(conversion->package, error));
  VMF_TRY(vmf_conversion_read_manifest(conversion, error));
  for (size_t i = 0; i < ovf->file_count; i++) {
    conversion->files[i].file = &ovf->files[i];
    VMF_TRY(decide_file(conversion, &conversion->files[i], error));
  }
  return add_others(conversion, error);
}

/* The gate is the first part of the work; what follows is known by then. */
static void show_gate(void *data, uint64_t done, uint64_t total)
{
  struct vmf_conversion *conversion = data;
  const struct vmf_package_target *target = conversion->target;
  uint64_t all = total;

  for (size_t i = 0; i < conversion->assembly.count; i++)
    all += conversion->assembly.files[i].weight;
  conversion->assembly.read_before = total;
  target->progress(target->progress_data, done, all);
}

/* Opens all that is going to be read, and takes it through the gate. */
static enum vmf_code decide_and_check(struct vmf_conversion *conversion, struct vmf_error *error)
{
  const struct vmf_package_target *target = conversion->target;
  struct vmf_gate *gate = &conversion->gate;

  VMF_TRY(vmf_gate_new(conversion->package, target->trust, gate, error));
  gate->threads = target->threads;
  gate->crew = target->crew;
  gate->cancel = target->cancel;
  gate->max_bytes = target->max_bytes;
  gate->progress = target->progress ? show_gate : NULL;
  gate->progress_data = conversion;
  gate->whole = gate->described = !conversion->disks; /* people write in templates */
  return vmf_gate_pass(gate, decide_all(conversion, error), error);
}

/* The source is not written over while it is read, though an archive would survive it. */
static enum vmf_code check_target(const struct vmf_conversion *conversion, struct vmf_error *error)
{
  const struct vmf_package *package = conversion->package;
  const char *target = conversion->destination->path;
  struct stat source, there;

  if (strcmp(target, "-") == 0 || stat(target, &there) < 0 ||
      stat(package->io ? package->path : package->descriptor_path, &source) < 0)
    return VMF_OK;
  if (source.st_dev == there.st_dev && source.st_ino == there.st_ino)
    return vmf_fail(error, VMF_USAGE, "%s: is the source itself", target);
  return VMF_OK;
}

/* A vmf_assembly.copied. */
static enum vmf_code judge_copy(void *data, struct vmf_assembly_file *file, struct vmf_error *error)
{
  const struct vmf_conversion *conversion = data;

  return vmf_gate_settle(&conversion->gate, file->io, file->digests, error);
}

static void ask_for_digests(struct vmf_conversion *conversion)
{
  for (size_t i = 0; i < conversion->assembly.count; i++) {
    struct vmf_assembly_file *file = &conversion->assembly.files[i];
    if (file->stored)
      vmf_gate_wanted(&conversion->gate, file->io, file->wanted);
  }
  if (conversion->gate.owed.count > 0)
    conversion->assembly.copied = judge_copy;
}

enum vmf_code vmf_conversion_run(struct vmf_conversion *conversion, struct vmf_error *error)
{
  struct vmf_package *package = conversion->package;
  struct vmf_assembly *assembly = &conversion->assembly;

  VMF_TRY(check_target(conversion, error));
  VMF_TRY(vmf_losses_check(package->ovf, error));
  vmf_package_tell(package, conversion->report);
  vmf_losses_of_machine(package->ovf, conversion->report);
  VMF_TRY(vmf_xml_edit_new(package->ovf->xml, &conversion->edit, error));
  if (conversion->platform)
    VMF_TRY(vmf_ovf_fit(package->ovf, conversion->platform, conversion->edit, error));
  VMF_TRY(decide_and_check(conversion, error));
  VMF_TRY(vmf_conversion_check_kept(conversion, error));
  VMF_TRY(vmf_conversion_keep_texts(conversion, error));
  ask_for_digests(conversion);
  assembly->describe = vmf_conversion_describe;
  assembly->data = conversion;
  return vmf_assemble(conversion->destination, assembly, conversion->target, error);
}

void vmf_conversion_clear(struct vmf_conversion *conversion)
{
  size_t count = conversion->package ? conversion->package->ovf->file_count : 0;

  for (size_t i = 0; conversion->files && i < count; i++) {
    struct vmf_converted_file *file = &conversion->files[i];
    if (file->own_image)
      vmf_image_close(file->image);
  }
  for (size_t i = 0; i < conversion->assembly.count; i++) {
    vmf_free(conversion->assembly.files[i].name);
    vmf_free(conversion->assembly.files[i].stored);
  }
  free(conversion->assembly.files);
  for (size_t i = 0; i < conversion->io_count; i++)
    vmf_io_close(conversion->ios[i]);
  free(conversion->ios);
  vmf_free(conversion->files);
  vmf_free(conversion->named);
  vmf_gate_clear(&conversion->gate);
  vmf_manifest_free(conversion->manifest);
  vmf_xml_edit_free(conversion->edit);
  vmf_free((char *)conversion->options);
}
