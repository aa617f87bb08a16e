/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * VirtualBox's own description of the machine, <vbox:Machine>, for what the standard's elements
 * have no place for. It is read as a machine of its own, of which what the standard's elements do
 * not say is taken. */
#include <stdio.h>

#include "adopt.h"
#include "system_reader.h"
#include "vbox_hardware.h"

enum { DEFAULT_VERSION = 15 /* of a machine that does not say it: VirtualBox 5.0 */ };

static enum vmf_code read_machine(struct vmf_vbox_reading *reading, const xmlNode *node,
                                  struct vmf_error *error)
{
  struct vmf_machine *machine = reading->taking.machine;
  struct vmf_told_text version;
  struct vmf_told_id shown;

  VMF_TRY(vmf_taking_begin(&reading->taking, error));
  VMF_TRY(vmf_taking_peek(&reading->taking, node, "version", &version, error));
  if (!version.text || sscanf(version.text, "1.%3u", &reading->version) != 1)
    reading->version = DEFAULT_VERSION;
  VMF_TRY(vmf_vbox_uuid(&reading->taking, node, "uuid", &machine->uuid, error));
  VMF_TRY(vmf_vbox_uuid(&reading->taking, vmf_vbox_child(node, "Hardware"), "uuid", &shown, error));
  if (shown.told)
    machine->uuid = shown;
  return vmf_vbox_read_hardware(reading, node, error);
}

/* What is wrong in it is no fault of the package, which other products read without it. */
static enum vmf_code pass_over(const struct vmf_system_reader *reader, enum vmf_code code,
                               const xmlNode *node, const struct vmf_error *why)
{
  if (code == VMF_NOMEM)
    return vmf_fail(reader->error, code, "%s", why->text);
  vmf_report_add(reader->report, VMF_SEVERITY_WARNING, "vbox-machine", reader->ovf->name,
                 vmf_xml_line(node), "vbox:Machine is left out of account: %s", why->text);
  return VMF_OK;
}

enum vmf_code vmf_system_vbox(struct vmf_system_reader *reader, const xmlNode *machine)
{
  struct vmf_machine *scratch;
  struct vmf_error why;

  VMF_TRY(vmf_machine_new(&scratch, reader->error));
  struct vmf_vbox_reading reading = {.taking = {.name = reader->ovf->name,
                                                .vocabulary = &vmf_vbox_vocabulary,
                                                .xml = reader->ovf->xml,
                                                .machine = scratch}};
  enum vmf_code code = read_machine(&reading, machine, &why);
  code = code == VMF_OK ? vmf_machine_adopt(reader->machine, scratch, reader->error)
                        : pass_over(reader, code, machine, &why);
  vmf_taking_clear(&reading.taking);
  vmf_machine_free(scratch);
  return code;
}
