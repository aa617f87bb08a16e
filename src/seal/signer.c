/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A key and its certificate, and the one exact form of a certificate file that is written:
 * signature, certificate and, where it is asked for, CMS. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "certificate.h"
#include "epoch.h"
#include "log.h"
#include "manifest.h"
#include "memory.h"
#include "pem.h"

enum {
  FILE_MAX = 1 << 20,
  PASSPHRASE_MAX = 1024,
  STRENGTH_BITS = 112, /* of RSA of 2048 bits, and of curves of 224 */
  ATTEMPTS = 4096      /* at signatures of a fixed length */
};

struct vmf_signer {
  OSSL_LIB_CTX *library;
  EVP_PKEY *key;
  X509 *certificate;
  STACK_OF(X509) * chain; /* the other certificates of the file */
  struct vmf_epoch epoch;
};

/* ---- files ---- */

/* A small file; wiped when it is freed. */
struct secret {
  size_t length;
  char bytes[FILE_MAX + 1];
};

static void free_secret(struct secret *secret)
{
  if (secret)
    OPENSSL_cleanse(secret->bytes, secret->length);
  vmf_free(secret);
}

static enum vmf_code read_descriptor(int descriptor, const char *path, struct secret *secret,
                                     struct vmf_error *error)
{
  for (;;) {
    ssize_t got =
        read(descriptor, secret->bytes + secret->length, sizeof secret->bytes - secret->length);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return vmf_fail_errno(error, VMF_SYSTEM, "%s: reading failed", path);
    if (got == 0)
      return VMF_OK;
    secret->length += (size_t)got;
    if (secret->length > FILE_MAX)
      return vmf_fail(error, VMF_USAGE, "%s: has more than %d bytes; a PEM file is expected", path,
                      FILE_MAX);
  }
}

static enum vmf_code read_secret(const char *path, struct secret **secret, struct vmf_error *error)
{
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  void *memory;

  *secret = NULL;
  if (descriptor < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be opened", path);
  enum vmf_code code = vmf_alloc(sizeof(struct secret), &memory, error);
  if (code == VMF_OK) {
    *secret = memory;
    code = read_descriptor(descriptor, path, *secret, error);
  }
  close(descriptor);
  if (code != VMF_OK) {
    free_secret(*secret);
    *secret = NULL;
  }
  return code;
}

/* ---- the key ---- */

struct passphrase {
  const struct secret *file; /* NULL: none was given */
  bool asked;
};

/* A pem_password_cb: the first line of the file. */
static int give_passphrase(char *buffer, int size, int writing, void *data)
{
  struct passphrase *passphrase = data;

  (void)writing;
  passphrase->asked = true;
  if (!passphrase->file)
    return -1;
  size_t length = strcspn(passphrase->file->bytes, "\r\n");
  if (length > (size_t)size)
    return -1;
  memcpy(buffer, passphrase->file->bytes, length);
  return (int)length;
}

static enum vmf_code parse_key(struct vmf_signer *signer, const struct secret *file,
                               const char *path, const char *passphrase_path,
                               struct passphrase *passphrase, struct vmf_error *error)
{
  BIO *bio = BIO_new_mem_buf(file->bytes, (int)file->length);

