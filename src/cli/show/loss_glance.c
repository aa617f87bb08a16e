/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "loss_glance.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "status.h"

static const struct vmf_value *child_of(const struct vmf_value *value, const char *name)
{
  const struct vmf_value *child = value->first;

  while (child && (!child->name || strcmp(child->name, name) != 0))
    child = child->next;
  return child;
}

static const char *text_of(const struct vmf_value *value, const char *name)
{
  const struct vmf_value *child = child_of(value, name);
  return child && child->text ? child->text : "";
}

static uint64_t number_of(const struct vmf_value *value, const char *name)
{
  const struct vmf_value *child = child_of(value, name);
  return child ? child->number : 0;
}

static bool is_cosmetic(const struct vmf_value *field)
{
  return strcmp(text_of(field, "weight"), "cosmetic") == 0;
}

static bool is_none(const struct vmf_value *field)
{
  return strcmp(text_of(field, "weight"), "none") == 0;
}

/* "disks[0].bus" "scsi" to "sata", and why */
static void print_field(const struct vmf_value *field)
{
  const char *outcome = text_of(field, "outcome"), *why = text_of(field, "why");
  const char *before = text_of(field, "before"), *after = text_of(field, "after");
  const char *code = text_of(field, "code");
  bool same = strcmp(before, after) == 0;

  vmf_status_print("%s: %s%s%.200s%s%.200s%s%s%s%s%s",
                   strcmp(outcome, "dropped") == 0 ? "not carried over" : outcome,
                   text_of(field, "field"), *before || *after ? ": " : "", before,
                   *before && *after && !same ? " to " : "", same ? "" : after, *why ? "; " : "",
                   why, *code ? " [" : "", code, *code ? "]" : "");
}

static void print_counts(uint64_t kept, uint64_t defaulted, uint64_t cosmetic, bool listed)
{
  char new[60] = "", unnoticed[80] = "";

  if (defaulted > 0)
    snprintf(new, sizeof new, ", %" PRIu64 " that only the target tells", defaulted);
  if (cosmetic > 0)
    snprintf(unnoticed, sizeof unnoticed,
             ", %" PRIu64 " difference%s that the guest does not notice", cosmetic,
             cosmetic == 1 ? "" : "s");
  vmf_status_print("the machine: %" PRIu64 " field%s kept%s%s%s", kept, kept == 1 ? "" : "s", new,
                   unnoticed, listed || cosmetic == 0 ? "" : "; --losses=FILE lists all");
}

/* "db, app" */
static void join_names(const struct vmf_value *list, char *text, size_t size)
{
  size_t used = 0;

  text[0] = '\0';
  for (const struct vmf_value *name = list->first; name && used < size; name = name->next) {
    int length =
        snprintf(text + used, size - used, "%s%s", used ? ", " : "", name->text ? name->text : "");
    used += length > 0 ? (size_t)length : 0;
  }
}

/* The deployment option, where nobody chose it and there are others; licences that are not
 * accepted.
 */
static void print_installed(const struct vmf_value *installed)
{
  const struct vmf_value *usual = child_of(installed, "default");
  const struct vmf_value *options = child_of(installed, "options");
  const struct vmf_value *accepted = child_of(installed, "accepted");
  char names[300];

  if (accepted && !accepted->number)
    vmf_status_print("licences of the package that were not accepted: %" PRIu64
                     "; \"info\" shows them, --accept-eula accepts them",
                     number_of(installed, "licences"));
  if (!usual || !usual->number || !options || !options->first || !options->first->next)
    return;
  join_names(options, names, sizeof names);
  vmf_status_print("deployment option: %.80s, the default of these, of which --deployment chooses: "
                   "%s",
                   text_of(installed, "deployment"), names);
}

static void print_machine(const struct vmf_value *losses, bool listed)
{
  const struct vmf_value *list = child_of(losses, "fields");
  const struct vmf_value *installed = child_of(losses, "installed");
  uint64_t cosmetic = 0;

  if (installed)
    print_installed(installed);
  for (const struct vmf_value *field = list ? list->first : NULL; field; field = field->next) {
    cosmetic += is_cosmetic(field);
    if (!is_cosmetic(field) && !is_none(field))
      print_field(field);
  }
  print_counts(number_of(losses, "kept"), number_of(losses, "defaulted"), cosmetic, listed);
}

static void print_collection(const struct vmf_value *losses)
{
  const struct vmf_value *order = child_of(losses, "start-order");
  const struct vmf_value *networks = child_of(losses, "shared-networks");
  char names[300];

  if (order) {
    join_names(order, names, sizeof names);
    vmf_status_print("the machines start in this order, which nothing keeps: %s", names);
  }
  for (const struct vmf_value *shared = networks ? networks->first : NULL; shared;
       shared = shared->next) {
    join_names(child_of(shared, "machines"), names, sizeof names);
    vmf_status_print("on the network \"%.80s\" together: %s", text_of(shared, "network"), names);
  }
}

void vmf_loss_glance(const struct vmf_value *losses, bool listed)
{
  const struct vmf_value *machines = child_of(losses, "machines");

  if (!machines) {
    print_machine(losses, listed);
    return;
  }
  for (const struct vmf_value *machine = machines->first; machine; machine = machine->next) {
    vmf_status_print("%s:", text_of(machine, "target"));
    print_machine(machine, listed);
  }
  print_collection(losses);
}
