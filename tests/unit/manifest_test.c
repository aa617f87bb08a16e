/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Manifests: every odd form, every refused line, and the one form that is written. */
#include "manifest.h"

#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "memory.h"

#define ONE "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define TWO "da39a3ee5e6b4b0d3255bfef95601890afd80709"

static struct vmf_error error;
static char told[8192]; /* "warning manifest-form 1;" ... */

static void note(void *data, const struct vmf_package_finding *finding)
{
  size_t used = strlen(told);

  (void)data;
  ck_assert_str_eq(finding->file, "vm.mf");
  if (used < sizeof told)
    snprintf(told + used, sizeof told - used, "%s%s:%u;",
             finding->severity == VMF_SEVERITY_FAILURE ? "!" : "", finding->rule, finding->line);
}

static struct vmf_manifest *read_bytes(const void *bytes, size_t length)
{
  struct vmf_report report = {.finding = note};
  struct vmf_manifest *manifest;

  told[0] = '\0';
  ck_assert_int_eq(vmf_manifest_read("vm.mf", bytes, length, &report, &manifest, &error), VMF_OK);
  return manifest;
}

static const struct {
  const char *text, *name; /* of the only entry; NULL: there is none */
  enum vmf_digest_kind kind;
  const char *told;
} lines[] = {
    {"SHA256(a)= " ONE "\n", "a", VMF_SHA256, ""},
    {"SHA1(a b)= " TWO "\n", "a b", VMF_SHA1, ""},
    {"SHA512(a)= " ONE ONE "\n", "a", VMF_SHA512, ""},
    {"SHA256(a (1).vmdk)= " ONE "\n", "a (1).vmdk", VMF_SHA256, ""},
    {"SHA256(a)= b)= " ONE "\n", "a)= b", VMF_SHA256, ""},
    {"SHA256 (a) = " ONE "\n", "a", VMF_SHA256, "manifest-form:1;"},
    {"SHA256(a)=" ONE "\n", "a", VMF_SHA256, "manifest-form:1;"},
    {"SHA256(a)=  " ONE "\n", "a", VMF_SHA256, "manifest-form:1;"},
    {"\tSHA256(a)= " ONE " \n", "a", VMF_SHA256, "manifest-form:1;"},
    {"SHA256(a)= " ONE "\r\n", "a", VMF_SHA256, "manifest-form:1;"},
    {"SHA256(a)= " ONE, "a", VMF_SHA256, "manifest-form:1;"},
    {"\n\nSHA256(a)= " ONE "\n\n", "a", VMF_SHA256, "manifest-form:1;"},
    {"\xef\xbb\xbfSHA256(a)= " ONE "\n", "a", VMF_SHA256, "manifest-form:1;"},
    {"SHA1(a)= DA39A3EE5E6B4B0D3255BFEF95601890AFD80709\n", "a", VMF_SHA1, "manifest-form:1;"},
    {"SHA2-256(a)= " ONE "\n", "a", VMF_SHA256, "manifest-form:1;"},
    {"sha-1(a)= " TWO "\n", "a", VMF_SHA1, "manifest-form:1;"},
    {TWO "  a\n", "a", VMF_SHA1, "manifest-form:1;"},
    {ONE " *a (1)= b\n", "a (1)= b", VMF_SHA256, "manifest-form:1;"},
    {"SHA256(./a)= " ONE "\n", "a", VMF_SHA256, "manifest-form:1;"},
    {"SHA1(a)= " TWO "\nSHA1(a)= " TWO "\n", "a", VMF_SHA1, "manifest-form:2;"},
    {"", NULL, VMF_SHA1, "manifest-empty:0;"},
    {"MD5(a)= d41d8cd98f00b204e9800998ecf8427e\n", NULL, VMF_SHA1, "!manifest-algorithm:1;"},
    {"d41d8cd98f00b204e9800998ecf8427e  a\n", NULL, VMF_SHA1, "!manifest-algorithm:1;"},
    {"SHA384(a)= " ONE "\n", NULL, VMF_SHA1, "!manifest-algorithm:1;"},
    {"SHA256(a)= " TWO "\n", NULL, VMF_SHA1, "!manifest-digest-form:1;"},
    {"SHA1(a)= " TWO "00\n", NULL, VMF_SHA1, "!manifest-digest-form:1;"},
    {"SHA1(a)= xx39a3ee5e6b4b0d3255bfef95601890afd80709\n", NULL, VMF_SHA1,
     "!manifest-digest-form:1;"},
    {"SHA1(a)=\n", NULL, VMF_SHA1, "!manifest-digest-form:1;"},
    {"hello\n", NULL, VMF_SHA1, "!manifest-line:1;"},
    {"SHA1)a(= " TWO "\n", NULL, VMF_SHA1, "!manifest-line:1;"},
    {"(a)= " TWO "\n", NULL, VMF_SHA1, "!manifest-line:1;"},
    {"SHA1(a) " TWO "\n", NULL, VMF_SHA1, "!manifest-line:1;"},
    {TWO "\n", NULL, VMF_SHA1, "!manifest-line:1;"},
    {"SHA1()= " TWO "\n", NULL, VMF_SHA1, "!manifest-name:1;"},
    {"SHA1(../a)= " TWO "\n", NULL, VMF_SHA1, "!manifest-name:1;"},
    {"SHA1(a/..)= " TWO "\n", NULL, VMF_SHA1, "!manifest-name:1;"},
    {"SHA1(..\\a)= " TWO "\n", NULL, VMF_SHA1, "!manifest-name:1;"},
    {"SHA1(/a)= " TWO "\n", NULL, VMF_SHA1, "!manifest-name:1;"},
    {"SHA1(.//a)= " TWO "\n", NULL, VMF_SHA1, "!manifest-name:1;"},
    {"SHA1(a\x1b[m)= " TWO "\n", NULL, VMF_SHA1, "!manifest-name:1;"},
    {"SHA1(vm.mf)= " TWO "\n", NULL, VMF_SHA1, "!manifest-name:1;"},
    {"SHA1(a..b)= " TWO "\n", "a..b", VMF_SHA1, ""},
};

