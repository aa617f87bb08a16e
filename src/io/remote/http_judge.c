/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a web server's answer means (RFC 9110, section 15): every one is held against what was asked
 * for. */
#include "http_request.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "checked.h"

long vmf_http_status(const struct vmf_http_request *request)
{
  long status = 0;

  vmf_curl.curl_easy_getinfo(request->line->curl, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

/* What libcurl could not do. */
static enum vmf_code not_performed(struct vmf_http_request *request, CURLcode result,
                                   struct vmf_attempt *attempt, struct vmf_error *error)
{
  const char *reason = request->line->reason;
  bool memory = result == CURLE_OUT_OF_MEMORY; /* also of a line that is longer than it takes */

  attempt->again = vmf_curl_again(result);
  attempt->lost = true;
  return vmf_fail(error, memory ? VMF_NOMEM : VMF_READ,
                  "%s: bytes %" PRIu64 " to %" PRIu64 ": %.200s%s", request->http->transport.name,
                  request->load->offset, request->load->offset + request->load->length,
                  reason[0] ? reason : vmf_curl.curl_easy_strerror(result),
                  memory ? ", or a line of the head is longer than 100 KiB" : "");
}

static enum vmf_code changed(const struct vmf_http_request *request, struct vmf_error *error)
{
  return vmf_fail(error, VMF_CHANGED,
                  "%s: changed on the server while it was read: it is not the file that was opened "
                  "any more",
                  request->http->transport.name);
}

/* What was opened, and is gone: a file here that is removed while it is parked is told so, too. */
static enum vmf_code gone(const struct vmf_http_request *request, const char *reason,
                          struct vmf_error *error)
{
  const char *name = request->http->transport.name;
  long status = vmf_http_status(request);

  if (request->http->pinned)
    return vmf_fail(error, VMF_CHANGED,
                    "%s: changed on the server while it was read: it is not there any more "
                    "(status %ld)%s",
                    name, status, reason);
  (void)!vmf_fail(error, VMF_SYSTEM, "%s: is not there (status %ld)%s", name, status, reason);
  error->sys_errno = ENOENT;
  return VMF_SYSTEM;
}

/* An object store takes no request whose time is far from its own: the next one has that. */
static bool is_skewed(const struct vmf_http_request *request, struct vmf_attempt *attempt)
{
  char code[64];
  time_t now = vmf_curl.curl_getdate(request->answer.date, NULL);

  if (!vmf_s3_element(request->explanation, "Code", code, sizeof code) ||
      strcmp(code, "RequestTimeTooSkewed") != 0 || now < 0)
    return false;
  vmf_s3_set_clock(request->http->s3, now);
  attempt->again = true;
  return true;
}

/* Keys that are given to a machine hold some hours. */
static bool is_renewed(const struct vmf_http_request *request, struct vmf_attempt *attempt)
{
  char code[64];

  attempt->again = vmf_s3_element(request->explanation, "Code", code, sizeof code) &&
                   strcmp(code, VMF_S3_EXPIRED) == 0 &&
                   vmf_s3_renew(request->http->s3, request->http->transport.name);
  return attempt->again;
}

/* Statuses that are no answer to the request: RFC 9110, section 15. */
static enum vmf_code refused(struct vmf_http_request *request, struct vmf_attempt *attempt,
                             struct vmf_error *error)
{
  const char *name = request->http->transport.name;
  long status = vmf_http_status(request);
  char reason[256];
  curl_off_t wait = 0;

  request->explanation[request->explained] = '\0';
  vmf_s3_reason(request->explanation, request->answer.type, reason, sizeof reason);
  if (request->http->s3 && is_skewed(request, attempt))
    return vmf_fail(error, VMF_SYSTEM, "%s: the clocks differ%s", name, reason);
  if (request->http->s3 && is_renewed(request, attempt))
    return vmf_fail(error, VMF_SYSTEM, "%s: the keys have expired%s", name, reason);
  switch (status) {
  case 401:
  case 407:
    return vmf_fail(error, VMF_SYSTEM,
                    "%s: the server wants to know who asks (status %ld): give name and password in "
                    "~/.netrc (--netrc), or a header in a file (--header @FILE)%s",
                    name, status, reason);
  case 403:
    return vmf_fail(error, VMF_SYSTEM, "%s: the server does not allow it (status 403)%s", name,
                    reason);
  case 404:
  case 410:
    return gone(request, reason, error);
  case 412:
    return changed(request, error);
  case 416:
    return request->http->pinned
               ? changed(request, error)
               : vmf_fail(error, VMF_READ, "%s: the server refuses a range from byte 0", name);
  default:
    break;
  }
  vmf_curl.curl_easy_getinfo(request->line->curl, CURLINFO_RETRY_AFTER, &wait);
  attempt->again = vmf_http_status_again(status, &attempt->busy);
  attempt->wait = wait > 0 ? (unsigned)vmf_min((uint64_t)wait, 3600) : 0;
  return vmf_fail(error, VMF_READ, "%s: the server answers with status %ld%s", name, status,
                  reason);
}

/* 200: the whole file, or something else, for a part of it. */
static enum vmf_code no_range(const struct vmf_http_request *request, struct vmf_error *error)
{
  const char *name = request->http->transport.name;

  if (strncasecmp(request->answer.type, "text/html", 9) == 0)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the server sends a page (text/html) in place of the file; is a login "
                    "needed? --netrc and --header @FILE say who asks",
                    name);
  if (request->http->pinned && (request->answer.etag[0] || request->http->etag[0]) &&
      strcmp(request->answer.etag, request->http->etag) != 0)
    return changed(request, error);
  if (request->body && vmf_http_body_is_file(request->body))
    return strcmp(request->answer.modified, request->http->modified) == 0 ? VMF_OK
                                                                          : changed(request, error);
  return vmf_fail(
      error, VMF_UNSUPPORTED,
      "%s: the server sends the whole file where a part is asked for (no ranges%s); "
      "fetch it first (curl -O), or through a pipe: curl URL | vmferry convert - TARGET",
      name, request->answer.encoded ? ", and it packs what it sends" : "");
}

/* A part of the file, the right one, of the right version, and all of it. */
static enum vmf_code check_part(const struct vmf_http_request *request, struct vmf_attempt *attempt,
                                struct vmf_error *error)
{
  const struct vmf_http_answer *answer = &request->answer;
  const struct vmf_http *http = request->http;
  const struct vmf_load *load = request->load;

  if (answer->encoded)
    return vmf_fail(error, VMF_READ,
                    "%s: the server packs what it sends (Content-Encoding), expected the bytes of "
                    "the file",
                    http->transport.name);
  if (!answer->has_range || !answer->has_span || answer->start != load->offset ||
      answer->end > load->offset + load->length)
    return vmf_fail(error, VMF_READ,
                    "%s: the server was asked for bytes %" PRIu64 " to %" PRIu64
                    ", and says that it sends %" PRIu64 " to %" PRIu64
                    " (Content-Range): it cannot be trusted",
                    http->transport.name, load->offset, load->offset + load->length, answer->start,
                    answer->end);
  if (http->pinned && ((answer->has_total && answer->total != http->transport.size) ||
                       strcmp(answer->etag, http->etag) != 0 ||
                       (answer->modified[0] && strcmp(answer->modified, http->modified) != 0)))
    return changed(request, error);
  uint64_t expected = answer->end - answer->start;
  attempt->again = request->got != expected || (http->pinned && expected != load->length);
  attempt->lost = attempt->again;
  return attempt->again
             ? vmf_fail(error, VMF_READ,
                        "%s: %zu bytes from byte %" PRIu64 " on were asked for, and %zu came",
                        http->transport.name, load->length, load->offset, request->got)
             : VMF_OK;
}

enum vmf_code vmf_http_judge(struct vmf_http_request *request, CURLcode result,
                             struct vmf_attempt *attempt, struct vmf_error *error)
{
  const char *name = request->http->transport.name;
  long status = vmf_http_status(request);

  if (request->big_head)
    return vmf_fail(error, VMF_LIMIT, "%s: the head of the answer is longer than %d bytes", name,
                    VMF_HTTP_HEAD);
  if (request->answer.twofold)
    return vmf_fail(error, VMF_READ,
                    "%s: the head of the answer tells a length or a range twice, and differently: "
                    "it cannot be trusted",
                    name);
  if (request->unranged && status == 206)
    return vmf_fail(error, VMF_READ,
                    "%s: the server sends a part where the whole file is asked for", name);
  if (request->unwanted && status == 206) {
    attempt->lost = true;
    VMF_TRY(check_part(request, attempt, error));
    return vmf_fail(error, VMF_READ,
                    "%s: the server sends more than the %zu bytes it was asked for", name,
                    request->load->length);
  }
  if (result != CURLE_OK && !request->unwanted)
    return not_performed(request, result, attempt, error);
  attempt->lost = request->unwanted;
  if (status == 206)
    return check_part(request, attempt, error);
  return status == 200 ? no_range(request, error) : refused(request, attempt, error);
}
