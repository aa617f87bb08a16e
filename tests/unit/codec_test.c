/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Packing and unpacking: what other programs can read, the same bytes every time, and hostile
 * streams. zlib is the independent reader of deflate. */
#include "codec.h"

#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "check_main.h"

enum { CODECS = VMF_CODEC_ZSTD, LEVELS = 13, UNIT = 64 * 1024, UNIT_MAX = 128 * 1024 };

/* A loop over every codec and level. */
#define CODEC_OF(i) ((enum vmf_codec)(1 + (i) / LEVELS))
#define LEVEL_OF(i) ((i) % LEVELS)

enum kind { RANDOM, ZEROS, LETTERS, REPEATS, KINDS };

static struct vmf_error error;
static uint8_t data[UNIT_MAX], packed[2 * UNIT_MAX], other[2 * UNIT_MAX], unpacked[UNIT_MAX];

static uint32_t next_random(void)
{
  static uint64_t state = 1;
  state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(state >> 33);
}

static void fill_period(size_t length, size_t period)
{
  for (size_t i = 0; i < length; i++)
    data[i] = i < period ? (uint8_t)next_random() : data[i - period];
}

/* REPEATS: pieces of any length from any distance, as in real data. */
static void fill(size_t length, enum kind kind)
{
  for (size_t i = 0; i < length; i++) {
    data[i] = kind == ZEROS ? 0 : (uint8_t)next_random();
    if (kind == LETTERS)
      data[i] = (uint8_t)('a' + data[i] % 13);
    if (kind != REPEATS || i == 0 || next_random() % 4 == 0)
      continue;
    size_t distance = 1 + next_random() % i, run = 3 + next_random() % 300;
    for (; run > 0 && i < length; run--, i++)
      data[i] = data[i - distance];
    i--;
  }
}

static struct vmf_packer *packer_new(enum vmf_codec codec, int level)
{
  struct vmf_packer *packer = NULL;
  ck_assert_msg(vmf_packer_new(codec, level, &packer, &error) == VMF_OK, "%s", error.text);
  return packer;
}

static size_t pack(struct vmf_packer *packer, size_t length, uint8_t *to, size_t capacity)
{
  size_t packed_length = 0;
  ck_assert_msg(vmf_pack(packer, data, length, 0, to, capacity, &packed_length, &error) == VMF_OK,
                "%s", error.text);
  ck_assert_uint_le(packed_length, capacity);
  return packed_length;
}

static size_t pack_fresh(enum vmf_codec codec, int level, size_t length)
{
  struct vmf_packer *packer = packer_new(codec, level);
  size_t packed_length = pack(packer, length, packed, vmf_pack_bound(codec, length));
  vmf_packer_free(packer);
  ck_assert_uint_gt(packed_length, 0);
  return packed_length;
}

static enum vmf_code unpack(enum vmf_codec codec, size_t packed_length, size_t capacity,
                            size_t *length)
{
  struct vmf_unpacker *unpacker = NULL;
  ck_assert_int_eq(vmf_unpacker_new(&unpacker, &error), VMF_OK);
  enum vmf_code code =
      vmf_unpack(unpacker, codec, packed, packed_length, unpacked, capacity, length, &error);
  vmf_unpacker_free(unpacker);
  return code;
}

static void unpacks_to(enum vmf_codec codec, size_t packed_length, size_t length)
{
  size_t found = 0;
  ck_assert_msg(unpack(codec, packed_length, length, &found) == VMF_OK, "%s", error.text);
  ck_assert_uint_eq(found, length);
  ck_assert_mem_eq(data, unpacked, length);
}

/* Reads a stream in small steps, so that zlib refuses what lies beyond its window. */
static bool zlib_reads(size_t packed_length, int window_bits, size_t length)
{
  z_stream stream = {.next_in = packed, .avail_in = (uInt)packed_length};
  int result = Z_OK;
  size_t have = 0;
  ck_assert_int_eq(inflateInit2(&stream, window_bits), Z_OK);
  while (result == Z_OK && have < sizeof(unpacked)) {
    stream.next_out = unpacked + have;
    stream.avail_out = 100;
    if (stream.avail_out > sizeof(unpacked) - have)
      stream.avail_out = (uInt)(sizeof(unpacked) - have);
    result = inflate(&stream, Z_NO_FLUSH);
    have = stream.total_out;
  }
  while (result == Z_OK) { /* the end of a unit that fills the buffer */
    uint8_t rest[1];
    stream.next_out = rest;
    stream.avail_out = 1;
    result = inflate(&stream, Z_NO_FLUSH);
    have = stream.total_out;
  }
  inflateEnd(&stream);
  return result == Z_STREAM_END && have == length && memcmp(data, unpacked, length) == 0;
}

/* ---- packing ---- */