  if (!bio)
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for a key", path);
  signer->key =
      PEM_read_bio_PrivateKey_ex(bio, NULL, give_passphrase, passphrase, signer->library, NULL);
  BIO_free(bio);
  const char *reason = vmf_pem_reason();
  if (signer->key)
    return VMF_OK;
  if (passphrase->asked && !passphrase->file)
    return vmf_fail(error, VMF_USAGE,
                    "%s: the key is encrypted; the passphrase is expected in the first line of a "
                    "file that is named (--passphrase-file)",
                    path);
  if (passphrase->asked)
    return vmf_fail(error, VMF_USAGE, "%s: the passphrase in %s does not open the key", path,
                    passphrase_path);
  return vmf_fail(error, VMF_USAGE, "%s: no private key can be read from it (PEM is expected): %s",
                  path, reason);
}

static enum vmf_code check_key(const EVP_PKEY *key, const char *path, struct vmf_error *error)
{
  static const char *const kinds[] = {"RSA", "RSA-PSS", "EC", "ED25519", "ED448"};
  bool known = false;

  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    known = known || EVP_PKEY_is_a(key, kinds[i]);
  if (!known)
    return vmf_fail(error, VMF_USAGE,
                    "%s: the key is of the kind %s; RSA, which all consumers of packages take, "
                    "RSA-PSS, EC, ED25519 and ED448 can sign",
                    path, vmf_pem_key_name(key));
  if (EVP_PKEY_get_security_bits(key) < STRENGTH_BITS)
    return vmf_fail(error, VMF_USAGE,
                    "%s: the %s key has %d bits; at least 2048 are expected of RSA, 224 of a curve",
                    path, vmf_pem_key_name(key), EVP_PKEY_get_bits(key));
  return VMF_OK;
}

static enum vmf_code read_key(struct vmf_signer *signer, const char *path,
                              const char *passphrase_path, struct vmf_error *error)
{
  struct secret *file = NULL, *words = NULL;
  enum vmf_code code = read_secret(path, &file, error);

  if (code == VMF_OK && passphrase_path)
    code = read_secret(passphrase_path, &words, error);
  if (code == VMF_OK && words && strcspn(words->bytes, "\r\n") > PASSPHRASE_MAX)
    code = vmf_fail(error, VMF_USAGE, "%s: the first line is too long for a passphrase",
                    passphrase_path);
  struct passphrase passphrase = {.file = words};
  if (code == VMF_OK)
    code = parse_key(signer, file, path, passphrase_path, &passphrase, error);
  free_secret(words);
  free_secret(file);
  VMF_TRY(code);
  return check_key(signer->key, path, error);
}

/* ---- the certificate ---- */

static enum vmf_code take_certificate(struct vmf_signer *signer, const struct vmf_pem_block *block,
                                      const char *path, struct vmf_error *error)
{
  X509 *certificate = vmf_pem_certificate(signer->library, block);

  if (!certificate)
    return vmf_fail(error, VMF_USAGE, "%s: a certificate cannot be read: %s", path,
                    vmf_pem_reason());
  bool own = !signer->certificate && X509_check_private_key(certificate, signer->key) == 1;
  ERR_clear_error();
  if (own)
    signer->certificate = certificate;
  else if (sk_X509_push(signer->chain, certificate) <= 0) {
    X509_free(certificate);
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for certificates", path);
  }
  return VMF_OK;
}

static enum vmf_code take_certificates(struct vmf_signer *signer, BIO *bio, const char *path,
                                       struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  for (unsigned i = 0; i < VMF_PEM_BLOCKS && code == VMF_OK; i++) {
    struct vmf_pem_block block;
    enum vmf_pem_result result = vmf_pem_next(bio, &block);
    if (result == VMF_PEM_DAMAGED)
      return vmf_fail(error, VMF_USAGE, "%s: PEM block %u cannot be read", path, i + 1);
    if (result == VMF_PEM_END)
      break;
    if (vmf_pem_is_certificate(&block))
      code = take_certificate(signer, &block, path, error);
    vmf_pem_clear(&block);
  }
  return code;
}

static enum vmf_code read_certificate(struct vmf_signer *signer, const char *path,
                                      const char *key_path, struct vmf_error *error)
{
  struct secret *file;

  VMF_TRY(read_secret(path, &file, error));
  BIO *bio = BIO_new_mem_buf(file->bytes, (int)file->length);
  enum vmf_code code = bio ? take_certificates(signer, bio, path, error)
                           : vmf_fail(error, VMF_NOMEM, "%s: no memory for certificates", path);
  BIO_free(bio);
  free_secret(file);
  VMF_TRY(code);
  if (signer->certificate)
    return VMF_OK;
  if (sk_X509_num(signer->chain) == 0)
    return vmf_fail(error, VMF_USAGE, "%s: holds no certificate (PEM is expected)", path);
  return vmf_fail(error, VMF_USAGE, "%s: the certificate does not belong to the key in %s", path,
                  key_path);
}

static enum vmf_code fill_signer(struct vmf_signer *signer, const char *key_path,
                                 const char *cert_path, const char *passphrase_file,
                                 const struct vmf_log *log, struct vmf_error *error)
{
  signer->library = OSSL_LIB_CTX_new();
  signer->chain = sk_X509_new_null();
  if (!signer->library || !signer->chain)
    return vmf_fail(error, VMF_NOMEM, "no memory for OpenSSL");
  VMF_TRY(read_key(signer, key_path, passphrase_file, error));
  if (!cert_path)
    cert_path = key_path;
  VMF_TRY(read_certificate(signer, cert_path, key_path, error));
  int validity = vmf_pem_validity(signer->certificate);
  if (validity != 0)
    vmf_warn(log, "%s: the certificate is not valid %s", cert_path,
             validity < 0 ? "any more" : "yet");
  if (vmf_pem_rsa_bits(signer->key) == 0)
    vmf_warn(log, "%s: the key is of the kind %s; ovftool and VirtualBox take RSA only", key_path,
             vmf_pem_key_name(signer->key));
  return VMF_OK;
}

enum vmf_code vmf_signer_new(const char *key_path, const char *cert_path,
                             const char *passphrase_file, const struct vmf_log *log,
                             struct vmf_signer **signer, struct vmf_error *error)
{
  void *memory;

