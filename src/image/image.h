/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An open image as the layers above the drivers see it: the private half of struct vmf_image, the
 * flattened map, and reading through it. */
#ifndef VMF_IMAGE_IMAGE_H
#define VMF_IMAGE_IMAGE_H

#include "container.h"
#include "digest.h"
#include "format.h"

struct vmf_packing;

struct vmf_node_file {
  struct vmf_io *io; /* closed by the driver */
  enum vmf_reference kind;
};

/* What stands behind a struct vmf_image, which is its first member. */
struct vmf_node {
  struct vmf_image image;
  void *options;     /* of the reader */
  char **allow_refs; /* NULL-terminated copy */
  bool check_locks;
  bool no_refs;      /* nothing that the image names is opened, but for members of its package */
  bool guessed;      /* raw only because unknown_is_raw says so */
  bool contradicted; /* the content chose the format, and name or kind of the file say another */
  bool transient;
  bool salvage;  /* what cannot be read is no error, but lost */
  bool listed;   /* of several disks none is chosen: the image has no bytes */
  char *asked;   /* of its reader: snapshot and options, for telling it from others; owned */
  unsigned disk; /* that is, index in image.contents, where there are any */
  struct vmf_opener opener;
  struct vmf_opener *members;   /* opens what the image names; NULL: beside io->name, by policy */
  void (*release)(void *owner); /* called when the image has been closed; NULL: nothing */
  void *owner;
  void (*losses)(void *owner, struct vmf_report *report); /* what is left where the image comes
                                                           * from; or NULL */
  struct vmf_node_file *files;                            /* every file that the driver opened */
  size_t file_count, file_capacity;
  struct vmf_page_cache *own_cache; /* the first image of a chain has it */
};

/* Whether the image has a parent, found or not. */
static inline bool vmf_image_is_child(const struct vmf_image *image)
{
  return image->parent_link.count > 0 || image->parent_link.by_id;
}

static inline struct vmf_node *vmf_node(const struct vmf_image *image)
{
  return (struct vmf_node *)image;
}

/* A stretch of the flattened disk that is stored in one way in one image of the chain. */
struct vmf_span {
  uint64_t guest, length;  /* of the image that was asked */
  enum vmf_run_kind kind;  /* ZERO, PLAIN or PACKED */
  bool stored;             /* ZERO: an image says so; otherwise no image has anything */
  unsigned depth;          /* 0: the image that was asked, 1: its parent, ... */
  struct vmf_image *owner; /* whose driver unwraps */
  struct vmf_run run;      /* as the owner's driver gave it */
  struct vmf_io *io;       /* PLAIN; ZERO when it is a hole in a file's data */
  uint64_t offset;         /* the host offset of the byte at `guest`, where io is set */
  uint32_t skip;           /* PACKED: unpacked bytes before `guest` */
  bool unmarked; /* set by who asks a bitmap of the disk: it has not changed since that was made */
};

/* The run of this image that holds `guest` (< image->size), as its driver tells, and checked. Any
 * thread. */
VMF_MUST_CHECK enum vmf_code vmf_image_run(struct vmf_image *image, uint64_t guest,
                                           struct vmf_run *run, struct vmf_error *error);

/* The span that holds `guest` (< image->size), from `guest` on, at most `limit` bytes. Where only
 * the holes of the file that it stands in cannot be asked for, it is set, too. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_image_span(struct vmf_image *image, uint64_t guest, uint64_t limit,
                                            struct vmf_span *span, struct vmf_error *error);

/* Cuts a span to the part of it from `start` to `end`, of which it holds a byte. */
void vmf_span_cut(struct vmf_span *span, uint64_t start, uint64_t end);

/* Of a PLAIN span that is encrypted: by which its cipher knows the first byte. And whether bytes at
 * one place of a file mean the same in both. */
uint64_t vmf_span_place(const struct vmf_span *span);
bool vmf_span_as_encrypted(const struct vmf_span *a, const struct vmf_span *b);

/* The spans of a stretch of a disk, in guest order; what none of them covers reads as zeros. Kept
 * and filled again for the next stretch. */
struct vmf_spans {
  struct vmf_span *list;
  size_t count, capacity;
};

/* Puts a span behind the others, or makes the last one longer where it goes on in the same file.
 * ZERO spans need not be given. */
VMF_MUST_CHECK enum vmf_code vmf_spans_add(struct vmf_spans *spans, const struct vmf_span *span,
                                           struct vmf_error *error);
void vmf_spans_free(struct vmf_spans *spans);

/* The images that IMAGE runs of this one lead to, by index; NULL behind the last. */
struct vmf_image *vmf_image_part(const struct vmf_image *image, size_t index);

/* How it is made; not for NONE. */
enum vmf_digest_kind vmf_block_digest_kind(enum vmf_block_digest digest);

