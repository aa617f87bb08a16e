/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Makes one target: what `convert` and `create` share. */
#ifndef VMF_CLI_TRANSFER_H
#define VMF_CLI_TRANSFER_H

#include "salvaging.h"
#include "settings.h"
#include "verb.h"

/* `transfer` in the settings of a verb: how it goes. */
struct vmf_transfer_settings {
  const char *checksum; /* the digest of the guest content that is printed; NULL: none */
  const char *expected; /* "blkhash-ALGORITHM:HEX": else it is not committed; NULL: no matter */
  uint64_t sparse_size; /* so many zero bytes become a hole; 0: none do */
  uint64_t rate;        /* bytes a second; 0: no bound */
  bool verify, no_reflink;
  bool source_unchanged;    /* what nothing tells of is the same when a run is gone on with */
  const char *journal_file; /* where the journal of a device stands; or NULL */
  bool resume;              /* goes on with an interrupted run */
  bool takes_up;            /* the same, where there is one to go on with */
  const char
      *journal; /* on, off, or how much is done between its marks; NULL: on for large disks */
};

enum { VMF_SPARSE_SIZE = 4096 /* the default, as qemu-img's */ };

/* One target that is to be made. */
struct vmf_transfer {
  const struct vmf_command *command;
  const struct vmf_target_settings *target;
  const struct vmf_transfer_settings *settings;
  const char *path, *format;
  uint64_t guest_size;
  struct vmf_image *source;  /* NULL: an empty disk */
  struct vmf_image *backing; /* NULL: not an overlay */
  bool ignore_locks;
  struct vmf_salvaging *salvaging; /* NULL: what cannot be read is an error */
};

/* What is said of journals, for a package or a machine. Of a disk it stands in its options. */
struct vmf_package_target;
VMF_MUST_CHECK enum vmf_code vmf_transfer_keep(const struct vmf_transfer_settings *settings,
                                               struct vmf_package_target *target,
                                               struct vmf_error *error);

/* The digest that is computed; NULL: none. */
const char *vmf_transfer_algorithm(const struct vmf_transfer_settings *settings);

/* VMF_USAGE: what is expected is no checksum, or not of the digest that is printed; or a run is to
 * be resumed without a journal. */
VMF_MUST_CHECK enum vmf_code vmf_transfer_check(const struct vmf_transfer_settings *settings,
                                                struct vmf_error *error);

/* Writes the target, verifies and commits it. On failure nothing remains. Prints the checksum that
 * was asked for. */
VMF_MUST_CHECK enum vmf_code vmf_transfer_run(const struct vmf_transfer *transfer,
                                              struct vmf_error *error);

#endif
