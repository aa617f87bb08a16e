/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "s3_call.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "s3_request.h"
#include "text.h"

enum { MD5_LINE = 64, PART_LINE = 400 };
enum { UPLOADS_LISTED = 30, PARTS_LISTED = 100 /* of one answer, which has room for them */ };

/* ---- beginning ---- */

static enum vmf_code take_id(struct vmf_s3_upload *upload, const struct vmf_web_call *call,
                             struct vmf_error *error)
{
  char id[2048];

  if (!vmf_s3_element(call->came.text, "UploadId", id, sizeof id) || !id[0])
    return vmf_fail(error, VMF_WRITE,
                    "%s: the store answers without an upload id; is this a store that speaks S3?",
                    upload->name);
  return vmf_copy_text(id, &upload->id, error);
}

enum vmf_code vmf_s3_create(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                            struct vmf_error *error)
{
  VMF_AUTO_FREE struct vmf_s3_request *request = NULL;

  VMF_TRY(vmf_s3_request_new("POST", "uploads=", "beginning an upload", &request, error));
  VMF_TRY(vmf_s3_ask_around(upload, line, request, error));
  return take_id(upload, &request->call, error);
}

/* ---- what is there of another run ---- */

static enum vmf_code upload_query(const struct vmf_s3_upload *upload, const char *before,
                                  char **query, struct vmf_error *error)
{
  VMF_AUTO_FREE char *escaped = NULL;

  VMF_TRY(vmf_aws_escape(upload->id, "", &escaped, error));
  return vmf_format(query, error, "%suploadId=%s", before, escaped);
}

static const uint8_t no_md5[VMF_MD5_BYTES];

static bool is_known(const uint8_t md5[VMF_MD5_BYTES])
{
  return memcmp(md5, no_md5, VMF_MD5_BYTES) != 0;
}

/* "": there is no memory for it. */
static void md5_line(const void *bytes, size_t length, uint8_t md5[VMF_MD5_BYTES],
                     char line[MD5_LINE])
{
  uint8_t digest[VMF_DIGEST_MAX];
  unsigned char text[32];
  struct vmf_error ignored;

  line[0] = '\0';
  memset(md5, 0, VMF_MD5_BYTES);
  if (vmf_digest_bytes(VMF_MD5, bytes, length, digest, &ignored) != VMF_OK)
    return;
  memcpy(md5, digest, VMF_MD5_BYTES);
  EVP_EncodeBlock(text, digest, VMF_MD5_BYTES);
  snprintf(line, MD5_LINE, "Content-MD5: %s", (const char *)text);
}

static void etag_of(const uint8_t md5[VMF_MD5_BYTES], char etag[2 * VMF_MD5_BYTES + 3])
{
  char digits[2 * VMF_MD5_BYTES + 1];

  vmf_digest_text(md5, VMF_MD5_BYTES, digits);
  sprintf(etag, "\"%s\"", digits);
}

/* The text of each element of that name, one behind the other; *text: where to look on. Cuts the
 * text behind it. False: there is no more. */
static bool next_element(char **text, const char *name, char **inside)
{
  char start[64], end[64];

  snprintf(start, sizeof start, "<%s>", name);
  snprintf(end, sizeof end, "</%s>", name);
  char *from = strstr(*text, start), *to = from ? strstr(from, end) : NULL;
  if (!to)
    return false;
  *to = '\0';
  *inside = from + strlen(start);
  *text = to + 1;
  return true;
}

/* Times are of one form (ISO 8601, UTC), in which the later one is the larger text. */
static enum vmf_code take_latest(struct vmf_s3_upload *upload, char *text, struct vmf_error *error)
{
  char key[VMF_S3_KEY + 1], id[2048], begun[64], latest[64] = "";
  char *inside;

  while (next_element(&text, "Upload", &inside)) {
    if (!vmf_s3_element(inside, "Key", key, sizeof key) || strcmp(key, upload->s3->key) != 0 ||
        !vmf_s3_element(inside, "UploadId", id, sizeof id) || !id[0])
      continue;
    if (!vmf_s3_element(inside, "Initiated", begun, sizeof begun))
      begun[0] = '\0';
    if (upload->id && strcmp(begun, latest) < 0)
      continue;
    vmf_free(upload->id);
    upload->id = NULL;
    VMF_TRY(vmf_copy_text(id, &upload->id, error));
    memcpy(latest, begun, sizeof latest);
  }
  return VMF_OK;
}

