/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * All that the author of a format driver reads: what a reader says of an image, what a writer is
 * asked, and the little that a driver may call. A driver maps and places; it never moves guest
 * data, unpacks, packs or starts a thread, opens a file by itself, allocates by a size that a file
 * supplies without a limit, or prints. */
#ifndef VMF_IMAGE_FORMAT_H
#define VMF_IMAGE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cipher.h"
#include "codec.h"
#include "error.h"
#include "guid.h"
#include "io.h"
#include "log.h"
#include "options.h"
#include "page_cache.h"
#include "report.h"
#include "value.h"

struct vmf_image;
struct vmf_target;

/* ---- reading ---- */

enum vmf_run_kind {
  VMF_RUN_PARENT, /* not stored here: the parent's bytes, or zeros without a parent or behind its
                     end */
  VMF_RUN_ZERO,   /* zeros, whatever the parent holds */
  VMF_RUN_PLAIN,  /* guest bytes as they are, at io + offset */
  VMF_RUN_PACKED, /* exactly one packed unit, at io + offset */
  VMF_RUN_IMAGE,  /* the guest bytes of another image, its chain applied, from `offset` on */
};

/* A stretch of the guest disk that is stored in one way. */
struct vmf_run {
  uint64_t guest,
      length; /* length > 0; a PACKED run starts at its unit and ends at its end or the disk's */
  enum vmf_run_kind kind;
  struct vmf_io *io; /* PLAIN, PACKED; ZERO: whose space at offset is reserved for it, or NULL */
  struct vmf_image *image; /* IMAGE: one that reader->part gives */
  uint64_t offset; /* PLAIN, PACKED: host offset of the byte at `guest`, or of the unit with its
                      framing; IMAGE: the guest offset there */
  enum vmf_codec codec; /* PACKED; NONE: the unit is stored as it is, within framing */
  uint32_t unit;        /* PACKED: bytes it unpacks to */
  uint32_t stored; /* PACKED: bytes worth fetching first, clipped to the end of io by the driver;
                    * unwrap may ask for more */
  const struct vmf_cipher *cipher; /* PLAIN: the bytes are encrypted by it; the driver's. NULL: they
                                    * are not */
  uint64_t place; /* by which the cipher knows the byte at `guest`, the first of a sector; they grow
                   * together */
};

/* Digests of a block that a format stores with it; XXH64 has seed 0, its most significant byte
 * first. */
enum vmf_block_digest {
  VMF_BLOCK_DIGEST_NONE,
  VMF_BLOCK_SHA1,
  VMF_BLOCK_SHA256,
  VMF_BLOCK_XXH64,
};
enum { VMF_BLOCK_DIGEST_BYTES = 32 };

/* The digest of `length` zero bytes, for a block that a writer makes itself. */
VMF_MUST_CHECK enum vmf_code vmf_block_digest_of_zeros(enum vmf_block_digest digest, size_t length,
                                                       uint8_t out[VMF_BLOCK_DIGEST_BYTES],
                                                       struct vmf_error *error);

/* What unwrap found in the fetched bytes of a PACKED run. */
struct vmf_payload {
  uint32_t start, length; /* of the stream in the fetched bytes */
  enum vmf_block_digest
      digest; /* what is stored for it, and is held against it by who fetched it */
  uint8_t expected[VMF_BLOCK_DIGEST_BYTES];
  uint32_t need; /* > 0: fetch so many bytes in all from run->offset, and ask again */
};

struct vmf_probe {
  const uint8_t *head,
      *tail; /* the first and the last bytes; both are the whole file when it is small */
  size_t head_length, tail_length; /* up to VMF_PROBE_BYTES each */
  uint64_t size;
};
enum { VMF_PROBE_BYTES = 4096 };

/* Bounds on what an image may claim. */
struct vmf_limits {
  uint64_t guest_size;  /* bytes */
  uint64_t table_bytes; /* one table that a driver keeps whole (L1 table, grain directory) */
  uint32_t
      packed_unit; /* largest unit that may be packed, bytes; a stored form may be twice as long */
  uint32_t framed_unit; /* the same of a unit with codec NONE, in a file */
  uint32_t extents;     /* files of one image */
  uint32_t pieces;      /* the same, of VMF_REFERENCE_PIECE */
  uint32_t descriptor;  /* bytes of a text descriptor */
  uint32_t snapshots, snapshot_table_bytes;
  uint32_t depth; /* images in a chain */
};

