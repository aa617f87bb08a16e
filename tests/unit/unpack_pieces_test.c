/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Pieces of a packed file: what is read of them, and what is unpacked before it is. */
#include <stdatomic.h>
#include <string.h>
#include <zstd.h>

#include "check_main.h"
#include "packing.h"

enum { PIECE = 100000, PIECES = 12 };

static struct vmf_error error;

/* Frames that tell their size; every byte of the n-th is n. */
static struct vmf_io *packed_file(void)
{
  static uint8_t bytes[PIECES * PIECE], piece[PIECE];
  struct vmf_io *io = NULL;
  size_t used = 0;
  for (unsigned i = 0; i < PIECES; i++) {
    memset(piece, (int)i, PIECE);
    size_t got = ZSTD_compress(bytes + used, sizeof bytes - used, piece, PIECE, 1);
    ck_assert(!ZSTD_isError(got));
    used += got;
  }
  ck_assert_int_eq(vmf_io_memory("packed", bytes, used, &io, &error), VMF_OK);
  return io;
}

/* Frames that do not: the n-th holds lengths[n] bytes of n. */
static struct vmf_io *packed_unsized(const size_t *lengths, unsigned count)
{
  static uint8_t bytes[PIECES * PIECE], piece[PIECE];
  struct vmf_io *io = NULL;
  ZSTD_CCtx *context = ZSTD_createCCtx();
  size_t used = 0;
  ck_assert(context && !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0)));
  for (unsigned i = 0; i < count; i++) {
    memset(piece, (int)i, lengths[i]);
    size_t got = ZSTD_compress2(context, bytes + used, sizeof bytes - used, piece, lengths[i]);
    ck_assert(!ZSTD_isError(got));
    used += got;
  }
  ZSTD_freeCCtx(context);
  ck_assert_int_eq(vmf_io_memory("packed", bytes, used, &io, &error), VMF_OK);
  return io;
}

/* Without threads of its own, which come when they can: all that is unpacked is by who asks. */
static struct vmf_io *open_pieces(struct vmf_io *file)
{
  struct vmf_io *io = NULL;
  const struct vmf_unpack_options options = {.threads = 1};
  uint64_t told;
  ck_assert_int_eq(vmf_unpack_pieces(file, &vmf_packing_zstd, &options, &told, &io, &error),
                   VMF_OK);
  ck_assert_uint_eq(io->size, PIECES * PIECE);
  return io;
}

/* A file that counts what is read of it. */
struct counted {
  struct vmf_io io;
  struct vmf_io *file;
  atomic_uint reads;
};

static enum vmf_code counted_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                   struct vmf_error *failure)
{
  struct counted *counted = (struct counted *)io;
  counted->reads += length < 100; /* a frame; what lists them reads all */
  return vmf_io_pread(counted->file, buffer, length, offset, failure);
}

static const struct vmf_io_ops counted_ops = {.kind = "counted", .pread = counted_pread};

static void read_piece(struct vmf_io *io, unsigned index)
{
  uint8_t byte;
  ck_assert_int_eq(vmf_io_pread(io, &byte, 1, (uint64_t)index * PIECE + PIECE / 2, &error), VMF_OK);
  ck_assert_uint_eq(byte, index);
}

/* How many there are at once is bounded. */
static unsigned ahead(struct vmf_io *io)
{
  unsigned count = 0;
  while (vmf_io_ahead(io))
    count++;
  ck_assert_uint_lt(count, PIECES);
  return count;
}

START_TEST(nothing_is_unpacked_ahead_of_reading_that_is_not_in_order)
{
  struct vmf_io *file = packed_file(), *io = open_pieces(file);
  ck_assert(!vmf_io_ahead(io));
  for (unsigned index = 0; index < PIECES; index += PIECES - 1) { /* as a format is looked for */
    read_piece(io, index);
    ck_assert(!vmf_io_ahead(io));
  }
  read_piece(io, 0);
  ck_assert(!vmf_io_ahead(io));
  vmf_io_close(io);
  vmf_io_close(file);
}
END_TEST

START_TEST(the_next_pieces_are_unpacked_ahead_of_reading_in_order)
{
  struct vmf_io *file = packed_file(), *io = open_pieces(file);
  read_piece(io, 0);
  read_piece(io, 1);
  ck_assert_uint_gt(ahead(io), 0);
  ck_assert_uint_eq(ahead(io), 0);
  for (unsigned index = 2; index < PIECES; index++) {
    read_piece(io, index);
    ck_assert_uint_le(ahead(io), 1); /* the room of one has become free */
  }
  read_piece(io, 3);
  ck_assert(!vmf_io_ahead(io));
  vmf_io_close(io);
  vmf_io_close(file);
}
END_TEST

