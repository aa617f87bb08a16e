/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "store_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "scratch_files.h"

enum { TEXT = 4096, MD5 = 16 };

enum fault {
  RIGHT,
  ERROR_AS_GOOD, /* status 200 with an error in it */
  EMPTY,
  NOT_CLOSED, /* an element without its end */
  OTHER_TAG,  /* of other bytes */
  NO_TAG,
  OWN_TAG, /* that tells nothing of the bytes; not wrong */
  ENCRYPTED,
  UNHEARD, /* done, but the answer is lost */
  OTHER_COUNT,
  PAGE,
  FAULTS,
};

bool fuzz_store_has(const struct fuzz_request *request)
{
  return strncmp(request->target, "/keys/", 6) == 0 || strstr(request->target, "uploads=") ||
         strstr(request->target, "uploadId=");
}

void fuzz_store_free(struct fuzz_store *store)
{
  for (unsigned i = 0; i < FUZZ_PARTS; i++)
    free(store->parts[i].bytes);
}

/* ---- tags ---- */

static void make_md5(const void *bytes, size_t length, uint8_t md5[VMF_DIGEST_MAX])
{
  struct vmf_error error;

  if (vmf_digest_bytes(VMF_MD5, bytes, length, md5, &error) != VMF_OK)
    fuzz_fault("no digest: %s", error.text);
}

static void tag_of_part(const struct fuzz_file *part, char tag[2 * MD5 + 1])
{
  uint8_t md5[VMF_DIGEST_MAX];

  make_md5(part->bytes, part->size, md5);
  vmf_digest_text(md5, MD5, tag);
}

static unsigned count_parts(const struct fuzz_store *store)
{
  unsigned count = 0;

  while (count < FUZZ_PARTS && store->parts[count].bytes)
    count++;
  return count;
}

static void tag_of_object(struct fuzz_store *store)
{
  uint8_t all[FUZZ_PARTS * MD5], md5[VMF_DIGEST_MAX];
  unsigned count = count_parts(store);
  char digits[2 * MD5 + 1];

  for (unsigned i = 0; i < count; i++) {
    make_md5(store->parts[i].bytes, store->parts[i].size, md5);
    memcpy(all + (size_t)i * MD5, md5, MD5);
  }
  make_md5(all, (size_t)count * MD5, md5);
  vmf_digest_text(md5, MD5, digits);
  snprintf(store->tag, sizeof store->tag, "\"%s-%u\"", digits, count);
}

/* ---- answers ---- */

static bool say(const struct fuzz_line *line, unsigned fault, const char *document,
                const char *inside)
{
  static const char error[] =
      "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code><Message>&lt;</Message></Error>";
  char text[TEXT];

  if (fault == UNHEARD)
    return false;
  if (fault == EMPTY)
    return fuzz_http_answer(line, 200, "", "", 0);
  if (fault == ERROR_AS_GOOD)
    return fuzz_http_answer(line, 200, "", error, sizeof error - 1);
  if (fault == PAGE)
    document = "html";
  int length = snprintf(text, sizeof text, "<?xml version=\"1.0\"?>\n<%s xmlns=\"x\">%s</%s>",
                        document, inside, document);
  if (fault == NOT_CLOSED)
    length /= 2;
  return fuzz_http_answer(line, 200, "Content-Type: application/xml\r\n", text, (size_t)length);
}

static bool begin(const struct fuzz_line *line, struct fuzz_store *store, unsigned fault)
{
  store->begun = true;
  return say(line, fault, "InitiateMultipartUploadResult", "<UploadId>a+b/&amp;=</UploadId>");
}

static bool take_part(const struct fuzz_line *line, struct fuzz_store *store,
                      struct fuzz_request *request, unsigned fault)
{
  const char *text = strstr(request->target, "partNumber=");
  unsigned long number = text ? strtoul(text + 11, NULL, 10) : 0;
  char tag[2 * MD5 + 1], heads[256];

  if (number < 1 || number > FUZZ_PARTS || !store->begun)
    return fuzz_http_answer(line, 404, "", "", 0);
  struct fuzz_file *part = &store->parts[number - 1];
  free(part->bytes);
  *part = (struct fuzz_file){.bytes = request->body, .size = request->length};
  request->body = NULL;
  if (fault == UNHEARD)
    return false;
  tag_of_part(part, tag);
  if (fault == OTHER_TAG)
    tag[0] = tag[0] == '0' ? '1' : '0';
  if (fault == OWN_TAG)
    tag[0] = 'x';
  snprintf(heads, sizeof heads, "%sETag: \"%s\"\r\n",
           fault == ENCRYPTED ? "x-amz-server-side-encryption: aws:kms\r\n" : "", tag);
  return fuzz_http_answer(line, 200, fault == NO_TAG ? "" : heads, "", 0);
}