  *signer = NULL;
  if (!key_path && !cert_path && !passphrase_file)
    return VMF_OK;
  if (!key_path)
    return vmf_fail(error, VMF_USAGE, "%s: there is no key to sign with",
                    cert_path ? cert_path : passphrase_file);
  VMF_TRY(vmf_alloc(sizeof(struct vmf_signer), &memory, error));
  struct vmf_signer *made = memory;
  enum vmf_code code = vmf_epoch_now(&made->epoch, error);
  if (code == VMF_OK)
    code = fill_signer(made, key_path, cert_path, passphrase_file, log, error);
  ERR_clear_error();
  if (code != VMF_OK)
    vmf_signer_free(made);
  else
    *signer = made;
  return code;
}

void vmf_signer_free(struct vmf_signer *signer)
{
  if (!signer)
    return;
  EVP_PKEY_free(signer->key);
  X509_free(signer->certificate);
  sk_X509_pop_free(signer->chain, X509_free);
  OSSL_LIB_CTX_free(signer->library);
  vmf_free(signer);
}

/* ---- signing ---- */

/* The digest that a key signs; NULL: it signs the bytes themselves. */
static const char *digest_of(const struct vmf_signer *signer, const char *algorithm)
{
  return vmf_pem_hashes(signer->key) ? algorithm : NULL;
}

/* *size: of the buffer, then of the signature. */
static bool sign_once(const struct vmf_signer *signer, const char *algorithm, const void *manifest,
                      size_t length, void *value, size_t *size)
{
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool done = context &&
              EVP_DigestSignInit_ex(context, NULL, digest_of(signer, algorithm), signer->library,
                                    NULL, signer->key, NULL) == 1 &&
              EVP_DigestSign(context, value, size, manifest, length) == 1;

  EVP_MD_CTX_free(context);
  return done;
}

/* Signatures of elliptic curves (ECDSA) differ in length, since numbers are written without leading
 * zeros, while room is kept for a certificate file before its manifest is known: of the usual
 * curves every fourth one is as long as can be, and such a one is taken. */
static enum vmf_code sign_full(const struct vmf_signer *signer, const char *algorithm,
                               const void *manifest, size_t length, void *value, size_t size,
                               struct vmf_error *error)
{
  for (unsigned i = 0; i < ATTEMPTS; i++) {
    size_t got = size;
    if (!sign_once(signer, algorithm, manifest, length, value, &got))
      return vmf_fail(error, VMF_SYSTEM, "signing failed: %s", vmf_pem_reason());
    if (got == size)
      return VMF_OK;
  }
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "the curve of the key gives no signatures of %zu bytes; P-256, P-384 and P-521 "
                  "can sign packages",
                  size);
}

/* "SHA256(vm.mf)= hex\n" */
static enum vmf_code write_line(const struct vmf_signer *signer, const char *manifest_name,
                                const void *manifest, size_t length, enum vmf_digest_kind kind,
                                BIO *out, struct vmf_error *error)
{
  const char *algorithm = vmf_manifest_kind_name(kind);
  size_t size = (size_t)EVP_PKEY_get_size(signer->key);
  VMF_AUTO_FREE void *value = NULL, *digits = NULL;

  VMF_TRY(vmf_alloc(size, &value, error));
  VMF_TRY(vmf_alloc(2 * size + 1, &digits, error));
  VMF_TRY(sign_full(signer, algorithm, manifest, length, value, size, error));
  vmf_digest_text(value, size, digits);
  if (BIO_printf(out, "%s(%s)= ", algorithm, manifest_name) < 0 || BIO_puts(out, digits) < 0 ||
      BIO_puts(out, "\n") < 0)
    return vmf_fail(error, VMF_NOMEM, "no memory for a signature");
  return VMF_OK;
}

