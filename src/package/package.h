/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An open package: a descriptor, the files that stand beside it, in its folder or in an archive. */
#ifndef VMF_PACKAGE_PACKAGE_H
#define VMF_PACKAGE_PACKAGE_H

#include <stdatomic.h>

#include "image.h"
#include "log.h"
#include "manifest.h"
#include "model.h"
#include "tar.h"

/* Disks of one chain of parentRef, at most. */
enum { VMF_PACKAGE_CHAIN = 64 };

struct vmf_package {
  struct vmf_package_options options; /* allow_refs is a copy */
  struct vmf_first_warning odd; /* with options.strict: between options.log and the caller's */
  char *path;                   /* as it was given */
  struct vmf_io *io;            /* of the archive; NULL: a descriptor with its files beside */
  struct vmf_tar *tar;          /* with io */
  size_t *by_name;              /* the indices of tar->members, sorted by name */
  char *descriptor_path;        /* of the .ovf in a folder; NULL with io */
  char *name;                   /* of the .ovf in the package: "vm.ovf" */
  struct vmf_ovf *ovf;
  void *descriptor; /* the bytes of the .ovf as they are in the file; may be those of ovf->xml */
  size_t descriptor_length;
  /* NULL: there is none; the bytes as they are, with a NUL behind */
  char *manifest_name, *manifest_text;
  size_t manifest_length;
  char *certificate_name, *certificate_text;
  size_t certificate_length;
  struct vmf_report notes; /* what reading the descriptor found; kept in found[] */
  struct vmf_found {
    enum vmf_severity severity;
    char *rule, *file, *text;
    unsigned line;
  } * found;
  size_t found_count, found_capacity;
  char *language;        /* options.language, or NULL */
  struct vmf_io **texts; /* files that texts were read from, open until the end */
  size_t text_count, text_capacity;
  char **moved; /* names that were told to be files in another case */
  size_t moved_count, moved_capacity;
  bool may_be_other, other;  /* an archive without a descriptor is no error; it is one */
  bool in_folder;            /* the descriptor is not at the top of the archive: names were cut */
  struct vmf_opener members; /* what images in an archive may refer to */
  atomic_uint users;         /* the caller and every image opened from it */
};

/* Like vmf_package_open, but an archive that holds no descriptor is no error, nor is anything that
 * comes on standard input: then *package is NULL, and the caller closes *archive, which is
 * otherwise NULL. */
VMF_MUST_CHECK enum vmf_code vmf_package_open_archive(const char *path,
                                                      const struct vmf_package_options *options,
                                                      struct vmf_package **package,
                                                      struct vmf_io **archive,
                                                      struct vmf_error *error);

/* The archive in an io, which is taken over, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_package_open_io(struct vmf_io *io,
                                                 const struct vmf_package_options *options,
                                                 struct vmf_package **package,
                                                 struct vmf_error *error);

/* A package is opened as the images in it will be. */
static inline struct vmf_package_options vmf_package_options_of(
    const struct vmf_image_options *options)
{
  return (struct vmf_package_options){.size = sizeof(struct vmf_package_options),
                                      .allow_refs = options->allow_refs,
                                      .no_refs = options->no_refs,
                                      .ignore_locks = options->ignore_locks,
                                      .read_all = options->read_all,
                                      .no_cache = options->no_cache,
                                      .no_replay = options->no_replay,
                                      .install = options->install,
                                      .language = options->language,
                                      .log = options->log,
                                      .cancel = options->cancel,
                                      .progress = options->progress,
                                      .progress_data = options->progress_data,
                                      .max_bytes = options->max_bytes,
                                      .secrets = options->secrets,
                                      .secret_count = options->secret_count,
                                      .strict = options->strict};
}

/* Drops one user; the last one closes it. */
void vmf_package_release(void *package);

/* The package's name in messages, and that of a file in it. */
const char *vmf_package_file_label(const struct vmf_package *package, const char *name,
                                   char label[512]);

/* Whether the package stores a file of that name. */
bool vmf_package_has(const struct vmf_package *package, const char *name);

/* Takes what macOS leaves in archives out of the list of members, and notes it. */
void vmf_package_drop_junk(struct vmf_package *package);

/* Hands what reading the descriptor found to `report`. */
void vmf_package_tell(const struct vmf_package *package, struct vmf_report *report);

/* The index in tar->members of the file of that name, or SIZE_MAX. Without an archive SIZE_MAX. */
size_t vmf_package_member(const struct vmf_package *package, const char *name);

