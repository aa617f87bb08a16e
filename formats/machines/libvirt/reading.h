/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A domain XML while it is read. What has been understood is marked as taken,
 * element by element and attribute by attribute; what is left at the end is
 * kept as extras (leftovers.c), so that nothing can be forgotten in between. */
#ifndef VMF_MACHINES_LIBVIRT_READING_H
#define VMF_MACHINES_LIBVIRT_READING_H

#include "machine_format.h"
#include "words.h"
#include "xml.h"

/* Attributes at this place of their element or behind it are always extras. */
enum { LIBVIRT_ELEMENT_BIT = 63 };

struct libvirt_reading {
  const char *name; /* of the file, for messages */
  const struct vmf_xml *xml;
  struct vmf_machine *machine;
  struct vmf_report *report;
  /* By the number of the element: bit n, its n-th attribute; bit 63, the
   * element and its text. */
  uint64_t *taken;
  char **labels;   /* of an element whose path has an index: "disk[0]"; NULL: by
                      its place */
  size_t inserted; /* bytes of declarations that leftovers have and the file has
                      elsewhere */
};

/* ---- looking: elements of libvirt's own, which have no namespace ---- */

xmlNode *libvirt_child(const xmlNode *parent, const char *name); /* NULL: none, or parent is NULL */
xmlNode *libvirt_next(const xmlNode *element);                   /* of the same name */

/* ---- taking; an element that is NULL has no attribute and no text ---- */

void libvirt_take(const struct libvirt_reading *reading, const xmlNode *element);

/* An attribute's value; peek: it stays an extra. */
VMF_MUST_CHECK enum vmf_code libvirt_peek(const struct libvirt_reading *reading,
                                          const xmlNode *element, const char *name,
                                          struct vmf_told_text *told, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code libvirt_peek_text(const struct libvirt_reading *reading,
                                               const xmlNode *element, struct vmf_told_text *told,
                                               struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code libvirt_take_text(const struct libvirt_reading *reading,
                                               const xmlNode *element, struct vmf_told_text *told,
                                               struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code libvirt_take_attribute(const struct libvirt_reading *reading,
                                                    const xmlNode *element, const char *name,
                                                    struct vmf_told_text *told,
                                                    struct vmf_error *error);
void libvirt_mark(const struct libvirt_reading *reading, const xmlNode *element, const char *name);

/* A number of at most `most`; VMF_CORRUPT: it is none. */
VMF_MUST_CHECK enum vmf_code libvirt_number(const struct libvirt_reading *reading,
                                            const struct vmf_told_text *text, const char *what,
                                            uint64_t most, struct vmf_told_number *number,
                                            struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code libvirt_take_number(const struct libvirt_reading *reading,
                                                 const xmlNode *element, const char *name,
                                                 uint64_t most, struct vmf_told_number *number,
                                                 struct vmf_error *error);
/* A value that the table has; any other stays an extra. */
VMF_MUST_CHECK enum vmf_code libvirt_take_word(const struct libvirt_reading *reading,
                                               const xmlNode *element, const char *name,
                                               const struct libvirt_word *words,
                                               struct vmf_told_number *number,
                                               struct vmf_error *error);
/* The neutral name of a value; what the table lacks is taken as it stands. */
VMF_MUST_CHECK enum vmf_code libvirt_take_name(const struct libvirt_reading *reading,
                                               const xmlNode *element, const char *name,
                                               const struct libvirt_name *names,
                                               struct vmf_told_text *told, struct vmf_error *error);
/* "yes", "on": 1; "no", "off": 0. */
extern const struct libvirt_word libvirt_switch[];

/* The label of an element in the paths of extras: "disk[0]". */
VMF_MUST_CHECK enum vmf_code libvirt_label(const struct libvirt_reading *reading,
                                           const xmlNode *element, struct vmf_error *error,
                                           const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- the parts ---- */

VMF_MUST_CHECK enum vmf_code libvirt_read_system(const struct libvirt_reading *reading,
                                                 const xmlNode *domain, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code libvirt_read_cpu(const struct libvirt_reading *reading,
                                              const xmlNode *domain, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code libvirt_read_disks(const struct libvirt_reading *reading,
                                                const xmlNode *devices, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code libvirt_read_nics(const struct libvirt_reading *reading,
                                               const xmlNode *devices, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code libvirt_read_devices(const struct libvirt_reading *reading,
                                                  const xmlNode *devices, struct vmf_error *error);
/* What libvirt itself refuses, and could not be written again. */
VMF_MUST_CHECK enum vmf_code libvirt_check(const struct libvirt_reading *reading,
                                           struct vmf_error *error);
/* All that was not taken becomes extras. */
VMF_MUST_CHECK enum vmf_code libvirt_keep_leftovers(struct libvirt_reading *reading,
                                                    const xmlNode *domain, struct vmf_error *error);

#endif
