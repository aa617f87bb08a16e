/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The QCOW2 reader on images made byte by byte in memory: what open accepts and refuses, the runs
 * of a map, snapshots, subclusters, external data, and the counts of check. */
#include <string.h>

#include "../../formats/qcow2/qcow2.h"
#include "bytes.h"
#include "check_main.h"
#include "checked.h"
#include "format.h"
#include "luks.h"
#include "memory.h"

enum {
  BITS = 9,
  CLUSTER = 1 << BITS,
  REFTABLE = 1, /* clusters of the image, by number */
  REFBLOCK = 2,
  L1 = 3,
  L2 = 4,
  DATA = 5,   /* two clusters of data, one that is allocated but zero */
  PACKED = 8, /* compressed data starts inside it */
  SNAPSHOTS = 9,
  CLUSTERS = 16,
  BIG_BITS = 14, /* with subclusters */
  BIG_CLUSTER = 1 << BIG_BITS,
  IMAGE_MAX = CLUSTERS * BIG_CLUSTER,
  COVERED = CLUSTER / 8 * CLUSTER, /* guest bytes of one L2 table */
  GUEST = 3 * COVERED + 1000,
  PACKED_AT = PACKED * CLUSTER + 100,
};

static uint8_t bytes[IMAGE_MAX];
static size_t length;

/* One image that is open; the data file is zeros. */
struct opened {
  struct vmf_image image;
  struct vmf_open_args args;
  struct vmf_error error;
  enum vmf_code code;
};

static const struct vmf_limits limits = {
    .guest_size = UINT64_C(1) << 50,
    .table_bytes = 1 << 25,
    .packed_unit = 1 << 21,
    .snapshots = 65536,
    .snapshot_table_bytes = 1 << 20,
};

static enum vmf_code open_data(struct vmf_opener *opener, const char *name,
                               enum vmf_reference reference, struct vmf_io **io,
                               struct vmf_error *error)
{
  static const uint8_t zeros[GUEST];
  (void)opener;
  ck_assert_int_eq(reference, VMF_REFERENCE_DATA);
  return vmf_io_memory(name, zeros, sizeof zeros, io, error);
}
static struct vmf_opener opener = {.open = open_data};

static const struct vmf_unlocking unlocking; /* nothing */

static void open_image(struct opened *opened, const char *snapshot)
{
  *opened = (struct opened){.args.snapshot = snapshot};
  struct vmf_image *image = &opened->image;
  image->limits = &limits;
  image->opener = &opener;
  ck_assert_int_eq(vmf_alloc(qcow2_reader.state_size, &image->state, &opened->error), VMF_OK);
  ck_assert_int_eq(vmf_io_memory("disk.qcow2", bytes, length, &image->io, &opened->error), VMF_OK);
  opened->args.unlocking = &unlocking;
  opened->code = qcow2_reader.open(image, &opened->args, &opened->error);
}

static void close_image(struct opened *opened)
{
  struct vmf_image *image = &opened->image;
  qcow2_reader.close(image);
  vmf_io_close(image->io);
  vmf_free(image->state);
  vmf_free(image->parent_link.names[0]);
  vmf_free(image->parent_link.format);
}

static void put_header(unsigned bits)
{
  put_be32(bytes + QCOW2_MAGIC_AT, QCOW2_MAGIC);
  put_be32(bytes + QCOW2_VERSION_AT, 3);
  put_be32(bytes + QCOW2_CLUSTER_BITS_AT, bits);
  put_be64(bytes + QCOW2_SIZE_AT, GUEST);
  put_be32(bytes + QCOW2_L1_SIZE_AT, 4);
  put_be64(bytes + QCOW2_L1_OFFSET_AT, (uint64_t)L1 << bits);
  put_be64(bytes + QCOW2_REFTABLE_OFFSET_AT, (uint64_t)REFTABLE << bits);
  put_be32(bytes + QCOW2_REFTABLE_CLUSTERS_AT, 1);
  put_be32(bytes + QCOW2_REFCOUNT_ORDER_AT, 4);
  put_be32(bytes + QCOW2_HEADER_LENGTH_AT, QCOW2_HEADER_WRITTEN);
}

