/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The forms of disks in packages. The VMDK ones are made for a SCSI adapter, as VMware's own are.
 * There is no agreed URI for raw disks: the bare word stands there, as "vhd" does in packages of
 * others, and readers that go by the content take it. */
#include "disk_format.h"

#include <string.h>

#include "caller.h"
#include "text.h"

#define URI_VMDK "http://www.vmware.com/interfaces/specifications/vmdk.html"
#define URI_VHD "http://www.microsoft.com/technet/virtualserver/downloads/vhdspec.mspx"
#define URI_QCOW2 "http://www.gnome.org/~markmc/qcow-image-format.html"

/* A flat VMDK is two files, and a disk of a package that is written is one. */
enum {
  FORM_STREAM,
  FORM_SPARSE,
  FORM_VHD,
  FORM_VHD_FIXED,
  FORM_QCOW2,
  FORM_RAW,
  FORM_VDI, /* from here on: only beside a machine's text */
  FORM_VHDX,
  FORM_FLAT, /* from here on: only read */
  FORMS,
  FORMS_PACKED = FORM_VDI,
  FORMS_WRITTEN = FORM_FLAT,
};

static const struct vmf_disk_format forms[FORMS] = {
    [FORM_STREAM] = {"streamOptimized", "vmdk", "subformat=streamOptimized,adapter_type=lsilogic",
                     URI_VMDK "#streamOptimized", "vmdk"},
    [FORM_SPARSE] = {"monolithicSparse", "vmdk", "subformat=monolithicSparse,adapter_type=lsilogic",
                     URI_VMDK "#monolithicSparse", "vmdk"},
    [FORM_VHD] = {"vhd", "vpc", "subformat=dynamic", URI_VHD, "vhd"},
    [FORM_VHD_FIXED] = {"vhd-fixed", "vpc", "subformat=fixed", URI_VHD, "vhd"},
    [FORM_QCOW2] = {"qcow2", "qcow2", NULL, URI_QCOW2, "qcow2"},
    [FORM_RAW] = {"raw", "raw", NULL, "raw", "img"},
    [FORM_VDI] = {"vdi", "vdi", NULL, NULL, "vdi"},
    [FORM_VHDX] = {"vhdx", "vhdx", NULL, NULL, "vhdx"},
    [FORM_FLAT] = {"monolithicFlat", "vmdk", "subformat=monolithicFlat,adapter_type=lsilogic",
                   URI_VMDK "#monolithicFlat", "vmdk"},
};

struct form_name {
  const char *name;
  unsigned form;
};

static const struct form_name aliases[] = {
    {"vmdk", FORM_STREAM},
    {"vpc", FORM_VHD},
    {"vhd-dynamic", FORM_VHD},
    {"img", FORM_RAW},
};

/* What stands in a URI behind the last '/' or '#'; a bare word is all of it. */
static const struct form_name uri_words[] = {
    {"streamOptimized", FORM_STREAM},
    {"compressed", FORM_STREAM},
    {"sparse", FORM_SPARSE},
    {"monolithicSparse", FORM_SPARSE},
    {"monolithicFlat", FORM_FLAT},
    {"flat", FORM_FLAT},
    {"vmdk.html", FORM_SPARSE},
    {"vmdk", FORM_SPARSE},
    {"vhdspec.mspx", FORM_VHD},
    {"vhd", FORM_VHD},
    {"dynamic", FORM_VHD},
    {"fixed", FORM_VHD_FIXED},
    {"qcow-image-format.html", FORM_QCOW2},
    {"qcow2", FORM_QCOW2},
    {"qcow", FORM_QCOW2},
    {"raw", FORM_RAW},
};

static const struct vmf_disk_format *form_of_word(const struct form_name *names, size_t count,
                                                  const char *word)
{
  for (size_t i = 0; i < count; i++)
    if (vmf_text_equal_nocase(names[i].name, word))
      return &forms[names[i].form];
  return NULL;
}

const struct vmf_disk_format *vmf_disk_format_find(const char *name, bool packed)
{
  for (size_t i = 0; i < (packed ? FORMS_PACKED : FORMS_WRITTEN); i++)
    if (vmf_text_equal_nocase(forms[i].name, name))
      return &forms[i];
  return form_of_word(aliases, sizeof aliases / sizeof aliases[0], name);
}

const struct vmf_disk_format *vmf_disk_format_at(size_t index)
{
  return index < FORMS_PACKED ? &forms[index] : NULL;
}

const struct vmf_disk_format *vmf_disk_format_of_uri(const char *uri)
{
  const char *word = uri;

  for (const char *c = uri; *c; c++)
    if ((*c == '/' || *c == '#') && c[1])
      word = c + 1;
  return form_of_word(uri_words, sizeof uri_words / sizeof uri_words[0], word);
}

bool vmf_disk_form_describe(size_t index, struct vmf_disk_form_info *info)
{
  struct vmf_disk_form_info own;
  const struct vmf_disk_format *form = vmf_disk_format_at(index);

  if (!form || !info || vmf_take_disk_form_info(info, &own, NULL) != VMF_OK)
    return false;
  own.name = form->name;
  own.format = form->format;
  own.suffix = form->suffix;
  own.uri = form->uri;
  vmf_give_disk_form_info(&own, info);
  return true;
}
