/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "loss_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "memory.h"
#include "pairs.h"
#include "value.h"

enum {
  FIELD_TEXT = 96,   /* bytes of a field's name, but for those of extras */
  VALUE_TEXT = 4096, /* of a value; longer ones are cut */
};

struct comparison {
  const struct vmf_machine *before, *after;
  const struct vmf_machine_target *target;
  struct vmf_loss_report *report;
};

static const char *const outcomes[] = {"kept", "changed", "defaulted", "dropped", "unknown"};
static const char *const weights[] = {"none", "cosmetic", "behaviour", "boot", "data"};

/* ---- the list ---- */

static void clear_loss(struct vmf_field_loss *loss)
{
  vmf_free(loss->code);
  vmf_free(loss->field);
  vmf_free(loss->before);
  vmf_free(loss->after);
  vmf_free(loss->why);
}

static enum vmf_code copy(const char *text, char **to, struct vmf_error *error)
{
  return text ? vmf_copy_text(text, to, error) : VMF_OK;
}

static enum vmf_code copy_loss(const struct vmf_field_loss *from, struct vmf_field_loss *to,
                               struct vmf_error *error)
{
  to->outcome = from->outcome;
  to->weight = from->weight;
  to->line = from->line;
  VMF_TRY(copy(from->code, &to->code, error));
  VMF_TRY(copy(from->field, &to->field, error));
  VMF_TRY(copy(from->before, &to->before, error));
  VMF_TRY(copy(from->after, &to->after, error));
  return copy(from->why, &to->why, error);
}

/* Adds a copy. */
static enum vmf_code add(struct vmf_loss_report *report, const struct vmf_field_loss *loss,
                         struct vmf_error *error)
{
  VMF_TRY(VMF_LIST_ROOM(report->losses, report->count, report->room, "fields", error));
  report->losses[report->count] = (struct vmf_field_loss){0};
  return copy_loss(loss, &report->losses[report->count++], error);
}

static void take_reason(void *data, const char *field, const char *code,
                        enum vmf_loss_weight weight, const char *why)
{
  struct vmf_loss_report *report = data;
  const struct vmf_field_loss reason = {
      .field = (char *)field, .code = (char *)code, .weight = weight, .why = (char *)why};

  if (VMF_LIST_ROOM(report->reasons, report->reason_count, report->reason_room, "reasons", NULL) !=
      VMF_OK) {
    report->incomplete = true;
    return;
  }
  report->reasons[report->reason_count] = (struct vmf_field_loss){0};
  if (copy_loss(&reason, &report->reasons[report->reason_count++], NULL) != VMF_OK)
    report->incomplete = true;
}

struct vmf_machine_losses vmf_loss_reasons(struct vmf_loss_report *report)
{
  return (struct vmf_machine_losses){.lose = take_reason, .data = report};
}

void vmf_loss_clear(struct vmf_loss_report *report)
{
  for (size_t i = 0; i < report->count; i++)
    clear_loss(&report->losses[i]);
  for (size_t i = 0; i < report->reason_count; i++)
    clear_loss(&report->reasons[i]);
  vmf_free(report->losses);
  vmf_free(report->reasons);
  *report = (struct vmf_loss_report){0};
}

/* ---- fields ---- */

/* What became of a field; its code and weight are those of the table where something is lost. */
static enum vmf_loss_outcome outcome_of(const struct vmf_field *field, const void *before,
                                        const void *after)
{
  if (vmf_field_equal(field, before, after) ||
      (vmf_field_usual(field, before) && vmf_field_usual(field, after) && field->usual >= 0))
    return VMF_OUTCOME_KEPT;
  if (!vmf_field_told(field, before))
    return VMF_OUTCOME_DEFAULTED;
  return vmf_field_told(field, after) ? VMF_OUTCOME_CHANGED : VMF_OUTCOME_DROPPED;
}

/* What every platform shows where no model of a processor can be told. */
static bool is_processor_of_host(const struct vmf_field *field, const char *value)
{
  return strcmp(field->name, "cpu-model") == 0 &&
         (strcmp(value, "host") == 0 || strcmp(value, "host-model") == 0);
}

