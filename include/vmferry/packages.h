/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Packages: an OVF descriptor with its manifest, certificate, disks and other files. A
 * part of <vmferry.h>. */
#ifndef VMFERRY_PACKAGES_H
#define VMFERRY_PACKAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "errors.h"
#include "resuming.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct vmf_package;
struct vmf_image;
struct vmf_crew;
struct vmf_image_options;
struct vmf_secret;
struct vmf_value;
struct vmf_machine_options;

/* What must be true of a package before anything of it is used. By default its manifest, where it
 * has one, must be right for all that is used, and its signature, where it has one, right for the
 * manifest; else VMF_DIFFERENT, before anything is written. To tell it, all that is used is read
 * once more. */
struct vmf_package_trust {
  size_t size;            /* of the struct */
  bool no_verify;         /* check nothing: what was altered passes */
  bool require_signature; /* it must be signed, by somebody trusted */
  const char *ca_file;    /* the same, and vouched for by one of these (PEM); or NULL */
  const char *signer;     /* the same, by the certificate with this SHA-256 fingerprint; or NULL */
};

struct vmf_property_options;

/* What a person chooses of a package when it is installed as a machine; NULL and 0: what the
 * package says itself. */
struct vmf_install_options {
  size_t size;            /* of the struct */
  const char *deployment; /* the id of a deployment option; NULL: its default */
  /* Values of properties, by key, or by "CLASS.KEY.INSTANCE" where several have the key. */
  const struct vmf_property_options *properties;
  size_t property_count;
  bool accept_eula; /* its licences are accepted; else, once something is chosen, VMF_REFUSED */
  /* Receives each licence that would have to be accepted, before that; caller's thread; or NULL. */
  void (*eula)(void *data, const char *text);
  void *eula_data;
};

struct vmf_package_options {
  size_t size;                   /* of the struct */
  const char *const *allow_refs; /* for the images in it: as in vmf_image_options */
  bool no_refs; /* as there; a descriptor, whose files stand beside it, is VMF_REFUSED; a folder is
                   taken */
  bool ignore_locks, read_all, no_cache;
  const struct vmf_log *log;       /* lives as long as the package; or NULL */
  const struct vmf_cancel *cancel; /* for what is unpacked while it is opened (gzip); or NULL */
  uint64_t max_bytes;              /* that may be; 0: no bound */
  bool no_replay;                  /* of its disks, as in vmf_image_options */
  /* NULL: as the package says it. VMF_USAGE when it has no such option or property, or the property
   * does not take the value. Read while it is opened. */
  const struct vmf_install_options *install;
  bool strict; /* as in vmf_image_options; and no file of another name is taken for a missing one */
  /* In which language texts are read that the package has in several: tags or locales in the order
   * in which they are wanted ("de-CH,fr", "de_CH.UTF-8"; RFC 4647, lookup); "": in the package's
   * own. NULL: as "", without what files of the package hold. Read while it is opened. */
  const char *language;
  /* Told while it is opened, of one that is packed or comes on standard input: how many of its
   * bytes have been dealt with; total 0: not known. NULL is allowed. */
  void (*progress)(void *data, uint64_t done, uint64_t total);
  void *progress_data;
  /* What opens encrypted disks of it, as in vmf_image_options, where one is converted: to keep it
   * as it is, and to verify or sign it, none is needed. They live as long as the package. */
  const struct vmf_secret *secrets;
  size_t secret_count;
};

/* Whether `path` is a package: an .ovf, an .ova (a tar, perhaps packed by gzip: then its name ends
 * in .ova, .ova.gz, .tar.gz or .tgz) or a folder that holds one .ovf. By content where the name
 * says nothing: what is called like a disk (disk.raw), or is a device, is none. False also for what
 * cannot be read. Any thread. */
bool vmf_package_recognise(const char *path);

/* Opens a package for reading; its disks are not opened. "-": an archive on standard input, which
 * is stored in a file without a name first. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_package_open(const char *path,
                                              const struct vmf_package_options *options,
                                              struct vmf_package **package,
                                              struct vmf_error *error);
/* Images that were opened from it stay valid. NULL is allowed. One thread an object. */
void vmf_package_close(struct vmf_package *package);

/* One Disk of the descriptor. */
struct vmf_package_disk {
  size_t size;                          /* of the struct */
  const char *id, *file_id, *file_name; /* file_id, file_name NULL: an empty disk without a file */
  const char *parent_id;                /* of the disk that it is a delta to; or NULL */
  const char *format_uri;               /* or NULL */
  bool capacity_known;
  uint64_t capacity; /* bytes, as the descriptor says */
};

/* By index, in the descriptor's order; false behind the last. One thread an object. */
bool vmf_package_disk(const struct vmf_package *package, size_t index,
                      struct vmf_package_disk *disk);

