/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Descriptors as machines: each element in its place, and what has none as an extra. */
#include "ovf_machine.h"

#include "descriptor_case.h"
#include "machine_case.h"

static struct vmf_machine *machine;

static void end(void)
{
  vmf_machine_free(machine);
  machine = NULL;
  free_ovf();
}

static void read_machine(const char *text, size_t system)
{
  struct vmf_report report = {.finding = note};

  read_text(text);
  ck_assert_int_eq(vmf_machine_new(&machine, &error), VMF_OK);
  ck_assert_msg(vmf_ovf_machine(ovf, system, machine, &report, &error) == VMF_OK, "%s", error.text);
}

struct row {
  const char *text, *path, *value; /* value NULL: not told */
};

#define R(name, value) "<rasd:" name ">" value "</rasd:" name ">"
#define CONFIG(key, value) "<vmw:Config vmw:key='" key "' vmw:value='" value "'/>"
#define SYSTEM(children) "<System>" children "</System>"
#define V(name, value) "<vssd:" name ">" value "</vssd:" name ">"
#define CONTROLLER(id, type, rest) ITEM(R("InstanceID", id) R("ResourceType", type) rest)
#define DRIVE(type, rest) ITEM(R("InstanceID", "99") R("ResourceType", type) rest)
#define NIC(rest) ITEM(R("InstanceID", "9") R("ResourceType", "10") rest)

