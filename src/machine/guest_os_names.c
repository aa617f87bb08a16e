/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What libosinfo, Proxmox, XenServer and VMware's own files call the guest operating systems. Both
 * libosinfo and XenServer name releases that are finer than VMware's: what is in the table is what
 * is written; what is read is looked for as it stands, by its major version, and by its product. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "guest_os.h"
#include "text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct os_names {
  const char *stem;      /* see vmf_guest_os_stem */
  const char *libosinfo; /* osinfo-db's id; NULL: none */
  const char *xapi;      /* reference_label, as XenServer's and XCP-ng's templates have it */
  const char *proxmox;   /* ostype; NULL: that of the family */
  bool every;            /* it stands for all releases of its product that have no row */
};

static const struct os_names names[] = {
    {"windows2022srvnext", "http://microsoft.com/win/2k25", "windows-server-2025", "win11", false},
    {"windows2019srvnext", "http://microsoft.com/win/2k22", "windows-server-2022-64bit", "win11",
     false},
    {"windows12", NULL, NULL, "win11", false},
    {"windows11", "http://microsoft.com/win/11", "windows-11", "win11", false},
    {"windows9", "http://microsoft.com/win/10", "windows-10-64bit", "win10", false},
    {"windows2019srv", "http://microsoft.com/win/2k19", "windows-server-2019-64bit", "win10",
     false},
    {"windows9srv", "http://microsoft.com/win/2k16", "windows-server-2016-64bit", "win10", false},
    {"windows8", "http://microsoft.com/win/8", "windows-8-64bit", "win8", false},
    {"windows81", "http://microsoft.com/win/8.1", NULL, "win8", false},
    {"windows8srv", "http://microsoft.com/win/2k12", "windows-server-2012-64bit", "win8", false},
    {"windowssrv2012r2", "http://microsoft.com/win/2k12r2", "windows-server-2012-r2-64bit", "win8",
     false},
    {"windows7", "http://microsoft.com/win/7", "windows-7-64bit", "win7", false},
    {"windows7srv", "http://microsoft.com/win/2k8r2", "windows-server-2008-r2-64bit", "win7",
     false},
    {"windowshyperv", NULL, NULL, "win7", false},
    {"winlonghorn", "http://microsoft.com/win/2k8", "windows-server-2008-64bit", "w2k8", false},
    {"winvista", "http://microsoft.com/win/vista", "windows-vista", "wvista", false},
    {"winnetstandard", "http://microsoft.com/win/2k3", "windows-server-2003", "w2k3", false},
    {"winnetstandard", "http://microsoft.com/win/2k3r2", NULL, "w2k3", false},
    {"winnetweb", "http://microsoft.com/win/2k3", NULL, "w2k3", false},
    {"winnetenterprise", "http://microsoft.com/win/2k3", NULL, "w2k3", false},
    {"winnetdatacenter", "http://microsoft.com/win/2k3", NULL, "w2k3", false},
    {"winnetbusiness", "http://microsoft.com/win/2k3", NULL, "w2k3", false},
    {"winxppro", "http://microsoft.com/win/xp", "windows-xp", "wxp", false},
    {"winxphome", "http://microsoft.com/win/xp", NULL, "wxp", false},
    {"win2000pro", "http://microsoft.com/win/2k", "windows-2000", "w2k", false},
    {"win2000serv", "http://microsoft.com/win/2k", NULL, "w2k", false},
    {"win2000advserv", "http://microsoft.com/win/2k", NULL, "w2k", false},
    {"winme", "http://microsoft.com/win/me", NULL, NULL, false},
    {"win98", "http://microsoft.com/win/98", NULL, NULL, false},
    {"win95", "http://microsoft.com/win/95", NULL, NULL, false},
    {"win31", "http://microsoft.com/win/3.1", NULL, NULL, false},
    {"winnt", "http://microsoft.com/winnt/4.0", NULL, NULL, true},
    {"dos", "http://microsoft.com/msdos/6.22", NULL, NULL, true},
    {"redhat", "http://redhat.com/rhel/unknown", NULL, NULL, true},
    {"rhel10", "http://redhat.com/rhel/10.0", "rhel-10", NULL, false},
    {"rhel9", "http://redhat.com/rhel/9.0", "rhel-9", NULL, false},
    {"rhel8", "http://redhat.com/rhel/8.0", "rhel-8", NULL, false},
    {"rhel7", "http://redhat.com/rhel/7.0", "rhel-7", NULL, false},
    {"rhel6", "http://redhat.com/rhel/6.0", "rhel-6-64bit", NULL, false},
    {"rhel5", "http://redhat.com/rhel/5.0", "rhel-5-64bit", NULL, false},
    {"rhel4", "http://redhat.com/rhel/4.0", NULL, NULL, false},
    {"rhel3", "http://redhat.com/rhel/3", NULL, NULL, false},
    {"rhel2", "http://redhat.com/rhel/2.1", NULL, NULL, false},
    {"centos9", "http://centos.org/centos-stream/9", "centos-9", NULL, false},
    {"centos8", "http://centos.org/centos-stream/8", "centos-8", NULL, false},
    {"centos8", "http://centos.org/centos/8", NULL, NULL, false},
    {"centos7", "http://centos.org/centos/7.0", "centos-7", NULL, false},
    {"centos6", "http://centos.org/centos/6.0", "centos-6-64bit", NULL, false},
    {"centos", "http://centos.org/centos/5.0", "centos-5-64bit", NULL, true},
    {"oraclelinux10", "http://oracle.com/ol/10.0", NULL, NULL, false},
    {"oraclelinux9", "http://oracle.com/ol/9.0", NULL, NULL, false},
    {"oraclelinux8", "http://oracle.com/ol/8.0", "oel-8", NULL, false},
    {"oraclelinux7", "http://oracle.com/ol/7.0", "oel-7", NULL, false},
    {"oraclelinux6", "http://oracle.com/ol/6.0", "oel-6-64bit", NULL, false},
    {"oraclelinux", "http://oracle.com/ol/5.5", "oel-5-64bit", NULL, true},
    {"sles16", "http://suse.com/sle/16", NULL, NULL, false},
    {"sles15", "http://suse.com/sle/15", "sle-15-64bit", NULL, false},
    {"sles12", "http://suse.com/sles/12", "sles-12-64bit", NULL, false},
    {"sles11", "http://suse.com/sles/11", "sles-11-64bit", NULL, false},
    {"sles10", "http://suse.com/sles/10", NULL, NULL, false},
    {"sles", "http://suse.com/sles/9", NULL, NULL, true},
    {"opensuse", "http://opensuse.org/opensuse/unknown", NULL, NULL, true},
    {"debian13", "http://debian.org/debian/13", NULL, NULL, false},
    {"debian12", "http://debian.org/debian/12", "debian-12", NULL, false},
    {"debian11", "http://debian.org/debian/11", "debian-11", NULL, false},
    {"debian10", "http://debian.org/debian/10", "debian-10", NULL, false},
    {"debian9", "http://debian.org/debian/9", "debian-9", NULL, false},
    {"debian8", "http://debian.org/debian/8", "debian-8", NULL, false},
    {"debian7", "http://debian.org/debian/7", "debian-7", NULL, false},
    {"debian6", "http://debian.org/debian/6", "debian-6", NULL, false},
    {"debian5", "http://debian.org/debian/5", NULL, NULL, false},
    {"debian4", "http://debian.org/debian/4", NULL, NULL, false},
    {"debian", "http://debian.org/debian/testing", NULL, NULL, true},
    /* VMware names no release: the oldest one that still has security support */
    {"ubuntu", "http://ubuntu.com/ubuntu/22.04", "ubuntu-22.04", NULL, true},
    {"fedora", "http://fedoraproject.org/fedora/unknown", NULL, NULL, true},
    {"coreos", "http://fedoraproject.org/coreos/stable", NULL, NULL, true},
    {"rockylinux", "http://rockylinux.org/rocky/unknown", "rocky-9", NULL, true},
    {"almalinux", "http://almalinux.org/almalinux/9", "alma-9", NULL, true},
    {"miraclelinux", "http://miraclelinux.com/miraclelinux/9.0", NULL, NULL, true},
    {"asianux8", "http://asianux.com/asianux/8.0", NULL, NULL, false},
    {"asianux7", "http://asianux.com/asianux/7.0", NULL, NULL, false},
    {"asianux4", "http://asianux.com/asianux/4.6", NULL, NULL, false},
    {"mandriva", "http://mandriva.com/mandriva/2011", NULL, NULL, true},
    {"mandrake", "http://mandriva.com/mandrake/10.2", NULL, NULL, true},
    {"kylinlinux", NULL, "kylin-server-6-64bit", NULL, true},
    {"archlinux", "http://archlinux.org/archlinux/rolling", NULL, NULL, true},
    {"gentoo", "http://gentoo.org/gentoo/rolling", NULL, NULL, true},
    {"other24xlinux", NULL, NULL, "l24", false},
    {"other6xlinux", "http://libosinfo.org/linux/2022", NULL, NULL, false},
    {"other5xlinux", "http://libosinfo.org/linux/2020", NULL, NULL, false},
    {"other4xlinux", "http://libosinfo.org/linux/2018", NULL, NULL, false},
    {"otherlinux", "http://libosinfo.org/linux/2016", NULL, NULL, true},
    {"freebsd14", "http://freebsd.org/freebsd/14.0", NULL, NULL, false},
    {"freebsd13", "http://freebsd.org/freebsd/13.0", NULL, NULL, false},
    {"freebsd12", "http://freebsd.org/freebsd/12.0", NULL, NULL, false},
    {"freebsd11", "http://freebsd.org/freebsd/11.0", NULL, NULL, false},
    {"freebsd", "http://freebsd.org/freebsd/10.0", NULL, NULL, true},
    {"openbsd", "http://openbsd.org/openbsd/7.0", NULL, NULL, true},
    {"netbsd", "http://netbsd.org/netbsd/9.0", NULL, NULL, true},
    {"solaris11", "http://oracle.com/solaris/11", NULL, NULL, true},
    {"solaris10", "http://sun.com/solaris/10", NULL, NULL, false},
    {"solaris9", "http://sun.com/solaris/9", NULL, NULL, false},
    {"opensolaris", "http://sun.com/opensolaris/2009.06", NULL, NULL, true},
    {"darwin11", "http://apple.com/macosx/10.7", NULL, NULL, false},
    {"darwin10", "http://apple.com/macosx/10.6", NULL, NULL, false},
    {"darwin", "http://apple.com/macosx/10.5", NULL, NULL, true},
    {"netware4", "http://novell.com/netware/4", NULL, NULL, false},
    {"netware5", "http://novell.com/netware/5", NULL, NULL, false},
    {"netware6", "http://novell.com/netware/6", NULL, NULL, false},
    {"other", "http://libosinfo.org/unknown", "other-install-media", NULL, false},
};

