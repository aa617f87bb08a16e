/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Every way of hashing several messages with SHA-256 that this processor has, beside OpenSSL. */
#include "sha256_many.h"

#include <stdlib.h>
#include <string.h>

#include "check_main.h"

enum { LONGEST = 1100, LANES = VMF_SHA256_LANES, DIGEST = 32 };

static uint8_t bytes[LONGEST + LANES];
static uint8_t expected[LANES][LONGEST + 1][DIGEST]; /* by alignment and length */
static uint8_t out[LANES][DIGEST];
static struct vmf_message messages[LANES];

static void prepare(void)
{
  uint8_t digest[VMF_DIGEST_MAX];
  struct vmf_error error;
  uint32_t seed = 1;

  for (size_t i = 0; i < sizeof(bytes); i++) {
    seed = seed * 1664525 + 1013904223;
    bytes[i] = (uint8_t)(seed >> 24);
  }
  for (size_t offset = 0; offset < LANES; offset++)
    for (size_t length = 0; length <= LONGEST; length++) {
      ck_assert_int_eq(vmf_digest_bytes(VMF_SHA256, bytes + offset, length, digest, &error),
                       VMF_OK);
      memcpy(expected[offset][length], digest, DIGEST);
    }
}

static void take(unsigned lane, size_t offset, size_t length)
{
  messages[lane] = (struct vmf_message){.data = bytes + offset, .length = length, .out = out[lane]};
}

static void are_right(const struct vmf_sha256_method *method, size_t count)
{
  memset(out, 0xee, sizeof(out));
  vmf_sha256_many(method, messages, count);
  for (size_t i = 0; i < count; i++)
    ck_assert_mem_eq(out[i], expected[messages[i].data - bytes][messages[i].length], DIGEST);
  for (size_t i = count; i < LANES; i++)
    ck_assert_uint_eq(out[i][0], 0xee);
}

START_TEST(messages_of_one_length_are_hashed_at_any_alignment)
{
  for (const struct vmf_sha256_method *const *method = vmf_sha256_methods(); *method; method++)
    for (size_t length = 0; length <= LONGEST; length++) {
      for (unsigned i = 0; i < (*method)->lanes; i++)
        take(i, (i + length) % LANES, length);
      are_right(*method, (*method)->lanes);
    }
}
END_TEST

START_TEST(lanes_may_be_empty)
{
  for (const struct vmf_sha256_method *const *method = vmf_sha256_methods(); *method; method++)
    for (size_t count = 1; count <= (*method)->lanes; count++)
      for (size_t length = 0; length <= 260; length++) {
        for (unsigned i = 0; i < count; i++)
          take(i, i, length);
        are_right(*method, count);
      }
}
END_TEST

START_TEST(messages_of_all_lengths_go_together)
{
  uint32_t seed = 7;

  for (const struct vmf_sha256_method *const *method = vmf_sha256_methods(); *method; method++)
    for (unsigned turn = 0; turn < 2000; turn++) {
      size_t count = turn % (*method)->lanes + 1;
      for (unsigned i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        take(i, seed >> 28, (seed >> 8) % (turn % 3 == 0 ? 130 : LONGEST + 1));
      }
      are_right(*method, count);
    }
}
END_TEST

/* Nothing beside a message is read: its memory ends with it. */
START_TEST(only_the_messages_are_read)
{
  for (const struct vmf_sha256_method *const *method = vmf_sha256_methods(); *method; method++)
    for (size_t length = 0; length <= 200; length++) {
      uint8_t *own = malloc(length);
      ck_assert(own || length == 0);
      if (length > 0)
        memcpy(own, bytes, length);
      messages[0] = (struct vmf_message){.data = own, .length = length, .out = out[0]};
      vmf_sha256_many(*method, messages, 1);
      ck_assert_mem_eq(out[0], expected[0][length], DIGEST);
      free(own);
    }
}
END_TEST

START_TEST(a_method_that_is_chosen_is_usable)
{
  for (size_t count = 1; count <= 40; count++) {
    const struct vmf_sha256_method *chosen = vmf_sha256_choose(count);
    const struct vmf_sha256_method *const *method = vmf_sha256_methods();
    while (*method && *method != chosen)
      method++;
    ck_assert_ptr_eq(*method, chosen);
    ck_assert(!chosen || chosen->lanes <= LANES);
  }
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("sha256");
  TCase *tests = tcase_create("sha256");
  tcase_add_unchecked_fixture(tests, prepare, NULL);
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, messages_of_one_length_are_hashed_at_any_alignment);
  tcase_add_test(tests, lanes_may_be_empty);
  tcase_add_test(tests, messages_of_all_lengths_go_together);
  tcase_add_test(tests, only_the_messages_are_read);
  tcase_add_test(tests, a_method_that_is_chosen_is_usable);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