/* Inside of a VirtualHardwareSection. */
static const struct row hardware_rows[] = {
    {ITEM(R("ResourceType", "3") R("VirtualQuantity", "4")), "vcpus", "4"},
    {ITEM(R("ResourceType", "3") R("VirtualQuantity", "4")), "sockets", NULL},
    {ITEM(R("ResourceType", "3")
              R("VirtualQuantity", "6") "<vmw:CoresPerSocket>2</vmw:CoresPerSocket>"),
     "sockets", "3"},
    {ITEM(R("ResourceType", "3")
              R("VirtualQuantity", "6") "<vmw:CoresPerSocket>2</vmw:CoresPerSocket>"),
     "cores", "2"},
    {ITEM(R("ResourceType", "3")
              R("VirtualQuantity", "4") "<vmw:CoresPerSocket>3</vmw:CoresPerSocket>"),
     "cores", NULL},
    {ITEM(R("ResourceType", "3") R("VirtualQuantity", "0")), "vcpus", NULL},
    {ITEM(R("ResourceType", "3") R("VirtualQuantity", "5000")), "vcpus", NULL},
    {ITEM(R("AllocationUnits", "byte * 2^30") R("ResourceType", "4") R("VirtualQuantity", "3")),
     "memory", "3221225472"},
    {ITEM(R("ResourceType", "4") R("VirtualQuantity", "512")), "memory", "536870912"},
    {ITEM(R("AllocationUnits", "byte * 2^60") R("ResourceType", "4") R("VirtualQuantity", "99")),
     "memory", NULL},
    {ITEM(R("Reservation", "512") R("ResourceType", "4")), "extra.Item ?/rasd:Reservation", "512"},
    {CONFIG("firmware", "efi"), "firmware", "efi"},
    {CONFIG("firmware", "BIOS"), "firmware", "bios"},
    {CONFIG("firmware", "coreboot"), "firmware", NULL},
    {CONFIG("firmware", "coreboot"), "extra.vmw:Config firmware", "coreboot"},
    {CONFIG("bootOptions.efiSecureBootEnabled", "true"), "secure-boot", "on"},
    {CONFIG("bootOptions.efiSecureBootEnabled", "false"), "secure-boot", "off"},
    {CONFIG("cpuHotAddEnabled", "true"), "cpu-hotadd", "on"},
    {CONFIG("memoryHotAddEnabled", "false"), "memory-hotadd", "off"},
    {CONFIG("nestedHVEnabled", "true"), "nested", "on"},
    {CONFIG("bootOptions.bootDelay", "5000"), "boot-delay", "5000"},
    {CONFIG("flags.vbsEnabled", "true"), "extra.vmw:Config flags.vbsEnabled", "true"},
    {CONFIG("invented", "1"), "extra.vmw:Config invented", "?1"},
    {SYSTEM(V("VirtualSystemType", "vmx-11"))
         CONFIG("uuid", "564d6c27-96ea-1207-6f01-020304050607"),
     "uuid", "564d6c27-96ea-1207-6f01-020304050607"},
    {SYSTEM(V("VirtualSystemType", "vmx-13"))
         CONFIG("uuid", "564d6c27-96ea-1207-6f01-020304050607"),
     "uuid", "276c4d56-ea96-0712-6f01-020304050607"},
    {SYSTEM(V("VirtualSystemType", "vmx-07 vmx-13")), "hw-version", "vmx-07 vmx-13"},
    {SYSTEM(V("Invented", "x")), "extra.vssd:Invented", "?x"},
    {"<vmw:ExtraConfig vmw:key='nvram' vmw:value='ovf:/file/n'/>", "nvram", "vm 1.nvram"},
    {"<vmw:ExtraConfig vmw:key='nvram' vmw:value='x.nvram'/>", "nvram", "x.nvram"},
    {"<vmw:ExtraConfig vmw:key='svga.present' vmw:value='TRUE'/>",
     "extra.vmw:ExtraConfig svga.present", "TRUE"},
    {"<x:Invented>1</x:Invented>", "extra.x:Invented", "?1"},
    {"<x:Invented><x:a b='1'/></x:Invented>", "extra.x:Invented",
     "?<x:Invented><x:a b='1'/></x:Invented>"},

    {CONTROLLER("3", "6", R("ResourceSubType", "lsilogicsas")), "controllers[0].model",
     "lsisas1068"},
    {CONTROLLER("3", "6", R("ResourceSubType", "someother, LSILOGIC")), "controllers[0].model",
     "lsilogic"},
    {CONTROLLER("3", "6", R("ResourceSubType", "VirtualSCSI")), "controllers[0].model", "pvscsi"},
    {CONTROLLER("3", "6", R("ResourceSubType", "whatever")), "controllers[0].model", NULL},
    {CONTROLLER("3", "20", R("ResourceSubType", "vmware.sata.ahci")), "controllers[0].bus", "sata"},
    {CONTROLLER("3", "20", R("ResourceSubType", "vmware.nvme.controller")), "controllers[0].bus",
     "nvme"},
    {CONTROLLER("3", "20", R("ResourceSubType", "VirtioSCSI")), "controllers[0].model",
     "virtio-scsi"},
    {CONTROLLER("3", "20", R("ResourceSubType", "vmware.nvdimm.controller")), "controllers[0]",
     NULL},
    {CONTROLLER("3", "5", R("ResourceSubType", "PIIX4")), "controllers[0].bus", "ide"},
    {CONTROLLER("3", "5", R("Address", "1")) CONTROLLER("4", "5", R("Address", "0")),
     "controllers[0].index", "1"},
    {CONTROLLER("3", "6", R("Address", "0")) CONTROLLER("4", "6", R("Address", "0")),
     "controllers[1].index", "1"},

    {CONTROLLER("3", "6", "")
         DRIVE("17", R("AddressOnParent", "8") R("Parent", "3") R("HostResource", "ovf:/disk/d")),
     "disks[0].unit", "8"},
    {DRIVE("17", R("Parent", "3") R("HostResource", "ovf:/disk/d")) CONTROLLER("3", "6", ""),
     "disks[0].bus", "scsi"},
    {CONTROLLER("3", "6", "") DRIVE("17", R("Parent", "3")) DRIVE("17", R("Parent", "3")),
     "disks[1].unit", "1"},
    {DRIVE("17", R("HostResource", "ovf:/disk/d")), "disks[0].image", "a b.vmdk"},
    {DRIVE("17", R("HostResource", "/disk/d")), "disks[0].capacity", "2147483648"},
    {DRIVE("17", R("HostResource", "ovf:/disk/d")), "disks[0].image-format", "vmdk"},
    {DRIVE("17", R("HostResource", "ovf:/disk/blank")), "disks[0].image", NULL},
    {DRIVE("17", R("HostResource", "ovf:/disk/blank")), "disks[0].capacity", "1048576"},
    {DRIVE("17", CONFIG("backing.diskMode", "independent_persistent")), "disks[0].mode",
     "independent"},
    {DRIVE("17", CONFIG("backing.writeThrough", "true")), "disks[0].cache", "writethrough"},
    {DRIVE("17", CONFIG("backing.writeThrough", "false")), "disks[0].cache", NULL},
    {DRIVE("17", CONFIG("invented", "x")), "extra.Item 99/vmw:Config invented", "?x"},
    {DRIVE("17", R("Invented", "x")), "extra.Item 99/rasd:Invented", "?x"},
    {DRIVE("17", R("HostResource", "ovf:/disk/o")), "controllers[0].model", "virtio-scsi"},
    {DRIVE("17", R("HostResource", "ovf:/disk/o")), "extra.Disk/@ovf:disk-interface", NULL},
    {DRIVE("15", R("AutomaticAllocation", "false")), "disks[0].connected", "off"},
    {DRIVE("16", R("HostResource", "ovf:/file/n")), "disks[0].image", "vm 1.nvram"},
    {DRIVE("15", ""), "disks[0].medium", "cdrom"},
    {DRIVE("14", ""), "disks[0].medium", "floppy"},
    {DRIVE("14", ""), "disks[0].bus", "floppy"},

    {NIC(R("ResourceSubType", "VmxNet3")), "nics[0].model", "vmxnet3"},
    {NIC(R("ResourceSubType", "VMXNET3 virtio")), "nics[0].model", "vmxnet3"},
    {NIC(R("ResourceSubType", "whatever")), "nics[0].model", NULL},
    {NIC(R("Address", "00-50-56-AB-CD-EF")), "nics[0].mac", "00:50:56:ab:cd:ef"},
    {NIC(R("Address", "7")), "nics[0].mac", NULL},
    {NIC(R("Address", "7")), "extra.Item/Address", "7"},
    {NIC(R("Connection", "Prod Net")), "nics[0].network", "Prod Net"},
    {NIC(R("Connection", "Prod Net")), "nics[0].attach", "bridge"},
    {NIC(R("Connection", "NAT")), "nics[0].attach", "nat"},
    {NIC(R("Connection", "hostonly")), "nics[0].network", NULL},
    {NIC(R("AutomaticAllocation", "true")), "nics[0].connected", "on"},
    {NIC(CONFIG("slotInfo.pciSlotNumber", "192")), "nics[0].pci-slot", "192"},
    {NIC(CONFIG("wakeOnLanEnabled", "true")), "extra.Item 9/vmw:Config wakeOnLanEnabled", "true"},

    {ITEM(R("ResourceSubType", "vmware.vtpm") R("ResourceType", "1")), "tpm", "2.0"},
    {ITEM(R("ResourceSubType", "vmware.soundcard.hdaudio") R("ResourceType", "1")), "sound", "hda"},
    {ITEM(R("ResourceSubType", "ensoniq1371") R("ResourceType", "35")), "sound", "es1371"},
    {ITEM(R("ResourceSubType", "vmware.usb.xhci") R("ResourceType", "23")), "usb3", "on"},
    {ITEM(R("ResourceSubType", "vmware.usb.ehci") R("ResourceType", "23")), "usb2", "on"},
    {ITEM(R("ResourceType", "23")), "usb1", "on"},
    {ITEM(R("ResourceType", "24") CONFIG("videoRamSizeInKB", "8192")), "video-memory", "8388608"},
    {ITEM(R("ResourceType", "24") CONFIG("enable3DSupport", "true")), "video-3d", "on"},
    {ITEM(R("ResourceSubType", "vmware.serialport.pipe") R("ResourceType", "21")),
     "ports[0].backend", "pipe"},
    {ITEM(R("ResourceType", "22")), "ports[0].parallel", "on"},
    {ITEM("<rasd:ResourceType>4711</rasd:ResourceType>"), "extra.Item ?/Item",
     "?<Item><rasd:ResourceType>4711</rasd:ResourceType></Item>"},
    {"<Item x:invented='1'><rasd:ResourceType>3</rasd:ResourceType></Item>",
     "extra.Item ?/Item/@x:invented", "?1"},
    {"<Item ovf:configuration='large'><rasd:ResourceType>10</rasd:ResourceType></Item>", "nics[0]",
     NULL},
};

