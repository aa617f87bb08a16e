/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "aws_sign.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "memory.h"

enum { DATE_LENGTH = 8 };

static const char algorithm[] = "AWS4-HMAC-SHA256";

enum vmf_code vmf_aws_digest(const void *bytes, size_t length, char digits[VMF_AWS_DIGITS],
                             struct vmf_error *error)
{
  uint8_t digest[VMF_DIGEST_MAX];

  VMF_TRY(vmf_digest_bytes(VMF_SHA256, bytes, length, digest, error));
  vmf_digest_text(digest, VMF_SHA256_BYTES, digits);
  return VMF_OK;
}

enum vmf_code vmf_aws_escape(const char *text, const char *kept, char **escaped,
                             struct vmf_error *error)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  void *memory;

  VMF_TRY(vmf_alloc(3 * strlen(text) + 1, &memory, error));
  char *out = *escaped = memory;
  for (; *text; text++)
    if (strchr(plain, *text) || strchr(kept, *text))
      *out++ = *text;
    else
      out += sprintf(out, "%%%02X", (unsigned char)*text);
  *out = '\0';
  return VMF_OK;
}

/* The names and values of the headers that are signed, each with its line's end. */
static enum vmf_code list_headers(const struct vmf_aws_request *request, const char *token,
                                  const char *time, char **headers, struct vmf_error *error)
{
  return vmf_format(headers, error, "host:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n%s%s%s",
                    request->host, request->payload, time, token ? "x-amz-security-token:" : "",
                    token ? token : "", token ? "\n" : "");
}

static const char *signed_names(const char *token)
{
  return token ? "host;x-amz-content-sha256;x-amz-date;x-amz-security-token"
               : "host;x-amz-content-sha256;x-amz-date";
}

/* The digest of the canonical request. */
static enum vmf_code digest_request(const struct vmf_aws_request *request, const char *token,
                                    const char *time, char digits[VMF_AWS_DIGITS],
                                    struct vmf_error *error)
{
  VMF_AUTO_FREE char *headers = NULL, *whole = NULL;

  VMF_TRY(list_headers(request, token, time, &headers, error));
  VMF_TRY(vmf_format(&whole, error, "%s\n%s\n%s\n%s\n%s\n%s", request->method, request->path,
                     request->query, headers, signed_names(token), request->payload));
  return vmf_aws_digest(whole, strlen(whole), digits, error);
}

static enum vmf_code first_key(const char *secret, const char *date, uint8_t key[VMF_SHA256_BYTES],
                               struct vmf_error *error)
{
  char *text = NULL;

  VMF_TRY(vmf_format(&text, error, "AWS4%s", secret));
  enum vmf_code code = vmf_hmac_sha256(text, strlen(text), date, strlen(date), key, error);
  explicit_bzero(text, strlen(text));
  vmf_free(text);
  return code;
}

static enum vmf_code sign_text(const struct vmf_aws_credentials *credentials, const char *date,
                               const char *text, char signature[VMF_AWS_DIGITS],
                               struct vmf_error *error)
{
  const char *const steps[] = {credentials->region, "s3", "aws4_request", text};
  uint8_t key[VMF_SHA256_BYTES];
  enum vmf_code code = first_key(credentials->secret, date, key, error);

  for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == VMF_OK; i++)
    code = vmf_hmac_sha256(key, sizeof key, steps[i], strlen(steps[i]), key, error);
  if (code == VMF_OK)
    vmf_digest_text(key, sizeof key, signature);
  explicit_bzero(key, sizeof key);
  return code;
}

static enum vmf_code make_lines(const struct vmf_aws_credentials *credentials,
                                const struct vmf_aws_request *request, const char *time,
                                char *lines[VMF_AWS_LINES + 1], struct vmf_error *error)
{
  VMF_AUTO_FREE char *scope = NULL, *text = NULL;
  char digits[VMF_AWS_DIGITS], date[DATE_LENGTH + 1];

  snprintf(date, sizeof date, "%.8s", time);
  VMF_TRY(digest_request(request, credentials->token, time, digits, error));
  VMF_TRY(vmf_format(&scope, error, "%s/%s/s3/aws4_request", date, credentials->region));
  VMF_TRY(vmf_format(&text, error, "%s\n%s\n%s\n%s", algorithm, time, scope, digits));
  VMF_TRY(sign_text(credentials, date, text, digits, error));
  VMF_TRY(vmf_format(&lines[0], error,
                     "Authorization: %s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                     algorithm, credentials->id, scope, signed_names(credentials->token), digits));
  VMF_TRY(vmf_format(&lines[1], error, "x-amz-date: %s", time));
  VMF_TRY(vmf_format(&lines[2], error, "x-amz-content-sha256: %s", request->payload));
  return credentials->token
             ? vmf_format(&lines[3], error, "x-amz-security-token: %s", credentials->token)
             : VMF_OK;
}

enum vmf_code vmf_aws_sign(const struct vmf_aws_credentials *credentials,
                           const struct vmf_aws_request *request, time_t now,
                           char *lines[VMF_AWS_LINES + 1], struct vmf_error *error)
{
  char time[32];
  struct tm parts;

  memset(lines, 0, (VMF_AWS_LINES + 1) * sizeof *lines);
  if (!credentials->secret)
    return VMF_OK;
  if (!gmtime_r(&now, &parts) || strftime(time, sizeof time, "%Y%m%dT%H%M%SZ", &parts) == 0)
    return vmf_fail(error, VMF_SYSTEM, "the clock of this machine tells no time");
  enum vmf_code code = make_lines(credentials, request, time, lines, error);
  if (code != VMF_OK)
    vmf_aws_lines_clear(lines);
  return code;
}

void vmf_aws_lines_clear(char *lines[VMF_AWS_LINES + 1])
{
  for (size_t i = 0; lines[i]; i++)
    vmf_free(lines[i]);
  memset(lines, 0, (VMF_AWS_LINES + 1) * sizeof *lines);
}
