/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The files of a package against the descriptor, and the order in which an archive holds them. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "checked.h"
#include "file.h"
#include "memory.h"
#include "package_checks.h"
#include "unpack.h"

/* ---- are they there, and of the right size? ---- */

static enum vmf_code stored_size(struct vmf_verification *verification,
                                 const struct vmf_checked_file *file, uint64_t *size,
                                 struct vmf_error *error)
{
  *size = 0;
  for (size_t i = 0; i < file->count; i++) {
    struct vmf_io *io;
    VMF_TRY(vmf_package_open_stored(verification->package, file->names[i], &io, error));
    if (!vmf_add(*size, io->size, size))
      *size = UINT64_MAX;
    vmf_io_close(io);
  }
  return VMF_OK;
}

static enum vmf_code check_size(struct vmf_verification *verification,
                                const struct vmf_ovf_file *said, struct vmf_checked_file *file,
                                struct vmf_error *error)
{
  struct vmf_package *package = verification->package;
  struct vmf_error found = {0};
  uint64_t size;

  if (stored_size(verification, file, &size, &found) != VMF_OK) {
    file->found = false;
    return vmf_verify_tell_unread(verification, "file-unreadable", package->name, said->line,
                                  &found, error);
  }
  if (said->size_known && said->size != size)
    vmf_report_add(verification->report, VMF_SEVERITY_VIOLATION, "file-size-wrong", package->name,
                   said->line,
                   "the file \"%s\" has %" PRIu64 " bytes, the descriptor says %" PRIu64,
                   said->href ? said->href : "", size, said->size);
  return VMF_OK;
}

static enum vmf_code check_file(struct vmf_verification *verification, size_t index,
                                struct vmf_error *error)
{
  struct vmf_package *package = verification->package;
  const struct vmf_ovf_file *said = &package->ovf->files[index];
  struct vmf_checked_file *file = &verification->files[index];
  struct vmf_error found = {0};

  enum vmf_code code = vmf_package_stored_names(package, said, &file->names, &file->count, &found);
  if (code != VMF_OK) {
    file->names = NULL;
    file->count = 0;
    return vmf_verify_tell_error(verification,
                                 code == VMF_REFUSED ? "file-refused"
                                 : said->chunk_size  ? "file-chunks"
                                                     : "file-missing",
                                 package->name, said->line, &found, error);
  }
  file->found = true;
  for (size_t i = 0; i < file->count; i++)
    VMF_TRY(vmf_names_add(&verification->stored, file->names[i], said->line, error));
  return check_size(verification, said, file, error);
}

/* Names that differ only in case are one file on Windows and macOS. An archive is refused for it
 * when it is opened. */
static enum vmf_code check_case(struct vmf_verification *verification, struct vmf_error *error)
{
  struct vmf_names lower = {0};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < verification->stored.count && code == VMF_OK; i++) {
    VMF_AUTO_FREE char *name = NULL;
    if (vmf_names_repeats(&verification->stored, i))
      continue;
    code = vmf_copy_text(verification->stored.entries[i].text, &name, error);
    for (char *c = name; code == VMF_OK && *c; c++)
      if (*c >= 'A' && *c <= 'Z')
        *c = (char)(*c | 0x20);
    if (code == VMF_OK)
      code = vmf_names_add(&lower, name, verification->stored.entries[i].line, error);
  }
  vmf_names_sort(&lower);
  for (size_t i = 1; i < lower.count; i++)
    if (vmf_names_repeats(&lower, i))
      vmf_report_add(verification->report, VMF_SEVERITY_WARNING, "file-case",
                     verification->package->name, lower.entries[i].line,
                     "two files are called \"%s\" but for upper and lower case (the other in line "
                     "%u)",
                     lower.entries[i].text, lower.entries[i - 1].line);
  vmf_names_clear(&lower);
  return code;
}

enum vmf_code vmf_verify_files(struct vmf_verification *verification, struct vmf_error *error)
{
  for (size_t i = 0; i < verification->package->ovf->file_count; i++)
    VMF_TRY(check_file(verification, i, error));
  vmf_names_sort(&verification->stored);
  return check_case(verification, error);
}

/* ---- the archive ---- */

static void order(struct vmf_verification *verification, enum vmf_severity severity,
                  const char *name, const char *text)
{
  vmf_report_add(verification->report, severity, "archive-order", name, 0, "%s", text);
}

static void check_form(struct vmf_verification *verification, const struct vmf_tar_member *member)
{
  if (member->extended)
    vmf_report_add(verification->report, VMF_SEVERITY_VIOLATION, "archive-form", member->name, 0,
                   "its name or size is told by an extended header alone: products that read plain "
                   "ustar, as the standard has it, see another file");
  else if (member->header != 0 && member->offset - member->header != VMF_TAR_BLOCK)
    vmf_report_add(verification->report, VMF_SEVERITY_WARNING, "archive-form", member->name, 0,
                   "an extended header stands before the file, expected a plain ustar header");
}

