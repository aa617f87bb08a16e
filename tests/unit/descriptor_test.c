/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What descriptors of every version and dialect say: the envelope, its files and disks. */
#include "descriptor_case.h"

static void refuses(const char *text, enum vmf_code code, const char *message)
{
  ck_assert_int_eq(try_read(text, &ovf), code);
  ck_assert_ptr_null(ovf);
  ck_assert_ptr_nonnull(strstr(error.text, message));
}

/* ---- units and references ---- */

static const struct {
  const char *text;
  uint64_t bytes; /* 0: no unit of bytes */
} units[] = {
    {"byte", 1},
    {"bytes", 1},
    {"byte * 2^20", 1 << 20},
    {"byte * 2 ^ 30", 1 << 30},
    {"byte*2^40", UINT64_C(1) << 40},
    {" byte*1024 *1024\n", 1 << 20},
    {"byte * 10^3", 1000},
    {"byte * 1024 * 2^10", 1 << 20},
    {"MegaBytes", 1 << 20},
    {"megabytes", 1 << 20},
    {"MB", 1 << 20},
    {"KiloBytes", 1024},
    {"GigaBytes", 1 << 30},
    {"GB", 1 << 30},
    {"TB", UINT64_C(1) << 40},
    {"GB * 2", UINT64_C(2) << 30},
    {"byte * 2^63", UINT64_C(1) << 63},
    {"byte * 2^64", 0},
    {"byte * 1^63", 1},
    {"byte * 1^18446744073709551615", 0},
    {"byte * 2^63 * 2", 0},
    {"byte * 99999999999999999999", 0},
    {"byte * 0", 0},
    {"byte *", 0},
    {"byte * * 2", 0},
    {"byte * 2^", 0},
    {"byte * 2^20x", 0},
    {"byte * -1", 0},
    {"byte / 2", 0},
    {"hertz * 10^6", 0},
    {"MegaHertz", 0},
    {"", 0},
    {"* 2^20", 0},
    {"byte * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 "
     "* 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1 * 1",
     0},
};

START_TEST(units_of_bytes)
{
  uint64_t bytes = 0;
  bool good = vmf_units_bytes(units[_i].text, &bytes);

  ck_assert_msg(good == (units[_i].bytes != 0), "%s", units[_i].text);
  if (good)
    ck_assert_uint_eq(bytes, units[_i].bytes);
}
END_TEST

static const struct {
  const char *text, *id; /* NULL: neither a disk nor a file */
  bool is_file;
} resources[] = {
    {"ovf:/disk/d1", "d1", false}, {"/disk/d1", "d1", false},   {"ovf://disk/d1", "d1", false},
    {"d1", "d1", false},           {"a/b", "a/b", false},       {"ovf:/file/f 1", "f 1", true},
    {"/file/f1", "f1", true},      {"ovf:/disk/", NULL, false}, {"ovf:/network/n", NULL, false},
    {"/elsewhere", NULL, false},   {"ovf:", NULL, false},       {"", NULL, false},
};

START_TEST(host_resources)
{
  bool is_file;
  const char *id = vmf_ovf_host_resource(resources[_i].text, &is_file);

  if (!resources[_i].id) {
    ck_assert_ptr_null(id);
    return;
  }
  ck_assert_str_eq(id, resources[_i].id);
  ck_assert_int_eq(is_file, resources[_i].is_file);
}
END_TEST

/* ---- the envelope ---- */

static const struct {
  const char *text;
  enum vmf_code code;
  const char *message;
} bad[] = {
    {"<Environment xmlns='" VMF_NS_OVF_1 "'/>", VMF_CORRUPT, "\"Environment\""},
    {"<Envelope xmlns='http://schemas.dmtf.org/ovf/envelope/3'/>", VMF_UNSUPPORTED,
     "\"http://schemas.dmtf.org/ovf/envelope/3\""},
    {"<Envelope/>", VMF_UNSUPPORTED, "namespace is \"\""},
    {"<!DOCTYPE x><Envelope xmlns='" VMF_NS_OVF_1 "'/>", VMF_REFUSED, "DOCTYPE"},
    {"<Envelope", VMF_CORRUPT, "a.ovf:1"},
};

