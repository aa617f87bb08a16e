/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * libvmferry: open, examine, compare and convert virtual-machine disk images and OVF packages.
 * This header has the images, the targets and the jobs, and includes the others: errors.h,
 * packages.h and machines.h. What is said here holds for all of them.
 *
 * Every struct is opaque or plain data; nothing is global; the library never prints, exits or
 * aborts on input. A function that can fail returns enum vmf_code and fills the struct vmf_error
 * that its last parameter points to (caller-owned, one per thread). Sizes and offsets are bytes.
 * "guest" is an offset in the virtual disk, "host" one in an image file. Strings are UTF-8.
 *
 * Each function says who may call it. "Any thread": at any time, also while others use the same
 * object. "One thread an object": not while another thread is in a function that was given one of
 * the same objects; what was opened from a package or machine is of it.
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

#include "vmferry/confinement.h"
#include "vmferry/errors.h"
#include "vmferry/given.h"
#include "vmferry/machines.h"
#include "vmferry/packages.h"
#include "vmferry/remote.h"
#include "vmferry/resuming.h"
#include "vmferry/version.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

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

/* Frees a value and all below it; NULL is allowed. One thread an object. */
void vmf_value_free(struct vmf_value *value);

/* A value and all below it as JSON, one line of ASCII; what is no UTF-8 becomes U+FFFD. *json is a
 * fresh string, which the caller frees with free(). Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_value_json(const struct vmf_value *value, char **json,
                                            struct vmf_error *error);

/* ---- formats ---- */

struct vmf_format_info {
  size_t size; /* of the struct */
  const char *name, *summary;
  const char *const *aliases, *const *suffixes; /* NULL-terminated */
  bool readable, writable;
};

/* The formats that were built in, by index; false behind the last. Any thread. */
bool vmf_format_describe(size_t index, struct vmf_format_info *info);

struct vmf_option_info {
  size_t size;                       /* of the struct */
  const char *name, *help, *initial; /* initial: the default as a user would type it, or NULL */
  const char *type;                  /* "bool", "number", "size", "text", "choice" */
  const char *const *choices;        /* NULL-terminated, or NULL */
  uint64_t min, max;
};

/* The create options of a format (or alias), by index; false behind the last, or for no format. Any
 * thread. */
bool vmf_format_option(const char *format, size_t index, struct vmf_option_info *info);

/* The format whose suffix `path` has and that can be written, or NULL. Any thread. */
const char *vmf_format_by_suffix(const char *path);

/* What else the suffix of `path` is known for ("a Hyper-V disk (VHDX)"), so that no disk should
 * be written under this name unasked; or NULL. Any thread. */
const char *vmf_suffix_meaning(const char *path);

/* ---- names ---- */

/* What a person's name for a file means: *path is a fresh string, which the caller frees with
 * free(). "file:PATH" and "file:///PATH" are the path; another "NAME:" before the first '/' is a
 * protocol and VMF_USAGE, unless it is one of a `source` that is read (remote.h); "./a:b" is a
 * plain path. A `source` may also be PACKAGE::DISK, an existing file with "::" in its name, or
 * json:{"driver":FORMAT,"file":{"driver":"file","filename":PATH}} as qemu has it, which stays as it
 * is and only vmf_image_open takes. What is given to the
 * functions below is resolved in this way; resolving it twice changes nothing. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_location_resolve(const char *name, bool source, char **path,
                                                  struct vmf_error *error);

/* ---- images: read-only ---- */

struct vmf_image;
struct vmf_job_options;

/* What an encrypted disk is opened by: all of the bytes count, a newline at their end, too. */
struct vmf_secret {
  const void *bytes;
  size_t length;
};

