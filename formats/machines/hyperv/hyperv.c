/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Microsoft Hyper-V's machines as a machine format. */
#include "hyperv.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hyperv_script.h"
#include "vmcx.h"

/* The head as if it were in an encoding of one byte: UTF-16 without its zeros. */
static size_t narrow(const uint8_t *head, size_t length, char *text, size_t room)
{
  size_t used = 0;

  for (size_t i = 0; i < length && used < room; i++)
    if (head[i] != 0)
      text[used++] = (char)head[i];
  return used;
}

static bool has(const char *text, size_t length, const char *word)
{
  return memmem(text, length, word, strlen(word)) != NULL;
}

/* Other programs have a <configuration>, too: some element that only Hyper-V's has is there. */
static int probe_xml(const uint8_t *head, size_t length)
{
  static const char *const own[] = {
      "<VDEVVersion",   "<vm-controllers", "<vdev001", "<dynamic_memory_enabled",
      "<subtype type=", "<global_id",      "<type_id", "<generation_id"};
  char text[VMF_MACHINE_HEAD];
  size_t used = narrow(head, length, text, sizeof text);

  if (!has(text, used, "<configuration"))
    return 0;
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
    if (has(text, used, own[i]))
      return 100;
  return 0;
}

static int hyperv_probe(const uint8_t *head, size_t length)
{
  for (size_t at = 0; at <= VMCX_HEADER_STEP; at += VMCX_HEADER_STEP)
    if (length >= at + 4 && get_le32(head + at) == VMCX_SIGNATURE)
      return 100;
  return hyperv_is_script(head, length) ? 100 : probe_xml(head, length);
}

static const char *const hyperv_suffixes[] = {"vmcx", "xml", "ps1", NULL};

static const char *const hyperv_written[] = {"ps1", NULL};

/* The configuration is in "Virtual Machines" or "Snapshots". */
static const char *const hyperv_folders[] = {"../Virtual Hard Disks", "Virtual Hard Disks", NULL};

extern const struct vmf_machine_format vmf_machine_format_hyperv;
const struct vmf_machine_format vmf_machine_format_hyperv = {
    .name = HYPERV_NAME,
    .summary = "Microsoft Hyper-V: .vmcx or XML of an export; written is a script that imports",
    .suffixes = hyperv_suffixes,
    .probe = hyperv_probe,
    .read = hyperv_read,
    .write = hyperv_write,
    .write_suffixes = hyperv_written,
    .disk_form = "vhdx",
    .disk_folders = hyperv_folders,
};
