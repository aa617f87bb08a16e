/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A manifest made anew for what the files of a package are now, and what it says otherwise than the
 * old one. */
#include <string.h>

#include "certificate.h"
#include "memory.h"
#include "name_list.h"
#include "signing.h"

struct vmf_renewal {
  struct vmf_manifest *old, *made; /* old: empty where there was none */
  bool damaged;                    /* old has lines that are no digests */
  struct vmf_hashed *files;        /* one for each of signing->files; behind them the descriptor */
  struct vmf_names names;          /* theirs, sorted; number: the index */
};

static enum vmf_code read_old(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;
  struct vmf_renewal *renewal = signing->renewal;
  struct vmf_report report = {0};

  if (!package->manifest_text)
    return vmf_manifest_new(&renewal->old, error);
  VMF_TRY(vmf_manifest_read(package->manifest_name, package->manifest_text,
                            package->manifest_length, &report, &renewal->old, error));
  renewal->damaged = report.counts[VMF_SEVERITY_FAILURE] > 0;
  return VMF_OK;
}

/* What else the old one lists is part of the package, too. */
static enum vmf_code add_listed(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_manifest *old = signing->renewal->old;

  for (size_t i = 0; i < old->count; i++)
    if (vmf_package_has(signing->package, old->entries[i].name))
      VMF_TRY(vmf_signing_add_name(signing, old->entries[i].name, error));
  return vmf_signing_drop_repeated(signing, error);
}

static struct vmf_hashed *find_file(const struct vmf_renewal *renewal, const char *name)
{
  const struct vmf_name *found = vmf_names_find(&renewal->names, name);

  return found ? &renewal->files[found->number] : NULL;
}

/* By the new digest, and by those that the old manifest has of them. */
static enum vmf_code hash_all(struct vmf_signing *signing, enum vmf_digest_kind kind,
                              struct vmf_error *error)
{
  struct vmf_renewal *renewal = signing->renewal;
  const struct vmf_package *package = signing->package;
  size_t count = signing->files.count;
  struct vmf_hashed *described;
  void *memory;

  VMF_TRY(vmf_alloc_table(count + 1, sizeof *renewal->files, SIZE_MAX, "files", &memory, error));
  renewal->files = memory;
  described = &renewal->files[count];
  for (size_t i = 0; i <= count; i++) {
    renewal->files[i].name = i < count ? signing->files.names[i] : package->name;
    renewal->files[i].wanted[kind] = true;
    VMF_TRY(vmf_names_add(&renewal->names, renewal->files[i].name, 0, error));
  }
  vmf_names_sort(&renewal->names);
  for (size_t i = 0; i < renewal->old->count; i++) {
    struct vmf_hashed *file = find_file(renewal, renewal->old->entries[i].name);
    if (file)
      file->wanted[renewal->old->entries[i].kind] = true;
  }
  for (unsigned i = 0; i < VMF_DIGEST_KINDS; i++)
    if (described->wanted[i])
      VMF_TRY(vmf_digest_bytes((enum vmf_digest_kind)i, package->descriptor,
                               package->descriptor_length, described->digests[i], error));
  return vmf_signing_hash(signing, renewal->files, error);
}

static enum vmf_code list_file(struct vmf_renewal *renewal, struct vmf_hashed *file,
                               enum vmf_digest_kind kind, struct vmf_error *error)
{
  if (file->error.code != VMF_OK) {
    *error = file->error;
    return error->code;
  }
  if (!file->name)
    return VMF_OK; /* it is listed */
  VMF_TRY(vmf_manifest_add(renewal->made, file->name, kind, file->digests[kind], error));
  file->name = NULL;
  return VMF_OK;
}

/* In the order of the old one; what is new behind it, but for the descriptor. */
static enum vmf_code list_all(struct vmf_signing *signing, enum vmf_digest_kind kind,
                              struct vmf_error *error)
{
  struct vmf_renewal *renewal = signing->renewal;
  size_t count = signing->files.count;
  bool described = false;

  VMF_TRY(vmf_manifest_new(&renewal->made, error));
  for (size_t i = 0; i < renewal->old->count && !described; i++)
    described = strcmp(renewal->old->entries[i].name, signing->package->name) == 0;
  if (!described)
    VMF_TRY(list_file(renewal, &renewal->files[count], kind, error));
  for (size_t i = 0; i < renewal->old->count; i++) {
    struct vmf_hashed *file = find_file(renewal, renewal->old->entries[i].name);
    if (file)
      VMF_TRY(list_file(renewal, file, kind, error));
  }
  for (size_t i = 0; i < count; i++)
    VMF_TRY(list_file(renewal, &renewal->files[i], kind, error));
  return VMF_OK;
}

static bool is_same(const struct vmf_renewal *renewal)
{
  const struct vmf_manifest *old = renewal->old, *made = renewal->made;

  if (renewal->damaged || old->count != made->count)
    return false;
  for (size_t i = 0; i < made->count; i++) {
    const struct vmf_manifest_entry *a = &old->entries[i], *b = &made->entries[i];
    if (a->kind != b->kind || strcmp(a->name, b->name) != 0 ||
        memcmp(a->digest, b->digest, vmf_digest_size(a->kind)) != 0)
      return false;
  }
  return true;
}