struct vmf_image_options {
  size_t size;                   /* of the struct */
  const char *format;            /* name or alias, also "raw.xz"; NULL: by content */
  const char *options;           /* the reader's options, "name=value,..." or NULL */
  const char *snapshot;          /* internal snapshot by id or name, or NULL */
  const char *const *allow_refs; /* folders that may be referred to and searched, too; or NULL */
  bool no_refs;                  /* what an image names, but in an archive, is VMF_REFUSED */
  bool no_chain;                 /* do not open parents: for `info` */
  bool ignore_locks;             /* open even when a running machine holds the image (-U) */
  bool read_all;                 /* do not trust the holes that the file system reports */
  bool no_cache;                 /* do not keep what is read in the page cache */
  const struct vmf_log *log;     /* lives as long as the image; or NULL */
  bool bare; /* take an extent without its descriptor as a whole disk; no_chain does so, too */
  const struct vmf_package_trust *trust; /* of the package that it is in; NULL: the defaults */
  unsigned threads; /* to check that, or to find sizes in a packed file; 0: one per processor */
  const struct vmf_cancel *cancel; /* while it is checked, stored or read from a pipe; or NULL */
  uint64_t max_bytes;              /* that may be unpacked to open it; 0: no bound */
  uint64_t source_size;            /* of standard input: so many bytes have to come; 0: not known */
  bool random_access;       /* what comes on a pipe is stored in a file first, whatever it is */
  const char *spool_folder; /* where it is stored, and what is packed; NULL: $TMPDIR, or /tmp */
  bool unknown_is_raw;      /* content that no format knows is raw, whatever its name: see
                               vmf_image_guessed */
  /* NULL, or where a LIST is put of what vmf_image_info gives of every image of the chain, also
   * when opening fails: then what is known, and why under "error". The caller frees it. With
   * list_disks, of a package that comes on a pipe: what vmf_package_info gives, an OBJECT, and no
   * image. */
  struct vmf_value **found;
  bool salvage;   /* of what is told to be raw no byte need be readable: for a job with `lost` */
  bool any_order; /* a disk whose data comes in any order on a pipe is not stored first: it is for a
                   * vmf_convert into a target that takes it so (vmf_target_any_order) */
  const char *disk; /* of a file that holds several: its id or name, or its number from 1 on; NULL:
                     * the only one. VMF_USAGE lists them */
  bool no_replay;   /* VMF_REFUSED: a log would have to be written back (VHDX), in memory */
  bool list_disks;  /* with no disk chosen, of a file that holds several: an image of no bytes, of
                     * which vmf_image_info lists them ("disks"). Only for that: a stream is not
                     * stored first */
  /* Of vmf_machines_open: "NAME=DIR", the folder here with the files of a storage that a machine of
   * Proxmox VE names. Nothing leads out of it. Ends with NULL; or NULL. */
  const char *const *storages;
  struct vmf_crew *crew; /* checks the package instead of `threads` new ones; or NULL */
  /* Of vmf_machines_open: what is chosen of a package (packages.h), which lives as long as the
   * machines; VMF_USAGE where it is another machine. NULL: nothing. */
  const struct vmf_install_options *install;
  bool strict; /* of archives: VMF_REFUSED instead of a warning that another reader may see another
                * content (odd names, unknown headers, no end) */
  /* On the caller's thread, while a packed file is unpacked to open it (it is stored first, or of
   * gzip the size is not known before): how many of its bytes have been dealt with, at last all. */
  void (*progress)(void *data, uint64_t done, uint64_t total);
  void *progress_data;
  /* Of the texts of a package: as in vmf_package_options. For vmf_machines_open it lives as long as
   * the machines. */
  const char *language;
  /* Each is tried on every encrypted image of the chain. Without one that opens it an image is
   * VMF_SECRET. The bytes are needed only while it is opened; for vmf_machines_open as long as the
   * machines. */
  const struct vmf_secret *secrets;
  size_t secret_count;
  bool locked; /* without a secret an encrypted image is opened all the same, as no_chain does: for
                * its map, its info and its check; reading it is VMF_SECRET then */
  /* It is for one vmf_convert or vmf_checksum: where a packed raw disk can only be unpacked from
   * its first byte to its last, and tells its size, it is like one that comes on a pipe, and not
   * stored.
   */
  bool in_order;
  /* With in_order: a packed raw disk in many frames that do not tell their sizes need not be
   * unpacked to find these. They are taken to be as long as the first but for the last, as they are
   * where a program packs in parallel, and *assumed is set. The size of the disk is only right if
   * they are, which all that reads the disk finds out, and fails: what failed with *assumed set is
   * to be done once more without this, with another target. Lives as long as the image. */
  bool *assumed;
  /* NULL, or the name of a bitmap of changed blocks that the disk has (QCOW2, what an NBD server
   * offers): vmf_apply, and vmf_compare with `differs`, only look at what it marks where the disk
   * is their source, or the second; vmf_convert where it is the source of a target with `since`.
   * VMF_USAGE: there is none of that name; VMF_CORRUPT: it is inconsistent */
  const char *bitmap;
};

