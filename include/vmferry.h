/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * libvmferry: open, examine, compare and convert virtual-machine disk images and OVF packages.
 *
 * Every struct is opaque or plain data; nothing is global; the library never prints, exits or
 * aborts on input. A function that can fail returns enum vmf_code and fills the struct vmf_error
 * that its last parameter points to (caller-owned, one per thread). Sizes and offsets are bytes.
 * "guest" is an offset in the virtual disk, "host" one in an image file. Strings are UTF-8. Unless
 * said otherwise an object is used by one thread at a time.
 *
 * A parameter may be NULL only where that is said here; options may be NULL: the defaults. Another
 * NULL is VMF_USAGE, or, of a function that cannot fail, answered by NULL, 0 or false.
 *
 * A struct that the caller provides and that may grow begins with its size:
 *
 *   struct vmf_job_options options = {.size = sizeof options, .threads = 4};
 *   struct vmf_job_result result = {.size = sizeof result};
 *
 * Members are only ever added at the end, and 0 or NULL in them means what was so before. The
 * library reads and fills no more than that size, so that a program runs with a library that is
 * newer than the header it was compiled with; one that is older refuses what it does not know
 * (VMF_USAGE), unless all of it is zeros. A size that is smaller than the first version's is
 * VMF_USAGE, too. A struct without a size stays as it is, or is always made by the library. */
#ifndef VMFERRY_H
#define VMFERRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#define VMF_MUST_CHECK __attribute__((warn_unused_result))

/* ---- errors ---- */

enum vmf_code {
  VMF_OK = 0,
  VMF_USAGE,       /* the caller asked for something that does not exist or does not fit together */
  VMF_SYSTEM,      /* the operating system refused: a file that cannot be opened, no thread, ... */
  VMF_NOMEM,       /* no memory */
  VMF_CORRUPT,     /* an input breaks its format, or a part of it is missing */
  VMF_REFUSED,     /* an input asks for what the policy forbids (references, ambiguous content) */
  VMF_LIMIT,       /* an input is beyond a bound */
  VMF_READ,        /* reading failed */
  VMF_WRITE,       /* writing failed, no space left */
  VMF_CHANGED,     /* a source changed while it was read */
  VMF_IN_USE,      /* a running virtual machine or another program holds the image */
  VMF_DIFFERENT,   /* verification failed: what was written is not what was read */
  VMF_UNSUPPORTED, /* a known feature that this library does not have */
  VMF_CANCELLED,   /* the caller asked for it: vmf_cancel_request */
};

struct vmf_error {
  enum vmf_code code;
  int sys_errno; /* 0 when the cause is not a system call */
  char text[512];
};

/* Receives warnings: one line, no newline. May be called by any thread. */
struct vmf_log {
  void (*warn)(void *data, const char *text);
  void *data;
};

/* A request to stop, from a thread or signal handler. Zeros at first; outlives what has it. */
struct vmf_cancel {
  int requested; /* touched only by the functions below */
};

/* What was given `cancel` fails with VMF_CANCELLED soon. Any thread, signal handlers; or NULL. */
void vmf_cancel_request(struct vmf_cancel *cancel);
/* Any thread; NULL is allowed: false. */
bool vmf_cancel_requested(const struct vmf_cancel *cancel);

/* ---- a tree of named values: what `info` and `check` report ---- */

enum vmf_value_kind {
  VMF_VALUE_OBJECT,
  VMF_VALUE_LIST,
  VMF_VALUE_TEXT,
  VMF_VALUE_UINT,
  VMF_VALUE_BOOL
};

struct vmf_value {
  enum vmf_value_kind kind;
  char *name; /* NULL in a list and at the root */
  char *text;
  uint64_t number;                       /* UINT; BOOL: 0 or 1 */
  struct vmf_value *first, *last, *next; /* children of an OBJECT or LIST, in order; next sibling */
};

/* Frees a value and all below it; NULL is allowed. */
void vmf_value_free(struct vmf_value *value);

/* ---- formats ---- */

