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
#include "log.h"
#include "manifest.h"
#include "memory.h"
#include "pem.h"

enum { FILE_MAX = 1 << 20, PASSPHRASE_MAX = 1024, RSA_BITS_MIN = 2048 };

struct vmf_signer {
  OSSL_LIB_CTX *library;
  EVP_PKEY *key;
  X509 *certificate;
  STACK_OF(X509) * chain; /* the other certificates of the file */
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
  int bits = vmf_pem_rsa_bits(signer->key);
  if (bits == 0)
    return vmf_fail(error, VMF_USAGE,
                    "%s: the key is not an RSA key, which is what consumers of packages take",
                    path);
  if (bits < RSA_BITS_MIN)
    return vmf_fail(error, VMF_USAGE, "%s: the RSA key has %d bits; at least %d are expected", path,
                    bits, RSA_BITS_MIN);
  return VMF_OK;
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
  return VMF_OK;
}

enum vmf_code vmf_signer_new(const char *key_path, const char *cert_path,
                             const char *passphrase_file, const struct vmf_log *log,
                             struct vmf_signer **signer, struct vmf_error *error)
{
  void *memory;

  *signer = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_signer), &memory, error));
  struct vmf_signer *made = memory;
  enum vmf_code code = fill_signer(made, key_path, cert_path, passphrase_file, log, error);
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

/* "SHA256(vm.mf)= hex\n" */
static enum vmf_code write_line(const struct vmf_signer *signer, const char *manifest_name,
                                const void *manifest, size_t length, enum vmf_digest_kind kind,
                                BIO *out, struct vmf_error *error)
{
  const char *algorithm = vmf_manifest_kind_name(kind);
  size_t size = (size_t)EVP_PKEY_get_size(signer->key);
  VMF_AUTO_FREE void *value = NULL, *digits = NULL;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  enum vmf_code code = vmf_alloc(size, &value, error);

  if (code == VMF_OK)
    code = vmf_alloc(2 * size + 1, &digits, error);
  if (code == VMF_OK && (!context ||
                         EVP_DigestSignInit_ex(context, NULL, algorithm, signer->library, NULL,
                                               signer->key, NULL) != 1 ||
                         EVP_DigestSign(context, value, &size, manifest, length) != 1))
    code = vmf_fail(error, VMF_SYSTEM, "signing failed: %s", vmf_pem_reason());
  EVP_MD_CTX_free(context);
  VMF_TRY(code);
  vmf_digest_text(value, size, digits);
  if (BIO_printf(out, "%s(%s)= ", algorithm, manifest_name) < 0 || BIO_puts(out, digits) < 0 ||
      BIO_puts(out, "\n") < 0)
    return vmf_fail(error, VMF_NOMEM, "no memory for a signature");
  return VMF_OK;
}

/* With SOURCE_DATE_EPOCH the time in the signature is that. */
static bool set_time(CMS_SignerInfo *info)
{
  const char *epoch = getenv("SOURCE_DATE_EPOCH");
  ASN1_TIME *when;

  if (!epoch || !*epoch)
    return true;
  when = ASN1_TIME_set(NULL, (time_t)strtoll(epoch, NULL, 10));
  bool set =
      when && CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, when->type, when, -1) == 1;
  ASN1_TIME_free(when);
  return set;
}

/* A detached CMS signature, PEM. */
static enum vmf_code write_cms(const struct vmf_signer *signer, const void *manifest, size_t length,
                               BIO *out, struct vmf_error *error)
{
  const unsigned flags = CMS_PARTIAL | CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP;
  BIO *data = BIO_new_mem_buf(manifest, (int)length);
  EVP_MD *method = EVP_MD_fetch(signer->library, "SHA512", NULL);
  CMS_ContentInfo *cms = CMS_sign_ex(NULL, NULL, signer->chain, NULL, flags, signer->library, NULL);
  CMS_SignerInfo *info =
      cms && method ? CMS_add1_signer(cms, signer->certificate, signer->key, method, flags) : NULL;
  bool done = data && info && set_time(info) && CMS_final(cms, data, NULL, flags) == 1 &&
              PEM_write_bio_CMS(out, cms) == 1;

  CMS_ContentInfo_free(cms);
  EVP_MD_free(method);
  BIO_free(data);
  if (done)
    return VMF_OK;
  return vmf_fail(error, VMF_SYSTEM, "making a CMS signature failed: %s", vmf_pem_reason());
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