enum vmf_code vmf_signing_begin_renewal(struct vmf_signing *signing, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof *signing->renewal, &memory, error));
  signing->renewal = memory;
  VMF_TRY(read_old(signing, error));
  return add_listed(signing, error);
}

enum vmf_code vmf_signing_renew(struct vmf_signing *signing, enum vmf_digest_kind kind,
                                struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;
  struct vmf_renewal *renewal = signing->renewal;

  if (!signing->target->digest && renewal->old->count > 0)
    kind = renewal->old->entries[0].kind;
  signing->kind = kind == VMF_SHA1 ? VMF_SHA256 : kind;
  VMF_TRY(hash_all(signing, kind, error));
  VMF_TRY(list_all(signing, kind, error));
  signing->manifest_changed = !is_same(renewal);
  if (signing->manifest_changed)
    return vmf_manifest_write(renewal->made, &signing->manifest_text, &signing->manifest_length,
                              error);
  signing->manifest_length = package->manifest_length;
  return vmf_copy_bytes(package->manifest_text, package->manifest_length, &signing->manifest_text,
                        error);
}

enum vmf_code vmf_signing_keep_certificate(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_package *package = signing->package;
  const struct vmf_trust trust = {0};
  struct vmf_signature signature = {0};
  struct vmf_report report = {0};

  if (!package->certificate_text)
    return VMF_OK;
  VMF_TRY(vmf_certificate_verify(package->certificate_name, package->certificate_text,
                                 package->certificate_length, signing->manifest_name,
                                 signing->manifest_text, signing->manifest_length, &trust, &report,
                                 &signature, error));
  bool good = signature.good;
  vmf_signature_clear(&signature);
  signing->certificate_length = package->certificate_length;
  return good ? vmf_copy_bytes(package->certificate_text, package->certificate_length,
                               &signing->certificate_text, error)
              : VMF_OK;
}

/* ---- what is told, once it is done ---- */

static void tell_old(struct vmf_signing *signing, const struct vmf_manifest_entry *entry)
{
  const struct vmf_hashed *file = find_file(signing->renewal, entry->name);
  const char *kind = vmf_manifest_kind_name(entry->kind);
  char was[2 * VMF_DIGEST_MAX + 1], is[2 * VMF_DIGEST_MAX + 1];
  size_t size = vmf_digest_size(entry->kind);

  vmf_digest_text(entry->digest, size, was);
  if (!file) {
    vmf_report_add(&signing->report, VMF_SEVERITY_NOTE, "manifest-entry-removed", entry->name, 0,
                   "%s; its %s was %s",
                   vmf_package_has(signing->package, entry->name)
                       ? "cannot be in the manifest, and is not any longer"
                       : "is not in the package, and not in the manifest any longer",
                   kind, was);
  } else if (memcmp(file->digests[entry->kind], entry->digest, size) != 0) {
    vmf_digest_text(file->digests[entry->kind], size, is);
    vmf_report_add(&signing->report, VMF_SEVERITY_NOTE, "manifest-entry-changed", entry->name, 0,
                   "its %s was %s, is %s", kind, was, is);
  }
}

static void tell_made(struct vmf_signing *signing, const struct vmf_manifest_entry *entry)
{
  char is[2 * VMF_DIGEST_MAX + 1];

  vmf_digest_text(entry->digest, vmf_digest_size(entry->kind), is);
  vmf_report_add(&signing->report, VMF_SEVERITY_NOTE, "manifest-entry-added", entry->name, 0,
                 "was not in the manifest; its %s is %s", vmf_manifest_kind_name(entry->kind), is);
}

enum vmf_code vmf_signing_tell_renewal(struct vmf_signing *signing, struct vmf_error *error)
{
  const struct vmf_renewal *renewal = signing->renewal;
  struct vmf_names listed = {0};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < renewal->old->count && code == VMF_OK; i++)
    code = vmf_names_add(&listed, renewal->old->entries[i].name, 0, error);
  vmf_names_sort(&listed);
  for (size_t i = 0; i < renewal->old->count && code == VMF_OK; i++)
    tell_old(signing, &renewal->old->entries[i]);
  for (size_t i = 0; i < renewal->made->count && code == VMF_OK; i++)
    if (!vmf_names_find(&listed, renewal->made->entries[i].name))
      tell_made(signing, &renewal->made->entries[i]);
  vmf_names_clear(&listed);
  if (code == VMF_OK && renewal->damaged)
    vmf_report_add(&signing->report, VMF_SEVERITY_NOTE, "manifest-renewed", signing->manifest_name,
                   0, "lines that were no digests are not in it any longer");
  return code;
}

void vmf_signing_end_renewal(struct vmf_signing *signing)
{
  struct vmf_renewal *renewal = signing->renewal;

  if (!renewal)
    return;
  vmf_manifest_free(renewal->old);
  vmf_manifest_free(renewal->made);
  vmf_free(renewal->files);
  vmf_names_clear(&renewal->names);
  vmf_free(renewal);
}
