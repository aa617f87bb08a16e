/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The structure rules: a descriptor without a fault gives no finding, and each single fault that is
 * put into it gives its own. */
#include "rules.h"

#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "memory.h"
#include "name_list.h"

static const char good[] =
    "<?xml version='1.0'?>\n"
    "<Envelope xmlns='http://schemas.dmtf.org/ovf/envelope/1'\n"
    " xmlns:ovf='http://schemas.dmtf.org/ovf/envelope/1' "
    "xmlns:vmw='http://www.vmware.com/schema/ovf'\n"
    " xmlns:rasd='" VMF_NS_RASD "'\n"
    " xmlns:vssd='" VMF_NS_VSSD "'>\n"
    "<References><File ovf:id='f1' ovf:href='a.vmdk' ovf:size='100'/>"
    "<File ovf:id='f2' ovf:href='b.vmdk'/></References>\n"
    "<DiskSection><Info/><Disk ovf:diskId='d1' ovf:fileRef='f1' ovf:capacity='10'"
    " ovf:capacityAllocationUnits='byte * 2^20' ovf:populatedSize='4096'"
    " ovf:format='http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized'/>"
    "<Disk ovf:diskId='d2' ovf:fileRef='f2' ovf:parentRef='d1' ovf:capacity='10485760'"
    " ovf:format='http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized'/>"
    "</DiskSection>\n"
    "<NetworkSection><Info/><Network ovf:name='net'><Description/></Network></NetworkSection>\n"
    "<DeploymentOptionSection><Info/><Configuration ovf:id='small'><Label/><Description/>"
    "</Configuration></DeploymentOptionSection>\n"
    "<VirtualSystem ovf:id='vm'><Info/><Name>vm</Name>\n"
    "<OperatingSystemSection ovf:id='94'><Info/></OperatingSystemSection>\n"
    "<VirtualHardwareSection ovf:transport='iso com.vmware.guestInfo'><Info/>"
    "<System><vssd:ElementName/><vssd:InstanceID>0</vssd:InstanceID>"
    "<vssd:VirtualSystemType>vmx-13 other</vssd:VirtualSystemType></System>\n"
    "<Item><rasd:ElementName/><rasd:InstanceID>1</rasd:InstanceID>"
    "<rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>2</rasd:VirtualQuantity></"
    "Item>\n"
    "<Item ovf:configuration='small'><rasd:ElementName/><rasd:InstanceID>1</rasd:InstanceID>"
    "<rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></"
    "Item>\n"
    "<Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:ElementName/>"
    "<rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType>"
    "<rasd:VirtualQuantity>512</rasd:VirtualQuantity></Item>\n"
    "<Item ovf:bound='max'><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>"
    "<rasd:ElementName/><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</"
    "rasd:ResourceType>"
    "<rasd:VirtualQuantity>1024</rasd:VirtualQuantity></Item>\n"
    "<Item><rasd:Address>0</rasd:Address><rasd:ElementName/><rasd:InstanceID>3</rasd:InstanceID>"
    "<rasd:ResourceSubType>virtio lsilogic</rasd:ResourceSubType>"
    "<rasd:ResourceType>6</rasd:ResourceType></Item>\n"
    "<Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName/>"
    "<rasd:HostResource>ovf:/disk/d2</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID>"
    "<rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>\n"
    "<Item><rasd:AddressOnParent>1</rasd:AddressOnParent><rasd:ElementName/>"
    "<rasd:HostResource>ovf:/file/f1</rasd:HostResource><rasd:InstanceID>5</rasd:InstanceID>"
    "<rasd:Parent>3</rasd:Parent><rasd:ResourceType>15</rasd:ResourceType></Item>\n"
    "<Item><rasd:Connection>net</rasd:Connection><rasd:ElementName/>"
    "<rasd:InstanceID>6</rasd:InstanceID><rasd:ResourceType>10</rasd:ResourceType>"
    "<vmw:Config ovf:required='false' vmw:key='a' vmw:value='b'/></Item>\n"
    "<Item ovf:required='false'><rasd:ElementName/><rasd:InstanceID>7</rasd:InstanceID>"
    "<rasd:ResourceType>24</rasd:ResourceType></Item>\n"
    "<vmw:Config ovf:required='false' vmw:key='firmware' vmw:value='efi'/>"
    "</VirtualHardwareSection>\n"
    "<ProductSection ovf:class='c'><Info/><Product/><Property ovf:key='k' ovf:type='string'>"
    "<Label/><Value ovf:value='v' ovf:configuration='small'/></Property></ProductSection>\n"
    "<vmw:BootOrderSection ovf:required='false'><Info/></vmw:BootOrderSection>"
    "</VirtualSystem>\n"
    "<Strings><Msg ovf:msgid='m'>x</Msg></Strings>\n"
    "</Envelope>\n";