#define FILES                                                                                      \
  "<References><File ovf:id='f' ovf:href='a%20b.vmdk'/><File ovf:id='n' ovf:href='vm%201.nvram'/>" \
  "</References><DiskSection><Info/><Disk ovf:diskId='d' ovf:fileRef='f' ovf:capacity='2'"         \
  " ovf:capacityAllocationUnits='byte * 2^30' ovf:format="                                         \
  "'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized'/>"                  \
  "<Disk ovf:diskId='blank' ovf:capacity='1048576'/>"                                              \
  "<Disk ovf:diskId='o' ovf:capacity='1' ovf:disk-interface='VirtIO_SCSI'/></DiskSection>"
#define OPTIONS                                                                                    \
  "<DeploymentOptionSection><Info/><Configuration ovf:id='small'/><Configuration ovf:id='large'/>" \
  "</DeploymentOptionSection>"

START_TEST(hardware_becomes_devices)
{
  char text[8192];

  snprintf(text, sizeof text, "%s%s%s",
           ENVELOPE FILES OPTIONS "<VirtualSystem ovf:id='v'><VirtualHardwareSection><Info/>",
           hardware_rows[_i].text, HARDWARE_END);
  read_machine(text, 0);
  expect(machine, hardware_rows[_i].text, hardware_rows[_i].path, hardware_rows[_i].value);
}
END_TEST

