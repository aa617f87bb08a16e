/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a verb is: a table of its arguments and a function that gets them parsed. One table serves
 * parsing, `--help` and the comparison with the man page. */
#ifndef VMF_CLI_VERB_H
#define VMF_CLI_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmferry.h"

/* How a machine is described; see struct vmf_machine. */
struct vmf_machine_settings {
  const char *name, *os, *firmware, *hardware, *product, *vendor, *version, *full_version;
  const char *annotation, *ovf_version, *template_path;
  uint64_t cpus, memory;
  bool secure_boot, cpus_given, memory_given;
  const char **nics, **controllers, **properties, **eulas; /* NULL-terminated; owned */
};

/* Everything that a command line can say. Strings belong to argv unless said otherwise. */
struct vmf_settings {
  const char *format, *target_format, *snapshot, *backing, *backing_format, *checksum;
  const char *snapshot_given; /* as typed; `snapshot` is what it means */
  char *options;              /* all -o, joined by commas; owned */
  const char **allow_refs;    /* NULL-terminated; owned */
  bool compress, progress, quiet, ignore_locks, bare, verify, read_all, no_clobber, no_sync,
      no_cache, no_reflink;
  bool no_refs, join;
  bool json, backing_chain, strict, help;
  const char *digest, *key, *certificate, *passphrase_file; /* signing a package */
  bool cms, remove;
  uint64_t sparse_size, start, max_length, size, threads;
  bool size_given, max_length_given;
  uint64_t source_size;    /* of standard input; 0: not given */
  const char *output;      /* pack */
  const char *disk_format; /* of the disks in a package */
  struct vmf_machine_settings machine;
  struct vmf_package_check check; /* verify */
  const char **operands;          /* argv's, or in `names` */
  struct vmf_package_trust trust;
  bool deep; /* check */
  uint64_t max_size;
  int operand_count;
  char **names; /* what names were resolved to; NULL-terminated; owned */
  struct vmf_log log;
};

enum vmf_argument_kind {
  VMF_ARGUMENT_FLAG = 1,
  VMF_ARGUMENT_TEXT,
  VMF_ARGUMENT_JOINED,   /* may be given again: joined by commas */
  VMF_ARGUMENT_LISTED,   /* may be given again: a NULL-terminated list */
  VMF_ARGUMENT_SIZE,     /* bytes, with suffixes */
  VMF_ARGUMENT_NUMBER,   /* min <= value <= max */
  VMF_ARGUMENT_OUTPUT,   /* human or json */
  VMF_ARGUMENT_CHECKSUM, /* the name of a digest; with an optional value: sha256 */
  VMF_ARGUMENT_EITHER, /* one of the two words of .value: the first sets a bool, the other clears it
                        */
  VMF_ARGUMENT_CACHE,  /* qemu-img's cache modes; a bool field is set by "unsafe" */
  VMF_ARGUMENT_NO_EFFECT,
  VMF_ARGUMENT_REFUSED, /* qemu-img has it and vmferry does not: help says why */
};

struct vmf_argument {
  char letter; /* 0: none */
  bool value_optional;
  enum vmf_argument_kind kind; /* 0 ends a table */
  const char *name;            /* without the dashes; NULL: none */
  const char *value;           /* what help calls the value; NULL: takes none */
  const char *help;            /* NULL: not shown */
  size_t field;                /* offset in struct vmf_settings */
  size_t given;                /* offset of the bool that says the value was given, or 0 */
  uint64_t min, max;           /* NUMBER */
};

struct vmf_verb {
  const char *name, *operands, *summary;
  const struct vmf_argument *arguments;
  int min_operands, max_operands;
  int usage_status; /* the exit status after a wrong command line */
  int (*run)(struct vmf_settings *settings);
};

extern const struct vmf_verb vmf_verb_check, vmf_verb_checksum, vmf_verb_compare, vmf_verb_convert,
    vmf_verb_create, vmf_verb_help, vmf_verb_info, vmf_verb_map, vmf_verb_measure, vmf_verb_pack,
    vmf_verb_sign, vmf_verb_unpack, vmf_verb_verify;

/* All of them, NULL-terminated, in the order of the help text. */
extern const struct vmf_verb *const vmf_verbs[];

/* The verb of that name, or NULL. */
const struct vmf_verb *vmf_verb_find(const char *name);

#define VMF_SETTING(name) offsetof(struct vmf_settings, name)

