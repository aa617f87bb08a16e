/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Tar archives as OVA uses them (POSIX.1-1988 ustar; DSP0243 asks for it). Reading understands what
 * real writers make (GNU long names and base-256 sizes, pax path and size records) and refuses what
 * an OVA has no use for or readers do not agree on; writing makes one exact form that every reader
 * takes. */
#ifndef VMF_IO_TAR_H
#define VMF_IO_TAR_H

#include "view.h"

enum { VMF_TAR_BLOCK = 512, VMF_TAR_NAME = 256 };

/* What a sparse member holds. */
struct vmf_tar_sparse {
  struct vmf_segment *segments; /* in order; stored from the member's offset on */
  size_t count;
  uint64_t size; /* of the file */
};

/* A regular file of an archive. */
struct vmf_tar_member {
  char *name;      /* as the archive has it, without a leading "./"; never absolute, no ".." */
  uint64_t header; /* where its (first) header starts */
  uint64_t offset; /* of its data */
  uint64_t size;   /* of its data in the archive */
  struct vmf_tar_sparse *sparse; /* owned; NULL: that is the file */
  bool extended; /* name or size are told by an extended header alone: readers of ustar, as OVF has
                    it, see others */
};

struct vmf_tar {
  struct vmf_tar_member *members; /* in the archive's order */
  size_t count;
  bool unended; /* the two zero blocks at the end are missing */
  bool old;     /* there are headers without "ustar" */
  bool dotted;  /* there are names that start with "./" */
};

/* Lists an archive by its headers alone. Only what all readers (GNU tar, libarchive, 7-Zip, Python,
 * Perl) read alike is accepted: the same names and the same bytes. VMF_REFUSED: links, devices,
 * fifos, sparse members; names that are absolute, lead out, or are not in their shortest form (a
 * leading "./" is taken off) or not UTF-8; two members of one name, also when case or the normal
 * form of characters differ, a file where another needs a folder; extended headers that change
 * what a member is; bytes other than zeros behind the end. VMF_CORRUPT: a bad header checksum, a
 * field that is no number, a size that reaches beyond the file, no archive at all. VMF_LIMIT: too
 * many members, a name or an extended header that is too long, more zeros behind the end than are
 * read. The texts name the member and the place of its header. Folders are skipped. What a person
 * should know goes to the log. The caller frees *tar with vmf_tar_free. */
VMF_MUST_CHECK enum vmf_code vmf_tar_read(struct vmf_io *io, const struct vmf_log *log,
                                          struct vmf_tar **tar, struct vmf_error *error);

/* The same, but sparse members are accepted, too: of GNU tar's old form and of its form 1.0. */
VMF_MUST_CHECK enum vmf_code vmf_tar_read_sparse(struct vmf_io *io, const struct vmf_log *log,
                                                 struct vmf_tar **tar, struct vmf_error *error);
void vmf_tar_free(struct vmf_tar *tar); /* NULL is allowed */

/* The file that a member is, called `name` in messages. The archive is not owned; it and the list
 * live longer. */
VMF_MUST_CHECK enum vmf_code vmf_tar_open(struct vmf_io *archive,
                                          const struct vmf_tar_member *member, const char *name,
                                          struct vmf_io **io, struct vmf_error *error);

/* Whether the first block of the io is a tar header. */
bool vmf_tar_is_archive(struct vmf_io *io);

enum { VMF_TAR_NAME_WRITTEN = 100 /* bytes, of the longest name that is written: ustar's field */ };

/* The header of a regular file: ustar, mode 0644, owner 0, base-256 in the size field from 8 GiB on
 * (what vSphere and ovftool take; a pax size they do not). mtime: seconds since 1970. VMF_USAGE
 * when the name is longer than ustar's name field (100 bytes), since readers that take prefixes are
 * fewer. */
VMF_MUST_CHECK enum vmf_code vmf_tar_header(const char *name, uint64_t size, uint64_t mtime,
                                            uint8_t out[VMF_TAR_BLOCK], struct vmf_error *error);

/* Makes it a header of GNU tar's old format, which differs in how it is marked. */
void vmf_tar_header_as_gnu(uint8_t header[VMF_TAR_BLOCK]);

/* Bytes of zeros behind a member of `size` bytes up to the next block. */
uint64_t vmf_tar_padding(uint64_t size);

/* Bytes of zeros that end an archive whose last member ends (padded) at `offset`: two blocks, and
 * up to the next multiple of 10240, as tar does. */
uint64_t vmf_tar_ending(uint64_t offset);

/* Where the header behind a member goes whose header is at `header`. */
uint64_t vmf_tar_next(uint64_t header, uint64_t size);

/* A member is its header, its data VMF_TAR_BLOCK bytes behind `offset`, and zeros up to the next
 * block; on a sequential io in that order. */
VMF_MUST_CHECK enum vmf_code vmf_tar_put_header(struct vmf_io *archive, uint64_t offset,
                                                const char *name, uint64_t size, uint64_t mtime,
                                                struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_tar_pad(struct vmf_io *archive, uint64_t header, uint64_t size,
                                         struct vmf_error *error);

/* The same at once. */
VMF_MUST_CHECK enum vmf_code vmf_tar_put(struct vmf_io *archive, uint64_t offset, const char *name,
                                         const void *bytes, size_t length, uint64_t mtime,
                                         struct vmf_error *error);

/* The zeros at the end of an archive. */
VMF_MUST_CHECK enum vmf_code vmf_tar_finish(struct vmf_io *archive, uint64_t offset,
                                            struct vmf_error *error);

#endif