static void put_entry(unsigned index, uint64_t value)
{
  put_be64(bytes + L2 * CLUSTER + index * QCOW2_L2_ENTRY, value);
}

static uint64_t allocated(uint64_t cluster)
{
  return QCOW2_COPIED | cluster * CLUSTER;
}

/* Two clusters of data, two of zeros, one compressed, the rest unallocated; all counts are right.
 */
static void make_image(void)
{
  memset(bytes, 0, sizeof bytes);
  length = CLUSTERS * CLUSTER;
  put_header(BITS);
  put_be64(bytes + REFTABLE * CLUSTER, REFBLOCK * CLUSTER);
  for (size_t i = 0; i <= PACKED; i++)
    put_be16(bytes + REFBLOCK * CLUSTER + i * 2, 1);
  put_be64(bytes + L1 * CLUSTER, allocated(L2));
  put_entry(0, allocated(DATA));
  put_entry(1, allocated(DATA + 1));
  put_entry(2, QCOW2_L2_ZERO);
  put_entry(3, QCOW2_L2_ZERO | allocated(DATA + 2));
  put_entry(4, QCOW2_L2_COMPRESSED | PACKED_AT);
}

static void check_run(struct opened *opened, uint64_t at, const struct vmf_run *expected)
{
  struct vmf_run run;
  ck_assert_int_eq(qcow2_reader.map(&opened->image, at, &run, &opened->error), VMF_OK);
  ck_assert_int_eq(run.kind, expected->kind);
  ck_assert_uint_le(run.guest, at);
  ck_assert_uint_eq(run.guest + run.length, expected->guest + expected->length);
  if (run.kind == VMF_RUN_PLAIN || expected->offset > 0)
    ck_assert_uint_eq(run.offset - run.guest, expected->offset - expected->guest);
}

START_TEST(runs_join_what_is_stored_alike)
{
  static const struct vmf_run expected[] = {
      {.guest = 0, .length = 2 * CLUSTER, .kind = VMF_RUN_PLAIN, .offset = DATA * CLUSTER},
      {.guest = 2 * CLUSTER, .length = CLUSTER, .kind = VMF_RUN_ZERO},
      {.guest = 3 * CLUSTER,
       .length = CLUSTER,
       .kind = VMF_RUN_ZERO,
       .offset = (DATA + 2) * CLUSTER}, /* reserved */
      {.guest = 4 * CLUSTER, .length = CLUSTER, .kind = VMF_RUN_PACKED},
      {.guest = 5 * CLUSTER, .length = COVERED - 5 * CLUSTER, .kind = VMF_RUN_PARENT},
      {.guest = COVERED, .length = GUEST - COVERED, .kind = VMF_RUN_PARENT},
  };
  struct opened opened;
  make_image();
  open_image(&opened, NULL);
  ck_assert_msg(opened.code == VMF_OK, "%s", opened.error.text);
  ck_assert_uint_eq(opened.image.size, GUEST);
  ck_assert_uint_eq(opened.image.unit, CLUSTER);
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
    check_run(&opened, expected[i].guest, &expected[i]);
    check_run(&opened, expected[i].guest + expected[i].length - 1, &expected[i]);
  }
  struct vmf_run run;
  ck_assert_int_eq(qcow2_reader.map(&opened.image, 4 * CLUSTER + 7, &run, &opened.error), VMF_OK);
  ck_assert_uint_eq(run.guest, 4 * CLUSTER);
  ck_assert_uint_eq(run.offset, PACKED_AT);
  ck_assert_uint_eq(run.stored, CLUSTER - PACKED_AT % CLUSTER);
  ck_assert_uint_eq(run.unit, CLUSTER);
  ck_assert_int_eq(run.codec, VMF_CODEC_DEFLATE_4K);
  close_image(&opened);
}
END_TEST