START_TEST(what_is_packed_unpacks)
{
  static const size_t lengths[] = {1, 511, 512, 4096, UNIT, UNIT + 1};
  for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
    for (enum kind kind = RANDOM; kind < KINDS; kind++) {
      fill(lengths[i], kind);
      unpacks_to(CODEC_OF(_i), pack_fresh(CODEC_OF(_i), LEVEL_OF(_i), lengths[i]), lengths[i]);
    }
}
END_TEST

START_TEST(zlib_reads_our_deflate)
{
  int bits = CODEC_OF(_i) == VMF_CODEC_ZLIB ? 15 : -12;
  for (enum kind kind = RANDOM; kind < KINDS; kind++) {
    fill(UNIT, kind);
    ck_assert(zlib_reads(pack_fresh(CODEC_OF(_i), LEVEL_OF(_i), UNIT), bits, UNIT));
  }
}
END_TEST

START_TEST(window_of_4k_is_never_left)
{
  static const size_t periods[] = {3834, 4095, 4096, 4097, 8192, 32768};
  for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
    fill_period(UNIT, periods[i]);
    ck_assert(zlib_reads(pack_fresh(VMF_CODEC_DEFLATE_4K, _i, UNIT), -12, UNIT));
  }
}
END_TEST

START_TEST(the_window_test_can_fail)
{
  z_stream stream = {0};
  fill_period(UNIT, 8192);
  ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = data;
  stream.avail_in = UNIT;
  stream.next_out = packed;
  stream.avail_out = sizeof(packed);
  ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
  size_t length = stream.total_out;
  deflateEnd(&stream);
  ck_assert(!zlib_reads(length, -12, UNIT));
  unpacks_to(VMF_CODEC_DEFLATE_4K, length, UNIT); /* reading accepts every window */
}
END_TEST

START_TEST(a_used_packer_gives_the_same_bytes)
{
  struct vmf_packer *used = packer_new(CODEC_OF(_i), LEVEL_OF(_i));
  for (enum kind kind = RANDOM; kind < KINDS; kind++) {
    fill(UNIT, kind);
    size_t length = pack(used, UNIT, other, vmf_pack_bound(CODEC_OF(_i), UNIT));
    ck_assert_uint_eq(pack_fresh(CODEC_OF(_i), LEVEL_OF(_i), UNIT), length);
    ck_assert_mem_eq(packed, other, length);
  }
  vmf_packer_free(used);
}
END_TEST

/* All that a neighbour may change is the length, and only of the default level. */
START_TEST(a_neighbour_changes_only_the_effort)
{
  struct vmf_packer *packer = packer_new(CODEC_OF(_i), LEVEL_OF(_i));
  size_t capacity = vmf_pack_bound(CODEC_OF(_i), UNIT), alone, beside = 0;
  fill(UNIT, REPEATS);
  alone = pack(packer, UNIT, packed, capacity);
  ck_assert_int_eq(vmf_pack(packer, data, UNIT, UNIT, other, capacity, &beside, &error), VMF_OK);
  if (LEVEL_OF(_i) > 0)
    ck_assert_uint_eq(alone, beside);
  ck_assert_uint_ge(beside, alone);
  memcpy(packed, other, beside);
  unpacks_to(CODEC_OF(_i), beside, UNIT);
  vmf_packer_free(packer);
}
END_TEST

/* ISA-L of itself lets the address of its memory into its choice of matches. */
START_TEST(the_place_in_memory_does_not_show)
{
  struct vmf_packer *packers[24];
  for (size_t i = 0; i < 24; i++)
    packers[i] = packer_new(CODEC_OF(_i), LEVEL_OF(_i));
  for (unsigned round = 0; round < 40; round++) {
    size_t unit = round % 2 == 0 ? 512 : 4096;
    size_t bound = vmf_pack_bound(CODEC_OF(_i), unit);
    fill_period(unit, 1 + next_random() % 9);
    size_t length = pack(packers[0], unit, packed, bound);
    for (size_t i = 1; i < 24; i++) {
      ck_assert_uint_eq(pack(packers[i], unit, other, bound), length);
      ck_assert_mem_eq(packed, other, length);
    }
  }
  for (size_t i = 0; i < 24; i++)
    vmf_packer_free(packers[i]);
}
END_TEST

START_TEST(what_does_not_fit_is_no_error)
{
  struct vmf_packer *packer = packer_new(CODEC_OF(_i), LEVEL_OF(_i));
  fill(UNIT, RANDOM);
  for (size_t capacity = 0; capacity < UNIT; capacity = 2 * capacity + 1)
    ck_assert_uint_eq(pack(packer, UNIT, packed, capacity), 0);
  ck_assert_uint_eq(pack(packer, UNIT, packed, UNIT - 1), 0);
  fill(UNIT, ZEROS);
  ck_assert_uint_gt(pack(packer, UNIT, packed, UNIT - 1), 0);
  vmf_packer_free(packer);
}
END_TEST

