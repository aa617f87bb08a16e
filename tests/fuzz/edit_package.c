/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is done with a package that has any sections. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit_parts.h"
#include "machine_format.h"
#include "models.h"
#include "ovf_machine.h"
#include "package.h"

struct vmf_package *fuzz_open_package(const char *path)
{
  const struct vmf_package_options options = {.size = sizeof options};
  struct vmf_package *package;
  struct vmf_error error;

  if (vmf_package_open(path, &options, &package, &error) != VMF_OK)
    fuzz_fault("%s: %s", path, error.text);
  return package;
}

static void count(void *data, const struct vmf_package_finding *finding)
{
  (void)data;
  if (!finding->text || !finding->rule)
    fuzz_fault("a finding without a text");
}

static void verify(const char *path)
{
  const struct vmf_package_check check = {
      .size = sizeof check, .threads = 1, .findings = {count, NULL}};
  struct vmf_package_verdict verdict = {.size = sizeof verdict};
  struct vmf_package *package = fuzz_open_package(path);
  struct vmf_error error;

  if (vmf_package_verify(package, &check, &verdict, &error) != VMF_OK)
    fuzz_fault("%s: %s", path, error.text);
  vmf_package_close(package);
}

/* As it is, with a manifest, or in an archive. */
static void settle(struct fuzz_choices *choices, char path[FUZZ_PATH])
{
  const struct vmf_package_target target = {.size = sizeof target, .no_sync = true, .threads = 1};
  struct vmf_error error;

  fuzz_scratch_path("vm.ovf", path);
  verify(path);
  unsigned how = fuzz_below(choices, 3);
  if (how == 1 && vmf_package_sign(path, VMF_SIGNING_SIGN, &target, &error) != VMF_OK)
    return;
  if (how != 2)
    return;
  struct vmf_package *package = fuzz_open_package(path);
  char archive[FUZZ_PATH];
  fuzz_scratch_path("vm.ova", archive);
  if (vmf_package_convert(package, archive, &target, &error) == VMF_OK)
    memcpy(path, archive, FUZZ_PATH);
  vmf_package_close(package);
}

/* The n-th machine of a package, which may not be one; NULL. */
static struct vmf_machine *machine_of(const struct vmf_package *package, unsigned index)
{
  const struct vmf_ovf *ovf = package->ovf;
  struct vmf_machine *machine;
  struct vmf_error error;

  for (size_t i = 0; i < ovf->system_count; i++) {
    if (ovf->systems[i].collection || index-- > 0)
      continue;
    if (vmf_machine_new(&machine, &error) != VMF_OK)
      fuzz_fault("no memory");
    if (vmf_ovf_machine(ovf, i, machine, NULL, &error) == VMF_OK)
      return machine;
    vmf_machine_free(machine);
    return NULL;
  }
  return NULL;
}

/* The one that is changed, and the others, which stay. */
static void edit(struct fuzz_choices *choices, const char *path, unsigned systems)
{
  unsigned chosen = fuzz_below(choices, systems);
  struct vmf_package *was = fuzz_open_package(path), *is;
  struct vmf_machine *before[FUZZ_SYSTEMS] = {NULL}, *after;
  struct fuzz_edits edits;
  char id[8];

  for (unsigned i = 0; i < systems; i++)
    before[i] = machine_of(was, i);
  vmf_package_close(was);
  if (before[chosen]) {
    fuzz_edits_choose(choices, before[chosen], &edits);
    snprintf(id, sizeof id, "vm%u", chosen); /* another may be called by a number */
    edits.edits.system = systems > 1 || fuzz_chance(choices, 2) ? id : NULL;
    edits.property = (struct vmf_property_options){fuzz_keys[fuzz_below(choices, FUZZ_KEYS)],
                                                   fuzz_key_value(choices)};
    edits.edits.properties = &edits.property;
    edits.edits.property_count = fuzz_chance(choices, 3);
    edits.eula = fuzz_word(choices);
    edits.edits.eulas = &edits.eula;
    edits.edits.eula_count = fuzz_chance(choices, 4);
  }
  if (before[chosen] && fuzz_edits_make(choices, path, &edits)) {
    /* a network is called otherwise for all of them */
    const struct fuzz_edits others = {.edits.networks = edits.edits.networks,
                                      .parts = edits.parts & VMF_EDIT_NETWORKS};
    is = fuzz_open_package(path);
    for (unsigned i = 0; i < systems; i++)
      if (before[i] && (after = machine_of(is, i)) != NULL) {
        fuzz_edits_expect(before[i], after, i == chosen ? &edits : &others, "ovf");
        vmf_machine_free(after);
      }
    vmf_package_close(is);
    verify(path);
  }
  for (unsigned i = 0; i < systems; i++)
    vmf_machine_free(before[i]);
}

/* Some of what it asks for, some of what it does not have. */
static void install(struct fuzz_choices *choices, const char *path)
{
  static const char *const options[] = {NULL, "small", "large", "none"};
  struct vmf_property_options properties[FUZZ_KEYS + 1];
  const struct vmf_install_options chosen = {.size = sizeof chosen,
                                             .deployment = options[fuzz_below(choices, 4)],
                                             .properties = properties,
                                             .property_count =
                                                 fuzz_below(choices, FUZZ_KEYS + 1) / 2,
                                             .accept_eula = !fuzz_chance(choices, 4)};
  unsigned first = fuzz_below(choices, FUZZ_KEYS);

  for (unsigned i = 0; i <= FUZZ_KEYS; i++)
    properties[i] = (struct vmf_property_options){
        fuzz_chance(choices, 8) ? "a.b.ip.1" : fuzz_keys[(first + i) % FUZZ_KEYS],
        fuzz_key_value(choices)};
  fuzz_move(choices, path, &chosen);
}

void fuzz_edit_package(struct fuzz_choices *choices)
{
  unsigned systems = fuzz_descriptor_write(choices);
  char path[FUZZ_PATH];

  settle(choices, path);
  if (fuzz_chance(choices, 2))
    fuzz_judge(path, fuzz_platform(choices), false);
  switch (fuzz_below(choices, 4)) {
  case 0:
    edit(choices, path, systems);
    break;
  case 1:
    install(choices, path);
    break;
  case 2:
    fuzz_use_package(choices, path);
    break;
  default:
    fuzz_move(choices, path, NULL);
  }
}
