/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Deflate with a window of 4 KiB, and its blocks. zlib reads them, with no larger window. */
#include "deflate_4k.h"

#include <string.h>
#include <zlib.h>

#include "check_main.h"
#include "huffman.h"
#include "memory.h"

enum { LONGEST = 2 << 20, ROOM = 3 << 20, LITERALS = 24 };

static struct vmf_error error;
static uint8_t data[LONGEST], packed[ROOM], unpacked[LONGEST + 1];

static uint32_t next_random(void)
{
  static uint64_t state = 1;
  state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(state >> 33);
}

/* Stretches of noise, of letters, of runs, and of what stood before, so that blocks end. */
static void fill(size_t length)
{
  size_t at = 0;

  while (at < length) {
    uint32_t kind = next_random() % 4, distance = 1 + next_random() % 5000;
    for (size_t left = 1 + next_random() % 60000; left > 0 && at < length; left--, at++) {
      if (kind == 3 && distance <= at)
        data[at] = data[at - distance];
      else
        data[at] = kind == 0   ? (uint8_t)next_random()
                   : kind == 1 ? (uint8_t)('a' + next_random() % 5)
                               : (uint8_t)(at / 700);
    }
  }
}

static void is_read(size_t packed_length, size_t length)
{
  z_stream stream = {.next_in = packed, .avail_in = (uInt)packed_length};
  int result = Z_OK;

  ck_assert_int_eq(inflateInit2(&stream, -12), Z_OK);
  while (result == Z_OK) { /* in pieces, so that its window counts */
    stream.next_out = unpacked + stream.total_out;
    stream.avail_out = 1000 < sizeof unpacked - stream.total_out
                           ? 1000
                           : (uInt)(sizeof unpacked - stream.total_out);
    result = inflate(&stream, Z_NO_FLUSH);
  }
  ck_assert_int_eq(result, Z_STREAM_END);
  ck_assert_uint_eq(stream.total_out, length);
  ck_assert_uint_eq(stream.total_in, packed_length);
  ck_assert_mem_eq(unpacked, data, length);
  inflateEnd(&stream);
}

static size_t pack(int level, size_t length, size_t capacity)
{
  struct vmf_deflate_4k *packer;

  ck_assert_int_eq(vmf_deflate_4k_new(level, &packer, &error), VMF_OK);
  size_t packed_length = vmf_deflate_4k_pack(packer, data, length, packed, capacity);
  vmf_free(packer);
  return packed_length;
}

START_TEST(units_of_every_length_are_read)
{
  for (size_t length = 0; length < 70; length++) {
    memset(data, 'x', length);
    is_read(pack(_i, length, ROOM), length);
    fill(length);
    is_read(pack(_i, length, ROOM), length);
  }
  fill(LONGEST);
  size_t packed_length = pack(_i, LONGEST, ROOM);
  ck_assert_uint_lt(packed_length, LONGEST * 2 / 5);
  is_read(packed_length, LONGEST);
}
END_TEST

START_TEST(matches_of_every_length_and_distance_are_read)
{
  size_t at = 0;

  for (size_t distance = 1; distance < 4300; distance += 1 + distance / 3)
    for (size_t length = 3; length <= 300; length += 1 + length / 5) {
      for (size_t i = 0; i < distance + 20; i++)
        data[at++] = (uint8_t)next_random();
      for (size_t i = 0; i < length; i++, at++)
        data[at] = data[at - distance];
    }
  is_read(pack(_i, at, ROOM), at);
}
END_TEST

START_TEST(nothing_is_written_beyond_the_capacity)
{
  fill(20000);
  size_t whole = pack(_i, 20000, ROOM);
  for (size_t capacity = 0; capacity < whole + 40; capacity += 1 + capacity / 50) {
    memset(packed, 0x5a, sizeof packed);
    size_t packed_length = pack(_i, 20000, capacity);
    ck_assert_uint_le(packed_length, capacity);
    ck_assert(packed_length == 0 || packed_length == whole);
    for (size_t i = capacity; i < capacity + 64; i++)
      ck_assert_uint_eq(packed[i], 0x5a);
  }
}
END_TEST

/* Frequencies that are Fibonacci's numbers make the longest codes that there are: 23 bits here, of
 * which deflate has room for 15. */
START_TEST(codes_are_cut_to_what_there_is_room_for)
{
  static uint32_t symbols[LONGEST];
  struct vmf_frequencies frequencies = {0};
  struct vmf_bits bits = {.out = packed, .capacity = ROOM};
  uint32_t count = 0;

  for (uint32_t literal = 0, now = 1, next = 1; literal < LITERALS; literal++) {
    for (uint32_t i = 0; i < now; i++) {
      data[count] = (uint8_t)(literal * 9);
      symbols[count++] = literal * 9;
    }
    frequencies.literals[literal * 9] = now;
    uint32_t sum = now + next;
    now = next;
    next = sum;
  }
  const struct vmf_block_symbols block = {.symbols = symbols,
                                          .count = count,
                                          .frequencies = &frequencies,
                                          .data = data,
                                          .length = count,
                                          .last = true};
  ck_assert(vmf_huffman_write(&block, &bits));
  size_t length = vmf_bits_end(&bits);
  ck_assert_uint_lt(length, count / 2);
  is_read(length, count);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("deflate");
  TCase *tests = tcase_create("deflate");

  tcase_set_timeout(tests, 240);
  tcase_add_loop_test(tests, units_of_every_length_are_read, VMF_DEFLATE_4K_FIRST,
                      VMF_DEFLATE_4K_LAST + 1);
  tcase_add_loop_test(tests, matches_of_every_length_and_distance_are_read, VMF_DEFLATE_4K_FIRST,
                      VMF_DEFLATE_4K_LAST + 1);
  tcase_add_loop_test(tests, nothing_is_written_beyond_the_capacity, VMF_DEFLATE_4K_FIRST,
                      VMF_DEFLATE_4K_LAST + 1);
  tcase_add_test(tests, codes_are_cut_to_what_there_is_room_for);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