START_TEST(what_is_no_envelope_is_refused)
{
  refuses(bad[_i].text, bad[_i].code, bad[_i].message);
}
END_TEST

static const struct {
  const char *text;
  enum vmf_ovf_version version;
  enum vmf_ovf_dialect dialect;
} kinds[] = {
    {ENVELOPE "</Envelope>", VMF_OVF_1, VMF_DIALECT_STANDARD}, /* declared is not used */
    {ENVELOPE_OF(VMF_NS_OVF_2) "</Envelope>", VMF_OVF_2, VMF_DIALECT_STANDARD},
    {ENVELOPE_OF(VMF_NS_OVF_0_9) "</Envelope>", VMF_OVF_0_9, VMF_DIALECT_STANDARD},
    {ENVELOPE_OF("http://schemas.dmtf.org/ovf/envelope") "</Envelope>", VMF_OVF_0_9,
     VMF_DIALECT_STANDARD},
    {ENVELOPE_OF("http://schemas.dmtf.org/ovf/envelope/1/") "</Envelope>", VMF_OVF_1,
     VMF_DIALECT_OVIRT},
    {ENVELOPE "<References vmw:a='1'/></Envelope>", VMF_OVF_1, VMF_DIALECT_VMWARE},
    {ENVELOPE "<vbox:Machine/><vmw:A/></Envelope>", VMF_OVF_1, VMF_DIALECT_VIRTUALBOX},
    {ENVELOPE "<x:S/></Envelope>", VMF_OVF_1, VMF_DIALECT_OTHER},
    {ENVELOPE "<a:S xmlns:a='http://www.citrix.com/a'/></Envelope>", VMF_OVF_1,
     VMF_DIALECT_XENSERVER},
    {HARDWARE
     "<System><vssd:VirtualSystemType>foo, vmx-04</vssd:VirtualSystemType></System>" HARDWARE_END,
     VMF_OVF_1, VMF_DIALECT_VMWARE},
    {HARDWARE "<System><vssd:VirtualSystemType>virtualbox-2.2</vssd:VirtualSystemType></"
              "System>" HARDWARE_END,
     VMF_OVF_1, VMF_DIALECT_VIRTUALBOX},
};

START_TEST(versions_and_dialects)
{
  read_text(kinds[_i].text);
  ck_assert_int_eq(ovf->version, kinds[_i].version);
  ck_assert_int_eq(ovf->dialect, kinds[_i].dialect);
  ck_assert_uint_eq(ovf->references_element == SIZE_MAX, !strstr(kinds[_i].text, "References"));
  ck_assert_uint_eq(ovf->disk_section_element, SIZE_MAX);
}
END_TEST

START_TEST(attributes_in_the_namespace_or_in_none)
{
  read_text("<o:Envelope xmlns:o='" VMF_NS_OVF_1 "' xmlns:p='urn:other'><o:References>\n"
            "<o:File o:id='f' id='wrong' href='a%20b' p:href='wrong' o:size='7'/>"
            "<File id='g' size='x'/></o:References></o:Envelope>");
  ck_assert_uint_eq(ovf->file_count, 2);
  ck_assert_str_eq(ovf->files[0].id, "f");
  ck_assert_str_eq(ovf->files[0].href, "a%20b");
  ck_assert_uint_eq(ovf->files[0].size, 7);
  ck_assert_uint_eq(ovf->files[0].line, 2);
  ck_assert_uint_eq(ovf->files[0].element, 2);
  ck_assert_uint_eq(ovf->references_element, 1);
  ck_assert_str_eq(ovf->uri, VMF_NS_OVF_1);
  ck_assert_ptr_eq(vmf_ovf_file(ovf, "g"), &ovf->files[1]);
  ck_assert_ptr_null(vmf_ovf_file(ovf, "h"));
  ck_assert_ptr_null(vmf_ovf_file(ovf, NULL));
}
END_TEST

