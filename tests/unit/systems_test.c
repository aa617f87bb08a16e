/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What descriptors of every version and dialect say about systems and their hardware. */
#include "descriptor_case.h"

/* ---- systems ---- */

START_TEST(systems_in_collections)
{
  read_text(ENVELOPE "<VirtualSystemCollection ovf:id='top'><Info>t</Info>"
                     "<VirtualSystemCollection ovf:id='in'><VirtualSystem ovf:id='deep'/>"
                     "</VirtualSystemCollection><VirtualSystem ovf:id='b'><Name>n</Name>"
                     "</VirtualSystem><ProductSection><Product>p</Product></ProductSection>"
                     "</VirtualSystemCollection></Envelope>");
  static const struct {
    const char *id;
    bool collection;
    size_t parent;
  } expected[] = {{"top", true, 0}, {"in", true, 0}, {"deep", false, 1}, {"b", false, 0}};
  ck_assert_uint_eq(ovf->system_count, 4);
  for (size_t i = 0; i < 4; i++) {
    ck_assert_str_eq(ovf->systems[i].id, expected[i].id);
    ck_assert_int_eq(ovf->systems[i].collection, expected[i].collection);
    ck_assert_uint_eq(ovf->systems[i].parent, expected[i].parent);
  }
  ck_assert_str_eq(ovf->systems[0].info, "t");
  ck_assert_str_eq(ovf->systems[0].products[0].name, "p");
  ck_assert_str_eq(ovf->systems[3].name, "n");
}
END_TEST

START_TEST(sections_of_a_system)
{
  read_text(ENVELOPE
            "<NetworkSection><Network ovf:name='n'><Description>d</Description></Network>"
            "</NetworkSection><VirtualSystem><OperatingSystemSection ovf:id='94' ovf:version='v' "
            "vmw:osType='ubuntu64Guest'><Description> Ubuntu\n</Description>"
            "<vbox:OSType ovf:required='false'>Ubuntu_64</vbox:OSType></OperatingSystemSection>"
            "<ProductSection ovf:class='c' ovf:instance='i'><Product>P</Product><Vendor>V</Vendor>"
            "<Version>1</Version><FullVersion>1.2</FullVersion><ProductUrl>u</ProductUrl>"
            "<VendorUrl>w</VendorUrl><Category>k</Category><Property ovf:key='k' ovf:type='string' "
            "ovf:value='v' ovf:userConfigurable='true' ovf:password='1' ovf:qualifiers='q'>"
            "<Label>L</Label><Description>D</Description></Property></ProductSection>"
            "<EulaSection><License>one</License></EulaSection>"
            "<EulaSection><License>two</License></EulaSection>"
            "<AnnotationSection><Annotation>note</Annotation></AnnotationSection>"
            "</VirtualSystem></Envelope>");
  const struct vmf_ovf_system *system = &ovf->systems[0];
  const struct vmf_ovf_product *product = &system->products[0];
  const struct vmf_ovf_property *property = &product->properties[0];

  ck_assert_str_eq(ovf->networks[0].name, "n");
  ck_assert_str_eq(ovf->networks[0].description, "d");
  ck_assert(system->os_known && system->os_id == 94);
  ck_assert_str_eq(system->os_name, "Ubuntu");
  ck_assert_str_eq(system->os_version, "v");
  ck_assert_str_eq(system->vmw_os, "ubuntu64Guest");
  ck_assert_str_eq(system->vbox_os, "Ubuntu_64");
  char all[128];
  snprintf(all, sizeof all, "%s %s %s %s %s %s %s %s", product->class_id, product->instance_id,
           product->name, product->vendor, product->version, product->full_version, product->url,
           product->vendor_url);
  ck_assert_str_eq(all, "c i P V 1 1.2 u w");
  snprintf(all, sizeof all, "%s %s %s %s %s %s", property->key, property->type, property->value,
           property->qualifiers, property->label, property->description);
  ck_assert_str_eq(all, "k string v q L D");
  ck_assert(property->user_configurable && property->password);
  ck_assert_uint_eq(system->eula_count, 2);
  ck_assert_str_eq(system->eulas[1], "two");
  ck_assert_str_eq(system->annotation, "note");
  ck_assert_str_eq(vmf_ovf_resolve(ovf, "${c.k.i}"), "v");
  ck_assert_str_eq(vmf_ovf_resolve(ovf, "k"), "k");
  ck_assert_ptr_null(vmf_ovf_resolve(ovf, "${x}"));
  ck_assert_ptr_null(vmf_ovf_resolve(ovf, NULL));
}
END_TEST

