/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Who signed: the chain of the certificate, its validity and its fingerprint; and the CMS part. */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "certificate_check.h"

/* What building a chain found. */
struct chain {
  struct vmf_certificate_check *check;
  int fault; /* the first X509_V_ERR_... that is not told of otherwise; X509_V_OK: none */
  int time;  /* the same, about time, of a certificate above the signer's */
};

enum vmf_severity vmf_trust_severity(const struct vmf_trust *trust)
{
  return trust->strict || trust->ca_file || trust->signer ? VMF_SEVERITY_FAILURE
                                                          : VMF_SEVERITY_WARNING;
}

/* ---- chain ---- */

/* Of the signer's own certificate certificate_policy.c tells where no chain is asked for. */
static void tell_weakness(struct chain *chain, int fault, int depth)
{
  struct vmf_certificate_check *check = chain->check;

  if (fault == X509_V_ERR_CA_KEY_TOO_SMALL)
    vmf_certificate_unfit(check, "signature-weak", 0,
                          "a certificate above that of %s has a key that can be broken",
                          check->signature->subject);
  else if (depth > 0 || vmf_trust_severity(check->trust) == VMF_SEVERITY_FAILURE)
    vmf_certificate_unfit(check, "signature-weak", 0,
                          "the certificate of %s, or one above it, is signed with a digest for "
                          "which forgeries can be made",
                          check->signature->subject);
}

/* Whether a fault is told of otherwise, so that building goes on. */
static bool passes(struct chain *chain, int fault, int depth)
{
  switch (fault) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
  case X509_V_ERR_CERT_NOT_YET_VALID:
    if (depth > 0 && chain->time == X509_V_OK)
      chain->time = fault;
    return true;
  case X509_V_ERR_EE_KEY_TOO_SMALL: /* told with the signer's certificate */
    return true;
  case X509_V_ERR_CA_KEY_TOO_SMALL:
  case X509_V_ERR_CA_MD_TOO_WEAK:
    tell_weakness(chain, fault, depth);
    return true;
  default:
    return false;
  }
}

static int note_fault(int good, X509_STORE_CTX *context)
{
  struct chain *chain = X509_STORE_CTX_get_app_data(context);
  int fault = X509_STORE_CTX_get_error(context);

  if (good)
    return 1;
  if (passes(chain, fault, X509_STORE_CTX_get_error_depth(context))) {
    /* else OpenSSL would say it again in place of the next one */
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
  }
  if (chain->fault == X509_V_OK)
    chain->fault = fault;
  return 0;
}

static void check_issuers(X509_STORE_CTX *context, struct vmf_certificate_check *check)
{
  STACK_OF(X509) *certificates = X509_STORE_CTX_get0_chain(context);

  for (int i = 1; i < sk_X509_num(certificates); i++)
    vmf_certificate_check_issuer(check, sk_X509_value(certificates, i));
}

static enum vmf_code fill_store(const struct vmf_certificate_check *check, X509_STORE *store,
                                struct vmf_error *error)
{
  const char *ca_file = check->trust->ca_file;

  if (!ca_file) {
    /* a system without a store trusts nobody */
    if (X509_STORE_set_default_paths_ex(store, check->library, NULL) != 1)
      ERR_clear_error();
    return VMF_OK;
  }
  if (X509_STORE_load_file_ex(store, ca_file, check->library, NULL) != 1)
    return vmf_fail(error, VMF_SYSTEM, "%s: no certificates can be read from it (PEM): %s", ca_file,
                    vmf_pem_reason());
  return VMF_OK;
}

static enum vmf_code run_chain(struct vmf_certificate_check *check, X509_STORE *store,
                               X509_STORE_CTX *context, struct chain *chain,
                               struct vmf_error *error)
{
  VMF_TRY(fill_store(check, store, error));
  if (X509_STORE_CTX_init(context, store, check->signer, check->others) != 1)
    return vmf_fail(error, VMF_NOMEM, "OpenSSL cannot start building a chain");
  X509_VERIFY_PARAM *how = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_auth_level(how, 2); /* note_fault tells what falls short */
  if (check->trust->ca_file)
    X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_PARTIAL_CHAIN);
  X509_STORE_CTX_set_app_data(context, chain);
  X509_STORE_CTX_set_verify_cb(context, note_fault);
  if (X509_verify_cert(context) != 1 && chain->fault == X509_V_OK)
    chain->fault = X509_V_ERR_UNSPECIFIED;
  check_issuers(context, check);
  ERR_clear_error();
  return VMF_OK;
}

