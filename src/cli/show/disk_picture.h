/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A disk as a picture (SVG): squares, each for a stretch of the disk, coloured by what is stored
 * for it. */
#ifndef VMF_CLI_DISK_PICTURE_H
#define VMF_CLI_DISK_PICTURE_H

#include <stdio.h>

#include "vmferry.h"

enum { VMF_PICTURE_COLUMNS = 64, VMF_PICTURE_ROWS = 32 };

/* How such a file begins. */
extern const char vmf_picture_mark[];

/* What is stored for a byte of the disk. */
enum vmf_picture_kind {
  VMF_PICTURE_DATA,   /* in the image itself */
  VMF_PICTURE_PACKED, /* likewise, packed */
  VMF_PICTURE_PARENT, /* in an image that it refers to */
  VMF_PICTURE_ZERO,   /* zeros, told or reserved */
  VMF_PICTURE_NOTHING,
  VMF_PICTURE_KINDS
};

struct vmf_picture {
  const char *name, *format; /* of the image */
  uint64_t start, end;       /* guest bytes that are drawn */
  uint64_t square;           /* bytes of one square; see vmf_picture_begin */
  uint64_t bytes[VMF_PICTURE_COLUMNS * VMF_PICTURE_ROWS][VMF_PICTURE_KINDS];
};

/* Nothing is stored for any of it. */
void vmf_picture_begin(struct vmf_picture *picture, struct vmf_image *image, uint64_t start,
                       uint64_t end);

/* An extent of the disk, whole or in part between the picture's ends. */
void vmf_picture_add(struct vmf_picture *picture, const struct vmf_extent *extent);

/* data: a struct vmf_picture. For vmf_report_file. */
void vmf_picture_write(FILE *out, const void *data);

#endif