/* The largest unit of all images of the chain. */
uint32_t vmf_image_largest_unit(const struct vmf_image *image);

/* Memory that one loader may take for this chain, bytes: a packed unit in both forms. */
size_t vmf_loader_memory(const struct vmf_image *image);

/* Reads spans; keeps the buffers and the unpacker that this takes. One per thread. */
struct vmf_loader;
VMF_MUST_CHECK enum vmf_code vmf_loader_new(struct vmf_loader **loader, struct vmf_error *error);
void vmf_loader_free(struct vmf_loader *loader);

/* Guest bytes [guest, guest + length) into buffer, by spans that lie in that stretch. Packed units
 * that stand near each other are fetched by one read. */
VMF_MUST_CHECK enum vmf_code vmf_loader_read_spans(struct vmf_loader *loader,
                                                   const struct vmf_spans *spans, void *buffer,
                                                   size_t length, uint64_t guest,
                                                   struct vmf_error *error);

/* The same, by the map; behind the end of the disk they are zeros. */
VMF_MUST_CHECK enum vmf_code vmf_loader_read(struct vmf_loader *loader, struct vmf_image *image,
                                             void *buffer, size_t length, uint64_t guest,
                                             struct vmf_error *error);

/* Packed units that were read whole, and checked, in their packed form: for a target that stores
 * them in the same form. Only of formats whose framing tells the length (reader->unwrap). */
struct vmf_kept_unit {
  uint64_t guest;
  size_t start, length; /* in bytes */
};

struct vmf_kept {
  enum vmf_codec codec; /* what is kept: units of this codec and size, */
  uint32_t unit;
  size_t largest; /* of at most so many packed bytes, */
  size_t limit;   /* at most so many */
  uint8_t *bytes; /* room for limit * largest */
  size_t used;
  struct vmf_kept_unit *units;
  size_t count;
};

/* From now on vmf_loader_read keeps what fits; NULL: nothing. */
void vmf_loader_keep(struct vmf_loader *loader, struct vmf_kept *kept);

/* For vmf_image_options.found. An image whose open failed, for the reason given; and, before it in
 * the list, those of the chain that were opened. The latter returns the code that it is given, the
 * result of the opening, or why an open image cannot be shown. */
void vmf_found_half(struct vmf_value **found, struct vmf_image *image, const struct vmf_error *why);
VMF_MUST_CHECK enum vmf_code vmf_found_chain(struct vmf_value **found, struct vmf_image *top,
                                             enum vmf_code code, struct vmf_error *error);

/* Where the bytes of an image come from that is no file of its own. */
struct vmf_image_origin {
  struct vmf_io *io;
  struct vmf_opener *members; /* opens the files that the image and its parents name; lives as long
                               * as the image. NULL: beside io->name, by the policy of opener.h */
  struct vmf_image *parent;   /* below the image, whatever it names itself; NULL: what it names */
  void (*release)(void *owner); /* called with owner when the image has been closed; or NULL */
  void *owner;
  const struct vmf_image *sibling; /* of the same file, for several of its disks; or NULL: see
                                    * vmf_image_index */
  bool split; /* io is the parts of one file: raw where its content matches no format, since the
               * name says nothing */
};

/* Like vmf_image_open. Takes over io, parent and owner, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_image_open_origin(const struct vmf_image_origin *origin,
                                                   const struct vmf_image_options *options,
                                                   struct vmf_image **image,
                                                   struct vmf_error *error);

/* Of a file that holds several disks and that is open as a list: where the data of all is becomes
 * known by one pass. */
VMF_MUST_CHECK enum vmf_code vmf_image_index(struct vmf_image *image, struct vmf_error *error);

/* Standard input as an image: see vmf_image_open. */
VMF_MUST_CHECK enum vmf_code vmf_image_open_input(const struct vmf_image_options *options,
                                                  struct vmf_image **image,
                                                  struct vmf_error *error);

/* Standard input, unpacked where it is packed, which is to hold a machine: *list, of the disks of a
 * container that comes on a pipe, which can be taken from there (vmf_container_take); or *io, a
 * file that the caller closes: what else comes on a pipe is stored first, in options->spool_folder.
 */
VMF_MUST_CHECK enum vmf_code vmf_image_input_list(const struct vmf_image_options *options,
                                                  struct vmf_image **list, struct vmf_io **io,
                                                  struct vmf_error *error);
/* The same, always as a file. */
VMF_MUST_CHECK enum vmf_code vmf_image_input_file(const struct vmf_image_options *options,
                                                  struct vmf_io **io, struct vmf_error *error);