static enum vmf_code build_chain(struct vmf_certificate_check *check, struct chain *chain,
                                 struct vmf_error *error)
{
  X509_STORE *store = X509_STORE_new();
  X509_STORE_CTX *context = X509_STORE_CTX_new_ex(check->library, NULL);
  enum vmf_code code = store && context
                           ? run_chain(check, store, context, chain, error)
                           : vmf_fail(error, VMF_NOMEM, "no memory for a chain of certificates");

  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return code;
}

/* ---- trust ---- */

/* "AB:CD" and "abcd" are the same. */
static bool same_fingerprint(const char *wanted, const char *found)
{
  for (; *wanted; wanted++) {
    char digit = *wanted >= 'A' && *wanted <= 'F' ? (char)(*wanted - 'A' + 'a') : *wanted;
    if (digit == ':' || digit == ' ')
      continue;
    if (digit != *found)
      return false;
    found++;
  }
  return *found == '\0';
}

bool vmf_certificate_is_pinned(const struct vmf_certificate_check *check)
{
  return check->trust->signer &&
         same_fingerprint(check->trust->signer, check->signature->fingerprint);
}

static bool check_validity(const struct vmf_certificate_check *check, enum vmf_severity severity)
{
  const struct vmf_signature *signature = check->signature;
  int validity = vmf_pem_validity(check->signer);

  if (validity < 0)
    vmf_report_add(check->report, severity, "certificate-expired", check->name, 0,
                   "the certificate of %s expired on %s", signature->subject, signature->not_after);
  else if (validity > 0)
    vmf_report_add(check->report, severity, "certificate-not-yet-valid", check->name, 0,
                   "the certificate of %s is not valid before %s", signature->subject,
                   signature->not_before);
  return validity == 0;
}

static bool tell_chain(const struct vmf_certificate_check *check, const struct chain *chain,
                       enum vmf_severity severity)
{
  const char *subject = check->signature->subject;

  if (chain->time != X509_V_OK)
    vmf_report_add(check->report, severity, "certificate-expired", check->name, 0,
                   "of the certificates above that of %s one is not valid now (%s)", subject,
                   X509_verify_cert_error_string(chain->time));
  if (chain->fault != X509_V_OK && check->signature->self_signed)
    vmf_report_add(check->report, severity, "certificate-self-signed", check->name, 0,
                   "the certificate of %s is signed by itself and is not among the trusted ones",
                   subject);
  else if (chain->fault != X509_V_OK)
    vmf_report_add(check->report, severity, "certificate-untrusted", check->name, 0,
                   "the certificate of %s, issued by %s, is not trusted: %s", subject,
                   check->signature->issuer, X509_verify_cert_error_string(chain->fault));
  return chain->fault == X509_V_OK && chain->time == X509_V_OK;
}

enum vmf_code vmf_certificate_check_trust(struct vmf_certificate_check *check,
                                          struct vmf_error *error)
{
  const struct vmf_trust *trust = check->trust;
  struct vmf_signature *signature = check->signature;
  enum vmf_severity severity = vmf_trust_severity(trust);
  struct chain chain = {.check = check, .fault = X509_V_OK, .time = X509_V_OK};
  bool trusted = check_validity(check, severity);

  if (trust->signer && !vmf_certificate_is_pinned(check)) {
    vmf_report_add(check->report, VMF_SEVERITY_FAILURE, "signer-unexpected", check->name, 0,
                   "signed by %s, whose fingerprint is %s; %s is expected", signature->subject,
                   signature->fingerprint, trust->signer);
    trusted = false;
  }
  /* the one that was asked for needs nobody else's word */
  if (!trust->signer || trust->ca_file) {
    VMF_TRY(build_chain(check, &chain, error));
    trusted = tell_chain(check, &chain, severity) && trusted;
  }
  signature->trusted = trusted && signature->good && !check->unfit;
  return VMF_OK;
}

/* ---- CMS ---- */

