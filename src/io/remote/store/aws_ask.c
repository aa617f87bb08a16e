/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The variables are those of the AWS tools. What the machine itself has is never asked by way of a
 * proxy, redirections are not followed, and over plain http only this machine and the addresses
 * that such services have are asked. */
#include "aws_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#ifdef VMF_HAVE_JANSSON
#include <jansson.h>
#endif

#include "memory.h"

static const char *variable(const char *name)
{
  const char *value = getenv(name);

  return value && value[0] ? value : NULL;
}

/* An instance's own service is asked where that is said: elsewhere its address may be anybody's. */
static bool asks_instance(void)
{
  const char *disabled = variable("AWS_EC2_METADATA_DISABLED");

  if (disabled && strcasecmp(disabled, "false") != 0)
    return false;
  return disabled || variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
}

bool vmf_aws_has_identity(void)
{
  return variable(VMF_AWS_IDENTITY_FILE) != NULL;
}

bool vmf_aws_may_ask(void)
{
  return variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ||
         variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") || asks_instance();
}

#if defined VMF_HAVE_CURL && defined VMF_HAVE_JANSSON

#include "s3.h"
#include "web_call.h"

enum { CONNECT_MS = 1000, ANSWER_MS = 5000, TRIES = 3, TOKEN_BYTES = 16 << 10 };
enum { FAR_MS = 15000 /* for who is not of the machine */ };

struct asking {
  const char *name;
  bool far;         /* who is asked is not of the machine */
  const char *body; /* or NULL */
  struct vmf_web_line line;
  struct vmf_web_call *call; /* owned */
};

/* ---- whom ---- */

/* Over plain http, keys are taken from nobody who could be far away. */
static bool is_near(const char *url)
{
  static const char *const near[] = {"127.0.0.1",      "localhost",      "[::1]",
                                     "169.254.170.2",  "169.254.170.23", "169.254.169.254",
                                     "[fd00:ec2::23]", "[fd00:ec2::254]"};
  const char *host = url + strlen("http://");

  if (strncasecmp(url, "https://", 8) == 0)
    return true;
  if (strncasecmp(url, "http://", 7) != 0)
    return false;
  size_t length = strcspn(host, host[0] == '[' ? "]" : ":/");
  length += host[length] == ']';
  if (!strchr(":/", host[length]))
    return false;
  for (size_t i = 0; i < sizeof near / sizeof near[0]; i++)
    if (strlen(near[i]) == length && strncasecmp(host, near[i], length) == 0)
      return true;
  return false;
}

static enum vmf_code check_url(const struct asking *asking, const char *url,
                               struct vmf_error *error)
{
  bool good = is_near(url);

  for (const char *c = url; *c; c++)
    good &= (unsigned char)*c > ' ' && *c != 0x7f && *c != '@';
  return good ? VMF_OK
              : vmf_fail(error, VMF_REFUSED,
                         "%s: the environment (AWS) says to ask %.200s for keys, expected an https "
                         "URL, or http on this machine or at 169.254.170.2, 169.254.170.23 or "
                         "169.254.169.254",
                         asking->name, url);
}

/* ---- asking ---- */

/* header: one more, or NULL. The answer is in asking->call. */
static enum vmf_code ask_once(struct asking *asking, const char *method, const char *url,
                              const char *header, struct vmf_attempt *attempt,
                              struct vmf_error *error)
{
  struct vmf_web_line *line = &asking->line;

  if (!line->curl)
    line->curl = vmf_curl_new(line->reason, false);
  asking->call->method = method;
  asking->call->url = url;
  asking->call->headers = NULL;
  asking->call->body = asking->body;
  asking->call->length = asking->body ? strlen(asking->body) : 0;
  if (!line->curl ||
      vmf_curl.curl_easy_setopt(line->curl, CURLOPT_CONNECTTIMEOUT_MS,
                                (long)(asking->far ? FAR_MS : CONNECT_MS)) != CURLE_OK ||
      vmf_curl.curl_easy_setopt(line->curl, CURLOPT_TIMEOUT_MS,
                                (long)(asking->far ? FAR_MS : ANSWER_MS)) != CURLE_OK ||
      (!asking->far && vmf_curl.curl_easy_setopt(line->curl, CURLOPT_PROXY, "") != CURLE_OK) ||
      (header && !vmf_curl_header(&asking->call->headers, header)))
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for a request", asking->name);
  return vmf_web_call(line, asking->name, asking->call, attempt, error);
}