/* What was found, one "severity rule\n" a finding. */
struct heard {
  char text[8192];
  unsigned first_line;
};

static void hear(void *data, const struct vmf_package_finding *finding)
{
  static const char *const severities[VMF_SEVERITIES] = {"note", "loss", "warning", "violation",
                                                         "failure"};
  struct heard *heard = data;
  size_t length = strlen(heard->text);

  if (heard->first_line == 0)
    heard->first_line = finding->line;
  snprintf(heard->text + length, sizeof heard->text - length, "%s %s\n",
           severities[finding->severity], finding->rule);
}

static void check_text(const char *text, struct heard *heard)
{
  struct vmf_report report = {.finding = hear, .data = heard};
  struct vmf_error error = {0};
  struct vmf_ovf *ovf = NULL;

  *heard = (struct heard){0};
  ck_assert_msg(vmf_ovf_read("x.ovf", text, strlen(text), NULL, &ovf, &error) == VMF_OK, "%s",
                error.text);
  ck_assert_int_eq(vmf_rules_check(ovf, &report, &error), VMF_OK);
  vmf_ovf_free(ovf);
}

/* `good` with the first `from` replaced. */
static char *changed(const char *from, const char *to)
{
  const char *at = strstr(good, from);
  char *text;

  ck_assert_msg(at != NULL, "%s", from);
  ck_assert_int_eq(
      vmf_format(&text, NULL, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from)), VMF_OK);
  return text;
}

START_TEST(a_good_descriptor_gives_nothing)
{
  struct heard heard;

  check_text(good, &heard);
  ck_assert_str_eq(heard.text, "");
}
END_TEST

struct fault {
  const char *from, *to, *found; /* found: all findings, in any order but as they come */
};

#define MACHINE(type, uuid)                                                                        \
  "<vbox:Machine xmlns:vbox='" VMF_NS_VBOX "' ovf:required='false'><StorageControllers>"           \
  "<StorageController><AttachedDevice type='" type "'><Image uuid='" uuid "'/></AttachedDevice>"   \
  "</StorageController></StorageControllers></vbox:Machine>"

#define ITEM_7 "<Item ovf:required='false'><rasd:ElementName/><rasd:InstanceID>7"

