/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Finds a guest operating system by one of its names. */
#include "guest_os.h"

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