static enum vmf_code ask(struct asking *asking, const char *method, const char *url,
                         const char *header, struct vmf_error *error)
{
  struct vmf_attempt attempt;
  enum vmf_code code;
  bool busy;

  VMF_TRY(check_url(asking, url, error));
  for (int count = 1;; count++) {
    attempt = (struct vmf_attempt){0};
    code = ask_once(asking, method, url, header, &attempt, error);
    bool again =
        code == VMF_OK ? vmf_http_status_again(asking->call->status, &busy) : attempt.again;
    if (!again || count == TRIES)
      break;
  }
  if (code != VMF_OK)
    return vmf_while(error, "asking %.200s for keys", url);
  if (asking->call->status == 200)
    return VMF_OK;
  char reason[256];
  vmf_s3_reason(asking->call->came.text, asking->call->came.head.type, reason, sizeof reason);
  return vmf_fail(error, VMF_SYSTEM,
                  "%s: who is to give keys (AWS) answers with status %ld%s: %.200s", asking->name,
                  asking->call->status, reason, url);
}

/* ---- what is answered ---- */

static enum vmf_code copy_member(const json_t *object, const char *key, char **copy,
                                 struct vmf_error *error)
{
  const char *text = json_string_value(json_object_get(object, key));

  return text && text[0] ? vmf_copy_text(text, copy, error) : VMF_OK;
}

static enum vmf_code take_keys(struct asking *asking, struct vmf_aws_keys *keys,
                               struct vmf_error *error)
{
  json_error_t ignored;
  json_t *object = json_loads(asking->call->came.text, JSON_REJECT_DUPLICATES, &ignored);
  enum vmf_code code = copy_member(object, "AccessKeyId", &keys->id, error);

  if (code == VMF_OK)
    code = copy_member(object, "SecretAccessKey", &keys->secret, error);
  if (code == VMF_OK)
    code = copy_member(object, "Token", &keys->token, error);
  json_decref(object);
  explicit_bzero(asking->call->came.text, sizeof asking->call->came.text);
  if (code != VMF_OK || (keys->id && keys->secret))
    return code;
  return vmf_fail(error, VMF_SYSTEM,
                  "%s: who is to give keys (AWS) answers without any, expected JSON with "
                  "AccessKeyId and SecretAccessKey",
                  asking->name);
}

/* ---- a container ---- */

/* Half of a token would be refused by who is asked, for a reason that tells nobody why. */
static enum vmf_code check_token(FILE *file, const char *path, const char *token, size_t length,
                                 struct vmf_error *error)
{
  if (ferror(file))
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: the token for keys (AWS) cannot be read", path);
  if (length > TOKEN_BYTES)
    return vmf_fail(
        error, VMF_LIMIT,
        "%s: the token for keys (AWS) has more than %d bytes: is it a file with a token?", path,
        TOKEN_BYTES);
  if (token[0] == '\0')
    return vmf_fail(error, VMF_USAGE, "%s: has no token for keys (AWS) in its first line", path);
  return VMF_OK;
}

/* What the file has in it, without the end of its line. */
static enum vmf_code read_token(const char *path, char **token, struct vmf_error *error)
{
  FILE *file = fopen(path, "re");
  void *memory;

  if (!file)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: the token for keys (AWS) cannot be read", path);
  enum vmf_code code = vmf_alloc(TOKEN_BYTES + 2, &memory, error);
  if (code == VMF_OK) {
    *token = memory;
    size_t length = fread(*token, 1, TOKEN_BYTES + 1, file);
    (*token)[strcspn(*token, "\r\n")] = '\0';
    code = check_token(file, path, *token, length, error);
  }
  fclose(file);
  return code;
}

