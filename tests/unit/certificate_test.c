/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Certificate files: what the signer writes is good, nothing else is; damage of every kind is told
 * and never believed. */
#include "certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "memory.h"

static const char manifest[] = "SHA256(vm.ovf)= 00\n";
static struct vmf_error error;
static char path[] = "/tmp/vmferry-certificate-XXXXXX";
static char told[4096];
static struct vmf_signer *signer;

static void note(void *data, const struct vmf_package_finding *finding)
{
  size_t used = strlen(told);

  (void)data;
  if (finding->severity == VMF_SEVERITY_FAILURE)
    snprintf(told + used, sizeof told - used, "%s;", finding->rule);
}

static struct vmf_signature verify(const char *text, size_t length, const char *of,
                                   const struct vmf_trust *trust)
{
  struct vmf_report report = {.finding = note};
  struct vmf_signature signature;

  told[0] = '\0';
  ck_assert_int_eq(vmf_certificate_verify("vm.cert", text, length, "vm.mf", of, strlen(of), trust,
                                          &report, &signature, &error),
                   VMF_OK);
  return signature;
}

static bool is_good(const char *text, size_t length, const char *of)
{
  struct vmf_signature signature = verify(text, length, of, NULL);
  bool good = signature.good;

  vmf_signature_clear(&signature);
  return good;
}

