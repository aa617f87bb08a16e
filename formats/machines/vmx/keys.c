/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The keys that VMware is known to write: those of devices by their attributes, others by families,
 * as seen in files of Workstation, Fusion, Server and ESXi. */
#include <string.h>

#include "text.h"
#include "vmx.h"

/* In small letters, each between two blanks. */
static const char disk_attributes[] =
    " present filename devicetype mode writethrough startconnected clientdevice redo "
    "allowguestconnectioncontrol autodetect ctkenabled shared sharing virtualssd exclusive "
    "subnqnuuid pcislotnumber virtualdev sharedbus saswwid devicename autoconnect "
    "enablevirtualmedia "
    "throughputcap shares filetype yieldonmsrread ";
static const char card_attributes[] =
    " present virtualdev connectiontype networkname vnet addresstype address generatedaddress "
    "generatedaddressoffset checkmacaddress startconnected allowguestconnectioncontrol "
    "pcislotnumber wakeonpcktrcv linkstatepropagation.enable features uptcompatibility pvnid "
    "bsdname displayname dvs.switchid dvs.portid dvs.portgroupid dvs.connectionid externalid "
    "nopromisc opaquenetwork.id opaquenetwork.type ctxperdev udprss coalescingscheme "
    "rxfltallmulti numapolicy svname pnicfeatures ";
static const char port_attributes[] =
    " present filetype filename startconnected autodetect yieldonmsrread trynorxloss "
    "pipe.endpoint network.endpoint vspc allowguestconnectioncontrol bidirectional "
    "hardwareflowcontrol "
    "hardwareflowcontrol.enable ";

static const struct {
  const char *name, *attributes;
} devices[] = {
    {"scsi", disk_attributes},   {"nvme", disk_attributes},     {"sata", disk_attributes},
    {"ide", disk_attributes},    {"floppy", disk_attributes},   {"ethernet", card_attributes},
    {"serial", port_attributes}, {"parallel", port_attributes},
};

/* A key that is one of these, or one that begins with it where it ends with '.' or '#' (a number
 * follows). */
static const char *const families[] = {
    ".encoding",
    "config.version",
    "virtualhw.version",
    "virtualhw.productcompatibility",
    "displayname",
    "guestos",
    "guestosaltname",
    "guestos.detailed.data",
    "guestinfo.detailed.data",
    "memsize",
    "numvcpus",
    "cpuid.",
    "firmware",
    "uuid.",
    "vc.uuid",
    "vm.",
    "annotation",
    "extendedconfigfile",
    "checkpoint.",
    "cleanshutdown",
    "softpoweroff",
    "nvram",
    "tools.",
    "toolscripts.",
    "toolsinstallmanager.",
    "isolation.",
    "hgfs.",
    "sharedfolder.",
    "sharedfolder#",
    "powertype.",
    "sched.",
    "numa.",
    "pcibridge#",
    "vmci#",
    "vmci.",
    "hpet#",
    "usercpuid.",
    "hostcpuid.",
    "guestcpuid.",
    "usercpuid#",
    "evccompatibilitymode",
    "monitor.",
    "monitor_control.",
    "vmotion.",
    "migrate.",
    "replay.",
    "snapshot.",
    "remotedisplay.",
    "svga.",
    "mks.",
    "gui.",
    "msg.",
    "unity.",
    "proxyapps.",
    "priority.",
    "policy.",
    "log.",
    "logging",
    "vmx.",
    "mainmem.",
    "prefvmx.",
    "memallowautoscaledown",
    "memtrimrate",
    "memhotadd.",
    "mem.",
    "vcpu.",
    "vhv.",
    "vvtd.",
    "windows.",
    "vtpm.",
    "managedvm.",
    "encryption.",
    "dataFileKey",
    "usb.",
    "usb:",
    "ehci.",
    "ehci:",
    "usb_xhci.",
    "usb_xhci:",
    "sound.",
    "bios.",
    "bios440.",
    "efi.",
    "uefi.",
    "smbios.",
    "board-id",
    "board-id.",
    "hw.",
    "smc.",
    "acpi.",
    "rtc.",
    "time.",
    "timetracker.",
    "disk.",
    "diskLib.",
    "ctkenabled",
    "workingdir",
    "chipset.",
    "deploymentplatform",
    "inventory.",
    "invmteam",
    "appliance",
    "applianceview.",
    "guest.",
    "guestinfo.",
    "machine.id",
    "answer.",
    "autologon",
    "ulm.",
    "featmask.",
    "pcipassthru.",
    "pcipassthru#",
    "pcihole.",
    "ich7m.",
    "installer.",
    "debugvmx",
    "keyboard.",
    "mouse.",
    "keyboardandmouseprofile",
    "cpu.",
    "serial.",
    "scsi.",
    "floppy.",
    "ethernet.",
    "viv.",
    "buslogic.",
    "lsilogic.",
    "pvscsi.",
    "nvme.",
    "svga.present",
    "extension.",
    "namespacesMgr.",
    "namespaceMgr.",
    "tools:",
    "vprobe.",
    "fusion.",
    "mac.",
    "easyinstall.",
    "hints.",
    "hypervisor.",
    "mce.",
    "vmxstats.",
    "toolsdeploypkg.",
    "ha.",
    "das.",
    "ft.",
    "svmotion.",
    "storage.",
    "tpm.",
    "hbr_filter.",
    "ctkdisallowed",
    "virtualhw.",
};