enum vmf_reference {
  VMF_REFERENCE_EXTENT,
  VMF_REFERENCE_PARENT,
  VMF_REFERENCE_DATA,
  VMF_REFERENCE_PIECE, /* of which there may be very many; it lies where it is named, or nowhere */
};

/* The only way to another file; the policy sits behind it (below the image's own directory, a plain
 * path, a regular file), as does the search for a file whose path is another machine's: a driver
 * gives the name as the image has it. The io is the caller's to close, except that ios a driver
 * opens are closed by the driver's close. VMF_REFUSED: the policy forbids it; VMF_CORRUPT: there is
 * no such file. */
struct vmf_opener {
  enum vmf_code (*open)(struct vmf_opener *opener, const char *name, enum vmf_reference reference,
                        struct vmf_io **io, struct vmf_error *error);
  /* Calls visit for the name of each file in a folder beside the image, in any order. */
  enum vmf_code (*list)(struct vmf_opener *opener, const char *folder, vmf_name_visitor *visit,
                        void *data, struct vmf_error *error);
};

struct vmf_open_args {
  const void *options;  /* the reader's parsed options, or NULL when it has none */
  const char *snapshot; /* internal snapshot to read, by id or name; NULL: the active state */
  bool tolerate_dirty;  /* read an image that is in use or was not closed, with a warning */
  bool no_replay;       /* refuse an image whose log would have to be written back first */
  bool bare;            /* take an extent without its descriptor as the whole disk */
  bool has_parent;      /* what lies below the image is known without its descriptor */
  const struct vmf_unlocking *unlocking; /* luks.h: what may open an encrypted disk */
};

/* The parent that an open image names; the image layer finds and opens it. Names are tried in
 * order. by_id: when none of them opens (or there is none), files beside the image are opened as
 * images of its format, and the one that check_parent accepts is the parent; none, or two of them,
 * are an error. What found it stands in names from then on. */
enum { VMF_PARENT_NAMES = 8 };
struct vmf_parent_link {
  char *names[VMF_PARENT_NAMES]; /* owned by the image, freed by the image layer; UTF-8, '/' between
                                    folders */
  unsigned count;                /* 0, and not by_id: no parent */
  bool by_id;                    /* check_parent compares ids that no two disks share */
  char *format;                  /* the format that the child says its parent has, or NULL: probe */
};

/* ---- files that hold several disks ---- */

struct vmf_container_disk {
  const char *id; /* by which the machine's text calls it ("Ref:11"), unlike all others; or NULL */
  const char *name; /* of the disk, where it has one; or NULL */
  const char *kind; /* what it is, where it is no disk of the guest: "memory"; else NULL. Only taken
                     * when it is named */
  uint64_t size;    /* of the guest disk, bytes, any value */
  /* on a stream (container.h) only */
  uint32_t unit;  /* of its PACKED runs, at most; a power of two. 0: there are none */
  uint32_t piece; /* it comes in any order, in pieces of so many bytes: a power of two from
                   * VMF_PIECE_LEAST to VMF_PIECE_MOST. 0: it comes in guest order */
};
enum { VMF_PIECE_LEAST = 4096, VMF_PIECE_MOST = 1 << 20 };

/* What such a file holds: its disks, and the machine that they belong to as its format has it. All
 * of it belongs to the driver, and stays as long as that is open. */
struct vmf_contents {
  const struct vmf_container_disk *disks;
  unsigned disk_count;
  const char *machine;   /* the machine format of the text: "xapi"; NULL: there is no text */
  const char *text_name; /* of the text in the file, for messages: "ova.xml" */
  const char *text;
  size_t text_length; /* bytes */
};

/* Digests of the guest disk that the file has. */
struct vmf_disk_digests {
  bool has_md5, has_sha1;
  uint8_t md5[16], sha1[20];
};

