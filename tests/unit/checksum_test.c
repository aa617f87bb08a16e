/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The guest-content checksum. The expected values were computed with Python's hashlib from the
 * published construction. */
#include "checksum.h"

#include <string.h>

#include "check_main.h"

static const struct {
  enum vmf_digest_kind kind;
  const char *empty, *pattern, *zeros, *mixed;
} known[] = {
    {VMF_SHA256, "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc",
     "07fde734232fd416ae8f8e7b365a6cc693e1b77ab1a16d13cdbef4f2e59ead3e",
     "c4370603606464fcee24f4d5ca68309597a02149fa00a6b309ee9f7738bd253f",
     "a31dbb30bf90e8592f1ba105905d015210294e699164f6294b5e551b012e3d20"},
    {VMF_SHA1, "05fe405753166f125559e7c9ac558654f107c7e9",
     "1bb1887de60c2b5621d5a2200ceeb2edb862cdab", "08e059d1035625f2289c38a68d59fa1d3e35f0dd",
     "fcf02bac04294aa18dbddd606c2f9c9022e89f58"},
    {VMF_SHA512,
     "1b7409ccf0d5a34d3a77eaabfa9fe27427655be9297127ee9522aa1bf4046d4f"
     "945983678169cb1a7348edcac47ef0d9e2c924130e5bcc5f0d94937852c42f1b",
     "f2c0590d6fe1060ab04b958a3f57c62e890b3aa6cf2ad4e5acefdcfd81ecc466"
     "7a71bc55e8a893104a25334f7c1199edcccb865e7a322dcf2e1d33301e9ff50f",
     "45f75a021fd4c6ebe892f1201bf1800e038d98c7b61b73df2332dae37ed9313d"
     "1b000c3fc434ff8f2eadc3c6a9fb486bd3d8e0a45d9475fc33b6de55214f85b5",
     "b1bd792d7cea13a530b73f40e744dd280da0d5d81cea85fa3dcf28d5add4ac45"
     "b16eb406c4768901a848d5d253cfaec7fb4f91ad398240e2d7ec3c33af2ca386"},
};

enum { PATTERN_SIZE = 200000 };

static struct vmf_error error;
static uint8_t pattern[PATTERN_SIZE];

static void fill_pattern(void)
{
  for (size_t i = 0; i < PATTERN_SIZE; i++)
    pattern[i] = (uint8_t)(i * 7 + i / 256);
}

static struct vmf_checksum *start(enum vmf_digest_kind kind)
{
  struct vmf_checksum *checksum = NULL;
  ck_assert_int_eq(vmf_checksum_new(kind, &checksum, &error), VMF_OK);
  return checksum;
}

static void push_data(struct vmf_checksum *checksum, enum vmf_digest_kind kind, const uint8_t *data,
                      size_t length)
{
  struct vmf_digest *digest = NULL;
  uint8_t out[VMF_DIGEST_MAX];
  ck_assert_int_eq(vmf_digest_new(kind, &digest, &error), VMF_OK);
  while (length > 0) {
    size_t block = length < VMF_CHECKSUM_BLOCK ? length : VMF_CHECKSUM_BLOCK;
    ck_assert_int_eq(vmf_digest_update(digest, data, block, &error), VMF_OK);
    ck_assert_int_eq(vmf_digest_final(digest, out, &error), VMF_OK);
    ck_assert_int_eq(vmf_checksum_push(checksum, out, block, &error), VMF_OK);
    data += block;
    length -= block;
  }
  vmf_digest_free(digest);
}

static void push_zeros(struct vmf_checksum *checksum, uint64_t length)
{
  ck_assert_int_eq(vmf_checksum_push_zeros(checksum, length, &error), VMF_OK);
}

static void ends_in(struct vmf_checksum *checksum, enum vmf_digest_kind kind, const char *expected)
{
  uint8_t out[VMF_DIGEST_MAX];
  char text[2 * VMF_DIGEST_MAX + 1];
  ck_assert_int_eq(vmf_checksum_final(checksum, out, &error), VMF_OK);
  vmf_digest_text(out, vmf_digest_size(kind), text);
  ck_assert_str_eq(text, expected);
  vmf_checksum_free(checksum);
}

