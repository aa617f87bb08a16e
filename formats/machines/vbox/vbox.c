/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * VirtualBox's .vbox as a machine format (VirtualBox-settings.xsd): its root, the versions, and
 * what is the machine's own. */
#include "vbox_writer.h"

#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "memory.h"
#include "text.h"
#include "vbox.h"
#include "vbox_editor.h"

enum {
  OLDEST = 9,         /* settings 1.9, VirtualBox 3.1: before, drives stood elsewhere */
  VERSION_MOST = 999, /* of a part of a version */
};

/* ---- probing ---- */

/* "<VirtualBox ", or with a prefix "<v:VirtualBox "; comments before it name the program, too. */
static bool is_root(const char *head, const char *name, size_t length, const char *end)
{
  const char *at = name, *behind = name + length;

  if (at > head && at[-1] == ':')
    for (at--; at > head && at[-1] != '<'; at--)
      if (strchr(" \t\r\n>", at[-1]))
        return false;
  return at > head && at[-1] == '<' && behind < end && strchr(" \t\r\n>/", *behind) && *behind;
}

static int vbox_probe(const uint8_t *bytes, size_t length)
{
  static const char root[] = "VirtualBox";
  const char *head = (const char *)bytes, *end = head + length, *at = head;

  while (at < end &&
         (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t' || (unsigned char)*at >= 0x80))
    at++;
  if (at == end || *at != '<')
    return 0;
  while ((at = memmem(at, (size_t)(end - at), root, sizeof root - 1))) {
    if (is_root(head, at, sizeof root - 1, end))
      return 100;
    at += sizeof root - 1;
  }
  return 0;
}

/* ---- the version ---- */

/* "1.19-linux" */
static enum vmf_code read_version(struct vbox_reader *reader, const xmlNode *root,
                                  struct vmf_error *error)
{
  const struct vmf_taking *taking = &reader->reading.taking;
  struct vmf_told_text *text = &taking->machine->hw_version;
  unsigned major = 0, minor = 0;
  int used = 0;

  VMF_TRY(vmf_taking_attribute(taking, root, "version", text, error));
  if (!text->text || sscanf(text->text, "%3u.%3u%n", &major, &minor, &used) != 2)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s:%u: version of <VirtualBox> is \"%.40s\": accepted is that of the "
                    "settings, \"1.19-linux\"",
                    taking->name, vmf_xml_line(root), text->text ? text->text : "");
  if (major == 1 && minor < OLDEST)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s:%u: settings of the version %.40s, from before VirtualBox 3.1, are not "
                    "read; a later VirtualBox that opens the machine writes them anew",
                    taking->name, text->line, text->text);
  reader->reading.version = major == 1 ? minor : VERSION_MOST;
  if (reader->reading.version > VMF_VBOX_NEWEST)
    vmf_report_add(taking->report, VMF_SEVERITY_WARNING, "vbox-version-future", taking->name,
                   text->line,
                   "settings of the version %.40s are newer than what is known here (1.%d): look "
                   "whether all of the machine is understood",
                   text->text, VMF_VBOX_NEWEST);
  return VMF_OK;
}

/* ---- the machine's own ---- */

static enum vmf_code read_os(const struct vmf_taking *taking, const xmlNode *element,
                             struct vmf_error *error)
{
  struct vmf_told_text type;
  bool arm;

  VMF_TRY(vmf_taking_attribute(taking, element, "OSType", &type, error));
  if (!type.text)
    return VMF_OK;
  bool wide = vmf_guest_os_vbox_wide(type.text, &arm);
  taking->machine->arch = vmf_told(arm    ? VMF_ARCH_AARCH64
                                   : wide ? VMF_ARCH_X86_64
                                          : VMF_ARCH_I686,
                                   type.line);
  return vmf_machine_set_os(taking->machine, vmf_guest_os_by_vbox(type.text), type.text, type.line,
                            error);
}

/* The guest sees the hardware's uuid, or that of the machine. */
static enum vmf_code read_identity(const struct vmf_taking *taking, const xmlNode *element,
                                   struct vmf_error *error)
{
  const xmlNode *hardware = vmf_vbox_child(element, "Hardware");
  struct vmf_machine *machine = taking->machine;
  struct vmf_told_id shown;

  VMF_TRY(vmf_taking_attribute(taking, element, "name", &machine->name, error));
  VMF_TRY(vmf_taking_text(taking, vmf_vbox_child(element, "Description"), &machine->description,
                          error));
  VMF_TRY(vmf_vbox_uuid(taking, element, "uuid", &machine->uuid, error));
  VMF_TRY(vmf_vbox_uuid(taking, hardware, "uuid", &shown, error));
  if (shown.told)
    machine->uuid = shown;
  return read_os(taking, element, error);
}

/* A machine that was saved while it ran, and what starts with the host. */
static enum vmf_code read_state(const struct vmf_taking *taking, const xmlNode *element,
                                struct vmf_error *error)
{
  const xmlNode *autostart = vmf_vbox_child(element, "Autostart");
  struct vmf_told_text state;

