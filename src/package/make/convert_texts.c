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

/* Whether the new package is the old one, byte for byte: then both stay valid. Without a check
 * nobody knows. */
enum vmf_code vmf_conversion_keep_texts(struct vmf_conversion *conversion, struct vmf_error *error)
{
  struct vmf_package *package = conversion->package;
  struct vmf_assembly *assembly = &conversion->assembly;
  VMF_AUTO_FREE char *text = NULL;
  size_t length;
  bool same = conversion->manifest && !conversion->disks &&
              strcmp(conversion->destination->descriptor_name, package->name) == 0;

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

/* The gate tells the failures. */
static void tell_oddity(void *data, const struct vmf_package_finding *finding)
{
  struct vmf_report *report = data;

  if (finding->severity != VMF_SEVERITY_FAILURE)
    vmf_report_add(report, finding->severity, finding->rule, finding->file, finding->line, "%s",
                   finding->text);
}

enum vmf_code vmf_conversion_read_manifest(struct vmf_conversion *conversion,
                                           struct vmf_error *error)
{
  struct vmf_package *package = conversion->package;
  struct vmf_report oddities = {.finding = tell_oddity, .data = conversion->report};

  if (!package->manifest_text || conversion->gate.trust.no_verify)
    return VMF_OK;
  return vmf_manifest_read(package->manifest_name, package->manifest_text, package->manifest_length,
                           &oddities, &conversion->manifest, error);
}