START_TEST(a_guest_os_that_is_no_number)
{
  read_text(ENVELOPE "<VirtualSystem><OperatingSystemSection ovf:id='4a62'/></VirtualSystem>"
                     "<VirtualSystem><OperatingSystemSection ovf:id='65536'/></VirtualSystem>"
                     "</Envelope>");
  ck_assert(!ovf->systems[0].os_known);
  ck_assert(!ovf->systems[1].os_known);
}
END_TEST

START_TEST(messages_of_its_language_stand_for_texts)
{
  read_text(ENVELOPE "<VirtualSystem><Info ovf:msgid='a'/><Name ovf:msgid='a'>own</Name>"
                     "<AnnotationSection><Annotation ovf:msgid='none'/></AnnotationSection>"
                     "</VirtualSystem><Strings xml:lang='en-US'><Msg ovf:msgid='b'>wrong</Msg>"
                     "<Msg ovf:msgid='a'>right</Msg></Strings>"
                     "<Strings xml:lang='de-DE'><Msg ovf:msgid='a'>richtig</Msg></Strings>"
                     "</Envelope>");
  ck_assert_str_eq(ovf->systems[0].info, "right");
  ck_assert_str_eq(ovf->systems[0].name, "right");
  ck_assert_str_eq(ovf->systems[0].annotation, "");
}
END_TEST

/* ---- hardware ---- */

START_TEST(items)
{
  read_text(
      HARDWARE
      "<System><vssd:VirtualSystemIdentifier>i</vssd:VirtualSystemIdentifier>"
      "<vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>" ITEM(
          "<rasd:ElementName>n</rasd:ElementName><rasd:Caption>c</rasd:Caption>"
          "<rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>"
          "<rasd:VirtualQuantity>4</rasd:VirtualQuantity>"
          "<vmw:CoresPerSocket ovf:required='false'>2</vmw:CoresPerSocket>") "\n<Item "
                                                                             "ovf:required='false' "
                                                                             "ovf:bound='max' "
                                                                             "ovf:configuration='a "
                                                                             "b'>"
                                                                             "<rasd:"
                                                                             "AllocationUnits>MB</"
                                                                             "rasd:AllocationUnits>"
                                                                             "<rasd:Description>d</"
                                                                             "rasd:Description>"
                                                                             "<rasd:ResourceType>"
                                                                             "10</"
                                                                             "rasd:ResourceType><"
                                                                             "rasd:ResourceSubType>"
                                                                             "E1000"
                                                                             "</"
                                                                             "rasd:ResourceSubType>"
                                                                             "<rasd:Address>00:11</"
                                                                             "rasd:Address><rasd:"
                                                                             "Connection>n1"
                                                                             "</"
                                                                             "rasd:Connection><"
                                                                             "rasd:Connection>n2</"
                                                                             "rasd:Connection><"
                                                                             "rasd:Parent>3</"
                                                                             "rasd:Parent>"
                                                                             "<rasd:"
                                                                             "AddressOnParent>7</"
                                                                             "rasd:AddressOnParent>"
                                                                             "<rasd:HostResource>"
                                                                             "ovf:/disk/a"
                                                                             "</"
                                                                             "rasd:HostResource></"
                                                                             "Item>" HARDWARE_END);
  const struct vmf_ovf_system *system = &ovf->systems[0];
  const struct vmf_ovf_item *cpu = &system->items[0], *nic = &system->items[1];

  ck_assert_uint_eq(system->item_count, 2);
  ck_assert_str_eq(system->identifier, "i");
  ck_assert_str_eq(system->families, "vmx-13");
  ck_assert_uint_eq(cpu->type, VMF_RESOURCE_CPU);
  ck_assert(cpu->quantity_known && cpu->quantity == 4 && cpu->cores_per_socket == 2);
  ck_assert_str_eq(cpu->name, "n");
  ck_assert(cpu->required && !nic->required && !nic->quantity_known);
  ck_assert_uint_eq(nic->line, 2);
  char all[128];
  snprintf(all, sizeof all, "%s %s %s %s %s %s %s %s %s %s", nic->bound, nic->configurations,
           nic->units, nic->description, nic->subtype, nic->address, nic->connection, nic->parent,
           nic->address_on_parent, nic->host_resource);
  ck_assert_str_eq(all, "max a b MB d E1000 00:11 n1 3 7 ovf:/disk/a");
  ck_assert_uint_eq(ovf->unknown_count, 0);
}
END_TEST

