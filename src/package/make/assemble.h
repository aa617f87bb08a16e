/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing a package: its files one behind the other, each read once and written once, hashed as it
 * is written; then the descriptor, whose sizes are known by then, the manifest and the certificate.
 * In an archive their places are kept at its head, or on a pipe they follow at its end. */
#ifndef VMF_PACKAGE_MAKE_ASSEMBLE_H
#define VMF_PACKAGE_MAKE_ASSEMBLE_H

#include "disk_format.h"
#include "guid.h"
#include "hash_io.h"
#include "image.h"
#include "manifest.h"

enum { VMF_ASSEMBLY_HOLE = 4096 /* so many zeros of a disk become a hole */ };

/* One file of the package that is made. Either `image` is converted into it, or `io` copied. */
struct vmf_assembly_file {
  char *name;                    /* owned */
  char *stored;                  /* copied from a package: its name there; owned; else NULL */
  struct vmf_image *image;       /* not owned */
  const char *format, *options;  /* of the driver that writes the image */
  struct vmf_io *io;             /* not owned */
  uint64_t weight;               /* for progress: about how many bytes are read */
  bool unlisted;                 /* not in the manifest */
  bool wanted[VMF_DIGEST_KINDS]; /* of a copy: digests that `copied` asks for */
  /* once it is written */
  uint64_t size;
  uint64_t data_bytes;                               /* of the guest disk, not zero; with image */
  uint8_t digests[VMF_DIGEST_KINDS][VMF_DIGEST_MAX]; /* the manifest's, and those wanted */
};

/* What is known when the descriptor is asked for. */
enum vmf_describe {
  VMF_DESCRIBE_WIDEST, /* nothing: as long as it can get */
  VMF_DESCRIBE_EARLY,  /* no file has been written, on a pipe: sizes of copies only */
  VMF_DESCRIBE_FINAL,  /* everything */
};

struct vmf_assembly {
  struct vmf_assembly_file *files;
  size_t count;
  /* The descriptor's text, a fresh string. */
  enum vmf_code (*describe)(void *data, enum vmf_describe how, char **text, size_t *length,
                            struct vmf_error *error);
  /* A file has been copied, to where nobody sees it before the commit: fails where it may not stay.
   * NULL: all may. */
  enum vmf_code (*copied)(void *data, struct vmf_assembly_file *file, struct vmf_error *error);
  void *data;
  bool alone; /* in a folder: the descriptor's text with the files beside it, and no manifest */
  const char *format;                 /* with alone: of the text, "vmx"; static */
  const struct vmf_format *container; /* in place of a package a file of this format, which holds
                                       * the text and the disks; with alone. NULL: none */
  const char *machine, *text_name;    /* of the text in it: as in struct vmf_contents */
  uint64_t read_before;               /* bytes, by weight, for progress */
  struct vmf_assembly *next;    /* written behind it, to the same place: progress and the bound on
                                 * bytes are of all, and whether they fit is asked with the first */
  bool fits;                    /* it was asked */
  struct vmf_identity identity; /* of all of it, where an interrupted run can be gone on with */
  bool identified;              /* it is known */
  uint64_t written_before;      /* bytes of content of those before */
  /* Written as they are instead of new ones; NULL: made here. */
  const char *manifest_text, *certificate_text;
  size_t manifest_length, certificate_length;
};

/* Where `path` leads: an archive, or a folder with a descriptor. */
struct vmf_destination {
  char *path;            /* of the archive or the descriptor; "-": standard output */
  char *descriptor_name; /* without folder */
  bool archive;
  bool name_cut;     /* the path's is too long for the files in an archive */
  bool in_folder;    /* a folder was named: nothing leads out of it */
  char *made_folder; /* a folder that was made for it; removed again when nothing comes of it */
};

/* `path` as in vmf_package_convert; `name` is what a descriptor is called where the path does not
 * say ("vm", without suffix). Makes the folder that is asked for. */
VMF_MUST_CHECK enum vmf_code vmf_destination_find(const char *path, const char *name,
                                                  struct vmf_destination *destination,
                                                  struct vmf_error *error);
/* The same for a text with its files beside it: `path` is a folder, or ends in `suffix` (".vmx").
 */
VMF_MUST_CHECK enum vmf_code vmf_destination_beside(const char *path, const char *name,
                                                    const char *suffix,
                                                    struct vmf_destination *destination,
                                                    struct vmf_error *error);
/* The same for one file that holds everything, which may be "-", but is no folder. */
VMF_MUST_CHECK enum vmf_code vmf_destination_alone(const char *path,
                                                   struct vmf_destination *destination,
                                                   struct vmf_error *error);