/* Arguments that mean the same to every verb that has them. */
#define VMF_ARGUMENT_FORMAT                                                                        \
  {                                                                                                \
    .letter = 'f', .name = "format", .kind = VMF_ARGUMENT_TEXT, .value = "FORMAT",                 \
    .field = VMF_SETTING(format), .help = "format of the image (default: found by its content)"    \
  }
#define VMF_ARGUMENT_SOURCE_SIZE                                                                   \
  {                                                                                                \
    .name = "source-size", .kind = VMF_ARGUMENT_SIZE, .value = "SIZE",                             \
    .field = VMF_SETTING(source_size), .help = "bytes that come on standard input (SOURCE \"-\")"  \
  }
#define VMF_ARGUMENT_FORCE_SHARE                                                                   \
  {                                                                                                \
    .letter = 'U', .name = "force-share", .kind = VMF_ARGUMENT_FLAG,                               \
    .field = VMF_SETTING(ignore_locks), .help = "open an image that a running machine holds"       \
  }
#define VMF_ARGUMENT_BARE                                                                          \
  {                                                                                                \
    .name = "bare", .kind = VMF_ARGUMENT_FLAG, .field = VMF_SETTING(bare),                         \
    .help = "take a VMDK extent without its descriptor for a whole disk"                           \
  }
#define VMF_ARGUMENT_ALLOW_REF                                                                     \
  {                                                                                                \
    .name = "allow-ref", .kind = VMF_ARGUMENT_LISTED, .value = "DIR",                              \
    .field = VMF_SETTING(allow_refs),                                                              \
    .help = "images may refer to files below DIR, too (repeatable)"                                \
  }
#define VMF_ARGUMENT_NO_REFS                                                                       \
  {                                                                                                \
    .name = "no-refs", .kind = VMF_ARGUMENT_FLAG, .field = VMF_SETTING(no_refs),                   \
    .help = "open nothing beside the files that are named"                                         \
  }
#define VMF_ARGUMENT_OUTPUT_KIND                                                                   \
  {                                                                                                \
    .name = "output", .kind = VMF_ARGUMENT_OUTPUT, .value = "human|json",                          \
    .field = VMF_SETTING(json), .help = "how to print the result (default: human)"                 \
  }
#define VMF_ARGUMENT_PROGRESS                                                                      \
  {                                                                                                \
    .letter = 'p', .name = "progress", .kind = VMF_ARGUMENT_FLAG, .field = VMF_SETTING(progress),  \
    .help = "show the progress"                                                                    \
  }
#define VMF_ARGUMENT_QUIET                                                                         \
  {                                                                                                \
    .letter = 'q', .name = "quiet", .kind = VMF_ARGUMENT_FLAG, .field = VMF_SETTING(quiet),        \
    .help = "print errors only"                                                                    \
  }
#define VMF_ARGUMENT_SNAPSHOT                                                                      \
  {                                                                                                \
    .letter = 'l', .name = "snapshot", .kind = VMF_ARGUMENT_TEXT, .value = "SNAPSHOT",             \
    .field = VMF_SETTING(snapshot_given), .help = "read this internal snapshot (id or name)"       \
  }
#define VMF_ARGUMENT_THREADS                                                                       \
  {                                                                                                \
    .letter = 'm', .name = "parallel", .kind = VMF_ARGUMENT_NUMBER, .value = "N", .min = 1,        \
    .max = 256, .field = VMF_SETTING(threads), .help = "threads (default: one per processor)"      \
  }
#define VMF_ARGUMENT_OPTIONS                                                                       \
  {                                                                                                \
    .letter = 'o', .name = "options", .kind = VMF_ARGUMENT_JOINED, .value = "NAME=VALUE,...",      \
    .field = VMF_SETTING(options), .help = "options of the target's format; \"help\" lists them"   \
  }
#define VMF_ARGUMENT_DIGEST                                                                        \
  {                                                                                                \
    .name = "digest", .kind = VMF_ARGUMENT_CHECKSUM, .value = "ALGORITHM",                         \
    .field = VMF_SETTING(digest),                                                                  \
    .help = "digest of the manifest: sha256, sha1 or sha512 (default: sha256)"                     \
  }
#define VMF_ARGUMENT_CERT                                                                          \
  {                                                                                                \
    .name = "cert", .kind = VMF_ARGUMENT_TEXT, .value = "FILE", .field = VMF_SETTING(certificate), \
    .help = "the key's certificate, PEM (default: in the key's file)"                              \
  }
