/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Descriptors: the input is parsed and read, then edited at places that its
 * own bytes choose. Spans are those of the elements, no edit changes nothing, and what has been
 * edited can be parsed again. Its systems are read as machines, and what is composed of those is
 * read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "fuzz.h"
#include "memory.h"
#include "ovf_machine.h"

enum { EDITS = 16 };

static void must(bool holds)
{
  if (!holds)
    abort();
}

/* Each span begins with the name of its element, lies in its parent's content, and ends with '>'.
 */
static void check_spans(const struct vmf_xml *xml)
{
  must(xml->count > 0);
  for (size_t i = 0; i < xml->count; i++) {
    const xmlNode *element = xml->elements[i];
    const struct vmf_xml_span *span = &xml->spans[i];
    const char *name = xml->text + span->start + 1;
    must(xml->text[span->start] == '<' && xml->text[span->end - 1] == '>');
    if (element->ns && element->ns->prefix)
      name += xmlStrlen(element->ns->prefix) + 1;
    must(memcmp(name, element->name, (size_t)xmlStrlen(element->name)) == 0);
    must(vmf_xml_index(element) == i);
    must(span->start < span->tag_end && span->tag_end <= span->content_end &&
         span->content_end <= span->end && span->end <= xml->length);
    if (element->parent->type != XML_ELEMENT_NODE)
      continue;
    const struct vmf_xml_span *parent = &xml->spans[vmf_xml_index(element->parent)];
    must(span->start >= parent->tag_end && span->end <= parent->content_end);
  }
}

static void check_unedited(const struct vmf_xml *xml, const struct vmf_xml_edit *edit)
{
  struct vmf_error error;
  size_t length;
  char *text;

  must(vmf_xml_edit_apply(edit, &text, &length, &error) == VMF_OK);
  must(length == xml->length && memcmp(text, xml->text, length) == 0);
  vmf_free(text);
}

/* One change of many kinds. */
static void change(struct vmf_xml_edit *edit, const struct vmf_xml *xml, unsigned choice,
                   const char *uri)
{
  static const char *const names[] = {"id", "href", "size", "capacity", "x"};
  static const char *const values[] = {"", "a", "<&>'\"\t\n\r", "\xc3\xa4\xe2\x82\xac", NULL};
  size_t element = (choice >> 8) % xml->count;
  const char *name = names[(choice >> 3) % 5];
  enum vmf_code code = VMF_OK;
  struct vmf_error error;

  switch (choice % 8) {
  case 0:
    if (element > 0)
      code = vmf_xml_edit_remove(edit, element, &error);
    break;
  case 1:
    if (element > 0)
      code = vmf_xml_edit_behind(edit, element, "<new a='1'/>", &error);
    break;
  case 2:
    code = vmf_xml_edit_append(edit, element, "\n<new>text</new>", &error);
    break;
  case 3:
    code = vmf_xml_edit_attribute(edit, element, NULL, name, values[(choice >> 5) % 5], &error);
    break;
  default:
    code = vmf_xml_edit_attribute(edit, element, uri, name, values[(choice >> 5) % 5], &error);
  }
  must(code == VMF_OK || code == VMF_UNSUPPORTED);
}

static void check_edits(const struct vmf_xml *xml, const char *uri, const uint8_t *data,
                        size_t size)
{
  struct vmf_xml_edit *edit;
  struct vmf_xml *again = NULL;
  struct vmf_error error;
  unsigned seed = 1;
  size_t length;
  char *text;

  must(vmf_xml_edit_new(xml, &edit, &error) == VMF_OK);
  check_unedited(xml, edit);
  for (size_t i = 0; i < size; i++)
    seed = seed * 31 + data[i];
  for (unsigned i = 0; i < seed % EDITS; i++) {
    seed = seed * 1103515245 + 12345;
    change(edit, xml, seed >> 4, uri);
  }
  must(vmf_xml_edit_apply(edit, &text, &length, &error) == VMF_OK);
  enum vmf_code code = vmf_xml_parse("edited", text, length, NULL, &again, &error);
  must(code == VMF_OK || code == VMF_LIMIT);
  if (again)
    check_spans(again);
  vmf_xml_free(again);
  vmf_free(text);
  vmf_xml_edit_free(edit);
}

