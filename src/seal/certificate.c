/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Reading a certificate file and checking its signatures; certificate_trust.c asks who signed,
 * certificate_policy.c whether he may. */
#include "certificate.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "certificate_check.h"
#include "certificate_text.h"
#include "memory.h"
#include "path.h"

/* Oddities of a signature besides those of enum vmf_line_oddity. */
enum {
  ODD_UPPER = 1 << VMF_LINE_ODDITIES,
  ODD_BASE64 = ODD_UPPER << 1,
  ODD_ALGORITHM = ODD_UPPER << 2,
  ODD_TEXT = ODD_UPPER << 3,
  ODD_WRAPPED = ODD_UPPER << 4,
  ODD_SEVERAL = ODD_UPPER << 5,
  ODD_BLOCK = ODD_UPPER << 6,
  ODD_NAME = ODD_UPPER << 7,
  ODD_END = ODD_UPPER << 8,
};

enum { SIGNATURE_LINES = 4, VALUE_MAX = 8192, SHOWN = 80 };

struct signature_line {
  unsigned line;
  struct vmf_text_part algorithm;
  char value[VALUE_MAX]; /* hex or Base64 */
  size_t length;
};

struct reading {
  struct vmf_certificate_check check;
  struct signature_line lines[SIGNATURE_LINES];
  unsigned count;
  struct signature_line *open; /* the next line may go on with it; NULL: none */
  unsigned blocks;             /* PEM */
  unsigned cms;                /* CMS parts, and how many of them are right */
  unsigned cms_good;
  unsigned odd;
  unsigned good; /* how many of the lines are right */
  bool bad;      /* something in the file is not */
};

void vmf_certificate_fail(const struct vmf_certificate_check *check, const char *rule,
                          const char *format, ...)
{
  char text[512];
  va_list values;

  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  vmf_report_add(check->report, VMF_SEVERITY_FAILURE, rule, check->name, 0, "%s", text);
}

void vmf_certificate_unfit(struct vmf_certificate_check *check, const char *rule, unsigned line,
                           const char *format, ...)
{
  char text[512];
  va_list values;

  check->unfit = true;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  vmf_report_add(check->report, vmf_trust_severity(check->trust), rule, check->name, line, "%s",
                 text);
}

static void tell_oddities(const struct reading *reading)
{
  static const char *const texts[] = {
      "the signature has upper-case digits",
      "the signature is Base64; hex digits are expected",
      "another spelling of the algorithm than SHA1, SHA256, SHA384 or SHA512",
      "text that is no signature; \"SHA256(name.mf)= digits\" and a PEM certificate are expected",
      "the signature goes over several lines",
      "several signatures; one is expected, and all have to be right",
      "a PEM block that is neither a certificate nor CMS",
  };

  for (unsigned bit = 1; bit < ODD_NAME; bit <<= 1)
    if (reading->odd & bit)
      vmf_report_add(reading->check.report, VMF_SEVERITY_WARNING, "signature-form",
                     reading->check.name, 0, "%s",
                     bit >= ODD_UPPER ? texts[__builtin_ctz(bit / ODD_UPPER)]
                                      : vmf_line_oddity_text(bit));
  if (reading->odd & ODD_NAME)
    vmf_report_add(reading->check.report, VMF_SEVERITY_WARNING, "signature-name",
                   reading->check.name, 0, "the signature names another file than %s",
                   reading->check.manifest_name);
}

/* ---- signature lines ---- */

static bool is_base64(struct vmf_text_part text)
{
  for (size_t i = 0; i < text.length; i++) {
    char c = text.start[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
          c == '/' || c == '='))
      return false;
  }
  return text.length > 0;
}

static bool add_value(struct signature_line *line, struct vmf_text_part value)
{
  if (value.length > VALUE_MAX - line->length)
    return false;
  memcpy(line->value + line->length, value.start, value.length);
  line->length += value.length;
  return true;
}

