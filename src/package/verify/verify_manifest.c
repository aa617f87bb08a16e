/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Manifest and certificate: is every file covered, is every digest right, who has signed? */
#include <stdio.h>
#include <string.h>

#include "certificate.h"
#include "hash_stored.h"
#include "memory.h"
#include "package_checks.h"

enum { PATH_ROOM = 4096 /* what the kernel takes */ };

/* ---- the certificate ---- */

static bool signature_wanted(const struct vmf_package_check *check)
{
  return check->require_signature || check->ca_file || check->signer;
}

static enum vmf_code check_signature(struct vmf_verification *verification, struct vmf_error *error)
{
  const struct vmf_package *package = verification->package;
  struct vmf_package_verdict *verdict = verification->verdict;
  const struct vmf_trust trust = {.ca_file = verification->check->ca_file,
                                  .signer = verification->check->signer,
                                  .strict = signature_wanted(verification->check)};
  struct vmf_signature signature = {0};

  enum vmf_code code = vmf_certificate_verify(package->certificate_name, package->certificate_text,
                                              package->certificate_length, package->manifest_name,
                                              package->manifest_text, package->manifest_length,
                                              &trust, verification->report, &signature, error);
  verdict->signature_good = signature.good;
  verdict->signature_trusted = signature.trusted;
  snprintf(verdict->signer, sizeof verdict->signer, "%s",
           signature.subject ? signature.subject : "");
  snprintf(verdict->fingerprint, sizeof verdict->fingerprint, "%s", signature.fingerprint);
  vmf_signature_clear(&signature);
  return code;
}

static enum vmf_code check_certificate(struct vmf_verification *verification,
                                       struct vmf_error *error)
{
  const struct vmf_package *package = verification->package;

  verification->verdict->has_signature = package->certificate_text != NULL;
  if (package->certificate_text && package->manifest_text)
    return check_signature(verification, error);
  if (package->certificate_text)
    vmf_report_add(verification->report, VMF_SEVERITY_FAILURE, "signature-without-manifest",
                   package->certificate_name, 0,
                   "a certificate without the manifest that it signs");
  else if (signature_wanted(verification->check))
    vmf_report_add(verification->report, VMF_SEVERITY_FAILURE, "signature-missing", NULL, 0,
                   "the package is not signed");
  return VMF_OK;
}

/* ---- what the manifest covers ---- */

struct coverage {
  struct vmf_manifest *manifest;
  struct vmf_names listed;     /* sorted; number: of the entry */
  struct vmf_uses there;       /* sorted: the listed files that are there */
  const char *unopened;        /* a listed one that could not be opened, borrowed; NULL: none */
  struct vmf_error why;        /* it could not */
  struct vmf_hashed *files;    /* to hash */
  struct vmf_stored_key *keys; /* of each of them */
  size_t count;
};

static enum vmf_code collect_listed(struct coverage *coverage, struct vmf_error *error)
{
  for (size_t i = 0; i < coverage->manifest->count; i++)
    VMF_TRY(vmf_names_add(&coverage->listed, coverage->manifest->entries[i].name,
                          coverage->manifest->entries[i].line, error));
  vmf_names_sort(&coverage->listed);
  return VMF_OK;
}

static void tell_unlisted(struct vmf_verification *verification, const char *name)
{
  vmf_report_add(verification->report, VMF_SEVERITY_FAILURE, "manifest-file-unlisted", name, 0,
                 "the manifest has no digest of the file: it cannot be told whether it was "
                 "altered");
}

static bool is_listed(const struct coverage *coverage, const char *name)
{
  return vmf_names_find(&coverage->listed, name) != NULL;
}

/* Files of References that no manifest lists: they are no reason to doubt it, unless they are read.
 */
static bool is_seal(const struct vmf_package *package, const char *name)
{
  return strcmp(name, package->manifest_name) == 0 ||
         (package->certificate_name && strcmp(name, package->certificate_name) == 0);
}

/* Whether check_unlisted tells it. */
static bool is_told(const struct vmf_verification *verification, const struct coverage *coverage,
                    const char *name)
{
  return vmf_names_find(&verification->stored, name) && !is_listed(coverage, name) &&
         !is_seal(verification->package, name);
}

/* Whatever the disks are read from is a file of the manifest, by whatever name. What has the name
 * of one and is another file is found when all are hashed. */
