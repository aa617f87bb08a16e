/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Editing a package in place: its descriptor is spliced, its manifest lists the new one, and a
 * signature is made anew or taken away. */
#include "package_edit.h"

#include <string.h>

#include "certificate.h"
#include "checked.h"
#include "clone.h"
#include "machine_edits.h"
#include "memory.h"
#include "ovf_edit.h"
#include "ovf_machine.h"
#include "path.h"
#include "property.h"
#include "signing.h"

/* ---- what is edited ---- */

static bool is_called(const struct vmf_ovf_system *system, const char *name)
{
  const char *shown = system->name && *system->name ? system->name : system->identifier;

  return shown && strcmp(shown, name) == 0;
}

static bool has_id(const struct vmf_ovf_system *system, const char *id)
{
  return system->id && strcmp(system->id, id) == 0;
}

/* "web, db" */
static void list_systems(const struct vmf_ovf *ovf, char *names, size_t size)
{
  size_t used = 0;

  names[0] = '\0';
  for (size_t i = 0; i < ovf->system_count && used < size; i++)
    if (!ovf->systems[i].collection)
      used += (size_t)snprintf(names + used, size - used, "%s%.60s", used ? ", " : "",
                               ovf->systems[i].id ? ovf->systems[i].id : "");
}

/* By id, else by a name that is not that of several, else by number from 1 on; NULL: the only one.
 */
static enum vmf_code choose_system(const struct vmf_package *package, const char *name,
                                   size_t *system, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = package->ovf;
  size_t count = 0, called = 0, by_id = SIZE_MAX, by_name = SIZE_MAX, by_number = SIZE_MAX;
  char number[24], names[300];

  for (size_t i = 0; i < ovf->system_count; i++) {
    if (ovf->systems[i].collection)
      continue;
    snprintf(number, sizeof number, "%zu", ++count);
    if (name ? strcmp(name, number) == 0 : count == 1)
      by_number = i;
    if (name && has_id(&ovf->systems[i], name) && by_id == SIZE_MAX)
      by_id = i;
    if (name && is_called(&ovf->systems[i], name) && ++called)
      by_name = i;
  }
  *system = by_id != SIZE_MAX ? by_id : by_name != SIZE_MAX ? by_name : by_number;
  list_systems(ovf, names, sizeof names);
  if (by_id == SIZE_MAX && called > 1)
    return vmf_fail(error, VMF_USAGE,
                    "%s: %zu machines are called \"%s\"; choose one by its id or number: %s",
                    package->path, called, name, names);
  if (*system != SIZE_MAX && (name || count == 1))
    return VMF_OK;
  if (name)
    return vmf_fail(error, VMF_USAGE, "%s: has no machine \"%s\"; there are: %s", package->path,
                    name, names);
  return vmf_fail(error, count ? VMF_USAGE : VMF_CORRUPT,
                  "%s: has %zu machines; choose one with --system: %s", package->path, count,
                  names);
}

/* As they are stored; SIZE_MAX where that cannot be told. */
static enum vmf_code find_sizes(struct vmf_signing *signing, uint64_t **sizes,
                                struct vmf_error *error)
{
  struct vmf_package *package = signing->package;
  const struct vmf_ovf *ovf = package->ovf;
  void *memory;

  VMF_TRY(vmf_alloc((ovf->file_count + 1) * sizeof **sizes, &memory, error));
  *sizes = memory;
  for (size_t i = 0; i < ovf->file_count; i++) {
    char **names;
    size_t count;
    (*sizes)[i] = 0;
    VMF_TRY(vmf_package_stored_names(package, &ovf->files[i], &names, &count, error));
    enum vmf_code code = VMF_OK;
    for (size_t k = 0; k < count && code == VMF_OK; k++) {
      struct vmf_io *io;
      code = vmf_package_open_stored(package, names[k], &io, error);
      if (code == VMF_OK && !vmf_add((*sizes)[i], io->size, &(*sizes)[i]))
        (*sizes)[i] = UINT64_MAX;
      if (code == VMF_OK)
        vmf_io_close(io);
    }
    vmf_package_names_free(names, count);
    VMF_TRY(code);
  }
  return VMF_OK;
}

/* ---- the new descriptor ---- */

/* Blocks that the descriptor takes in an archive. */
static uint64_t blocks_of(uint64_t size)
{
  return vmf_div_up(size, VMF_TAR_BLOCK);
}

