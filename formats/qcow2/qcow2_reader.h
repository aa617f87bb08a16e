/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the parts of the QCOW2 reader know of an open image. The writer sees only qcow2.h. */
#ifndef FORMATS_QCOW2_QCOW2_READER_H
#define FORMATS_QCOW2_QCOW2_READER_H

#include "checked.h"
#include "format.h"
#include "luks.h"
#include "qcow2.h"

/* The header's fields as the file has them; a version 2 header gets version 3's defaults. */
struct qcow2_header {
  uint32_t version;
  uint64_t backing_offset;
  uint32_t backing_size;
  uint32_t cluster_bits;
  uint64_t size;
  uint32_t crypt_method;
  uint32_t l1_size; /* entries */
  uint64_t l1_offset;
  uint64_t reftable_offset;
  uint32_t reftable_clusters;
  uint32_t snapshot_count;
  uint64_t snapshots_offset;
  uint64_t incompatible, compatible, autoclear;
  uint32_t refcount_order;
  uint32_t header_length;
  uint8_t compression_type;
};

/* What the header extensions say. */
struct qcow2_extensions {
  char *backing_format, *data_file;      /* NULL: not there */
  uint32_t bitmap_count;                 /* 0: no bitmaps, or not consistent ones */
  uint64_t bitmaps_size, bitmaps_offset; /* of the directory */
  uint64_t crypt_offset, crypt_length;   /* of the LUKS header; length 0: not there */
};

/* A bitmap that was chosen. Set before anything is mapped, and fixed from then on. */
struct qcow2_marks {
  char *name;                /* owned */
  uint64_t table_offset;     /* in the file */
  uint64_t bits;             /* how many it has */
  unsigned granularity_bits; /* each is of 2^granularity_bits bytes of the disk */
};

/* Fixed after open; read by any thread. */
struct qcow2_state {
  struct qcow2_header header;
  struct qcow2_extensions extensions;
  struct vmf_io *data_io; /* the external data file; NULL: the image file has the data */
  uint64_t l1_offset;     /* of the state that is read: the active one or a snapshot's */
  uint32_t l1_size;       /* entries */
  uint32_t cluster_size;
  uint32_t l2_entry;         /* bytes */
  unsigned l2_bits;          /* log2 of the entries of an L2 table */
  bool extended;             /* entries with subclusters */
  enum vmf_codec codec;      /* of compressed clusters */
  struct vmf_luks *luks;     /* NULL: not encrypted by LUKS */
  struct vmf_cipher *cipher; /* of plain clusters; NULL: they are not encrypted */
  struct qcow2_marks marks;  /* name NULL: none */
};

/* One entry of the snapshot table. */
struct qcow2_snapshot {
  uint64_t at; /* host offset of the entry */
  uint64_t l1_offset;
  uint32_t l1_size; /* entries */
  uint32_t date_sec, date_nsec;
  uint64_t clock_nsec;
  uint64_t state_size; /* of the machine's memory, bytes */
  uint64_t disk_size;
  uint64_t icount;
  bool has_icount;
  const char *id, *name; /* live until the next entry is read */
};

static inline uint64_t qcow2_clusters(const struct qcow2_state *state, uint64_t bytes)
{
  return vmf_div_up(bytes, state->cluster_size);
}

/* header.c: reads and checks all that stands in the first cluster. */
VMF_MUST_CHECK enum vmf_code qcow2_read_header(struct vmf_image *image, struct vmf_error *error);
/* Whether an L1 table can be used for a disk of `size` bytes: `what` is "L1 table" or names the
 * snapshot. */
VMF_MUST_CHECK enum vmf_code qcow2_check_l1(const struct vmf_image *image, const char *what,
                                            uint64_t offset, uint32_t entries, uint64_t size,
                                            struct vmf_error *error);

/* extension.c */
VMF_MUST_CHECK enum vmf_code qcow2_read_extensions(const struct vmf_image *image,
                                                   const uint8_t *bytes, size_t length,
                                                   struct qcow2_extensions *extensions,
                                                   struct vmf_error *error);
