/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vmware.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guid.h"

enum { FIRST_SWAPPED = 13 };

void vmf_vmware_uuid(unsigned hardware, const uint8_t from[16], uint8_t to[16])
{
  if (hardware >= FIRST_SWAPPED)
    vmf_guid_swap(from, to);
  else
    memcpy(to, from, VMF_GUID_SIZE);
}

unsigned vmf_vmware_version(const char *families)
{
  unsigned most = 0;

  for (const char *at = families; at && (at = strstr(at, "vmx-")); at += 4) {
    unsigned long version = strtoul(at + 4, NULL, 10);
    if (version > most && version < 1000)
      most = (unsigned)version;
  }
  return most;
}

bool vmf_vmware_secret(const char *key)
{
  static const char *const starts[] = {"remotedisplay.vnc.password", "remotedisplay.vnc.key",
                                       "encryption.", "datafilekey", "vtpm."};

  for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
    if (strncasecmp(key, starts[i], strlen(starts[i])) == 0)
      return true;
  return strcasecmp(key, VMF_VMWARE_ENVIRONMENT) == 0;
}

const struct vmf_vendor_name vmf_vmware_boot_classes[] = {{"hdd", "disk"},
                                                          {"cdrom", "cdrom"},
                                                          {"ethernet0", "network"},
                                                          {"floppy", "floppy"},
                                                          {NULL, NULL}};

static void take_place(const struct vmf_told_number *boot, uint64_t above, uint64_t *least)
{
  if (boot->told && boot->value > above && (*least <= above || boot->value < *least))
    *least = boot->value;
}

bool vmf_vmware_next_place(const struct vmf_machine *machine, uint64_t *place)
{
  const uint64_t above = *place;

  for (size_t i = 0; i < machine->disk_count; i++)
    take_place(&machine->disks[i].boot, above, place);
  for (size_t i = 0; i < machine->nic_count; i++)
    take_place(&machine->nics[i].boot, above, place);
  return *place > above;
}

void vmf_vmware_list_add(struct vmf_vmware_list *list, const char *word)
{
  size_t length = strlen(list->text);

  snprintf(list->text + length, sizeof list->text - length, "%s%s", length ? "," : "", word);
  list->count++;
}
