/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Real descriptors by many producers (VMFERRY_OVF_SAMPLES): all of them are read, those that cannot
 * be are refused, an edit changes no byte but its own. Skipped where the folder is not there. */
#include <check.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "ovf_machine.h"
#include "samples_table.h"

enum { FILES_MAX = 4096, PATH_SIZE = 4096 };

static const char *folder;
static char *paths[FILES_MAX];
static size_t path_count;
static struct vmf_error error;

/* What is no descriptor, or none that can be read. */
static const struct {
  const char *path;
  enum vmf_code code;
} refused[] = {
    {"cot/ersatz_ovf_3.0.ovf", VMF_UNSUPPORTED},
    {"ganeti/wrong_xml.ovf", VMF_CORRUPT},
    {"open-ovf/example__ovf-env.xml", VMF_CORRUPT},
    {"open-ovf/test-environment.xml", VMF_CORRUPT},
    {"ovftool-posneg/Envelope_1_0/Neg/invalid_env.ovf", VMF_CORRUPT},
    {"proxmox/XEE.ovf", VMF_REFUSED},
    {"vmware/jeos_corrupted.ovf", VMF_CORRUPT},
};

struct bytes {
  char *data;
  size_t length;
};

static struct bytes load(const char *path)
{
  struct bytes bytes = {0};
  FILE *file = fopen(path, "rb");

  ck_assert_ptr_nonnull(file);
  ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
  bytes.length = (size_t)ftell(file);
  rewind(file);
  bytes.data = malloc(bytes.length + 1);
  ck_assert_uint_eq(fread(bytes.data, 1, bytes.length, file), bytes.length);
  fclose(file);
  return bytes;
}

static bool ends_in(const char *text, const char *end)
{
  size_t length = strlen(text), size = strlen(end);
  return length >= size && strcmp(text + length - size, end) == 0;
}

static int visit(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
  (void)status;
  (void)ftw;
  if (kind == FTW_F && path_count < FILES_MAX &&
      (ends_in(path, ".ovf") || ends_in(path, ".xml") || ends_in(path, ".expected")))
    paths[path_count++] = strdup(path);
  return 0;
}

static enum vmf_code expected_code(const char *path)
{
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
    if (ends_in(path, refused[i].path))
      return refused[i].code;
  return VMF_OK;
}

/* Sets an attribute that every File may have, in all of them, and takes the result apart: between
 * the values nothing differs. */
static void edit_files(const struct vmf_ovf *ovf)
{
  struct vmf_xml_edit *edit;
  char *text;
  size_t length;

  ck_assert_int_eq(vmf_xml_edit_new(ovf->xml, &edit, &error), VMF_OK);
  for (size_t i = 0; i < ovf->file_count; i++)
    if (ovf->files[i].href)
      ck_assert_int_eq(vmf_xml_edit_attribute(edit, ovf->files[i].element, ovf->uri, "href",
                                              "a&b'\"\xc3\xa4", &error),
                       VMF_OK);
  ck_assert_int_eq(vmf_xml_edit_apply(edit, &text, &length, &error), VMF_OK);
  vmf_xml_edit_free(edit);
  struct vmf_ovf *again;
  enum vmf_code code = vmf_ovf_read("edited", text, length, NULL, &again, &error);
  ck_assert_msg(code == VMF_OK, "%s", error.text);
  ck_assert_uint_eq(again->file_count, ovf->file_count);
  size_t here = 0, there = 0;
  for (size_t i = 0; i < ovf->file_count; i++) {
    if (!ovf->files[i].href)
      continue;
    ck_assert_str_eq(again->files[i].href, "a&b'\"\xc3\xa4");
    const struct vmf_xml_span *old = &ovf->xml->spans[ovf->files[i].element];
    const struct vmf_xml_span *new = &again->xml->spans[again->files[i].element];
    ck_assert_uint_eq(old->start - here, new->start - there);
    ck_assert_mem_eq(ovf->xml->text + here, text + there, old->start - here);
    here = old->tag_end;
    there = new->tag_end;
  }
  ck_assert_uint_eq(ovf->xml->length - here, length - there);
  ck_assert_mem_eq(ovf->xml->text + here, text + there, length - there);
  vmf_ovf_free(again);
  vmf_free(text);
}

static void stays_the_same(const struct vmf_ovf *ovf, struct bytes bytes)
{
  struct vmf_xml_edit *edit;
  char *text;
  size_t length;

  ck_assert_int_eq(vmf_xml_edit_new(ovf->xml, &edit, &error), VMF_OK);
  ck_assert_int_eq(vmf_xml_edit_apply(edit, &text, &length, &error), VMF_OK);
  ck_assert_uint_eq(length, ovf->xml->length);
  ck_assert_mem_eq(text, ovf->xml->text, length);
  if (!ovf->xml->recoded) {
    ck_assert_uint_eq(length, bytes.length);
    ck_assert_mem_eq(text, bytes.data, length);
  }
  vmf_free(text);
  vmf_xml_edit_free(edit);
}

