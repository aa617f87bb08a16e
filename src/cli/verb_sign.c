/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry sign`: a package is signed where it is, or its signature taken away. */
#include "arguments.h"
#include "packaging.h"
#include "signals.h"
#include "status.h"

static const struct vmf_argument sign_arguments[] = {
    {.name = "key",
     .kind = VMF_ARGUMENT_TEXT,
     .value = "FILE",
     .field = VMF_SETTING(key),
     .help = "sign with this key, PEM"},
    VMF_ARGUMENT_CERT,
    VMF_ARGUMENT_PASSPHRASE,
    {.name = "digest",
     .kind = VMF_ARGUMENT_CHECKSUM,
     .value = "ALGORITHM",
     .field = VMF_SETTING(digest),
     .help = "digest of the signature and of a manifest that is made: sha256, sha512, or sha1, "
             "which is for the manifest only (default: the manifest's, else sha256)"},
    VMF_ARGUMENT_CMS,
    {.name = "remove",
     .kind = VMF_ARGUMENT_FLAG,
     .field = VMF_SETTING(remove),
     .help = "take the signature away; the manifest stays"},
    VMF_ARGUMENT_NO_SYNC,
    VMF_ARGUMENT_TRUST,
    VMF_ARGUMENT_NO_VERIFY,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    {0},
};

static enum vmf_code check_settings(const struct vmf_settings *settings, struct vmf_error *error)
{
  if (settings->remove && (settings->key || settings->digest))
    return vmf_arguments_wrong(error, "--remove takes neither --key nor --digest");
  if (settings->remove && (settings->trust.require_signature || settings->trust.ca_file ||
                           settings->trust.signer || settings->trust.no_verify))
    return vmf_arguments_wrong(error, "--remove checks nothing, and takes no option that says what "
                                      "is to be checked");
  if (!settings->remove && !settings->key)
    return vmf_arguments_wrong(error, "expected --key FILE or --remove");
  return vmf_packaging_check(settings, error);
}

static int sign_run(struct vmf_settings *settings)
{
  struct vmf_error error = {0};
  struct vmf_package_target target;
  struct vmf_progress progress = {
      .out = settings->progress && !settings->quiet ? stdout : NULL,
      .phases = 1,
  };
  enum vmf_code code = check_settings(settings, &error);

  vmf_signals_catch();
  if (code == VMF_OK) {
    vmf_packaging_target(settings, &progress, &target);
    code = vmf_package_sign(settings->operands[0], settings->remove, &target, &error);
    vmf_progress_end(&progress, code == VMF_OK);
  }
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

const struct vmf_verb vmf_verb_sign = {
    .name = "sign",
    .operands = "PACKAGE",
    .summary = "sign a package where it is",
    .arguments = sign_arguments,
    .min_operands = 1,
    .max_operands = 1,
    .usage_status = VMF_EXIT_OTHER,
    .run = sign_run,
};
