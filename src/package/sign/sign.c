/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Signing a package in place: its manifest is checked or made, and signed; then the new files
 * appear beside the descriptor, or a new archive takes the place of the old one. */
#include <string.h>
#include <sys/stat.h>

#include "caller.h"
#include "certificate.h"
#include "checked.h"
#include "digest_line.h"
#include "epoch.h"
#include "file.h"
#include "gate.h"
#include "hash_stored.h"
#include "list.h"
#include "memory.h"
#include "package.h"
#include "path.h"
#include "remote_io.h"
#include "signing.h"
#include "unpack.h"

/* ---- the names of all files that a manifest lists ---- */

static void clear_names(struct vmf_signing_names *names)
{
  for (size_t i = 0; i < names->count; i++)
    vmf_free(names->names[i]);
  free(names->names);
  *names = (struct vmf_signing_names){0};
}

enum vmf_code vmf_signing_add_name(struct vmf_signing *signing, const char *name,
                                   struct vmf_error *error)
{
  struct vmf_signing_names *names = &signing->files;

  if (names->count == VMF_MANIFEST_ENTRIES)
    return vmf_fail(error, VMF_LIMIT, "a package with more than %d files cannot be signed",
                    VMF_MANIFEST_ENTRIES);
  VMF_TRY(VMF_LIST_ROOM(names->names, names->count, names->capacity, "names", error));
  VMF_TRY(vmf_copy_text(name, &names->names[names->count], error));
  names->count++;
  return VMF_OK;
}

static enum vmf_code add_stored(struct vmf_signing *signing, const struct vmf_ovf_file *file,
                                struct vmf_error *error)
{
  char **stored;
  size_t count;

  VMF_TRY(vmf_package_stored_names(signing->package, file, &stored, &count, error));
  enum vmf_code code = VMF_OK;
  for (size_t i = 0; i < count && code == VMF_OK; i++)
    code = vmf_signing_add_name(signing, stored[i], error);
  vmf_package_names_free(stored, count);
  return code;
}

static bool is_own_text(const struct vmf_signing *signing, const char *name)
{
  return strcmp(name, signing->package->name) == 0 || strcmp(name, signing->manifest_name) == 0 ||
         strcmp(name, signing->certificate_name) == 0;
}

static int compare_slots(const void *a, const void *b)
{
  char **first = *(char **const *)a, **second = *(char **const *)b;
  int order = strcmp(*first, *second);
  return order != 0 ? order : first < second ? -1 : first > second;
}

enum vmf_code vmf_signing_drop_repeated(struct vmf_signing *signing, struct vmf_error *error)
{
  struct vmf_signing_names *files = &signing->files;
  VMF_AUTO_FREE void *memory = NULL;
  size_t kept = 0;

  VMF_TRY(vmf_alloc((files->count + 1) * (sizeof(char **) + 1), &memory, error));
  char ***slots = memory;
  bool *dropped = (bool *)(slots + files->count);
  for (size_t i = 0; i < files->count; i++)
    slots[i] = &files->names[i];
  qsort(slots, files->count, sizeof *slots, compare_slots);
  for (size_t i = 0; i < files->count; i++)
    dropped[slots[i] - files->names] =
        is_own_text(signing, *slots[i]) || (i > 0 && strcmp(*slots[i], *slots[i - 1]) == 0);
  for (size_t i = 0; i < files->count; i++) {
    if (dropped[i])
      vmf_free(files->names[i]);
    else
      files->names[kept++] = files->names[i];
  }
  files->count = kept;
  return VMF_OK;
}

enum vmf_code vmf_signing_collect(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = signing->package->ovf;

  clear_names(&signing->files);
  for (size_t i = 0; i < ovf->file_count; i++)
    VMF_TRY(add_stored(signing, &ovf->files[i], error));
  return vmf_signing_drop_repeated(signing, error);
}

/* ---- the manifest ---- */

/* Whether consumers are known that refuse it although it is right: white space, "SHA2-256", CR LF
 * and anything else but ALGORITHM(name)= digits. */
