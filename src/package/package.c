/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Opening a package: which file is the descriptor, and what stands beside it. */
#include "package.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "archived.h"
#include "caller.h"
#include "certificate.h"
#include "checked.h"
#include "envelope_head.h"
#include "file.h"
#include "list.h"
#include "memory.h"
#include "package_recognise.h"
#include "path.h"
#include "remote_io.h"
#include "series.h"
#include "text.h"
#include "unpack.h"

/* ---- what reading the descriptor found, kept until somebody asks ---- */

enum { FOUND_MAX = 10000 };

static void keep_finding(void *data, const struct vmf_package_finding *finding)
{
  struct vmf_package *package = data;

  if (package->found_count == FOUND_MAX ||
      VMF_LIST_ROOM(package->found, package->found_count, package->found_capacity, "findings",
                    NULL) != VMF_OK)
    return;
  struct vmf_found *last = &package->found[package->found_count];
  *last = (struct vmf_found){.severity = finding->severity, .line = finding->line};
  if (vmf_copy_text(finding->rule, &last->rule, NULL) == VMF_OK &&
      vmf_copy_text(finding->text, &last->text, NULL) == VMF_OK &&
      (!finding->file || vmf_copy_text(finding->file, &last->file, NULL) == VMF_OK))
    package->found_count++;
}

void vmf_package_tell(const struct vmf_package *package, struct vmf_report *report)
{
  for (size_t i = 0; i < package->found_count; i++) {
    const struct vmf_found *found = &package->found[i];
    vmf_report_add(report, found->severity, found->rule, found->file, found->line, "%s",
                   found->text);
  }
}

/* ---- files beside the descriptor ---- */

/* The file of that name but for upper and lower case: which one program takes for the manifest and
 * another overlooks. *found stays NULL when there is none. */
static enum vmf_code find_in_other_case(const struct vmf_package *package, const char *wanted,
                                        char **found, struct vmf_error *error)
{
  VMF_AUTO_FREE char *path = NULL;
  enum vmf_code code = VMF_OK;
  struct dirent *entry;

  for (size_t i = 0; package->tar && i < package->tar->count; i++)
    if (strcasecmp(package->tar->members[i].name, wanted) == 0)
      return vmf_copy_text(package->tar->members[i].name, found, error);
  if (package->tar)
    return VMF_OK;
  VMF_TRY(vmf_path_beside(package->descriptor_path, ".", &path, error));
  DIR *folder = opendir(path);
  while (folder && code == VMF_OK && !*found && (entry = readdir(folder)))
    if (strcasecmp(entry->d_name, wanted) == 0)
      code = vmf_copy_text(entry->d_name, found, error);
  if (folder)
    closedir(folder);
  return code;
}

static enum vmf_code find_beside(struct vmf_package *package, const char *suffix, char **found,
                                 struct vmf_error *error)
{
  VMF_AUTO_FREE char *wanted = NULL;

  VMF_TRY(vmf_path_with_suffix(package->name, suffix, &wanted, error));
  if (vmf_package_has(package, wanted)) {
    *found = wanted;
    wanted = NULL;
    return VMF_OK;
  }
  VMF_TRY(find_in_other_case(package, wanted, found, error));
  if (*found)
    vmf_report_add(&package->notes, VMF_SEVERITY_VIOLATION, "manifest-case", *found, 0,
                   "is called \"%s\" by the descriptor's name; not every program finds it", wanted);
  return VMF_OK;
}

/* A small file beside the descriptor; *bytes stays NULL when there is none. */
static enum vmf_code read_beside(struct vmf_package *package, const char *suffix, size_t limit,
                                 char **name, char **bytes, size_t *length, struct vmf_error *error)
{
  VMF_AUTO_FREE char *wanted = NULL;
  struct vmf_io *io;

  VMF_TRY(find_beside(package, suffix, &wanted, error));
  if (!wanted)
    return VMF_OK;
  VMF_TRY(vmf_package_open_stored(package, wanted, &io, error));
  enum vmf_code code = vmf_package_read_whole(
      package, io, limit, strcmp(suffix, ".mf") == 0 ? "a manifest" : "a certificate", bytes,
      length, error);
  if (code == VMF_OK) {
    *name = wanted;
    wanted = NULL;
  }
  return code;
}

/* ---- which file is the descriptor ---- */

static enum vmf_code pick_member(struct vmf_package *package, struct vmf_error *error)
{
  const char *found = NULL;

  for (size_t i = 0; i < package->tar->count; i++) {
    const char *name = package->tar->members[i].name;
    if (!vmf_path_has_suffix(name, ".ovf"))
      continue;
    if (found)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: has two descriptors, %s and %s; a package has exactly one",
                      package->path, found, name);
    found = name;
  }
  if (!found)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the archive has no descriptor (*.ovf): it is no package", package->path);
  return vmf_copy_text(found, &package->name, error);
}