static enum vmf_code check_uses(struct vmf_verification *verification, struct coverage *coverage,
                                struct vmf_error *error)
{
  const struct vmf_uses *uses = &verification->uses;

  for (size_t i = 0; uses->count > 0 && i < coverage->listed.count; i++) {
    const char *name = coverage->listed.entries[i].text;
    struct vmf_error why = {0};
    if (!vmf_names_repeats(&coverage->listed, i) && strcmp(name, verification->package->name) != 0)
      VMF_TRY(vmf_uses_add_stored(&coverage->there, verification->package, name, &why, error));
    if (why.code != VMF_OK) {
      coverage->unopened = name;
      coverage->why = why;
    }
  }
  vmf_uses_sort(&coverage->there);
  for (size_t i = 0; i < uses->count; i++) {
    const char *name = uses->entries[i].name;
    if (!vmf_uses_have(&coverage->there, &uses->entries[i].key) && !is_listed(coverage, name) &&
        !is_told(verification, coverage, name))
      tell_unlisted(verification, name);
  }
  return VMF_OK;
}

/* Every file of References. */
static void check_unlisted(struct vmf_verification *verification, const struct coverage *coverage)
{
  const struct vmf_names *stored = &verification->stored;

  for (size_t i = 0; i < stored->count; i++) {
    const char *name = stored->entries[i].text;
    if (!vmf_names_repeats(stored, i) && is_told(verification, coverage, name))
      tell_unlisted(verification, name);
  }
}

/* ---- digests ---- */

void vmf_verify_digest(const struct vmf_manifest_entry *entry, const uint8_t *digest,
                       struct vmf_report *report)
{
  size_t size = vmf_digest_size(entry->kind);
  char found[2 * VMF_DIGEST_MAX + 1], said[2 * VMF_DIGEST_MAX + 1];

  if (memcmp(digest, entry->digest, size) == 0)
    return;
  vmf_digest_text(digest, size, found);
  vmf_digest_text(entry->digest, size, said);
  vmf_report_add(report, VMF_SEVERITY_FAILURE, "manifest-digest-wrong", entry->name, 0,
                 "the %s of the file is %s, line %u of the manifest says %s",
                 vmf_manifest_kind_name(entry->kind), found, entry->line, said);
}

/* The bytes that were read when the package was opened; they say what all the others are. */
static enum vmf_code check_descriptor(struct vmf_verification *verification,
                                      const struct coverage *coverage, struct vmf_error *error)
{
  const struct vmf_package *package = verification->package;
  bool hashed = false;

  for (size_t i = 0; i < coverage->manifest->count; i++) {
    const struct vmf_manifest_entry *entry = &coverage->manifest->entries[i];
    uint8_t result[VMF_DIGEST_MAX];
    if (strcmp(entry->name, package->name) != 0)
      continue;
    VMF_TRY(vmf_digest_bytes(entry->kind, package->descriptor, package->descriptor_length, result,
                             error));
    vmf_verify_digest(entry, result, verification->report);
    hashed = true;
  }
  if (hashed) {
    verification->verdict->files++;
    verification->verdict->bytes += package->descriptor_length;
  } else {
    vmf_report_add(verification->report, VMF_SEVERITY_FAILURE, "manifest-descriptor-unlisted",
                   package->name, 0,
                   "the manifest has no digest of the descriptor: it cannot be told whether it was "
                   "altered");
  }
  return VMF_OK;
}

/* Whether it is called as a chunk of a file that is used: the last ones of a file whose size nobody
 * says are missed by nobody else. */
static bool is_chunk(const struct vmf_verification *verification, const char *name)
{
  static const char first[] = ".000000000";
  char text[PATH_ROOM];
  size_t length = strlen(name), tail = sizeof first - 1;

  if (length <= tail || length >= sizeof text || name[length - tail] != '.' ||
      strspn(name + length - tail + 1, "0123456789") != tail - 1)
    return false;
  snprintf(text, sizeof text, "%.*s%s", (int)(length - tail), name, first);
  return vmf_names_find(&verification->stored, text) != NULL;
}

/* Whether a listed file is one of those that are used. */
static bool is_used(struct vmf_verification *verification, const char *name)
{
  struct vmf_package *package = verification->package;
  struct vmf_stored_key key;
  struct vmf_io *io;

  if (verification->whole || vmf_names_find(&verification->stored, name) ||
      is_chunk(verification, name))
    return true;
  if (vmf_package_open_stored(package, name, &io, NULL) != VMF_OK)
    return false;
  bool used = vmf_stored_key(package, io, &key) && vmf_uses_have(&verification->uses, &key);
  vmf_io_close(io);
  return used;
}

