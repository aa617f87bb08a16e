/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "s3.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "memory.h"

enum { BUCKET_BYTES = 255, LABEL_BYTES = 63 };

/* ---- names ---- */

static enum vmf_code take_names(const char *url, const char *name, struct vmf_s3 *s3,
                                struct vmf_error *error)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  const char *bucket = url + strlen("s3://");
  size_t length = strspn(bucket, letters);

  if (length == 0 || length > BUCKET_BYTES || bucket[length] != '/' || !bucket[length + 1])
    return vmf_fail(error, VMF_USAGE,
                    "%s: is no object of a store, expected s3://BUCKET/KEY; a bucket's name has "
                    "letters, digits, \".\", \"-\" and \"_\"",
                    name);
  if (strlen(bucket + length + 1) > VMF_S3_KEY)
    return vmf_fail(error, VMF_USAGE, "%s: the key has %zu bytes, expected at most %d", name,
                    strlen(bucket + length + 1), VMF_S3_KEY);
  VMF_TRY(vmf_copy_bytes(bucket, length, &s3->bucket, error));
  return vmf_copy_text(bucket + length + 1, &s3->key, error);
}

/* Whether the bucket can be the first part of a host's name that a certificate is for. */
static bool is_label(const char *bucket)
{
  size_t length = strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-");

  return bucket[length] == '\0' && length >= 3 && length <= LABEL_BYTES && bucket[0] != '-' &&
         bucket[length - 1] != '-';
}

/* A word of a host's name. */
static bool is_region(const char *region)
{
  size_t length = strspn(region, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

  return length > 0 && length <= LABEL_BYTES && region[length] == '\0';
}

/* ---- places ---- */

/* The usual port is not in what libcurl sends as the host. */
static void drop_port(char *origin, bool tls)
{
  const char *usual = tls ? ":443" : ":80";
  size_t length = strlen(origin), tail = strlen(usual);

  if (length > tail && strcmp(origin + length - tail, usual) == 0)
    origin[length - tail] = '\0';
}

static enum vmf_code place_at(struct vmf_s3 *s3, const char *endpoint, const char *name,
                              const char *escaped, struct vmf_error *error)
{
  size_t scheme = strncasecmp(endpoint, "https://", 8) == 0  ? 8
                  : strncasecmp(endpoint, "http://", 7) == 0 ? 7
                                                             : 0;
  size_t host = strcspn(endpoint + scheme, "/");

  bool good = scheme > 0 && host > 0;
  for (const char *c = endpoint; *c; c++)
    good &= (unsigned char)*c > 0x20 && *c != 0x7f && !strchr("?#@", *c);
  if (!good)
    return vmf_fail(error, VMF_USAGE,
                    "%s: the endpoint is \"%.120s\", expected http://HOST[:PORT] or "
                    "https://HOST[:PORT]",
                    name, endpoint);
  s3->tls = scheme == 8;
  VMF_TRY(vmf_copy_bytes(endpoint, scheme + host, &s3->origin, error));
  drop_port(s3->origin, s3->tls);
  s3->host = s3->origin + scheme;
  VMF_TRY(vmf_format(&s3->root, error, "%s/%s/", endpoint + scheme + host, s3->bucket));
  return vmf_format(&s3->path, error, "%s%s", s3->root, escaped);
}

/* Of AWS: the bucket is a part of the host's name where it can be one. */
static enum vmf_code place_at_amazon(struct vmf_s3 *s3, const char *escaped,
                                     struct vmf_error *error)
{
  const char *region = s3->who.region;
  bool label = is_label(s3->bucket);

  s3->tls = true;
  VMF_TRY(vmf_format(&s3->origin, error, "https://%s%ss3.%s.amazonaws.com%s",
                     label ? s3->bucket : "", label ? "." : "", region,
                     strncmp(region, "cn-", 3) == 0 ? ".cn" : ""));
  s3->host = s3->origin + strlen("https://");
  VMF_TRY(vmf_format(&s3->root, error, "/%s%s", label ? "" : s3->bucket, label ? "" : "/"));
  return vmf_format(&s3->path, error, "%s%s", s3->root, escaped);
}

static enum vmf_code place(struct vmf_s3 *s3, const char *name, struct vmf_error *error)
{
  VMF_AUTO_FREE char *escaped = NULL;

  if (!is_region(s3->who.region))
    return vmf_fail(error, VMF_USAGE,
                    "%s: the region is \"%.80s\", expected letters, digits and \"-\"", name,
                    s3->who.region);
  VMF_TRY(vmf_aws_escape(s3->key, "/", &escaped, error));
  return s3->who.endpoint ? place_at(s3, s3->who.endpoint, name, escaped, error)
                          : place_at_amazon(s3, escaped, error);
}

static void forget_place(struct vmf_s3 *s3)
{
  vmf_free(s3->origin);
  vmf_free(s3->path);
  vmf_free(s3->root);
  s3->origin = s3->path = s3->root = NULL;
}

enum vmf_code vmf_s3_new(const char *url, const char *name, struct vmf_s3 **s3,
                         struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof **s3, &memory, error));
  struct vmf_s3 *made = memory;
  pthread_mutex_init(&made->lock, NULL);
  enum vmf_code code = take_names(url, name, made, error);
  if (code == VMF_OK)
    code = vmf_aws_credentials_find(name, &made->who, error);
  if (code == VMF_OK)
    code = place(made, name, error);
  if (code == VMF_OK)
    *s3 = made;
  else
    vmf_s3_free(made);
  return code;
}

