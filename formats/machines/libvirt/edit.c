/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A domain that is changed where it is: splices of its XML. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "libvirt_editor.h"
#include "machine_edits.h"
#include "memory.h"

#define EDITED                                                                                     \
  (VMF_EDIT_NAME | VMF_EDIT_CPUS | VMF_EDIT_MEMORY | VMF_EDIT_NETWORKS | VMF_EDIT_NICS |           \
   VMF_EDIT_OS | VMF_EDIT_FIRMWARE | VMF_EDIT_ANNOTATION | VMF_EDIT_DRIVES)

static enum vmf_code edit_texts(struct vmf_editing *editor)
{
  const char *name = editor->edits->name, *note = editor->edits->annotation;

  if (name && strchr(name, '/'))
    return vmf_fail(editor->error, VMF_USAGE, "the name \"%.80s\": libvirt takes no \"/\" in it",
                    name);
  if (name)
    VMF_TRY(vmf_editing_leaf(editor, editor->root, "name", name));
  if (note && !*note)
    return vmf_editing_remove(editor, libvirt_child(editor->root, "description"));
  return note ? vmf_editing_leaf(editor, editor->root, "description", note) : VMF_OK;
}

/* ---- processors ---- */

static enum vmf_code set_number(struct vmf_editing *editor, const xmlNode *element,
                                const char *attribute, uint64_t number)
{
  char text[24];

  snprintf(text, sizeof text, "%" PRIu64, number);
  return attribute ? vmf_editing_attribute(editor, element, attribute, text)
                   : vmf_editing_text(editor, element, text);
}

/* What shares out processors or memory one by one cannot follow a number. */
static enum vmf_code check_shares(struct vmf_editing *editor)
{
  const xmlNode *numa = libvirt_child(libvirt_child(editor->root, "cpu"), "numa");
  const xmlNode *each = libvirt_child(editor->root, "vcpus");
  const xmlNode *element = editor->edits->cpus && each                    ? each
                           : editor->edits->cpus || editor->edits->memory ? numa
                                                                          : NULL;

  if (!element)
    return VMF_OK;
  return vmf_fail(editor->error, VMF_UNSUPPORTED,
                  "%s:%u: <%s> shares out what the machine has, one by one: it is not known what "
                  "would get more or less; change it by hand, or take it away",
                  editor->name, vmf_xml_line(element), (const char *)element->name);
}

/* The number of sockets follows where that goes. */
static enum vmf_code edit_topology(struct vmf_editing *editor, unsigned cpus)
{
  const struct vmf_machine *machine = editor->machine;
  const xmlNode *topology = libvirt_child(libvirt_child(editor->root, "cpu"), "topology");
  uint64_t socket = vmf_told_or(machine->dies, 1) * vmf_told_or(machine->cores, 1) *
                    vmf_told_or(machine->threads, 1);

  if (!topology)
    return VMF_OK;
  if (socket > 0 && cpus % socket == 0)
    return set_number(editor, topology, "sockets", cpus / socket);
  vmf_editing_tell(editor, "edit-cores", topology,
                   "the processors are not whole sockets: the topology is not said any longer");
  return vmf_editing_remove(editor, topology);
}

static enum vmf_code edit_cpus(struct vmf_editing *editor)
{
  const xmlNode *vcpu = libvirt_child(editor->root, "vcpu");
  const struct vmf_told_number *online = &editor->machine->vcpus_online;
  unsigned cpus = editor->edits->cpus;
  char text[16];

  if (cpus == 0 || vmf_told_or(editor->machine->vcpus, 1) == cpus)
    return VMF_OK;
  snprintf(text, sizeof text, "%u", cpus);
  VMF_TRY(vmf_editing_leaf(editor, editor->root, "vcpu", text));
  if (online->told && online->value > cpus) {
    vmf_editing_tell(editor, "edit-cores", vcpu,
                     "more processors were to be there at first than there are now: all are");
    VMF_TRY(vmf_editing_attribute(editor, vcpu, "current", NULL));
  }
  return edit_topology(editor, cpus);
}

/* ---- memory ---- */

/* In the unit that is there, or in KiB, libvirt's own. */
static enum vmf_code set_bytes(struct vmf_editing *editor, const char *name, uint64_t bytes)
{
  const xmlNode *element = libvirt_child(editor->root, name);
  VMF_AUTO_FREE char *unit = NULL;
  char text[24];

  if (element)
    VMF_TRY(vmf_xml_attribute(element, NULL, "unit", &unit, editor->error));
  uint64_t step = libvirt_unit(unit);
  if (step == 0 || bytes % step != 0) {
    step = 1024;
    VMF_TRY(vmf_editing_attribute(editor, element, "unit", "KiB"));
  }
  snprintf(text, sizeof text, "%" PRIu64, bytes / step);
  return vmf_editing_leaf(editor, editor->root, name, text);
}

static enum vmf_code edit_memory(struct vmf_editing *editor)
{
  const xmlNode *current = libvirt_child(editor->root, "currentMemory");
  const xmlNode *most = libvirt_child(editor->root, "maxMemory");
  uint64_t memory = editor->edits->memory;
  struct vmf_told_number least = editor->machine->memory_least;