#define VMF_ARGUMENT_PASSPHRASE                                                                    \
  {                                                                                                \
    .name = "passphrase-file", .kind = VMF_ARGUMENT_TEXT, .value = "FILE",                         \
    .field = VMF_SETTING(passphrase_file), .help = "its first line is the passphrase of the key"   \
  }
#define VMF_ARGUMENT_CMS                                                                           \
  {                                                                                                \
    .name = "cms", .kind = VMF_ARGUMENT_FLAG, .field = VMF_SETTING(cms),                           \
    .help = "add a CMS signature with the chain, as VirtualBox 7 does"                             \
  }
#define VMF_ARGUMENT_SIGN                                                                          \
  {                                                                                                \
    .name = "sign", .kind = VMF_ARGUMENT_TEXT, .value = "KEY", .field = VMF_SETTING(key),          \
    .help = "sign the package with this key, PEM"                                                  \
  }
#define VMF_ARGUMENT_TRUST                                                                         \
  {.name = "ca-file",                                                                              \
   .kind = VMF_ARGUMENT_TEXT,                                                                      \
   .value = "FILE",                                                                                \
   .field = VMF_SETTING(trust.ca_file),                                                            \
   .help = "trust only signers that these certificates (PEM) vouch for"},                          \
      {.name = "signer",                                                                           \
       .kind = VMF_ARGUMENT_TEXT,                                                                  \
       .value = "FINGERPRINT",                                                                     \
       .field = VMF_SETTING(trust.signer),                                                         \
       .help = "trust only the certificate with this SHA-256 fingerprint"},                        \
  {                                                                                                \
    .name = "require-signature", .kind = VMF_ARGUMENT_FLAG,                                        \
    .field = VMF_SETTING(trust.require_signature),                                                 \
    .help = "a package that is not signed, or by nobody trusted, fails"                            \
  }
#define VMF_ARGUMENT_MAX_SIZE                                                                      \
  {                                                                                                \
    .name = "max-size", .kind = VMF_ARGUMENT_SIZE, .value = "SIZE",                                \
    .field = VMF_SETTING(max_size),                                                                \
    .help = "unpack and write no more than this (default: no bound)"                               \
  }
#define VMF_ARGUMENT_NO_VERIFY                                                                     \
  {                                                                                                \
    .name = "no-verify", .kind = VMF_ARGUMENT_FLAG, .field = VMF_SETTING(trust.no_verify),         \
    .help = "do not check the manifest of a package: take it though it may be altered"             \
  }
#define VMF_ARGUMENT_NO_CLOBBER                                                                    \
  {                                                                                                \
    .name = "no-clobber", .kind = VMF_ARGUMENT_FLAG, .field = VMF_SETTING(no_clobber),             \
    .help = "refuse to replace an existing target"                                                 \
  }
#define VMF_ARGUMENT_PAGE_CACHE_MODE                                                               \
  {                                                                                                \
    .name = "cache", .kind = VMF_ARGUMENT_EITHER, .value = "none|normal",                          \
    .field = VMF_SETTING(no_cache), .help = "none: keep nothing of it in the host's page cache"    \
  }
#define VMF_ARGUMENT_NO_SYNC                                                                       \
  {                                                                                                \
    .name = "no-sync", .kind = VMF_ARGUMENT_FLAG, .field = VMF_SETTING(no_sync),                   \
    .help = "do not wait until the target is on stable storage"                                    \
  }
#define VMF_ARGUMENT_SOURCE_CACHE                                                                  \
  {                                                                                                \
    .letter = 'T', .name = "source-cache", .kind = VMF_ARGUMENT_CACHE, .value = "MODE",            \
    .help = "accepted as qemu-img's, no effect"                                                    \
  }
#define VMF_ARGUMENT_IMAGE_OPTS                                                                    \
  {                                                                                                \
    .name = "image-opts", .kind = VMF_ARGUMENT_REFUSED,                                            \
    .help = "an image is named by its path alone"                                                  \
  }
#define VMF_ARGUMENT_OBJECT                                                                        \
  {                                                                                                \
    .name = "object", .kind = VMF_ARGUMENT_REFUSED, .value = "OBJECT",                             \
    .help = "encrypted images are not read"                                                        \
  }

#endif
