/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Rows of the tables of arguments that mean the same to every verb that has them. */
#ifndef VMF_CLI_COMMON_ARGUMENTS_H
#define VMF_CLI_COMMON_ARGUMENTS_H

#include "settings.h"
#include "verb.h"

#define VMF_GROUP(title)                                                                           \
  {                                                                                                \
    .kind = VMF_ARGUMENT_GROUP, .help = title                                                      \
  }
#define VMF_GROUP_READING VMF_GROUP("What is read")
#define VMF_GROUP_WRITING VMF_GROUP("What is written")
#define VMF_GROUP_MACHINE VMF_GROUP("The machine")
#define VMF_GROUP_SIGNING VMF_GROUP("Signing")
#define VMF_GROUP_TRUST VMF_GROUP("What is trusted")
#define VMF_GROUP_SAFETY VMF_GROUP("Safety")
#define VMF_GROUP_SPEED VMF_GROUP("Speed")
#define VMF_GROUP_OUTPUT VMF_GROUP("What is told")
#define VMF_GROUP_QEMU VMF_GROUP("Taken as qemu-img's")

#define VMF_ARGUMENT_FORMAT                                                                        \
  {                                                                                                \
    .letter = 'f', .name = "format", VMF_SETS_TEXT(source.format), .value = "FORMAT",              \
    .help = "format of the image (default: found by its content)"                                  \
  }
#define VMF_ARGUMENT_SOURCE_SIZE                                                                   \
  {                                                                                                \
    .name = "source-size", VMF_SETS_SIZE(source.size), .value = "SIZE", .min = 1,                  \
    .help = "bytes that come on standard input (SOURCE \"-\")"                                     \
  }
#define VMF_ARGUMENT_FORCE_SHARE                                                                   \
  {                                                                                                \
    .letter = 'U', .name = "force-share", VMF_SETS_FLAG(source.ignore_locks),                      \
    .help = "open an image that a running machine holds"                                           \
  }
#define VMF_ARGUMENT_BARE                                                                          \
  {                                                                                                \
    .name = "bare", VMF_SETS_FLAG(source.bare),                                                    \
    .help = "take one extent of a disk (VMDK, Parallels) for all of it"                            \
  }
#define VMF_ARGUMENT_NO_REPLAY                                                                     \
  {                                                                                                \
    .name = "no-replay", VMF_SETS_FLAG(source.no_replay),                                          \
    .help = "refuse a VHDX that was not closed (else its log is read, too)"                        \
  }
#define VMF_ARGUMENT_SECRET                                                                        \
  {.name = "secret-file",                                                                          \
   VMF_SETS_LISTED(command.secret_files),                                                          \
   .value = "FILE",                                                                                \
   .help = "all bytes of FILE are the secret of an encrypted disk (repeatable)"},                  \
  {                                                                                                \
    .name = "secret-fd", VMF_SETS_TEXT(command.secret_descriptor), .value = "N",                   \
    .help = "what is read from the file descriptor N is such a secret"                             \
  }
#define VMF_ARGUMENT_TARGET_SECRET                                                                 \
  {                                                                                                \
    .name = "target-secret-file", VMF_SETS_TEXT(command.target_secret_file), .value = "FILE",      \
    .help = "all bytes of FILE are the secret of a target that is encrypted (-o)"                  \
  }
#define VMF_ARGUMENT_ALLOW_REF                                                                     \
  {                                                                                                \
    .name = "allow-ref", VMF_SETS_LISTED(source.allow_refs), .value = "DIR",                       \
    .help = "images may refer to files below DIR, too (repeatable)"                                \
  }
#define VMF_ARGUMENT_STORAGE                                                                       \
  {                                                                                                \
    .name = "storage", VMF_SETS_LISTED(source.storages), .value = "NAME=DIR",                      \
    .help = "files of a machine's storage NAME are in DIR (repeatable)"                            \
  }
#define VMF_ARGUMENT_LANGUAGE                                                                      \
  {                                                                                                \
    .name = "language", VMF_SETS_TEXT(source.language), .value = "LIST",                           \
    .help = "texts of a package in the first of these languages that it has"                       \
  }
#define VMF_ARGUMENT_NO_REFS                                                                       \
  {                                                                                                \
    .name = "no-refs", VMF_SETS_FLAG(source.no_refs), .contradicts = "allow-ref",                  \
    .help = "open nothing beside the files that are named"                                         \
  }
#define VMF_ARGUMENT_OUTPUT_KIND                                                                   \
  {                                                                                                \
    .name = "output", VMF_SETS_OUTPUT(command.json), .value = "human|json",                        \
    .help = "how to print the result (default: human)"                                             \
  }