/* *header: NULL, where the environment has no token. */
static enum vmf_code container_header(const struct asking *asking, char **header,
                                      struct vmf_error *error)
{
  const char *file = variable(VMF_AWS_TOKEN_FILE);
  const char *token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  VMF_AUTO_FREE char *read = NULL;

  *header = NULL;
  if (file)
    VMF_TRY(read_token(file, &read, error));
  token = read ? read : token;
  if (!token)
    return VMF_OK;
  if (strpbrk(token, "\r\n"))
    return vmf_fail(error, VMF_USAGE,
                    "%s: the token for keys (AWS) has a line's end in it, expected none",
                    asking->name);
  return vmf_format(header, error, "Authorization: %s", token);
}

static enum vmf_code ask_container(struct asking *asking, struct vmf_aws_keys *keys,
                                   struct vmf_error *error)
{
  const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  VMF_AUTO_FREE char *url = NULL, *header = NULL;

  VMF_TRY(relative ? vmf_format(&url, error, "http://169.254.170.2%s%s",
                                relative[0] == '/' ? "" : "/", relative)
                   : vmf_copy_text(full, &url, error));
  VMF_TRY(container_header(asking, &header, error));
  VMF_TRY(ask(asking, "GET", url, header, error));
  return take_keys(asking, keys, error);
}

/* ---- an instance: IMDSv2 ---- */

/* The first line of the answer, a word of which a header or a URL can be made. */
static enum vmf_code take_word(struct asking *asking, const char *what, char **word,
                               struct vmf_error *error)
{
  char *text = asking->call->came.text;
  size_t length = strcspn(text, "\r\n");
  bool good = length > 0 && length < 2048;

  for (size_t i = 0; i < length; i++)
    good &= (unsigned char)text[i] > ' ' && text[i] != 0x7f;
  return good ? vmf_copy_bytes(text, length, word, error)
              : vmf_fail(error, VMF_SYSTEM,
                         "%s: the metadata service of the instance (AWS) answers without %s",
                         asking->name, what);
}

static enum vmf_code ask_instance(struct asking *asking, struct vmf_aws_keys *keys,
                                  struct vmf_error *error)
{
  const char *named = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  VMF_AUTO_FREE char *base = NULL, *url = NULL, *session = NULL, *header = NULL, *role = NULL,
                     *whole = NULL;

  VMF_TRY(vmf_copy_text(named ? named : "http://169.254.169.254", &base, error));
  for (size_t i = strlen(base); i > 0 && base[i - 1] == '/'; i--)
    base[i - 1] = '\0';
  VMF_TRY(vmf_format(&url, error, "%s/latest/api/token", base));
  VMF_TRY(ask(asking, "PUT", url, "X-aws-ec2-metadata-token-ttl-seconds: 21600", error));
  VMF_TRY(take_word(asking, "a token", &session, error));
  VMF_TRY(vmf_format(&header, error, "X-aws-ec2-metadata-token: %s", session));
  vmf_free(url);
  url = NULL;
  VMF_TRY(vmf_format(&url, error, "%s/latest/meta-data/iam/security-credentials/", base));
  VMF_TRY(ask(asking, "GET", url, header, error));
  VMF_TRY(take_word(asking, "a role", &role, error));
  VMF_TRY(vmf_format(&whole, error, "%s%s", url, role));
  VMF_TRY(ask(asking, "GET", whole, header, error));
  return take_keys(asking, keys, error);
}

/* ---- a web identity: STS, AssumeRoleWithWebIdentity ---- */

/* Without a region's host the one that is said for all services. */
static enum vmf_code identity_url(const char *region, char **url, struct vmf_error *error)
{
  const char *own = variable("AWS_ENDPOINT_URL_STS"), *all = variable("AWS_ENDPOINT_URL");