/* Opens a disk in place, by its disk id, file id, file name, or its number from 1 on; NULL: the
 * only one that has a file. VMF_USAGE when there is none of that name, naming those that there are.
 * One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_package_open_disk(struct vmf_package *package, const char *disk,
                                                   const struct vmf_image_options *options,
                                                   struct vmf_image **image,
                                                   struct vmf_error *error);

/* One File of the descriptor's References; the descriptor itself, the manifest and the certificate
 * are none. */
struct vmf_package_file {
  size_t size;           /* of the struct */
  const char *id, *name; /* name: as the descriptor has it; either may be NULL */
  bool bytes_known;
  uint64_t bytes; /* of the file, as the descriptor says */
  bool disk;      /* a Disk refers to it */
};

/* By index, in the descriptor's order; false behind the last. One thread an object. */
bool vmf_package_file(const struct vmf_package *package, size_t index,
                      struct vmf_package_file *file);

/* Opens such a file, by its id or name, as an image of format "raw": its size and bytes are those
 * of the file, joined and unpacked where the package has it in chunks or packed. Of options, what
 * chooses a format, a snapshot or a disk does not count. What vmf_package_trust asks is checked
 * first. VMF_USAGE: there is none of that name. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_package_open_file(struct vmf_package *package, const char *name,
                                                   const struct vmf_image_options *options,
                                                   struct vmf_image **image,
                                                   struct vmf_error *error);

/* Opens what a person calls a disk: an image file, PACKAGE::DISK, a package with one disk, or
 * FILE::DISK of a file that holds several, "-" for standard input. A file whose name has "::" in it
 * comes first. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_disk_open(const char *name,
                                           const struct vmf_image_options *options,
                                           struct vmf_image **image, struct vmf_error *error);

/* What `info` shows of a package. The caller frees the tree. It is there also where a disk cannot
 * be read: then the code is that of the first one, and each says why under "error". A file that is
 * not beside its descriptor is only told so. Another failure leaves NULL. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_package_info(struct vmf_package *package, struct vmf_value **info,
                                              struct vmf_error *error);

enum vmf_severity {
  VMF_SEVERITY_NOTE,
  VMF_SEVERITY_LOSS,      /* of a conversion: what could not be carried over */
  VMF_SEVERITY_WARNING,   /* odd, but consumers cope */
  VMF_SEVERITY_VIOLATION, /* against the standard where consumers fail */
  VMF_SEVERITY_FAILURE,   /* altered, unreadable or untrusted */
  VMF_SEVERITIES,
};

struct vmf_package_finding {
  enum vmf_severity severity;
  const char *rule; /* stable: "manifest-digest-wrong" */
  const char *file; /* of the package; NULL: the package as a whole */
  unsigned line;    /* in that file; 0: none */
  const char *text; /* one sentence, without the file */
};

/* Receives findings; the caller's thread. */
struct vmf_findings_sink {
  void (*finding)(void *data, const struct vmf_package_finding *finding);
  void *data;
};

/* What a conversion of `image` does not carry over, each a finding of VMF_SEVERITY_LOSS: internal
 * snapshots, bitmaps; of a package whose only disk it is, its empty disks and other files. One
 * thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_image_losses(struct vmf_image *image,
                                              const struct vmf_findings_sink *findings,
                                              struct vmf_error *error);

struct vmf_package_check {
  size_t size;               /* of the struct */
  const char *schema_folder; /* validate against the DMTF's schema files in it, too; or NULL */
  const char *ca_file;       /* PEM; trust only what these have signed; or NULL */
  const char *signer;        /* SHA-256 fingerprint of the only certificate to trust; or NULL */
  bool require_signature;    /* a package without one, or one not trusted, is a failure */
  bool descriptor_only;      /* do not read the files: no digests, no images */
  unsigned threads;          /* as in vmf_job_options */
  void (*progress)(void *data, uint64_t done, uint64_t total); /* bytes hashed; caller's thread */
  void *progress_data;
  const struct vmf_cancel *cancel;
  struct vmf_findings_sink findings;
  bool quick;            /* do not unpack what is packed in the disks and files */
  uint64_t max_bytes;    /* that may be unpacked of a disk; 0: no bound */
  struct vmf_crew *crew; /* does the work instead of `threads` new ones; or NULL */
};

/* Findings by severity, and what is known of the signature. */
struct vmf_package_verdict {
  size_t size; /* of the struct */
  uint64_t counts[VMF_SEVERITIES];
  bool has_manifest, has_signature, signature_good, signature_trusted;
  char signer[256]; /* subject of the certificate; "" without one */
  char fingerprint[2 * 32 + 1];
  uint64_t files, bytes; /* hashed */
};