#define OS(attributes, children)                                                                   \
  "<OperatingSystemSection " attributes "><Info/>" children "</OperatingSystemSection>"

/* Inside of a VirtualSystem. */
static const struct row system_rows[] = {
    {"", "name", "v"},
    {"<Name>web &amp; co</Name>", "name", "web & co"},
    {"<AnnotationSection><Info/><Annotation>two\nlines</Annotation></AnnotationSection>",
     "description", "two\nlines"},
    {OS("ovf:id='94' vmw:osType='ubuntu64Guest'", ""), "os", "ubuntu64Guest"},
    {OS("ovf:id='94' vmw:osType='ubuntu64Guest'", ""), "arch", "x86_64"},
    {OS("ovf:id='94' vmw:osType='ubuntuGuest'", ""), "arch", "i686"},
    {OS("ovf:id='36'", ""), "arch", NULL},
    {OS("ovf:id='36'", ""), "os", "otherLinuxGuest"},
    {OS("ovf:id='96'", ""), "os", "Debian GNU/Linux (64-bit)"},
    {OS("ovf:id='113'", ""), "os", NULL}, /* Windows 8, or Windows 10 */
    {OS("ovf:id='113'", ""), "os-source", "113"},
    {OS("ovf:id='118'", "<Description>Windows 8.1 (64-bit)</Description>"), "os",
     "Windows 8.1 (64-bit)"},
    {OS("ovf:id='1'", "<vbox:OSType>Windows2019_64</vbox:OSType>"), "os", "windows2019srv_64Guest"},
    {OS("ovf:id='1' vmw:osType='unheardOfGuest'", ""), "os-source", "unheardOfGuest"},
    {OS("ovf:id='1'", "<x:Invented>1</x:Invented>"), "extra.x:Invented", "?1"},
    {"<EulaSection><Info/><License>Be nice</License></EulaSection>", "extra.EulaSection",
     "<EulaSection><Info/><License>Be nice</License></EulaSection>"},
    {"<ProductSection><Info/><Property ovf:key='p' ovf:password='true' ovf:value='s'/>"
     "</ProductSection>",
     "extra.ProductSection",
     "!<ProductSection><Info/><Property ovf:key='p' ovf:password='true' ovf:value='s'/>"
     "</ProductSection>"},
    {"<x:InventedSection ovf:required='false'>1</x:InventedSection>", "extra.x:InventedSection",
     "?1"},
    {"<vmw:BootOrderSection vmw:instanceId='9' vmw:type='net'/><VirtualHardwareSection>" NIC(
         "") "</VirtualHardwareSection>",
     "nics[0].boot", "1"},
#define KEY(key, value) "<vmw:ExtraConfig vmw:key='" key "' vmw:value='" value "'/>"
#define KEYS(children) "<VirtualHardwareSection>" children "</VirtualHardwareSection>"
    {KEYS(KEY("bios.bootOrder", "CDROM, hdd")), "boot", "cdrom,disk"},
    {KEYS(KEY("bios.bootOrder", "hdd,tape")), "boot", NULL},
    {KEYS(KEY("bios.bootOrder", "hdd,tape")), "extra.vmw:ExtraConfig bios.bootOrder", "hdd,tape"},
    {KEYS(KEY("bios.hddOrder", "scsi9999999:1")), "extra.vmw:ExtraConfig bios.hddOrder",
     "scsi9999999:1"},
    {KEYS(KEY("vm.genid", "1") KEY("vm.genidX", "-1")), "genid",
     "01000000-0000-0000-ffff-ffffffffffff"},
    {KEYS(KEY("vm.genidX", "-7")), "genid", NULL},
    {KEYS(KEY("vm.genidX", "-7")), "extra.vmw:ExtraConfig vm.genidX", "-7"},
    {KEYS(KEY("vm.genid", "99999999999999999999")), "extra.vmw:ExtraConfig vm.genid",
     "99999999999999999999"},
    {KEYS(KEY("rtc.diffFromUTC", "0")), "clock", "utc"},
    {"<vmw:BootOrderSection vmw:instanceId='8' vmw:type='net'/>", "extra.vmw:BootOrderSection",
     "<vmw:BootOrderSection vmw:instanceId='8' vmw:type='net'/>"},
    {"<VirtualHardwareSection>" SYSTEM(
         V("VirtualSystemType",
           "vmx-09")) "</VirtualHardwareSection><VirtualHardwareSection><Info>b</Info></"
                      "VirtualHardwareSection>",
     "extra.VirtualHardwareSection",
     "<VirtualHardwareSection><Info>b</Info></VirtualHardwareSection>"},
#define VBOX(children)                                                                             \
  "<vbox:Machine uuid='{01020304-0506-0708-090a-0b0c0d0e0f10}'>" children "</vbox:Machine>"
    {VBOX(""), "uuid", "01020304-0506-0708-090a-0b0c0d0e0f10"},
    {VBOX("<Hardware><Firmware type='EFI'/></Hardware>"), "firmware", "efi"},
    {VBOX("<Hardware><RTC localOrUTC='UTC'/></Hardware>"), "clock", "utc"},
    {VBOX(
         "<Hardware><Boot><Order position='2' device='HardDisk'/>"
         "<Order position='1' device='DVD'/><Order position='3' device='None'/></Boot></Hardware>"),
     "boot", "cdrom,disk"},
    {VBOX("<Hardware><Display VRAMSize='16' monitorCount='2'/></Hardware>"), "video-memory",
     "16777216"},
    {VBOX("<Hardware><Display monitorCount='18446744073709551616'/></Hardware>"), "video-heads",
     NULL},
    {VBOX("<Hardware><USB><Controllers><Controller type='XHCI'/></Controllers></USB></Hardware>"),
     "usb3", "on"},
    {VBOX("<Hardware><TrustedPlatformModule type='v2_0'/></Hardware>"), "tpm", "2.0"},
    {"<vbox:Machine>1</vbox:Machine>", "extra.vbox:Machine", "1"},
};