#define VMF_ARGUMENT_PROGRESS                                                                      \
  {                                                                                                \
    .letter = 'p', .name = "progress", VMF_SETS_PROGRESS(command.progress_descriptor),             \
    .value = "json[:FD]", .value_optional = true, .given = VMF_SETTING(bool, command.progress),    \
    .help = "show the progress where that is no terminal, too; as JSON"                            \
  }
#define VMF_ARGUMENT_SANDBOX                                                                       \
  {.name = "sandbox",                                                                              \
   VMF_SETS_TEXT(command.sandbox),                                                                 \
   .value = "off|on|require",                                                                      \
   .help = "give up what the command line does not ask for (default: on)"},                        \
  {                                                                                                \
    .name = "untrusted", VMF_SETS_FLAG(command.untrusted),                                         \
    .help = "it comes from strangers: no references, limits, strict, the sandbox"                  \
  }
#define VMF_ARGUMENT_REMOTE                                                                        \
  {.name = "header",                                                                               \
   VMF_SETS_LISTED(command.headers),                                                               \
   .value = "@FILE",                                                                               \
   .help = "send the headers in FILE to the host of a URL"},                                       \
      {.name = "netrc",                                                                            \
       VMF_SETS_FLAG(command.netrc),                                                               \
       .help = "names and passwords for URLs are in ~/.netrc"},                                    \
      {.name = "endpoint-url",                                                                     \
       VMF_SETS_TEXT(command.endpoint),                                                            \
       .value = "URL",                                                                             \
       .help = "the object store of s3:// (default: as the AWS tools find it)"},                   \
      {.name = "region",                                                                           \
       VMF_SETS_TEXT(command.region),                                                              \
       .value = "REGION",                                                                          \
       .help = "its region (default: likewise)"},                                                  \
      {.name = "profile",                                                                          \
       VMF_SETS_TEXT(command.profile),                                                             \
       .value = "PROFILE",                                                                         \
       .help = "whose keys in ~/.aws/credentials (default: likewise)"},                            \
      {.name = "no-sign-request",                                                                  \
       VMF_SETS_FLAG(command.unsigned_requests),                                                   \
       .help = "ask object stores without keys: for what is public"},                              \
  {                                                                                                \
    .name = "retry-time", VMF_SETS_NUMBER(command.retry_seconds), .value = "SECONDS", .min = 1,    \
    .max = 86400, .help = "try a server for so long that does not answer (default: 900)"           \
  }
#define VMF_ARGUMENT_REPORT                                                                        \
  {                                                                                                \
    .name = "report", VMF_SETS_LISTED(reports), .value = "REPORT",                                 \
    .help = "write what became of all jobs: *.json, *.html, *.xml (JUnit), *.csv (repeatable)"     \
  }
#define VMF_ARGUMENT_QUIET                                                                         \
  {                                                                                                \
    .letter = 'q', .name = "quiet", VMF_SETS_FLAG(command.quiet), .help = "print errors only"      \
  }
#define VMF_ARGUMENT_VERBOSE                                                                       \
  {                                                                                                \
    .letter = 'v', .name = "verbose", VMF_SETS_FLAG(command.verbose),                              \
    .help = "tell what is done by the way (told to terminals anyway)"                              \
  }
#define VMF_ARGUMENT_SNAPSHOT                                                                      \
  {                                                                                                \
    .letter = 'l', .name = "snapshot", VMF_SETS_SNAPSHOT(source.snapshot), .value = "SNAPSHOT",    \
    .help = "read this internal snapshot (id or name)"                                             \
  }
#define VMF_ARGUMENT_THREADS                                                                       \
  {                                                                                                \
    .letter = 'm', .name = "parallel", VMF_SETS_NUMBER(command.threads), .value = "N", .min = 1,   \
    .max = 256, .help = "threads (default: one per processor)"                                     \
  }
#define VMF_ARGUMENT_OPTIONS                                                                       \
  {                                                                                                \
    .letter = 'o', .name = "options", VMF_SETS_JOINED(target.options), .value = "NAME=VALUE,...",  \
    .help = "options of the target's format; \"help\" lists them"                                  \
  }
#define VMF_ARGUMENT_DIGEST                                                                        \
  {                                                                                                \
    .name = "digest", VMF_SETS_CHECKSUM(signing.digest), .value = "ALGORITHM",                     \
    .help = "digest of the manifest: sha256, sha1 or sha512 (default: sha256)"                     \
  }
#define VMF_ARGUMENT_CERT                                                                          \
  {                                                                                                \
    .name = "cert", VMF_SETS_TEXT(signing.certificate), .value = "FILE",                           \
    .help = "the key's certificate, PEM (default: in the key's file)"                              \
  }
#define VMF_ARGUMENT_PASSPHRASE                                                                    \
  {                                                                                                \
    .name = "passphrase-file", VMF_SETS_TEXT(signing.passphrase_file), .value = "FILE",            \
    .help = "its first line is the passphrase of the key"                                          \
  }