static bool is_refused_elsewhere(const struct vmf_package *package)
{
  struct vmf_lines lines = {.rest = package->manifest_text, .left = package->manifest_length};

  while (vmf_lines_next(&lines)) {
    struct vmf_text_part algorithm, name, value;
    enum vmf_digest_kind kind;
    unsigned odd = lines.odd;
    if (lines.line.length == 0)
      continue;
    if (!vmf_digest_line_split(lines.line, &algorithm, &name, &value, &odd) ||
        (odd & (VMF_LINE_CRLF | VMF_LINE_SPACES | VMF_LINE_BOM)) ||
        !vmf_manifest_kind(algorithm.start, algorithm.length, &kind) ||
        algorithm.length != strlen(vmf_manifest_kind_name(kind)) ||
        memcmp(algorithm.start, vmf_manifest_kind_name(kind), algorithm.length) != 0 ||
        (name.length > 2 && memcmp(name.start, "./", 2) == 0))
      return true;
  }
  return false;
}

static void check_descriptor_listed(struct vmf_signing *signing,
                                    const struct vmf_manifest *manifest)
{
  const struct vmf_package *package = signing->package;

  for (size_t i = 0; i < manifest->count; i++)
    if (strcmp(manifest->entries[i].name, package->name) == 0)
      return;
  vmf_report_add(&signing->report, VMF_SEVERITY_WARNING, "manifest-descriptor-unlisted",
                 package->manifest_name, 0,
                 "does not list the descriptor %s: the signature does not cover it", package->name);
}

/* A manifest that has passed the gate. */
static enum vmf_code take_manifest(struct vmf_signing *signing, const struct vmf_manifest *manifest,
                                   struct vmf_error *error)
{
  struct vmf_package *package = signing->package;

  if (signing->report.counts[VMF_SEVERITY_FAILURE] > 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: the manifest %s has lines that cannot be used",
                    package->path, package->manifest_name);
  check_descriptor_listed(signing, manifest);
  if (!signing->target->digest && manifest->count > 0 && manifest->entries[0].kind != VMF_SHA1)
    signing->kind = manifest->entries[0].kind;
  if (!is_refused_elsewhere(package))
    return vmf_copy_bytes(package->manifest_text, package->manifest_length, &signing->manifest_text,
                          error);
  signing->manifest_changed = true;
  vmf_report_add(&signing->report, VMF_SEVERITY_NOTE, "manifest-rewritten", package->manifest_name,
                 0, "is written anew in the form that every consumer takes");
  return vmf_manifest_write(manifest, &signing->manifest_text, &signing->manifest_length, error);
}

static enum vmf_code keep_manifest(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;
  struct vmf_manifest *manifest;

  signing->manifest_length = package->manifest_length;
  VMF_TRY(vmf_manifest_read(package->manifest_name, package->manifest_text,
                            package->manifest_length, &signing->report, &manifest, error));
  enum vmf_code code = take_manifest(signing, manifest, error);
  vmf_manifest_free(manifest);
  return code;
}

static enum vmf_code list_files(const struct vmf_signing *signing, const struct vmf_hashed *files,
                                struct vmf_manifest *manifest, enum vmf_digest_kind kind,
                                struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;
  uint8_t digest[VMF_DIGEST_MAX];

  VMF_TRY(vmf_digest_bytes(kind, package->descriptor, package->descriptor_length, digest, error));
  VMF_TRY(vmf_manifest_add(manifest, package->name, kind, digest, error));
  for (size_t i = 0; i < signing->files.count; i++) {
    if (files[i].error.code != VMF_OK) {
      *error = files[i].error;
      return error->code;
    }
    VMF_TRY(vmf_manifest_add(manifest, files[i].name, kind, files[i].digests[kind], error));
  }
  return VMF_OK;
}