  own = own ? own : all;
  if (own)
    return vmf_format(url, error, "%s%s", own, own[strlen(own) - 1] == '/' ? "" : "/");
  return vmf_format(url, error, "https://sts.%s.amazonaws.com%s/", region,
                    strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

static enum vmf_code copy_element(const char *xml, const char *name, char **copy,
                                  struct vmf_error *error)
{
  char text[8 << 10];
  enum vmf_code code = VMF_OK;

  if (vmf_s3_element(xml, name, text, sizeof text) && text[0])
    code = vmf_copy_text(text, copy, error);
  explicit_bzero(text, sizeof text);
  return code;
}

static enum vmf_code take_elements(struct asking *asking, struct vmf_aws_keys *keys,
                                   struct vmf_error *error)
{
  char *text = asking->call->came.text;
  enum vmf_code code = copy_element(text, "AccessKeyId", &keys->id, error);

  if (code == VMF_OK)
    code = copy_element(text, "SecretAccessKey", &keys->secret, error);
  if (code == VMF_OK)
    code = copy_element(text, "SessionToken", &keys->token, error);
  explicit_bzero(text, sizeof asking->call->came.text);
  if (code != VMF_OK || (keys->id && keys->secret && keys->token))
    return code;
  return vmf_fail(error, VMF_SYSTEM,
                  "%s: who is to give keys (AWS STS) answers without any, expected XML with "
                  "AccessKeyId, SecretAccessKey and SessionToken",
                  asking->name);
}

/* What is sent: the token is a secret. */
static enum vmf_code identity_body(const struct asking *asking, char **body,
                                   struct vmf_error *error)
{
  const char *role = variable("AWS_ROLE_ARN"), *session = variable("AWS_ROLE_SESSION_NAME");
  VMF_AUTO_FREE char *token = NULL, *sent = NULL, *arn = NULL, *name = NULL;

  if (!role)
    return vmf_fail(error, VMF_USAGE,
                    "%s: " VMF_AWS_IDENTITY_FILE " is set without AWS_ROLE_ARN, expected both",
                    asking->name);
  VMF_TRY(vmf_aws_escape(role, "", &arn, error));
  VMF_TRY(vmf_aws_escape(session ? session : "vmferry", "", &name, error));
  VMF_TRY(read_token(variable(VMF_AWS_IDENTITY_FILE), &token, error));
  enum vmf_code code = vmf_aws_escape(token, "", &sent, error);
  explicit_bzero(token, strlen(token));
  VMF_TRY(code);
  code = vmf_format(body, error,
                    "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=%s"
                    "&RoleSessionName=%s&WebIdentityToken=%s",
                    arn, name, sent);
  explicit_bzero(sent, strlen(sent));
  return code;
}

static enum vmf_code ask_identity(struct asking *asking, const char *region,
                                  struct vmf_aws_keys *keys, struct vmf_error *error)
{
  VMF_AUTO_FREE char *url = NULL, *body = NULL;

  VMF_TRY(identity_url(region, &url, error));
  VMF_TRY(identity_body(asking, &body, error));
  asking->far = true;
  asking->body = body;
  asking->call->type = "application/x-www-form-urlencoded";
  enum vmf_code code = ask(asking, "POST", url, NULL, error);
  explicit_bzero(body, strlen(body));
  asking->body = NULL;
  return code == VMF_OK ? take_elements(asking, keys, error) : code;
}

enum vmf_code vmf_aws_ask(const char *name, const char *region, struct vmf_aws_keys *keys,
                          struct vmf_error *error)
{
  struct asking asking = {.name = name};
  void *memory;

  VMF_TRY(vmf_curl_load(name, error));
  VMF_TRY(vmf_alloc(sizeof *asking.call, &memory, error));
  asking.call = memory;
  bool container = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ||
                   variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  enum vmf_code code = vmf_aws_has_identity() ? ask_identity(&asking, region, keys, error)
                       : container            ? ask_container(&asking, keys, error)
                                              : ask_instance(&asking, keys, error);
  vmf_web_line_close(&asking.line);
  vmf_free(asking.call);
  return code;
}

#else

enum vmf_code vmf_aws_ask(const char *name, const char *region, struct vmf_aws_keys *keys,
                          struct vmf_error *error)
{
  (void)region, (void)keys;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: this build is without libcurl or jansson, which ask the machine for keys "
                  "(AWS): eval \"$(aws configure export-credentials --format env)\"",
                  name);
}

#endif