START_TEST(items_of_version_2)
{
  read_text(HARDWARE
            "<StorageItem><sasd:InstanceID>8</sasd:InstanceID><sasd:ResourceType>17"
            "</sasd:ResourceType></StorageItem>"
            "<EthernetPortItem><e:ResourceType xmlns:e='" VMF_NS_EPASD ".xsd'>10</e:ResourceType>"
            "</EthernetPortItem>"
            "<StorageItem><s:ResourceType xmlns:s='" VMF_NS_SASD ".xsd'>15</s:ResourceType>"
            "</StorageItem>"
            "<Item><r:ResourceType xmlns:r='http://schemas.dmtf.org/"
            "CIM_ResourceAllocationSettingData'>3</r:ResourceType></Item>" HARDWARE_END);
  const struct vmf_ovf_item *found = ovf->systems[0].items;

  ck_assert_uint_eq(ovf->systems[0].item_count, 4);
  ck_assert_uint_eq(found[0].type, 17);
  ck_assert_str_eq(found[0].instance, "8");
  ck_assert_uint_eq(found[1].type, 10);
  ck_assert_uint_eq(found[2].type, 15);
  ck_assert_uint_eq(found[3].type, 3);
}
END_TEST

START_TEST(sections_by_type)
{
  read_text("<e:Envelope xmlns:e='" VMF_NS_OVF_0_9 "'" NAMESPACES
            "><e:Section xsi:type='e:DiskSection_Type'><e:Disk e:diskId='d' e:capacity='5'/>"
            "</e:Section><e:Content e:id='v' xsi:type='e:VirtualSystem_Type'>"
            "<e:Section xsi:type='e:OperatingSystemSection' e:id='107'/>"
            "<e:Section xsi:type='x:OtherSection_Type' e:required='true'/>"
            "<e:Section xsi:type='e:VirtualHardwareSection_Type'><e:System><vssd:VirtualSystemType>"
            "vmx-04</vssd:VirtualSystemType></e:System><e:Item><rasd:Caption>c</rasd:Caption>"
            "<rasd:InstanceId>1</rasd:InstanceId><rasd:ResourceType>4</rasd:ResourceType>"
            "</e:Item></e:Section></e:Content></e:Envelope>");
  const struct vmf_ovf_system *system = &ovf->systems[0];

  ck_assert_int_eq(ovf->version, VMF_OVF_0_9);
  ck_assert_uint_eq(ovf->disks[0].capacity, 5);
  ck_assert_str_eq(system->id, "v");
  ck_assert_uint_eq(system->os_id, 107);
  ck_assert_uint_eq(system->item_count, 1);
  ck_assert_str_eq(system->items[0].instance, "1");
  ck_assert_str_eq(system->items[0].name, "c");
  ck_assert_uint_eq(ovf->unknown_count, 1);
  ck_assert_str_eq(ovf->unknown[0].name, "OtherSection");
  ck_assert(ovf->unknown[0].required);
}
END_TEST

START_TEST(the_oldest_sections)
{
  read_text("<o:Envelope xmlns:o='http://schemas.dmtf.org/ovf/envelope' "
            "xmlns:xs='http://www.w3.org/2001/XMLSchema'><References><File o:id='f'/></References>"
            "<Section xs:name='o:DiskSection_Type'><Disk o:diskId='d'/></Section></o:Envelope>");
  ck_assert_uint_eq(ovf->file_count, 1);
  ck_assert_uint_eq(ovf->disk_count, 1);
}
END_TEST

START_TEST(ovirt)
{
  read_text("<o:Envelope xmlns:o='http://schemas.dmtf.org/ovf/envelope/1/'" NAMESPACES
            "><References><File o:href='p/f' o:id='f'/></References>"
            "<Section xsi:type='o:DiskSection_Type'><Disk o:diskId='d' o:fileRef='p/f' "
            "o:capacity='9' o:parentRef=''/></Section>"
            "<Content xsi:type='o:VirtualSystem_Type'><BiosType>4</BiosType><Domain/>"
            "<Section xsi:type='o:VirtualHardwareSection_Type'><Item>"
            "<rasd:ResourceType>3</rasd:ResourceType><rasd:num_of_sockets>2</rasd:num_of_sockets>"
            "<rasd:cpu_per_socket>3</rasd:cpu_per_socket><Type>t</Type></Item></Section>"
            "</Content></o:Envelope>");
  const struct vmf_ovf_system *system = &ovf->systems[0];

  ck_assert_ptr_eq(vmf_ovf_file(ovf, ovf->disks[0].file_ref), &ovf->files[0]);
  ck_assert_ptr_eq(vmf_ovf_disk(ovf, "p/f"), &ovf->disks[0]);
  ck_assert_uint_eq(system->items[0].quantity, 6);
  ck_assert_uint_eq(system->items[0].cores_per_socket, 3);
  ck_assert_str_eq(system->firmware, "efi");
  ck_assert(system->secure_boot);
  ck_assert_uint_eq(ovf->unknown_count, 0);
}
END_TEST