/* Opens an image and the chain below it. Without format and no_refs the first part of a split file
 * (disk.001, disk.aa) opens all beside it. VMF_CORRUPT: one is missing; VMF_USAGE: a later part.
 * "-" is standard input, once. From a pipe a raw disk of known source_size, and a streamOptimized
 * VMDK, are read as they come, by one vmf_convert or vmf_checksum; all else of them is
 * VMF_UNSUPPORTED. Other disks are stored first, and log is told by a note. What is packed as a
 * whole (gzip, xz, zstd, lz4, bzip2) is unpacked: of "disk.raw.xz" `format` is that of the disk; it
 * is stored first, but for in_order, gzip, and what has pieces of at most 32 MiB (blocks of xz,
 * frames of zstd and lz4; those of no known size twice, but for assumed). VMF_LIMIT: it holds
 * more than max_bytes. A tar archive is opened as the only disk in it, or the member that `disk`
 * names, which `format` is of then. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_image_open(const char *path,
                                            const struct vmf_image_options *options,
                                            struct vmf_image **image, struct vmf_error *error);

/* The same for the parts of one file (at least one), just these and in this order. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_parts_open(const char *const *paths, size_t count,
                                            const struct vmf_image_options *options,
                                            struct vmf_image **image, struct vmf_error *error);

/* Whether all names, none PACKAGE::DISK, are those of parts of one file; they need not exist. Any
 * thread. */
bool vmf_parts_named(const char *const *paths, size_t count);

/* One disk made of several (at least one), one behind the other; its path is the first one's, its
 * format "concat". Takes over the images, also on failure. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_image_concat(struct vmf_image **images, size_t count,
                                              struct vmf_image **image, struct vmf_error *error);

/* The same disk with `size` bytes, its format "resized": larger with zeros behind its end, smaller
 * only where the partition table shows that nothing is lost (VMF_REFUSED else). move_gpt: the
 * second table of a GUID partition table goes to the new end, and both say so, as a smaller disk
 * always has it; without, a larger disk keeps it where it was. *image is taken over when it
 * succeeds, and stays as it is when it fails. VMF_CORRUPT: the partition table is wrong.
 * VMF_UNSUPPORTED: the disk comes on a stream. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_image_resize(struct vmf_image **image, uint64_t size,
                                              bool move_gpt, struct vmf_error *error);

/* Whether the disk can be used with sectors of so many bytes, 512 or 4096: a GUID partition table
 * counts in those that it was made with. VMF_REFUSED: it has one for others; one that is wrong, or
 * that is on a stream, says nothing. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_image_check_sectors(struct vmf_image *image, uint32_t bytes,
                                                     struct vmf_error *error);

/* NULL is allowed. One thread an object. */
void vmf_image_close(struct vmf_image *image);

/* What was opened. Any thread. */
const char *vmf_image_path(const struct vmf_image *image);
/* Any thread. */
const char *vmf_image_format(const struct vmf_image *image);
/* Whether it is raw only because unknown_is_raw says so: no format knows its content. Any thread.
 */
bool vmf_image_guessed(const struct vmf_image *image);
/* Of the guest disk. Any thread. */
uint64_t vmf_image_size(const struct vmf_image *image);
/* NULL: none, or not opened. Any thread. */
struct vmf_image *vmf_image_parent(const struct vmf_image *image);

/* Guest bytes, the chain applied. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_image_pread(struct vmf_image *image, void *buffer, size_t length,
                                             uint64_t guest, struct vmf_error *error);

/* Whether a disk has a partition table (MBR, GPT): then it is no continuation of another one. One
 * thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_image_partitioned(struct vmf_image *image, bool *partitioned,
                                                   struct vmf_error *error);

/* Whether a disk has an EFI system partition (MBR, GPT), which EFI boots from. One thread an
 * object. */
VMF_MUST_CHECK enum vmf_code vmf_image_efi(struct vmf_image *image, bool *efi,
                                           struct vmf_error *error);

/* Whether there is a disk image at `path`: by its content (of a format that is read or not), by its
 * suffix or as a block device where the content says nothing, or by a partition table. True also
 * for a file that cannot be read; false for an empty one. Any thread. */
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

/* What `info` shows, keys as in qemu-img's JSON. The caller frees the tree. One thread an object.
 */
VMF_MUST_CHECK enum vmf_code vmf_image_info(struct vmf_image *image, struct vmf_value **info,
                                            struct vmf_error *error);