START_TEST(sections_become_fields)
{
  char text[8192];

  snprintf(text, sizeof text, ENVELOPE "<VirtualSystem ovf:id='v'>%s</VirtualSystem></Envelope>",
           system_rows[_i].text);
  read_machine(text, 0);
  expect(machine, system_rows[_i].text, system_rows[_i].path, system_rows[_i].value);
}
END_TEST

static const char collection[] =
    ENVELOPE "<VirtualSystemCollection ovf:id='c'><StartupSection><Info/>"
             "<Item ovf:id='db' ovf:order='1'/><Item ovf:id='web' ovf:order='2'/></StartupSection>"
             "<VirtualSystem ovf:id='db'/><VirtualSystem ovf:id='web'/></VirtualSystemCollection>"
             "<x:Invented>1</x:Invented></Envelope>";

START_TEST(machines_of_a_collection_start_in_order)
{
  read_machine(collection, 2);
  expect(machine, "web", "name", "web");
  expect(machine, "web", "start-order", "2");
  expect(machine, "web", "extra.x:Invented", "?1"); /* the envelope belongs to all */
}
END_TEST

START_TEST(the_item_of_the_usual_option_counts)
{
  read_machine(ENVELOPE OPTIONS
               "<VirtualSystem ovf:id='v'><VirtualHardwareSection>"
               "<Item><rasd:InstanceID>9</rasd:InstanceID><rasd:ResourceType>10</rasd:ResourceType>"
               "</Item><Item ovf:configuration='small'><rasd:InstanceID>9</rasd:InstanceID>"
               "<rasd:ResourceSubType>E1000</rasd:ResourceSubType>"
               "<rasd:ResourceType>10</rasd:ResourceType></Item>" HARDWARE_END,
               0);
  expect(machine, "option", "nics[0].model", "e1000");
  expect(machine, "option", "nics[1]", NULL);
}
END_TEST

