/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The gate that everything passes on its way out of a package: manifest and certificate must be
 * right for all that is used, by the rules of vmf_package_verify, before the first byte of it is
 * written anywhere. Its user opens what it is going to read, tells the gate, and passes; what was
 * opened before and is unchanged at the end is what was checked. */
#ifndef VMF_PACKAGE_VERIFY_GATE_H
#define VMF_PACKAGE_VERIFY_GATE_H

#include "name_list.h"
#include "owed.h"
#include "uses.h"

struct vmf_gate {
  struct vmf_package *package;
  struct vmf_package_trust trust;
  unsigned threads;
  struct vmf_crew *crew; /* or NULL: so many threads of its own */
  const struct vmf_cancel *cancel;
  void (*progress)(void *data, uint64_t done, uint64_t total); /* bytes read; or NULL */
  void *progress_data;
  uint64_t max_bytes;      /* that may be unpacked of a disk; 0: no bound */
  bool whole;              /* all that the manifest lists counts, used or not */
  bool described;          /* the descriptor counts */
  bool unlisted;           /* neither manifest nor certificate counts: all is only opened and
                            * unpacked */
  struct vmf_names stored; /* names that References leads to */
  struct vmf_uses uses;    /* what open images and ios read */
  struct vmf_owed owed;    /* of uses: what is hashed while it is copied */
  struct vmf_image **kept; /* disks whose bytes are passed on as they are; owned */
  size_t kept_count, kept_capacity;
  uint64_t to_hash, to_unpack, unpacked; /* bytes, for progress; to_hash: once hashing has begun */
};

/* trust == NULL: the defaults. */
VMF_MUST_CHECK enum vmf_code vmf_gate_new(struct vmf_package *package,
                                          const struct vmf_package_trust *trust,
                                          struct vmf_gate *gate, struct vmf_error *error);
void vmf_gate_clear(struct vmf_gate *gate);

/* The gate of what is no package, but `what` ("a disk"): VMF_DIFFERENT where a signature is asked
 * for. */
VMF_MUST_CHECK enum vmf_code vmf_gate_unsigned(const char *name, const char *what,
                                               const struct vmf_package_trust *trust,
                                               struct vmf_error *error);

/* What is going to be used: a File, an io with its bytes, an image with its chain. */
VMF_MUST_CHECK enum vmf_code vmf_gate_file(struct vmf_gate *gate, const struct vmf_ovf_file *file,
                                           struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_gate_io(struct vmf_gate *gate, const struct vmf_io *io,
                                         struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_gate_image(struct vmf_gate *gate, const struct vmf_image *image,
                                            struct vmf_error *error);

/* The same for an io whose bytes are copied to where they are not seen before all is right: they
 * are hashed only then. Once the gate is passed, vmf_gate_wanted adds the digests to make, and
 * vmf_gate_settle judges them: as vmf_gate_pass. */
VMF_MUST_CHECK enum vmf_code vmf_gate_later(struct vmf_gate *gate, const struct vmf_io *io,
                                            struct vmf_error *error);
void vmf_gate_wanted(const struct vmf_gate *gate, const struct vmf_io *io,
                     bool wanted[VMF_DIGEST_KINDS]);
VMF_MUST_CHECK enum vmf_code vmf_gate_settle(const struct vmf_gate *gate, const struct vmf_io *io,
                                             uint8_t digests[VMF_DIGEST_KINDS][VMF_DIGEST_MAX],
                                             struct vmf_error *error);

/* A disk whose bytes are passed on: the image is taken over, also on failure, and once the gate is
 * passed, all that is packed in it is unpacked. */
VMF_MUST_CHECK enum vmf_code vmf_gate_keep(struct vmf_gate *gate, struct vmf_image *image,
                                           struct vmf_error *error);

/* The same for a disk of the package. One that cannot be read here (VMF_UNSUPPORTED) is told as a
 * warning, and passed on unread. */
VMF_MUST_CHECK enum vmf_code vmf_gate_keep_disk(struct vmf_gate *gate,
                                                const struct vmf_ovf_disk *disk,
                                                struct vmf_report *report, struct vmf_error *error);

/* `code`: what opening all that came to, with its text in *error. VMF_DIFFERENT: the first thing
 * that vmf_package_verify would call a failure, also where opening failed, since that is the reason
 * then. */
VMF_MUST_CHECK enum vmf_code vmf_gate_pass(struct vmf_gate *gate, enum vmf_code code,
                                           struct vmf_error *error);

/* Opens a disk through a gate of its own, that of options->trust. */
VMF_MUST_CHECK enum vmf_code vmf_gate_open_disk(struct vmf_package *package,
                                                const struct vmf_ovf_disk *disk,
                                                const struct vmf_image_options *options,
                                                struct vmf_image **image, struct vmf_error *error);

#endif