enum vmf_code vmf_signing_hash(struct vmf_signing *signing, struct vmf_hashed *files,
                               struct vmf_error *error)
{
  const struct vmf_package_target *target = signing->target;
  const struct vmf_hash_stored stored = {.package = signing->package,
                                         .files = files,
                                         .count = signing->files.count,
                                         .unchanged = true,
                                         .threads = target->threads,
                                         .crew = target->crew,
                                         .cancel = target->cancel,
                                         .progress = target->progress,
                                         .progress_data = target->progress_data,
                                         .log = target->log};

  return vmf_hash_stored(&stored, error);
}

enum vmf_code vmf_signing_list(struct vmf_signing *signing, enum vmf_digest_kind kind,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE void *memory = NULL;
  struct vmf_manifest *manifest;

  signing->manifest_changed = true;
  VMF_TRY(vmf_alloc((signing->files.count + 1) * sizeof(struct vmf_hashed), &memory, error));
  struct vmf_hashed *files = memory;
  for (size_t i = 0; i < signing->files.count; i++) {
    files[i].name = signing->files.names[i];
    files[i].wanted[kind] = true;
  }
  VMF_TRY(vmf_signing_hash(signing, files, error));
  VMF_TRY(vmf_manifest_new(&manifest, error));
  enum vmf_code code = list_files(signing, files, manifest, kind, error);
  if (code == VMF_OK)
    code = vmf_manifest_write(manifest, &signing->manifest_text, &signing->manifest_length, error);
  vmf_manifest_free(manifest);
  return code;
}

/* ---- what may be signed ---- */

/* A signature says that the package is whole: what its disks are read from is in References. */
static enum vmf_code check_uses(struct vmf_signing *signing, const struct vmf_gate *gate,
                                struct vmf_error *error)
{
  struct vmf_package *package = signing->package;
  struct vmf_uses stored = {0};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < signing->files.count && code == VMF_OK; i++)
    code = vmf_uses_add_stored(&stored, package, signing->files.names[i], NULL, error);
  vmf_uses_sort(&stored);
  for (size_t i = 0; i < gate->uses.count && code == VMF_OK; i++)
    if (!vmf_uses_have(&stored, &gate->uses.entries[i].key))
      code = vmf_fail(error, VMF_REFUSED,
                      "%s: a disk is read from \"%s\", which References does not have: a signature "
                      "would not cover it; convert the package first",
                      package->path, gate->uses.entries[i].name);
  vmf_uses_clear(&stored);
  return code;
}

/* What is packed and cannot be unpacked is not signed, as with disks. */
static enum vmf_code unpack_file(struct vmf_signing *signing, const struct vmf_ovf_file *file,
                                 struct vmf_error *error)
{
  enum vmf_code code = vmf_package_unpack_file(signing->package, file, error);

  if (code != VMF_UNSUPPORTED)
    return code;
  vmf_report_add(&signing->report, VMF_SEVERITY_WARNING, "file-compression", signing->package->name,
                 file->line, "%s", error->text);
  return VMF_OK;
}

static enum vmf_code open_all(struct vmf_signing *signing, struct vmf_gate *gate,
                              struct vmf_error *error)
{
  const struct vmf_ovf *ovf = signing->package->ovf;

  for (size_t i = 0; i < ovf->file_count; i++) {
    VMF_TRY(vmf_gate_file(gate, &ovf->files[i], error));
    if (!gate->trust.no_verify)
      VMF_TRY(unpack_file(signing, &ovf->files[i], error));
  }
  for (size_t i = 0; i < ovf->disk_count; i++)
    if (ovf->disks[i].file_ref && vmf_ovf_file(ovf, ovf->disks[i].file_ref))
      VMF_TRY(vmf_gate_keep_disk(gate, &ovf->disks[i], &signing->report, error));
  return VMF_OK;
}

enum vmf_code vmf_signing_check(struct vmf_signing *signing, bool signed_, struct vmf_error *error)
{
  const struct vmf_package_target *target = signing->target;
  struct vmf_gate gate;