/* A line that is no signature: perhaps the rest of the one before. */
static void take_other(struct reading *reading, struct vmf_text_part text)
{
  if (reading->open && is_base64(text) && add_value(reading->open, text)) {
    reading->odd |= ODD_WRAPPED;
    return;
  }
  reading->open = NULL;
  reading->odd |= ODD_TEXT;
}

static void take_signature(struct reading *reading, unsigned number, struct vmf_text_part algorithm,
                           struct vmf_text_part name, struct vmf_text_part value)
{
  const char *wanted = vmf_path_name(reading->check.manifest_name);

  if (reading->count > 0)
    reading->odd |= ODD_SEVERAL;
  if (reading->count == SIGNATURE_LINES) {
    reading->bad = true;
    vmf_report_add(reading->check.report, VMF_SEVERITY_FAILURE, "certificate-limit",
                   reading->check.name, number, "more than %d signatures; one is expected",
                   SIGNATURE_LINES);
    return;
  }
  struct signature_line *line = &reading->lines[reading->count++];
  line->line = number;
  line->algorithm = algorithm;
  if (!add_value(line, value))
    reading->odd |= ODD_TEXT; /* far too long: found wrong later */
  if (name.length != strlen(wanted) || memcmp(name.start, wanted, name.length) != 0)
    reading->odd |= ODD_NAME;
  reading->open = line;
}

/* A line that is not in a PEM block, wherever it stands. */
static void take_line(struct reading *reading, const struct vmf_certificate_part *part)
{
  struct vmf_text_part algorithm, name, value;

  if (part->text.length == 0) {
    reading->open = NULL;
    if (reading->blocks == 0) /* between PEM blocks they are usual */
      reading->odd |= part->odd;
    return;
  }
  reading->odd |= part->odd;
  if (vmf_digest_line_split(part->text, &algorithm, &name, &value, &reading->odd))
    take_signature(reading, part->line, algorithm, name, value);
  else
    take_other(reading, part->text);
}

/* ---- PEM blocks ---- */

static enum vmf_code take_certificate(struct reading *reading, const struct vmf_pem_block *block,
                                      struct vmf_error *error)
{
  struct vmf_certificate_check *check = &reading->check;
  X509 *certificate = vmf_pem_certificate(check->library, block);

  if (!certificate) {
    vmf_certificate_fail(check, "certificate-damaged", "a certificate cannot be read: %s",
                         vmf_pem_reason());
    reading->bad = true;
    return VMF_OK;
  }
  if (!check->signer) {
    check->signer = certificate;
    return VMF_OK;
  }
  if (sk_X509_push(check->others, certificate) > 0)
    return VMF_OK;
  X509_free(certificate);
  return vmf_fail(error, VMF_NOMEM, "%s: no memory for certificates", check->name);
}

static enum vmf_code take_cms(struct reading *reading, const struct vmf_pem_block *block,
                              struct vmf_error *error)
{
  struct vmf_certificate_check *check = &reading->check;
  CMS_ContentInfo *cms = vmf_pem_cms(check->library, block);
  bool good = false;

  reading->cms++;
  if (!cms) {
    vmf_certificate_fail(check, "signature-cms-wrong", "the CMS part cannot be read: %s",
                         vmf_pem_reason());
    return VMF_OK;
  }
  enum vmf_code code = vmf_certificate_check_cms(check, cms, &good, error);
  CMS_ContentInfo_free(cms);
  if (good)
    reading->cms_good++;
  return code;
}

static void take_other_block(struct reading *reading, const struct vmf_pem_block *block)
{
  if (strstr(block->label, "PRIVATE KEY"))
    vmf_report_add(reading->check.report, VMF_SEVERITY_WARNING, "certificate-private-key",
                   reading->check.name, 0,
                   "holds a private key: whoever has the package can sign in this name");
  else
    reading->odd |= ODD_BLOCK;
}

