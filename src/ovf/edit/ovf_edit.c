/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "ovf_edit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "editor.h"
#include "memory.h"

static const xmlNode *find_vbox(const xmlNode *content)
{
  for (const xmlNode *node = vmf_reader_first(content); node; node = vmf_reader_next(node))
    if (vmf_xml_is(node, VMF_NS_VBOX, "Machine"))
      return node;
  return NULL;
}

/* A machine may be described for several families of hardware: one of them is edited. */
static void tell_other_hardware(struct vmf_ovf_editor *editor)
{
  static const char kind[] = "VirtualHardwareSection";
  const struct vmf_machine_edits *edits = editor->edits;

  if (!edits->name && edits->cpus == 0 && edits->memory == 0 && !edits->networks &&
      edits->nic_count == 0 && !edits->firmware && !edits->remove_cd)
    return;
  for (const xmlNode *node = vmf_reader_first(editor->content); node;
       node = vmf_reader_next(node)) {
    size_t length;
    bool own;
    const char *name = vmf_reader_kind(node, &length, &own);
    if (own && length == sizeof kind - 1 && memcmp(name, kind, length) == 0 &&
        node != editor->hardware)
      vmf_report_add(editor->report, VMF_SEVERITY_WARNING, "edit-hardware-stays", editor->ovf->name,
                     vmf_xml_line(node),
                     "another description of the machine's hardware says what it said before");
  }
}

static enum vmf_code edit_sizes(struct vmf_ovf_editor *editor, const uint64_t *sizes)
{
  const struct vmf_ovf *ovf = editor->ovf;
  char text[24];

  for (size_t i = 0; i < ovf->file_count; i++) {
    const struct vmf_ovf_file *file = &ovf->files[i];
    if (!file->size_known || sizes[i] == UINT64_MAX || file->size == sizes[i] ||
        editor->edited->gone[i])
      continue;
    snprintf(text, sizeof text, "%" PRIu64, sizes[i]);
    VMF_TRY(vmf_editor_attribute(editor, ovf->xml->elements[file->element], "size", text));
  }
  return VMF_OK;
}

static enum vmf_code edit_all(struct vmf_ovf_editor *editor, const uint64_t *sizes)
{
  VMF_TRY(vmf_editor_names(editor));
  VMF_TRY(vmf_editor_size(editor));
  VMF_TRY(vmf_editor_networks(editor));
  VMF_TRY(vmf_editor_nics(editor));
  VMF_TRY(vmf_editor_firmware(editor));
  VMF_TRY(vmf_editor_drives(editor));
  VMF_TRY(vmf_editor_texts(editor));
  VMF_TRY(vmf_editor_properties(editor));
  VMF_TRY(vmf_editor_vbox(editor));
  VMF_TRY(edit_sizes(editor, sizes));
  return vmf_xml_edit_apply(editor->edit, &editor->edited->text, &editor->edited->length,
                            editor->error);
}

enum vmf_code vmf_ovf_edit(const struct vmf_ovf *ovf, size_t system,
                           const struct vmf_machine_edits *edits, const uint64_t *sizes,
                           struct vmf_report *report, struct vmf_ovf_edited *edited,
                           struct vmf_error *error)
{
  const struct vmf_ovf_system *of = &ovf->systems[system];
  const xmlNode *content = ovf->xml->elements[of->element];
  VMF_AUTO_FREE void *removed = NULL;
  void *gone = NULL;

  *edited = (struct vmf_ovf_edited){0};
  VMF_TRY(vmf_alloc(of->item_count * sizeof(bool), &removed, error));
  VMF_TRY(vmf_alloc(ovf->file_count * sizeof(bool), &gone, error));
  edited->gone = gone;
  struct vmf_ovf_editor editor = {
      .ovf = ovf,
      .system = of,
      .edits = edits,
      .content = content,
      .hardware =
          of->hardware_element == SIZE_MAX ? NULL : ovf->xml->elements[of->hardware_element],
      .vbox = find_vbox(content),
      .edited = edited,
      .removed = removed,
      .report = report,
      .error = error,
  };
  VMF_TRY(vmf_xml_edit_new(ovf->xml, &editor.edit, error));
  enum vmf_code code = edit_all(&editor, sizes);
  if (code == VMF_OK)
    tell_other_hardware(&editor);
  vmf_xml_edit_free(editor.edit);
  return code;
}

void vmf_ovf_edited_clear(struct vmf_ovf_edited *edited)
{
  vmf_free(edited->text);
  vmf_free(edited->gone);
  *edited = (struct vmf_ovf_edited){0};
}
