/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Texts that are taken for disks: the machine's configuration in place of its disk, the web page
 * in place of what was to be fetched. */
#include <string.h>

#include "foreign.h"

/* What to do with the text of a machine where a disk is wanted. */
#define WHOLE_MACHINE                                                                              \
  "name one of those; all of the machine is converted from its file to another one (*.ova, "       \
  "*.vmx, *.vbox, *.xml, *.vma, *.xva)"

static const struct text_kind {
  struct vmf_foreign foreign;
  const char *start; /* what the text begins with, or NULL; lower case, as is: */
  const char *word;  /* what stands somewhere in its beginning, or NULL */
} kinds[] = {
    {{"a pointer of Git LFS", VMF_FOREIGN_OTHER, "\"git lfs pull\" fetches the file itself"},
     "version https://git-lfs.github.com/spec/",
     NULL},
    {{"a web page (HTML)", VMF_FOREIGN_OTHER,
      "what was fetched is an error or a form of the server, not the file: fetch it again"},
     "<!doctype html",
     NULL},
    {{"a web page (HTML)", VMF_FOREIGN_OTHER,
      "what was fetched is an error or a form of the server, not the file: fetch it again"},
     "<",
     "<html"},
    {{"the XML of a libvirt machine", VMF_FOREIGN_OTHER,
      "it names its disks (<source file=...>): " WHOLE_MACHINE},
     "<",
     "<domain"},
    {{"the configuration of a VirtualBox machine (.vbox)", VMF_FOREIGN_OTHER,
      "it names its disks (<HardDisk location=...>): " WHOLE_MACHINE},
     "<",
     "<virtualbox"},
    {{"the descriptor of an OVF package", VMF_FOREIGN_OTHER,
      "it is read from its file, under a name that ends in .ovf, beside its disks"},
     "<",
     "envelope"},
    {{"an XML text", VMF_FOREIGN_OTHER, NULL}, "<?xml", NULL},
    {{"the list of a VMware machine's snapshots (VMSD)", VMF_FOREIGN_OTHER,
      "it names disks (*.vmdk): name one of those"},
     NULL,
     "\nsnapshot.lastuid"},
    {{"the configuration of a VMware machine (VMX)", VMF_FOREIGN_OTHER,
      "it names its disks (fileName = \"....vmdk\"): " WHOLE_MACHINE},
     NULL,
     "config.version"},
    {{"the configuration of a VMware machine (VMX)", VMF_FOREIGN_OTHER,
      "it names its disks (fileName = \"....vmdk\"): " WHOLE_MACHINE},
     NULL,
     "virtualhw."},
    {{"a key or certificate (PEM)", VMF_FOREIGN_OTHER, NULL}, "-----begin ", NULL},
};

/* The beginning in lower case, ASCII's letters alone, up to the first byte that is in no text.
 * UTF-16 is read as if its characters were ASCII's. Returns whether there was no such byte. */
static bool take_text(const struct vmf_probe *probe, char text[VMF_PROBE_BYTES + 1])
{
  const uint8_t *at = probe->head, *end = at + probe->head_length;
  bool wide =
      end - at >= 2 && ((at[0] == 0xff && at[1] == 0xfe) || (at[0] == 0xfe && at[1] == 0xff));
  size_t used = 0;

  if (wide)
    at += 2;
  else if (end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
    at += 3;
  for (; at < end; at++) {
    if (wide && *at == '\0')
      continue;
    if ((*at < ' ' && !strchr("\t\r\n\f", *at)) || *at == '\0' || *at == 0x7f)
      break;
    text[used++] = (char)(*at >= 'A' && *at <= 'Z' ? *at | 0x20 : *at);
  }
  text[used] = '\0';
  return at == end;
}

const struct vmf_foreign *vmf_foreign_text(const struct vmf_probe *probe)
{
  char text[VMF_PROBE_BYTES + 1];

  take_text(probe, text);
  const char *start = text + strspn(text, " \t\r\n\f");
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    const struct text_kind *kind = &kinds[i];
    if (kind->start && strncmp(start, kind->start, strlen(kind->start)) != 0)
      continue;
    if (!kind->word || strstr(text, kind->word))
      return &kind->foreign;
  }
  return NULL;
}

const char *vmf_foreign_guess(const struct vmf_probe *probe)
{
  char text[VMF_PROBE_BYTES + 1];

  if (!take_text(probe, text))
    return NULL;
  const char *start = text + strspn(text, " \t\r\n\f");
  if (start[0] == '#' && start[1] == '!')
    return "a script";
  const char *inside = start + (*start != '\0');
  inside += strspn(inside, " \t\r\n");
  if ((*start == '{' && (*inside == '"' || *inside == '}')) ||
      (*start == '[' && *inside != '\0' && strchr("{[\"]", *inside)))
    return "a text in JSON";
  return "a text";
}