/* VMF_CHANGED when a file of the chain is not what it was when it was opened: its size, mtime or
 * ctime moved. A ctime that moved together with mode, owner, links, attributes or name is a
 * warning. Of a device size and the kernel's counter of writes tell; VMF_REFUSED when there is
 * none, unless the image was opened with ignore_locks. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_image_unchanged(const struct vmf_image *image,
                                                 struct vmf_error *error);

/* Reads all that is packed in the image and its chain, and unpacks it: VMF_CORRUPT names the first
 * unit that is damaged. Nothing else is read. NULL for the job's options: the defaults. One thread
 * an object. */
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

/* VMF_UNSUPPORTED when the format has no check. One thread an object. */
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
  bool ignore_locks;          /* also while a machine or another run holds the target (-U) */
  struct vmf_image *source;   /* the target may not be a file of its chain; ids are derived from it
                               * when  SOURCE_DATE_EPOCH is set; NULL: `create` */
  struct vmf_image *backing;  /* lives as long as the target; not owned; NULL: no overlay */
  const struct vmf_log *log;
  bool in_place; /* write into the file that is there; VMF_SYSTEM without, where it must be */
  /* A folder for what goes to a pipe and is not written in order (QCOW2 with compress, overlays): a
   * file there that has no name takes it, and the commit sends it. NULL: in $TMPDIR, or /tmp. */
  const char *spool_folder;
  const struct vmf_cancel *cancel; /* while that is sent; or NULL */
  bool bitmaps;                    /* those of `source` are copied (QCOW2 to QCOW2) */
  bool skip_broken_bitmaps;        /* but for inconsistent ones, which are VMF_CORRUPT without */
  /* With a journal, vmf_convert leaves what is done when it is killed, cancelled, or fails with
   * VMF_READ or VMF_TEMPORARY; the log tells where. A run with the same sources, options and
   * version that resumes goes on with it, and its bytes are those of one that was not interrupted;
   * VMF_USAGE names what differs. Where there is nothing to go on with, it begins. */
  uint64_t journal_chunk; /* so many guest bytes of data are done at most before that is made sure;
                           * 0: 256 MiB, and more where making sure is slow */
  enum vmf_journal_choice journal;
  bool resume; /* with VMF_JOURNAL_WANTED */
  /* Of a target whose units are packed (streamOptimized, QCOW2 with compress, packed raw), or whose
   * data has fixed places in one file, paths: a map of it is written there by the commit; and that
   * of an older target, `onto`: what has not changed is taken from there as it is stored, proven by
   * the map's sums (of fixed places only what need not be read). Of a source that the map was made
   * of, or that stands on it, only what stands above is read; of one that was opened with the name
   * of a bitmap, only what that marks. The target's bytes are the same. */
  const char *map, *since, *onto;
  const struct vmf_secret *secret; /* that opens an encrypted target; lives as long as the target */
  /* The caller knows that devices, and files of servers that tell no version, have the same content
   * when a run goes on: nothing else tells. Their names, their sizes and some bytes of the disk are
   * compared all the same. */
  bool source_unchanged;
  /* Of a block device or an object of a store, beside which no journal can stand: it stands here,
   * until the commit. Only with journal; VMF_USAGE where something else is there, or without resume
   * a journal. What was sent of an object stays at the store whatever the run failed with, for one
   * that resumes, which converts all again and sends what is not there. */
  const char *journal_path;
};

/* `path`: a file, a device (raw, qcow2), "-", "/dev/fd/N". VMF_IN_USE: another run writes it. Any
 * thread. */
VMF_MUST_CHECK enum vmf_code vmf_target_create(const char *path, uint64_t guest_size,
                                               const struct vmf_target_options *options,
                                               struct vmf_target **target, struct vmf_error *error);

/* Whether such a target on standard output reads its source twice, which needs random_access. Any
 * thread. */
VMF_MUST_CHECK enum vmf_code vmf_target_reads_twice(const char *format, const char *options,
                                                    bool compress, bool *twice,
                                                    struct vmf_error *error);

/* Whether such a target, unless it is a pipe, takes data in any order: without a backing file, and
 * by a job without a checksum. Its content is the same, but not always the place of all in the
 * file. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_target_any_order(const char *format, const char *options,
                                                  bool compress, bool *any_order,
                                                  struct vmf_error *error);

/* Durable and under its final name, all files at once. Only after vmf_convert. One thread an
 * object. */
VMF_MUST_CHECK enum vmf_code vmf_target_commit(struct vmf_target *target, struct vmf_error *error);

/* Without a commit nothing remains. NULL is allowed. One thread an object. */
void vmf_target_close(struct vmf_target *target);

