/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Changing a machine where it is described: values are checked here, for all formats alike. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "caller.h"
#include "file.h"
#include "guest_os.h"
#include "machine_edits.h"
#include "machine_format.h"
#include "machine_plan.h"
#include "memory.h"
#include "output.h"
#include "package.h"
#include "package_edit.h"
#include "path.h"
#include "text.h"

enum {
  CPUS_MOST = 1024,
  CARDS_MOST = 64,
  HEAD = 4096,           /* bytes that a format is told by */
  MEMORY_STEP = 4 << 20, /* bytes, VMware's */
};

/* Edits as the formats get them: words in one spelling. */
struct checked_edits {
  struct vmf_machine_edits edits;
  struct vmf_nic_edit nics[CARDS_MOST];
  char macs[CARDS_MOST][18];
};

/* ---- the values ---- */

static enum vmf_code check_line(const char *what, const char *text, struct vmf_error *error)
{
  if (!text)
    return VMF_OK;
  if (!*text)
    return vmf_fail(error, VMF_USAGE, "%s is empty", what);
  return vmf_machine_check_text(what, text, false, error);
}

static enum vmf_code check_size(const struct vmf_machine_edits *edits, struct vmf_error *error)
{
  if (edits->cpus > CPUS_MOST)
    return vmf_fail(error, VMF_USAGE, "%u processors: accepted are 1 to %d", edits->cpus,
                    CPUS_MOST);
  if (edits->memory % MEMORY_STEP || edits->memory >> 20 > INT32_MAX)
    return vmf_fail(error, VMF_USAGE,
                    "%llu bytes of memory: accepted is a multiple of 4 MiB, below 2 PiB",
                    (unsigned long long)edits->memory);
  return VMF_OK;
}

static enum vmf_code check_words(struct vmf_machine_edits *edits, struct vmf_error *error)
{
  char meant[120];

  if (edits->firmware) {
    bool efi = vmf_text_equal_nocase(edits->firmware, "efi") ||
               vmf_text_equal_nocase(edits->firmware, "uefi");
    if (!efi && !vmf_text_equal_nocase(edits->firmware, "bios"))
      return vmf_fail(error, VMF_USAGE, "firmware \"%s\": accepted are bios and efi",
                      edits->firmware);
    edits->firmware = efi ? "efi" : "bios";
  }
  if (!edits->os || vmf_guest_os_find(edits->os))
    return VMF_OK;
  vmf_guest_os_suggest(edits->os, meant, sizeof meant);
  return vmf_fail(error, VMF_USAGE,
                  "guest operating system \"%.64s\" is not known%s%s; \"--os help\" lists all",
                  edits->os, meant[0] ? "; did you mean " : "", meant);
}

static enum vmf_code check_networks(const struct vmf_machine_edits *edits, struct vmf_error *error)
{
  for (const char *const *rule = edits->networks; rule && *rule; rule++) {
    const char *equals = strchr(*rule, '=');
    VMF_TRY(check_line("the name of a network", *rule, error));
    if (!equals || equals == *rule || !equals[1])
      return vmf_fail(error, VMF_USAGE, "--network %s: accepted is OLD=NEW, two names of networks",
                      *rule);
  }
  return VMF_OK;
}

static enum vmf_code check_nic(struct vmf_nic_edit *nic, char mac[18], struct vmf_error *error)
{
  const char *model = nic->model;

  if (nic->remove && (nic->number == 0 || model || nic->network || nic->mac))
    return vmf_fail(error, VMF_USAGE,
                    "a network card that is removed has a number, and nothing else");
  nic->model = model ? vmf_ovf_nic_model(model) : NULL;
  if (model && !nic->model)
    return vmf_fail(error, VMF_USAGE,
                    "network card \"%s\": accepted are E1000, E1000e, VmxNet3, PCNet32 and virtio",
                    model);
  VMF_TRY(check_line("the name of a network", nic->network, error));
  if (!nic->mac || !*nic->mac)
    return VMF_OK;
  VMF_TRY(vmf_machine_check_mac(nic->mac, mac, error));
  nic->mac = mac;
  return VMF_OK;
}