/* A key and a certificate that it signed itself, in one file. */
static void write_pair(void)
{
  int file = mkstemp(path);
  FILE *out = fdopen(file, "w");
  EVP_PKEY *key = EVP_RSA_gen(2048);
  X509 *certificate = X509_new();
  X509_NAME *name = X509_get_subject_name(certificate);

  ck_assert(out && key);
  X509_set_version(certificate, X509_VERSION_3); /* that of version 1 may be an authority's */
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Signer", -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  ck_assert(X509_sign(certificate, key, EVP_sha256()) > 0);
  ck_assert_int_eq(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
  ck_assert_int_eq(PEM_write_X509(out, certificate), 1);
  ck_assert_int_eq(fclose(out), 0);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

static void remove_pair(void)
{
  unlink(path);
}

static void start(void)
{
  ck_assert_int_eq(vmf_signer_new(path, path, NULL, NULL, &signer, &error), VMF_OK);
}

static void end(void)
{
  vmf_signer_free(signer);
}

static char *sign(enum vmf_digest_kind kind, bool cms, size_t *length)
{
  char *text = NULL;
  ck_assert_int_eq(vmf_signer_sign(signer, "vm.mf", manifest, strlen(manifest), kind, cms, &text,
                                   length, &error),
                   VMF_OK);
  return text;
}

START_TEST(test_what_is_signed_is_good)
{
  enum vmf_digest_kind kind = _i & 1 ? VMF_SHA512 : VMF_SHA256;
  bool cms = _i & 2;
  size_t length;
  char *text = sign(kind, cms, &length);
  struct vmf_signature signature = verify(text, length, manifest, NULL);

  ck_assert_str_eq(told, "");
  ck_assert(signature.good && signature.self_signed && !signature.trusted);
  ck_assert_int_eq(signature.cms, cms);
  ck_assert_str_eq(signature.subject, "CN=Signer");
  ck_assert_str_eq(signature.issuer, "CN=Signer");
  ck_assert_uint_eq(strlen(signature.fingerprint), 64);
  ck_assert_uint_eq(strlen(signature.not_after), strlen("2026-01-01T00:00:00Z"));
  const struct vmf_trust pinned = {.signer = signature.fingerprint};
  struct vmf_signature again = verify(text, length, manifest, &pinned);
  ck_assert_str_eq(told, "");
  ck_assert(again.trusted);
  const struct vmf_trust listed = {.ca_file = path, .strict = true};
  vmf_signature_clear(&again);
  again = verify(text, length, manifest, &listed);
  ck_assert_str_eq(told, "");
  ck_assert(again.trusted);
  vmf_signature_clear(&again);
  vmf_signature_clear(&signature);
  ck_assert(!is_good(text, length, "SHA256(vm.ovf)= 01\n"));
  ck_assert_ptr_nonnull(strstr(told, "signature-wrong"));
  vmf_free(text);
}
END_TEST

START_TEST(test_the_length_is_known_before)
{
  size_t length, first;
  char *text = sign(VMF_SHA256, true, &first);

  vmf_free(text);
  for (unsigned i = 0; i < 8; i++) {
    char other[32];
    snprintf(other, sizeof other, "%*u", (int)i + 1, i);
    ck_assert_int_eq(vmf_signer_sign(signer, "vm.mf", other, strlen(other), VMF_SHA256, true, &text,
                                     &length, &error),
                     VMF_OK);
    ck_assert_uint_eq(length, first);
    vmf_free(text);
  }
}
END_TEST

/* No byte of signature and certificate can be changed unnoticed, but for upper case and the like.
 */
START_TEST(test_every_byte_counts)
{
  size_t length;
  char *text = sign(VMF_SHA256, false, &length);
  size_t end_of_line = strcspn(text, "\n");

  for (size_t i = strlen("SHA256(vm.mf)= "); i < end_of_line; i += 7) {
    char kept = text[i];
    text[i] = kept == '0' ? '1' : '0';
    ck_assert_msg(!is_good(text, length, manifest), "byte %zu", i);
    text[i] = kept;
  }
  ck_assert(is_good(text, length, manifest));
  vmf_free(text);
}
END_TEST

START_TEST(test_cut_off_anywhere)
{
  size_t length, without;
  char *text = sign(VMF_SHA256, true, &length);

  vmf_free(sign(VMF_SHA256, false, &without));
  for (size_t cut = 0; cut < length - 1; cut += 61) {
    char *copy = malloc(cut + 1); /* so that reading behind the end is seen */
    memcpy(copy, text, cut);
    bool good = is_good(copy, cut, manifest);
    bool nothing_of_cms = cut >= without && cut < without + strlen("-----BEGIN CMS-----\n");
    ck_assert_msg(!good || nothing_of_cms, "%zu bytes", cut);
    free(copy);
  }
  vmf_free(text);
}
END_TEST

START_TEST(test_nonsense)
{
  static const char *const texts[] = {
      "",
      "\n",
      "-----BEGIN CERTIFICATE-----\n",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      "-----BEGIN CMS-----\nMAA=\n-----END CMS-----\n",
      "-----BEGIN PKCS7-----\nMAsGCSqGSIb3DQEHAg==\n-----END PKCS7-----\n",
      "SHA256(vm.mf)= \n",
      "SHA256(vm.mf)= 0\n",
      "SHA256(vm.mf)= ====\n",
      "SHA999(vm.mf)= 00\n",
  };
  ck_assert(!is_good(texts[_i], strlen(texts[_i]), manifest));
  ck_assert_str_ne(told, "");
}
END_TEST

START_TEST(test_too_long)
{
  char *text = calloc(1, VMF_CERTIFICATE_BYTES + 1);

  ck_assert(!is_good(text, VMF_CERTIFICATE_BYTES + 1, manifest));
  ck_assert_str_eq(told, "certificate-limit;");
  memset(text, 'a', VMF_CERTIFICATE_BYTES);
  memcpy(text, "SHA256(vm.mf)= ", 15);
  ck_assert(!is_good(text, VMF_CERTIFICATE_BYTES, manifest));
  free(text);
}
END_TEST

START_TEST(test_refusals)
{
  char *text;
  size_t length;
  struct vmf_signer *other;
  const struct vmf_trust missing = {.ca_file = "/nonexistent"};
  struct vmf_signature signature;

  ck_assert_int_eq(vmf_signer_sign(signer, "vm.mf", "", 0, VMF_SHA1, false, &text, &length, &error),
                   VMF_USAGE);
  ck_assert_int_eq(vmf_signer_new("/nonexistent", path, NULL, NULL, &other, &error), VMF_SYSTEM);
  ck_assert_int_eq(vmf_signer_new(path, "/dev/null", NULL, NULL, &other, &error), VMF_USAGE);
  ck_assert_int_eq(vmf_signer_new("/dev/zero", path, NULL, NULL, &other, &error), VMF_USAGE);
  text = sign(VMF_SHA256, false, &length);
  ck_assert_int_eq(vmf_certificate_verify("vm.cert", text, length, "vm.mf", manifest,
                                          strlen(manifest), &missing, NULL, &signature, &error),
                   VMF_SYSTEM);
  vmf_signature_clear(&signature);
  vmf_free(text);
}
END_TEST

static Suite *certificate_suite(void)
{
  Suite *suite = suite_create("certificate");
  TCase *tests = tcase_create("certificate");

  tcase_add_unchecked_fixture(tests, write_pair, remove_pair);
  tcase_add_checked_fixture(tests, start, end);
  tcase_add_loop_test(tests, test_what_is_signed_is_good, 0, 4);
  tcase_add_test(tests, test_the_length_is_known_before);
  tcase_add_test(tests, test_every_byte_counts);
  tcase_add_test(tests, test_cut_off_anywhere);
  tcase_add_loop_test(tests, test_nonsense, 0, 10);
  tcase_add_test(tests, test_too_long);
  tcase_add_test(tests, test_refusals);
  tcase_set_timeout(tests, 120);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(certificate_suite)
