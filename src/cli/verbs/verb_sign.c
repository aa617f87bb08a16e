/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry sign`: a package is signed where it is, or its signature taken away. */
#include <stdio.h>

#include "arguments.h"
#include "common_arguments.h"
#include "human.h"
#include "packaging.h"
#include "signals.h"
#include "status.h"

struct sign_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  struct vmf_target_settings target;
  struct vmf_signing_settings signing;
  bool renew;  /* the manifest */
  bool remove; /* the signature */
};

#define VMF_SETTINGS struct sign_settings

static const struct sign_settings sign_initial = {.source = VMF_SOURCE_CHECKED};

static const struct vmf_argument sign_arguments[] = {
    VMF_GROUP_SIGNING,
    {.name = "key", VMF_SETS_TEXT(signing.key), .value = "FILE", .help = "sign with this key, PEM"},
    VMF_ARGUMENT_CERT,
    VMF_ARGUMENT_PASSPHRASE,
    {.name = "digest",
     VMF_SETS_CHECKSUM(signing.digest),
     .value = "ALGORITHM",
     .help = "digest of the signature and of a manifest that is made: sha256, sha512, or sha1, "
             "which is for the manifest only (default: the manifest's, else sha256)"},
    VMF_ARGUMENT_CMS,
    {.name = "renew",
     VMF_SETS_FLAG(renew),
     .contradicts = "remove",
     .help = "make the manifest anew for what the files are now, and tell what was changed; a "
             "signature that does not fit any longer is replaced with --key, else removed"},
    {.name = "remove",
     VMF_SETS_FLAG(remove),
     .help = "take the signature away; the manifest stays"},
    VMF_GROUP_READING,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_GROUP_WRITING,
    VMF_ARGUMENT_NO_SYNC,
    VMF_GROUP_TRUST,
    VMF_ARGUMENT_TRUST,
    VMF_ARGUMENT_NO_VERIFY,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    {0},
};

static enum vmf_code check_settings(const struct sign_settings *settings, struct vmf_error *error)
{
  if (settings->remove && (settings->signing.key || settings->signing.digest))
    return vmf_arguments_wrong(error, "--remove takes neither --key nor --digest");
  if ((settings->remove || settings->renew) &&
      (settings->source.trust.require_signature || settings->source.trust.ca_file ||
       settings->source.trust.signer || settings->source.trust.no_verify))
    return vmf_arguments_wrong(error,
                               "--%s checks nothing by manifest and signature, and takes no option "
                               "that says what is to be checked",
                               settings->remove ? "remove" : "renew");
  if (!settings->remove && !settings->renew && !settings->signing.key)
    return vmf_arguments_wrong(error, "expected --key FILE, --renew or --remove");
  return vmf_packaging_check(&settings->signing, error);
}

struct renewing {
  struct vmf_command *command;
  bool changed;
};

/* What --renew has changed is its answer. */
static void renewing_finding(void *data, const struct vmf_package_finding *finding)
{
  struct renewing *renewing = data;

  if (finding->severity != VMF_SEVERITY_NOTE) {
    vmf_packaging_finding(renewing->command, finding);
    return;
  }
  renewing->changed = true;
  if (renewing->command->quiet)
    return;
  vmf_human_text(stdout, finding->file);
  fputs(": ", stdout);
  vmf_human_text(stdout, finding->text);
  putchar('\n');
}

static enum vmf_code sign_package(struct sign_settings *settings, struct vmf_package_target *target,
                                  struct vmf_error *error)
{
  const char *package = settings->command.operands[0];
  struct renewing renewing = {.command = &settings->command};

  if (!settings->renew)
    return vmf_package_sign(package, settings->remove ? VMF_SIGNING_REMOVE : VMF_SIGNING_SIGN,
                            target, error);
  target->findings = (struct vmf_findings_sink){.finding = renewing_finding, .data = &renewing};
  enum vmf_code code = vmf_package_sign(package, VMF_SIGNING_RENEW, target, error);
  if (code == VMF_OK && !renewing.changed && !settings->command.quiet)
    puts("no file differs from the manifest");
  return code;
}

static int sign_run(void *given)
{
  struct sign_settings *settings = given;
  struct vmf_error error = {0};
  const struct vmf_packaging packaging = {&settings->command, &settings->source, &settings->target,
                                          &settings->signing, NULL};
  struct vmf_package_target target;
  struct vmf_progress progress =
      vmf_progress_begin(&settings->command, settings->command.operands[0], "signing");
  enum vmf_code code = check_settings(settings, &error);

  vmf_signals_catch();
  if (code == VMF_OK) {
    code = vmf_packaging_target(&packaging, &progress, &target, &error);
    if (code == VMF_OK)
      code = sign_package(settings, &target, &error);
    vmf_progress_end(&progress, code == VMF_OK);
  }
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

static const char *const sign_examples[] = {
    "vmferry sign --key key.pem --cert cert.pem appliance.ova",
    "vmferry sign --renew appliance.ova",
    "vmferry sign --remove appliance.ova",
    NULL,
};

const struct vmf_verb vmf_verb_sign = {
    .name = "sign",
    .purpose = VMF_PURPOSE_PACKAGES,
    .operands = "PACKAGE",
    .summary = "sign a package where it is",
    .examples = sign_examples,
    .arguments = sign_arguments,
    VMF_STARTS_WITH(sign_initial),
    .min_operands = 1,
    .max_operands = 1,
    .written = VMF_WRITTEN_ALL,
    .usage_status = VMF_EXIT_OTHER,
    .run = sign_run,
};