START_TEST(test_lines)
{
  struct vmf_manifest *manifest = read_bytes(lines[_i].text, strlen(lines[_i].text));

  ck_assert_str_eq(told, lines[_i].told);
  ck_assert_uint_eq(manifest->count, lines[_i].name ? 1 : 0);
  if (lines[_i].name) {
    ck_assert_str_eq(manifest->entries[0].name, lines[_i].name);
    ck_assert_int_eq((int)manifest->entries[0].kind, (int)lines[_i].kind);
    ck_assert_uint_eq(manifest->entries[0].digest[0], lines[_i].kind == VMF_SHA1 ? 0xda : 0xe3);
  }
  vmf_manifest_free(manifest);
}
END_TEST

START_TEST(test_each_oddity_is_told_once)
{
  static const char text[] =
      "SHA256 (a)= " ONE "\r\nSHA256 (b)= " ONE "\r\nSHA2-256(c)= " ONE "\nhello\nSHA256 (d)= " ONE;
  struct vmf_manifest *manifest = read_bytes(text, strlen(text));

  ck_assert_str_eq(told, "manifest-form:1;manifest-form:1;manifest-form:3;!manifest-line:4;"
                         "manifest-form:5;");
  ck_assert_uint_eq(manifest->count, 4);
  ck_assert_uint_eq(manifest->entries[3].line, 5);
  vmf_manifest_free(manifest);
}
END_TEST

START_TEST(test_names_that_stand_twice)
{
  static const char text[] = "SHA1(a)= " TWO "\nSHA256(a)= " ONE "\nSHA1(b)= " TWO
                             "\nSHA1(a)= 0039a3ee5e6b4b0d3255bfef95601890afd80709\n";
  struct vmf_manifest *manifest = read_bytes(text, strlen(text));

  ck_assert_str_eq(told, "!manifest-duplicate:4;");
  ck_assert_uint_eq(manifest->count, 4);
  vmf_manifest_free(manifest);
}
END_TEST

START_TEST(test_zero_bytes)
{
  static const char text[] = "SHA1(a\0b)= " TWO "\n";
  struct vmf_manifest *manifest = read_bytes(text, sizeof text - 1);

  ck_assert_str_eq(told, "!manifest-name:1;");
  vmf_manifest_free(manifest);
}
END_TEST