static const struct os_names *names_of(const struct vmf_guest_os *os, bool *wide)
{
  char stem[VMF_GUEST_OS_TEXT];

  vmf_guest_os_stem(os, stem, wide);
  for (size_t i = 0; i < COUNT(names); i++)
    if (strcmp(names[i].stem, stem) == 0)
      return &names[i];
  return NULL;
}

/* ---- releases: "http://redhat.com/rhel/9.4", "sles-12-sp5-64bit" ---- */

struct release {
  size_t product; /* bytes of the name that are the product */
  size_t major;   /* bytes up to and with its major version */
  size_t end;     /* without "-64bit" */
};

static struct release release_of(const char *name)
{
  struct release release = {.end = strlen(name)};
  const char *separator = strrchr(name, '/');

  if (!separator) {
    if (release.end > 6 && strcmp(name + release.end - 3, "bit") == 0)
      release.end -= 6;
    for (size_t i = 0; i + 1 < release.end; i++)
      if (name[i] == '-' && isdigit((unsigned char)name[i + 1]) && !separator)
        separator = name + i;
  }
  release.product = separator ? (size_t)(separator - name) : release.end;
  release.major = release.product;
  if (separator)
    release.major += 1 + strcspn(separator + 1, ".-");
  release.major = release.major < release.end ? release.major : release.end;
  return release;
}

