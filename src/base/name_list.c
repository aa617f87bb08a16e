/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "name_list.h"

#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "memory.h"

enum vmf_code vmf_names_add(struct vmf_names *names, const char *text, unsigned line,
                            struct vmf_error *error)
{
  size_t number = names->calls++;
  char *copy;

  if (!text)
    return VMF_OK;
  VMF_TRY(VMF_LIST_ROOM(names->entries, names->count, names->capacity, "names", error));
  VMF_TRY(vmf_copy_text(text, &copy, error));
  names->entries[names->count] = (struct vmf_name){.text = copy, .line = line, .number = number};
  names->count++;
  return VMF_OK;
}

static int compare(const void *a, const void *b)
{
  const struct vmf_name *left = a, *right = b;
  int order = strcmp(left->text, right->text);

  if (order != 0)
    return order;
  return left->number < right->number ? -1 : left->number > right->number;
}

void vmf_names_sort(struct vmf_names *names)
{
  if (names->count > 1)
    qsort(names->entries, names->count, sizeof *names->entries, compare);
}

const struct vmf_name *vmf_names_find(const struct vmf_names *names, const char *text)
{
  size_t low = 0, high = names->count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(names->entries[middle].text, text) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low < names->count && strcmp(names->entries[low].text, text) == 0 ? &names->entries[low]
                                                                           : NULL;
}

bool vmf_names_repeats(const struct vmf_names *names, size_t index)
{
  return index > 0 && strcmp(names->entries[index].text, names->entries[index - 1].text) == 0;
}

void vmf_names_clear(struct vmf_names *names)
{
  for (size_t i = 0; i < names->count; i++)
    vmf_free(names->entries[i].text);
  free(names->entries);
  *names = (struct vmf_names){0};
}
