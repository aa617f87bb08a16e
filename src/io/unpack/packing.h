/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The ways in which whole files are packed, one file each. A packed file is one member behind the
 * other (of gzip; xz: streams, zstd and lz4: frames); a decoder unpacks one of them from its first
 * byte, and then the next. */
#ifndef VMF_IO_UNPACK_PACKING_H
#define VMF_IO_UNPACK_PACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gzip_member.h"
#include "io.h"
#include "unpack.h"

enum {
  VMF_PACKING_HEAD = 4096, /* bytes from the start of a file that tell how it is packed */
  VMF_WINDOW_MAX = 1 << 27 /* bytes: more memory than this no decoder takes for what came before */
};

/* A part of a packed file that can be unpacked alone: a frame of zstd or lz4, a block of xz. */
struct vmf_packed_piece {
  uint64_t start;  /* of its bytes in the unpacked file, once they are measured */
  uint64_t at;     /* in the packed file */
  uint32_t stored; /* bytes there */
  uint32_t length; /* bytes unpacked, > 0; not `sized`: at most, and they may be none */
  bool sized;      /* length is told, or was found by unpacking it */
  bool assumed;    /* not sized: length is that of the first that was not */
  /* Of xz: of the stored bytes those before the padding, and the kind of the checksum. */
  uint32_t unpadded;
  unsigned check;
};

/* All of them, one behind the other. */
struct vmf_packed_pieces {
  struct vmf_packed_piece *list;
  size_t count, capacity;
  uint64_t size; /* bytes unpacked, once they are measured */
  uint64_t told; /* as far as sizes are told, also of a piece that cannot be unpacked alone */
  bool sum_only; /* asked for: sizes up to the end of the file, also where not all are listed */
  bool untold;   /* not all sizes are told */
  bool unlisted; /* one is too long to be unpacked alone, or there are too many: nothing is listed
                  * from there on */
};

enum {
  VMF_PIECE_BYTES = 32 << 20, /* a longer one, packed or unpacked, is not unpacked alone */
  VMF_PIECES_MAX = 1 << 20
};

/* Puts one behind the others. VMF_UNSUPPORTED, but with sum_only: it is too long, or there are too
 * many. */
VMF_MUST_CHECK enum vmf_code vmf_pieces_add(struct vmf_packed_pieces *pieces, uint64_t at,
                                            uint64_t stored, uint64_t length, bool sized,
                                            struct vmf_error *error);

struct vmf_packing {
  const char *name;            /* "xz" */
  const char *const *suffixes; /* without the dot; NULL behind the last */
  const char *command;         /* a program that unpacks it to standard output, for messages */
  const char *library;         /* that this build lacks; NULL: it reads it */
  const char *magic;           /* a file starts with it, but for members that only skip */
  unsigned magic_length;
  unsigned zeros_behind; /* so many zeros, or a multiple, may stand behind a member; 0: none */
  bool zeros_last;       /* no member may follow them */
  size_t state_size;     /* of a decoder */
  /* Whether a file, a member, starts like this. A file may start with members that only skip. */
  bool (*file_begins)(const uint8_t *head, size_t length);
  bool (*member_begins)(const uint8_t *head, size_t length);
  /* For a member that starts with these bytes. `state` is zeroed before the first. */
  enum vmf_code (*begin)(void *state, const uint8_t *head, size_t length, struct vmf_error *error);
  /* Takes bytes from `in` and puts bytes to `out`; neither moves only where `in` is too short.
   * VMF_CORRUPT says what is wrong, not where. */
  enum vmf_code (*step)(void *state, struct vmf_unpack_step *step, struct vmf_error *error);
  void (*end)(void *state); /* also of a state that has not begun */
  /* The pieces of a file, by its index or the heads of its frames alone: what they claim is held
   * against what they hold when they are unpacked. VMF_UNSUPPORTED: they do not tell, or what
   * stands there is wrong, which unpacking from the start will say better. NULL: there are none. */
  enum vmf_code (*list)(struct vmf_io *packed, struct vmf_packed_pieces *pieces,
                        struct vmf_error *error);
  /* One of them, with its checksums: *made bytes, at most piece->length. `state` is zeroed before
   * the first. VMF_CORRUPT says what is wrong, not where. */
  enum vmf_code (*unpack)(void *state, const struct vmf_packed_piece *piece, const uint8_t *stored,
                          uint8_t *out, size_t *made, struct vmf_error *error);
};

extern const struct vmf_packing vmf_packing_gzip, vmf_packing_xz, vmf_packing_zstd, vmf_packing_lz4,
    vmf_packing_bzip2;

/* All of them, NULL behind the last. */
extern const struct vmf_packing *const vmf_packings[];

/* That may unpack while a file is opened. */
unsigned vmf_unpack_threads(const struct vmf_unpack_options *options);

/* Finds the sizes that are not told, by unpacking those pieces once, on several threads; leaves out
 * those of no bytes, and gives all their starts. Where options->assumed is given, only the first of
 * those with as many blocks, the last piece, and what differs are unpacked. VMF_UNSUPPORTED: one
 * cannot be unpacked; or nothing would be assumed. */
VMF_MUST_CHECK enum vmf_code vmf_pieces_measure(struct vmf_io *packed,
                                                const struct vmf_packing *packing,
                                                const struct vmf_unpack_options *options,
                                                struct vmf_packed_pieces *pieces,
                                                struct vmf_error *error);

/* A read-only io of what the packed file holds, which any thread can read anywhere: several threads
 * unpack several pieces. VMF_UNSUPPORTED: it cannot be had (vmf_packing.list); *told is how many
 * bytes it unpacks to, at least. `packed` is not taken over and lives longer. */
VMF_MUST_CHECK enum vmf_code vmf_unpack_pieces(struct vmf_io *packed,
                                               const struct vmf_packing *packing,
                                               const struct vmf_unpack_options *options,
                                               uint64_t *told, struct vmf_io **io,
                                               struct vmf_error *error);

/* For zstd and lz4: whether a frame that is not skipped starts with `magic` (little endian), behind
 * frames that are (RFC 8878, 3.1.2; LZ4 has the same). */
bool vmf_frames_begin(const uint8_t *head, size_t length, uint32_t magic);
uint64_t vmf_frame_skipped(const uint8_t *head, size_t length); /* bytes of it; 0: it is not */
bool vmf_frame_begins(const uint8_t *head, size_t length, uint32_t magic);

struct vmf_frame {
  uint64_t stored; /* bytes */
  uint64_t length; /* bytes that it unpacks to, or at most */
  bool sized;      /* it tells them */
  uint64_t most;   /* stored bytes that are looked at */
};

/* Lists the frames of such a file. frame: what the headers of the one at `at` say; what it reads
 * them from is the file, in a way that short reads cost little. */
VMF_MUST_CHECK enum vmf_code vmf_frames_list(
    struct vmf_io *packed, uint32_t magic,
    enum vmf_code (*frame)(struct vmf_io *packed, uint64_t at, struct vmf_frame *frame,
                           struct vmf_error *error),
    struct vmf_packed_pieces *pieces, struct vmf_error *error);

/* For what lists: exactly `length` bytes at `at`; VMF_UNSUPPORTED: the file ends before. */
VMF_MUST_CHECK enum vmf_code vmf_frame_read(struct vmf_io *packed, uint64_t at, void *bytes,
                                            size_t length, struct vmf_error *error);

#endif