static bool same_start(const char *one, size_t length, const char *other, size_t other_length)
{
  return length == other_length && strncmp(one, other, length) == 0;
}

/* How well a row's name fits: 3 as it stands, 2 by its major version, 1 by its product, 0 not. A
 * release of Windows is no other one's minor version. */
static int release_fit(const struct os_names *row, const char *known, const char *name)
{
  if (!known)
    return 0;
  struct release mine = release_of(known), asked = release_of(name);
  if (same_start(known, mine.end, name, asked.end))
    return 3;
  if (strstr(known, "microsoft.com/win/") || strstr(known, "apple.com/") ||
      strncmp(known, "windows", 7) == 0)
    return row->every && same_start(known, mine.product, name, asked.product);
  if (same_start(known, mine.major, name, asked.major))
    return 2;
  return row->every && same_start(known, mine.product, name, asked.product);
}

static const struct vmf_guest_os *os_of_release(const char *name, bool xapi, bool wide)
{
  const struct os_names *best = NULL;
  int most = 0;

  for (size_t i = 0; i < COUNT(names); i++) {
    int fit = release_fit(&names[i], xapi ? names[i].xapi : names[i].libosinfo, name);
    if (fit > most) {
      best = &names[i];
      most = fit;
    }
  }
  return best ? vmf_guest_os_of_stem(best->stem, wide) : NULL;
}