static const struct fault faults[] = {
    /* the tree */
    {"<References>", "<References><Folder/>", "violation element-unknown\n"},
    {"<References>", "<References><Folder ovf:required='false'/>", ""},
    {"<References>", "<References><vmw:Folder/>", ""},
    {"<References>", "<References><x:F xmlns:x='urn:x'/>", "warning element-unknown\n"},
    {"<NetworkSection>", "<x:S xmlns:x='urn:x'/><NetworkSection>", "violation element-unknown\n"},
    {"<NetworkSection>", "<vmw:S/><NetworkSection>", "warning element-unknown\n"},
    {"<vmw:Config ovf:required='false' vmw:key='firmware'",
     "<x:C xmlns:x='urn:x'/><vmw:Config "
     "ovf:required='false' vmw:key='firmware'",
     "warning element-unknown\n"},
    {"<References>", "<References xmlns=''>", "violation envelope-mixed\n"},
    {"<DiskSection>",
     "<Section xmlns:xsi='" VMF_NS_XSI "' xsi:type='ovf:DiskSection_Type'><Info/>"
     "<Disk ovf:diskId='d3' ovf:capacity='1' ovf:format='vhd'/></Section><DiskSection>",
     "violation envelope-mixed\nviolation element-repeated\n"},
    {"<Strings><Msg ovf:msgid='m'>x</Msg></Strings>",
     "<x:Strings xmlns:x='urn:x'><x:Msg ovf:msgid='m'>x</x:Msg></x:Strings>", ""},
    {"<NetworkSection>", "<EncryptionSection><Info/></EncryptionSection><NetworkSection>",
     "failure package-encrypted\nviolation element-version\n"},
    {"<NetworkSection>",
     "<VirtualSystem ovf:id='w'><Info/><VirtualHardwareSection><Info/>"
     "</VirtualHardwareSection></VirtualSystem><NetworkSection>",
     "violation element-order\nviolation content-repeated\n"},
    {"<NetworkSection><Info/>", "<NetworkSection>", "violation element-missing\n"},
    {"<NetworkSection>", "<NetworkSection><Info/>", "violation element-repeated\n"},
    {"<VirtualSystem ovf:id='vm'><Info/>", "<VirtualSystem ovf:id='vm'>",
     "violation element-missing\n"},
    {"<VirtualSystem ovf:id='vm'>", "<VirtualSystem>", "violation attribute-missing\n"},
    {"<VirtualSystem ovf:id='vm'>", "<VirtualSystem id='vm'>", "warning attribute-unqualified\n"},
    {"<Info/><Name>vm</Name>", "<Name>vm</Name><Info/>", "warning element-order\n"},
    {"<OperatingSystemSection ovf:id='94'>", "<OperatingSystemSection ovf:id='65536'>",
     "violation attribute-value\n"},
    {"<OperatingSystemSection ovf:id='94'>",
     "<DiskSection><Info/></DiskSection><OperatingSystemSection ovf:id='94'>",
     "violation element-misplaced\n"},
    {"<NetworkSection>",
     "<AnnotationSection><Info/><Annotation/></AnnotationSection><NetworkSection>",
     "violation element-misplaced\n"},
    {"<NetworkSection>", "<StartupSection><Info/></StartupSection><NetworkSection>",
     "violation element-misplaced\n"},
    {"<OperatingSystemSection ovf:id='94'>",
     "<EnvironmentFilesSection><Info/></EnvironmentFilesSection><OperatingSystemSection "
     "ovf:id='94'>",
     "violation element-version\n"},
    {"<Envelope", "<Envelope ovf:version='7'", "warning envelope-version\n"},
    {"</Envelope>", "<References/></Envelope>",
     "violation element-order\nviolation element-repeated\n"},
    /* References and disks */
    {"ovf:id='f2'", "ovf:id='f1'", "violation file-id-duplicate\nviolation disk-file-unknown\n"},
    {"ovf:href='b.vmdk'", "ovf:href='a.vmdk'", "violation file-href-duplicate\n"},
    {"ovf:href='b.vmdk'", "", "violation attribute-missing\n"},
    {"ovf:href='b.vmdk'", "ovf:href='http://h/b'", "warning file-href-network\n"},
    {"ovf:href='b.vmdk'", "ovf:href='../b'", "warning file-href-outside\n"},
    {"ovf:href='b.vmdk'", "ovf:href='\\\\server\\share\\b'", "warning file-href-outside\n"},
    {"ovf:href='b.vmdk'", "ovf:href='//server/share/b'", "warning file-href-outside\n"},
    {"ovf:href='b.vmdk'", "ovf:href='%5c%5cserver%5cshare'", "warning file-href-outside\n"},
    {"ovf:href='b.vmdk'", "ovf:href='C:\\b.vmdk'", "warning file-href-outside\n"},
    {"ovf:href='b.vmdk'", "ovf:href='file:///C:/b.vmdk'", "warning file-href-outside\n"},
    {"ovf:href='b.vmdk'", "ovf:href='a\\..\\..\\b'", "warning file-href-outside\n"},
    {"ovf:href='b.vmdk'", "ovf:href='b&amp;'", "warning name-characters\n"},
    {"ovf:href='b.vmdk'", "ovf:href='b' ovf:compression='gzip'", "warning file-compressed\n"},
    {"ovf:href='b.vmdk'", "ovf:href='b' ovf:compression='bzip2'", "violation file-compression\n"},
    {"ovf:href='b.vmdk'", "ovf:href='b' ovf:chunkSize='7'", "warning file-chunked\n"},
    {"ovf:href='b.vmdk'", "ovf:href='b' ovf:chunkSize='0'", "violation file-chunk-size\n"},
    {"ovf:size='100'", "ovf:size='-1'", "warning file-size-form\n"},
    {"ovf:size='100'", "ovf:size='x'", "violation file-size-form\n"},
    {"ovf:diskId='d2'", "ovf:diskId='d1'",
     "violation disk-id-duplicate\nviolation item-host-resource\n"},
    {"ovf:fileRef='f2'", "ovf:fileRef='f3'", "violation disk-file-unknown\n"},
    {"ovf:fileRef='f2'", "ovf:fileRef='f1'", "warning disk-file-shared\n"},
    {"ovf:fileRef='f2'", "ovf:fileRef=''", ""}, /* as good as none: an empty disk */
    {"ovf:parentRef='d1'", "ovf:parentRef='d7'", "violation disk-parent-unknown\n"},
    {"ovf:parentRef='d1'", "ovf:parentRef='d2'", "violation disk-parent-order\n"},
    {"ovf:capacity='10485760'", "ovf:capacity='10485761'", "warning disk-parent-capacity\n"},
    {"ovf:capacity='10'", "ovf:capacity='0'", "violation disk-capacity\n"},
    {"ovf:capacity='10'", "ovf:capacity='-1'", "violation disk-capacity\n"},
    {"ovf:capacity='10'", "ovf:capacity='${no}'", "violation disk-capacity\n"},
    {"ovf:capacity='10'", "", "violation attribute-missing\n"},
    {"byte * 2^20' ", "furlong' ", "violation disk-capacity-unit\n"},
    {"ovf:populatedSize='4096'", "ovf:populatedSize='10485761'", "violation disk-populated\n"},
    {"ovf:populatedSize='4096'", "ovf:populatedSize='x'", "violation attribute-value\n"},
    {"ovf:format='http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized'", "",
     "violation disk-format-missing\n"},
    {"vmdk.html#streamOptimized", "tape", "warning disk-format-unknown\n"},
    /* items */
    {"<rasd:InstanceID>1</rasd:InstanceID>", "", "violation item-id-missing\n"},
    {"<rasd:InstanceID>7<", "<rasd:InstanceID>6<", "violation item-id-duplicate\n"},
    {"<Item ovf:configuration='small'><rasd:ElementName/><rasd:InstanceID>1<",
     "<Item ovf:configuration='small'><rasd:ElementName/><rasd:InstanceID>5<",
     "violation item-id-duplicate\n"},
    {"<rasd:InstanceID>7<", "<rasd:InstanceID>x<", "warning item-id-number\n"},
    {"<rasd:InstanceID>7</rasd:InstanceID>", "<rasd:InstanceId>7</rasd:InstanceId>",
     "warning item-id-name\n"},
    {"<rasd:ResourceType>24</rasd:ResourceType>", "", "violation item-type-missing\n"},
    {"<rasd:ResourceType>10<", "<rasd:ResourceType>89<", "violation item-type-unknown\n"},
    {"<Item ovf:required='false'>", "<Item>", "warning item-required\n"},
    {ITEM_7, "<Item ovf:required='false'><rasd:InstanceID>7", "warning item-name-missing\n"},
    {ITEM_7, "<Item ovf:required='false'><rasd:Limit/><rasd:ElementName/><rasd:InstanceID>7",
     "warning item-order\n"},
    {"<rasd:ResourceType>24</rasd:ResourceType>",
     "<rasd:ResourceType>24</rasd:ResourceType><rasd:Wing/>", "violation item-element-unknown\n"},
    {"<rasd:ResourceType>24</rasd:ResourceType>",
     "<rasd:ResourceType>24</rasd:ResourceType><rasd:Wing ovf:required='false'/>", ""},
    {"<rasd:VirtualQuantity>512<", "<rasd:VirtualQuantity>many<", "violation item-number\n"},
    {"<rasd:VirtualQuantity>512<", "<rasd:VirtualQuantity>2048<", "violation item-bound\n"},
    {"ovf:bound='max'", "ovf:bound='most'", "violation item-bound\n"},
    {"ovf:bound='max'", "", "violation item-id-duplicate\n"},
    {"<rasd:InstanceID>2<", "<rasd:InstanceID>8<", "violation item-bound\n"},
    {"<rasd:AllocationUnits>byte * 2^20<", "<rasd:AllocationUnits>byte * 2^30<",
     "warning memory-unit\n"},
    {"<rasd:AllocationUnits>byte * 2^20<", "<rasd:AllocationUnits>byte*2^20<",
     "warning memory-unit\n"},
    {"<rasd:AllocationUnits>byte * 2^20<", "<rasd:AllocationUnits>mile<",
     "violation memory-unit\n"},
    {"<rasd:Parent>3<", "<rasd:Parent>33<", "violation item-parent-unknown\n"},
    {"<rasd:Parent>3</rasd:Parent>", "", "warning item-parent-missing\n"},
    {"<rasd:Parent>3<", "<rasd:Parent> <", "violation item-parent-missing\n"},
    {"<rasd:AddressOnParent>1<", "<rasd:AddressOnParent>0<", "warning item-address-duplicate\n"},
    {"<rasd:HostResource>ovf:/disk/d2<", "<rasd:HostResource>ovf:/disk/d9<",
     "violation item-host-resource\n"},
    {"<rasd:HostResource>ovf:/disk/d2<", "<rasd:HostResource><",
     "warning item-host-resource-missing\n"},
    {"<rasd:HostResource>ovf:/disk/d2<", "<rasd:HostResource>ovf://disk/d2<",
     "warning item-host-resource-form\n"},
    {"<rasd:Connection>net<", "<rasd:Connection>nets<", "violation item-connection-unknown\n"},
    {"<rasd:Connection>net</rasd:Connection>", "", "note item-connection-missing\n"},
    {"<rasd:VirtualQuantity>512<", "<rasd:VirtualQuantity><", "warning item-quantity-missing\n"},
    {"virtio lsilogic", "token ring", "warning item-subtype-unknown\n"},
    {"<Item ovf:configuration='small'>", "<Item ovf:configuration='small big'>",
     "violation configuration-unknown\n"},
    {"vmx-13 other", "xen-3", "warning system-family\n"},
    {"vmx-13 other", "", "warning system-family-missing\n"},
    {"<System><vssd:ElementName/><vssd:InstanceID>0</vssd:InstanceID>"
     "<vssd:VirtualSystemType>vmx-13 other</vssd:VirtualSystemType></System>",
     "<System/>", "warning system-family-missing\n"},
    /* what VirtualBox imports */
    {"<vmw:BootOrderSection", MACHINE("HardDisk", "{60B4-0a}") "<vmw:BootOrderSection",
     "violation disk-uuid-unknown\n"},
    {"<vmw:BootOrderSection", MACHINE("DVD", "60b4-0a") "<vmw:BootOrderSection", ""},
    {"iso com", "iso, com", "warning transport-form\n"},
    {"iso com", "floppy com", "warning transport-unknown\n"},
    {"<rasd:InstanceID>7</rasd:InstanceID><rasd:ResourceType>24<",
     "<rasd:InstanceID>7</rasd:InstanceID><rasd:ResourceType>3<",
     "warning item-quantity-missing\nviolation item-cpu-repeated\n"},
    /* texts */
    {"ovf:key='k'", "ovf:key='k.l'", "note property-key\n"},
    {"ovf:type='string'", "ovf:type='int'", "warning property-type\n"},
    {"ovf:type='string'", "ovf:type='thing'", "violation property-type\n"},
    {"ovf:type='string'", "", "violation attribute-missing\n"},
    {"<Property ", "<Property ovf:key='k' ovf:type='string'/><Property ",
     "violation property-key-duplicate\n"},
    {"<ProductSection ", "<ProductSection ovf:class='c'><Info/></ProductSection><ProductSection ",
     "violation product-duplicate\n"},
    {"<Product/>", "<Product/><Icon ovf:fileRef='f9'/>", "warning file-unknown\n"},
    {"ovf:value='v' ovf:configuration='small'", "ovf:value='v' ovf:configuration='huge'",
     "warning configuration-unknown\n"},
    {"<Strings>", "<Strings ovf:fileRef='f9'>", "warning file-unknown\n"},
};

