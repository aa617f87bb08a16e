/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What VirtualBox calls the guest operating systems in its own files. Its names end in the width:
 * "_64", in some versions "_x64", on ARM "_arm64"; newer versions put a release in between
 * ("Ubuntu24_LTS_64"), of which the product is taken. */
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "guest_os_table.h"

static const char *const widths[] = {"_64", "_x64", "_arm64"};

bool vmf_guest_os_vbox_wide(const char *id, bool *arm)
{
  size_t length = strlen(id);

  *arm = false;
  for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
    size_t wanted = strlen(widths[i]);
    if (length <= wanted || strcmp(id + length - wanted, widths[i]) != 0)
      continue;
    *arm = strcmp(widths[i], "_arm64") == 0;
    return true;
  }
  return false;
}

/* How much of the id, without its width, a row's has; 0: it is another product. */
static size_t fit(const struct vmf_guest_os *os, const char *id, size_t length, bool wide)
{
  bool arm;

  if (!os->vbox || vmf_guest_os_vbox_wide(os->vbox, &arm) != wide)
    return 0;
  size_t own = strlen(os->vbox) - (wide ? strlen("_64") : 0);
  return own <= length && memcmp(os->vbox, id, own) == 0 ? own : 0;
}

const struct vmf_guest_os *vmf_guest_os_by_vbox(const char *id)
{
  const struct vmf_guest_os *best = NULL;
  size_t length = strlen(id), most = 0;
  bool arm, wide = vmf_guest_os_vbox_wide(id, &arm);

  if (wide)
    length = (size_t)(strrchr(id, '_') - id);
  for (size_t i = 0; i < vmf_guest_os_count; i++) {
    size_t found = fit(&vmf_guest_os_table[i], id, length, wide);
    if (found > most) {
      best = &vmf_guest_os_table[i];
      most = found;
    }
  }
  return best;
}

/* Products that VirtualBox has no name for, by the beginning of their stem. */
static const struct {
  const char *stem, *vbox;
} relatives[] = {
    {"centos", "RedHat"},       {"rocky", "RedHat"},          {"alma", "RedHat"},
    {"rhel", "RedHat"},         {"oracle", "Oracle"},         {"sles", "OpenSUSE"},
    {"debian", "Debian"},       {"solaris", "Solaris"},       {"freebsd", "FreeBSD"},
    {"darwin", "MacOS"},        {"windows7s", "Windows2008"}, {"windowss", "Windows2012"},
    {"winxp", "WindowsXP"},     {"win2000", "Windows2000"},   {"winnet", "Windows2003"},
    {"windows12", "Windows11"},
};

static const char *relative_of(const struct vmf_guest_os *os, const char *stem)
{
  for (size_t i = 0; i < sizeof relatives / sizeof relatives[0]; i++)
    if (strncmp(stem, relatives[i].stem, strlen(relatives[i].stem)) == 0)
      return relatives[i].vbox;
  switch (vmf_guest_os_family(os)) {
  case VMF_OS_WINDOWS:
    return "WindowsNT";
  case VMF_OS_LINUX:
    return "Linux26";
  case VMF_OS_SOLARIS:
    return "Solaris";
  case VMF_OS_BSD:
    return "FreeBSD";
  case VMF_OS_MACOS:
    return "MacOS";
  default:
    return "Other";
  }
}

void vmf_guest_os_vbox(const struct vmf_guest_os *os, char id[VMF_GUEST_OS_TEXT])
{
  char stem[VMF_GUEST_OS_TEXT];
  bool wide;

  if (os->vbox) {
    snprintf(id, VMF_GUEST_OS_TEXT, "%s", os->vbox);
    return;
  }
  vmf_guest_os_stem(os, stem, &wide);
  snprintf(id, VMF_GUEST_OS_TEXT, "%s%s", relative_of(os, stem), wide ? "_64" : "");
}
