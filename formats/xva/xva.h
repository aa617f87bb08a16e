/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * XenServer and XCP-ng's export of a machine (XVA): a tar archive of ova.xml, then the disks one
 * behind the other in chunks, each with a member for its checksum behind it. References: xapi's
 * stream_vdi.ml, import.ml, export.ml (facts only). */
#ifndef VMF_FORMATS_XVA_H
#define VMF_FORMATS_XVA_H

#include "container.h"
#include "tar_header.h"
#include "tar_names.h"

enum {
  XVA_BLOCK = VMF_TAR_BLOCK,
  XVA_CHUNK = 1 << 20,                /* bytes of a chunk, as all known writers have it */
  XVA_CHUNK_MOST = 16 << 20,          /* that are read */
  XVA_CHECKSUM_BYTES = 2 * XVA_BLOCK, /* a checksum's member: header and digits */
  XVA_TAIL_MOST = 4096 /* with extended headers in front of it: a unit's framing in all */
};

/* ---- ova.c: what ova.xml tells ---- */

struct xva_ova {
  char *text; /* NUL behind; all of it belongs to who read it */
  size_t length;
  unsigned export_version;
  char *product, *host;             /* "XCP-ng 8.2.1"; of the export; or NULL */
  struct vmf_container_disk *disks; /* by their place in the machine; ids and names are fresh */
  unsigned count;
  size_t capacity;
};

/* Reads ova->text, and fills the rest. xva_ova_free follows, also on failure. */
VMF_MUST_CHECK enum vmf_code xva_ova_read(const char *archive, struct xva_ova *ova,
                                          struct vmf_error *error);
void xva_ova_free(struct xva_ova *ova);
struct vmf_contents xva_ova_contents(const struct xva_ova *ova);

/* Whether it can be the name of a folder in the archive. */
bool xva_is_id(const char *id);

/* ---- walk.c: one member behind the other ---- */

struct xva_chunk {
  unsigned disk; /* index in ova->disks */
  uint64_t guest;
  uint64_t header; /* where its tar header is */
  uint32_t length; /* of its data, which starts a block behind; may reach beyond the disk */
  uint32_t tail;   /* bytes from the end of its padded data to that of its checksum */
};

enum xva_progress { XVA_AWAITED, XVA_COMING, XVA_CAME };

struct xva_walk {
  struct vmf_io *io; /* a file, or a stream */
  const struct vmf_log *log;
  struct xva_ova *ova;
  enum xva_progress *progress; /* of each disk */
  uint64_t at;                 /* of the next header */
  uint32_t first;   /* length of the first chunk of all, which a number that is left out stands for;
                     * 0: none came yet */
  unsigned disk;    /* whose chunk was the last one, where one came */
  uint64_t number;  /* that comes next, if none is left out */
  uint64_t reached; /* guest bytes of that disk */
  uint64_t filled;  /* the same, where its last chunk with data ended */
  bool told;        /* of a key in an extended header */
  bool extended;    /* there was such a header */
  uint8_t window[8 * XVA_BLOCK]; /* of a file, read ahead */
  uint64_t window_at;
  size_t window_length;
};

/* Goes to the end of ova.xml, and reads it. */
VMF_MUST_CHECK enum vmf_code xva_walk_start(struct xva_walk *walk, struct vmf_io *io,
                                            const struct vmf_log *log, struct xva_ova *ova,
                                            struct vmf_error *error);
void xva_walk_stop(struct xva_walk *walk);

/* Behind the start: the header of the first chunk, which is not taken. *found false: none is left.
 */
VMF_MUST_CHECK enum vmf_code xva_walk_look(struct xva_walk *walk, struct vmf_tar_header *header,
                                           bool *found, struct vmf_error *error);

/* The next chunk that has data; or, when all came and is complete, *end. In a file its checksum is
 * looked at, but not held against the data. */
VMF_MUST_CHECK enum vmf_code xva_walk_next(struct xva_walk *walk, struct xva_chunk *chunk,
                                           bool *end, struct vmf_error *error);

/* At the end: whether this disk came; which others did not is told. */
VMF_MUST_CHECK enum vmf_code xva_walk_came(const struct xva_walk *walk, unsigned disk,
                                           struct vmf_error *error);

/* ---- checksum.c ---- */

/* The member behind a chunk that is called `chunk`, at byte `at` of the archive: its two blocks. */
VMF_MUST_CHECK enum vmf_code xva_checksum_read(const char *archive, uint64_t at, const char *chunk,
                                               const uint8_t blocks[XVA_CHECKSUM_BYTES],
                                               struct vmf_payload *payload,
                                               struct vmf_error *error);
/* The same of a chunk without data: also held against it. */
VMF_MUST_CHECK enum vmf_code xva_checksum_of_nothing(const char *archive, uint64_t at,
                                                     const char *chunk,
                                                     const uint8_t blocks[XVA_CHECKSUM_BYTES],
                                                     struct vmf_error *error);

/* A chunk as a run: from its header to the end of its checksum; and the bytes of such a run. */
void xva_chunk_run(const struct xva_walk *walk, const struct xva_chunk *chunk, uint32_t unit,
                   struct vmf_run *run);
VMF_MUST_CHECK enum vmf_code xva_chunk_unwrap(const char *archive, const struct vmf_log *log,
                                              const struct vmf_run *run, const uint8_t *stored,
                                              size_t length, struct vmf_payload *payload,
                                              struct vmf_error *error);

extern const struct vmf_container_reader xva_container; /* incoming.c */
extern const struct vmf_writer xva_writer;              /* write.c */
extern const struct vmf_container_writer xva_container_writer;
int xva_probe(const struct vmf_probe *probe);

#endif