/* Whether the file of that name is to be hashed; tells what speaks against it. */
static bool worth_hashing(struct vmf_verification *verification, const char *name, unsigned line)
{
  const struct vmf_package *package = verification->package;
  const char *manifest = package->manifest_name;

  if (strcmp(name, package->name) == 0)
    return false;
  if (strcmp(name, manifest) == 0 ||
      (package->certificate_name && strcmp(name, package->certificate_name) == 0)) {
    vmf_report_add(verification->report, VMF_SEVERITY_VIOLATION, "manifest-lists-itself", manifest,
                   line, "the manifest has a digest of \"%s\", which cannot be in it", name);
    return false;
  }
  if (!is_used(verification, name))
    return false;
  if (!vmf_names_find(&verification->stored, name))
    vmf_report_add(verification->report, VMF_SEVERITY_WARNING, "manifest-file-extra", manifest,
                   line, "the manifest has a digest of \"%s\", which References does not have",
                   name);
  return true;
}

/* Whether what is stored by that name is hashed later. */
static bool is_owed(const struct vmf_verification *verification, const char *name,
                    struct vmf_stored_key *key)
{
  struct vmf_package *package = verification->package;
  struct vmf_io *io;

  if (!verification->owed || verification->owed->files.count == 0 ||
      vmf_package_open_stored(package, name, &io, NULL) != VMF_OK)
    return false;
  bool owed = vmf_stored_key(package, io, key) && vmf_uses_have(&verification->owed->files, key);
  vmf_io_close(io);
  return owed;
}

/* One vmf_hashed for each name, whatever number of digests it has. */
static enum vmf_code plan_hashing(struct vmf_verification *verification, struct coverage *coverage,
                                  struct vmf_error *error)
{
  struct vmf_stored_key key;
  bool wanted = false, owed = false; /* what the last name is */
  void *memory;

  VMF_TRY(vmf_alloc_table(coverage->listed.count + 1, sizeof(struct vmf_hashed), SIZE_MAX,
                          "manifest", &memory, error));
  coverage->files = memory;
  VMF_TRY(vmf_alloc_table(coverage->listed.count + 1, sizeof(struct vmf_stored_key), SIZE_MAX,
                          "manifest", &memory, error));
  coverage->keys = memory;
  for (size_t i = 0; i < coverage->listed.count; i++) {
    const struct vmf_name *name = &coverage->listed.entries[i];
    const struct vmf_manifest_entry *entry = &coverage->manifest->entries[name->number];
    if (!vmf_names_repeats(&coverage->listed, i)) {
      wanted = worth_hashing(verification, name->text, name->line);
      owed = wanted && is_owed(verification, name->text, &key);
      if (wanted && !owed)
        coverage->files[coverage->count++].name = name->text;
    }
    if (owed)
      VMF_TRY(vmf_owed_add(verification->owed, &key, entry, error));
    else if (wanted)
      coverage->files[coverage->count - 1].wanted[entry->kind] = true;
  }
  return VMF_OK;
}

static enum vmf_code judge_file(struct vmf_verification *verification,
                                const struct coverage *coverage, const struct vmf_hashed *file,
                                struct vmf_error *error)
{
  const struct vmf_name *name = vmf_names_find(&coverage->listed, file->name);
  const struct vmf_name *end = coverage->listed.entries + coverage->listed.count;

  if (file->error.code != VMF_OK)
    return vmf_verify_tell_unread(verification,
                                  vmf_package_has(verification->package, file->name)
                                      ? "file-unreadable"
                                      : "manifest-file-missing",
                                  file->name, 0, &file->error, error);
  verification->verdict->files++;
  verification->verdict->bytes += file->size;
  for (; name < end && strcmp(name->text, file->name) == 0; name++) {
    const struct vmf_manifest_entry *entry = &coverage->manifest->entries[name->number];
    vmf_verify_digest(entry, file->digests[entry->kind], verification->report);
  }
  return VMF_OK;
}

/* Whether what is used is what the manifest was held against: as a file that is there now, or as
 * one that is hashed later, as it was opened. The descriptor's bytes were looked at before. Outside
 * of a gate nothing is open any more, and not every file system knows a file again then. */