START_TEST(higher_levels_are_smaller)
{
  size_t lengths[LEVELS];
  for (int level = 1; level < LEVELS; level++) {
    lengths[level] = 0;
    for (int unit = 0; unit < 4; unit++) {
      fill(UNIT, REPEATS);
      lengths[level] += pack_fresh((enum vmf_codec)_i, level, UNIT);
    }
  }
  ck_assert_uint_lt(lengths[12], lengths[1]);
}
END_TEST

START_TEST(wrong_codecs_and_levels_are_refused)
{
  struct vmf_packer *packer = (void *)data;
  ck_assert_int_eq(vmf_packer_new(VMF_CODEC_NONE, 0, &packer, &error), VMF_UNSUPPORTED);
  ck_assert_ptr_null(packer);
  ck_assert_int_eq(vmf_packer_new((enum vmf_codec)77, 0, &packer, &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_packer_new(VMF_CODEC_ZLIB, 13, &packer, &error), VMF_USAGE);
  ck_assert_int_eq(vmf_packer_new(VMF_CODEC_ZSTD, -1, &packer, &error), VMF_USAGE);
}
END_TEST

/* ---- unpacking ---- */

START_TEST(bytes_behind_the_stream_are_ignored)
{
  fill(UNIT, LETTERS);
  size_t length = pack_fresh((enum vmf_codec)_i, 0, UNIT);
  memset(packed + length, 0xa5, 512);
  unpacks_to((enum vmf_codec)_i, length + 512, UNIT);
}
END_TEST

START_TEST(a_short_unit_says_its_length)
{
  size_t found = 0;
  fill(1000, LETTERS);
  size_t length = pack_fresh((enum vmf_codec)_i, 0, 1000);
  ck_assert_int_eq(unpack((enum vmf_codec)_i, length, UNIT, &found), VMF_OK);
  ck_assert_uint_eq(found, 1000);
}
END_TEST

START_TEST(a_long_unit_is_damage)
{
  size_t found = 0;
  fill(UNIT, _i % 2 == 0 ? ZEROS : LETTERS);
  size_t length = pack_fresh((enum vmf_codec)(1 + _i / 2), 0, UNIT);
  memset(unpacked, 0x5a, sizeof(unpacked));
  ck_assert_int_eq(unpack((enum vmf_codec)(1 + _i / 2), length, UNIT - 1, &found), VMF_CORRUPT);
  ck_assert_ptr_nonnull(strstr(error.text, "unpacks to more than 65535 bytes"));
  for (size_t i = UNIT - 1; i < sizeof(unpacked); i++)
    ck_assert_uint_eq(unpacked[i], 0x5a);
}
END_TEST

START_TEST(every_truncation_is_damage)
{
  size_t found = 0;
  fill(2000, LETTERS);
  size_t length = pack_fresh((enum vmf_codec)_i, 0, 2000);
  for (size_t kept = 0; kept < length; kept++)
    ck_assert_int_eq(unpack((enum vmf_codec)_i, kept, 2000, &found), VMF_CORRUPT);
}
END_TEST

/* Damage may unpack to something where the stream has no checksum, but never beyond the unit. */
START_TEST(damage_stays_inside_the_unit)
{
  size_t found = 0;
  fill(2000, REPEATS);
  size_t length = pack_fresh((enum vmf_codec)_i, 0, 2000);
  memcpy(other, packed, length);
  for (size_t at = 0; at < 8 * length; at++) {
    memcpy(packed, other, length);
    packed[at / 8] ^= (uint8_t)(1 << at % 8);
    memset(unpacked, 0x5a, 4096);
    enum vmf_code code = unpack((enum vmf_codec)_i, length, 2000, &found);
    ck_assert(code == VMF_CORRUPT || (code == VMF_OK && found <= 2000));
    for (size_t i = 2000; i < 4096; i++)
      ck_assert_uint_eq(unpacked[i], 0x5a);
    if (_i == VMF_CODEC_ZLIB && code == VMF_OK) /* its checksum lets no change of data through */
      ck_assert_mem_eq(data, unpacked, 2000);
  }
}
END_TEST

START_TEST(noise_is_refused_or_bounded)
{
  size_t found = 0;
  for (unsigned round = 0; round < 3000; round++) {
    size_t length = next_random() % 200;
    for (size_t i = 0; i < length; i++)
      packed[i] = (uint8_t)next_random();
    if (unpack((enum vmf_codec)_i, length, 512, &found) == VMF_OK)
      ck_assert_uint_le(found, 512);
  }
}
END_TEST

/* A frame header that claims a window of 2 TiB and contents of 2^63 bytes costs nothing. */
START_TEST(claims_of_a_frame_cost_nothing)
{
  static const uint8_t window[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00};
  static const uint8_t content[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0,
                                    0,    0,    0,    0,    0x80, 1, 0, 0};
  size_t found = 0;
  memcpy(packed, window, sizeof(window));
  if (unpack(VMF_CODEC_ZSTD, sizeof(window), UNIT, &found) == VMF_OK)
    ck_assert_uint_eq(found, 0);
  memcpy(packed, content, sizeof(content));
  ck_assert_int_eq(unpack(VMF_CODEC_ZSTD, sizeof(content), UNIT, &found), VMF_CORRUPT);
}
END_TEST

START_TEST(skippable_frames_are_no_unit)
{
  static const uint8_t frame[] = {0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0};
  size_t found = 0;
  memcpy(packed, frame, sizeof(frame));
  ck_assert_int_eq(unpack(VMF_CODEC_ZSTD, sizeof(frame), UNIT, &found), VMF_CORRUPT);
}
END_TEST

START_TEST(unknown_codecs_do_not_unpack)
{
  size_t found = 0;
  ck_assert_int_eq(unpack(VMF_CODEC_GZIP_MEMBER, 10, UNIT, &found), VMF_UNSUPPORTED);
  ck_assert_int_eq(unpack((enum vmf_codec)77, 10, UNIT, &found), VMF_UNSUPPORTED);
}
END_TEST

START_TEST(an_unpacker_survives_damage)
{
  struct vmf_unpacker *unpacker = NULL;
  size_t found = 0;
  ck_assert_int_eq(vmf_unpacker_new(&unpacker, &error), VMF_OK);
  fill(UNIT, LETTERS);
  size_t length = pack_fresh((enum vmf_codec)_i, 0, UNIT);
  ck_assert_int_eq(
      vmf_unpack(unpacker, (enum vmf_codec)_i, packed, length / 2, unpacked, UNIT, &found, &error),
      VMF_CORRUPT);
  ck_assert_int_eq(
      vmf_unpack(unpacker, (enum vmf_codec)_i, packed, length, unpacked, UNIT, &found, &error),
      VMF_OK);
  ck_assert_mem_eq(data, unpacked, UNIT);
  vmf_unpacker_free(unpacker);
}
END_TEST

static void add_packing(Suite *suite)
{
  TCase *tests = tcase_create("packing");
  tcase_set_timeout(tests, 240);
  tcase_add_loop_test(tests, what_is_packed_unpacks, 0, CODECS * LEVELS);
  tcase_add_loop_test(tests, zlib_reads_our_deflate, 0, 2 * LEVELS);
  tcase_add_loop_test(tests, window_of_4k_is_never_left, 0, LEVELS);
  tcase_add_test(tests, the_window_test_can_fail);
  tcase_add_loop_test(tests, a_neighbour_changes_only_the_effort, 0, CODECS * LEVELS);
  tcase_add_loop_test(tests, a_used_packer_gives_the_same_bytes, 0, CODECS * LEVELS);
  tcase_add_loop_test(tests, the_place_in_memory_does_not_show, 0, CODECS * LEVELS);
  tcase_add_loop_test(tests, what_does_not_fit_is_no_error, 0, CODECS * LEVELS);
  tcase_add_loop_test(tests, higher_levels_are_smaller, 1, CODECS + 1);
  tcase_add_test(tests, wrong_codecs_and_levels_are_refused);
  suite_add_tcase(suite, tests);
}

static void add_unpacking(Suite *suite)
{
  TCase *tests = tcase_create("unpacking");
  tcase_set_timeout(tests, 240);
  tcase_add_loop_test(tests, bytes_behind_the_stream_are_ignored, 1, CODECS + 1);
  tcase_add_loop_test(tests, a_short_unit_says_its_length, 1, CODECS + 1);
  tcase_add_loop_test(tests, a_long_unit_is_damage, 0, 2 * CODECS);
  tcase_add_loop_test(tests, every_truncation_is_damage, 1, CODECS + 1);
  tcase_add_loop_test(tests, damage_stays_inside_the_unit, 1, CODECS + 1);
  tcase_add_loop_test(tests, noise_is_refused_or_bounded, 1, CODECS + 1);
  tcase_add_test(tests, claims_of_a_frame_cost_nothing);
  tcase_add_test(tests, skippable_frames_are_no_unit);
  tcase_add_test(tests, unknown_codecs_do_not_unpack);
  tcase_add_loop_test(tests, an_unpacker_survives_damage, 1, CODECS + 1);
  suite_add_tcase(suite, tests);
}

static Suite *suite(void)
{
  Suite *suite = suite_create("codec");
  add_packing(suite);
  add_unpacking(suite);
  return suite;
}

VMF_TEST_MAIN(suite)