const struct vmf_guest_os *vmf_guest_os_by_libosinfo(const char *url, bool wide)
{
  char plain[128];
  const char *behind = strstr(url, "://");

  if (!behind || (size_t)snprintf(plain, sizeof plain, "http%s", behind) >= sizeof plain)
    return NULL;
  return os_of_release(plain, false, wide);
}

const char *vmf_guest_os_libosinfo(const struct vmf_guest_os *os)
{
  bool wide;
  const struct os_names *row = names_of(os, &wide);

  return row ? row->libosinfo : NULL;
}

const struct vmf_guest_os *vmf_guest_os_by_xapi(const char *label)
{
  return os_of_release(label, true, strstr(label, "-32bit") == NULL);
}

/* Templates of 32 bits are of the past. */
const char *vmf_guest_os_xapi(const struct vmf_guest_os *os)
{
  bool wide;
  const struct os_names *row = names_of(os, &wide);

  return row && row->xapi && wide ? row->xapi : "other-install-media";
}

/* ---- Proxmox ---- */

static const struct {
  const char *type, *stem;
  bool wide;
} proxmox_types[] = {
    {"win11", "windows11", true},      {"win10", "windows9", true},
    {"win8", "windows8", true},        {"win7", "windows7", true},
    {"wvista", "winvista", true},      {"w2k8", "winlonghorn", true},
    {"w2k3", "winnetstandard", false}, {"wxp", "winxppro", false},
    {"w2k", "win2000pro", false},      {"l26", "other26xlinux", true},
    {"l24", "other24xlinux", true},    {"solaris", "solaris11", true},
    {"other", "other", true},
};

const struct vmf_guest_os *vmf_guest_os_by_proxmox(const char *type)
{
  for (size_t i = 0; i < COUNT(proxmox_types); i++)
    if (vmf_text_equal_nocase(proxmox_types[i].type, type))
      return vmf_guest_os_of_stem(proxmox_types[i].stem, proxmox_types[i].wide);
  return NULL;
}