static void spans_name_their_elements(const struct vmf_xml *xml)
{
  for (size_t i = 0; i < xml->count; i++) {
    const xmlNode *element = xml->elements[i];
    const char *text = xml->text + xml->spans[i].start + 1;
    if (element->ns && element->ns->prefix)
      text += xmlStrlen(element->ns->prefix) + 1;
    ck_assert_mem_eq(text, element->name, (size_t)xmlStrlen(element->name));
  }
}

static void machines_are_read(const char *path, const struct vmf_ovf *ovf)
{
  for (size_t i = 0; i < ovf->system_count; i++) {
    struct vmf_machine *machine;
    if (ovf->systems[i].collection)
      continue;
    ck_assert_int_eq(vmf_machine_new(&machine, &error), VMF_OK);
    ck_assert_msg(vmf_ovf_machine(ovf, i, machine, NULL, &error) == VMF_OK, "%s: %s", path,
                  error.text);
    for (size_t k = 0; k < machine->disk_count; k++)
      ck_assert(machine->disks[k].medium.told && machine->disks[k].bus.told);
    vmf_machine_free(machine);
  }
}

START_TEST(every_sample_is_read_or_refused)
{
  for (size_t i = 0; i < path_count; i++) {
    struct bytes bytes = load(paths[i]);
    struct vmf_ovf *ovf;
    enum vmf_code code = vmf_ovf_read(paths[i], bytes.data, bytes.length, NULL, &ovf, &error);
    ck_assert_msg(code == expected_code(paths[i]), "%s: %d %s", paths[i], code, error.text);
    if (code == VMF_OK) {
      stays_the_same(ovf, bytes);
      spans_name_their_elements(ovf->xml);
      edit_files(ovf);
      machines_are_read(paths[i], ovf);
    }
    vmf_ovf_free(ovf);
    free(bytes.data);
  }
  ck_assert_uint_ge(path_count, sizeof samples / sizeof samples[0]);
}
END_TEST

static const struct vmf_ovf_system *first_machine(const struct vmf_ovf *ovf)
{
  for (size_t i = 0; i < ovf->system_count; i++)
    if (!ovf->systems[i].collection)
      return &ovf->systems[i];
  return NULL;
}

/* The first item of a type whose quantity can be told; memory in bytes. */
static long long quantity_of(const struct vmf_ovf_system *system, unsigned type)
{
  for (size_t i = 0; system && i < system->item_count; i++) {
    const struct vmf_ovf_item *item = &system->items[i];
    uint64_t unit = 1;
    if (item->type != type || !item->quantity_known)
      continue;
    if (type == VMF_RESOURCE_MEMORY && item->units && !vmf_units_bytes(item->units, &unit))
      continue;
    return (long long)(item->quantity * unit);
  }
  return -1;
}

START_TEST(figures_are_right)
{
  const struct sample_row *row = &samples[_i];
  char path[PATH_SIZE];
  struct vmf_ovf *ovf;

  snprintf(path, sizeof path, "%s/%s", folder, row->path);
  struct bytes bytes = load(path);
  enum vmf_code code = vmf_ovf_read(path, bytes.data, bytes.length, NULL, &ovf, &error);
  ck_assert_msg(code == VMF_OK, "%s", error.text);
  const struct vmf_ovf_system *machine = first_machine(ovf);
  char found[512], expected[512];
  snprintf(found, sizeof found, "%s: %zu %zu %zu %zu %d %s %lld %lld %lld", row->path,
           ovf->file_count, ovf->disk_count, ovf->network_count, ovf->system_count,
           machine && machine->os_known ? (int)machine->os_id : -1,
           machine && machine->firmware ? machine->firmware : "-",
           quantity_of(machine, VMF_RESOURCE_MEMORY), quantity_of(machine, VMF_RESOURCE_CPU),
           ovf->disk_count > 0 && ovf->disks[0].capacity_known ? (long long)ovf->disks[0].capacity
                                                               : -1);
  snprintf(expected, sizeof expected, "%s: %zu %zu %zu %zu %d %s %lld %lld %lld", row->path,
           row->files, row->disks, row->networks, row->systems, row->os,
           row->firmware ? row->firmware : "-", row->memory, row->cpus, row->capacity);
  ck_assert_str_eq(found, expected);
  vmf_ovf_free(ovf);
  free(bytes.data);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("samples");
  TCase *tests = tcase_create("samples");

  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, every_sample_is_read_or_refused);
  tcase_add_loop_test(tests, figures_are_right, 0, sizeof samples / sizeof samples[0]);
  suite_add_tcase(suite, tests);
  return suite;
}

int main(int argc, char **argv)
{
  folder = getenv("VMFERRY_OVF_SAMPLES");
  if (!folder && argc > 1)
    folder = argv[1];
  if (!folder || access(folder, R_OK) != 0) {
    puts("1..0 # SKIP no folder of sample descriptors");
    return EXIT_SUCCESS;
  }
  nftw(folder, visit, 16, FTW_PHYS);
  SRunner *runner = srunner_create(suite());
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  for (size_t i = 0; i < path_count; i++)
    free(paths[i]);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
