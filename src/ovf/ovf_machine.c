/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A virtual system as a machine: its name, its guest, and the order of its parts. */
#include "ovf_machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "memory.h"
#include "reader.h"
#include "system_reader.h"
#include "text.h"

enum { CIM_AGREED = 111 /* tools disagree about greater numbers */ };

static enum vmf_code read_names(struct vmf_system_reader *reader)
{
  const struct vmf_ovf_system *system = reader->system;
  struct vmf_machine *machine = reader->machine;
  const char *const names[] = {system->name, system->identifier, system->id};

  for (size_t i = 0; i < sizeof names / sizeof names[0] && !machine->name.text; i++)
    if (names[i] && *names[i])
      VMF_TRY(vmf_machine_text(machine, names[i], system->line, &machine->name, reader->error));
  VMF_TRY(vmf_machine_text(machine, system->annotation, system->line, &machine->description,
                           reader->error));
  return vmf_machine_text(machine, system->families, system->line, &machine->hw_version,
                          reader->error);
}

/* A width is told by a vendor's name only: CIM's numbers are used for both. */
static enum vmf_code read_guest(struct vmf_system_reader *reader)
{
  const struct vmf_ovf_system *system = reader->system;
  struct vmf_machine *machine = reader->machine;
  const char *name = system->os_name ? system->os_name : "";
  const struct vmf_guest_os *os = vmf_guest_os_of(system->vmw_os, system->vbox_os, false, 0);
  char number[16], stem[VMF_GUEST_OS_TEXT];
  bool wide, told = os != NULL;

  if (!os && name[strspn(name, "0123456789")]) /* no number is a name */
    os = vmf_guest_os_find(name);
  if (!os)
    os =
        vmf_guest_os_of(NULL, NULL, system->os_known && system->os_id <= CIM_AGREED, system->os_id);
  snprintf(number, sizeof number, "%u", system->os_id);
  const char *source = system->vmw_os    ? system->vmw_os
                       : system->vbox_os ? system->vbox_os
                       : *name           ? name
                                         : number;
  if (!os && !system->vmw_os && !system->vbox_os && !*name && !system->os_known)
    return VMF_OK;
  VMF_TRY(vmf_machine_set_os(machine, os, source, system->line, reader->error));
  if (!os)
    return VMF_OK;
  vmf_guest_os_stem(os, stem, &wide);
  if (wide || told)
    machine->arch = vmf_told(wide ? VMF_ARCH_X86_64 : VMF_ARCH_I686, system->line);
  return VMF_OK;
}

static void read_firmware(struct vmf_system_reader *reader)
{
  const struct vmf_ovf_system *system = reader->system;
  const char *firmware = system->firmware ? system->firmware : "";
  bool efi = vmf_text_equal_nocase(firmware, "efi") || vmf_text_equal_nocase(firmware, "uefi");

  if (efi || vmf_text_equal_nocase(firmware, "bios"))
    reader->machine->firmware = vmf_told(efi ? VMF_FIRMWARE_EFI : VMF_FIRMWARE_BIOS, system->line);
  if (system->secure_boot)
    reader->machine->secure_boot = vmf_told(VMF_SECURE_BOOT_ON, system->line);
}

/* <StartupSection><Item ovf:id="web" ovf:order="2"/> of the collection that it is in. */
static enum vmf_code read_start_order(struct vmf_system_reader *reader)
{
  const struct vmf_ovf_system *system = reader->system;
  const struct vmf_ovf_system *around = &reader->ovf->systems[system->parent];
  struct vmf_ovf_reader attributes = {.error = reader->error};
  const xmlNode *content = reader->ovf->xml->elements[around->element];

  for (const xmlNode *section = vmf_reader_first(content); section && around != system;
       section = vmf_reader_next(section)) {
    size_t length;
    bool own;
    const char *kind = vmf_reader_kind(section, &length, &own);
    if (!own || length != 14 || memcmp(kind, "StartupSection", 14) != 0)
      continue;
    for (const xmlNode *node = vmf_reader_first(section); node; node = vmf_reader_next(node)) {
      VMF_AUTO_FREE char *id = NULL, *order = NULL;
      uint64_t number;
      VMF_TRY(vmf_reader_attribute(&attributes, node, "id", &id));
      VMF_TRY(vmf_reader_attribute(&attributes, node, "order", &order));
      if (id && system->id && strcmp(id, system->id) == 0 && order &&
          vmf_reader_number(order, &number))
        reader->machine->start_order = vmf_told(number, vmf_xml_line(node));
    }
  }
  return VMF_OK;
}

static enum vmf_code read_system(struct vmf_system_reader *reader)
{
  VMF_TRY(read_names(reader));
  VMF_TRY(read_guest(reader));
  read_firmware(reader);
  VMF_TRY(read_start_order(reader));
  VMF_TRY(vmf_system_devices(reader));
  return vmf_system_rest(reader);
}

enum vmf_code vmf_ovf_machine(const struct vmf_ovf *ovf, size_t system, struct vmf_machine *machine,
                              struct vmf_report *report, struct vmf_error *error)
{
  struct vmf_system_reader reader = {.ovf = ovf,
                                     .system = &ovf->systems[system],
                                     .machine = machine,
                                     .report = report,
                                     .error = error};
  enum vmf_code code = read_system(&reader);

  vmf_names_clear(&reader.ids);
  vmf_free(reader.items);
  return code;
}

static enum vmf_code only_system(const struct vmf_ovf *ovf, size_t *system, struct vmf_error *error)
{
  size_t count = 0;

  for (size_t i = 0; i < ovf->system_count; i++)
    if (!ovf->systems[i].collection) {
      *system = i;
      count++;
    }
  if (count == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: has no VirtualSystem", ovf->name);
  if (count > 1)
    return vmf_fail(error, VMF_USAGE, "%s: has %zu machines, and one is asked for", ovf->name,
                    count);
  return VMF_OK;
}

enum vmf_code vmf_ovf_machine_read(const struct vmf_machine_source *source,
                                   struct vmf_machine *machine, struct vmf_report *report,
                                   struct vmf_error *error)
{
  struct vmf_ovf *ovf;
  size_t system = 0;

  VMF_TRY(vmf_ovf_read(source->name, source->bytes, source->length, report, &ovf, error));
  enum vmf_code code = only_system(ovf, &system, error);
  if (code == VMF_OK)
    code = vmf_ovf_machine(ovf, system, machine, report, error);
  vmf_ovf_free(ovf);
  return code;
}