/* As a disk is: its first and last bytes are looked at, and then all of it is read. */
START_TEST(each_piece_is_unpacked_once_where_a_disk_is_opened_for_a_pass)
{
  struct vmf_io *file = packed_file(), *io = NULL;
  struct counted counted = {.io = {.ops = &counted_ops, .name = file->name, .size = file->size},
                            .file = file};
  const struct vmf_unpack_options options = {.threads = 2 + (unsigned)_i, .pass = true};
  uint64_t told;
  ck_assert_int_eq(vmf_unpack_pieces(&counted.io, &vmf_packing_zstd, &options, &told, &io, &error),
                   VMF_OK);
  read_piece(io, 0);
  read_piece(io, PIECES - 1);
  for (unsigned index = 0; index < PIECES; index++)
    read_piece(io, index);
  vmf_io_close(io);
  ck_assert_uint_eq(counted.reads, PIECES);
  vmf_io_close(file);
}
END_TEST

START_TEST(pieces_of_no_known_size_are_unpacked_once_but_for_two)
{
  static const size_t lengths[PIECES] = {PIECE, PIECE, PIECE, PIECE, PIECE, PIECE,
                                         PIECE, PIECE, PIECE, PIECE, PIECE, 777};
  struct vmf_io *file = packed_unsized(lengths, PIECES), *io = NULL;
  struct counted counted = {.io = {.ops = &counted_ops, .name = file->name, .size = file->size},
                            .file = file};
  bool assumed = false;
  const struct vmf_unpack_options options = {.threads = 2, .pass = true, .assumed = &assumed};
  uint64_t size = 0;
  ck_assert_int_eq(vmf_unpack_assumed(&counted.io, &vmf_packing_zstd, &options, &io, &size, &error),
                   VMF_OK);
  ck_assert_ptr_nonnull(io);
  ck_assert(assumed);
  ck_assert_uint_eq(size, (PIECES - 1) * PIECE + 777);
  for (unsigned index = 0; index < PIECES - 1; index++)
    read_piece(io, index);
  vmf_io_close(io);
  ck_assert_uint_eq(counted.reads, PIECES + 2);
  vmf_io_close(file);
}
END_TEST

/* As long at most, and yet longer or shorter. */
START_TEST(a_piece_of_another_size_than_assumed_is_an_error)
{
  const size_t lengths[4] = {PIECE, PIECE, _i == 0 ? PIECE - 1 : PIECE - 4096, 777};
  const size_t longer[4] = {PIECE - 1, PIECE - 1, PIECE, 777};
  struct vmf_io *file = packed_unsized(_i == 2 ? longer : lengths, 4), *io = NULL;
  bool assumed = false;
  const struct vmf_unpack_options options = {.threads = 2, .pass = true, .assumed = &assumed};
  uint64_t size = 0;
  uint8_t byte;
  ck_assert_int_eq(vmf_unpack_assumed(file, &vmf_packing_zstd, &options, &io, &size, &error),
                   VMF_OK);
  ck_assert(io && assumed);
  read_piece(io, 1);
  ck_assert_int_eq(vmf_io_pread(io, &byte, 1, 2 * PIECE + PIECE / 2, &error), VMF_CORRUPT);
  vmf_io_close(io);
  vmf_io_close(file);
}
END_TEST

START_TEST(nothing_is_assumed_of_pieces_that_tell_their_size_or_differ)
{
  static const size_t differ[3] = {300, PIECE, 777};
  struct vmf_io *file = _i == 0 ? packed_file() : packed_unsized(differ, 3), *io = NULL;
  bool assumed = false;
  const struct vmf_unpack_options options = {.threads = 2, .pass = true, .assumed = &assumed};
  uint64_t size = 0;
  ck_assert_int_eq(vmf_unpack_assumed(file, &vmf_packing_zstd, &options, &io, &size, &error),
                   VMF_OK);
  ck_assert(!io && !assumed);
  vmf_io_close(file);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("unpack_pieces");
  TCase *tests = tcase_create("unpack_pieces");
  tcase_add_test(tests, nothing_is_unpacked_ahead_of_reading_that_is_not_in_order);
  tcase_add_test(tests, the_next_pieces_are_unpacked_ahead_of_reading_in_order);
  tcase_add_loop_test(tests, each_piece_is_unpacked_once_where_a_disk_is_opened_for_a_pass, 0, 2);
  tcase_add_test(tests, pieces_of_no_known_size_are_unpacked_once_but_for_two);
  tcase_add_loop_test(tests, a_piece_of_another_size_than_assumed_is_an_error, 0, 3);
  tcase_add_loop_test(tests, nothing_is_assumed_of_pieces_that_tell_their_size_or_differ, 0, 2);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
