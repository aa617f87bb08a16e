/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Small disks with chosen content, and what a target is written with. */
#ifndef VMF_TESTS_FUZZ_DISKS_H
#define VMF_TESTS_FUZZ_DISKS_H

#include "choices.h"
#include "image.h"

enum { FUZZ_OPTIONS = 512, FUZZ_DISK_MAX = 34 << 20 };

struct fuzz_disk {
  uint8_t *bytes;
  size_t size;
};

/* Some sectors to some MiB of zeros, random bytes, text, and what stood there before. Freed by the
 * caller. */
struct fuzz_disk fuzz_disk_make(struct fuzz_choices *choices);

/* Changes some places. */
void fuzz_disk_change(struct fuzz_choices *choices, struct fuzz_disk *disk);

/* A raw image of these bytes, which it copies. */
struct vmf_image *fuzz_disk_image(const struct fuzz_disk *disk);

/* Faults where the image does not have these bytes; what it has behind them is zeros. */
void fuzz_disk_expect(struct vmf_image *image, const struct fuzz_disk *disk, const char *what);

/* A format that can be written. */
const char *fuzz_format(struct fuzz_choices *choices);

/* Values for some of the create options of a format, by the table that the library has of them. */
void fuzz_format_options(struct fuzz_choices *choices, const char *format, char text[FUZZ_OPTIONS]);

#endif
