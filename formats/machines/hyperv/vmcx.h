/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The container of a .vmcx ("HyperVStorage"), all numbers little-endian: two headers, a log, tables
 * of objects, and among these the tables of keys. Each record has a CRC-32 (zlib's) over itself
 * with the CRC as zero. Layout: dissect.hypervisor's reader and its two samples; that of the log's
 * entries: the entries that both samples still hold of finished changes. */
#ifndef FORMATS_HYPERV_VMCX_H
#define FORMATS_HYPERV_VMCX_H

#include "hyperv_tree.h"
#include "report.h"

enum {
  VMCX_SIGNATURE = 0x01282014,
  VMCX_HEADER_STEP = 0x1000, /* bytes from one header to the other */
  VMCX_OBJECT_TABLE = 0x2000,
  VMCX_TABLES = 64,    /* of objects */
  VMCX_OBJECTS = 65536 /* of all tables */
};

struct vmcx_object {
  uint64_t offset;
  uint32_t length;
};

struct vmcx_file {
  const char *name;          /* for messages; not owned */
  struct vmf_report *report; /* or NULL */
  uint8_t *bytes;            /* owned: a copy into which the log is replayed */
  size_t length;
  struct vmcx_object *tables; /* of keys */
  size_t table_count, table_room;
};

/* Takes a copy of the bytes, checks the headers, replays the log, and finds the tables of keys.
 * Cleared by the caller, also after a failure. VMF_CORRUPT names place, value and what is right. */
VMF_MUST_CHECK enum vmf_code vmcx_open(const void *bytes, size_t length, struct vmcx_file *file,
                                       struct vmf_error *error);
void vmcx_clear(struct vmcx_file *file);

/* The keys of its tables, as a tree that is not finished. */
VMF_MUST_CHECK enum vmf_code vmcx_keys(const struct vmcx_file *file, struct hyperv_tree *tree,
                                       struct vmf_error *error);

/* ---- what both parts use ---- */

/* Whether the CRC that stands at `at` in a record of `length` bytes is right. */
bool vmcx_crc_right(const uint8_t *record, size_t length, size_t at);

#define vmcx_corrupt(file, offset, ...) vmcx_fail_at(file, offset, error, __VA_ARGS__)
enum vmf_code vmcx_fail_at(const struct vmcx_file *file, uint64_t offset, struct vmf_error *error,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