/* CMS parts come to their turn when all certificates of the file are known. */
static enum vmf_code take_block(struct reading *reading, const struct vmf_certificate_part *part,
                                bool cms, struct vmf_error *error)
{
  struct vmf_pem_block block;
  enum vmf_code code = VMF_OK;
  BIO *bio = BIO_new_mem_buf(part->text.start, (int)part->text.length);

  if (!bio)
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for a PEM block", reading->check.name);
  if (vmf_pem_next(bio, &block) != VMF_PEM_BLOCK) {
    if (!cms)
      vmf_report_add(reading->check.report, VMF_SEVERITY_FAILURE, "certificate-damaged",
                     reading->check.name, part->line, "the PEM block cannot be read");
    reading->bad = true;
  } else if (vmf_pem_is_cms(&block) == cms) {
    if (cms)
      code = take_cms(reading, &block, error);
    else if (vmf_pem_is_certificate(&block))
      code = take_certificate(reading, &block, error);
    else
      take_other_block(reading, &block);
  }
  vmf_pem_clear(&block);
  BIO_free(bio);
  return code;
}

static enum vmf_code take_parts(struct reading *reading, const char *bytes, size_t length, bool cms,
                                struct vmf_error *error)
{
  struct vmf_certificate_parts parts = vmf_certificate_parts(bytes, length);
  struct vmf_certificate_part part;

  reading->blocks = 0;
  while (vmf_certificate_next(&parts, &part)) {
    if (!part.block) {
      if (!cms)
        take_line(reading, &part);
      continue;
    }
    reading->open = NULL;
    if (reading->blocks++ == VMF_PEM_BLOCKS) {
      reading->bad = true;
      if (!cms)
        vmf_certificate_fail(&reading->check, "certificate-limit",
                             "has more than %d PEM blocks; one certificate is expected",
                             VMF_PEM_BLOCKS);
      return VMF_OK;
    }
    VMF_TRY(take_block(reading, &part, cms, error));
  }
  return VMF_OK;
}

/* ---- the signature ---- */

static const char *find_algorithm(struct vmf_text_part text, bool *exact)
{
  static const char *const spellings[][2] = {
      {"SHA1", "SHA1"},       {"SHA256", "SHA256"},   {"SHA384", "SHA384"},   {"SHA512", "SHA512"},
      {"SHA-1", "SHA1"},      {"SHA-256", "SHA256"},  {"SHA-384", "SHA384"},  {"SHA-512", "SHA512"},
      {"SHA2-256", "SHA256"}, {"SHA2-384", "SHA384"}, {"SHA2-512", "SHA512"},
  };

  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
    if (strlen(spellings[i][0]) == text.length &&
        strncasecmp(spellings[i][0], text.start, text.length) == 0) {
      *exact = i < 4 && memcmp(spellings[i][0], text.start, text.length) == 0;
      return spellings[i][1];
    }
  return NULL;
}

static bool decode_hex(struct reading *reading, const struct signature_line *line, uint8_t *out,
                       size_t *length)
{
  for (size_t i = 0; i < line->length; i++) {
    int digit = vmf_hex_value(line->value[i]);
    if (digit < 0)
      return false;
    out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | digit : digit << 4);
    if (line->value[i] >= 'A' && line->value[i] <= 'F')
      reading->odd |= ODD_UPPER;
  }
  *length = line->length / 2;
  return line->length > 0 && line->length % 2 == 0;
}

/* As vCloud writes it. */
static bool decode_base64(struct reading *reading, const struct signature_line *line, uint8_t *out,
                          size_t *length)
{
  size_t padding = 0;

  if (line->length == 0 || line->length % 4 != 0 ||
      !is_base64((struct vmf_text_part){line->value, line->length}))
    return false;
  while (padding < 2 && line->value[line->length - 1 - padding] == '=')
    padding++;
  int decoded = EVP_DecodeBlock(out, (const unsigned char *)line->value, (int)line->length);
  if (decoded < (int)padding)
    return false;
  reading->odd |= ODD_BASE64;
  *length = (size_t)decoded - padding;
  return true;
}