static const struct {
  const char *attributes;
  bool known;
  uint64_t size, chunk;
} sizes[] = {
    {"ovf:size='12' ovf:chunkSize='5'", true, 12, 5},
    {"ovf:size='0'", false, 0, 0},
    {"ovf:size='-1' ovf:chunkSize='-5'", false, 0, 0},
    {"", false, 0, 0},
    {"ovf:size='12K' ovf:chunkSize=''", false, 0, 0},
    {"ovf:size=' 18446744073709551615 '", true, UINT64_MAX, 0},
    {"ovf:size='18446744073709551616'", false, 0, 0},
};

START_TEST(sizes_of_files)
{
  char text[1024];

  snprintf(text, sizeof text, ENVELOPE "<References><File %s/></References></Envelope>",
           sizes[_i].attributes);
  read_text(text);
  ck_assert_int_eq(ovf->files[0].size_known, sizes[_i].known);
  ck_assert_uint_eq(ovf->files[0].size, sizes[_i].size);
  ck_assert_uint_eq(ovf->files[0].chunk_size, sizes[_i].chunk);
}
END_TEST

static const struct {
  const char *attributes;
  bool known;
  uint64_t capacity;
  const char *warning; /* in the finding; NULL: there is none */
} capacities[] = {
    {"ovf:capacity='10'", true, 10, NULL},
    {"ovf:capacity='10' ovf:capacityAllocationUnits='byte * 2^30'", true, UINT64_C(10) << 30, NULL},
    {"ovf:capacity='10' ovf:capacityAllocationUnits=''", true, 10, NULL},
    {"ovf:capacity='0'", true, 0, NULL},
    {"ovf:capacity='${size}' ovf:capacityAllocationUnits='MB'", true, 6 << 20, NULL},
    {"ovf:capacity='${c.size.1}'", true, 6, NULL},
    {"ovf:capacity='${by.option}'", true, 22, NULL},
    {"ovf:capacity='${unset}'", false, 0, NULL},
    {"ovf:capacity='${word}'", false, 0, "\"big\""},
    {"", false, 0, NULL},
    {"ovf:capacity='ten'", false, 0, "\"ten\""},
    {"ovf:capacity='-1'", false, 0, "\"-1\""},
    {"ovf:capacity='18446744073709551616'", false, 0, "64 bits"},
    {"ovf:capacity='18446744073709551615' ovf:capacityAllocationUnits='KB'", false, 0,
     "beyond 64 bits"},
    {"ovf:capacity='1' ovf:capacityAllocationUnits='hertz'", false, 0, "\"hertz\""},
};

START_TEST(capacities_of_disks)
{
  char text[4096];

  snprintf(text, sizeof text,
           ENVELOPE "<DiskSection><Disk ovf:diskId='d' %s/></DiskSection><DeploymentOptionSection>"
                    "<Configuration ovf:id='small'/><Configuration ovf:id='large' "
                    "ovf:default='true'/></DeploymentOptionSection><VirtualSystem>"
                    "<ProductSection ovf:class='c' ovf:instance='1'>"
                    "<Property ovf:key='size' ovf:value='6'/><Property ovf:key='unset'/>"
                    "<Property ovf:key='word' ovf:value='big'/>"
                    "<Property ovf:key='by.option' ovf:value='20'>"
                    "<Value ovf:value='21' ovf:configuration='small'/>"
                    "<Value ovf:value='22' ovf:configuration='large'/></Property>"
                    "</ProductSection></VirtualSystem></Envelope>",
           capacities[_i].attributes);
  read_text(text);
  ck_assert_int_eq(ovf->disks[0].capacity_known, capacities[_i].known);
  ck_assert_uint_eq(ovf->disks[0].capacity, capacities[_i].capacity);
  if (capacities[_i].warning)
    ck_assert_ptr_nonnull(strstr(last_finding, capacities[_i].warning));
  else
    ck_assert_str_eq(last_finding, "");
  ck_assert_uint_eq(ovf->configuration_count, 2);
  ck_assert(ovf->configurations[1].is_default && !ovf->configurations[0].is_default);
}
END_TEST