/* How many blocks what stands between descriptor and disks has less than before: a signature that
 * goes. */
static uint64_t blocks_gone(const struct vmf_signing *signing)
{
  const struct vmf_package *package = signing->package;
  size_t descriptor = vmf_package_member(package, package->name);
  size_t certificate =
      package->certificate_name ? vmf_package_member(package, package->certificate_name) : SIZE_MAX;

  if (certificate == SIZE_MAX || certificate > descriptor + 2 || signing->target->key_path)
    return 0;
  return 1 + blocks_of(package->certificate_length);
}

/* A descriptor in an archive is filled up with line feeds, so that the disks behind it are moved by
 * whole blocks of the file system, which can then be shared. */
static enum vmf_code fill_up(const struct vmf_signing *signing, struct vmf_ovf_edited *edited,
                             struct vmf_error *error)
{
  enum { STEP = VMF_CLONE_ALIGNMENT / VMF_TAR_BLOCK };
  uint64_t before = blocks_of(signing->package->descriptor_length);
  uint64_t after = blocks_of(edited->length), gone = blocks_gone(signing);
  uint64_t more = (before + gone - after) % STEP;
  size_t length = more > 0 ? (size_t)(after + more) * VMF_TAR_BLOCK : edited->length;
  void *memory;

  if (length == edited->length || !signing->package->io)
    return VMF_OK;
  VMF_TRY(vmf_alloc(length + 1, &memory, error));
  memcpy(memory, edited->text, edited->length);
  memset((char *)memory + edited->length, '\n', length - edited->length);
  vmf_free(edited->text);
  edited->text = memory;
  edited->length = length;
  return VMF_OK;
}

/* Files of the old References that the new one does not lead to. */
static enum vmf_code find_dropped(struct vmf_signing *signing, struct vmf_names *old,
                                  struct vmf_error *error)
{
  struct vmf_names kept = {0};
  enum vmf_code code = vmf_signing_collect(signing, error);

  for (size_t i = 0; i < signing->files.count && code == VMF_OK; i++)
    code = vmf_names_add(&kept, signing->files.names[i], 0, error);
  vmf_names_sort(&kept);
  for (size_t i = 0; i < old->count && code == VMF_OK; i++)
    if (!vmf_names_find(&kept, old->entries[i].text)) {
      code = vmf_names_add(&signing->dropped, old->entries[i].text, 0, error);
      vmf_report_add(&signing->report, VMF_SEVERITY_WARNING, "edit-file-removed",
                     old->entries[i].text, 0, "is not in the package any longer%s",
                     signing->package->io ? "" : "; the file stays in the folder");
    }
  vmf_names_sort(&signing->dropped);
  vmf_names_clear(&kept);
  return code;
}

static enum vmf_code keep_descriptor(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;

  VMF_TRY(vmf_alloc(package->descriptor_length + 1, &signing->old_descriptor, error));
  memcpy(signing->old_descriptor, package->descriptor, package->descriptor_length);
  signing->old_descriptor_length = package->descriptor_length;
  return VMF_OK;
}

static enum vmf_code take_descriptor(struct vmf_signing *signing, struct vmf_ovf_edited *edited,
                                     struct vmf_error *error)
{
  struct vmf_names old = {0};
  enum vmf_code code = VMF_OK;
  char *text = edited->text;

  for (size_t i = 0; i < signing->files.count && code == VMF_OK; i++)
    code = vmf_names_add(&old, signing->files.names[i], 0, error);
  if (code == VMF_OK) {
    signing->descriptor_changed = true;
    code = keep_descriptor(signing, error);
  }
  if (code == VMF_OK) {
    edited->text = NULL;
    code = vmf_package_redescribe(signing->package, text, edited->length, error);
  }
  if (code == VMF_OK)
    code = find_dropped(signing, &old, error);
  vmf_names_clear(&old);
  return code;
}

static void show(const struct vmf_edit_target *target, const struct vmf_package *package,
                 const struct vmf_ovf_edited *edited)
{
  const struct vmf_edited_text text = {.name = package->name,
                                       .before = package->ovf->xml->text,
                                       .before_length = package->ovf->xml->length,
                                       .after = edited->text,
                                       .after_length = edited->length};

  if (target->text)
    target->text(target->text_data, &text);
}

/* ---- manifest and certificate ---- */