START_TEST(empty_disk)
{
  ends_in(start(known[_i].kind), known[_i].kind, known[_i].empty);
}
END_TEST

START_TEST(short_last_block)
{
  struct vmf_checksum *checksum = start(known[_i].kind);
  push_data(checksum, known[_i].kind, pattern, PATTERN_SIZE);
  ends_in(checksum, known[_i].kind, known[_i].pattern);
}
END_TEST

START_TEST(zeros_need_no_data)
{
  struct vmf_checksum *checksum = start(known[_i].kind);
  push_zeros(checksum, 3 * VMF_CHECKSUM_BLOCK + 5);
  ends_in(checksum, known[_i].kind, known[_i].zeros);
}
END_TEST

START_TEST(zeros_as_data_are_the_same)
{
  static const uint8_t zeros[3 * VMF_CHECKSUM_BLOCK + 5];
  struct vmf_checksum *checksum = start(known[_i].kind);
  push_data(checksum, known[_i].kind, zeros, sizeof(zeros));
  ends_in(checksum, known[_i].kind, known[_i].zeros);
}
END_TEST

START_TEST(zeros_in_pieces_are_the_same)
{
  struct vmf_checksum *checksum = start(known[_i].kind);
  push_zeros(checksum, VMF_CHECKSUM_BLOCK);
  push_zeros(checksum, 0);
  push_zeros(checksum, 2 * VMF_CHECKSUM_BLOCK);
  push_zeros(checksum, 5);
  ends_in(checksum, known[_i].kind, known[_i].zeros);
}
END_TEST

START_TEST(data_and_zeros_mix)
{
  struct vmf_checksum *checksum = start(known[_i].kind);
  push_data(checksum, known[_i].kind, pattern, 2 * VMF_CHECKSUM_BLOCK);
  push_zeros(checksum, VMF_CHECKSUM_BLOCK + 100);
  ends_in(checksum, known[_i].kind, known[_i].mixed);
}
END_TEST

START_TEST(a_tebibyte_of_zeros)
{
  struct vmf_checksum *checksum = start(VMF_SHA256);
  push_zeros(checksum, UINT64_C(1) << 40);
  ends_in(checksum, VMF_SHA256, "e3918f867fb182a40237a7b7e30ba90dbd78defcf6ac1c502bff489670e79f85");
}
END_TEST

START_TEST(nothing_follows_a_short_block)
{
  uint8_t digest[VMF_DIGEST_MAX] = {0};
  struct vmf_checksum *checksum = start(VMF_SHA256);
  push_zeros(checksum, 5);
  ck_assert_int_eq(vmf_checksum_push(checksum, digest, VMF_CHECKSUM_BLOCK, &error), VMF_USAGE);
  ck_assert_int_eq(vmf_checksum_push_zeros(checksum, 1, &error), VMF_USAGE);
  vmf_checksum_free(checksum);
}
END_TEST

START_TEST(blocks_beyond_64k_are_refused)
{
  uint8_t digest[VMF_DIGEST_MAX] = {0};
  struct vmf_checksum *checksum = start(VMF_SHA256);
  ck_assert_int_eq(vmf_checksum_push(checksum, digest, VMF_CHECKSUM_BLOCK + 1, &error), VMF_USAGE);
  vmf_checksum_free(checksum);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("checksum");
  TCase *tests = tcase_create("checksum");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, fill_pattern, NULL);
  tcase_add_loop_test(tests, empty_disk, 0, 3);
  tcase_add_loop_test(tests, short_last_block, 0, 3);
  tcase_add_loop_test(tests, zeros_need_no_data, 0, 3);
  tcase_add_loop_test(tests, zeros_as_data_are_the_same, 0, 3);
  tcase_add_loop_test(tests, zeros_in_pieces_are_the_same, 0, 3);
  tcase_add_loop_test(tests, data_and_zeros_mix, 0, 3);
  tcase_add_test(tests, a_tebibyte_of_zeros);
  tcase_add_test(tests, nothing_follows_a_short_block);
  tcase_add_test(tests, blocks_beyond_64k_are_refused);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
