/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "checked.h"
#include "file.h"
#include "list.h"
#include "memory.h"
#include "package_checks.h"

enum vmf_code vmf_gate_new(struct vmf_package *package, const struct vmf_package_trust *trust,
                           struct vmf_gate *gate, struct vmf_error *error)
{
  *gate = (struct vmf_gate){.package = package, .described = true};
  VMF_TRY(vmf_take_package_trust(trust, &gate->trust, error));
  const struct vmf_package_trust *own = &gate->trust;
  if (own->no_verify && (own->require_signature || own->ca_file || own->signer))
    return vmf_fail(error, VMF_USAGE,
                    "%s: a signature is asked for, and that nothing is verified (--no-verify); "
                    "expected one of them",
                    package->path);
  return VMF_OK;
}

void vmf_gate_clear(struct vmf_gate *gate)
{
  for (size_t i = 0; i < gate->kept_count; i++)
    vmf_image_close(gate->kept[i]);
  free(gate->kept);
  vmf_names_clear(&gate->stored);
  vmf_uses_clear(&gate->uses);
  vmf_owed_clear(&gate->owed);
  *gate = (struct vmf_gate){0};
}

enum vmf_code vmf_gate_unsigned(const char *name, const char *what,
                                const struct vmf_package_trust *trust, struct vmf_error *error)
{
  struct vmf_package_trust own;

  VMF_TRY(vmf_take_package_trust(trust, &own, error));
  if (!own.require_signature && !own.ca_file && !own.signer)
    return VMF_OK;
  return vmf_fail(error, VMF_DIFFERENT,
                  "%s: a signature is required, and only packages are signed; this is %s", name,
                  what);
}

/* ---- progress ---- */

static void show(const struct vmf_gate *gate, uint64_t done)
{
  if (gate->progress)
    gate->progress(gate->progress_data, done, gate->to_hash + gate->to_unpack);
}

static void show_hashing(void *data, uint64_t done, uint64_t total)
{
  struct vmf_gate *gate = data;

  gate->to_hash = total;
  show(gate, done);
}

/* How far an image is, is told in other bytes than those of its files. */
static void show_unpacking(void *data, uint64_t done, uint64_t total)
{
  const struct vmf_gate *gate = data;
  uint64_t left = gate->to_unpack - gate->unpacked;

  show(gate, gate->to_hash + gate->unpacked + vmf_min(done, vmf_min(total, left)));
}

/* ---- what is used ---- */

enum vmf_code vmf_gate_file(struct vmf_gate *gate, const struct vmf_ovf_file *file,
                            struct vmf_error *error)
{
  char **names;
  size_t count;

  VMF_TRY(vmf_package_stored_names(gate->package, file, &names, &count, error));
  enum vmf_code code = VMF_OK;
  for (size_t i = 0; i < count && code == VMF_OK; i++)
    code = vmf_names_add(&gate->stored, names[i], file->line, error);
  vmf_package_names_free(names, count);
  return code;
}

enum vmf_code vmf_gate_io(struct vmf_gate *gate, const struct vmf_io *io, struct vmf_error *error)
{
  return vmf_uses_add_io(&gate->uses, gate->package, io, error);
}

enum vmf_code vmf_gate_later(struct vmf_gate *gate, const struct vmf_io *io,
                             struct vmf_error *error)
{
  struct vmf_stored_key key;

  VMF_TRY(vmf_gate_io(gate, io, error));
  if (!vmf_stored_key(gate->package, io, &key))
    return VMF_OK;
  return vmf_uses_add(&gate->owed.files, &key, io->name, error);
}

enum vmf_code vmf_gate_image(struct vmf_gate *gate, const struct vmf_image *image,
                             struct vmf_error *error)
{
  return vmf_uses_add_image(&gate->uses, gate->package, image, error);
}

enum vmf_code vmf_gate_keep(struct vmf_gate *gate, struct vmf_image *image, struct vmf_error *error)
{
  enum vmf_code code =
      VMF_LIST_ROOM(gate->kept, gate->kept_count, gate->kept_capacity, "disks", error);

  if (code != VMF_OK) {
    vmf_image_close(image);
    return code;
  }
  gate->kept[gate->kept_count++] = image;
  gate->to_unpack += vmf_image_stored_bytes(image);
  return vmf_gate_image(gate, image, error);
}

enum vmf_code vmf_gate_keep_disk(struct vmf_gate *gate, const struct vmf_ovf_disk *disk,
                                 struct vmf_report *report, struct vmf_error *error)
{
  struct vmf_image *image;

  if (gate->trust.no_verify)
    return VMF_OK;
  enum vmf_code code = vmf_package_open_locked(gate->package, disk, &image, error);
  if (code == VMF_OK)
    return vmf_gate_keep(gate, image, error);
  if (code != VMF_UNSUPPORTED)
    return code;
  vmf_report_add(report, VMF_SEVERITY_WARNING, "disk-unsupported", gate->package->name, disk->line,
                 "%s", error->text);
  return VMF_OK;
}

/* ---- the gate ---- */

struct first_failure {
  const struct vmf_package *package;
  struct vmf_error error; /* VMF_OK: none */
};

