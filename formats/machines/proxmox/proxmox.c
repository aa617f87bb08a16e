/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "proxmox_edit.h"

#include <string.h>

/* Lines that start so are in every configuration, two of them in hardly any other text. */
static int proxmox_probe(const uint8_t *head, size_t length)
{
  static const char *const starts[] = {
      "smbios1: ", "vmgenid: ",  "ostype: ",     "scsihw: ",     "sockets: ",
      "cores: ",   "bootdisk: ", "boot: order=", "#qmdump#map:", "net0: ",
      "bios: ",    "machine: ",  "efidisk0: ",   "memory: "};
  const char *text = (const char *)head, *end = text + length;
  int found = 0;

  for (const char *line = text; line < end;) {
    const char *next = memchr(line, '\n', (size_t)(end - line));
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
      if ((size_t)(end - line) > strlen(starts[i]) &&
          memcmp(line, starts[i], strlen(starts[i])) == 0)
        found++;
    line = next ? next + 1 : end;
  }
  return found > 2 ? 100 : 50 * found;
}

static const char *const proxmox_suffixes[] = {"conf", NULL};

extern const struct vmf_machine_format vmf_machine_format_proxmox;
const struct vmf_machine_format vmf_machine_format_proxmox = {
    .name = PROXMOX_NAME,
    .summary = "Proxmox VE: qemu-server.conf, alone or in a VMA",
    .suffixes = proxmox_suffixes,
    .probe = proxmox_probe,
    .read = proxmox_read,
    .write = proxmox_write,
    .edit = proxmox_edit,
    .disk_form = "qcow2",
    .container = "vma",
    .text_name = PROXMOX_IN_ARCHIVE,
    .disk_name = proxmox_disk_name,
};