/* The entries of the old one; those of the descriptor as it is now, those of files that go not. */
static enum vmf_code renew_entries(struct vmf_signing *signing, const struct vmf_manifest *old,
                                   struct vmf_manifest *made, struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;
  bool described = false;

  for (size_t i = 0; i < old->count; i++)
    described = described || strcmp(old->entries[i].name, package->name) == 0;
  for (size_t i = 0; i < old->count + !described; i++) {
    const struct vmf_manifest_entry *entry = described ? &old->entries[i]
                                             : i > 0   ? &old->entries[i - 1]
                                                       : NULL;
    enum vmf_digest_kind kind = entry        ? entry->kind
                                : old->count ? old->entries[0].kind
                                             : VMF_SHA256;
    uint8_t digest[VMF_DIGEST_MAX];

    if (entry && strcmp(entry->name, package->name) != 0) {
      if (!vmf_names_find(&signing->dropped, entry->name))
        VMF_TRY(vmf_manifest_add(made, entry->name, kind, entry->digest, error));
      continue;
    }
    VMF_TRY(vmf_digest_bytes(kind, package->descriptor, package->descriptor_length, digest, error));
    VMF_TRY(vmf_manifest_add(made, package->name, kind, digest, error));
  }
  return VMF_OK;
}

static enum vmf_code renew_manifest(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;
  struct vmf_manifest *old, *made;

  VMF_TRY(vmf_manifest_read(package->manifest_name, package->manifest_text,
                            package->manifest_length, NULL, &old, error));
  enum vmf_code code = vmf_manifest_new(&made, error);
  if (code == VMF_OK) {
    code = renew_entries(signing, old, made, error);
    if (code == VMF_OK)
      code = vmf_manifest_write(made, &signing->manifest_text, &signing->manifest_length, error);
    if (old->count > 0 && old->entries[0].kind != VMF_SHA1)
      signing->kind = old->entries[0].kind;
    vmf_manifest_free(made);
  }
  vmf_manifest_free(old);
  return code;
}

/* With another digest all files are hashed anew. A package without a manifest has none, unless it
 * is signed. */
static enum vmf_code make_manifest(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_package_target *target = signing->target;
  enum vmf_digest_kind kind = VMF_SHA256;

  signing->manifest_changed = true;
  if (target->digest)
    VMF_TRY(vmf_digest_named(target->digest, &kind, error));
  signing->kind = kind == VMF_SHA1 ? VMF_SHA256 : kind;
  if (target->digest || (!signing->package->manifest_text && target->key_path))
    return vmf_signing_list(signing, kind, error);
  return signing->package->manifest_text ? renew_manifest(signing, error) : VMF_OK;
}

static enum vmf_code sign(struct vmf_signing *signing, const struct vmf_signer *signer,
                          struct vmf_error *error)
{
  VMF_TRY(make_manifest(signing, error));
  if (signer)
    return vmf_signer_sign(signer, signing->manifest_name, signing->manifest_text,
                           signing->manifest_length, signing->kind, signing->target->cms,
                           &signing->certificate_text, &signing->certificate_length, error);
  return VMF_OK;
}

/* ---- all of it ---- */

static enum vmf_code write_package(struct vmf_signing *signing, struct vmf_ovf_edited *edited,
                                   const struct vmf_signer *signer, struct vmf_error *error)
{
  VMF_TRY(fill_up(signing, edited, error));
  VMF_TRY(take_descriptor(signing, edited, error));
  VMF_TRY(sign(signing, signer, error));
  VMF_TRY(vmf_signing_place(signing, error));
  if (signing->package->certificate_text && !signer)
    vmf_report_add(&signing->report, VMF_SEVERITY_WARNING, "signature-removed",
                   signing->certificate_name, 0,
                   "was a signature of the package as it was before, and is not there any longer; "
                   "a key signs the new one");
  return VMF_OK;
}

static bool is_same(const struct vmf_package *package, const struct vmf_ovf_edited *edited)
{
  return package->ovf->xml->length == edited->length &&
         memcmp(package->ovf->xml->text, edited->text, edited->length) == 0;
}

/* The machine before and after. */
static enum vmf_code check_machines(const struct vmf_ovf *before, const struct vmf_ovf *after,
                                    size_t system, const struct vmf_machine_edits *edits,
                                    struct vmf_error *error)
{
  struct vmf_machine *was, *is = NULL;