/* How the package's descriptor is read, but for what is installed of it. */
struct vmf_ovf_asked vmf_package_asked(struct vmf_package *package);

/* Reads a descriptor that is to be the package's, in the language of the one that it has. */
VMF_MUST_CHECK enum vmf_code vmf_package_read(struct vmf_package *package, const char *text,
                                              size_t length, struct vmf_ovf **ovf,
                                              struct vmf_error *error);

/* Gives an open package another descriptor, of which nobody holds a part: nothing else of it
 * changes. `text`, with a NUL behind, is taken over, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_package_redescribe(struct vmf_package *package, char *text,
                                                    size_t length, struct vmf_error *error);

/* Adds "machine", or "machines" of several, to what `info` shows. */
VMF_MUST_CHECK enum vmf_code vmf_package_show_machines(const struct vmf_package *package,
                                                       struct vmf_value *root,
                                                       struct vmf_error *error);

/* The name that a File's href means: %-escapes resolved, "file:" or a leading "./" cut.
 * VMF_REFUSED: a network address, an absolute path, "..", a control character. A fresh string. */
VMF_MUST_CHECK enum vmf_code vmf_package_href(const struct vmf_package *package,
                                              const struct vmf_ovf_file *file, char **name,
                                              struct vmf_error *error);

/* The bytes of one file of the package as it is stored, by name: what the manifest counts. The name
 * obeys the same policy; in a folder it may be in another case than the file's, which the log is
 * told of. VMF_CORRUPT: not there. The caller closes the io, before the package. */
VMF_MUST_CHECK enum vmf_code vmf_package_open_stored(struct vmf_package *package, const char *name,
                                                     struct vmf_io **io, struct vmf_error *error);

/* All bytes of an io, which is closed, and a zero behind them: *bytes is fresh; untouched without
 * VMF_OK. VMF_LIMIT: more than `limit`, which are too many for `what`. */
VMF_MUST_CHECK enum vmf_code vmf_package_read_whole(const struct vmf_package *package,
                                                    struct vmf_io *io, size_t limit,
                                                    const char *what, char **bytes, size_t *length,
                                                    struct vmf_error *error);

/* The names of the stored files of a References/File: one, or one for each chunk. *names is a fresh
 * array of fresh strings. VMF_CORRUPT: one is missing. */
VMF_MUST_CHECK enum vmf_code vmf_package_stored_names(struct vmf_package *package,
                                                      const struct vmf_ovf_file *file,
                                                      char ***names, size_t *count,
                                                      struct vmf_error *error);
void vmf_package_names_free(char **names, size_t count);

/* The content of a References/File: chunks joined, gzip unpacked. The caller closes the io, before
 * the package. told: its progress is told how far unpacking is; or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_package_open_content(struct vmf_package *package,
                                                      const struct vmf_ovf_file *file,
                                                      const struct vmf_image_options *told,
                                                      struct vmf_io **io, struct vmf_error *error);

/* The same while the package is opened: at most `limit` bytes are unpacked. */
VMF_MUST_CHECK enum vmf_code vmf_package_open_text(struct vmf_package *package,
                                                   const struct vmf_ovf_file *file, uint64_t limit,
                                                   struct vmf_io **io, struct vmf_error *error);

/* How many bytes may be unpacked of one file. */
uint64_t vmf_package_most(const struct vmf_package *package);

/* Unpacks a file that is packed, for nothing but to see whether it can be. */
VMF_MUST_CHECK enum vmf_code vmf_package_unpack_file(struct vmf_package *package,
                                                     const struct vmf_ovf_file *file,
                                                     struct vmf_error *error);

/* A vmf_opener.open for `members`: what an image in an archive names is another member of it. */
VMF_MUST_CHECK enum vmf_code vmf_package_open_member(struct vmf_opener *opener, const char *name,
                                                     enum vmf_reference reference,
                                                     struct vmf_io **io, struct vmf_error *error);

/* The image of a disk, its chain of parentRef below it. */
VMF_MUST_CHECK enum vmf_code vmf_package_open_image(struct vmf_package *package,
                                                    const struct vmf_ovf_disk *disk,
                                                    const struct vmf_image_options *options,
                                                    struct vmf_image **image,
                                                    struct vmf_error *error);

/* The same with the package's options; of an encrypted disk no secret is asked, and its content
 * cannot be read. */
VMF_MUST_CHECK enum vmf_code vmf_package_open_locked(struct vmf_package *package,
                                                     const struct vmf_ovf_disk *disk,
                                                     struct vmf_image **image,
                                                     struct vmf_error *error);

#endif