static bool listed(const char *words, const char *word)
{
  size_t length = strlen(word);

  for (const char *at = words; (at = strchr(at, ' ')) != NULL; at++) {
    size_t i = 0;
    while (i < length && (word[i] >= 'A' && word[i] <= 'Z' ? word[i] | 0x20 : word[i]) == at[1 + i])
      i++;
    if (i == length && at[1 + length] == ' ')
      return true;
  }
  return false;
}

/* What `key` has behind `start`, case ignored; NULL: it does not begin so. */
static const char *behind(const char *key, const char *start, size_t length)
{
  for (; length > 0; length--, key++, start++) {
    int one = *key >= 'A' && *key <= 'Z' ? *key | 0x20 : *key;
    int other = *start >= 'A' && *start <= 'Z' ? *start | 0x20 : *start;
    if (one != other)
      return NULL;
  }
  return key;
}

static bool in_family(const char *key, const char *family)
{
  size_t length = strlen(family);
  char last = family[length - 1];
  const char *rest = behind(key, family, last == '#' ? length - 1 : length);

  if (!rest)
    return false;
  if (last == '#')
    return *rest >= '0' && *rest <= '9';
  return last == '.' || last == ':' || *rest == 0;
}

static bool digits(const char **at, uint64_t *number)
{
  const char *start = *at;

  *number = 0;
  for (; **at >= '0' && **at <= '9'; ++*at)
    *number = *number > UINT32_MAX ? *number : *number * 10 + (uint64_t)(**at - '0');
  return *at > start;
}

bool vmx_place_of(const char *key, struct vmx_place *place)
{
  size_t length = 0;

  while (length < sizeof place->name - 1 && (key[length] | 0x20) >= 'a' &&
         (key[length] | 0x20) <= 'z') {
    place->name[length] = (char)(key[length] | 0x20);
    length++;
  }
  place->name[length] = 0;
  key += length;
  place->unit = 0;
  if (!digits(&key, &place->controller))
    return false;
  place->has_unit = *key == ':';
  if (place->has_unit) {
    key++;
    if (!digits(&key, &place->unit))
      return false;
  }
  place->attribute = key + 1;
  return *key == '.';
}

bool vmx_key_known(const char *key)
{
  struct vmx_place place;

  if (vmx_place_of(key, &place))
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
      if (strcmp(devices[i].name, place.name) == 0)
        return listed(devices[i].attributes, place.attribute);
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    if (in_family(key, families[i]))
      return true;
  return false;
}
