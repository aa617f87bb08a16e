/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Finds a guest operating system by one of its names. */
#include "guest_os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "guest_os_table.h"

enum { KEY_SIZE = 80 }; /* no name of the table is longer */

/* What tells one name from another: letters and digits in lower case, without "guest". Empty when
 * it is too long to be in the table. */
static void os_key(const char *name, char key[KEY_SIZE])
{
  size_t length = 0;
  char *guest;

  for (; *name && length < KEY_SIZE - 1; name++) {
    bool upper = *name >= 'A' && *name <= 'Z', lower = *name >= 'a' && *name <= 'z';

    if (upper || lower || (*name >= '0' && *name <= '9') || *name == '/' || *name == '.')
      key[length++] = (char)(upper ? *name | 0x20 : *name);
  }
  key[*name ? 0 : length] = 0;
  guest = strstr(key, "guest");
  if (guest)
    memmove(guest, guest + 5, strlen(guest + 5) + 1);
}

static bool os_key_is(const char *name, const char *key)
{
  char found[KEY_SIZE];

  if (!name)
    return false;
  os_key(name, found);
  return strcmp(found, key) == 0;
}

static const struct vmf_guest_os *os_of_vmware(const char *key)
{
  for (size_t i = 0; i < vmf_guest_os_count; i++)
    if (os_key_is(vmf_guest_os_table[i].vmware, key))
      return &vmf_guest_os_table[i];
  return NULL;
}

static const struct vmf_guest_os *os_of_vbox(const char *key)
{
  for (size_t i = 0; i < vmf_guest_os_count; i++)
    if (os_key_is(vmf_guest_os_table[i].vbox, key))
      return &vmf_guest_os_table[i];
  return NULL;
}

static const struct vmf_guest_os *os_of_name(const char *key)
{
  for (size_t i = 0; i < vmf_guest_os_count; i++)
    if (os_key_is(vmf_guest_os_table[i].name, key))
      return &vmf_guest_os_table[i];
  return NULL;
}

static const struct vmf_guest_os *os_of_number(unsigned cim)
{
  for (size_t i = 0; i < vmf_guest_os_count; i++)
    if (vmf_guest_os_table[i].cim == cim)
      return &vmf_guest_os_table[i];
  return NULL;
}

static const struct vmf_guest_os *os_of_key(const char *key)
{
  const struct vmf_guest_os *os = os_of_vmware(key);

  if (!os)
    os = os_of_vbox(key);
  return os ? os : os_of_name(key);
}

const struct vmf_guest_os *vmf_guest_os_find(const char *text)
{
  const struct vmf_guest_os *os;
  size_t digits = strspn(text, "0123456789");
  char key[KEY_SIZE];

  if (digits > 0 && !text[digits])
    return digits <= 5 ? os_of_number((unsigned)strtoul(text, NULL, 10)) : NULL;
  os_key(text, key);
  if (!key[0])
    return NULL;
  os = os_of_key(key);
  if (!os && strlen(key) + 3 <= KEY_SIZE) { /* "rhel9": there is none but rhel9_64Guest */
    strcat(key, "64");
    os = os_of_key(key);
  }
  return os;
}

/* "win11" is what people say for "windows11". */
static void os_key_of_person(const char *text, char key[KEY_SIZE])
{
  static const char windows[] = "windows";

  os_key(text, key);
  if (strncmp(key, "win", 3) != 0 || key[3] < '0' || key[3] > '9' ||
      strlen(key) + sizeof windows > KEY_SIZE)
    return;
  memmove(key + sizeof windows - 1, key + 3, strlen(key + 3) + 1);
  memcpy(key, windows, sizeof windows - 1);
}

static bool os_contains(const struct vmf_guest_os *os, const char *key)
{
  char vmware[KEY_SIZE], name[KEY_SIZE];

  os_key(os->vmware, vmware);
  os_key(os->name, name);
  return strstr(vmware, key) || strstr(name, key);
}

static bool os_resembles(const struct vmf_guest_os *os, const char *key)
{
  char vmware[KEY_SIZE];

  os_key(os->vmware, vmware);
  return vmf_word_similar(key, vmware);
}

static void os_list(const char *key, bool (*meant)(const struct vmf_guest_os *, const char *),
                    char *list, size_t size)
{
  size_t length = 0;

  for (size_t i = vmf_guest_os_count; i > 0; i--) {
    const struct vmf_guest_os *os = &vmf_guest_os_table[i - 1];

    if (os->vmware && length + strlen(os->vmware) + 3 < size && meant(os, key))
      length +=
          (size_t)snprintf(list + length, size - length, "%s%s", length ? ", " : "", os->vmware);
  }
}

void vmf_guest_os_suggest(const char *text, char *list, size_t size)
{
  char key[KEY_SIZE];

  list[0] = 0;
  os_key_of_person(text, key);
  if (!key[0] || !key[1])
    return;
  os_list(key, os_contains, list, size);
  if (!list[0])
    os_list(key, os_resembles, list, size);
}

const struct vmf_guest_os *vmf_guest_os_of(const char *vmware, const char *vbox, bool cim_known,
                                           unsigned cim)
{
  const struct vmf_guest_os *os = NULL;
  char key[KEY_SIZE];

  if (vmware) {
    os_key(vmware, key);
    os = key[0] ? os_of_vmware(key) : NULL;
  }
  if (!os && vbox) {
    os_key(vbox, key);
    os = key[0] ? os_of_vbox(key) : NULL;
  }
  if (!os && cim_known)
    os = os_of_number(cim);
  return os;
}

bool vmf_guest_os_describe(size_t index, struct vmf_guest_os_info *info)
{
  struct vmf_guest_os_info own;
  const struct vmf_guest_os *os;

  if (!info || vmf_take_guest_os_info(info, &own, NULL) != VMF_OK || index >= vmf_guest_os_count)
    return false;
  os = &vmf_guest_os_table[index];
  own.cim = os->cim;
  own.name = os->name;
  own.vmware = os->vmware;
  own.vbox = os->vbox;
  vmf_give_guest_os_info(&own, info);
  return true;
}