/* Stores what comes after all; takes the stream over, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_image_store_input(struct vmf_io *stream,
                                                   const struct vmf_image_options *options,
                                                   struct vmf_io **io, struct vmf_error *error);

/* The same list of what a file holds that would have to be stored to be looked into, as it is
 * packed or its server sends no parts; *list NULL: it need not, or is none. */
VMF_MUST_CHECK enum vmf_code vmf_image_once_list(const char *path,
                                                 const struct vmf_image_options *options,
                                                 struct vmf_image **list, struct vmf_error *error);

/* The disk that comes on a stream, as it comes, which takes it over, also on failure; *image =
 * NULL: it has to be stored, and the stream stands at its first byte and is the caller's. */
VMF_MUST_CHECK enum vmf_code vmf_image_open_arriving(struct vmf_io *stream,
                                                     const struct vmf_image_options *options,
                                                     struct vmf_image **image,
                                                     struct vmf_error *error);

/* The disk in such a file, which is taken over, also on failure. Nothing stands beside it. */
VMF_MUST_CHECK enum vmf_code vmf_image_open_stored(struct vmf_io *io,
                                                   const struct vmf_image_options *options,
                                                   struct vmf_image **image,
                                                   struct vmf_error *error);

/* ---- disks that come on a stream: one pass, on one thread ---- */

/* A disk of the format's container on `io`, which is taken over, also on failure. Its map is
 * VMF_UNSUPPORTED. *image NULL without an error: it cannot be read in this way, and io stays with
 * the caller, who can start it again. */
VMF_MUST_CHECK enum vmf_code vmf_container_open(const struct vmf_format *format, struct vmf_io *io,
                                                const struct vmf_image_options *options,
                                                struct vmf_image **image, struct vmf_error *error);

/* Whether the image is such a disk; VMF_UNSUPPORTED when it is, for what looks at any place. */
bool vmf_image_streams(const struct vmf_image *image); /* NULL is allowed */
VMF_MUST_CHECK enum vmf_code vmf_image_seekable(const struct vmf_image *image,
                                                struct vmf_error *error);

/* One of the disks of a container that was opened as a list of them (options->list_disks), on the
 * same stream: several may be taken, before the first byte of any. It is closed before the list. */
VMF_MUST_CHECK enum vmf_code vmf_container_take(struct vmf_image *list, unsigned disk,
                                                struct vmf_image **image, struct vmf_error *error);
/* Instead: closes the list, and gives its stream back, which starts again. */
VMF_MUST_CHECK enum vmf_code vmf_container_give_back(struct vmf_image *list, struct vmf_io **io,
                                                     struct vmf_error *error);

/* Which of the disks taken from the stream of `image` has data next; NULL: nothing more comes. The
 * bytes of the last span have been taken. */
VMF_MUST_CHECK enum vmf_code vmf_container_whose(struct vmf_image *image, struct vmf_image **whose,
                                                 struct vmf_error *error);

/* The next span, which starts at `guest` or behind it: between them are zeros. The bytes of the one
 * before have been taken. guest == image->size: nothing more may come. Where the next data is that
 * of another disk which was taken, all that is left of this one is zeros. */
VMF_MUST_CHECK enum vmf_code vmf_container_span(struct vmf_image *image, uint64_t guest,
                                                struct vmf_span *span, struct vmf_error *error);

/* In what pieces the data of the image comes in any order, bytes; 0: it does not. */
uint32_t vmf_image_pieces(const struct vmf_image *image); /* NULL is allowed */

/* Of such a disk. The next span, wherever it is; length 0: nothing more comes, or data of another
 * disk which was taken. And, when nothing more does, the first stretch at or behind `guest`, a
 * multiple of a piece, that did not come: it is zeros; *start == image->size: there is none. */
VMF_MUST_CHECK enum vmf_code vmf_container_arrival(struct vmf_image *image, struct vmf_span *span,
                                                   struct vmf_error *error);
void vmf_container_missing(const struct vmf_image *image, uint64_t guest, uint64_t *start,
                           uint64_t *end);

/* Replaces a file, or a stream, by what it holds, if it is packed and is to be unpacked. *inner:
 * the format that is named of what is inside, a fresh string, or NULL. Content decides where no
 * format is named (options->format), unless the name of the file says that it is a disk of one;
 * "raw.xz" names both; any other format is of what is inside where the file's name ends like that
 * packing
 * ("disk.raw.xz"). Takes *io over when it fails. VMF_REFUSED: it is packed twice. */
VMF_MUST_CHECK enum vmf_code vmf_packed_open(struct vmf_io **io,
                                             const struct vmf_image_options *options, char **inner,
                                             struct vmf_error *error);

/* How it is packed, by the same rules; NULL: it is taken as it is. */
VMF_MUST_CHECK enum vmf_code vmf_packed_find(struct vmf_io *io, const char *format,
                                             const struct vmf_packing **packing, char **inner,
                                             struct vmf_error *error);

