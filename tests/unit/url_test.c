/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * URLs as names, what is hidden of them, what the head of an answer says, and when a request is
 * made again. */
#include "url.h"

#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "http_answer.h"
#include "memory.h"
#include "tries.h"

static struct vmf_error error;

static void resolves(const char *url, const char *expected)
{
  VMF_AUTO_FREE char *shown = NULL, *again = NULL;

  ck_assert_int_eq(vmf_url_resolve(url, &shown, &error), VMF_OK);
  ck_assert_str_eq(shown, expected);
  ck_assert_int_eq(vmf_url_resolve(shown, &again, &error), VMF_OK);
  ck_assert_str_eq(again, expected);
}

START_TEST(what_may_be_a_secret_is_not_shown)
{
  VMF_AUTO_FREE char *url = NULL, *beside = NULL, *other = NULL, *none = NULL;

  resolves("https://host/a.raw", "https://host/a.raw");
  resolves("nbd+unix:///x?socket=/s", "nbd+unix:///x?socket=/s");
  resolves("https://host/a/b.vmdk?key=1", "https://...@host/a/b.vmdk");
  resolves("https://me@host/a/b.vmdk?key=2::disk1", "https://...2@host/a/b.vmdk::disk1");
  resolves("https://host/a/c.vmdk?key=1", "https://...@host/a/c.vmdk");
  resolves("https://host?key=1::disk1", "https://...3@host/::disk1");
  ck_assert_int_eq(vmf_url_whole("https://...2@host/a/b.vmdk::disk1", &url, &error), VMF_OK);
  ck_assert_str_eq(url, "https://me@host/a/b.vmdk?key=2");
  ck_assert_int_eq(vmf_url_beside("https://...@host/a/b.vmdk", "b flat.vmdk", &beside, &error),
                   VMF_OK);
  ck_assert_str_eq(beside, "https://...@host/a/b%20flat.vmdk");
  ck_assert_int_eq(vmf_url_whole(beside, &other, &error), VMF_OK);
  ck_assert_str_eq(other, "https://host/a/b%20flat.vmdk?key=1");
  static const char *const outside[] = {"../b",   "%2e%2E/b", "x/.%2e/b", "x%2f..%2fb",
                                        "..%5cb", "..;x/b",   "x/%2e."};
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
    ck_assert_int_eq(vmf_url_beside("https://host/a/c", outside[i], &none, &error), VMF_REFUSED);
  static const char *const inside[] = {"..b", "b..", "...", "%2e/b", "x/b", "%252e%252e/b"};
  for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
    VMF_AUTO_FREE char *found = NULL;
    ck_assert_int_eq(vmf_url_beside("https://host/a/c", inside[i], &found, &error), VMF_OK);
  }
  /* another folder, another host, another number */
  ck_assert_int_eq(vmf_url_whole("https://...@host/b.vmdk", &none, &error), VMF_USAGE);
  ck_assert_int_eq(vmf_url_whole("https://...@host.evil/a/b.vmdk", &none, &error), VMF_USAGE);
  ck_assert_int_eq(vmf_url_whole("https://...9@host/a/b.vmdk", &none, &error), VMF_USAGE);
}
END_TEST

START_TEST(what_is_no_url)
{
  static const char *const urls[] = {"https://", "https:///a", "https://host/a b",
                                     "https://host/a#b", "https://me:sesame@host/a"};
  char *shown;

  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    ck_assert_int_eq(vmf_url_resolve(urls[i], &shown, &error), VMF_USAGE);
    ck_assert_ptr_null(strstr(error.text, "sesame"));
  }
  ck_assert(!vmf_url_is("./https://host/a") && !vmf_url_is("https:a") && !vmf_url_is("ftp://a"));
  ck_assert(vmf_url_is_nbd("NBD://a") && !vmf_url_is_nbd("https://nbd"));
}
END_TEST

static struct vmf_http_answer told(const char *const *lines)
{
  struct vmf_http_answer answer = {0};

  for (; *lines; lines++)
    vmf_http_line(&answer, *lines, strlen(*lines));
  return answer;
}

START_TEST(the_head_of_an_answer)
{
  static const char *const good[] = {"HTTP/1.1 302 Found\r\n",
                                     "ETag: \"old\"\r\n",
                                     "HTTP/1.1 206 Partial Content\r\n",
                                     "content-range:  bytes 5-9/100\r\n",
                                     "ETag: W/\"1\"\r\n",
                                     "Content-Type: text/html; a=b\r\n",
                                     NULL};
  struct vmf_http_answer answer = told(good);

  ck_assert(answer.has_range && answer.has_span && answer.has_total);
  ck_assert_uint_eq(answer.start, 5);
  ck_assert_uint_eq(answer.end, 10);
  ck_assert_uint_eq(answer.total, 100);
  ck_assert_str_eq(answer.etag, "W/\"1\"");
  ck_assert_str_eq(answer.type, "text/html");
  ck_assert(!vmf_http_is_strong(answer.etag) && vmf_http_is_strong("\"1\""));
}
END_TEST

static const char *const wrong_ranges[] = {
    "bytes 9-5/100", "bytes 5-9",      "bytes 5-9/",
    "bytes -9/100",  "bytes 5-9/100x", "bytes 5-99999999999999999999/100",
    "items 5-9/100", "bytes",          ""};

START_TEST(a_range_that_is_none)
{
  char line[100];
  const char *const lines[] = {line, NULL};

  snprintf(line, sizeof line, "Content-Range: %s\r\n", wrong_ranges[_i]);
  ck_assert(!told(lines).has_range);
}
END_TEST

START_TEST(tries_are_bounded)
{
  const struct vmf_attempt lasting = {.again = false};
  struct vmf_tries tries = {0};

  ck_assert_uint_eq(vmf_tries_delay(1), 500);
  ck_assert_uint_eq(vmf_tries_delay(2), 1000);
  ck_assert_uint_eq(vmf_tries_delay(7), 30000);
  ck_assert_uint_eq(vmf_tries_delay(1000), 30000);
  error = (struct vmf_error){.code = VMF_READ};
  ck_assert(!vmf_tries_again(&tries, &lasting, NULL, &error));
  ck_assert_int_eq(error.code, VMF_READ);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("url");
  TCase *tests = tcase_create("url");

  tcase_add_test(tests, what_may_be_a_secret_is_not_shown);
  tcase_add_test(tests, what_is_no_url);
  tcase_add_test(tests, the_head_of_an_answer);
  tcase_add_loop_test(tests, a_range_that_is_none, 0, sizeof wrong_ranges / sizeof wrong_ranges[0]);
  tcase_add_test(tests, tries_are_bounded);
  suite_add_tcase(made, tests);
  return made;
}

VMF_TEST_MAIN(suite)