/* A field of the image that is set, and what opening it says then. */
static const struct refusal {
  unsigned at, width;
  uint64_t value;
  enum vmf_code code;
  const char *text;
} refusals[] = {
    {QCOW2_MAGIC_AT, 4, 0, VMF_CORRUPT, "magic"},
    {QCOW2_VERSION_AT, 4, 4, VMF_UNSUPPORTED, "version 4"},
    {QCOW2_CLUSTER_BITS_AT, 4, 8, VMF_CORRUPT, "cluster_bits 8"},
    {QCOW2_CLUSTER_BITS_AT, 4, 255, VMF_CORRUPT, "cluster_bits 255"},
    {QCOW2_SIZE_AT, 8, UINT64_MAX, VMF_LIMIT, "a disk of 18446744073709551615 bytes"},
    {QCOW2_CRYPT_METHOD_AT, 4, 1, VMF_SECRET, "AES"},
    {QCOW2_CRYPT_METHOD_AT, 4, 2, VMF_CORRUPT, "LUKS"},
    {QCOW2_L1_SIZE_AT, 4, 3, VMF_CORRUPT, "needs 4"},
    {QCOW2_L1_SIZE_AT, 4, UINT32_MAX, VMF_LIMIT, "4294967295 entries"},
    {QCOW2_L1_OFFSET_AT, 8, 8, VMF_CORRUPT, "multiple of the cluster size"},
    {QCOW2_L1_OFFSET_AT, 8, UINT64_MAX - CLUSTER + 1, VMF_CORRUPT, "beyond the end"},
    {QCOW2_REFTABLE_OFFSET_AT, 8, 100, VMF_CORRUPT, "refcount table at byte 100"},
    {QCOW2_REFTABLE_CLUSTERS_AT, 4, UINT32_MAX, VMF_CORRUPT, "refcount table of 4294967295"},
    {QCOW2_SNAPSHOT_COUNT_AT, 4, 65537, VMF_LIMIT, "65537 snapshots"},
    {QCOW2_INCOMPATIBLE_AT, 8, 2, VMF_CORRUPT, "corrupt bit"},
    {QCOW2_INCOMPATIBLE_AT, 8, 4, VMF_UNSUPPORTED, "not named"},
    {QCOW2_INCOMPATIBLE_AT, 8, 8, VMF_CORRUPT, "compression_type 0"},
    {QCOW2_INCOMPATIBLE_AT, 8, 16, VMF_CORRUPT, "extended L2 entries with cluster_bits 9"},
    {QCOW2_INCOMPATIBLE_AT, 8, UINT64_C(1) << 40, VMF_UNSUPPORTED, "feature bit 40"},
    {QCOW2_REFCOUNT_ORDER_AT, 4, 7, VMF_CORRUPT, "refcount_order 7"},
    {QCOW2_HEADER_LENGTH_AT, 4, 100, VMF_CORRUPT, "header_length 100"},
    {QCOW2_HEADER_LENGTH_AT, 4, 113, VMF_CORRUPT, "header_length 113"},
    {QCOW2_HEADER_LENGTH_AT, 4, CLUSTER + 8, VMF_CORRUPT, "header_length 520"},
    {QCOW2_COMPRESSION_TYPE_AT, 1, 1, VMF_CORRUPT, "compression_type 1"},
    {QCOW2_HEADER_WRITTEN, 8, UINT64_C(0xe2792aca00000200), VMF_CORRUPT, "at most 392 fit"},
    {QCOW2_HEADER_WRITTEN, 8, UINT64_C(0x0537be7700000000), VMF_CORRUPT, "encryption header"},
    {QCOW2_BACKING_OFFSET_AT, 12, (UINT64_C(100) << 32) | 4, VMF_CORRUPT, "4 bytes at byte 100"},
    {QCOW2_BACKING_OFFSET_AT, 12, (UINT64_C(510) << 32) | 4, VMF_CORRUPT, "4 bytes at byte 510"},
    {QCOW2_BACKING_OFFSET_AT, 12, (UINT64_C(200) << 32) | 1024, VMF_CORRUPT, "1024 bytes"},
    {QCOW2_BACKING_OFFSET_AT, 12, (UINT64_C(200) << 32) | 0, VMF_CORRUPT, "0 bytes"},
    {QCOW2_BACKING_OFFSET_AT, 12, (UINT64_C(200) << 32) | 4, VMF_CORRUPT, "a zero byte"},
};
enum { REFUSALS = sizeof refusals / sizeof refusals[0] };