START_TEST(a_fault_gives_its_rule)
{
  const struct fault *fault = &faults[_i];
  char *text = changed(fault->from, fault->to);
  struct heard heard;

  check_text(text, &heard);
  ck_assert_msg(strcmp(heard.text, fault->found) == 0, "%s -> %s: found \"%s\", expected \"%s\"",
                fault->from, fault->to, heard.text, fault->found);
  vmf_free(text);
}
END_TEST

START_TEST(virtualbox_finds_its_disks_by_their_uuids)
{
  struct heard heard;
  VMF_AUTO_FREE char *with_disk = changed(
      "ovf:diskId='d1'", "ovf:diskId='d1' xmlns:vbox='" VMF_NS_VBOX "' vbox:uuid='60b4-0A'");
  const char *place = strstr(with_disk, "<vmw:BootOrderSection");
  VMF_AUTO_FREE char *text = NULL;

  ck_assert_int_eq(vmf_format(&text, NULL, "%.*s%s%s", (int)(place - with_disk), with_disk,
                              MACHINE("HardDisk", "{60B4-0a}"), place),
                   VMF_OK);
  check_text(text, &heard);
  ck_assert_str_eq(heard.text, "");
}
END_TEST

START_TEST(a_finding_has_its_line)
{
  struct heard heard;
  char *text = changed("ovf:type='string'", "ovf:type='thing'");

  check_text(text, &heard);
  ck_assert_uint_eq(heard.first_line, 23);
  vmf_free(text);
}
END_TEST