static enum vmf_code compare_field(const struct comparison *comparison,
                                   const struct vmf_field *field, const char *prefix,
                                   const void *before, const void *after, struct vmf_error *error)
{
  char name[FIELD_TEXT], old[VALUE_TEXT], new[VALUE_TEXT];
  enum vmf_loss_outcome outcome = outcome_of(field, before, after);
  bool lost = outcome == VMF_OUTCOME_CHANGED || outcome == VMF_OUTCOME_DROPPED;

  if ((field->weight == VMF_LOSS_NONE && !(field->loss && outcome == VMF_OUTCOME_DROPPED)) ||
      (!vmf_field_told(field, before) && outcome == VMF_OUTCOME_KEPT))
    return VMF_OK;
  snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] ? "." : "", field->name);
  vmf_field_text(field, before, old, sizeof old);
  vmf_field_text(field, after, new, sizeof new);
  bool same = outcome == VMF_OUTCOME_DROPPED && is_processor_of_host(field, old);
  const struct vmf_field_loss loss = {
      .outcome = outcome,
      .weight = same   ? VMF_LOSS_COSMETIC
                : lost ? field->weight
                       : VMF_LOSS_NONE,
      .code = lost ? (char *)field->loss : NULL,
      .field = name,
      .before = vmf_field_told(field, before) ? old : NULL,
      .after = vmf_field_told(field, after) ? new : NULL,
      .line = vmf_field_line(field, before),
  };
  return add(comparison->report, &loss, error);
}

static enum vmf_code compare_fields(const struct comparison *comparison,
                                    const struct vmf_field *fields, const char *prefix,
                                    const void *before, const void *after, struct vmf_error *error)
{
  for (const struct vmf_field *field = fields; field->name; field++)
    VMF_TRY(compare_field(comparison, field, prefix, before, after, error));
  return VMF_OK;
}

/* ---- lists ---- */

/* "scsi 0 lsilogic": the first fields of an element that has no like. */
static void describe_element(const struct vmf_field_list *list, const void *element, char *text,
                             size_t size)
{
  size_t used = 0;

  text[0] = '\0';
  for (unsigned i = 0; i < 4 && list->fields[i].name; i++) {
    char value[128];
    vmf_field_text(&list->fields[i], element, value, sizeof value);
    int length = snprintf(text + used, size - used, "%s%s", used && value[0] ? " " : "", value);
    used = length < 0 || (size_t)length >= size - used ? size - 1 : used + (size_t)length;
  }
}

static unsigned line_of(const struct vmf_field_list *list, const void *element)
{
  unsigned line = 0;

  for (const struct vmf_field *field = list->fields; field->name && line == 0; field++)
    line = vmf_field_line(field, element);
  return line;
}

static enum vmf_code add_dropped(const struct comparison *comparison,
                                 const struct vmf_field_list *list, size_t index,
                                 struct vmf_error *error)
{
  const void *element = vmf_field_element(list, comparison->before, index);
  char name[FIELD_TEXT], text[VALUE_TEXT];

  snprintf(name, sizeof name, "%s[%zu]", list->name, index);
  describe_element(list, element, text, sizeof text);
  const struct vmf_field_loss loss = {.outcome = VMF_OUTCOME_DROPPED,
                                      .weight = list->weight,
                                      .code = (char *)list->loss,
                                      .field = name,
                                      .before = text,
                                      .line = line_of(list, element)};
  return add(comparison->report, &loss, error);
}

/* What the target has and the source has not. */
static enum vmf_code add_new(const struct comparison *comparison, const struct vmf_field_list *list,
                             const size_t *pairs, struct vmf_error *error)
{
  size_t before = vmf_field_count(list, comparison->before), next = before;

  for (size_t j = 0; j < vmf_field_count(list, comparison->after); j++) {
    char name[FIELD_TEXT], text[VALUE_TEXT];
    bool paired = false;

    for (size_t i = 0; i < before && !paired; i++)
      paired = pairs[i] == j;
    if (paired)
      continue;
    snprintf(name, sizeof name, "%s[%zu]", list->name, next++);
    describe_element(list, vmf_field_element(list, comparison->after, j), text, sizeof text);
    const struct vmf_field_loss loss = {
        .outcome = VMF_OUTCOME_DEFAULTED, .field = name, .after = text};
    VMF_TRY(add(comparison->report, &loss, error));
  }
  return VMF_OK;
}