/* VMware's products look for the descriptor in the first block and nowhere else. */
static void check_head(struct vmf_verification *verification)
{
  struct vmf_package *package = verification->package;
  const struct vmf_tar *tar = package->tar;
  const struct vmf_tar_member *first = &tar->members[0];

  bool plain = first->offset - first->header == VMF_TAR_BLOCK;
  if (strcmp(first->name, package->name) != 0 || (plain && first->header != 0))
    order(verification, VMF_SEVERITY_VIOLATION, package->name,
          "the descriptor does not stand at the start of the archive");
  if (!plain)
    vmf_report_add(verification->report, VMF_SEVERITY_VIOLATION, "archive-form", first->name, 0,
                   "an extended header stands before the first file of the archive, expected a "
                   "plain ustar header");
  for (size_t i = 0; i < tar->count; i++)
    check_form(verification, &tar->members[i]);
  if (tar->old)
    vmf_report_add(verification->report, VMF_SEVERITY_VIOLATION, "archive-form", NULL, 0,
                   "the archive has headers without \"ustar\" in them, which some products do not "
                   "know for an archive, expected ustar");
  if (tar->dotted)
    vmf_report_add(
        verification->report, VMF_SEVERITY_NOTE, "archive-form", NULL, 0,
        "names in the archive start with \"./\", expected none: they are read without it");
}

/* Manifest and certificate stand together, behind the descriptor or at the end. */
static void check_manifest_place(struct vmf_verification *verification)
{
  struct vmf_package *package = verification->package;
  size_t count = package->tar->count;
  size_t manifest =
      package->manifest_name ? vmf_package_member(package, package->manifest_name) : SIZE_MAX;
  size_t certificate =
      package->certificate_name ? vmf_package_member(package, package->certificate_name) : SIZE_MAX;

  if (manifest == SIZE_MAX)
    return;
  if (certificate != SIZE_MAX && certificate != manifest + 1)
    order(verification, VMF_SEVERITY_WARNING, package->certificate_name,
          "the certificate does not stand behind the manifest");
  else if (manifest != 1 && manifest + (certificate == SIZE_MAX ? 1 : 2) != count)
    order(verification, VMF_SEVERITY_WARNING, package->manifest_name,
          "the manifest stands in the middle of the archive, expected behind the descriptor or at "
          "the end");
}

static void check_file_order(struct vmf_verification *verification)
{
  struct vmf_package *package = verification->package;
  size_t last = 0;

  for (size_t i = 0; i < package->ovf->file_count; i++)
    for (size_t k = 0; k < verification->files[i].count; k++) {
      size_t member = vmf_package_member(package, verification->files[i].names[k]);
      if (member == SIZE_MAX)
        continue;
      if (member < last) {
        order(verification, VMF_SEVERITY_WARNING, verification->files[i].names[k],
              "the files stand in another order than in References");
        return;
      }
      last = member;
    }
}

static bool is(const char *name, const char *other)
{
  return other && strcmp(name, other) == 0;
}

static void check_unnamed(struct vmf_verification *verification)
{
  struct vmf_package *package = verification->package;

  for (size_t i = 0; i < package->tar->count; i++) {
    const char *name = package->tar->members[i].name;
    if (!is(name, package->name) && !is(name, package->manifest_name) &&
        !is(name, package->certificate_name) && !vmf_names_find(&verification->stored, name))
      vmf_report_add(verification->report, VMF_SEVERITY_WARNING, "archive-unnamed", name, 0,
                     "nothing in the descriptor refers to this file");
  }
}

static void check_packed(struct vmf_verification *verification)
{
  struct vmf_io *io;

  if (vmf_io_open_file(verification->package->path, false, &io, NULL) != VMF_OK)
    return;
  const struct vmf_packing *packing;
  if (vmf_packing_of(io, &packing, NULL) == VMF_OK && packing)
    vmf_report_add(verification->report, VMF_SEVERITY_VIOLATION, "archive-packed", NULL, 0,
                   "the archive is packed by %s, expected a plain tar", vmf_packing_name(packing));
  vmf_io_close(io);
}

void vmf_verify_archive(struct vmf_verification *verification)
{
  struct vmf_package *package = verification->package;

  if (!package->tar || package->tar->count == 0)
    return;
  check_packed(verification);
  check_head(verification);
  check_manifest_place(verification);
  check_file_order(verification);
  check_unnamed(verification);
  if (package->tar->unended)
    vmf_report_add(verification->report, VMF_SEVERITY_WARNING, "archive-unended", NULL, 0,
                   "the two blocks of zeros that end an archive are missing");
}
