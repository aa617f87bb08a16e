/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "machine_format.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "path.h"
#include "text.h"

const struct vmf_machine_format *vmf_machine_format_find(const char *name)
{
  for (const struct vmf_machine_format *const *format = vmf_machine_formats; *format; format++)
    if (vmf_text_equal_nocase((*format)->name, name))
      return *format;
  return NULL;
}

bool vmf_machine_format_has_suffix(const struct vmf_machine_format *format, const char *name)
{
  const char *base = vmf_path_name(name);
  const char *dot = strrchr(base, '.');

  for (const char *const *suffix = format->suffixes; dot && *suffix; suffix++)
    if (vmf_text_equal_nocase(dot + 1, *suffix))
      return true;
  return false;
}

/* Content that is sure counts more than a name, and a name more than content that is not. */
/* The head as if it were in an encoding of one byte: of UTF-16 with its mark the low halves. What
 * reads such a text, or refuses it, is the format's reader. */
static size_t narrow(const uint8_t *head, size_t length, uint8_t narrowed[VMF_MACHINE_HEAD])
{
  bool little = length >= 2 && memcmp(head, "\xff\xfe", 2) == 0;
  size_t used = 0;

  if (!little && !(length >= 2 && memcmp(head, "\xfe\xff", 2) == 0))
    return 0;
  for (size_t i = 2; i + 1 < length && used < VMF_MACHINE_HEAD; i += 2)
    narrowed[used++] = head[i + !little];
  return used;
}

const struct vmf_machine_format *vmf_machine_format_probe(const char *name, const uint8_t *head,
                                                          size_t length)
{
  const struct vmf_machine_format *best = NULL;
  uint8_t narrowed[VMF_MACHINE_HEAD];
  size_t used = narrow(head, length, narrowed);
  int most = 0;

  if (used > 0) {
    head = narrowed;
    length = used;
  }
  for (const struct vmf_machine_format *const *format = vmf_machine_formats; *format; format++) {
    int sure = (*format)->probe(head, length);
    if (sure > 0 && sure < 100 && vmf_machine_format_has_suffix(*format, name))
      sure = 99;
    if (sure > most) {
      best = *format;
      most = sure;
    }
  }
  return best;
}

const char *vmf_machine_storage(const char *const *storages, const char *volume)
{
  size_t length = strcspn(volume, ":");

  for (; storages && *storages; storages++)
    if (strncmp(*storages, volume, length) == 0 && (*storages)[length] == '=')
      return *storages + length + 1;
  return NULL;
}

void vmf_machine_lose(const struct vmf_machine_losses *losses, enum vmf_loss_weight weight,
                      const char *code, const char *why, const char *field, ...)
{
  char path[64];
  va_list values;

  if (!losses || !losses->lose)
    return;
  va_start(values, field);
  vsnprintf(path, sizeof path, field, values);
  va_end(values);
  losses->lose(losses->data, path, code, weight, why);
}