/* The driver's open fills what stands below the line. */
struct vmf_image {
  const struct vmf_format *format;
  void *state;       /* reader->state_size zeroed bytes */
  struct vmf_io *io; /* the image file; owned by the image layer */
  struct vmf_image *parent;
  struct vmf_opener *opener;
  const struct vmf_limits *limits;
  struct vmf_page_cache *cache; /* for tables: vmf_page_cache_pread(image->cache, io, ...); pages of
                                 * ios that the driver opened are dropped by the driver's close */
  const struct vmf_log *log;
  bool trust_holes; /* what vmf_io_next_data passes over is zeros; else it is read, tables, too */
  const struct vmf_image *sibling; /* an image of the same file, that lives longer and whose
                                    * reader->index has been asked; or NULL */
  /* ---- */
  uint64_t size;  /* of the guest disk, bytes, any value */
  uint32_t unit;  /* its cluster, grain or block size; of several the largest: no PACKED run unpacks
                     to more. 0: none */
  bool encrypted; /* it has runs with a cipher */
  bool marked;    /* one of its bitmaps of changed blocks was chosen; set by the image layer */
  struct vmf_parent_link parent_link;
  struct vmf_disk_digests digests;     /* reader->check may take them away */
  const struct vmf_contents *contents; /* of a file that holds several disks, though it may be one:
                                        * the image is the one that `choose` is told, and size and
                                        * unit are set there. NULL: the file is one disk */
};