struct vmf_format_info {
  size_t size; /* of the struct */
  const char *name, *summary;
  const char *const *aliases, *const *suffixes; /* NULL-terminated */
  bool readable, writable;
};

/* The formats that were built in, by index; false behind the last. */
bool vmf_format_describe(size_t index, struct vmf_format_info *info);

struct vmf_option_info {
  size_t size;                       /* of the struct */
  const char *name, *help, *initial; /* initial: the default as a user would type it, or NULL */
  const char *type;                  /* "bool", "number", "size", "text", "choice" */
  const char *const *choices;        /* NULL-terminated, or NULL */
  uint64_t min, max;
};

/* The create options of a format (or alias), by index; false behind the last, or for no format. */
bool vmf_format_option(const char *format, size_t index, struct vmf_option_info *info);

/* The format whose suffix `path` has and that can be written, or NULL. */
const char *vmf_format_by_suffix(const char *path);

/* What else the suffix of `path` is known for ("a VirtualBox disk (VDI)"), so that no disk should
 * be written under this name unasked; or NULL. */
const char *vmf_suffix_meaning(const char *path);

/* ---- names ---- */

/* What a person's name for a file means: *path is a fresh string, which the caller frees with
 * free(). "file:PATH" and "file:///PATH" are the path; another "NAME:" before the first '/' is a
 * protocol and VMF_USAGE, since none is read or written yet; "./a:b" is a plain path. A `source`
 * may also be PACKAGE::DISK, or an existing file with "::" in its name. What is given to the
 * functions below is resolved in this way; resolving it twice changes nothing. */
VMF_MUST_CHECK enum vmf_code vmf_location_resolve(const char *name, bool source, char **path,
                                                  struct vmf_error *error);

/* ---- images: read-only ---- */

struct vmf_image;
struct vmf_job_options;

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

struct vmf_image_options {
  size_t size;          /* of the struct */
  const char *format;   /* name or alias; NULL: by content */
  const char *options;  /* the reader's options, "name=value,..." or NULL */
  const char *snapshot; /* internal snapshot by id or name, or NULL */
  const char *const
      *allow_refs;           /* folders that may be referred to, too; NULL-terminated, or NULL */
  bool no_refs;              /* what an image names, but in an archive, is VMF_REFUSED */
  bool no_chain;             /* do not open parents: for `info` */
  bool ignore_locks;         /* open even when a running machine holds the image (-U) */
  bool read_all;             /* do not trust the holes that the file system reports */
  bool no_cache;             /* do not keep what is read in the page cache */
  const struct vmf_log *log; /* lives as long as the image; or NULL */
  bool bare; /* take an extent without its descriptor as a whole disk; no_chain does so, too */
  /* of the package that the image is in, */
  const struct vmf_package_trust *trust; /* NULL: the defaults */
  unsigned threads;                      /* to check it; 0: one per processor */
  const struct vmf_cancel *cancel;       /* while it is checked or stored; or NULL */
  uint64_t max_bytes;                    /* that may be unpacked to open it; 0: no bound */
  uint64_t source_size;     /* of standard input: so many bytes have to come; 0: not known */
  bool random_access;       /* what comes on a pipe is stored in a file first, whatever it is */
  const char *spool_folder; /* where it is stored; NULL: $TMPDIR, or /tmp */
};

/* Opens an image and the chain below it. Without format and no_refs the first part of a split file
 * (disk.001, disk.aa) opens all beside it. VMF_CORRUPT: one is missing; VMF_USAGE: a later part.
 * "-" is standard input, once. From a pipe a raw disk of known source_size, and a streamOptimized
 * VMDK, are read as they come, by one vmf_convert or vmf_checksum; all else of them is
 * VMF_UNSUPPORTED. Other disks are stored first, and log is told. */
VMF_MUST_CHECK enum vmf_code vmf_image_open(const char *path,
                                            const struct vmf_image_options *options,
                                            struct vmf_image **image, struct vmf_error *error);