void vmf_s3_free(struct vmf_s3 *s3)
{
  if (!s3)
    return;
  forget_place(s3);
  vmf_aws_credentials_clear(&s3->who);
  pthread_mutex_destroy(&s3->lock);
  vmf_free(s3->bucket);
  vmf_free(s3->key);
  vmf_free(s3);
}

enum vmf_code vmf_s3_move(struct vmf_s3 *s3, const char *region, struct vmf_error *error)
{
  char *copy;

  VMF_TRY(vmf_copy_text(region, &copy, error));
  vmf_free(s3->who.region);
  s3->who.region = copy;
  forget_place(s3);
  return place(s3, "the server", error);
}

/* ---- requests ---- */

enum vmf_code vmf_s3_url(const struct vmf_s3 *s3, const char *path, const char *query, char **url,
                         struct vmf_error *error)
{
  return vmf_format(url, error, "%s%s%s%s", s3->origin, path, query[0] ? "?" : "", query);
}

enum vmf_code vmf_s3_sign(struct vmf_s3 *s3, const char *method, const char *path,
                          const char *query, const void *body, size_t length,
                          char *lines[VMF_AWS_LINES + 1], struct vmf_error *error)
{
  struct vmf_aws_request request = {
      .method = method, .host = s3->host, .path = path, .query = query, .payload = VMF_AWS_EMPTY};
  char digits[VMF_AWS_DIGITS];

  if (length > 0 && s3->tls)
    request.payload = VMF_AWS_UNSIGNED;
  else if (length > 0) {
    VMF_TRY(vmf_aws_digest(body, length, digits, error));
    request.payload = digits;
  }
  pthread_mutex_lock(&s3->lock);
  enum vmf_code code =
      vmf_aws_sign(&s3->who, &request, time(NULL) + atomic_load(&s3->skew), lines, error);
  pthread_mutex_unlock(&s3->lock);
  return code;
}

static void swap(char **one, char **other)
{
  char *kept = *one;

  *one = *other;
  *other = kept;
}

/* Those of another thread count, too, which has looked for them because of the same answer. */
bool vmf_s3_renew(struct vmf_s3 *s3, const char *name)
{
  enum { JUST_NOW = 60 /* seconds */ };
  struct vmf_aws_credentials found;
  struct vmf_error ignored;

  if (vmf_aws_credentials_find(name, &found, &ignored) != VMF_OK)
    return false;
  pthread_mutex_lock(&s3->lock);
  time_t now = time(NULL);
  if (found.token && (!s3->who.token || strcmp(found.token, s3->who.token) != 0)) {
    swap(&s3->who.id, &found.id);
    swap(&s3->who.secret, &found.secret);
    swap(&s3->who.token, &found.token);
    s3->renewed = now;
  }
  bool good = s3->renewed > 0 && now - s3->renewed < JUST_NOW;
  pthread_mutex_unlock(&s3->lock);
  vmf_aws_credentials_clear(&found);
  return good;
}

void vmf_s3_set_clock(struct vmf_s3 *s3, time_t now)
{
  atomic_store(&s3->skew, now - time(NULL));
}

/* ---- answers ---- */

/* The five entities that XML has, in place; others stay. */
static void resolve(char *text)
{
  static const struct {
    const char *entity;
    char character;
  } rows[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}};
  char *out = text;

  while (*text) {
    size_t i = 0;
    while (i < 5 && strncmp(text, rows[i].entity, strlen(rows[i].entity)) != 0)
      i++;
    *out++ = i < 5 ? rows[i].character : *text;
    text += i < 5 ? strlen(rows[i].entity) : 1;
  }
  *out = '\0';
}

bool vmf_s3_element(const char *xml, const char *name, char *text, size_t room)
{
  char start[64], end[64];

  snprintf(start, sizeof start, "<%s>", name);
  snprintf(end, sizeof end, "</%s>", name);
  const char *from = strstr(xml, start);
  from = from ? from + strlen(start) : NULL;
  const char *to = from ? strstr(from, end) : NULL;
  if (!to || (size_t)(to - from) >= room)
    return false;
  memcpy(text, from, (size_t)(to - from));
  text[to - from] = '\0';
  resolve(text);
  return true;
}

void vmf_s3_reason(const char *body, const char *type, char *reason, size_t room)
{
  char code[80], message[1024];

  reason[0] = '\0';
  if (vmf_s3_element(body, "Code", code, sizeof code)) {
    bool more = vmf_s3_element(body, "Message", message, sizeof message);
    snprintf(reason, room, ": %s%s%.160s", code, more ? ": " : "", more ? message : "");
  } else if (strcasecmp(type, "text/plain") == 0 && body[0]) {
    snprintf(reason, room, ": %.*s",
             (int)strcspn(body, "\r\n") > 160 ? 160 : (int)strcspn(body, "\r\n"), body);
  }
}