static int compare_names(const void *a, const void *b, void *members)
{
  const struct vmf_tar_member *list = members;
  return strcmp(list[*(const size_t *)a].name, list[*(const size_t *)b].name);
}

static enum vmf_code sort_members(struct vmf_package *package, struct vmf_error *error)
{
  size_t count = package->tar->count;
  void *memory;

  VMF_TRY(vmf_alloc(count * sizeof(size_t), &memory, error));
  package->by_name = memory;
  for (size_t i = 0; i < count; i++)
    package->by_name[i] = i;
  qsort_r(package->by_name, count, sizeof(size_t), compare_names, package->tar->members);
  return VMF_OK;
}

/* All names of a package start at its descriptor's folder: in an archive where that is not the top,
 * names are cut, and what is not below it is no part of the package. */
static void enter_folder(struct vmf_package *package)
{
  size_t cut = vmf_path_folder(package->name), kept = 0;

  for (size_t i = 0; cut > 0 && i < package->tar->count; i++) {
    struct vmf_tar_member *member = &package->tar->members[i];
    if (strncmp(member->name, package->name, cut) != 0) {
      vmf_warn(package->options.log, "%s: %s is not below %.*s, where the descriptor is: left out",
               package->path, member->name, (int)cut, package->name);
      vmf_free(member->name);
      continue;
    }
    memmove(member->name, member->name + cut, strlen(member->name + cut) + 1);
    package->tar->members[kept++] = *member;
  }
  package->in_folder = cut > 0;
  if (cut == 0)
    return;
  package->tar->count = kept;
  memmove(package->name, package->name + cut, strlen(package->name + cut) + 1);
}

/* A package is read by programs that know no sparse members. */
static enum vmf_code check_members(const struct vmf_package *package, struct vmf_error *error)
{
  for (size_t i = 0; i < package->tar->count; i++) {
    const struct vmf_tar_member *member = &package->tar->members[i];
    if (member->sparse)
      return vmf_fail(error, VMF_REFUSED,
                      "%s: the member \"%s\" at byte %llu is a sparse file; in a package only "
                      "regular files are accepted",
                      package->path, member->name, (unsigned long long)member->header);
  }
  return VMF_OK;
}

/* Takes over io. */
static enum vmf_code open_archive(struct vmf_package *package, struct vmf_io *io,
                                  struct vmf_error *error)
{
  package->io = io;
  VMF_TRY(vmf_tar_read_sparse(io, package->options.log, &package->tar, error));
  vmf_package_drop_junk(package);
  if (package->may_be_other && !vmf_archive_holds_package(package->tar) &&
      !vmf_path_has_suffix(vmf_content_name(io), ".ova")) {
    package->other = true;
    return VMF_OK;
  }
  VMF_TRY(pick_member(package, error));
  VMF_TRY(check_members(package, error));
  enter_folder(package);
  return sort_members(package, error);
}

static enum vmf_code open_descriptor(struct vmf_package *package, const char *path,
                                     struct vmf_error *error)
{
  VMF_TRY(vmf_copy_text(path, &package->descriptor_path, error));
  return vmf_copy_text(vmf_path_name(path), &package->name, error);
}

/* What it holds, if it is packed. Takes over *io on failure. */
static enum vmf_code unpack(const struct vmf_package *package, struct vmf_io **io,
                            struct vmf_error *error)
{
  const struct vmf_unpack_options options = {.max_bytes = package->options.max_bytes,
                                             .cancel = package->options.cancel,
                                             .log = package->options.log,
                                             .progress = package->options.progress,
                                             .progress_data = package->options.progress_data};
  const struct vmf_packing *packing;
  enum vmf_code code = vmf_packing_of(*io, &packing, error);

  if (code != VMF_OK) {
    vmf_io_close(*io);
    return code;
  }
  return packing ? vmf_unpack_file(*io, packing, &options, io, error) : VMF_OK;
}

static enum vmf_code refuse_other(const char *path, struct vmf_error *error)
{
  return vmf_fail(error, VMF_REFUSED,
                  "%s: is no package: neither a tar archive (*.ova) nor the descriptor of one "
                  "(*.ovf)",
                  path);
}

/* An archive, a packed archive or a descriptor. */
static enum vmf_code open_file(struct vmf_package *package, const char *path,
                               struct vmf_error *error)
{
  struct vmf_io *io;

