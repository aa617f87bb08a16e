/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "curl_handle.h"

#include <stdlib.h>

#include "remote_settings.h"

enum {
  CONNECT_SECONDS = 15,
  RECEIVE_BYTES = 512 << 10,
};

static bool prepare(CURL *curl, char *reason, bool by_netrc)
{
  const struct vmf_remote_settings *settings = vmf_remote_settings();
  const char *bundle = getenv("CURL_CA_BUNDLE"), *netrc = getenv("NETRC");
  const char *authorities = bundle ? bundle : getenv("SSL_CERT_FILE"); /* as curl itself does */
  long use_netrc = settings->netrc && by_netrc ? CURL_NETRC_OPTIONAL : CURL_NETRC_IGNORED;

  return vmf_curl.curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
             CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS) ==
             CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1024L) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_USERAGENT, "vmferry/" VMF_VERSION) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_NETRC, use_netrc) == CURLE_OK &&
         (!authorities ||
          vmf_curl.curl_easy_setopt(curl, CURLOPT_CAINFO, authorities) == CURLE_OK) &&
         (!netrc || vmf_curl.curl_easy_setopt(curl, CURLOPT_NETRC_FILE, netrc) == CURLE_OK);
}

CURL *vmf_curl_new(char *reason, bool by_netrc)
{
  CURL *curl = vmf_curl.curl_easy_init();

  if (!curl || prepare(curl, reason, by_netrc))
    return curl;
  vmf_curl.curl_easy_cleanup(curl);
  return NULL;
}

bool vmf_curl_ask(CURL *curl, const char *url, struct curl_slist *headers, long stall,
                  const struct vmf_curl_calls *calls)
{
  return vmf_curl.curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, stall) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, calls->head) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_HEADERDATA, calls->answer) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, calls->body) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_WRITEDATA, calls->answer) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, calls->progress) == CURLE_OK &&
         vmf_curl.curl_easy_setopt(curl, CURLOPT_XFERINFODATA, calls->watcher) == CURLE_OK;
}

void vmf_curl_forget(CURL *curl)
{
  vmf_curl.curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
}

bool vmf_curl_header(struct curl_slist **list, const char *text)
{
  struct curl_slist *longer = vmf_curl.curl_slist_append(*list, text);

  if (longer)
    *list = longer;
  return longer != NULL;
}

bool vmf_curl_again(CURLcode result)
{
  static const CURLcode again[] = {CURLE_COULDNT_RESOLVE_PROXY,
                                   CURLE_COULDNT_RESOLVE_HOST,
                                   CURLE_COULDNT_CONNECT,
                                   CURLE_OPERATION_TIMEDOUT,
                                   CURLE_SEND_ERROR,
                                   CURLE_RECV_ERROR,
                                   CURLE_GOT_NOTHING,
                                   CURLE_PARTIAL_FILE,
                                   CURLE_SSL_CONNECT_ERROR,
                                   CURLE_AGAIN};

  for (size_t i = 0; i < sizeof again / sizeof again[0]; i++)
    if (result == again[i])
      return true;
  return false;
}

bool vmf_http_status_again(long status, bool *busy)
{
  *busy = status == 429 || status == 503;
  return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 ||
         status == 503 || status == 504;
}
