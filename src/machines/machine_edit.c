/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Changing a machine where it is described: values are checked here, for all formats alike. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "caller.h"
#include "gate.h"
#include "guest_os.h"
#include "machine_plan.h"
#include "memory.h"
#include "package.h"
#include "package_edit.h"
#include "remote_io.h"
#include "text.h"
#include "text_edit.h"

enum {
  CPUS_MOST = 1024,
  CARDS_MOST = 64,
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
    for (const char *const *earlier = edits->networks; earlier < rule; earlier++)
      if (strncmp(*earlier, *rule, (size_t)(equals + 1 - *rule)) == 0)
        return vmf_fail(error, VMF_USAGE, "--network %s: the network was called otherwise already",
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

/* ---- all of it ---- */

/* Another file that is this one is none. */
static bool is_same_file(const char *path, const char *other)
{
  struct stat one, two;

  return stat(path, &one) == 0 && stat(other, &two) == 0 && one.st_dev == two.st_dev &&
         one.st_ino == two.st_ino;
}

static enum vmf_code edit_path(const char *path, const struct vmf_machine_edits *edits,
                               struct vmf_edit_target *target, struct vmf_error *error)
{
  VMF_AUTO_FREE char *resolved = NULL;
  struct stat status;

  VMF_TRY(vmf_location_resolve(path, true, &resolved, error));
  VMF_TRY(vmf_name_check_here(resolved, error));
  if (stat(resolved, &status) < 0)
    return strcmp(resolved, "-") == 0
               ? vmf_fail(error, VMF_UNSUPPORTED,
                          "-: a machine is changed in its file, not on standard input; store it in "
                          "one first")
               : vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be opened", resolved);
  if (target->output && !target->files->no_clobber && is_same_file(resolved, target->output))
    target->output = NULL;
  if (vmf_package_recognise(resolved))
    return vmf_package_edit(resolved, edits, target, error);
  VMF_TRY(vmf_gate_unsigned(resolved, "a machine", target->files->trust, error));
  if (S_ISREG(status.st_mode))
    return vmf_text_edit(resolved, edits, target, error);
  return vmf_fail(error, VMF_UNSUPPORTED, "%s: is neither a package nor a regular file", resolved);
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