static void take_finding(void *data, const struct vmf_package_finding *finding)
{
  struct first_failure *first = data;
  const char *name = finding->file ? finding->file : first->package->name;
  char place[300];

  if (finding->severity != VMF_SEVERITY_FAILURE || first->error.code != VMF_OK)
    return;
  if (finding->line > 0)
    snprintf(place, sizeof place, "%s:%u", name, finding->line);
  else
    snprintf(place, sizeof place, "%s", name);
  (void)!vmf_fail(&first->error,
                  strcmp(finding->rule, "file-unreadable") == 0 ? VMF_READ : VMF_DIFFERENT,
                  "%s: %s: %s [%s]; --no-verify takes it as it is", first->package->path, place,
                  finding->text, finding->rule);
}

/* Manifest and certificate, for what is used. */
static enum vmf_code check(struct vmf_gate *gate, struct vmf_owed *owed, struct vmf_error *error)
{
  const struct vmf_package_check how = {.size = sizeof how,
                                        .ca_file = gate->trust.ca_file,
                                        .signer = gate->trust.signer,
                                        .require_signature = gate->trust.require_signature,
                                        .threads = gate->threads,
                                        .crew = gate->crew,
                                        .progress = gate->progress ? show_hashing : NULL,
                                        .progress_data = gate,
                                        .cancel = gate->cancel};
  struct first_failure first = {.package = gate->package};
  struct vmf_report report = {.finding = take_finding, .data = &first};
  struct vmf_package_verdict verdict = {.size = sizeof verdict};
  struct vmf_verification verification = {.package = gate->package,
                                          .check = &how,
                                          .verdict = &verdict,
                                          .report = &report,
                                          .stored = gate->stored,
                                          .uses = gate->uses,
                                          .whole = gate->whole,
                                          .first_only = true,
                                          .described = gate->described,
                                          .owed = owed};

  VMF_TRY(vmf_verify_manifest(&verification, error));
  if (first.error.code == VMF_OK)
    return VMF_OK;
  *error = first.error;
  return error->code;
}

static enum vmf_code unpack_kept(struct vmf_gate *gate, struct vmf_error *error)
{
  const struct vmf_job_options options = {.size = sizeof options,
                                          .threads = gate->threads,
                                          .crew = gate->crew,
                                          .progress = gate->progress ? show_unpacking : NULL,
                                          .progress_data = gate,
                                          .cancel = gate->cancel,
                                          .max_bytes = gate->max_bytes};

  for (size_t i = 0; i < gate->kept_count; i++) {
    VMF_TRY(vmf_image_unpack(gate->kept[i], &options, error));
    gate->unpacked += vmf_image_stored_bytes(gate->kept[i]);
    show(gate, gate->to_hash + gate->unpacked);
  }
  return VMF_OK;
}

/* Whether a file that was altered can be the reason of a failure. */
static bool may_be_altered(enum vmf_code code)
{
  return code == VMF_CORRUPT || code == VMF_REFUSED || code == VMF_LIMIT || code == VMF_UNSUPPORTED;
}

/* What `code` is in truth, once all has been hashed. */
static enum vmf_code explain(struct vmf_gate *gate, enum vmf_code code, struct vmf_error *error)
{
  struct vmf_error altered = {0};

  if (!may_be_altered(code))
    return code;
  enum vmf_code found = check(gate, NULL, &altered);
  if (found != VMF_DIFFERENT && found != VMF_CANCELLED)
    return code;
  *error = altered;
  return found;
}

/* The texts that were read of files when the package was opened. */
static enum vmf_code check_texts(struct vmf_gate *gate, struct vmf_error *error)
{
  const struct vmf_package *package = gate->package;

  for (size_t i = 0; i < package->text_count; i++) {
    VMF_TRY(vmf_io_unchanged(package->texts[i], package->options.log, error));
    VMF_TRY(vmf_gate_io(gate, package->texts[i], error));
  }
  return VMF_OK;
}

enum vmf_code vmf_gate_pass(struct vmf_gate *gate, enum vmf_code code, struct vmf_error *error)
{
  if (gate->trust.no_verify)
    return code;
  VMF_TRY(check_texts(gate, error));
  vmf_names_sort(&gate->stored);
  vmf_uses_sort(&gate->uses);
  vmf_uses_sort(&gate->owed.files);
  if (gate->unlisted)
    return code == VMF_OK ? unpack_kept(gate, error) : code;
  if (code != VMF_OK)
    return explain(gate, code, error);
  VMF_TRY(check(gate, &gate->owed, error));
  code = unpack_kept(gate, error);
  return gate->owed.count > 0 ? explain(gate, code, error) : code;
}

/* ---- what is hashed later ---- */

void vmf_gate_wanted(const struct vmf_gate *gate, const struct vmf_io *io,
                     bool wanted[VMF_DIGEST_KINDS])
{
  struct vmf_stored_key key;

  if (vmf_stored_key(gate->package, io, &key))
    vmf_owed_wanted(&gate->owed, &key, wanted);
}

enum vmf_code vmf_gate_settle(const struct vmf_gate *gate, const struct vmf_io *io,
                              uint8_t digests[VMF_DIGEST_KINDS][VMF_DIGEST_MAX],
                              struct vmf_error *error)
{
  struct first_failure first = {.package = gate->package};
  struct vmf_report report = {.finding = take_finding, .data = &first};
  struct vmf_stored_key key;

  if (!vmf_stored_key(gate->package, io, &key))
    return VMF_OK;
  vmf_owed_check(&gate->owed, &key, digests, &report);
  if (first.error.code != VMF_OK)
    *error = first.error;
  return first.error.code;
}