START_TEST(disks)
{
  read_text(ENVELOPE
            "<DiskSection><Info/><Disk ovf:diskId='a' ovf:fileRef='f' ovf:format='u' "
            "ovf:capacity='5' ovf:populatedSize='3' ovf:parentRef=''/>"
            "<Disk ovf:diskId='b' ovf:capacity='5' ovf:populatedSize='-3' ovf:parentRef='a'/>"
            "<Disk ovf:diskId='a' ovf:capacity='7'/></DiskSection></Envelope>");
  ck_assert_uint_eq(ovf->disk_count, 3);
  ck_assert_uint_eq(ovf->disk_section_element, 1);
  ck_assert(ovf->disks[0].populated_known && ovf->disks[0].populated == 3);
  ck_assert(!ovf->disks[1].populated_known);
  ck_assert_ptr_null(ovf->disks[0].parent_ref);
  ck_assert_str_eq(ovf->disks[1].parent_ref, "a");
  ck_assert_ptr_null(ovf->disks[1].file_ref);
  ck_assert_ptr_eq(vmf_ovf_disk(ovf, "a"), &ovf->disks[0]);
  ck_assert_ptr_eq(vmf_ovf_disk(ovf, "b"), &ovf->disks[1]);
  ck_assert_ptr_null(vmf_ovf_disk(ovf, ""));
}
END_TEST

START_TEST(many_entries_are_no_slower_than_long)
{
  enum { MANY = 20000 };
  char *text = malloc(400 * (size_t)MANY), *out = text;

  out += sprintf(out, ENVELOPE "<References>");
  for (unsigned i = 0; i < MANY; i++)
    out += sprintf(out, "<File ovf:id='f%u'/>", i);
  out += sprintf(out, "</References><DiskSection>");
  for (unsigned i = 0; i < MANY; i++)
    out +=
        sprintf(out, "<Disk ovf:diskId='d%u' ovf:fileRef='f%u' ovf:capacity='${p%u}'/>", i, i, i);
  out += sprintf(out, "</DiskSection><VirtualSystem><ProductSection>");
  for (unsigned i = 0; i < MANY; i++)
    out += sprintf(
        out, "<Property ovf:key='p%u' ovf:value='%u'><Label ovf:msgid='m%u'/></Property>", i, i, i);
  out += sprintf(out, "</ProductSection></VirtualSystem><Strings>");
  for (unsigned i = 0; i < MANY; i++)
    out += sprintf(out, "<Msg ovf:msgid='m%u'>l%u</Msg>", i, i);
  sprintf(out, "</Strings></Envelope>");
  read_text(text);
  free(text);
  ck_assert_uint_eq(ovf->disks[MANY - 1].capacity, MANY - 1);
  ck_assert_str_eq(ovf->systems[0].products[0].properties[MANY - 1].label, "l19999");
  for (unsigned i = 0; i < MANY; i++)
    ck_assert_ptr_eq(vmf_ovf_file(ovf, ovf->disks[i].file_ref), &ovf->files[i]);
}
END_TEST

#define ADD_ROWS(tests, test, table)                                                               \
  tcase_add_loop_test(tests, test, 0, sizeof(table) / sizeof(table)[0])

static void add_envelope(TCase *tests)
{
  ADD_ROWS(tests, units_of_bytes, units);
  ADD_ROWS(tests, host_resources, resources);
  ADD_ROWS(tests, what_is_no_envelope_is_refused, bad);
  ADD_ROWS(tests, versions_and_dialects, kinds);
  tcase_add_test(tests, attributes_in_the_namespace_or_in_none);
  ADD_ROWS(tests, sizes_of_files, sizes);
  ADD_ROWS(tests, capacities_of_disks, capacities);
  tcase_add_test(tests, disks);
  tcase_add_test(tests, many_entries_are_no_slower_than_long);
}

static Suite *suite(void)
{
  Suite *suite = suite_create("descriptor");
  TCase *tests = tcase_create("descriptor");

  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, NULL, free_ovf);
  add_envelope(tests);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
