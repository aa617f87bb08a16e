/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The elements and attributes of VirtualBox's settings up to 1.22: a text for each first letter. */
#include <string.h>

#include "memory.h"
#include "vbox_hardware.h"

#define XSI "http://www.w3.org/2001/XMLSchema-instance"

/* clang-format off */
static const char *const elements[] = {
    " ACPI APIC Adapter Alias AttachedDevice AudioAdapter AutoSerialNumGen Autostart ",
    " BIOS BandwidthGroup BandwidthGroups Boot BootMenu BridgedInterface ",
    " CPU CPUCount CardReader Chipset Clipboard CloudNetwork Controller Controllers Cpu CpuIdLeaf CpuIdTree CpuTree ",
    " DNS DVDDrive DVDImages Debugging Default Description Device DeviceFilter DeviceFilters Devices DisabledModes Display "
    "DragAndDrop ",
    " EmulatedUSB ExtraData ExtraDataItem ",
    " Firmware FloppyDrive FloppyImages Forwarding Frontend ",
    " GenericInterface GicIts Group Groups Guest GuestDebug GuestProperties GuestProperty ",
    " HID HPET HardDisk HardDiskAttachment HardDiskAttachments HardDisks Hardware HardwareVirtEx HardwareVirtExLargePages "
    "HardwareVirtExNestedPaging HardwareVirtExUX HardwareVirtExUseNativeApi HardwareVirtExVPID HardwareVirtExVirtVmsaveVmload "
    "HardwareVirtForce HostDrive HostInterface HostOnlyInterface HostOnlyNetwork HostPci ",
    " IBPBOn IDEController IO IOAPIC Image InternalNetwork IoCache Iommu ",
    " L1DFlushOn LPT LongMode Logo Lpt ",
    " MDSClearOn Machine MachineEncrypted MediaRegistry Memory ",
    " NAT NATNetwork NVRAM NestedHWVirt Network ",
    " Order ",
    " PAE PXEDebug Paravirt Platform Port Property ",
    " RTC Recording RemoteDisplay ",
    " SATAController Screen Screens SharedFolder SharedFolders SmbiosUuidLittleEndian Snapshot Snapshots SpecCtrl SpecCtrlByHost "
    "StorageController StorageControllers SyntheticCpu ",
    " TFTP Teleporter TimeOffset Tracing TripleFaultReset TrustedPlatformModule ",
    " UART USB USBController Uart ",
    " VDE VRDEProperties VideoCapture VideoChannel VideoRecording VirtualBox ",
    " Webcam ",
    " X2APIC ",
    " arm ",
    " x86 ",
};

static const char *const attributes[] = {
    " Accelerate3D ",
    " Bootable ",
    " CpuIdPortabilityLevel CpuProfile ",
    " IDE0MasterEmulationPort IDE0SlaveEmulationPort IDE1MasterEmulationPort IDE1SlaveEmulationPort IOAddress IOBase IRQ Instance ",
    " Keyboard ",
    " MACAddress MemoryBalloonSize MonitorCount ",
    " OSType ",
    " PCIBus PCIDevice PCIFunction PageFusion Pointing PortCount ",
    " RAMSize ",
    " StatisticsUpdateInterval ",
    " VMProcessPriority VRAMSize VRDEExtPack ",
    " aborted accelerate2DVideo accelerate3D active address allowMultiConnection allowTracingToAccessVM architecture audioBits "
    "audioChannels audioCodec audioDeadline audioHz authLibrary authTimeout authType autoMount autoMountPoint autoReset autostop ",
    " bandwidthGroup boot-file bootPriority bus ",
    " cable channel clipboardMode codec config controller count currentSnapshot currentStateModified ",
    " debug delay dest device directoryIncludesUUID discard displayTime driver ",
    " eax ebx ecx edx enable-tftp enabled enabledEhci enabledIn enabledOut exclusive executionCap executionEngine ",
    " fadeIn fadeOut features file fileTransfersEnabled flags format forward-broadcast fps ",
    " guest guestip guestport ",
    " hardDisk host hostMode hostPath hostip hostport horzRes hotplug hotpluggable ",
    " icon id imagePath io ",
    " keyId keyStore ",
    " lastStateChange localOrUTC localhost-reachable location logKeyId logKeyStore logging ",
    " manufacturer maskedInterfaces maxBytesPerSec maxMbPerSec maxSize maxSizeMB maxTime maxTimeS memoryBalloonSize mode "
    "monitorCount mtu ",
    " name nameSync netAddress network next-server nonrotational notificationPatterns ",
    " options ",
    " pass-domain passthrough password path port position prefix processPriority product productId promiscuousModePolicy proto "
    "provider proxy-only ",
    " quality ",
    " rate rateKbps remote reuseSingleConnection revision ",
    " scheduling screens serialNumber server size slot snapshotFolder sockrcv socksnd speed src stateFile stateKeyId stateKeyStore "
    "statisticsUpdateInterval subleaf symlinkPolicy ",
    " tcprcv tcpsnd tempeject timeStamp timestamp trace tracefile type ",
    " uartType use-host-resolver use-proxy use-same-ports useDefault useHostIOCache uuid ",
    " value vendorId version vertRes videoCodec videoDeadline videoRateCtlMode videoScalingMode vmentry vmexit ",
    " writable ",
};
/* clang-format on */

static bool knows_element(const xmlNode *element)
{
  const char *name = (const char *)element->name;

  return vmf_vendor_lists(elements, sizeof elements / sizeof *elements, name, strlen(name));
}

static bool knows_attribute(const xmlNode *element, const struct vmf_xml_attribute *attribute)
{
  if (attribute->prefix) {
    const xmlNs *ns = vmf_xml_attribute_namespace(element, attribute);
    return ns && strcmp((const char *)ns->href, XSI) == 0;
  }
  return vmf_vendor_lists(attributes, sizeof attributes / sizeof *attributes, attribute->name,
                          attribute->name_length);
}

/* A key, even one that is itself encrypted, and the password of teleporting. */
static bool is_secret(const xmlNode *element, const struct vmf_xml_attribute *attribute)
{
  static const char *const names[] = {"password", "keyStore", "stateKeyStore", "logKeyStore"};

  (void)element;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (vmf_xml_attribute_is(attribute, names[i]))
      return true;
  return false;
}

/* <Property name="VNCPassword" value="..."/>, and users of the remote desktop that stand in extra
 * data: "VBoxAuthSimple/users/NAME". What cannot be looked at is a secret, too. */
static bool is_secret_element(const xmlNode *element)
{
  static const char *const parts[] = {"Password", "password", "KeyStore", "VBoxAuthSimple/"};
  VMF_AUTO_FREE char *name = NULL;

  if (!vmf_vbox_is(element, "Property") && !vmf_vbox_is(element, "ExtraDataItem") &&
      !vmf_vbox_is(element, "GuestProperty"))
    return false;
  if (vmf_xml_attribute(element, NULL, "name", &name, NULL) != VMF_OK)
    return true;
  for (size_t i = 0; name && i < sizeof parts / sizeof *parts; i++)
    if (strstr(name, parts[i]))
      return true;
  return false;
}

const struct vmf_vocabulary vmf_vbox_vocabulary = {
    .vendor = "vbox",
    .knows_element = knows_element,
    .knows_attribute = knows_attribute,
    .is_secret = is_secret,
    .is_secret_element = is_secret_element,
};