  VMF_TRY(vmf_gate_new(signing->package, target->trust, &gate, error));
  gate.whole = true;
  gate.unlisted = signing->renewal != NULL;
  gate.threads = target->threads;
  gate.crew = target->crew;
  gate.cancel = target->cancel;
  gate.progress = target->progress;
  gate.progress_data = target->progress_data;
  enum vmf_code code = vmf_gate_pass(&gate, open_all(signing, &gate, error), error);
  if (code == VMF_OK && signed_)
    code = check_uses(signing, &gate, error);
  vmf_gate_clear(&gate);
  return code;
}

/* ---- all of it ---- */

/* signer NULL: an old signature that is right stays. */
static enum vmf_code make_texts(struct vmf_signing *signing, const struct vmf_signer *signer,
                                enum vmf_digest_kind kind, struct vmf_error *error)
{
  VMF_TRY(vmf_signing_check(signing, true, error));
  signing->kind = kind == VMF_SHA1 ? VMF_SHA256 : kind;
  if (signing->renewal)
    VMF_TRY(vmf_signing_renew(signing, kind, error));
  else if (signing->package->manifest_text)
    VMF_TRY(keep_manifest(signing, error));
  else
    VMF_TRY(vmf_signing_list(signing, kind, error));
  if (!signer)
    return vmf_signing_keep_certificate(signing, error);
  return vmf_signer_sign(signer, signing->manifest_name, signing->manifest_text,
                         signing->manifest_length, signing->kind, signing->target->cms,
                         &signing->certificate_text, &signing->certificate_length, error);
}

static enum vmf_code make_all(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_package_target *target = signing->target;
  enum vmf_digest_kind kind = VMF_SHA256;
  struct vmf_signer *signer = NULL;

  if (target->digest)
    VMF_TRY(vmf_digest_named(target->digest, &kind, error));
  VMF_TRY(vmf_signer_new(target->key_path, target->cert_path, target->passphrase_file, target->log,
                         &signer, error));
  enum vmf_code code = make_texts(signing, signer, kind, error);
  vmf_signer_free(signer);
  return code;
}

static enum vmf_code sign(struct vmf_signing *signing, struct vmf_error *error)
{
  if (!signing->target->key_path)
    return vmf_fail(error, VMF_USAGE, "%s: cannot be signed without a key", signing->package->path);
  VMF_TRY(vmf_signing_collect(signing, error));
  VMF_TRY(make_all(signing, error));
  return vmf_signing_place(signing, error);
}

/* What is right already is not written again. */
static enum vmf_code renew(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;

  VMF_TRY(vmf_signing_collect(signing, error));
  VMF_TRY(vmf_signing_begin_renewal(signing, error));
  VMF_TRY(make_all(signing, error));
  bool removed = package->certificate_text && !signing->certificate_text;
  if (signing->manifest_changed || signing->target->key_path || removed)
    VMF_TRY(vmf_signing_place(signing, error));
  VMF_TRY(vmf_signing_tell_renewal(signing, error));
  if (removed)
    vmf_report_add(&signing->report, VMF_SEVERITY_WARNING, "signature-removed",
                   signing->certificate_name, 0,
                   "was a signature of another manifest, and is not there any longer; a key signs "
                   "the new one");
  return VMF_OK;
}

/* The manifest stays as it is. */
static enum vmf_code remove_certificate(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;

  if (!package->certificate_text) {
    vmf_report_add(&signing->report, VMF_SEVERITY_WARNING, "signature-missing", NULL, 0,
                   "%s is not signed; nothing is removed", package->path);
    return VMF_OK;
  }
  if (package->io)
    VMF_TRY(vmf_signing_collect(signing, error));
  signing->manifest_length = package->manifest_length;
  if (package->manifest_text)
    VMF_TRY(vmf_copy_bytes(package->manifest_text, package->manifest_length,
                           &signing->manifest_text, error));
  return vmf_signing_place(signing, error);
}

