/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A package on its way to another: what becomes of each of its files, and the descriptor that says
 * so. Shared by converting, unpacking and packing by a template. */
#ifndef VMF_PACKAGE_MAKE_CONVERSION_H
#define VMF_PACKAGE_MAKE_CONVERSION_H

#include "assemble.h"
#include "gate.h"
#include "profile.h"

/* What becomes of a References/File. */
struct vmf_converted_file {
  const struct vmf_ovf_file *file;
  struct vmf_image *image; /* it is converted; NULL: it is copied */
  bool own_image;          /* closed here */
  struct vmf_io *content;  /* it is copied as what it holds: chunks joined, unpacked */
  size_t index;            /* in assembly.files, of its first stored file */
  bool rewritten;          /* its File and Disk elements change */
  bool is_disk;            /* whose bytes stay, but whose capacity and format are looked at */
  struct vmf_image *kept;  /* of a disk that is copied as it is stored; the gate's; or NULL */
  uint64_t virtual_size;   /* of a disk, bytes */
  bool resized;            /* a copy whose size the descriptor does not say, or says wrongly */
  uint64_t right_size;
};

struct vmf_conversion {
  struct vmf_package *package;
  const struct vmf_package_target *target;
  const struct vmf_disk_format *form; /* of the disks; NULL: they are kept as they are */
  const char *options;                /* of that form, with what the person gave; owned */
  const struct vmf_destination *destination;
  struct vmf_report *report;
  struct vmf_gate gate;             /* of the source */
  struct vmf_manifest *manifest;    /* of the source; NULL: none, or not to be checked */
  struct vmf_image *const *disks;   /* instead of the package's own, in their order; NULL: those */
  struct vmf_converted_file *files; /* one for each of ovf->files */
  bool *named;                      /* of the archive's members: the descriptor names it */
  struct vmf_io **ios;              /* of stored files that are copied; closed at the end */
  size_t io_count, io_capacity;
  const struct vmf_platform *platform; /* that it is fitted to by splices; NULL: none */
  struct vmf_xml_edit *edit;
  struct vmf_assembly assembly;
  size_t capacity; /* of assembly.files */
};

/* "streamOptimized" and what the person gave besides, as create options. form == NULL when name is
 * NULL. */
VMF_MUST_CHECK enum vmf_code vmf_conversion_form(const struct vmf_package_target *target,
                                                 bool packed, const struct vmf_disk_format **form,
                                                 char **options, struct vmf_error *error);

/* A name for a file of the new package that nothing else in it has: the last part of `stored`, with
 * `suffix` (NULL: its own), cut where it is too long, which is told. A fresh string. */
VMF_MUST_CHECK enum vmf_code vmf_conversion_name(const struct vmf_conversion *conversion,
                                                 const char *stored, const char *suffix,
                                                 char **name, struct vmf_error *error);

/* Decides about every file, and writes the package. */
VMF_MUST_CHECK enum vmf_code vmf_conversion_run(struct vmf_conversion *conversion,
                                                struct vmf_error *error);
void vmf_conversion_clear(struct vmf_conversion *conversion);

/* vmf_package_convert, its descriptor fitted to a platform (vmf_ovf_can_fit; NULL: none). *written:
 * the descriptor that was written, or would be, read again; the caller frees it; or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_package_convert_for(struct vmf_package *package, const char *path,
                                                     const struct vmf_package_target *target,
                                                     const struct vmf_platform *platform,
                                                     struct vmf_ovf **written,
                                                     struct vmf_error *error);

/* VMF_UNSUPPORTED: a disk that is copied as it is stored is read from further files, and one of
 * these is not where the disk names it in the new package. */
VMF_MUST_CHECK enum vmf_code vmf_conversion_check_kept(const struct vmf_conversion *conversion,
                                                       struct vmf_error *error);

/* Whether a file is the package's descriptor, manifest or certificate. */
bool vmf_conversion_is_text(const struct vmf_package *package, const char *name);

/* Reads the source's manifest. What is wrong with it is the gate's business. */
VMF_MUST_CHECK enum vmf_code vmf_conversion_read_manifest(struct vmf_conversion *conversion,
                                                          struct vmf_error *error);

/* Keeps manifest and certificate as they are where the new package is the old one, byte for byte.
 */
VMF_MUST_CHECK enum vmf_code vmf_conversion_keep_texts(struct vmf_conversion *conversion,
                                                       struct vmf_error *error);

/* The descriptor with the edits that the files ask for. An assembly's describe. */
VMF_MUST_CHECK enum vmf_code vmf_conversion_describe(void *conversion, enum vmf_describe how,
                                                     char **text, size_t *length,
                                                     struct vmf_error *error);

#endif