static void look_up(const struct vmf_ovf *ovf)
{
  bool is_file;

  for (size_t i = 0; i < ovf->disk_count; i++) {
    const struct vmf_ovf_disk *disk = &ovf->disks[i];
    must(!disk->id || vmf_ovf_disk(ovf, disk->id));
    vmf_ovf_file(ovf, disk->file_ref);
    vmf_ovf_resolve(ovf, disk->capacity_text);
  }
  for (size_t i = 0; i < ovf->system_count; i++) {
    must(ovf->systems[i].parent <= i);
    for (size_t j = 0; j < ovf->systems[i].item_count; j++)
      if (ovf->systems[i].items[j].host_resource)
        vmf_ovf_disk(ovf, vmf_ovf_host_resource(ovf->systems[i].items[j].host_resource, &is_file));
  }
}

/* Of one version; false: no package can hold it. */
static void compose(const struct vmf_machine *machine, enum vmf_ovf_version version)
{
  const struct vmf_compose_settings settings = {.version = version};
  struct vmf_compose_disk *disks = calloc(machine->disk_count + 1, sizeof *disks);
  struct vmf_machine *again = NULL;
  struct vmf_ovf *ovf = NULL;
  struct vmf_error error;
  char *text;

  must(disks != NULL);
  for (size_t i = 0; i < machine->disk_count; i++)
    disks[i] = (struct vmf_compose_disk){.file_name = machine->disks[i].image.text,
                                         .format_uri = "raw",
                                         .capacity = machine->disks[i].capacity.value};
  if (vmf_compose(machine, &settings, disks, &text, &error) == VMF_OK) {
    must(vmf_ovf_read("composed", text, strlen(text), NULL, &ovf, &error) == VMF_OK);
    must(vmf_machine_new(&again, &error) == VMF_OK);
    must(vmf_ovf_machine(ovf, 0, again, NULL, &error) == VMF_OK);
    must(again->nic_count == machine->nic_count && again->disk_count <= machine->disk_count);
    vmf_free(text);
  } else {
    must(error.code == VMF_UNSUPPORTED);
  }
  vmf_machine_free(again);
  vmf_ovf_free(ovf);
  free(disks);
}

static void check_machines(const struct vmf_ovf *ovf)
{
  struct vmf_error error;

  for (size_t i = 0; i < ovf->system_count && i < 4; i++) {
    struct vmf_machine *machine;
    if (ovf->systems[i].collection)
      continue;
    must(vmf_machine_new(&machine, &error) == VMF_OK);
    if (vmf_ovf_machine(ovf, i, machine, NULL, &error) == VMF_OK) {
      compose(machine, VMF_OVF_1);
      compose(machine, VMF_OVF_2);
    } else {
      must(error.code == VMF_LIMIT);
    }
    vmf_machine_free(machine);
  }
}

void fuzz_descriptor(const char *unused, const uint8_t *data, size_t size)
{
  (void)unused;
  struct vmf_xml *xml = NULL;
  struct vmf_ovf *ovf = NULL;
  struct vmf_error error;

  if (vmf_ovf_read("fuzz", data, size, NULL, &ovf, &error) == VMF_OK) {
    look_up(ovf);
    check_machines(ovf);
    check_spans(ovf->xml);
    check_edits(ovf->xml, ovf->uri, data, size);
  } else if (vmf_xml_parse("fuzz", data, size, NULL, &xml, &error) == VMF_OK) {
    check_spans(xml);
    check_edits(xml, VMF_NS_OVF_1, data, size);
  }
  vmf_ovf_free(ovf);
  vmf_xml_free(xml);
}