static void put(unsigned at, unsigned width, uint64_t value)
{
  switch (width) {
  case 1:
    bytes[at] = (uint8_t)value;
    break;
  case 4:
    put_be32(bytes + at, (uint32_t)value);
    break;
  case 12: /* backing_file_offset and _size */
    put_be64(bytes + at, value >> 32);
    put_be32(bytes + at + 8, (uint32_t)value);
    break;
  default:
    put_be64(bytes + at, value);
    break;
  }
}

START_TEST(open_refuses)
{
  const struct refusal *refusal = &refusals[_i];
  struct opened opened;
  make_image();
  put(refusal->at, refusal->width, refusal->value);
  open_image(&opened, NULL);
  ck_assert_int_eq(opened.code, refusal->code);
  ck_assert_msg(strstr(opened.error.text, refusal->text) != NULL, "%s", opened.error.text);
  ck_assert_msg(strstr(opened.error.text, "disk.qcow2: ") == opened.error.text, "%s",
                opened.error.text);
  close_image(&opened);
}
END_TEST

/* Values of the first L2 entry, or of the first L1 entry, that a map refuses. */
static const struct bad_entry {
  unsigned at;
  uint64_t value;
  const char *text;
} bad_entries[] = {
    {L2 * CLUSTER, UINT64_C(1) << 58, "reserved bits"},
    {L2 * CLUSTER, QCOW2_COPIED | (DATA * CLUSTER + 2), "reserved bits"},
    {L2 * CLUSTER, QCOW2_COPIED, "without an offset"},
    {L2 * CLUSTER, QCOW2_COPIED | CLUSTERS *CLUSTER, "beyond the end"},
    {L2 * CLUSTER, QCOW2_COPIED | UINT64_C(0x00fffffffffffe00), "beyond the end"},
    {L2 * CLUSTER, QCOW2_L2_COMPRESSED | 100, "inside the header"},
    {L2 * CLUSTER, QCOW2_L2_COMPRESSED | CLUSTERS *CLUSTER, "beyond the end"},
    {L2 * CLUSTER, QCOW2_L2_COMPRESSED | UINT64_C(1) << 57, "reserved bits"},
    {L1 * CLUSTER, QCOW2_COPIED | CLUSTERS *CLUSTER, "beyond the end"},
    {L1 * CLUSTER, QCOW2_COPIED | (L2 * CLUSTER + 8), "reserved bits"},
    {L1 * CLUSTER, UINT64_C(1) << 60, "reserved bits"},
};
enum { BAD_ENTRIES = sizeof bad_entries / sizeof bad_entries[0] };

START_TEST(map_refuses)
{
  const struct bad_entry *bad = &bad_entries[_i];
  struct opened opened;
  struct vmf_run run;
  make_image();
  put_be64(bytes + bad->at, bad->value);
  open_image(&opened, NULL);
  ck_assert_msg(opened.code == VMF_OK, "%s", opened.error.text);
  ck_assert_int_eq(qcow2_reader.map(&opened.image, 0, &run, &opened.error), VMF_CORRUPT);
  ck_assert_msg(strstr(opened.error.text, bad->text) != NULL, "%s", opened.error.text);
  close_image(&opened);
}
END_TEST

START_TEST(a_cluster_that_was_cut_off_is_refused)
{
  struct opened opened;
  struct vmf_run run;
  make_image();
  length = DATA * CLUSTER + CLUSTER + 100; /* inside the second cluster of data */
  open_image(&opened, NULL);
  ck_assert_msg(opened.code == VMF_OK, "%s", opened.error.text);
  ck_assert_int_eq(qcow2_reader.map(&opened.image, 0, &run, &opened.error), VMF_OK);
  ck_assert_uint_eq(run.length, CLUSTER);
  ck_assert_int_eq(qcow2_reader.map(&opened.image, CLUSTER, &run, &opened.error), VMF_CORRUPT);
  close_image(&opened);
}
END_TEST