static void join(const struct fuzz_store *store, struct fuzz_file *object)
{
  unsigned count = count_parts(store);

  object->size = 0;
  for (unsigned i = 0; i < count; i++)
    object->size += store->parts[i].size;
  object->bytes = malloc(object->size + 1);
  if (!object->bytes)
    fuzz_fault("no memory");
  for (size_t i = 0, at = 0; i < count; at += store->parts[i++].size)
    memcpy(object->bytes + at, store->parts[i].bytes, store->parts[i].size);
}

static bool complete(const struct fuzz_line *line, struct fuzz_store *store, unsigned fault,
                     struct fuzz_file *object)
{
  static const char gone[] = "<Error><Code>NoSuchUpload</Code></Error>";
  char inside[256];

  if (!store->begun)
    return fuzz_http_answer(line, 404, "", gone, sizeof gone - 1);
  if (fault != ERROR_AS_GOOD) {
    tag_of_object(store);
    join(store, object);
    store->begun = false;
  }
  /* a quote, an MD5 and "-" stand before the number of parts */
  snprintf(inside, sizeof inside,
           fault == OTHER_COUNT ? "<ETag>%.34s99\"</ETag>" : "<ETag>%s</ETag>", store->tag);
  return say(line, fault, "CompleteMultipartUploadResult", inside);
}

static bool list_uploads(const struct fuzz_line *line, const struct fuzz_store *store,
                         unsigned fault)
{
  char inside[512] = "";

  if (store->begun)
    snprintf(inside, sizeof inside,
             "<Upload><Key>other</Key><UploadId>0</UploadId></Upload>"
             "<Upload><Key>%s</Key><UploadId>a+b/&amp;=</UploadId>"
             "<Initiated>2026-11-30T10:00:00.000Z</Initiated></Upload>",
             store->key);
  return say(line, fault, "ListMultipartUploadsResult", inside);
}

static bool list_parts(const struct fuzz_line *line, const struct fuzz_store *store, unsigned fault)
{
  char inside[TEXT / 2] = "", tag[2 * MD5 + 1];
  size_t length = 0;

  for (unsigned i = 0; i < FUZZ_PARTS; i++) {
    if (!store->parts[i].bytes)
      continue;
    tag_of_part(&store->parts[i], tag);
    length += (size_t)snprintf(inside + length, sizeof inside - length,
                               "<Part><PartNumber>%u</PartNumber><ETag>&quot;%s&quot;</ETag>"
                               "<Size>%zu</Size></Part>",
                               i + 1, tag, store->parts[i].size);
  }
  return say(line, fault, "ListPartsResult", inside);
}

/* As an instance's service, a container's, or that of a login has them. */
static bool give_keys(const struct fuzz_line *line, const struct fuzz_request *request,
                      unsigned fault)
{
  static const char keys[] = "{\"AccessKeyId\": \"AKID\", \"SecretAccessKey\": \"s\", "
                             "\"Token\": \"t\", \"Expiration\": \"2030-01-01T00:00:00Z\"}";
  static const char elements[] = "<AccessKeyId>AKID</AccessKeyId><SecretAccessKey>s"
                                 "</SecretAccessKey><SessionToken>t</SessionToken>";
  static const char role[] = "role\n";

  if (strcmp(request->method, "POST") == 0)
    return say(line, fault, "AssumeRoleWithWebIdentityResponse", elements);
  if (fault != RIGHT)
    return say(line, fault, "x", "");
  if (strcmp(request->method, "PUT") == 0 || strstr(request->target, "credentials/role") == NULL)
    if (strstr(request->target, "latest"))
      return fuzz_http_answer(line, 200, "", role, sizeof role - 1);
  return fuzz_http_answer(line, 200, "", keys, sizeof keys - 1);
}

bool fuzz_store_answer(const struct fuzz_line *line, struct fuzz_store *store,
                       struct fuzz_request *request, unsigned fault, struct fuzz_file *object)
{
  const char *method = request->method;
  bool upload = strstr(request->target, "uploadId=") != NULL;

  fault %= FAULTS;
  if (strncmp(request->target, "/keys/", 6) == 0)
    return give_keys(line, request, fault);
  if (strcmp(method, "PUT") == 0)
    return take_part(line, store, request, fault);
  if (strcmp(method, "POST") == 0)
    return upload ? complete(line, store, fault, object) : begin(line, store, fault);
  if (strcmp(method, "GET") == 0)
    return upload ? list_parts(line, store, fault) : list_uploads(line, store, fault);
  if (fault == UNHEARD)
    return false;
  store->begun = false;
  return fuzz_http_answer(line, 204, "", "", 0);
}