  VMF_TRY(vmf_taking_attribute(taking, element, "stateFile", &state, error));
  if (state.text && state.text[0])
    taking->machine->suspended = vmf_told(1, state.line);
  vmf_taking_take(taking, autostart);
  return vmf_taking_word(taking, autostart, "enabled", vmf_vbox_flags, &taking->machine->autostart,
                         error);
}

/* As it is, or as a snapshot has it; what the other one says does not count. */
static enum vmf_code read_chosen(const struct vbox_reader *reader, const xmlNode *element,
                                 const xmlNode *chosen, struct vmf_error *error)
{
  static const char *const parts[] = {"Hardware", "Platform", "StorageControllers"};
  const struct vmf_taking *taking = &reader->reading.taking;

  for (size_t i = 0; chosen && i < sizeof parts / sizeof *parts; i++)
    if (vmf_vbox_child(element, parts[i]))
      vmf_taking_known(taking, vmf_vbox_child(element, parts[i]));
  if (chosen)
    taking->machine->suspended = (struct vmf_told_number){0};
  VMF_TRY(vmf_vbox_read_hardware(&reader->reading, chosen ? chosen : element, error));
  if (taking->machine->memory.told)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT, "%s:%u: says of no memory: RAMSize of <Memory> is missing",
                  taking->name, vmf_xml_line(chosen ? chosen : element));
}

static enum vmf_code read_machine(struct vbox_reader *reader, const xmlNode *element,
                                  struct vmf_error *error)
{
  const struct vmf_taking *taking = &reader->reading.taking;
  const xmlNode *chosen;

  vmf_taking_take(taking, element);
  if (!vmf_vbox_child(element, "Hardware"))
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: <Machine> has no <Hardware>", taking->name,
                    vmf_xml_line(element));
  VMF_TRY(read_identity(taking, element, error));
  VMF_TRY(read_state(taking, element, error));
  VMF_TRY(vbox_read_media(reader, element, error));
  VMF_TRY(vbox_read_snapshots(reader, element, &chosen, error));
  return read_chosen(reader, element, chosen, error);
}

/* All but its uuid is encrypted. */
static enum vmf_code read_encrypted(const struct vmf_taking *taking, const xmlNode *element,
                                    struct vmf_error *error)
{
  vmf_taking_known(taking, element);
  taking->machine->encrypted = vmf_told(1, vmf_xml_line(element));
  return vmf_vbox_uuid(taking, element, "uuid", &taking->machine->uuid, error);
}

/* ---- the file ---- */

static enum vmf_code read_root(struct vbox_reader *reader, struct vmf_error *error)
{
  struct vmf_taking *taking = &reader->reading.taking;
  const xmlNode *root = taking->xml->elements[0];

  if (!vmf_vbox_is(root, "VirtualBox"))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s:%u: the root is <%.40s>: accepted is <VirtualBox>, the settings of a "
                    "VirtualBox machine",
                    taking->name, vmf_xml_line(root), (const char *)root->name);
  VMF_TRY(read_version(reader, root, error));
  const xmlNode *machine = vmf_vbox_child(root, "Machine");
  const xmlNode *encrypted = vmf_vbox_child(root, "MachineEncrypted");
  if (!machine && !encrypted)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s:%u: has no <Machine>%s", taking->name,
                    vmf_xml_line(root),
                    vmf_vbox_child(root, "Global")
                        ? ": these are VirtualBox's own settings, which name the .vbox files"
                        : "");
  VMF_TRY(machine ? read_machine(reader, machine, error)
                  : read_encrypted(taking, encrypted, error));
  return vmf_taking_leftovers(taking, root, error);
}

static enum vmf_code vbox_read(const struct vmf_machine_source *source, struct vmf_machine *machine,
                               struct vmf_report *report, struct vmf_error *error)
{
  struct vbox_reader reader = {.reading = {.taking = {.name = source->name,
                                                      .vocabulary = &vmf_vbox_vocabulary,
                                                      .machine = machine,
                                                      .report = report},
                                           .find_image = vbox_find_image},
                               .source = source};
  struct vmf_xml *xml = NULL;

  VMF_TRY(vmf_xml_parse(source->name, source->bytes, source->length, report, &xml, error));
  reader.reading.data = &reader;
  reader.reading.taking.xml = xml;
  enum vmf_code code = vmf_taking_begin(&reader.reading.taking, error);
  if (code == VMF_OK)
    code = read_root(&reader, error);
  vmf_taking_clear(&reader.reading.taking);
  vbox_clear_media(&reader);
  vmf_xml_free(xml);
  return code;
}

static const char *const suffixes[] = {"vbox", NULL};
static const char *const folders[] = {"Snapshots", NULL};

extern const struct vmf_machine_format vmf_machine_format_vbox;
const struct vmf_machine_format vmf_machine_format_vbox = {
    .name = "vbox",
    .summary = "Oracle VirtualBox (.vbox), with its snapshots",
    .suffixes = suffixes,
    .probe = vbox_probe,
    .read = vbox_read,
    .write = vbox_write,
    .edit = vbox_edit,
    .needs_ids = true,
    .disk_folders = folders,
    .disk_form = "vdi",
};