/* Checks a package: manifest, certificate, structure, sizes, references, images, tar order. VMF_OK
 * when it could be checked, whatever was found. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_package_verify(struct vmf_package *package,
                                                const struct vmf_package_check *check,
                                                struct vmf_package_verdict *verdict,
                                                struct vmf_error *error);

/* What was written of a package. */
struct vmf_package_result {
  size_t size;        /* of the struct */
  bool archive;       /* it is one file: an OVA, or of a machine format with its disks */
  uint64_t files;     /* descriptor, manifest and certificate among them */
  uint64_t bytes;     /* of the archive, or of all files; with dry_run no more than that */
  uint64_t room;      /* with dry_run: bytes that are free there; UINT64_MAX: that is not known */
  const char *format; /* "ova", "ovf", or the machine format's name: "vmx", "xva"; static */
};

/* How a package is written. */
struct vmf_package_target {
  size_t size;              /* of the struct */
  const char *disk_format;  /* "streamOptimized" or a format's name; NULL: keep the disks' forms */
  const char *disk_options; /* create options of that format, "name=value,..."; or NULL */
  const char *digest;       /* of a manifest that is made: "sha256" (also NULL), "sha1", "sha512" */
  const char *key_path, *cert_path, *passphrase_file; /* sign; all NULL: not signed */
  bool cms; /* add a CMS signature, as VirtualBox 7 does */
  bool no_clobber, no_sync, no_cache, ignore_locks;
  unsigned threads; /* as in vmf_job_options */
  void (*progress)(void *data, uint64_t done, uint64_t total);
  void *progress_data;
  const struct vmf_cancel *cancel;
  const struct vmf_log *log;
  struct vmf_findings_sink findings;     /* losses, and oddities of the source */
  const struct vmf_package_trust *trust; /* in the package that is read; NULL: the defaults */
  uint64_t max_bytes;                    /* of all files, as in vmf_job_options; 0: no bound */
  bool replace; /* in a folder: files of the new package may be there, and are replaced together */
  /* A folder for a package that goes to a pipe and has disks whose size is known only when they are
   * packed (streamOptimized): a file there that has no name takes it before it is sent. NULL: they
   * are packed twice; those that are not written in order (compressed QCOW2) go by a file in
   * $TMPDIR, or /tmp. */
  const char *spool_folder;
  struct vmf_package_result *result; /* filled when all is written; or NULL. Not by sign */
  struct vmf_crew *crew;             /* does the work instead of `threads` new ones; or NULL */
  bool strict; /* of signing and editing: the package is opened so, and without references, as
                * vmf_package_options has both */
  /* Nothing stays: all is opened and checked as far as before the first byte, and `result` filled.
   * Not by sign. */
  bool dry_run;
  /* As in vmf_target_options, of files in a folder whose disks are converted: what is done is left
   * to a run that resumes, of each disk. VMF_UNSUPPORTED with VMF_JOURNAL_WANTED: an archive,
   * several machines together, what comes on a pipe, files that are only copied. Not by sign. */
  uint64_t journal_chunk;
  uint64_t journal_from; /* with VMF_JOURNAL_WHERE_POSSIBLE: only of disks with more bytes than this
                          * together */
  enum vmf_journal_choice journal;
  bool resume, source_unchanged;
};

/* Writes a package as another: `path` ends in .ova, .ovf, is a folder, or "-" (an OVA on standard
 * output). The source is checked before, by target->trust, and whatever is packed in a disk that
 * keeps its bytes is unpacked once: VMF_CORRUPT where that fails. The target appears under its name
 * only when all of it is written. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_package_convert(struct vmf_package *package, const char *path,
                                                 const struct vmf_package_target *target,
                                                 struct vmf_error *error);

/* The forms of disks that a package can be given, by index; false behind the last. */
struct vmf_disk_form_info {
  size_t size;                              /* of the struct */
  const char *name, *format, *suffix, *uri; /* format: whose create options it takes */
};
/* Any thread. */
bool vmf_disk_form_describe(size_t index, struct vmf_disk_form_info *info);

/* Makes a package of disks (at least one), converted on the way. machine may be NULL: defaults. One
 * thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_package_pack(struct vmf_image *const *disks, size_t count,
                                              const struct vmf_machine_options *machine,
                                              const char *path,
                                              const struct vmf_package_target *target,
                                              struct vmf_error *error);

enum vmf_signing_action {
  VMF_SIGNING_SIGN, /* makes a manifest where there is none; one that is there must be right:
                     * VMF_DIFFERENT */
  /* Makes the manifest anew for what the files are now, and tells by notes what it says otherwise:
   * "manifest-entry-changed", "-added", "-removed". A signature that is not of the new one is
   * replaced where there is a key, else taken away: the warning "signature-removed". All else in
   * the package stays, the order of an archive, too. */
  VMF_SIGNING_RENEW,
  VMF_SIGNING_REMOVE, /* takes the certificate away */
};

/* Signs a package in place. Of `target` the key, cms, digest, no_sync, ignore_locks, strict, crew,
 * threads, progress, cancel, log, findings and, with VMF_SIGNING_SIGN, trust count. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_package_sign(const char *path, enum vmf_signing_action action,
                                              const struct vmf_package_target *target,
                                              struct vmf_error *error);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