#define VMF_ARGUMENT_CMS                                                                           \
  {                                                                                                \
    .name = "cms", VMF_SETS_FLAG(signing.cms),                                                     \
    .help = "add a CMS signature with the chain, as VirtualBox 7 does"                             \
  }
#define VMF_ARGUMENT_SIGN                                                                          \
  {                                                                                                \
    .name = "sign", VMF_SETS_TEXT(signing.key), .value = "KEY",                                    \
    .help = "sign the package with this key, PEM"                                                  \
  }
#define VMF_ARGUMENT_TRUST                                                                         \
  {.name = "ca-file",                                                                              \
   VMF_SETS_TEXT(source.trust.ca_file),                                                            \
   .value = "FILE",                                                                                \
   .help = "trust only signers that these certificates (PEM) vouch for"},                          \
      {.name = "signer",                                                                           \
       VMF_SETS_TEXT(source.trust.signer),                                                         \
       .value = "FINGERPRINT",                                                                     \
       .help = "trust only the certificate with this SHA-256 fingerprint"},                        \
  {                                                                                                \
    .name = "require-signature", VMF_SETS_FLAG(source.trust.require_signature),                    \
    .help = "a package that is not signed, or by nobody trusted, fails"                            \
  }
#define VMF_ARGUMENT_MAX_SIZE                                                                      \
  {                                                                                                \
    .name = "max-size", VMF_SETS_SIZE(command.max_size), .value = "SIZE", .min = 1,                \
    .help = "unpack and write no more than this (default: no bound)"                               \
  }
#define VMF_ARGUMENT_NO_VERIFY                                                                     \
  {                                                                                                \
    .name = "no-verify", VMF_SETS_FLAG(source.trust.no_verify),                                    \
    .warning = "--no-verify: what was altered in a package passes unnoticed, whatever its "        \
               "manifest and its signature say",                                                   \
    .help = "do not check the manifest of a package: take it though it may be altered"             \
  }
#define VMF_ARGUMENT_NO_CLOBBER                                                                    \
  {                                                                                                \
    .name = "no-clobber", VMF_SETS_FLAG(target.no_clobber),                                        \
    .help = "refuse to replace an existing target"                                                 \
  }
#define VMF_ARGUMENT_FORCE                                                                         \
  {                                                                                                \
    .name = "force", VMF_SETS_FLAG(target.force), .contradicts = "no-clobber",                     \
    .help = "replace the files of a package that are in the folder"                                \
  }
#define VMF_ARGUMENT_SPOOL                                                                         \
  {                                                                                                \
    .name = "spool", VMF_SETS_TEXT(target.spool), .value = "DIR",                                  \
    .help = "what a pipe cannot take in order is stored in DIR first"                              \
  }
#define VMF_ARGUMENT_RESUME                                                                        \
  {.name = "resume",                                                                               \
   VMF_SETS_FLAG(transfer.resume),                                                                 \
   .contradicts = "in-place",                                                                      \
   .help = "go on with what an interrupted run of the same command left"},                         \
      {.name = "journal",                                                                          \
       VMF_SETS_TEXT(transfer.journal),                                                            \
       .value = "on|off|CHUNK",                                                                    \
       .help = "note what is done, for --resume (default: on above 10 GiB)"},                      \
  {                                                                                                \
    .name = "source-unchanged", VMF_SETS_FLAG(transfer.source_unchanged),                          \
    .help = "--resume: a device or a server that tells no version has the same content"            \
  }
#define VMF_ARGUMENT_PAGE_CACHE_MODE                                                               \
  {                                                                                                \
    .name = "cache", VMF_SETS_EITHER(command.no_cache), .value = "none|normal",                    \
    .help = "none: keep nothing of it in the host's page cache"                                    \
  }
#define VMF_ARGUMENT_NO_SYNC                                                                       \
  {                                                                                                \
    .name = "no-sync", VMF_SETS_FLAG(target.no_sync),                                              \
    .help = "do not wait until the target is on stable storage"                                    \
  }
#define VMF_ARGUMENT_SOURCE_CACHE                                                                  \
  {                                                                                                \
    .letter = 'T', .name = "source-cache", .kind = VMF_ARGUMENT_CACHE, .value = "MODE",            \
    .help = "accepted as qemu-img's, no effect"                                                    \
  }
#define VMF_ARGUMENT_IMAGE_OPTS                                                                    \
  {                                                                                                \
    .name = "image-opts", VMF_SETS_FLAG(command.image_opts),                                       \
    .help = "sources are named as driver=FORMAT,file.filename=PATH"                                \
  }
#define VMF_ARGUMENT_OBJECT                                                                        \
  {                                                                                                \
    .name = "object", VMF_SETS_LISTED(command.objects), .value = "secret,id=ID,file=SECRET",       \
    .help = "a secret that encrypted images name by key-secret=ID (repeatable)"                    \
  }

#endif