/* Formats one line and hands it to findings->report. */
void vmf_finding(struct vmf_findings *findings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* How many of `count` entries of `size` bytes, from byte `at` of a table in io on, are known to lie
 * in a hole of the file, so that they are zero; 0 where holes are not trusted. */
uint64_t vmf_entries_in_hole(const struct vmf_image *image, struct vmf_io *io, uint64_t at,
                             uint64_t count, uint32_t size);

/* Counts one corruption. False: it is not told, so many have been, which itself is told once. */
bool vmf_corruption_told(const struct vmf_io *io, struct vmf_findings *findings);

/* So many corruptions were found that the rest of a table need not be examined, which is told: a
 * table may be a hole, and long. table: "block table". */
bool vmf_corruptions_suffice(const struct vmf_io *io, struct vmf_findings *findings,
                             const char *table);

struct vmf_reader {
  struct vmf_options options; /* count 0: none */
  bool snapshots;             /* args->snapshot is honoured */
  bool ends_in_footer;        /* without its last sector, an image may look like a raw disk */
  bool packs;                 /* its map has PACKED runs */
  bool check_reads; /* a check reads the whole disk, which finds what its checksums tell, and holds
                     * it against image->digests */
  size_t state_size;
  /* 0 no, 100 this format. Bytes only, no I/O. */
  int (*probe)(const struct vmf_probe *probe);
  /* Decodes and checks the header, fills image->size, unit and parent_link. No unwinding on
   * failure: close follows. */
  enum vmf_code (*open)(struct vmf_image *image, const struct vmf_open_args *args,
                        struct vmf_error *error);
  void (*close)(struct vmf_image *image); /* accepts a half-open, zeroed state */
  /* After an open that set image->contents, when one of its disks is wanted, by index: looks for
   * its data, and sets size and unit. Where only the list is wanted it is not called. NULL: open
   * sets no contents. */
  enum vmf_code (*choose)(struct vmf_image *image, unsigned disk, struct vmf_error *error);
  /* Looks for the data of all of them, in one pass: `choose` of an image that has this one as its
   * sibling need not. Once. NULL: each disk is looked for by itself. */
  enum vmf_code (*index)(struct vmf_image *image, struct vmf_error *error);
  /* The run that holds `guest` (< image->size). It starts at or before `guest` and is as long as is
   * cheap to find: neighbouring entries of one table that continue each other are one run. Any
   * thread. */
  enum vmf_code (*map)(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                       struct vmf_error *error);
  /* After open, where a bitmap of changed blocks is asked for: the one of this name. VMF_USAGE:
   * there is none; VMF_CORRUPT: it may not mark all that has changed. NULL: it has none. */
  enum vmf_code (*choose_bitmap)(struct vmf_image *image, const char *name,
                                 struct vmf_error *error);
  /* The first guest bytes at or behind `guest` that it marks: [*start, *end); *start == size: none.
   * One thread. */
  enum vmf_code (*next_marked)(struct vmf_image *image, uint64_t guest, uint64_t *start,
                               uint64_t *end, struct vmf_error *error);
  /* The images that runs of kind IMAGE lead to, by index; NULL behind the last. NULL: none. */
  struct vmf_image *(*part)(const struct vmf_image *image, size_t index);
  /* Checks and strips the framing of one packed unit. Pure: any thread. NULL: the stream starts at
   * run->offset and is `stored` bytes long at most. */
  enum vmf_code (*unwrap)(const struct vmf_image *image, const struct vmf_run *run,
                          const uint8_t *stored, size_t length, struct vmf_payload *payload,
                          struct vmf_error *error);
  /* Whether `parent` is the one that the child was made on: CID, UUID, linkage. VMF_CHANGED: it
   * was, but has been written to since. NULL: nothing to compare. */
  enum vmf_code (*check_parent)(const struct vmf_image *image, const struct vmf_image *parent,
                                struct vmf_error *error);
  /* Adds the members of qemu-img's "format-specific": {"data": ...} to `data`; `summary` takes
   * top-level keys that only some formats have ("dirty-flag", "encrypted", "compressed",
   * "snapshots"). Also asked of an image whose open failed after it had set image->size: then it
   * shows what there is. NULL: nothing to add. */
  enum vmf_code (*info)(struct vmf_image *image, struct vmf_value *summary, struct vmf_value *data,
                        struct vmf_error *error);
  /* Tells what the image has that no conversion carries over ("loss-snapshots"). NULL: nothing. */
  enum vmf_code (*losses)(struct vmf_image *image, struct vmf_report *report,
                          struct vmf_error *error);
  /* Examines what open and map do not (refcounts, overlaps, leaks). NULL: not supported, exit 63.
   */
  enum vmf_code (*check)(struct vmf_image *image, struct vmf_findings *findings,
                         struct vmf_error *error);
};

/* ---- writing ---- */

enum vmf_layout {
  VMF_FIXED,   /* the host offset follows from the guest offset */
  VMF_PLANNED, /* the same once it is known which units hold data: on a pipe the tables are written
                  first */
  VMF_ORDERED, /* units are appended as they come, in guest order; sizes are known only after
                  packing */
};

enum {
  VMF_FRAMING_BYTES = 1024, /* in front of a block, and behind it */
  VMF_SECTOR_MAX = 4096,
  VMF_WHOLE_UNIT = 2u << 20u, /* up to so many bytes a unit is one block */
};

/* What one set of options asks of the engine; computed before any file exists. */
struct vmf_shape {
  enum vmf_layout layout;
  uint32_t unit; /* guest bytes per block, a power of two. FIXED: a block has any length, but never
                  * crosses a multiple of it. Packed, or with a backing file: VMF_WHOLE_UNIT at
                  * most; a larger one comes in parts, see place */
  enum vmf_codec codec;
  int level;
  bool must_pack; /* a unit that does not shrink is packed all the same (VMDK) */
  bool outer; /* the units are the members of a packed stream around a disk: the last one ends where
                 the disk does */
  const char *member; /* outer: the stream is a tar archive, and the disk this member of it; */
  uint64_t filled_to; /* it is filled up with zeros to so many bytes. NULL, 0: neither is so */
  bool patches_start; /* on a pipe impossible: finish() or place() goes back to earlier bytes */
  uint32_t sector; /* the disk is filled up with zeros to a multiple, at most VMF_SECTOR_MAX bytes;
                      0: of 512 */
  bool keep_zeros; /* full allocation was asked: zero units are placed and written like any other */
  bool reserves;   /* begin reserves the space of all data */
  bool several_files; /* begin creates others beside the first */
  bool tables_grow;   /* tables are made for what holds data; who fills the disk later makes more */
  bool any_order; /* PLANNED, unpacked, without a digest: where target->io is not sequential, place
                   * takes units in any order, and one that has its place again. FIXED does so
                   * anyway */
  bool encrypts; /* unpacked, not any_order: begin sets target->cipher, and place says of each block
                  * where the cipher has it */
  uint32_t hole; /* ORDERED, unpacked: blocks of so many bytes that are zeros are left out of a
                  * unit's data, and block->stored tells wrap which are there; 8 of them or a
                  * multiple make a unit. 0: all of it is stored */
  bool unpadded; /* ORDERED, unpacked: the last unit ends where the disk does */
  uint32_t head_bytes, tail_bytes; /* room that wrap has, VMF_FRAMING_BYTES at most each */
  enum vmf_block_digest digest;    /* of the stored bytes of every block, which wrap wants */
};

/* The units of the target that hold data; guest order. What begin is given is exact: place will see
 * just these units, the engine sees to that. What measure is given is what the source's map tells:
 * one that is said to hold data may turn out to be zero. */
struct vmf_plan;
/* The first range of whole units with data at or behind `guest` (a multiple of the unit): [*start,
 * *end), clipped to the disk's size; *start == guest size at the end. May be called again from the
 * start: it reads the map anew. */
VMF_MUST_CHECK enum vmf_code vmf_plan_next(const struct vmf_plan *plan, uint64_t guest,
                                           uint64_t *start, uint64_t *end, struct vmf_error *error);
/* How many units of `unit` bytes, a multiple of the plan's or equal to it, hold data. */
VMF_MUST_CHECK enum vmf_code vmf_plan_count(const struct vmf_plan *plan, uint32_t unit,
                                            uint64_t *count, struct vmf_error *error);

/* One unit on its way out. In the file stand its head, its data, `zeros` zero bytes, its tail. */
struct vmf_block {
  uint64_t guest;
  uint32_t length; /* guest bytes: the unit, less at the end of the disk; FIXED: anything inside a
                      unit */
  bool zero;   /* all zero: given to place only with a backing file, with keep_zeros, or when the
                  plan of begin has the unit; data is NULL except with keep_zeros */
  bool packed; /* data is the packed form of a whole unit (zeros behind the end of the disk, but for
                  `outer`) */
  const uint8_t
      *data; /* what is stored: PLANNED and ORDERED unpacked: a whole unit, zero-padded;
                FIXED: length. Only the engine looks at it: NULL where it is not at hand */
  size_t data_length;
  const uint8_t *stored; /* shape.hole: a bit for each block of the unit, the lowest of a byte
                            first: it is in data */
  const uint8_t *digest; /* of data, as the shape asks for it; NULL: no data */
  /* framing, filled by wrap */
  uint8_t *head, *tail; /* shape.head_bytes and tail_bytes of room, not cleared */
  uint32_t head_length, tail_length;
  uint32_t zeros; /* place may set it, too */
  /* filled by place */
  struct vmf_io *io; /* NULL: target->io */
  uint64_t host;     /* where head starts */
  uint64_t place;    /* shape.encrypts: by which the cipher knows the first byte of data */
  bool again;        /* shape.any_order: the unit had its place already, this one */
};

/* Creates a further file of the target ("disk-s001.vmdk"); it appears under its name together with
 * the rest. The io is owned and closed by the target layer. NULL on a pipe or a device: then only
 * single-file shapes work. */
struct vmf_creator {
  enum vmf_code (*create)(struct vmf_creator *creator, const char *name, struct vmf_io **io,
                          struct vmf_error *error);
};

struct vmf_target {
  const struct vmf_format *format;
  void *state; /* writer->state_size zeroed bytes */
  const void *options;
  struct vmf_shape shape;
  struct vmf_io *io; /* empty file, pipe (io->sequential) or device; owned by the target layer */
  struct vmf_creator *creator;
  const char *name; /* final file name without folder, for descriptors: "disk.vmdk" */
  const char
      *stem; /* prefix for further files: "disk"; no file of the folder starts with it and '-' */
  uint64_t guest_size;
  const struct vmf_identity *identity;
  const char *backing_name, *backing_format; /* NULL: none */
  struct vmf_image *backing;                 /* of that name; not owned; NULL: none */
  struct vmf_image *bitmaps; /* the source whose bitmaps of changed blocks are copied; or NULL */
  bool skip_broken_bitmaps;
  const struct vmf_log *log;
  const struct vmf_secret *secret; /* for shape.encrypts; or NULL */
  const struct vmf_cipher
      *cipher; /* that the engine encrypts data by; the writer's, until release */
};

struct vmf_writer {
  struct vmf_options options;
  size_t state_size;
  bool part; /* it writes a disk behind the head that a container_writer has written, and none alone
              */
  /* Fills *shape, which is zeroed. Refuses options that do not fit together (VMF_USAGE) and sizes
   * that the format cannot hold (VMF_UNSUPPORTED). compress: -c was given. backing: an overlay is
   * asked for (VMF_UNSUPPORTED when the format has none). */
  enum vmf_code (*shape)(const void *options, uint64_t guest_size, bool compress, bool backing,
                         struct vmf_shape *shape, struct vmf_error *error);
  /* Bytes of all files when the units in `plan` are stored (plan == NULL: every unit). Exact for
   * unpacked layouts, an upper bound when packed. */
  enum vmf_code (*measure)(const void *options, const struct vmf_shape *shape, uint64_t guest_size,
                           const struct vmf_plan *plan, uint64_t *bytes, struct vmf_error *error);
  /* Headers and reserved space. plan: given for PLANNED on a pipe, otherwise NULL. */
  enum vmf_code (*begin)(struct vmf_target *target, const struct vmf_plan *plan,
                         struct vmf_error *error);
  /* Frames one block. Pure, any thread. NULL: nothing to add. */
  enum vmf_code (*wrap)(const struct vmf_target *target, struct vmf_block *block,
                        struct vmf_error *error);
  /* Sets block->host (and io); called by one thread. FIXED: pure, in any order. Otherwise in guest
   * order; it may write tables that are complete, on a pipe only at the place that the file has
   * reached. A unit of more than VMF_WHOLE_UNIT bytes is placed, whole and with its framing, when
   * the first of its parts comes (so it is never `zero`, and has no tail); what of it holds no data
   * reads as zeros. shape.any_order: a source that comes in any order is placed as it comes, its
   * units in parts, each of which asks for the place of its unit; what stands where in the file
   * may depend on that order. What it answers and remembers follows from begin and the sequence of
   * blocks
   * (guest, length, data_length, head_length, zero, packed), not from their bytes: a conversion
   * that is taken up again tells it the same without data. */
  enum vmf_code (*place)(struct vmf_target *target, struct vmf_block *block,
                         struct vmf_error *error);
  /* Tables and footer: now it is an image. All blocks have been written. */
  enum vmf_code (*finish)(struct vmf_target *target, struct vmf_error *error);
  void (*release)(
      struct vmf_target *target); /* memory only, after finish or failure; accepts a zeroed state */
  /* Nothing of it stands at the end of the file, so that it may stand on a block device, which ends
   * elsewhere and holds what was there before: begin asks for what it takes to be cleared
   * (vmf_io_clear); where io->reads_as_zero is false then, zeros are written. */
  bool on_devices;
  /* begin and finish copy those of vmf_target.bitmaps: how many bytes they take at most. *told
   * stays false where the source, or a target of these options, can have none. NULL: no bitmaps. */
  enum vmf_code (*measure_bitmaps)(const void *options, struct vmf_image *source, bool *told,
                                   uint64_t *bytes, struct vmf_error *error);
};

/* ---- writing into an image that is there ---- */

/* A copy of the file that nobody sees before it is committed: what stands in it may be wrong until
 * then. */
struct vmf_update {
  const struct vmf_image *image; /* what it is a copy of, open; its check has found nothing wrong */
  struct vmf_io *io;             /* the copy, which grows as it is written */
  void *state;                   /* updater->state_size zeroed bytes */
};

/* Of formats whose images have a unit, of a power of two bytes, or none: then all bytes have their
 * place. One thread. */
struct vmf_updater {
  size_t state_size;
  /* What it has that would not be kept up, or would be written to beside: "a parent"; or NULL. */
  const char *(*obstacle)(const struct vmf_image *image);
  /* Writes what tells that the image is another one now. */
  enum vmf_code (*begin)(struct vmf_update *update, struct vmf_error *error);
  /* Where the bytes of the unit at `guest` stand in io, which are written next. *fresh: it had no
   * place of its own until now, and the file reaches to its end; all of it is written. */
  enum vmf_code (*place)(struct vmf_update *update, uint64_t guest, uint64_t *host, bool *fresh,
                         struct vmf_error *error);
  void (*release)(struct vmf_update *update); /* memory only; accepts a zeroed state; NULL: none */
};

/* One format. Names, suffixes: NULL-terminated lists, lower case; a suffix has no dot. */
struct vmf_format {
  const char *name, *summary;
  const char *seed_name; /* in the ids that SOURCE_DATE_EPOCH gives: the first name that it had,
                            which never changes; NULL: name */
  const char *const *aliases, *const *suffixes;
  const struct vmf_reader *reader; /* NULL: that direction does not exist */
  const struct vmf_writer *writer;
  const struct vmf_updater *updater; /* NULL: an image that is there is not written into */
  const struct vmf_container_reader *container; /* container.h; NULL: no pipe is read as it comes */
  const struct vmf_container_writer *container_writer; /* container.h; NULL: a file is one disk */
};

extern const struct vmf_format
    *const vmf_formats[]; /* generated from formats/meson.build; NULL at the end */

#endif
