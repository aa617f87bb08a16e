/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * DiskDescriptor.xml of a bundle: ranges of the disk (Storage), each with a file for each snapshot
 * (Shot) it is in. */
#ifndef PARALLELS_BUNDLE_H
#define PARALLELS_BUNDLE_H

#include "parallels.h"
#include "xml.h"

#define PARALLELS_ROOT "Parallels_disk_image"
#define PARALLELS_DESCRIPTOR "DiskDescriptor.xml"

struct parallels_shot {
  char *guid, *parent;
};

struct parallels_bundle {
  struct vmf_xml *xml;
  uint64_t sectors; /* of the disk */
  const xmlNode **storages;
  size_t storage_count, storage_room;
  struct parallels_shot *shots;
  size_t shot_count, shot_room;
  char *top; /* the state that a machine would start with */
};

/* Parses and checks the whole text, image->io. parallels_bundle_free follows in any case. */
enum vmf_code parallels_bundle_read(const struct vmf_image *image, struct parallels_bundle *bundle,
                                    struct vmf_error *error);
void parallels_bundle_free(struct parallels_bundle *bundle);

/* The range of a storage, sectors. */
enum vmf_code parallels_bundle_range(const struct vmf_image *image, const xmlNode *storage,
                                     uint64_t *start, uint64_t *end, struct vmf_error *error);

/* The file of a storage in a snapshot, a fresh string; *plain: its bytes are the disk's. */
enum vmf_code parallels_bundle_file(const struct vmf_image *image, const xmlNode *storage,
                                    const char *guid, char **name, bool *plain,
                                    struct vmf_error *error);

/* The snapshot of that id; NULL: there is none. Braces and case do not count. */
const struct parallels_shot *parallels_bundle_shot(const struct parallels_bundle *bundle,
                                                   const char *guid);

/* Whether the snapshot is the last of its chain: its parent is all zeros. */
bool parallels_bundle_is_base(const struct parallels_shot *shot);

/* VMF_REFUSED: the image, which is a file, is one of several of the bundle beside it. */
enum vmf_code parallels_check_alone(struct vmf_image *image, struct vmf_error *error);

/* Opens the layers of the state, or of a snapshot; sets image->size and unit. */
enum vmf_code parallels_open_bundle(struct vmf_image *image, const char *snapshot,
                                    struct vmf_error *error);

#endif
