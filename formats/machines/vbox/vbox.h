/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * VirtualBox's .vbox. */
#ifndef VMF_MACHINES_VBOX_H
#define VMF_MACHINES_VBOX_H

#include "machine_format.h"
#include "vbox_hardware.h"

/* An image that the machine's registry names. */
struct vbox_medium {
  uint8_t uuid[16];
  const xmlNode *element;
  const struct vbox_medium *parent; /* of a differencing disk: what it was made on */
  bool encrypted;                   /* or one of its parents is */
};

struct vbox_reader {
  struct vmf_vbox_reading reading;
  const struct vmf_machine_source *source;
  struct vbox_medium *media; /* owned; in the order of the document */
  size_t medium_count, medium_room;
  struct vbox_medium **by_uuid; /* owned; sorted */
};

/* <MediaRegistry>: fills the media. */
VMF_MUST_CHECK enum vmf_code vbox_read_media(struct vbox_reader *reader, const xmlNode *machine,
                                             struct vmf_error *error);
void vbox_clear_media(struct vbox_reader *reader);

/* A find_image of struct vmf_vbox_reading; data: the reader. */
enum vmf_code vbox_find_image(void *data, const struct vmf_told_text *uuid,
                              struct vmf_machine_disk *disk, struct vmf_error *error);

/* All snapshots; *chosen: the element of the one that the source asks for, or NULL. */
VMF_MUST_CHECK enum vmf_code vbox_read_snapshots(const struct vbox_reader *reader,
                                                 const xmlNode *machine, const xmlNode **chosen,
                                                 struct vmf_error *error);

#endif