static bool has_content(CMS_ContentInfo *cms)
{
  ASN1_OCTET_STRING **content = CMS_get0_content(cms);
  return content && *content;
}

/* Certificates that the CMS part or the file has. */
static STACK_OF(X509) * collect_certificates(const struct vmf_certificate_check *check)
{
  STACK_OF(X509) *all = sk_X509_new_null();

  if (!all)
    return NULL;
  if ((check->signer && X509_add_cert(all, check->signer, X509_ADD_FLAG_UP_REF) != 1) ||
      X509_add_certs(all, check->others, X509_ADD_FLAG_UP_REF) != 1) {
    sk_X509_pop_free(all, X509_free);
    return NULL;
  }
  return all;
}

/* The certificates inside help to build the chain. */
static bool keep_certificates(struct vmf_certificate_check *check, CMS_ContentInfo *cms)
{
  STACK_OF(X509) *inside = CMS_get1_certs(cms);
  bool kept = true;

  if (inside)
    kept = X509_add_certs(check->others, inside, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP) == 1;
  sk_X509_pop_free(inside, X509_free);
  return kept;
}

/* All who signed the CMS part must be the signer. */
static bool compare_signers(struct vmf_certificate_check *check, CMS_ContentInfo *cms)
{
  STACK_OF(X509) *signers = CMS_get0_signers(cms);
  bool same = sk_X509_num(signers) > 0;

  if (same && !check->signer && X509_up_ref(sk_X509_value(signers, 0)) == 1)
    check->signer = sk_X509_value(signers, 0);
  for (int i = 0; i < sk_X509_num(signers); i++)
    same = same && check->signer && X509_cmp(sk_X509_value(signers, i), check->signer) == 0;
  sk_X509_free(signers);
  if (!same)
    vmf_certificate_fail(
        check, "signature-cms-wrong",
        "the CMS part is signed by another certificate than the first one in the file");
  return same;
}

/* OpenSSL hashes by what this field says, whatever the algorithm of the signature is called. */
static void check_digests(struct vmf_certificate_check *check, CMS_ContentInfo *cms)
{
  STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);

  for (int i = 0; i < sk_CMS_SignerInfo_num(infos); i++) {
    X509_ALGOR *algorithm = NULL;
    CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(infos, i), NULL, NULL, &algorithm, NULL);
    int nid = algorithm ? OBJ_obj2nid(algorithm->algorithm) : NID_undef;
    if (!vmf_certificate_digest_holds(nid))
      vmf_certificate_unfit(
          check, "signature-weak", 0,
          "the CMS part is made with %s; SHA-224 to SHA-512 and SHA-3 are digests "
          "for which no forgeries can be made",
          nid == NID_undef ? "an unknown digest" : OBJ_nid2sn(nid));
  }
}

enum vmf_code vmf_certificate_check_cms(struct vmf_certificate_check *check, CMS_ContentInfo *cms,
                                        bool *good, struct vmf_error *error)
{
  const unsigned flags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;

  *good = false;
  if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed) {
    vmf_certificate_fail(check, "signature-cms-wrong", "the CMS part is no signature");
    return VMF_OK;
  }
  if (has_content(cms))
    vmf_report_add(check->report, VMF_SEVERITY_WARNING, "signature-form", check->name, 0,
                   "the CMS part has a content of its own; a detached one is expected");
  if (!keep_certificates(check, cms))
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for certificates", check->name);
  STACK_OF(X509) *certificates = collect_certificates(check);
  BIO *manifest = BIO_new_mem_buf(check->manifest, (int)check->manifest_length);
  enum vmf_code code = VMF_OK;
  if (!certificates || !manifest)
    code = vmf_fail(error, VMF_NOMEM, "%s: no memory for a CMS signature", check->name);
  else if (CMS_verify(cms, certificates, NULL, manifest, NULL, flags) == 1)
    *good = compare_signers(check, cms);
  else
    vmf_certificate_fail(check, "signature-cms-wrong",
                         "the CMS signature is not right for the manifest: %s", vmf_pem_reason());
  if (*good)
    check_digests(check, cms);
  ERR_clear_error();
  BIO_free(manifest);
  sk_X509_pop_free(certificates, X509_free);
  return code;
}