  if (memory == 0 || vmf_told_or(editor->machine->memory, 0) == memory)
    return VMF_OK;
  if (most)
    return vmf_fail(editor->error, VMF_UNSUPPORTED,
                    "%s:%u: <maxMemory> and what is plugged in go with the memory: change them by "
                    "hand, or take them away",
                    editor->name, vmf_xml_line(most));
  VMF_TRY(set_bytes(editor, "memory", memory));
  if (!current || (least.told && least.value <= memory))
    return VMF_OK;
  if (least.told)
    vmf_editing_tell(editor, "edit-balloon", current,
                     "the least that the balloon leaves was more than the memory is now: it is "
                     "all of it");
  return set_bytes(editor, "currentMemory", memory);
}

/* ---- guest system and firmware ---- */

static enum vmf_code add_libosinfo(struct vmf_editing *editor, const char *id)
{
  const xmlNode *metadata = libvirt_child(editor->root, "metadata");
  const xmlNode *parent = metadata ? metadata : editor->root;
  struct vmf_markup markup = vmf_editing_markup(editor, parent);

  if (!metadata)
    vmf_markup_open(&markup, "metadata");
  vmf_markup_start(&markup, "libosinfo:libosinfo");
  vmf_markup_attribute(&markup, "xmlns:libosinfo", LIBVIRT_LIBOSINFO);
  vmf_markup_enter(&markup);
  vmf_markup_start(&markup, "libosinfo:os");
  vmf_markup_attribute(&markup, "id", "%s", id);
  vmf_markup_end(&markup);
  vmf_markup_leave(&markup, "libosinfo:libosinfo");
  if (!metadata)
    vmf_markup_leave(&markup, "metadata");
  return vmf_editing_append(editor, parent, &markup);
}

static enum vmf_code edit_os(struct vmf_editing *editor)
{
  const struct vmf_guest_os *os = editor->edits->os ? vmf_guest_os_find(editor->edits->os) : NULL;
  const char *id = os ? vmf_guest_os_libosinfo(os) : NULL;
  const xmlNode *there = libvirt_libosinfo(editor->root);

  if (!os)
    return VMF_OK;
  if (!id)
    return vmf_fail(editor->error, VMF_UNSUPPORTED,
                    "%s: libosinfo has no name for the guest system \"%s\"", editor->name,
                    os->name);
  return there ? vmf_editing_attribute(editor, there, "id", id) : add_libosinfo(editor, id);
}

/* libvirt chooses the file of an EFI itself; a BIOS is what there is without a word. The files of
 * the old firmware, and its variables, are none of the new one. */
static enum vmf_code edit_firmware(struct vmf_editing *editor)
{
  static const char *const old[] = {"loader", "nvram", "firmware"};
  const xmlNode *os = libvirt_child(editor->root, "os");
  const char *firmware = editor->edits->firmware;
  bool efi = firmware && strcmp(firmware, "efi") == 0;
  uint64_t is = vmf_told_or(editor->machine->firmware, VMF_FIRMWARE_BIOS);

  if (!firmware || is == (efi ? VMF_FIRMWARE_EFI : VMF_FIRMWARE_BIOS))
    return VMF_OK;
  if (!os)
    return vmf_fail(editor->error, VMF_UNSUPPORTED, "%s: has no <os> to say the firmware in",
                    editor->name);
  for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
    const xmlNode *element = libvirt_child(os, old[i]);
    if (element)
      vmf_editing_tell(editor, "edit-loader", element,
                       "it belongs to the firmware of before, and is not said any longer");
    VMF_TRY(vmf_editing_remove(editor, element));
  }
  if (!efi && vmf_told_or(editor->machine->secure_boot, 0) != 0)
    vmf_editing_tell(editor, "edit-secure-boot", os,
                     "a BIOS has no secure boot: it is not said any longer");
  return vmf_editing_attribute(editor, os, "firmware", efi ? "efi" : NULL);
}

/* ---- all of it ---- */

static enum vmf_code remove_drives(struct vmf_editing *editor)
{
  const xmlNode *devices = libvirt_child(editor->root, "devices");

  for (const xmlNode *disk = editor->edits->remove_cd ? libvirt_child(devices, "disk") : NULL; disk;
       disk = libvirt_next(disk)) {
    VMF_AUTO_FREE char *device = NULL;
    VMF_TRY(vmf_xml_attribute(disk, NULL, "device", &device, editor->error));
    if (device && strcmp(device, "cdrom") == 0)
      VMF_TRY(vmf_editing_remove(editor, disk));
  }
  return VMF_OK;
}

static enum vmf_code edit_all(struct vmf_editing *editor)
{
  if (editor->xml->recoded)
    vmf_editing_tell(editor, "edit-encoding", NULL,
                     "was in another encoding than it said, or than UTF-8, and is in UTF-8 now");
  VMF_TRY(check_shares(editor));
  VMF_TRY(edit_texts(editor));
  VMF_TRY(edit_cpus(editor));
  VMF_TRY(edit_memory(editor));
  VMF_TRY(edit_os(editor));
  VMF_TRY(edit_firmware(editor));
  VMF_TRY(libvirt_edit_nics(editor));
  return remove_drives(editor);
}

enum vmf_code libvirt_edit(const struct vmf_machine_source *source,
                           const struct vmf_machine *machine, const struct vmf_machine_edits *edits,
                           struct vmf_report *report, char **text, size_t *length,
                           struct vmf_error *error)
{
  struct vmf_editing editor = {
      .machine = machine, .edits = edits, .report = report, .error = error};

  VMF_TRY(vmf_editing_begin(&editor, source, EDITED));
  return vmf_editing_end(&editor, edit_all(&editor), text, length);
}