/* The same for the parts of one file (at least one), just these and in this order. */
VMF_MUST_CHECK enum vmf_code vmf_parts_open(const char *const *paths, size_t count,
                                            const struct vmf_image_options *options,
                                            struct vmf_image **image, struct vmf_error *error);

/* Whether all names, none PACKAGE::DISK, are those of parts of one file; they need not exist. */
bool vmf_parts_named(const char *const *paths, size_t count);

/* One disk made of several (at least one), one behind the other; its path is the first one's, its
 * format "concat". Takes over the images, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_image_concat(struct vmf_image **images, size_t count,
                                              struct vmf_image **image, struct vmf_error *error);

void vmf_image_close(struct vmf_image *image); /* NULL is allowed */

const char *vmf_image_path(const struct vmf_image *image);
const char *vmf_image_format(const struct vmf_image *image);
uint64_t vmf_image_size(const struct vmf_image *image);            /* of the guest disk */
struct vmf_image *vmf_image_parent(const struct vmf_image *image); /* NULL: none, or not opened */

/* Guest bytes, the chain applied. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_image_pread(struct vmf_image *image, void *buffer, size_t length,
                                             uint64_t guest, struct vmf_error *error);

/* Whether a disk has a partition table (MBR, GPT): then it is no continuation of another one. */
VMF_MUST_CHECK enum vmf_code vmf_image_partitioned(struct vmf_image *image, bool *partitioned,
                                                   struct vmf_error *error);

/* Whether there is a disk image at `path`: by its content (of a format that is read or not), by its
 * suffix or as a block device where the content says nothing, or by a partition table. True also
 * for a file that cannot be read; false for an empty one. */
bool vmf_image_recognise(const char *path);

/* One line of `map`: how a stretch of the guest disk is stored, the chain flattened. */
struct vmf_extent {
  size_t size; /* of the struct */
  uint64_t guest, length;
  unsigned depth; /* 0: the image itself, 1: its parent, ... */
  bool present;   /* stored somewhere in the chain (as data or as an explicit zero) */
  bool zero;      /* reads as zeros */
  bool data;      /* bytes are stored for it */
  bool packed;
  bool has_offset; /* the guest bytes stand as they are at `offset` of `file` */
  uint64_t offset;
  const char *file;
};

/* The extent that holds `guest`, from `guest` on; at most `limit` bytes. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_image_extent(struct vmf_image *image, uint64_t guest,
                                              uint64_t limit, struct vmf_extent *extent,
                                              struct vmf_error *error);

/* What `info` shows, keys as in qemu-img's JSON. The caller frees the tree. */
VMF_MUST_CHECK enum vmf_code vmf_image_info(struct vmf_image *image, struct vmf_value **info,
                                            struct vmf_error *error);

/* VMF_CHANGED when a file of the chain is not what it was when it was opened: its size, mtime or
 * ctime moved. A ctime that moved together with mode, owner, links, attributes or name is a
 * warning. Of a device size and the kernel's counter of writes tell; VMF_REFUSED when there is
 * none, unless the image was opened with ignore_locks. */
VMF_MUST_CHECK enum vmf_code vmf_image_unchanged(const struct vmf_image *image,
                                                 struct vmf_error *error);

/* Reads all that is packed in the image and its chain, and unpacks it: VMF_CORRUPT names the first
 * unit that is damaged. Nothing else is read. NULL for the job's options: the defaults. */
VMF_MUST_CHECK enum vmf_code vmf_image_unpack(struct vmf_image *image,
                                              const struct vmf_job_options *options,
                                              struct vmf_error *error);

/* What `check` counts; a message a finding goes to `report`. */
struct vmf_findings {
  size_t size; /* of the struct */
  uint64_t corruptions, leaks, check_errors;
  uint64_t image_end_offset; /* 0: not known */
  uint64_t total_clusters, allocated_clusters, fragmented_clusters, compressed_clusters;
  void (*report)(void *data, const char *text); /* or NULL */
  void *data;
};

/* VMF_UNSUPPORTED when the format has no check. */
VMF_MUST_CHECK enum vmf_code vmf_image_check(struct vmf_image *image, struct vmf_findings *findings,
                                             struct vmf_error *error);

