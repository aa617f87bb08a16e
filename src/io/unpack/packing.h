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

#include "error.h"

enum {
  VMF_PACKING_HEAD = 4096, /* bytes from the start of a file that tell how it is packed */
  VMF_WINDOW_MAX = 1 << 27 /* bytes: more memory than this no decoder takes for what came before */
};

/* What a step is given, and what it leaves. */
struct vmf_unpack_step {
  const uint8_t *in; /* what stands in the member from here on */
  size_t in_length;
  uint8_t *out; /* room */
  size_t out_length;
  bool ended; /* set: the member is complete, and what is left of `in` stands behind it */
};

struct vmf_packing {
  const char *name;            /* "xz" */
  const char *const *suffixes; /* without the dot; NULL behind the last */
  const char *command;         /* a program that unpacks it to standard output, for messages */
  const char *library;         /* that this build lacks; NULL: it reads it */
  unsigned zeros_between; /* so many zeros, or a multiple, may stand behind a member; 0: none */
  size_t state_size;      /* of a decoder */
  /* Whether a file, a member, starts like this. A file may start with members that only skip. */
  bool (*file_begins)(const uint8_t *head, size_t length);
  bool (*member_begins)(const uint8_t *head, size_t length);
  /* For a member that starts with these bytes. `state` is zeroed before the first. */
  enum vmf_code (*begin)(void *state, const uint8_t *head, size_t length, struct vmf_error *error);
  /* Takes bytes from `in` and puts bytes to `out`; neither moves only where `in` is too short.
   * VMF_CORRUPT says what is wrong, not where. */
  enum vmf_code (*step)(void *state, struct vmf_unpack_step *step, struct vmf_error *error);
  void (*end)(void *state); /* also of a state that has not begun */
};

extern const struct vmf_packing vmf_packing_gzip, vmf_packing_xz, vmf_packing_zstd, vmf_packing_lz4,
    vmf_packing_bzip2;

/* All of them, NULL behind the last. */
extern const struct vmf_packing *const vmf_packings[];

/* For zstd and lz4: whether a frame that is not skipped starts with `magic` (little endian), behind
 * frames that are (RFC 8878, 3.1.2; LZ4 has the same). */
bool vmf_frames_begin(const uint8_t *head, size_t length, uint32_t magic);
bool vmf_frame_begins(const uint8_t *head, size_t length, uint32_t magic);

#endif
