/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * VirtualBox's own description of the machine, <vbox:Machine>, for what the standard's elements
 * have no place for. Its elements are in the namespace of the envelope or of VirtualBox: their
 * names count. */
#include <stddef.h>
#include <string.h>

#include "guid.h"
#include "memory.h"
#include "reader.h"
#include "system_reader.h"
#include "text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const xmlNode *child(const xmlNode *parent, const char *name)
{
  return parent ? vmf_xml_child(parent, NULL, name) : NULL;
}

/* NULL in *value: there is no such element or attribute. */
static enum vmf_code attribute(struct vmf_system_reader *reader, const xmlNode *node,
                               const char *name, char **value)
{
  *value = NULL;
  return node ? vmf_xml_attribute(node, NULL, name, value, reader->error) : VMF_OK;
}

/* A flag or a number of an element; what is told already stays. */
static enum vmf_code set(struct vmf_system_reader *reader, const xmlNode *node, const char *name,
                         bool is_flag, struct vmf_told_number *told)
{
  VMF_AUTO_FREE char *text = NULL;
  uint64_t number = 0;
  bool flag = false;

  VMF_TRY(attribute(reader, node, name, &text));
  if (!text || told->told ||
      (is_flag ? !vmf_system_flag(text, &flag) : !vmf_reader_number(text, &number)))
    return VMF_OK;
  *told = vmf_told(is_flag ? flag : number, vmf_xml_line(node));
  return VMF_OK;
}

/* The machine's, or what the hardware is given in its place: "{...}". */
static enum vmf_code read_uuid(struct vmf_system_reader *reader, const xmlNode *machine,
                               const xmlNode *hardware)
{
  struct vmf_told_id *uuid = &reader->machine->uuid;
  VMF_AUTO_FREE char *own = NULL, *shown = NULL;
  char plain[VMF_GUID_TEXT] = "";

  VMF_TRY(attribute(reader, machine, "uuid", &own));
  VMF_TRY(attribute(reader, hardware, "uuid", &shown));
  const char *text = shown ? shown : own;
  if (uuid->told || !text || strlen(text) != VMF_GUID_TEXT + 1 || text[0] != '{')
    return VMF_OK;
  memcpy(plain, text + 1, VMF_GUID_TEXT - 1);
  if (vmf_guid_parse(plain, uuid->bytes)) {
    uuid->told = true;
    uuid->line = vmf_xml_line(machine);
  }
  return VMF_OK;
}

/* <Boot><Order position="1" device="HardDisk"/>..., by position. */
static enum vmf_code read_boot(struct vmf_system_reader *reader, const xmlNode *hardware)
{
  static const struct {
    const char *device, *word;
  } classes[] = {
      {"HardDisk", "disk"}, {"DVD", "cdrom"}, {"Network", "network"}, {"Floppy", "floppy"}};
  const xmlNode *boot = child(hardware, "Boot");
  const char *words[5] = {NULL};
  char list[64] = "";

  for (const xmlNode *node = boot ? vmf_reader_first(boot) : NULL; node;
       node = vmf_reader_next(node)) {
    VMF_AUTO_FREE char *position = NULL, *device = NULL;
    uint64_t number;
    VMF_TRY(attribute(reader, node, "position", &position));
    VMF_TRY(attribute(reader, node, "device", &device));
    for (size_t i = 0; position && device && i < COUNT(classes); i++)
      if (strcmp(device, classes[i].device) == 0 && vmf_reader_number(position, &number) &&
          number < COUNT(words))
        words[number] = classes[i].word;
  }
  for (size_t i = 0; i < COUNT(words); i++)
    if (words[i]) {
      strcat(list, list[0] ? "," : "");
      strcat(list, words[i]);
    }
  if (!list[0] || reader->machine->boot.text)
    return VMF_OK;
  return vmf_machine_text(reader->machine, list, vmf_xml_line(boot), &reader->machine->boot,
                          reader->error);
}

static enum vmf_code read_usb(struct vmf_system_reader *reader, const xmlNode *hardware)
{
  const struct {
    const char *type;
    struct vmf_told_number *told;
  } types[] = {{"OHCI", &reader->machine->usb1},
               {"EHCI", &reader->machine->usb2},
               {"XHCI", &reader->machine->usb3}};
  const xmlNode *controllers = child(child(hardware, "USB"), "Controllers");

  for (const xmlNode *node = controllers ? vmf_reader_first(controllers) : NULL; node;
       node = vmf_reader_next(node)) {
    VMF_AUTO_FREE char *type = NULL;
    VMF_TRY(attribute(reader, node, "type", &type));
    for (size_t i = 0; type && i < COUNT(types); i++)
      if (strcmp(type, types[i].type) == 0)
        *types[i].told = vmf_told(true, vmf_xml_line(node));
  }
  return VMF_OK;
}

/* A number by a word. */
struct word_row {
  const char *word;
  uint64_t value;
};

static enum vmf_code set_word(struct vmf_system_reader *reader, const xmlNode *node,
                              const char *name, const struct word_row *words, size_t count,
                              struct vmf_told_number *told)
{
  VMF_AUTO_FREE char *text = NULL;

  VMF_TRY(attribute(reader, node, name, &text));
  for (size_t i = 0; text && !told->told && i < count; i++)
    if (vmf_text_equal_nocase(text, words[i].word))
      *told = vmf_told(words[i].value, vmf_xml_line(node));
  return VMF_OK;
}

static enum vmf_code read_display(struct vmf_system_reader *reader, const xmlNode *hardware)
{
  struct vmf_machine *machine = reader->machine;
  const xmlNode *display = child(hardware, "Display");
  struct vmf_told_number mebibytes = {0};

  VMF_TRY(set(reader, display, "VRAMSize", false, &mebibytes));
  if (mebibytes.told && mebibytes.value < 1 << 20 && !machine->video_memory.told)
    machine->video_memory = vmf_told(mebibytes.value << 20, mebibytes.line);
  VMF_TRY(set(reader, display, "monitorCount", false, &machine->video_heads));
  return set(reader, display, "accelerate3D", true, &machine->video_3d);
}

enum vmf_code vmf_system_vbox(struct vmf_system_reader *reader, const xmlNode *machine)
{
  static const struct word_row clocks[] = {{"local", VMF_CLOCK_LOCALTIME}, {"UTC", VMF_CLOCK_UTC}};
  static const struct word_row tpms[] = {
      {"None", VMF_TPM_NONE}, {"v1_2", VMF_TPM_1_2}, {"v2_0", VMF_TPM_2_0}};
  struct vmf_machine *out = reader->machine;
  const xmlNode *hardware = child(machine, "Hardware");
  const xmlNode *platform = child(hardware, "Platform") ? child(hardware, "Platform") : hardware;
  const xmlNode *cpu = child(hardware, "CPU");

  VMF_TRY(read_uuid(reader, machine, hardware));
  VMF_TRY(read_boot(reader, hardware));
  VMF_TRY(read_usb(reader, hardware));
  VMF_TRY(read_display(reader, hardware));
  VMF_TRY(
      set_word(reader, child(platform, "RTC"), "localOrUTC", clocks, COUNT(clocks), &out->clock));
  VMF_TRY(set_word(reader, child(hardware, "TrustedPlatformModule"), "type", tpms, COUNT(tpms),
                   &out->tpm));
  VMF_TRY(set(reader, cpu, "hotplug", true, &out->cpu_hotadd));
  return set(reader, child(cpu, "NestedHWVirt"), "enabled", true, &out->nested);
}