/* ---- targets: created once, visible when committed ---- */

struct vmf_target;

struct vmf_target_options {
  size_t size;                /* of the struct */
  const char *format;         /* name or alias */
  const char *options;        /* "name=value,..." or NULL */
  bool compress;              /* -c */
  const char *backing_path;   /* -B: an overlay on this image, opened as `backing`; both or none */
  const char *backing_format; /* -F */
  bool no_clobber;            /* refuse an existing target */
  bool no_sync;               /* skip the fsyncs */
  bool no_cache;              /* do not keep what is written in the page cache */
  bool ignore_locks;
  struct vmf_image *source;  /* the target may not be a file of its chain; ids are derived from it
                              * when  SOURCE_DATE_EPOCH is set; NULL: `create` */
  struct vmf_image *backing; /* lives as long as the target; not owned; NULL: no overlay */
  const struct vmf_log *log;
};

/* `path`: a file, a block device (raw only), or "-" for standard output. */
VMF_MUST_CHECK enum vmf_code vmf_target_create(const char *path, uint64_t guest_size,
                                               const struct vmf_target_options *options,
                                               struct vmf_target **target, struct vmf_error *error);

/* Whether such a target on standard output reads its source twice, which needs random_access. */
VMF_MUST_CHECK enum vmf_code vmf_target_reads_twice(const char *format, const char *options,
                                                    bool compress, bool *twice,
                                                    struct vmf_error *error);

/* Durable and under its final name, all files at once. Only after vmf_convert. */
VMF_MUST_CHECK enum vmf_code vmf_target_commit(struct vmf_target *target, struct vmf_error *error);

/* Without a commit nothing remains. NULL is allowed. */
void vmf_target_close(struct vmf_target *target);

/* ---- jobs ---- */

/* Threads, and a promise about memory: 64 MiB and 4 MiB for each thread in all. A job makes its own
 * unless it is given one; several jobs, each on a thread of the caller's, may share one. */
struct vmf_crew;

/* threads: at most 256; 0: one per usable processor; 1: none is started, callers do the work. */
VMF_MUST_CHECK enum vmf_code vmf_crew_new(unsigned threads, struct vmf_crew **crew,
                                          struct vmf_error *error);
void vmf_crew_free(struct vmf_crew *crew); /* when no job uses it any more; NULL is allowed */

enum { VMF_CHECKSUM_MAX = 64 };

struct vmf_job_options {
  size_t size;           /* of the struct */
  unsigned threads;      /* at most 256; 0: one per processor that the process may use */
  struct vmf_crew *crew; /* does the work instead of `threads` new ones; or NULL */
  uint64_t sparse_size;  /* convert, -S: bytes of zeros that make a hole; 0: allocate everything */
  const char *checksum;  /* of the guest content: "sha256", "sha1", "sha512"; NULL: none */
  bool strict;           /* compare, -s: allocation and size must be equal too */
  bool no_reflink;       /* convert: the target shares no extents with the source's files */
  void (*progress)(void *data, uint64_t done,
                   uint64_t total); /* caller's thread; their proportion says something */
  void *progress_data;
  const struct vmf_cancel *cancel; /* or NULL */
  uint64_t max_bytes; /* of data that is read or unpacked, and of zeros where they are written:
                         VMF_LIMIT beyond; 0: no bound */
};

struct vmf_job_result {
  size_t size; /* of the struct */
  uint8_t checksum[VMF_CHECKSUM_MAX];
  size_t checksum_length;          /* 0: none was asked for */
  uint64_t data_bytes, zero_bytes; /* of the guest disk */
  uint64_t host_bytes;             /* convert: written to the target's files */
  bool identical;                  /* compare */
  bool sizes_differ;               /* compare: the longer disk's tail was compared with zeros */
  uint64_t difference;             /* compare: the first guest offset that differs */
};