/* One file in a folder that is named: NAME, and `suffix`. package: it is an archive of a package.
 */
VMF_MUST_CHECK enum vmf_code vmf_destination_inside(const char *path, const char *name,
                                                    const char *suffix, bool package,
                                                    struct vmf_destination *destination,
                                                    struct vmf_error *error);
/* Whether the path is that of a folder: it is one, or ends in '/'. */
bool vmf_destination_is_folder(const char *path);
void vmf_destination_clear(struct vmf_destination *destination, bool keep_folder);

/* A name for files that every reader of packages takes, from what a machine may be called: letters,
 * digits, "-", "." and "_". A fresh string. */
VMF_MUST_CHECK enum vmf_code vmf_assembly_file_name(const char *name, char **file_name,
                                                    struct vmf_error *error);

/* Names the file of a disk, whose image is set, after the descriptor, and weighs it: the second one
 * is "vm-disk2.vmdk". */
VMF_MUST_CHECK enum vmf_code vmf_assembly_disk(const struct vmf_destination *destination,
                                               size_t index, const char *suffix,
                                               struct vmf_assembly_file *file,
                                               struct vmf_error *error);

/* What a disk image has, and the file that is made of it has not. */
VMF_MUST_CHECK enum vmf_code vmf_assembly_disk_losses(struct vmf_image *disk,
                                                      struct vmf_report *report,
                                                      struct vmf_error *error);

/* In a folder: VMF_USAGE where a file of the package is there already, of whatever kind and source;
 * with `replace` only where it is read from. A certificate that lies there would be taken for that
 * of the new package. manifest, certificate: NULL where there is none. */
VMF_MUST_CHECK enum vmf_code vmf_beside_check(const struct vmf_destination *destination,
                                              const struct vmf_assembly *assembly,
                                              const char *manifest, const char *certificate,
                                              bool replace, struct vmf_error *error);

/* VMF_WRITE when the files cannot all be written where `io` is, a new file; where they may not fit,
 * log is told. taken: bytes that they have there already. Of options threads, crew and cancel
 * count.
 */
VMF_MUST_CHECK enum vmf_code vmf_assembly_fits(const struct vmf_assembly *assembly,
                                               const struct vmf_io *io, uint64_t taken,
                                               const struct vmf_job_options *options,
                                               const struct vmf_log *log, struct vmf_error *error);

/* The most bytes that the files can take are added to result->bytes, what is free where `io` is
 * goes to result->room. Only maps are read. */
VMF_MUST_CHECK enum vmf_code vmf_assembly_foresee(const struct vmf_assembly *assembly,
                                                  const struct vmf_io *io,
                                                  struct vmf_package_result *result,
                                                  struct vmf_error *error);

/* Settles the identity: that of an interrupted run which may be gone on with, or a new one. Who
 * needs ids before anything is written asks first. */
VMF_MUST_CHECK enum vmf_code vmf_assembly_identify(struct vmf_assembly *assembly,
                                                   const struct vmf_destination *destination,
                                                   const struct vmf_package_target *target,
                                                   struct vmf_error *error);

/* In steps, for several that appear together or not at all. All that an assembly points to lives as
 * long as *work. First what shows that it can be written; nothing but temporary files is made. */
struct vmf_assembling;
VMF_MUST_CHECK enum vmf_code vmf_assembling_new(const struct vmf_destination *destination,
                                                struct vmf_assembly *assembly,
                                                const struct vmf_package_target *target,
                                                struct vmf_assembling **work,
                                                struct vmf_error *error);
/* Then all bytes, but for the commit; *result: what was written. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_write(struct vmf_assembling *work,
                                                  struct vmf_package_result *result,
                                                  struct vmf_error *error);
/* Instead of that, of a dry run: what would be written is added to *result. */
VMF_MUST_CHECK enum vmf_code vmf_assembling_foresee(struct vmf_assembling *work,
                                                    struct vmf_package_result *result,
                                                    struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_assembling_commit(struct vmf_assembling *work,
                                                   struct vmf_error *error);
/* Behind a commit that replaced nothing: all of it is gone again. */
void vmf_assembling_take_back(struct vmf_assembling *work);
/* What was not committed never was. NULL is allowed. */
void vmf_assembling_free(struct vmf_assembling *work);

/* All steps of one. */
VMF_MUST_CHECK enum vmf_code vmf_assemble(const struct vmf_destination *destination,
                                          struct vmf_assembly *assembly,
                                          const struct vmf_package_target *target,
                                          struct vmf_error *error);

#endif