/* A small file beside what a job makes, a report or a list: it has its name, or the place of the
 * one that is there, once it is whole and durable, as a target has. !replace: one that is there is
 * VMF_USAGE. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_file_write(const char *path, const void *bytes, size_t length,
                                            bool replace, struct vmf_error *error);

/* ---- what interrupted runs left ---- */

enum vmf_leftover_state {
  VMF_LEFTOVER_LEFT,      /* of no use; vmf_clean did not or could not remove it: another user's, or
                           * on a file system where other hosts may be at work */
  VMF_LEFTOVER_RESUMABLE, /* the same, and another run can go on with it */
  VMF_LEFTOVER_REMOVED,
  VMF_LEFTOVER_IN_USE,   /* a run is at work there */
  VMF_LEFTOVER_REPLACED, /* it holds files that were to be replaced, and may be nowhere else */
  VMF_LEFTOVER_FOREIGN,  /* it cannot be looked at */
};

/* The temporary folders of targets in `folder`, one after the other; path: of one, bytes: on the
 * disk. */
struct vmf_clean_options {
  size_t size;  /* of the struct */
  bool dry_run; /* nothing is removed */
  void (*tell)(void *data, const char *path, uint64_t bytes, enum vmf_leftover_state state);
  void *data;
};
/* Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_clean(const char *folder, const struct vmf_clean_options *options,
                                       struct vmf_error *error);

/* ---- jobs ---- */

/* Threads, and a promise about memory: 64 MiB and 4 MiB for each thread in all, and for a packed
 * raw target what its packing takes (told to log). A job makes its own unless it is given one;
 * several jobs, each on a thread of the caller's, may share one. */
struct vmf_crew;

/* threads: at most 256; 0: one per usable processor; 1: none is started, callers do the work. Those
 * that the system does not give are done without. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_crew_new(unsigned threads, struct vmf_crew **crew,
                                          struct vmf_error *error);
/* When no job uses it any more; NULL is allowed. One thread an object. */
void vmf_crew_free(struct vmf_crew *crew);

enum { VMF_CHECKSUM_MAX = 64 };

/* A stretch of the guest disk, bytes. */
struct vmf_stretch {
  uint64_t guest, length;
};

struct vmf_job_options {
  size_t size;           /* of the struct */
  unsigned threads;      /* at most 256; 0: one per processor that the process may use */
  struct vmf_crew *crew; /* does the work instead of `threads` new ones; or NULL */
  uint64_t sparse_size;  /* convert, -S: bytes of zeros that make a hole; 0: allocate everything */
  const char *checksum;  /* of the guest content: "sha256", "sha1", "sha512"; NULL: none */
  bool strict;           /* compare, -s: allocation and size must be equal too */
  bool no_reflink;       /* convert: the target shares no extents with the source's files */
  /* On the caller's thread: how many bytes of the inputs' files have been dealt with, at last
   * `total`. What comes before the first call, or behind the last (tables are written then), has no
   * measure. */
  void (*progress)(void *data, uint64_t done, uint64_t total);
  void *progress_data;
  const struct vmf_cancel *cancel; /* or NULL */
  uint64_t max_bytes;  /* of data that is read or unpacked, and of zeros where they are written:
                          VMF_LIMIT beyond; 0: no bound */
  uint64_t rate;       /* so many bytes of the guest disk a second, at most; 0: no bound */
  bool plain_checksum; /* vmf_checksum: of all guest bytes one behind the other, as sha256sum has it
                          of the raw disk, by one thread at a time; not of a stream */
  /* convert, or NULL: what of the source cannot be read or unpacked becomes zeros and is told here,
   * in guest order, neighbours as one, on the caller's thread; why: of its first bytes. VMF_CORRUPT
   * and VMF_READ are left for what its format needs to open it. Not for what comes on a pipe. */
  void (*lost)(void *data, uint64_t guest, uint64_t length, const char *why);
  void *lost_data;
  const struct vmf_stretch *unread; /* with lost: is not read but lost; in guest order, apart */
  size_t unread_count;
  /* compare, or NULL: goes on to the end and tells each stretch where `b` has other bytes than `a`,
   * in guest order, in blocks of 4 KiB, neighbours as one, on the caller's thread; zero: b has
   * zeros there. What both have at the same place of one file is not read. */
  void (*differs)(void *data, uint64_t guest, uint64_t length, bool zero);
  void *differs_data;
};