const char *vmf_guest_os_proxmox(const struct vmf_guest_os *os)
{
  bool wide;
  const struct os_names *row = names_of(os, &wide);
  enum vmf_os_family family = vmf_guest_os_family(os);

  if (row && row->proxmox)
    return row->proxmox;
  return family == VMF_OS_LINUX ? "l26" : family == VMF_OS_SOLARIS ? "solaris" : "other";
}

/* ---- VMware's files ---- */

/* What VMware calls otherwise there than in its interface, and what it has no name for. */
static const struct vmx_name {
  const char *vmx, *stem;
  bool read, written;
} vmx_names[] = {
    {"longhorn", "winlonghorn", true, true},
    {"winhyperv", "windowshyperv", true, true},
    {"vmware-photon", "vmwarephoton", true, true},
    {"winserver2008enterprise", "winlonghorn", true, false},
    {"winserver2008standard", "winlonghorn", true, false},
    {"winserver2008datacenter", "winlonghorn", true, false},
    {"winserver2008web", "winlonghorn", true, false},
    {"winserver2008small", "winlonghorn", true, false},
    {"winserver2008cluster", "winlonghorn", true, false},
    {"winvistaenterprise", "winvista", true, false},
    {"whistler", "winxppro", true, false},
    {"win2000", "win2000pro", true, false},
    {"nt4", "winnt", true, false},
    {"linux", "otherlinux", true, false},
    {"windows8", "windows81", false, true},
    {"windows8srv", "windowssrv2012r2", false, true},
};

/* The text in lower case, without "arm-" before it and its width behind. */
static void vmx_split(const char *text, char stem[VMF_GUEST_OS_TEXT], bool *wide)
{
  size_t length = 0;

  if (strncasecmp(text, "arm-", 4) == 0)
    text += 4;
  for (; text[length] && length < VMF_GUEST_OS_TEXT - 1; length++)
    stem[length] = (char)tolower((unsigned char)text[length]);
  stem[length] = 0;
  *wide = length > 3 && strcmp(stem + length - 3, "-64") == 0;
  if (*wide || (length > 3 && strcmp(stem + length - 3, "-32") == 0))
    stem[length - 3] = 0;
}

const struct vmf_guest_os *vmf_guest_os_by_vmx(const char *text)
{
  char stem[VMF_GUEST_OS_TEXT], whole[VMF_GUEST_OS_TEXT + 4];
  bool wide;

  vmx_split(text, stem, &wide);
  for (size_t i = 0; i < COUNT(vmx_names); i++)
    if (vmx_names[i].read && strcmp(vmx_names[i].vmx, stem) == 0)
      return vmf_guest_os_of_stem(vmx_names[i].stem, wide);
  if (stem[0] && !stem[strspn(stem, "0123456789")])
    return NULL; /* no number of CIM */
  snprintf(whole, sizeof whole, "%s%s", stem, wide ? "-64" : "");
  return vmf_guest_os_find(whole);
}

void vmf_guest_os_vmx(const struct vmf_guest_os *os, char text[VMF_GUEST_OS_TEXT])
{
  char stem[VMF_GUEST_OS_TEXT];
  const char *name = stem;
  bool wide;
  enum vmf_os_family family = vmf_guest_os_family(os);

  vmf_guest_os_stem(os, stem, &wide);
  if (!os->vmware)
    name = family == VMF_OS_LINUX ? "otherlinux" : family == VMF_OS_SOLARIS ? "solaris11" : "other";
  for (size_t i = 0; i < COUNT(vmx_names); i++)
    if (vmx_names[i].written && strcmp(vmx_names[i].stem, stem) == 0)
      name = vmx_names[i].vmx;
  snprintf(text, VMF_GUEST_OS_TEXT, "%.*s%s", VMF_GUEST_OS_TEXT - 4, name, wide ? "-64" : "");
}
