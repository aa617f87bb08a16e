/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Ids: random, or a fixed function of seed and purpose. */
#include "guid.h"

#include <string.h>

#include "check_main.h"

static struct vmf_error error;

static void make(const struct vmf_identity *identity, const char *purpose, uint8_t bytes[32])
{
  ck_assert_int_eq(vmf_identity_bytes(identity, purpose, bytes, 32, &error), VMF_OK);
}

START_TEST(random_ids_differ)
{
  struct vmf_identity identity = {0};
  uint8_t a[32], b[32];
  make(&identity, "uuid", a);
  make(&identity, "uuid", b);
  ck_assert_mem_ne(a, b, 32);
}
END_TEST

START_TEST(derived_ids_repeat)
{
  struct vmf_identity identity = {.derived = true, .seed = {1, 2, 3}};
  uint8_t a[32], b[32];
  make(&identity, "uuid", a);
  make(&identity, "uuid", b);
  ck_assert_mem_eq(a, b, 32);
}
END_TEST

/* Changing this changes outputs that people compare from version to version. */
START_TEST(derived_ids_stay_as_they_are)
{
  struct vmf_identity identity = {.derived = true};
  uint8_t guid[VMF_GUID_SIZE];
  char text[VMF_GUID_TEXT];
  ck_assert_int_eq(vmf_identity_guid(&identity, "uuid", guid, &error), VMF_OK);
  vmf_guid_text(guid, text);
  ck_assert_str_eq(text, "1033ee4e-14ac-4322-a62a-343457253c53");
}
END_TEST

START_TEST(purposes_give_different_ids)
{
  struct vmf_identity identity = {.derived = true};
  uint8_t a[32], b[32];
  make(&identity, "cid", a);
  make(&identity, "uuid", b);
  for (int i = 0; i < 32; i += 4)
    ck_assert_mem_ne(a + i, b + i, 4);
}
END_TEST

/* On average half of the bits change with one bit of the seed. */
START_TEST(every_bit_of_the_seed_counts)
{
  struct vmf_identity identity = {.derived = true};
  uint8_t before[32], after[32];
  make(&identity, "uuid", before);
  for (int bit = 0; bit < 256; bit++) {
    int changed = 0;
    identity.seed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    make(&identity, "uuid", after);
    identity.seed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    for (int i = 0; i < 32; i++)
      changed += __builtin_popcount(before[i] ^ after[i]);
    ck_assert_int_gt(changed, 80);
    ck_assert_int_lt(changed, 176);
  }
}
END_TEST

START_TEST(shorter_ids_are_the_start_of_longer_ones)
{
  struct vmf_identity identity = {.derived = true, .seed = {9}};
  uint8_t whole[32], part[4];
  make(&identity, "cid", whole);
  ck_assert_int_eq(vmf_identity_bytes(&identity, "cid", part, 4, &error), VMF_OK);
  ck_assert_mem_eq(whole, part, 4);
}
END_TEST

START_TEST(too_many_bytes_are_refused)
{
  struct vmf_identity identity = {.derived = true};
  uint8_t bytes[33];
  ck_assert_int_eq(vmf_identity_bytes(&identity, "cid", bytes, 33, &error), VMF_USAGE);
}
END_TEST

START_TEST(guids_are_of_version_4)
{
  struct vmf_identity identity = {.derived = _i != 0};
  uint8_t guid[VMF_GUID_SIZE];
  for (int i = 0; i < 64; i++) {
    identity.seed[0] = (uint8_t)i;
    ck_assert_int_eq(vmf_identity_guid(&identity, "uuid", guid, &error), VMF_OK);
    ck_assert_uint_eq(guid[6] >> 4, 4);
    ck_assert_uint_eq(guid[8] >> 6, 2);
  }
}
END_TEST

START_TEST(text_is_in_network_order)
{
  static const uint8_t guid[VMF_GUID_SIZE] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                              0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
  char text[VMF_GUID_TEXT];
  vmf_guid_text(guid, text);
  ck_assert_str_eq(text, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
}
END_TEST

START_TEST(text_is_parsed_in_either_case)
{
  static const char *const wrong[] = {"",
                                      "6ba7b810-9dad-11d1-80b4-00c04fd430c",
                                      "6ba7b810-9dad-11d1-80b4-00c04fd430c8x",
                                      "6ba7b810:9dad-11d1-80b4-00c04fd430c8",
                                      "6ba7b8109dad11d180b400c04fd430c8",
                                      "gba7b810-9dad-11d1-80b4-00c04fd430c8"};
  uint8_t guid[VMF_GUID_SIZE];
  char text[VMF_GUID_TEXT];
  ck_assert(vmf_guid_parse("6BA7b810-9dad-11D1-80b4-00c04fd430c8", guid));
  vmf_guid_text(guid, text);
  ck_assert_str_eq(text, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    ck_assert(!vmf_guid_parse(wrong[i], guid));
}
END_TEST

START_TEST(swapped_twice_is_as_it_was)
{
  static const uint8_t guid[VMF_GUID_SIZE] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  static const uint8_t mixed[VMF_GUID_SIZE] = {3, 2, 1,  0,  5,  4,  7,  6,
                                               8, 9, 10, 11, 12, 13, 14, 15};
  uint8_t once[VMF_GUID_SIZE], twice[VMF_GUID_SIZE];
  vmf_guid_swap(guid, once);
  vmf_guid_swap(once, twice);
  ck_assert_mem_eq(once, mixed, VMF_GUID_SIZE);
  ck_assert_mem_eq(twice, guid, VMF_GUID_SIZE);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("guid");
  TCase *tests = tcase_create("guid");
  tcase_add_test(tests, random_ids_differ);
  tcase_add_test(tests, derived_ids_repeat);
  tcase_add_test(tests, derived_ids_stay_as_they_are);
  tcase_add_test(tests, purposes_give_different_ids);
  tcase_add_test(tests, every_bit_of_the_seed_counts);
  tcase_add_test(tests, shorter_ids_are_the_start_of_longer_ones);
  tcase_add_test(tests, too_many_bytes_are_refused);
  tcase_add_loop_test(tests, guids_are_of_version_4, 0, 2);
  tcase_add_test(tests, text_is_in_network_order);
  tcase_add_test(tests, text_is_parsed_in_either_case);
  tcase_add_test(tests, swapped_twice_is_as_it_was);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
