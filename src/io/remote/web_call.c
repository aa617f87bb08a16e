/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "web_call.h"

#include <stdio.h>
#include <string.h>

#include "cancel.h"
#include "checked.h"
#include "remote_settings.h"

enum { HEAD_BYTES = 100 << 10, TEXT_BYTES = 1 << 20 };
enum { SLOW_SECONDS = 10 * 60 };

void vmf_web_answer_clear(struct vmf_web_answer *answer)
{
  answer->head = (struct vmf_http_answer){0};
  answer->text[0] = '\0';
  answer->text_length = answer->blanks = 0;
}

size_t vmf_web_on_head(char *bytes, size_t size, size_t count, void *answer)
{
  struct vmf_web_answer *came = answer;

  vmf_http_line(&came->head, bytes, size * count);
  return came->head.bytes > HEAD_BYTES ? 0 : size * count;
}

/* What is behind the part that is looked at passes. */
size_t vmf_web_on_text(char *bytes, size_t size, size_t count, void *answer)
{
  struct vmf_web_answer *came = answer;
  size_t length = size * count, taken = length;

  for (; came->text_length == 0 && length > 0 && strchr(" \t\r\n", *bytes); bytes++, length--)
    came->blanks++;
  if (came->text_length < VMF_WEB_TEXT)
    memcpy(came->text + came->text_length, bytes,
           vmf_min(length, VMF_WEB_TEXT - came->text_length));
  came->text_length += length;
  came->text[vmf_min(came->text_length, VMF_WEB_TEXT)] = '\0';
  return came->text_length + came->blanks > TEXT_BYTES ? 0 : taken;
}

static int on_progress(void *data, curl_off_t total, curl_off_t now, curl_off_t up, curl_off_t sent)
{
  const struct vmf_web_call *call = data;

  (void)total, (void)now, (void)up, (void)sent;
  return (call->ended && atomic_load(call->ended)) ||
         (!call->deaf && vmf_cancel_requested(vmf_remote_settings()->cancel));
}

/* A body of its own method goes as that of a POST, whose bytes libcurl does not copy. */
static bool prepare(CURL *curl, struct vmf_web_call *call)
{
  const struct vmf_curl_calls calls = {.head = vmf_web_on_head,
                                       .body = vmf_web_on_text,
                                       .answer = &call->came,
                                       .progress = on_progress,
                                       .watcher = call};
  char type[80];
  bool has_body = strcmp(call->method, "PUT") == 0 || strcmp(call->method, "POST") == 0;

  /* a body is not announced first: that would be a round trip more for each part */
  snprintf(type, sizeof type, "Content-Type: %s",
           call->type ? call->type : "application/octet-stream");
  if (!vmf_curl_header(&call->headers, type) || !vmf_curl_header(&call->headers, "Expect:"))
    return false;
  if (has_body && (vmf_curl.curl_easy_setopt(curl, CURLOPT_POST, 1L) != CURLE_OK ||
                   vmf_curl.curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                                             call->body ? call->body : "") != CURLE_OK ||
                   vmf_curl.curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                                             (curl_off_t)call->length) != CURLE_OK))
    return false;
  if (!has_body && vmf_curl.curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) != CURLE_OK)
    return false;
  if (vmf_curl.curl_easy_setopt(curl, CURLOPT_NOBODY, (long)(strcmp(call->method, "HEAD") == 0)) !=
      CURLE_OK)
    return false;
  return vmf_curl.curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
         vmf_curl_ask(curl, call->url, call->headers,
                      vmf_remote_stall(call->slow ? SLOW_SECONDS : VMF_CURL_STALL), &calls);
}

static enum vmf_code perform(struct vmf_web_line *line, const char *name, struct vmf_web_call *call,
                             struct vmf_attempt *attempt, struct vmf_error *error)
{
  vmf_web_answer_clear(&call->came);
  call->status = 0;
  line->reason[0] = '\0';
  if (!prepare(line->curl, call))
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for a request", name);
  CURLcode result = vmf_curl.curl_easy_perform(line->curl);
  vmf_curl.curl_easy_getinfo(line->curl, CURLINFO_RESPONSE_CODE, &call->status);
  /* who refuses a body need not read it, so that sending the rest of it fails */
  if (result == CURLE_OK || (result == CURLE_SEND_ERROR && call->status >= 400))
    return VMF_OK;
  if (!call->deaf)
    VMF_TRY(vmf_cancelled(vmf_remote_settings()->cancel, error));
  attempt->again = vmf_curl_again(result);
  return vmf_fail(error, result == CURLE_OUT_OF_MEMORY ? VMF_NOMEM : VMF_WRITE, "%s: %.200s", name,
                  line->reason[0] ? line->reason : vmf_curl.curl_easy_strerror(result));
}

enum vmf_code vmf_web_call(struct vmf_web_line *line, const char *name, struct vmf_web_call *call,
                           struct vmf_attempt *attempt, struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  if (!line->curl)
    line->curl = vmf_curl_new(line->reason, false);
  if (!line->curl)
    code = vmf_fail(error, VMF_SYSTEM, "%s: libcurl cannot be used", name);
  else
    code = perform(line, name, call, attempt, error);
  if (line->curl)
    vmf_curl_forget(line->curl);
  vmf_curl.curl_slist_free_all(call->headers);
  call->headers = NULL;
  if (code != VMF_OK || call->status >= 500)
    vmf_web_line_close(line);
  return code;
}

void vmf_web_line_close(struct vmf_web_line *line)
{
  if (line->curl)
    vmf_curl.curl_easy_cleanup(line->curl);
  line->curl = NULL;
}