/* A disk as it is unpacked, or as a server sends it that sends no parts, for one pass
 * (options->in_order); *image = NULL: it cannot be opened so, and io is as it was. Else takes it
 * over, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_image_open_once(struct vmf_io *io,
                                                 const struct vmf_image_options *options,
                                                 struct vmf_image **image, struct vmf_error *error);

/* Opens an image without its parents, for a caller that supplies the parent itself, and the
 * secret of one that is encrypted (or NULL). What is read does not stay in the page cache. */
VMF_MUST_CHECK enum vmf_code vmf_image_open_alone(const char *path, const char *format,
                                                  const struct vmf_secret *secret,
                                                  struct vmf_image **image,
                                                  struct vmf_error *error);

/* The raw disk in a file that is packed as a whole; member: in that member of the tar archive that
 * is packed, or NULL. What is read does not stay in the page cache. */
VMF_MUST_CHECK enum vmf_code vmf_image_open_packed(const char *path, const char *member,
                                                   const struct vmf_cancel *cancel,
                                                   struct vmf_image **image,
                                                   struct vmf_error *error);

/* Tells what a conversion of the image, and of those that it is made of, leaves behind. */
VMF_MUST_CHECK enum vmf_code vmf_image_report_losses(struct vmf_image *image,
                                                     struct vmf_report *report,
                                                     struct vmf_error *error);

/* Calls visit for every file of the chain (main files, extents, data files) until it returns false,
 * which is then returned. */
typedef bool vmf_file_visitor(const struct vmf_io *io, void *data);
bool vmf_image_visit_files(const struct vmf_image *image, vmf_file_visitor *visit, void *data);

/* How long these files are together. */
uint64_t vmf_image_stored_bytes(const struct vmf_image *image);

/* The same for one image of a chain, its parents left out, but not those of its parts. */
bool vmf_image_visit_own_files(const struct vmf_image *image, vmf_file_visitor *visit, void *data);

extern const struct vmf_limits vmf_default_limits;

/* Registry and probing. */
const struct vmf_format *vmf_format_find(const char *name); /* name or alias; NULL: unknown */
const char *vmf_format_hint(const char *name); /* which may be meant by an unknown one; or NULL */

/* Whether the file's name ends in one of the format's suffixes. */
bool vmf_format_has_suffix(const struct vmf_format *format, const char *path);

/* Where *path is a folder that is a disk: becomes that of the file in it that describes the disk.
 */
VMF_MUST_CHECK enum vmf_code vmf_bundle_find(char **path, struct vmf_error *error);

/* The format that the file's name says, or NULL. */
const struct vmf_format *vmf_format_suffixed(const char *path);

/* Recognises the content of io. VMF_REFUSED when two formats match; *format = NULL when none does.
 */
VMF_MUST_CHECK enum vmf_code vmf_probe_io(struct vmf_io *io, const struct vmf_format **format,
                                          struct vmf_error *error);

/* The same where the caller has its ends; io only gives its name. And the warning below. */
VMF_MUST_CHECK enum vmf_code vmf_probe_ends(const struct vmf_io *io, const struct vmf_probe *probe,
                                            const struct vmf_format **format,
                                            struct vmf_error *error);
void vmf_probe_warn_raw(const struct vmf_io *io, const struct vmf_probe *probe,
                        const struct vmf_log *log);

/* Whether the content is a tar archive, and neither the content nor the name or kind of the file
 * says that it is a disk of a format. */
bool vmf_probe_archive(struct vmf_io *io);

/* What content that nothing knows seems to be: see vmf_foreign_guess. */
VMF_MUST_CHECK enum vmf_code vmf_probe_guess(struct vmf_io *io, const char **guess,
                                             struct vmf_error *error);

/* Warns of content that is plainly no raw disk, when the person says that it is one. */
VMF_MUST_CHECK enum vmf_code vmf_probe_taken_as_raw(struct vmf_io *io, const struct vmf_log *log,
                                                    struct vmf_error *error);

/* Whether the file's name or kind says that it is no image of this format, whatever its content: a
 * guest can write what it likes into its raw disk. */
bool vmf_probe_contradicted(const struct vmf_io *io, const struct vmf_format *format);

enum { VMF_PARTITION_HEAD = 4104 /* bytes that tell of a partition table, zeros behind the end */ };

/* Whether the content starts with a partition table: then it is a whole disk. What cannot be read
 * is taken for one. */
bool vmf_head_partitioned(const uint8_t head[VMF_PARTITION_HEAD]);
bool vmf_probe_partitioned(struct vmf_io *io);

/* Whether content that no format knows may be taken as raw by its name or kind alone. */
bool vmf_probe_raw_allowed(const struct vmf_io *io);

#endif