/* "vm.ovf" becomes "vm.mf"; a manifest that is there keeps its name. */
static enum vmf_code name_texts(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;
  const char *name = package->name;

  if (package->manifest_name)
    VMF_TRY(vmf_copy_text(package->manifest_name, &signing->manifest_name, error));
  else
    VMF_TRY(vmf_path_with_suffix(name, ".mf", &signing->manifest_name, error));
  if (package->certificate_name)
    return vmf_copy_text(package->certificate_name, &signing->certificate_name, error);
  return vmf_path_with_suffix(name, ".cert", &signing->certificate_name, error);
}

static enum vmf_code run(struct vmf_signing *signing, enum vmf_signing_action action,
                         struct vmf_error *error)
{
  switch (action) {
  case VMF_SIGNING_SIGN:
    return sign(signing, error);
  case VMF_SIGNING_RENEW:
    return renew(signing, error);
  case VMF_SIGNING_REMOVE:
    return remove_certificate(signing, error);
  }
  return vmf_fail(error, VMF_USAGE, "%d is no way to sign", (int)action);
}

/* What can be replaced by a new archive: a regular file, not packed. */
static enum vmf_code check_path(const char *path, struct vmf_error *error)
{
  struct stat status;
  struct vmf_io *io;

  if (strcmp(path, "-") == 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "-: only files and folders can be signed in place, not what comes on standard "
                    "input; store it in a file first");
  if (stat(path, &status) < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be opened", path);
  if (S_ISDIR(status.st_mode))
    return VMF_OK;
  if (!S_ISREG(status.st_mode))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: is no regular file; only files and folders can be signed in place", path);
  VMF_TRY(vmf_io_open_file(path, false, &io, error));
  const struct vmf_packing *packing;
  enum vmf_code code = vmf_packing_of(io, &packing, error);
  vmf_io_close(io);
  VMF_TRY(code);
  if (packing)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: is packed by %s, which the standard does not allow for packages; "
                    "unpack it first (%s)",
                    path, vmf_packing_name(packing), vmf_packing_command(packing));
  return VMF_OK;
}

enum vmf_code vmf_signing_open(struct vmf_signing *signing, const char *path,
                               struct vmf_error *error)
{
  const struct vmf_package_target *target = signing->target;
  const struct vmf_package_options options = {.size = sizeof options,
                                              .ignore_locks = target->ignore_locks,
                                              .log = target->log,
                                              .cancel = target->cancel,
                                              .no_refs = target->strict,
                                              .strict = target->strict};
  struct vmf_epoch epoch; /* a wrong one is told before the work */
  VMF_AUTO_FREE char *plain = NULL;

  VMF_TRY(vmf_location_resolve(path, true, &plain, error));
  VMF_TRY(vmf_name_check_here(plain, error));
  VMF_TRY(vmf_epoch_now(&epoch, error));
  VMF_TRY(check_path(plain, error));
  VMF_TRY(vmf_package_open(plain, &options, &signing->package, error));
  return name_texts(signing, error);
}

void vmf_signing_close(struct vmf_signing *signing)
{
  vmf_replacing_end(&signing->replacing);
  vmf_signing_end_renewal(signing);
  clear_names(&signing->files);
  vmf_names_clear(&signing->dropped);
  vmf_free(signing->old_descriptor);
  vmf_free(signing->manifest_name);
  vmf_free(signing->manifest_text);
  vmf_free(signing->certificate_name);
  vmf_free(signing->certificate_text);
  vmf_package_close(signing->package);
}

enum vmf_code vmf_package_sign(const char *path, enum vmf_signing_action action,
                               const struct vmf_package_target *target, struct vmf_error *error)
{
  struct vmf_package_target own;

  VMF_REQUIRE(path, error);
  VMF_TRY(vmf_take_package_target(target, &own, error));
  struct vmf_signing signing = {
      .target = &own, .report = {.finding = own.findings.finding, .data = own.findings.data}};
  enum vmf_code code = vmf_signing_open(&signing, path, error);
  if (code == VMF_OK)
    code = run(&signing, action, error);
  vmf_signing_close(&signing);
  return code;
}