  VMF_TRY(vmf_io_open_file(path, !package->options.ignore_locks, &io, error));
  if (vmf_package_only_disk(io)) {
    vmf_io_close(io);
    return vmf_fail(error, VMF_REFUSED,
                    "%s: is a disk by its name or kind, whatever a guest wrote into it, and no "
                    "package (*.ova, *.ovf); \"check\" and \"checksum\" examine a disk",
                    path);
  }
  if (package->options.no_cache)
    vmf_io_transient(io);
  VMF_TRY(unpack(package, &io, error));
  if (!vmf_tar_is_archive(io) && (vmf_path_has_suffix(path, ".ovf") || vmf_envelope_at_start(io))) {
    vmf_io_close(io);
    if (package->options.no_refs)
      return vmf_fail(error, VMF_REFUSED,
                      "%s: its files stand beside it, and --no-refs opens nothing beside the file "
                      "that is named; name the folder, or an archive (*.ova)",
                      path);
    return open_descriptor(package, path, error);
  }
  if (!vmf_tar_is_archive(io) && !vmf_path_has_suffix(vmf_content_name(io), ".ova")) {
    vmf_io_close(io);
    return refuse_other(path, error);
  }
  return open_archive(package, io, error);
}

/* What comes on standard input is stored first: a package is looked at in more than one place. */
static enum vmf_code open_input(struct vmf_package *package, struct vmf_error *error)
{
  const struct vmf_image_options input = {.size = sizeof input,
                                          .ignore_locks = package->options.ignore_locks,
                                          .log = package->options.log,
                                          .cancel = package->options.cancel,
                                          .max_bytes = package->options.max_bytes,
                                          .progress = package->options.progress,
                                          .progress_data = package->options.progress_data};
  struct vmf_io *io;

  VMF_TRY(vmf_image_input_file(&input, &io, error));
  package->io = io;
  vmf_free(package->path);
  package->path = NULL;
  VMF_TRY(vmf_copy_text(package->io->name, &package->path, error));
  if (vmf_tar_is_archive(package->io))
    return open_archive(package, package->io, error);
  package->other = package->may_be_other;
  return package->other ? VMF_OK
                        : vmf_fail(error, VMF_REFUSED,
                                   "%s: is no package in one file (OVA); a descriptor (*.ovf) is "
                                   "read from the file that it is in, beside its disks",
                                   package->path);
}