static bool verify_value(const struct vmf_certificate_check *check, EVP_PKEY *key,
                         const char *algorithm, const uint8_t *value, size_t length)
{
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool good =
      context &&
      EVP_DigestVerifyInit_ex(context, NULL, vmf_pem_hashes(key) ? algorithm : NULL, check->library,
                              NULL, key, NULL) == 1 &&
      EVP_DigestVerify(context, value, length, check->manifest, check->manifest_length) == 1;

  EVP_MD_CTX_free(context);
  return good;
}

static void check_line(struct reading *reading, const struct signature_line *line)
{
  struct vmf_certificate_check *check = &reading->check;
  uint8_t value[VALUE_MAX];
  size_t length = 0;
  bool exact = false;
  const char *algorithm = find_algorithm(line->algorithm, &exact);
  int shown = line->algorithm.length > SHOWN ? SHOWN : (int)line->algorithm.length;
  EVP_PKEY *key = check->signer ? X509_get0_pubkey(check->signer) : NULL;

  reading->bad = true; /* until it is found to be right */
  if (!algorithm) {
    vmf_report_add(check->report, VMF_SEVERITY_FAILURE, "signature-algorithm", check->name,
                   line->line,
                   "the algorithm \"%.*s\" is not known; SHA1, SHA256, SHA384 and "
                   "SHA512 are",
                   shown, line->algorithm.start);
    return;
  }
  if (!decode_hex(reading, line, value, &length) && !decode_base64(reading, line, value, &length)) {
    vmf_report_add(check->report, VMF_SEVERITY_FAILURE, "signature-wrong", check->name, line->line,
                   "the signature is not made of hex digits");
    return;
  }
  if (!key)
    return; /* told of already */
  if (!verify_value(check, key, algorithm, value, length)) {
    vmf_report_add(check->report, VMF_SEVERITY_FAILURE, "signature-wrong", check->name, line->line,
                   "the signature is not right for %s and this certificate: one of the three has "
                   "been altered (%s)",
                   check->manifest_name, vmf_pem_reason());
    return;
  }
  reading->bad = false;
  reading->good++;
  reading->odd |= exact ? 0 : (unsigned)ODD_ALGORITHM;
  if (strcmp(algorithm, "SHA1") == 0 && vmf_pem_hashes(key))
    vmf_certificate_unfit(check, "signature-weak", line->line,
                          "the signature is made with SHA-1, for which forgeries can be made");
}

static void check_lines(struct reading *reading)
{
  bool bad = reading->bad;

  for (unsigned i = 0; i < reading->count; i++) {
    check_line(reading, &reading->lines[i]);
    bad |= reading->bad;
  }
  reading->bad = bad;
}

/* ---- what the certificate says ---- */

static enum vmf_code copy_name(const X509_NAME *name, char **text, struct vmf_error *error)
{
  const unsigned long form = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
  BIO *bio = BIO_new(BIO_s_mem());
  char *bytes = NULL;
  bool printed = bio && X509_NAME_print_ex(bio, name, 0, form) >= 0;
  long length = printed ? BIO_get_mem_data(bio, &bytes) : 0;
  enum vmf_code code = bio ? vmf_copy_bytes(length > 0 ? bytes : "", (size_t)length, text, error)
                           : vmf_fail(error, VMF_NOMEM, "no memory for a certificate's name");

  BIO_free(bio);
  return code;
}

