/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "machine_edits.h"

#include <string.h>

#include "text.h"

/* White space at the ends does not count: readers cut it. */
static bool is_text(const char *is, const char *wanted)
{
  static const char blank[] = " \t\r\n";
  size_t length;

  is = is ? is + strspn(is, blank) : "";
  wanted += strspn(wanted, blank);
  length = strlen(wanted);
  while (length > 0 && strchr(blank, wanted[length - 1]))
    length--;
  return strncmp(is, wanted, length) == 0 && !is[length + strspn(is + length, blank)];
}

enum vmf_code vmf_machine_check_edits(const struct vmf_machine *machine,
                                      const struct vmf_machine_edits *edits, const char *name,
                                      struct vmf_error *error)
{
  bool efi = edits->firmware && vmf_text_equal_nocase(edits->firmware, "efi");
  uint64_t firmware = vmf_told_or(machine->firmware, VMF_FIRMWARE_BIOS);
  const struct {
    const char *what;
    bool right;
  } fields[] = {
      {"name", !edits->name || is_text(machine->name.text, edits->name)},
      {"annotation", !edits->annotation || is_text(machine->description.text, edits->annotation)},
      {"cpus", edits->cpus == 0 || vmf_told_or(machine->vcpus, 1) == edits->cpus},
      {"memory", edits->memory == 0 || vmf_told_or(machine->memory, 0) == edits->memory},
      {"firmware", !edits->firmware || firmware == (efi ? VMF_FIRMWARE_EFI : VMF_FIRMWARE_BIOS)},
  };

  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
    if (!fields[i].right)
      return vmf_fail(error, VMF_UNSUPPORTED,
                      "%s: says its %s in a way that is not edited here; nothing is changed", name,
                      fields[i].what);
  return VMF_OK;
}