struct vmf_job_result {
  size_t size; /* of the struct */
  uint8_t checksum[VMF_CHECKSUM_MAX];
  size_t checksum_length;              /* 0: none was asked for */
  uint64_t data_bytes, zero_bytes;     /* of the guest disk */
  uint64_t host_bytes;                 /* convert: written to the target's files */
  bool identical;                      /* compare */
  bool sizes_differ;                   /* compare: the longer disk's tail was compared with zeros */
  uint64_t difference;                 /* compare: the first guest offset that differs */
  uint64_t lost_bytes, lost_stretches; /* convert: of what options->lost was told */
};

/* Copies all of `source` (NULL: an empty disk) and finishes the target, once. result: or NULL.
 * VMF_WRITE, before the first byte: the file system or a quota has no room for the data. Where that
 * is not certain, since data is packed or the file system may share or pack it, the target's log is
 * warned. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_convert(struct vmf_image *source, struct vmf_target *target,
                                         const struct vmf_job_options *options,
                                         struct vmf_job_result *result, struct vmf_error *error);

/* Reads a finished target back, before its commit, and compares the content checksum with what
 * vmf_convert computed for `expected` (of the same options->checksum). It is read from the medium:
 * synced before, also with no_sync, and dropped from the page cache. VMF_DIFFERENT: not equal. One
 * thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_verify(struct vmf_target *target,
                                        const struct vmf_job_options *options,
                                        const struct vmf_job_result *expected,
                                        struct vmf_error *error);

/* One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_compare(struct vmf_image *a, struct vmf_image *b,
                                         const struct vmf_job_options *options,
                                         struct vmf_job_result *result, struct vmf_error *error);

struct vmf_apply_options {
  size_t size;             /* of the struct */
  const char *format;      /* of the target, for one whose content looks like another's */
  struct vmf_image *since; /* what the target is a copy of; NULL: all of the target is read */
  bool no_sync;
  bool ignore_locks; /* also while a machine holds the target */
  bool verify;       /* the target is read back, from the medium, and compared */
  const struct vmf_log *log;
};

/* Writes into a raw disk that is there (file, device, NBD export) what `source` has otherwise, in
 * blocks of 4 KiB: then both hold the same. With `since` only that is looked at where source
 * differs from it, and each sector of the target has to be as it is in one of the two before it is
 * written: VMF_DIFFERENT. A run that is interrupted leaves some of it written: another does the
 * rest. A file grows with its disk; it is VMF_USAGE where it is longer. A file of QCOW2, VHD, VDI
 * or VHDX is replaced, all or nothing, by a copy of it with the changes, which is checked, unless
 * there are none; VMF_UNSUPPORTED names what it has that would not be kept up. result->host_bytes
 * is what was written, zero_bytes what became zeros, data_bytes what was looked at. One thread an
 * object.
 */
VMF_MUST_CHECK enum vmf_code vmf_apply(struct vmf_image *source, const char *path,
                                       const struct vmf_apply_options *options,
                                       const struct vmf_job_options *job,
                                       struct vmf_job_result *result, struct vmf_error *error);

/* One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_checksum(struct vmf_image *image,
                                          const struct vmf_job_options *options,
                                          struct vmf_job_result *result, struct vmf_error *error);

/* Bytes that `format` with `options` needs for the data of `source` (NULL: none, a disk of
 * guest_size; a stream: all of it) and for the tables of all of the disk, and for a disk that is
 * full. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_measure(struct vmf_image *source, uint64_t guest_size,
                                         const char *format, const char *options, bool compress,
                                         uint64_t *required, uint64_t *fully_allocated,
                                         struct vmf_error *error);

/* Bytes of the file that vmf_convert would make of `source` as an overlay on options->backing: both
 * are read, since what differs is what is stored; nothing is written. name: of the file, without
 * folder. Not for overlays of several files: VMF_UNSUPPORTED. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_measure_overlay(struct vmf_image *source, const char *name,
                                                 const struct vmf_target_options *options,
                                                 const struct vmf_job_options *job, uint64_t *bytes,
                                                 struct vmf_error *error);

/* Bytes that the bitmaps of changed blocks of `source` take at most in `format` with `options`,
 * which vmf_measure does not count: struct vmf_target_options.bitmaps copies them. *told is false,
 * and *bytes 0, where the source, or such a target, cannot have any. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_measure_bitmaps(struct vmf_image *source, const char *format,
                                                 const char *options, bool *told, uint64_t *bytes,
                                                 struct vmf_error *error);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