static void copy_time(const ASN1_TIME *time, char text[32])
{
  struct tm parts;

  text[0] = '\0';
  if (ASN1_TIME_to_tm(time, &parts) == 1)
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static enum vmf_code describe(const struct vmf_certificate_check *check, struct vmf_error *error)
{
  struct vmf_signature *signature = check->signature;
  unsigned char *bytes = NULL, digest[EVP_MAX_MD_SIZE];
  size_t size = 0;
  int length = i2d_X509(check->signer, &bytes);

  if (length < 0 ||
      EVP_Q_digest(check->library, "SHA256", NULL, bytes, (size_t)length, digest, &size) != 1) {
    OPENSSL_free(bytes);
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for a certificate", check->name);
  }
  OPENSSL_free(bytes);
  vmf_digest_text(digest, size, signature->fingerprint);
  copy_time(X509_get0_notBefore(check->signer), signature->not_before);
  copy_time(X509_get0_notAfter(check->signer), signature->not_after);
  signature->self_signed = X509_self_signed(check->signer, 1) == 1;
  ERR_clear_error();
  VMF_TRY(copy_name(X509_get_subject_name(check->signer), &signature->subject, error));
  return copy_name(X509_get_issuer_name(check->signer), &signature->issuer, error);
}

/* ---- all of it ---- */

static void tell_missing(const struct reading *reading)
{
  const struct vmf_certificate_check *check = &reading->check;

  if (!check->signer)
    vmf_certificate_fail(check, "certificate-missing", "has no certificate");
  if (reading->count == 0 && reading->cms == 0)
    vmf_certificate_fail(check, "signature-missing",
                         "has no signature; \"SHA256(name.mf)= digits\" is expected");
  else if (reading->count == 0)
    vmf_report_add(check->report, VMF_SEVERITY_WARNING, "signature-form", check->name, 0,
                   "has a CMS signature only; most consumers want \"SHA256(name.mf)= digits\"");
}

static enum vmf_code check_all(struct reading *reading, const void *bytes, size_t length,
                               struct vmf_error *error)
{
  struct vmf_certificate_check *check = &reading->check;
  struct vmf_signature *signature = check->signature;

  VMF_TRY(take_parts(reading, bytes, length, false, error));
  VMF_TRY(take_parts(reading, bytes, length, true, error));
  tell_missing(reading);
  check_lines(reading);
  signature->cms = reading->cms > 0 && reading->cms_good == reading->cms;
  signature->good = check->signer && !reading->bad && (reading->good > 0 || signature->cms) &&
                    reading->cms_good == reading->cms;
  tell_oddities(reading);
  if (!check->signer)
    return VMF_OK;
  VMF_TRY(describe(check, error));
  vmf_certificate_check_signer(check);
  return vmf_certificate_check_trust(check, error);
}

static enum vmf_code read_all(struct reading *reading, const void *bytes, size_t length,
                              struct vmf_error *error)
{
  struct vmf_certificate_check *check = &reading->check;

  check->library = OSSL_LIB_CTX_new();
  check->others = sk_X509_new_null();
  enum vmf_code code = check->library && check->others
                           ? check_all(reading, bytes, length, error)
                           : vmf_fail(error, VMF_NOMEM, "%s: no memory for OpenSSL", check->name);
  X509_free(check->signer);
  sk_X509_pop_free(check->others, X509_free);
  OSSL_LIB_CTX_free(check->library);
  ERR_clear_error();
  return code;
}

enum vmf_code vmf_certificate_verify(const char *name, const void *bytes, size_t length,
                                     const char *manifest_name, const void *manifest,
                                     size_t manifest_length, const struct vmf_trust *trust,
                                     struct vmf_report *report, struct vmf_signature *signature,
                                     struct vmf_error *error)
{
  static const struct vmf_trust nobody = {0};
  VMF_AUTO_FREE void *memory = NULL;

  *signature = (struct vmf_signature){0};
  VMF_TRY(vmf_alloc(sizeof(struct reading), &memory, error));
  struct reading *reading = memory;
  reading->check = (struct vmf_certificate_check){.name = name,
                                                  .manifest_name = manifest_name,
                                                  .manifest = manifest,
                                                  .manifest_length = manifest_length,
                                                  .trust = trust ? trust : &nobody,
                                                  .report = report,
                                                  .signature = signature};
  if (length > VMF_CERTIFICATE_BYTES || manifest_length > INT_MAX) {
    vmf_certificate_fail(&reading->check, "certificate-limit", "has %zu bytes; at most %d are read",
                         length, VMF_CERTIFICATE_BYTES);
    return VMF_OK;
  }
  return read_all(reading, bytes, length, error);
}

void vmf_signature_clear(struct vmf_signature *signature)
{
  vmf_free(signature->subject);
  vmf_free(signature->issuer);
  *signature = (struct vmf_signature){0};
}