START_TEST(version_2_has_no_zero_bit)
{
  struct opened opened;
  struct vmf_run run;
  make_image();
  put_be32(bytes + QCOW2_VERSION_AT, 2);
  memset(bytes + QCOW2_HEADER_V2, 0, QCOW2_HEADER_WRITTEN - QCOW2_HEADER_V2);
  open_image(&opened, NULL);
  ck_assert_msg(opened.code == VMF_OK, "%s", opened.error.text);
  ck_assert_int_eq(qcow2_reader.map(&opened.image, 0, &run, &opened.error), VMF_OK);
  ck_assert_int_eq(qcow2_reader.map(&opened.image, 2 * CLUSTER, &run, &opened.error), VMF_CORRUPT);
  close_image(&opened);
}
END_TEST

START_TEST(backing_file_and_its_format)
{
  static const char name[] = "base.vmdk";
  struct opened opened;
  make_image();
  put_be64(bytes + QCOW2_BACKING_OFFSET_AT, 200);
  put_be32(bytes + QCOW2_BACKING_SIZE_AT, sizeof name - 1);
  memcpy(bytes + 200, name, sizeof name - 1);
  put_be32(bytes + QCOW2_HEADER_WRITTEN, QCOW2_EXTENSION_BACKING_FORMAT);
  put_be32(bytes + QCOW2_HEADER_WRITTEN + 4, 4);
  memcpy(bytes + QCOW2_HEADER_WRITTEN + 8, "vmdk", 4);
  open_image(&opened, NULL);
  ck_assert_msg(opened.code == VMF_OK, "%s", opened.error.text);
  ck_assert_uint_eq(opened.image.parent_link.count, 1);
  ck_assert_str_eq(opened.image.parent_link.names[0], name);
  ck_assert_str_eq(opened.image.parent_link.format, "vmdk");
  close_image(&opened);
}
END_TEST

START_TEST(an_unknown_feature_is_named)
{
  struct opened opened;
  make_image();
  put_be64(bytes + QCOW2_INCOMPATIBLE_AT, UINT64_C(1) << 6);
  uint8_t *extension = bytes + QCOW2_HEADER_WRITTEN;
  put_be32(extension, QCOW2_EXTENSION_FEATURE_NAMES);
  put_be32(extension + 4, QCOW2_FEATURE_ENTRY);
  extension[8 + QCOW2_FEATURE_BIT_AT] = 6;
  memcpy(extension + 8 + QCOW2_FEATURE_NAME_AT, "folded clusters", 15);
  open_image(&opened, NULL);
  ck_assert_int_eq(opened.code, VMF_UNSUPPORTED);
  ck_assert_msg(strstr(opened.error.text, "bit 6 (folded clusters)") != NULL, "%s",
                opened.error.text);
  close_image(&opened);
}
END_TEST

/* Entry n of the snapshot table, 72 bytes: its L1 table is the active one. */
static void put_snapshot(unsigned n, const char *id, const char *name, uint64_t size)
{
  uint8_t *raw = bytes + SNAPSHOTS * CLUSTER + n * 72;
  put_be64(raw + QCOW2_SNAPSHOT_L1_OFFSET_AT, L1 * CLUSTER);
  put_be32(raw + QCOW2_SNAPSHOT_L1_SIZE_AT, 4);
  put_be16(raw + QCOW2_SNAPSHOT_ID_LENGTH_AT, (uint16_t)strlen(id));
  put_be16(raw + QCOW2_SNAPSHOT_NAME_LENGTH_AT, (uint16_t)strlen(name));
  put_be32(raw + QCOW2_SNAPSHOT_EXTRA_LENGTH_AT, 24);
  put_be64(raw + QCOW2_SNAPSHOT_DISK_SIZE_AT, size);
  memcpy(raw + 64, id, strlen(id));
  memcpy(raw + 64 + strlen(id), name, strlen(name));
  put_be32(bytes + QCOW2_SNAPSHOT_COUNT_AT, n + 1);
  put_be64(bytes + QCOW2_SNAPSHOTS_OFFSET_AT, SNAPSHOTS * CLUSTER);
}