static enum vmf_code check_nics(const struct vmf_machine_edits *given,
                                struct checked_edits *checked, struct vmf_error *error)
{
  if (given->nic_count > CARDS_MOST || (given->nic_count > 0 && !given->nics))
    return vmf_fail(error, VMF_USAGE, "%zu changes of network cards: accepted are at most %d",
                    given->nic_count, CARDS_MOST);
  for (size_t i = 0; i < given->nic_count; i++) {
    checked->nics[i] = given->nics[i];
    VMF_TRY(check_nic(&checked->nics[i], checked->macs[i], error));
    for (size_t k = 0; k < i; k++)
      if (given->nics[i].number > 0 && given->nics[i].number == given->nics[k].number)
        return vmf_fail(error, VMF_USAGE, "network card %zu is changed twice",
                        given->nics[i].number);
  }
  checked->edits.nics = checked->nics;
  return VMF_OK;
}

static enum vmf_code check_texts(const struct vmf_machine_edits *edits, struct vmf_error *error)
{
  VMF_TRY(check_line("the name", edits->name, error));
  if (edits->annotation)
    VMF_TRY(vmf_machine_check_text("the annotation", edits->annotation, true, error));
  if ((edits->property_count > 0 && !edits->properties) || (edits->eula_count > 0 && !edits->eulas))
    return vmf_fail(error, VMF_USAGE, "there are properties or licences, but their list is NULL");
  for (size_t i = 0; i < edits->property_count; i++) {
    VMF_REQUIRE(edits->properties[i].key, error);
    VMF_REQUIRE(edits->properties[i].value, error);
    VMF_TRY(check_line("the key of a property", edits->properties[i].key, error));
    VMF_TRY(
        vmf_machine_check_text("the value of a property", edits->properties[i].value, true, error));
  }
  for (size_t i = 0; i < edits->eula_count; i++) {
    VMF_REQUIRE(edits->eulas[i], error);
    VMF_TRY(vmf_machine_check_text("the licence text", edits->eulas[i], true, error));
  }
  return VMF_OK;
}

static enum vmf_code check_edits(const struct vmf_machine_edits *given,
                                 struct checked_edits *checked, struct vmf_error *error)
{
  checked->edits = *given;
  VMF_TRY(check_texts(given, error));
  VMF_TRY(check_size(given, error));
  VMF_TRY(check_words(&checked->edits, error));
  VMF_TRY(check_networks(given, error));
  return check_nics(given, checked, error);
}

/* ---- the text of a machine format ---- */

struct text_edit {
  const struct vmf_edit_target *target;
  const struct vmf_machine_format *format;
  struct vmf_machine_source source;
  char *path; /* where it is; owned */
  char *after;
  size_t length;
};

static enum vmf_code read_text(struct text_edit *edit, char **bytes, struct vmf_error *error)
{
  struct vmf_io *io;
  void *memory;

  VMF_TRY(vmf_io_open_file(edit->path, edit->target->files->ignore_locks, &io, error));
  enum vmf_code code =
      io->size > VMF_MACHINE_SOURCE
          ? vmf_fail(error, VMF_LIMIT, "%s: is larger than any text of a machine", edit->path)
          : vmf_alloc((size_t)io->size + 1, &memory, error);
  if (code == VMF_OK) {
    *bytes = memory;
    edit->source.bytes = memory;
    edit->source.length = (size_t)io->size;
    code = io->size > 0 ? vmf_io_pread(io, memory, (size_t)io->size, 0, error) : VMF_OK;
  }
  vmf_io_close(io);
  return code;
}

static enum vmf_code nothing_beside(const struct vmf_machine_source *source, const char *name,
                                    size_t limit, char **bytes, size_t *length,
                                    struct vmf_error *error)
{
  (void)source, (void)name, (void)limit, (void)error;
  *bytes = NULL;
  *length = 0;
  return VMF_OK;
}

static enum vmf_code find_format(struct text_edit *edit, struct vmf_error *error)
{
  const struct vmf_machine_source *source = &edit->source;
  size_t head = source->length < HEAD ? source->length : HEAD;

  edit->format = vmf_machine_format_probe(edit->path, source->bytes, head);
  if (!edit->format)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: is neither a package nor the text of a machine",
                    edit->path);
  if (!edit->format->edit)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: machines in the format %s are not edited",
                    edit->path, edit->format->name);
  return VMF_OK;
}

/* No writer is believed: what was asked for is what a reader finds. */
static enum vmf_code check_after(const struct text_edit *edit,
                                 const struct vmf_machine_edits *edits, struct vmf_error *error)
{
  const struct vmf_machine_source after = {.name = edit->source.name,
                                           .bytes = edit->after,
                                           .length = edit->length,
                                           .beside = nothing_beside};
  struct vmf_machine *machine;

  VMF_TRY(vmf_machine_new(&machine, error));
  enum vmf_code code = edit->format->read(&after, machine, NULL, error);
  if (code == VMF_OK)
    code = vmf_machine_check_edits(machine, edits, edit->source.name, error);
  else
    code = vmf_while(error, "what would be written cannot be read");
  vmf_machine_free(machine);
  return code;
}

