/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the parts of the VMDK writer share: its options, its state, and the three ways to lay out
 * an extent (flat, hosted sparse, stream). */
#ifndef FORMATS_VMDK_WRITE_H
#define FORMATS_VMDK_WRITE_H

#include "format.h"
#include "vmdk.h"

enum vmdk_subformat {
  VMDK_MONOLITHIC_SPARSE,
  VMDK_MONOLITHIC_FLAT,
  VMDK_SPLIT_SPARSE,
  VMDK_SPLIT_FLAT,
  VMDK_VMFS,
  VMDK_STREAM,
};

enum vmdk_adapter {
  VMDK_ADAPTER_IDE,
  VMDK_ADAPTER_BUSLOGIC,
  VMDK_ADAPTER_LSILOGIC,
  VMDK_ADAPTER_LEGACY_ESX,
};

struct vmdk_write_options {
  unsigned subformat, adapter;
  uint64_t hwversion; /* 0: not given */
  uint64_t toolsversion;
  uint64_t compression_level; /* 0: not given */
  bool compat6, zeroed_grain;
};

#define VMDK_SPLIT_SECTORS                                                                         \
  UINT64_C(4192256) /* of an extent of a split disk: 2047 MiB, as VMware                           \
                     */
#define VMDK_GRAIN_BYTES (VMDK_GRAIN_DEFAULT * VMDK_SECTOR)
enum {
  VMDK_SPLIT_FILES_MAX = 4096, /* more extents are refused by readers */
  VMDK_DESCRIPTOR_SECTORS = 20,
  VMDK_TABLE_BYTES = VMDK_GTES_PER_GT * VMDK_GTE_SIZE,
  VMDK_TABLE_SECTORS = VMDK_TABLE_BYTES / VMDK_SECTOR,
  VMDK_TABLE_SPAN = VMDK_GTES_PER_GT * VMDK_GRAIN_DEFAULT, /* sectors that one grain table maps */
};

/* One file that holds guest data. */
struct vmdk_written_file {
  struct vmf_io *io;
  uint64_t sectors; /* of the guest disk */
  uint64_t end;     /* sparse: the sector behind all that was placed */
};

/* The grain table that is being filled. */
struct vmdk_grain_table {
  uint64_t index; /* in its extent */
  uint64_t last;  /* that were in memory: the largest index */
  bool used;      /* is to be written */
  uint8_t entries[VMDK_TABLE_BYTES];
};

/* Where the parts of a hosted sparse extent lie, in sectors. */
struct vmdk_sparse_layout {
  uint64_t capacity;
  uint64_t descriptor; /* sectors of the embedded descriptor, which lies behind the header; or 0 */
  uint64_t tables;     /* grain tables of one grain directory */
  uint64_t redundant_directory, redundant_tables, directory, first_table;
  uint64_t grains; /* where they start */
};

struct vmdk_write_state {
  uint64_t capacity; /* sectors */
  struct vmdk_written_file *files;
  unsigned file_count;
  char *descriptor;
  size_t descriptor_length;
  struct vmdk_grain_table table;
  uint64_t next_sector; /* sparse, stream: where the next grain goes, in the current file */
  /* sparse */
  bool zeroed;      /* a grain table may say that a grain is zeros */
  unsigned current; /* file that is being filled */
  struct vmdk_sparse_layout layout;
  bool tables_first; /* on a pipe: begin wrote all tables */
  /* stream */
  uint8_t *directory;
  size_t directory_bytes;
};

/* One way to lay out extents; the members are those of struct vmf_writer, wrap may be NULL. */
struct vmdk_placer {
  enum vmf_code (*begin)(struct vmf_target *target, const struct vmf_plan *plan,
                         struct vmf_error *error);
  enum vmf_code (*wrap)(const struct vmf_target *target, struct vmf_block *block,
                        struct vmf_error *error);
  enum vmf_code (*place)(struct vmf_target *target, struct vmf_block *block,
                         struct vmf_error *error);
  enum vmf_code (*finish)(struct vmf_target *target, struct vmf_error *error);
};

extern const struct vmdk_placer vmdk_flat_placer, vmdk_sparse_placer, vmdk_stream_placer;

/* The descriptor; files of a split disk are counted from 1. */
struct vmdk_description {
  const struct vmdk_write_options *options;
  uint64_t capacity;      /* sectors */
  const char *name;       /* of the main file */
  const char *stem;       /* of the others */
  uint8_t content_id[16]; /* its last four bytes are the CID */
  const char *parent;     /* name of the image below; NULL: none */
  uint32_t parent_cid;    /* VMDK_CID_NONE: there is none */
};
VMF_MUST_CHECK enum vmf_code vmdk_describe(const struct vmdk_description *description, char **text,
                                           size_t *length, struct vmf_error *error);

/* Bytes that the separate descriptor needs at most, whatever the names of the files. */
VMF_MUST_CHECK enum vmf_code vmdk_measure_descriptor(const struct vmdk_write_options *options,
                                                     uint64_t capacity, uint64_t *bytes,
                                                     struct vmf_error *error);

/* A fresh string: the name of the `index`-th (from 0) file with guest data. */
VMF_MUST_CHECK enum vmf_code vmdk_name_file(const struct vmdk_description *description,
                                            unsigned index, char **name, struct vmf_error *error);

extern const char *const vmdk_subformat_names[], *const vmdk_adapter_names[];

/* The descriptor and the data are in the main file. */
bool vmdk_has_one_file(enum vmdk_subformat subformat);

/* It has grain tables, which can leave grains to a parent. */
bool vmdk_is_hosted_sparse(enum vmdk_subformat subformat);

/* Files that hold the guest data, and the sectors of one of them. */
unsigned vmdk_file_count(enum vmdk_subformat subformat, uint64_t capacity);
uint64_t vmdk_file_sectors(enum vmdk_subformat subformat, uint64_t capacity, unsigned index);

/* Positions for an extent of `capacity` sectors. */
struct vmdk_sparse_layout vmdk_lay_out_sparse(uint64_t capacity, uint64_t descriptor_sectors);

/* An upper bound on a stream with `grains` grains. */
uint64_t vmdk_measure_stream(uint64_t capacity, uint64_t grains);

/* The fields that every hosted sparse header has alike; the rest of the sector is zeroed. */
void vmdk_encode_header(uint8_t header[VMDK_SECTOR], uint32_t version, uint32_t flags,
                        uint64_t capacity);

#endif