/* The rules must not take quadratic time: a descriptor may have as many elements as this. */
START_TEST(many_elements_are_checked_quickly)
{
  enum { FILES = 100000, ROOM = 64 };
  struct heard heard;
  char *text = malloc(sizeof good + FILES * ROOM);
  char *end = text;
  const char *at = strstr(good, "<File");

  ck_assert_ptr_nonnull(text);
  end += sprintf(end, "%.*s", (int)(at - good), good);
  for (int i = 0; i < FILES; i++)
    end += sprintf(end, "<File ovf:id='x%d' ovf:href='y%d'/>", i, i);
  strcpy(end, at);
  check_text(text, &heard);
  ck_assert_str_eq(heard.text, "");
  free(text);
}
END_TEST

START_TEST(names_are_found_and_repeats_seen)
{
  struct vmf_names names = {0};

  ck_assert_int_eq(vmf_names_add(&names, "b", 1, NULL), VMF_OK);
  ck_assert_int_eq(vmf_names_add(&names, NULL, 2, NULL), VMF_OK);
  ck_assert_int_eq(vmf_names_add(&names, "a", 3, NULL), VMF_OK);
  ck_assert_int_eq(vmf_names_add(&names, "b", 4, NULL), VMF_OK);
  vmf_names_sort(&names);
  ck_assert_ptr_null(vmf_names_find(&names, "c"));
  ck_assert_uint_eq(vmf_names_find(&names, "b")->number, 0);
  ck_assert_uint_eq(vmf_names_find(&names, "a")->number, 2);
  ck_assert(!vmf_names_repeats(&names, 0));
  ck_assert(!vmf_names_repeats(&names, 1));
  ck_assert(vmf_names_repeats(&names, 2));
  ck_assert_uint_eq(names.entries[2].line, 4);
  vmf_names_clear(&names);
}
END_TEST

static Suite *rules_suite(void)
{
  Suite *suite = suite_create("rules");
  TCase *tests = tcase_create("rules");

  tcase_add_test(tests, a_good_descriptor_gives_nothing);
  tcase_add_loop_test(tests, a_fault_gives_its_rule, 0, sizeof faults / sizeof faults[0]);
  tcase_add_test(tests, virtualbox_finds_its_disks_by_their_uuids);
  tcase_add_test(tests, a_finding_has_its_line);
  tcase_add_test(tests, many_elements_are_checked_quickly);
  tcase_set_timeout(tests, 20); /* a third of a second by itself; 5e9 comparisons take more */
  tcase_add_test(tests, names_are_found_and_repeats_seen);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(rules_suite)