/* Copies all of `source` (NULL: an empty disk) and finishes the target, once. result: or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_convert(struct vmf_image *source, struct vmf_target *target,
                                         const struct vmf_job_options *options,
                                         struct vmf_job_result *result, struct vmf_error *error);

/* Reads a finished target back, before its commit, and compares the content checksum with what
 * vmf_convert computed for `expected` (of the same options->checksum). VMF_DIFFERENT: not equal. */
VMF_MUST_CHECK enum vmf_code vmf_verify(struct vmf_target *target,
                                        const struct vmf_job_options *options,
                                        const struct vmf_job_result *expected,
                                        struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code vmf_compare(struct vmf_image *a, struct vmf_image *b,
                                         const struct vmf_job_options *options,
                                         struct vmf_job_result *result, struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code vmf_checksum(struct vmf_image *image,
                                          const struct vmf_job_options *options,
                                          struct vmf_job_result *result, struct vmf_error *error);

/* Bytes that `format` with `options` needs for the data of `source` (NULL: none, a disk of
 * guest_size), and for a disk that is full. */
VMF_MUST_CHECK enum vmf_code vmf_measure(struct vmf_image *source, uint64_t guest_size,
                                         const char *format, const char *options, bool compress,
                                         uint64_t *required, uint64_t *fully_allocated,
                                         struct vmf_error *error);

/* ---- packages: an OVF descriptor with its manifest, certificate, disks and other files ---- */

struct vmf_package;

struct vmf_package_options {
  size_t size;                   /* of the struct */
  const char *const *allow_refs; /* for the images in it: as in vmf_image_options */
  bool no_refs; /* as there; a descriptor, whose files stand beside it, is VMF_REFUSED; a folder is
                   taken */
  bool ignore_locks, read_all, no_cache;
  const struct vmf_log *log;       /* lives as long as the package; or NULL */
  const struct vmf_cancel *cancel; /* for what is unpacked while it is opened (gzip); or NULL */
  uint64_t max_bytes;              /* that may be; 0: no bound */
};

/* Whether `path` is a package: an .ovf, an .ova (a tar, perhaps packed by gzip: then its name ends
 * in .ova, .ova.gz, .tar.gz or .tgz) or a folder that holds one .ovf. By content where the name
 * says nothing: what is called like a disk (disk.raw), or is a device, is none. False also for what
 * cannot be read. */
bool vmf_package_recognise(const char *path);

/* Opens a package for reading; its disks are not opened. */
VMF_MUST_CHECK enum vmf_code vmf_package_open(const char *path,
                                              const struct vmf_package_options *options,
                                              struct vmf_package **package,
                                              struct vmf_error *error);
/* Images that were opened from it stay valid. NULL is allowed. */
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

/* By index, in the descriptor's order; false behind the last. */
bool vmf_package_disk(const struct vmf_package *package, size_t index,
                      struct vmf_package_disk *disk);

/* Opens a disk in place, by its disk id, file id or file name; NULL: the only one that has a file.
 * VMF_USAGE when there is none of that name, naming those that there are. */
VMF_MUST_CHECK enum vmf_code vmf_package_open_disk(struct vmf_package *package, const char *disk,
                                                   const struct vmf_image_options *options,
                                                   struct vmf_image **image,
                                                   struct vmf_error *error);

/* Opens what a person calls a disk: an image file, PACKAGE::DISK, or a package with one disk. A
 * file whose name has "::" in it comes first. */
VMF_MUST_CHECK enum vmf_code vmf_disk_open(const char *name,
                                           const struct vmf_image_options *options,
                                           struct vmf_image **image, struct vmf_error *error);

/* What `info` shows of a package. The caller frees the tree. */
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
 * snapshots, bitmaps; of a package whose only disk it is, its empty disks and other files. */
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
  bool quick;         /* do not unpack what is packed in the disks and files */
  uint64_t max_bytes; /* that may be unpacked of a disk; 0: no bound */
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
 * when it could be checked, whatever was found. */
VMF_MUST_CHECK enum vmf_code vmf_package_verify(struct vmf_package *package,
                                                const struct vmf_package_check *check,
                                                struct vmf_package_verdict *verdict,
                                                struct vmf_error *error);

/* How a package is written. */
struct vmf_package_target {
  size_t size;              /* of the struct */
  const char *disk_format;  /* "streamOptimized" or a format's name; NULL: keep the disks' forms */
  const char *disk_options; /* create options of that format, "name=value,..."; or NULL */
  const char *digest;       /* of the manifest: "sha256" (also NULL), "sha1", "sha512" */
  const char *key_path, *cert_path, *passphrase_file; /* sign; NULL: not signed */
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
};

/* Writes a package as another: `path` ends in .ova, .ovf, is a folder, or "-" (an OVA on standard
 * output). The source is checked before, by target->trust, and whatever is packed in a disk that
 * keeps its bytes is unpacked once: VMF_CORRUPT where that fails. The target appears under its name
 * only when all of it is written. */
VMF_MUST_CHECK enum vmf_code vmf_package_convert(struct vmf_package *package, const char *path,
                                                 const struct vmf_package_target *target,
                                                 struct vmf_error *error);

/* The guest operating systems that a descriptor can name, by index; false behind the last. */
struct vmf_guest_os_info {
  size_t size;                      /* of the struct */
  unsigned cim;                     /* CIM_OperatingSystem.OSType */
  const char *name, *vmware, *vbox; /* as people, VMware and VirtualBox call it; or NULL */
};
bool vmf_guest_os_describe(size_t index, struct vmf_guest_os_info *info);

/* The forms of disks that a package can be given, by index; false behind the last. */
struct vmf_disk_form_info {
  size_t size;                              /* of the struct */
  const char *name, *format, *suffix, *uri; /* format: whose create options it takes */
};
bool vmf_disk_form_describe(size_t index, struct vmf_disk_form_info *info);

struct vmf_machine_nic {
  const char *model, *network, *mac; /* NULL: E1000, "VM Network", none */
};

struct vmf_machine_property {
  const char *key, *value;
};

/* A machine to be described; NULL and 0 mean the default. Lists end with their count. */
struct vmf_machine {
  size_t size;          /* of the struct */
  const char *name;     /* default: the first disk's name without suffix */
  unsigned cpus;        /* 1 */
  uint64_t memory;      /* bytes; 1 GiB */
  const char *os;       /* CIM number, VMware's or a plain name: "ubuntu-64", "windows2019srv-64" */
  const char *firmware; /* "bios", "efi" */
  bool secure_boot;
  const char *hardware;           /* "vmx-13" */
  const char *const *controllers; /* of the n-th disk: lsilogic, lsilogicsas, pvscsi, buslogic,
                                   * sata, nvme, ide; the last counts for the rest; lsilogic */
  size_t controller_count;
  const struct vmf_machine_nic *nics;
  size_t nic_count; /* 0 and nics == NULL: one; nics != NULL: none */
  const char *product, *vendor, *version, *full_version;
  const struct vmf_machine_property *properties;
  size_t property_count;
  const char *const *eulas; /* texts */
  size_t eula_count;
  const char *annotation;
  const char *ovf_version;       /* "1.0", "1.1" (default), "2.0" */
  struct vmf_package *template_; /* instead of all that stands above: its descriptor, its disks
                                  * replaced in order; not owned; or NULL */
};

/* Makes a package of disks (at least one), converted on the way. machine may be NULL: defaults. */
VMF_MUST_CHECK enum vmf_code vmf_package_pack(struct vmf_image *const *disks, size_t count,
                                              const struct vmf_machine *machine, const char *path,
                                              const struct vmf_package_target *target,
                                              struct vmf_error *error);

/* Signs a package in place, making a manifest where there is none; with remove: takes its
 * certificate away. Only key_path, cert_path, passphrase_file, cms, digest, no_sync, ignore_locks,
 * progress, cancel, log and findings of `target` count. The manifest must be right: VMF_DIFFERENT.
 */
VMF_MUST_CHECK enum vmf_code vmf_package_sign(const char *path, bool remove,
                                              const struct vmf_package_target *target,
                                              struct vmf_error *error);

/* "1.2.3" */
const char *vmf_version(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
