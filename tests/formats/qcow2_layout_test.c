/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The arithmetic of the QCOW2 writer: the stream ends where handing out its clusters one by one
 * ends, and the tables behind it count every cluster of the file, themselves included. */
#include "../../formats/qcow2/qcow2_write.h"
#include "check_main.h"
#include "checked.h"

static const struct shape {
  uint64_t cluster_size, refcount_bits, guest_size;
} shapes[] = {
    {512, 64, 0},
    {512, 64, 1},
    {512, 64, UINT64_C(1) << 33},
    {512, 16, 100000},
    {512, 1, 3000000},
    {1024, 32, UINT64_C(1) << 35},
    {65536, 16, 1},
    {65536, 16, UINT64_C(1) << 45},
    {2097152, 64, UINT64_C(1) << 50},
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static struct qcow2_geometry geometry_of(int index)
{
  const struct qcow2_write_options options = {.compat = QCOW2_COMPAT_1_1,
                                              .cluster_size = shapes[index].cluster_size,
                                              .refcount_bits = shapes[index].refcount_bits};
  struct qcow2_geometry geometry;
  qcow2_geometry_fill(&options, shapes[index].guest_size, &geometry);
  return geometry;
}

START_TEST(stream_ends_where_single_steps_end)
{
  const struct qcow2_geometry geometry = geometry_of(_i);
  uint64_t next = 2;
  for (uint64_t clusters = 0; clusters < 3 * vmf_min(geometry.range_clusters, 70000); clusters++) {
    ck_assert_uint_eq(qcow2_stream_end(&geometry, clusters), next);
    if (next % geometry.range_clusters == 0)
      next++;
    next++;
  }
}
END_TEST

static void check_tail(const struct qcow2_geometry *geometry, uint64_t stream_end)
{
  struct qcow2_tail tail;
  qcow2_tail_fill(geometry, stream_end, &tail);
  ck_assert_uint_eq(tail.l1, stream_end);
  ck_assert_uint_eq(tail.reftable, tail.l1 + geometry->l1_clusters);
  ck_assert_uint_eq(tail.late_blocks, tail.reftable + tail.reftable_clusters);
  ck_assert_uint_eq(tail.end, tail.late_blocks + (tail.blocks - tail.first_late));
  ck_assert_uint_eq(tail.blocks, vmf_div_up(tail.end, geometry->range_clusters));
  ck_assert_uint_eq(tail.reftable_clusters,
                    vmf_div_up(tail.blocks * QCOW2_REFTABLE_ENTRY, geometry->cluster_size));
  for (uint64_t i = 0; i < tail.blocks; i++) {
    uint64_t cluster = qcow2_block_cluster(geometry, &tail, i);
    ck_assert(i < tail.first_late ? cluster > 0 && cluster < tail.l1
                                  : cluster >= tail.late_blocks && cluster < tail.end);
    if (i > 0)
      ck_assert_uint_gt(cluster, qcow2_block_cluster(geometry, &tail, i - 1));
  }
}

START_TEST(tail_counts_itself)
{
  const struct qcow2_geometry geometry = geometry_of(_i);
  uint64_t range = geometry.range_clusters;
  for (uint64_t clusters = 0; clusters < 300; clusters++)
    check_tail(&geometry, qcow2_stream_end(&geometry, clusters));
  for (uint64_t ranges = 1; ranges < 200; ranges++)
    for (uint64_t more = 0; more < 4; more++)
      check_tail(&geometry, qcow2_stream_end(&geometry, ranges * (range - 1) + more - 3));
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("qcow2_layout");
  TCase *tests = tcase_create("qcow2_layout");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, stream_ends_where_single_steps_end, 0, SHAPES);
  tcase_add_loop_test(tests, tail_counts_itself, 0, SHAPES);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
