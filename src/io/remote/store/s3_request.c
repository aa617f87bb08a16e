/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "s3_request.h"

#include <string.h>

#include "checked.h"
#include "log.h"
#include "memory.h"
#include "remote_settings.h"
#include "tries.h"

enum { DAMAGED_TRIES = 3 };

bool vmf_s3_is_document(const char *text, const char *element)
{
  size_t length = strlen(element);

  for (; *text; text++)
    if (*text == '<' && strncmp(text + 1, element, length) == 0 &&
        strchr("> \t\r\n", text[1 + length]))
      return true;
  return false;
}

/* ---- one try ---- */

static bool add_lines(struct vmf_s3_request *request, char **lines)
{
  for (size_t i = 0; i < VMF_S3_EXTRA_LINES; i++)
    if (request->extra[i] && !vmf_curl_header(&request->call.headers, request->extra[i]))
      return false;
  for (; *lines; lines++)
    if (!vmf_curl_header(&request->call.headers, *lines))
      return false;
  return true;
}

static enum vmf_code send_once(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                               struct vmf_s3_request *request, struct vmf_attempt *attempt,
                               struct vmf_error *error)
{
  char *lines[VMF_AWS_LINES + 1];
  VMF_AUTO_FREE char *url = NULL;

  const char *path = request->of_bucket ? upload->s3->root : upload->s3->path;
  VMF_TRY(vmf_s3_url(upload->s3, path, request->query, &url, error));
  VMF_TRY(vmf_s3_sign(upload->s3, request->method, path, request->query, request->body,
                      request->length, lines, error));
  request->call.method = request->method;
  request->call.url = url;
  request->call.body = request->body;
  request->call.length = request->length;
  request->call.ended = request->deaf ? NULL : &upload->ended;
  request->call.deaf = request->deaf;
  request->call.slow = request->slow;
  request->call.headers = NULL;
  bool good = add_lines(request, lines);
  vmf_aws_lines_clear(lines);
  if (good)
    return vmf_web_call(line, upload->name, &request->call, attempt, error);
  vmf_curl.curl_slist_free_all(request->call.headers);
  return vmf_fail(error, VMF_NOMEM, "%s: no memory for a request", upload->name);
}

void vmf_s3_code_of(const struct vmf_web_call *call, char code[VMF_S3_CODE])
{
  if (!vmf_s3_element(call->came.text, "Code", code, VMF_S3_CODE))
    code[0] = '\0';
}

/* What may go well when it is tried again, by its code. */
static void weigh(struct vmf_s3_upload *upload, const struct vmf_web_call *call,
                  struct vmf_attempt *attempt)
{
  static const char again[] = "RequestTimeout SlowDown InternalError ServiceUnavailable "
                              "OperationAborted";
  char code[VMF_S3_CODE], *at;

  vmf_s3_code_of(call, code);
  attempt->again = vmf_http_status_again(call->status, &attempt->busy);
  at = code[0] ? strstr(again, code) : NULL;
  attempt->again |= at != NULL;
  if (strcmp(code, "BadDigest") == 0 || strcmp(code, "XAmzContentSHA256Mismatch") == 0) {
    attempt->again = true; /* damaged on the way */
    attempt->most_tries = DAMAGED_TRIES;
    attempt->lasting = true;
  }
  time_t now = vmf_curl.curl_getdate(call->came.head.date, NULL);
  bool skewed = strcmp(code, "RequestTimeTooSkewed") == 0 && now > 0;
  if (skewed)
    vmf_s3_set_clock(upload->s3, now);
  if (skewed || (strcmp(code, VMF_S3_EXPIRED) == 0 && vmf_s3_renew(upload->s3, upload->name))) {
    attempt->again = true;
    attempt->most_tries = DAMAGED_TRIES;
    attempt->lasting = true;
  }
}

/* An answer of 200 can be an error, too: CompleteMultipartUpload sends its status before it knows.
 */
static enum vmf_code judge(struct vmf_s3_upload *upload, const struct vmf_web_line *line,
                           const struct vmf_s3_request *request, struct vmf_attempt *attempt,
                           struct vmf_error *error)
{
  const struct vmf_web_call *call = &request->call;
  curl_off_t wait = 0;
  char reason[300];

  if (call->status >= 200 && call->status < 300 && !vmf_s3_is_document(call->came.text, "Error"))
    return VMF_OK;
  weigh(upload, call, attempt);
  if (line->curl)
    vmf_curl.curl_easy_getinfo(line->curl, CURLINFO_RETRY_AFTER, &wait);
  attempt->wait = wait > 0 ? (unsigned)vmf_min((uint64_t)wait, 3600) : 0;
  vmf_s3_reason(call->came.text, call->came.head.type, reason, sizeof reason);
  enum vmf_code code = call->status == 401 || call->status == 403 || call->status == 404
                           ? VMF_SYSTEM
                       : call->status == 412 ? VMF_USAGE
                                             : VMF_WRITE;
  return vmf_fail(error, code, "%s: %s: the store answers with status %ld%s", upload->name,
                  request->what, call->status, reason);
}

enum vmf_code vmf_s3_ask(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                         struct vmf_s3_request *request, struct vmf_error *error)
{
  struct vmf_tries tries = {0};
  struct vmf_attempt attempt;
  struct vmf_error why = {0};
  enum vmf_code code;

  do {
    attempt = (struct vmf_attempt){0};
    code = send_once(upload, line, request, &attempt, &why);
    if (code == VMF_OK)
      code = judge(upload, line, request, &attempt, &why);
  } while (code != VMF_OK &&
           vmf_tries_again(&tries, &attempt, request->deaf ? NULL : &upload->ended, &why));
  return code == VMF_OK ? VMF_OK : vmf_fail_again(&why, error);
}

enum vmf_code vmf_s3_request_new(const char *method, const char *query, const char *what,
                                 struct vmf_s3_request **request, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof **request, &memory, error));
  *request = memory;
  (*request)->method = method;
  (*request)->query = query;
  (*request)->what = what;
  return VMF_OK;
}

enum vmf_code vmf_s3_ask_around(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                                struct vmf_s3_request *request, struct vmf_error *error)
{
  enum vmf_code code = vmf_s3_ask(upload, line, request, error);
  const char *region = request->call.came.head.region;

  if (code == VMF_OK || !region[0] || strcmp(region, upload->s3->who.region) == 0)
    return code;
  vmf_note(vmf_remote_settings()->log, "%s: the bucket is in region %s", upload->name, region);
  VMF_TRY(vmf_s3_move(upload->s3, region, error));
  return vmf_s3_ask(upload, line, request, error);
}