/* The name that the image's feature name table gives to an incompatible feature bit, or "". */
void qcow2_feature_name(const uint8_t *bytes, size_t length, size_t start, unsigned bit,
                        char name[QCOW2_FEATURE_NAME_LENGTH + 1]);

/* crypt.c: from the header and its extensions to the cipher; what is encrypted of a PLAIN run that
 * has its place; and what `info` tells. */
VMF_MUST_CHECK enum vmf_code qcow2_unlock(struct vmf_image *image,
                                          const struct vmf_unlocking *unlocking,
                                          struct vmf_error *error);
void qcow2_encrypted_run(const struct qcow2_state *state, struct vmf_run *run);
VMF_MUST_CHECK enum vmf_code qcow2_show_encryption(const struct qcow2_state *state,
                                                   struct vmf_value *data, struct vmf_error *error);

/* snapshot.c: calls `visit` for each entry of the snapshot table, in order, until it sets *stop.
 * *end: host offset behind the last entry that was read. */
typedef enum vmf_code qcow2_visit_snapshot(void *context, const struct qcow2_snapshot *snapshot,
                                           bool *stop, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code qcow2_walk_snapshots(struct vmf_image *image,
                                                  qcow2_visit_snapshot *visit, void *context,
                                                  uint64_t *end, struct vmf_error *error);
/* Makes image->size and the state's L1 table those of the snapshot with this id, else name. */
VMF_MUST_CHECK enum vmf_code qcow2_select_snapshot(struct vmf_image *image, const char *snapshot,
                                                   struct vmf_error *error);

/* bitmap.c */
struct qcow2_bitmap {
  uint64_t at; /* host offset of its entry in the directory */
  uint64_t table_offset;
  uint32_t table_size; /* entries */
  uint32_t flags;
  uint32_t extra_length; /* bytes of data that no version of the format explains */
  uint8_t type;
  uint8_t granularity_bits;
  const char *name; /* lives until the next entry is read */
};
typedef enum vmf_code qcow2_visit_bitmap(void *context, const struct qcow2_bitmap *bitmap,
                                         struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code qcow2_walk_bitmaps(struct vmf_image *image, qcow2_visit_bitmap *visit,
                                                void *context, struct vmf_error *error);
/* Whether it can be used for image->size, but for its mark that it is in use. */
VMF_MUST_CHECK enum vmf_code qcow2_check_bitmap(const struct vmf_image *image,
                                                const struct qcow2_bitmap *bitmap,
                                                struct vmf_error *error);
static inline uint64_t qcow2_bits(const struct vmf_image *image, unsigned granularity_bits)
{
  return vmf_div_up(image->size, UINT64_C(1) << granularity_bits);
}
/* Some of the bits of the bitmap called `name`, whose table is there: those from byte `at` of them
 * on, of one cluster. */
VMF_MUST_CHECK enum vmf_code qcow2_read_bits(struct vmf_image *image, const char *name,
                                             uint64_t table_offset, uint64_t at, uint8_t *out,
                                             size_t length, struct vmf_error *error);

/* marks.c: members of the reader. */
VMF_MUST_CHECK enum vmf_code qcow2_choose_bitmap(struct vmf_image *image, const char *name,
                                                 struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code qcow2_next_marked(struct vmf_image *image, uint64_t guest,
                                               uint64_t *start, uint64_t *end,
                                               struct vmf_error *error);

/* map.c, info.c, check.c: members of the reader. */
VMF_MUST_CHECK enum vmf_code qcow2_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                                       struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code qcow2_info(struct vmf_image *image, struct vmf_value *summary,
                                        struct vmf_value *data, struct vmf_error *error);
/* vmf_reader.losses */
VMF_MUST_CHECK enum vmf_code qcow2_losses(struct vmf_image *image, struct vmf_report *report,
                                          struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code qcow2_check(struct vmf_image *image, struct vmf_findings *findings,
                                         struct vmf_error *error);

#endif