static enum vmf_code compare_list(const struct comparison *comparison,
                                  const struct vmf_field_list *list, struct vmf_error *error)
{
  size_t *pairs = NULL;
  char prefix[FIELD_TEXT];
  enum vmf_code code = vmf_machine_pair(list, comparison->before, comparison->after,
                                        comparison->target, &pairs, error);

  for (size_t i = 0; code == VMF_OK && i < vmf_field_count(list, comparison->before); i++) {
    snprintf(prefix, sizeof prefix, "%s[%zu]", list->name, i);
    code = pairs[i] == SIZE_MAX
               ? add_dropped(comparison, list, i, error)
               : compare_fields(comparison, list->fields, prefix,
                                vmf_field_element(list, comparison->before, i),
                                vmf_field_element(list, comparison->after, pairs[i]), error);
  }
  if (code == VMF_OK)
    code = add_new(comparison, list, pairs, error);
  vmf_free(pairs);
  return code;
}

/* ---- what is one vendor's own ---- */

static int by_key(const void *one, const void *other)
{
  const struct vmf_machine_extra *const *a = one, *const *b = other;
  int order = strcmp((*a)->vendor, (*b)->vendor);

  return order ? order : strcmp((*a)->key, (*b)->key);
}

static enum vmf_code compare_extra(const struct comparison *comparison,
                                   const struct vmf_machine_extra *extra,
                                   const struct vmf_machine_extra *const *sorted,
                                   struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  const struct vmf_machine_extra *const *there =
      comparison->after->extra_count == 0
          ? NULL
          : bsearch(&extra, sorted, comparison->after->extra_count, sizeof extra, by_key);
  bool equal = there && strcmp((*there)->value, extra->value) == 0;
  const char *lost = extra->known ? "L-extra" : "unknown-source-field";

  VMF_TRY(vmf_format(&name, error, "extra.%s", extra->key));
  const struct vmf_field_loss loss = {
      .outcome = equal   ? VMF_OUTCOME_KEPT
                 : there ? VMF_OUTCOME_CHANGED
                         : VMF_OUTCOME_DROPPED,
      .weight = equal          ? VMF_LOSS_NONE
                : extra->known ? VMF_LOSS_COSMETIC
                               : VMF_LOSS_BEHAVIOUR,
      .code = equal           ? NULL
              : extra->secret ? (char *)"L-secret-dropped"
                              : (char *)lost,
      .field = name,
      .before = extra->secret ? NULL : (char *)extra->value,
      .after = there && !extra->secret ? (char *)(*there)->value : NULL,
      .line = extra->line,
  };
  return add(comparison->report, &loss, error);
}

static enum vmf_code compare_extras(const struct comparison *comparison, struct vmf_error *error)
{
  const struct vmf_machine *before = comparison->before, *after = comparison->after;
  VMF_AUTO_FREE void *memory = NULL;

  VMF_TRY(vmf_alloc(after->extra_count * sizeof(struct vmf_machine_extra *), &memory, error));
  const struct vmf_machine_extra **sorted = memory;
  for (size_t i = 0; i < after->extra_count; i++)
    sorted[i] = &after->extras[i];
  qsort(sorted, after->extra_count, sizeof *sorted, by_key);
  for (size_t i = 0; i < before->extra_count; i++)
    VMF_TRY(compare_extra(comparison, &before->extras[i], sorted, error));
  return VMF_OK;
}

/* ---- reasons ---- */

static const char *code_in(const struct vmf_field *fields, const char *name)
{
  for (const struct vmf_field *field = fields; field->name; field++)
    if (strcmp(field->name, name) == 0)
      return field->loss;
  return NULL;
}

/* The code that the tables have for a field: "memory", "disks[0]", "disks[0].bus". */
static const char *code_of(const char *name)
{
  const char *bracket = strchr(name, '['), *dot = bracket ? strchr(bracket, '.') : NULL;

  if (!bracket)
    return code_in(vmf_machine_fields, name);
  for (const struct vmf_field_list *list = vmf_machine_lists; list->name; list++)
    if (strncmp(name, list->name, (size_t)(bracket - name)) == 0 &&
        list->name[bracket - name] == '\0')
      return dot ? code_in(list->fields, dot + 1) : list->loss;
  return NULL;
}

static enum vmf_code explain(struct vmf_field_loss *loss, const struct vmf_field_loss *reason,
                             struct vmf_error *error)
{
  vmf_free(loss->why);
  loss->why = NULL;
  VMF_TRY(copy(reason->why, &loss->why, error));
  if (loss->outcome == VMF_OUTCOME_KEPT && reason->weight > VMF_LOSS_NONE)
    loss->outcome = VMF_OUTCOME_UNKNOWN;
  if (reason->code) {
    vmf_free(loss->code);
    loss->code = NULL;
  }
  if (!loss->code)
    VMF_TRY(copy(reason->code ? reason->code : code_of(loss->field), &loss->code, error));
  loss->weight = reason->weight;
  return VMF_OK;
}