/* With SOURCE_DATE_EPOCH the time in the signature is that; otherwise OpenSSL takes the present. */
static bool set_time(const struct vmf_signer *signer, CMS_SignerInfo *info)
{
  if (!signer->epoch.fixed)
    return true;
  ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)signer->epoch.seconds);
  bool set =
      when && CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, when->type, when, -1) == 1;
  ASN1_TIME_free(when);
  return set;
}

static bool has_full_size(const struct vmf_signer *signer, CMS_SignerInfo *info)
{
  return ASN1_STRING_length(CMS_SignerInfo_get0_signature(info)) == EVP_PKEY_get_size(signer->key);
}

/* Writes it when its signature is as long as can be. */
static bool try_cms(const struct vmf_signer *signer, const void *manifest, size_t length,
                    const EVP_MD *method, BIO *out, bool *written)
{
  /* only with a context of the key does OpenSSL see how an RSA-PSS key has to sign */
  const unsigned flags = CMS_PARTIAL | CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP |
                         (EVP_PKEY_is_a(signer->key, "RSA-PSS") ? CMS_KEY_PARAM : 0);
  BIO *data = BIO_new_mem_buf(manifest, (int)length);
  CMS_ContentInfo *cms = CMS_sign_ex(NULL, NULL, signer->chain, NULL, flags, signer->library, NULL);
  CMS_SignerInfo *info =
      cms ? CMS_add1_signer(cms, signer->certificate, signer->key, method, flags) : NULL;
  bool done = data && info && set_time(signer, info) && CMS_final(cms, data, NULL, flags) == 1;

  *written = done && has_full_size(signer, info);
  if (*written)
    done = PEM_write_bio_CMS(out, cms) == 1;
  CMS_ContentInfo_free(cms);
  BIO_free(data);
  return done;
}

/* A detached CMS signature, PEM. */
static enum vmf_code write_cms(const struct vmf_signer *signer, const void *manifest, size_t length,
                               BIO *out, struct vmf_error *error)
{
  EVP_MD *method = EVP_MD_fetch(signer->library, "SHA512", NULL);
  bool done = method != NULL, written = false;

  for (unsigned i = 0; i < ATTEMPTS && done && !written; i++)
    done = try_cms(signer, manifest, length, method, out, &written);
  EVP_MD_free(method);
  if (written && done)
    return VMF_OK;
  return vmf_fail(error, VMF_SYSTEM, "making a CMS signature with a key of the kind %s failed: %s",
                  vmf_pem_key_name(signer->key), vmf_pem_reason());
}

static enum vmf_code take_text(BIO *out, char **text, size_t *length, struct vmf_error *error)
{
  char *bytes = NULL;
  long size = BIO_get_mem_data(out, &bytes);

  if (size <= 0)
    return vmf_fail(error, VMF_NOMEM, "no memory for a certificate file");
  *length = (size_t)size;
  return vmf_copy_bytes(bytes, *length, text, error);
}

enum vmf_code vmf_signer_sign(const struct vmf_signer *signer, const char *manifest_name,
                              const void *manifest, size_t manifest_length,
                              enum vmf_digest_kind kind, bool cms, char **text, size_t *length,
                              struct vmf_error *error)
{
  if (kind == VMF_SHA1)
    return vmf_fail(error, VMF_USAGE,
                    "%s: a signature with SHA-1 can be forged; sha256 and sha512 can be chosen",
                    manifest_name);
  BIO *out = BIO_new(BIO_s_mem());
  if (!out)
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for a signature", manifest_name);
  enum vmf_code code =
      write_line(signer, manifest_name, manifest, manifest_length, kind, out, error);
  if (code == VMF_OK && PEM_write_bio_X509(out, signer->certificate) != 1)
    code = vmf_fail(error, VMF_NOMEM, "%s: no memory for a certificate", manifest_name);
  if (code == VMF_OK && cms)
    code = write_cms(signer, manifest, manifest_length, out, error);
  if (code == VMF_OK)
    code = take_text(out, text, length, error);
  BIO_free(out);
  ERR_clear_error();
  return code;
}
