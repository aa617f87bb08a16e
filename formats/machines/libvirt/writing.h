/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A domain XML while it is written. Elements are named by their paths, as the keys of extras are
 * ("devices/disk[0]/driver"), so that what was kept of a libvirt machine falls back into its place:
 * attributes when an element is entered, elements when it is left. */
#ifndef VMF_MACHINES_LIBVIRT_WRITING_H
#define VMF_MACHINES_LIBVIRT_WRITING_H

#include "machine_format.h"
#include "markup.h"
#include "words.h"

enum { LIBVIRT_PATH = 80 }; /* bytes of a path that is written, with its NUL */

/* An extra that came from libvirt. */
struct libvirt_kept {
  const struct vmf_machine_extra *extra;
  size_t parent;    /* length of the path of its element: that of "vcpu" in "vcpu@cpuset" */
  const char *name; /* behind it, in the key */
  bool attribute;
  bool done; /* written, or left out on purpose */
};

/* Where a disk is in the target. */
struct libvirt_place {
  enum vmf_bus bus;
  uint64_t controller, unit;
  bool placed;  /* controller and unit are chosen: not on a bus that has none */
  bool dropped; /* it has no content that could be written, or no place */
};

struct libvirt_writing {
  struct vmf_markup markup;
  const struct vmf_machine *machine;
  const struct vmf_machine_target *target;
  const struct vmf_machine_losses *losses;
  struct libvirt_kept *kept; /* owned; sorted by the path of their element, then as they came */
  size_t kept_count;
  bool native; /* it was a libvirt machine: what it does not say is what libvirt takes */
  bool q35, x86;
  char type[64];                /* of machine: "q35" */
  struct libvirt_place *places; /* owned; of machine->disks */
};

/* ---- what was kept ---- */

VMF_MUST_CHECK enum vmf_code libvirt_sort_kept(struct libvirt_writing *writing,
                                               struct vmf_error *error);
/* The value of the extra of that key; NULL: none. */
const char *libvirt_kept(const struct libvirt_writing *writing, const char *key);
/* Whether anything is kept of an element: attributes or children. */
bool libvirt_keeps(const struct libvirt_writing *writing, const char *path);

/* ---- elements ---- */

/* "<name", of the last part of the path. */
void libvirt_start(struct libvirt_writing *writing, const char *path);
/* An attribute, unless one of that name was kept: then that is written. */
void libvirt_set(struct libvirt_writing *writing, const char *path, const char *name,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
/* An attribute in any case. */
void libvirt_fix(struct libvirt_writing *writing, const char *path, const char *name,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The attributes that were kept, and ">". */
void libvirt_enter(struct libvirt_writing *writing, const char *path);
/* The children that were kept, and "</name>". */
void libvirt_leave(struct libvirt_writing *writing, const char *path);
/* enter and leave, or "/>" where nothing stands between them. */
void libvirt_end(struct libvirt_writing *writing, const char *path);
/* The attributes that were kept, the text, and "</name>". */
void libvirt_content(struct libvirt_writing *writing, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* start and content. */
void libvirt_leaf(struct libvirt_writing *writing, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* start, one attribute, end. */
void libvirt_simple(struct libvirt_writing *writing, const char *path, const char *name,
                    const char *value);

/* What was kept is left out: a child of that element. */
void libvirt_forget(struct libvirt_writing *writing, const char *path, const char *child);

/* ---- the parts ---- */

void libvirt_write_system(struct libvirt_writing *writing);
void libvirt_write_cpu(struct libvirt_writing *writing);
/* Chooses a bus, a controller and a unit for each disk, and tells what differs. */
VMF_MUST_CHECK enum vmf_code libvirt_place_disks(struct libvirt_writing *writing,
                                                 struct vmf_error *error);
/* Whether a controller of the machine is one in the target. */
bool libvirt_has_controller(const struct libvirt_writing *writing,
                            const struct vmf_machine_controller *controller);
void libvirt_write_disks(struct libvirt_writing *writing);
void libvirt_write_nics(struct libvirt_writing *writing);
void libvirt_write_devices(struct libvirt_writing *writing);

VMF_MUST_CHECK enum vmf_code libvirt_write(const struct vmf_machine *machine,
                                           const struct vmf_machine_target *target,
                                           const struct vmf_machine_losses *losses, char **text,
                                           size_t *length, struct vmf_error *error);

#endif
