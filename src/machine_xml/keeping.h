/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine that is XML, while it is written. Elements are named by their paths, as the keys of
 * extras are ("devices/disk[0]/driver", see taking.h), so that what was kept of a machine of the
 * same vendor falls back into its place: attributes when an element is entered, elements when it is
 * left. Failure (no memory) is remembered in the markup. */
#ifndef VMF_MACHINE_XML_KEEPING_H
#define VMF_MACHINE_XML_KEEPING_H

#include "machine.h"
#include "markup.h"

enum { VMF_KEEPING_PATH = 128 }; /* bytes of a path that is written, with its NUL */

/* Which extras go back. Left out is what is not known, what is secret, and: */
struct vmf_keeping_rules {
  const char *vendor;             /* of the extras */
  const char *root;               /* the element whose path is "" */
  const char *const *single;      /* names of what a machine has once: a second one of it, since it
                                   * would take the place of the first; ends with NULL */
  const char *const *left_behind; /* beginnings of keys that belong to the old host or the old
                                   * images; ends with NULL */
};

/* An extra that goes back. */
struct vmf_kept_extra {
  const struct vmf_machine_extra *extra;
  size_t parent;    /* length of the path of its element: that of "vcpu" in "vcpu@cpuset" */
  const char *name; /* behind it, in the key */
  bool attribute;
  bool done; /* written, or left out on purpose */
};

struct vmf_keeping {
  struct vmf_markup markup;
  const struct vmf_keeping_rules *rules;
  const struct vmf_machine *machine;
  struct vmf_kept_extra *kept; /* owned; sorted by the path of their element, then as they came */
  size_t kept_count;
  bool native; /* the machine was one of this vendor: what it does not say is what the vendor takes
                */
};

/* The caller has set rules and machine; freed with vmf_keeping_clear, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_keeping_begin(struct vmf_keeping *keeping,
                                               struct vmf_error *error);
void vmf_keeping_clear(struct vmf_keeping *keeping);

/* The value of the extra of that key; NULL: none. */
const char *vmf_keeping_value(const struct vmf_keeping *keeping, const char *key);
/* Whether anything is kept of an element: attributes or children. */
bool vmf_keeping_keeps(const struct vmf_keeping *keeping, const char *path);
/* What was kept is left out: a child of that element. */
void vmf_keeping_forget(struct vmf_keeping *keeping, const char *path, const char *child);

/* ---- elements ---- */

/* "<name", of the last part of the path. */
void vmf_keeping_start(struct vmf_keeping *keeping, const char *path);
/* An attribute, unless one of that name was kept: then that is written. */
void vmf_keeping_set(struct vmf_keeping *keeping, const char *path, const char *name,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* An attribute in any case. */
void vmf_keeping_fix(struct vmf_keeping *keeping, const char *path, const char *name,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The attributes that were kept, and ">". */
void vmf_keeping_enter(struct vmf_keeping *keeping, const char *path);
/* The children that were kept, and "</name>". */
void vmf_keeping_leave(struct vmf_keeping *keeping, const char *path);
/* enter and leave, or "/>" where nothing stands between them. */
void vmf_keeping_end(struct vmf_keeping *keeping, const char *path);
/* The attributes that were kept, the text, and "</name>". */
void vmf_keeping_content(struct vmf_keeping *keeping, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* start and content. */
void vmf_keeping_leaf(struct vmf_keeping *keeping, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* start, one attribute, end. */
void vmf_keeping_simple(struct vmf_keeping *keeping, const char *path, const char *name,
                        const char *value);

#endif