static enum vmf_code write_text(const struct text_edit *edit, struct vmf_error *error)
{
  const struct vmf_package_target *files = edit->target->files;
  const char *elsewhere = edit->target->output;
  const struct vmf_output_options options = {.no_sync = files->no_sync,
                                             .no_clobber = elsewhere && files->no_clobber,
                                             .ignore_locks = files->ignore_locks,
                                             .log = files->log};
  struct vmf_output *output;

  VMF_TRY(vmf_output_new(elsewhere ? elsewhere : edit->path, &options, &output, error));
  enum vmf_code code = vmf_output_begin(output, error);
  if (code == VMF_OK && edit->length > 0)
    code = vmf_io_pwrite(vmf_output_main(output), edit->after, edit->length, 0, error);
  if (code == VMF_OK)
    code = vmf_output_commit(output, error);
  vmf_output_close(output);
  return code;
}

static enum vmf_code finish_text(struct text_edit *edit, const struct vmf_machine_edits *edits,
                                 struct vmf_error *error)
{
  const struct vmf_edit_target *target = edit->target;
  const struct vmf_edited_text text = {.name = edit->source.name,
                                       .before = edit->source.bytes,
                                       .before_length = edit->source.length,
                                       .after = edit->after,
                                       .after_length = edit->length};
  bool same = edit->length == text.before_length &&
              memcmp(edit->after, text.before, text.before_length) == 0;

  VMF_TRY(check_after(edit, edits, error));
  if (same && !target->output)
    return VMF_OK;
  if (target->text)
    target->text(target->text_data, &text);
  return target->dry_run ? VMF_OK : write_text(edit, error);
}

/* Only packages are signed. */
static enum vmf_code edit_text(struct text_edit *edit, const struct vmf_machine_edits *edits,
                               struct vmf_error *error)
{
  const struct vmf_package_target *files = edit->target->files;
  struct vmf_report report = {.finding = files->findings.finding, .data = files->findings.data};
  VMF_AUTO_FREE char *bytes = NULL;

  VMF_TRY(read_text(edit, &bytes, error));
  VMF_TRY(find_format(edit, error));
  if (files->key_path || files->digest)
    return vmf_fail(error, VMF_USAGE, "%s: is no package, and cannot be signed", edit->path);
  if (edits->system)
    return vmf_fail(error, VMF_USAGE, "%s: has one machine; none is chosen (--system)", edit->path);
  edit->source.name = vmf_path_name(edit->path);
  edit->source.beside = nothing_beside;
  VMF_TRY(edit->format->edit(&edit->source, edits, &report, &edit->after, &edit->length, error));
  return finish_text(edit, edits, error);
}

/* ---- all of it ---- */

static enum vmf_code edit_path(const char *path, const struct vmf_machine_edits *edits,
                               const struct vmf_edit_target *target, struct vmf_error *error)
{
  struct text_edit edit = {.target = target};
  struct stat status;

  VMF_TRY(vmf_location_resolve(path, true, &edit.path, error));
  enum vmf_code code;
  if (stat(edit.path, &status) < 0)
    code = vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be opened", edit.path);
  else if (vmf_package_recognise(edit.path))
    code = vmf_package_edit(edit.path, edits, target, error);
  else if (!S_ISREG(status.st_mode))
    code =
        vmf_fail(error, VMF_UNSUPPORTED, "%s: is neither a package nor a regular file", edit.path);
  else
    code = edit_text(&edit, edits, error);
  vmf_free(edit.after);
  vmf_free(edit.path);
  return code;
}

enum vmf_code vmf_machine_edit(const char *path, const struct vmf_machine_edits *edits,
                               const struct vmf_edit_target *target, struct vmf_error *error)
{
  VMF_AUTO_FREE void *memory = NULL;
  struct vmf_machine_edits given;
  struct vmf_package_target files;
  struct vmf_edit_target own;

  VMF_REQUIRE(path, error);
  VMF_TRY(vmf_take_machine_edits(edits, &given, error));
  VMF_TRY(vmf_take_edit_target(target, &own, error));
  VMF_TRY(vmf_take_package_target(own.files, &files, error));
  own.files = &files;
  VMF_TRY(vmf_alloc(sizeof(struct checked_edits), &memory, error));
  struct checked_edits *checked = memory;
  VMF_TRY(check_edits(&given, checked, error));
  return edit_path(path, &checked->edits, &own, error);
}