static bool is_checked(const struct vmf_verification *verification, const struct coverage *coverage,
                       const struct vmf_uses *hashed, const struct vmf_use *use)
{
  const struct vmf_owed *owed = verification->owed;

  if (!vmf_uses_have(&coverage->there, &use->key))
    return !verification->first_only || !is_listed(coverage, use->name) ||
           strcmp(use->name, verification->package->name) == 0;
  return vmf_uses_have(hashed, &use->key) || (owed && vmf_uses_have(&owed->files, &use->key));
}

static enum vmf_code tell_other(struct vmf_verification *verification,
                                const struct coverage *coverage, const char *name,
                                struct vmf_error *error)
{
  if (coverage->unopened && strcmp(coverage->unopened, name) == 0)
    return vmf_verify_tell_unread(verification, "file-unreadable", name, 0, &coverage->why, error);
  return vmf_fail(error, VMF_CHANGED,
                  "%s: another file took its name between being opened and being hashed", name);
}

/* What is used is what was hashed, not another file that had its name before or meanwhile. */
static enum vmf_code check_hashed(struct vmf_verification *verification,
                                  const struct coverage *coverage, struct vmf_error *error)
{
  const struct vmf_uses *uses = &verification->uses;
  struct vmf_uses hashed = {0};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < coverage->count && code == VMF_OK; i++)
    code = vmf_uses_add(&hashed, &coverage->keys[i], "", error);
  vmf_uses_sort(&hashed);
  for (size_t i = 0; i < uses->count && code == VMF_OK; i++)
    if (!is_checked(verification, coverage, &hashed, &uses->entries[i]))
      code = tell_other(verification, coverage, uses->entries[i].name, error);
  vmf_uses_clear(&hashed);
  return code;
}

static bool is_enough(const struct vmf_verification *verification)
{
  return verification->first_only && verification->report->counts[VMF_SEVERITY_FAILURE] > 0;
}

static enum vmf_code check_files(struct vmf_verification *verification, struct coverage *coverage,
                                 struct vmf_error *error)
{
  const struct vmf_package_check *check = verification->check;

  VMF_TRY(plan_hashing(verification, coverage, error));
  const struct vmf_hash_stored stored = {.package = verification->package,
                                         .files = coverage->files,
                                         .keys = coverage->keys,
                                         .count = coverage->count,
                                         .threads = check->threads,
                                         .crew = check->crew,
                                         .cancel = check->cancel,
                                         .progress = check->progress,
                                         .progress_data = check->progress_data};
  VMF_TRY(vmf_hash_stored(&stored, error));
  bool unread = false; /* which is told, and a failure */
  for (size_t i = 0; i < coverage->count; i++) {
    VMF_TRY(judge_file(verification, coverage, &coverage->files[i], error));
    unread = unread || coverage->files[i].error.code != VMF_OK;
  }
  return unread ? VMF_OK : check_hashed(verification, coverage, error);
}

static enum vmf_code check_coverage(struct vmf_verification *verification,
                                    struct coverage *coverage, struct vmf_error *error)
{
  VMF_TRY(collect_listed(coverage, error));
  if (verification->described)
    VMF_TRY(check_descriptor(verification, coverage, error));
  if (verification->check->descriptor_only)
    return VMF_OK;
  check_unlisted(verification, coverage);
  VMF_TRY(check_uses(verification, coverage, error));
  return is_enough(verification) ? VMF_OK : check_files(verification, coverage, error);
}

enum vmf_code vmf_verify_manifest(struct vmf_verification *verification, struct vmf_error *error)
{
  const struct vmf_package *package = verification->package;
  struct coverage coverage = {0};

  VMF_TRY(check_certificate(verification, error));
  verification->verdict->has_manifest = package->manifest_text != NULL;
  if (!package->manifest_text) {
    vmf_report_add(verification->report, VMF_SEVERITY_WARNING, "manifest-missing", NULL, 0,
                   "the package has no manifest: it cannot be told whether it was altered");
    return VMF_OK;
  }
  VMF_TRY(vmf_manifest_read(package->manifest_name, package->manifest_text,
                            package->manifest_length, verification->report, &coverage.manifest,
                            error));
  enum vmf_code code = check_coverage(verification, &coverage, error);
  vmf_manifest_free(coverage.manifest);
  vmf_names_clear(&coverage.listed);
  vmf_uses_clear(&coverage.there);
  vmf_free(coverage.files);
  vmf_free(coverage.keys);
  return code;
}