START_TEST(a_snapshot_is_found_by_id_before_name)
{
  struct opened opened;
  make_image();
  put_snapshot(0, "1", "2", CLUSTER);
  put_snapshot(1, "2", "late", COVERED);
  open_image(&opened, "2");
  ck_assert_msg(opened.code == VMF_OK, "%s", opened.error.text);
  ck_assert_uint_eq(opened.image.size, COVERED);
  close_image(&opened);
  open_image(&opened, "late");
  ck_assert_uint_eq(opened.image.size, COVERED);
  close_image(&opened);
  open_image(&opened, "3");
  ck_assert_int_eq(opened.code, VMF_USAGE);
  close_image(&opened);
  put_snapshot(1, "2", "late", 5 * COVERED); /* more than its L1 table describes */
  open_image(&opened, "late");
  ck_assert_int_eq(opened.code, VMF_CORRUPT);
  close_image(&opened);
}
END_TEST

START_TEST(external_data_stands_at_the_guests_offset)
{
  struct opened opened;
  make_image();
  put_be64(bytes + QCOW2_INCOMPATIBLE_AT, QCOW2_INCOMPATIBLE_DATA_FILE);
  put_be32(bytes + QCOW2_HEADER_WRITTEN, QCOW2_EXTENSION_DATA_FILE);
  put_be32(bytes + QCOW2_HEADER_WRITTEN + 4, 4);
  memcpy(bytes + QCOW2_HEADER_WRITTEN + 8, "data", 4);
  put_entry(0, QCOW2_COPIED);
  put_entry(1, QCOW2_COPIED | CLUSTER);
  open_image(&opened, NULL);
  ck_assert_msg(opened.code == VMF_OK, "%s", opened.error.text);
  const struct vmf_run expected = {.length = 2 * CLUSTER, .kind = VMF_RUN_PLAIN};
  check_run(&opened, 0, &expected);
  struct vmf_run run;
  ck_assert_int_eq(qcow2_reader.map(&opened.image, 0, &run, &opened.error), VMF_OK);
  ck_assert_str_eq(run.io->name, "data");
  ck_assert_int_eq(qcow2_reader.map(&opened.image, 4 * CLUSTER, &run, &opened.error), VMF_CORRUPT);
  close_image(&opened);
  put_entry(0, allocated(DATA));
  open_image(&opened, NULL);
  ck_assert_int_eq(qcow2_reader.map(&opened.image, 0, &run, &opened.error), VMF_CORRUPT);
  close_image(&opened);
}
END_TEST

START_TEST(subclusters_are_runs)
{
  enum { SUB = BIG_CLUSTER / QCOW2_SUBCLUSTERS };
  memset(bytes, 0, sizeof bytes);
  length = CLUSTERS * BIG_CLUSTER;
  put_header(BIG_BITS);
  put_be64(bytes + QCOW2_INCOMPATIBLE_AT, QCOW2_INCOMPATIBLE_EXTENDED_L2);
  put_be64(bytes + L1 * BIG_CLUSTER, QCOW2_COPIED | L2 * BIG_CLUSTER);
  uint8_t *entry = bytes + L2 * BIG_CLUSTER;
  put_be64(entry, QCOW2_COPIED | DATA * BIG_CLUSTER); /* 2 stored, 3 zero, 26 parent, 1 stored */
  put_be64(entry + 8, UINT64_C(0x1c) << 32 | UINT32_C(0x80000003));
  put_be64(entry + 16, QCOW2_COPIED | (DATA + 1) * BIG_CLUSTER);
  put_be64(entry + 24, 1);
  static const struct vmf_run expected[] = {
      {.length = 2 * SUB, .kind = VMF_RUN_PLAIN, .offset = DATA * BIG_CLUSTER},
      {.guest = 2 * SUB, .length = 3 * SUB, .kind = VMF_RUN_ZERO},
      {.guest = 5 * SUB, .length = 26 * SUB, .kind = VMF_RUN_PARENT},
      {.guest = 31 * SUB,
       .length = 2 * SUB,
       .kind = VMF_RUN_PLAIN,
       .offset = DATA * BIG_CLUSTER + 31 * SUB},
      {.guest = 33 * SUB, .length = GUEST - 33 * SUB, .kind = VMF_RUN_PARENT},
  };
  struct opened opened;
  open_image(&opened, NULL);
  ck_assert_msg(opened.code == VMF_OK, "%s", opened.error.text);
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
    check_run(&opened, expected[i].guest, &expected[i]);
  close_image(&opened);
  put_be64(entry + 8, UINT64_C(1) << 32 | 1);
  open_image(&opened, NULL);
  struct vmf_run run;
  ck_assert_int_eq(qcow2_reader.map(&opened.image, 0, &run, &opened.error), VMF_CORRUPT);
  close_image(&opened);
}
END_TEST