START_TEST(the_first_known_family_counts)
{
#define FAMILY(name, type)                                                                         \
  "<VirtualHardwareSection ovf:transport='" type "'><System><vssd:VirtualSystemType>" name         \
  "</vssd:VirtualSystemType></System>" ITEM("<rasd:ResourceType>" type                             \
                                            "</rasd:ResourceType>") "</VirtualHardwareSection>"
  read_text(ENVELOPE "<VirtualSystem>" FAMILY("strange-1", "1") FAMILY("foo,vmx-07", "2")
                FAMILY("vmx-08", "3") "</VirtualSystem><VirtualSystem>" FAMILY("strange-1", "4")
                    FAMILY("strange-2", "5") "</VirtualSystem></Envelope>");
#undef FAMILY
  ck_assert_uint_eq(ovf->systems[0].item_count, 1);
  ck_assert_uint_eq(ovf->systems[0].items[0].type, 2);
  ck_assert_str_eq(ovf->systems[0].families, "foo,vmx-07");
  ck_assert_str_eq(ovf->systems[0].transport, "2");
  ck_assert_uint_eq(ovf->systems[1].items[0].type, 4);
}
END_TEST

START_TEST(firmware)
{
  read_text(
      HARDWARE
      "<vmw:Config ovf:required='false' vmw:key='firmware' vmw:value='efi'/>"
      "<vmw:Config vmw:key='bootOptions.efiSecureBootEnabled' vmw:value='true'/>" HARDWARE_END);
  ck_assert_str_eq(ovf->systems[0].firmware, "efi");
  ck_assert(ovf->systems[0].secure_boot);
  ck_assert_uint_eq(ovf->unknown_count, 0);
  free_ovf();
  read_text(ENVELOPE "<VirtualSystem><vbox:Machine ovf:required='false'><Hardware>"
                     "<Firmware type='EFI'/></Hardware></vbox:Machine></VirtualSystem></Envelope>");
  ck_assert_str_eq(ovf->systems[0].firmware, "efi");
  ck_assert(!ovf->systems[0].secure_boot);
}
END_TEST

START_TEST(what_is_not_understood_is_listed)
{
  read_text(ENVELOPE "<x:EnvelopeSection/>\n<NewSection ovf:required='0'/><VirtualSystem>"
                     "<vbox:Machine ovf:required='false'/><StartupSection/><Other/>"
                     "<VirtualHardwareSection><vmw:Config vmw:key='k' vmw:value='1'/><Item>"
                     "<x:Thing/></Item></VirtualHardwareSection></VirtualSystem></Envelope>");
  static const struct {
    const char *name;
    bool required, refused;
  } expected[] = {
      {"vmw:Config k", true, false},     {"x:Thing", true, false},
      {"vbox:Machine", false, false},    {"StartupSection", false, false},
      {"x:EnvelopeSection", true, true}, {"NewSection", false, false},
  };
  ck_assert_uint_eq(ovf->unknown_count, 6);
  for (size_t i = 0; i < 6; i++) {
    ck_assert_str_eq(ovf->unknown[i].name, expected[i].name);
    ck_assert_int_eq(ovf->unknown[i].required, expected[i].required);
    ck_assert_int_eq(ovf->unknown[i].refused, expected[i].refused);
  }
  ck_assert_uint_eq(ovf->unknown[5].line, 2);
  ck_assert(!ovf->encrypted);
}
END_TEST

START_TEST(encryption_is_seen)
{
  read_text(ENVELOPE "<EncryptionSection/></Envelope>");
  ck_assert(ovf->encrypted);
  free_ovf();
  read_text(ENVELOPE "<VirtualSystem><x:S><e:EncryptedData xmlns:e='http://www.w3.org/2001/04/"
                     "xmlenc#'/></x:S></VirtualSystem></Envelope>");
  ck_assert(ovf->encrypted);
}
END_TEST

static void add_systems(TCase *tests)
{
  tcase_add_test(tests, systems_in_collections);
  tcase_add_test(tests, sections_of_a_system);
  tcase_add_test(tests, a_guest_os_that_is_no_number);
  tcase_add_test(tests, messages_of_its_language_stand_for_texts);
  tcase_add_test(tests, items);
  tcase_add_test(tests, items_of_version_2);
  tcase_add_test(tests, sections_by_type);
  tcase_add_test(tests, the_oldest_sections);
  tcase_add_test(tests, ovirt);
  tcase_add_test(tests, the_first_known_family_counts);
  tcase_add_test(tests, firmware);
  tcase_add_test(tests, what_is_not_understood_is_listed);
  tcase_add_test(tests, encryption_is_seen);
}

static Suite *suite(void)
{
  Suite *suite = suite_create("systems");
  TCase *tests = tcase_create("systems");

  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, NULL, free_ovf);
  add_systems(tests);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
