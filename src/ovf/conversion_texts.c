/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Manifest and certificate of the package that is converted: what they say is checked, and where
 * nothing changes they stay. */
#include <string.h>

#include "conversion.h"
#include "memory.h"

bool vmf_conversion_is_text(const struct vmf_package *package, const char *name)
{
  return strcmp(name, package->name) == 0 ||
         (package->manifest_name && strcmp(name, package->manifest_name) == 0) ||
         (package->certificate_name && strcmp(name, package->certificate_name) == 0);
}

/* Whatever else the manifest lists must be there and be right, too. */
enum vmf_code vmf_conversion_check_listed(struct vmf_conversion *conversion,
                                          struct vmf_error *error)
{
  const struct vmf_manifest *manifest = conversion->manifest;
  struct vmf_package *package = conversion->package;

  for (size_t i = 0; manifest && !conversion->disks && i < manifest->count; i++) {
    const char *name = manifest->entries[i].name;
    struct vmf_source_check *check;
    if (conversion->listed[i] || vmf_conversion_is_text(package, name))
      continue;
    if (!vmf_package_has(package, name))
      return vmf_fail(error, VMF_DIFFERENT,
                      "%s: the manifest lists \"%s\" (line %u), which is not there", package->path,
                      name, manifest->entries[i].line);
    VMF_TRY(vmf_source_check_new(package, manifest, NULL, name, &check, error));
    enum vmf_code code = vmf_source_check_end(check, conversion->target->cancel, error);
    vmf_source_check_free(check);
    VMF_TRY(code);
  }
  return VMF_OK;
}

/* Whether the source's manifest has the form that is written here; without a signature there is no
 * reason to keep another one. */
static bool is_exact(const struct vmf_conversion *conversion)
{
  const struct vmf_package *package = conversion->package;
  const struct vmf_manifest *manifest = conversion->manifest;
  VMF_AUTO_FREE char *text = NULL;
  size_t length;

  return manifest && manifest->count > 0 && strcmp(manifest->entries[0].name, package->name) == 0 &&
         vmf_manifest_write(manifest, &text, &length, NULL) == VMF_OK &&
         length == package->manifest_length && memcmp(text, package->manifest_text, length) == 0;
}

/* Whether a digest was asked for that the source's manifest does not have. */
static bool wants_other_digest(const struct vmf_conversion *conversion)
{
  const struct vmf_manifest *manifest = conversion->manifest;
  const char *wanted = conversion->form ? conversion->target->digest : NULL;
  enum vmf_digest_kind kind;

  if (!wanted || !manifest || !vmf_manifest_kind(wanted, strlen(wanted), &kind))
    return false;
  for (size_t i = 0; i < manifest->count; i++)
    if (manifest->entries[i].kind != kind)
      return true;
  return false;
}

/* Whether the new package is the old one, byte for byte: then both stay valid. */
enum vmf_code vmf_conversion_keep_texts(struct vmf_conversion *conversion, struct vmf_error *error)
{
  struct vmf_package *package = conversion->package;
  struct vmf_assembly *assembly = &conversion->assembly;
  VMF_AUTO_FREE char *text = NULL;
  size_t length;
  bool same =
      !conversion->disks && strcmp(conversion->destination->descriptor_name, package->name) == 0;

  VMF_TRY(vmf_conversion_describe(conversion, VMF_DESCRIBE_WIDEST, &text, &length, error));
  same = same && length == package->descriptor_length &&
         memcmp(text, package->descriptor, length) == 0;
  for (size_t i = 0; i < package->ovf->file_count; i++)
    same = same && !conversion->files[i].rewritten;
  same = same && (package->certificate_text || is_exact(conversion)) &&
         !wants_other_digest(conversion);
  if (same && package->manifest_text) {
    assembly->manifest_text = package->manifest_text;
    assembly->manifest_length = package->manifest_length;
    if (package->certificate_text && !conversion->target->key_path) {
      assembly->certificate_text = package->certificate_text;
      assembly->certificate_length = package->certificate_length;
    }
  }
  if (package->certificate_text && !assembly->certificate_text && !conversion->disks &&
      !conversion->target->key_path)
    vmf_report_add(conversion->report, VMF_SEVERITY_LOSS, "loss-signature",
                   package->certificate_name, 0,
                   "the signature is not valid for what is written now; sign it again");
  return VMF_OK;
}

enum vmf_code vmf_conversion_read_manifest(struct vmf_conversion *conversion,
                                           struct vmf_error *error)
{
  struct vmf_package *package = conversion->package;

  if (!package->manifest_text)
    return VMF_OK;
  VMF_TRY(vmf_manifest_read(package->manifest_name, package->manifest_text,
                            package->manifest_length, conversion->report, &conversion->manifest,
                            error));
  /* people write in templates */
  return conversion->disks ? VMF_OK
                           : vmf_source_check_descriptor(package, conversion->manifest, error);
}
