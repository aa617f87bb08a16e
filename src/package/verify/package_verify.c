/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Verification of a whole package: what reading it found, the rules, the schema, the files, the
 * disks in them, manifest and certificate. What is wrong with one of them does not keep the others
 * from being looked at. */
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "memory.h"
#include "package_checks.h"
#include "rules.h"

enum { TOLD_MAX = 10000 /* findings handed on; the rest is counted */ };

/* Findings on their way to the caller: files are called as the package calls them. */
struct way {
  const struct vmf_package *package;
  const struct vmf_findings_sink *sink;
  uint64_t told;
};

static void hand_on(void *data, const struct vmf_package_finding *finding)
{
  struct way *way = data;
  struct vmf_package_finding own = *finding;

  if (way->told++ >= TOLD_MAX || !way->sink->finding)
    return;
  if (own.file && strcmp(own.file, way->package->ovf->name) == 0)
    own.file = way->package->name;
  way->sink->finding(way->sink->data, &own);
}

static enum vmf_code tell(struct vmf_verification *verification, enum vmf_severity severity,
                          const char *rule, const char *file, unsigned line,
                          const struct vmf_error *found, struct vmf_error *error)
{
  if (found->code == VMF_NOMEM || found->code == VMF_CANCELLED || found->code == VMF_IN_USE) {
    *error = *found;
    return found->code;
  }
  vmf_report_add(verification->report, severity, rule, file, line, "%s", found->text);
  return VMF_OK;
}

enum vmf_code vmf_verify_tell_error(struct vmf_verification *verification, const char *rule,
                                    const char *file, unsigned line, const struct vmf_error *found,
                                    struct vmf_error *error)
{
  return tell(verification,
              found->code == VMF_UNSUPPORTED ? VMF_SEVERITY_WARNING : VMF_SEVERITY_FAILURE, rule,
              file, line, found, error);
}

enum vmf_code vmf_verify_tell_unread(struct vmf_verification *verification, const char *rule,
                                     const char *file, unsigned line, const struct vmf_error *found,
                                     struct vmf_error *error)
{
  return tell(verification, VMF_SEVERITY_FAILURE, rule, file, line, found, error);
}

static enum vmf_code verify_all(struct vmf_verification *verification, struct vmf_error *error)
{
  struct vmf_package *package = verification->package;
  const struct vmf_package_check *check = verification->check;

  vmf_package_tell(package, verification->report);
  VMF_TRY(vmf_rules_check(package->ovf, verification->report, error));
  if (check->schema_folder)
    VMF_TRY(vmf_schema_check(package->ovf, check->schema_folder, verification->report, error));
  if (!check->descriptor_only) {
    VMF_TRY(vmf_verify_files(verification, error));
    vmf_verify_archive(verification);
    VMF_TRY(vmf_verify_disks(verification, error));
  }
  return vmf_verify_manifest(verification, error);
}

static enum vmf_code verify(struct vmf_package *package, const struct vmf_package_check *check,
                            struct vmf_package_verdict *verdict, struct vmf_error *error)
{
  struct way way = {.package = package, .sink = &check->findings};
  struct vmf_report report = {.finding = hand_on, .data = &way};
  struct vmf_verification verification = {.package = package,
                                          .check = check,
                                          .verdict = verdict,
                                          .report = &report,
                                          .whole = true,
                                          .described = true};
  void *memory;

  *verdict = (struct vmf_package_verdict){.files = 0};
  VMF_TRY(vmf_alloc_table(package->ovf->file_count + 1, sizeof(struct vmf_checked_file), SIZE_MAX,
                          "References", &memory, error));
  verification.files = memory;
  enum vmf_code code = verify_all(&verification, error);
  for (size_t i = 0; i < package->ovf->file_count; i++)
    if (verification.files[i].names)
      vmf_package_names_free(verification.files[i].names, verification.files[i].count);
  vmf_free(verification.files);
  vmf_names_clear(&verification.stored);
  vmf_uses_clear(&verification.uses);
  memcpy(verdict->counts, report.counts, sizeof verdict->counts);
  return code;
}

enum vmf_code vmf_package_verify(struct vmf_package *package, const struct vmf_package_check *check,
                                 struct vmf_package_verdict *verdict, struct vmf_error *error)
{
  struct vmf_package_check own;
  struct vmf_package_verdict found;

  VMF_REQUIRE(package, error);
  VMF_REQUIRE(verdict, error);
  VMF_TRY(vmf_take_package_check(check, &own, error));
  VMF_TRY(vmf_take_package_verdict(verdict, &found, error));
  enum vmf_code code = verify(package, &own, &found, error);
  vmf_give_package_verdict(&found, verdict);
  return code;
}