/* Of several reasons the first counts, but for one that weighs more. */
static bool counts(const struct vmf_field_loss *loss, const struct vmf_field_loss *reason)
{
  return !loss->why || reason->weight > loss->weight;
}

/* A reason belongs to the entry of its field; one of a field that was not told by either side has
 * one of its own. */
static enum vmf_code join_reasons(struct vmf_loss_report *report, struct vmf_error *error)
{
  size_t compared = report->count;

  if (report->incomplete)
    return vmf_fail(error, VMF_NOMEM, "no memory for the reasons of losses");
  for (size_t i = 0; i < report->reason_count; i++) {
    const struct vmf_field_loss *reason = &report->reasons[i];
    struct vmf_field_loss *found = NULL;

    for (size_t j = 0; j < compared && !found; j++)
      if (strcmp(report->losses[j].field, reason->field) == 0)
        found = &report->losses[j];
    if (found && counts(found, reason))
      VMF_TRY(explain(found, reason, error));
    if (found)
      continue;
    VMF_TRY(add(report, reason, error));
    report->losses[report->count - 1].outcome =
        reason->weight == VMF_LOSS_DATA ? VMF_OUTCOME_DROPPED : VMF_OUTCOME_UNKNOWN;
    VMF_TRY(explain(&report->losses[report->count - 1], reason, error));
  }
  return VMF_OK;
}

enum vmf_code vmf_loss_compare(const struct vmf_machine *before, const struct vmf_machine *after,
                               const struct vmf_machine_target *target,
                               struct vmf_loss_report *report, struct vmf_error *error)
{
  const struct comparison comparison = {before, after, target, report};

  VMF_TRY(compare_fields(&comparison, vmf_machine_fields, "", before, after, error));
  for (const struct vmf_field_list *list = vmf_machine_lists; list->name; list++)
    VMF_TRY(compare_list(&comparison, list, error));
  VMF_TRY(compare_extras(&comparison, error));
  return join_reasons(report, error);
}

/* ---- the result ---- */

const struct vmf_field_loss *vmf_loss_of_weight(const struct vmf_loss_report *report,
                                                enum vmf_loss_weight weight)
{
  for (size_t i = 0; i < report->count; i++)
    if (report->losses[i].weight >= weight)
      return &report->losses[i];
  return NULL;
}

static enum vmf_code add_text(struct vmf_value *value, const char *name, const char *text,
                              struct vmf_error *error)
{
  return text ? vmf_value_text(value, name, text, error) : VMF_OK;
}

static enum vmf_code add_loss(const struct vmf_field_loss *loss, struct vmf_value *list,
                              struct vmf_error *error)
{
  struct vmf_value *value;

  VMF_TRY(vmf_value_add(list, VMF_VALUE_OBJECT, NULL, &value, error));
  VMF_TRY(vmf_value_text(value, "field", loss->field, error));
  VMF_TRY(vmf_value_text(value, "outcome", outcomes[loss->outcome], error));
  VMF_TRY(add_text(value, "before", loss->before, error));
  VMF_TRY(add_text(value, "after", loss->after, error));
  VMF_TRY(add_text(value, "code", loss->code, error));
  VMF_TRY(vmf_value_text(value, "weight", weights[loss->weight], error));
  VMF_TRY(add_text(value, "why", loss->why, error));
  return loss->line ? vmf_value_uint(value, "line", loss->line, error) : VMF_OK;
}

enum vmf_code vmf_loss_value(const struct vmf_loss_report *report, struct vmf_value *parent,
                             struct vmf_error *error)
{
  uint64_t counts[VMF_OUTCOMES] = {0};
  struct vmf_value *list;

  for (size_t i = 0; i < report->count; i++)
    counts[report->losses[i].outcome]++;
  for (unsigned i = 0; i < VMF_OUTCOMES; i++)
    VMF_TRY(vmf_value_uint(parent, outcomes[i], counts[i], error));
  VMF_TRY(vmf_value_add(parent, VMF_VALUE_LIST, "fields", &list, error));
  for (size_t i = 0; i < report->count; i++)
    VMF_TRY(add_loss(&report->losses[i], list, error));
  return VMF_OK;
}
