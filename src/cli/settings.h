/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What several verbs are told: members of their settings, under the names that the rows of
 * common_arguments.h expect. */
#ifndef VMF_CLI_SETTINGS_H
#define VMF_CLI_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "vmferry.h"

/* `source`: what is read, an image or a package. */
struct vmf_source_settings {
  const char *format, *snapshot;
  const char *bitmap; /* of changed blocks, by which it is looked at */
  uint64_t size;      /* bytes of standard input; 0: not given */
  bool bare, read_all, join;
  bool no_replay;          /* a log is not written back, not even in memory */
  bool unknown_is_raw;     /* content that no format knows is a raw disk */
  const char **allow_refs; /* NULL-terminated; owned */
  const char **storages;   /* "NAME=DIR", NULL-terminated; owned */
  bool no_refs;
  bool ignore_locks;
  bool salvage; /* what cannot be read is lost, and no error */
  struct vmf_package_trust trust;
  const char *language; /* of a package's texts; NULL: the environment says it */
};

/* `target`: what is written. */
struct vmf_target_settings {
  const char *format;
  const char *disk_format; /* of the disks in a package */
  char *options;           /* all -o, joined by commas; owned */
  const char *backing, *backing_format;
  bool compress, no_clobber, no_sync;
  bool exists, is_zero; /* the target is there already; and it reads as zeros */
  bool bitmaps, skip_broken_bitmaps;
  bool in_place;                  /* written into, not replaced */
  const char *map, *since, *onto; /* of units that are packed; or NULL */
  const char *spool;              /* folder for what a pipe cannot take or give in order; or NULL */
  bool force;                     /* files of a package in a folder are replaced */
  bool dry_run;                   /* only told */
};

/* `signing`: how a package is signed. */
struct vmf_signing_settings {
  const char *digest, *key, *certificate, *passphrase_file;
  bool cms;
};

/* `install`: what is chosen of a package that becomes a machine. */
struct vmf_install_settings {
  const char *deployment;      /* the id of an option; or NULL */
  const char **properties;     /* "KEY=VALUE", NULL-terminated; owned; or NULL */
  const char *properties_file; /* the same, one a line; or NULL */
  bool accept_eula;
};

/* `move`: how a machine is written in another format. */
struct vmf_move_settings {
  const char *format, *system;    /* NULL: by the target's name; the only one */
  const char *losses;             /* a file for the loss report; or NULL */
  const char **networks;          /* "OLD=NEW", NULL-terminated; owned; or NULL */
  const char **without_disks;     /* the same: left out */
  const char *platform, *drivers; /* --for, --drivers; or NULL */
  bool copy, strict;
  struct vmf_install_settings install;
};

/* A package is read once it is known to be what its manifest says, or whatever it is. */
#define VMF_SOURCE_CHECKED                                                                         \
  {                                                                                                \
    .trust = {.size = sizeof(struct vmf_package_trust) }                                           \
  }
#define VMF_SOURCE_UNCHECKED                                                                       \
  {                                                                                                \
    .trust = {.size = sizeof(struct vmf_package_trust), .no_verify = true }                        \
  }

#endif