static enum vmf_code open_path(struct vmf_package *package, const char *path,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE char *found = NULL;
  struct stat status;

  if (strcmp(path, "-") == 0)
    return open_input(package, error);
  if (vmf_name_stat(path, &status) < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be opened", path);
  if (!S_ISDIR(status.st_mode))
    return open_file(package, path, error);
  VMF_TRY(vmf_package_pick_descriptor(path, &found, error));
  return open_descriptor(package, found, error);
}

/* Mostly the bytes of the file are the text that is parsed: they are kept once. */
static void share_text(struct vmf_package *package)
{
  struct vmf_xml *xml = package->ovf->xml;

  if (xml->length != package->descriptor_length ||
      memcmp(xml->text, package->descriptor, xml->length) != 0)
    return;
  vmf_free(package->descriptor);
  package->descriptor = xml->text;
}

static enum vmf_code read_descriptor(struct vmf_package *package, struct vmf_error *error)
{
  struct vmf_install_options install;
  struct vmf_ovf_asked asked;
  struct vmf_io *io;
  char label[512], *bytes = NULL;

  if (package->io)
    VMF_TRY(vmf_package_open_stored(package, package->name, &io, error));
  else /* the person named it: a link to it is followed */
    VMF_TRY(vmf_io_open_file(package->descriptor_path, false, &io, error));
  enum vmf_code code = vmf_package_read_whole(package, io, VMF_XML_BYTES, "a descriptor", &bytes,
                                              &package->descriptor_length, error);
  package->descriptor = bytes;
  VMF_TRY(code);
  VMF_TRY(vmf_take_install_options(package->options.install, &install, error));
  asked = vmf_package_asked(package);
  asked.install = package->options.install ? &install : NULL;
  VMF_TRY(vmf_ovf_read_for(vmf_package_file_label(package, package->name, label), bytes,
                           package->descriptor_length, &asked, &package->notes, &package->ovf,
                           error));
  share_text(package);
  return VMF_OK;
}

static enum vmf_code copy_options(struct vmf_package *package,
                                  const struct vmf_package_options *options,
                                  struct vmf_error *error)
{
  size_t count = 0;
  void *memory;

  VMF_TRY(vmf_take_package_options(options, &package->options, error));
  if (package->options.language)
    VMF_TRY(vmf_copy_text(package->options.language, &package->language, error));
  package->options.language = NULL; /* read while it is opened */
  const char *const *refs = package->options.allow_refs;
  package->options.allow_refs = NULL;
  while (refs && refs[count])
    count++;
  if (count == 0)
    return VMF_OK;
  VMF_TRY(vmf_alloc((count + 1) * sizeof(char *), &memory, error));
  package->options.allow_refs = memory;
  for (size_t i = 0; i < count; i++)
    VMF_TRY(vmf_copy_text(refs[i], &((char **)memory)[i], error));
  return VMF_OK;
}

/* io: of the archive, taken over; NULL: `path` is opened. */
static enum vmf_code open_all(struct vmf_package *package, const char *path, struct vmf_io *io,
                              const struct vmf_package_options *options, struct vmf_error *error)
{
  package->io = io;
  VMF_TRY(copy_options(package, options, error));
  if (package->options.strict) {
    vmf_first_warning_begin(&package->odd, package->options.log);
    package->options.log = &package->odd.log;
  }
  VMF_TRY(io ? vmf_copy_text(io->name, &package->path, error)
             : vmf_location_resolve(path, true, &package->path, error));
  VMF_TRY(io ? open_archive(package, io, error) : open_path(package, package->path, error));
  package->options.progress = NULL; /* told while it is opened */
  if (package->other)
    return VMF_OK;
  VMF_TRY(read_descriptor(package, error));
  VMF_TRY(read_beside(package, ".mf", VMF_MANIFEST_BYTES, &package->manifest_name,
                      &package->manifest_text, &package->manifest_length, error));
  VMF_TRY(read_beside(package, ".cert", VMF_CERTIFICATE_BYTES, &package->certificate_name,
                      &package->certificate_text, &package->certificate_length, error));
  return package->options.strict ? vmf_first_warning_end(&package->odd, error) : VMF_OK;
}

static enum vmf_code open_new(const char *path, struct vmf_io *io,
                              const struct vmf_package_options *options, bool may_be_other,
                              struct vmf_package **package, struct vmf_error *error)
{
  void *memory;
  enum vmf_code code = vmf_alloc(sizeof(struct vmf_package), &memory, error);

  if (code != VMF_OK) {
    vmf_io_close(io);
    return code;
  }
  struct vmf_package *made = memory;
  made->may_be_other = may_be_other;
  atomic_init(&made->users, 1);
  made->notes = (struct vmf_report){.finding = keep_finding, .data = made};
  made->members.open = vmf_package_open_member;
  code = open_all(made, path, io, options, error);
  if (code != VMF_OK) {
    vmf_package_close(made);
    return code;
  }
  *package = made;
  return VMF_OK;
}

enum vmf_code vmf_package_open(const char *path, const struct vmf_package_options *options,
                               struct vmf_package **package, struct vmf_error *error)
{
  VMF_REQUIRE(package, error);
  *package = NULL;
  VMF_REQUIRE(path, error);
  return open_new(path, NULL, options, false, package, error);
}

enum vmf_code vmf_package_open_archive(const char *path, const struct vmf_package_options *options,
                                       struct vmf_package **package, struct vmf_io **archive,
                                       struct vmf_error *error)
{
  struct vmf_package *opened;

  *package = NULL;
  *archive = NULL;
  VMF_TRY(open_new(path, NULL, options, true, &opened, error));
  if (!opened->other) {
    *package = opened;
    return VMF_OK;
  }
  *archive = opened->io;
  opened->io = NULL;
  vmf_package_close(opened);
  return VMF_OK;
}

enum vmf_code vmf_package_open_io(struct vmf_io *io, const struct vmf_package_options *options,
                                  struct vmf_package **package, struct vmf_error *error)
{
  return open_new(NULL, io, options, false, package, error);
}

static void free_package(struct vmf_package *package)
{
  if (!package->ovf || package->descriptor != package->ovf->xml->text)
    vmf_free(package->descriptor);
  vmf_ovf_free(package->ovf);
  for (size_t i = 0; i < package->text_count; i++)
    vmf_io_close(package->texts[i]);
  free(package->texts);
  vmf_tar_free(package->tar);
  vmf_free(package->by_name);
  vmf_io_close(package->io);
  vmf_package_names_free(package->moved, package->moved_count);
  for (size_t i = 0; i < package->found_count; i++) {
    vmf_free(package->found[i].rule);
    vmf_free(package->found[i].file);
    vmf_free(package->found[i].text);
  }
  free(package->found);
  for (const char *const *ref = package->options.allow_refs; ref && *ref; ref++)
    vmf_free((char *)*ref);
  vmf_free((void *)package->options.allow_refs);
  vmf_free(package->language);
  vmf_free(package->path);
  vmf_free(package->descriptor_path);
  vmf_free(package->name);
  vmf_free(package->manifest_name);
  vmf_free(package->manifest_text);
  vmf_free(package->certificate_name);
  vmf_free(package->certificate_text);
  vmf_free(package);
}

void vmf_package_release(void *data)
{
  struct vmf_package *package = data;
  if (package && atomic_fetch_sub(&package->users, 1) == 1)
    free_package(package);
}

void vmf_package_close(struct vmf_package *package)
{
  vmf_package_release(package);
}