static enum vmf_code read_whole(const char *text)
{
  struct vmf_machine_source source = {.name = "a.ovf", .bytes = text, .length = strlen(text)};

  ck_assert_int_eq(vmf_machine_new(&machine, &error), VMF_OK);
  return vmf_ovf_machine_read(&source, machine, NULL, &error);
}

START_TEST(one_of_several_is_not_chosen)
{
  ck_assert_int_eq(read_whole(collection), VMF_USAGE);
  ck_assert_str_eq(error.text, "a.ovf: has 2 machines, and one is asked for");
}
END_TEST

START_TEST(a_descriptor_without_a_system_is_refused)
{
  ck_assert_int_eq(read_whole(ENVELOPE "</Envelope>"), VMF_CORRUPT);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("ovf_machine");
  TCase *tests = tcase_create("ovf_machine");
  tcase_add_checked_fixture(tests, NULL, end);
  tcase_add_loop_test(tests, hardware_becomes_devices, 0,
                      sizeof hardware_rows / sizeof hardware_rows[0]);
  tcase_add_loop_test(tests, sections_become_fields, 0, sizeof system_rows / sizeof system_rows[0]);
  tcase_add_test(tests, machines_of_a_collection_start_in_order);
  tcase_add_test(tests, the_item_of_the_usual_option_counts);
  tcase_add_test(tests, one_of_several_is_not_chosen);
  tcase_add_test(tests, a_descriptor_without_a_system_is_refused);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
