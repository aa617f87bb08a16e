/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Finds a guest operating system by one of its names. */
#include "guest_os.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "guest_os_table.h"

enum { KEY_SIZE = 80 }; /* no name of the table is longer */

/* Replaces the first `old` in the key by `fresh`, which is not longer. */
static void os_key_replace(char *key, const char *old, const char *fresh)
{
  char *at = strstr(key, old);

  if (!at)
    return;
  memmove(at + strlen(fresh), at + strlen(old), strlen(at + strlen(old)) + 1);
  memcpy(at, fresh, strlen(fresh));
}

/* What tells one name from another: letters and digits in lower case, without "guest", and "srv"
 * for "server", as VMware says one in its files and the other in its interface. Empty when it is
 * too long to be in the table. */
static void os_key(const char *name, char key[KEY_SIZE])
{
  size_t length = 0;

  for (; *name && length < KEY_SIZE - 1; name++) {
    bool upper = *name >= 'A' && *name <= 'Z', lower = *name >= 'a' && *name <= 'z';

    if (upper || lower || (*name >= '0' && *name <= '9') || *name == '/' || *name == '.')
      key[length++] = (char)(upper ? *name | 0x20 : *name);
  }
  key[*name ? 0 : length] = 0;
  os_key_replace(key, "guest", "");
  os_key_replace(key, "server", "srv");
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

/* "rhel9": there is none but rhel9_64Guest. */
static const struct vmf_guest_os *os_of_text(const char *text)
{
  const struct vmf_guest_os *os;
  char key[KEY_SIZE];

  os_key(text, key);
  if (!key[0])
    return NULL;
  os = os_of_key(key);
  if (!os && strlen(key) + 3 <= KEY_SIZE) {
    strcat(key, "64");
    os = os_of_key(key);
  }
  return os;
}

const struct vmf_guest_os *vmf_guest_os_find(const char *text)
{
  size_t digits = strspn(text, "0123456789");

  if (digits > 0 && !text[digits])
    return digits <= 5 ? os_of_number((unsigned)strtoul(text, NULL, 10)) : NULL;
  return os_of_text(text);
}

void vmf_guest_os_stem(const struct vmf_guest_os *os, char stem[VMF_GUEST_OS_TEXT], bool *wide)
{
  char key[KEY_SIZE];
  size_t length;

  os_key(os->vmware ? os->vmware : os->vbox ? os->vbox : os->name, key);
  os_key_replace(key, "64bit", "64");
  length = strlen(key);
  *wide = length > 2 && strcmp(key + length - 2, "64") == 0;
  key[*wide ? length - 2 : length] = 0;
  snprintf(stem, VMF_GUEST_OS_TEXT, "%.*s", VMF_GUEST_OS_TEXT - 1, key);
}

const struct vmf_guest_os *vmf_guest_os_of_stem(const char *stem, bool wide)
{
  const struct vmf_guest_os *os = NULL;
  char key[KEY_SIZE];

  for (int other = 0; other < 2 && !os; other++) {
    snprintf(key, sizeof key, "%s%s", stem, wide == (other == 0) ? "64" : "");
    os = os_of_key(key);
    if (!os && wide == (other == 0)) {
      snprintf(key, sizeof key, "%s64bit", stem);
      os = os_of_key(key);
    }
  }
  return os;
}

static bool is_number_among(unsigned number, unsigned first, unsigned last)
{
  return number >= first && number <= last;
}

enum vmf_os_family vmf_guest_os_family(const struct vmf_guest_os *os)
{
  unsigned cim = os->cim;

  if (strncmp(os->name, "Windows", 7) == 0 || strncmp(os->name, "Hyper-V", 7) == 0)
    return VMF_OS_WINDOWS;
  if (cim == 36 || is_number_among(cim, 79, 80) || is_number_among(cim, 82, 101) ||
      is_number_among(cim, 106, 109))
    return VMF_OS_LINUX;
  if (cim == 29 || cim == 30 || cim == 81)
    return VMF_OS_SOLARIS;
  if (is_number_among(cim, 41, 43) || cim == 65 || cim == 78)
    return VMF_OS_BSD;
  return cim == 2 ? VMF_OS_MACOS : VMF_OS_OTHER;
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

/* By the first word: of "Ubuntu 22.04" no name has the rest. */
static void os_list_by_word(const char *text, char *list, size_t size)
{
  char word[KEY_SIZE], key[KEY_SIZE];
  size_t length = 0;

  while (isalpha((unsigned char)text[length]) && length < sizeof word - 1)
    length++;
  if (length < 3)
    return;
  snprintf(word, sizeof word, "%.*s", (int)length, text);
  os_key_of_person(word, key);
  os_list(key, os_contains, list, size);
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
  if (!list[0])
    os_list_by_word(text, list, size);
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
