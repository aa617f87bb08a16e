/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of assembling a package: what its parts share. assemble.c does one thing after the other;
 * the files of a package are assemble_files.c's, the texts about them assemble_texts.c's. */
#ifndef VMF_PACKAGE_MAKE_ASSEMBLING_H
#define VMF_PACKAGE_MAKE_ASSEMBLING_H

#include "assemble.h"
#include "certificate.h"
#include "output.h"

/* One small file of text at the head or the end of an archive. */
struct vmf_text_file {
  char *name, *text;
  size_t length;
  uint64_t header; /* where its place was kept */
  size_t room;     /* bytes kept for it */
};

struct vmf_assembling {
  const struct vmf_destination *destination;
  struct vmf_assembly *assembly;
  const struct vmf_package_target *target;
  struct vmf_output *output;
  struct vmf_io *archive; /* NULL: files in a folder */
  uint64_t at;            /* in the archive: where the next member starts */
  uint64_t mtime;         /* of the members: seconds since 1970 */
  enum vmf_digest_kind kind;
  struct vmf_crew *crew;     /* packs and hashes */
  struct vmf_signer *signer; /* NULL: not signed */
  struct vmf_text_file descriptor, manifest, certificate;
  uint64_t done, total; /* by weight */
  uint64_t written;     /* bytes of content, for target->max_bytes */
  uint64_t weight;      /* of the file that is being written */
  bool journaled;       /* what is done of the disks is kept: see assemble_journal.c */
  char *head;           /* that the journals have in common; owned; NULL: none */
};

/* Writes one file: one of its own, or the next member of the archive. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_file(struct vmf_assembling *work,
                                                 struct vmf_assembly_file *file,
                                                 struct vmf_error *error);

/* Converts the image of a file into `io`, wherever that is. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_into(struct vmf_assembling *work,
                                                 struct vmf_assembly_file *file, struct vmf_io *io,
                                                 struct vmf_error *error);

/* Writes a container: what stands before the disks, them, and what stands behind. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_container(struct vmf_assembling *work,
                                                      struct vmf_error *error);

/* ---- assemble_files.c: the content of a file on its way ---- */

struct vmf_content {
  struct vmf_assembly_file *file;
  struct vmf_io *base;       /* not owned: a file, or a place in the archive */
  struct vmf_io *sink;       /* on it, where the bytes come in their order: hashes them; or NULL */
  struct vmf_target *target; /* of a disk; NULL: it is copied */
};

/* Where it has failed, too, vmf_content_close follows. */
VMF_MUST_CHECK enum vmf_code vmf_content_begin(const struct vmf_assembling *work,
                                               struct vmf_assembly_file *file, struct vmf_io *base,
                                               struct vmf_content *content,
                                               struct vmf_error *error);
/* All has been written: size and digests are known. Where the tables of the format are finished
 * last, and a manifest is made, the bytes are read once more for that. */
VMF_MUST_CHECK enum vmf_code vmf_content_end(struct vmf_assembling *work,
                                             struct vmf_content *content, struct vmf_error *error);
void vmf_content_close(struct vmf_content *content);

/* ---- assemble_journal.c: a run that another can go on with ---- */

/* Before the output is opened. VMF_UNSUPPORTED: it is asked for, and cannot be. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_may_resume(struct vmf_assembling *work,
                                                       struct vmf_error *error);
/* It is open, and nothing is written. VMF_USAGE: what is left there is of something else. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_take_up(struct vmf_assembling *work,
                                                    struct vmf_error *error);
/* A file in a folder; what is left of it stays where its journal tells of it. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_create(struct vmf_assembling *work,
                                                   const struct vmf_assembly_file *file,
                                                   struct vmf_io **io, struct vmf_error *error);
/* What is left of a file goes. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_empty(struct vmf_assembling *work, struct vmf_io *io,
                                                  struct vmf_error *error);
/* Of a disk, whose target is there, before anything is written. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_journal(const struct vmf_assembling *work,
                                                    const struct vmf_content *content,
                                                    struct vmf_error *error);
/* Writing failed with `code`: what is done is left to another run, where that may do better. */
void vmf_assembling_leave(struct vmf_assembling *work, enum vmf_code code);

/* How disks are converted: by the crew, with the progress of all. */
struct vmf_job_options vmf_assembling_job(struct vmf_assembling *work);

/* What is left of target->max_bytes once `more` bytes are written; *left == 0: no bound. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_admit(struct vmf_assembling *work, uint64_t more,
                                                  uint64_t *left, struct vmf_error *error);

/* ---- */

/* In a folder: writes all files, disks beside each other. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_folder(struct vmf_assembling *work,
                                                   struct vmf_error *error);

/* Whether the archive is one that cannot go back: a pipe. */
bool vmf_assembling_pipes(const struct vmf_assembling *work);

/* Whether a certificate is written. */
bool vmf_assembling_signs(const struct vmf_assembling *work);

/* In an archive, before the files: places for the texts, or, on a pipe, the descriptor itself. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_begin_texts(struct vmf_assembling *work,
                                                        struct vmf_error *error);
/* Behind the files: the texts, as they are now known to be. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_end_texts(struct vmf_assembling *work,
                                                      struct vmf_error *error);

#endif