/* More lines, and more bad lines, than are read or told. */
START_TEST(test_bounds)
{
  enum { SIZE = VMF_MANIFEST_BYTES + 1 };
  char *text = calloc(1, SIZE);
  size_t used = 0;

  memset(text, 'x', SIZE);
  vmf_manifest_free(read_bytes(text, SIZE));
  ck_assert_str_eq(told, "!manifest-limit:0;");
  for (size_t i = 1; i < SIZE; i += 2)
    text[i] = '\n';
  vmf_manifest_free(read_bytes(text, SIZE - 1));
  ck_assert_ptr_nonnull(strstr(told, "!manifest-line:101;"));
  ck_assert_ptr_null(strstr(told, ":102;"));
  for (unsigned i = 0; i <= VMF_MANIFEST_ENTRIES; i++)
    used += (size_t)snprintf(text + used, SIZE - used, "SHA1(%x)= " TWO "\n", i);
  struct vmf_manifest *manifest = read_bytes(text, used);
  ck_assert_uint_eq(manifest->count, VMF_MANIFEST_ENTRIES);
  ck_assert_str_eq(told, "!manifest-limit:65537;");
  ck_assert_int_eq(vmf_manifest_add(manifest, "a", VMF_SHA1, (const uint8_t *)text, &error),
                   VMF_LIMIT);
  vmf_manifest_free(manifest);
  free(text);
}
END_TEST

START_TEST(test_writing)
{
  static const char text[] = "SHA256(b (1))= " ONE "\nSHA1(a)= " TWO "\n";
  struct vmf_manifest *source = read_bytes(text, strlen(text)), *made;
  char *written;
  size_t length;

  ck_assert_int_eq(vmf_manifest_new(&made, &error), VMF_OK);
  for (size_t i = 0; i < source->count; i++)
    ck_assert_int_eq(vmf_manifest_add(made, source->entries[i].name, source->entries[i].kind,
                                      source->entries[i].digest, &error),
                     VMF_OK);
  ck_assert_int_eq(vmf_manifest_write(made, &written, &length, &error), VMF_OK);
  ck_assert_str_eq(written, text);
  ck_assert_uint_eq(length, strlen(text));
  vmf_free(written);
  vmf_manifest_free(made);
  vmf_manifest_free(source);
}
END_TEST

START_TEST(test_names_that_cannot_be_written)
{
  static const char *const names[] = {"a\nb", "../a", "/a", "", "a\rb"};
  static const uint8_t digest[VMF_DIGEST_MAX];
  struct vmf_manifest *manifest;
  char *text;
  size_t length;

  ck_assert_int_eq(vmf_manifest_new(&manifest, &error), VMF_OK);
  ck_assert_int_eq(vmf_manifest_add(manifest, names[_i], VMF_SHA256, digest, &error), VMF_OK);
  ck_assert_int_eq(vmf_manifest_write(manifest, &text, &length, &error), VMF_USAGE);
  vmf_manifest_free(manifest);
}
END_TEST

START_TEST(test_kinds)
{
  enum vmf_digest_kind kind;

  ck_assert(vmf_manifest_kind("sha256", 6, &kind));
  ck_assert_int_eq((int)kind, (int)VMF_SHA256);
  ck_assert(vmf_manifest_kind("SHA2-512rest", 8, &kind));
  ck_assert_int_eq((int)kind, (int)VMF_SHA512);
  ck_assert(!vmf_manifest_kind("sha25", 5, &kind));
  ck_assert(!vmf_manifest_kind("", 0, &kind));
}
END_TEST

static Suite *manifest_suite(void)
{
  Suite *suite = suite_create("manifest");
  TCase *tests = tcase_create("manifest");

  tcase_add_loop_test(tests, test_lines, 0, (int)(sizeof lines / sizeof *lines));
  tcase_add_test(tests, test_each_oddity_is_told_once);
  tcase_add_test(tests, test_names_that_stand_twice);
  tcase_add_test(tests, test_zero_bytes);
  tcase_add_test(tests, test_bounds);
  tcase_add_test(tests, test_writing);
  tcase_add_loop_test(tests, test_names_that_cannot_be_written, 0, 5);
  tcase_add_test(tests, test_kinds);
  tcase_set_timeout(tests, 120);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(manifest_suite)
