/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of opening an image: what its steps share. image.c opens one file, which may name others
 * (references.c) and a parent (parents.c). */
#ifndef VMF_IMAGE_OPENING_H
#define VMF_IMAGE_OPENING_H

#include "image.h"
#include "json_name.h"

struct vmf_opening {
  const struct vmf_image_options *options;
  struct vmf_image *child; /* NULL: the image that the person named */
  const char *format;
  struct vmf_opener *members;      /* of the image that the person named */
  const struct vmf_image *sibling; /* of the same file; or NULL */
  bool split;                      /* its io is the parts of one file */
  bool has_parent;                 /* supplied by the caller */
};

/* An image without its parents. Takes over io, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_open_node(struct vmf_io *io, const struct vmf_opening *opening,
                                           struct vmf_image **image, struct vmf_error *error);

/* Opens the parents of an image, one after the other. */
VMF_MUST_CHECK enum vmf_code vmf_open_chain(struct vmf_image *top,
                                            const struct vmf_image_options *options,
                                            struct vmf_error *error);

/* The format by name, or by content; VMF_REFUSED when it cannot be told. *guessed: it is raw only
 * because unknown_is_raw says so. */
VMF_MUST_CHECK enum vmf_code vmf_choose_format(struct vmf_io *io, const struct vmf_opening *opening,
                                               const struct vmf_format **format, bool *guessed,
                                               struct vmf_error *error);

/* Opens what the image names: a member of its package, or a file by the policy. */
VMF_MUST_CHECK enum vmf_code vmf_open_named(const struct vmf_node *node, const char *name,
                                            enum vmf_reference reference, struct vmf_io **io,
                                            struct vmf_error *error);

/* The error for an image that may name nothing, and names `name`. */
VMF_MUST_CHECK enum vmf_code vmf_refuse_reference(const struct vmf_node *node, const char *name,
                                                  struct vmf_error *error);

/* The opener that a driver is given: every file goes through the policy and is remembered. */
VMF_MUST_CHECK enum vmf_code vmf_open_for_driver(struct vmf_opener *opener, const char *name,
                                                 enum vmf_reference reference, struct vmf_io **io,
                                                 struct vmf_error *error);

/* The names in a folder beside the image, by the same policy. */
VMF_MUST_CHECK enum vmf_code vmf_list_for_driver(struct vmf_opener *opener, const char *folder,
                                                 vmf_name_visitor *visit, void *data,
                                                 struct vmf_error *error);

/* An image that is named in JSON. What vmf_json_name_read gives, where `given` (or NULL) is what
 * the format is said to be besides: VMF_USAGE when they are two. read->format: the one that was
 * told, or NULL. Options are those of a format whose reader has some. */
VMF_MUST_CHECK enum vmf_code vmf_json_source_read(const char *name, const char *given,
                                                  struct vmf_json_name *read,
                                                  struct vmf_error *error);

/* ---- files that hold several disks (contents.c) ---- */

/* The disk that is called so: by its id, its name, or its number from 1 on. NULL: the only one,
 * where what is no disk does not count. VMF_USAGE lists those that there are, `file` before
 * them; also when two have the name. */
VMF_MUST_CHECK enum vmf_code vmf_contents_choose(const struct vmf_contents *contents,
                                                 const char *file, const char *wanted,
                                                 unsigned *chosen, struct vmf_error *error);

/* Sets which of image->contents the node is, for what the person wants; where only a list is
 * wanted and none can be chosen, it is `listed`. */
VMF_MUST_CHECK enum vmf_code vmf_contents_pick(struct vmf_node *node,
                                               const struct vmf_image_options *options,
                                               struct vmf_error *error);

/* Adds "disks", a list of all; of one alone its "disk-id" and "disk-name" are added. */
VMF_MUST_CHECK enum vmf_code vmf_contents_show(const struct vmf_contents *contents,
                                               struct vmf_value *root, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_contents_show_one(const struct vmf_container_disk *disk,
                                                   struct vmf_value *root, struct vmf_error *error);

#endif
