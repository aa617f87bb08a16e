/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How packed units are fetched: those that stand together by one read, in whatever order. */
#include <string.h>

#include "check_main.h"
#include "image.h"

enum { UNITS = 16, UNIT = 65536, PLACE = 4096 /* host bytes kept for a unit */ };

/* A file whose reads are counted. */
struct counted {
  struct vmf_io io;
  struct vmf_io *bytes;
  unsigned reads;
};

static enum vmf_code counted_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                   struct vmf_error *error)
{
  struct counted *counted = (struct counted *)io;
  counted->reads++;
  return vmf_io_pread(counted->bytes, buffer, length, offset, error);
}

static const struct vmf_io_ops counted_ops = {.kind = "counted", .pread = counted_pread};

/* A disk of packed units, each at a place of its own. */
struct disk {
  struct vmf_node node;
  struct counted file;
  unsigned places[UNITS]; /* of each unit, in the file */
  uint32_t stored[UNITS]; /* packed bytes */
};

static enum vmf_code disk_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                              struct vmf_error *error)
{
  struct disk *disk = (struct disk *)image;
  size_t index = (size_t)(guest / UNIT);

  (void)error;
  *run = (struct vmf_run){.guest = index * UNIT,
                          .length = UNIT,
                          .kind = VMF_RUN_PACKED,
                          .io = image->io,
                          .offset = (uint64_t)disk->places[index] * PLACE,
                          .codec = VMF_CODEC_ZLIB,
                          .unit = UNIT,
                          .stored = disk->stored[index]};
  return VMF_OK;
}

static const struct vmf_reader disk_reader = {.packs = true, .map = disk_map};
static const struct vmf_format disk_format = {.name = "test", .reader = &disk_reader};

static void fill(uint8_t *bytes, size_t index)
{
  for (size_t i = 0; i < UNIT; i++)
    bytes[i] = (uint8_t)(index + i % 7);
}

static void make_disk(struct disk *disk, const unsigned places[UNITS])
{
  struct vmf_packer *packer;
  uint8_t unit[UNIT], packed[PLACE];

  *disk = (struct disk){.file = {.io = {.ops = &counted_ops, .name = (char *)"disk"}}};
  disk->node.image = (struct vmf_image){.format = &disk_format,
                                        .io = &disk->file.io,
                                        .limits = &vmf_default_limits,
                                        .size = UNITS * UNIT,
                                        .unit = UNIT};
  memcpy(disk->places, places, sizeof disk->places);
  ck_assert_int_eq(vmf_io_memory("disk", NULL, 0, &disk->file.bytes, NULL), VMF_OK);
  ck_assert_int_eq(vmf_packer_new(VMF_CODEC_ZLIB, 0, &packer, NULL), VMF_OK);
  for (size_t i = 0; i < UNITS; i++) {
    size_t length;
    fill(unit, i);
    ck_assert_int_eq(vmf_pack(packer, unit, UNIT, 0, packed, PLACE, &length, NULL), VMF_OK);
    disk->stored[i] = (uint32_t)length;
    ck_assert_int_eq(
        vmf_io_pwrite(disk->file.bytes, packed, length, (uint64_t)places[i] * PLACE, NULL), VMF_OK);
  }
  vmf_packer_free(packer);
  disk->file.io.size = disk->file.bytes->size;
}

/* Reads the whole disk in one piece. */
static void read_disk(struct disk *disk)
{
  static uint8_t found[UNITS * UNIT], expected[UNIT];
  struct vmf_loader *loader;

  ck_assert_int_eq(vmf_loader_new(&loader, NULL), VMF_OK);
  ck_assert_int_eq(vmf_loader_read(loader, &disk->node.image, found, sizeof found, 0, NULL),
                   VMF_OK);
  for (size_t i = 0; i < UNITS; i++) {
    fill(expected, i);
    ck_assert_mem_eq(found + i * UNIT, expected, UNIT);
  }
  vmf_loader_free(loader);
  vmf_io_close(disk->file.bytes);
}

START_TEST(units_in_a_row_are_one_read)
{
  static const unsigned places[UNITS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  struct disk disk;

  make_disk(&disk, places);
  read_disk(&disk);
  ck_assert_uint_eq(disk.file.reads, 1);
}
END_TEST

START_TEST(units_out_of_order_are_one_read)
{
  static const unsigned places[UNITS] = {3, 2, 7, 0, 1, 6, 5, 4, 15, 8, 9, 14, 10, 11, 13, 12};
  struct disk disk;

  make_disk(&disk, places);
  read_disk(&disk);
  ck_assert_uint_eq(disk.file.reads, 1);
}
END_TEST

START_TEST(units_far_apart_are_read_alone)
{
  unsigned places[UNITS];
  struct disk disk;

  for (unsigned i = 0; i < UNITS; i++)
    places[i] = i * 1000;
  make_disk(&disk, places);
  read_disk(&disk);
  ck_assert_uint_eq(disk.file.reads, UNITS);
}
END_TEST

/* ---- units whose digest is stored with them ---- */

static int damaged = -1; /* the digest of which unit is wrong */

/* XXH64, SHA-1 and SHA-256 in turns. */
static enum vmf_code digest_unwrap(const struct vmf_image *image, const struct vmf_run *run,
                                   const uint8_t *stored, size_t length,
                                   struct vmf_payload *payload, struct vmf_error *error)
{
  static const enum vmf_block_digest digests[] = {VMF_BLOCK_XXH64, VMF_BLOCK_SHA1,
                                                  VMF_BLOCK_SHA256};
  unsigned index = (unsigned)(run->guest / UNIT);
  uint8_t digest[VMF_DIGEST_MAX];

  (void)image;
  *payload = (struct vmf_payload){.length = (uint32_t)length, .digest = digests[index % 3]};
  VMF_TRY(vmf_digest_bytes(vmf_block_digest_kind(payload->digest), stored, length, digest, error));
  memcpy(payload->expected, digest, sizeof payload->expected);
  payload->expected[7] ^= (int)index == damaged;
  return VMF_OK;
}

static const struct vmf_reader digest_reader = {
    .packs = true, .map = disk_map, .unwrap = digest_unwrap};
static const struct vmf_format digest_format = {.name = "test", .reader = &digest_reader};

START_TEST(a_digest_that_is_stored_with_a_unit_is_checked)
{
  static const unsigned places[UNITS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  static uint8_t found[UNITS * UNIT];
  struct vmf_error error = {0};
  struct vmf_loader *loader;
  struct disk disk;

  make_disk(&disk, places);
  disk.node.image.format = &digest_format;
  damaged = _i;
  ck_assert_int_eq(vmf_loader_new(&loader, NULL), VMF_OK);
  ck_assert_int_eq(vmf_loader_read(loader, &disk.node.image, found, sizeof found, 0, &error),
                   damaged < 0 ? VMF_OK : VMF_CORRUPT);
  if (damaged >= 0)
    ck_assert_ptr_nonnull(strstr(error.text, "is damaged: its checksum is "));
  vmf_loader_free(loader);
  vmf_io_close(disk.file.bytes);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("load");
  TCase *tests = tcase_create("load");
  tcase_add_test(tests, units_in_a_row_are_one_read);
  tcase_add_test(tests, units_out_of_order_are_one_read);
  tcase_add_test(tests, units_far_apart_are_read_alone);
  tcase_add_loop_test(tests, a_digest_that_is_stored_with_a_unit_is_checked, -1, 3);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
