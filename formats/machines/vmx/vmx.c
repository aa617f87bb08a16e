/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * VMware's .vmx as a machine format. */
#include "vmx_edit.h"

#include <string.h>

static const char *const vmx_suffixes[] = {"vmx", NULL};

/* Whether a line of the head begins with the key, case ignored, and has '=' behind it. */
static bool has_line(const char *head, size_t length, const char *key)
{
  size_t wanted = strlen(key);

  for (size_t at = 0; at + wanted < length; at++) {
    size_t i = 0;
    if (at > 0 && head[at - 1] != '\n')
      continue;
    while (i < wanted && (head[at + i] == key[i] || (head[at + i] | 0x20) == key[i]))
      i++;
    if (i < wanted)
      continue;
    for (at += wanted; at < length && (head[at] == ' ' || head[at] == '\t'); at++)
      continue;
    if (at < length && head[at] == '=')
      return true;
  }
  return false;
}

/* The version of the file or of the hardware is in all of them, though perhaps not at the start. */
static int vmx_probe(const uint8_t *head, size_t length)
{
  static const char *const sure[] = {"config.version", "virtualhw.version"};
  static const char *const perhaps[] = {"displayname", "guestos", "memsize", "numvcpus",
                                        "encryption.keysafe"};
  const char *text = (const char *)head;

  if (length >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0) {
    text += 3;
    length -= 3;
  }
  for (size_t i = 0; i < sizeof sure / sizeof sure[0]; i++)
    if (has_line(text, length, sure[i]))
      return 100;
  for (size_t i = 0; i < sizeof perhaps / sizeof perhaps[0]; i++)
    if (has_line(text, length, perhaps[i]))
      return 50;
  return 0;
}

const struct vmf_machine_format vmf_machine_format_vmx = {
    .name = VMX_NAME,
    .summary =
        "VMware Workstation, Fusion, Player and ESXi (.vmx, with the snapshots of its .vmsd)",
    .suffixes = vmx_suffixes,
    .probe = vmx_probe,
    .read = vmx_read,
    .write = vmx_write,
    .edit = vmx_edit,
    .disk_form = "monolithicSparse",
    .environment_key = VMF_VMWARE_ENVIRONMENT,
};