static struct vmf_findings checked(void)
{
  struct opened opened;
  struct vmf_findings findings = {.size = sizeof findings};
  open_image(&opened, NULL);
  ck_assert_msg(opened.code == VMF_OK, "%s", opened.error.text);
  ck_assert_int_eq(qcow2_reader.check(&opened.image, &findings, &opened.error), VMF_OK);
  close_image(&opened);
  return findings;
}

static void set_count(unsigned cluster, uint16_t count)
{
  put_be16(bytes + REFBLOCK * CLUSTER + cluster * 2, count);
}

START_TEST(check_counts)
{
  make_image();
  struct vmf_findings clean = checked();
  ck_assert_uint_eq(clean.corruptions, 0);
  ck_assert_uint_eq(clean.leaks, 0);
  ck_assert_uint_eq(clean.image_end_offset, (PACKED + 1) * CLUSTER);
  ck_assert_uint_eq(clean.total_clusters, vmf_div_up(GUEST, CLUSTER));
  ck_assert_uint_eq(clean.allocated_clusters, 4);
  ck_assert_uint_eq(clean.compressed_clusters, 1);
  ck_assert_uint_eq(clean.fragmented_clusters, 1);

  set_count(12, 1);
  ck_assert_uint_eq(checked().leaks, 1);
  make_image();
  set_count(PACKED, 0);
  ck_assert_uint_eq(checked().corruptions, 1);
  make_image();
  set_count(DATA, 2); /* a leak, and the copied bit says that the count is one */
  ck_assert_uint_eq(checked().corruptions, 1);
  ck_assert_uint_eq(checked().leaks, 1);
}
END_TEST

START_TEST(check_finds_data_in_a_table)
{
  make_image();
  put_entry(0, L2 * CLUSTER); /* every count is right, and yet the guest sees the table */
  put_be64(bytes + L1 * CLUSTER, L2 * CLUSTER);
  set_count(L2, 2);
  set_count(DATA, 0);
  struct vmf_findings findings = checked();
  ck_assert_uint_eq(findings.corruptions, 1);
  ck_assert_uint_eq(findings.leaks, 0);
}
END_TEST

static Suite *qcow2_reader_suite(void)
{
  Suite *suite = suite_create("qcow2_reader");
  TCase *tests = tcase_create("qcow2_reader");
  tcase_add_test(tests, runs_join_what_is_stored_alike);
  tcase_add_loop_test(tests, open_refuses, 0, REFUSALS);
  tcase_add_loop_test(tests, map_refuses, 0, BAD_ENTRIES);
  tcase_add_test(tests, a_cluster_that_was_cut_off_is_refused);
  tcase_add_test(tests, version_2_has_no_zero_bit);
  tcase_add_test(tests, backing_file_and_its_format);
  tcase_add_test(tests, an_unknown_feature_is_named);
  tcase_add_test(tests, a_snapshot_is_found_by_id_before_name);
  tcase_add_test(tests, external_data_stands_at_the_guests_offset);
  tcase_add_test(tests, subclusters_are_runs);
  tcase_add_test(tests, check_counts);
  tcase_add_test(tests, check_finds_data_in_a_table);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(qcow2_reader_suite)