  VMF_TRY(vmf_machine_new(&was, error));
  enum vmf_code code = vmf_machine_new(&is, error);
  if (code == VMF_OK)
    code = vmf_ovf_machine(before, system, was, NULL, error);
  if (code == VMF_OK)
    code = vmf_ovf_machine(after, system, is, NULL, error);
  if (code == VMF_OK)
    code = vmf_machine_check_edits(was, is, edits, before->name, error);
  vmf_machine_free(is);
  vmf_machine_free(was);
  return code;
}

static enum vmf_code check_property(const struct vmf_ovf *ovf, size_t system,
                                    const struct vmf_property_options *wanted,
                                    struct vmf_error *error)
{
  const struct vmf_ovf_property *property;

  VMF_TRY(vmf_ovf_property_find(ovf, system, wanted->key, &property, error));
  if (property->value && strcmp(property->value, wanted->value) == 0)
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: says the property %s in a way that is not edited here; nothing is changed",
                  ovf->name, wanted->key);
}

/* No writer is believed: what was asked for is what a reader finds. */
static enum vmf_code check_edited(struct vmf_package *package, size_t system,
                                  const struct vmf_machine_edits *edits,
                                  const struct vmf_ovf_edited *edited, struct vmf_error *error)
{
  struct vmf_ovf *after;

  if (vmf_package_read(package, edited->text, edited->length, &after, error) != VMF_OK)
    return vmf_while(error, "what would be written cannot be read");
  enum vmf_code code = check_machines(package->ovf, after, system, edits, error);
  for (size_t i = 0; i < edits->property_count && code == VMF_OK; i++)
    code = check_property(after, system, &edits->properties[i], error);
  vmf_ovf_free(after);
  return code;
}

static enum vmf_code edit(struct vmf_signing *signing, const struct vmf_machine_edits *edits,
                          const struct vmf_edit_target *target, const struct vmf_signer *signer,
                          struct vmf_ovf_edited *edited, struct vmf_error *error)
{
  struct vmf_package *package = signing->package;
  VMF_AUTO_FREE uint64_t *sizes = NULL;
  size_t system = SIZE_MAX;

  VMF_TRY(choose_system(package, edits->system, &system, error));
  VMF_TRY(vmf_signing_collect(signing, error));
  VMF_TRY(vmf_signing_check(signing, signer != NULL, error));
  VMF_TRY(find_sizes(signing, &sizes, error));
  VMF_TRY(vmf_ovf_edit(package->ovf, system, edits, sizes, &signing->report, edited, error));
  VMF_TRY(check_edited(package, system, edits, edited, error));
  if (is_same(package, edited) && !signer && !signing->output)
    return VMF_OK;
  if (package->ovf->xml->recoded)
    vmf_report_add(&signing->report, VMF_SEVERITY_WARNING, "edit-encoding", package->name, 0,
                   "was in another encoding than it said, or than UTF-8, and is in UTF-8 now");
  show(target, package, edited);
  return target->dry_run ? VMF_OK : write_package(signing, edited, signer, error);
}

static enum vmf_code check_output(struct vmf_signing *signing, struct vmf_error *error)
{
  if (!signing->output || signing->package->io)
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: the files of the package stand beside its descriptor, which is edited where "
                  "it is: copy the package first (vmferry convert %s FOLDER/), and edit the copy",
                  signing->package->path, signing->package->path);
}

enum vmf_code vmf_package_edit(const char *path, const struct vmf_machine_edits *edits,
                               const struct vmf_edit_target *target, struct vmf_error *error)
{
  const struct vmf_package_target *files = target->files;
  struct vmf_signing signing = {
      .target = files,
      .report = {.finding = files->findings.finding, .data = files->findings.data},
      .output = target->output};
  struct vmf_ovf_edited edited = {0};
  struct vmf_signer *signer = NULL;
  enum vmf_code code = vmf_signing_open(&signing, path, error);

  if (code == VMF_OK)
    code = check_output(&signing, error);
  if (code == VMF_OK)
    code = vmf_signer_new(files->key_path, files->cert_path, files->passphrase_file, files->log,
                          &signer, error);
  if (code == VMF_OK)
    code = edit(&signing, edits, target, signer, &edited, error);
  vmf_ovf_edited_clear(&edited);
  vmf_signer_free(signer);
  vmf_signing_close(&signing);
  return code;
}
