/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Devices are the same where they have the same name: a disk the name of its file, a card its
 * address, a controller its bus and number. Those that are left are paired in their order. */
#include "pairs.h"

#include <stdint.h>
#include <string.h>

#include "memory.h"
#include "path.h"

struct pairing {
  const struct vmf_machine *before, *after;
  const struct vmf_machine_target *target;
};

/* Whether element i of `before` and j of `after` are the same. */
typedef bool same_element(const struct pairing *pairing, size_t i, size_t j);

static const char *file_of(const struct pairing *pairing, size_t i)
{
  return i < pairing->target->disk_count ? pairing->target->disks[i].name : NULL;
}

static bool same_file(const struct pairing *pairing, size_t i, size_t j)
{
  const char *file = file_of(pairing, i), *image = pairing->after->disks[j].image.text;

  return file && image && strcmp(vmf_path_name(file), vmf_path_name(image)) == 0;
}

static bool same_empty_drive(const struct pairing *pairing, size_t i, size_t j)
{
  return !file_of(pairing, i) &&
         pairing->before->disks[i].medium.value == pairing->after->disks[j].medium.value;
}

static bool same_address(const struct pairing *pairing, size_t i, size_t j)
{
  const char *one = pairing->before->nics[i].mac.text, *other = pairing->after->nics[j].mac.text;

  return one && other && strcmp(one, other) == 0;
}

static bool same_controller(const struct pairing *pairing, size_t i, size_t j)
{
  const struct vmf_machine_controller *one = &pairing->before->controllers[i];
  const struct vmf_machine_controller *other = &pairing->after->controllers[j];

  return one->bus.value == other->bus.value && one->index.value == other->index.value;
}

static bool same_port(const struct pairing *pairing, size_t i, size_t j)
{
  return pairing->before->ports[i].parallel.value == pairing->after->ports[j].parallel.value;
}

static bool same_snapshot(const struct pairing *pairing, size_t i, size_t j)
{
  const char *one = pairing->before->snapshots[i].id.text;
  const char *other = pairing->after->snapshots[j].id.text;

  return one && other && strcmp(one, other) == 0;
}

static bool any(const struct pairing *pairing, size_t i, size_t j)
{
  (void)pairing, (void)i, (void)j;
  return true;
}

/* What is asked first, and then of those that are left. */
static const struct {
  const char *list;
  same_element *first, *second;
} rules[] = {
    {"controllers", same_controller, NULL},
    {"disks", same_file, same_empty_drive},
    {"nics", same_address, any},
    {"ports", same_port, NULL},
    {"snapshots", same_snapshot, NULL},
};

enum { RULES = sizeof rules / sizeof rules[0] };

static void pair(const struct pairing *pairing, same_element *same, size_t *pairs, size_t before,
                 bool *taken, size_t after)
{
  for (size_t i = 0; same && i < before; i++)
    for (size_t j = 0; pairs[i] == SIZE_MAX && j < after; j++)
      if (!taken[j] && same(pairing, i, j)) {
        pairs[i] = j;
        taken[j] = true;
      }
}

enum vmf_code vmf_machine_pair(const struct vmf_field_list *list, const struct vmf_machine *before,
                               const struct vmf_machine *after,
                               const struct vmf_machine_target *target, size_t **pairs,
                               struct vmf_error *error)
{
  const struct pairing pairing = {before, after, target};
  size_t count = vmf_field_count(list, before), others = vmf_field_count(list, after);
  VMF_AUTO_FREE void *taken = NULL;
  void *memory;

  VMF_TRY(vmf_alloc(others * sizeof(bool), &taken, error));
  VMF_TRY(vmf_alloc(count * sizeof(size_t), &memory, error));
  *pairs = memory;
  for (size_t i = 0; i < count; i++)
    (*pairs)[i] = SIZE_MAX;
  for (size_t rule = 0; rule < RULES; rule++)
    if (strcmp(rules[rule].list, list->name) == 0) {
      pair(&pairing, rules[rule].first, *pairs, count, taken, others);
      pair(&pairing, rules[rule].second, *pairs, count, taken, others);
    }
  return VMF_OK;
}
