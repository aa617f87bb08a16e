/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Digests against published values. */
#include "digest.h"

#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <xxhash.h>

#include "check_main.h"
#include "xxh3_method.h"

static const struct {
  enum vmf_digest_kind kind;
  size_t size;
  const char *empty, *abc;
} known[] = {
    {VMF_SHA256, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {VMF_SHA1, 20, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
     "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {VMF_SHA512, 64,
     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
     "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {VMF_XXH64, 8, "ef46db3751d8e999", "44bc2cf5ad770999"},
    {VMF_XXH3, 8, "2d06800538d394c2", "78af5f94892f3950"},
};

enum { KNOWN = sizeof known / sizeof known[0] };

static struct vmf_error error;

static struct vmf_digest *start(enum vmf_digest_kind kind)
{
  struct vmf_digest *digest = NULL;
  ck_assert_int_eq(vmf_digest_new(kind, &digest, &error), VMF_OK);
  return digest;
}

static void ends_in(struct vmf_digest *digest, size_t size, const char *expected)
{
  uint8_t out[VMF_DIGEST_MAX];
  char text[2 * VMF_DIGEST_MAX + 1];
  ck_assert_int_eq(vmf_digest_final(digest, out, &error), VMF_OK);
  vmf_digest_text(out, size, text);
  ck_assert_str_eq(text, expected);
}

START_TEST(sizes_are_known)
{
  ck_assert_uint_eq(vmf_digest_size(known[_i].kind), known[_i].size);
}
END_TEST

START_TEST(published_values_come_out)
{
  struct vmf_digest *digest = start(known[_i].kind);
  ck_assert_int_eq(vmf_digest_update(digest, "a", 1, &error), VMF_OK);
  ck_assert_int_eq(vmf_digest_update(digest, "bc", 2, &error), VMF_OK);
  ends_in(digest, known[_i].size, known[_i].abc);
  vmf_digest_free(digest);
}
END_TEST

START_TEST(bytes_that_are_all_here_have_the_same_digest)
{
  uint8_t out[VMF_DIGEST_MAX];
  char text[2 * VMF_DIGEST_MAX + 1];
  ck_assert_int_eq(vmf_digest_bytes(known[_i].kind, "abc", 3, out, &error), VMF_OK);
  vmf_digest_text(out, known[_i].size, text);
  ck_assert_str_eq(text, known[_i].abc);
}
END_TEST

START_TEST(a_digest_starts_anew)
{
  struct vmf_digest *digest = start(known[_i].kind);
  ck_assert_int_eq(vmf_digest_update(digest, "other", 5, &error), VMF_OK);
  uint8_t out[VMF_DIGEST_MAX];
  ck_assert_int_eq(vmf_digest_final(digest, out, &error), VMF_OK);
  ends_in(digest, known[_i].size, known[_i].empty);
  ck_assert_int_eq(vmf_digest_update(digest, "abc", 3, &error), VMF_OK);
  ends_in(digest, known[_i].size, known[_i].abc);
  vmf_digest_free(digest);
}
END_TEST

static void fill(uint8_t *bytes, size_t count)
{
  uint32_t seed = 1;

  for (size_t i = 0; i < count; i++) {
    seed = seed * 1664525 + 1013904223;
    bytes[i] = (uint8_t)(seed >> 24);
  }
}

static void is_right(enum vmf_digest_kind kind, const struct vmf_message *message)
{
  uint8_t expected[VMF_DIGEST_MAX];

  ck_assert_int_eq(vmf_digest_bytes(kind, message->data, message->length, expected, &error),
                   VMF_OK);
  ck_assert_mem_eq(message->out, expected, vmf_digest_size(kind));
}

START_TEST(each_of_any_number_of_messages_has_its_digest)
{
  enum { MOST = 40, LONGEST = 65536 };
  static uint8_t bytes[LONGEST + MOST], out[MOST][VMF_DIGEST_MAX];
  struct vmf_message messages[MOST];
  struct vmf_digest *digest = start(known[_i].kind);

  fill(bytes, sizeof(bytes));
  for (size_t count = 0; count <= MOST; count++) {
    for (size_t i = 0; i < count; i++)
      messages[i] = (struct vmf_message){
          .data = bytes + i, .length = i % 5 == 4 ? 1000 + i : LONGEST, .out = out[i]};
    memset(out, 0, sizeof(out));
    ck_assert_int_eq(vmf_digest_each(digest, messages, count, &error), VMF_OK);
    for (size_t i = 0; i < count; i++)
      is_right(known[_i].kind, &messages[i]);
  }
  ends_in(digest, known[_i].size, known[_i].empty);
  vmf_digest_free(digest);
}
END_TEST

/* RFC 4231, 4.2, 4.3 and 4.7: a key that is shorter than a block, and one that is longer. */
START_TEST(codes_of_messages_are_the_published_ones)
{
  static const struct {
    size_t count; /* of the key's byte; 0: the key is "Jefe" */
    uint8_t byte;
    const char *data, *expected;
  } codes[] = {
      {20, 0x0b, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {0, 0, "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {131, 0xaa, "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    uint8_t key[131] = "Jefe", out[VMF_SHA256_BYTES];
    char text[2 * VMF_SHA256_BYTES + 1];
    if (codes[i].count > 0)
      memset(key, codes[i].byte, codes[i].count);
    size_t length = codes[i].count > 0 ? codes[i].count : 4;
    ck_assert_int_eq(
        vmf_hmac_sha256(key, length, codes[i].data, strlen(codes[i].data), out, &error), VMF_OK);
    vmf_digest_text(out, sizeof out, text);
    ck_assert_str_eq(text, codes[i].expected);
  }
}
END_TEST

static void *make_one(void *data)
{
  struct vmf_error own;
  uint8_t out[VMF_DIGEST_MAX];
  char text[2 * VMF_DIGEST_MAX + 1];
  bool *right = data;

  *right = vmf_digest_bytes(VMF_SHA512, "abc", 3, out, &own) == VMF_OK;
  vmf_digest_text(out, 64, text);
  *right = *right && strcmp(text, known[2].abc) == 0;
  return NULL;
}

START_TEST(the_first_ones_may_be_made_by_several_threads)
{
  pthread_t threads[8];
  bool right[8];

  for (size_t i = 0; i < 8; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, make_one, &right[i]), 0);
  for (size_t i = 0; i < 8; i++)
    pthread_join(threads[i], NULL);
  for (size_t i = 0; i < 8; i++)
    ck_assert(right[i]);
}
END_TEST

/* OpenSSL's tables, some 100 KiB, are made once and not for each. */
START_TEST(another_digest_costs_little_memory)
{
  struct vmf_digest *first = start(known[_i].kind);
  size_t before = mallinfo2().uordblks;
  struct vmf_digest *second = start(known[_i].kind);

  ck_assert_uint_lt(mallinfo2().uordblks - before, 4096);
  vmf_digest_free(first);
  vmf_digest_free(second);
}
END_TEST

/* In one piece by xxHash's library, in two by each method: all lengths at which it takes another
 * way, and more than what it keeps back. */
START_TEST(each_method_of_xxh3_makes_the_same)
{
  enum { LONGEST = 20000 };
  static uint8_t bytes[LONGEST];
  uint8_t sum[VMF_XXH3_LONG];
  XXH128_canonical_t expected;

  fill(bytes, sizeof bytes);
  for (size_t i = 0; vmf_xxh3_methods[i]; i++) {
    const struct vmf_xxh3_method *method = vmf_xxh3_methods[i];
    if (!method->usable())
      continue;
    void *state = method->make();
    ck_assert_ptr_nonnull(state);
    for (size_t length = 0; length <= LONGEST; length += length < 2100 ? 1 : 1789) {
      size_t first = length / 3;
      method->start(state);
      method->add(state, bytes, first);
      method->add(state, bytes + first, length - first);
      ck_assert_uint_eq(method->end(state), XXH3_64bits(bytes, length));
      XXH128_canonicalFromHash(&expected, XXH3_128bits(bytes, length));
      method->sum_128(bytes, length, sum);
      ck_assert_mem_eq(sum, expected.digest, sizeof sum);
    }
    method->release(state);
  }
}
END_TEST

START_TEST(nothing_may_be_freed)
{
  vmf_digest_free(NULL);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("digest");
  TCase *tests = tcase_create("digest");
  tcase_add_loop_test(tests, sizes_are_known, 0, KNOWN);
  tcase_add_loop_test(tests, published_values_come_out, 0, KNOWN);
  tcase_add_loop_test(tests, bytes_that_are_all_here_have_the_same_digest, 0, KNOWN);
  tcase_add_loop_test(tests, a_digest_starts_anew, 0, KNOWN);
  tcase_add_loop_test(tests, each_of_any_number_of_messages_has_its_digest, 0, KNOWN);
  tcase_add_test(tests, codes_of_messages_are_the_published_ones);
  tcase_add_test(tests, the_first_ones_may_be_made_by_several_threads);
  tcase_add_loop_test(tests, another_digest_costs_little_memory, 0, KNOWN);
  tcase_add_test(tests, each_method_of_xxh3_makes_the_same);
  tcase_add_test(tests, nothing_may_be_freed);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