enum vmf_code vmf_s3_find(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                          struct vmf_error *error)
{
  VMF_AUTO_FREE struct vmf_s3_request *request = NULL;
  VMF_AUTO_FREE char *escaped = NULL;
  VMF_AUTO_FREE char *query = NULL;

  VMF_TRY(vmf_aws_escape(upload->s3->key, "", &escaped, error));
  VMF_TRY(vmf_format(&query, error, "max-uploads=%d&prefix=%s&uploads=", UPLOADS_LISTED, escaped));
  VMF_TRY(vmf_s3_request_new("GET", query, "looking for what an interrupted run has sent", &request,
                             error));
  request->of_bucket = true;
  VMF_TRY(vmf_s3_ask_around(upload, line, request, error));
  return take_latest(upload, request->call.came.text, error);
}

/* An entity tag, with its quotes or without. */
static bool take_md5(const char *etag, uint8_t md5[VMF_MD5_BYTES])
{
  size_t length = strlen(etag);

  if (length == 2 * VMF_MD5_BYTES + 2 && etag[0] == '"' && etag[length - 1] == '"')
    etag++;
  else if (length != 2 * VMF_MD5_BYTES)
    return false;
  for (size_t i = 0; i < VMF_MD5_BYTES; i++) {
    int high = vmf_hex_digit(etag[2 * i]), low = vmf_hex_digit(etag[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    md5[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

/* *last: the number of the last one. */
static void take_parts(char *text, struct vmf_s3_listed *parts, unsigned most, unsigned *last)
{
  char etag[VMF_HTTP_VALUE], number[16], size[32];
  char *inside;

  while (next_element(&text, "Part", &inside)) {
    if (!vmf_s3_element(inside, "PartNumber", number, sizeof number) ||
        !vmf_s3_element(inside, "Size", size, sizeof size) ||
        !vmf_s3_element(inside, "ETag", etag, sizeof etag))
      continue;
    unsigned long place = strtoul(number, NULL, 10);
    if (place < 1 || place > most)
      continue;
    *last = (unsigned)place;
    parts[place - 1].size = strtoull(size, NULL, 10);
    parts[place - 1].known = take_md5(etag, parts[place - 1].md5);
  }
}

/* Finished, given up, or removed by a rule of the bucket. */
static bool is_gone(const struct vmf_web_call *call)
{
  char code[VMF_S3_CODE];

  vmf_s3_code_of(call, code);
  return call->status == 404 && strcmp(code, "NoSuchUpload") == 0;
}

enum vmf_code vmf_s3_list(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                          struct vmf_s3_listed *parts, unsigned most, bool *gone,
                          struct vmf_error *error)
{
  char before[80], more[16];
  unsigned last = 0, from;

  *gone = false;
  do {
    VMF_AUTO_FREE struct vmf_s3_request *request = NULL;
    VMF_AUTO_FREE char *query = NULL;
    from = last;
    snprintf(before, sizeof before, "max-parts=%d&part-number-marker=%u&", PARTS_LISTED, from);
    VMF_TRY(upload_query(upload, before, &query, error));
    VMF_TRY(vmf_s3_request_new("GET", query, "asking which parts are there", &request, error));
    enum vmf_code code = vmf_s3_ask_around(upload, line, request, error);
    *gone = code != VMF_OK && is_gone(&request->call);
    if (code != VMF_OK)
      return *gone ? VMF_OK : code;
    if (!vmf_s3_element(request->call.came.text, "IsTruncated", more, sizeof more))
      more[0] = '\0';
    take_parts(request->call.came.text, parts, most, &last);
  } while (strcmp(more, "true") == 0 && last > from);
  return VMF_OK;
}

enum vmf_code vmf_s3_foresee(const void *bytes, size_t length, struct vmf_s3_part *part,
                             struct vmf_error *error)
{
  char line[MD5_LINE], etag[2 * VMF_MD5_BYTES + 3] = "\"";

  md5_line(bytes, length, part->md5, line);
  etag_of(part->md5, etag);
  return vmf_copy_text(etag, &part->etag, error);
}

enum vmf_code vmf_s3_is_there(const struct vmf_s3_listed *listed, const void *bytes, size_t length,
                              bool *there, struct vmf_s3_part *part, struct vmf_error *error)
{
  *there = false;
  if (!listed->known || listed->size != length)
    return VMF_OK;
  VMF_TRY(vmf_s3_foresee(bytes, length, part, error));
  *there = is_known(part->md5) && memcmp(part->md5, listed->md5, VMF_MD5_BYTES) == 0;
  if (!*there) {
    vmf_free(part->etag);
    part->etag = NULL;
  }
  return VMF_OK;
}

/* ---- parts ---- */

/* An entity tag that is an MD5, of what nobody encrypted, is that of the bytes. */
static enum vmf_code check_etag(const struct vmf_s3_upload *upload, unsigned number,
                                const char *etag, const uint8_t md5[VMF_MD5_BYTES],
                                struct vmf_error *error)
{
  char expected[2 * VMF_MD5_BYTES + 3];

  if (!vmf_http_is_strong(etag) || strpbrk(etag, "<>&"))
    return vmf_fail(error, VMF_WRITE, "%s: part %u: the store answers with ETag %.100s",
                    upload->name, number, etag[0] ? etag : "missing");
  size_t length = strlen(etag);
  if (!is_known(md5) || length != sizeof expected - 1 ||
      strspn(etag + 1, "0123456789abcdefABCDEF") != 2 * VMF_MD5_BYTES)
    return VMF_OK;
  etag_of(md5, expected);
  if (strcasecmp(etag, expected) == 0)
    return VMF_OK;
  return vmf_fail(error, VMF_DIFFERENT,
                  "%s: part %u: the store has bytes with MD5 %s, and %s were sent", upload->name,
                  number, etag, expected);
}

/* Whether the store's tags say something of the bytes. */
static bool is_encrypted(const struct vmf_http_answer *answer)
{
  return answer->encryption[0] && strcmp(answer->encryption, "AES256") != 0;
}

enum vmf_code vmf_s3_put_part(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                              unsigned number, const void *bytes, size_t length,
                              struct vmf_s3_part *part, struct vmf_error *error)
{
  VMF_AUTO_FREE struct vmf_s3_request *request = NULL;
  VMF_AUTO_FREE char *query = NULL;
  char before[40], md5[MD5_LINE];

  snprintf(before, sizeof before, "partNumber=%u&", number);
  VMF_TRY(upload_query(upload, before, &query, error));
  VMF_TRY(vmf_s3_request_new("PUT", query, "sending a part", &request, error));
  request->body = bytes;
  request->length = length;
  md5_line(bytes, length, part->md5, md5);
  request->extra[0] = md5[0] ? md5 : NULL;
  VMF_TRY(vmf_s3_ask(upload, line, request, error));
  const struct vmf_http_answer *answer = &request->call.came.head;
  VMF_TRY(
      check_etag(upload, number, answer->etag, is_encrypted(answer) ? no_md5 : part->md5, error));
  return vmf_copy_text(answer->etag, &part->etag, error);
}

/* ---- the end ---- */

enum vmf_code vmf_s3_look(struct vmf_s3_upload *upload, struct vmf_web_line *line, bool *there,
                          char etag[VMF_HTTP_VALUE], struct vmf_error *error)
{
  VMF_AUTO_FREE struct vmf_s3_request *request = NULL;

  *there = false;
  etag[0] = '\0';
  VMF_TRY(vmf_s3_request_new("HEAD", "", "looking for the object", &request, error));
  enum vmf_code code = vmf_s3_ask(upload, line, request, error);
  if (request->call.status == 404 || request->call.status == 403)
    return VMF_OK;
  VMF_TRY(code);
  *there = true;
  memcpy(etag, request->call.came.head.etag, VMF_HTTP_VALUE);
  return VMF_OK;
}

static enum vmf_code list_parts(const struct vmf_s3_part *parts, unsigned count, char **list,
                                struct vmf_error *error)
{
  static const char start[] = "<CompleteMultipartUpload>", end[] = "</CompleteMultipartUpload>";
  void *memory;

  VMF_TRY(vmf_alloc((size_t)count * PART_LINE + sizeof start + sizeof end, &memory, error));
  char *out = memory;
  *list = memory;
  out += sprintf(out, "%s", start);
  for (unsigned i = 0; i < count; i++)
    out += snprintf(out, PART_LINE, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>",
                    i + 1, parts[i].etag);
  memcpy(out, end, sizeof end);
  return VMF_OK;
}

bool vmf_s3_tag(const struct vmf_s3_part *parts, unsigned count, char tag[VMF_S3_TAG])
{
  struct vmf_digest *md5 = NULL;
  uint8_t digest[VMF_DIGEST_MAX];
  char digits[2 * VMF_MD5_BYTES + 1];
  struct vmf_error ignored;

  bool good = vmf_digest_new(VMF_MD5, &md5, &ignored) == VMF_OK;
  for (unsigned i = 0; i < count && good; i++)
    good = is_known(parts[i].md5) &&
           vmf_digest_update(md5, parts[i].md5, VMF_MD5_BYTES, &ignored) == VMF_OK;
  good = good && vmf_digest_final(md5, digest, &ignored) == VMF_OK;
  vmf_digest_free(md5);
  if (!good)
    return false;
  vmf_digest_text(digest, VMF_MD5_BYTES, digits);
  snprintf(tag, VMF_S3_TAG, "\"%s-%u\"", digits, count);
  return true;
}

/* An answer that was lost may have been that it is done: then the upload is not there any more, or
 * the object is there already, and it is the one that was sent. libcurl itself asks again, too, by
 * a new connection. */
static bool was_completed(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                          const struct vmf_s3_part *parts, unsigned count)
{
  char found[VMF_HTTP_VALUE], expected[VMF_S3_TAG];
  struct vmf_error ignored;
  bool there;

  return vmf_s3_tag(parts, count, expected) &&
         vmf_s3_look(upload, line, &there, found, &ignored) == VMF_OK &&
         strcmp(found, expected) == 0;
}

static bool may_be_completed(const struct vmf_web_call *call, bool answered)
{
  char code[VMF_S3_CODE];

  vmf_s3_code_of(call, code);
  return answered || strcmp(code, "NoSuchUpload") == 0 || call->status == 412;
}

/* What is no error need not be from a store: it says that the object is whole, and of how many
 * parts where its tag is of the usual form (an MD5, and that number). */
static enum vmf_code check_end(const struct vmf_s3_upload *upload, const char *text, unsigned count,
                               struct vmf_error *error)
{
  char etag[VMF_HTTP_VALUE];
  unsigned made;

  if (!vmf_s3_is_document(text, "CompleteMultipartUploadResult"))
    return vmf_fail(error, VMF_WRITE,
                    "%s: finishing the upload: the store does not say that the object is whole",
                    upload->name);
  if (!vmf_s3_element(text, "ETag", etag, sizeof etag))
    return VMF_OK;
  const char *digits = etag + (etag[0] == '"');
  size_t length = strspn(digits, "0123456789abcdefABCDEF");
  if (length != 2 * VMF_MD5_BYTES || sscanf(digits + length, "-%6u", &made) != 1 || made == count)
    return VMF_OK;
  return vmf_fail(error, VMF_DIFFERENT,
                  "%s: %u parts were sent, and the store has made an object of %u of them (%.80s)",
                  upload->name, count, made, etag);
}

enum vmf_code vmf_s3_complete(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                              const struct vmf_s3_part *parts, unsigned count,
                              struct vmf_error *error)
{
  VMF_AUTO_FREE struct vmf_s3_request *request = NULL;
  VMF_AUTO_FREE char *query = NULL, *list = NULL;
  struct vmf_error why = {0};
  bool answered;

  VMF_TRY(upload_query(upload, "", &query, error));
  VMF_TRY(list_parts(parts, count, &list, error));
  VMF_TRY(vmf_s3_request_new("POST", query, "finishing the upload", &request, error));
  request->body = list;
  request->length = strlen(list);
  request->extra[0] = upload->new_only ? "If-None-Match: *" : NULL;
  request->slow = true;
  enum vmf_code code = vmf_s3_ask(upload, line, request, &why);
  answered = code == VMF_OK;
  if (answered)
    code = check_end(upload, request->call.came.text, count, &why);
  if (code != VMF_OK && may_be_completed(&request->call, answered) &&
      was_completed(upload, line, parts, count)) {
    (void)!vmf_s3_abort(upload, line, &why); /* it is there still where others sent the same */
    return VMF_OK;
  }
  if (code != VMF_OK && request->call.status == 412)
    return vmf_fail(error, VMF_USAGE,
                    "%s: appeared meanwhile, and --no-clobber forbids to replace it", upload->name);
  return code == VMF_OK ? VMF_OK : vmf_fail_again(&why, error);
}

enum vmf_code vmf_s3_abort(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                           struct vmf_error *error)
{
  VMF_AUTO_FREE struct vmf_s3_request *request = NULL;
  VMF_AUTO_FREE char *query = NULL;

  VMF_TRY(upload_query(upload, "", &query, error));
  VMF_TRY(vmf_s3_request_new("DELETE", query, "giving the upload up", &request, error));
  request->deaf = true;
  return vmf_s3_ask(upload, line, request, error);
}
